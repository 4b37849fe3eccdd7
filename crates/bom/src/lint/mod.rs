//! Rules on documents that schema validators have no words for.
//!
//! Every rule gets the document once, indexed, and returns findings. A finding's place is the document, with
//! the JSON pointer of the member as `member`. Rule ids start with `bom/`.

mod document;
mod hashes;
mod metrics;
mod references;

use std::collections::BTreeMap;

use proofhouse_core::{Finding, Place, Severity};

use crate::document::{Bom, Component};

/// Everything wrong with a document, ordered by place. A document that cannot be read has one finding.
#[must_use]
pub fn lint(bytes: &[u8]) -> Vec<Finding> {
    let bom = match crate::parse(bytes) {
        Ok(bom) => bom,
        Err(error) => {
            let message = error.to_string();
            let fix = "Write it as CycloneDX JSON, and check it with a schema validator first.";
            return vec![finding("unreadable", Severity::High, "", message, fix)];
        }
    };
    let index = Index::of(&bom);
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&index)).collect();
    findings.sort_by(|a, b| (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message)));
    findings
}

type Rule = fn(&Index) -> Vec<Finding>;

const RULES: [Rule; 12] = [
    document::format,
    document::no_model,
    document::misplaced,
    document::licences,
    references::duplicates,
    references::dependencies,
    references::datasets,
    hashes::missing,
    hashes::malformed,
    hashes::evidence,
    metrics::intervals,
    metrics::basis,
];

/// A document and all its components, at any depth, with their JSON pointers.
struct Index<'a> {
    bom: &'a Bom,
    components: Vec<(String, &'a Component)>,
    by_ref: BTreeMap<&'a str, &'a Component>,
}

impl<'a> Index<'a> {
    fn of(bom: &'a Bom) -> Self {
        let components = components(bom);
        let by_ref = components.iter().filter_map(|(_, c)| Some((c.bom_ref.as_deref()?, *c))).collect();
        Self { bom, components, by_ref }
    }

    fn models(&self) -> impl Iterator<Item = &(String, &'a Component)> {
        self.components.iter().filter(|(_, c)| c.is_model())
    }
}

/// The document's subject, its components and theirs, with JSON pointers. Tools are no part of what is described.
pub(crate) fn components(bom: &Bom) -> Vec<(String, &Component)> {
    let subject = bom.metadata.as_ref().and_then(|m| m.component.as_ref());
    let mut open: Vec<(String, &Component)> =
        subject.map(|c| ("/metadata/component".to_owned(), c)).into_iter().collect();
    open.extend(bom.components.iter().enumerate().map(|(i, c)| (format!("/components/{i}"), c)));
    let mut all = Vec::new();
    while let Some((pointer, component)) = open.pop() {
        let parts = component.components.iter().enumerate();
        open.extend(parts.map(|(i, c)| (format!("{pointer}/components/{i}"), c)));
        all.push((pointer, component));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

pub(crate) fn finding(
    rule: &str,
    severity: Severity,
    pointer: &str,
    message: String,
    remediation: &str,
) -> Finding {
    let document = Place::file("bom");
    Finding {
        rule: format!("bom/{rule}"),
        severity,
        message: crate::printable(&message),
        place: if pointer.is_empty() { document } else { document.within(pointer) },
        remediation: remediation.to_owned(),
        references: vec![],
    }
}
