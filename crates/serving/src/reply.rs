//! Answers. Every one carries the digest of the model, refusals included, and a refusal is
//! `{"error": "..."}` as Open Inference Protocol V2 has it.

use axum::body::Body;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use proofhouse_core::Digest;
use serde_json::json;

use crate::DIGEST_HEADER;

/// A request that is not answered with what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub why: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    pub(crate) fn bad(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }
}

/// An answer whose body is the JSON text of `answer`.
pub(crate) fn reply(digest: Digest, answer: Result<String, Refusal>) -> Response<Body> {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(Refusal { status, why }) => (status, json!({ "error": why }).to_string()),
    };
    sealed(digest, status, "application/json", Body::from(body))
}

/// An answer with the digest of the model that gave it.
pub(crate) fn sealed(
    digest: Digest,
    status: StatusCode,
    media_type: &'static str,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    // A digest is ASCII, so this cannot fail.
    if let Ok(digest) = HeaderValue::from_str(&digest.to_string()) {
        headers.insert(DIGEST_HEADER, digest);
    }
    response
}
