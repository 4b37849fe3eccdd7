//! Changes that a gateway makes to a request. Each changes the typed view and the body alike.

use serde_json::{Value, json};

use super::cursor::OwnedStep;
use super::request::{Protocol, ToolChoice};
use super::{ChatRequest, Place};
use crate::{Labelling, Message, Name, Origin, Role, Segment, ToolSpec};

impl ChatRequest {
    /// Asks for another model.
    pub fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
        self.set("model", model.into());
    }

    /// Replaces the text of a segment, keeping its label. Says whether there is such a segment.
    pub fn set_text(&mut self, message: usize, segment: usize, text: &str) -> bool {
        let place = self.places.get(message).and_then(|places| places.get(segment));
        let shown = self.conversation.messages.get_mut(message).and_then(|m| m.segments.get_mut(segment));
        let written = place.and_then(|place| place.resolve(&mut self.body));
        match (shown, written) {
            (Some(shown), Some(written)) => {
                text.clone_into(&mut shown.text);
                *written = text.into();
                true
            }
            _ => false,
        }
    }

    /// Lets an answer have `most` tokens at most, so that what was reserved for it is enough.
    pub fn cap_tokens(&mut self, most: u64) {
        let tokens = self.options.max_tokens.map_or(most, |asked| asked.min(most));
        self.options.max_tokens = Some(tokens);
        let has = |key| self.body.get(key).is_some_and(|v| !v.is_null());
        // OpenAI's newer models refuse `max_tokens`; where the caller used it, the model takes it.
        let keys: &[&str] = match self.protocol {
            Protocol::Openai if has("max_tokens") && has("max_completion_tokens") => {
                &["max_tokens", "max_completion_tokens"]
            }
            Protocol::Openai if !has("max_tokens") => &["max_completion_tokens"],
            _ => &["max_tokens"],
        };
        for key in keys {
            self.set(key, tokens.into());
        }
    }

    /// Asks for the usage at the end of a stream.
    pub fn ask_for_usage(&mut self) {
        if self.protocol == Protocol::Openai && self.options.stream && !self.options.include_usage {
            self.options.include_usage = true;
            match self.body.get_mut("stream_options") {
                Some(Value::Object(options)) => {
                    options.insert("include_usage".to_owned(), true.into());
                }
                _ => self.set("stream_options", json!({ "include_usage": true })),
            }
        }
    }

    /// Offers the model only the tools that `keep` says. A choice that names another becomes none at all.
    pub fn retain_tools(&mut self, mut keep: impl FnMut(&Name) -> bool) {
        let kept: Vec<bool> = self.conversation.tools.iter().map(|tool| keep(&tool.name)).collect();
        if kept.iter().all(|k| *k) {
            return;
        }
        let mut next = kept.iter().copied();
        self.conversation.tools.retain(|_| next.next().unwrap_or(false));
        if let Some(Value::Array(tools)) = self.body.get_mut("tools") {
            let mut next = kept.iter().copied();
            tools.retain(|_| next.next().unwrap_or(false));
        }
        let left = &self.conversation.tools;
        let gone = match &self.options.tool_choice {
            ToolChoice::Named(name) => !left.iter().any(|tool| tool.name == *name),
            ToolChoice::Auto | ToolChoice::None | ToolChoice::Required => left.is_empty(),
        };
        let left = !left.is_empty();
        if gone {
            self.options.tool_choice = ToolChoice::None;
            if left {
                self.set_no_choice();
            } else {
                self.remove("tool_choice");
            }
        }
        if !left {
            // OpenAI refuses an empty list, and what is about tools without one.
            self.remove("tools");
            self.remove("parallel_tool_calls");
        }
    }

    /// Offers the model these tools, too. The first that is offered already, under whatever description, is
    /// returned, and nothing is changed: two tools of one name cannot be told apart.
    pub fn extend_tools(&mut self, tools: &[ToolSpec]) -> Result<(), Name> {
        let offered = &self.conversation.tools;
        if let Some(twice) = tools.iter().find(|tool| offered.iter().any(|o| o.name == tool.name)) {
            return Err(twice.name.clone());
        }
        if tools.is_empty() {
            return Ok(());
        }
        let write = |tool: &ToolSpec| match self.protocol {
            Protocol::Openai => crate::openai::compose::tool(tool),
            Protocol::Anthropic => crate::anthropic::compose::tool(tool),
        };
        let written: Vec<Value> = tools.iter().map(write).collect();
        match self.body.get_mut("tools") {
            Some(Value::Array(list)) => list.extend(written),
            _ => self.set("tools", written.into()),
        }
        self.conversation.tools.extend_from_slice(tools);
        // Whoever lost the tool of their choice is not to call another now.
        if self.options.tool_choice == ToolChoice::None {
            self.set_no_choice();
        }
        Ok(())
    }

    /// Puts a text of the application before everything else, such as a notice about marked passages.
    pub fn prepend_system(&mut self, text: &str, labelling: &Labelling) {
        let segment = Segment::new(text, labelling.label(&Origin::System));
        match self.protocol {
            Protocol::Openai => {
                if let Some(Value::Array(messages)) = self.body.get_mut("messages") {
                    messages.insert(0, json!({ "role": "system", "content": text }));
                }
                self.places.iter_mut().flatten().for_each(Place::shift);
                let place = ["messages", "0", "content"];
                self.open_first(segment, place.map(step).to_vec());
            }
            Protocol::Anthropic => {
                let block = json!({ "type": "text", "text": text });
                let place = ["system", "0", "text"].map(step).to_vec();
                match self.body.get_mut("system") {
                    Some(Value::Array(blocks)) => {
                        blocks.insert(0, block);
                        self.shift_system(false);
                    }
                    Some(system @ Value::String(_)) => {
                        let old = json!({ "type": "text", "text": system.take() });
                        *system = json!([block, old]);
                        self.shift_system(true);
                    }
                    _ => {
                        self.set("system", json!([block]));
                        return self.open_first(segment, place);
                    }
                }
                if let (Some(message), Some(places)) =
                    (self.conversation.messages.first_mut(), self.places.first_mut())
                {
                    message.segments.insert(0, segment);
                    places.insert(0, Place(place));
                }
            }
        }
    }

    fn set_no_choice(&mut self) {
        let none = match self.protocol {
            Protocol::Openai => json!("none"),
            Protocol::Anthropic => json!({ "type": "none" }),
        };
        self.set("tool_choice", none);
    }

    fn open_first(&mut self, segment: Segment, place: Vec<OwnedStep>) {
        self.conversation.messages.insert(0, Message::new(Role::System, vec![segment]));
        self.places.insert(0, vec![Place(place)]);
        for attachment in &mut self.attachments {
            attachment.message += 1;
        }
    }

    /// Moves the places of Anthropic's system prompt down by one block.
    fn shift_system(&mut self, was_string: bool) {
        for place in self.places.iter_mut().flatten() {
            if place.0.first() != Some(&OwnedStep::Key("system".to_owned())) {
                continue;
            }
            if was_string {
                place.0 = ["system", "1", "text"].map(step).to_vec();
            } else if let Some(OwnedStep::Index(index)) = place.0.get_mut(1) {
                *index += 1;
            }
        }
    }

    fn set(&mut self, key: &str, value: Value) {
        if let Value::Object(members) = &mut self.body {
            members.insert(key.to_owned(), value);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Value::Object(members) = &mut self.body {
            members.remove(key);
        }
    }
}

fn step(text: &str) -> OwnedStep {
    text.parse().map_or_else(|_| OwnedStep::Key(text.to_owned()), OwnedStep::Index)
}
