//! Forwarding to the instances of a model.
//!
//! The address comes from the configuration and the path from the route, never from anything the caller
//! sent. Only listed headers are forwarded; the caller's credentials are not among them. An answer counts
//! only when the instance proves in a header that it serves the digest the route promises.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use proofhouse_core::Digest;

use crate::chain::{Decided, Operation};
use crate::refusal::Refusal;

/// The header in which an instance proves what it serves.
pub const DIGEST_HEADER: &str = "proofhouse-model-digest";

/// The header that carries the request's id to the instance and back to the caller.
pub const REQUEST_ID_HEADER: &str = "proofhouse-request-id";

const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// The instances of a route, taken in turns. One that failed rests, longer each time; when all rest, all
/// are tried.
#[derive(Debug)]
pub(crate) struct Upstreams {
    instances: Vec<Instance>,
    next: AtomicUsize,
    since: Instant,
}

#[derive(Debug)]
struct Instance {
    address: SocketAddr,
    failures: AtomicU32,
    /// Milliseconds after `since`.
    rests_until: AtomicU64,
}

impl Upstreams {
    pub(crate) fn new(addresses: Vec<SocketAddr>) -> Self {
        let instance =
            |address| Instance { address, failures: AtomicU32::new(0), rests_until: AtomicU64::new(0) };
        Self {
            instances: addresses.into_iter().map(instance).collect(),
            next: AtomicUsize::new(0),
            since: Instant::now(),
        }
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

/// The pool of connections to instances.
pub(crate) struct Pool {
    client: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
    response_bytes: usize,
}

/// What an instance answered, its digest proven.
pub(crate) struct Answer {
    pub body: Bytes,
}

impl Pool {
    pub(crate) fn new(timeout: Duration, response_bytes: u64) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(timeout.min(Duration::from_secs(2))));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            // A request that may have reached an instance is not sent twice.
            .retry_canceled_requests(false)
            .build(connector);
        Self { client, timeout, response_bytes: usize::try_from(response_bytes).unwrap_or(usize::MAX) }
    }

    /// Sends a request that has passed every check. Instances that cannot be connected to are passed over;
    /// once connected, there is one try.
    pub(crate) async fn forward(&self, decided: &Decided, request_id: &str) -> Result<Answer, Refusal> {
        let all = async {
            for instance in decided.route().upstreams.in_turn() {
                match self.ask(instance, decided, request_id).await {
                    Err(Failure::Unreachable) => decided.route().upstreams.failed(instance),
                    Err(Failure::Refused(refusal)) => {
                        if refusal.status >= 500 {
                            decided.route().upstreams.failed(instance);
                        }
                        return Err(refusal);
                    }
                    Ok(answer) => {
                        Upstreams::answered(instance);
                        return Ok(answer);
                    }
                }
            }
            Err(Refusal::new(503, "upstream/unreachable", "no instance of this model can be reached"))
        };
        tokio::time::timeout(self.timeout, all).await.unwrap_or(Err(Refusal::new(
            504,
            "upstream/timeout",
            "the model did not answer in time",
        )))
    }

    async fn ask(&self, instance: &Instance, decided: &Decided, request_id: &str) -> Result<Answer, Failure> {
        let (method, tail) = match decided.operation() {
            Operation::Infer => (Method::POST, "/infer"),
            Operation::Metadata => (Method::GET, ""),
            Operation::Ready => (Method::GET, "/ready"),
        };
        let uri = format!("http://{}/v2/models/{}{tail}", instance.address, decided.route().model);
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(REQUEST_ID_HEADER, request_id);
        if decided.operation() == Operation::Infer {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request = request
            .body(Full::new(decided.body().clone()))
            .map_err(|_| Refusal::new(502, "upstream/request", "the request cannot be forwarded"))?;
        let response = self.client.request(request).await.map_err(|error| {
            if error.is_connect() {
                Failure::Unreachable
            } else {
                Refusal::new(502, "upstream/broken", "the model's instance broke the connection").into()
            }
        })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.response_bytes).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refusal::new(
                    502,
                    "upstream/too-large",
                    "the model's answer is larger than this gateway takes",
                )
            } else {
                Refusal::new(502, "upstream/broken", "the model's instance broke the connection")
            }
        })?;
        let mut proofs = parts.headers.get_all(DIGEST_HEADER).iter();
        let proof = proofs.next().and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<Digest>().ok());
        if proof != Some(decided.route().digest) || proofs.next().is_some() {
            return Err(Refusal::new(
                502,
                "upstream/digest-mismatch",
                "the instance does not prove that it serves this model",
            )
            .into());
        }
        match parts.status {
            StatusCode::OK => Ok(Answer { body: body.to_bytes() }),
            status if status.is_client_error() => {
                Err(Refusal::new(400, "upstream/refused-input", "the model does not take this input").into())
            }
            _ => Err(Refusal::new(502, "upstream/error", "the model's instance failed").into()),
        }
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
        let upstreams = Upstreams::new(ports.to_vec());
        let order = || upstreams.in_turn().iter().map(|i| i.address.port()).collect::<Vec<_>>();
        assert_eq!((order(), order()), (vec![1, 2, 3], vec![2, 3, 1]));
        upstreams.failed(&upstreams.instances[2]);
        assert_eq!((order(), order()), (vec![1, 2, 3], vec![1, 2, 3]));
        Upstreams::answered(&upstreams.instances[2]);
        assert_eq!(order(), [2, 3, 1]);
    }
}
