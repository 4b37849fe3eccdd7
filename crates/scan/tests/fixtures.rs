//! The fixtures: what real tools write is clean, byte by byte accounted for, and stays found out when bent.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use proofhouse_core::{FilePath, Verdict};
use proofhouse_scan::{Limits, Outcome, scan_bytes, scan_tree};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// File, expected outcome.
fn manifest() -> Vec<(String, String)> {
    let text = fs::read_to_string(folder().join("MANIFEST.csv")).unwrap();
    let cells = |line: &str| {
        let mut cells = line.split(',');
        Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
    };
    text.lines().skip(1).filter_map(cells).collect()
}

fn path() -> FilePath {
    "model.bin".parse().unwrap()
}

#[test]
fn every_fixture_has_the_outcome_of_the_manifest() {
    let mut wrong = Vec::new();
    for (name, expected) in manifest() {
        let bytes = fs::read(folder().join(&name)).unwrap();
        let report = scan_bytes(&path(), &bytes, &Limits::default());
        let covered = report.covered_bytes == report.size || expected != "clean";
        if report.outcome.to_string() != expected || !covered {
            let found: Vec<_> =
                report.findings.iter().map(|f| format!("{}: {}", f.place, f.message)).collect();
            wrong.push(format!(
                "{name}: {} ({}/{}) {found:#?}",
                report.outcome, report.covered_bytes, report.size
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A call of `os.system` that leaves the stack as it was.
const CALL: &[u8] = b"cos\nsystem\n(S'echo proofhouse'\ntR0";

#[test]
fn a_payload_at_the_start_or_end_of_any_pickle_is_found() {
    for (name, _) in manifest() {
        if !(name.ends_with(".pkl") || name.ends_with(".joblib") || name == "torch-legacy.pt") {
            continue;
        }
        let bytes = fs::read(folder().join(&name)).unwrap();
        let start = if bytes[0] == 0x80 { 2 } else { 0 };
        let injected = [&bytes[..start], CALL, &bytes[start..]].concat();
        assert_eq!(scan_bytes(&path(), &injected, &Limits::default()).outcome, Outcome::Malicious, "{name}");
        let appended = [&bytes[..], CALL, b"N."].concat();
        let outcome = scan_bytes(&path(), &appended, &Limits::default()).outcome;
        assert!(outcome >= Outcome::Suspicious, "{name}");
    }
}

#[test]
fn a_storage_that_does_not_fit_its_pickle_is_found() {
    let bytes = fs::read(folder().join("torch-legacy.pt")).unwrap();
    let cut = scan_bytes(&path(), &bytes[..bytes.len() - 4], &Limits::default());
    assert!(cut.findings.iter().any(|f| f.rule == "torch/storage"));
}

#[test]
fn an_end_record_that_contradicts_its_64_bit_twin_is_found() {
    // Its 64-bit end record, which torch writes without need, states 9 members as the short one does.
    let mut bytes = fs::read(folder().join("torch-written.pt")).unwrap();
    let record = bytes.len() - 22 - 20 - 56;
    assert_eq!(bytes[record..record + 4], *b"PK\x06\x06");
    assert_eq!(bytes[record + 32..record + 40], 9u64.to_le_bytes());
    bytes[record + 32] = 8;
    let report = scan_bytes(&path(), &bytes, &Limits::default());
    assert_eq!(report.outcome, Outcome::Suspicious);
    assert!(report.findings.iter().all(|f| f.rule == "zip/disagreement"), "{:?}", report.findings);
}

#[test]
fn a_safetensors_header_length_like_a_pickle_protocol_is_none() {
    let file = |length: usize, header: &str| {
        let header = format!("{header:length$}");
        [&(length as u64).to_le_bytes()[..], header.as_bytes(), b"\0\0"].concat()
    };
    let good = r#"{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#;
    for protocol in 0..=5 {
        let length = 0x80 + 0x100 * protocol;
        let report = scan_bytes(&path(), &file(length, good), &Limits::default());
        assert_eq!((report.outcome, report.covered_bytes), (Outcome::Clean, report.size), "{length}");
        // The imitation is neither a header nor anything that an unpickler gets through.
        let imitation = [&file(length, "cos\nsystem\n(S'true'\ntR.")[..], CALL, b"N."].concat();
        let report = scan_bytes(&path(), &imitation, &Limits::default());
        assert!(report.findings.iter().any(|f| f.rule == "pickle/malformed"), "{length}");
        // A good header with a payload behind its tensors.
        let longer = [&file(length, good)[..], CALL, b"N."].concat();
        assert!(scan_bytes(&path(), &longer, &Limits::default()).outcome >= Outcome::Suspicious);
    }
}

#[test]
fn a_gguf_header_bent_to_mislead_readers_is_found() {
    let bytes = fs::read(folder().join("model.gguf")).unwrap();
    let rules = |bytes: &[u8]| {
        let report = scan_bytes(&path(), bytes, &Limits::default());
        assert!(report.outcome >= Outcome::Suspicious);
        report.findings.iter().map(|f| f.rule.clone()).collect::<Vec<_>>()
    };
    // The second tensor's name becomes the first one's: two of one name.
    assert!(rules(&bend(&bytes, b"b.weight", b"a.weight", 0)).contains(&"gguf/structure".to_owned()));
    // More tensors than the file can hold.
    let mut many = bytes.clone();
    many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(rules(&many), ["gguf/malformed"]);
    // Something behind the last tensor.
    let longer = [&bytes[..], &[1; 64]].concat();
    assert_eq!(rules(&longer), ["gguf/structure"]);
    // A loader that never comes back.
    let bomb = bend(&bytes, b"{{ m.role }}", b"{{'a'*9**9}}", 0);
    assert!(!rules(&bomb).is_empty());
}

/// Replaces the `nth` occurrence.
fn bend(bytes: &[u8], from: &[u8], to: &[u8], nth: usize) -> Vec<u8> {
    let at = bytes.windows(from.len()).enumerate().filter(|(_, w)| *w == from).nth(nth).unwrap().0;
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn a_torch_archive_bent_to_mislead_scanners_is_found() {
    let bytes = fs::read(folder().join("torch-zip.pt")).unwrap();
    let rules = |bytes: &[u8]| {
        let report = scan_bytes(&path(), bytes, &Limits::default());
        assert!(report.outcome >= Outcome::Suspicious);
        report.findings.into_iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    let disagreement = &"zip/disagreement".to_owned();
    // CVE-2025-1944: the local header has another name.
    assert!(rules(&bend(&bytes, b"model/data.pkl", b"model/data.pk_", 0)).contains(disagreement));
    // CVE-2025-1889: the directory calls the pickle something else; it is still read as one.
    let renamed = bend(&bytes, b"model/data.pkl", b"model/data.txt", 1);
    assert!(rules(&renamed).contains(disagreement));
    // CVE-2025-10156: content and checksum disagree.
    assert!(rules(&bend(&bytes, b"layer.weight", b"layer.weighs", 0)).contains(disagreement));
    // CVE-2025-1945: flag bits in the local header.
    let flagged = bend(&bytes, b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0\x01\0", 0);
    assert!(rules(&flagged).contains(disagreement));
    // Bytes before and after.
    assert!(rules(&[b"MZ", &bytes[..]].concat()).contains(disagreement));
    assert!(rules(&[&bytes[..], b"tail"].concat()).contains(disagreement));
}

#[test]
fn truncation_is_never_clean() {
    for name in [
        "plain-p0.pkl",
        "plain-p4.pkl",
        "sklearn-pipeline.joblib",
        "torch-zip.pt",
        "torch-written.pt",
        "graph.onnx",
        "f4.npy",
    ] {
        let bytes = fs::read(folder().join(name)).unwrap();
        for length in (1..bytes.len()).step_by(1 + bytes.len() / 60) {
            let report = scan_bytes(&path(), &bytes[..length], &Limits::default());
            // A stump of a few bytes may be a complete text, and one of a single byte an empty table of MessagePack.
            let formats = [proofhouse_artifact::Format::Text, proofhouse_artifact::Format::MsgPack];
            let whole = formats.into_iter().any(|format| report.format == format);
            assert!(report.outcome > Outcome::Clean || whole, "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn a_tree_is_as_bad_as_its_worst_file() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    put("config.json", b"{\"hidden\": 8}");
    put("README.md", "A model.\n".as_bytes());
    let scan = || scan_tree(dir.path(), &Limits::default(), &|_| {}).unwrap();
    assert_eq!(scan().verdict(), Verdict::Pass);

    put("weights.raw", b"\x00\x01\x02");
    assert_eq!((scan().outcome, scan().verdict()), (Outcome::Unscannable, Verdict::Unknown));

    put("config.json", br#"{"auto_map": {"AutoModel": "modeling.Model"}}"#);
    assert_eq!((scan().outcome, scan().verdict()), (Outcome::Suspicious, Verdict::Fail));

    put("data.bin", &[CALL, b"N."].concat());
    let report = scan();
    assert_eq!(report.outcome, Outcome::Malicious);
    assert!(report.findings.is_sorted());
    let bad = report.findings.iter().find(|f| f.rule == "pickle/unsafe-call").unwrap();
    assert_eq!((bad.place.path.as_str(), bad.place.offset), ("data.bin", Some(0)));
    assert!(bad.message.contains("os.system"));

    let empty = tempfile::tempdir().unwrap();
    let report = scan_tree(empty.path(), &Limits::default(), &|_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(scan_tree(&empty.path().join("missing"), &Limits::default(), &|_| {}).is_err());
}

#[cfg(unix)]
#[test]
fn links_are_findings_and_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "text").unwrap();
    std::os::unix::fs::symlink("a.txt", dir.path().join("link.pkl")).unwrap();
    let report = scan_tree(dir.path(), &Limits::default(), &|_| {}).unwrap();
    assert_eq!(report.files.len(), 1);
    assert_eq!(report.findings[0].rule, "tree/refused");
    assert_eq!(report.findings[0].place.path, "link.pkl");
    assert_eq!(report.verdict(), Verdict::Unknown);
    // One that leads out of the folder would be taken along by whoever packs or reads the model.
    std::os::unix::fs::symlink(folder().join("plain-p4.pkl"), dir.path().join("out.pkl")).unwrap();
    let report = scan_tree(dir.path(), &Limits::default(), &|_| {}).unwrap();
    assert_eq!(report.findings.iter().filter(|f| f.rule == "repo/unsafe-path").count(), 1);
}

#[test]
fn code_and_tags_in_text_are_seen() {
    let scan = |name: &str, text: &str| {
        let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
        (report.outcome, report.findings.first().map(|f| f.rule.clone()))
    };
    assert_eq!(scan("README.md", "eval( and os.system in a text\n"), (Outcome::Clean, None));
    assert_eq!(scan("modeling.py", "x = 1\n"), (Outcome::Clean, None));
    let not_analysed = (Outcome::Unscannable, Some("code/not-analysed".to_owned()));
    assert_eq!(scan("run", "#!/usr/bin/perl\neval $x;\n"), not_analysed.clone());
    assert_eq!(scan("run", "#!/usr/bin/some-tool\n"), not_analysed);
    // The lines of a shell say what they run, unless it puts them together.
    assert_eq!(scan("run", "#!/bin/sh\n"), (Outcome::Clean, None));
    assert_eq!(scan("run", "#!/bin/sh\neval \"$X\"\n").0, Outcome::Unscannable);
    let yaml = "model: !!python/object/apply:os.system ['echo proofhouse']\n";
    assert_eq!(scan("m.yaml", yaml), (Outcome::Malicious, Some("yaml/unsafe-tag".into())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bent_fixtures_never_panic(
        pick in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let manifest = manifest();
        let (name, _) = pick.get(&manifest);
        let mut bytes = fs::read(folder().join(name)).unwrap();
        for (at, to) in edits {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        let first = scan_bytes(&path(), &bytes, &Limits::default());
        prop_assert!(first.covered_bytes <= first.size);
        prop_assert_eq!(first, scan_bytes(&path(), &bytes, &Limits::default()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = scan_bytes(&path(), &bytes, &Limits::default());
    }
}
