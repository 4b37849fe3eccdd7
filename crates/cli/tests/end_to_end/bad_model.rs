//! Models that are damaged, lie, or are hostile. The gate denies with the file's name; an error is no pass.

use std::fs;

use crate::scene::{Said, Scene, text};

const MODEL: &str = "model/cheque-digits.onnx";

/// Asserts that the gate denies and that whoever reads the answer learns these.
#[track_caller]
fn denied(scene: &Scene, parts: &[&str]) -> Said {
    let said = scene.proofhouse(&["gate", "."]).exits(1).prints(&["DENY"]).prints(parts);
    scene.assert_nothing_half_written();
    assert!(!scene.home().join("releases").exists(), "what is denied is not released");
    said
}

#[test]
fn a_truncated_model_is_denied_at_whatever_length() {
    let scene = Scene::quick("truncated");
    let whole = fs::read(scene.file(MODEL)).unwrap();
    for length in [0, 1, 10, 1200, whole.len() / 2, whole.len() - 1] {
        fs::write(scene.file(MODEL), &whole[..length]).unwrap();
        denied(&scene, &["scan/failed", "cheque-digits.onnx"]);
    }
    // Without its attacks a life is quickly over: it is denied, and the report says so.
    let said = scene.proofhouse(&["run", ".", "--format", "json"]).exits(1);
    assert_eq!(said.json()["outcome"], "denied");
    assert!(scene.home().join("report.html").is_file());
    scene.verify_ledger().exits(0);
}

#[test]
fn an_initializer_that_is_smaller_than_it_says_is_denied() {
    let scene = Scene::quick("lying-dims");
    let mut bytes = fs::read(scene.file(MODEL)).unwrap();
    // TensorProto of the last bias: dims = [10] (field 1), data_type = FLOAT (2), name (8).
    let said: &[u8] = b"\x08\x0a\x10\x01B\x07f2.bias";
    let at = bytes.windows(said.len()).position(|w| w == said).unwrap();
    bytes[at + 1] = 0x7f;
    fs::write(scene.file(MODEL), bytes).unwrap();
    denied(&scene, &["f2.bias"]);
    scene.proofhouse(&["scan", "model"]).exits(1).prints(&["cheque-digits.onnx", "f2.bias"]);
}

#[test]
fn a_model_that_is_not_where_the_system_file_says_is_named() {
    let scene = Scene::quick("renamed");
    fs::rename(scene.file(MODEL), scene.file("model/other.onnx")).unwrap();
    denied(&scene, &["cheque-digits.onnx; it does not"]);
    fs::rename(scene.file("model"), scene.file("models")).unwrap();
    for command in ["assess", "gate", "run"] {
        scene.proofhouse(&[command, "."]).complains(&["model", "No such file"]).exits(2);
    }
    scene.verify_ledger().exits(0);
}

#[test]
fn a_hostile_pickle_beside_the_model_is_found_and_denied() {
    let scene = Scene::quick("pickle");
    // Protocol 0: import os.system, call it with the string "true". Nothing here ever loads it.
    fs::write(scene.file("model/weights.pkl"), "cos\nsystem\n(S\"true\"\ntR.").unwrap();
    let said = scene.proofhouse(&["scan", "model"]).exits(1);
    said.prints(&["malicious", "weights.pkl", "pickle/unsafe-call", "os.system"]);
    denied(&scene, &["scan/critical", "weights.pkl", "os.system"]);
    let said = scene.proofhouse(&["release", "."]).exits(1).prints(&["DENY"]);
    assert!(!said.out.contains("released as"), "{said}");
}

#[test]
fn a_model_changed_after_it_was_signed_is_neither_verified_nor_served() {
    let scene = Scene::quick("tampered");
    scene.proofhouse(&["keygen"]).exits(0);
    let (signature, key) = (scene.beside("model.sig"), scene.home().join("keys/signer.pub"));
    let digest = scene.digest();
    let private = scene.home().join("keys/signer.key");
    let sign = ["sign", "model", "--key", text(&private), "--output"];
    scene.proofhouse(&[&sign[..], &[text(&signature)]].concat()).exits(0);
    let verify = ["verify", "model", "model", "--signature", text(&signature), "--key", text(&key)];
    scene.proofhouse(&verify).exits(0).prints(&[&digest]);
    let serve = |digest: &str| {
        let options = ["--signature", text(&signature), "--key", text(&key), "--lease-ms", "200"];
        scene.proofhouse(&[&["serve", "--model", "model", "--digest", digest], &options[..]].concat())
    };
    // Without anybody who renews its lease, the instance announces itself and stops.
    serve(&digest).exits(0).prints(&[&digest]);

    let mut bytes = fs::read(scene.file(MODEL)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(scene.file(MODEL), bytes).unwrap();
    scene.proofhouse(&verify).exits(1).complains(&["cheque-digits.onnx has changed"]);
    let said = serve(&digest).refuses(&["cheque-digits.onnx has changed"]);
    assert!(said.out.is_empty(), "it announced itself: {said}");

    // A good signature does not serve under another digest, and a signature does not lie in what it signs.
    let signed = scene.proofhouse(&[&sign[..], &[text(&signature)]].concat()).exits(0);
    assert!(!signed.out.contains(&digest));
    serve(&digest).refuses(&[&digest]);
    scene.proofhouse(&[&sign[..], &["model/model.sig"]].concat()).refuses(&["inside the folder"]);
    assert!(!scene.file("model/model.sig").exists());
}

#[test]
fn a_file_added_after_signing_is_found() {
    let scene = Scene::quick("added");
    scene.proofhouse(&["keygen"]).exits(0);
    let (signature, key) = (scene.beside("model.sig"), scene.home().join("keys/signer.pub"));
    let private = scene.home().join("keys/signer.key");
    scene.proofhouse(&["sign", "model", "--key", text(&private), "--output", text(&signature)]).exits(0);
    fs::write(scene.file("model/extra.json"), "{}").unwrap();
    let said =
        scene.proofhouse(&["verify", "model", "model", "--signature", text(&signature), "--key", text(&key)]);
    said.exits(1).complains(&["extra.json"]);
}
