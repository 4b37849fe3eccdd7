//! `proofhouse scan` as a user runs it: exit status, standard input, suppressions, and a parser that dies.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SOURCE: &str = "import os\nclass A:\n    def f(self):\n        os.system('x')\n";

fn scan(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .arg("scan")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn report(output: &Output) -> Value {
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    all[0]["report"].clone()
}

#[test]
fn exit_status_says_clean_found_or_unknown() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("clean.json"), "{}").unwrap();
    fs::write(dir.path().join("found.py"), SOURCE).unwrap();
    fs::write(dir.path().join("unknown.bin"), [0u8, 1, 2]).unwrap();
    for (name, code) in
        [("clean.json", 0), ("found.py", 1), ("unknown.bin", 2), ("missing", 2), ("*.py", 1), (".", 1)]
    {
        let output = scan(dir.path(), &[name]);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_confined_scan_says_what_an_open_one_says_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    for index in 0..20 {
        fs::write(dir.path().join(format!("{index}.py")), SOURCE.replace('A', &format!("A{index}"))).unwrap();
        fs::write(dir.path().join(format!("{index}.json")), "{\"auto_map\": {\"AutoModel\": \"x.Y\"}}")
            .unwrap();
    }
    let of = |arguments: &[&str]| scan(dir.path(), &[&["--format", "json", "."], arguments].concat()).stdout;
    let first = of(&["--in-process"]);
    assert!(!first.is_empty());
    for threads in ["1", "2", "8"] {
        assert!(of(&["--threads", threads]) == first, "{threads}");
    }
}

#[test]
fn standard_input_is_scanned() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args(["scan", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\x80\x04cos\nsystem\n(S'id'\ntR.").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report(&output)["outcome"], "malicious");
}

#[test]
fn a_suppression_holds_until_its_day_and_says_when_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("m.py"), SOURCE).unwrap();
    let found = report(&scan(dir.path(), &["m.py", "--format", "json"]));
    let digest = found["files"][0]["sha256"].as_str().unwrap().to_owned();
    let accepted = |expires: &str| {
        let text = format!(
            "suppressions:\n  - rule: python/runs-in-use\n    digest: {digest}\n    reason: reviewed, the command is fixed\n    owner: platform\n    expires: {expires}\n"
        );
        fs::write(dir.path().join("accepted.yaml"), text).unwrap();
        scan(dir.path(), &["m.py", "--format", "json", "--suppressions", "accepted.yaml"])
    };
    let held = accepted("2999-12-31");
    assert_eq!(held.status.code(), Some(0), "{}", String::from_utf8_lossy(&held.stderr));
    assert_eq!(report(&held)["suppressed"][0]["owner"], "platform");
    let ended = accepted("2020-01-01");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(report(&ended)["ended_suppressions"][0]["why"], "expired");
    fs::write(dir.path().join("accepted.yaml"), "suppressions:\n  - rule: no/such\n").unwrap();
    assert_eq!(scan(dir.path(), &["m.py", "--suppressions", "accepted.yaml"]).status.code(), Some(2));
}

#[test]
fn memory_that_runs_out_makes_one_file_unscannable_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("found.pkl"), b"\x80\x04cos\nsystem\n(S'id'\ntR.").unwrap();
    // Numbers of two bytes each, of which a document of forty bytes each is made.
    fs::write(dir.path().join("large.json"), format!("[{}1]", "1,".repeat(1_000_000))).unwrap();
    let output = scan(dir.path(), &[".", "--format", "json", "--memory-mib", "24", "--threads", "1"]);
    if cfg!(target_os = "linux") {
        let report = report(&output);
        let of = |path: &str| {
            let files = report["files"].as_array().unwrap();
            files.iter().find(|f| f["path"] == path).unwrap()["outcome"].as_str().unwrap().to_owned()
        };
        assert_eq!(of("found.pkl"), "malicious");
        assert_eq!(of("large.json"), "unscannable");
        assert!(report["findings"].as_array().unwrap().iter().any(|f| f["rule"] == "tree/ended"));
    }
}

#[test]
fn what_stands_on_standard_input_has_the_name_that_is_given() {
    let pipe = |text: &str, name: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
            .args([&["scan", "-", "--format", "json"], name].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        child.wait_with_output().unwrap()
    };
    assert_eq!(pipe(SOURCE, &[]).status.code(), Some(0));
    let named = pipe(SOURCE, &["--stdin-name", "modeling.py"]);
    assert_eq!(named.status.code(), Some(1));
    assert_eq!(report(&named)["files"][0]["path"], "modeling.py");
    for wrong in ["../x.py", "/etc/x.py", "a/b.py", ""] {
        assert_eq!(pipe(SOURCE, &["--stdin-name", wrong]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn a_file_that_ends_the_process_when_it_is_read_ahead_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("found.pkl"), b"\x80\x04cos\nsystem\n(S'id'\ntR.").unwrap();
    // More source than the process may hold.
    fs::write(dir.path().join("large.py"), "# nothing\n".repeat(6 << 20)).unwrap();
    let output = scan(dir.path(), &[".", "--format", "json", "--memory-mib", "32", "--threads", "1"]);
    if cfg!(target_os = "linux") {
        let report = report(&output);
        let of = |path: &str| {
            let files = report["files"].as_array().unwrap();
            files.iter().find(|f| f["path"] == path).unwrap()["outcome"].as_str().unwrap().to_owned()
        };
        assert_eq!(of("found.pkl"), "malicious");
        assert_eq!(of("large.py"), "unscannable");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_bomb_is_told_within_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    one.write_all(&vec![b'A'; 1 << 20]).unwrap();
    // Members of a stream are one content: four gigabytes.
    fs::write(dir.path().join("letters.gz"), one.finish().unwrap().repeat(4096)).unwrap();
    let output =
        scan(dir.path(), &["letters.gz", "--format", "json", "--threads", "1", "--memory-mib", "64"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report(&output)["findings"][0]["rule"], "archive/bomb");
}
