//! Embedded model server, proving at load which digest it serves: Open Inference Protocol V2 over ONNX, and
//! the chat protocols of OpenAI and Anthropic over a language model's folder.
//!
//! [`serve`] reads every file of the model directory once, checks the signature over those bytes, compares
//! their digest with the one it was told to serve, and hands the very same bytes to the engine. Only then
//! does it listen. Whatever changes on disk afterwards changes nothing here.
//!
//! It has no authentication and no transport security of its own: it listens on the loopback address unless
//! told otherwise, and belongs behind the gateway.

mod config;
mod error;
mod infer;
mod language;
mod lease;
mod model;
mod reply;
mod routes;
mod server;

pub use config::{Limits, ServeConfig};
pub use error::ServeError;
pub use lease::{LeaseEnd, RENEWAL, lease_end};
pub use model::ServedModel;
pub use server::{Announcement, Drained, Running, serve, serve_stand_in};

/// The response header that carries the digest of the model that answered.
pub const DIGEST_HEADER: &str = "proofhouse-model-digest";
