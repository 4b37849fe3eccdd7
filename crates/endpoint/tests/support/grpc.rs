//! A server of gRPC on this machine that does as it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proofhouse_artifact::protobuf::Message;
use tokio::net::TcpListener;

/// What a server does with a call.
#[derive(Clone)]
pub enum Reply {
    Message(Vec<u8>),
    /// A status with its message, and how long to wait as the server has it.
    Status(u32, &'static str, Option<&'static str>),
    /// Other bytes than one message in its frame.
    Frame(Vec<u8>),
    /// A message and no status behind it.
    NoStatus(Vec<u8>),
    Slow,
    Page,
}

/// What a server was asked.
#[derive(Default)]
pub struct Seen {
    pub calls: AtomicUsize,
    /// Headers, address and message of the last call.
    pub last: Mutex<(HeaderMap, String, Vec<u8>)>,
}

/// A server that answers as `how` says: to question `n` about rows, or to another method, with this message.
pub async fn server(
    how: impl Fn(usize, &str, &[u8]) -> Reply + Send + Sync + 'static,
) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, seen, how) = (listener.local_addr().unwrap(), Arc::new(Seen::default()), Arc::new(how));
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (seen, how) = (Arc::clone(&shared), Arc::clone(&how));
            let service = service_fn(move |request: Request<Incoming>| {
                let (seen, how) = (Arc::clone(&seen), Arc::clone(&how));
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let method = head.uri.path().rsplit('/').next().unwrap().to_owned();
                    let n = match method.as_str() {
                        "ModelInfer" => seen.calls.fetch_add(1, Ordering::SeqCst),
                        _ => 0,
                    };
                    let reply = how(n, &method, &body[5..]);
                    *seen.last.lock().unwrap() = (head.headers, head.uri.to_string(), body[5..].to_vec());
                    Ok::<_, hyper::Error>(respond(reply).await)
                }
            });
            tokio::spawn(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (addr, seen)
}

type Body = http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>;

/// What goes over the wire.
pub async fn respond(reply: Reply) -> Response<Body> {
    let framed = |message: &[u8]| {
        let mut out = BytesMut::new();
        out.put_u8(0);
        out.put_u32(u32::try_from(message.len()).unwrap());
        out.put_slice(message);
        out.to_vec()
    };
    let (bytes, status) = match reply {
        Reply::Message(message) => (framed(&message), Some((0, "", None))),
        Reply::Status(code, says, wait) => (Vec::new(), Some((code, says, wait))),
        Reply::Frame(bytes) => (bytes, Some((0, "", None))),
        Reply::NoStatus(message) => (framed(&message), None),
        Reply::Slow => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            (Vec::new(), None)
        }
        Reply::Page => {
            let page = Full::new(Bytes::from_static(b"<html>"));
            return Response::builder().header("content-type", "text/html").body(page.boxed()).unwrap();
        }
    };
    let trailers = status.map(|(code, says, wait)| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from(code));
        trailers.insert("grpc-message", HeaderValue::from_static(says));
        if let Some(wait) = wait {
            trailers.insert("grpc-retry-pushback-ms", HeaderValue::from_static(wait));
        }
        trailers
    });
    // A failed call has headers only, as servers of gRPC have it.
    let head = Response::builder().header("content-type", "application/grpc");
    if bytes.is_empty() {
        let mut response = head.body(Full::new(Bytes::new()).boxed()).unwrap();
        response.headers_mut().extend(trailers.unwrap_or_default());
        return response;
    }
    let body = Full::new(Bytes::from(bytes));
    match trailers {
        Some(trailers) => {
            head.body(body.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed()).unwrap()
        }
        None => head.body(body.boxed()).unwrap(),
    }
}

/// What is said of a tensor: name, datatype, shape.
pub fn tensor(name: &str, datatype: &str, shape: &[i64]) -> Message {
    let mut out = Message::default();
    out.text(1, name);
    out.text(2, datatype);
    out.packed(3, shape.iter().map(|size| size.cast_unsigned()));
    out
}
