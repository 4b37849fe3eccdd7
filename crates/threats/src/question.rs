//! Missing facts as questions, the most decisive first.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_system::{ThreatId, description};
use serde::Serialize;

/// A fact nobody has stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Stable id, `ask:` and the path.
    pub id: String,
    /// The question, for a person.
    pub text: String,
    /// Where the answer is to be written.
    pub path: String,
    /// Line of what encloses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Threats that wait for it.
    pub decides: Vec<ThreatId>,
}

/// One question for each missing fact; those that decide most threats first, then by path.
pub(crate) fn questions(
    missing: BTreeMap<String, BTreeSet<ThreatId>>,
    line: impl Fn(&str) -> Option<u64>,
) -> Vec<Question> {
    let mut questions: Vec<Question> = missing
        .into_iter()
        .map(|(path, decides)| Question {
            id: format!("ask:{path}"),
            text: text(&path),
            line: line(&path),
            decides: decides.into_iter().collect(),
            path,
        })
        .collect();
    questions.sort_by(|a, b| b.decides.len().cmp(&a.decides.len()).then_with(|| a.path.cmp(&b.path)));
    questions
}

/// The schema's own description, turned into something to answer.
fn text(path: &str) -> String {
    let meaning = description(path).unwrap_or_default();
    let first = meaning.split(['.', ';']).next().unwrap_or_default().trim();
    let Some(initial) = first.chars().next() else {
        return format!("What is {path}?");
    };
    let sentence = format!("{}{}", initial.to_lowercase(), &first[initial.len_utf8()..]);
    match path.rsplit_once('.') {
        Some((of, _)) => format!("For {of}: {sentence}?"),
        None => format!("{path}: {sentence}?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_asks() {
        assert_eq!(text("model.weights_valuable"), "For model: whether the weights are worth stealing?");
        assert_eq!(
            text("components[a.b].writers"),
            "For components[a.b]: who can change what it holds or how it works?"
        );
        assert_eq!(text("nonsense"), "What is nonsense?");
    }
}
