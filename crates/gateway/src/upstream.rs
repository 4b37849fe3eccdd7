//! Forwarding to the instances of a model.
//!
//! The address comes from the configuration and the path from the route, never from anything the caller
//! sent. Only listed headers are forwarded; the caller's credentials are not among them. An answer counts
//! only when the instance proves in a header that it serves the digest the route promises; what an endpoint
//! of somebody else serves is its own affair, and records say that nothing was proven.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use proofhouse_core::Digest;
use proofhouse_dialogue::wire::Protocol;

use crate::chain::Cleared;
use crate::config::Upstream;
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;

/// The header in which an instance proves what it serves.
pub const DIGEST_HEADER: &str = "proofhouse-model-digest";

/// The header that carries the request's id to the instance and back to the caller.
pub const REQUEST_ID_HEADER: &str = "proofhouse-request-id";

/// The version of Anthropic's protocol that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Longest wait that an upstream may ask for and that is passed on, in seconds.
const LONGEST_WAIT: u64 = 600;

const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// The instances of a route, taken in turns. One that failed rests, longer each time; when all rest, all
/// are tried.
#[derive(Debug)]
pub(crate) struct Upstreams {
    instances: Vec<Instance>,
    /// Nothing where the instances are ours.
    endpoint: Option<Endpoint>,
    next: AtomicUsize,
    since: Instant,
}

#[derive(Debug)]
struct Instance {
    /// Scheme, host and port, such as `http://127.0.0.1:8080`, and what comes before every path.
    base: String,
    failures: AtomicU32,
    /// Milliseconds after `since`.
    rests_until: AtomicU64,
}

impl Upstreams {
    pub(crate) fn new(upstream: Upstream) -> Self {
        let (bases, endpoint) = match upstream {
            Upstream::Instances(addresses) => {
                (addresses.iter().map(|address: &SocketAddr| format!("http://{address}")).collect(), None)
            }
            Upstream::Endpoint(endpoint) => (vec![endpoint.base().to_owned()], Some(endpoint)),
        };
        let instance = |base| Instance { base, failures: AtomicU32::new(0), rests_until: AtomicU64::new(0) };
        Self {
            instances: bases.into_iter().map(instance).collect::<Vec<_>>(),
            endpoint,
            next: AtomicUsize::new(0),
            since: Instant::now(),
        }
    }

    /// Whether every answer proves the digest.
    pub(crate) fn prove(&self) -> bool {
        self.endpoint.is_none()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// All instances in the order to try them: the awake ones in turn, then those that rest.
    fn in_turn(&self) -> Vec<&Instance> {
        let (now, count) = (self.now_ms(), self.instances.len());
        let first = self.next.fetch_add(1, Relaxed);
        let turn = (0..count).filter_map(|n| self.instances.get((first.wrapping_add(n)) % count));
        let (awake, resting): (Vec<_>, Vec<_>) = turn.partition(|i| i.rests_until.load(Relaxed) <= now);
        awake.into_iter().chain(resting).collect()
    }

    fn failed(&self, instance: &Instance) {
        let times = instance.failures.fetch_add(1, Relaxed).min(10);
        let rest = FIRST_REST.saturating_mul(1 << times).min(LONGEST_REST);
        let until = self.now_ms().saturating_add(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX));
        instance.rests_until.store(until, Relaxed);
    }

    fn answered(instance: &Instance) {
        instance.failures.store(0, Relaxed);
        instance.rests_until.store(0, Relaxed);
    }
}

/// How long a connection is kept that nothing is asked over. Instances close one after ten seconds, and a request that is
/// written while they do is lost.
const IDLE: Duration = Duration::from_secs(5);

/// The pool of connections to instances. An endpoint has connections of its own.
pub(crate) struct Pool {
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What an instance answered, its digest proven.
pub(crate) struct Whole {
    pub body: Bytes,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            // Only what was never written: a request that may have reached an instance is not sent twice.
            .retry_canceled_requests(true)
            .build(connector);
        Self { client }
    }

    /// Sends a request that has passed every check and takes the whole answer. Instances that cannot be
    /// connected to are passed over; once connected, there is one try.
    pub(crate) async fn forward(&self, cleared: &Cleared, request_id: &str) -> Result<Whole, Refusal> {
        let all = async {
            let (response, instance) = self.in_turn(cleared, request_id).await?;
            let body = Limited::new(response.into_body(), cleared.answer_bytes()).collect().await;
            let body = body.map_err(|error| {
                cleared.route().upstreams.failed(instance);
                if error.is::<LengthLimitError>() { Refusal::ANSWER_TOO_LARGE } else { Refusal::BROKEN }
            })?;
            Ok(Whole { body: body.to_bytes() })
        };
        tokio::time::timeout(cleared.within(), all).await.unwrap_or(Err(Refusal::LATE))
    }

    /// Sends a request that has passed every check and takes the head of the answer; its body is a stream.
    pub(crate) async fn open(&self, cleared: &Cleared, request_id: &str) -> Result<Incoming, Refusal> {
        let head = self.in_turn(cleared, request_id);
        let answer = tokio::time::timeout(cleared.within(), head).await.unwrap_or(Err(Refusal::LATE));
        answer.map(|(response, _)| response.into_body())
    }

    async fn in_turn<'c>(
        &self,
        cleared: &'c Cleared,
        request_id: &str,
    ) -> Result<(Response<Incoming>, &'c Instance), Refusal> {
        let upstreams = &cleared.route().upstreams;
        for instance in upstreams.in_turn() {
            match self.ask(instance, cleared, request_id).await {
                Err(Failure::Unreachable) => upstreams.failed(instance),
                Err(Failure::Refused(refusal)) => {
                    if refusal.status >= 500 {
                        upstreams.failed(instance);
                    }
                    return Err(refusal);
                }
                Ok(response) => {
                    Upstreams::answered(instance);
                    return Ok((response, instance));
                }
            }
        }
        Err(Refusal::new(503, "upstream/unreachable", "no instance of this model can be reached"))
    }

    async fn ask(
        &self,
        instance: &Instance,
        cleared: &Cleared,
        request_id: &str,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::builder()
            .method(cleared.method())
            .uri(format!("{}{}", instance.base, cleared.path()))
            .header(ACCEPT, HeaderValue::from_static(cleared.accept()))
            .header(REQUEST_ID_HEADER, request_id);
        if cleared.method() == Method::POST {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if cleared.protocol() == Some(Protocol::Anthropic) {
            request = request.header("anthropic-version", ANTHROPIC_VERSION);
        }
        let key = cleared.route().upstreams.endpoint.as_ref().and_then(Endpoint::key);
        request = match (key, cleared.protocol()) {
            (None, _) => request,
            (Some(key), Some(Protocol::Anthropic)) => request.header("x-api-key", key.bare()?),
            (Some(key), _) => request.header(AUTHORIZATION, key.bearer()?),
        };
        let request = request
            .body(Full::new(cleared.body().clone()))
            .map_err(|_| Refusal::new(502, "upstream/request", "the request cannot be forwarded"))?;
        let sent = match &cleared.route().upstreams.endpoint {
            Some(endpoint) => endpoint.client().request(request),
            None => self.client.request(request),
        };
        let response = sent.await.map_err(|error| {
            // A certificate that nobody vouches for looks like a machine that is off; whoever runs this has to
            // be told which.
            let why = causes(&error);
            tracing::warn!(upstream = %instance.base, %why, "an upstream gave no answer");
            if error.is_connect() { Failure::Unreachable } else { Refusal::BROKEN.into() }
        })?;
        if cleared.route().upstreams.prove() && !proves(&response, cleared.route().digest) {
            return Err(Refusal::new(
                502,
                "upstream/digest-mismatch",
                "the instance does not prove that it serves this model",
            )
            .into());
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Refusal::new(502, "upstream/credential", "the endpoint does not take this gateway's key")
                    .into())
            }
            StatusCode::TOO_MANY_REQUESTS => Err(busy(&response).into()),
            status if status.is_client_error() => {
                Err(Refusal::new(400, "upstream/refused-input", "the model does not take this input").into())
            }
            _ => Err(Refusal::UPSTREAM_ERROR.into()),
        }
    }
}

/// An error with what led to it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(out, ": {cause}");
        next = cause.source();
    }
    out
}

/// The digest, given once.
fn proves(response: &Response<Incoming>, digest: Digest) -> bool {
    let mut proofs = response.headers().get_all(DIGEST_HEADER).iter();
    let proof = proofs.next().and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<Digest>().ok());
    proof == Some(digest) && proofs.next().is_none()
}

fn busy(response: &Response<Incoming>) -> Refusal {
    let asked = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    Refusal {
        retry_after: Some(asked.unwrap_or(1).min(LONGEST_WAIT)),
        passes: true,
        ..Refusal::new(503, "upstream/busy", "the model has more requests than it takes; try again")
    }
}

enum Failure {
    /// Nothing was sent; another instance may be tried.
    Unreachable,
    /// This is the answer.
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round_and_the_failed_come_last() {
        let ports = [1, 2, 3].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let upstreams = Upstreams::new(Upstream::Instances(ports.to_vec()));
        let order = || upstreams.in_turn().iter().map(|i| i.base.clone()).collect::<Vec<_>>();
        let bases = |ports: [u16; 3]| ports.map(|port| format!("http://127.0.0.1:{port}")).to_vec();
        assert_eq!((order(), order()), (bases([1, 2, 3]), bases([2, 3, 1])));
        upstreams.failed(&upstreams.instances[2]);
        assert_eq!((order(), order()), (bases([1, 2, 3]), bases([1, 2, 3])));
        Upstreams::answered(&upstreams.instances[2]);
        assert_eq!(order(), bases([2, 3, 1]));
    }
}
