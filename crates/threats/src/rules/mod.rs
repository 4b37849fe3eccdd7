//! One rule for each threat: a predicate over the graph, and a sentence that says what it means.
//!
//! A rule reads facts about how the system *is*. It never reads a claim that something is under control:
//! claims are listed beside the threat, with the evidence they stand on.

mod case;
mod data;
mod generative;
mod infrastructure;
mod model;
mod strategic;
mod supply;

pub(crate) use case::{Case, word};

use crate::judgement::Judgement;

/// A rule.
pub(crate) struct Rule {
    /// The threat's id.
    pub id: &'static str,
    /// What it means where it applies, for a person who knows the system but not the threat.
    pub meaning: &'static str,
    /// Whether it applies.
    pub decide: fn(&Case<'_>) -> Judgement,
}

/// All rules, by group.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    [data::RULES, model::RULES, supply::RULES, infrastructure::RULES, strategic::RULES].into_iter().flatten()
}

/// Whether a threat of a group without rules can be ruled out: true where the system has a part the group
/// is about. Absent for groups that have rules.
pub(crate) fn concerns(group: &str, case: &Case<'_>) -> Option<Judgement> {
    generative::concerns(group, case)
}
