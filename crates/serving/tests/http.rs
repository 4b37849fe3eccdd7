//! A signed model over real HTTP on the loopback address.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use proofhouse_artifact::{LoadedTree, TreeOptions};
use proofhouse_attest::{SigningKey, TrustedKeys, oms};
use proofhouse_core::Digest;
use proofhouse_onnx::{LoadOptions, Tensor, load};
use proofhouse_serving::{DIGEST_HEADER, Drained, Running, ServeConfig, ServeError, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

/// A signed model directory, and what is needed to serve it.
struct Signed {
    dir: TempDir,
    config: ServeConfig,
}

fn trusting(key: &SigningKey) -> TrustedKeys {
    let mut trusted = TrustedKeys::new();
    trusted.insert(key.verifying_key());
    trusted
}

fn signed() -> Signed {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("digits.onnx"), MLP).unwrap();
    std::fs::write(model.join("README.md"), "digits").unwrap();
    let tree = LoadedTree::load(&model, &TreeOptions::default()).unwrap();
    let key = SigningKey::generate().unwrap();
    let bundle = dir.path().join("model.sig");
    std::fs::write(&bundle, oms::sign("digits", tree.entries(), &key).unwrap().to_json().unwrap()).unwrap();
    let mut config = ServeConfig::new(model, bundle, trusting(&key), tree.digest());
    config.name = "digits".into();
    config.instance = "digits-1".into();
    Signed { dir, config }
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// Sends `request` as it is and reads to the end.
async fn raw(addr: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

async fn get(addr: SocketAddr, path: &str) -> Answer {
    raw(addr, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await
}

async fn post(addr: SocketAddr, path: &str, body: &str) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    raw(addr, [head.as_bytes(), body.as_bytes()].concat().as_slice()).await
}

fn rows(n: usize) -> Vec<f32> {
    DIGITS.chunks_exact(65).take(n).flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect()
}

fn request(n: usize) -> Value {
    json!({
        "id": "q1",
        "inputs": [{"name": "x", "shape": [n, 1, 8, 8], "datatype": "FP32", "data": rows(n)}],
        "outputs": [{"name": "logits"}],
    })
}

async fn started(config: ServeConfig) -> Running {
    serve(config).await.unwrap()
}

#[tokio::test]
async fn it_answers_like_the_engine_and_says_which_model_it_is() {
    let signed = signed();
    let digest = signed.config.expected_digest;
    let running = started(signed.config).await;
    let answer = post(running.addr(), "/v2/models/digits/infer", &request(3).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.head.contains(&format!("{DIGEST_HEADER}: {digest}")), "{}", answer.head);
    assert_eq!(answer.body["id"], "q1");
    assert_eq!(answer.body["model_name"], "digits");
    assert_eq!(answer.body["parameters"]["proofhouse_model_digest"], digest.to_string());
    let output = &answer.body["outputs"][0];
    assert_eq!((&output["name"], &output["datatype"]), (&json!("logits"), &json!("FP32")));
    assert_eq!(output["shape"], json!([3, 10]));
    let engine = load(MLP, &LoadOptions::default()).unwrap();
    let direct = engine.run(&[Tensor::new(vec![3, 1, 8, 8], rows(3)).unwrap()]).unwrap();
    let served: Vec<f32> =
        output["data"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
    assert_eq!(served, direct[0].data());

    let versioned = post(running.addr(), "/v2/models/digits/versions/1/infer", &request(1).to_string()).await;
    assert_eq!(versioned.status, 200);
    assert_eq!(running.shutdown(Duration::from_secs(5)).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn health_metadata_and_identity() {
    let signed = signed();
    let digest = signed.config.expected_digest;
    let running = started(signed.config).await;
    let addr = running.addr();
    assert_eq!(get(addr, "/v2/health/live").await.body, json!({"live": true}));
    assert_eq!(get(addr, "/v2/health/ready").await.body, json!({"ready": true}));
    assert_eq!(get(addr, "/v2/models/digits/ready").await.body, json!({"name": "digits", "ready": true}));
    assert_eq!(get(addr, "/v2/models/digits/versions/1/ready").await.status, 200);
    assert_eq!(get(addr, "/v2").await.body["name"], "proofhouse");
    let metadata = get(addr, "/v2/models/digits").await.body;
    assert_eq!(metadata["inputs"], json!([{"name": "x", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]));
    assert_eq!(metadata["outputs"], json!([{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]));

    let identity = get(addr, "/proofhouse/v1/instance?nonce=0af3").await.body;
    assert_eq!(identity["nonce"], "0af3");
    assert_eq!(identity["model_digest"], digest.to_string());
    assert_eq!(identity["instance"], "digits-1");
    assert_eq!(identity["pid"], std::process::id());
    assert_eq!(get(addr, "/proofhouse/v1/instance?nonce=%22").await.status, 400);

    let announced = serde_json::to_value(running.announcement()).unwrap();
    assert_eq!(announced["addr"], addr.to_string());
    assert_eq!(announced["model_digest"], digest.to_string());
}

#[tokio::test]
async fn wrong_requests_get_their_status() {
    let mut signed = signed();
    signed.config.limits.body_bytes = 20_000;
    signed.config.limits.batch_rows = 20;
    let running = started(signed.config).await;
    let addr = running.addr();
    let infer = "/v2/models/digits/infer";
    let input = |shape: &str, data: &str| {
        format!(r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"FP32","data":{data}}}]}}"#)
    };
    let zeros = |n| format!("[{}]", vec!["0"; n].join(","));
    for (path, body, status, why) in [
        (infer, "{".to_owned(), 400, "EOF"),
        (infer, "[".repeat(10_000), 400, "nested deeper than 1000"),
        (infer, r#"{"inputs":[],"inputs":[]}"#.to_owned(), 400, "twice"),
        (infer, input("[1,64]", &zeros(64)), 400, "expected shape [N, 1, 8, 8], got [1, 64]"),
        (infer, input("[1,1,8,8]", &zeros(63)), 400, "does not hold 63 values"),
        (infer, input("[21,1,8,8]", &zeros(21 * 64)), 413, "21 rows"),
        (infer, " ".repeat(20_001), 413, "more than 20000 bytes"),
        ("/v2/models/other/infer", input("[1,1,8,8]", &zeros(64)), 404, "no model \"other\""),
        ("/v2/models/digits/versions/2/infer", input("[1,1,8,8]", &zeros(64)), 404, "no version \"2\""),
        ("/v2/nowhere", String::new(), 404, "nothing at"),
        ("/v2/health/live", String::new(), 405, "method"),
    ] {
        let answer = post(addr, path, &body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains(why), "{error} / {why}");
        assert!(answer.head.contains(DIGEST_HEADER));
    }
    assert_eq!(get(addr, infer).await.status, 405);
    // Chunked, so that no length warns of the size.
    let chunked = format!(
        "POST {infer} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n7530\r\n{}\r\n0\r\n\r\n",
        " ".repeat(30_000)
    );
    assert_eq!(raw(addr, chunked.as_bytes()).await.status, 413);
    let gzip = format!(
        "POST {infer} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    assert_eq!(raw(addr, gzip.as_bytes()).await.status, 415);
    // It still works.
    assert_eq!(post(addr, infer, &input("[1,1,8,8]", &zeros(64))).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_is_no_number_is_an_error() {
    let signed = signed();
    let running = started(signed.config).await;
    // One pixel so bright that the last layer overflows.
    let engine = load(MLP, &LoadOptions::default()).unwrap();
    let dazzling = (0..64).find_map(|at| {
        let mut row = vec![0.0f32; 64];
        row[at] = 3e38;
        let out = engine.run(&[Tensor::new(vec![1, 1, 8, 8], row.clone()).unwrap()]).unwrap();
        out[0].first_not_finite().map(|_| row)
    });
    let body = json!({"inputs": [{
        "name": "x", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": dazzling.unwrap(),
    }]});
    let answer = post(running.addr(), "/v2/models/digits/infer", &body.to_string()).await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(answer.body["error"].as_str().unwrap().contains("which JSON cannot say"), "{}", answer.body);
}

#[tokio::test]
async fn more_than_allowed_at_one_time_is_sent_away() {
    let mut signed = signed();
    signed.config.limits.concurrent = 1;
    signed.config.limits.body_timeout = Duration::from_millis(400);
    let running = started(signed.config).await;
    let addr = running.addr();
    // A body that never comes holds the only permit until its time is up.
    let slow = tokio::spawn(async move {
        raw(addr, b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\n").await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = post(addr, "/v2/models/digits/infer", &request(1).to_string()).await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    assert_eq!(slow.await.unwrap().status, 408);
    assert_eq!(post(addr, "/v2/models/digits/infer", &request(1).to_string()).await.status, 200);
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let mut signed = signed();
    signed.config.limits.head_timeout = Duration::from_millis(200);
    let running = started(signed.config).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream.write_all(b"GET /v2 HTTP/1.1\r\nx: ").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn shutting_down_closes_the_door_and_cuts_off_what_takes_too_long() {
    let signed = signed();
    let running = started(signed.config).await;
    let addr = running.addr();
    let mut idle = TcpStream::connect(addr).await.unwrap();
    idle.write_all(b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(running.shutdown(Duration::from_millis(200)).await.unwrap(), Drained::CutOff);
    assert!(TcpStream::connect(addr).await.is_err());
    let mut rest = Vec::new();
    assert!(idle.read_to_end(&mut rest).await.map_or(true, |_| rest.is_empty()));
}

/// Why it did not start.
async fn refusal(config: ServeConfig) -> ServeError {
    match serve(config).await {
        Ok(running) => panic!("it listens on {}", running.addr()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_was_changed_after_signing_is_not_served() {
    let signed = signed();
    let file = signed.config.model_dir.join("digits.onnx");
    let mut bytes = MLP.to_vec();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = refusal(signed.config.clone()).await;
    assert!(matches!(error, ServeError::Signature(_)), "{error}");
    assert!(error.to_string().contains("digits.onnx"), "{error}");

    std::fs::write(&file, MLP).unwrap();
    std::fs::write(signed.config.model_dir.join("extra.txt"), "").unwrap();
    let error = refusal(signed.config).await;
    assert!(error.to_string().contains("extra.txt"), "{error}");
}

#[tokio::test]
async fn another_key_another_digest_or_no_signature_is_refused() {
    let signed = signed();
    let with = |f: fn(&mut ServeConfig)| {
        let mut config = signed.config.clone();
        f(&mut config);
        refusal(config)
    };
    let error = with(|c| c.trusted = trusting(&SigningKey::generate().unwrap())).await;
    assert!(matches!(error, ServeError::Signature(_)), "{error}");
    assert!(matches!(with(|c| c.trusted = TrustedKeys::new()).await, ServeError::Signature(_)));
    let error = with(|c| c.expected_digest = Digest::of(b"another")).await;
    let ServeError::Digest { expected, found } = error else { panic!("{error}") };
    assert_eq!((expected, found), (Digest::of(b"another"), signed.config.expected_digest));
    assert!(matches!(with(|c| c.bundle = PathBuf::from("missing.sig")).await, ServeError::Bundle { .. }));
    assert!(matches!(with(|c| c.model_file = Some("no.onnx".into())).await, ServeError::NoSuchFile(_)));
    assert!(matches!(with(|c| c.limits.model_bytes = 100).await, ServeError::Model(_)));
    assert!(matches!(with(|c| c.name = "a/b".into()).await, ServeError::Setting(_)));
    let error = with(|c| c.listen = "0.0.0.0:0".parse().unwrap()).await;
    assert!(matches!(error, ServeError::Exposed(_)), "{error}");
}

#[tokio::test]
async fn a_bundle_in_the_model_directory_is_no_part_of_the_model() {
    let mut signed = signed();
    let inside = signed.config.model_dir.join("model.sig");
    std::fs::rename(signed.dir.path().join("model.sig"), &inside).unwrap();
    signed.config.bundle = inside;
    let running = started(signed.config.clone()).await;
    assert_eq!(running.announcement().model_digest, signed.config.expected_digest);
}

#[tokio::test]
async fn which_file_must_be_clear() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("a.onnx"), MLP).unwrap();
    std::fs::write(model.join("b.ONNX"), MLP).unwrap();
    let tree = LoadedTree::load(&model, &TreeOptions::default()).unwrap();
    let key = SigningKey::generate().unwrap();
    let bundle = dir.path().join("model.sig");
    std::fs::write(&bundle, oms::sign("two", tree.entries(), &key).unwrap().to_json().unwrap()).unwrap();
    let mut config = ServeConfig::new(model, bundle, trusting(&key), tree.digest());
    let error = refusal(config.clone()).await;
    assert!(error.to_string().contains("2 ONNX files (a.onnx, b.ONNX)"), "{error}");
    config.model_file = Some("b.ONNX".into());
    started(config).await;
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut signed = signed();
    signed.config.listen = taken.local_addr().unwrap();
    let error = refusal(signed.config).await;
    assert!(
        error.to_string().starts_with(&format!("cannot listen on {}", taken.local_addr().unwrap())),
        "{error}"
    );
}
