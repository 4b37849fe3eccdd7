//! A server on this machine that does as it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that gives each connection the next of `answers`, the last for ever, and counts.
pub async fn server(answers: Vec<Vec<u8>>) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let n = shared.count.fetch_add(1, Ordering::SeqCst);
            let answer = answers[n.min(answers.len() - 1)].clone();
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                while !complete(&request) {
                    match stream.read(&mut chunk).await {
                        Ok(n) if n > 0 => request.extend_from_slice(&chunk[..n]),
                        _ => return,
                    }
                }
                *shared.last.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
                if answer == SLOW {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
                let _ = stream.write_all(&answer).await;
            });
        }
    });
    (addr, seen)
}

/// What a server was asked.
#[derive(Default)]
pub struct Seen {
    pub count: AtomicUsize,
    pub last: std::sync::Mutex<String>,
}

/// An answer that does not come.
pub const SLOW: &[u8] = b"slow";

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|l| l.split("\r\n").next());
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

/// A response that ends its connection.
pub fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
