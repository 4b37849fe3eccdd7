//! The obedient stand-in behind both chat protocols, on the loopback, for trying a gateway without a model.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{
    Answer, ApiError, ChatRequest, ChatResponse, Protocol, StreamEvent, StreamWriter, Usage,
};
use proofhouse_dialogue::{Labelling, Turn};
use proofhouse_standin::{Settings, Standin, prompt_tokens, tokens};
use tokio::net::TcpListener;

/// What it is called.
pub const MODEL: &str = "stand-in";

/// Bytes of a request; the gateway in front takes fewer.
const BODY_BYTES: usize = 16 << 20;

/// Characters of an event's text: short, so that what is watched in a stream is cut as a model's tokens cut it.
const PIECE: usize = 6;

pub struct Running {
    pub address: SocketAddr,
}

/// Listens until the program ends.
pub async fn start() -> anyhow::Result<Running> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(Running { address })
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let protocols = [Protocol::Openai, Protocol::Anthropic];
    let Some(protocol) = protocols.into_iter().find(|p| p.path() == request.uri().path()) else {
        return refuse(Protocol::Openai, 404, "there is no such address here");
    };
    let Ok(body) = Limited::new(request.into_body(), BODY_BYTES).collect().await else {
        return refuse(protocol, 413, "the request is too large");
    };
    let read = ChatRequest::read(protocol, &body.to_bytes(), &Labelling::default(), &Limits::default());
    let request = match read {
        Ok(request) => request,
        Err(error) => return refuse(protocol, 400, &error.to_string()),
    };
    let settings = Settings { tool_choice: request.tool_choice().clone(), max_tokens: request.max_tokens() };
    let turn = Standin::new(1).answer_with(request.conversation(), &settings);
    let calls =
        turn.calls.iter().map(|call| tokens(&serde_json::to_string(&call.arguments).unwrap_or_default()));
    let usage = Usage {
        input: prompt_tokens(request.conversation()),
        output: tokens(&turn.text) + calls.sum::<u64>(),
    };
    let (bytes, kind) = if request.stream() {
        (stream(protocol, &request, &turn, usage), "text/event-stream")
    } else {
        let response = ChatResponse {
            id: "stand-in".to_owned(),
            model: MODEL.to_owned(),
            created: 0,
            answers: vec![Answer::new(turn)],
            usage,
        };
        (response.to_bytes(protocol), "application/json")
    };
    with_type(bytes, kind)
}

fn stream(protocol: Protocol, request: &ChatRequest, turn: &Turn, usage: Usage) -> Vec<u8> {
    let mut writer = StreamWriter::new(protocol, request.include_usage());
    let mut events = vec![StreamEvent::Start {
        id: "stand-in".to_owned(),
        model: MODEL.to_owned(),
        created: 0,
        input: usage.input,
    }];
    let characters: Vec<char> = turn.text.chars().collect();
    events.extend(
        characters.chunks(PIECE).map(|piece| StreamEvent::Text { choice: 0, text: piece.iter().collect() }),
    );
    for (call, made) in (0_u32..).zip(&turn.calls) {
        let arguments = serde_json::to_string(&made.arguments).unwrap_or_default();
        events.push(StreamEvent::CallStart { choice: 0, call, id: made.id.clone(), name: made.name.clone() });
        events.push(StreamEvent::CallArguments { choice: 0, call, text: arguments });
    }
    events.extend([
        StreamEvent::Stop { choice: 0, reason: turn.stop },
        StreamEvent::Usage(usage),
        StreamEvent::Done,
    ]);
    events.iter().filter_map(|event| writer.write(event).ok()).flatten().collect()
}

fn refuse(protocol: Protocol, status: u16, why: &str) -> Response<Full<Bytes>> {
    let mut response = with_type(ApiError::new(status, why, None).to_bytes(protocol), "application/json");
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}

fn with_type(bytes: Vec<u8>, kind: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
