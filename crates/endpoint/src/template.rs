//! Any other HTTP address: a body with places for the question, and a pointer to the answer.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use proofhouse_dialogue::wire::{Prompt, Protocol};
use proofhouse_dialogue::{Conversation, Role, StopReason, Turn, json};
use serde::Deserialize;
use serde_json::Value;

use crate::command::last_words;
use crate::http::{Sender, header, secret};
use crate::{Answered, Ask, Asked, ChatTarget, EndpointError, Key, Limits};

/// How to ask an HTTP address, as it is written in a file.
///
/// In the body, `{{prompt}}` stands for what the user said last, `{{system}}` for the system prompt and
/// `{{conversation}}` for all messages as text; a string that is `{{messages}}` alone becomes the list of
/// messages in OpenAI's form.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// The address.
    pub url: String,
    /// The method; POST where none is given.
    #[serde(default)]
    pub method: Option<String>,
    /// Headers whose values are no secret.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are in environment variables, by the variable's name.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, String>,
    /// The body.
    pub body: Value,
    /// JSON pointer (RFC 6901) to the answer's text; the whole answer is the text where none is given.
    #[serde(default)]
    pub answer: Option<String>,
}

/// What goes round a body: where it is sent, and with which headers.
pub(crate) struct Envelope {
    method: Method,
    url: String,
    headers: HeaderMap,
    keys: Vec<Key>,
}

impl Envelope {
    /// Takes keys from the environment.
    pub(crate) fn of(file: &TemplateFile) -> Result<Self, EndpointError> {
        let wrong = |why: String| EndpointError::Setting(format!("the template: {why}"));
        let method = file.method.as_deref().unwrap_or("POST");
        let method: Method = method.parse().map_err(|_| wrong(format!("{method:?} is no method")))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &file.headers {
            let value = value.parse().map_err(|_| wrong(format!("the header {name} cannot be sent")))?;
            headers.insert(header(name)?, value);
        }
        let mut keys = Vec::new();
        for (name, variable) in &file.secret_headers {
            let value = std::env::var(variable).map_err(|_| EndpointError::NoKey(variable.clone()))?;
            // "Bearer abc": what is secret is the last word.
            let word = value.split_whitespace().last().and_then(Key::new);
            keys.push(word.ok_or_else(|| EndpointError::NoKey(variable.clone()))?);
            headers.insert(header(name)?, secret(value.trim())?);
        }
        Ok(Self { method, url: file.url.clone(), headers, keys })
    }

    pub(crate) fn sender(self, socket: Option<&Path>, limits: Limits) -> Result<Sender, EndpointError> {
        Sender::through(self.method, &self.url, socket, self.headers, self.keys, limits)
    }
}

/// An HTTP address that is asked by a template.
pub struct Template {
    body: Value,
    answer: Option<String>,
    sender: Sender,
}

impl Template {
    /// Reads a template from JSON.
    pub fn read(bytes: &[u8], limits: Limits) -> Result<Self, EndpointError> {
        let file = TemplateFile::read(bytes)?;
        let sender = Envelope::of(&file)?.sender(None, limits)?;
        Ok(Self { body: file.body, answer: file.answer, sender })
    }

    async fn answer(&self, conversation: &Conversation) -> Result<Answered, EndpointError> {
        let body = filled(&self.body, conversation).to_string();
        let open = self.sender.send(Bytes::from(body)).await?;
        let attempts = open.attempts;
        let bytes = open.bytes(self.sender.limits()).await?;
        let wrong = |why: String| EndpointError::Answer(self.sender.clean(&why));
        let text = match &self.answer {
            None => std::str::from_utf8(&bytes).map_err(|e| wrong(e.to_string()))?.to_owned(),
            Some(pointer) => {
                let limits =
                    json::Limits { bytes: self.sender.limits().response_bytes, ..json::Limits::default() };
                let value = json::parse(&bytes, &limits).map_err(|e| wrong(e.to_string()))?;
                match value.pointer(pointer) {
                    Some(Value::String(text)) => text.clone(),
                    Some(_) => return Err(wrong(format!("what is at {pointer} is no string"))),
                    None => return Err(wrong(format!("there is nothing at {pointer}"))),
                }
            }
        };
        let turn = Turn { text, calls: Vec::new(), stop: StopReason::End };
        Ok(Answered { turn, usage: None, digest: None, attempts })
    }
}

impl ChatTarget for Template {
    fn describe(&self) -> String {
        self.sender.shown()
    }

    fn ask<'a>(&'a self, conversation: &'a Conversation, _ask: &'a Ask) -> Asked<'a> {
        Box::pin(self.answer(conversation))
    }
}

/// The body with the question in it. What is put in is not looked into again for places.
fn filled(body: &Value, conversation: &Conversation) -> Value {
    match body {
        Value::String(text) if text == "{{messages}}" => {
            let bytes = Prompt::new("", conversation).to_bytes(Protocol::Openai);
            let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            body.get("messages").cloned().unwrap_or_default()
        }
        Value::String(text) => Value::String(replaced(text, conversation)),
        Value::Array(elements) => elements.iter().map(|e| filled(e, conversation)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), filled(value, conversation))).collect()
        }
        other => other.clone(),
    }
}

fn replaced(text: &str, conversation: &Conversation) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, behind) = after.split_once("}}").unwrap_or((after, ""));
        match name.trim() {
            "prompt" => out.push_str(&last_words(conversation)),
            "system" => out.push_str(&spoken(conversation, Role::System)),
            "conversation" => {
                let line = |m: &proofhouse_dialogue::Message| {
                    let texts: Vec<&str> = m.segments.iter().map(|s| s.text.as_str()).collect();
                    format!("{:?}: {}", m.role, texts.join("\n"))
                };
                out.push_str(&conversation.messages.iter().map(line).collect::<Vec<_>>().join("\n"));
            }
            _ => {
                out.push_str("{{");
                rest = after;
                continue;
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn spoken(conversation: &Conversation, role: Role) -> String {
    let messages = conversation.messages.iter().filter(|message| message.role == role);
    messages.flat_map(|m| &m.segments).map(|s| s.text.as_str()).collect::<Vec<_>>().join("\n")
}
