//! The door for conversations: OpenAI's chat completions and Anthropic's messages.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use proofhouse_dialogue::json;
use proofhouse_dialogue::wire::{ChatRequest, ChatResponse, Protocol, StreamEvent, StreamWriter, Usage};
use proofhouse_dialogue::{StopReason, Turn};
use serde_json::{Value, json};

use super::stage::{
    Admitted, Allowed, Asked, Authenticated, Cleared, GuardFacts, Read, Received, Sending, permitted,
};
use super::{Answer, Operation, Released, Surroundings, unless_closed};
use crate::audit::Draft;
use crate::chat::exchange::{Exchange, failed};
use crate::chat::relay::Relay;
use crate::chat::{Chat, Failure, Inspected, OnRefusal, approval, whole};
use crate::config::LiveRoute;
use crate::refusal::Refusal;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// Bytes that are read where the request is: a fraction of a millisecond. More goes to a thread that may
/// block, so that one long conversation does not hold up the others.
const INLINE_BYTES: usize = 16 * 1024;

pub(super) async fn run(
    protocol: Protocol,
    parts: &Parts,
    body: Incoming,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Released, Refusal> {
    let caller = authenticate(protocol, &parts.headers, around, draft)?;
    let limits = around.limits;
    let received = caller
        .limit()?
        .receive(&parts.headers, body, limits.chat_body_bytes, limits.body_timeout, draft)
        .await?;
    draft.commit(received.bytes());
    let body = parse(&received, around).await?;
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    let route = around.snapshot.routes.get(model);
    let Some((route, chat)) = route.and_then(|route| Some((route, route.chat()?))) else {
        let model: String = model.chars().take(60).collect();
        let why = format!("there is no model {model:?} here; GET /v1/models lists those for this key");
        return Err(Refusal::UNKNOWN_MODEL.saying(why));
    };
    draft.aim(route);
    draft.chat().digest_proven = route.upstreams.prove();
    let admitted = Admitted::to(route)?;
    let gate = Arc::clone(admitted.in_flight().gate());
    let rest = async {
        let approvals = approval::presented(&parts.headers)?;
        let (request, inspected) = read(protocol, body, &received, chat, around).await?;
        draft.chat().stream = request.stream();
        draft.chat().note(&inspected);
        let asked = Asked {
            operation: Operation::Chat(protocol),
            bytes: received.bytes().len() as u64,
            max_bytes: limits.chat_body_bytes,
            guard: GuardFacts::of(&inspected, &request, chat),
        };
        let read = Read::new(request, inspected);
        let allowed = match Allowed::by_policy(admitted, &received, &asked, around, draft) {
            Ok(allowed) => allowed,
            Err(refusal) => return decline(refusal, protocol, &read, route, chat, around, draft),
        };
        converse(allowed, read, approvals, chat, around, draft).await
    };
    unless_closed(&gate, rest).await
}

/// The models that the caller may talk to.
pub(super) fn models(
    protocol: Protocol,
    headers: &HeaderMap,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Released, Refusal> {
    let caller = authenticate(protocol, headers, around, draft)?.limit()?;
    let mut names: Vec<&str> = around
        .snapshot
        .routes
        .values()
        .filter(|route| route.chat().is_some_and(|chat| chat.protocols.contains(&protocol)))
        .filter(|route| permitted(caller.key(), route, Operation::Models, around))
        .map(|route| route.model.as_str())
        .collect();
    names.sort_unstable();
    let list = match protocol {
        Protocol::Openai => {
            let entry =
                |id: &&str| json!({"id": id, "object": "model", "created": 0, "owned_by": "proofhouse"});
            json!({"object": "list", "data": names.iter().map(entry).collect::<Vec<_>>()})
        }
        Protocol::Anthropic => {
            let entry = |id: &&str| json!({"id": id, "type": "model", "display_name": id, "created_at": "1970-01-01T00:00:00Z"});
            json!({
                "data": names.iter().map(entry).collect::<Vec<_>>(),
                "has_more": false,
                "first_id": names.first(),
                "last_id": names.last(),
            })
        }
    };
    Ok(Released {
        answer: Answer::Whole(Bytes::from(list.to_string())),
        code: "ok",
        kind: JSON,
        in_flight: None,
        route: None,
        observed: None,
    })
}

fn authenticate(
    protocol: Protocol,
    headers: &HeaderMap,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Authenticated, Refusal> {
    match protocol {
        Protocol::Openai => Authenticated::by_bearer(headers, around.snapshot, draft),
        Protocol::Anthropic => Authenticated::by_api_key(headers, around.snapshot, draft),
    }
}

/// Runs `work` here where it is short, on a thread that may block where it is long. What panics has failed.
async fn off_path<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let broken = |_| failed(Failure::Broken("it ended abnormally".to_owned()));
    if bytes <= INLINE_BYTES {
        return std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(broken);
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| failed(Failure::Broken("it ended abnormally".to_owned())))
}

async fn parse(received: &Received, around: &Surroundings<'_>) -> Result<Value, Refusal> {
    let bytes = received.bytes().clone();
    let limits = json::Limits {
        bytes: bytes.len(),
        depth: around.limits.chat_depth,
        values: around.limits.chat_values,
    };
    off_path(bytes.len(), move || json::parse(&bytes, &limits))
        .await?
        .map_err(|error| malformed(&proofhouse_dialogue::wire::ReadError::from(error)))
}

fn malformed(error: &proofhouse_dialogue::wire::ReadError) -> Refusal {
    let code = match error.code() {
        "duplicate-key" => "body/duplicate-key",
        "too-large" => "body/too-complex",
        "unknown-role" => "body/unknown-role",
        "unknown-field" | "lookalike-field" => "body/unknown-field",
        "unsupported" => "body/unsupported",
        _ => "body/malformed",
    };
    Refusal::new(400, code, "").saying(error.to_string())
}

/// Reads the conversation and lets the guard read it.
async fn read(
    protocol: Protocol,
    body: Value,
    received: &Received,
    chat: &Arc<Chat>,
    around: &Surroundings<'_>,
) -> Result<(ChatRequest, Inspected), Refusal> {
    if !chat.protocols.contains(&protocol) {
        return Err(Refusal::new(400, "model/protocol", "this model does not speak this protocol"));
    }
    let settings = Arc::clone(chat);
    let work = move || -> Result<_, Refusal> {
        let request = ChatRequest::from_value(protocol, body, settings.boundary.labelling())
            .map_err(|error| malformed(&error))?;
        within_limits(&request, &settings)?;
        let started = Instant::now();
        let inspected = settings.boundary.inspect(request.conversation()).map_err(failed)?;
        Ok((request, inspected, started.elapsed()))
    };
    let late = Refusal::new(503, "guard/timeout", "the guard did not finish in time, so nothing passes");
    let bytes = if chat.boundary.is_quick() { received.bytes().len() } else { usize::MAX };
    let reading = off_path(bytes, work);
    let done = tokio::time::timeout(chat.limits.guard_timeout, reading).await.map_err(|_| late)?;
    let (request, inspected, took) = done??;
    around.metrics.inspected(&inspected, took.as_secs_f64());
    Ok((request, inspected))
}

fn within_limits(request: &ChatRequest, chat: &Chat) -> Result<(), Refusal> {
    let limits = &chat.limits;
    let too_many = |code, what: &str, most: u64| {
        Err(Refusal::new(400, code, "").saying(format!("there are more than {most} {what}")))
    };
    if request.conversation().messages.len() > limits.messages {
        return too_many("body/messages", "messages", limits.messages as u64);
    }
    if request.conversation().tools.len() > limits.tools {
        return too_many("body/tools", "tools", limits.tools as u64);
    }
    if request.choices() == 0 || request.choices() > limits.choices {
        return too_many("body/choices", "answers to one request", limits.choices);
    }
    match request.unlisted().iter().find(|field| !limits.unread_fields.contains(*field)) {
        None => Ok(()),
        Some(field) => {
            let field: String = field.chars().take(60).collect();
            let why =
                format!("the field {field:?} is not looked into here, so it is not passed on; leave it out");
            Err(Refusal::new(400, "body/unknown-field", "").saying(why))
        }
    }
}

/// From policy's word to the answer.
async fn converse(
    allowed: Allowed,
    read: Read,
    approvals: Vec<proofhouse_guard::flow::Approval>,
    chat: &Arc<Chat>,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Released, Refusal> {
    let limits = &chat.limits;
    let (protocol, conversation) = (read.request().protocol(), read.request().conversation().clone());
    let (stream, wants_usage) = (read.request().stream(), read.request().include_usage());
    let route = Arc::clone(allowed.route());
    let guarded = allowed.guarded(read, chat)?;
    let max_tokens = guarded.request().max_tokens().unwrap_or(limits.max_tokens);
    let choices = guarded.request().choices();
    let (funded, reservation) = guarded.fund(around, draft)?;
    let body = Bytes::from(funded.request().to_bytes());
    let cleared = Cleared::chat(
        funded,
        Sending {
            method: Operation::Chat(protocol).method(),
            path: protocol.path().to_owned(),
            protocol: Some(protocol),
            accept: if stream { EVENTS } else { JSON },
            body,
            within: limits.answer_timeout,
            answer_bytes: around.limits.response_bytes,
        },
    );
    let exchange = Exchange {
        request_id: draft.record.request_id.clone(),
        protocol,
        model: route.model.clone(),
        created: around.now_ns / 1_000_000_000,
        now_ns: around.now_ns,
        conversation,
        approvals,
        wants_usage,
        choices,
        max_tokens,
        chat: Arc::clone(chat),
        policy: Arc::clone(&around.snapshot.policy),
        metrics: Arc::clone(around.metrics),
    };
    let (answer, kind) = if stream {
        let upstream = around.pool.open(&cleared, &exchange.request_id).await?;
        let gate = cleared.in_flight().gate();
        let relay = Relay::new(exchange, upstream, gate, reservation, around.limits.response_bytes);
        (Answer::Stream(Box::new(relay)), EVENTS)
    } else {
        let answer = around.pool.forward(&cleared, &exchange.request_id).await?;
        let (bytes, usage) = whole::release(&exchange, &answer.body, draft.chat())?;
        exchange.settle(reservation, usage, draft.chat());
        (Answer::Whole(Bytes::from(bytes)), JSON)
    };
    // Looked at again on the way out: the instance answered, the model may be quarantined since.
    if cleared.in_flight().gate().is_closed() {
        return Err(Refusal::QUARANTINED);
    }
    let in_flight = Some(Arc::clone(cleared.in_flight()));
    Ok(Released { answer, code: "ok", kind, in_flight, route: Some(route), observed: None })
}

/// What a caller gets whose request the guard's findings refused: an error, or an answer that says so.
fn decline(
    refusal: Refusal,
    protocol: Protocol,
    read: &Read,
    route: &Arc<LiveRoute>,
    chat: &Chat,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Released, Refusal> {
    if chat.on_refusal == OnRefusal::Error || !refusal.code.starts_with("guard/") {
        return Err(refusal);
    }
    let id = &draft.record.request_id;
    let turn = Turn {
        text: format!("[{} ({})]", refusal.message, refusal.code),
        calls: Vec::new(),
        stop: StopReason::Filtered,
    };
    let response = ChatResponse {
        id: if protocol == Protocol::Openai { format!("chatcmpl-{id}") } else { format!("msg_{id}") },
        model: route.model.clone(),
        created: around.now_ns / 1_000_000_000,
        answers: vec![proofhouse_dialogue::wire::Answer::new(turn)],
        usage: Usage::default(),
    };
    let (bytes, kind) = if read.request().stream() {
        (events(&response, protocol, read.request().include_usage())?, EVENTS)
    } else {
        (response.to_bytes(protocol), JSON)
    };
    // The gateway's own words: no model has answered.
    Ok(Released {
        answer: Answer::Whole(Bytes::from(bytes)),
        code: refusal.code,
        kind,
        in_flight: None,
        route: None,
        observed: None,
    })
}

/// A response of one answer without calls as a stream.
fn events(response: &ChatResponse, protocol: Protocol, usage: bool) -> Result<Vec<u8>, Refusal> {
    let mut writer = StreamWriter::new(protocol, usage);
    let mut out = Vec::new();
    let start = StreamEvent::Start {
        id: response.id.clone(),
        model: response.model.clone(),
        created: response.created,
        input: 0,
    };
    let said = response.answers.iter().flat_map(|answer| {
        [
            StreamEvent::Text { choice: 0, text: answer.turn.text.clone() },
            StreamEvent::Stop { choice: 0, reason: answer.turn.stop },
        ]
    });
    for event in
        std::iter::once(start).chain(said).chain([StreamEvent::Usage(response.usage), StreamEvent::Done])
    {
        out.extend(writer.write(&event).map_err(|_| Refusal::GARBLED)?);
    }
    Ok(out)
}
