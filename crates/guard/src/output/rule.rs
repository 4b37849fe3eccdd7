//! The rules as people see them, and what is done about a match.

use std::fmt;

use proofhouse_core::{Reference, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{active, canary, links, overlap, personal, secret};

/// What is done about a match. The order is the order of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing; the rule is off.
    Ignore,
    /// It is told and passes.
    Report,
    /// A typed placeholder takes its place.
    Redact,
    /// Nothing from there on leaves.
    Block,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignore => "ignore",
            Self::Report => "report",
            Self::Redact => "redact",
            Self::Block => "block",
        })
    }
}

/// One rule. Its id is stable across releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputRule {
    /// `family/rule`.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// How bad it is if it leaves.
    pub severity: Severity,
    /// What is done unless the operator says otherwise.
    pub action: Action,
}

impl OutputRule {
    pub(super) const fn new(
        id: &'static str,
        title: &'static str,
        severity: Severity,
        action: Action,
    ) -> Self {
        Self { id, title, severity, action }
    }

    /// The family: what stands before the slash.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.id.split('/').next().unwrap_or(self.id)
    }

    /// What takes the place of a match.
    #[must_use]
    pub fn placeholder(&self) -> String {
        let kind = match self.family() {
            "personal" => self.id.rsplit('/').next().unwrap_or(self.id),
            family => family,
        };
        format!("[redacted:{kind}]")
    }

    /// What a match means.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.family() {
            "canary" => "A marker that only confidential text contains has appeared in what the model says.",
            "overlap" => "The model repeats confidential text word for word.",
            "secret" => "The text contains what by its structure is a credential.",
            "personal" => {
                "The text contains what by its structure and check digits identifies a person or an account."
            }
            "active" => "What reads the answer would act on this part of it instead of showing it.",
            _ => "A link or an image leads where the operator did not allow, or carries data there.",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remediation(&self) -> &'static str {
        match self.family() {
            "canary" | "overlap" => {
                "Find the turn that asked for it. Keep secrets out of prompts: what a model can read, it can say."
            }
            "secret" => "Revoke the credential, then find out how it came within the model's reach.",
            "personal" => "Take it out of what the model reads, or allow this rule for this use.",
            "active" => {
                "Escape or parametrise where the answer is used, and find the text that asked for it."
            }
            _ => {
                "Add the host to the allowed ones if it belongs there; otherwise find the text that asked for the link."
            }
        }
    }

    /// What other frameworks call it.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let rows: &[(&str, &str, &str)] = match self.family() {
            "canary" | "overlap" => &[
                ("ATLAS", "5.6.0", "AML.T0056"),
                ("CWE", "4.18", "CWE-200"),
                ("OWASP-LLM", "2025", "LLM07:2025"),
            ],
            "secret" => &[
                ("ATLAS", "5.6.0", "AML.T0057"),
                ("CWE", "4.18", "CWE-200"),
                ("CWE", "4.18", "CWE-522"),
                ("OWASP-LLM", "2025", "LLM02:2025"),
            ],
            "personal" => &[
                ("ATLAS", "5.6.0", "AML.T0057"),
                ("CWE", "4.18", "CWE-359"),
                ("OWASP-LLM", "2025", "LLM02:2025"),
            ],
            "active" => &[
                ("ATLAS", "5.6.0", "AML.T0067"),
                ("CWE", "4.18", "CWE-116"),
                ("CWE", "4.18", "CWE-79"),
                ("OWASP-LLM", "2025", "LLM05:2025"),
            ],
            _ => &[
                ("ATLAS", "5.6.0", "AML.T0077"),
                ("CWE", "4.18", "CWE-201"),
                ("OWASP-LLM", "2025", "LLM05:2025"),
            ],
        };
        rows.iter().map(|(framework, version, id)| Reference::new(*framework, *version, *id)).collect()
    }
}

/// Every rule, by family.
pub fn output_rules() -> impl Iterator<Item = &'static OutputRule> {
    [canary::RULES, overlap::RULES]
        .into_iter()
        .flatten()
        .chain(secret::rules())
        .chain(personal::rules())
        .chain(links::RULES)
        .chain(active::RULES)
}

/// The rule of that id.
#[must_use]
pub fn output_rule(id: &str) -> Option<&'static OutputRule> {
    output_rules().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_made_of_words() {
        let mut seen = BTreeSet::new();
        for rule in output_rules() {
            assert!(seen.insert(rule.id), "{} twice", rule.id);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/".contains(c);
            assert!(rule.id.chars().all(plain) && rule.id.matches('/').count() == 1, "{}", rule.id);
            assert!(!rule.references().is_empty() && !rule.title.is_empty());
        }
    }
}
