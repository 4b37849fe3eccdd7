//! System files and policies that are not as they should be. Each refusal names the place and what to do,
//! and nothing is made where nothing could be done.

use std::fs;

use crate::scene::{Scene, files_below, text};

/// Replaces text and asserts what `system check` and `run` say about it, on which line below the one where
/// the replacement begins, and that no house was made.
#[track_caller]
fn refused_when_edited(name: &str, from: &str, to: &str, below: usize, parts: &[&str]) {
    let scene = Scene::quick(name);
    scene.edit(from, to);
    let text = fs::read_to_string(scene.file("proofhouse.yaml")).unwrap();
    let line = text[..text.find(to).unwrap()].matches('\n').count() + 1 + below;
    let place = format!("proofhouse.yaml:{line}:");
    let parts = [&[place.as_str()], parts].concat();
    scene.proofhouse(&["system", "check", "."]).refuses(&parts);
    let said = scene.proofhouse(&["run", "."]).refuses(&parts);
    assert!(said.out.is_empty(), "{said}");
    assert!(!scene.home().exists(), "a house was made for a system that cannot be read");
}

#[test]
fn a_misspelt_key_has_a_place_and_a_hint() {
    let parts = ["unknown key \"personel_data\"", "did you mean personal_data"];
    refused_when_edited("misspelt", "personal_data: true", "personel_data: true", 0, &parts);
}

#[test]
fn a_value_of_another_type_has_a_place_and_says_what_is_expected() {
    let parts = ["deployment.targets[0].instances", "a whole number"];
    refused_when_edited("mistyped", "instances: 2", "instances: two", 0, &parts);
}

#[test]
fn a_key_given_twice_is_not_silently_the_last_one() {
    let twice = "\nwaivers: []\nwaivers: []";
    refused_when_edited("twice", "\nwaivers: []", twice, 2, &["the key waivers is given twice"]);
}

#[test]
fn text_that_is_no_yaml_has_a_place() {
    refused_when_edited("no-yaml", "years: 20000", "years: [20000", 1, &[]);
}

#[test]
fn a_path_that_leaves_the_project_is_refused() {
    refused_when_edited("leaves", "path: model", "path: ../../secrets", 0, &["../../secrets"]);
    refused_when_edited("absolute", "data/test.parquet", "/etc/passwd", 0, &["/etc/passwd"]);
}

#[test]
fn a_system_file_of_two_mebibytes_is_not_read() {
    let scene = Scene::quick("large");
    let mut file = fs::read_to_string(scene.file("proofhouse.yaml")).unwrap();
    file.extend(std::iter::repeat_n("# padding\n", 2 * 1024 * 1024 / 10));
    fs::write(scene.file("proofhouse.yaml"), file).unwrap();
    scene.proofhouse(&["system", "check", "."]).refuses(&["proofhouse.yaml has 2", "mebibyte"]);
    assert!(!scene.home().exists());
}

#[test]
fn a_project_that_is_not_there_is_named() {
    let scene = Scene::quick("no-project");
    for command in [["plan"], ["run"], ["status"], ["gate"]] {
        scene.proofhouse(&[command[0], "nowhere"]).refuses(&["nowhere", "proofhouse.yaml"]);
    }
    fs::create_dir(scene.file("empty")).unwrap();
    scene.proofhouse(&["run", "empty"]).refuses(&["empty/proofhouse.yaml"]);
    assert_eq!(files_below(&scene.file("empty")), [] as [std::path::PathBuf; 0]);
    // Unreadable in a way that holds for the superuser too.
    fs::create_dir_all(scene.file("folder/proofhouse.yaml")).unwrap();
    scene.proofhouse(&["run", "folder"]).refuses(&["cannot read folder/proofhouse.yaml"]);
}

#[test]
fn a_policy_that_does_not_parse_decides_nothing() {
    let scene = Scene::quick("broken-policy");
    let policies = scene.beside("policies");
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("ours.rego"), "package proofhouse.release\n\ndeny contains {\n").unwrap();
    for command in ["gate", "run"] {
        let said = scene.proofhouse_with(&[command, "."], &[("PROOFHOUSE_POLICY", text(&policies))]);
        // The parser of the policies says it in several lines.
        let said = said.exits(2);
        assert!([text(&policies), "ours.rego:4:1"].iter().all(|part| said.err.contains(part)), "{said}");
        assert!(!said.out.contains("ALLOW"), "{said}");
    }
    let nowhere = scene.beside("nowhere");
    let said = scene.proofhouse_with(&["gate", "."], &[("PROOFHOUSE_POLICY", text(&nowhere))]);
    said.refuses(&[text(&nowhere)]);
    assert_eq!(files_below(&scene.home().join("releases")), [] as [std::path::PathBuf; 0]);
}

#[test]
fn an_input_that_policy_cannot_read_is_denied_or_refused_never_allowed() {
    let scene = Scene::quick("policy-input");
    let input = scene.file("input.json");
    fs::write(&input, "{}").unwrap();
    for entrypoint in ["release", "deploy", "runtime", "request"] {
        let said = scene.proofhouse(&["policy", "eval", entrypoint, "input.json"]).exits(1);
        assert_eq!(said.json()["allow"], false, "{said}");
    }
    fs::write(&input, "{\"allow\": true").unwrap();
    scene.proofhouse(&["policy", "eval", "release", "input.json"]).refuses(&["input.json is no JSON"]);
    scene.proofhouse(&["policy", "eval", "launch", "input.json"]).refuses(&["launch", "release, deploy"]);
}
