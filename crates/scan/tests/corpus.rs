//! A small part of the corpus that `tests/corpus/make.py` writes, one of each kind: every file has the outcome
//! of the manifest, what is clean is accounted for byte by byte, and nothing bent from them makes a scan panic.
//! The whole corpus is for the peers tier.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proofhouse_artifact::pickle;
use proofhouse_scan::{Limits, Outcome, scan_bytes};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[path = "mutation/bend.rs"]
mod bend;

struct Row {
    path: String,
    category: String,
    expected: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(folder().join("MANIFEST.csv")).unwrap();
    let row = |line: &str| {
        let mut cells = line.splitn(4, ',').map(str::to_owned);
        Row { path: cells.next().unwrap(), category: cells.next().unwrap(), expected: cells.next().unwrap() }
    };
    text.lines().skip(1).map(row).collect()
}

fn read(row: &Row) -> Vec<u8> {
    fs::read(folder().join(&row.path)).unwrap()
}

fn outcome(bytes: &[u8]) -> Outcome {
    scan_bytes(&"model.bin".parse().unwrap(), bytes, &Limits::default()).outcome
}

#[test]
fn every_file_has_the_outcome_of_the_manifest() {
    let mut wrong = Vec::new();
    for row in rows() {
        let name = row.path.rsplit('/').next().unwrap().parse().unwrap();
        let report = scan_bytes(&name, &read(&row), &Limits::default());
        let right = match row.expected.as_str() {
            "clean" => report.outcome == Outcome::Clean && report.covered_bytes == report.size,
            "malicious" => report.outcome == Outcome::Malicious,
            _ => report.outcome >= Outcome::Suspicious,
        };
        if !right {
            wrong.push(format!(
                "{}: {}, expected {} {:#?}",
                row.path, report.outcome, row.expected, report.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A call that leaves the stack as it was.
const CALL: &[u8] = b"cos\nsystem\n(S'true'\ntR0";

/// Pickles without raw arrays between the opcodes, and where their opcodes begin.
fn pickles() -> Vec<(Vec<u8>, Vec<usize>)> {
    let starts = |bytes: &[u8]| {
        let (mut at, mut starts) = (0, Vec::new());
        while let Ok(op) = pickle::op(bytes, at) {
            if !matches!(op.code, pickle::code::PROTO) {
                starts.push(at);
            }
            at = op.end;
            if op.code == pickle::code::STOP {
                break;
            }
        }
        starts
    };
    let benign = rows().into_iter().filter(|r| r.expected == "clean" && r.path.ends_with(".pkl"));
    benign.map(|row| read(&row)).map(|bytes| (bytes.clone(), starts(&bytes))).collect()
}

proptest! {
    // The same places every time, so that a change is what turns this red.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_call_before_any_opcode_is_found(file in any::<prop::sample::Index>(), op in any::<prop::sample::Index>()) {
        let pickles = pickles();
        let (bytes, starts) = file.get(&pickles);
        let at = *op.get(starts);
        let injected = [&bytes[..at], CALL, &bytes[at..]].concat();
        prop_assert_eq!(outcome(&injected), Outcome::Malicious);
    }

    /// In the middle of an argument it may be data or break the stream, but it never goes unseen.
    #[test]
    fn a_call_at_any_byte_is_never_clean(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let binary = |r: &Row| matches!(r.category.as_str(), "joblib" | "scikit-learn" | "numpy" | "torch" | "safetensors" | "gguf");
        let rows: Vec<Row> = rows().into_iter().filter(|r| r.expected == "clean" && binary(r)).collect();
        let bytes = read(file.get(&rows));
        let at = at.index(bytes.len());
        prop_assert!(outcome(&[&bytes[..at], CALL, &bytes[at..]].concat()) > Outcome::Clean);
    }
}

/// The end record of a zip archive closes with the length of a comment, so that bytes put before it become one.
#[test]
fn a_call_in_the_last_record_of_an_archive_is_seen() {
    for row in rows().into_iter().filter(|r| r.category == "torch" && r.expected == "clean") {
        let bytes = read(&row);
        for at in bytes.len().saturating_sub(24)..=bytes.len() {
            let outcome = outcome(&[&bytes[..at], CALL, &bytes[at..]].concat());
            assert!(outcome > Outcome::Clean, "{} at {at} of {}", row.path, bytes.len());
        }
    }
}

#[test]
fn bent_files_are_scanned_in_time() {
    let contents: Vec<Vec<u8>> = rows().iter().map(read).collect();
    for number in 0..2_000 {
        let bytes = bend::bend(&mut bend::Source::new(1, number), &contents);
        let started = Instant::now();
        let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
        let report = scan_bytes(&"model.bin".parse().unwrap(), &bytes, &limits);
        assert!(report.covered_bytes <= report.size, "{number}");
        assert!(started.elapsed() < Duration::from_secs(10), "{number} takes {:?}", started.elapsed());
    }
}
