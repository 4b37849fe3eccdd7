//! `proofhouse redteam` as people run it: with a stand-in, killed in the middle, against targets that misbehave.

#![expect(clippy::unwrap_used, reason = "in a helper of a test, as in a test, a surprise ends the test")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn redteam(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.arg("redteam").args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    redteam(arguments).output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {text}"))
}

const SMALL: &[&str] =
    &["--per-family", "4", "--tasks", "4", "--hard-requests", "4", "--converted", "0", "--format", "json"];

fn small(more: &[&str]) -> Vec<String> {
    SMALL.iter().chain(more).map(|a| (*a).to_owned()).collect()
}

fn run_small(more: &[&str]) -> Output {
    let arguments = small(more);
    run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn succeeded(report: &serde_json::Value) -> u64 {
    report["families"].as_array().unwrap().iter().map(|f| f["succeeded"].as_u64().unwrap()).sum()
}

#[test]
fn the_stand_in_falls_and_less_so_behind_the_guard() {
    let output = run_small(&["--stand-in", "--compare"]);
    let value = json(&output);
    let (bare, guarded) = (succeeded(&value["reports"][0]), succeeded(&value["reports"][1]));
    assert!(bare >= 40, "{bare} of 84: the attacks would not notice a missing guard");
    assert!(guarded * 4 < bare, "{guarded} of {bare}");
    assert_eq!(value["reports"][1]["benign-success"]["value"], 1.0);
}

#[test]
fn a_run_that_was_killed_goes_on_and_reports_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (whole, torn) = (path("whole"), path("torn"));
    let all = run_small(&["--stand-in", "--journal", &whole]);
    let arguments = small(&["--stand-in", "--journal", &torn, "--rate", "60"]);
    let mut child = redteam(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || std::fs::read_to_string(Path::new(&torn)).map_or(0, |t| t.lines().count());
    let patience = Instant::now() + Duration::from_secs(60);
    while lines() < 8 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = lines();
    assert!((8..90).contains(&kept), "{kept} lines when it was killed");
    let rest = run_small(&["--stand-in", "--journal", &torn]);
    assert_eq!(rest.stdout, all.stdout);
}

#[test]
fn a_target_that_dies_leaves_a_partial_report_and_nothing_passes() {
    let output = run_small(&["--command", "exit 127"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(json(&output)["reports"][0]["stopped"].as_str().unwrap().contains("no such program"));
}

#[test]
fn nonsense_is_unknown_and_never_a_success() {
    let output = run_small(&["--command", "echo '{\"nonsense\": 1}'", "--family", "override"]);
    let value = json(&output);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        (succeeded(&value["reports"][0]), value["reports"][0]["families"][0]["unknown"].as_u64()),
        (0, Some(4))
    );
}

#[test]
fn limits_end_a_campaign() {
    let output = run_small(&["--stand-in", "--max-requests", "10"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(json(&output)["reports"][0]["stopped"].as_str().unwrap().contains("limit on requests"));
    // What was asked and paid for is kept, whatever was under way beside it.
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal").to_string_lossy().into_owned();
    let echo = "echo '{\"text\": \"We open at nine.\"}'";
    let limited = ["--command", echo, "--family", "persona", "--max-requests", "5", "--journal", &journal];
    assert_eq!(run_small(&limited).status.code(), Some(2));
    let kept = std::fs::read_to_string(&journal).unwrap();
    assert_eq!(kept.lines().filter(|line| line.starts_with("{\"guard\"")).count(), 5, "{kept}");
}

#[test]
fn reports_come_in_every_format() {
    for (format, begins) in [("sarif", "{"), ("junit", "<?xml"), ("html", "<!DOCTYPE html>")] {
        let output = run(&[
            "--stand-in",
            "--family",
            "persona",
            "--per-family",
            "3",
            "--tasks",
            "2",
            "--hard-requests",
            "2",
            "--format",
            format,
        ]);
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(begins), "{format}");
    }
    let list = run(&["list"]);
    assert!(list.status.success() && String::from_utf8(list.stdout).unwrap().contains("indirect"));
}

/// A model that is asked too often twice, and then answers every question with its own words.
fn throttling() -> (String, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::sync::atomic::Ordering::SeqCst;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).unwrap();
            let (head, body) = match count.fetch_add(1, SeqCst) {
                0 | 1 => ("429 Too Many Requests\r\nretry-after: 0", "{}"),
                _ => (
                    "200 OK",
                    r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"I do not do that."},"finish_reason":"stop"}]}"#,
                ),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, asked)
}

#[test]
fn a_target_that_throttles_is_waited_for() {
    let (url, asked) = throttling();
    let output = run(&[
        "--url",
        &url,
        "--family",
        "override",
        "--per-family",
        "4",
        "--tasks",
        "0",
        "--hard-requests",
        "0",
        "--format",
        "json",
    ]);
    let value = json(&output);
    assert!(value["reports"][0]["stopped"].is_null(), "{value}");
    assert_eq!(value["reports"][0]["families"][0]["unknown"], 0);
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 4 + 2);
}

#[test]
fn what_got_past_the_guard_is_learned_and_does_not_get_past_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let attack = |journal: &str, more: &[&str]| {
        let mut arguments = small(&["--stand-in", "--guard", "--journal", journal, "--seed", "5"]);
        arguments.extend(more.iter().map(|a| (*a).to_owned()));
        json(&run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let before = attack(&path("before"), &[]);
    let home = path("home");
    let output = run(&["learn", &path("before"), "--home", &home, "--format", "json"]);
    let learned = json(&output);
    assert_eq!(learned["learned"], true, "{learned}");
    let (cases, result) = (learned["cases"].as_u64().unwrap(), &learned["result"]);
    assert!(cases > 0 && learned["entry"].is_u64(), "{learned}");
    assert_eq!(result["cases"]["before"]["count"], 0);
    let known = result["cases"]["after"]["count"].as_u64().unwrap();
    assert!(2 * known >= cases, "{result}");
    assert_eq!(result["not_learned"].as_array().unwrap().len() as u64, cases - known);
    assert!(result["harmless"]["after"]["interval"]["high"].as_f64().unwrap() < 0.02, "{result}");
    let config = format!("{home}/guard/guard.yaml");
    let after = attack(&path("after"), &["--guard-config", &config]);
    let (was, is) = (succeeded(&before["reports"][0]), succeeded(&after["reports"][0]));
    assert!(
        is + cases / 2 <= was,
        "{was} got through before, {is} after {known} of {cases} cases were learned"
    );
    assert_eq!(
        after["reports"][0]["benign-success"]["value"],
        before["reports"][0]["benign-success"]["value"]
    );
    // Learning the same again gives the same bytes; a guard with other bytes is not made.
    let out = path("again");
    let cases = format!("{home}/guard/cases.jsonl");
    let again = run(&["learn", &cases, "--out", &out]);
    assert_eq!(again.status.code(), output.status.code(), "{again:?}");
    let weights = std::fs::read(format!("{home}/guard/linear.weights")).unwrap();
    assert_eq!(std::fs::read(format!("{out}/linear.weights")).unwrap(), weights);
    std::fs::write(format!("{home}/guard/linear.weights"), &weights[1..]).unwrap();
    let refused = run(&["--stand-in", "--guard", "--guard-config", &config]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("detector.digest"), "{refused:?}");
}

#[test]
fn nothing_is_written_where_nothing_can_be_learned() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let harmless =
        ["What is the weather like in Lisbon in May?", "Please summarise this report for me in two lines."];
    let lines: Vec<String> = harmless
        .iter()
        .map(|text| serde_json::json!({"text": text, "attack": true, "carrier": "chat"}).to_string())
        .chain(harmless.iter().map(|text| {
            serde_json::json!({"text": format!("{text} "), "attack": false, "carrier": "chat"}).to_string()
        }))
        .collect();
    std::fs::write(path("cases"), lines.join("\n")).unwrap();
    let output = run(&["learn", &path("cases"), "--out", &path("out")]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!Path::new(&path("out")).exists());
}

#[test]
fn a_project_is_attacked_as_its_system_file_describes_it() {
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/support-assistant");
    let output = run_small(&[project, "--compare", "--family", "indirect,deputy,exfiltration"]);
    let value = json(&output);
    let (bare, guarded) = (succeeded(&value["reports"][0]), succeeded(&value["reports"][1]));
    // Some of these attacks only want words said, and a model may quote the passage that holds them.
    assert!(bare >= 5 && guarded * 5 <= bare, "{guarded} of {bare}");
    // What the stand-in is too simple for, it does not do without the boundary either.
    let tasks = |side: usize| value["reports"][side]["benign-success"]["value"].as_f64().unwrap();
    assert!(tasks(0) > 0.0 && tasks(1) >= tasks(0), "{} with the boundary, {} without", tasks(1), tasks(0));
}
