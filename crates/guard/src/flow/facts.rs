//! The facts of one judgement as a document, on which the Rego entry point `boundary` decides.
//!
//! Rego says nothing about a key that is absent, so every key is always there: what does not exist is an
//! empty text, an empty list or `false`. No text of the conversation is in it, only places and labels.

use proofhouse_core::Digest;
use proofhouse_dialogue::{Effect, Secrecy, Trust};
use serde::{Deserialize, Serialize};

use super::context::{Context, Place};
use super::{Reason, Step, Verdict};

/// What the boundary found about one call or answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What is to be done.
    pub act: Act,
    /// What is in context.
    pub context: ContextFacts,
    /// The arguments, in order.
    pub arguments: Vec<ArgumentFacts>,
    /// What the built-in rules say.
    pub builtin: Builtin,
    /// The approval that was found for exactly this.
    pub approval: ApprovalFacts,
}

/// The version of [`Facts::input`].
pub const SCHEMA: &str = "proofhouse.boundary/v1";

impl Facts {
    /// The input document of the Rego entry point `boundary`.
    #[must_use]
    pub fn input(&self, now_ns: u64, environment: &str) -> serde_json::Value {
        let facts = serde_json::to_value(self).unwrap_or_default();
        serde_json::json!({
            "schema": SCHEMA,
            "request": {"now_ns": now_ns, "environment": environment},
            "act": facts.get("act"),
            "context": facts.get("context"),
            "arguments": facts.get("arguments"),
            "builtin": facts.get("builtin"),
            "approval": facts.get("approval"),
        })
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// `call` or `answer`.
    pub kind: String,
    /// The tool; empty for an answer.
    pub tool: String,
    /// The policy declares it. True for an answer.
    pub declared: bool,
    /// What it does.
    pub effects: Vec<Effect>,
    /// Information can leave through it.
    pub outbound: bool,
    /// Names exactly this, here; what an approval is given for.
    pub digest: Digest,
}

/// What is in context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextFacts {
    /// The conversation up to here.
    pub digest: Digest,
    /// Untrusted text is in context.
    pub exposed: bool,
    /// The first of it; none or one.
    pub exposed_by: Vec<StepFacts>,
    /// Private data is in context, as the policy counts it.
    pub private: bool,
    /// The first of it; none or one.
    pub private_by: Vec<StepFacts>,
    /// Each label in context once.
    pub labels: Vec<LabelFacts>,
}

/// A label and how many segments have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFacts {
    /// Such as `tool`.
    pub origin: String,
    /// Such as the tool's name; empty where the origin has none.
    pub name: String,
    /// How far it is trusted.
    pub trust: Trust,
    /// Who may see it.
    pub secrecy: Secrecy,
    /// How many segments have it.
    pub segments: u64,
}

/// A place with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepFacts {
    /// What kind of place.
    pub place: Place,
    /// The message or tool.
    pub message: u64,
    /// The segment.
    pub segment: u64,
    /// Such as `tool`.
    pub origin: String,
    /// Such as the tool's name; empty where the origin has none.
    pub name: String,
    /// How far it is trusted.
    pub trust: Trust,
    /// Who may see it.
    pub secrecy: Secrecy,
}

impl From<&Step> for StepFacts {
    fn from(step: &Step) -> Self {
        Self {
            place: step.place,
            message: step.message as u64,
            segment: step.segment as u64,
            origin: step.label.origin.kind().to_owned(),
            name: step.label.origin.name().map(ToString::to_string).unwrap_or_default(),
            trust: step.label.trust,
            secrecy: step.label.secrecy,
        }
    }
}

/// What is known about one value of the arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentFacts {
    /// Its place, such as `to[1]`.
    pub argument: String,
    /// A rule of the policy is for it.
    pub declared: bool,
    /// How it was read: `text`, `amount`, `address`, `url`, `host`, or `none` where it cannot be.
    pub reads: String,
    /// The operator vouches for the value.
    pub known: bool,
    /// Where it stands, most trusted first; at most 8.
    pub sources: Vec<StepFacts>,
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
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<ReasonFacts>,
}

/// A reason in the form Rego reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonFacts {
    /// The rule's code.
    pub code: String,
    /// What it demands: `needs-approval` can be waived by an approval, `deny` by nobody.
    pub verdict: Verdict,
    /// One sentence.
    pub message: String,
    /// The argument; empty where it is about the whole.
    pub argument: String,
    /// The segments that led to it.
    pub path: Vec<StepFacts>,
}

impl From<&Reason> for ReasonFacts {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.rule.code().to_owned(),
            verdict: reason.verdict,
            message: reason.message.clone(),
            argument: reason.argument.clone().unwrap_or_default(),
            path: reason.path.iter().map(StepFacts::from).collect(),
        }
    }
}

/// The approval that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFacts {
    /// There is one, authentic, in time and for exactly this act.
    pub present: bool,
    /// Who gave it; empty where there is none.
    pub by: String,
    /// When it ends, nanoseconds since 1970; 0 where there is none.
    pub expires_ns: u64,
}

impl ContextFacts {
    pub(super) fn new(
        digest: Digest,
        context: &Context<'_>,
        exposed: Option<&Step>,
        private: Option<&Step>,
    ) -> Self {
        let mut labels: Vec<LabelFacts> = Vec::new();
        for seen in &context.seen {
            let step = StepFacts::from(&seen.step);
            let same = |l: &&mut LabelFacts| {
                l.origin == step.origin
                    && l.name == step.name
                    && l.trust == step.trust
                    && l.secrecy == step.secrecy
            };
            match labels.iter_mut().find(same) {
                Some(label) => label.segments += 1,
                None => labels.push(LabelFacts {
                    origin: step.origin,
                    name: step.name,
                    trust: step.trust,
                    secrecy: step.secrecy,
                    segments: 1,
                }),
            }
        }
        labels.sort();
        Self {
            digest,
            exposed: exposed.is_some(),
            exposed_by: exposed.map(StepFacts::from).into_iter().collect(),
            private: private.is_some(),
            private_by: private.map(StepFacts::from).into_iter().collect(),
            labels,
        }
    }
}

impl Builtin {
    pub(super) fn new(reasons: &[Reason]) -> Self {
        Self {
            verdict: reasons.iter().map(|r| r.verdict).max().unwrap_or_default(),
            reasons: reasons.iter().map(ReasonFacts::from).collect(),
        }
    }
}
