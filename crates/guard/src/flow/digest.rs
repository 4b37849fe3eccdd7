//! Digests of calls and conversations, over an encoding in which every value has one form and every two
//! values differ. Canonical JSON would not do: it writes numbers as doubles, and two amounts above 2^53 can
//! share a text.

use proofhouse_core::{Digest, Hasher};
use proofhouse_dialogue::{Conversation, Role, ToolCall, ToolSpec};
use serde_json::Value;

/// Names `call` at this point of a conversation.
pub(super) fn call(conversation: Digest, call: &ToolCall) -> Digest {
    let mut hasher = Hasher::with_domain("proofhouse.guard.call/v1");
    hasher.field(conversation.as_bytes());
    add_call(&mut hasher, call);
    hasher.finish()
}

/// Names what the model says at this point of a conversation.
pub(super) fn answer(conversation: Digest, text: &str) -> Digest {
    let mut hasher = Hasher::with_domain("proofhouse.guard.answer/v1");
    hasher.field(conversation.as_bytes());
    hasher.field(text.as_bytes());
    hasher.finish()
}

/// Names a conversation: every message, label and tool.
pub(super) fn conversation(conversation: &Conversation) -> Digest {
    let mut hasher = Hasher::with_domain("proofhouse.guard.conversation/v1");
    count(&mut hasher, conversation.messages.len());
    for message in &conversation.messages {
        hasher.field(role(message.role).as_bytes());
        count(&mut hasher, message.segments.len());
        for segment in &message.segments {
            hasher.field(segment.label.origin.kind().as_bytes());
            hasher.field(segment.label.origin.name().map_or("", |n| n.as_str()).as_bytes());
            hasher.field(&[segment.label.trust as u8, segment.label.secrecy as u8]);
            hasher.field(segment.text.as_bytes());
        }
        count(&mut hasher, message.calls.len());
        for call in &message.calls {
            add_call(&mut hasher, call);
        }
        match &message.answers {
            Some(id) => hasher.field(format!("+{id}").as_bytes()),
            None => hasher.field(b"-"),
        }
    }
    count(&mut hasher, conversation.tools.len());
    for tool in &conversation.tools {
        add_tool(&mut hasher, tool);
    }
    hasher.finish()
}

/// Names a tool as it is described to the model; what a policy pins.
pub(super) fn tool(spec: &ToolSpec) -> Digest {
    let mut hasher = Hasher::with_domain("proofhouse.guard.tool/v1");
    add_tool(&mut hasher, spec);
    hasher.finish()
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::Operator => "operator",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn count(hasher: &mut Hasher, n: usize) {
    hasher.field(&(n as u64).to_be_bytes());
}

fn add_call(hasher: &mut Hasher, call: &ToolCall) {
    hasher.field(call.id.as_bytes());
    hasher.field(call.name.as_str().as_bytes());
    let arguments = call.arguments.as_object();
    let mut members: Vec<(&String, &Value)> = arguments.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    count(hasher, members.len());
    for (key, value) in members {
        hasher.field(key.as_bytes());
        add_value(hasher, value);
    }
}

fn add_tool(hasher: &mut Hasher, spec: &ToolSpec) {
    hasher.field(spec.name.as_str().as_bytes());
    hasher.field(spec.description.as_bytes());
    add_value(hasher, &spec.parameters);
}

/// Adds a value, depth first with a stack of its own. Every value starts with its kind, containers with
/// their length, so no two values give the same bytes.
fn add_value(hasher: &mut Hasher, value: &Value) {
    enum Next<'a> {
        Key(&'a str),
        Value(&'a Value),
    }
    let mut open = vec![Next::Value(value)];
    while let Some(next) = open.pop() {
        match next {
            Next::Key(key) => hasher.field(key.as_bytes()),
            Next::Value(Value::Null) => hasher.update(b"z"),
            Next::Value(Value::Bool(flag)) => hasher.update(if *flag { b"t" } else { b"f" }),
            Next::Value(Value::Number(number)) => {
                hasher.update(b"n");
                hasher.field(number.to_string().as_bytes());
            }
            Next::Value(Value::String(text)) => {
                hasher.update(b"s");
                hasher.field(text.as_bytes());
            }
            Next::Value(Value::Array(items)) => {
                hasher.update(b"a");
                count(hasher, items.len());
                open.extend(items.iter().rev().map(Next::Value));
            }
            Next::Value(Value::Object(members)) => {
                hasher.update(b"o");
                count(hasher, members.len());
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                members.sort_by_key(|(key, _)| *key);
                for (key, value) in members.into_iter().rev() {
                    open.push(Next::Value(value));
                    open.push(Next::Key(key));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proofhouse_dialogue::{Arguments, Name};
    use serde_json::json;

    use super::*;

    fn digest_of(arguments: Value) -> Digest {
        let arguments = Arguments::try_from(arguments).unwrap();
        call(Digest::of(b""), &ToolCall { id: "1".into(), name: Name::new("pay").unwrap(), arguments })
    }

    #[test]
    fn amounts_that_a_double_cannot_tell_apart_differ() {
        let (a, b) = (json!({"n": 9_007_199_254_740_993_u64}), json!({"n": 9_007_199_254_740_992_u64}));
        assert_ne!(digest_of(a), digest_of(b));
    }

    #[test]
    fn borders_and_kinds_are_part_of_it() {
        assert_eq!(digest_of(json!({"a": 1, "b": 2})), digest_of(json!({"b": 2, "a": 1})));
        assert_ne!(digest_of(json!({"a": ["x", "y"]})), digest_of(json!({"a": ["xy"]})));
        assert_ne!(digest_of(json!({"a": 1})), digest_of(json!({"a": "1"})));
        assert_ne!(digest_of(json!({"a": [[1], 2]})), digest_of(json!({"a": [[1, 2]]})));
        assert_ne!(digest_of(json!({"a": null})), digest_of(json!({})));
    }
}
