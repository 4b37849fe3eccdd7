//! What a model's server answers, in either protocol.

use serde::{Deserialize, Serialize};

use super::{Node, Protocol, ReadError};
use crate::Turn;
use crate::json::{self, Limits};

/// Tokens that a request took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read by the model, cached ones included.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
}

/// What a model thought before it answered, as far as its provider shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reasoning {
    /// In words. Anthropic wants them back unchanged, which the signature proves.
    Shown {
        /// The words.
        text: String,
        /// The provider's proof of them.
        signature: Option<String>,
    },
    /// Sealed by the provider.
    Sealed(String),
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the model says and calls.
    pub turn: Turn,
    /// What it says where it declines (OpenAI has a field of its own for that).
    pub refusal: Option<String>,
    /// What it thought.
    pub reasoning: Vec<Reasoning>,
}

impl Answer {
    /// An answer that is a turn and nothing else.
    #[must_use]
    pub const fn new(turn: Turn) -> Self {
        Self { turn, refusal: None, reasoning: Vec::new() }
    }
}

/// A whole response. Fields that are not here were dropped when it was read: what nobody has looked at does
/// not go out.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatResponse {
    /// The server's name for it.
    pub id: String,
    /// The model that answered, as the server calls it.
    pub model: String,
    /// Seconds since 1970; 0 where the protocol does not say.
    pub created: u64,
    /// The answers; Anthropic gives one.
    pub answers: Vec<Answer>,
    /// What it took.
    pub usage: Usage,
}

impl ChatResponse {
    /// Reads a response of `protocol`.
    pub fn read(protocol: Protocol, bytes: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        let body = json::parse(bytes, limits)?;
        let root = Node::root(&body);
        root.object()?;
        match protocol {
            Protocol::Openai => crate::openai::response::read(&root),
            Protocol::Anthropic => crate::anthropic::response::read(&root),
        }
    }

    /// Writes it in `protocol`.
    #[must_use]
    pub fn to_bytes(&self, protocol: Protocol) -> Vec<u8> {
        let body = match protocol {
            Protocol::Openai => crate::openai::response::write(self),
            Protocol::Anthropic => crate::anthropic::response::write(self),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// An error as a server reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The protocol's word for it, such as `invalid_request_error`.
    pub kind: String,
    /// For people.
    pub message: String,
    /// A finer word (OpenAI).
    pub code: Option<String>,
}

impl ApiError {
    /// The error that goes with an HTTP status, in the words both protocols share.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>, code: Option<&str>) -> Self {
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 | 529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        Self { kind: kind.to_owned(), message: message.into(), code: code.map(str::to_owned) }
    }

    /// Reads an error of either protocol.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        let body = json::parse(bytes, limits)?;
        Self::of(&Node::root(&body))
    }

    /// Reads an object that has an `error`.
    pub(crate) fn of(root: &Node<'_, '_>) -> Result<Self, ReadError> {
        let error = root.required("error")?;
        if error.value.is_string() {
            // Several servers that speak OpenAI's protocol send the bare text.
            return Ok(Self { kind: "api_error".to_owned(), message: error.text()?.to_owned(), code: None });
        }
        let text = |key| error.member(key).and_then(|node| node.text().ok().map(str::to_owned));
        Ok(Self {
            kind: text("type").unwrap_or_else(|| "api_error".to_owned()),
            message: text("message").ok_or_else(|| error.kind("an object with a \"message\""))?,
            code: text("code"),
        })
    }

    /// Writes it in `protocol`.
    #[must_use]
    pub fn to_bytes(&self, protocol: Protocol) -> Vec<u8> {
        serde_json::to_vec(&self.value(protocol)).unwrap_or_default()
    }

    pub(crate) fn value(&self, protocol: Protocol) -> serde_json::Value {
        match protocol {
            Protocol::Openai => serde_json::json!({
                "error": { "message": self.message, "type": self.kind, "param": null, "code": self.code },
            }),
            Protocol::Anthropic => serde_json::json!({
                "type": "error",
                "error": { "type": self.kind, "message": self.message },
            }),
        }
    }
}
