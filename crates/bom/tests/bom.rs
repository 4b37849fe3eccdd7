//! Documents as written, linted and compared with files.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like the tests")]

use std::sync::LazyLock;

use proofhouse_bom::{
    Approach, Basis, BomInput, Dataset, DatasetRole, Error, Metric, Model, ModelCard, Reference,
    ReferenceKind, Risk, Tool, lint, parse, verify, write,
};
use proofhouse_core::{Digest, FileEntry, FileMode, Measurement, Severity, Unit, model_digest};
use proptest::prelude::*;
use serde_json::{Value, json};

fn file(path: &str, content: &[u8]) -> FileEntry {
    FileEntry {
        path: path.parse().unwrap(),
        mode: FileMode::Regular,
        size: content.len() as u64,
        content: Digest::of(content),
    }
}

fn files() -> Vec<FileEntry> {
    let script = FileEntry { mode: FileMode::Executable, ..file("bin/convert", b"c") };
    vec![file("model.onnx", b"m"), file("labels.json", b"l"), script]
}

fn dataset(name: &str, role: DatasetRole) -> Dataset {
    Dataset {
        name: name.into(),
        version: Some("1".into()),
        description: Some("Handwritten digits".into()),
        role,
        manifest: Digest::of(name.as_bytes()),
        classification: Some("public".into()),
        sensitive: vec![],
        owners: vec!["Data office".into()],
        licence: Some("CC-BY-4.0".parse().unwrap()),
        source: Some("https://example.org/digits".into()),
    }
}

fn input() -> BomInput {
    let evidence = Digest::of(b"evidence");
    BomInput {
        model: Model {
            name: "cheque-reader".into(),
            version: "3".into(),
            description: Some("Reads the digits of a cheque".into()),
            supplier: Some("Example bank".into()),
            licence: Some("Apache-2.0".parse().unwrap()),
            files: files(),
            card: ModelCard {
                approach: Some(Approach::Supervised),
                task: Some("image-classification".into()),
                architecture_family: Some("convolutional neural network".into()),
                inputs: vec!["image: float32[N,1,28,28]".into()],
                outputs: vec!["logits: float32[N,10]".into()],
                metrics: vec![
                    Metric {
                        measurement: Measurement::proportion("accuracy", 97, 100, 0.95),
                        basis: Basis::Measured { evidence },
                    },
                    Metric {
                        measurement: Measurement::new("accuracy", 0.9, Unit::Ratio).of_slice("class=7"),
                        basis: Basis::Declared,
                    },
                ],
                users: vec!["Clearing staff".into()],
                ethical_considerations: vec![Risk { name: "Misread amounts".into(), mitigation: None }],
                ..ModelCard::default()
            },
        },
        datasets: vec![dataset("train", DatasetRole::Training), dataset("test", DatasetRole::Test)],
        references: vec![
            Reference {
                kind: ReferenceKind::Evidence,
                url: "evidence/accuracy.json".into(),
                digest: evidence,
                comment: Some("accuracy on the test set".into()),
            },
            Reference {
                kind: ReferenceKind::ElectronicSignature,
                url: "model.sig".into(),
                digest: Digest::of(b"signature"),
                comment: None,
            },
        ],
        tool: Tool { name: "proofhouse".into(), version: "0.1.0".into() },
        timestamp: "2026-11-23".parse().unwrap(),
    }
}

static BOM: LazyLock<Vec<u8>> = LazyLock::new(|| write(&input()).unwrap());

fn value() -> Value {
    serde_json::from_slice(&BOM).unwrap()
}

/// The rules that fire on our document with one value set at a JSON pointer.
fn rules_with(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = value();
    change(&mut value);
    lint(&serde_json::to_vec(&value).unwrap()).into_iter().map(|f| f.rule).collect()
}

#[test]
fn a_document_says_what_was_put_in() {
    let bom = value();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&json!("CycloneDX"), &json!("1.6")));
    assert_eq!(bom["metadata"]["timestamp"], "2026-11-23T00:00:00.000Z");
    let model = &bom["metadata"]["component"];
    assert_eq!(model["type"], "machine-learning-model");
    assert_eq!(model["licenses"], json!([{"license": {"id": "Apache-2.0"}}]));
    assert_eq!(
        model["properties"],
        json!([{"name": "proofhouse:model-digest", "value": model_digest(&files()).unwrap().to_string()}])
    );
    assert_eq!(
        model["components"][0],
        json!({"type": "file", "bom-ref": "file:bin/convert", "name": "bin/convert",
            "hashes": [{"alg": "SHA-256", "content": Digest::of(b"c").to_hex()}],
            "properties": [{"name": "proofhouse:mode", "value": "executable"}, {"name": "proofhouse:size", "value": "1"}]})
    );
    let train = format!("data:training:{}", Digest::of(b"train").to_hex());
    assert_eq!(model["modelCard"]["modelParameters"]["datasets"][0], json!({"ref": train}));
    assert_eq!(bom["components"][0]["bom-ref"], json!(train));
    assert_eq!(
        bom["components"][0]["data"][0]["governance"]["owners"][0]["organization"]["name"],
        "Data office"
    );
    assert_eq!(bom["dependencies"][0]["ref"], "model");
    assert_eq!(bom["dependencies"][0]["dependsOn"][0], json!(train));
    // The Wilson interval of 97 in 100, computed with Python: 0.91548 to 0.98975.
    let metric = &model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0];
    assert_eq!((&metric["type"], &metric["value"]), (&json!("accuracy"), &json!("0.97")));
    assert!(metric["confidenceInterval"]["lowerBound"].as_str().unwrap().starts_with("0.91548"));
    let said = &model["modelCard"]["properties"];
    assert_eq!(said[0], json!({"name": "proofhouse:metric:accuracy:basis", "value": "measured"}));
    assert_eq!(said[1]["value"], json!(Digest::of(b"evidence").to_string()));
    assert_eq!(said[4], json!({"name": "proofhouse:metric:accuracy[class=7]:basis", "value": "declared"}));
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let mut turned = input();
    turned.model.files.reverse();
    turned.datasets.reverse();
    turned.references.reverse();
    turned.model.card.metrics.reverse();
    assert_eq!(write(&turned).unwrap(), *BOM);
    assert!(BOM.ends_with(b"}\n"));
}

#[test]
fn another_content_has_another_serial_number() {
    let number = |bytes: &[u8]| parse(bytes).unwrap().serial_number.unwrap();
    let mut later = input();
    later.timestamp = "2026-11-24".parse().unwrap();
    let (first, second) = (number(&BOM), number(&write(&later).unwrap()));
    assert_ne!(first, second);
    // RFC 9562: version 8, variant 10.
    let digits: Vec<char> = first.strip_prefix("urn:uuid:").unwrap().chars().collect();
    assert!(digits[14] == '8' && "89ab".contains(digits[19]), "{first}");
}

#[test]
fn what_the_format_has_no_room_for_is_refused() {
    let refused = |change: fn(&mut BomInput)| {
        let mut input = input();
        change(&mut input);
        write(&input).is_err()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|i| i.model.files.clear()));
    assert!(refused(|i| i.datasets.push(i.datasets[0].clone())));
    assert!(refused(|i| i.references[0].url = "has space".into()));
    assert!(refused(|i| i.references[0].url = String::new()));
    assert!(refused(|i| i.datasets[0].source = Some("https://x/{id}".into())));
    assert!(refused(|i| i.model.card.metrics.push(i.model.card.metrics[0].clone())));
    assert!(refused(|i| i.model.card.metrics[0].measurement.value = f64::NAN));
}

#[test]
fn our_own_documents_have_nothing_to_tidy_up() {
    let findings = lint(&BOM);
    assert_eq!(findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["bom/metric-declared"]);
    assert_eq!(findings[0].severity, Severity::Info);
    assert_eq!(
        findings[0].place.member.as_deref(),
        Some("/metadata/component/modelCard/quantitativeAnalysis/performanceMetrics/1")
    );
}

#[test]
fn each_rule_fires() {
    fn at<'a>(bom: &'a mut Value, pointer: &str) -> &'a mut Value {
        bom.pointer_mut(pointer).unwrap()
    }
    fn drop_member(bom: &mut Value, pointer: &str, member: &str) {
        at(bom, pointer).as_object_mut().unwrap().remove(member).unwrap();
    }
    const METRIC: &str = "/metadata/component/modelCard/quantitativeAnalysis/performanceMetrics/0";
    const SAID: &str = "/metadata/component/modelCard/properties";
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 27] = [
        ("unreadable", |b| *b = json!([])),
        ("unreadable", |b| b["bomFormat"] = json!("SPDX")),
        ("version", |b| b["specVersion"] = json!("1.2")),
        ("no-serial-number", |b| drop_member(b, "", "serialNumber")),
        ("no-timestamp", |b| drop_member(b, "/metadata", "timestamp")),
        ("no-model", |b| drop_member(b, "/metadata", "component")),
        ("misplaced-model-card", |b| b["components"][0]["modelCard"] = json!({})),
        ("misplaced-data", |b| b["metadata"]["component"]["data"] = json!([{"type": "dataset"}])),
        ("no-licence", |b| drop_member(b, "/components/1", "licenses")),
        ("duplicate-ref", |b| b["components"][1]["bom-ref"] = json!("model")),
        ("duplicate-ref", |b| b["metadata"]["component"]["components"][0]["bom-ref"] = json!("model")),
        ("dangling-dependency", |b| b["dependencies"][0]["ref"] = json!("nowhere")),
        ("dangling-dependency", |b| b["dependencies"][0]["dependsOn"][0] = json!("nowhere")),
        ("self-dependency", |b| b["dependencies"][0]["dependsOn"][0] = json!("model")),
        ("repeated-dependency", |b| b["dependencies"][1]["ref"] = json!("model")),
        ("missing-dataset", |b| {
            *at(b, "/metadata/component/modelCard/modelParameters/datasets/0/ref") = json!("nowhere");
        }),
        ("dataset-not-data", |b| {
            *at(b, "/metadata/component/modelCard/modelParameters/datasets/0/ref") = json!("file:model.onnx");
        }),
        ("dataset-without-digest", |b| {
            *at(b, "/metadata/component/modelCard/modelParameters/datasets/0") = json!({"type": "dataset"});
        }),
        ("missing-hash", |b| drop_member(b, "/components/0", "hashes")),
        ("missing-hash", |b| drop_member(b, "/metadata/component/components/0", "hashes")),
        ("malformed-hash", |b| b["components"][0]["hashes"][0]["content"] = json!("00".repeat(16))),
        ("malformed-hash", |b| *at(b, "/metadata/component/properties/0/value") = json!("sha256:xyz")),
        ("weak-hash", |b| b["components"][0]["hashes"] = json!([{"alg": "MD5", "content": "00".repeat(16)}])),
        ("evidence-without-hash", |b| drop_member(b, "/metadata/component/externalReferences/0", "hashes")),
        ("metric-interval", |b| at(b, METRIC)["value"] = json!("0.5")),
        ("metric-interval", |b| at(b, METRIC)["confidenceInterval"]["lowerBound"] = json!("high")),
        ("metric-basis-unknown", |b| *at(b, SAID) = json!([])),
    ];
    for (rule, change) in cases {
        let rules = rules_with(change);
        assert!(rules.contains(&format!("bom/{rule}")), "{rule} did not fire: {rules:?}");
    }
    // Evidence that the document does not refer to is no evidence.
    let rules = rules_with(|b| at(b, SAID)[1]["value"] = json!(Digest::of(b"other").to_string()));
    assert!(rules.contains(&"bom/metric-without-evidence".to_owned()));
}

#[test]
fn documents_of_others_are_read() {
    let minimal =
        br#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"tools":[{"vendor":"x","name":"y"}]},
        "components":[{"type":"machine-learning-model","name":"m","modelCard":{"modelParameters":
        {"datasets":[{"type":"dataset","name":"d","contents":{"url":"https://example.org"}}]}}}],"x":1}"#;
    let rules: Vec<String> = lint(minimal).into_iter().map(|f| f.rule).collect();
    assert!(
        rules.contains(&"bom/missing-hash".to_owned()) && !rules.contains(&"bom/unreadable".to_owned()),
        "{rules:?}"
    );
}

#[test]
fn the_files_described_have_no_findings() {
    assert_eq!(verify(&BOM, &files()).unwrap(), []);
}

#[test]
fn every_difference_from_the_files_is_a_finding() {
    let changed = [file("model.onnx", b"other"), file("labels.json", b"l"), file("extra.py", b"")];
    let findings = verify(&BOM, &changed).unwrap();
    let found: Vec<(&str, &str)> =
        findings.iter().map(|f| (f.rule.as_str(), f.place.path.as_str())).collect();
    assert_eq!(
        found,
        [
            ("bom/file-changed", "model.onnx"),
            ("bom/file-missing", "bin/convert"),
            ("bom/file-unlisted", "extra.py"),
            ("bom/model-digest", "bom"),
        ]
    );
    let mut plain = files();
    plain[2].mode = FileMode::Regular;
    let findings = verify(&BOM, &plain).unwrap();
    assert_eq!(findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["bom/model-digest"]);
}

#[test]
fn a_document_that_proves_nothing_says_so() {
    let rules = |change: fn(&mut Value)| {
        let mut bom = value();
        change(&mut bom);
        let verdict = verify(&serde_json::to_vec(&bom).unwrap(), &files());
        verdict.map(|findings| findings.into_iter().map(|f| f.rule).collect::<Vec<_>>())
    };
    let no_hash = rules(|b| {
        b["metadata"]["component"]["components"][0]["hashes"] = json!([{"alg": "MD5", "content": ""}])
    });
    assert_eq!(no_hash.unwrap(), ["bom/file-without-hash"]);
    let no_digest = rules(|b| b["metadata"]["component"]["properties"] = json!([]));
    assert_eq!(no_digest.unwrap(), ["bom/no-model-digest"]);
    let no_files = rules(|b| b["metadata"]["component"]["components"] = json!([]));
    assert_eq!(no_files.unwrap(), ["bom/file-unlisted"; 3]);
    let twice = rules(|b| {
        let files = b["metadata"]["component"]["components"].as_array_mut().unwrap();
        files.push(files[0].clone());
    });
    assert_eq!(twice.unwrap(), ["bom/file-repeated"]);
    assert!(matches!(
        rules(|b| b["metadata"]["component"]["type"] = json!("application")),
        Err(Error::NoModel)
    ));
    let two = rules(|b| {
        b["metadata"]["component"]["type"] = json!("application");
        b["components"] = json!([{"type": "machine-learning-model", "name": "a"}, {"type": "machine-learning-model", "name": "b"}]);
    });
    assert!(matches!(two, Err(Error::SeveralModels(2))));
}

#[test]
fn a_member_that_two_readers_read_differently_is_refused() {
    let twice = String::from_utf8(BOM.clone()).unwrap().replacen(
        r#""version": 1"#,
        r#""version": 1, "version": 2"#,
        1,
    );
    assert_eq!(lint(twice.as_bytes())[0].rule, "bom/unreadable");
}

#[test]
fn findings_do_not_steer_terminals() {
    let mut bom = value();
    bom["metadata"]["component"]["components"][0]["name"] = json!("\u{1b}[2J");
    bom["metadata"]["component"]["components"][0]["type"] = json!("file");
    bom["components"][0]["type"] = json!("\u{1b}[2J");
    let bytes = serde_json::to_vec(&bom).unwrap();
    for finding in lint(&bytes).into_iter().chain(verify(&bytes, &files()).unwrap()) {
        assert!(!format!("{}{}", finding.message, finding.place).contains('\u{1b}'), "{finding:?}");
    }
    let odd = lint(b"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":\"\\u001b\"}");
    assert!(!odd[0].message.contains('\u{1b}'));
}

#[test]
fn depth_is_bounded() {
    let deep = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}1{}}}"#,
        r#"[{"type":"file","name":"a","components":"#.repeat(50_000),
        "}]".repeat(50_000)
    );
    assert_eq!(lint(deep.as_bytes())[0].rule, "bom/unreadable");
}

proptest! {
    #[test]
    fn no_bytes_break_the_linter(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut bytes = BOM.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = lint(&bytes);
        let _ = verify(&bytes, &files());
        let _ = lint(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn arbitrary_bytes_are_a_finding(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!lint(&bytes).is_empty());
    }

    /// Whatever changes about the files, the document notices.
    #[test]
    fn no_change_goes_unnoticed(pick in 0usize..3, what in 0usize..4) {
        let mut changed = files();
        match what {
            0 => changed[pick].content = Digest::of(b"swapped"),
            1 => changed[pick].size += 1,
            2 => drop(changed.remove(pick)),
            _ => changed[pick].path = "renamed".parse().unwrap(),
        }
        prop_assert!(!verify(&BOM, &changed).unwrap().is_empty());
    }
}
