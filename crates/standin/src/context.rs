//! What stands in the context, by who said it.

use std::fmt::Write as _;

use proofhouse_dialogue::{Conversation, Origin, Role, ToolSpec};
use serde_json::Value;

use crate::decode::readings;
use crate::words::{Class, Sentence, content_words, sentences};

/// Most characters that are put into an argument or an answer from the context.
const GATHERED: usize = 4000;

/// Who said something, as far as the stand-in cares: which is only how plainly an order must be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    System,
    Description,
    User,
    Assistant,
    Other,
}

/// One text of the context with its readings.
#[derive(Debug)]
pub(crate) struct Said {
    pub who: Who,
    pub message: usize,
    /// Where it comes from, for a citation.
    pub source: Option<String>,
    /// The text, then what is hidden in it.
    pub readings: Vec<String>,
}

impl Said {
    pub(crate) fn text(&self) -> &str {
        self.readings.first().map_or("", String::as_str)
    }
}

/// What an order asks to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    System,
    Secret,
    Tools,
    All,
}

/// Everything in the context.
pub(crate) struct Context<'c> {
    pub said: Vec<Said>,
    pub conversation: &'c Conversation,
    /// The first message of what is going on now.
    pub now: usize,
}

impl<'c> Context<'c> {
    pub(crate) fn new(conversation: &'c Conversation) -> Self {
        let mut said = Vec::new();
        for tool in &conversation.tools {
            let text = format!("{}\n{}", tool.description, descriptions(&tool.parameters));
            said.push(Said { who: Who::Description, message: 0, source: None, readings: readings(&text) });
        }
        for (message, spoken) in conversation.messages.iter().enumerate() {
            for segment in &spoken.segments {
                let who = match (&segment.label.origin, spoken.role) {
                    (Origin::System | Origin::Operator, _) => Who::System,
                    (Origin::User, _) => Who::User,
                    (Origin::Assistant, _) => Who::Assistant,
                    _ => Who::Other,
                };
                let source = segment.label.origin.name().map(ToString::to_string);
                said.push(Said { who, message, source, readings: readings(&flat(&segment.text)) });
            }
        }
        let last = conversation.messages.iter().rposition(|m| m.role == Role::User).unwrap_or(0);
        let mut context = Self { said, conversation, now: last };
        // "Go ahead": with what was said before.
        let question = context.question();
        let sentence = Sentence::new(&question);
        if sentence.has(Class::Go) && sentence.tokens.len() <= 8 {
            context.now = 0;
        }
        context
    }

    /// What the user said last.
    pub(crate) fn question(&self) -> String {
        let last = self.conversation.messages.iter().rposition(|m| m.role == Role::User);
        let texts = self.said.iter().filter(|s| s.who == Who::User && Some(s.message) == last);
        texts.map(Said::text).collect::<Vec<_>>().join("\n")
    }

    /// What tools answered to what is going on now.
    pub(crate) fn tool_answers(&self) -> impl Iterator<Item = &Said> {
        let is_answer = |said: &&Said| {
            said.message >= self.now
                && self.conversation.messages.get(said.message).is_some_and(|m| m.role == Role::Tool)
        };
        self.said.iter().filter(is_answer)
    }

    /// The text that an order asks for. `near` says which secret.
    pub(crate) fn gather(&self, what: What, near: &str) -> String {
        let texts = |who: Who| self.said.iter().filter(move |s| s.who == who).map(Said::text);
        let text = match what {
            What::System => texts(Who::System).collect::<Vec<_>>().join("\n"),
            What::Tools => {
                let tool =
                    |tool: &ToolSpec| format!("{}: {} {}", tool.name, tool.description, tool.parameters);
                self.conversation.tools.iter().map(tool).collect::<Vec<_>>().join("\n")
            }
            What::All => {
                let answers: Vec<&str> = self.tool_answers().map(Said::text).collect();
                let others: Vec<&str> = texts(Who::Other).chain(texts(Who::User)).collect();
                if answers.is_empty() { others.join("\n") } else { answers.join("\n") }
            }
            What::Secret => self.secrets(near),
        };
        text.chars().take(GATHERED).collect()
    }

    /// Sentences that hold something secret; those about what is asked for, if there are any.
    fn secrets(&self, near: &str) -> String {
        let asked = content_words(near);
        let mut found: Vec<(usize, String)> = Vec::new();
        for said in self.said.iter().filter(|s| matches!(s.who, Who::System | Who::Other)) {
            for sentence in sentences(said.text()) {
                let parsed = Sentence::new(&sentence);
                if parsed.has(Class::Secret) || sentence.split_whitespace().any(looks_secret) {
                    let words = content_words(&sentence);
                    let shared = words.iter().filter(|w| asked.contains(w)).count();
                    found.push((shared, sentence));
                }
            }
        }
        let most = found.iter().map(|(shared, _)| *shared).max();
        let kept: Vec<String> =
            found.into_iter().filter(|(shared, _)| Some(*shared) == most).map(|(_, s)| s).collect();
        if kept.is_empty() { self.gather(What::System, near) } else { kept.join("\n") }
    }

    /// A value that a tool answered under this key.
    pub(crate) fn known(&self, key: &str) -> Option<String> {
        let answers = self.said.iter().rev().filter(|s| s.who == Who::Other);
        answers.into_iter().find_map(|said| crate::extract::labelled(said.text(), key))
    }

    /// The address of the person who is spoken with.
    pub(crate) fn own_email(&self) -> Option<String> {
        let order = [Who::User, Who::Other, Who::System];
        order.into_iter().find_map(|who| {
            let texts = self.said.iter().rev().filter(move |s| s.who == who);
            texts.into_iter().find_map(|s| crate::extract::emails(s.text()).into_iter().next())
        })
    }
}

/// Letters and digits mixed, as in a key.
fn looks_secret(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.len() >= 8
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().any(|c| c.is_ascii_alphabetic())
        && !word.contains("://")
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// JSON as lines of "key: value", so that a sentence within a string is a sentence.
pub(crate) fn flat(text: &str) -> String {
    let trimmed = text.trim();
    if !trimmed.starts_with(['{', '[']) {
        return text.to_owned();
    }
    let Ok(value) = serde_json::from_str::<Value>(trimmed) else { return text.to_owned() };
    let mut out = String::new();
    let mut open = vec![(String::new(), &value)];
    while let Some((key, value)) = open.pop() {
        match value {
            Value::Object(members) => open.extend(members.iter().rev().map(|(k, v)| (k.clone(), v))),
            Value::Array(elements) => open.extend(elements.iter().rev().map(|v| (key.clone(), v))),
            Value::Null => {}
            scalar => {
                let plain = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
                let _ =
                    if key.is_empty() { writeln!(out, "{plain}") } else { writeln!(out, "{key}: {plain}") };
            }
        }
    }
    out
}

/// What a schema tells about its parameters.
fn descriptions(schema: &Value) -> String {
    let mut out = Vec::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                out.extend(members.get("description").and_then(Value::as_str));
                open.extend(members.values());
            }
            Value::Array(elements) => open.extend(elements),
            _ => {}
        }
    }
    out.join("\n")
}
