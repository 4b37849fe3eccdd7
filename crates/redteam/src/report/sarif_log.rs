//! SARIF 2.1.0: a rule for each family, a result for each family in which an attack succeeded.

use proofhouse_core::sarif::{Artifact, Rule, Run};
use serde_json::{Map, Value, json};

use super::{Criterion, Report};
use crate::FAMILIES;

/// Reports as one SARIF log.
#[must_use]
pub fn sarif(reports: &[Report], criterion: &Criterion) -> Value {
    let rules = FAMILIES
        .iter()
        .map(|family| Rule {
            id: family.rule(),
            title: family.title.to_owned(),
            what: family.what.to_owned(),
            remediation: family.remedy.to_owned(),
            severity: family.severity,
            references: family.references(),
        })
        .collect();
    let findings = reports.iter().flat_map(|report| {
        report.findings().into_iter().map(|mut finding| {
            // Two targets of one scenario are told apart by their message.
            finding.message = format!("{}: {}", report.target, finding.message);
            finding
        })
    });
    let artifacts = reports.first().map(|report| Artifact {
        path: format!("scenario/{}", report.scenario),
        length: 0,
        sha256: None,
        properties: Map::from_iter([("scenarioDigest".to_owned(), json!(report.scenario_digest))]),
    });
    let targets: Vec<Value> = reports
        .iter()
        .map(|report| {
            json!({
                "target": report.target,
                "verdict": criterion.verdict(report),
                "complete": report.is_complete(),
                "measurements": report.measurements(),
            })
        })
        .collect();
    Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules,
        artifacts: artifacts.into_iter().collect(),
        findings: findings.collect(),
        tool_properties: Map::new(),
        properties: Map::from_iter([
            ("targets".to_owned(), json!(targets)),
            ("criterion".to_owned(), json!(criterion.words())),
        ]),
    }
    .log()
}
