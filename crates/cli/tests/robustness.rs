//! `attack` and `harden` as people call them.

#![expect(clippy::unwrap_used, reason = "a test panics where it cannot go on")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{header, npz, stored};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../onnx/tests/fixtures/mlp_naive.onnx");
const TREES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../onnx/tests/fixtures/gbt.onnx");
const TABULAR: &[u8] = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32");
const REGRESSOR: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../onnx/tests/fixtures/classic/forest_regressor.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn proofhouse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A `.npz` archive of digits.
fn archive(dir: &Path, name: &str, from: usize, n: usize) -> PathBuf {
    let records = || DIGITS.chunks_exact(65).skip(from).take(n);
    let x: Vec<f32> = records().flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect();
    let y: Vec<u8> = records().map(|r| r[0]).collect();
    let path = dir.join(name);
    std::fs::write(&path, npz(&x, &[1, 8, 8], &y)).unwrap();
    path
}

/// Rows of a table of 30 columns with two classes.
fn table(dir: &Path, n: usize) -> PathBuf {
    let records = || TABULAR.chunks_exact(121).take(n);
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    let x: Vec<f32> = records().flat_map(|r| r[1..].chunks_exact(4).map(number)).collect();
    let y: Vec<u8> = records().map(|r| r[0]).collect();
    let path = dir.join("table.npz");
    std::fs::write(&path, npz(&x, &[30], &y)).unwrap();
    path
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

/// A build without the feature says how to get one with it; one with it says where a library is to be had.
#[test]
fn another_runtime_is_to_be_had() {
    let dir = tempfile::tempdir().unwrap();
    let data = archive(dir.path(), "test.npz", 0, 4);
    let data = data.to_str().unwrap();
    let says = if cfg!(feature = "ort") { "--ort-library or ORT_DYLIB_PATH" } else { "--features ort" };
    let out = dir.path().join("hard.onnx");
    for verb in [&["attack", "--model", MODEL, "--eps", "0.1"][..], &["harden", MODEL, "--eps", "0.1"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        command.args(verb).args(["--data", data, "--engine", "ort"]).env_remove("ORT_DYLIB_PATH");
        if verb[0] == "harden" {
            command.arg("--output").arg(&out);
        }
        let (code, _, err) = said(&command.output().unwrap());
        assert!(code == 2 && err.contains(says), "{err}");
    }
    let elsewhere =
        ["attack", "--endpoint", "http://127.0.0.1:1/v2/models/m", "--data", data, "--eps", "0.1"];
    let (code, _, err) = said(&proofhouse(&[&elsewhere[..], &["--engine", "ort"]].concat()));
    assert!(code == 2 && err.contains("runs somewhere else"), "{err}");
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

#[test]
fn of_trees_attack_and_proof_meet_and_a_page_shows_both() {
    let dir = tempfile::tempdir().unwrap();
    let data = table(dir.path(), 30);
    let page = dir.path().join("page.html");
    let first = ["attack", "--model", TREES, "--data", data.to_str().unwrap(), "--queries", "50"];
    let more = ["--eps", "0.03,0.1", "--format", "json", "--html", page.to_str().unwrap()];
    let (code, out, err) = said(&proofhouse(&[&first[..], &more].concat()));
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let (left, proved) = (&report["report"]["robust_correct"], &report["report"]["certified"]["rows"]);
    assert_eq!(left.as_u64().unwrap(), proved.as_array().unwrap().len() as u64, "{out}");
    assert!(report["report"]["attack"].as_str().unwrap().starts_with("trees-exact"));
    for point in report["curve"].as_array().unwrap() {
        assert_eq!(point["certified"]["value"], point["robust_accuracy"]["value"]);
    }
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("proved: at least this") && page.contains("fig-evasion-classes"));
    // By labels alone it takes walks, which find no more than there is.
    let blind = [&first[..], &["--eps", "0.1", "--labels-only", "--prove", "none", "--rows", "6"]].concat();
    let (code, out, err) = said(&proofhouse(&blind));
    assert!(
        code == 0 && out.contains("hopskipjump") && out.contains("--labels-only was asked for"),
        "{out} {err}"
    );
}

#[test]
fn a_table_is_changed_by_its_rules_and_a_price_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    let data = table(dir.path(), 12);
    let rules = dir.path().join("rules.yaml");
    std::fs::write(&rules, "columns:\n  - { column: c0, change: never }\n  - { column: c1, change: up }\n")
        .unwrap();
    let page = dir.path().join("prices.html");
    let ask = |rules: &Path| {
        let first =
            ["attack", "table", "--model", TREES, "--data", data.to_str().unwrap(), "--queries", "200"];
        let more = ["--domain", rules.to_str().unwrap(), "--budget", "0.2", "--format", "json"];
        said(&proofhouse(&[&first[..], &more, &["--html", page.to_str().unwrap()]].concat()))
    };
    let (code, out, err) = ask(&rules);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let rows = report["report"]["rows"].as_array().unwrap();
    assert!(rows.len() > 8 && report["report"]["proved"]["value"].is_f64(), "{out}");
    for row in rows {
        let (found, least) = (row["cost"].as_f64(), row["at_least"].as_f64());
        assert!(found.is_none_or(|found| least.is_some_and(|least| least <= found + 1e-6)), "{row}");
        assert!(row["changes"].as_array().unwrap().iter().all(|change| change[0] != "c0"), "{row}");
    }
    assert!(std::fs::read_to_string(&page).unwrap().contains("proved: no more than these can"));
    std::fs::write(&rules, "columns:\n  - { column: age, change: never }\n").unwrap();
    let (code, _, err) = ask(&rules);
    assert!(code == 2 && err.contains("column age") && err.contains("columns are c0, c1"), "{code} {err}");
}

#[test]
fn regressors_are_moved_and_told_from_classifiers() {
    let dir = tempfile::tempdir().unwrap();
    let mut x = header("<f4", "(6, 4)");
    x.extend((0..24).flat_map(|i: i32| (f32::from(i16::try_from(i * 7 % 13).unwrap()) / 13.0).to_le_bytes()));
    let mut y = header("<f4", "(6,)");
    y.extend((0..6).flat_map(|i: i16| (f32::from(i) + 0.5).to_le_bytes()));
    let data = dir.path().join("numbers.npz");
    std::fs::write(&data, stored(&[("x.npy", &x), ("y.npy", &y)])).unwrap();
    let data = data.to_str().unwrap();
    let first =
        ["attack", "regressor", "--model", REGRESSOR, "--data", data, "--eps", "0.2", "--steps", "40"];
    let (code, out, err) =
        said(&proofhouse(&[&first[..], &["--box=-9,9", "--tolerance", "0.001", "--most", "0.1"]].concat()));
    assert!(code == 1 && out.contains("moved by") && out.contains("without gradients"), "{code} {out} {err}");
    // Its answers are no classes, and the classes are no whole numbers.
    let (code, _, err) =
        said(&proofhouse(&["attack", "--model", REGRESSOR, "--data", data, "--eps", "0.2", "--box=-9,9"]));
    assert!(code == 2 && err.contains("attack regressor"), "{code} {err}");
}

#[test]
fn images_are_changed_as_the_world_does() {
    let dir = tempfile::tempdir().unwrap();
    let data = archive(dir.path(), "test.npz", 0, 20);
    let page = dir.path().join("natural.html");
    let first = ["attack", "natural", "--model", MODEL, "--data", data.to_str().unwrap()];
    let more = ["--kind", "rotation,fog", "--worst", "2", "--queries", "30", "--universal", "0.1"];
    let last = ["--format", "json", "--html", page.to_str().unwrap()];
    let (code, out, err) = said(&proofhouse(&[&first[..], &more, &last].concat()));
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["curves"].as_array().unwrap().len(), 2);
    assert_eq!(report["curves"][0]["points"].as_array().unwrap().len(), 5);
    assert!(
        report["worst"]["evaded"].as_u64().unwrap() > 0 && report["universal"]["success"]["n"] == 10,
        "{out}"
    );
    assert!(std::fs::read_to_string(page).unwrap().contains("fig-severity-2"));
    let (code, _, err) = said(&proofhouse(&[&first[..], &["--kind", "rain"]].concat()));
    assert!(code == 2 && err.contains("the kinds are rotation"), "{err}");
}

#[test]
fn what_a_model_gives_away_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let (some, others) = (archive(dir.path(), "a.npz", 0, 60), archive(dir.path(), "b.npz", 100, 60));
    let (some, others) = (some.to_str().unwrap(), others.to_str().unwrap());
    let ask = |kind: &str, more: &[&str]| {
        let first = ["attack", kind, "--model", MODEL, "--data", some, "--format", "json"];
        let (code, out, err) = said(&proofhouse(&[&first[..], more].concat()));
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{kind} {code}: {err}"));
        (code, report)
    };
    let (_, told) =
        ask("membership", &["--others", others, "--shadows", "2", "--epochs", "3", "--copies", "5"]);
    assert_eq!(told["reports"].as_array().unwrap().len(), 3, "{told}");
    let (code, copied) = ask("extraction", &["--queries", "50,200", "--per-hour", "100", "--most", "0.1"]);
    assert!(code == 1 && copied["report"]["copies"][1]["hours"] == 2.0, "{copied}");
    let (_, drawn) = ask("inversion", &["--steps", "10"]);
    assert_eq!(drawn["report"]["classes"].as_array().unwrap().len(), 10);
    let (_, sought) = ask("backdoor", &["--steps", "15"]);
    assert_eq!(sought["triggers"]["classes"].as_array().unwrap().len(), 10);
    let (_, timed) = ask("sponge", &["--queries", "80", "--repetitions", "2"]);
    assert!(timed["report"]["factor"].as_f64().unwrap() > 0.0);
    let (_, guessed) = ask("attribute", &["--column", "20"]);
    assert!(guessed["report"]["guessed"]["value"].is_f64());
    let (_, property) =
        ask("property", &["--column", "20", "--at-least", "0.5", "--shadows", "3", "--epochs", "2"]);
    assert_eq!(property["report"]["told"]["n"], 6);
}

/// The one file below `dir` with that extension.
fn walk(dir: &Path, extension: &str) -> String {
    let files = walkdir::WalkDir::new(dir).into_iter().filter_map(Result::ok);
    let mut named = files.filter(|f| f.path().extension().is_some_and(|e| e == extension));
    named.next().unwrap().path().to_str().unwrap().to_owned()
}
