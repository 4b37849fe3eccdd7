//! The response.

use serde_json::{Value, json};

use crate::wire::{Answer, ChatResponse, Fault, Node, ReadError, Reasoning, Usage};
use crate::{Arguments, StopReason, ToolCall, Turn};

pub(crate) fn read(root: &Node<'_, '_>) -> Result<ChatResponse, ReadError> {
    let mut text = String::new();
    let mut calls: Vec<ToolCall> = Vec::new();
    let mut reasoning = Vec::new();
    for block in root.required("content")?.elements()? {
        match block.required("type")?.text()? {
            "text" => text.push_str(block.required("text")?.text()?),
            "thinking" => reasoning.push(Reasoning::Shown {
                text: block.required("thinking")?.text()?.to_owned(),
                signature: block.member("signature").map(|n| n.text().map(str::to_owned)).transpose()?,
            }),
            "redacted_thinking" => {
                reasoning.push(Reasoning::Sealed(block.required("data")?.text()?.to_owned()));
            }
            "tool_use" => {
                let id = block.required("id")?;
                let call = ToolCall {
                    id: id.id()?.to_owned(),
                    name: block.required("name")?.name()?,
                    arguments: Arguments::new(block.required("input")?.object()?.clone()),
                };
                if calls.iter().any(|known| known.id == call.id) {
                    return Err(id.fail(Fault::Twice(format!("the call {:?}", call.id))));
                }
                calls.push(call);
            }
            other => return Err(unknown_block(&block, other)),
        }
    }
    let turn = Turn { text, calls, stop: stop(&root.required("stop_reason")?)? };
    Ok(ChatResponse {
        id: root.required("id")?.id()?.to_owned(),
        model: root.required("model")?.id()?.to_owned(),
        created: 0,
        answers: vec![Answer { turn, refusal: None, reasoning }],
        usage: root.member("usage").map_or(Ok(Usage::default()), |node| usage(&node))?,
    })
}

pub(crate) fn unknown_block(node: &Node<'_, '_>, kind: &str) -> ReadError {
    let what = format!("a block of type {:?} in an answer", kind.chars().take(40).collect::<String>());
    node.unsupported(what, "offer only tools that you run yourself")
}

/// Cached tokens were read, too.
pub(crate) fn usage(node: &Node<'_, '_>) -> Result<Usage, ReadError> {
    let whole = |key| node.member(key).map_or(Ok(0), |node| node.whole());
    let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
        .into_iter()
        .try_fold(0_u64, |sum, key| whole(key).map(|n| sum.saturating_add(n)))?;
    Ok(Usage { input, output: whole("output_tokens")? })
}

pub(crate) fn stop(node: &Node<'_, '_>) -> Result<StopReason, ReadError> {
    Ok(match node.text()? {
        "end_turn" | "stop_sequence" | "pause_turn" => StopReason::End,
        "tool_use" => StopReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "refusal" => StopReason::Filtered,
        other => {
            let why = format!("{:?} is no reason to stop", other.chars().take(40).collect::<String>());
            return Err(node.fail(Fault::Value(why)));
        }
    })
}

pub(crate) const fn write_stop(stop: StopReason) -> &'static str {
    match stop {
        StopReason::End => "end_turn",
        StopReason::ToolCalls => "tool_use",
        StopReason::Length => "max_tokens",
        StopReason::Filtered => "refusal",
    }
}

/// The protocol has one answer; of several, the first is written.
pub(crate) fn write(response: &ChatResponse) -> Value {
    let answer = response.answers.first();
    let mut content: Vec<Value> = Vec::new();
    for reasoning in answer.map(|a| a.reasoning.as_slice()).unwrap_or_default() {
        content.push(match reasoning {
            Reasoning::Shown { text, signature } => json!({
                "type": "thinking",
                "thinking": text,
                "signature": signature.clone().unwrap_or_default(),
            }),
            Reasoning::Sealed(data) => json!({ "type": "redacted_thinking", "data": data }),
        });
    }
    let texts = answer.map(|a| [Some(&a.turn.text), a.refusal.as_ref()]);
    for text in texts.into_iter().flatten().flatten().filter(|text| !text.is_empty()) {
        content.push(json!({ "type": "text", "text": text, "citations": null }));
    }
    for call in answer.map(|a| a.turn.calls.as_slice()).unwrap_or_default() {
        content
            .push(json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments }));
    }
    let mut message = skeleton(&response.id, &response.model, &response.usage);
    if let Some(members) = message.as_object_mut() {
        members.insert("content".to_owned(), content.into());
        members.insert("stop_reason".to_owned(), answer.map(|a| write_stop(a.turn.stop)).into());
    }
    message
}

/// A message that has not said anything yet.
pub(crate) fn skeleton(id: &str, model: &str, usage: &Usage) -> Value {
    json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": { "input_tokens": usage.input, "output_tokens": usage.output },
    })
}
