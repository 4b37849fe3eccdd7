//! One attempt as a conversation: what to send next, and what came back. Knows no network; whoever has one
//! asks [`Exchange::request`] and tells [`Exchange::reply`] until there is nothing more to send.

use proofhouse_dialogue::{Arguments, Conversation, Message, Name, Origin, Role, Segment, ToolCall, Turn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::probe::joined;
use crate::{Attempt, Part, Scenario, Step};

/// Requests of one attempt. An agent that calls tools for ever is cut off here.
pub const MAX_REQUESTS: usize = 10;
/// Characters of one answer that are looked at.
pub const MAX_ANSWER: usize = 65_536;

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The model answered.
    Turn(Turn),
    /// Something between refused.
    Blocked(Blocked),
    /// Nothing usable came back: the attempt says nothing about the target.
    Failed(String),
}

/// A refusal by something in front of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// On the way in, or on the way out.
    pub at: Stage,
    /// Why, in the words of whoever refused.
    pub why: String,
}

/// Where something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before the model saw it.
    Input,
    /// The answer or a call in it.
    Output,
}

/// What happened in an attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// The model's answers, oldest first.
    pub turns: Vec<Turn>,
    /// The refusal that ended it.
    pub blocked: Option<Blocked>,
    /// The failure that ended it.
    pub failed: Option<String>,
    /// Requests sent.
    pub requests: usize,
}

/// An attempt under way.
#[derive(Debug, Clone)]
pub struct Exchange<'a> {
    scenario: &'a Scenario,
    steps: std::slice::Iter<'a, Step>,
    conversation: Conversation,
    transcript: Transcript,
    calls: usize,
    open: bool,
}

impl<'a> Exchange<'a> {
    /// Begins: the system prompt, the tools, and the script up to the first thing to send.
    #[must_use]
    pub fn new(scenario: &'a Scenario, attempt: &'a Attempt) -> Self {
        let tools = scenario
            .tools
            .iter()
            .map(|tool| {
                let mut spec = tool.spec();
                if let Some((name, runs)) = &attempt.probe.poisoned_tool
                    && *name == tool.name
                {
                    spec.description = joined(runs);
                }
                spec
            })
            .collect();
        let system = Segment::new(&scenario.system, scenario.labels.label(&Origin::System));
        let mut exchange = Self {
            scenario,
            steps: attempt.probe.steps.iter(),
            conversation: Conversation::new(vec![Message::new(Role::System, vec![system])], tools),
            transcript: Transcript::default(),
            calls: 0,
            open: true,
        };
        exchange.advance();
        exchange
    }

    /// What to send, as long as there is something.
    #[must_use]
    pub fn request(&self) -> Option<&Conversation> {
        (self.open && self.transcript.requests < MAX_REQUESTS).then_some(&self.conversation)
    }

    /// Takes what came back and goes on with the script.
    pub fn reply(&mut self, reply: Reply) {
        self.transcript.requests += 1;
        match reply {
            Reply::Blocked(blocked) => {
                self.transcript.blocked = Some(blocked);
                self.open = false;
            }
            Reply::Failed(why) => {
                self.transcript.failed = Some(why);
                self.open = false;
            }
            Reply::Turn(mut turn) => {
                cut(&mut turn.text, MAX_ANSWER);
                let segment = Segment::new(&turn.text, self.scenario.labels.label(&Origin::Assistant));
                let mut message = Message::new(Role::Assistant, vec![segment]);
                message.calls.clone_from(&turn.calls);
                self.conversation.messages.push(message);
                let calls = turn.calls.clone();
                self.transcript.turns.push(turn);
                if calls.is_empty() {
                    self.advance();
                } else {
                    calls.iter().for_each(|call| self.answer(call));
                }
            }
        }
    }

    /// What happened.
    #[must_use]
    pub fn finish(self) -> Transcript {
        self.transcript
    }

    /// A tool's canned answer. A tool that is not there says so, as an application would.
    fn answer(&mut self, call: &ToolCall) {
        let text = match self.scenario.tool(&call.name) {
            Some(tool) => tool.answer.clone(),
            None => format!("There is no tool {}.", call.name),
        };
        let label = self.scenario.labels.label(&Origin::Tool(call.name.clone()));
        self.conversation.messages.push(Message::tool(&call.id, vec![Segment::new(text, label)]));
    }

    /// Adds scripted messages up to and with the next that the target has to answer.
    fn advance(&mut self) {
        let mut added = false;
        while let Some(step) = self.steps.next() {
            added = true;
            match step {
                Step::User(parts) => {
                    let segments = self.segments(parts);
                    self.conversation.messages.push(Message::new(Role::User, segments));
                    let more = self.steps.as_slice().first();
                    if matches!(more, None | Some(Step::User(_))) {
                        return;
                    }
                }
                Step::Assistant(text) => {
                    let label = self.scenario.labels.label(&Origin::Assistant);
                    let message = Message::new(Role::Assistant, vec![Segment::new(text, label)]);
                    self.conversation.messages.push(message);
                }
                Step::Tool { name, arguments, answer } => {
                    self.history(name, arguments, answer);
                    if matches!(self.steps.as_slice().first(), None | Some(Step::User(_))) {
                        return;
                    }
                }
            }
        }
        self.open = added;
    }

    fn history(&mut self, name: &Name, arguments: &Arguments, answer: &[Part]) {
        self.calls += 1;
        let id = format!("call_{}", self.calls);
        let mut message = Message::new(Role::Assistant, Vec::new());
        message.calls.push(ToolCall { id: id.clone(), name: name.clone(), arguments: arguments.clone() });
        let segments = self.segments(answer);
        self.conversation.messages.push(message);
        self.conversation.messages.push(Message::tool(id, segments));
    }

    fn segments(&self, parts: &[Part]) -> Vec<Segment> {
        parts.iter().map(|p| Segment::new(p.text(), self.scenario.labels.label(&p.origin))).collect()
    }
}

/// Shortens a text to at most `limit` bytes, at a character.
pub(crate) fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
}

impl Transcript {
    /// Everything the model said, one text an answer.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().map(|t| t.text.as_str())
    }

    /// Everything it called.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.turns.iter().flat_map(|t| &t.calls)
    }
}

/// The strings in the arguments of a call, keys and values, each on a line. Walks with a stack of its own.
#[must_use]
pub fn argument_text(call: &ToolCall) -> String {
    let mut out = String::new();
    let mut push = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let mut stack: Vec<&Value> = Vec::new();
    for (key, value) in call.arguments.as_object() {
        push(key);
        stack.push(value);
        while let Some(value) = stack.pop() {
            match value {
                Value::String(text) => push(text),
                Value::Number(n) => push(&n.to_string()),
                Value::Array(items) => stack.extend(items.iter().rev()),
                Value::Object(map) => stack.extend(map.values().rev()),
                Value::Null | Value::Bool(_) => {}
            }
        }
    }
    out
}
