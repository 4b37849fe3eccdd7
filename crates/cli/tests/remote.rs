//! Attacks on models that can only be asked: behind endpoints that behave and that do not, and in commands.

#![expect(clippy::unwrap_used, reason = "a test panics where it cannot go on")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use support::npz;

const BINARY: &str = env!("CARGO_BIN_EXE_proofhouse");
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../onnx/tests/fixtures/mlp_naive.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn said(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let output = Command::new(BINARY).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn report(arguments: &[&str], folder: &Path) -> (i32, Value) {
    let (code, out, err) = said(&[arguments, &["--format", "json"]].concat(), folder);
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {err}")))
}

fn digits(dir: &Path, n: usize) -> PathBuf {
    let records = || DIGITS.chunks_exact(65).take(n);
    let x: Vec<f32> = records().flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect();
    let path = dir.join("digits.npz");
    std::fs::write(&path, npz(&x, &[1, 8, 8], &records().map(|r| r[0]).collect::<Vec<_>>())).unwrap();
    path
}

/// Rows of two classes: those whose mean is above a half, and the others.
fn halves(dir: &Path, n: usize) -> PathBuf {
    let mean = |row: usize| 0.2 + 0.6 * (row * 7 % n) as f32 / n as f32;
    let x: Vec<f32> =
        (0..n).flat_map(|row| [mean(row) - 0.1, mean(row), mean(row) + 0.1, mean(row)]).collect();
    let y: Vec<u8> = (0..n).map(|row| u8::from(mean(row) > 0.5)).collect();
    let path = dir.join("halves.npz");
    std::fs::write(&path, npz(&x, &[4], &y)).unwrap();
    path
}

/// A running server; ended when it is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A signed model folder: the arguments with which `serve` serves it.
fn signed(dir: &Path) -> Vec<String> {
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(dir.join("model")).unwrap();
    std::fs::copy(MODEL, dir.join("model/model.onnx")).unwrap();
    let (code, _, err) = said(&["keygen", "--home", &at("home")], dir);
    assert_eq!(code, 0, "{err}");
    let sign = ["sign", &at("model"), "--key", &at("home/keys/signer.key"), "--output", &at("model.sig")];
    let (code, out, err) = said(&sign, dir);
    assert_eq!(code, 0, "{err}");
    let digest = out.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    let (model, signature, key) = (at("model"), at("model.sig"), at("home/keys/signer.pub"));
    let words = ["serve", "--model", &model, "--signature", &signature, "--key", &key, "--digest", &digest];
    words.iter().map(|word| (*word).to_owned()).collect()
}

const SEARCH: [&str; 9] =
    ["--eps", "0.12", "--with", "square,simba", "--queries", "60", "--examples", "99", "--seed=5"];

#[test]
fn behind_an_endpoint_the_same_is_found_as_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = digits(dir.path(), 40);
    let data = data.to_str().unwrap();
    let serve = Command::new(BINARY).args(signed(dir.path())).stdout(Stdio::piped()).spawn().unwrap();
    let mut server = Server(serve);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let announced: Value = serde_json::from_str(&line).unwrap();
    let url = format!("http://{}/v2/models/model", announced["addr"].as_str().unwrap());
    let endpoint = [&["attack", "--endpoint", &url, "--data", data][..], &SEARCH].concat();
    let (code, remote) = report(&endpoint, dir.path());
    assert_eq!(code, 0);
    let file = [&["attack", "--model", MODEL, "--data", data, "--black-box", "--prove", "none"][..], &SEARCH]
        .concat();
    let (_, local) = report(&file, dir.path());
    assert!(remote["report"]["evaded"].as_u64().unwrap() > 5, "{remote}");
    for key in ["report", "clean", "diagnosis"] {
        assert_eq!(remote[key], local[key], "{key}");
    }
    assert!(remote.get("model").is_none(), "nobody here knows its digest");
    assert_eq!(remote["target"]["answers"], "logits");
    assert_eq!(remote["target"]["claimed_digest"], announced["model_digest"]);
    let total = remote["diagnosis"]["queries"].as_u64().unwrap()
        + ["clean", "attack", "confirm"]
            .iter()
            .map(|of| remote["report"]["queries"][of].as_u64().unwrap())
            .sum::<u64>();
    assert_eq!(remote["target"]["queries"]["asked"].as_u64().unwrap(), total, "every question is counted");
    // Without weights there are no gradients.
    let (code, _, err) =
        said(&["attack", "--endpoint", &url, "--data", data, "--eps", "0.1", "--with", "pgd"], dir.path());
    assert!(code == 2 && err.contains("Pgd follows gradients") && err.contains("--model"), "{err}");
    // Nor is a layout guessed.
    let flat = halves(dir.path(), 10);
    let (code, _, err) =
        said(&["attack", "--endpoint", &url, "--data", flat.to_str().unwrap(), "--eps", "0.1"], dir.path());
    assert!(code == 2 && err.contains("takes the shape [any, 1, 8, 8]"), "{err}");
}

/// A server of the protocol that tells halves apart, and answers request `n` as `how` says.
fn toy(how: impl Fn(usize, Value) -> Reply + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (addr, count, how) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)), Arc::new(how));
    let shared = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (how, count) = (Arc::clone(&how), Arc::clone(&shared));
            std::thread::spawn(move || answer(&stream.unwrap(), how.as_ref(), &count));
        }
    });
    (addr, count)
}

enum Reply {
    Body(String),
    Status(&'static str),
    Nothing,
}

fn answer(stream: &TcpStream, how: &dyn Fn(usize, Value) -> Reply, count: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let reply = if first.starts_with("GET") {
        Reply::Body(
            json!({ "name": "toy", "inputs": [{ "name": "x", "datatype": "FP32", "shape": [-1, 4] }],
                    "outputs": [{ "name": "y", "datatype": "FP32", "shape": [-1, 2] }] })
            .to_string(),
        )
    } else {
        how(count.fetch_add(1, Ordering::SeqCst), serde_json::from_slice(&body).unwrap())
    };
    let (status, body) = match reply {
        Reply::Body(body) => ("200 OK", body),
        Reply::Status(status) => (status, String::new()),
        Reply::Nothing => return,
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\nretry-after: 0\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = (&*stream).write_all((head + &body).as_bytes());
}

fn means(request: &Value) -> Vec<f64> {
    let data: Vec<f64> =
        request["inputs"][0]["data"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    data.chunks(4).map(|row| row.iter().sum::<f64>() / 4.0).collect()
}

fn output(datatype: &str, shape: &[usize], data: Value) -> Reply {
    Reply::Body(
        json!({ "outputs": [{ "name": "y", "datatype": datatype, "shape": shape, "data": data }] })
            .to_string(),
    )
}

fn well(request: &Value) -> Reply {
    let means = means(request);
    let data: Vec<f64> = means.iter().flat_map(|mean| [4.0 - 8.0 * mean, 8.0 * mean - 4.0]).collect();
    output("FP32", &[means.len(), 2], json!(data))
}

#[test]
fn a_target_that_fails_midway_leaves_what_was_found_and_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let data = halves(dir.path(), 80);
    let data = data.to_str().unwrap();
    let attack = |addr: SocketAddr, more: &[&str]| {
        let url = format!("http://{addr}/v2/models/toy");
        let first = [
            "attack",
            "--endpoint",
            &url,
            "--data",
            data,
            "--eps",
            "0.15",
            "--queries",
            "40",
            "--attempts",
            "2",
        ];
        let (code, result) = report(&[&first[..], more].concat(), dir.path());
        (code, result)
    };
    let (healthy, whole_count) = toy(|_, request| well(&request));
    let (code, whole) = attack(healthy, &["--require", "0.1"]);
    assert!(code < 2 && whole.get("partial").is_none(), "{whole}");
    let needed = whole_count.load(Ordering::SeqCst);

    // Once past half of the questions, every way of failing ends it, and what was found is written.
    for (name, how) in [
        ("dies", (|| Reply::Nothing) as fn() -> Reply),
        ("is overloaded for good", || Reply::Status("503 Service Unavailable")),
        ("answers nonsense", || Reply::Body("{\"outputs\": 7}".to_owned())),
        ("answers another shape", || output("FP32", &[1, 3], json!([1, 2, 3]))),
    ] {
        let state = dir.path().join(name);
        let state = ["--state", state.to_str().unwrap()];
        let healed = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&healed);
        let (addr, count) =
            toy(
                move |n, request| {
                    if n < needed * 3 / 4 || shared.load(Ordering::SeqCst) > 0 {
                        well(&request)
                    } else {
                        how()
                    }
                },
            );
        let (code, partial) = attack(addr, &[&state[..], &["--require", "0.1"]].concat());
        assert_eq!(code, 2, "{name}");
        let told = &partial["partial"];
        let done = told["rows_done"].as_u64().unwrap();
        assert!((1..80).contains(&done) && done == partial["report"]["n"], "{name}: {told}");
        assert!(partial.get("claim").is_none(), "nothing is claimed of a part");
        let (_, out, _) = {
            let url = format!("http://{addr}/v2/models/toy");
            said(
                &["attack", "--endpoint", &url, "--data", data, "--eps", "0.15", state[0], state[1]],
                dir.path(),
            )
        };
        assert!(out.is_empty(), "the state is not overwritten: {out}");
        // Healed, it goes on; what is known is not asked again, and the result is that of an attack without a break.
        healed.store(1, Ordering::SeqCst);
        let before = count.load(Ordering::SeqCst);
        let (code, resumed) = attack(addr, &[&state[..], &["--resume", "--require", "0.1"]].concat());
        assert!(code < 2, "{name}: {resumed}");
        assert_eq!(
            (&resumed["report"], &resumed["diagnosis"]),
            (&whole["report"], &whole["diagnosis"]),
            "{name}"
        );
        let again = count.load(Ordering::SeqCst) - before;
        assert!(again < needed / 2, "{name}: {again} of {needed}");
        let queries = &resumed["target"]["queries"];
        let sum = queries["asked"].as_u64().unwrap() + queries["known"].as_u64().unwrap();
        assert_eq!(sum, whole["target"]["queries"]["asked"].as_u64().unwrap(), "{name}");
    }
}

#[test]
fn a_target_that_only_stumbles_is_attacked_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let data = halves(dir.path(), 40);
    let url = |addr: SocketAddr| format!("http://{addr}/v2/models/toy");
    let attack = |url: &str| {
        let all = [
            "attack",
            "--endpoint",
            url,
            "--data",
            data.to_str().unwrap(),
            "--eps",
            "0.15",
            "--queries",
            "20",
        ];
        report(&all, dir.path())
    };
    let (steady, _) = toy(|_, request| well(&request));
    let (stumbles, _) = toy(|n, request| match n % 7 {
        2 => Reply::Status("429 Too Many Requests"),
        4 => Reply::Status("500 Internal Server Error"),
        5 if n % 3 == 0 => Reply::Nothing,
        _ => well(&request),
    });
    let ((_, whole), (_, stumbled)) = (attack(&url(steady)), attack(&url(stumbles)));
    assert_eq!(whole["report"], stumbled["report"]);
    assert!(stumbled["target"]["queries"]["repeated"].as_u64().unwrap() > 3, "{}", stumbled["target"]);
}

#[test]
fn answers_of_every_kind_are_attacked_or_asked_about() {
    let dir = tempfile::tempdir().unwrap();
    let data = halves(dir.path(), 40);
    let attack = |addr: SocketAddr, more: &[&str]| {
        let url = format!("http://{addr}/v2/models/toy");
        let first = [
            "attack",
            "--endpoint",
            &url,
            "--data",
            data.to_str().unwrap(),
            "--eps",
            "0.15",
            "--queries",
            "200",
        ];
        said(&[&first[..], more, &["--format", "json"]].concat(), dir.path())
    };
    let read = |out: &str| serde_json::from_str::<Value>(out).unwrap();
    let (labels, _) = toy(|_, request| {
        let classes: Vec<u8> = means(&request).iter().map(|mean| u8::from(*mean > 0.5)).collect();
        output("INT64", &[classes.len()], json!(classes))
    });
    let (code, out, err) = attack(labels, &["--require", "0.01"]);
    assert_eq!(code, 0, "{err}");
    let found = read(&out);
    assert_eq!(
        (&found["target"]["answers"], &found["report"]["attack"]),
        (&json!("labels"), &json!("hopskipjump+boundary"))
    );
    assert!(
        found["report"]["evaded"].as_u64().unwrap() > 5 && found["claim"]["claim"] == "withstood",
        "{out}"
    );
    let (code, _, err) = attack(labels, &["--with", "square"]);
    assert!(code == 2 && err.contains("hop-skip-jump or boundary"), "{err}");

    let (one, _) = toy(|_, request| {
        let means = means(&request);
        output("FP32", &[means.len(), 1], json!(means))
    });
    let (code, _, err) = attack(one, &[]);
    assert!(code == 2 && err.contains("--answers probability, margin or labels"), "{err}");
    let (code, out, err) = attack(one, &["--answers", "probability"]);
    assert!(code == 0 && read(&out)["report"]["evaded"].as_u64().unwrap() > 5, "{err}");

    let (undefined, _) = toy(|_, request| {
        let n = means(&request).len();
        let data = vec!["NaN"; 2 * n].join(", ");
        Reply::Body(format!(
            r#"{{"outputs": [{{"name": "y", "datatype": "FP32", "shape": [{n}, 2], "data": [{data}]}}]}}"#
        ))
    });
    let (code, out, err) = attack(undefined, &["--require", "0.5"]);
    assert!(code != 0 && read(&out)["diagnosis"]["flags"][0]["sign"] == "undefined", "{err}");
    let bounded = attack(labels, &["--max-queries", "500"]);
    let partial = read(&bounded.1);
    assert!(
        bounded.0 == 2 && partial["partial"]["because"].as_str().unwrap().contains("limit of 500"),
        "{partial}"
    );
    assert!(partial["target"]["queries"]["asked"].as_u64().unwrap() <= 500);
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_is_attacked_in_its_sandbox() {
    let dir = tempfile::tempdir().unwrap();
    let data = digits(dir.path(), 12);
    let serve: Vec<String> = signed(dir.path());
    let command = format!("{BINARY} {} --listen 127.0.0.1:$PORT", serve.join(" "));
    let attack = |more: &[&str]| {
        let first = [
            "attack",
            "--serve",
            &command,
            "--data",
            data.to_str().unwrap(),
            "--eps",
            "0.12",
            "--queries",
            "30",
        ];
        report(&[&first[..], more].concat(), dir.path())
    };
    let (code, found) = attack(&[]);
    assert_eq!(code, 0, "{found}");
    assert_eq!(found["report"]["n"], 12);
    let measures = found["target"]["sandbox"].as_array().unwrap();
    assert!(measures.iter().any(|m| m["measure"] == "files" && m["held"] != "no"), "{measures:?}");
    let (_, out, _) = said(
        &["attack", "--serve", &command, "--data", data.to_str().unwrap(), "--eps", "0.12", "--queries", "5"],
        dir.path(),
    );
    assert!(out.contains("in a sandbox:") && out.contains("no network but its own loopback"), "{out}");
}

const MUTE: &str = "PROOFHOUSE_TEST_MUTE";

/// A server; a test that has nothing to do unless it was started as a command.
#[test]
fn takes_questions_and_never_answers() {
    if std::env::var_os(MUTE).is_none() {
        return;
    }
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let _taken: Vec<_> = listener.incoming().collect();
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_that_does_not_serve_says_what_it_said() {
    let dir = tempfile::tempdir().unwrap();
    let data = halves(dir.path(), 10);
    let attack = |command: &str, more: &[&str]| {
        let first = [
            "attack",
            "--serve",
            command,
            "--data",
            data.to_str().unwrap(),
            "--eps",
            "0.1",
            "--serve-start",
            "3",
        ];
        said(&[&first[..], more].concat(), dir.path())
    };
    let (code, _, err) = attack("echo cannot find the weights >&2; exit 3", &[]);
    assert!(code == 2 && err.contains("exit status 3") && err.contains("cannot find the weights"), "{err}");
    let (code, _, err) = attack("sleep 30", &[]);
    assert!(code == 2 && err.contains("does not answer") && err.contains("$PORT"), "{err}");
    let own = std::env::current_exe().unwrap().display().to_string();
    let (code, _, err) =
        attack(&format!("{MUTE}=1 {own} takes_questions_and_never_answers --exact"), &["--readable", &own]);
    assert!(code == 2 && err.contains("does not answer") && err.contains("within 3s"), "{err}");
    let (code, _, err) = attack("true", &["--endpoint", "https://example.org/v2/models/m"]);
    assert!(code == 2 && err.contains("its own loopback"), "{err}");
    // Line by line, with no network at all; it is gone midway, and says so.
    let answer = r#"{"outputs": [{"name": "y", "datatype": "INT64", "shape": [1], "data": [0]}]}"#;
    let script = dir.path().join("lines.sh");
    std::fs::write(
        &script,
        format!(
            "i=0; while [ $i -lt 15 ]; do read -r line; echo '{answer}'; i=$((i+1)); done; echo tired >&2"
        ),
    )
    .unwrap();
    let (code, out, err) = attack("sh lines.sh", &["--serve-stdio", "--batch", "1"]);
    assert!(code == 2 && out.contains("partial result") && out.contains("tired"), "{out} {err}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_ends_with_whoever_started_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = halves(dir.path(), 10);
    let temporary = tempfile::tempdir().unwrap();
    let sleeping = |mark: &str| {
        let cmdline = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("cmdline"));
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|e| cmdline(e).ok())
            .any(|line| line.contains(mark))
    };
    let wait_until = |what: &dyn Fn() -> bool| {
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            what()
        })
    };
    let command = "(setsid nohup sleep 31340.75 >/dev/null 2>&1 </dev/null &) ; sleep 60";
    let attack = Command::new(BINARY)
        .args(["attack", "--serve", command, "--data", data.to_str().unwrap(), "--eps", "0.1"])
        .env("TMPDIR", temporary.path())
        .stderr(Stdio::null())
        .spawn();
    let mut attack = Server(attack.unwrap());
    let asleep = "sleep\0".to_owned() + "31340.75";
    assert!(wait_until(&|| sleeping(&asleep)), "it has started");
    // With no chance to clean up after itself.
    attack.0.kill().unwrap();
    attack.0.wait().unwrap();
    assert!(wait_until(&|| !sleeping(&asleep)), "it has ended");
    let left = || std::fs::read_dir(temporary.path()).unwrap().count();
    assert!(wait_until(&|| left() == 0), "{} folders are left", left());
}
