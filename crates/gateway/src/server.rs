//! Listening, connections, and the handle by which the gateway is steered.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioTimer;
use proofhouse_core::{Digest, Timestamp};
use proofhouse_policy::Policy;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::audit::{AuditReceiver, AuditRecord, ChatReceiver, Draft, Observed, ObservedReceiver, Tap};
use crate::chain::{self, Answer, Released, Surroundings};
use crate::config::{ConfigError, GatewayConfig, Limits, Route, Snapshot, live_keys, live_routes};
use crate::framing::HeadLimits;
use crate::key::ApiKey;
use crate::metrics::{Metrics, Outcome};
use crate::payload::{Leaving, Payload};
use crate::quarantine::{Outbox, Quarantine};
use crate::refusal::{Refusal, Shape};
use crate::upstream::{DIGEST_HEADER, Pool, REQUEST_ID_HEADER};
use crate::wire::Wire;

/// Tells the time for records and policies.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Why a gateway does not start or take a change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The port is taken.
    #[error(
        "cannot listen on {0}: another program listens there; choose another port, or 0 for any free one"
    )]
    InUse(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Routes, roles or keys contradict themselves.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// After this was given, no byte of the model's output leaves the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineAck {
    /// The quarantined digest.
    pub digest: Digest,
    /// The epoch of its quarantine; grows with every one. Keep it with the digest, and give both to
    /// [`GatewayConfig::quarantined`] when the gateway starts again.
    pub epoch: u64,
    /// Requests that were under way and were cut off or finished before the acknowledgement.
    pub in_flight_cancelled: u64,
    /// When the last of them was gone.
    pub acked_at: Timestamp,
}

/// The data plane.
#[derive(Debug)]
pub struct Gateway;

/// A running gateway with the two queues that come out of it.
#[derive(Debug)]
pub struct Started {
    /// Steers it.
    pub handle: GatewayHandle,
    /// One record for every request. Must be read: when it is full, requests are refused.
    pub audit: AuditReceiver,
    /// Observed rows. May be dropped.
    pub observed: ObservedReceiver,
    /// Observed conversations, without a text. May be dropped.
    pub chats: ChatReceiver,
}

impl Gateway {
    /// Starts listening. Must be called inside a tokio runtime.
    ///
    /// Fails when an address is taken or the configuration contradicts itself.
    pub async fn start(
        config: GatewayConfig,
        policy: Arc<Policy>,
        clock: Arc<dyn Clock>,
    ) -> Result<Started, GatewayError> {
        let quarantine = Quarantine::new(&config.quarantined);
        let snapshot = Snapshot {
            routes: live_routes(config.routes, &quarantine)?,
            keys: live_keys(config.keys, &config.roles, &std::collections::HashMap::new())?,
            roles: Arc::new(config.roles),
            policy,
        };
        let listener = listen(config.listen).await?;
        let admin = match config.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let (audit, audit_receiver) = mpsc::channel(config.limits.audit_queue.max(1));
        let (observed, observed_receiver) = mpsc::channel(config.limits.observation_queue.max(1));
        let (chats, chats_receiver) = mpsc::channel(config.limits.observation_queue.max(1));
        let metrics = Arc::new(Metrics::new());
        let tap = Tap::new(chats, metrics.observations_dropped.clone());
        let stop = watch::Sender::new(false);
        let inner = Arc::new(Inner {
            snapshot: ArcSwap::from_pointee(snapshot),
            changes: Mutex::new(()),
            quarantine,
            pool: Pool::new(),
            limits: config.limits,
            clock,
            audit,
            observed,
            tap,
            metrics,
        });
        let address = listener
            .local_addr()
            .map_err(|source| GatewayError::Listen { address: config.listen, source })?;
        let admin_address = admin.as_ref().and_then(|listener| listener.local_addr().ok());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(Arc::clone(&inner), listener, stop.subscribe()));
        if let Some(admin) = admin {
            tasks.spawn(crate::admin::serve(Arc::clone(&inner), admin, stop.subscribe()));
        }
        let handle = GatewayHandle { inner, stop, tasks, address, admin_address };
        Ok(Started {
            handle,
            audit: AuditReceiver(audit_receiver),
            observed: ObservedReceiver(observed_receiver),
            chats: ChatReceiver(chats_receiver),
        })
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => GatewayError::InUse(address),
        _ => GatewayError::Listen { address, source },
    })
}

pub(crate) struct Inner {
    snapshot: ArcSwap<Snapshot>,
    /// Held while a new snapshot is made from the old one.
    changes: Mutex<()>,
    pub quarantine: Quarantine,
    pool: Pool,
    limits: Limits,
    clock: Arc<dyn Clock>,
    pub audit: mpsc::Sender<AuditRecord>,
    observed: mpsc::Sender<Observed>,
    tap: Tap,
    pub metrics: Arc<Metrics>,
}

/// Steers a running gateway. Dropping it stops the gateway at once; [`GatewayHandle::shutdown`] is gentler.
pub struct GatewayHandle {
    inner: Arc<Inner>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
}

impl std::fmt::Debug for GatewayHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayHandle").field("address", &self.address).finish_non_exhaustive()
    }
}

impl GatewayHandle {
    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics are, if anywhere.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Quarantines a digest: from this call on no new request reaches it, those under way are cut off, and
    /// the future ends when the last one is gone. The call itself closes the gate; the future only waits.
    pub fn quarantine(&self, digest: Digest) -> impl Future<Output = QuarantineAck> + Send + use<> {
        let closed = self.inner.quarantine.close(digest);
        let clock = Arc::clone(&self.inner.clock);
        async move {
            closed.drained().await;
            QuarantineAck {
                digest,
                epoch: closed.epoch,
                in_flight_cancelled: closed.in_flight,
                acked_at: clock.now(),
            }
        }
    }

    /// Lifts a quarantine; false where there was none. The epoch does not go back. For a recalled digest
    /// this is never called: whoever holds the recall list decides that.
    pub fn lift(&self, digest: Digest) -> bool {
        self.inner.quarantine.open(digest)
    }

    /// The quarantined digests with their epochs.
    #[must_use]
    pub fn quarantined(&self) -> BTreeMap<Digest, u64> {
        self.inner.quarantine.closed()
    }

    /// The epoch of the latest quarantine.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.inner.quarantine.epoch()
    }

    /// Replaces the routes. Requests under way finish on the routes they began with; a quarantine holds
    /// whatever the routes say.
    pub fn set_routes(&self, routes: Vec<Route>) -> Result<(), ConfigError> {
        self.change(|old| Ok(Snapshot { routes: live_routes(routes, &self.inner.quarantine)?, ..old }))
    }

    /// Replaces roles and keys. A key that is gone is refused from the next request on.
    pub fn set_keys(
        &self,
        roles: BTreeMap<String, Vec<String>>,
        keys: Vec<ApiKey>,
    ) -> Result<(), ConfigError> {
        self.change(|old| {
            let keys = live_keys(keys, &roles, &old.keys)?;
            Ok(Snapshot { keys, roles: Arc::new(roles), ..old })
        })
    }

    /// Replaces the policy.
    pub fn set_policy(&self, policy: Arc<Policy>) {
        // The closure does not fail.
        let _ = self.change(|old| Ok(Snapshot { policy, ..old }));
    }

    fn change(
        &self,
        next: impl FnOnce(Snapshot) -> Result<Snapshot, ConfigError>,
    ) -> Result<(), ConfigError> {
        let _alone = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.inner.snapshot.load();
        let copy = Snapshot {
            routes: old.routes.clone(),
            keys: old.keys.clone(),
            roles: Arc::clone(&old.roles),
            policy: Arc::clone(&old.policy),
        };
        self.inner.snapshot.store(Arc::new(next(copy)?));
        Ok(())
    }

    /// Stops taking connections, lets requests under way finish for at most `grace`, then cuts them off.
    /// Afterwards the audit queue ends when it has been read.
    pub async fn shutdown(mut self, grace: Duration) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

async fn accept(inner: Arc<Inner>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(inner.limits.connections.max(1)));
    let mut connections = JoinSet::new();
    loop {
        // A place first: what cannot be served waits in the kernel's queue and costs nothing here.
        let place = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (inner, stop) = (Arc::clone(&inner), stop.clone());
                connections.spawn(async move {
                    inner.metrics.connections.inc();
                    connection(&inner, stream, stop).await;
                    inner.metrics.connections.dec();
                    drop(place);
                });
            }
            // Out of file descriptors, or the peer was gone already: give others a moment.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Payload>, Infallible>> + Send>>;

async fn connection(inner: &Arc<Inner>, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    // Small answers, many of them; failing to set this only costs time.
    let _ = stream.set_nodelay(true);
    let outbox = Arc::new(Outbox::default());
    let limits = HeadLimits { bytes: inner.limits.head_bytes, headers: inner.limits.headers };
    let wire = Wire::new(stream, limits, inner.limits.write_timeout, Arc::clone(&outbox));
    let service = {
        let (inner, outbox) = (Arc::clone(inner), Arc::clone(&outbox));
        service_fn(move |request| -> Answering {
            let (inner, outbox) = (Arc::clone(&inner), Arc::clone(&outbox));
            Box::pin(async move { Ok(answer(&inner, &outbox, request).await) })
        })
    };
    let mut http = http1::Builder::new()
        // Without a timer the timeout below would do nothing.
        .timer(TokioTimer::new())
        .header_read_timeout(inner.limits.head_timeout)
        .max_headers(inner.limits.headers.saturating_add(1))
        .serve_connection(wire, service);
    let mut epochs = inner.quarantine.watch();
    let mut stopping = false;
    let ended = loop {
        tokio::select! {
            biased;
            _ = epochs.changed() => {
                // A slow reader must not keep a quarantined answer alive in a buffer.
                if outbox.is_tainted() {
                    http.into_parts().io.abort();
                    return;
                }
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                Pin::new(&mut http).graceful_shutdown();
            }
            ended = poll_fn(|cx| http.poll_without_shutdown(cx)) => break ended,
        }
    };
    let wire = http.into_parts().io;
    if outbox.is_tainted() {
        wire.abort();
        return;
    }
    let refusal = match (wire.unanswered_violation(), ended) {
        (Some(violation), _) => Some(Refusal::from(violation)),
        (None, Err(error)) if error.is_timeout() && wire.is_waiting_for_head() => Some(Refusal::HEAD_TIMEOUT),
        _ => None,
    };
    let Some(refusal) = refusal else { return wire.finish(&[]).await };
    let request_id = request_id();
    // Where there is no room for a record, there is no answer either.
    if let Some(mut draft) = Draft::begin(&inner.audit, &inner.tap, request_id.clone(), inner.clock.now()) {
        draft.record.status = refusal.status;
        refusal.code.clone_into(&mut draft.record.code);
        drop(draft);
        count(inner, "none", refusal.code);
        wire.finish(&refusal.raw(&request_id)).await;
    }
}

fn request_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Answers one request: runs the chain, writes the record, counts.
async fn answer(inner: &Arc<Inner>, outbox: &Arc<Outbox>, request: Request<Incoming>) -> Response<Payload> {
    let request_id = request_id();
    let shape = Shape::of(request.uri().path(), request.headers());
    let now = inner.clock.now();
    let Some(mut draft) = Draft::begin(&inner.audit, &inner.tap, request_id.clone(), now) else {
        count(inner, "none", Refusal::AUDIT_FULL.code);
        return refused(&Refusal::AUDIT_FULL, shape, &request_id);
    };
    let under_way = UnderWay::new(inner);
    let snapshot = inner.snapshot.load_full();
    let around = Surroundings {
        snapshot: &snapshot,
        limits: &inner.limits,
        pool: &inner.pool,
        metrics: &inner.metrics,
        now_ns: u64::try_from(now.unix_ms()).unwrap_or(0).saturating_mul(1_000_000),
    };
    let result = chain::run(request, &around, &mut draft).await;
    inner.metrics.latency.observe(draft.seconds());
    let operation = chain::operation_name(&draft.record.operation);
    match result {
        Ok(released) => {
            count(inner, operation, released.code);
            if let Answer::Whole(body) = &released.answer {
                draft.end(200, released.code);
                draft.record.bytes_out = body.len() as u64;
            }
            respond(inner, outbox, released, shape, draft, under_way)
        }
        Err(refusal) => {
            let response = refused(&refusal, shape, &request_id);
            draft.end(refusal.status, refusal.code);
            draft.record.bytes_out = response.body().size_hint().lower();
            count(inner, operation, refusal.code);
            response
        }
    }
}

fn count(inner: &Inner, operation: &'static str, code: &'static str) {
    inner.metrics.requests.get_or_create(&Outcome { operation, code }).inc();
}

/// A request under way, for the gauge.
pub(crate) struct UnderWay(Arc<Inner>);

impl UnderWay {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.metrics.in_flight.inc();
        Self(Arc::clone(inner))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}

fn respond(
    inner: &Arc<Inner>,
    outbox: &Arc<Outbox>,
    released: Released,
    shape: Shape,
    draft: Draft,
    under_way: UnderWay,
) -> Response<Payload> {
    if let Some(observed) = released.observed
        && inner.observed.try_send(observed).is_err()
    {
        inner.metrics.observations_dropped.inc();
    }
    let request_id = draft.record.request_id.clone();
    let leaving = released.in_flight.map(|in_flight| Leaving {
        in_flight,
        outbox: Arc::clone(outbox),
        inner: Arc::clone(inner),
    });
    let (payload, kind) = match (released.answer, leaving) {
        (Answer::Whole(bytes), Some(leaving)) => (Payload::whole(bytes, leaving), released.kind),
        (Answer::Whole(bytes), None) => (Payload::own(bytes), released.kind),
        (Answer::Stream(mut relay), Some(leaving)) => {
            relay.keep(draft, under_way);
            (Payload::stream(relay, leaving), released.kind)
        }
        // A stream always has a model behind it, and with it a count.
        (Answer::Stream(_), None) => return refused(&Refusal::BROKEN, shape, &request_id),
    };
    let mut response = Response::new(payload);
    common_headers(response.headers_mut(), shape, kind, &request_id);
    if let Some(route) = released.route
        && let Ok(value) = HeaderValue::from_str(&route.digest.to_string())
    {
        response.headers_mut().insert(DIGEST_HEADER, value);
    }
    response
}

fn refused(refusal: &Refusal, shape: Shape, request_id: &str) -> Response<Payload> {
    let mut response = Response::new(Payload::own(refusal.body(shape, request_id)));
    *response.status_mut() =
        StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    common_headers(headers, shape, "application/json", request_id);
    if let Some(seconds) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if let Some(methods) = refusal.allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if shape != Shape::House {
        // The official clients try again by themselves at 408, 429 and 5xx. What will not pass by itself
        // would only cost twice.
        let again = if refusal.passes || refusal.retry_after.is_some() { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(again));
    }
    response
}

fn common_headers(headers: &mut HeaderMap, shape: Shape, kind: &'static str, request_id: &str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        if let Some(name) = shape.request_id_header() {
            headers.insert(name, value.clone());
        }
        headers.insert(REQUEST_ID_HEADER, value);
    }
}
