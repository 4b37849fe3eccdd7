//! One rule for each threat: a predicate over the graph, and a sentence that says what it means.
//!
//! A rule reads facts about how the system *is*. It never reads a claim that something is under control:
//! claims are listed beside the threat, with the evidence they stand on.

mod agent;
mod case;
mod data;
mod generative;
mod infrastructure;
mod language;
mod model;
mod retrieval;
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
    [
        data::RULES,
        model::RULES,
        supply::RULES,
        infrastructure::RULES,
        strategic::RULES,
        language::RULES,
        retrieval::RULES,
        agent::RULES,
    ]
    .into_iter()
    .flatten()
}
