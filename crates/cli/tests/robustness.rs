//! `attack` and `harden` as people call them.

#![expect(clippy::unwrap_used, reason = "a test panics where it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../onnx/tests/fixtures/mlp_naive.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn proofhouse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A `.npz` archive of digits, stored: what `numpy.savez` writes.
fn archive(dir: &Path, name: &str, from: usize, n: usize) -> PathBuf {
    let records = || DIGITS.chunks_exact(65).skip(from).take(n);
    let header = |descr: &str, shape: &str| {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text.into_bytes());
        bytes
    };
    let mut x = header("<f4", &format!("({n}, 1, 8, 8)"));
    x.extend(records().flat_map(|r| r[1..].iter().flat_map(|p| (f32::from(*p) / 16.0).to_le_bytes())));
    let mut y = header("|u1", &format!("({n},)"));
    y.extend(records().map(|r| r[0]));
    let path = dir.join(name);
    std::fs::write(&path, stored(&[("x.npy", &x), ("y.npy", &y)])).unwrap();
    path
}

/// A zip archive without compression.
fn stored(members: &[(&str, &[u8])]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    };
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &crc(content).to_le_bytes(), &size, &size].concat();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        directory.extend([&b"PK\x01\x02\x14\x00"[..], &common, &length, &[0; 12]].concat());
        directory.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend([&b"PK\x03\x04"[..], &common, &length, &[0, 0], name.as_bytes(), content].concat());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let (at, size) = (bytes.len(), directory.len());
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    bytes.extend(directory);
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &number(size), &number(at), &[0, 0]].concat());
    bytes
}

#[test]
fn attacks_are_counted_repeat_and_decide_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let data = archive(dir.path(), "test.npz", 0, 30);
    let data = data.to_str().unwrap();
    let ask = |more: &[&str]| {
        let first = ["attack", "--model", MODEL, "--data", data, "--with", "pgd,square", "--steps", "10"];
        said(&proofhouse(&[&first[..], &["--queries", "100", "--format", "json"], more].concat()))
    };
    let (code, out, err) = ask(&["--eps", "0.06,0.12", "--require", "0.99"]);
    assert_eq!(code, 1, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let evaded = report["report"]["evaded"].as_u64().unwrap();
    assert!(evaded > 2 && report["report"]["attack"] == "pgd+square", "{out}");
    assert_eq!(report["report"]["confirmed_by"].as_array().unwrap().len(), 2);
    assert!(report["curve"][1]["evaded"].as_u64().unwrap() > report["curve"][0]["evaded"].as_u64().unwrap());
    assert_eq!(report["claim"]["claim"], "fell");
    assert_eq!(
        ask(&["--eps", "0.06,0.12", "--require", "0.99"]).1,
        out,
        "the same seed gives the same bytes"
    );
    // Without the weights less is found, and the report says why it looked no further.
    let (code, out, err) = said(&proofhouse(&[
        "attack",
        "--model",
        MODEL,
        "--data",
        data,
        "--eps",
        "0.06",
        "--black-box",
        "--queries",
        "50",
    ]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("--black-box was asked for") && out.contains("an upper bound"), "{out}");
}

#[test]
fn what_cannot_be_attacked_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let data = archive(dir.path(), "test.npz", 0, 10);
    let lone = dir.path().join("lone.npz");
    std::fs::write(&lone, stored(&[("rows.npy", b"\x93NUMPY")])).unwrap();
    for (arguments, says) in [
        (vec!["--data", data.to_str().unwrap(), "--eps", "20", "--box", "0,255"], "look scaled to 0..=1"),
        (vec!["--data", data.to_str().unwrap(), "--eps", "0"], "eps is a positive number"),
        (vec!["--data", lone.to_str().unwrap(), "--eps", "0.1"], "not a readable NumPy file"),
        (vec!["--data", "nowhere.npz", "--eps", "0.1"], "cannot read nowhere.npz"),
        (
            vec!["--data", data.to_str().unwrap(), "--eps", "0.1", "--with", "pgd", "--black-box"],
            "leave --black-box out",
        ),
    ] {
        let (code, _, err) = said(&proofhouse(&[&["attack", "--model", MODEL], &arguments[..]].concat()));
        assert!(code == 2 && err.contains(says), "{arguments:?}: {code} {err}");
    }
}

#[test]
fn a_model_is_hardened_signed_and_attacked_again() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (train, test) = (archive(dir.path(), "train.npz", 0, 150), archive(dir.path(), "test.npz", 150, 40));
    let keys = proofhouse(&["keygen", "--home", &at("keys")]);
    assert!(keys.status.success(), "{}", said(&keys).2);
    let key = walk(dir.path(), "key");
    let public = walk(dir.path(), "pub");
    let first = ["harden", MODEL, "--data", train.to_str().unwrap(), "--test", test.to_str().unwrap()];
    let rest =
        ["--eps", "0.06", "--epochs", "6", "--batch", "32", "--steps", "3", "--queries", "50", "--seed", "1"];
    let (output, checkpoint) = (at("hardened.onnx"), at("run.ckpt"));
    let last = ["--checkpoint", &checkpoint, "--key", &key, "--format", "json", "-o", &output];
    let (code, out, err) = said(&proofhouse(&[&first[..], &rest, &last].concat()));
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let share = |when: &str| report[when]["robust"]["value"].as_f64().unwrap();
    assert!(share("after") > share("before"), "{out}");
    // The statement speaks of the file that was written.
    let lineage = format!("{output}.lineage.json");
    let verified = proofhouse(&["verify", "statement", &lineage, "--key", &public]);
    let (code, shown, err) = said(&verified);
    assert_eq!(code, 0, "{err}");
    let new = report["new"].as_str().unwrap().trim_start_matches("sha256:");
    assert!(shown.contains(new) && shown.contains("hardening/v1"), "{shown}");
    // A finished training that is asked for again is not done again, and ends in the same file.
    let before = std::fs::read(&output).unwrap();
    let (code, _, err) = said(&proofhouse(&[&first[..], &rest, &last].concat()));
    assert!(code == 0 && err.contains("goes on after epoch 6"), "{err}");
    assert_eq!(std::fs::read(&output).unwrap(), before);
    // And another recipe does not go on from it.
    let other = [&first[..], &["--eps", "0.05", "--checkpoint", &checkpoint, "-o", &output]].concat();
    let (code, _, err) = said(&proofhouse(&other));
    assert!(code == 2 && err.contains("another recipe"), "{code} {err}");
}

/// The one file below `dir` with that extension.
fn walk(dir: &Path, extension: &str) -> String {
    let files = walkdir::WalkDir::new(dir).into_iter().filter_map(Result::ok);
    let mut named = files.filter(|f| f.path().extension().is_some_and(|e| e == extension));
    named.next().unwrap().path().to_str().unwrap().to_owned()
}
