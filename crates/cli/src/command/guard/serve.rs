//! The same over HTTP, for programs that are no command line: bodies and times are bounded, nothing of a
//! text is logged, and without `--expose` only this machine is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use proofhouse_dialogue::json::Limits;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::files::{SOURCE_BYTES, Source};
use super::inspect::Inspector;
use super::report::{Report, Subject};
use crate::args::{ConversationForm, OriginArg};
use crate::{Exit, signal, terminal};

/// Longest request body: a file in base64 and what is around it.
const BODY_BYTES: usize = SOURCE_BYTES / 3 * 4 + 4096;
/// Longest request head.
const HEAD_BYTES: usize = 16 * 1024;
/// How long a head and a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests at one time; more are told to come again.
const CONCURRENT: usize = 8;
/// Connections at one time.
const CONNECTIONS: usize = 256;

struct Served {
    inspector: Inspector,
    permits: Semaphore,
    metrics: Metrics,
}

/// What to look at: exactly one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    text: Option<String>,
    /// A request to a model, as JSON or as an object.
    conversation: Option<Value>,
    /// Bytes in base64.
    file: Option<String>,
    /// Name of the file or text in the answer.
    name: Option<String>,
    /// Where it comes from, as `--as` takes it.
    #[serde(rename = "as")]
    origin: Option<String>,
    #[serde(default)]
    show_normal: bool,
    /// The conversation an answer belongs to.
    context: Option<Value>,
}

/// Why a request gets no answer.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(why: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }
}

pub async fn run(inspector: Inspector, addr: SocketAddr, expose: bool) -> anyhow::Result<Exit> {
    if !addr.ip().is_loopback() && !expose {
        anyhow::bail!(
            "{addr} is reachable from beyond this machine, and this endpoint asks nobody who they are; add --expose if \
             a gateway stands before it"
        );
    }
    let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot listen at {addr}"))?;
    let addr = listener.local_addr().context("cannot tell the address")?;
    let served = Arc::new(Served { inspector, permits: Semaphore::new(CONCURRENT), metrics: Metrics::new() });
    terminal::line(super::announcement(addr));
    tokio::select! {
        () = accept(listener, router(served)) => {}
        ended = signal::end() => ended?,
    }
    Ok(Exit::Clean)
}

fn router(served: Arc<Served>) -> Router {
    Router::new()
        .route("/v1/inspect", post(inspect))
        .route("/v1/output", post(output))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .fallback(|| async {
            answer(Err(Refusal(StatusCode::NOT_FOUND, "there is nothing here".to_owned())))
        })
        .with_state(served)
}

async fn accept(listener: TcpListener, routes: Router) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Nobody closes this semaphore, so the permit always comes.
        let slot = Arc::clone(&connections).acquire_owned().await.ok();
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: to try again at once would only burn the processor.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let _slot = slot;
            // An answer is one small write; waiting to fill a packet only delays it.
            let _ = stream.set_nodelay(true);
            let connection = http1::Builder::new()
                // Without a timer the timeout does nothing.
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            // A client that went away is no event.
            let _ = connection.await;
        });
    }
}

async fn inspect(State(served): State<Arc<Served>>, request: Request<Body>) -> Response<Body> {
    work(served, "inspect", request, |served, question| {
        let origin =
            question.origin.as_deref().map(str::parse::<OriginArg>).transpose().map_err(Refusal::bad)?;
        if question.context.is_some() {
            return Err(Refusal::bad("\"context\" belongs to /v1/output"));
        }
        let name = question.name.clone();
        match question.source()? {
            Given::Conversation(bytes) => {
                let conversation = served.conversation(&bytes)?;
                let name = name.as_deref().unwrap_or("conversation");
                Ok(served.inspector.inspect_conversation(name, &conversation))
            }
            Given::Source(source) => {
                let origin = origin.map_or_else(|| source.origin(), |origin| origin.0);
                Ok(vec![served.inspector.input(&source, &origin)])
            }
        }
    })
    .await
}

async fn output(State(served): State<Arc<Served>>, request: Request<Body>) -> Response<Body> {
    work(served, "output", request, |served, question| {
        if question.origin.is_some() {
            return Err(Refusal::bad("what a model says has no \"as\""));
        }
        let context = match &question.context {
            Some(context) => Some(served.conversation(&bytes_of(context))?),
            None => None,
        };
        match question.source()? {
            Given::Source(source) => Ok(vec![
                served
                    .inspector
                    .output(&source, context.as_ref())
                    .map_err(|e| Refusal::bad(terminal::chain(&e)))?,
            ]),
            Given::Conversation(_) => {
                Err(Refusal::bad("an answer is a \"text\"; its conversation is the \"context\""))
            }
        }
    })
    .await
}

enum Given {
    Source(Source),
    Conversation(Vec<u8>),
}

/// A conversation given as JSON text or as the JSON itself.
fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

impl Question {
    fn source(self) -> Result<Given, Refusal> {
        let name = |default: &str| self.name.clone().unwrap_or_else(|| default.to_owned());
        match (&self.text, &self.conversation, &self.file) {
            (Some(text), None, None) => Ok(Given::Source(Source::text(&name("text"), text.clone()))),
            (None, Some(conversation), None) => Ok(Given::Conversation(bytes_of(conversation))),
            (None, None, Some(file)) => {
                let bytes =
                    STANDARD.decode(file).map_err(|e| Refusal::bad(format!("\"file\" is no base64: {e}")))?;
                Ok(Given::Source(Source::file(&name("file"), bytes)))
            }
            _ => Err(Refusal::bad("give one of \"text\", \"conversation\" and \"file\"")),
        }
    }
}

impl Served {
    fn conversation(&self, bytes: &[u8]) -> Result<proofhouse_dialogue::Conversation, Refusal> {
        let form = Some(ConversationForm::Auto);
        self.inspector.conversation(bytes, form).map_err(|error| Refusal::bad(terminal::chain(&error)))
    }
}

/// Reads the question, has it answered off the runtime's threads, counts.
async fn work(
    served: Arc<Served>,
    operation: &'static str,
    request: Request<Body>,
    look: impl FnOnce(&Served, Question) -> Result<Vec<Subject>, Refusal> + Send + 'static,
) -> Response<Body> {
    let start = Instant::now();
    let answered = looked_at(&served, request, look).await;
    let outcome = match &answered {
        Ok(report) => report.verdict.to_string(),
        Err(_) => "refused".to_owned(),
    };
    let metrics = &served.metrics;
    metrics.requests.get_or_create(&Outcome { operation, outcome }).inc();
    metrics.seconds.observe(start.elapsed().as_secs_f64());
    if let Ok(report) = &answered {
        let bytes: usize = report.subjects.iter().map(|s| s.bytes).sum();
        metrics.bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
    answer(answered.map(|report| json!(report)))
}

async fn looked_at(
    served: &Arc<Served>,
    request: Request<Body>,
    look: impl FnOnce(&Served, Question) -> Result<Vec<Subject>, Refusal> + Send + 'static,
) -> Result<Report, Refusal> {
    let busy =
        |_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "too many requests at one time; try again".to_owned());
    // Held from before the body is read, so that bodies in memory are bounded.
    let _permit = served.permits.try_acquire().map_err(busy)?;
    let body = body(request).await?;
    let served = Arc::clone(served);
    let looking = tokio::task::spawn_blocking(move || {
        let limits = Limits { bytes: BODY_BYTES, ..Limits::default() };
        let value = proofhouse_dialogue::json::parse(&body, &limits).map_err(Refusal::bad)?;
        let question: Question = serde_json::from_value(value).map_err(Refusal::bad)?;
        let show_normal = question.show_normal;
        let mut subjects = look(&served, question)?;
        if !show_normal {
            subjects.iter_mut().for_each(|subject| subject.normal = None);
        }
        Ok(Report::new(subjects))
    });
    looking.await.unwrap_or_else(|_| {
        Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "looking at it ended abnormally".to_owned()))
    })
}

async fn body(request: Request<Body>) -> Result<Vec<u8>, Refusal> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|v| v != "identity") {
        let why = "compressed bodies are not read; send the JSON as it is".to_owned();
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    match timeout(PATIENCE, Limited::new(request.into_body(), BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {BODY_BYTES} bytes")))
        }
        Ok(Err(error)) => Err(Refusal::bad(format!("the body could not be read: {error}"))),
        Err(_) => Err(Refusal(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".to_owned())),
    }
}

fn answer(answered: Result<Value, Refusal>) -> Response<Body> {
    let (status, value) = match answered {
        Ok(value) => (StatusCode::OK, value),
        Err(Refusal(status, why)) => (status, json!({ "error": why })),
    };
    respond(status, "application/json", value.to_string())
}

async fn metrics(State(served): State<Arc<Served>>) -> Response<Body> {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = encode(&mut text, &served.metrics.registry);
    respond(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

/// What was asked, and pass, fail, unknown or refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    operation: &'static str,
    outcome: String,
}

struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    bytes: Counter<u64, AtomicU64>,
    seconds: Histogram,
}

impl Metrics {
    fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("proofhouse_guard"),
            requests: Family::default(),
            bytes: Counter::default(),
            seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 18)),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests by operation and outcome", metrics.requests.clone());
        registry.register("bytes", "Bytes of text looked at", metrics.bytes.clone());
        registry.register("seconds", "Time from head to answer", metrics.seconds.clone());
        metrics
    }
}
