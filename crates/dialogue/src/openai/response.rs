//! The response.

use serde_json::{Value, json};

use crate::wire::{Answer, ChatResponse, Fault, Node, ReadError, Reasoning, Usage, call_arguments, members};
use crate::{StopReason, ToolCall, Turn};

pub(crate) fn read(root: &Node<'_, '_>) -> Result<ChatResponse, ReadError> {
    let choices = root.required("choices")?;
    let mut answers = Vec::new();
    for choice in choices.elements()? {
        answers.push(read_choice(&choice)?);
    }
    if answers.is_empty() {
        return Err(choices.fail(Fault::Value("there is no answer".to_owned())));
    }
    Ok(ChatResponse {
        id: root.required("id")?.id()?.to_owned(),
        model: root.required("model")?.id()?.to_owned(),
        created: created(root)?,
        answers,
        usage: root.member("usage").map_or(Ok(Usage::default()), |node| usage(&node))?,
    })
}

pub(crate) fn created(root: &Node<'_, '_>) -> Result<u64, ReadError> {
    // Some servers write it with a fraction.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time after 1970, in seconds"
    )]
    root.member("created").map_or(Ok(0), |node| node.number().map(|n| n as u64))
}

pub(crate) fn usage(node: &Node<'_, '_>) -> Result<Usage, ReadError> {
    let whole = |key| node.member(key).map_or(Ok(0), |node| node.whole());
    Ok(Usage { input: whole("prompt_tokens")?, output: whole("completion_tokens")? })
}

pub(crate) fn write_usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}

fn read_choice(choice: &Node<'_, '_>) -> Result<Answer, ReadError> {
    let message = choice.required("message")?;
    message.object()?;
    for key in ["audio", "function_call"] {
        if let Some(node) = message.member(key) {
            return Err(node.unsupported(format!("{key:?} in an answer"), "ask for text and tool calls"));
        }
    }
    let text = |key| message.member(key).map(|node| node.text().map(str::to_owned)).transpose();
    let mut calls: Vec<ToolCall> = Vec::new();
    if let Some(node) = message.member("tool_calls") {
        for call in node.elements()? {
            let function = call.required("function")?;
            let arguments = function.required("arguments")?;
            let parsed = call_arguments(arguments.text()?, usize::MAX)
                .map_err(|why| arguments.fail(Fault::Value(format!("the arguments {why}"))))?;
            let id = call.required("id")?;
            let new = ToolCall {
                id: id.id()?.to_owned(),
                name: function.required("name")?.name()?,
                arguments: parsed,
            };
            if calls.iter().any(|known| known.id == new.id) {
                return Err(id.fail(Fault::Twice(format!("the call {:?}", new.id))));
            }
            calls.push(new);
        }
    }
    let stop = match choice.member("finish_reason") {
        Some(node) => stop(&node)?,
        None if calls.is_empty() => StopReason::End,
        None => StopReason::ToolCalls,
    };
    let reasoning = text("reasoning_content")?.map(|text| Reasoning::Shown { text, signature: None });
    Ok(Answer {
        turn: Turn { text: text("content")?.unwrap_or_default(), calls, stop },
        refusal: text("refusal")?,
        reasoning: reasoning.into_iter().collect(),
    })
}

/// Why it stopped, in the words of the servers that speak this protocol.
pub(crate) fn stop(node: &Node<'_, '_>) -> Result<StopReason, ReadError> {
    Ok(match node.text()? {
        "stop" | "eos" | "eos_token" | "stop_sequence" => StopReason::End,
        "tool_calls" => StopReason::ToolCalls,
        "length" | "max_tokens" => StopReason::Length,
        "content_filter" => StopReason::Filtered,
        other => {
            let why = format!("{:?} is no reason to stop", other.chars().take(40).collect::<String>());
            return Err(node.fail(Fault::Value(why)));
        }
    })
}

pub(crate) const fn write_stop(stop: StopReason) -> &'static str {
    match stop {
        StopReason::End => "stop",
        StopReason::ToolCalls => "tool_calls",
        StopReason::Length => "length",
        StopReason::Filtered => "content_filter",
    }
}

pub(crate) fn write(response: &ChatResponse) -> Value {
    let choices: Vec<Value> = response
        .answers
        .iter()
        .enumerate()
        .map(|(index, answer)| {
            json!({
                "index": index,
                "message": message(answer),
                "logprobs": null,
                "finish_reason": write_stop(answer.turn.stop),
            })
        })
        .collect();
    json!({
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": response.model,
        "choices": choices,
        "usage": write_usage(&response.usage),
    })
}

fn message(answer: &Answer) -> Value {
    let turn = &answer.turn;
    let silent = turn.text.is_empty() && (!turn.calls.is_empty() || answer.refusal.is_some());
    let calls: Vec<Value> = turn
        .calls
        .iter()
        .map(|call| {
            let arguments = serde_json::to_string(&call.arguments).unwrap_or_default();
            json!({
                "id": call.id,
                "type": "function",
                "function": { "name": call.name, "arguments": arguments },
            })
        })
        .collect();
    let shown: String = answer
        .reasoning
        .iter()
        .filter_map(|r| if let Reasoning::Shown { text, .. } = r { Some(text.as_str()) } else { None })
        .collect();
    Value::Object(members([
        ("role", Some(json!("assistant"))),
        ("content", Some(if silent { Value::Null } else { json!(turn.text) })),
        ("refusal", Some(json!(answer.refusal))),
        ("reasoning_content", (!shown.is_empty()).then(|| json!(shown))),
        ("tool_calls", (!calls.is_empty()).then(|| calls.into())),
    ]))
}
