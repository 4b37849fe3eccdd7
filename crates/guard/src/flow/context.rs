//! What is in context: each segment with the label that it really has, and what that makes of everything
//! the model writes afterwards.

use std::fmt;

use proofhouse_dialogue::{Conversation, Label, Message, Origin, Role, Secrecy, Trust};
use serde::{Deserialize, Serialize};

use super::{Limits, Policy};

/// A segment on the way to a reason: where it stands and what is known about it. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Which message, counted from 0. For a tool's description, which tool.
    pub message: usize,
    /// Which segment of it, counted from 0.
    pub segment: usize,
    /// The label it has in effect.
    pub label: Label,
    /// What about its place matters.
    #[serde(default)]
    pub place: Place,
}

/// What kind of place a [`Step`] names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Place {
    /// A segment of a message.
    #[default]
    Message,
    /// The description of a tool.
    Description,
    /// An earlier part of the session that is no longer in the conversation.
    Earlier,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Message => write!(f, "message {}, segment {}: {}", self.message, self.segment, self.label),
            Place::Description => write!(f, "description of tool {}: {}", self.message, self.label),
            Place::Earlier => write!(f, "earlier in the session: {}", self.label),
        }
    }
}

/// What a conversation has taken up so far. It only ever grows: a summary, a cut-off history or a forgotten
/// tool answer takes nothing back, as long as whoever keeps the session hands it on
/// ([`super::Judge::after`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    /// The first untrusted text.
    #[serde(default)]
    pub exposed: Option<Step>,
    /// The first private data that is not the user's own words.
    #[serde(default)]
    pub private: Option<Step>,
    /// The user's own words, where they are private.
    #[serde(default)]
    pub private_words: Option<Step>,
}

impl Taint {
    /// What two parts of a session have taken up together; the earlier one names the first text.
    #[must_use]
    pub fn joined(&self, later: &Self) -> Self {
        Self {
            exposed: self.exposed.clone().or_else(|| later.exposed.clone()),
            private: self.private.clone().or_else(|| later.private.clone()),
            private_words: self.private_words.clone().or_else(|| later.private_words.clone()),
        }
    }
}

/// One segment as the judge sees it.
#[derive(Debug, Clone)]
pub(super) struct Seen<'a> {
    pub step: Step,
    pub text: &'a str,
    /// Somebody other than the model wrote it, so a value can come from it.
    pub is_source: bool,
}

/// The segments of a conversation with their labels in effect.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub seen: Vec<Seen<'a>>,
    pub taint: Taint,
    /// Why it is too large to be judged.
    pub overrun: Option<String>,
}

impl<'a> Context<'a> {
    pub fn of(policy: &Policy, conversation: &'a Conversation) -> Self {
        let mut context = Self { seen: Vec::new(), taint: Taint::default(), overrun: None };
        context.overrun = overrun(&policy.limits, conversation);
        if context.overrun.is_some() {
            return context;
        }
        for (index, spec) in conversation.tools.iter().enumerate() {
            if policy.distrusts(spec) {
                let label = Label {
                    origin: Origin::Tool(spec.name.clone()),
                    trust: Trust::Untrusted,
                    secrecy: Secrecy::Public,
                };
                let step = Step { message: index, segment: 0, label, place: Place::Description };
                context.taint.exposed.get_or_insert(step);
            }
        }
        // What the model writes has at most the trust of the least trusted text it had read by then.
        let mut floor = if context.taint.exposed.is_some() { Trust::Untrusted } else { Trust::Principal };
        for (m, message) in conversation.messages.iter().enumerate() {
            let answered = answered(conversation, m, message);
            for (s, segment) in message.segments.iter().enumerate() {
                let is_source = message.role != Role::Assistant && segment.label.origin != Origin::Assistant;
                let mut label = match is_source {
                    true => in_effect(policy, message, &segment.label, answered),
                    false => Label { trust: floor, ..segment.label.clone() },
                };
                if !is_source && segment.label.origin != Origin::Assistant {
                    // The model's turn holds what it cites, with the label of what is cited.
                    label.trust = label.trust.min(segment.label.trust);
                }
                if !segment.text.trim().is_empty() {
                    floor = floor.min(label.trust);
                }
                let step = Step { message: m, segment: s, label, place: Place::Message };
                context.add(Seen { step, text: &segment.text, is_source });
            }
        }
        context
    }

    fn add(&mut self, seen: Seen<'a>) {
        let step = &seen.step;
        if !seen.text.trim().is_empty() {
            if step.label.trust == Trust::Untrusted {
                self.taint.exposed.get_or_insert_with(|| step.clone());
            }
            if step.label.secrecy == Secrecy::Private {
                let slot = match step.label.origin {
                    Origin::User => &mut self.taint.private_words,
                    _ => &mut self.taint.private,
                };
                slot.get_or_insert_with(|| step.clone());
            }
        }
        self.seen.push(seen);
    }

    /// Texts that somebody other than the model wrote.
    pub fn sources(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.seen.iter().filter(|seen| seen.is_source)
    }
}

fn overrun(limits: &Limits, conversation: &Conversation) -> Option<String> {
    let segments = conversation.segments().count();
    let bytes: usize = conversation.segments().map(|s| s.text.len()).sum();
    let described: usize = conversation.tools.iter().map(|t| t.description.len()).sum();
    if segments > limits.segments || conversation.messages.len() > limits.segments {
        return Some(format!("more than {} segments", limits.segments));
    }
    let total = bytes.saturating_add(described);
    (total > limits.bytes).then(|| format!("{total} bytes of text, more than {}", limits.bytes))
}

/// The tool whose call a message answers; nothing where that is not exactly one.
#[derive(Clone, Copy)]
enum Answered<'a> {
    NoAnswer,
    Tool(&'a proofhouse_dialogue::Name),
    Unclear,
}

fn answered<'a>(conversation: &'a Conversation, at: usize, message: &Message) -> Answered<'a> {
    if message.role != Role::Tool {
        return Answered::NoAnswer;
    }
    let Some(id) = &message.answers else { return Answered::Unclear };
    let earlier = conversation.messages.iter().take(at).flat_map(|m| &m.calls);
    let mut calls = earlier.filter(|call| call.id == *id);
    match (calls.next(), calls.next()) {
        (Some(call), None) => Answered::Tool(&call.name),
        _ => Answered::Unclear,
    }
}

/// The label of a segment in effect: what was stated, unless the message it stands in contradicts that.
fn in_effect(policy: &Policy, message: &Message, label: &Label, answered: Answered<'_>) -> Label {
    let mut label = label.clone();
    match (&label.origin, answered) {
        // A tool's message that speaks as somebody else, or for a call that was not made once, is nobody's.
        (Origin::Tool(name), Answered::Tool(called)) if name == called => {
            if let Some(answer) = policy.tools.get(name).and_then(|rule| rule.answer) {
                label.trust = label.trust.min(answer.trust);
                label.secrecy = label.secrecy.max(answer.secrecy);
            }
        }
        // A tool may return a passage, a file or a page with a label of its own.
        (Origin::Retrieved(_) | Origin::File(_) | Origin::Web(_), Answered::Tool(called)) => {
            if let Some(answer) = policy.tools.get(called).and_then(|rule| rule.answer) {
                label.secrecy = label.secrecy.max(answer.secrecy);
            }
        }
        (_, Answered::Tool(_) | Answered::Unclear) => {
            label.trust = Trust::Untrusted;
            label.secrecy = Secrecy::Private;
        }
        (_, Answered::NoAnswer) => {}
    }
    // Only the operator speaks in the operator's messages, only the user's party in the user's.
    if message.role == Role::User && matches!(label.origin, Origin::User) {
        label.trust = label.trust.min(Trust::Principal);
    }
    label
}
