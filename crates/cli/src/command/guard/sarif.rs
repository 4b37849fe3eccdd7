//! SARIF of a report.

use proofhouse_core::sarif::{Artifact, Run};
use proofhouse_core::{Finding, Place};
use serde_json::{Map, Value, json};

use super::report::{Report, Subject, rules};

/// The log.
pub fn log(report: &Report) -> Value {
    let run = Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: rules().collect(),
        artifacts: report.subjects.iter().map(artifact).collect(),
        findings: report.subjects.iter().flat_map(findings).collect(),
        tool_properties: Map::new(),
        properties: Map::from_iter([("verdict".to_owned(), json!(report.verdict))]),
    };
    run.log()
}

fn artifact(subject: &Subject) -> Artifact {
    let mut properties = Map::from_iter([("verdict".to_owned(), json!(subject.verdict))]);
    if let Some(label) = &subject.label {
        properties.insert("label".to_owned(), json!(label));
    }
    if let Some(digest) = &subject.digest {
        properties.insert("normalForm".to_owned(), json!(digest));
    }
    if let Some(error) = &subject.error {
        properties.insert("error".to_owned(), json!(error));
    }
    let length = u64::try_from(subject.bytes).unwrap_or(u64::MAX);
    Artifact { path: path(&subject.name), length, sha256: None, properties }
}

fn findings(subject: &Subject) -> impl Iterator<Item = Finding> {
    subject.findings.iter().map(|found| Finding {
        rule: found.rule.clone(),
        severity: found.severity,
        message: found.message.clone(),
        place: Place {
            path: path(&subject.name),
            member: None,
            offset: found.span.as_ref().and_then(|span| u64::try_from(span.start).ok()),
            line: found.line,
            column: found.column,
        },
        remediation: found.remediation.clone(),
        references: Vec::new(),
    })
}

/// A path as seen from where the command ran.
fn path(name: &str) -> String {
    let here = std::env::current_dir().map(|dir| format!("{}/", dir.display())).unwrap_or_default();
    let name = name.strip_prefix(&here).filter(|_| here.len() > 1).unwrap_or(name);
    name.strip_prefix("./").unwrap_or(name).to_owned()
}
