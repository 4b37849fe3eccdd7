//! Input of the boundary gate: what was found about one call of a tool, or one answer, in a conversation with
//! a language model. The guard writes this document; it holds places and labels, never text.

use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use super::PolicyInput;
use crate::Entrypoint;

/// The value of [`Input::schema`].
pub const SCHEMA: &str = "proofhouse.boundary/v1";

/// What the boundary gate reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When and where.
    pub request: Request,
    /// What is to be done.
    pub act: Act,
    /// What is in context.
    pub context: Context,
    /// The values of the call's arguments, in order.
    pub arguments: Vec<Argument>,
    /// What the built-in rules say.
    pub builtin: Builtin,
    /// A person's approval of exactly this act.
    pub approval: Approval,
}

impl PolicyInput for Input {
    const ENTRYPOINT: Entrypoint = Entrypoint::Boundary;
}

/// When and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Nanoseconds since 1970.
    pub now_ns: u64,
    /// The environment.
    pub environment: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// `call` or `answer`.
    pub kind: String,
    /// The tool; empty for an answer.
    pub tool: String,
    /// The operator declared it. True for an answer.
    pub declared: bool,
    /// `read`, `write`, `send`, `pay`; none for an answer.
    pub effects: Vec<String>,
    /// Information can leave through it.
    pub outbound: bool,
    /// Names exactly this at this point of the conversation.
    pub digest: Digest,
}

/// What is in context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The conversation up to here.
    pub digest: Digest,
    /// Untrusted text is in context.
    pub exposed: bool,
    /// The first of it; none or one.
    pub exposed_by: Vec<Step>,
    /// Private data is in context.
    pub private: bool,
    /// The first of it; none or one.
    pub private_by: Vec<Step>,
    /// Each label in context once.
    pub labels: Vec<Label>,
}

/// A label and how many segments have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Such as `tool`.
    pub origin: String,
    /// Such as the tool's name; empty where the origin has none.
    pub name: String,
    /// `untrusted`, `principal` or `trusted`.
    pub trust: String,
    /// `public` or `private`.
    pub secrecy: String,
    /// How many segments have it.
    pub segments: u64,
}

/// A place in the conversation with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `message`, `description` or `earlier`.
    pub place: String,
    /// The message or tool, from 0.
    pub message: u64,
    /// The segment, from 0.
    pub segment: u64,
    /// Such as `tool`.
    pub origin: String,
    /// Such as the tool's name; empty where the origin has none.
    pub name: String,
    /// `untrusted`, `principal` or `trusted`.
    pub trust: String,
    /// `public` or `private`.
    pub secrecy: String,
}

/// One value of the arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its place, such as `to[1]`.
    pub argument: String,
    /// The operator stated a rule for it.
    pub declared: bool,
    /// `text`, `amount`, `address`, `url`, `host` or `none`.
    pub reads: String,
    /// The operator vouches for the value.
    pub known: bool,
    /// Where it stands, most trusted first.
    pub sources: Vec<Step>,
    /// It stands in a text of the principal, the operator or the application.
    pub trusted: bool,
    /// It stands in an untrusted text.
    pub untrusted: bool,
    /// It carries private data.
    pub private: bool,
}

/// What the built-in rules say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Builtin {
    /// `allow`, `needs-approval` or `deny`.
    pub verdict: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// A reason of a built-in rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The rule's code.
    pub code: String,
    /// `needs-approval`, which an approval waives, or `deny`.
    pub verdict: String,
    /// One sentence.
    pub message: String,
    /// The argument; empty where it is about the whole.
    pub argument: String,
    /// The segments that led to it.
    pub path: Vec<Step>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// There is one, authentic and for exactly this act.
    pub present: bool,
    /// Who gave it; empty where there is none.
    pub by: String,
    /// When it ends, nanoseconds since 1970; 0 where there is none.
    pub expires_ns: u64,
}
