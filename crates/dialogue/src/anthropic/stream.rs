//! The stream.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::response::{skeleton, stop, unknown_block, usage, write_stop};
use crate::StopReason;
use crate::wire::{Fault, Node, Protocol, ReadError, StreamEvent, Usage, WriteError, emit};

/// Most blocks of an answer.
const MOST: u64 = 1024;

/// What a reader remembers between events.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    started: bool,
    /// The calls begun, by the index of their block.
    calls: BTreeMap<u64, u32>,
    /// The block that has not ended.
    open: Option<u64>,
    input: u64,
}

impl Reader {
    pub(crate) fn read(&mut self, root: &Node<'_, '_>, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        let kind = root.required("type")?.text()?;
        if !self.started && !["message_start", "ping"].contains(&kind) {
            return Err(root.fail(Fault::Value(format!("{kind:?} comes before \"message_start\""))));
        }
        match kind {
            "ping" => Ok(()),
            "message_start" => self.start(root, out),
            "content_block_start" => self.begin(root, out),
            "content_block_delta" => self.delta(root, out),
            "content_block_stop" => {
                self.expect(root)?;
                self.open = None;
                Ok(())
            }
            "message_delta" => {
                if let Some(reason) = root.required("delta")?.member("stop_reason") {
                    out.push(StreamEvent::Stop { choice: 0, reason: stop(&reason)? });
                }
                if let Some(node) = root.member("usage") {
                    let usage = usage(&node)?;
                    let input = if usage.input == 0 { self.input } else { usage.input };
                    out.push(StreamEvent::Usage(Usage { input, output: usage.output }));
                }
                Ok(())
            }
            "message_stop" => {
                out.push(StreamEvent::Done);
                Ok(())
            }
            other => {
                let what = format!("an event of type {:?}", other.chars().take(40).collect::<String>());
                Err(root.unsupported(what, "report it: this protocol had none such"))
            }
        }
    }

    fn start(&mut self, root: &Node<'_, '_>, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        if std::mem::replace(&mut self.started, true) {
            return Err(root.fail(Fault::Twice("\"message_start\"".to_owned())));
        }
        let message = root.required("message")?;
        let usage = message.member("usage").map_or(Ok(Usage::default()), |node| usage(&node))?;
        self.input = usage.input;
        out.push(StreamEvent::Start {
            id: message.required("id")?.id()?.to_owned(),
            model: message.required("model")?.id()?.to_owned(),
            created: 0,
            input: usage.input,
        });
        Ok(())
    }

    fn begin(&mut self, root: &Node<'_, '_>, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        let index = root.required("index")?.whole()?;
        if self.open.is_some() || index >= MOST {
            return Err(root.fail(Fault::Value(format!("block {index} begins out of turn"))));
        }
        self.open = Some(index);
        let block = root.required("content_block")?;
        match block.required("type")?.text()? {
            "text" => push_text(&block, "text", |text| StreamEvent::Text { choice: 0, text }, out),
            "thinking" => {
                push_text(&block, "thinking", |text| StreamEvent::Reasoning { choice: 0, text }, out)?;
                push_text(
                    &block,
                    "signature",
                    |signature| StreamEvent::ReasoningSignature { choice: 0, signature },
                    out,
                )
            }
            "redacted_thinking" => {
                push_text(&block, "data", |data| StreamEvent::ReasoningSealed { choice: 0, data }, out)
            }
            "tool_use" => {
                let call = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
                if self.calls.insert(index, call).is_some() {
                    return Err(root.fail(Fault::Twice(format!("block {index}"))));
                }
                let id = block.required("id")?.id()?.to_owned();
                let name = block.required("name")?.name()?;
                out.push(StreamEvent::CallStart { choice: 0, call, id, name });
                if let Some(input) = block.member("input").filter(|n| n.value != &json!({})) {
                    let text = Value::Object(input.object()?.clone()).to_string();
                    out.push(StreamEvent::CallArguments { choice: 0, call, text });
                }
                Ok(())
            }
            other => Err(unknown_block(&block, other)),
        }
    }

    fn delta(&mut self, root: &Node<'_, '_>, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        let index = self.expect(root)?;
        let delta = root.required("delta")?;
        match delta.required("type")?.text()? {
            "text_delta" => push_text(&delta, "text", |text| StreamEvent::Text { choice: 0, text }, out),
            "thinking_delta" => {
                push_text(&delta, "thinking", |text| StreamEvent::Reasoning { choice: 0, text }, out)
            }
            "signature_delta" => push_text(
                &delta,
                "signature",
                |signature| StreamEvent::ReasoningSignature { choice: 0, signature },
                out,
            ),
            "input_json_delta" => match self.calls.get(&index) {
                Some(call) => {
                    let event = |text| StreamEvent::CallArguments { choice: 0, call: *call, text };
                    push_text(&delta, "partial_json", event, out)
                }
                None => Err(delta.fail(Fault::Value(format!("block {index} is no call")))),
            },
            // Nothing here checks what is cited, so it does not go on.
            "citations_delta" => Ok(()),
            other => {
                let what = format!("a delta of type {:?}", other.chars().take(40).collect::<String>());
                Err(delta.unsupported(what, "report it: this protocol had none such"))
            }
        }
    }

    /// The index of an event that must belong to the open block.
    fn expect(&self, root: &Node<'_, '_>) -> Result<u64, ReadError> {
        let index = root.required("index")?.whole()?;
        if self.open == Some(index) {
            return Ok(index);
        }
        Err(root.fail(Fault::Value(format!("block {index} is not open"))))
    }
}

fn push_text(
    node: &Node<'_, '_>,
    key: &'static str,
    event: impl FnOnce(String) -> StreamEvent,
    out: &mut Vec<StreamEvent>,
) -> Result<(), ReadError> {
    if let Some(node) = node.member(key) {
        let text = node.text()?;
        if !text.is_empty() {
            out.push(event(text.to_owned()));
        }
    }
    Ok(())
}

/// What a writer remembers between events.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    started: bool,
    /// The block that has not ended.
    open: Option<Block>,
    /// Its index.
    index: u64,
    /// Said with the usage, which comes after it.
    stop: Option<StopReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Thinking,
    Call(u32),
}

impl Writer {
    pub(crate) fn write(&mut self, event: &StreamEvent, out: &mut Vec<u8>) -> Result<(), WriteError> {
        if !self.started && !matches!(event, StreamEvent::Start { .. } | StreamEvent::Error(_)) {
            return Err(WriteError::Order("an event"));
        }
        match event {
            StreamEvent::Start { id, model, input, .. } => {
                self.started = true;
                let message = skeleton(id, model, &Usage { input: *input, output: 0 });
                say(out, "message_start", &json!({ "type": "message_start", "message": message }));
            }
            StreamEvent::Text { choice, text } | StreamEvent::Refusal { choice, text } => {
                first(*choice)?;
                self.turn_to(Block::Text, json!({ "type": "text", "text": "", "citations": null }), out);
                self.delta(out, json!({ "type": "text_delta", "text": text }));
            }
            StreamEvent::Reasoning { choice, text } => {
                first(*choice)?;
                self.turn_to(Block::Thinking, thinking(), out);
                self.delta(out, json!({ "type": "thinking_delta", "thinking": text }));
            }
            StreamEvent::ReasoningSignature { choice, signature } => {
                first(*choice)?;
                self.turn_to(Block::Thinking, thinking(), out);
                self.delta(out, json!({ "type": "signature_delta", "signature": signature }));
                // What is thought after the proof is another thought.
                self.close(out);
            }
            StreamEvent::ReasoningSealed { choice, data } => {
                first(*choice)?;
                self.close(out);
                let block = json!({ "type": "redacted_thinking", "data": data });
                self.turn_to(Block::Thinking, block, out);
                self.close(out);
            }
            StreamEvent::CallStart { choice, call, id, name } => {
                first(*choice)?;
                let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                self.turn_to(Block::Call(*call), block, out);
            }
            StreamEvent::CallArguments { choice, call, text } => {
                first(*choice)?;
                if self.open != Some(Block::Call(*call)) {
                    return Err(WriteError::Inexpressible("two calls at one time"));
                }
                self.delta(out, json!({ "type": "input_json_delta", "partial_json": text }));
            }
            StreamEvent::Stop { choice, reason } => {
                first(*choice)?;
                self.stop = Some(*reason);
            }
            StreamEvent::Usage(usage) => self.end(usage, out),
            StreamEvent::Done => {
                if self.stop.is_some() {
                    self.end(&Usage::default(), out);
                }
                say(out, "message_stop", &json!({ "type": "message_stop" }));
            }
            StreamEvent::Error(error) => say(out, "error", &error.value(Protocol::Anthropic)),
        }
        Ok(())
    }

    fn turn_to(&mut self, block: Block, start: Value, out: &mut Vec<u8>) {
        if self.open == Some(block) {
            return;
        }
        self.close(out);
        self.open = Some(block);
        let event = json!({ "type": "content_block_start", "index": self.index, "content_block": start });
        say(out, "content_block_start", &event);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            let event = json!({ "type": "content_block_stop", "index": self.index });
            say(out, "content_block_stop", &event);
            self.index += 1;
        }
    }

    fn delta(&self, out: &mut Vec<u8>, delta: Value) {
        let event = json!({ "type": "content_block_delta", "index": self.index, "delta": delta });
        say(out, "content_block_delta", &event);
    }

    fn end(&mut self, usage: &Usage, out: &mut Vec<u8>) {
        self.close(out);
        let mut tokens = json!({ "output_tokens": usage.output });
        if let (true, Some(members)) = (usage.input > 0, tokens.as_object_mut()) {
            members.insert("input_tokens".to_owned(), usage.input.into());
        }
        let delta = json!({ "stop_reason": self.stop.take().map(write_stop), "stop_sequence": null });
        say(out, "message_delta", &json!({ "type": "message_delta", "delta": delta, "usage": tokens }));
    }
}

fn thinking() -> Value {
    json!({ "type": "thinking", "thinking": "", "signature": "" })
}

fn first(choice: u32) -> Result<(), WriteError> {
    if choice == 0 { Ok(()) } else { Err(WriteError::Inexpressible("several answers")) }
}

fn say(out: &mut Vec<u8>, event: &str, data: &Value) {
    emit(out, Some(event), data);
}
