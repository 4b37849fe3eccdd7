//! Looks at texts with the guard.

use std::path::Path;

use proofhouse_core::Verdict;
use proofhouse_dialogue::json::{self, Limits};
use proofhouse_dialogue::wire::{ChatRequest, Protocol};
use proofhouse_dialogue::{Conversation, Message, Origin, Role, Segment};
use proofhouse_guard::extract::{Hidden, Kind, extract};
use proofhouse_guard::normal::{Alarm, AlarmKind, Budget, NormalForm, Transform, normalise};
use proofhouse_guard::{Finding, Guard, SegmentInspection};
use serde_json::Value;

use super::files::{SOURCE_BYTES, Source};
use super::human::printable;
use super::input_rules;
use super::report::{Found, Normal, Subject, View};
use crate::args::ConversationForm;
use crate::guards::StatedGuard;

/// Most of a hidden text that is shown, in characters.
const SHOWN: usize = 200;

/// Most hidden pieces of a document that are looked at one by one.
const HIDDEN: usize = 512;

/// The guard with one configuration.
pub struct Inspector {
    guard: Guard,
}

impl Inspector {
    /// With what a file states; YAML holds JSON too.
    pub fn new(config: Option<&Path>) -> anyhow::Result<Self> {
        let mut stated = StatedGuard::read(config)?;
        // A file is looked at whole; conversations have the bounds that are stated.
        stated.config.work.bytes = stated.config.work.bytes.max(SOURCE_BYTES);
        Ok(Self { guard: stated.make()? })
    }

    /// A text or document on its way to a model, with what it hides from people.
    pub fn input(&self, source: &Source, origin: &Origin) -> Subject {
        let read = extract(source.bytes(), source.media_type());
        let is_text = !source.bytes().contains(&0);
        let unknown = read.kind == Kind::Unknown && !is_text;
        if unknown {
            return Subject {
                bytes: source.bytes().len(),
                ..Subject::unread(
                    source.name(),
                    "these bytes are no text, and no document format that is known",
                )
            };
        }
        // Text is looked at as it stands, so that places are those of the file.
        let text = if is_text && !matches!(read.kind, Kind::Office | Kind::Pdf) {
            String::from_utf8_lossy(source.bytes()).into_owned()
        } else {
            read.visible
        };
        let label = self.guard.config().labelling().label(origin);
        let hidden: Vec<Hidden> = read.hidden.into_iter().take(HIDDEN).collect();
        let segments = std::iter::once(text).chain(hidden.iter().map(|piece| piece.text.clone()));
        let segments = segments.map(|text| Segment::new(text, label.clone())).collect();
        let conversation = Conversation::new(vec![Message::new(Role::User, segments)], Vec::new());
        let mut parts = self.inspect_conversation(source.name(), &conversation).into_iter();
        let Some(mut subject) = parts.next() else {
            return Subject::unread(source.name(), "there is no text");
        };
        source.name().clone_into(&mut subject.name);
        subject.bytes = source.bytes().len();
        for (piece, part) in hidden.iter().zip(parts) {
            subject.verdict = subject.verdict.and(part.verdict);
            subject.findings.extend(concealed(piece, &part));
        }
        if source.is_cut() || read.truncated {
            subject.findings.extend(truncated("only a part of it was looked at"));
            subject.verdict = subject.verdict.and(Verdict::Unknown);
        }
        subject
    }

    /// Every text of a conversation on its way to a model.
    pub fn inspect_conversation(&self, name: &str, conversation: &Conversation) -> Vec<Subject> {
        let inspection = self.guard.inspect(conversation);
        let mut subjects = Vec::new();
        for found in &inspection.segments {
            let Some(message) = conversation.messages.get(found.message) else { continue };
            let Some(segment) = message.segments.get(found.segment) else { continue };
            let part = match message.segments.len() {
                1 => String::new(),
                _ => format!(", part {}", found.segment + 1),
            };
            let place = format!("{name}: message {}{part}", found.message + 1);
            subjects.push(subject(&place, segment, found));
        }
        subjects
    }

    /// What a model says.
    pub fn output(&self, source: &Source, context: Option<&Conversation>) -> anyhow::Result<Subject> {
        let nothing = Conversation::default();
        let mut scanner = self.guard.scanner(context.unwrap_or(&nothing))?;
        let text = String::from_utf8_lossy(source.bytes());
        let before = scanner.push(&text);
        let after = scanner.finish();
        let blocked = before.blocked || after.blocked;
        let mut found: Vec<_> = before.findings.into_iter().chain(after.findings).collect();
        found.sort_by(|a, b| (a.span.start, a.span.end, a.rule).cmp(&(b.span.start, b.span.end, b.rule)));
        let mut findings: Vec<Found> = found
            .into_iter()
            .filter_map(|found| {
                let rule = super::report::rule(found.rule)?;
                let message = format!("{}: {}", rule.title, found.reason);
                let place = Found::at(&rule, message, &text, found.span);
                Some(Found { preview: Some(found.preview), action: Some(found.action), ..place })
            })
            .collect();
        let mut verdict = if findings.is_empty() { Verdict::Pass } else { Verdict::Fail };
        if source.is_cut() {
            findings.extend(truncated("only its beginning was looked at"));
            verdict = verdict.and(Verdict::Unknown);
        }
        Ok(Subject {
            verdict,
            bytes: source.bytes().len(),
            findings,
            released: Some(format!("{}{}", before.text, after.text)),
            blocked,
            ..Subject::empty(source.name())
        })
    }

    /// Reads a conversation, labelling its texts as configured.
    pub fn conversation(&self, bytes: &[u8], form: Option<ConversationForm>) -> anyhow::Result<Conversation> {
        let limits = Limits { bytes: SOURCE_BYTES, ..Limits::default() };
        let labels = self.guard.config().labelling();
        let read = |protocol| -> anyhow::Result<Conversation> {
            Ok(ChatRequest::read(protocol, bytes, &labels, &limits)?.conversation().clone())
        };
        match form.unwrap_or(ConversationForm::Auto) {
            ConversationForm::Openai => read(Protocol::Openai),
            ConversationForm::Anthropic => read(Protocol::Anthropic),
            ConversationForm::Labelled => Ok(serde_json::from_value(json::parse(bytes, &limits)?)?),
            ConversationForm::Auto => {
                let form = form_of(&json::parse(bytes, &limits)?);
                self.conversation(bytes, Some(form))
            }
        }
    }
}

/// What a conversation looks like: only Anthropic has the system prompt beside the messages, only the
/// labelled form has segments.
fn form_of(value: &Value) -> ConversationForm {
    let messages = value.get("messages").and_then(Value::as_array);
    let any = |test: &dyn Fn(&Value) -> bool| messages.is_some_and(|all| all.iter().any(test));
    let has_blocks = |message: &Value| {
        let blocks = message.get("content").and_then(Value::as_array);
        let kind = |block: &Value| block.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        blocks.is_some_and(|blocks| {
            blocks.iter().any(|b| matches!(kind(b).as_str(), "tool_use" | "tool_result" | "document"))
        })
    };
    if any(&|message| message.get("segments").is_some()) {
        ConversationForm::Labelled
    } else if value.get("system").is_some() || any(&has_blocks) {
        ConversationForm::Anthropic
    } else {
        ConversationForm::Openai
    }
}

/// What the guard found in one text, as people and machines are told.
fn subject(name: &str, segment: &Segment, found: &SegmentInspection) -> Subject {
    let text = &segment.text;
    let form = normalise(text, &Budget::default());
    let mut findings: Vec<Found> = form.alarms.iter().filter_map(|alarm| alarmed(alarm, text)).collect();
    findings.extend(scored(found, text));
    if found.verdict == Finding::Unread || form.truncated {
        findings.extend(truncated("it is longer, or unfolds into more, than is followed"));
    }
    findings.sort_by_key(|found| (found.span.as_ref().map(|span| span.start), found.rule.clone()));
    let verdict = match found.verdict {
        Finding::Attack => Verdict::Fail,
        Finding::Benign if findings.is_empty() => Verdict::Pass,
        // Something is odd about it, and wording alone does not tell what.
        _ => Verdict::Unknown,
    };
    Subject {
        verdict,
        bytes: text.len(),
        label: Some(segment.label.clone()),
        digest: Some(form.digest),
        score: found.score,
        findings,
        normal: Some(normal(&form)),
        text: Some(text.clone()),
        ..Subject::empty(name)
    }
}

/// Hidden text that is not like any other text.
fn concealed(piece: &Hidden, part: &Subject) -> Option<Found> {
    if part.verdict == Verdict::Pass {
        return None;
    }
    let rule = input_rules::rule("input/hidden-text")?.described();
    let message = format!(
        "{}: {} at {}: “{}”",
        rule.title,
        piece.how,
        printable(&piece.place, 60),
        printable(&piece.text, SHOWN)
    );
    Some(Found::of(&rule, message))
}

/// A score that is not that of any other text.
fn scored(found: &SegmentInspection, text: &str) -> Option<Found> {
    let margin = found.margin?;
    let spans = (!found.spans.is_empty()).then_some(&found.spans)?;
    let id = match found.order {
        true => "input/order",
        false if margin >= 0.0 => "input/attack",
        false => "input/suspicious",
    };
    let rule = input_rules::rule(id)?.described();
    let mut message = rule.title.clone();
    if let Some(probability) = found.score.filter(|_| !found.order) {
        message.push_str(&format!(", score {probability:.2}"));
    }
    if !found.read_by.is_empty() {
        let how: Vec<String> = found.read_by.iter().map(transform).collect();
        message.push_str(&format!(", once decoded ({})", how.join(", then ")));
    }
    let said: Vec<String> = found
        .reasons
        .iter()
        .filter_map(|range| text.get(range.clone()))
        .take(3)
        .map(|phrase| format!("“{}”", printable(phrase.trim(), 40)))
        .collect();
    if !said.is_empty() {
        let lead = if found.order { ":" } else { "; what spoke for it:" };
        message.push_str(&format!("{lead} {}", said.join(", ")));
    }
    // The phrase that spoke most for it is what a reader looks for; the span around it may be a paragraph.
    let place = found.reasons.first().or(spans.first())?;
    Some(Found::at(&rule, message, text, place.clone()))
}

fn alarmed(alarm: &Alarm, text: &str) -> Option<Found> {
    let rule = input_rules::of_alarm(&alarm.kind)?.described();
    let message = match &alarm.kind {
        AlarmKind::InvisiblePayload { text, .. } => format!("{}: {}", rule.title, printable(text, SHOWN)),
        _ => format!("{}: {} in {} places", rule.title, alarm.count, alarm.places.len()),
    };
    Some(match alarm.places.first() {
        Some(place) => Found::at(&rule, message, text, place.clone()),
        None => Found::of(&rule, message),
    })
}

fn truncated(why: &str) -> Option<Found> {
    let rule = input_rules::rule("input/truncated")?.described();
    Some(Found::of(&rule, format!("{}: {why}", rule.title)))
}

/// The name of a transform, as JSON has it.
fn transform(transform: &Transform) -> String {
    transform.name().to_owned()
}

fn normal(form: &NormalForm<'_>) -> Normal {
    let view = |view: &proofhouse_guard::normal::View| View {
        how: view.how.iter().map(transform).collect(),
        text: view.text.clone(),
    };
    Normal {
        text: form.text.clone().into_owned(),
        views: form.views.iter().map(view).collect(),
        truncated: form.truncated,
    }
}
