//! Messages, segments and turns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Label, Secrecy, ToolCall, ToolSpec, Trust};

/// What kind of text a segment is. Detectors are calibrated for each.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// What people write to each other.
    #[default]
    Chat,
    /// Pages, mails, manuals, tables.
    Document,
    /// Source code, configuration, logs.
    Code,
}

/// The smallest piece of text with one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The text, as it stands in the request.
    pub text: String,
    /// What is known about it.
    pub label: Label,
    /// What kind of text it is.
    pub carrier: Carrier,
}

impl Segment {
    /// A segment. What tools, retrieval, files and the web bring is a document, everything else is chat.
    #[must_use]
    pub fn new(text: impl Into<String>, label: Label) -> Self {
        let carrier = match label.origin.name() {
            Some(_) => Carrier::Document,
            None => Carrier::Chat,
        };
        Self { text: text.into(), label, carrier }
    }
}

/// Who speaks, in the words of chat protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The application.
    System,
    /// The operator (`developer` in OpenAI's protocol).
    Operator,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool's answer.
    Tool,
}

/// One message. A message of one role may hold segments of several origins: a user who attaches a file, a
/// prompt into which retrieval put passages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub segments: Vec<Segment>,
    /// Tools the assistant called with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// The call that a tool's message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Message {
    /// A message without calls.
    #[must_use]
    pub const fn new(role: Role, segments: Vec<Segment>) -> Self {
        Self { role, segments, calls: Vec::new(), answers: None }
    }

    /// What a tool answered to `call`.
    #[must_use]
    pub fn tool(call: impl Into<String>, segments: Vec<Segment>) -> Self {
        Self { answers: Some(call.into()), ..Self::new(Role::Tool, segments) }
    }
}

/// A conversation so far, and the tools the model is offered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The tools.
    #[serde(default)]
    pub tools: Vec<ToolSpec>,
}

impl Conversation {
    /// A conversation.
    #[must_use]
    pub const fn new(messages: Vec<Message>, tools: Vec<ToolSpec>) -> Self {
        Self { messages, tools }
    }

    /// All segments, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.messages.iter().flat_map(|m| &m.segments)
    }

    /// The lowest trust of anything in context; *trusted* where there is nothing. What the model writes
    /// next can be directed by whoever wrote that.
    #[must_use]
    pub fn lowest_trust(&self) -> Trust {
        self.segments().map(|s| s.label.trust).min().unwrap_or(Trust::Trusted)
    }

    /// The highest secrecy of anything in context.
    #[must_use]
    pub fn highest_secrecy(&self) -> Secrecy {
        self.segments().map(|s| s.label.secrecy).max().unwrap_or(Secrecy::Public)
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// It had said everything.
    End,
    /// It waits for the tools it called.
    ToolCalls,
    /// It reached its token limit.
    Length,
    /// A filter cut it off.
    Filtered,
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// What it says.
    pub text: String,
    /// What it calls.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub stop: StopReason,
}
