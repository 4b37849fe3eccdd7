//! What each verb says by itself.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::scene::{Scene, files_below, text};

/// Every verb, with those below it.
const VERBS: &[&[&str]] = &[
    &["run"],
    &["system", "schema"],
    &["system", "check"],
    &["keygen"],
    &["plan"],
    &["assess"],
    &["gate"],
    &["release"],
    &["deploy"],
    &["recall"],
    &["status"],
    &["report"],
    &["risk"],
    &["scan"],
    &["attack"],
    &["harden"],
    &["guard"],
    &["redteam"],
    &["gateway"],
    &["approve"],
    &["dataset"],
    &["bom", "write"],
    &["bom", "lint"],
    &["bom", "verify"],
    &["sign"],
    &["verify", "model"],
    &["verify", "statement"],
    &["verify", "certificate"],
    &["policy", "test"],
    &["policy", "lint"],
    &["policy", "export"],
    &["policy", "eval"],
    &["ledger", "verify"],
    &["ledger", "show"],
    &["ledger", "object"],
    &["ledger", "export"],
    &["ledger", "rebuild"],
    &["serve"],
    &["completions"],
];

#[test]
fn every_verb_explains_itself() {
    let scene = Scene::quick("help");
    let all = scene.proofhouse(&["--help"]).exits(0).prints(&["Exit codes: 0 clean or allowed", "NO_COLOR"]);
    for verb in VERBS {
        assert!(all.out.contains(&format!("\n  {}", verb[0])), "{} is not listed", verb[0]);
        let said =
            scene.proofhouse(&[verb, &["--help"][..]].concat()).exits(0).prints(&["Usage: proofhouse"]);
        assert!(said.err.is_empty(), "{said}");
    }
    // The list above is whole: every line of the overview is a verb of it, or the help itself.
    let listed = all.out.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap().lines();
    for line in listed.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let verb = line.split_whitespace().next().unwrap();
        assert!(verb == "help" || VERBS.iter().any(|v| v[0] == verb), "{verb} is not tested");
    }
    let said = scene.proofhouse(&["recal"]).exits(2);
    assert!(said.err.contains("recall"), "a near name is offered: {said}");
    scene.proofhouse(&["--version"]).exits(0).prints(&[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn completions_know_the_verbs() {
    let scene = Scene::quick("completions");
    for shell in ["bash", "zsh", "fish"] {
        scene.proofhouse(&["completions", shell]).exits(0).prints(&["proofhouse", "recall", "ledger"]);
    }
}

#[test]
fn the_schema_is_json_schema_and_knows_the_examples_keys() {
    let scene = Scene::quick("schema");
    let schema = scene.proofhouse(&["system", "schema"]).exits(0).json();
    assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"), "{schema:#}");
    let example = fs::read_to_string(scene.file("proofhouse.yaml")).unwrap();
    let keys = example.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    for key in keys.filter_map(|line| line.split(':').next()) {
        assert!(schema["properties"].get(key).is_some(), "the schema does not know {key}");
    }
    scene.proofhouse(&["system", "check", "."]).exits(0).prints(&["4 datasets", "digest sha256:"]);
}

#[test]
fn scans_speak_to_people_machines_and_code_hosts() {
    let scene = Scene::quick("scan-formats");
    fs::write(scene.file("bad.pkl"), "cos\nsystem\n(S\"true\"\ntR.").unwrap();
    scene.proofhouse(&["scan", "model"]).exits(0).prints(&["model: clean"]);
    let sarif = scene.proofhouse(&["scan", "model", "bad.pkl", "--format", "sarif"]).exits(1).json();
    assert_eq!(sarif["version"], "2.1.0");
    let rules: Vec<&str> =
        sarif["runs"][0]["results"].as_array().unwrap().iter().filter_map(|r| r["ruleId"].as_str()).collect();
    assert!(rules.contains(&"pickle/unsafe-call"), "{rules:?}");
    let found = scene.proofhouse(&["scan", "bad.pkl", "--format", "json"]).exits(1).json();
    assert_eq!(found[0]["report"]["findings"][0]["rule"], "pickle/unsafe-call");
    // One path that is not there neither hides what another holds, nor passes.
    let said = scene.proofhouse(&["scan", "nowhere", "bad.pkl"]).exits(1).complains(&["nowhere"]);
    said.prints(&["pickle/unsafe-call"]);
    scene.proofhouse(&["scan", "nowhere", "model"]).exits(2).complains(&["nowhere"]);
}

#[test]
fn every_rule_is_listed_and_explained() {
    let scene = Scene::quick("rules");
    let listed = scene.proofhouse(&["scan", "--list-rules"]).exits(0);
    assert!(listed.out.lines().count() > 20, "{listed}");
    scene.proofhouse(&["scan", "--explain", "pickle/unsafe-call"]).exits(0).prints(&[
        "pickle/unsafe-call",
        "critical",
        "What to do:",
    ]);
    scene
        .proofhouse(&["scan", "--explain", "pickle/unsafe"])
        .refuses(&["pickle/unsafe;", "pickle/unsafe-call"]);
    scene.proofhouse(&["scan", "--explain", "nonsense"]).refuses(&["nonsense", "--list-rules"]);
}

#[test]
fn policies_are_tested_linted_and_handed_out() {
    let scene = Scene::quick("policy");
    scene.proofhouse(&["policy", "test"]).exits(0).prints(&[" 0 failed"]);
    scene.proofhouse(&["policy", "lint"]).exits(0);
    scene.proofhouse(&["policy", "export", "policies"]).exits(0).prints(&["release.rego"]);
    scene.proofhouse(&["policy", "test", "policies"]).exits(0).prints(&[" 0 failed"]);
    scene.proofhouse(&["policy", "export", "policies"]).refuses(&["policies is not empty"]);
    // A test that fails is a finding.
    let rule = "package proofhouse.release_test\n\nimport rego.v1\n\ntest_never if false\n";
    fs::write(scene.file("policies/never_test.rego"), rule).unwrap();
    scene.proofhouse(&["policy", "test", "policies"]).exits(1).prints(&["FAIL", "test_never", " 1 failed"]);
}

#[test]
fn decisions_can_be_asked_for_over_standard_input() {
    let scene = Scene::quick("eval");
    let mut child = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args(["policy", "eval", "release", "-"])
        .current_dir(scene.project())
        .env_remove("PROOFHOUSE_POLICY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"schema\": \"proofhouse.release/v1\"}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(decision["allow"], false);
    assert!(!decision["deny"].as_array().unwrap().is_empty());
}

#[test]
fn plans_datasets_boms_and_ledgers_speak_json() {
    let scene = Scene::quick("json");
    let plan = scene.proofhouse(&["plan", ".", "--format", "json"]).exits(0).json();
    assert_eq!(plan["threats"].as_array().unwrap().len(), 130);
    assert!(!plan["questions"].as_array().unwrap().is_empty());
    let arguments = ["dataset", "data/test.parquet", "--label", "label", "--format", "json"];
    let dataset = scene.proofhouse(&arguments).exits(0).json();
    assert_eq!(dataset["manifest"]["rows"], 200);

    let bom = scene.proofhouse(&["bom", "write", "."]).exits(0);
    assert_eq!(bom.json()["bomFormat"], "CycloneDX");
    fs::write(scene.file("bom.json"), &bom.out).unwrap();
    scene.proofhouse(&["bom", "verify", "bom.json", "model"]).exits(0).prints(&["no fault found"]);
    fs::write(scene.file("model/extra.json"), "{}").unwrap();
    scene.proofhouse(&["bom", "verify", "bom.json", "model"]).exits(1).prints(&["extra.json"]);
    fs::write(scene.file("bom.json"), "[]").unwrap();
    let said = scene.proofhouse(&["bom", "lint", "bom.json"]);
    assert!(matches!(said.code, Some(1 | 2)), "{said}");

    let exported = scene.beside("exported");
    scene.proofhouse(&["ledger", "export", "--home", ".proofhouse", text(&exported)]).exits(0);
    assert!(files_below(&exported).len() >= 3, "{:?}", files_below(&exported));
    assert_eq!(scene.entries("plan-written").len(), 2);
    let arguments = ["ledger", "show", "--home", ".proofhouse", "--kind", "nonsense"];
    scene.proofhouse(&arguments).refuses(&["nonsense"]);
}
