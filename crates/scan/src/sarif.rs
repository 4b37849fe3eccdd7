//! SARIF 2.1.0 of a scan.

use proofhouse_core::sarif::{Artifact, Rule, Run};
use serde_json::{Map, Value, json};

use crate::{ScanReport, rules};

/// The report as a SARIF 2.1.0 log with one run.
#[must_use]
pub fn sarif(report: &ScanReport) -> Value {
    let rules = rules().iter().map(|rule| Rule {
        id: rule.id.to_owned(),
        title: rule.title.to_owned(),
        what: rule.what.to_owned(),
        remediation: rule.remediation.to_owned(),
        severity: rule.severity,
        references: rule.references(),
    });
    let artifacts = report.files.iter().map(|file| Artifact {
        path: file.path.as_str().to_owned(),
        length: file.size,
        sha256: file.sha256,
        properties: Map::from_iter([
            ("format".to_owned(), json!(file.format)),
            ("outcome".to_owned(), json!(file.outcome)),
            ("coveredBytes".to_owned(), json!(file.covered_bytes)),
        ]),
    });
    let run = Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: rules.collect(),
        artifacts: artifacts.collect(),
        findings: report
            .findings
            .iter()
            .chain(report.suppressed.iter().map(|s| &s.finding))
            .cloned()
            .collect(),
        tool_properties: Map::from_iter([("tablesVersion".to_owned(), json!(report.tables_version))]),
        properties: Map::from_iter([
            ("outcome".to_owned(), json!(report.outcome)),
            ("verdict".to_owned(), json!(report.verdict())),
        ]),
    };
    let mut log = run.log();
    // What is suppressed is a result that says so (SARIF 2.1.0, 3.27.23), behind those that count.
    let results = log.pointer_mut("/runs/0/results").and_then(Value::as_array_mut);
    for (result, suppressed) in
        results.into_iter().flatten().skip(report.findings.len()).zip(&report.suppressed)
    {
        let justification =
            format!("{} ({}, until {})", suppressed.reason, suppressed.owner, suppressed.expires);
        result["suppressions"] = json!([{ "kind": "external", "justification": justification }]);
    }
    log
}
