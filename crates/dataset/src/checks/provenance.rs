//! Whether it is stated where the data comes from.

use proofhouse_core::{Place, Severity, Verdict};

use super::{Outcome, finding};
use crate::Manifest;

/// Requires source, licence and time of retrieval. Whether they are true is not for a program to say.
#[must_use]
pub fn provenance(manifest: &Manifest) -> Outcome {
    let stated = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
    let p = &manifest.provenance;
    let fields = [
        ("source", stated(&p.source)),
        ("licence", stated(&p.licence)),
        ("retrieved", p.retrieved.is_some()),
    ];
    let findings: Vec<_> = fields
        .iter()
        .filter(|(_, there)| !there)
        .map(|(field, _)| {
            finding(
                "no-provenance",
                Severity::Medium,
                Place::file(&manifest.name).within(*field),
                format!("the dataset does not state its {field}"),
                "Add it to the dataset's entry in the system file.",
            )
        })
        .collect();
    Outcome {
        verdict: if findings.is_empty() { Verdict::Pass } else { Verdict::Fail },
        criterion: "source, licence and time of retrieval are stated".to_owned(),
        measurements: vec![],
        findings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Provenance, Role, Table};

    #[test]
    fn what_is_missing_is_named() {
        let empty = Table::new(vec![]).unwrap();
        let stated = Provenance {
            source: Some(" ".into()),
            licence: Some("CC-BY-4.0".into()),
            retrieved: Some("2026-11-23".parse().unwrap()),
        };
        let m = Manifest::describe("d", Role::Train, stated, vec![], &empty, &[]).unwrap();
        let outcome = provenance(&m);
        assert_eq!(outcome.verdict, Verdict::Fail);
        assert_eq!(outcome.findings.len(), 1);
        assert_eq!(outcome.findings[0].place.member.as_deref(), Some("source"));
    }
}
