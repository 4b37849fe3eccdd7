//! The endpoints: Open Inference Protocol V2 (REST) and the proof of identity.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::header::CONTENT_ENCODING;
use hyper::{Request, Response, StatusCode, Uri};
use proofhouse_onnx::Engine;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Limits;
use crate::infer::{Inference, describe};
use crate::language;
use crate::model::{Loaded, ServedModel};
use crate::reply::{Refusal, reply};

/// Longest nonce that is echoed.
const NONCE_CHARS: usize = 128;

/// What every handler needs.
pub(crate) struct Served {
    pub model: ServedModel,
    pub name: String,
    pub version: String,
    pub instance: String,
    pub limits: Limits,
    /// One permit for each inference in work.
    pub permits: Arc<Semaphore>,
    pub draining: AtomicBool,
}

type Shared = State<Arc<Served>>;

pub(crate) fn router(served: Arc<Served>) -> Router {
    let kind = match &served.model.engine {
        Loaded::Onnx(_) => Router::new()
            .route("/v2", get(server))
            .route("/v2/models/{name}", get(metadata))
            .route("/v2/models/{name}/infer", post(infer))
            .route("/v2/models/{name}/versions/{version}", get(metadata))
            .route("/v2/models/{name}/versions/{version}/infer", post(infer)),
        Loaded::Language(_) => language::routes(),
    };
    kind.route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready))
        .route("/v2/models/{name}/ready", get(model_ready))
        .route("/v2/models/{name}/versions/{version}/ready", get(model_ready))
        .route("/proofhouse/v1/instance", get(instance))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(served)
}

impl Served {
    fn reply(&self, answer: Result<Value, Refusal>) -> Response<Body> {
        reply(self.model.digest(), answer.map(|value| value.to_string()))
    }

    /// Whether the address names the model that is served.
    fn is_served(&self, model: &Named) -> Result<(), Refusal> {
        if model.name != self.name {
            let why = format!("there is no model {:?}; this server has {:?}", model.name, self.name);
            return Err(Refusal::new(StatusCode::NOT_FOUND, why));
        }
        match &model.version {
            Some(version) if *version != self.version => {
                let why = format!("{:?} has no version {version:?}, only {:?}", self.name, self.version);
                Err(Refusal::new(StatusCode::NOT_FOUND, why))
            }
            _ => Ok(()),
        }
    }

    /// The network, where it is one; its addresses exist for no other.
    fn network(&self) -> Result<&dyn Engine, Refusal> {
        match &self.model.engine {
            Loaded::Onnx(engine) => Ok(engine.as_ref()),
            Loaded::Language(_) => Err(Refusal::new(StatusCode::NOT_FOUND, "this is a language model")),
        }
    }

    pub(crate) fn accepts(&self) -> Result<(), Refusal> {
        if self.draining.load(Ordering::SeqCst) {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "this instance is shutting down"));
        }
        Ok(())
    }
}

/// The model that an address names.
#[derive(Debug, serde::Deserialize)]
struct Named {
    name: String,
    version: Option<String>,
}

async fn server(State(served): Shared) -> Response<Body> {
    served.reply(Ok(json!({
        "name": "proofhouse",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["proofhouse_model_digest"],
    })))
}

async fn live(State(served): Shared) -> Response<Body> {
    served.reply(Ok(json!({ "live": true })))
}

async fn ready(State(served): Shared) -> Response<Body> {
    served.reply(served.accepts().map(|()| json!({ "ready": true })))
}

async fn model_ready(State(served): Shared, Path(model): Path<Named>) -> Response<Body> {
    let ready = served.is_served(&model).and_then(|()| served.accepts());
    served.reply(ready.map(|()| json!({ "name": served.name, "ready": true })))
}

async fn metadata(State(served): Shared, Path(model): Path<Named>) -> Response<Body> {
    served.reply(served.is_served(&model).and_then(|()| served.network()).map(|engine| {
        json!({
            "name": served.name,
            "versions": [served.version],
            "platform": "rten_onnx",
            "inputs": engine.inputs().iter().map(describe).collect::<Vec<_>>(),
            "outputs": engine.outputs().iter().map(describe).collect::<Vec<_>>(),
            "parameters": { "proofhouse_model_digest": served.model.digest() },
        })
    }))
}

/// Who this is. The nonce ties the answer to the question, so that an old answer cannot be shown again; it
/// is not a signature, and whoever asks must know by other means which process listens here.
async fn instance(State(served): Shared, uri: Uri) -> Response<Body> {
    let answer = nonce(uri.query().unwrap_or_default()).map(|nonce| {
        let mut identity = json!({
            "instance": served.instance,
            "model_name": served.name,
            "model_digest": served.model.digest(),
            "signer": served.model.signer().map(|signer| signer.to_string()),
            "pid": std::process::id(),
        });
        if let (Some(nonce), Some(members)) = (nonce, identity.as_object_mut()) {
            members.insert("nonce".to_owned(), nonce.into());
        }
        identity
    });
    served.reply(answer)
}

/// The nonce of a query; it needs no escaping because nothing that would is accepted.
fn nonce(query: &str) -> Result<Option<&str>, Refusal> {
    let mut nonces = query.split('&').filter_map(|pair| pair.strip_prefix("nonce="));
    let Some(nonce) = nonces.next() else { return Ok(None) };
    let plain = nonce.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if nonces.next().is_some() || nonce.is_empty() || nonce.len() > NONCE_CHARS || !plain {
        return Err(Refusal::bad(format!(
            "a nonce is given once and has 1 to {NONCE_CHARS} letters, digits, \"-\" and \"_\""
        )));
    }
    Ok(Some(nonce))
}

async fn infer(State(served): Shared, Path(model): Path<Named>, request: Request<Body>) -> Response<Body> {
    let answer = answer(&served, &model, request).await;
    reply(served.model.digest(), answer)
}

async fn answer(served: &Arc<Served>, model: &Named, request: Request<Body>) -> Result<String, Refusal> {
    served.is_served(model)?;
    served.accepts()?;
    // The permit is held from before the body is read, so that bodies in memory are bounded, until the run
    // has ended, even if the client is gone by then.
    let permit = Arc::clone(&served.permits).try_acquire_owned().map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at one time; try again")
    })?;
    let body = body(request, &served.limits).await?;
    let served = Arc::clone(served);
    let run = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let engine = served.network()?;
        let inference = Inference::read(&body, engine.inputs(), engine.outputs(), served.limits.batch_rows)?;
        inference.run(engine, served.model.digest(), &served.name, &served.version)
    });
    run.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an inference ended abnormally");
        Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the inference ended abnormally"))
    })
}

pub(crate) async fn body(request: Request<Body>, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let why = format!("the body has more than {} bytes", limits.body_bytes);
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    let headers = request.headers();
    if headers.contains_key("inference-header-content-length") {
        return Err(Refusal::bad("the binary tensor data extension is not supported; send tensors as JSON"));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|v| v != "identity") {
        let why = "compressed bodies are not read; send the JSON as it is";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let collected =
        timeout(limits.body_timeout, Limited::new(request.into_body(), limits.body_bytes).collect());
    match collected.await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::bad(format!("the body could not be read: {error}"))),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

async fn nowhere(State(served): Shared, uri: Uri) -> Response<Body> {
    served.reply(Err(Refusal::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))))
}

async fn wrong_method(State(served): Shared) -> Response<Body> {
    served.reply(Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_echoed_only_if_it_is_harmless() {
        assert_eq!(nonce(""), Ok(None));
        assert_eq!(nonce("a=b&nonce=AZ-09_z"), Ok(Some("AZ-09_z")));
        for bad in
            ["nonce=", "nonce=a&nonce=b", "nonce=%22", "nonce=a\"b", &format!("nonce={}", "a".repeat(129))]
        {
            assert!(nonce(bad).is_err(), "{bad}");
        }
    }
}
