//! Whether the data may be used: its licence against a list of allowed ones.

use proofhouse_core::{Place, Severity, Verdict};

use super::{Outcome, finding};
use crate::Manifest;

/// Passes when the stated licence is one of `allowed`, compared as SPDX identifiers, which ignore case.
///
/// An expression such as `A OR B` is allowed only where the list has it literally: which side applies is a
/// decision for a person. Without a stated licence the answer is unknown, not yes.
#[must_use]
pub fn licence(manifest: &Manifest, allowed: &[String]) -> Outcome {
    let stated = manifest.provenance.licence.as_deref().map(str::trim).filter(|l| !l.is_empty());
    let is_allowed = stated.map(|l| allowed.iter().any(|a| a.trim().eq_ignore_ascii_case(l)));
    let message = match (stated, is_allowed) {
        (_, Some(true)) => None,
        (Some(l), _) => Some(format!("licence {l:?} is not on the list of allowed licences")),
        (None, _) => Some("the dataset states no licence".to_owned()),
    };
    let findings = message
        .map(|message| {
            finding(
                "licence",
                Severity::High,
                Place::file(&manifest.name).within("licence"),
                message,
                "Clear the licence with whoever may decide, then add it to the list, or use other data.",
            )
        })
        .into_iter()
        .collect();
    Outcome {
        verdict: Verdict::from(is_allowed),
        criterion: format!("the licence is one of: {}", allowed.join(", ")),
        measurements: vec![],
        findings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Provenance, Role, Table};

    #[test]
    fn allowed_refused_and_unknown() {
        let judge = |licence: Option<&str>| {
            let p = Provenance { licence: licence.map(str::to_owned), ..Provenance::default() };
            let m =
                Manifest::describe("d", Role::Train, p, vec![], &Table::new(vec![]).unwrap(), &[]).unwrap();
            super::licence(&m, &["CC-BY-4.0".to_owned()]).verdict
        };
        assert_eq!(judge(Some("cc-by-4.0")), Verdict::Pass);
        assert_eq!(judge(Some("CC-BY-NC-4.0")), Verdict::Fail);
        assert_eq!(judge(Some("CC-BY-4.0 OR MIT")), Verdict::Fail);
        assert_eq!(judge(None), Verdict::Unknown);
    }
}
