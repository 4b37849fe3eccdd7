//! What the gateway asks of a guard.
//!
//! The guard is an engine of its own and knows no HTTP; this is its place in the chain. Every question can
//! fail, and a failure refuses: there is no answer "could not tell, go on".

use std::fmt;

use proofhouse_core::Digest;
use proofhouse_dialogue::wire::ChatRequest;
use proofhouse_dialogue::{Carrier, Conversation, Label, Labelling, Turn};
use proofhouse_guard::flow::{Approval, Decision, Facts};

/// The layers that read what goes to a model and what comes back.
pub trait Boundary: Send + Sync + fmt::Debug {
    /// Which label a text gets.
    fn labelling(&self) -> &Labelling;

    /// Reads everything that would go to the model. Bounded work, no clock, no network.
    fn inspect(&self, conversation: &Conversation) -> Result<Inspected, Failure>;

    /// Whether a short conversation is read in a fraction of a millisecond. One that is not is read on a thread
    /// that may block, where a limit of time ends the waiting.
    fn is_quick(&self) -> bool {
        true
    }

    /// Makes ready what is sent on: withholds tools that must not be offered, marks untrusted passages,
    /// plants canaries. Asked after the inspection allowed it.
    fn prepare(&self, request: &mut ChatRequest) -> Result<(), Failure>;

    /// Judges what the model says and calls, before any of it reaches the caller; one answer for each call, in
    /// order. Of a stream the text has left by then, and is not in the turn.
    fn judge(
        &self,
        conversation: &Conversation,
        turn: &Turn,
        approvals: &[Approval],
        now_ns: u64,
    ) -> Result<JudgedTurn, Failure>;

    /// What text of an answer passes on its way out.
    fn scanner(&self, conversation: &Conversation) -> Result<Box<dyn Scanning>, Failure>;
}

/// Text on its way out. What was pushed and not returned is held back because it could be the beginning of
/// something that may not leave.
pub trait Scanning: Send {
    /// Takes the next piece and returns what may leave now.
    fn push(&mut self, piece: &str) -> Result<Scanned, Failure>;

    /// The text has ended; returns the rest.
    fn finish(&mut self) -> Result<Scanned, Failure>;
}

/// What may leave, and what was found in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The text, with what may not leave already replaced.
    pub text: String,
    /// Kinds of what was found, such as `secret` or `canary`.
    pub findings: Vec<&'static str>,
    /// The answer ends here.
    pub cut: bool,
}

/// A guard could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// More than it takes.
    #[error("it is more than the guard takes: {0}")]
    TooLarge(String),
    /// Anything else.
    #[error("the guard failed: {0}")]
    Broken(String),
}

/// What was found in a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inspected {
    /// One for each text that was read, in order.
    pub segments: Vec<InspectedSegment>,
}

impl Inspected {
    /// The worst verdict of a segment.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        let worst = |word: &&str| self.segments.iter().any(|segment| segment.verdict == *word);
        ["attack", "unread", "grey"].into_iter().find(|word| worst(word)).unwrap_or("benign")
    }
}

/// What was found in one text.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectedSegment {
    /// Where it comes from.
    pub label: Label,
    /// What kind of text it is.
    pub carrier: Carrier,
    /// Digest of its normal form.
    pub normal_form: Digest,
    /// Probability that it tries to direct the model, calibrated for its carrier.
    pub score: f64,
    /// `benign`, `grey`, `unread` (more than the guard reads, or a detector failed) or `attack`.
    pub verdict: &'static str,
    /// Kinds of alarms, such as `invisible-payload`.
    pub alarms: Vec<&'static str>,
}

/// What was decided about a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedTurn {
    /// About what the model says; nothing where it says nothing.
    pub text: Option<JudgedText>,
    /// About each call.
    pub calls: Vec<JudgedCall>,
}

/// What was decided about a text.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedText {
    /// The boundary's decision.
    pub decision: Decision,
    /// The facts behind it, for policy.
    pub facts: Facts,
}

/// What was decided about a call.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedCall {
    /// The boundary's decision.
    pub decision: Decision,
    /// The facts behind it, for policy.
    pub facts: Facts,
    /// Rules about what may not leave that its arguments break; a call with any is withheld.
    pub leaks: Vec<&'static str>,
}
