//! The SARIF log against the rules of the standard that dashboards rely on.

use std::fs;

use proofhouse_scan::{Limits, rules, sarif, scan_tree};

#[test]
fn results_point_at_rules_and_artifacts() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a b.pkl"), b"cos\nsystem\n(S'echo proofhouse'\ntR.").unwrap();
    fs::write(dir.path().join("m.yaml"), "a: !!python/name:os.getcwd\n").unwrap();
    let report = scan_tree(dir.path(), &Limits::default(), &|_| {}).unwrap();
    let log = sarif(&report);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let descriptors = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(descriptors.len(), rules().len());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.findings.len());
    for result in results {
        let rule = &descriptors[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(matches!(result["level"].as_str(), Some("error" | "warning" | "note")));
        assert!(result["message"]["text"].as_str().is_some_and(|t| !t.is_empty()));
        let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        let index = usize::try_from(location["index"].as_u64().unwrap()).unwrap();
        assert_eq!(run["artifacts"][index]["location"]["uri"], location["uri"]);
    }
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.pkl");
    let yaml = results.iter().find(|r| r["ruleId"] == "yaml/python-tag").unwrap();
    assert_eq!(yaml["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
}
