//! Every answer the gateway gives, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its house fails")]

mod house;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use house::{ANSWER, Behaviour, House, Instance, ROWS, digest, receive, request, send};
use proofhouse_core::Digest;
use proofhouse_gateway::{ApiKey, Gateway, GatewayConfig, GatewayError, Route, SystemClock, Upstream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn an_allowed_request_is_answered_audited_and_observed() {
    let mut house = House::open().await;
    let reply = house.send(house.infer(ROWS).as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, ANSWER));
    assert!(reply.head.contains(&format!("proofhouse-model-digest: {}", digest())));
    assert!(!reply.head.contains("x-internal"), "headers of the instance stay inside: {}", reply.head);

    let record = house.started.audit.batch(10).await.pop().unwrap();
    assert_eq!((record.status, record.code.as_str(), record.operation.as_str()), (200, "ok", "infer"));
    assert_eq!((record.key_id.as_deref(), record.role.as_deref()), (Some("k1"), Some("teller")));
    assert_eq!((record.bytes_in, record.bytes_out), (ROWS.len() as u64, ANSWER.len() as u64));
    assert_eq!((record.digest, record.policy), (Some(digest()), Some(house::POLICY.digest())));
    assert!(record.body_commitment.is_some() && record.body_salt.is_some());
    let written = serde_json::to_string(&record).unwrap();
    assert!(!written.contains(house.secret.expose()) && !written.contains("2.0"));

    let observed = house.started.observed.batch(10).await.pop().unwrap();
    assert_eq!(observed.inputs[0].data, [1.5, 2.0]);
    assert_eq!((observed.outputs[0].data.as_slice(), observed.digest), (&[0.75][..], digest()));
    assert_eq!(observed.request_id, record.request_id);
}

#[tokio::test]
async fn only_listed_headers_reach_the_instance() {
    let house = House::open().await;
    let extra =
        "Content-Type: application/json\r\nX-Forwarded-For: 10.0.0.1\r\nCookie: a=b\r\nTE: trailers\r\n";
    assert_eq!(house.status(&house.request("POST", "/v2/models/m/infer", extra, ROWS)).await, 200);
    let heads = house.instance.heads.lock().unwrap().clone();
    let head = heads[0].to_ascii_lowercase();
    for absent in ["authorization", "bearer", "x-forwarded-for", "cookie", "te:", "localhost"] {
        assert!(!head.contains(absent), "{absent} in {head}");
    }
    assert!(head.starts_with("post /v2/models/m/infer http/1.1\r\n"));
    assert!(head.contains("proofhouse-request-id: ") && head.ends_with(&ROWS.to_ascii_lowercase()));
}

#[tokio::test]
async fn metadata_and_ready_are_passed_on() {
    let house = House::open().await;
    assert_eq!(house.status(&house.request("GET", "/v2/models/m", "", "")).await, 200);
    assert_eq!(house.status(&house.request("GET", "/v2/models/m/ready", "", "")).await, 200);
    assert_eq!(house.instance.heads.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_bad_a_missing_and_an_unknown_key_get_one_answer() {
    let house = House::open().await;
    let with = |header: &str| {
        request("POST", "/v2/models/m/infer", &format!("{header}Content-Type: application/json\r\n"), ROWS)
    };
    let unknown = ApiKey::generate("k1", "teller", NonZeroU32::MIN, NonZeroU32::MIN).unwrap().1;
    let mut answers = Vec::new();
    for header in [
        String::new(),
        "Authorization: Basic abc\r\n".to_owned(),
        "Authorization: Bearer ph_k1_wrong\r\n".to_owned(),
        format!("Authorization: Bearer {}\r\n", unknown.expose()),
        format!("Authorization: Bearer {}x\r\n", house.secret.expose()),
        format!("Authorization: Bearer {}\r\n", "a".repeat(4000)),
        "Authorization: Bearer ' OR 1=1 --\r\n".to_owned(),
    ] {
        let reply = house.send(with(&header).as_bytes()).await.unwrap();
        assert_eq!(reply.status, 401, "{header}");
        let mut body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        body["error"]["request_id"] = serde_json::Value::Null;
        answers.push(body.to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(house.instance.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_unknown_or_not_offered() {
    let house = House::open().await;
    let json = "Content-Type: application/json\r\n";
    assert_eq!(house.status(&house.request("POST", "/v2/models/n/infer", json, ROWS)).await, 404);
    // Without a key nobody learns which models there are.
    assert_eq!(house.status(&request("POST", "/v2/models/n/infer", json, ROWS)).await, 401);
    assert_eq!(house.status(&house.request("GET", "/", "", "")).await, 404);
    assert_eq!(house.status(&house.request("GET", "/metrics", "", "")).await, 404);
    assert_eq!(house.status(&house.request("POST", "/v2/repository/models/m/unload", json, "{}")).await, 404);
    let reply = house.send(house.request("GET", "/v2/models/m/infer", "", "").as_bytes()).await.unwrap();
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: POST"));
    assert_eq!(
        house
            .status(&house.request("POST", "/v2/models/m/infer", "Content-Type: text/plain\r\n", ROWS))
            .await,
        415
    );
    let encoded = format!("{json}Content-Encoding: gzip\r\n");
    assert_eq!(house.status(&house.request("POST", "/v2/models/m/infer", &encoded, ROWS)).await, 415);
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let house = House::open().await;
    for body in ["", "{}", "not json", "{\"inputs\":[]}", &format!("{ROWS}{ROWS}"), "\u{feff}{}"] {
        let reply = house.send(house.infer(body).as_bytes()).await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (400, "body/malformed"), "{body}");
    }
    let tensor = r#"{"name":"x","shape":[1],"datatype":"FP32","data":[1]}"#;
    let twice = format!(r#"{{"inputs":[{tensor}],"\u0069nputs":[{tensor}]}}"#);
    assert_eq!(house.status(&house.infer(&twice)).await, 400);
    assert!(house.instance.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_chunked_body_arrives_as_it_was() {
    let house = House::open().await;
    let (one, two) = ROWS.split_at(10);
    let head = house.request("POST", "/v2/models/m/infer", "Content-Type: application/json\r\n", "");
    let chunked = head.replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let request = format!("{chunked}{:x}\r\n{one}\r\n{:X}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    assert_eq!(house.status(&request).await, 200);
    assert!(house.instance.heads.lock().unwrap()[0].ends_with(ROWS));
}

#[tokio::test]
async fn a_role_reaches_its_models_only() {
    let mut secret = None;
    let mut house = House::with(Behaviour::default(), |config| {
        let (key, guest) = ApiKey::generate("g1", "guest", NonZeroU32::MIN, NonZeroU32::MIN).unwrap();
        config.keys.push(key);
        secret = Some(guest);
    })
    .await;
    let header =
        format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", secret.unwrap().expose());
    let reply = house.send(request("POST", "/v2/models/m/infer", &header, ROWS).as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (403, "policy/denied"));
    let record = house.started.audit.batch(1).await.pop().unwrap();
    assert_eq!(record.policy_reasons, ["request/model"]);
    assert!(house.instance.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn rates_hold_and_say_when_to_come_back() {
    let house = House::with(Behaviour::default(), |config| {
        config.keys[0].rate_per_second = NonZeroU32::MIN;
        config.keys[0].burst = NonZeroU32::new(2).unwrap();
    })
    .await;
    let request = house.infer(ROWS);
    assert_eq!((house.status(&request).await, house.status(&request).await), (200, 200));
    let reply = house.send(request.as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (429, "key/rate"));
    assert!(reply.head.contains("retry-after: 1"), "{}", reply.head);
}

#[tokio::test]
async fn bodies_and_heads_have_limits() {
    let house = House::with(Behaviour::default(), |config| config.limits.body_bytes = 200).await;
    assert_eq!(house.status(&house.infer(&"x".repeat(201))).await, 413);
    let head = house.request("POST", "/v2/models/m/infer", "Content-Type: application/json\r\n", "");
    let chunked = head.replace("Content-Length: 0", "Transfer-Encoding: chunked");
    assert_eq!(house.status(&format!("{chunked}FF\r\n{}\r\n0\r\n\r\n", "x".repeat(255))).await, 413);
    let large = house.request("GET", "/v2/models/m", &format!("X-A: {}\r\n", "a".repeat(17_000)), "");
    assert_eq!(house.status(&large).await, 431);
    let many = house.request("GET", "/v2/models/m", &"X-A: a\r\n".repeat(101), "");
    assert_eq!(house.status(&many).await, 431);
}

#[tokio::test]
async fn slow_callers_are_not_waited_for() {
    let mut house = House::with(Behaviour::default(), |config| {
        config.limits.head_timeout = Duration::from_millis(200);
        config.limits.body_timeout = Duration::from_millis(200);
    })
    .await;
    let address = house.started.handle.address();
    let mut slow_head = TcpStream::connect(address).await.unwrap();
    slow_head.write_all(b"GET /v2/models/m HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    let reply = receive(&mut slow_head).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (408, "head/timeout"));

    let mut slow_body = TcpStream::connect(address).await.unwrap();
    let whole = house.infer(ROWS);
    slow_body.write_all(&whole.as_bytes()[..whole.len() - 5]).await.unwrap();
    let reply = receive(&mut slow_body).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (408, "body/timeout"));

    // A connection that says nothing is closed without a word.
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert!(receive(&mut silent).await.is_none());
    assert_eq!(house.started.audit.batch(10).await.len(), 2);
}

#[tokio::test]
async fn an_instance_that_proves_another_digest_is_not_believed() {
    for wrong in [
        Digest::of(b"another model").to_string(),
        String::new(),
        format!("{0}\r\nproofhouse-model-digest: {0}", digest()),
    ] {
        let house = House::with(Behaviour { digest: wrong.clone(), ..Behaviour::default() }, |_| {}).await;
        let reply = house.send(house.infer(ROWS).as_bytes()).await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (502, "upstream/digest-mismatch"), "{wrong}");
        assert!(!reply.body.contains("0.75"));
    }
}

#[tokio::test]
async fn instances_fail_in_their_own_ways() {
    let code = |behaviour: Behaviour| async move {
        let house = House::with(behaviour, |config| {
            config.limits.upstream_timeout = Duration::from_millis(300);
            config.limits.response_bytes = 500;
        })
        .await;
        let reply = house.send(house.infer(ROWS).as_bytes()).await.unwrap();
        (reply.status, reply.code())
    };
    let normal = Behaviour::default();
    let slow = Behaviour { delay: Duration::from_secs(2), ..normal.clone() };
    assert_eq!(code(slow).await, (504, "upstream/timeout".to_owned()));
    let broken = Behaviour { status: "500 Internal Server Error", ..normal.clone() };
    assert_eq!(code(broken).await, (502, "upstream/error".to_owned()));
    let moved = Behaviour { status: "302 Found", ..normal.clone() };
    assert_eq!(code(moved).await, (502, "upstream/error".to_owned()));
    let picky = Behaviour { status: "400 Bad Request", ..normal.clone() };
    assert_eq!(code(picky).await, (400, "upstream/refused-input".to_owned()));
    let wordy = Behaviour { body: "x".repeat(501), ..normal };
    assert_eq!(code(wordy).await, (502, "upstream/too-large".to_owned()));

    // One instance is gone, the other answers; both gone is 503.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let house = House::with(Behaviour::default(), |config| {
        let Upstream::Instances(instances) = &mut config.routes[0].upstream else { unreachable!() };
        instances.insert(0, gone);
    })
    .await;
    for _ in 0..4 {
        assert_eq!(house.status(&house.infer(ROWS)).await, 200);
    }
    let house = House::with(Behaviour::default(), |config| {
        config.routes[0].upstream = Upstream::Instances(vec![gone])
    })
    .await;
    assert_eq!(house.status(&house.infer(ROWS)).await, 503);
}

#[tokio::test]
async fn a_full_audit_queue_sheds_load_and_loses_nothing() {
    let mut house = House::with(Behaviour::default(), |config| config.limits.audit_queue = 2).await;
    let request = house.infer(ROWS);
    assert_eq!((house.status(&request).await, house.status(&request).await), (200, 200));
    let reply = house.send(request.as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (503, "audit/full"));
    assert_eq!(house.instance.heads.lock().unwrap().len(), 2);
    assert_eq!(house.started.audit.batch(10).await.len(), 2);
    assert_eq!(house.status(&request).await, 200);
}

#[tokio::test]
async fn observations_are_dropped_before_requests_are() {
    let house = House::with(Behaviour::default(), |config| {
        config.limits.observation_queue = 1;
        config.admin = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    for _ in 0..3 {
        assert_eq!(house.status(&house.infer(ROWS)).await, 200);
    }
    let admin = house.started.handle.admin_address().unwrap();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let metrics = send(admin, get("/metrics").as_bytes()).await.unwrap().body;
    assert!(metrics.contains("proofhouse_gateway_observations_dropped_total 2"), "{metrics}");
    assert!(
        metrics.contains(r#"proofhouse_gateway_requests_total{operation="infer",code="ok"} 3"#),
        "{metrics}"
    );
    assert_eq!(send(admin, get("/healthz").as_bytes()).await.unwrap().status, 200);
    assert_eq!(send(admin, get("/v2/models/m").as_bytes()).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_client_that_leaves_is_recorded() {
    let slow = Behaviour { delay: Duration::from_secs(5), ..Behaviour::default() };
    let mut house = House::with(slow, |_| {}).await;
    let mut stream = TcpStream::connect(house.started.handle.address()).await.unwrap();
    stream.write_all(house.infer(ROWS).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(stream);
    let record = house.started.audit.batch(1).await.pop().unwrap();
    assert_eq!(
        (record.status, record.code.as_str(), record.key_id.as_deref()),
        (499, "client/gone", Some("k1"))
    );
}

#[tokio::test]
async fn routes_keys_and_policy_change_while_it_runs() {
    let house = House::open().await;
    let handle = &house.started.handle;
    let other =
        Instance::start(Behaviour { digest: Digest::of(b"v2").to_string(), ..Behaviour::default() }).await;
    let route = Route::tensors("m", Digest::of(b"v2"), vec![other.address]);
    handle.set_routes(vec![route]).unwrap();
    assert_eq!(house.status(&house.infer(ROWS)).await, 200);
    assert_eq!((house.instance.heads.lock().unwrap().len(), other.heads.lock().unwrap().len()), (0, 1));
    assert!(handle.set_routes(vec![Route::tensors("../m", digest(), Vec::new())]).is_err());
    assert_eq!(house.status(&house.infer(ROWS)).await, 200);
    handle.set_policy(Arc::clone(&house::POLICY));
    // A revoked key is refused at once, on a connection that is already open.
    let mut open = TcpStream::connect(handle.address()).await.unwrap();
    open.write_all(house.infer(ROWS).as_bytes()).await.unwrap();
    assert_eq!(receive(&mut open).await.unwrap().status, 200);
    handle.set_keys(BTreeMap::new(), Vec::new()).unwrap();
    open.write_all(house.infer(ROWS).as_bytes()).await.unwrap();
    assert_eq!(receive(&mut open).await.unwrap().status, 401);
}

#[tokio::test]
async fn a_taken_port_is_said_plainly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = GatewayConfig { listen: taken.local_addr().unwrap(), ..GatewayConfig::default() };
    let error = Gateway::start(config, Arc::clone(&house::POLICY), Arc::new(SystemClock)).await.unwrap_err();
    assert!(matches!(error, GatewayError::InUse(_)));
    assert!(error.to_string().contains("another program listens there"), "{error}");
}

#[tokio::test]
async fn shutting_down_finishes_what_is_under_way() {
    let slow = Behaviour { delay: Duration::from_millis(300), ..Behaviour::default() };
    let house = House::with(slow, |_| {}).await;
    let mut stream = TcpStream::connect(house.started.handle.address()).await.unwrap();
    stream.write_all(house.infer(ROWS).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (address, mut audit) = (house.started.handle.address(), house.started.audit);
    let (reply, ()) =
        tokio::join!(receive(&mut stream), house.started.handle.shutdown(Duration::from_secs(5)));
    assert_eq!(reply.unwrap().status, 200);
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(audit.batch(10).await.len(), 1);
    // The queue has ended.
    assert!(audit.batch(10).await.is_empty());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_kept() {
    let behaviour = Behaviour { body: "y".repeat(7_000_000), ..Behaviour::default() };
    let house = House::with(behaviour, |config| {
        config.limits.write_timeout = Duration::from_millis(200);
        config.limits.connections = 1;
    })
    .await;
    let mut deaf = TcpStream::connect(house.started.handle.address()).await.unwrap();
    deaf.write_all(house.infer(ROWS).as_bytes()).await.unwrap();
    // The only place is free again although the first client still holds its socket.
    assert_eq!(house.status(&house.request("GET", "/v2/models/m/ready/x", "", "")).await, 404);
    drop(deaf);
}
