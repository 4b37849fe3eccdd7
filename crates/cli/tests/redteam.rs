//! `proofhouse redteam` as people run it: with a stand-in, killed in the middle, against targets that misbehave.

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
    assert!(json(&output)["reports"][0]["stopped"].as_str().unwrap().contains("could not be reached"));
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
