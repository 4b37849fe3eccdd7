//! A request from a prompt.

use serde_json::{Value, json};

use crate::wire::{Prompt, Provenance, ToolChoice, members};
use crate::{Message, Role, Segment, ToolSpec};

/// Tokens of an answer where nobody said how many; the protocol needs a number.
const TOKENS: u64 = 4096;

pub(crate) fn compose(prompt: &Prompt<'_>) -> Value {
    let conversation = prompt.conversation;
    let sampling = &prompt.sampling;
    let is_instruction = |m: &&Message| matches!(m.role, Role::System | Role::Operator);
    let system: Vec<Value> =
        conversation.messages.iter().filter(is_instruction).flat_map(|m| texts(&m.segments, false)).collect();
    // Roles alternate; what tools answered belongs to the user's turn.
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in conversation.messages.iter().filter(|m| !is_instruction(m)) {
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let blocks = blocks(message, prompt.provenance);
        match turns.last_mut() {
            Some((last, content)) if *last == role => content.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    let messages: Vec<Value> =
        turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect();
    let tools: Vec<Value> = conversation.tools.iter().map(tool).collect();
    let tool_choice = match &prompt.tool_choice {
        _ if tools.is_empty() => None,
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({ "type": "none" })),
        ToolChoice::Required => Some(json!({ "type": "any" })),
        ToolChoice::Named(name) => Some(json!({ "type": "tool", "name": name })),
    };
    Value::Object(members([
        ("model", Some(json!(prompt.model))),
        ("max_tokens", Some(json!(prompt.max_tokens.unwrap_or(TOKENS)))),
        ("system", (!system.is_empty()).then(|| system.into())),
        ("messages", Some(messages.into())),
        ("tools", (!tools.is_empty()).then(|| tools.into())),
        ("tool_choice", tool_choice),
        ("stream", prompt.stream.then_some(Value::Bool(true))),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("stop_sequences", (!sampling.stop.is_empty()).then(|| json!(sampling.stop))),
    ]))
}

pub(crate) fn tool(tool: &ToolSpec) -> Value {
    json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters })
}

/// Text blocks; the protocol has no empty ones.
fn texts(segments: &[Segment], provenance: bool) -> Vec<Value> {
    let block = |segment: &Segment| {
        let stated = if provenance { Provenance::stated(&segment.label) } else { None };
        Value::Object(members([
            ("type", Some(json!("text"))),
            ("text", Some(json!(segment.text))),
            (Provenance::FIELD, stated),
        ]))
    };
    segments.iter().filter(|s| !s.text.is_empty()).map(block).collect()
}

fn blocks(message: &Message, provenance: bool) -> Vec<Value> {
    let texts = texts(&message.segments, provenance);
    if let Some(id) = &message.answers {
        return vec![json!({ "type": "tool_result", "tool_use_id": id, "content": texts })];
    }
    let calls = message
        .calls
        .iter()
        .map(|call| json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments }));
    texts.into_iter().chain(calls).collect()
}
