//! SARIF 2.1.0, for code-scanning dashboards: what every engine that reports [`Finding`]s writes alike.
//!
//! An engine states its [`Rule`]s, the [`Artifact`]s it looked at and what it found; [`Run::log`] makes the
//! log of them. Whatever is particular to an engine goes into `properties`.

use serde_json::{Map, Value, json};

use crate::{Digest, Finding, Reference, Severity};

/// One run of one engine.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Version of the tool.
    pub version: String,
    /// The rules, in the order of the engine's table.
    pub rules: Vec<Rule>,
    /// What was looked at. Results point at them where paths agree.
    pub artifacts: Vec<Artifact>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Properties of the tool, such as the version of its tables.
    pub tool_properties: Map<String, Value>,
    /// Properties of the run, such as its verdict.
    pub properties: Map<String, Value>,
}

/// A rule as dashboards show it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable id.
    pub id: String,
    /// A few words.
    pub title: String,
    /// What it means.
    pub what: String,
    /// What to do.
    pub remediation: String,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// What others call it.
    pub references: Vec<Reference>,
}

/// Something that was looked at.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Path with `/` between parts, as in the places of findings.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// SHA-256 of the bytes, where it was taken.
    pub sha256: Option<Digest>,
    /// What the engine says about it.
    pub properties: Map<String, Value>,
}

impl Run {
    /// The log with this one run.
    #[must_use]
    pub fn log(&self) -> Value {
        let rules: Vec<Value> = self.rules.iter().map(descriptor).collect();
        let artifacts: Vec<Value> = self.artifacts.iter().map(artifact).collect();
        let mut driver = json!({ "name": "proofhouse", "version": self.version, "rules": rules });
        if !self.tool_properties.is_empty() {
            driver["properties"] = Value::Object(self.tool_properties.clone());
        }
        let mut run = json!({
            "tool": { "driver": driver },
            "artifacts": artifacts,
            "results": self.findings.iter().map(|f| self.result(f)).collect::<Vec<_>>(),
            "columnKind": "unicodeCodePoints",
        });
        if !self.properties.is_empty() {
            run["properties"] = Value::Object(self.properties.clone());
        }
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [run],
        })
    }

    fn result(&self, finding: &Finding) -> Value {
        let place = &finding.place;
        let mut artifact = json!({ "uri": uri(&place.path) });
        if let Some(index) = self.artifacts.iter().position(|a| a.path == place.path) {
            artifact["index"] = json!(index);
        }
        let mut physical = json!({ "artifactLocation": artifact });
        // An offset inside a member is no offset of the file; it stays in the message and the properties.
        match (place.line, place.column, place.offset) {
            (Some(line), Some(column), _) => {
                physical["region"] = json!({ "startLine": line, "startColumn": column });
            }
            (Some(line), None, _) => physical["region"] = json!({ "startLine": line }),
            (None, _, Some(offset)) if place.member.is_none() => {
                physical["region"] = json!({ "byteOffset": offset, "byteLength": 0 });
            }
            _ => {}
        }
        let mut location = json!({ "physicalLocation": physical });
        if let Some(member) = &place.member {
            location["logicalLocations"] = json!([{ "fullyQualifiedName": member, "kind": "member" }]);
        }
        let mut out = json!({
            "ruleId": finding.rule,
            "level": level(finding.severity),
            "message": { "text": format!("{place}: {}", finding.message) },
            "locations": [location],
            "properties": { "severity": finding.severity, "remediation": finding.remediation },
        });
        if let Some(index) = self.rules.iter().position(|r| r.id == finding.rule) {
            out["ruleIndex"] = json!(index);
        }
        out
    }
}

fn descriptor(rule: &Rule) -> Value {
    let references: Vec<String> = rule.references.iter().map(ToString::to_string).collect();
    json!({
        "id": rule.id,
        "name": rule.title,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.what },
        "help": { "text": rule.remediation },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": references, "security-severity": score(rule.severity) },
    })
}

fn artifact(artifact: &Artifact) -> Value {
    let mut out = json!({ "location": { "uri": uri(&artifact.path) }, "length": artifact.length });
    if let Some(digest) = &artifact.sha256 {
        out["hashes"] = json!({ "sha-256": digest.to_hex() });
    }
    if !artifact.properties.is_empty() {
        out["properties"] = Value::Object(artifact.properties.clone());
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
    use super::*;
    use crate::Place;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("a/b c:ü#.bin"), "a/b%20c%3A%C3%BC%23.bin");
    }

    #[test]
    fn a_line_outranks_an_offset_and_a_column_needs_a_line() {
        let region = |place: Place| {
            let finding = Finding {
                rule: "a/b".into(),
                severity: Severity::High,
                message: "m".into(),
                place,
                remediation: "r".into(),
                references: vec![],
            };
            let run = Run { findings: vec![finding], ..Run::default() };
            run.log()["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].clone()
        };
        assert_eq!(region(Place::file("f").at(7))["byteOffset"], 7);
        assert!(region(Place::file("f").within("m").at(7)).is_null());
        let place = Place { line: Some(3), column: Some(2), ..Place::file("f").at(7) };
        assert_eq!(region(place), json!({ "startLine": 3, "startColumn": 2 }));
    }
}
