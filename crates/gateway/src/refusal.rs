//! Refusals: every answer of the gateway that is not a model's.
//!
//! The body is `{"error":{"code","message","request_id"}}`. Messages are constants or speak about the
//! caller's own input; none says whether a key exists, which models there are, or where they run.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::json;

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
}

impl Refusal {
    pub(crate) const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), retry_after: None, allow: None }
    }

    /// One answer for a missing, a malformed and an unknown key.
    pub(crate) const UNAUTHENTICATED: Self =
        Self::new(401, "key/invalid", "a valid API key is required: Authorization: Bearer ph_…");

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

    pub(crate) const AUDIT_FULL: Self = Self {
        status: 503,
        code: "audit/full",
        message: Cow::Borrowed("requests cannot be recorded at the moment, so none is served"),
        retry_after: Some(1),
        allow: None,
    };

    /// The JSON body.
    pub(crate) fn body(&self, request_id: &str) -> Bytes {
        let body = json!({"error": {"code": self.code, "message": self.message, "request_id": request_id}});
        Bytes::from(body.to_string())
    }

    /// The whole response as bytes, for connections that hyper does not answer any more.
    pub(crate) fn raw(&self, request_id: &str) -> Vec<u8> {
        let body = self.body(request_id);
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
