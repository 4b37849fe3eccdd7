//! What was found, as every format and the endpoint tell it.

use std::ops::Range;

use proofhouse_core::sarif::Rule;
use proofhouse_core::{Digest, Severity, Verdict};
use proofhouse_dialogue::Label;
use proofhouse_guard::output::{Action, output_rules};
use serde::Serialize;

use super::input_rules;

/// Everything that was looked at.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Over all subjects.
    pub verdict: Verdict,
    pub subjects: Vec<Subject>,
}

/// One text.
#[derive(Debug, Serialize)]
pub struct Subject {
    /// A file, `text`, or a place in a conversation.
    pub name: String,
    pub verdict: Verdict,
    /// Bytes that were given.
    pub bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// Digest of the normal form, as audit records name the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How likely an attack, where a detector scored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    pub findings: Vec<Found>,
    /// What may leave of an answer, placeholders in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// Whether an answer is cut off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<Normal>,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The lines of findings, for people: input only, where showing it gives nothing away.
    #[serde(skip)]
    pub text: Option<String>,
}

/// The normal form.
#[derive(Debug, Serialize)]
pub struct Normal {
    pub text: String,
    pub views: Vec<View>,
    pub truncated: bool,
}

/// What else a text can be read as.
#[derive(Debug, Serialize)]
pub struct View {
    pub how: Vec<String>,
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    pub rule: String,
    pub severity: Severity,
    /// What it is, with the reason.
    pub message: String,
    /// Bytes of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Range<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// In characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// What can be shown of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// What is done about it on its way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    pub remediation: String,
}

impl Report {
    pub fn new(subjects: Vec<Subject>) -> Self {
        // An empty folder holds nothing that could be wrong, but nothing was looked at either.
        Self { verdict: Verdict::all(subjects.iter().map(|s| s.verdict)), subjects }
    }
}

impl Subject {
    /// Nothing known yet.
    pub fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict: Verdict::Unknown,
            bytes: 0,
            label: None,
            digest: None,
            score: None,
            findings: Vec::new(),
            released: None,
            blocked: false,
            normal: None,
            error: None,
            text: None,
        }
    }

    /// Something that could not be read.
    pub fn unread(name: &str, error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..Self::empty(name) }
    }
}

impl Found {
    /// A finding with its place in `text`.
    pub fn at(rule: &Rule, message: String, text: &str, span: Range<usize>) -> Self {
        let (line, column) = place(text, span.start);
        Self { span: Some(span), line: Some(line), column: Some(column), ..Self::of(rule, message) }
    }

    /// A finding about the whole.
    pub fn of(rule: &Rule, message: String) -> Self {
        Self {
            rule: rule.id.clone(),
            severity: rule.severity,
            message,
            span: None,
            line: None,
            column: None,
            preview: None,
            action: None,
            remediation: rule.remediation.clone(),
        }
    }
}

/// Line and column of a byte, counted from 1, in characters.
fn place(text: &str, at: usize) -> (u64, u64) {
    let before = text.get(..text.floor_char_boundary(at)).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (u64::try_from(line).unwrap_or(u64::MAX), u64::try_from(column).unwrap_or(u64::MAX))
}

/// Every rule as reports describe it, input first.
pub fn rules() -> impl Iterator<Item = Rule> {
    let output = output_rules().map(|rule| Rule {
        id: rule.id.to_owned(),
        title: rule.title.to_owned(),
        what: rule.what().to_owned(),
        remediation: rule.remediation().to_owned(),
        severity: rule.severity,
        references: rule.references(),
    });
    input_rules::all().map(input_rules::InputRule::described).chain(output)
}

/// One rule.
pub fn rule(id: &str) -> Option<Rule> {
    rules().find(|rule| rule.id == id)
}

pub fn rule_ids() -> impl Iterator<Item = String> {
    rules().map(|rule| rule.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_editors_do() {
        assert_eq!(place("aü\nbc", 0), (1, 1));
        assert_eq!(place("aü\nbc", 3), (1, 3));
        assert_eq!(place("aü\nbc", 4), (2, 1));
        assert_eq!(place("aü\nbc", 99), (2, 3));
    }
}
