//! Data plane: authenticate, limit, decide, route, audit, observe.
//!
//! A gateway stands before the instances of models and lets a request through only when every check was
//! passed, in one order: strict framing → route → quarantine by digest → key → rate → body → policy →
//! instance → proof of digest. Refusing is the default; each stage makes the value the next one needs
//! (module `chain`), so none can be left out.
//!
//! What it promises:
//!
//! * After a [`QuarantineAck`] no byte of that model's output leaves (module `quarantine`).
//! * Every request leaves an [`AuditRecord`]; when records cannot be taken, requests are refused.
//! * A request sees one snapshot of routes, keys and policy from its first to its last step.
//! * Upstream addresses come from [`Route`]s only; callers' credentials are never forwarded.
//!
//! It speaks HTTP/1.1 and the Open Inference Protocol V2: `POST /v2/models/<m>/infer`, `GET /v2/models/<m>`
//! and `GET /v2/models/<m>/ready`. Refusals are `{"error":{"code","message","request_id"}}` with the status
//! 400 malformed, 401 no valid key (one constant answer), 403 policy, 404 unknown (with a key only), 405,
//! 408 too slow, 413 too large, 415 not plain JSON, 429 rate, 431 head too large, 502 instance failed or
//! proves another digest, 503 quarantined, unreachable or not recordable, 504 instance too slow.

mod admin;
mod audit;
mod chain;
mod config;
mod framing;
mod infer;
mod key;
mod metrics;
mod quarantine;
mod refusal;
mod server;
mod upstream;
mod wire;

pub use audit::{AuditReceiver, AuditRecord, Observed, ObservedReceiver};
pub use config::{ConfigError, GatewayConfig, Limits, Route};
pub use infer::Tensor;
pub use key::{ApiKey, KeyIdError, KeySecret};
pub use server::{Clock, Gateway, GatewayError, GatewayHandle, QuarantineAck, Started, SystemClock};
pub use upstream::{DIGEST_HEADER, REQUEST_ID_HEADER};
