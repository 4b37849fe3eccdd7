//! From a request to an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http_body_util::channel::Channel;
use hyper::{Request, Response, StatusCode};
use proofhouse_core::Digest;
use proofhouse_dialogue::json;
use proofhouse_dialogue::wire::{
    Answer, ApiError, ChatRequest, ChatResponse, Prompt, Protocol, StreamEvent, StreamWriter, Usage,
};
use proofhouse_dialogue::{Labelling, ToolSpec};
use proofhouse_endpoint::{ChatClient, EndpointError, Events};
use proofhouse_standin::{Settings, Standin, prompt_tokens, tokens};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::{Language, Mind, say};
use crate::model::Loaded;
use crate::reply::{Refusal, sealed};
use crate::routes::{Served, body};

/// Pieces of a stream that may wait for a slow reader.
const WAITING: usize = 16;

/// An error in the words of the protocol that was spoken.
struct Failure(StatusCode, ApiError);

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status, &refusal.why, None)
    }
}

impl Failure {
    fn new(status: StatusCode, why: &str, code: Option<&str>) -> Self {
        Self(status, ApiError::new(status.as_u16(), why, code))
    }
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        tracing::warn!(%error, "the model behind this server gave no answer");
        let (status, why) = match &error {
            EndpointError::Status { status: 429, .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "the model behind this server is busy")
            }
            EndpointError::Status { status: 400 | 413 | 422, .. } => {
                (StatusCode::BAD_REQUEST, "the model behind this server does not take this request")
            }
            EndpointError::Timeout(_) => {
                (StatusCode::GATEWAY_TIMEOUT, "the model behind this server took too long")
            }
            _ => (StatusCode::BAD_GATEWAY, "the model behind this server gave no answer"),
        };
        Self::new(status, why, None)
    }
}

pub(super) async fn openai(state: State<Arc<Served>>, request: Request<Body>) -> Response<Body> {
    answer(state.0, Protocol::Openai, request).await
}

pub(super) async fn anthropic(state: State<Arc<Served>>, request: Request<Body>) -> Response<Body> {
    answer(state.0, Protocol::Anthropic, request).await
}

/// The one model there is, with the members that either protocol's clients look for.
pub(super) async fn models(State(served): State<Arc<Served>>) -> Response<Body> {
    let model = json!({
        "id": served.name,
        "object": "model",
        "type": "model",
        "display_name": served.name,
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "owned_by": "proofhouse",
    });
    let list = json!({
        "object": "list",
        "data": [model],
        "has_more": false,
        "first_id": served.name,
        "last_id": served.name,
    });
    sealed(served.model.digest(), StatusCode::OK, "application/json", Body::from(list.to_string()))
}

async fn answer(served: Arc<Served>, protocol: Protocol, request: Request<Body>) -> Response<Body> {
    let digest = served.model.digest();
    match try_answer(served, protocol, request).await {
        Ok(response) => response,
        Err(Failure(status, error)) => {
            sealed(digest, status, "application/json", Body::from(error.to_bytes(protocol)))
        }
    }
}

async fn try_answer(
    served: Arc<Served>,
    protocol: Protocol,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    served.accepts()?;
    let permit = Arc::clone(&served.permits).try_acquire_owned().map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at one time; try again")
    })?;
    let bytes = body(request, &served.limits).await?;
    let Loaded::Language(language) = &served.model.engine else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "this is no language model").into());
    };
    let request = prepared(&served, language, protocol, &bytes)?;
    let digest = served.model.digest();
    match (&language.mind, request.stream()) {
        (Mind::Endpoint(client), true) => {
            let events = client.stream(relayed(client, &request)).await?;
            let body = relay(events, protocol, request.include_usage(), served.name.clone(), permit);
            Ok(sealed(digest, StatusCode::OK, "text/event-stream", body))
        }
        (mind, stream) => {
            let mut response = match mind {
                Mind::Endpoint(client) => client.complete(relayed(client, &request)).await?.0,
                Mind::StandIn(standin) => stood_in(*standin, &served, &request).await?,
            };
            response.model.clone_from(&served.name);
            if !stream {
                let body = Body::from(response.to_bytes(protocol));
                return Ok(sealed(digest, StatusCode::OK, "application/json", body));
            }
            let events = say::events(&response);
            let body = streamed(events, protocol, request.include_usage(), permit);
            Ok(sealed(digest, StatusCode::OK, "text/event-stream", body))
        }
    }
}

/// The request with the prompt and the tools of the folder.
fn prepared(
    served: &Served,
    language: &Language,
    protocol: Protocol,
    bytes: &[u8],
) -> Result<ChatRequest, Failure> {
    let bad = |why: &str, code: &str| Failure::new(StatusCode::BAD_REQUEST, why, Some(code));
    let labelling = Labelling::default();
    let limits = json::Limits { bytes: served.limits.body_bytes, ..json::Limits::default() };
    let mut request = ChatRequest::read(protocol, bytes, &labelling, &limits)
        .map_err(|error| bad(&error.to_string(), error.code()))?;
    if request.model() != served.name {
        let why = format!("there is no model {:?}; this server has {:?}", request.model(), served.name);
        return Err(Failure::new(StatusCode::NOT_FOUND, &why, Some("model_not_found")));
    }
    if let Some(attachment) = request.attachments().first() {
        let why = format!("{}: this model reads text only", attachment.at);
        return Err(bad(&why, "unsupported"));
    }
    if let Some(field) = request.unlisted().first() {
        return Err(bad(&format!("the field {field:?} is not known here"), "unknown-field"));
    }
    let assistant = &language.assistant;
    let own = offered_anew(&request, &assistant.tools);
    request.extend_tools(&own).map_err(|tool| {
        bad(&format!("the tool {tool} is this model's own; leave its declaration out"), "given-twice")
    })?;
    if !assistant.prompt.is_empty() {
        request.prepend_system(&assistant.prompt, &labelling);
    }
    request.cap_tokens(assistant.max_tokens.into());
    Ok(request)
}

/// The model's own tools that the request does not declare. One that it declares word for word is the same
/// tool; another under its name is not.
fn offered_anew(request: &ChatRequest, own: &[ToolSpec]) -> Vec<ToolSpec> {
    own.iter().filter(|tool| !request.conversation().tools.contains(tool)).cloned().collect()
}

/// The body for the model behind this server. What its protocol has no word for is left out.
fn relayed(client: &ChatClient, request: &ChatRequest) -> Vec<u8> {
    let mut relayed = request.clone();
    if client.protocol() == request.protocol() {
        relayed.set_model(client.model());
        relayed.ask_for_usage();
        return relayed.to_bytes();
    }
    let prompt = Prompt {
        stream: request.stream(),
        max_tokens: request.max_tokens(),
        sampling: request.sampling().clone(),
        tool_choice: request.tool_choice().clone(),
        ..Prompt::new(client.model(), request.conversation())
    };
    prompt.to_bytes(client.protocol())
}

async fn stood_in(standin: Standin, served: &Served, request: &ChatRequest) -> Result<ChatResponse, Failure> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let settings = Settings { tool_choice: request.tool_choice().clone(), max_tokens: request.max_tokens() };
    let conversation = request.conversation().clone();
    let input = prompt_tokens(&conversation);
    // Reading what is hidden is work for a processor, not for whoever hands out connections.
    let turn = tokio::task::spawn_blocking(move || standin.answer_with(&conversation, &settings)).await;
    let turn = turn.map_err(|error| {
        tracing::error!(%error, "an answer ended abnormally");
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer ended abnormally", None)
    })?;
    let calls =
        turn.calls.iter().map(|call| tokens(&serde_json::to_string(&call.arguments).unwrap_or_default()));
    let output = tokens(&turn.text).saturating_add(calls.sum());
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let unique = Digest::of(format!("{} {} {created} {n}", served.instance, std::process::id()).as_bytes());
    let unique: String = unique.to_string().chars().rev().take(24).collect();
    let id = match request.protocol() {
        Protocol::Openai => format!("chatcmpl-{unique}"),
        Protocol::Anthropic => format!("msg_{unique}"),
    };
    // Asked several times, it says the same.
    let choices = usize::try_from(request.choices()).unwrap_or(1);
    let output = output.saturating_mul(request.choices());
    Ok(ChatResponse {
        id,
        model: served.name.clone(),
        created,
        answers: vec![Answer::new(turn); choices],
        usage: Usage { input, output },
    })
}

/// A body that says `events` one after another.
fn streamed(events: Vec<StreamEvent>, protocol: Protocol, usage: bool, permit: OwnedSemaphorePermit) -> Body {
    let (mut sender, body) = Channel::<Bytes>::new(WAITING);
    tokio::spawn(async move {
        let _permit = permit;
        let mut writer = StreamWriter::new(protocol, usage);
        for event in events {
            let Ok(bytes) = writer.write(&event) else { return };
            if !bytes.is_empty() && sender.send_data(bytes.into()).await.is_err() {
                return;
            }
        }
    });
    Body::new(body)
}

/// A body that relays a stream as it comes, in the protocol of whoever asked. A stream that breaks ends in
/// an error, never as if it were whole.
fn relay(
    mut events: Events,
    protocol: Protocol,
    usage: bool,
    name: String,
    permit: OwnedSemaphorePermit,
) -> Body {
    let (mut sender, body) = Channel::<Bytes>::new(WAITING);
    tokio::spawn(async move {
        let _permit = permit;
        let mut writer = StreamWriter::new(protocol, usage);
        while let Some(next) = events.next().await {
            let events = next.unwrap_or_else(|error| {
                let Failure(_, error) = error.into();
                vec![StreamEvent::Error(error)]
            });
            for mut event in events {
                if let StreamEvent::Start { model, .. } = &mut event {
                    model.clone_from(&name);
                }
                let bytes = writer.write(&event).or_else(|error| {
                    let error = ApiError::new(502, error.to_string(), None);
                    writer.write(&StreamEvent::Error(error))
                });
                let bytes = bytes.unwrap_or_default();
                if !bytes.is_empty() && sender.send_data(bytes.into()).await.is_err() {
                    // Nobody listens any more: to drop the stream stops the model.
                    return;
                }
            }
        }
    });
    Body::new(body)
}
