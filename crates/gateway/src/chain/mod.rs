//! The chain every request goes through, in one order and without a way round.
//!
//! Two doors lead into it, because two kinds of protocol say at different places which model they mean:
//!
//! * **tensors** (Open Inference Protocol V2), where the path names the model:
//!   route → quarantine → key → rate → body → policy → instance → release;
//! * **chat** (OpenAI and Anthropic), where the body does, which nobody reads for a stranger:
//!   key → rate → body → route → quarantine → guard → policy → budget → instance → output rules → release.
//!
//! Each stage takes the values the stages before it made and makes the next (module `stage`, whose fields are
//! private to it). [`Pool`](crate::upstream::Pool) asks for a [`Cleared`], and the only ways to one lead
//! through all the checks of a door, so a handler that forgets one does not compile. Everything runs on one
//! snapshot of the configuration, taken when the request arrives.

mod chat;
mod stage;
mod tensors;

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use proofhouse_dialogue::wire::Protocol;

use crate::audit::{Draft, Observed};
use crate::chat::relay::Relay;
use crate::config::{Limits, LiveRoute, Snapshot};
use crate::quarantine::{Gate, InFlight};
use crate::refusal::Refusal;
use crate::upstream::Pool;

pub(crate) use stage::Cleared;

/// What can be asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Infer,
    Metadata,
    Ready,
    Chat(Protocol),
    Models,
}

impl Operation {
    /// Its name in records, policies and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Metadata => "metadata",
            Self::Ready => "ready",
            Self::Chat(Protocol::Openai) => "chat",
            Self::Chat(Protocol::Anthropic) => "messages",
            Self::Models => "models",
        }
    }

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Infer | Self::Chat(_) => Method::POST,
            Self::Metadata | Self::Ready | Self::Models => Method::GET,
        }
    }
}

/// A model's answer that may leave, with the token that keeps the quarantine's count.
pub(crate) struct Released {
    pub answer: Answer,
    /// `ok`, or the code of the refusal that it words.
    pub code: &'static str,
    /// Its Content-Type.
    pub kind: &'static str,
    pub in_flight: Option<Arc<InFlight>>,
    pub route: Option<Arc<LiveRoute>>,
    pub observed: Option<Observed>,
}

/// What leaves.
pub(crate) enum Answer {
    /// All of it.
    Whole(Bytes),
    /// What comes as the model makes it.
    Stream(Box<Relay>),
}

/// Everything a request meets on its way.
pub(crate) struct Surroundings<'a> {
    pub snapshot: &'a Snapshot,
    pub limits: &'a Limits,
    pub pool: &'a Pool,
    pub metrics: &'a Arc<crate::metrics::Metrics>,
    pub now_ns: u64,
}

/// Runs the whole chain. What is known so far is noted in `draft` as it becomes known.
pub(crate) async fn run(
    request: Request<Incoming>,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Released, Refusal> {
    let (parts, body) = request.into_parts();
    draft.record.policy = Some(around.snapshot.policy.digest());
    let address = Address::read(&parts)?;
    address.operation().name().clone_into(&mut draft.record.operation);
    match address {
        Address::Tensors { operation, model } => {
            tensors::run(operation, &model, &parts, body, around, draft).await
        }
        Address::Chat(protocol) => chat::run(protocol, &parts, body, around, draft).await,
        Address::Models(protocol) => chat::models(protocol, &parts.headers, around, draft),
    }
}

/// Where a request wants to go, in the one form that route, policy and instance all see.
enum Address {
    Tensors { operation: Operation, model: String },
    Chat(Protocol),
    Models(Protocol),
}

impl Address {
    /// The framing has made sure of one Host, plain headers and a plain path.
    fn read(parts: &Parts) -> Result<Self, Refusal> {
        let address = Self::of_path(parts.uri.path(), &parts.headers).ok_or(Refusal::UNKNOWN_MODEL)?;
        let method = address.operation().method();
        if parts.method != method {
            return Err(Refusal {
                allow: Some(if method == Method::POST { "POST" } else { "GET" }),
                ..Refusal::new(405, "method/not-allowed", "this path takes another method")
            });
        }
        if parts.headers.contains_key(CONTENT_ENCODING) {
            return Err(Refusal::new(415, "body/encoded", "send the body without Content-Encoding"));
        }
        if method == Method::POST && !is_json(&parts.headers) {
            return Err(Refusal::new(415, "body/type", "send the body as application/json"));
        }
        Ok(address)
    }

    fn of_path(path: &str, headers: &HeaderMap) -> Option<Self> {
        if path == "/v1/models" {
            return Some(Self::Models(models_protocol(headers)));
        }
        if let Some(protocol) = chat_protocol(path) {
            return Some(Self::Chat(protocol));
        }
        let mut names = path.strip_prefix("/v2/models/")?.split('/');
        let (operation, model) = match (names.next(), names.next(), names.next()) {
            (Some(model), None, None) if !model.is_empty() => (Operation::Metadata, model),
            (Some(model), Some("ready"), None) => (Operation::Ready, model),
            (Some(model), Some("infer"), None) => (Operation::Infer, model),
            _ => return None,
        };
        Some(Self::Tensors { operation, model: model.to_owned() })
    }

    const fn operation(&self) -> Operation {
        match self {
            Self::Tensors { operation, .. } => *operation,
            Self::Chat(protocol) => Operation::Chat(*protocol),
            Self::Models(_) => Operation::Models,
        }
    }
}

/// The chat protocol whose requests go to a path.
pub(crate) fn chat_protocol(path: &str) -> Option<Protocol> {
    [Protocol::Openai, Protocol::Anthropic].into_iter().find(|protocol| protocol.path() == path)
}

/// Both protocols list models at one path; they differ in where the key is.
pub(crate) fn models_protocol(headers: &HeaderMap) -> Protocol {
    let anthropic = ["x-api-key", "anthropic-version"].iter().any(|name| headers.contains_key(*name));
    if anthropic { Protocol::Anthropic } else { Protocol::Openai }
}

/// The operation of a record as a constant, for metrics.
pub(crate) fn operation_name(recorded: &str) -> &'static str {
    let all = [
        Operation::Infer,
        Operation::Metadata,
        Operation::Ready,
        Operation::Chat(Protocol::Openai),
        Operation::Chat(Protocol::Anthropic),
        Operation::Models,
    ];
    all.map(Operation::name).into_iter().find(|name| *name == recorded).unwrap_or("none")
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}

/// What is under way until the gate closes: then it is dropped, the upstream call with it, and the count.
async fn unless_closed<T>(
    gate: &Arc<Gate>,
    rest: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    tokio::select! {
        biased;
        () = gate.closing() => Err(Refusal::QUARANTINED),
        result = rest => result,
    }
}
