//! Models behind gRPC: a server on this machine that behaves well, badly and not at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

#[path = "support/grpc.rs"]
mod grpc;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use grpc::{Reply, Seen, respond, server, tensor};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proofhouse_artifact::protobuf::{Fields, Message, Value};
use proofhouse_endpoint::{
    Address, Answers, Companion, EndpointError, GrpcStatus, InferenceClient, Key, Limits, RowTarget, Rows,
    Values,
};
use tokio::net::TcpListener;

/// What the model takes: these inputs.
fn about(inputs: &[Message]) -> Reply {
    let mut out = Message::default();
    out.text(1, "m");
    out.text(2, "3");
    inputs.iter().for_each(|input| out.message(4, input));
    out.message(5, &tensor("y", "FP32", &[-1, 2]));
    Reply::Message(out.into_bytes())
}

fn good() -> Reply {
    let mut contents = Message::default();
    contents.bytes(6, &[0.25_f32.to_le_bytes(), 0.75_f32.to_le_bytes()].concat());
    let mut output = tensor("y", "FP32", &[1, 2]);
    output.message(5, &contents);
    let mut out = Message::default();
    out.message(5, &output);
    Reply::Message(out.into_bytes())
}

/// A server that is ready, describes a model with one input, and answers question `n` as `how` says.
async fn model(how: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (SocketAddr, Arc<Seen>) {
    server(move |n, method, _| match method {
        "ModelMetadata" => about(&[tensor("x", "FP32", &[-1, 2])]),
        "ModelInfer" => how(n),
        _ => Reply::Message(vec![8, 1]),
    })
    .await
}

fn quick() -> Limits {
    Limits {
        timeout: Duration::from_millis(400),
        backoff: Duration::from_millis(5),
        response_bytes: 4096,
        attempts: 4,
        longest_wait: Duration::from_secs(3),
        ..Limits::default()
    }
}

async fn connect(addr: SocketAddr, input: Option<&str>) -> Result<InferenceClient, EndpointError> {
    let url = format!("grpc://{addr}/m?version=3");
    let key = Key::new("sk-secret-1");
    InferenceClient::connect(Address { url: &url, socket: None, key, input }, None, quick()).await
}

async fn ask(target: &dyn RowTarget) -> Result<Answers, EndpointError> {
    target.ask(Rows { values: &[0.5, 1.0], shape: &[2], others: &[] }).await
}

/// Asks a model that answers one question after the other like this, the last for ever; how often it was asked, too.
async fn asked(replies: Vec<Reply>) -> (Result<Answers, EndpointError>, usize) {
    let (addr, seen) = model(move |n| replies[n.min(replies.len() - 1)].clone()).await;
    let answer = ask(&connect(addr, None).await.unwrap()).await;
    (answer, seen.calls.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_model_is_asked_as_it_says() {
    let (addr, seen) = model(|_| good()).await;
    let client = connect(addr, None).await.unwrap();
    assert_eq!((client.metadata().name.as_str(), client.metadata().versions.len()), ("m", 1));
    assert_eq!(ask(&client).await.unwrap().outputs[0].values, Values::Numbers(vec![0.25, 0.75]));
    let (headers, url, message) = seen.last.lock().unwrap().clone();
    assert!(url.ends_with("/inference.GRPCInferenceService/ModelInfer"), "{url}");
    assert_eq!(
        (&headers["te"], &headers["grpc-timeout"]),
        (&"trailers".parse().unwrap(), &"400m".parse().unwrap())
    );
    assert_eq!(headers["authorization"], "Bearer sk-secret-1");
    let fields: Vec<_> = Fields::new(&message).collect::<Result<_, _>>().unwrap();
    assert_eq!((fields[0].value, fields[1].value), (Value::Bytes(b"m"), Value::Bytes(b"3")));
    assert_eq!(client.describe(), format!("grpc://{addr}/m?version=3"));
    let error = client.admits(&[3]).unwrap_err().to_string();
    assert!(error.contains("takes the shape [any, 2]"), "{error}");
}

#[tokio::test]
async fn several_inputs_are_sent_in_their_datatypes() {
    let (addr, seen) = server(|_, method, _| match method {
        "ModelMetadata" => about(&[tensor("age", "INT64", &[-1, 1]), tensor("x", "UINT8", &[-1, 2])]),
        "ModelInfer" => good(),
        _ => Reply::Message(vec![8, 1]),
    })
    .await;
    let error = connect(addr, None).await.err().unwrap().to_string();
    assert!(error.contains("2 inputs") && error.contains("\"age\" (INT64 [any, 1])"), "{error}");
    let client = connect(addr, Some("x")).await.unwrap();
    assert_eq!(client.others().map(|other| other.name.as_str()).collect::<Vec<_>>(), ["age"]);
    let others = [Companion { name: "age".into(), shape: vec![1, 1], values: vec![-7.0] }];
    client.ask(Rows { values: &[3.0, 255.0], shape: &[2], others: &others }).await.unwrap();
    let (_, _, message) = seen.last.lock().unwrap().clone();
    let mut inputs = Fields::new(&message).map(Result::unwrap).filter(|field| field.number == 5);
    let contents = |input: proofhouse_artifact::protobuf::Field<'_>| {
        let contents = input.message().unwrap().map(Result::unwrap).find(|field| field.number == 5);
        let list = contents.unwrap().message().unwrap().map(Result::unwrap).next().unwrap();
        (list.number, format!("{:?}", list.value))
    };
    assert_eq!(
        contents(inputs.next().unwrap()),
        (3, "Bytes([249, 255, 255, 255, 255, 255, 255, 255, 255, 1])".to_owned())
    );
    assert_eq!(contents(inputs.next().unwrap()), (4, "Bytes([3, 255, 1])".to_owned()));
    // A fraction is not cut off, and no input left out.
    let error = ask(&client).await.unwrap_err().to_string();
    assert!(error.contains("also takes \"age\""), "{error}");
    let halves = client.ask(Rows { values: &[0.5, 1.0], shape: &[2], others: &others }).await;
    assert!(halves.unwrap_err().to_string().contains("takes UINT8, and value 0, 0.5, is no whole number"));
}

#[tokio::test]
async fn who_throttles_or_fails_is_asked_again() {
    let busy = |wait| Reply::Status(8, "slow%20down, sk-secret-1", wait);
    let (answer, count) = asked(vec![busy(None), Reply::Status(14, "", None), good()]).await;
    assert_eq!((answer.unwrap().attempts, count), (3, 3));
    // As long as it asks for, and not where it asks not to.
    let began = Instant::now();
    let (answer, _) = asked(vec![busy(Some("700")), good()]).await;
    assert!(answer.unwrap().attempts == 2 && began.elapsed() > Duration::from_millis(600));
    for wait in ["-1", "3600000"] {
        let (answer, count) = asked(vec![busy(Some(wait))]).await;
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("8 RESOURCE_EXHAUSTED") && error.contains("--per-minute"), "{error}");
        assert!(error.contains("slow down, [key]") && count == 1, "{error} {count}");
    }
    let (answer, count) = asked(vec![Reply::Status(14, "", None)]).await;
    let down = matches!(answer, Err(EndpointError::Grpc { status: GrpcStatus(14), .. }));
    assert!(down && count == 4, "{answer:?} {count}");
    let (answer, count) = asked(vec![Reply::Slow, Reply::NoStatus(vec![]), good()]).await;
    assert_eq!((answer.unwrap().attempts, count), (3, 3));
}

#[tokio::test]
async fn what_does_not_pass_is_named_and_not_asked_for_again() {
    let framed = |flag: u8| [&[flag, 0, 0, 0, 2][..], b"\x08\x01"].concat();
    let Reply::Message(long) = good() else { panic!() };
    let long = [long, b"\x1a\xd8\x36".to_vec(), vec![b'x'; 7000]].concat();
    for (reply, says) in [
        (Reply::Status(3, "bad shape", None), "3 INVALID_ARGUMENT: the question is not what the model takes"),
        (Reply::Status(5, "", None), "no such model"),
        (Reply::Status(16, "", None), "--key-env"),
        (Reply::Status(12, "", None), "no Open Inference Protocol"),
        (Reply::Status(77, "", None), "77 which gRPC has not"),
        (Reply::Frame(framed(1)), "compressed"),
        (Reply::Frame(framed(0)), "ModelInfer: it has no output"),
        (Reply::Frame(vec![0; 5]), "it has no output"),
        (Reply::Frame(vec![0, 0, 0, 0, 9]), "not as long as it says"),
        (Reply::Message(vec![0x2a, 9, 1]), "claims 9 bytes"),
        (Reply::Message(long), "more than 4096 bytes"),
        (Reply::Page, "\"text/html\" and not gRPC's"),
    ] {
        let (answer, count) = asked(vec![reply]).await;
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(says) && count == 1, "{says}: {error} {count}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_is_opened_again() {
    // A server whose every connection answers one call and closes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (done, mut ended) = tokio::sync::mpsc::channel::<()>(1);
            let service = service_fn(move |request: Request<Incoming>| {
                let done = done.clone();
                async move {
                    let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
                    let reply = match method.as_str() {
                        "ModelMetadata" => about(&[tensor("x", "FP32", &[-1, 2])]),
                        "ModelInfer" => good(),
                        _ => Reply::Message(vec![8, 1]),
                    };
                    let response = respond(reply).await;
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        let _ = done.send(()).await;
                    });
                    Ok::<_, hyper::Error>(response)
                }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                tokio::select! { _ = connection => {}, _ = ended.recv() => {} }
            });
        }
    });
    let client = connect(addr, None).await.unwrap();
    for _ in 0..3 {
        assert!(ask(&client).await.is_ok());
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_asked_says_why() {
    let address = |url| Address { url, socket: None, key: Key::new("k"), input: None };
    for (url, says) in [
        ("grpc://example.org:1/m", "unencrypted; use grpcs"),
        ("grpc://127.0.0.1:1/v2/models/m", "several parts"),
        ("grpc://127.0.0.1:1/m", "grpc://127.0.0.1:1/m cannot be reached"),
    ] {
        let limits = Limits { attempts: 1, ..quick() };
        let error = InferenceClient::connect(address(url), None, limits).await.err().unwrap().to_string();
        assert!(error.contains(says), "{url}: {error}");
    }
    // A server of something else.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
            // What is closed with something unread takes back what it said.
            while stream.read(&mut [0; 4096]).await.is_ok_and(|n| n > 0) {}
        }
    });
    let error = connect(addr, None).await.err().unwrap().to_string();
    assert!(error.contains("it answers in HTTP/1"), "{error}");
    // One that is not ready, and one that knows none of the questions about itself.
    let (addr, _) = server(|_, _, _| Reply::Message(vec![])).await;
    let error = connect(addr, None).await.err().unwrap();
    assert!(
        error.may_pass() && error.to_string().contains("the server says that it is not ready"),
        "{error}"
    );
    let (addr, _) = server(|_, method, _| match method {
        "ModelInfer" => good(),
        _ => Reply::Status(12, "", None),
    })
    .await;
    assert!(connect(addr, None).await.err().unwrap().to_string().contains("12 UNIMPLEMENTED"));
    let client = connect(addr, Some("features")).await.unwrap();
    assert!(client.admits(&[9, 9]).is_ok() && ask(&client).await.is_ok());
}
