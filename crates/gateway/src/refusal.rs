//! Refusals: every answer of the gateway that is not a model's.
//!
//! The body is `{"error":{"code","message","request_id"}}`, in the chat protocols in the form that their
//! clients turn into exceptions ([`Shape`]). Messages are constants or speak about the caller's own input;
//! none says whether a key exists, which models there are, or where they run.

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::HeaderMap;
use proofhouse_dialogue::wire::Protocol;
use serde_json::{Value, json};

use crate::chain::{chat_protocol, models_protocol};

/// The form of a refusal's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Open Inference Protocol, and everything before a path is known.
    House,
    OpenAi,
    Anthropic,
}

impl Shape {
    /// The form that a client of this path reads.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        let protocol = match path {
            "/v1/models" => Some(models_protocol(headers)),
            path => chat_protocol(path),
        };
        match protocol {
            Some(Protocol::Openai) => Self::OpenAi,
            Some(Protocol::Anthropic) => Self::Anthropic,
            None => Self::House,
        }
    }

    /// The header in which the protocol's clients look for a request's id.
    pub(crate) const fn request_id_header(self) -> Option<&'static str> {
        match self {
            Self::House => None,
            Self::OpenAi => Some("x-request-id"),
            Self::Anthropic => Some("request-id"),
        }
    }
}

/// A refusal before it becomes a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    /// Stable; also the decision code of the audit record and a metric label, so always a constant.
    pub code: &'static str,
    pub message: Cow<'static, str>,
    /// Seconds, for `Retry-After`.
    pub retry_after: Option<u64>,
    /// For `Allow`.
    pub allow: Option<&'static str>,
    /// The same request again could be answered differently by itself, soon.
    pub passes: bool,
}

impl Refusal {
    pub(crate) const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), retry_after: None, allow: None, passes: false }
    }

    /// With words that speak about this request.
    pub(crate) fn saying(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// One answer for a missing, a malformed and an unknown key.
    pub(crate) const UNAUTHENTICATED: Self =
        Self::new(401, "key/invalid", "a valid API key is required in the header of this protocol");

    /// The model is quarantined. 503 and not 410: a quarantine can be lifted.
    pub(crate) const QUARANTINED: Self =
        Self::new(503, "model/quarantined", "this model is quarantined and is not served");

    pub(crate) const UNKNOWN_MODEL: Self =
        Self::new(404, "model/unknown", "no such model, or no such operation");

    pub(crate) const BODY_TOO_LARGE: Self =
        Self::new(413, "body/too-large", "the body is larger than this gateway takes");

    pub(crate) const BODY_TIMEOUT: Self = Self::new(408, "body/timeout", "the body did not arrive in time");

    pub(crate) const HEAD_TIMEOUT: Self =
        Self::new(408, "head/timeout", "the request head did not arrive in time");

    pub(crate) const ANSWER_TOO_LARGE: Self =
        Self::new(502, "upstream/too-large", "the model's answer is larger than this gateway takes");

    pub(crate) const BROKEN: Self =
        Self::new(502, "upstream/broken", "the model's instance broke the connection");

    pub(crate) const UPSTREAM_ERROR: Self = Self::new(502, "upstream/error", "the model's instance failed");

    pub(crate) const GARBLED: Self =
        Self::new(502, "upstream/garbled", "the model's answer is not in its protocol");

    pub(crate) const TRUNCATED: Self =
        Self::new(502, "upstream/truncated", "the model's answer ended before its end");

    pub(crate) const LATE: Self = Self::new(504, "upstream/timeout", "the model did not answer in time");

    /// The upstream does not keep to the tokens it was asked for.
    pub(crate) const OVER_CEILING: Self =
        Self::new(502, "upstream/over-ceiling", "the model's answer is longer than was asked for");

    /// An output rule ended the answer.
    pub(crate) const FILTERED: Self = Self::new(403, "guard/output", "the answer holds what may not leave");

    pub(crate) const AUDIT_FULL: Self = Self {
        status: 503,
        code: "audit/full",
        message: Cow::Borrowed("requests cannot be recorded at the moment, so none is served"),
        retry_after: Some(1),
        allow: None,
        passes: true,
    };

    /// The JSON body.
    pub(crate) fn body(&self, shape: Shape, request_id: &str) -> Bytes {
        Bytes::from(self.value(shape, request_id).to_string())
    }

    /// The same, as it stands in a stream that has begun.
    pub(crate) fn value(&self, shape: Shape, request_id: &str) -> Value {
        let (code, message) = (self.code, &self.message);
        match shape {
            Shape::House => json!({"error": {"code": code, "message": message, "request_id": request_id}}),
            Shape::OpenAi => json!({"error": {
                "message": message,
                "type": self.kind(),
                "param": null,
                "code": code,
                "request_id": request_id,
            }}),
            Shape::Anthropic => json!({
                "type": "error",
                "error": {"type": self.kind(), "message": message, "code": code},
                "request_id": request_id,
            }),
        }
    }

    /// The type both chat protocols give errors of this status.
    const fn kind(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            504 => "timeout_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        }
    }

    /// The whole response as bytes, for connections that hyper does not answer any more.
    pub(crate) fn raw(&self, request_id: &str) -> Vec<u8> {
        let body = self.body(Shape::House, request_id);
        let reason = hyper::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default();
        let mut out = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.status,
            body.len()
        )
        .into_bytes();
        out.extend_from_slice(&body);
        out
    }
}

impl From<crate::framing::Violation> for Refusal {
    fn from(violation: crate::framing::Violation) -> Self {
        Self::new(violation.status, violation.code, violation.message)
    }
}
