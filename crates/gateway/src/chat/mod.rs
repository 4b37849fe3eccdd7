//! Conversations with language models behind the guard.
//!
//! What a caller sends is read into types once and written again from them, so what the guard has seen is
//! what the model gets. What a model answers goes the same way back: its text leaves through the scanner of
//! the output rules, its calls only after they were judged, whole. No layer here decides by itself: findings
//! and flows go to the policy's `boundary` gate, and whatever fails refuses.

pub(crate) mod approval;
pub(crate) mod boundary;
pub(crate) mod exchange;
pub(crate) mod explain;
pub(crate) mod layers;
pub(crate) mod record;
pub(crate) mod relay;
pub(crate) mod whole;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proofhouse_dialogue::wire::Protocol;

pub use approval::{APPROVAL_HEADER, to_header as approval_header};
pub use boundary::{
    Boundary, Failure, Inspected, InspectedSegment, JudgedCall, JudgedText, JudgedTurn, Scanned, Scanning,
};
pub use layers::Layers;
pub use record::{CallRecord, ChatRecord, ObservedChat, SegmentRecord};

/// How conversations with one model are let through.
#[derive(Debug, Clone)]
pub struct Chat {
    /// The layers that read what goes in and what comes out.
    pub boundary: Arc<dyn Boundary>,
    /// The protocols its upstream speaks; requests of another are refused.
    pub protocols: BTreeSet<Protocol>,
    /// What the upstream calls the model, where it is not the route's name.
    pub upstream_model: Option<String>,
    /// Whether what the guard finds in a request refuses it, or is only written down.
    pub on_finding: OnFinding,
    /// Whether parts that are no text pass, which nobody here can read.
    pub attachments: Attachments,
    /// The environment, for the boundary policy.
    pub environment: String,
    /// What a caller gets where the guard refuses.
    pub on_refusal: OnRefusal,
    /// Limits.
    pub limits: ChatLimits,
}

impl Chat {
    /// Both protocols and the default limits.
    #[must_use]
    pub fn new(boundary: Arc<dyn Boundary>) -> Self {
        Self {
            boundary,
            protocols: BTreeSet::from([Protocol::Openai, Protocol::Anthropic]),
            upstream_model: None,
            on_finding: OnFinding::default(),
            attachments: Attachments::default(),
            environment: "local".to_owned(),
            on_refusal: OnRefusal::default(),
            limits: ChatLimits::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ChatConfigError> {
        let ChatLimits { max_tokens, choices, messages, .. } = &self.limits;
        if *max_tokens == 0 || *choices == 0 || *messages == 0 {
            return Err(ChatConfigError::Nothing);
        }
        if self.protocols.is_empty() {
            return Err(ChatConfigError::NoProtocol);
        }
        Ok(())
    }
}

/// What becomes of a request in which the guard's detectors found something. The boundary holds either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFinding {
    /// Policy is told to refuse it.
    #[default]
    Refuse,
    /// Policy is told that it is only watched.
    Watch,
}

/// What becomes of pictures, sound and files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Attachments {
    /// Policy is told to refuse them: nobody here can say what a model reads in them.
    #[default]
    Refuse,
    /// They pass.
    Pass,
}

/// What a caller gets where the guard refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRefusal {
    /// Status 403 with the code `guard/…`, which the official clients raise as an exception.
    #[default]
    Error,
    /// An answer of the assistant that says so and stops with `content_filter` or `refusal`, for applications
    /// that show whatever comes.
    Message,
}

/// Limits on conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatLimits {
    /// Messages of a conversation.
    pub messages: usize,
    /// Tools that are offered.
    pub tools: usize,
    /// Tokens of an answer at most; asked for where the caller asks for more or for nothing.
    pub max_tokens: u64,
    /// Answers to one request (`n`).
    pub choices: u64,
    /// Bytes that a token of an answer is taken to have at most. An answer with more bytes than its tokens
    /// can have is cut: the upstream does not keep to what it was asked.
    pub bytes_per_token: u64,
    /// Fields at the top of a request that nobody here looks into and that are sent on all the same. Any
    /// other is refused.
    pub unread_fields: BTreeSet<String>,
    /// Time for the guard to read a request. An encoder takes a hundredth of a second for a short text, and its turn
    /// comes late on a busy machine.
    pub guard_timeout: Duration,
    /// Time for a whole answer, or for a stream to begin.
    pub answer_timeout: Duration,
    /// Time between two pieces of a stream.
    pub idle_timeout: Duration,
    /// Time for a whole stream.
    pub stream_timeout: Duration,
    /// A client hears something at least this often.
    pub heartbeat: Duration,
}

impl Default for ChatLimits {
    fn default() -> Self {
        Self {
            messages: 1024,
            tools: 128,
            max_tokens: 4096,
            choices: 1,
            bytes_per_token: 16,
            unread_fields: BTreeSet::new(),
            guard_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(600),
            heartbeat: Duration::from_secs(10),
        }
    }
}

/// Settings that let nothing through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChatConfigError {
    /// A limit of zero.
    #[error("a limit of 0 tokens, answers or messages would refuse every request")]
    Nothing,
    /// No protocol.
    #[error("it speaks no protocol; name openai, anthropic or both")]
    NoProtocol,
}
