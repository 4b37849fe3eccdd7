//! The stream.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::response::{created, stop, usage, write_stop, write_usage};
use crate::Name;
use crate::wire::{Fault, Node, Protocol, ReadError, StreamEvent, WriteError, emit};

/// Most answers and most calls of one answer; a stream names them by number.
const MOST: u64 = 128;

/// What a reader remembers between chunks.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    started: bool,
    /// The calls begun, by answer and number.
    calls: BTreeMap<(u32, u32), (String, Name)>,
}

impl Reader {
    pub(crate) fn read(&mut self, root: &Node<'_, '_>, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        if !std::mem::replace(&mut self.started, true) {
            let text = |key| root.member(key).map(|n| n.text().map(str::to_owned)).transpose();
            out.push(StreamEvent::Start {
                id: text("id")?.unwrap_or_default(),
                model: text("model")?.unwrap_or_default(),
                created: created(root)?,
                input: 0,
            });
        }
        if let Some(choices) = root.member("choices") {
            for choice in choices.elements()? {
                self.choice(&choice, out)?;
            }
        }
        if let Some(node) = root.member("usage") {
            out.push(StreamEvent::Usage(usage(&node)?));
        }
        Ok(())
    }

    fn choice(&mut self, node: &Node<'_, '_>, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        let choice = index(node)?;
        if let Some(delta) = node.member("delta") {
            delta.object()?;
            for key in ["audio", "function_call"] {
                if let Some(node) = delta.member(key) {
                    let what = format!("{key:?} in an answer");
                    return Err(node.unsupported(what, "ask for text and tool calls"));
                }
            }
            let text = |key| {
                let text = delta.member(key).map(|n| n.text().map(str::to_owned)).transpose();
                text.map(|text| text.filter(|text| !text.is_empty()))
            };
            if let Some(text) = text("reasoning_content")? {
                out.push(StreamEvent::Reasoning { choice, text });
            }
            if let Some(text) = text("content")? {
                out.push(StreamEvent::Text { choice, text });
            }
            if let Some(text) = text("refusal")? {
                out.push(StreamEvent::Refusal { choice, text });
            }
            if let Some(calls) = delta.member("tool_calls") {
                for call in calls.elements()? {
                    self.call(choice, &call, out)?;
                }
            }
        }
        if let Some(node) = node.member("finish_reason") {
            out.push(StreamEvent::Stop { choice, reason: stop(&node)? });
        }
        Ok(())
    }

    fn call(
        &mut self,
        choice: u32,
        node: &Node<'_, '_>,
        out: &mut Vec<StreamEvent>,
    ) -> Result<(), ReadError> {
        let call = index(node)?;
        let function = node.member("function");
        // Servers send what stays the same again, or empty.
        let said = |node: Option<Node<'_, '_>>| match node {
            Some(node) if node.value != "" => Ok(Some((node.id()?.to_owned(), node.shown()))),
            _ => Ok::<_, ReadError>(None),
        };
        let id = said(node.member("id"))?;
        let name = match &function {
            Some(function) => match said(function.member("name"))? {
                Some(_) => Some(function.required("name")?.name()?),
                None => None,
            },
            None => None,
        };
        match self.calls.get(&(choice, call)) {
            Some((known, _)) if id.as_ref().is_some_and(|(id, _)| id != known) => {
                return Err(node.fail(Fault::Twice(format!("call {call}"))));
            }
            Some((_, known)) if name.as_ref().is_some_and(|name| name != known) => {
                return Err(node.fail(Fault::Twice(format!("the name of call {call}"))));
            }
            Some(_) => {}
            None => {
                let (id, _) = id.ok_or_else(|| node.fail(Fault::Missing("id".to_owned())))?;
                let name = name.ok_or_else(|| node.fail(Fault::Missing("function.name".to_owned())))?;
                self.calls.insert((choice, call), (id.clone(), name.clone()));
                out.push(StreamEvent::CallStart { choice, call, id, name });
            }
        }
        if let Some(arguments) = function.as_ref().and_then(|f| f.member("arguments")) {
            let text = arguments.text()?;
            if !text.is_empty() {
                out.push(StreamEvent::CallArguments { choice, call, text: text.to_owned() });
            }
        }
        Ok(())
    }
}

fn index(node: &Node<'_, '_>) -> Result<u32, ReadError> {
    let index = node.member("index").map_or(Ok(0), |n| n.whole())?;
    match u32::try_from(index) {
        Ok(small) if index < MOST => Ok(small),
        _ => Err(node.fail(Fault::Value(format!("\"index\" is more than {MOST}")))),
    }
}

/// What a writer remembers between events.
#[derive(Debug)]
pub(crate) struct Writer {
    usage: bool,
    head: Option<(String, String, u64)>,
}

impl Writer {
    pub(crate) const fn new(usage: bool) -> Self {
        Self { usage, head: None }
    }

    pub(crate) fn write(&mut self, event: &StreamEvent, out: &mut Vec<u8>) -> Result<(), WriteError> {
        let (choice, delta, stop) = match event {
            StreamEvent::Start { id, model, created, .. } => {
                self.head = Some((id.clone(), model.clone(), *created));
                (0, json!({ "role": "assistant", "content": "" }), None)
            }
            StreamEvent::Text { choice, text } => (*choice, json!({ "content": text }), None),
            StreamEvent::Refusal { choice, text } => (*choice, json!({ "refusal": text }), None),
            StreamEvent::Reasoning { choice, text } => (*choice, json!({ "reasoning_content": text }), None),
            // This protocol has no place for another provider's proofs.
            StreamEvent::ReasoningSignature { .. } | StreamEvent::ReasoningSealed { .. } => return Ok(()),
            StreamEvent::CallStart { choice, call, id, name } => {
                let function = json!({ "name": name, "arguments": "" });
                let call = json!({ "index": call, "id": id, "type": "function", "function": function });
                (*choice, json!({ "tool_calls": [call] }), None)
            }
            StreamEvent::CallArguments { choice, call, text } => {
                let call = json!({ "index": call, "function": { "arguments": text } });
                (*choice, json!({ "tool_calls": [call] }), None)
            }
            StreamEvent::Stop { choice, reason } => (*choice, json!({}), Some(write_stop(*reason))),
            StreamEvent::Usage(usage) => {
                if self.usage {
                    let mut chunk = self.chunk(json!([]))?;
                    if let Some(members) = chunk.as_object_mut() {
                        members.insert("usage".to_owned(), write_usage(usage));
                    }
                    emit(out, None, &chunk);
                }
                return Ok(());
            }
            StreamEvent::Done => {
                out.extend_from_slice(b"data: [DONE]\n\n");
                return Ok(());
            }
            StreamEvent::Error(error) => {
                emit(out, None, &error.value(Protocol::Openai));
                return Ok(());
            }
        };
        let choice = json!({ "index": choice, "delta": delta, "logprobs": null, "finish_reason": stop });
        emit(out, None, &self.chunk(json!([choice]))?);
        Ok(())
    }

    fn chunk(&self, choices: Value) -> Result<Value, WriteError> {
        let (id, model, created) = self.head.as_ref().ok_or(WriteError::Order("an event"))?;
        Ok(json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
            "choices": choices,
        }))
    }
}
