//! The formats beside pickles: what their own writers make is clean to the last byte, and stays found out when
//! bent. `fixtures/formats/make_*.py` made the files.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use proofhouse_core::Verdict;
use proofhouse_scan::{FileReport, Limits, scan_bytes, scan_tree};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats")
}

struct Row {
    file: String,
    outcome: String,
    /// A rule that has to be among the findings; empty where there must be none that matters.
    rule: String,
}

fn manifest() -> Vec<Row> {
    let text = fs::read_to_string(folder().join("MANIFEST.csv")).unwrap();
    let row = |line: &str| {
        let mut cells = line.split(',').map(str::to_owned);
        Some(Row { file: cells.next()?, outcome: cells.next()?, rule: cells.next()? })
    };
    text.lines().skip(1).filter_map(row).collect()
}

fn scan(name: &str, bytes: &[u8]) -> FileReport {
    scan_bytes(&name.parse().unwrap(), bytes, &Limits::default())
}

#[test]
fn every_file_has_the_outcome_and_the_rule_of_the_manifest() {
    let mut wrong = Vec::new();
    for row in manifest() {
        let bytes = fs::read(folder().join(&row.file)).unwrap();
        let report = scan(&row.file, &bytes);
        let covered = report.covered_bytes == report.size || row.outcome != "clean";
        let found = row.rule.is_empty() || report.findings.iter().any(|f| f.rule == row.rule);
        if report.outcome.to_string() != row.outcome || !covered || !found {
            let found: Vec<_> =
                report.findings.iter().map(|f| format!("{} {}: {}", f.rule, f.place, f.message)).collect();
            let (size, covered) = (report.size, report.covered_bytes);
            wrong.push(format!(
                "{} ({}): {} {covered}/{size} {found:#?}",
                row.file, report.format, report.outcome
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_appended_or_cut_off_stays_clean() {
    for row in manifest().iter().filter(|r| r.outcome == "clean") {
        let bytes = fs::read(folder().join(&row.file)).unwrap();
        // A text may go on, and a stump of one is a text; bytes that are no text are none.
        let longer = [&bytes[..], b"\x00\xffhidden\x01"].concat();
        let report = scan(&row.file, &longer);
        assert!(report.outcome.to_string() != "clean", "{} with a tail", row.file);
    }
}

#[test]
fn a_saved_model_vouches_for_its_variables() {
    let copy = |change: &dyn Fn(&mut Vec<u8>)| {
        let to = tempfile::tempdir().unwrap();
        fs::create_dir(to.path().join("variables")).unwrap();
        for name in ["saved_model.pb", "fingerprint.pb", "variables/variables.index"] {
            fs::copy(folder().join("exported").join(name), to.path().join(name)).unwrap();
        }
        let data = "variables/variables.data-00000-of-00001";
        let mut bytes = fs::read(folder().join("exported").join(data)).unwrap();
        change(&mut bytes);
        fs::write(to.path().join(data), bytes).unwrap();
        scan_tree(to.path(), &Limits::default(), &|_| {}).unwrap()
    };
    let report = copy(&|_| {});
    assert_eq!((report.verdict(), report.findings), (Verdict::Pass, vec![]));
    let longer = copy(&|bytes| bytes.extend(b"hidden"));
    assert_eq!(longer.findings[0].rule, "tree/unlisted-bytes");
    let shorter = copy(&|bytes| bytes.truncate(400));
    assert!(shorter.findings.iter().all(|f| f.rule == "tree/unlisted-bytes") && !shorter.findings.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bent_files_never_panic_and_always_say_the_same(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let manifest = manifest();
        let row = pick.get(&manifest);
        let mut bytes = fs::read(folder().join(&row.file)).unwrap();
        for (at, to) in edits {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let first = scan(&row.file, &bytes);
        prop_assert!(first.covered_bytes <= first.size);
        prop_assert_eq!(first, scan(&row.file, &bytes));
    }
}
