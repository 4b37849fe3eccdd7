//! A request from a prompt.

use serde_json::{Value, json};

use crate::wire::{Prompt, Provenance, ToolChoice, members};
use crate::{Message, Role, ToolSpec};

pub(crate) fn compose(prompt: &Prompt<'_>) -> Value {
    let conversation = prompt.conversation;
    let sampling = &prompt.sampling;
    let messages: Vec<Value> = conversation.messages.iter().map(|m| message(m, prompt.provenance)).collect();
    let tools: Vec<Value> = conversation.tools.iter().map(tool).collect();
    let tool_choice = match &prompt.tool_choice {
        _ if tools.is_empty() => None,
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Named(name) => Some(json!({ "type": "function", "function": { "name": name } })),
    };
    Value::Object(members([
        ("model", Some(json!(prompt.model))),
        ("messages", Some(messages.into())),
        ("tools", (!tools.is_empty()).then(|| tools.into())),
        ("tool_choice", tool_choice),
        ("stream", prompt.stream.then_some(Value::Bool(true))),
        ("stream_options", prompt.stream.then(|| json!({ "include_usage": true }))),
        ("max_completion_tokens", prompt.max_tokens.map(Value::from)),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("seed", sampling.seed.map(Value::from)),
        ("stop", (!sampling.stop.is_empty()).then(|| json!(sampling.stop))),
    ]))
}

pub(crate) fn tool(tool: &ToolSpec) -> Value {
    let function =
        json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters });
    json!({ "type": "function", "function": function })
}

fn message(message: &Message, provenance: bool) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::Operator => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let stated = |label| if provenance { Provenance::stated(label) } else { None };
    let content = match message.segments.as_slice() {
        [] if message.calls.is_empty() => json!(""),
        [] => Value::Null,
        [only] if stated(&only.label).is_none() => json!(only.text),
        several => several
            .iter()
            .map(|segment| {
                Value::Object(members([
                    ("type", Some(json!("text"))),
                    ("text", Some(json!(segment.text))),
                    (Provenance::FIELD, stated(&segment.label)),
                ]))
            })
            .collect(),
    };
    let calls: Vec<Value> = message
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
    Value::Object(members([
        ("role", Some(json!(role))),
        ("content", Some(content)),
        ("tool_calls", (!calls.is_empty()).then(|| calls.into())),
        ("tool_call_id", message.answers.as_ref().map(|id| json!(id))),
    ]))
}
