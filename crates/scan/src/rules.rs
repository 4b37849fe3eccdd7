//! The rules: what can be found, how bad it is, what to do, and what others call it.

use proofhouse_core::{Finding, Place, Reference, Severity};

use crate::Outcome;

mod references;
mod table;

use references::Refs;
use table::RULES;

/// One rule. Its id is stable across releases.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `scanner/rule`.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// What a finding of it makes of the file.
    pub outcome: Outcome,
    /// What it means.
    pub what: &'static str,
    /// What to do.
    pub remediation: &'static str,
    references: Refs,
}

impl Rule {
    /// A finding of it.
    pub(crate) fn finding(&self, place: Place, message: String) -> Finding {
        Finding {
            rule: self.id.to_owned(),
            severity: self.severity,
            message,
            place,
            remediation: self.remediation.to_owned(),
            references: self.references(),
        }
    }

    /// What other frameworks call it.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        self.references
            .iter()
            .map(|(framework, version, id)| Reference::new(*framework, *version, *id))
            .collect()
    }
}

/// Every rule, sorted by id.
#[must_use]
pub fn rules() -> &'static [Rule] {
    RULES
}

/// The rule of that id. An id without a rule is a mistake of this crate, which a test rules out; then the
/// rule for what cannot be scanned stands in, so that nothing turns clean.
pub fn rule(id: &'static str) -> &'static Rule {
    RULES.iter().find(|r| r.id == id).unwrap_or(&FALLBACK)
}

static FALLBACK: Rule = Rule {
    id: "format/unscannable",
    title: "Not scanned",
    severity: Severity::Medium,
    outcome: Outcome::Unscannable,
    what: "",
    remediation: references::LOOK,
    references: references::NONE,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_and_unique() {
        assert!(RULES.windows(2).all(|w| w[0].id < w[1].id));
    }

    #[test]
    fn only_what_is_worth_nothing_is_clean() {
        for rule in RULES {
            assert_eq!(rule.outcome == Outcome::Clean, rule.severity == Severity::Info, "{}", rule.id);
            assert!(!rule.what.is_empty() && !rule.remediation.is_empty());
        }
    }
}
