//! The stages, each the proof of a check. Fields are private, and the next stage asks for the values of those
//! before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use governor::clock::{Clock as _, MonotonicClock};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue};
use proofhouse_core::Digest;
use proofhouse_dialogue::wire::{ChatRequest, Protocol};
use proofhouse_policy::input::request as policy_input;

use super::{Operation, Surroundings};
use crate::audit::Draft;
use crate::budget::{Broke, Reservation};
use crate::chat::exchange::failed;
use crate::chat::{Attachments, Chat, Inspected, OnFinding};
use crate::config::{LiveKey, LiveRoute, Snapshot};
use crate::key;
use crate::quarantine::InFlight;
use crate::refusal::Refusal;

/// The header that holds a key in Anthropic's protocol.
const API_KEY: &str = "x-api-key";

/// Its caller is known.
pub(super) struct Authenticated {
    key: Arc<LiveKey>,
}

impl Authenticated {
    /// By `Authorization: Bearer`.
    pub(super) fn by_bearer(
        headers: &HeaderMap,
        snapshot: &Snapshot,
        draft: &mut Draft,
    ) -> Result<Self, Refusal> {
        Self::by(text(headers.get(AUTHORIZATION)).and_then(key::bearer), snapshot, draft)
    }

    /// In Anthropic's protocol: by `x-api-key`, or by `Authorization: Bearer` as its newer clients send a key. Both
    /// at once are no key: another reader could take the other one.
    pub(super) fn by_api_key(
        headers: &HeaderMap,
        snapshot: &Snapshot,
        draft: &mut Draft,
    ) -> Result<Self, Refusal> {
        let presented = match (headers.get(API_KEY), headers.get(AUTHORIZATION)) {
            (Some(bare), None) => text(Some(bare)).and_then(key::bare),
            (None, bearer) => text(bearer).and_then(key::bearer),
            (Some(_), Some(_)) => None,
        };
        Self::by(presented, snapshot, draft)
    }

    fn by(presented: Option<Digest>, snapshot: &Snapshot, draft: &mut Draft) -> Result<Self, Refusal> {
        let key = presented.and_then(|hash| snapshot.keys.get(&hash).cloned());
        let key = key.ok_or(Refusal::UNAUTHENTICATED)?;
        draft.record.key_id = Some(key.key.id.clone());
        draft.record.role = Some(key.key.role.clone());
        Ok(Self { key })
    }

    pub(super) fn limit(self) -> Result<RateLimited, Refusal> {
        match self.key.limiter.check() {
            Ok(()) => Ok(RateLimited { key: self.key }),
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

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

/// Its caller is within the rate.
pub(super) struct RateLimited {
    key: Arc<LiveKey>,
}

impl RateLimited {
    pub(super) fn key(&self) -> &LiveKey {
        &self.key
    }

    /// Takes the body in, whole or not at all: what is checked is what is forwarded.
    pub(super) async fn receive(
        self,
        headers: &HeaderMap,
        body: Incoming,
        max_bytes: u64,
        within: Duration,
        draft: &mut Draft,
    ) -> Result<Received, Refusal> {
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let too_large = || {
            Refusal::BODY_TOO_LARGE
                .saying(format!("the body has more than the {max_bytes} bytes that are taken"))
        };
        if announced.is_some_and(|bytes: u64| bytes > max_bytes) {
            return Err(too_large());
        }
        let room = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let body = tokio::time::timeout(within, Limited::new(body, room).collect())
            .await
            .map_err(|_| Refusal::BODY_TIMEOUT)?
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    too_large()
                } else {
                    Refusal::new(400, "body/broken", "the body is malformed or ended early")
                }
            })?
            .to_bytes();
        draft.record.bytes_in = body.len() as u64;
        Ok(Received { key: self.key, body })
    }
}

/// Its body is here.
pub(super) struct Received {
    key: Arc<LiveKey>,
    body: Bytes,
}

impl Received {
    pub(super) fn bytes(&self) -> &Bytes {
        &self.body
    }
}

/// Its model is not quarantined, and it is counted.
pub(super) struct Admitted {
    route: Arc<LiveRoute>,
    in_flight: Arc<InFlight>,
}

impl Admitted {
    pub(super) fn to(route: &Arc<LiveRoute>) -> Result<Self, Refusal> {
        let in_flight = route.gate.enter().ok_or(Refusal::QUARANTINED)?;
        Ok(Self { route: Arc::clone(route), in_flight: Arc::new(in_flight) })
    }

    pub(super) fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }
}

/// What the request policy is asked about.
pub(super) struct Asked {
    pub operation: Operation,
    pub bytes: u64,
    pub max_bytes: u64,
    pub guard: GuardFacts,
}

/// What the guard has found, as policy reads it.
pub(super) struct GuardFacts(policy_input::Guard);

impl GuardFacts {
    /// For what holds no text.
    pub(super) fn unread() -> Self {
        Self(policy_input::Guard::default())
    }

    /// For a conversation. Policy reads the findings, worst first and not all of thousands.
    pub(super) fn of(inspected: &Inspected, request: &ChatRequest, chat: &Chat) -> Self {
        let mut hits: Vec<policy_input::Hit> = inspected
            .segments
            .iter()
            .filter(|segment| segment.verdict != "benign" || !segment.alarms.is_empty())
            .map(|segment| policy_input::Hit {
                origin: segment.label.origin.kind().to_owned(),
                trust: segment.label.trust.to_string(),
                verdict: segment.verdict.to_owned(),
                score_milli: (segment.score.clamp(0.0, 1.0) * 1000.0).round() as u64,
                alarms: segment.alarms.iter().map(|alarm| (*alarm).to_owned()).collect(),
            })
            .collect();
        // The least trusted and worst come first, so that what policy refuses is never cut off.
        hits.sort_by_key(|hit| std::cmp::Reverse(rank(hit)));
        hits.truncate(MOST_HITS);
        Self(policy_input::Guard {
            read: true,
            enforced: chat.on_finding == OnFinding::Refuse,
            verdict: inspected.verdict().to_owned(),
            segments: inspected.segments.len() as u64,
            hits,
            attachments: request.attachments().len() as u64,
            attachments_pass: chat.attachments == Attachments::Pass,
        })
    }
}

/// Findings that policy reads.
const MOST_HITS: usize = 32;

fn rank(hit: &policy_input::Hit) -> (bool, bool, bool, u64) {
    (hit.trust != "trusted", hit.verdict == "attack", !hit.alarms.is_empty(), hit.score_milli)
}

/// The request policy allows it.
pub(super) struct Allowed {
    route: Arc<LiveRoute>,
    in_flight: Arc<InFlight>,
    key: Arc<LiveKey>,
}

impl Allowed {
    pub(super) fn by_policy(
        admitted: Admitted,
        received: &Received,
        asked: &Asked,
        around: &Surroundings<'_>,
        draft: &mut Draft,
    ) -> Result<Self, Refusal> {
        let input = request_input(&received.key, &admitted.route, asked, around);
        let decision = around.snapshot.policy.evaluate(&input);
        if !decision.allow {
            let codes: Vec<String> = decision.deny.into_iter().map(|reason| reason.code).collect();
            draft.record.policy_reasons.clone_from(&codes);
            return Err(refusal(&codes, around, draft));
        }
        Ok(Self { route: admitted.route, in_flight: admitted.in_flight, key: Arc::clone(&received.key) })
    }

    pub(super) fn route(&self) -> &Arc<LiveRoute> {
        &self.route
    }

    /// Makes the conversation ready for the model: within its tokens, and as the guard wants it seen.
    pub(super) fn guarded(self, read: Read, chat: &Chat) -> Result<Guarded, Refusal> {
        let mut request = read.request;
        request.set_model(chat.upstream_model.as_deref().unwrap_or(&self.route.model));
        request.cap_tokens(chat.limits.max_tokens);
        // What a stream took is known only if it says so.
        request.ask_for_usage();
        chat.boundary.prepare(&mut request).map_err(failed)?;
        Ok(Guarded { allowed: self, request })
    }
}

/// Reasons that come from what the guard has found, with what a caller is told.
const GUARD_REASONS: &[(&str, &str)] = &[
    ("guard/hidden-text", "a text in this conversation hides something from its readers"),
    ("guard/injection", "a text in this conversation tries to direct the model"),
    (
        "guard/unread",
        "this conversation was not read whole: it is more than the guard reads, or one of its detectors failed; send less, or try again",
    ),
    ("guard/attachment", "this model takes text only, because nothing else can be checked"),
];

/// A denial in which something else than the guard's findings has a say is the policy's.
fn refusal(codes: &[String], around: &Surroundings<'_>, draft: &mut Draft) -> Refusal {
    let known = |code: &String| GUARD_REASONS.iter().find(|(reason, _)| reason == code);
    if let Some(found) = codes.iter().map(known).collect::<Option<Vec<_>>>()
        && let Some((code, message)) = found.first()
    {
        draft.chat().reasons = codes.to_vec();
        found.iter().for_each(|(code, _)| around.metrics.denied(code));
        return Refusal::new(403, code, message);
    }
    Refusal::new(403, "policy/denied", "")
        .saying(format!("the request policy refuses this: {}", codes.join(", ")))
}

/// Whether the request policy would allow an operation without a body.
pub(super) fn permitted(
    key: &LiveKey,
    route: &LiveRoute,
    operation: Operation,
    around: &Surroundings<'_>,
) -> bool {
    let asked = Asked { operation, bytes: 0, max_bytes: 0, guard: GuardFacts::unread() };
    around.snapshot.policy.evaluate(&request_input(key, route, &asked, around)).allow
}

/// What the request gate reads.
fn request_input(
    key: &LiveKey,
    route: &LiveRoute,
    asked: &Asked,
    around: &Surroundings<'_>,
) -> policy_input::Input {
    let roles: &BTreeMap<String, Vec<String>> = &around.snapshot.roles;
    policy_input::Input {
        schema: policy_input::SCHEMA.to_owned(),
        request: policy_input::Request {
            now_ns: around.now_ns,
            method: asked.operation.method().to_string(),
            operation: asked.operation.name().to_owned(),
        },
        principal: policy_input::Principal {
            key_id: key.key.id.clone(),
            role: key.key.role.clone(),
            models: roles.get(&key.key.role).cloned().unwrap_or_default(),
        },
        model: policy_input::Model {
            name: route.model.clone(),
            digest: route.digest,
            quarantined: route.gate.is_closed(),
        },
        body: policy_input::Body { bytes: asked.bytes, max_bytes: asked.max_bytes },
        guard: asked.guard.0.clone(),
    }
}

/// A conversation that the guard has read.
pub(super) struct Read {
    request: ChatRequest,
}

impl Read {
    /// The inspection is the proof; what it found is policy's to judge.
    pub(super) fn new(request: ChatRequest, _inspected: Inspected) -> Self {
        Self { request }
    }

    pub(super) fn request(&self) -> &ChatRequest {
        &self.request
    }
}

/// A conversation that the guard has read, that policy allows, and that is ready for the model.
pub(super) struct Guarded {
    allowed: Allowed,
    request: ChatRequest,
}

impl Guarded {
    pub(super) fn request(&self) -> &ChatRequest {
        &self.request
    }

    /// Takes from the caller's budget the most that this can cost: every byte that is sent could be a token.
    pub(super) fn fund(
        self,
        around: &Surroundings<'_>,
        draft: &mut Draft,
    ) -> Result<(Funded, Reservation), Refusal> {
        let most = self.request.max_tokens().unwrap_or(u64::MAX).saturating_mul(self.request.choices());
        let tokens = most.saturating_add(self.request.to_bytes().len() as u64);
        let reservation = match &self.allowed.key.purse {
            None => Reservation::unlimited(),
            Some(purse) => purse.reserve(tokens, around.now_ns / 1_000_000_000).map_err(|broke| match broke {
                Broke::Never => Refusal::new(
                    400,
                    "key/over-budget",
                    "this request could cost more than the key's whole budget; send less or ask for fewer tokens",
                ),
                Broke::Until(seconds) => Refusal {
                    retry_after: Some(seconds),
                    ..Refusal::new(429, "key/budget", "this key has used up its budget of tokens")
                },
            })?,
        };
        let record = draft.chat();
        record.tokens_reserved = tokens;
        record.tokens_charged = tokens;
        Ok((Funded { guarded: self }, reservation))
    }
}

/// Its tokens are reserved.
pub(super) struct Funded {
    guarded: Guarded,
}

impl Funded {
    pub(super) fn request(&self) -> &ChatRequest {
        &self.guarded.request
    }
}

/// What goes to an instance.
pub(super) struct Sending {
    pub method: Method,
    pub path: String,
    pub protocol: Option<Protocol>,
    pub accept: &'static str,
    pub body: Bytes,
    /// Time for the whole answer, or for its head where it is a stream.
    pub within: Duration,
    pub answer_bytes: u64,
}

/// The proof that every check was passed. The only thing that is ever forwarded.
pub(crate) struct Cleared {
    route: Arc<LiveRoute>,
    in_flight: Arc<InFlight>,
    sending: Sending,
}

impl Cleared {
    /// Tensors hold nothing that could direct a model, so policy has the last word.
    pub(super) fn tensors(allowed: Allowed, sending: Sending) -> Self {
        Self { route: allowed.route, in_flight: allowed.in_flight, sending }
    }

    /// Text has to have passed the guard, and its tokens to be paid for.
    pub(super) fn chat(funded: Funded, sending: Sending) -> Self {
        let Allowed { route, in_flight, .. } = funded.guarded.allowed;
        Self { route, in_flight, sending }
    }

    pub(crate) fn route(&self) -> &Arc<LiveRoute> {
        &self.route
    }

    pub(crate) fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }

    pub(crate) fn method(&self) -> &Method {
        &self.sending.method
    }

    pub(crate) fn path(&self) -> &str {
        &self.sending.path
    }

    /// The chat protocol; nothing for tensors.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        self.sending.protocol
    }

    pub(crate) fn accept(&self) -> &'static str {
        self.sending.accept
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.sending.body
    }

    pub(crate) fn within(&self) -> Duration {
        self.sending.within
    }

    pub(crate) fn answer_bytes(&self) -> usize {
        usize::try_from(self.sending.answer_bytes).unwrap_or(usize::MAX)
    }
}
