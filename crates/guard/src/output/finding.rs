//! What was found in an answer. Never the thing itself.

use std::ops::Range;

use proofhouse_core::Severity;
use serde::Serialize;

use super::{Action, OutputRule};

/// One match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputFinding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was done about it.
    pub action: Action,
    /// Bytes of the text as the model wrote it.
    pub span: Range<usize>,
    /// What can be shown of it: its shape, its public prefix, its host.
    pub preview: String,
    /// What makes it a match, in a sentence.
    pub reason: String,
}

impl OutputFinding {
    /// The rule.
    #[must_use]
    pub fn output_rule(&self) -> Option<&'static OutputRule> {
        super::output_rule(self.rule)
    }
}

/// The shape of a text: letters and digits become dots, everything else stays.
pub(super) fn shape(text: &str) -> String {
    let mut out: String = text.chars().take(40).map(|c| if c.is_alphanumeric() { '•' } else { c }).collect();
    out.retain(|c| !c.is_control());
    out
}
