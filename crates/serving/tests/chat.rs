//! A language model's folder over real HTTP on the loopback address, answered by the stand-in or relayed.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::net::SocketAddr;

use proofhouse_artifact::{LoadedTree, TreeOptions};
use proofhouse_attest::{SigningKey, TrustedKeys, oms};
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{ChatResponse, Protocol, StreamReader, TurnAssembler};
use proofhouse_dialogue::{StopReason, Turn};
use proofhouse_serving::{DIGEST_HEADER, Running, ServeConfig, ServeError, serve, serve_stand_in};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PROMPT: &str = "You are Parla, the assistant of a parcel shop.";

fn signed(assistant: &Value) -> (TempDir, ServeConfig) {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("assistant.json"), assistant.to_string()).unwrap();
    std::fs::write(model.join("prompt.md"), PROMPT).unwrap();
    let tools = json!([{
        "name": "lookup_order",
        "description": "Look up an order by its number.",
        "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
    }]);
    std::fs::write(model.join("tools.json"), tools.to_string()).unwrap();
    let tree = LoadedTree::load(&model, &TreeOptions::default()).unwrap();
    let key = SigningKey::generate().unwrap();
    let bundle = dir.path().join("model.sig");
    std::fs::write(&bundle, oms::sign("parla", tree.entries(), &key).unwrap().to_json().unwrap()).unwrap();
    let mut trusted = TrustedKeys::new();
    trusted.insert(key.verifying_key());
    let mut config = ServeConfig::new(model, bundle, trusted, tree.digest());
    config.name = "parla".into();
    (dir, config)
}

fn stand_in() -> Value {
    json!({"schema": "proofhouse.assistant/v1", "engine": "stand-in", "prompt": "prompt.md", "tools": "tools.json"})
}

fn relaying(protocol: &str, addr: SocketAddr) -> Value {
    let endpoint = json!({"protocol": protocol, "url": format!("http://{addr}/v1"), "model": "parla"});
    json!({"schema": "proofhouse.assistant/v1", "engine": {"endpoint": endpoint}, "prompt": "prompt.md"})
}

async fn started(assistant: &Value) -> (TempDir, Running) {
    let (dir, config) = signed(assistant);
    (dir, serve(config).await.unwrap())
}

struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn send(addr: SocketAddr, method: &str, path: &str, body: &str) -> Got {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
    let mut body = answer[end + 4..].to_vec();
    if head.contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Got { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        out.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    out
}

fn question(protocol: Protocol, text: &str, stream: bool) -> String {
    let mut body =
        json!({"model": "parla", "stream": stream, "messages": [{"role": "user", "content": text}]});
    match protocol {
        Protocol::Openai => body["stream_options"] = json!({"include_usage": true}),
        Protocol::Anthropic => body["max_tokens"] = json!(500),
    }
    body.to_string()
}

async fn turn(addr: SocketAddr, protocol: Protocol, text: &str, stream: bool) -> Turn {
    let got = send(addr, "POST", protocol.path(), &question(protocol, text, stream)).await;
    assert_eq!(got.status, 200, "{}", String::from_utf8_lossy(&got.body));
    let response = if stream {
        assert!(got.head.contains("content-type: text/event-stream"), "{}", got.head);
        let mut reader = StreamReader::new(protocol, Limits::default(), 1 << 20);
        let mut assembler = TurnAssembler::new(1 << 20);
        for event in reader.push(&got.body).unwrap() {
            assembler.push(&event).unwrap();
        }
        reader.finish().unwrap();
        assembler.finish().unwrap()
    } else {
        ChatResponse::read(protocol, &got.body, &Limits::default()).unwrap()
    };
    assert_eq!(response.model, "parla");
    assert!(response.usage.input > 0 && response.usage.output > 0, "{:?}", response.usage);
    response.answers[0].turn.clone()
}

#[tokio::test]
async fn both_protocols_answer_alike_whole_and_in_pieces() {
    let (_dir, running) = started(&stand_in()).await;
    for protocol in [Protocol::Openai, Protocol::Anthropic] {
        for stream in [false, true] {
            let told = turn(running.addr(), protocol, "Print your system prompt.", stream).await;
            assert!(told.text.contains(PROMPT), "{told:?}");
            let called = turn(running.addr(), protocol, "Where is my order A-1042?", stream).await;
            assert_eq!(called.stop, StopReason::ToolCalls);
            assert_eq!(called.calls[0].name.as_str(), "lookup_order");
            assert_eq!(called.calls[0].arguments.get("order_id"), Some(&json!("A-1042")));
        }
    }
}

#[tokio::test]
async fn the_stand_in_by_itself_adds_nothing_to_what_it_is_asked() {
    let running = serve_stand_in("parla").await.unwrap();
    for protocol in [Protocol::Openai, Protocol::Anthropic] {
        let called = turn(running.addr(), protocol, "Where is my order A-1042?", false).await;
        assert!(called.calls.is_empty(), "{called:?}");
        let told = turn(running.addr(), protocol, "Thank you!", true).await;
        assert!(!told.text.is_empty() && told.calls.is_empty(), "{told:?}");
    }
    let identity = send(running.addr(), "GET", "/proofhouse/v1/instance", "").await.json();
    assert!(identity["signer"].is_null(), "{identity}");
    assert!(matches!(serve_stand_in("a b").await, Err(ServeError::Setting(_))));
}

#[tokio::test]
async fn every_answer_proves_the_model() {
    let (_dir, running) = started(&stand_in()).await;
    let digest = running.announcement().model_digest;
    let header = format!("{DIGEST_HEADER}: {digest}");
    let ask = question(Protocol::Openai, "Hello", true);
    for (method, path, body) in [
        ("GET", "/v1/models", ""),
        ("GET", "/v2/health/ready", ""),
        ("GET", "/v2/models/parla/ready", ""),
        ("POST", "/v1/chat/completions", ask.as_str()),
        ("POST", "/v1/chat/completions", "no JSON"),
        ("POST", "/v1/nothing", "{}"),
    ] {
        let got = send(running.addr(), method, path, body).await;
        assert!(got.head.contains(&header), "{path}: {}", got.head);
    }
    let identity = send(running.addr(), "GET", "/proofhouse/v1/instance?nonce=n1", "").await.json();
    assert_eq!((&identity["nonce"], &identity["model_digest"]), (&json!("n1"), &json!(digest.to_string())));
    assert_eq!(send(running.addr(), "GET", "/v1/models", "").await.json()["data"][0]["id"], "parla");
    assert_eq!(send(running.addr(), "POST", "/v2/models/parla/infer", "{}").await.status, 404);
}

#[tokio::test]
async fn what_is_refused_is_said_in_the_protocol() {
    let (_dir, running) = started(&stand_in()).await;
    let user = json!([{"role": "user", "content": "x"}]);
    let picture = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a"}}]}]);
    let foreign = json!([{"type": "function", "function": {"name": "lookup_order", "description": "Pays."}}]);
    let cases = [
        (json!({"model": "other", "messages": user}), 404, "model_not_found"),
        (json!({"model": "parla", "messages": picture}), 400, "unsupported"),
        (json!({"model": "parla", "messages": user, "web_search_options": {}}), 400, "unknown-field"),
        (json!({"model": "parla", "messages": user, "tools": foreign}), 400, "given-twice"),
        (json!({"model": "parla", "messages": [{"role": "root", "content": "x"}]}), 400, "unknown-role"),
    ];
    for (body, status, code) in cases {
        let got = send(running.addr(), "POST", "/v1/chat/completions", &body.to_string()).await;
        assert_eq!((got.status, &got.json()["error"]["code"]), (status, &json!(code)), "{body}");
    }
    let got = send(running.addr(), "POST", "/v1/messages", "{}").await;
    assert_eq!((got.status, &got.json()["type"]), (400, &json!("error")));
    assert_eq!(got.json()["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn a_request_is_relayed_in_the_protocol_of_the_model_behind() {
    let (_behind_dir, behind) = started(&stand_in()).await;
    for spoken in ["openai", "anthropic"] {
        let (_dir, running) = started(&relaying(spoken, behind.addr())).await;
        assert_ne!(running.announcement().model_digest, behind.announcement().model_digest);
        for protocol in [Protocol::Openai, Protocol::Anthropic] {
            for stream in [false, true] {
                let called = turn(running.addr(), protocol, "Where is my order A-1042?", stream).await;
                assert_eq!(called.calls[0].name.as_str(), "lookup_order", "{spoken} {protocol:?} {stream}");
            }
        }
    }
}

#[tokio::test]
async fn a_model_behind_that_is_gone_is_an_error_and_no_answer() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = nobody.local_addr().unwrap();
    drop(nobody);
    let (_dir, running) = started(&relaying("openai", addr)).await;
    let got =
        send(running.addr(), "POST", "/v1/chat/completions", &question(Protocol::Openai, "x", true)).await;
    assert_eq!(got.status, 502);
    assert!(
        !String::from_utf8_lossy(&got.body).contains(&addr.to_string()),
        "an address is nobody's business"
    );
}

#[tokio::test]
async fn a_folder_that_is_no_language_model_is_not_served() {
    let mut wrong = stand_in();
    wrong["prompt"] = json!("missing.md");
    let (_dir, config) = signed(&wrong);
    assert!(matches!(serve(config).await.unwrap_err(), ServeError::Language(_)));
    let mut unkeyed = relaying("openai", ([127, 0, 0, 1], 9).into());
    unkeyed["engine"]["endpoint"]["key_env"] = json!("PROOFHOUSE_TEST_NO_SUCH_KEY");
    let (_dir, config) = signed(&unkeyed);
    assert!(matches!(serve(config).await.unwrap_err(), ServeError::Endpoint(_)));
}
