//! Data plane: authenticate, limit, decide, guard, route, audit, observe.
//!
//! A gateway stands before the instances of models and lets a request through only when every check was
//! passed, in one order. Refusing is the default; each stage makes the value the next one needs (module
//! `chain`), so none can be left out.
//!
//! What it promises:
//!
//! * After a [`QuarantineAck`] no byte of that model's output leaves, streams included (module `quarantine`).
//! * Every request leaves an [`AuditRecord`]; when records cannot be taken, requests are refused.
//! * A request sees one snapshot of routes, keys and policy from its first to its last step.
//! * Upstream addresses come from [`Route`]s only; callers' credentials are never forwarded.
//! * A language model is sent what its [`Boundary`] has read and nothing else, and what it answers passes the
//!   output rules first; a call of a tool does not leave before it was judged. A guard that fails refuses.
//! * A key's [`TokenBudget`] is not overshot, however many requests run at the same time.
//!
//! It speaks HTTP/1.1 and
//!
//! * the Open Inference Protocol V2: `POST /v2/models/<m>/infer`, `GET /v2/models/<m>`,
//!   `GET /v2/models/<m>/ready`;
//! * OpenAI's chat completions: `POST /v1/chat/completions`, `GET /v1/models`;
//! * Anthropic's messages: `POST /v1/messages`, `GET /v1/models`.
//!
//! Refusals are `{"error":{"code","message","request_id"}}`, in the chat protocols in the form their clients
//! know, with the status 400 malformed, 401 no valid key (one constant answer), 403 policy or guard, 404
//! unknown (with a key only), 405, 408 too slow, 413 too large, 415 not plain JSON, 429 rate or budget, 431
//! head too large, 502 instance failed or proves another digest, 503 quarantined, unreachable, guard failed
//! or not recordable, 504 instance too slow.

mod admin;
mod audit;
mod budget;
mod chain;
mod chat;
mod config;
mod endpoint;
mod framing;
mod infer;
mod key;
mod metrics;
mod payload;
mod quarantine;
mod refusal;
mod server;
mod upstream;
mod wire;

pub use audit::{AuditReceiver, AuditRecord, ChatReceiver, Observed, ObservedReceiver};
pub use budget::TokenBudget;
pub use chat::{
    APPROVAL_HEADER, Attachments, Boundary, CallRecord, Chat, ChatConfigError, ChatLimits, ChatRecord,
    Failure, Inspected, InspectedSegment, JudgedCall, JudgedText, JudgedTurn, Layers, ObservedChat,
    OnFinding, OnRefusal, Scanned, Scanning, SegmentRecord, approval_header,
};
pub use config::{ConfigError, GatewayConfig, Limits, Route, Serves, Upstream};
pub use endpoint::{Endpoint, EndpointError};
pub use infer::Tensor;
pub use key::{ApiKey, KeyIdError, KeySecret};
pub use proofhouse_endpoint::Roots;
pub use server::{Clock, Gateway, GatewayError, GatewayHandle, QuarantineAck, Started, SystemClock};
pub use upstream::{DIGEST_HEADER, REQUEST_ID_HEADER};
