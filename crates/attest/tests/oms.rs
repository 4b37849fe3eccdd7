//! OpenSSF Model Signing bundles: ours, the reference implementation's, and hostile ones.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like the tests")]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofhouse_attest::oms::{self, FileDifference, MODEL_DIGEST};
use proofhouse_attest::{Error, SigningKey, TrustedKeys, VerifyingKey, dsse};
use proofhouse_core::{Digest, FileEntry, FileMode, model_digest};
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

fn model() -> Vec<FileEntry> {
    vec![file("weights.bin", b"w"), file("a/b", b"b"), file("a.txt", b"t")]
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().unwrap());
static TRUSTED: LazyLock<TrustedKeys> = LazyLock::new(|| KEY.verifying_key().into());
static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(|| bundle_of(&model()));

fn bundle_of(files: &[FileEntry]) -> Vec<u8> {
    oms::sign("reader", files, &KEY).unwrap().to_json().unwrap()
}

fn parse(bundle: &[u8]) -> (Value, Value) {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    (bundle, serde_json::from_slice(&payload).unwrap())
}

/// What a signer who does not keep to the standard would publish: any payload, validly signed.
fn signed_anyway(payload: &[u8]) -> Vec<u8> {
    let (mut bundle, _) = parse(&BUNDLE);
    let signature = KEY.sign(&dsse::pae("application/vnd.in-toto+json", payload)).unwrap();
    bundle["dsseEnvelope"]["payload"] = json!(STANDARD.encode(payload));
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!(STANDARD.encode(signature));
    serde_json::to_vec(&bundle).unwrap()
}

/// The verdict on our statement with one value replaced or added, signed anew.
fn with_statement(change: impl FnOnce(&mut Value)) -> Result<oms::VerifiedModel, Error> {
    let (_, mut statement) = parse(&BUNDLE);
    change(&mut statement);
    oms::verify(&signed_anyway(&serde_json::to_vec(&statement).unwrap()), &model(), &TRUSTED)
}

fn with_bundle(change: impl FnOnce(&mut Value)) -> Result<oms::VerifiedModel, Error> {
    let (mut bundle, _) = parse(&BUNDLE);
    change(&mut bundle);
    oms::verify(&serde_json::to_vec(&bundle).unwrap(), &model(), &TRUSTED)
}

#[test]
fn a_bundle_has_the_shape_of_the_standard() {
    let (bundle, statement) = parse(&BUNDLE);
    let envelope = &bundle["dsseEnvelope"];
    assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(
        bundle["verificationMaterial"],
        json!({"publicKey": {"hint": KEY.id().to_string()}, "tlogEntries": []})
    );
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    assert_eq!(envelope["signatures"][0]["keyid"], "");

    let (t, b, w) = (Digest::of(b"t"), Digest::of(b"b"), Digest::of(b"w"));
    let root = Digest::of(&[*t.as_bytes(), *b.as_bytes(), *w.as_bytes()].concat());
    let resource =
        |name: &str, d: &Digest| json!({"name": name, "digest": d.to_hex(), "algorithm": "sha256"});
    assert_eq!(
        statement,
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "reader", "digest": {
                "sha256": root.to_hex(),
                MODEL_DIGEST: model_digest(&model()).unwrap().to_hex(),
            }}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {
                "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false},
                // Code-point order: '.' comes before '/'.
                "resources": [resource("a.txt", &t), resource("a/b", &b), resource("weights.bin", &w)],
            },
        })
    );
}

#[test]
fn a_signed_model_verifies_and_signing_is_reproducible() {
    let verified = oms::verify(&BUNDLE, &model(), &TRUSTED).unwrap();
    assert_eq!(verified.name(), "reader");
    assert_eq!(verified.signer(), KEY.id());
    assert_eq!(verified.model_digest(), model_digest(&model()).unwrap());
    assert!(verified.model_digest_signed() && verified.unsigned().is_empty());
    let mut turned = model();
    turned.reverse();
    assert_eq!(bundle_of(&turned), *BUNDLE);
}

#[test]
fn every_difference_is_named() {
    let files = [file("a.txt", b"changed"), file("a/b", b"b"), file("new.py", b"")];
    let Err(Error::Files(differences)) = oms::verify(&BUNDLE, &files, &TRUSTED) else {
        panic!("other files were accepted");
    };
    assert_eq!(
        differences,
        [
            FileDifference::Changed("a.txt".parse().unwrap()),
            FileDifference::Extra("new.py".parse().unwrap()),
            FileDifference::Missing("weights.bin".parse().unwrap()),
        ]
    );
}

#[test]
fn names_and_modes_are_bound() {
    let mut renamed = model();
    renamed[0].path = "payload.pkl".parse().unwrap();
    assert!(matches!(oms::verify(&BUNDLE, &renamed, &TRUSTED), Err(Error::Files(d)) if d.len() == 2));
    let mut executable = model();
    executable[0].mode = FileMode::Executable;
    assert!(matches!(oms::verify(&BUNDLE, &executable, &TRUSTED), Err(Error::ModelDigest { .. })));
}

#[test]
fn nothing_and_nonsense_are_not_signed() {
    assert!(matches!(oms::sign("m", &[], &KEY), Err(Error::EmptyModel)));
    assert!(matches!(oms::sign("m", &[file(".gitignore", b"")], &KEY), Err(Error::EmptyModel)));
    assert!(oms::sign("m", &[file("a", b"1"), file("a", b"2")], &KEY).is_err());
    for name in ["", "a/b", "a\n"] {
        assert!(oms::sign(name, &model(), &KEY).is_err(), "{name:?}");
    }
    assert!(matches!(oms::verify(&BUNDLE, &[], &TRUSTED), Err(Error::EmptyModel)));
}

#[test]
fn files_of_git_are_outside_the_standard_and_inside_the_model_digest() {
    let mut files = model();
    files.push(file(".gitattributes", b"x"));
    files.push(file(".github/ci.yml", b"y"));
    let bundle = bundle_of(&files);
    let (_, statement) = parse(&bundle);
    assert_eq!(statement["predicate"]["serialization"]["ignore_paths"], json!([".gitattributes", ".github"]));
    assert_eq!(statement["predicate"]["resources"].as_array().unwrap().len(), 3);
    assert!(oms::verify(&bundle, &files, &TRUSTED).unwrap().unsigned().is_empty());
    files.last_mut().unwrap().content = Digest::of(b"changed");
    assert!(matches!(oms::verify(&bundle, &files, &TRUSTED), Err(Error::ModelDigest { .. })));
    // A file of git below the top is like any other.
    files.push(file("sub/.gitignore", b""));
    assert!(matches!(oms::verify(&bundle, &files, &TRUSTED), Err(Error::Files(d)) if d.len() == 1));
}

/// See tests/data/model-signing-1.1.1/README.md. Its resources are in another order than the standard's.
#[test]
fn a_bundle_of_the_reference_implementation_verifies() {
    let bundle = include_bytes!("data/model-signing-1.1.1/model.sig");
    let key = VerifyingKey::from_pem(include_str!("data/model-signing-1.1.1/signer.pub")).unwrap();
    let trusted = TrustedKeys::from(key.clone());
    let mut files = vec![
        file(".gitattributes", b"x\n"),
        file(".github/x", b"z\n"),
        file("w.bin", b"y\n"),
        file("a.txt", b"z\n"),
        file("a/b", b"q\n"),
    ];
    let verified = oms::verify(bundle, &files, &trusted).unwrap();
    assert_eq!((verified.name(), verified.signer()), ("m", key.id()));
    assert_eq!(verified.root().to_hex(), "a22cbb8f4af162aec90182dd473f1e3e7d0896dfab38668f18c568c0f2981b92");
    assert!(!verified.model_digest_signed());
    let unsigned: Vec<&str> = verified.unsigned().iter().map(|p| p.as_str()).collect();
    assert_eq!(unsigned, [".gitattributes", ".github/x"]);

    // The reference also lets its signature file's name pass unsigned; here it is one more unsigned file.
    files.push(file("model.sig", b"anything"));
    assert!(matches!(oms::verify(bundle, &files, &trusted), Err(Error::Files(_))));
    files.pop();
    files[2].content = Digest::of(b"Y\n");
    assert!(matches!(oms::verify(bundle, &files, &trusted), Err(Error::Files(_))));
    assert!(matches!(oms::verify(bundle, &files, &TRUSTED), Err(Error::UnknownKey(_))));
}

#[test]
fn statements_outside_the_standard_are_refused_even_if_signed() {
    assert!(with_statement(|_| ()).is_ok(), "the harness itself signs well");
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 22] = [
        ("a name that steers terminals", |s| s["subject"][0]["name"] = json!("\u{1b}[2J")),
        ("another statement type", |s| s["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        ("another predicate", |s| s["predicateType"] = json!("https://model_signing/Signature/v0.1")),
        ("no subject", |s| s["subject"] = json!([])),
        ("two subjects", |s| {
            let subject = s["subject"][0].clone();
            s["subject"].as_array_mut().unwrap().push(subject);
        }),
        ("no root digest", |s| s["subject"][0]["digest"] = json!({"sha512": "00"})),
        ("a wrong root digest", |s| s["subject"][0]["digest"]["sha256"] = json!("00".repeat(32))),
        ("a digest in upper case", |s| {
            let hex = s["predicate"]["resources"][0]["digest"].as_str().unwrap().to_uppercase();
            s["predicate"]["resources"][0]["digest"] = json!(hex);
        }),
        ("a wrong model digest", |s| s["subject"][0]["digest"][MODEL_DIGEST] = json!("00".repeat(32))),
        ("a model digest that is none", |s| s["subject"][0]["digest"][MODEL_DIGEST] = json!("x")),
        ("an empty model", |s| {
            s["predicate"]["resources"] = json!([]);
            s["subject"][0]["digest"]["sha256"] = json!(Digest::of(b"").to_hex());
        }),
        ("an extra member of the statement", |s| s["extra"] = json!(1)),
        ("an extra member of the predicate", |s| s["predicate"]["extra"] = json!(1)),
        ("an extra member of the serialization", |s| s["predicate"]["serialization"]["extra"] = json!(1)),
        ("no allow_symlinks", |s| {
            s["predicate"]["serialization"].as_object_mut().unwrap().remove("allow_symlinks");
        }),
        ("a shard size for whole files", |s| s["predicate"]["serialization"]["shard_size"] = json!(400)),
        ("a fractional shard size", |s| s["predicate"]["serialization"]["shard_size"] = json!(400.5)),
        ("shards", |s| s["predicate"]["serialization"]["method"] = json!("shards")),
        ("another hash", |s| s["predicate"]["serialization"]["hash_type"] = json!("blake3")),
        ("mixed hashes", |s| s["predicate"]["resources"][0]["algorithm"] = json!("blake3")),
        ("a name that is not canonical", |s| s["predicate"]["resources"][0]["name"] = json!("./a.txt")),
        ("a name that leaves the model", |s| s["predicate"]["resources"][0]["name"] = json!("../a.txt")),
    ];
    for (what, change) in cases {
        assert!(with_statement(change).is_err(), "accepted: {what}");
    }
}

#[test]
fn one_name_has_one_digest() {
    let verdict = with_statement(|s| {
        let resources = s["predicate"]["resources"].as_array_mut().unwrap();
        let mut second = resources[0].clone();
        second["digest"] = json!(Digest::of(b"other").to_hex());
        resources.insert(0, second);
    });
    assert!(matches!(verdict, Err(Error::Oms(message)) if message.contains("listed twice")));
}

#[test]
fn a_signer_cannot_hide_files() {
    let mut files = model();
    files.push(file("cache/payload.py", b"harmless"));
    let (_, mut statement) = parse(&BUNDLE);
    statement["predicate"]["serialization"]["ignore_paths"] = json!(["cache"]);
    statement["subject"][0]["digest"].as_object_mut().unwrap().remove(MODEL_DIGEST);
    let bundle = signed_anyway(&serde_json::to_vec(&statement).unwrap());
    assert!(oms::verify(&bundle, &model(), &TRUSTED).is_ok());
    let verdict = oms::verify(&bundle, &files, &TRUSTED);
    assert!(
        matches!(verdict, Err(Error::Files(d)) if d == [FileDifference::Extra("cache/payload.py".parse().unwrap())])
    );
}

#[test]
fn additions_the_schema_allows_are_read() {
    assert!(with_statement(|s| s["subject"][0]["annotations"] = json!({"note": "x"})).is_ok());
    assert!(with_statement(|s| s["predicate"]["resources"][0]["size"] = json!(1)).is_ok());
    assert!(with_statement(|s| s["subject"][0]["digest"]["sha512"] = json!("ab")).is_ok());
    let without = with_statement(|s| {
        s["subject"][0]["digest"].as_object_mut().unwrap().remove(MODEL_DIGEST);
    });
    assert!(!without.unwrap().model_digest_signed());
}

#[test]
fn a_model_of_one_file_may_be_called_a_dot() {
    let files = [file("model.onnx", b"m")];
    let (_, mut statement) = parse(&bundle_of(&files));
    statement["predicate"]["resources"][0]["name"] = json!(".");
    let bundle = signed_anyway(&serde_json::to_vec(&statement).unwrap());
    assert!(oms::verify(&bundle, &files, &TRUSTED).is_ok());
    let two = [file("model.onnx", b"m"), file("x", b"")];
    assert!(matches!(oms::verify(&bundle, &two, &TRUSTED), Err(Error::Oms(_))));
}

#[test]
fn bundles_outside_the_standard_are_refused() {
    assert!(with_bundle(|_| ()).is_ok());
    let hint = "/verificationMaterial/publicKey/hint";
    let keyid = "/dsseEnvelope/signatures/0";
    assert!(with_bundle(|b| *b.pointer_mut(hint).unwrap() = json!("")).is_ok(), "a hint is optional");
    assert!(
        with_bundle(|b| drop(b.pointer_mut(keyid).unwrap().as_object_mut().unwrap().remove("keyid"))).is_ok()
    );

    type Change = fn(&mut Value);
    let cases: [(&str, Change); 11] = [
        ("another media type", |b| {
            b["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.3");
        }),
        ("an extra member", |b| b["extra"] = json!(1)),
        ("an extra member of the envelope", |b| b["dsseEnvelope"]["extra"] = json!(1)),
        ("no signature", |b| b["dsseEnvelope"]["signatures"] = json!([])),
        ("two signatures", |b| {
            let signature = b["dsseEnvelope"]["signatures"][0].clone();
            b["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(signature);
        }),
        ("no key", |b| b["verificationMaterial"] = json!({"tlogEntries": []})),
        ("a certificate", |b| b["verificationMaterial"]["certificate"] = json!({"rawBytes": ""})),
        ("a stranger's hint", |b| {
            b["verificationMaterial"]["publicKey"]["hint"] = json!(Digest::of(b"").to_hex());
        }),
        ("a hint that is none", |b| b["verificationMaterial"]["publicKey"]["hint"] = json!("laptop")),
        ("another payload type", |b| b["dsseEnvelope"]["payloadType"] = json!("text/plain")),
        ("no payload", |b| b["dsseEnvelope"]["payload"] = json!("")),
    ];
    for (what, change) in cases {
        assert!(with_bundle(change).is_err(), "accepted: {what}");
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let (_, statement) = parse(&BUNDLE);
    let text = serde_json::to_string(&statement).unwrap();
    let twice = text.replacen(r#""resources":"#, r#""resources":[],"resources":"#, 1);
    assert_ne!(twice, text);
    let verdict = oms::verify(&signed_anyway(twice.as_bytes()), &model(), &TRUSTED);
    assert!(matches!(verdict, Err(Error::Json { reason, .. }) if reason.contains("appears twice")));
}

#[test]
fn lists_are_bounded() {
    let resource = json!({"name": "a", "digest": "00".repeat(32), "algorithm": "sha256"});
    let verdict = with_statement(|s| {
        s["predicate"]["resources"] = Value::Array(vec![resource; oms::MAX_FILES + 1]);
    });
    assert!(matches!(verdict, Err(Error::Limit { .. })));
    let many = vec![file("a", b""); oms::MAX_FILES + 1];
    assert!(matches!(oms::sign("m", &many, &KEY), Err(Error::Limit { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(oms::verify(&bytes, &model(), &TRUSTED).is_err());
    }

    #[test]
    fn any_statement_that_parses_is_judged_without_panic(
        key in "[a-z_]{1,8}", pick in 0usize..8, value in prop_oneof![
            Just(json!(null)), Just(json!(-1)), Just(json!(1e300)), Just(json!("")), Just(json!([])),
            Just(json!({})), Just(json!([[]])), Just(json!("\u{0}")),
        ],
    ) {
        let at = ["", "/subject", "/subject/0", "/subject/0/digest", "/predicate", "/predicate/serialization",
            "/predicate/resources", "/predicate/resources/0"][pick];
        let verdict = with_statement(|s| {
            let place = s.pointer_mut(at).unwrap();
            match place.as_object_mut() {
                Some(members) => drop(members.insert(key, value)),
                None => *place = value,
            }
        });
        // Members may be added to a subject, its digests and a resource. Nowhere else.
        prop_assert!(verdict.is_err() || [2, 3, 7].contains(&pick));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One changed bit of the signed payload, or of the signature, and nobody trusted has signed.
    #[test]
    fn a_changed_bit_is_refused(in_payload: bool, at: prop::sample::Index, bit in 0u8..8) {
        let (mut bundle, _) = parse(&BUNDLE);
        let pointer = if in_payload { "/dsseEnvelope/payload" } else { "/dsseEnvelope/signatures/0/sig" };
        let field = bundle.pointer_mut(pointer).unwrap();
        let mut bytes = STANDARD.decode(field.as_str().unwrap()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        *field = json!(STANDARD.encode(bytes));
        let verdict = oms::verify(&serde_json::to_vec(&bundle).unwrap(), &model(), &TRUSTED);
        prop_assert!(matches!(verdict, Err(Error::Signature)));
    }

    /// One changed byte anywhere in the file: refused, or at least nothing else is said than before.
    #[test]
    fn a_changed_byte_says_nothing_new(at: prop::sample::Index, byte: u8) {
        let mut bytes = BUNDLE.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(verified) = oms::verify(&bytes, &model(), &TRUSTED) {
            prop_assert_eq!(verified, oms::verify(&BUNDLE, &model(), &TRUSTED).unwrap());
        }
    }
}
