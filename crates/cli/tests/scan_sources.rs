//! `proofhouse scan ADDRESS` against servers of this machine: each kind of address, what is refused on the way, and that
//! what was fetched is scanned like any folder.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use proofhouse_core::Digest;
use serde_json::{Value, json};

const PICKLE: &[u8] = b"\x80\x04cos\nsystem\n(S'id'\ntR.";
const CONFIG: &[u8] = b"{\"model_type\": \"bert\"}";

/// What a server answers to a path: a status line's end, headers, a body.
type Answer = (&'static str, String, Vec<u8>);

fn ok(body: impl Into<Vec<u8>>) -> Answer {
    ("200 OK", String::new(), body.into())
}

/// Answers requests for the paths given, whatever their queries, until the test ends. Returns host and port.
fn serve(answers: impl Fn(&str) -> HashMap<String, Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let answers = Arc::new(answers(&host));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = answers.clone();
            std::thread::spawn(move || answer(stream, &answers));
        }
    });
    host
}

fn answer(mut stream: TcpStream, answers: &HashMap<String, Answer>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    while !lines.next()?.ok()?.is_empty() {}
    let path = request.split(' ').nth(1)?.split('?').next()?.replace("%20", " ");
    let missing = ("404 Not Found", String::new(), Vec::new());
    let (status, headers, body) = answers.get(&path).unwrap_or(&missing);
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn scan(address: &str, environment: &[(&str, &str)], more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args([&["scan", address, "--format", "json"], more].concat())
        .env_remove("HF_TOKEN")
        .env("NO_PROXY", "127.0.0.1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The outcomes of the files that were found, by path.
fn outcomes(output: &Output) -> Vec<(String, String)> {
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = all[0]["report"]["files"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    files.iter().map(|file| (text(&file["path"]), text(&file["outcome"]))).collect()
}

fn expected() -> Vec<(String, String)> {
    [("config.json", "clean"), ("model.pkl", "malicious")].map(|(p, o)| (p.to_owned(), o.to_owned())).to_vec()
}

/// A hub with one repository, whose large file is at `resolve` answered by `file`.
fn hub(file: Answer, sha256: &str) -> String {
    let listing = json!({ "sha": "abc", "siblings": [
        { "rfilename": "config.json", "size": CONFIG.len() },
        { "rfilename": "model.pkl", "size": PICKLE.len(), "lfs": { "sha256": sha256, "size": PICKLE.len() } },
    ]});
    serve(|_| {
        HashMap::from([
            ("/api/models/a/b/revision/main".to_owned(), ok(listing.to_string())),
            ("/a/b/resolve/abc/config.json".to_owned(), ok(CONFIG)),
            ("/a/b/resolve/abc/model.pkl".to_owned(), file.clone()),
        ])
    })
}

#[test]
fn a_model_of_a_hub_is_fetched_and_scanned() {
    let digest = Digest::of(PICKLE).to_hex();
    let base = format!("http://{}", hub(ok(PICKLE), &digest));
    let output = scan("hf://a/b", &[("HF_ENDPOINT", &base)], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(outcomes(&output), expected());
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all[0]["path"], "hf://a/b@main");
    // Nothing of it is left behind, and other bytes than promised are no model.
    let wrong = format!("http://{}", hub(ok(PICKLE), &Digest::of(CONFIG).to_hex()));
    let output = scan("hf://a/b", &[("HF_ENDPOINT", &wrong)], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("model.pkl") && told.contains(&digest), "{told}");
}

#[test]
fn a_redirect_into_a_private_network_is_followed_when_asked_for_only() {
    let store = serve(|_| HashMap::from([("/w".to_owned(), ok(PICKLE))]));
    let moved = ("302 Found", format!("location: http://{store}/w\r\n"), Vec::new());
    let base = format!("http://{}", hub(moved, &Digest::of(PICKLE).to_hex()));
    let refused = scan("hf://a/b", &[("HF_ENDPOINT", &base)], &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("private network"));
    let followed = scan("hf://a/b", &[("HF_ENDPOINT", &base)], &["--private-redirects"]);
    assert_eq!(followed.status.code(), Some(1), "{}", String::from_utf8_lossy(&followed.stderr));
    assert_eq!(outcomes(&followed), expected());
}

#[test]
fn objects_of_a_bucket_are_fetched_and_scanned() {
    let entry =
        |key: &str, size: usize| format!("<Contents><Key>m/{key}</Key><Size>{size}</Size></Contents>");
    let entries = entry("config.json", CONFIG.len()) + &entry("model.pkl", PICKLE.len());
    let listing = format!("<ListBucketResult>{entries}</ListBucketResult>");
    let host = serve(|_| {
        HashMap::from([
            ("/models".to_owned(), ok(listing.clone())),
            ("/models/".to_owned(), ok(listing.clone())),
            ("/models/m/config.json".to_owned(), ok(CONFIG)),
            ("/models/m/model.pkl".to_owned(), ok(PICKLE)),
        ])
    });
    let base = format!("http://{host}");
    let keys =
        [("AWS_ENDPOINT_URL", base.as_str()), ("AWS_ACCESS_KEY_ID", "ID"), ("AWS_SECRET_ACCESS_KEY", "S")];
    let output = scan("s3://models/m/", &keys, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(outcomes(&output), expected());
}

#[test]
fn an_artifact_of_a_registry_is_fetched_and_scanned() {
    let layer = |bytes: &[u8], title: &str| {
        json!({ "digest": format!("sha256:{}", Digest::of(bytes).to_hex()), "size": bytes.len(), "mediaType": "x",
                "annotations": { "org.opencontainers.image.title": title } })
    };
    let manifest =
        json!({ "schemaVersion": 2, "layers": [layer(CONFIG, "config.json"), layer(PICKLE, "model.pkl")] });
    let blob = |bytes: &[u8]| format!("/v2/a/b/blobs/sha256:{}", Digest::of(bytes).to_hex());
    let host = serve(|_| {
        HashMap::from([
            ("/v2/a/b/manifests/v1".to_owned(), ok(manifest.to_string())),
            (blob(CONFIG), ok(CONFIG)),
            (blob(PICKLE), ok(PICKLE)),
        ])
    });
    let output = scan(&format!("oci://{host}/a/b:v1"), &[], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(outcomes(&output), expected());
}

#[test]
fn a_version_of_a_registered_model_is_fetched_and_scanned() {
    let listing = json!({ "files": [{ "path": "config.json", "is_dir": false }, { "path": "model.pkl", "is_dir": false }] });
    let host = serve(|_| {
        HashMap::from([
            (
                "/api/2.0/mlflow/model-versions/get-download-uri".to_owned(),
                ok(json!({ "artifact_uri": "mlflow-artifacts:/1/r/model" }).to_string()),
            ),
            ("/api/2.0/mlflow-artifacts/artifacts".to_owned(), ok(listing.to_string())),
            ("/api/2.0/mlflow-artifacts/artifacts/1/r/model/config.json".to_owned(), ok(CONFIG)),
            ("/api/2.0/mlflow-artifacts/artifacts/1/r/model/model.pkl".to_owned(), ok(PICKLE)),
        ])
    });
    let output = scan("mlflow:models/m/3", &[("MLFLOW_TRACKING_URI", &format!("http://{host}"))], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(outcomes(&output), expected());
}

#[test]
fn an_address_that_answers_nothing_is_unknown_and_other_paths_are_scanned() {
    let dir = tempfile::tempdir().unwrap();
    let found = dir.path().join("model.pkl");
    std::fs::write(&found, PICKLE).unwrap();
    let output = scan("hf://a/b", &[("HF_ENDPOINT", "http://127.0.0.1:9")], &[found.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty());
    assert_eq!(outcomes(&output), [("model.pkl".to_owned(), "malicious".to_owned())]);
}
