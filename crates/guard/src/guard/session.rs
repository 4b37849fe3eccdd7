//! One point of a conversation.

use proofhouse_dialogue::{Conversation, Origin, ToolCall, ToolSpec, Trust, Turn};
use serde::Serialize;

use super::inspect::{Finding, Inspection, Inspector};
use super::{Guard, GuardError};
use crate::canary::Canary;
use crate::flow::{Approval, ApprovalKey, Decision, Facts, Judge, Taint, Verdict};
use crate::output::{Action, Confidential, OutputFinding, Scanner};

/// One point of a conversation, with what is known beside it.
#[derive(Debug)]
pub struct Session<'a> {
    guard: &'a Guard,
    conversation: &'a Conversation,
    judge: Judge<'a>,
    canaries: Vec<Canary>,
}

/// What becomes of a turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TurnVerdict {
    /// The strictest of everything below.
    pub verdict: Verdict,
    /// Of what the model says.
    pub text: Decision,
    /// What was found in it that may not leave.
    pub findings: Vec<OutputFinding>,
    /// What of it may leave, with placeholders where something may not. Not part of what is logged.
    #[serde(skip)]
    pub released: String,
    /// Of each call, in order.
    pub calls: Vec<CallVerdict>,
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallVerdict {
    /// The stricter of the decision and of what was found in the arguments.
    pub verdict: Verdict,
    /// The boundary's decision.
    pub decision: Decision,
    /// The facts behind it, for the Rego gate.
    pub facts: Facts,
    /// Canaries, confidential texts and secrets in the arguments.
    pub findings: Vec<OutputFinding>,
}

impl<'a> Session<'a> {
    pub(super) fn new(guard: &'a Guard, conversation: &'a Conversation) -> Self {
        let judge = Judge::new(&guard.config.flow, conversation);
        Self { guard, conversation, judge, canaries: Vec::new() }
    }

    /// Adds what earlier parts of the session took up that are no longer in the conversation.
    #[must_use]
    pub fn after(self, earlier: &Taint) -> Self {
        Self { judge: self.judge.after(earlier), ..self }
    }

    /// Adds approvals; those that `key` does not accept at `now_ns` count for nothing.
    #[must_use]
    pub fn approved(self, key: &ApprovalKey, now_ns: u64, approvals: &'a [Approval]) -> Self {
        Self { judge: self.judge.approved(key, now_ns, approvals), ..self }
    }

    /// Adds a word that nobody may say.
    #[must_use]
    pub fn canary(mut self, canary: Canary) -> Self {
        self.canaries.push(canary);
        self
    }

    /// What the session has taken up by now; to be kept for [`Session::after`].
    #[must_use]
    pub const fn taint(&self) -> &Taint {
        self.judge.taint()
    }

    /// The judge of this point.
    #[must_use]
    pub const fn judge(&self) -> &Judge<'a> {
        &self.judge
    }

    /// The tools that the model may be shown.
    #[must_use]
    pub fn offered(&self) -> Vec<&'a ToolSpec> {
        self.conversation.tools.iter().filter(|spec| self.judge.offers(spec)).collect()
    }

    /// What is in the texts.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let all = self.guard.config.work.bytes;
        let mut inspector = Inspector { guard: self.guard, left: all };
        let mut segments = Vec::new();
        for (m, message) in self.conversation.messages.iter().enumerate() {
            for (s, segment) in message.segments.iter().enumerate() {
                segments.push(inspector.segment(m, s, segment));
            }
        }
        let verdict = segments.iter().map(|s| s.verdict).max().unwrap_or(Finding::Benign);
        Inspection { verdict, segments, bytes: all - inspector.left }
    }

    /// What becomes of what the model says and calls.
    pub fn judge_turn(&self, turn: &Turn) -> Result<TurnVerdict, GuardError> {
        let confidential = self.confidential()?;
        let text = self.judge.text(&turn.text);
        let released = self.guard.filter.scan(&confidential, &turn.text);
        let calls: Vec<CallVerdict> = self
            .judge
            .calls(turn)
            .into_iter()
            .zip(&turn.calls)
            .map(|((decision, facts), call)| self.call(&confidential, call, decision, facts))
            .collect();
        let said = if released.blocked { Verdict::Deny } else { text.verdict };
        let verdict = calls.iter().map(|call| call.verdict).fold(said.max(text.verdict), Verdict::max);
        Ok(TurnVerdict { verdict, text, findings: released.findings, released: released.text, calls })
    }

    /// Reads an answer as it comes.
    pub fn scanner(&self) -> Result<Scanner, GuardError> {
        Ok(self.guard.filter.scanner(&self.confidential()?))
    }

    fn call(
        &self,
        confidential: &Confidential,
        call: &ToolCall,
        decision: Decision,
        facts: Facts,
    ) -> CallVerdict {
        let arguments = serde_json::Value::Object(call.arguments.as_object().clone()).to_string();
        // Personal data and links in arguments are for the rules of the arguments to judge.
        let findings: Vec<OutputFinding> = self
            .guard
            .filter
            .findings(confidential, &arguments)
            .into_iter()
            .filter(|finding| !finding.rule.starts_with("personal/") && !finding.rule.starts_with("link/"))
            .collect();
        let leaks = facts.act.outbound && findings.iter().any(|f| f.action >= Action::Redact);
        let verdict = if leaks { Verdict::Deny } else { decision.verdict };
        CallVerdict { verdict, decision, facts, findings }
    }

    /// What this conversation must not give away.
    fn confidential(&self) -> Result<Confidential, GuardError> {
        let mut confidential = Confidential::new();
        for canary in &self.canaries {
            confidential = confidential.canary(canary.name(), canary.word())?;
        }
        if self.guard.config.prompt_is_public {
            return Ok(confidential);
        }
        let own = self.conversation.segments().filter(|segment| {
            segment.label.trust == Trust::Trusted
                && matches!(segment.label.origin, Origin::System | Origin::Operator)
        });
        for segment in own {
            confidential = confidential.text("system prompt", &segment.text)?;
        }
        Ok(confidential)
    }
}
