//! Comparing a document with the files it describes.

use std::collections::BTreeMap;

use proofhouse_core::{Digest, FileEntry, Finding, Place, Severity, model_digest};

use crate::document::{Bom, Component};
use crate::lint::finding;
use crate::{Error, parse, property};

/// Everything in which `files` are not the files the document describes; none if they are.
///
/// `files` must be all files of the model. The document's model is its subject, or else the only model among its
/// components. A document that lists no files is no proof of anything: every file is then a finding.
pub fn verify(bom: &[u8], files: &[FileEntry]) -> Result<Vec<Finding>, Error> {
    let bom = parse(bom)?;
    let model = the_model(&bom)?;
    let found = model_digest(files)?;
    let present: BTreeMap<&str, &FileEntry> = files.iter().map(|f| (f.path.as_str(), f)).collect();
    let listed = listed(model);

    let mut findings: Vec<Finding> = Vec::new();
    for (path, components) in &listed {
        findings.extend(compare(path, components, present.get(path).copied()));
    }
    let unlisted = present.keys().filter(|path| !listed.contains_key(*path));
    findings.extend(unlisted.map(|path| {
        let message = format!("{path} is not in the bill of materials");
        of_file(
            "file-unlisted",
            Severity::High,
            path,
            message,
            "Remove the file, or write the document anew.",
        )
    }));
    findings.extend(compare_digest(model, &found));
    findings.sort();
    Ok(findings)
}

fn the_model(bom: &Bom) -> Result<&Component, Error> {
    let subject = bom.metadata.as_ref().and_then(|m| m.component.as_ref()).filter(|c| c.is_model());
    if let Some(model) = subject {
        return Ok(model);
    }
    let all = crate::lint::components(bom);
    let models: Vec<&Component> = all.into_iter().map(|(_, c)| c).filter(|c| c.is_model()).collect();
    match models.as_slice() {
        [] => Err(Error::NoModel),
        [model] => Ok(model),
        several => Err(Error::SeveralModels(several.len())),
    }
}

/// File components at any depth below the model, by name.
fn listed(model: &Component) -> BTreeMap<&str, Vec<&Component>> {
    let mut listed: BTreeMap<&str, Vec<&Component>> = BTreeMap::new();
    let mut open: Vec<&Component> = model.components.iter().collect();
    while let Some(component) = open.pop() {
        open.extend(&component.components);
        if component.component_type == "file" {
            listed.entry(component.name.as_str()).or_default().push(component);
        }
    }
    listed
}

fn compare(path: &str, listed: &[&Component], present: Option<&FileEntry>) -> Option<Finding> {
    let [component] = listed else {
        let message = format!("{path} is listed {} times", listed.len());
        return Some(of_file("file-repeated", Severity::High, path, message, "List every file once."));
    };
    let Some(file) = present else {
        let message = format!("{path} is in the bill of materials and not among the files");
        let fix = "Restore the file, or write the document anew.";
        return Some(of_file("file-missing", Severity::High, path, message, fix));
    };
    match component.hash("SHA-256") {
        None => {
            let message =
                format!("{path} is listed without a SHA-256, so it is not known whether it is the same");
            Some(of_file("file-without-hash", Severity::High, path, message, "Record its SHA-256."))
        }
        Some(hex) if hex.eq_ignore_ascii_case(&file.content.to_hex()) => None,
        Some(hex) => {
            let message =
                format!("{path} has SHA-256 {}, the bill of materials says {hex}", file.content.to_hex());
            let fix = "Find out who changed the file. Restore it, or scan it and write the document anew.";
            Some(of_file("file-changed", Severity::Critical, path, message, fix))
        }
    }
}

fn compare_digest(model: &Component, found: &Digest) -> Option<Finding> {
    match model.property(property::MODEL_DIGEST) {
        Some(text) if text.parse() == Ok(*found) => None,
        Some(text) => Some(finding(
            "model-digest",
            Severity::Critical,
            "",
            format!("the files have the model digest {found}, the bill of materials says {text:?}"),
            "Look at the files named beside this; if there are none, a file's size or mode differs.",
        )),
        None => Some(finding(
            "no-model-digest",
            Severity::Low,
            "",
            "the bill of materials has no model digest, so file modes are not compared".to_owned(),
            "Write it with proofhouse, which records the digest.",
        )),
    }
}

fn of_file(rule: &str, severity: Severity, path: &str, message: String, remediation: &str) -> Finding {
    Finding {
        place: Place::file(crate::printable(path)),
        ..finding(rule, severity, "", message, remediation)
    }
}
