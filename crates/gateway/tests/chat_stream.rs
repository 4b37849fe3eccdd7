//! Streams: scanned and judged as they pass, in pieces of any size, and ended properly whatever happens.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its house fails")]

mod house;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use house::chat::{
    PROTOCOLS, Streamed, WordGuard, asking, at_once, calls, events, stream, streamed, streaming, with_tools,
};
use house::{Behaviour, House, digest};
use proofhouse_core::Digest;
use proofhouse_dialogue::wire::Protocol;
use proofhouse_gateway::approval_header;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn filtered(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Openai { "content_filter" } else { "refusal" }
}

async fn ask(house: &House, protocol: Protocol, body: &Value) -> Streamed {
    stream(house.started.handle.address(), &house.ask(protocol, body)).await
}

#[tokio::test]
async fn a_stream_is_passed_on_audited_and_charged() {
    for protocol in PROTOCOLS {
        let mut house = House::chat(at_once(events(protocol, &["Good ", "day", "."], &[])), |_| {}).await;
        let got = ask(&house, protocol, &streaming("Good day?")).await;
        assert_eq!((got.status, got.text(protocol).as_str()), (200, "Good day."), "{}", got.body);
        assert!(got.complete && got.ended(protocol), "{}", got.body);
        assert!(got.head.contains("text/event-stream") && got.head.contains("no-store"));
        assert!(!got.body.contains("inner") && !got.body.contains("up-1"), "{}", got.body);
        let record = house.started.audit.batch(1).await.pop().unwrap();
        let chat = record.chat.unwrap();
        assert_eq!((record.status, record.code.as_str(), chat.stream), (200, "ok", true));
        assert_eq!(record.bytes_out, got.body.len() as u64);
        assert_eq!((chat.tokens_in, chat.tokens_out, chat.tokens_charged), (7, 5, 12));
        assert_eq!(house.started.chats.batch(1).await.len(), 1);
        // OpenAI's protocol tells the usage on request only; the gateway has asked for itself.
        assert_eq!(got.body.contains("usage"), protocol == Protocol::Anthropic, "{}", got.body);
        let mut body = streaming("?");
        if protocol == Protocol::Openai {
            body["stream_options"] = json!({"include_usage": true});
        }
        assert!(ask(&house, protocol, &body).await.body.contains("usage"));
    }
}

#[tokio::test]
async fn a_secret_is_caught_wherever_the_stream_is_cut() {
    for protocol in PROTOCOLS {
        let text = "It is SECRET, I say.";
        // Cut into events at every place, and the bytes of the events into chunks of every size.
        let house = House::chat(Behaviour::default(), |_| {}).await;
        for cut in 0..=text.len() {
            let (one, two) = text.split_at(cut);
            house.instance.behaviour.lock().unwrap().pieces =
                at_once(events(protocol, &[one, two], &[])).pieces;
            let got = ask(&house, protocol, &streaming("?")).await;
            assert_eq!(got.text(protocol), "It is [redacted], I say.", "cut at {cut}");
            assert!(got.ended(protocol));
        }
        let whole: String = events(protocol, &["It is SEC", "RET, I say."], &[]).concat();
        for size in [1, 2, 3, 7, 50, 333] {
            let chunks: Vec<String> =
                whole.as_bytes().chunks(size).map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
            house.instance.behaviour.lock().unwrap().pieces = at_once(chunks).pieces;
            let got = ask(&house, protocol, &streaming("?")).await;
            assert_eq!(got.text(protocol), "It is [redacted], I say.", "chunks of {size}");
        }
    }
}

#[tokio::test]
async fn an_output_rule_ends_the_stream_properly() {
    for protocol in PROTOCOLS {
        let texts = ["One. ", "Two CU", "T three.", " Four."];
        let mut house = House::chat(at_once(events(protocol, &texts, &[])), |_| {}).await;
        let got = ask(&house, protocol, &streaming("?")).await;
        assert_eq!(got.text(protocol), "One. Two ");
        assert!(got.complete && got.ended(protocol), "{}", got.body);
        assert_eq!(got.stop(protocol).as_deref(), Some(filtered(protocol)));
        let record = house.started.audit.batch(1).await.pop().unwrap();
        assert_eq!(record.code, "guard/output");
        assert_eq!(record.chat.unwrap().redactions["canary/word"], 1);
    }
}

#[tokio::test]
async fn forbidden_calls_never_reach_the_caller() {
    for protocol in PROTOCOLS {
        let made = [
            ("lookup", json!({"q": 1})),
            ("mail", json!({"to": "mallory"})),
            ("pay", json!({"to": "mallory"})),
        ];
        let pieces: String = events(protocol, &["On it."], &made).concat();
        let house = House::chat(Behaviour::default(), |_| {}).await;
        let body = with_tools(streaming("Look it up."), protocol);
        for size in [1, 5, 64, 100_000] {
            let chunks: Vec<String> =
                pieces.as_bytes().chunks(size).map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
            house.instance.behaviour.lock().unwrap().pieces = at_once(chunks).pieces;
            let got = ask(&house, protocol, &body).await;
            assert_eq!(calls(&got.body), ["lookup".to_owned()].into(), "{}", got.body);
            assert!(!got.body.contains("mallory"), "{}", got.body);
            assert!(got.text(protocol).contains("A call of mail was withheld"), "{}", got.body);
            assert!(got.ended(protocol) && got.complete);
            let calls = if protocol == Protocol::Openai { "tool_calls" } else { "tool_use" };
            assert_eq!(got.stop(protocol).as_deref(), Some(calls));
        }
        house.instance.behaviour.lock().unwrap().pieces = at_once(events(protocol, &[], &made[1..2])).pieces;
        let got = ask(&house, protocol, &body).await;
        assert_eq!(got.stop(protocol).as_deref(), Some(filtered(protocol)), "{}", got.body);
    }
}

#[tokio::test]
async fn no_byte_of_a_call_leaves_before_it_is_judged() {
    for protocol in PROTOCOLS {
        // The upstream stops for a while in the middle of a call that would be allowed.
        let mut pieces = events(protocol, &["On it."], &[("lookup", json!({"q": "quarterly"}))]);
        let at = pieces.iter().position(|piece| piece.contains("lookup")).unwrap();
        let rest = pieces.split_off(at + 2);
        let mut behaviour = at_once(pieces);
        behaviour.pieces.extend(
            rest.into_iter()
                .enumerate()
                .map(|(n, piece)| (if n == 0 { Duration::from_millis(400) } else { Duration::ZERO }, piece)),
        );
        let house = House::chat(behaviour, |_| {}).await;
        let mut socket = TcpStream::connect(house.started.handle.address()).await.unwrap();
        let body = with_tools(streaming("Look it up."), protocol);
        socket.write_all(house.ask(protocol, &body).as_bytes()).await.unwrap();
        let (mut bytes, began) = (Vec::new(), Instant::now());
        while began.elapsed() < Duration::from_millis(250) {
            let mut chunk = [0; 4096];
            let read = tokio::time::timeout(Duration::from_millis(50), socket.read(&mut chunk)).await;
            if let Ok(Ok(read)) = read {
                bytes.extend_from_slice(&chunk[..read]);
            }
        }
        let early = String::from_utf8_lossy(&bytes).into_owned();
        assert!(early.contains("text/event-stream") && !early.contains("lookup"), "{early}");
        assert!(!early.contains("quarterly"), "{early}");
    }
}

#[tokio::test]
async fn an_approved_call_passes_in_a_stream() {
    for protocol in PROTOCOLS {
        let mut house = House::chat(at_once(events(protocol, &[], &[("pay", json!({}))])), |_| {}).await;
        let body = with_tools(streaming("Pay."), protocol);
        let got = ask(&house, protocol, &body).await;
        assert!(calls(&got.body).is_empty() && got.text(protocol).contains("can approve"), "{}", got.body);
        let call: Digest = house.started.audit.batch(1).await[0].chat.as_ref().unwrap().calls[0].call;
        let approval = WordGuard::default().approvals.approve(call, "ann", u64::MAX / 4);
        let header = format!("Proofhouse-Approval: {}\r\n", approval_header(&approval));
        let request = house.ask_with(protocol, &header, &body.to_string());
        let got = stream(house.started.handle.address(), &request).await;
        assert_eq!(calls(&got.body), ["pay".to_owned()].into(), "{}", got.body);
    }
}

#[tokio::test]
async fn a_guard_that_fails_in_a_stream_ends_it_with_an_error() {
    for protocol in PROTOCOLS {
        let house = House::chat(at_once(events(protocol, &["One. ", "BREAK-SCAN two."], &[])), |_| {}).await;
        let got = ask(&house, protocol, &streaming("?")).await;
        assert_eq!(got.error_code().as_deref(), Some("guard/failed"), "{}", got.body);
        assert!(got.complete && !got.body.contains("two"), "{}", got.body);
        house.instance.behaviour.lock().unwrap().pieces = at_once(events(protocol, &["One."], &[])).pieces;
        for word in ["BREAK-SCANNER", "BREAK-JUDGE"] {
            let got = ask(&house, protocol, &streaming(word)).await;
            assert_eq!(got.error_code().as_deref(), Some("guard/failed"), "{word}: {}", got.body);
            assert!(!got.ended(protocol), "{word}: {}", got.body);
        }
        let got = ask(&house, protocol, &streaming("BREAK-INSPECT")).await;
        assert_eq!(got.status, 503);
    }
}

#[tokio::test]
async fn an_upstream_stream_fails_in_its_own_ways() {
    for protocol in PROTOCOLS {
        let good = events(protocol, &["One two three four five six."], &[]);
        let cut = |n: usize| good[..n].to_vec();
        let end = |behaviour: Behaviour| async move {
            let mut house = House::chat_with(
                behaviour,
                |chat| {
                    chat.limits.idle_timeout = Duration::from_millis(300);
                    chat.limits.max_tokens = 50;
                },
                |config| config.limits.response_bytes = 100_000,
            )
            .await;
            let got = ask(&house, protocol, &streaming("?")).await;
            let record = house.started.audit.batch(1).await.pop().unwrap();
            let chat = record.chat.unwrap();
            assert_eq!(chat.tokens_charged, chat.tokens_reserved, "{}", got.body);
            assert!(got.complete, "{}", got.body);
            (got.error_code().unwrap_or_default(), record.code, got)
        };
        // Ends early, with and without an end of the transfer.
        for ends in [true, false] {
            let (code, recorded, got) = end(Behaviour { ends, ..at_once(cut(good.len() - 1)) }).await;
            assert!(["upstream/truncated", "upstream/broken"].contains(&code.as_str()), "{}", got.body);
            assert_eq!(code, recorded);
            assert!(!got.ended(protocol));
            // What the scanner held back stays back.
            assert!(!got.text(protocol).contains("six"), "{}", got.body);
        }
        let (code, ..) = end(at_once([cut(2), vec!["data: {garbage\n\n".to_owned()]].concat())).await;
        assert_eq!(code, "upstream/garbled");
        let twice = r#"data: {"choices":[],"choices":[]}"#;
        let (code, ..) = end(at_once([cut(2), vec![format!("{twice}\n\n")]].concat())).await;
        assert_eq!(code, "upstream/garbled");
        let (code, ..) = end(at_once(vec!["data: \u{1}\n\n".to_owned()])).await;
        assert_eq!(code, "upstream/garbled");
        let (code, ..) = end(at_once(
            [cut(2), vec!["data: {\"error\":{\"message\":\"inner secret\"}}\n\n".to_owned()]].concat(),
        ))
        .await;
        assert_eq!(code, "upstream/error");
        // Says nothing for too long.
        let mut silent = at_once(cut(2));
        silent.pieces.push((Duration::from_secs(5), "data: {}\n\n".to_owned()));
        let (code, ..) = end(silent).await;
        assert_eq!(code, "upstream/timeout");
        // Says more than its tokens can be: cut at the ceiling, and ended as a length.
        let long: Vec<&str> = vec!["0123456789 "; 1000];
        let (_, recorded, got) = end(at_once(events(protocol, &long, &[]))).await;
        assert_eq!(recorded, "upstream/over-ceiling");
        assert!(
            got.ended(protocol) && got.text(protocol).len() <= 50 * 16 + 4096,
            "{}",
            got.text(protocol).len()
        );
        let length = if protocol == Protocol::Openai { "length" } else { "max_tokens" };
        assert_eq!(got.stop(protocol).as_deref(), Some(length));
        // More bytes than are ever read.
        let padding = format!(": {}\n\n", "x".repeat(60_000));
        let (code, ..) = end(at_once([cut(2), vec![padding.clone(), padding]].concat())).await;
        assert_eq!(code, "upstream/garbled");
        // No stream at all.
        let house =
            House::chat(Behaviour { digest: Digest::of(b"x").to_string(), ..at_once(cut(2)) }, |_| {}).await;
        assert_eq!(ask(&house, protocol, &streaming("?")).await.status, 502);
    }
}

#[tokio::test]
async fn a_client_hears_something_while_the_model_thinks() {
    for protocol in PROTOCOLS {
        let mut behaviour = at_once(events(protocol, &["Done."], &[]));
        behaviour.pieces[0].0 = Duration::from_millis(500);
        let house = House::chat(behaviour, |chat| chat.limits.heartbeat = Duration::from_millis(100)).await;
        let got = ask(&house, protocol, &streaming("?")).await;
        let beat = if protocol == Protocol::Openai { ": waiting" } else { "event: ping" };
        assert!(got.body.matches(beat).count() >= 2, "{}", got.body);
        assert_eq!(got.text(protocol), "Done.");
    }
}

#[tokio::test]
async fn events_that_are_ready_leave_together() {
    // 500 events in one go must not become 500 writes.
    let texts: Vec<&str> = vec!["word and another word "; 500];
    let whole = events(Protocol::Openai, &texts, &[]).concat();
    let house = House::chat(at_once(vec![whole]), |_| {}).await;
    let mut body = streaming("?");
    body["max_tokens"] = 4000.into();
    let got = ask(&house, Protocol::Openai, &body).await;
    assert_eq!(got.text(Protocol::Openai).len(), 500 * 22);
    let admin = house.started.handle.admin_address().unwrap();
    let metrics = house::send(admin, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap().body;
    let pieces: u64 = metrics
        .lines()
        .find_map(|line| line.strip_prefix("proofhouse_gateway_answers_released_total "))
        .and_then(|n| n.parse().ok())
        .unwrap();
    assert!(pieces <= 20, "{pieces} pieces for {} bytes", got.body.len());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_and_is_recorded() {
    let mut behaviour = at_once(events(Protocol::Openai, &["One. "; 3], &[])[..3].to_vec());
    behaviour.pieces.push((Duration::from_secs(20), "data: [DONE]\n\n".to_owned()));
    let mut house = House::chat(behaviour, |_| {}).await;
    let mut socket = TcpStream::connect(house.started.handle.address()).await.unwrap();
    socket.write_all(house.ask(Protocol::Openai, &streaming("?")).as_bytes()).await.unwrap();
    let mut first = [0; 64];
    socket.read_exact(&mut first).await.unwrap();
    drop(socket);
    let record = tokio::time::timeout(Duration::from_secs(5), house.started.audit.batch(1)).await;
    let record = record.expect("a record soon").pop().unwrap();
    assert_eq!((record.status, record.code.as_str()), (499, "client/gone"));
    let chat = record.chat.unwrap();
    assert_eq!(chat.tokens_charged, chat.tokens_reserved);
    let began = Instant::now();
    while house.instance.dropped.load(SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "the upstream was not cancelled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_kept_and_holds_little() {
    // Far more than the sockets' buffers; the model would go on for ever.
    let word = "x".repeat(8000);
    let text: Vec<&str> = vec![word.as_str(); 4000];
    let house = House::chat_with(
        at_once(events(Protocol::Openai, &text, &[])),
        |chat| chat.limits.max_tokens = 10_000_000,
        |config| {
            config.limits.write_timeout = Duration::from_millis(300);
            config.limits.connections = 1;
            config.limits.response_bytes = 64 << 20;
        },
    )
    .await;
    let mut body = streaming("?");
    body["max_tokens"] = 10_000_000.into();
    let mut deaf = TcpStream::connect(house.started.handle.address()).await.unwrap();
    deaf.write_all(house.ask(Protocol::Openai, &body).as_bytes()).await.unwrap();
    // The only place is free again although the first client still holds its socket.
    assert_eq!(house.status(&house.request("GET", "/v2/models/m/ready/x", "", "")).await, 404);
    let began = Instant::now();
    while house.instance.dropped.load(SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "the upstream was not cancelled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(deaf);
}

#[tokio::test]
async fn a_quarantine_is_the_reason_on_record_although_the_client_had_stopped_reading() {
    let word = "x".repeat(8000);
    let text: Vec<&str> = vec![word.as_str(); 4000];
    let mut house = House::chat_with(
        at_once(events(Protocol::Openai, &text, &[])),
        |chat| chat.limits.max_tokens = 10_000_000,
        |config| config.limits.response_bytes = 64 << 20,
    )
    .await;
    let mut body = streaming("?");
    body["max_tokens"] = 10_000_000.into();
    let mut deaf = TcpStream::connect(house.started.handle.address()).await.unwrap();
    deaf.write_all(house.ask(Protocol::Openai, &body).as_bytes()).await.unwrap();
    // Nothing more is asked of the stream once the sockets are full.
    let admin = house.started.handle.admin_address().unwrap();
    let mut before = String::new();
    loop {
        let now = released(admin).await;
        if now == before && !now.ends_with(" 0") {
            break;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let ack = house.started.handle.quarantine(digest()).await;
    assert_eq!(ack.in_flight_cancelled, 1);
    let record = house.started.audit.batch(1).await.pop().unwrap();
    assert_eq!((record.status, record.code.as_str()), (503, "model/quarantined"));
    drop(deaf);
}

#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let word = "y".repeat(1000);
    let text: Vec<&str> = vec![word.as_str(); 3000];
    let house = House::chat_with(
        at_once(events(Protocol::Openai, &text, &[])),
        |chat| chat.limits.max_tokens = 10_000_000,
        |config| config.limits.response_bytes = 64 << 20,
    )
    .await;
    let mut body = streaming("?");
    body["max_tokens"] = 10_000_000.into();
    let request = house.ask(Protocol::Openai, &body).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut socket = TcpStream::connect(house.started.handle.address()).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let read = socket.read(&mut chunk).await.unwrap();
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..read]);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let got = streamed(&bytes);
    assert!(got.complete && got.ended(Protocol::Openai));
    assert_eq!(got.text(Protocol::Openai).len(), 3_000_000);
}

#[tokio::test]
async fn a_stream_is_cut_by_a_quarantine() {
    for protocol in PROTOCOLS {
        let mut behaviour = at_once(events(protocol, &["One two three four five. "; 4], &[]));
        for (pause, _) in &mut behaviour.pieces[3..] {
            *pause = Duration::from_millis(500);
        }
        let mut house = House::chat(behaviour, |_| {}).await;
        let mut socket = TcpStream::connect(house.started.handle.address()).await.unwrap();
        socket.write_all(house.ask(protocol, &streaming("?")).as_bytes()).await.unwrap();
        let mut bytes = vec![0; 64];
        socket.read_exact(&mut bytes).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let ack = house.started.handle.quarantine(digest()).await;
        assert_eq!(ack.in_flight_cancelled, 1);
        let _ = socket.read_to_end(&mut bytes).await;
        let got = streamed(&bytes);
        assert!(!got.complete && !got.ended(protocol), "{}", got.body);
        let record = house.started.audit.batch(1).await.pop().unwrap();
        assert_eq!((record.status, record.code.as_str()), (503, "model/quarantined"));
        assert!(record.at.plus_ms(i64::try_from(record.latency_us / 1000).unwrap()) <= ack.acked_at);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_byte_of_any_stream_leaves_after_the_acknowledgement() {
    const CLIENTS: usize = 32;
    let mut behaviour = at_once(events(Protocol::Openai, &["on and on and on "; 20_000], &[]));
    for (n, (pause, _)) in behaviour.pieces.iter_mut().enumerate() {
        if n % 8 == 0 {
            *pause = Duration::from_millis(1);
        }
    }
    let mut house = House::chat_with(
        behaviour,
        |chat| chat.limits.max_tokens = 1_000_000,
        |config| config.limits.response_bytes = 64 << 20,
    )
    .await;
    let address = house.started.handle.address();
    let mut body = streaming("?");
    body["max_tokens"] = 1_000_000.into();
    let request = Arc::new(house.ask(Protocol::Openai, &body));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let request = Arc::clone(&request);
            tokio::spawn(async move {
                let mut socket = TcpStream::connect(address).await.unwrap();
                socket.write_all(request.as_bytes()).await.unwrap();
                let (mut bytes, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
                while let Ok(read @ 1..) = socket.read(&mut chunk).await {
                    bytes.extend_from_slice(&chunk[..read]);
                }
                bytes
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let ack = house.started.handle.quarantine(digest()).await;
    // On a busy machine not every request has come this far; the others are refused.
    assert!((1..=CLIENTS as u64).contains(&ack.in_flight_cancelled), "{}", ack.in_flight_cancelled);
    let admin = house.started.handle.admin_address().unwrap();
    let at_ack = released(admin).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(at_ack, released(admin).await, "pieces were released after the acknowledgement");
    for client in clients {
        let got = streamed(&client.await.unwrap());
        // A connection that is reset may take with it what its client had not read, and a stream that had
        // not begun is a refusal.
        assert!(matches!(got.status, 200 | 503) || got.head.is_empty(), "{}", got.head);
        assert!(!got.complete || got.status != 200, "{}", got.head);
        assert!(!got.body.contains("[DONE]"));
    }
    let records = house.started.audit.batch(CLIENTS).await;
    assert!(records.iter().all(|record| record.code == "model/quarantined"), "{records:?}");
    assert_eq!(house.status(&house.ask(Protocol::Openai, &asking("?"))).await, 503);
}

async fn released(admin: std::net::SocketAddr) -> String {
    let metrics = house::send(admin, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap().body;
    let line = metrics.lines().find(|line| line.starts_with("proofhouse_gateway_answers_released_total "));
    line.expect("the counter").to_owned()
}
