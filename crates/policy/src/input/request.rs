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
    /// `infer`, `metadata` or `ready`.
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
        }
    }
}
