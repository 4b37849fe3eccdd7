//! Responses and streams of both protocols: read in any pieces, written again, put together.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{
    Answer, ApiError, AssembleError, ChatResponse, Protocol, Reasoning, StreamEvent, StreamReader,
    StreamWriter, TurnAssembler, Usage, WriteError,
};
use proofhouse_dialogue::{Arguments, Name, StopReason, ToolCall, Turn};
use proptest::prelude::*;
use serde_json::{Value, json};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn response() -> ChatResponse {
    let Value::Object(arguments) = json!({"to": "a@x.example", "n": [1, 2.5]}) else { unreachable!() };
    let call = ToolCall { id: "c1".into(), name: name("send"), arguments: Arguments::new(arguments) };
    let turn = Turn { text: "Sending.".into(), calls: vec![call], stop: StopReason::ToolCalls };
    let reasoning = vec![Reasoning::Shown { text: "Hm.".into(), signature: None }];
    ChatResponse {
        id: "r1".into(),
        model: "m".into(),
        created: 0,
        answers: vec![Answer { turn, refusal: None, reasoning }],
        usage: Usage { input: 7, output: 3 },
    }
}

#[test]
fn what_is_written_is_read() {
    let mut openai = response();
    openai.created = 1_700_000_000;
    let refused = Turn { text: String::new(), calls: vec![], stop: StopReason::End };
    openai.answers.push(Answer { turn: refused, refusal: Some("No.".into()), reasoning: vec![] });
    let mut anthropic = response();
    anthropic.answers[0].reasoning = vec![
        Reasoning::Shown { text: "Hm.".into(), signature: Some("c2ln".into()) },
        Reasoning::Sealed("c2VhbA".into()),
    ];
    for (protocol, response) in [(Protocol::Openai, openai), (Protocol::Anthropic, anthropic)] {
        let bytes = response.to_bytes(protocol);
        assert_eq!(ChatResponse::read(protocol, &bytes, &Limits::default()).unwrap(), response);
    }
}

#[test]
fn an_answer_that_nothing_could_check_is_refused() {
    let openai = |message: Value| json!({"id": "r", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let call = |arguments: &str| json!({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": arguments}}]});
    let anthropic =
        |block: Value| json!({"id": "r", "model": "m", "content": [block], "stop_reason": "end_turn"});
    let cases = [
        (Protocol::Openai, openai(json!({"content": 7}))),
        (Protocol::Openai, openai(json!({"audio": {"id": "a"}}))),
        (Protocol::Openai, openai(call("{\"a\":1,\"a\":2}"))),
        (Protocol::Openai, openai(call("not json"))),
        (Protocol::Openai, json!({"id": "r", "model": "m", "choices": []})),
        (Protocol::Anthropic, anthropic(json!({"type": "server_tool_use", "id": "a"}))),
        (Protocol::Anthropic, anthropic(json!({"type": "tool_use", "id": "a", "name": "t", "input": "x"}))),
        (Protocol::Anthropic, anthropic(json!({"type": "text"}))),
    ];
    for (protocol, body) in cases {
        let read = ChatResponse::read(protocol, body.to_string().as_bytes(), &Limits::default());
        assert!(read.is_err(), "{body}");
    }
    assert!(
        ChatResponse::read(
            Protocol::Openai,
            openai(json!({"content": "x"})).to_string().as_bytes(),
            &Limits::default()
        )
        .is_ok()
    );
}

#[test]
fn errors_are_read_and_written() {
    let error = ApiError::new(429, "Slow down.", Some("rate"));
    assert_eq!(error.kind, "rate_limit_error");
    let read = ApiError::read(&error.to_bytes(Protocol::Openai), &Limits::default()).unwrap();
    assert_eq!(read, error);
    let read = ApiError::read(&error.to_bytes(Protocol::Anthropic), &Limits::default()).unwrap();
    assert_eq!((read.kind.as_str(), read.message.as_str()), ("rate_limit_error", "Slow down."));
    let bare = ApiError::read(br#"{"error":"no"}"#, &Limits::default()).unwrap();
    assert_eq!(bare.message, "no");
    assert!(ApiError::read(b"{}", &Limits::default()).is_err());
}

fn stream_of(protocol: Protocol, events: &[StreamEvent]) -> Vec<u8> {
    let mut writer = StreamWriter::new(protocol, true);
    events.iter().flat_map(|event| writer.write(event).unwrap()).collect()
}

fn reader(protocol: Protocol) -> StreamReader {
    StreamReader::new(protocol, Limits::default(), 1 << 20)
}

fn read(protocol: Protocol, bytes: &[u8]) -> Vec<StreamEvent> {
    let mut reader = reader(protocol);
    let events = reader.push(bytes).unwrap();
    reader.finish().unwrap();
    events
}

fn assembled(events: &[StreamEvent]) -> Result<ChatResponse, AssembleError> {
    let mut assembler = TurnAssembler::new(1 << 20);
    events.iter().try_for_each(|event| assembler.push(event))?;
    assembler.finish()
}

/// What a server of OpenAI's protocol sends, in the forms that servers differ in.
#[test]
fn openai_streams_as_servers_write_them() {
    let chunk = |choices: Value| {
        json!({"id": "r", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": choices,
               "system_fingerprint": "f", "obfuscation": "xx"})
    };
    let delta =
        |delta: Value, stop: Value| chunk(json!([{"index": 0, "delta": delta, "finish_reason": stop}]));
    let call = |call: Value| delta(json!({"tool_calls": [call]}), Value::Null);
    let mut usage = chunk(json!([]));
    usage["usage"] = json!({"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6});
    let chunks = [
        delta(json!({"role": "assistant", "content": ""}), Value::Null),
        delta(json!({"content": "Hel"}), Value::Null),
        delta(json!({"content": "lo"}), Value::Null),
        call(json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "a", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": "{\"x\""}})),
        call(
            json!({"index": 1, "id": "c2", "type": "function", "function": {"name": "b", "arguments": "{}"}}),
        ),
        call(json!({"index": 0, "id": "", "function": {"name": "a", "arguments": ":1}"}})),
        delta(json!({}), json!("tool_calls")),
        usage,
    ];
    let mut text: String = chunks.iter().map(|c| format!("data: {c}\r\n\r\n")).collect();
    text.push_str("data: [DONE]\n\n");
    let events = read(Protocol::Openai, text.as_bytes());
    let response = assembled(&events).unwrap();
    let turn = &response.answers[0].turn;
    assert_eq!((turn.text.as_str(), turn.stop), ("Hello", StopReason::ToolCalls));
    assert_eq!(turn.calls[0].arguments.get("x"), Some(&json!(1)));
    assert_eq!((turn.calls[1].id.as_str(), turn.calls[1].name.as_str()), ("c2", "b"));
    assert_eq!((response.created, response.usage), (5, Usage { input: 4, output: 2 }));
    // Calls written by turns cannot be said in a protocol that has one block at a time.
    let mut writer = StreamWriter::new(Protocol::Anthropic, true);
    let written: Result<Vec<_>, _> = events.iter().map(|event| writer.write(event)).collect();
    assert!(matches!(written, Err(WriteError::Inexpressible(_))));
}

#[test]
fn anthropic_streams_as_servers_write_them() {
    let events = [
        json!({"type": "message_start", "message": {"id": "r", "type": "message", "role": "assistant",
            "model": "m", "content": [], "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hel"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "lo"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "a", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"x\""}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ":1}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let text: String =
        events.iter().map(|e| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap())).collect();
    let response = assembled(&read(Protocol::Anthropic, text.as_bytes())).unwrap();
    let answer = &response.answers[0];
    assert_eq!(answer.turn.text, "Hello");
    assert_eq!(answer.turn.calls[0].arguments.get("x"), Some(&json!(1)));
    assert_eq!(answer.reasoning, [Reasoning::Shown { text: "Hm".into(), signature: Some("s".into()) }]);
    assert_eq!(response.usage, Usage { input: 7, output: 9 });
    // Any event but the first may be missing or come twice without anybody being misled.
    for at in 0..events.len() {
        for repeat in [false, true] {
            let mut reader = reader(Protocol::Anthropic);
            let mut broken = Vec::new();
            let mut failed = false;
            for (i, event) in events.iter().enumerate() {
                let times = match (i == at, repeat) {
                    (false, _) => 1,
                    (true, false) => 0,
                    (true, true) => 2,
                };
                for _ in 0..times {
                    match reader.push(format!("data: {event}\n\n").as_bytes()) {
                        Ok(events) => broken.extend(events),
                        Err(_) => failed = true,
                    }
                }
            }
            let whole = !failed && reader.finish().is_ok();
            if whole && let Ok(other) = assembled(&broken) {
                let calls = &other.answers[0].turn.calls;
                assert!(calls.is_empty() || calls[0].name == name("a"));
            }
        }
    }
}

#[test]
fn a_stream_that_ends_early_or_in_an_error_is_no_answer() {
    for protocol in [Protocol::Openai, Protocol::Anthropic] {
        let events = [
            StreamEvent::Start { id: "r".into(), model: "m".into(), created: 0, input: 0 },
            StreamEvent::Text { choice: 0, text: "x".into() },
            StreamEvent::Error(ApiError::new(529, "Overloaded.", None)),
        ];
        let bytes = stream_of(protocol, &events);
        let read_back = read(protocol, &bytes);
        assert!(matches!(read_back.last(), Some(StreamEvent::Error(e)) if e.message == "Overloaded."));
        assert!(matches!(assembled(&read_back), Err(AssembleError::Server(_))));
        let mut cut = reader(protocol);
        cut.push(&stream_of(protocol, &events[..2])).unwrap();
        assert!(cut.finish().is_err());
        let mut after = reader(protocol);
        after.push(&bytes).unwrap();
        assert!(after.push(b"data: {}\n\n").is_err());
        let mut small = StreamReader::new(protocol, Limits::default(), 10);
        assert!(small.push(&bytes).is_err());
    }
}

#[test]
fn calls_that_contradict_themselves_are_refused() {
    let start = |call, id: &str| StreamEvent::CallStart { choice: 0, call, id: id.into(), name: name("t") };
    let mut assembler = TurnAssembler::new(1000);
    assembler.push(&start(0, "a")).unwrap();
    assert_eq!(assembler.push(&start(1, "a")), Err(AssembleError::Twice("a".into())));
    let arguments = StreamEvent::CallArguments { choice: 0, call: 7, text: "{}".into() };
    assert_eq!(assembler.push(&arguments), Err(AssembleError::NoSuchCall));
    let long = StreamEvent::Text { choice: 0, text: "x".repeat(1000) };
    assert_eq!(assembler.push(&long), Err(AssembleError::TooLarge(1000)));
}

/// Events of one answer in an order that both protocols can say.
fn events() -> impl Strategy<Value = Vec<StreamEvent>> {
    let text = "[a-zäß\u{1F600}\"\\\\\n]{1,8}";
    let call = (text, "[a-z_]{1,6}", prop::collection::btree_map("[a-z]{1,3}", any::<i32>(), 0..3));
    let say = prop::collection::vec(text, 0..4);
    (say, prop::collection::vec(call, 0..4), any::<u16>(), any::<u16>()).prop_map(
        |(texts, calls, input, output)| {
            let mut events =
                vec![StreamEvent::Start { id: "r".into(), model: "m".into(), created: 0, input: 0 }];
            events.extend(texts.into_iter().map(|text| StreamEvent::Text { choice: 0, text }));
            let reason = if calls.is_empty() { StopReason::End } else { StopReason::ToolCalls };
            for (call, (_, tool, arguments)) in (0_u32..).zip(calls) {
                let id = format!("c{call}");
                events.push(StreamEvent::CallStart { choice: 0, call, id, name: name(&tool) });
                let text = serde_json::to_string(&arguments).unwrap();
                for piece in text.as_bytes().chunks(3) {
                    let text = String::from_utf8(piece.to_vec()).unwrap();
                    events.push(StreamEvent::CallArguments { choice: 0, call, text });
                }
            }
            events.push(StreamEvent::Stop { choice: 0, reason });
            events.push(StreamEvent::Usage(Usage { input: input.into(), output: output.into() }));
            events.push(StreamEvent::Done);
            events
        },
    )
}

proptest! {
    /// Written, cut anywhere, read again: the same events; and the same answer from either protocol.
    #[test]
    fn the_pieces_do_not_matter(
        events in events(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        for protocol in [Protocol::Openai, Protocol::Anthropic] {
            let bytes = stream_of(protocol, &events);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut reader = reader(protocol);
            let mut got = Vec::new();
            for pair in cuts.windows(2) {
                got.extend(reader.push(&bytes[pair[0]..pair[1]]).unwrap());
            }
            reader.finish().unwrap();
            prop_assert_eq!(&got, &events);
            let response = assembled(&got);
            prop_assert_eq!(&response, &assembled(&events));
            // A whole answer says in one piece what its stream says in many.
            if let Ok(response) = response {
                let whole = ChatResponse::read(protocol, &response.to_bytes(protocol), &Limits::default());
                prop_assert_eq!(whole.unwrap(), response);
            }
        }
    }

    #[test]
    fn mutated_streams_never_panic(
        events in events(),
        anthropic in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let protocol = if anthropic { Protocol::Anthropic } else { Protocol::Openai };
        let mut bytes = stream_of(protocol, &events);
        for (at, byte) in changes {
            *at.get_mut(&mut bytes) = byte;
        }
        let mut reader = reader(protocol);
        if let Ok(events) = reader.push(&bytes) {
            let _ = assembled(&events);
        }
        let _ = ChatResponse::read(protocol, &bytes, &Limits::default());
        let _ = ApiError::read(&bytes, &Limits::default());
    }
}
