//! After the acknowledgement of a quarantine no byte of the model's output leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its house fails")]

mod house;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use house::{Behaviour, House, ROWS, digest, read_message, receive, request, send};
use proofhouse_core::Digest;
use proofhouse_gateway::Route;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn the_quarantine_comes_before_anything_about_the_caller() {
    let house = House::open().await;
    let ack = house.started.handle.quarantine(digest()).await;
    assert_eq!((ack.digest, ack.epoch, ack.in_flight_cancelled), (digest(), 1, 0));
    let reply = house.send(house.infer(ROWS).as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (503, "model/quarantined"));
    // Without a key it is the same answer.
    let anonymous = request("POST", "/v2/models/m/infer", "Content-Type: application/json\r\n", ROWS);
    assert_eq!(house.status(&anonymous).await, 503);
    assert!(house.instance.heads.lock().unwrap().is_empty());
    assert_eq!(house.started.handle.quarantined(), BTreeMap::from([(digest(), 1)]));
    // New routes to the digest do not get round it, and a lift does.
    let route = Route::tensors("n", digest(), vec![house.instance.address]);
    house.started.handle.set_routes(vec![route]).unwrap();
    let roles = house.request("POST", "/v2/models/n/infer", "Content-Type: application/json\r\n", ROWS);
    assert_eq!(house.status(&roles).await, 503);
    assert!(house.started.handle.lift(digest()));
    assert_eq!(house.status(&roles).await, 403);
    assert_eq!(house.started.handle.quarantine(digest()).await.epoch, 2);
}

#[tokio::test]
async fn a_kept_quarantine_holds_from_the_start() {
    let house =
        House::with(Behaviour::default(), |config| config.quarantined = BTreeMap::from([(digest(), 41)]))
            .await;
    assert_eq!(house.status(&house.infer(ROWS)).await, 503);
    assert_eq!(house.started.handle.quarantine(Digest::of(b"another")).await.epoch, 42);
}

#[tokio::test]
async fn requests_under_way_are_cut_off() {
    let slow = Behaviour { delay: Duration::from_secs(20), ..Behaviour::default() };
    let mut house = House::with(slow, |_| {}).await;
    let address = house.started.handle.address();
    let bytes = house.infer(ROWS);
    let waiting = tokio::spawn(async move { send(address, bytes.as_bytes()).await });
    within_a_minute("the request reaches the instance", || !house.instance.heads.lock().unwrap().is_empty())
        .await;
    let started = Instant::now();
    let ack = house.started.handle.quarantine(digest()).await;
    assert_eq!(ack.in_flight_cancelled, 1);
    assert!(started.elapsed() < Duration::from_secs(2), "the upstream call was not cancelled");
    let reply = waiting.await.unwrap().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (503, "model/quarantined"));
    let record = house.started.audit.batch(1).await.pop().unwrap();
    assert_eq!(record.code, "model/quarantined");
}

#[tokio::test]
async fn an_answer_a_slow_reader_has_not_taken_is_thrown_away() {
    // Larger than the sockets' buffers, so that most of it waits in the gateway.
    let body = "y".repeat(7_000_000);
    let house = House::with(Behaviour { body, ..Behaviour::default() }, |_| {}).await;
    let mut reader = TcpStream::connect(house.started.handle.address()).await.unwrap();
    reader.write_all(house.infer(ROWS).as_bytes()).await.unwrap();
    let mut first = [0; 1024];
    reader.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200"));
    let ack = tokio::time::timeout(Duration::from_secs(5), house.started.handle.quarantine(digest())).await;
    assert_eq!(ack.expect("the slow reader does not hold the acknowledgement up").in_flight_cancelled, 1);
    let mut rest = Vec::new();
    let ended = reader.read_to_end(&mut rest).await;
    assert!(ended.is_err() || rest.len() < 7_000_000, "{} bytes after the quarantine", rest.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_served_after_the_acknowledgement_under_load() {
    const CLIENTS: usize = 48;
    let brief = Behaviour { delay: Duration::from_millis(2), ..Behaviour::default() };
    let mut house = House::with(brief, |config| config.admin = Some(([127, 0, 0, 1], 0).into())).await;
    let address = house.started.handle.address();
    let (acked, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (served, begun_after, refused) =
        (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let bytes = Arc::new(house.infer(ROWS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (acked, stop, bytes) = (Arc::clone(&acked), Arc::clone(&stop), Arc::clone(&bytes));
            let (served, begun_after, refused) =
                (Arc::clone(&served), Arc::clone(&begun_after), Arc::clone(&refused));
            tokio::spawn(async move {
                while !stop.load(SeqCst) {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    // Several requests on a connection, until it is closed.
                    let mut buffer = Vec::new();
                    for _ in 0..20 {
                        let after = acked.load(SeqCst);
                        if stream.write_all(bytes.as_bytes()).await.is_err() {
                            break;
                        }
                        let Some((head, _)) = read_message(&mut stream, &mut buffer).await else { break };
                        if head.starts_with("HTTP/1.1 200") {
                            served.fetch_add(1, SeqCst);
                            begun_after.fetch_add(u64::from(after), SeqCst);
                        } else {
                            refused.fetch_add(1, SeqCst);
                        }
                    }
                }
            })
        })
        .collect();
    let drain = async {
        // The records have to be taken, or the gateway sheds load.
        loop {
            if house.started.audit.batch(1000).await.is_empty() {
                break;
            }
        }
    };
    let order = async {
        within_a_minute("two hundred requests are answered", || served.load(SeqCst) >= 200).await;
        house.started.handle.quarantine(digest()).await;
        // What the gateway has handed to the wire when it acknowledged, and a good while later.
        acked.store(true, SeqCst);
        let admin = house.started.handle.admin_address().unwrap();
        let at_ack = (released(admin).await, house.instance.answered.load(SeqCst));
        tokio::time::sleep(Duration::from_millis(600)).await;
        let later = (released(admin).await, house.instance.answered.load(SeqCst));
        stop.store(true, SeqCst);
        (at_ack, later)
    };
    let ((at_ack, _), (later, _)) = tokio::select! {
        counts = order => counts,
        () = drain => unreachable!("the gateway runs"),
    };
    assert_eq!(at_ack, later, "answers were released after the acknowledgement");
    assert_eq!(begun_after.load(SeqCst), 0, "requests that began after the acknowledgement were answered");
    for client in clients {
        client.await.unwrap();
    }
    assert!(served.load(SeqCst) >= 200 && refused.load(SeqCst) > 100, "the load was real");
    let mut last = TcpStream::connect(address).await.unwrap();
    last.write_all(bytes.as_bytes()).await.unwrap();
    assert_eq!(receive(&mut last).await.unwrap().status, 503);
}

/// Waits for something that has to happen; a test that waits for ever says nothing.
async fn within_a_minute(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "it never happened that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn released(admin: std::net::SocketAddr) -> String {
    let metrics = send(admin, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap().body;
    let line = metrics.lines().find(|line| line.starts_with("proofhouse_gateway_answers_released_total "));
    line.expect("the counter").to_owned()
}
