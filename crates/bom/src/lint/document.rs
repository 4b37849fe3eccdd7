//! Rules on the document as a whole and on what may be where.

use proofhouse_core::{Finding, Severity};

use super::{Index, finding};

/// The version is one these rules were written for, and the document can be told from others.
pub(super) fn format(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !["1.5", "1.6", "1.7"].contains(&index.bom.spec_version.as_str()) {
        findings.push(finding(
            "version",
            Severity::Low,
            "/specVersion",
            format!("specVersion {:?} is not one these rules know", index.bom.spec_version),
            "Write CycloneDX 1.5 or later: model cards came with 1.5.",
        ));
    }
    if index.bom.serial_number.is_none() {
        findings.push(finding(
            "no-serial-number",
            Severity::Low,
            "",
            "the document has no serial number, so no other document can refer to it".to_owned(),
            "Give it a serialNumber (urn:uuid:…).",
        ));
    }
    if index.bom.metadata.as_ref().is_none_or(|m| m.timestamp.is_none()) {
        findings.push(finding(
            "no-timestamp",
            Severity::Low,
            "/metadata",
            "the document does not say when it was written".to_owned(),
            "Give it metadata.timestamp.",
        ));
    }
    findings
}

/// An ML-BOM describes a model.
pub(super) fn no_model(index: &Index) -> Vec<Finding> {
    if index.models().next().is_some() {
        return vec![];
    }
    vec![finding(
        "no-model",
        Severity::High,
        "",
        "the document describes no component of type machine-learning-model".to_owned(),
        "Describe the model as metadata.component or in components.",
    )]
}

/// Model cards belong to models and data descriptions to data.
pub(super) fn misplaced(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, component) in &index.components {
        let what = &component.component_type;
        if component.model_card.is_some() && !component.is_model() {
            findings.push(finding(
                "misplaced-model-card",
                Severity::Medium,
                &format!("{pointer}/modelCard"),
                format!("{:?} is of type {what} and has a model card", component.name),
                "Move the card to the machine-learning-model component, or correct the type.",
            ));
        }
        if !component.data.is_empty() && what != "data" {
            findings.push(finding(
                "misplaced-data",
                Severity::Low,
                &format!("{pointer}/data"),
                format!("{:?} is of type {what} and has a data description", component.name),
                "Describe the data as a component of type data, and refer to it.",
            ));
        }
    }
    findings
}

/// Whoever uses a model or a dataset has to know under which terms.
pub(super) fn licences(index: &Index) -> Vec<Finding> {
    let licensed = ["machine-learning-model", "data"];
    let of_kind = index.components.iter().filter(|(_, c)| licensed.contains(&c.component_type.as_str()));
    of_kind
        .filter(|(_, component)| component.licenses.is_empty())
        .map(|(pointer, component)| {
            finding(
                "no-licence",
                Severity::Low,
                pointer,
                format!("{:?} has no licence", component.name),
                "State the licence: an SPDX id, an expression, or its name.",
            )
        })
        .collect()
}
