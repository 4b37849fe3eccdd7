//! SARIF 2.1.0, for code-scanning dashboards.

use proofhouse_core::{Finding, Severity};
use serde_json::{Value, json};

use crate::{ScanReport, rules};

/// The report as a SARIF 2.1.0 log with one run.
#[must_use]
pub fn sarif(report: &ScanReport) -> Value {
    let descriptors: Vec<Value> = rules()
        .iter()
        .map(|rule| {
            let references: Vec<String> = rule.references().iter().map(ToString::to_string).collect();
            json!({
                "id": rule.id,
                "name": rule.title,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": rule.what },
                "help": { "text": rule.remediation },
                "defaultConfiguration": { "level": level(rule.severity) },
                "properties": { "tags": references, "security-severity": score(rule.severity) },
            })
        })
        .collect();
    let artifacts: Vec<Value> = report
        .files
        .iter()
        .map(|file| {
            json!({
                "location": { "uri": uri(file.path.as_str()) },
                "length": file.size,
                "hashes": { "sha-256": file.sha256.to_hex() },
                "properties": {
                    "format": file.format,
                    "outcome": file.outcome,
                    "coveredBytes": file.covered_bytes,
                },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "proofhouse",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": descriptors,
                "properties": { "tablesVersion": report.tables_version },
            } },
            "artifacts": artifacts,
            "results": report.findings.iter().map(|f| result(f, report)).collect::<Vec<_>>(),
            "columnKind": "unicodeCodePoints",
            "properties": { "outcome": report.outcome, "verdict": report.verdict() },
        }],
    })
}

fn result(finding: &Finding, report: &ScanReport) -> Value {
    let place = &finding.place;
    let mut artifact = json!({ "uri": uri(&place.path) });
    if let Ok(index) = report.files.binary_search_by(|f| f.path.as_str().cmp(&place.path)) {
        artifact["index"] = json!(index);
    }
    let mut physical = json!({ "artifactLocation": artifact });
    // An offset inside a member is no offset of the file; it stays in the message and the properties.
    if let Some(line) = place.line {
        physical["region"] = json!({ "startLine": line });
    } else if let (Some(offset), None) = (place.offset, &place.member) {
        physical["region"] = json!({ "byteOffset": offset, "byteLength": 0 });
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(member) = &place.member {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": member, "kind": "member" }]);
    }
    let index = rules().iter().position(|r| r.id == finding.rule);
    let mut out = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{place}: {}", finding.message) },
        "locations": [location],
        "properties": { "severity": finding.severity, "remediation": finding.remediation },
    });
    if let Some(index) = index {
        out["ruleIndex"] = json!(index);
    }
    out
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Low | Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// The scale dashboards sort by.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.0",
        Severity::Low => "3.0",
        Severity::Medium => "5.5",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}

/// A relative URI reference (RFC 3986): everything but unreserved characters and `/` is escaped.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("a/b c:ü#.bin"), "a/b%20c%3A%C3%BC%23.bin");
    }
}
