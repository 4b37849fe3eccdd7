//! A gateway with a fake instance behind it, and a client that speaks in raw bytes.

#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its house fails")]

pub mod chat;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use proofhouse_core::Digest;
use proofhouse_gateway::{ApiKey, Gateway, GatewayConfig, KeySecret, Limits, Route, Started, SystemClock};
use proofhouse_policy::{Bundle, Policy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub static POLICY: LazyLock<Arc<Policy>> =
    LazyLock::new(|| Arc::new(Policy::compile(&Bundle::shipped()).unwrap()));

pub const ROWS: &str = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1.5,2.0]}]}"#;
pub const ANSWER: &str =
    r#"{"model_name":"m","outputs":[{"name":"y","shape":[1],"datatype":"FP32","data":[0.75]}]}"#;

pub fn digest() -> Digest {
    Digest::of(b"the model")
}

/// How the fake instance behaves.
#[derive(Clone)]
pub struct Behaviour {
    pub digest: String,
    pub delay: Duration,
    pub status: &'static str,
    pub body: String,
    /// Pieces of a stream with the pause before each; the body is not used then.
    pub pieces: Vec<(Duration, String)>,
    /// Whether a stream comes to its end or the connection breaks.
    pub ends: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            digest: digest().to_string(),
            delay: Duration::ZERO,
            status: "200 OK",
            body: ANSWER.to_owned(),
            pieces: Vec::new(),
            ends: true,
        }
    }
}

/// An instance that writes down what it was sent.
pub struct Instance {
    pub address: SocketAddr,
    pub heads: Arc<Mutex<Vec<String>>>,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub answered: Arc<AtomicU64>,
    /// Streams whose reader went away before their end.
    pub dropped: Arc<AtomicU64>,
}

impl Instance {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let instance = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            answered: Arc::default(),
            dropped: Arc::default(),
        };
        let (heads, behaviour, answered, dropped) = (
            Arc::clone(&instance.heads),
            Arc::clone(&instance.behaviour),
            Arc::clone(&instance.answered),
            Arc::clone(&instance.dropped),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(
                    stream,
                    Arc::clone(&heads),
                    Arc::clone(&behaviour),
                    Arc::clone(&answered),
                    Arc::clone(&dropped),
                ));
            }
        });
        instance
    }
}

async fn serve(
    mut stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
    behaviour: Arc<Mutex<Behaviour>>,
    answered: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
) {
    let mut buffer = Vec::new();
    loop {
        let Some((head, rest)) = read_message(&mut stream, &mut buffer).await else { return };
        heads.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&rest)));
        let Behaviour { digest, delay, status, body, pieces, ends } = behaviour.lock().unwrap().clone();
        tokio::time::sleep(delay).await;
        let proof =
            if digest.is_empty() { String::new() } else { format!("proofhouse-model-digest: {digest}\r\n") };
        if !pieces.is_empty() {
            let head = format!(
                "HTTP/1.1 {status}\r\n{proof}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            let mut sent = stream.write_all(head.as_bytes()).await;
            for (pause, piece) in pieces {
                // A reader that goes away is noticed while nothing is written, too.
                let mut probe = [0; 1];
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stream.read(&mut probe) => {
                        dropped.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                }
                sent = stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
                if sent.is_err() {
                    break;
                }
            }
            if sent.is_err() {
                dropped.fetch_add(1, Ordering::SeqCst);
                return;
            }
            if !ends || stream.write_all(b"0\r\n\r\n").await.is_err() {
                return;
            }
            answered.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let answer = format!(
            "HTTP/1.1 {status}\r\n{proof}x-internal: secret\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

/// Reads one message framed by Content-Length; `buffer` keeps what came after it.
pub async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n").map(|n| n + 4) {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length: usize = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse().ok())
                .unwrap_or(0);
            if buffer.len() >= end + length {
                let body = buffer[end..end + length].to_vec();
                buffer.drain(..end + length);
                return Some((head, body));
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(n @ 1..) => buffer.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

pub struct House {
    pub started: Started,
    pub instance: Instance,
    pub secret: KeySecret,
}

impl House {
    pub async fn open() -> Self {
        Self::with(Behaviour::default(), |_| {}).await
    }

    pub async fn with(behaviour: Behaviour, adjust: impl FnOnce(&mut GatewayConfig)) -> Self {
        let instance = Instance::start(behaviour).await;
        let many = NonZeroU32::new(1_000_000).unwrap();
        let (key, secret) = ApiKey::generate("k1", "teller", many, many).unwrap();
        let mut config = GatewayConfig {
            routes: vec![Route::tensors("m", digest(), vec![instance.address])],
            roles: BTreeMap::from([
                ("teller".to_owned(), vec!["m".to_owned()]),
                ("guest".to_owned(), vec!["other".to_owned()]),
            ]),
            keys: vec![key],
            limits: Limits { head_timeout: Duration::from_secs(5), ..Limits::default() },
            ..GatewayConfig::default()
        };
        adjust(&mut config);
        let started = Gateway::start(config, Arc::clone(&POLICY), Arc::new(SystemClock)).await.unwrap();
        Self { started, instance, secret }
    }

    pub fn infer(&self, body: &str) -> String {
        self.request("POST", "/v2/models/m/infer", "Content-Type: application/json\r\n", body)
    }

    pub fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        request(method, path, &format!("Authorization: Bearer {}\r\n{headers}", self.secret.expose()), body)
    }

    /// Sends bytes on a fresh connection and reads one answer; nothing where the gateway just closed.
    pub async fn send(&self, bytes: &[u8]) -> Option<Reply> {
        send(self.started.handle.address(), bytes).await
    }

    pub async fn status(&self, bytes: &str) -> u16 {
        self.send(bytes.as_bytes()).await.expect("an answer").status
    }
}

pub fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = if method == "POST" { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n{body}")
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn code(&self) -> String {
        let value: serde_json::Value = serde_json::from_str(&self.body).expect("a JSON body");
        value["error"]["code"].as_str().expect("a code").to_owned()
    }
}

pub async fn send(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The gateway may answer and close before it has taken everything.
    let _ = stream.write_all(bytes).await;
    receive(&mut stream).await
}

pub async fn receive(stream: &mut TcpStream) -> Option<Reply> {
    let mut buffer = Vec::new();
    let message = read_message(stream, &mut buffer);
    let (head, body) =
        tokio::time::timeout(Duration::from_secs(10), message).await.expect("an answer in time")?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status line");
    Some(Reply { status, head, body: String::from_utf8(body).expect("text") })
}
