//! Input of the request gate: one call through the gateway.

use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use super::PolicyInput;
use crate::Entrypoint;

/// The value of [`Input::schema`].
pub const SCHEMA: &str = "proofhouse.request/v1";

/// What the request gate reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The call.
    pub request: Request,
    /// Who calls, proven.
    pub principal: Principal,
    /// The model the route leads to.
    pub model: Model,
    /// The body.
    pub body: Body,
    /// What the guard has found in it.
    pub guard: Guard,
}

impl PolicyInput for Input {
    const ENTRYPOINT: Entrypoint = Entrypoint::Request;
}

/// The call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Nanoseconds since 1970.
    pub now_ns: u64,
    /// The HTTP method.
    pub method: String,
    /// `infer`, `metadata`, `ready`, `chat`, `messages` or `models`.
    pub operation: String,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The id of the key, never the key.
    pub key_id: String,
    /// The key's role.
    pub role: String,
    /// The models this role may use; `*` for all.
    pub models: Vec<String>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
    /// It is quarantined. The gateway looks this up itself, before it asks.
    pub quarantined: bool,
}

/// The body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Its size.
    pub bytes: u64,
    /// What the route takes.
    pub max_bytes: u64,
}

/// What the guard has found in a conversation. No text is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// It has read the body. A conversation that it has not read is refused.
    pub read: bool,
    /// What it finds refuses the request; otherwise it is written down only.
    pub enforced: bool,
    /// The worst it has found: `benign`, `grey`, `attack`, or `none` where it has read nothing.
    pub verdict: String,
    /// Texts it has read.
    pub segments: u64,
    /// The texts it has found something in, least trusted and worst first; at most 32.
    pub hits: Vec<Hit>,
    /// Parts that are no text, which nobody has looked into.
    pub attachments: u64,
    /// They may pass all the same.
    pub attachments_pass: bool,
}

impl Default for Guard {
    /// It has read nothing.
    fn default() -> Self {
        Self {
            read: false,
            enforced: true,
            verdict: "none".to_owned(),
            segments: 0,
            hits: Vec::new(),
            attachments: 0,
            attachments_pass: false,
        }
    }
}

/// A text in which something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Where it comes from, such as `web`.
    pub origin: String,
    /// `untrusted`, `principal` or `trusted`.
    pub trust: String,
    /// `benign`, `grey` or `attack`.
    pub verdict: String,
    /// The detector's probability in thousandths.
    pub score_milli: u64,
    /// What it hides, such as `invisible-payload`.
    pub alarms: Vec<String>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A call that the shipped gate allows.
    pub(crate) fn good() -> Input {
        Input {
            schema: SCHEMA.to_owned(),
            request: Request { now_ns: 1, method: "POST".to_owned(), operation: "infer".to_owned() },
            principal: Principal {
                key_id: "k1".to_owned(),
                role: "teller".to_owned(),
                models: vec!["cheque-reader".to_owned()],
            },
            model: Model { name: "cheque-reader".to_owned(), digest: Digest::of(b"m"), quarantined: false },
            body: Body { bytes: 10, max_bytes: 100 },
            guard: Guard::default(),
        }
    }
}
