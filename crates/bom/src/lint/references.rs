//! Rules on references inside the document.

use std::collections::BTreeSet;

use proofhouse_core::{Finding, Severity};

use super::{Index, finding};

/// A `bom-ref` names one component.
pub(super) fn duplicates(index: &Index) -> Vec<Finding> {
    let mut known = BTreeSet::new();
    let named = index.components.iter().filter_map(|(p, c)| Some((p, c.bom_ref.as_deref()?)));
    named
        .filter(|(_, reference)| !known.insert(*reference))
        .map(|(pointer, reference)| {
            finding(
                "duplicate-ref",
                Severity::High,
                &format!("{pointer}/bom-ref"),
                format!("the bom-ref {reference:?} is already another component's"),
                "Give every component its own bom-ref.",
            )
        })
        .collect()
}

/// Dependencies are between components of the document, and each component's are listed once.
pub(super) fn dependencies(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known = BTreeSet::new();
    for (i, dependency) in index.bom.dependencies.iter().enumerate() {
        let pointer = format!("/dependencies/{i}");
        let needed = dependency.depends_on.iter().enumerate();
        let needed = needed.map(|(k, r)| (format!("{pointer}/dependsOn/{k}"), r));
        let own = (format!("{pointer}/ref"), &dependency.reference);
        for (pointer, reference) in std::iter::once(own).chain(needed) {
            if !index.by_ref.contains_key(reference.as_str()) {
                findings.push(finding(
                    "dangling-dependency",
                    Severity::High,
                    &pointer,
                    format!("{reference:?} is no component of this document"),
                    "Add the component, or correct the reference.",
                ));
            }
        }
        if dependency.depends_on.contains(&dependency.reference) {
            findings.push(finding(
                "self-dependency",
                Severity::Medium,
                &pointer,
                format!("{:?} depends on itself", dependency.reference),
                "Remove the reference to itself.",
            ));
        }
        if !known.insert(&dependency.reference) {
            findings.push(finding(
                "repeated-dependency",
                Severity::Medium,
                &pointer,
                format!("the dependencies of {:?} are listed more than once", dependency.reference),
                "Merge the entries: readers take the first or the last.",
            ));
        }
    }
    findings
}

/// The datasets a model card names are in the document, as data.
pub(super) fn datasets(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, model) in &index.components {
        let parameters = model.model_card.as_ref().and_then(|card| card.model_parameters.as_ref());
        for (i, dataset) in parameters.iter().flat_map(|p| p.datasets.iter().enumerate()) {
            let pointer = format!("{pointer}/modelCard/modelParameters/datasets/{i}");
            // Without "ref" it is described in place; a BOM-Link points into another document.
            let Some(reference) = dataset.reference.as_deref() else {
                findings.push(finding(
                    "dataset-without-digest",
                    Severity::Medium,
                    &pointer,
                    format!(
                        "the dataset {:?} is described in place, where there is no room for a digest",
                        dataset.name.as_deref().unwrap_or("without a name")
                    ),
                    "Describe it as a component of type data with hashes, and refer to it.",
                ));
                continue;
            };
            if reference.starts_with("urn:cdx:") {
                continue;
            }
            match index.by_ref.get(reference) {
                None => findings.push(finding(
                    "missing-dataset",
                    Severity::High,
                    &pointer,
                    format!("the dataset {reference:?} is no component of this document"),
                    "Add the dataset as a component of type data, or correct the reference.",
                )),
                Some(component) if component.component_type != "data" => findings.push(finding(
                    "dataset-not-data",
                    Severity::Medium,
                    &pointer,
                    format!("the dataset {reference:?} is a component of type {}", component.component_type),
                    "Refer to a component of type data.",
                )),
                Some(_) => {}
            }
        }
    }
    findings
}
