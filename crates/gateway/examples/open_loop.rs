//! Sends requests at a fixed rate whatever the answers do, for `bench/run`:
//! `open_loop ADDRESS PATH RATE SECONDS BODY_FILE [KEY_FILE]`.
//!
//! The load is open: request n is due at n / RATE, and its latency counts from when it was due, not from when a
//! connection was free for it. A closed loop that waits for each answer leaves out exactly the requests that a stall
//! would have delayed ("coordinated omission", Gil Tene). Loopback only; at most 120 seconds and 200,000 requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

const CONNECTIONS: usize = 32;
const TIMEOUT: Duration = Duration::from_secs(10);

struct Shot {
    latency: Duration,
    ok: bool,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a command-line example")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, rate, seconds, body_file, key_file @ ..] = arguments.as_slice() else {
        return Err("usage: open_loop ADDRESS PATH RATE SECONDS BODY_FILE [KEY_FILE]".into());
    };
    let address: SocketAddr = address.parse()?;
    let (rate, seconds): (f64, f64) = (rate.parse()?, seconds.parse()?);
    let count = (rate * seconds).round();
    if !address.ip().is_loopback() {
        return Err("only loopback addresses are loaded".into());
    }
    if !(rate >= 1.0 && seconds <= 120.0 && (1.0..=200_000.0).contains(&count)) {
        return Err("at most 120 seconds and 200000 requests, at a rate of 1 a second or more".into());
    }
    let body = Bytes::from(std::fs::read(body_file)?);
    let key = key_file.first().map(std::fs::read_to_string).transpose()?;
    let mut request = Request::post(path).header("host", address.to_string());
    request = request.header("content-type", "application/json").header("content-length", body.len());
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let request = Arc::new(request.body(())?);

    let (due_sender, due) = mpsc::unbounded_channel::<Instant>();
    let due = Arc::new(Mutex::new(due));
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(work(address, Arc::clone(&request), body.clone(), Arc::clone(&due))))
        .collect();
    // Let every worker connect before the first request is due.
    let start = Instant::now() + Duration::from_millis(300);
    // A thread of its own: the runtime's timer is a millisecond coarse.
    let clock = std::thread::spawn(move || {
        for n in 0..count as u64 {
            let at = start + Duration::from_secs_f64(n as f64 / rate);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if due_sender.send(at).is_err() {
                return;
            }
        }
    });
    let mut shots = Vec::new();
    for worker in workers {
        shots.extend(worker.await?);
    }
    clock.join().map_err(|_| "the clock thread ended abnormally")?;

    let failed = shots.iter().filter(|s| !s.ok).count() + (count as usize).saturating_sub(shots.len());
    let mut latencies: Vec<f64> =
        shots.iter().filter(|s| s.ok).map(|s| s.latency.as_secs_f64() * 1e3).collect();
    latencies.sort_by(f64::total_cmp);
    let quantile = |q: f64| {
        let rank = (latencies.len() as f64 * q).ceil() as usize;
        latencies.get(rank.saturating_sub(1)).copied()
    };
    println!(
        "{}",
        serde_json::json!({
            "sent": count,
            "failed": failed,
            "p50_ms": quantile(0.5),
            "p99_ms": quantile(0.99),
            "max_ms": quantile(1.0),
        })
    );
    Ok(())
}

/// Sends what is due over one connection, which is made anew when it breaks.
async fn work(
    address: SocketAddr,
    head: Arc<Request<()>>,
    body: Bytes,
    due: Arc<Mutex<mpsc::UnboundedReceiver<Instant>>>,
) -> Vec<Shot> {
    let mut shots = Vec::new();
    let mut connection = connect(address).await;
    loop {
        let next = due.lock().await.recv().await;
        let Some(at) = next else { return shots };
        if connection.as_ref().is_none_or(http1::SendRequest::is_closed) {
            connection = connect(address).await;
        }
        let sent = match &mut connection {
            Some(connection) => tokio::time::timeout(TIMEOUT, send(connection, &head, body.clone())).await,
            None => Ok(Err(())),
        };
        let ok = matches!(sent, Ok(Ok(())));
        shots.push(Shot { latency: at.elapsed(), ok });
        if !ok {
            connection = None;
        }
    }
}

type Connection = http1::SendRequest<Full<Bytes>>;

async fn connect(address: SocketAddr) -> Option<Connection> {
    let stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

/// One request and the whole of its answer; anything but 200 is a failure.
async fn send(connection: &mut Connection, head: &Request<()>, body: Bytes) -> Result<(), ()> {
    connection.ready().await.map_err(drop)?;
    let mut request = Request::new(Full::new(body));
    head.method().clone_into(request.method_mut());
    head.uri().clone_into(request.uri_mut());
    head.headers().clone_into(request.headers_mut());
    let response = connection.send_request(request).await.map_err(drop)?;
    let ok = response.status() == 200;
    response.into_body().collect().await.map_err(drop)?;
    if ok { Ok(()) } else { Err(()) }
}
