//! Targets against servers and programs on this machine that behave well, badly and not at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proofhouse_dialogue::wire::{Answer, ChatResponse, Protocol, StreamEvent, StreamWriter, Usage};
use proofhouse_dialogue::{Conversation, Labelling, Message, Origin, Role, Segment, StopReason, Turn};
use proofhouse_endpoint::{Ask, ChatClient, ChatTarget, Command, EndpointError, Key, Life, Limits, Template};
use serde_json::json;
use support::{SLOW, http, server};
use tokio::net::TcpListener;

fn good(protocol: Protocol) -> Vec<u8> {
    let turn = Turn { text: "Hello.".into(), calls: vec![], stop: StopReason::End };
    let response = ChatResponse {
        id: "r".into(),
        model: "m".into(),
        created: 0,
        answers: vec![Answer::new(turn)],
        usage: Usage { input: 5, output: 2 },
    };
    http("200 OK", "proofhouse-model-digest: sha256:00\r\n", &response.to_bytes(protocol))
}

fn conversation() -> Conversation {
    let segment = |origin: Origin, text: &str| vec![Segment::new(text, Labelling::default().label(&origin))];
    Conversation::new(
        vec![
            Message::new(Role::System, segment(Origin::System, "Be kind.")),
            Message::new(Role::User, segment(Origin::User, "Say \"hi\" {{prompt}}")),
        ],
        vec![],
    )
}

fn quick() -> Limits {
    Limits {
        timeout: Duration::from_millis(800),
        backoff: Duration::from_millis(5),
        response_bytes: 4096,
        ..Limits::default()
    }
}

fn client(protocol: Protocol, addr: SocketAddr, limits: Limits) -> ChatClient {
    ChatClient::new(protocol, &format!("http://{addr}/v1"), "m", Key::new("sk-secret-1"), limits).unwrap()
}

async fn ask(target: &dyn ChatTarget) -> Result<proofhouse_endpoint::Answered, EndpointError> {
    target.ask(&conversation(), &Ask { max_tokens: Some(9), ..Ask::default() }).await
}

#[tokio::test]
async fn a_server_is_asked_in_its_protocol_with_its_key() {
    for (protocol, path, key) in [
        (Protocol::Openai, "POST /v1/chat/completions ", "authorization: Bearer sk-secret-1"),
        (Protocol::Anthropic, "POST /v1/messages ", "x-api-key: sk-secret-1"),
    ] {
        let (addr, seen) = server(vec![good(protocol)]).await;
        let client = client(protocol, addr, quick());
        let answered = ask(&client).await.unwrap();
        assert_eq!((answered.turn.text.as_str(), answered.attempts), ("Hello.", 1));
        assert_eq!(answered.usage, Some(Usage { input: 5, output: 2 }));
        assert_eq!(answered.digest.as_deref(), Some("sha256:00"));
        let request = seen.last.lock().unwrap().clone();
        assert!(request.starts_with(path) && request.contains(key), "{request}");
        assert!(request.contains("Be kind.") && request.contains(":9"), "{request}");
        assert!(!client.describe().contains("secret"));
    }
}

#[tokio::test]
async fn a_server_that_throttles_or_fails_is_asked_again_as_it_says() {
    let busy = http("429 Too Many Requests", "retry-after: 1\r\n", b"{}");
    let down = http("503 Service Unavailable", "", b"");
    let (addr, seen) = server(vec![busy, down, good(Protocol::Openai)]).await;
    let started = Instant::now();
    let answered = ask(&client(Protocol::Openai, addr, quick())).await.unwrap();
    assert_eq!((answered.attempts, seen.count.load(Ordering::SeqCst)), (3, 3));
    assert!(started.elapsed() >= Duration::from_secs(1));

    let (addr, seen) = server(vec![http("500 Internal Server Error", "", b"boom")]).await;
    let error = ask(&client(Protocol::Openai, addr, quick())).await.unwrap_err();
    assert_eq!(error, EndpointError::Status { status: 500, message: "boom".into() });
    assert_eq!(seen.count.load(Ordering::SeqCst), 4);

    // One that asks for an hour is given up at once.
    let (addr, seen) = server(vec![http("429 Too Many Requests", "retry-after: 3600\r\n", b"{}")]).await;
    assert!(ask(&client(Protocol::Openai, addr, quick())).await.is_err());
    assert_eq!(seen.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_does_not_pass_is_not_asked_twice_and_tells_no_key() {
    let body = br#"{"error":{"message":"bad key sk-secret-1","type":"authentication_error"}}"#;
    let (addr, seen) = server(vec![http("401 Unauthorized", "", body)]).await;
    let error = ask(&client(Protocol::Openai, addr, quick())).await.unwrap_err();
    assert_eq!(error, EndpointError::Status { status: 401, message: "bad key [key]".into() });
    assert_eq!(seen.count.load(Ordering::SeqCst), 1);

    let (addr, seen) = server(vec![http("302 Found", "location: https://evil.example/\r\n", b"")]).await;
    assert_eq!(ask(&client(Protocol::Openai, addr, quick())).await, Err(EndpointError::Redirect(302)));
    assert_eq!(seen.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn garbage_floods_and_silence_are_no_answers() {
    let cases = [
        http("200 OK", "", b"<html>"),
        http("200 OK", "", br#"{"id":"a","id":"b"}"#),
        http("200 OK", "", &[b'x'; 5000]),
        SLOW.to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec(),
    ];
    for (n, answer) in cases.into_iter().enumerate() {
        let (addr, seen) = server(vec![answer]).await;
        let error = ask(&client(Protocol::Openai, addr, quick())).await.unwrap_err();
        let right = match n {
            2 => error == EndpointError::TooLarge(4096),
            3 => matches!(error, EndpointError::Timeout(_)),
            4 => matches!(error, EndpointError::CutOff(_)),
            _ => matches!(error, EndpointError::Answer(_)),
        };
        assert!(right, "{n}: {error}");
        assert_eq!(seen.count.load(Ordering::SeqCst), 1, "{n}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = nobody.local_addr().unwrap();
    drop(nobody);
    let error = ask(&client(Protocol::Openai, addr, quick())).await.unwrap_err();
    assert!(matches!(error, EndpointError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_stream_is_whole_or_an_error() {
    let events = [
        StreamEvent::Start { id: "r".into(), model: "m".into(), created: 0, input: 0 },
        StreamEvent::Text { choice: 0, text: "Hello".into() },
        StreamEvent::Stop { choice: 0, reason: StopReason::End },
        StreamEvent::Usage(Usage { input: 1, output: 1 }),
        StreamEvent::Done,
    ];
    for (protocol, whole) in [
        (Protocol::Openai, true),
        (Protocol::Anthropic, true),
        (Protocol::Openai, false),
        (Protocol::Anthropic, false),
    ] {
        let mut writer = StreamWriter::new(protocol, true);
        let sent = if whole { events.len() } else { 2 };
        let bytes: Vec<u8> = events.iter().take(sent).flat_map(|e| writer.write(e).unwrap()).collect();
        let (addr, _) = server(vec![http("200 OK", "content-type: text/event-stream\r\n", &bytes)]).await;
        let mut stream = client(protocol, addr, quick()).stream(b"{}".to_vec()).await.unwrap();
        let (mut got, mut failed) = (Vec::new(), false);
        while let Some(next) = stream.next().await {
            match next {
                Ok(events) => got.extend(events),
                Err(error) => {
                    assert!(error.to_string().contains("cut off"), "{error}");
                    failed = true;
                }
            }
        }
        assert_eq!((failed, got.len()), (!whole, sent), "{protocol:?}");
    }
}

#[tokio::test]
async fn requests_are_spread_over_time_and_bounded_in_number() {
    let (addr, _) = server(vec![good(Protocol::Openai)]).await;
    let client = client(Protocol::Openai, addr, Limits { per_minute: Some(600), ..quick() });
    let started = Instant::now();
    let (a, b, c) = tokio::join!(ask(&client), ask(&client), ask(&client));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
}

#[test]
fn addresses_that_would_give_a_key_away_are_refused() {
    let with_key = |url: &str| ChatClient::new(Protocol::Openai, url, "m", Key::new("k"), Limits::default());
    assert!(with_key("http://api.example/v1").is_err());
    assert!(with_key("https://user:pass@api.example/v1").is_err());
    assert!(with_key("ftp://api.example").is_err() && with_key("api").is_err());
    assert!(with_key("https://api.example/v1").is_ok() && with_key("http://127.0.0.1:1/v1").is_ok());
    assert!(ChatClient::new(Protocol::Openai, "http://lan.example", "m", None, Limits::default()).is_ok());
    let none = Limits { concurrent: 0, ..Limits::default() };
    assert!(ChatClient::new(Protocol::Openai, "http://127.0.0.1:1", "m", None, none).is_err());
}

fn shell(script: &str, life: Life) -> Command {
    Command::new("/bin/sh", vec!["-c".into(), script.into()], life, quick())
}

#[tokio::test]
async fn a_program_answers_with_text_or_calls() {
    let text = ask(&shell("cat > /dev/null; echo Hello there.", Life::OneQuestion)).await.unwrap();
    assert_eq!(text.turn.text, "Hello there.");
    let call = r#"cat > /dev/null; echo '{"text": "", "calls": [{"name": "t", "arguments": {"a": 1}}]}'"#;
    let called = ask(&shell(call, Life::OneQuestion)).await.unwrap().turn;
    assert_eq!((called.calls[0].name.as_str(), called.stop), ("t", StopReason::ToolCalls));
    // The question is one line of JSON.
    let echo = ask(&shell("read -r q; printf '%s' \"got ${#q}\"", Life::OneQuestion)).await.unwrap();
    assert!(echo.turn.text.starts_with("got 1") || echo.turn.text.starts_with("got 2"), "{}", echo.turn.text);
    let lives = shell("n=0; while read -r q; do n=$((n+1)); echo answer $n; done", Life::AllQuestions);
    for n in 1..4 {
        assert_eq!(ask(&lives).await.unwrap().turn.text, format!("answer {n}"));
    }
}

#[tokio::test]
async fn a_program_that_fails_hangs_or_floods_is_no_answer() {
    let fails = ask(&shell("exit 3", Life::OneQuestion)).await.unwrap_err();
    assert!(fails.to_string().contains("3"), "{fails}");
    assert!(matches!(ask(&shell("sleep 60", Life::OneQuestion)).await, Err(EndpointError::Timeout(_))));
    assert!(matches!(ask(&shell("sleep 60", Life::AllQuestions)).await, Err(EndpointError::Timeout(_))));
    assert_eq!(ask(&shell("yes", Life::OneQuestion)).await, Err(EndpointError::TooLarge(4096)));
    assert_eq!(
        ask(&shell("yes | tr -d '\\n'", Life::AllQuestions)).await,
        Err(EndpointError::TooLarge(4096))
    );
    // One that ended is started anew.
    let once = shell("read -r q; echo one", Life::AllQuestions);
    assert!(ask(&once).await.is_ok());
    assert!(ask(&once).await.is_err());
    assert!(ask(&once).await.is_ok());
    let missing = Command::new("/nonexistent", vec![], Life::OneQuestion, quick());
    assert!(matches!(ask(&missing).await, Err(EndpointError::Program { .. })));
}

#[tokio::test]
async fn a_template_fills_a_body_and_finds_the_answer() {
    let (addr, seen) = server(vec![http("200 OK", "", br#"{"out":[{"text":"Hi."}]}"#)]).await;
    let file = json!({
        "url": format!("http://{addr}/ask?x=1"),
        "headers": {"x-team": "red"},
        "body": {"q": "{{system}} | {{prompt}} | {{other}}", "m": "{{messages}}", "n": 3},
        "answer": "/out/0/text",
    });
    let template = Template::read(file.to_string().as_bytes(), quick()).unwrap();
    assert_eq!(ask(&template).await.unwrap().turn.text, "Hi.");
    let request = seen.last.lock().unwrap().clone();
    // What the question says is not filled in again.
    assert!(request.contains(r#"Be kind. | Say \"hi\" {{prompt}} | {{other}}"#), "{request}");
    assert!(request.contains(r#""role":"user""#) && request.contains("x-team: red"), "{request}");
    assert!(!template.describe().contains("x=1"));

    let elsewhere = json!({"url": format!("http://{addr}"), "body": {}, "answer": "/no"});
    let template = Template::read(elsewhere.to_string().as_bytes(), quick()).unwrap();
    assert!(matches!(ask(&template).await, Err(EndpointError::Answer(_))));
    for wrong in [
        json!({"url": "http://127.0.0.1:1", "body": {}, "answer": "no"}),
        json!({"url": "http://127.0.0.1:1", "body": {}, "unknown": 1}),
        json!({"url": "http://127.0.0.1:1", "body": {}, "method": "GE T"}),
        json!({"url": "http://127.0.0.1:1", "body": {}, "secret_headers": {"x": "PROOFHOUSE_TEST_NO_SUCH_KEY"}}),
    ] {
        assert!(Template::read(wrong.to_string().as_bytes(), quick()).is_err(), "{wrong}");
    }
}
