//! The chain every request goes through, in one order and without a way round.
//!
//! canonical form → route → quarantine → key → rate → body → policy → instance → release.
//!
//! Each stage takes the value the stage before it made and makes the next; the fields are private to this
//! module. [`Pool::forward`](crate::upstream::Pool::forward) asks for a [`Decided`], and the only way to
//! one leads through all the others, so a handler that forgets a check does not compile. Everything runs
//! on one snapshot of the configuration, taken when the request arrives.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use governor::clock::{Clock as _, MonotonicClock};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use proofhouse_policy::input::request as policy_input;

use crate::audit::{Draft, Observed};
use crate::config::{Limits, LiveKey, LiveRoute, Snapshot};
use crate::infer::{self, Tensor};
use crate::key;
use crate::quarantine::InFlight;
use crate::refusal::Refusal;
use crate::upstream::Pool;

/// What can be asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Infer,
    Metadata,
    Ready,
}

impl Operation {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Metadata => "metadata",
            Self::Ready => "ready",
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::Infer => Method::POST,
            Self::Metadata | Self::Ready => Method::GET,
        }
    }
}

/// A model's answer that may leave, with the token that keeps the quarantine's count.
pub(crate) struct Released {
    pub body: Bytes,
    pub guard: InFlight,
    pub route: Arc<LiveRoute>,
    pub observed: Option<Observed>,
}

/// Everything a request meets on its way.
pub(crate) struct Surroundings<'a> {
    pub snapshot: &'a Snapshot,
    pub limits: &'a Limits,
    pub pool: &'a Pool,
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
    let canonical = Canonical::read(&parts)?;
    canonical.operation.name().clone_into(&mut draft.record.operation);
    let Some(route) = around.snapshot.routes.get(&canonical.model) else {
        // Which models exist is for callers with a key to know.
        authenticate(&parts.headers, around.snapshot)?;
        return Err(Refusal::UNKNOWN_MODEL);
    };
    draft.record.model = Some(route.model.clone());
    draft.record.digest = Some(route.digest);
    let admitted = canonical.admit(route)?;
    let gate = Arc::clone(admitted.guard.gate());
    let rest = async {
        let authenticated = admitted.authenticate(&parts.headers, around.snapshot)?;
        draft.record.key_id = Some(authenticated.key.key.id.clone());
        draft.record.role = Some(authenticated.key.key.role.clone());
        let received = authenticated.limit()?.receive(&parts.headers, body, around.limits, draft).await?;
        let decided = received.decide(around, draft)?;
        decided.answer(around.pool, draft).await
    };
    tokio::select! {
        biased;
        // Drops the upstream call and with it the count.
        () = gate.closing() => Err(Refusal::QUARANTINED),
        result = rest => result,
    }
}

/// A request in the one form that route, policy and instance all see.
struct Canonical {
    operation: Operation,
    model: String,
}

impl Canonical {
    /// The framing has made sure of one Host, plain headers and a plain path.
    fn read(parts: &Parts) -> Result<Self, Refusal> {
        let path = parts.uri.path();
        let mut names = path.strip_prefix("/v2/models/").unwrap_or_default().split('/');
        let (operation, model) = match (names.next(), names.next(), names.next()) {
            (Some(model), None, None) if !model.is_empty() => (Operation::Metadata, model),
            (Some(model), Some("ready"), None) => (Operation::Ready, model),
            (Some(model), Some("infer"), None) => (Operation::Infer, model),
            _ => return Err(Refusal::UNKNOWN_MODEL),
        };
        if parts.method != operation.method() {
            return Err(Refusal {
                allow: Some(if operation == Operation::Infer { "POST" } else { "GET" }),
                ..Refusal::new(405, "method/not-allowed", "this path takes another method")
            });
        }
        if parts.headers.contains_key(CONTENT_ENCODING) {
            return Err(Refusal::new(415, "body/encoded", "send the body without Content-Encoding"));
        }
        if operation == Operation::Infer && !is_json(&parts.headers) {
            return Err(Refusal::new(415, "body/type", "send the body as application/json"));
        }
        Ok(Self { operation, model: model.to_owned() })
    }

    /// The quarantine, before anything about the caller is looked at.
    fn admit(self, route: &Arc<LiveRoute>) -> Result<Admitted, Refusal> {
        let guard = route.gate.enter().ok_or(Refusal::QUARANTINED)?;
        Ok(Admitted { operation: self.operation, route: Arc::clone(route), guard })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}

/// Its model is not quarantined, and it is counted.
struct Admitted {
    operation: Operation,
    route: Arc<LiveRoute>,
    guard: InFlight,
}

impl Admitted {
    fn authenticate(self, headers: &HeaderMap, snapshot: &Snapshot) -> Result<Authenticated, Refusal> {
        let key = authenticate(headers, snapshot)?;
        Ok(Authenticated { admitted: self, key })
    }
}

fn authenticate(headers: &HeaderMap, snapshot: &Snapshot) -> Result<Arc<LiveKey>, Refusal> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(key::presented)
        .and_then(|hash| snapshot.keys.get(&hash).cloned())
        .ok_or(Refusal::UNAUTHENTICATED)
}

/// Its caller is known.
struct Authenticated {
    admitted: Admitted,
    key: Arc<LiveKey>,
}

impl Authenticated {
    fn limit(self) -> Result<RateLimited, Refusal> {
        match self.key.limiter.check() {
            Ok(()) => Ok(RateLimited { authenticated: self }),
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(MonotonicClock.now());
                Err(Refusal {
                    retry_after: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
                    ..Refusal::new(429, "key/rate", "this key has used up its rate; wait and try again")
                })
            }
        }
    }
}

/// Its caller is within the rate.
struct RateLimited {
    authenticated: Authenticated,
}

impl RateLimited {
    /// Takes the body in, whole or not at all: what is checked is what is forwarded.
    async fn receive(
        self,
        headers: &HeaderMap,
        body: Incoming,
        limits: &Limits,
        draft: &mut Draft,
    ) -> Result<Received, Refusal> {
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        if announced.is_some_and(|bytes: u64| bytes > limits.body_bytes) {
            return Err(Refusal::BODY_TOO_LARGE);
        }
        let room = usize::try_from(limits.body_bytes).unwrap_or(usize::MAX);
        let body = tokio::time::timeout(limits.body_timeout, Limited::new(body, room).collect())
            .await
            .map_err(|_| Refusal::BODY_TIMEOUT)?
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Refusal::BODY_TOO_LARGE
                } else {
                    Refusal::new(400, "body/broken", "the body is malformed or ended early")
                }
            })?
            .to_bytes();
        draft.record.bytes_in = body.len() as u64;
        let inputs = if self.authenticated.admitted.operation == Operation::Infer {
            let salt: [u8; 16] = rand::random();
            draft.record.body_commitment = Some(infer::commitment(salt, &body));
            draft.record.body_salt = Some(format!("{:032x}", u128::from_be_bytes(salt)));
            infer::request(&body).map_err(|error| Refusal {
                message: error.to_string().into(),
                ..Refusal::new(400, "body/malformed", "")
            })?
        } else {
            Vec::new()
        };
        Ok(Received { limited: self, body, inputs })
    }
}

/// Its body is here and well formed.
struct Received {
    limited: RateLimited,
    body: Bytes,
    inputs: Vec<Tensor>,
}

impl Received {
    fn decide(self, around: &Surroundings<'_>, draft: &mut Draft) -> Result<Decided, Refusal> {
        let Authenticated { admitted, key } = &self.limited.authenticated;
        let roles: &BTreeMap<String, Vec<String>> = &around.snapshot.roles;
        let input = policy_input::Input {
            schema: policy_input::SCHEMA.to_owned(),
            request: policy_input::Request {
                now_ns: around.now_ns,
                method: admitted.operation.method().to_string(),
                operation: admitted.operation.name().to_owned(),
            },
            principal: policy_input::Principal {
                key_id: key.key.id.clone(),
                role: key.key.role.clone(),
                models: roles.get(&key.key.role).cloned().unwrap_or_default(),
            },
            model: policy_input::Model {
                name: admitted.route.model.clone(),
                digest: admitted.route.digest,
                quarantined: admitted.route.gate.is_closed(),
            },
            body: policy_input::Body { bytes: self.body.len() as u64, max_bytes: around.limits.body_bytes },
        };
        let decision = around.snapshot.policy.evaluate(&input);
        if !decision.allow {
            draft.record.policy_reasons = decision.deny.into_iter().map(|reason| reason.code).collect();
            return Err(Refusal {
                message: format!(
                    "the request policy refuses this: {}",
                    draft.record.policy_reasons.join(", ")
                )
                .into(),
                ..Refusal::new(403, "policy/denied", "")
            });
        }
        let Authenticated { admitted, .. } = self.limited.authenticated;
        Ok(Decided {
            operation: admitted.operation,
            route: admitted.route,
            guard: admitted.guard,
            body: self.body,
            inputs: self.inputs,
        })
    }
}

/// Policy allows it: the proof that every check was passed.
pub(crate) struct Decided {
    operation: Operation,
    route: Arc<LiveRoute>,
    guard: InFlight,
    body: Bytes,
    inputs: Vec<Tensor>,
}

impl Decided {
    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) fn route(&self) -> &LiveRoute {
        &self.route
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    async fn answer(self, pool: &Pool, draft: &Draft) -> Result<Released, Refusal> {
        let answer = pool.forward(&self, &draft.record.request_id).await?;
        // Looked at again on the way out: the instance answered, the model may be quarantined since.
        if self.guard.gate().is_closed() {
            return Err(Refusal::QUARANTINED);
        }
        let observed = (self.operation == Operation::Infer).then(|| Observed {
            request_id: draft.record.request_id.clone(),
            at: draft.record.at,
            model: self.route.model.clone(),
            digest: self.route.digest,
            inputs: self.inputs,
            outputs: infer::response(&answer.body).unwrap_or_default(),
        });
        Ok(Released { body: answer.body, guard: self.guard, route: self.route, observed })
    }
}
