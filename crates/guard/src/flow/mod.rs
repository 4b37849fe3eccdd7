//! Provenance and data flow: which tools a model may call, with arguments from whom, once which text is in
//! its context.
//!
//! A model cannot tell an instruction from a quotation, so nothing here depends on what a text says. The
//! worst is assumed of it: once somebody outside has written into the context, whatever the model writes
//! next may be written by that somebody. What decides is
//!
//! * the [`Policy`], in which the operator declares the tools with their effects and rules for their
//!   arguments; what is not declared is denied;
//! * the labels of the conversation, which the text has no say in ([`Taint`]);
//! * where each argument stands, literally and whole, in a segment of somebody who may direct that effect
//!   (module [`provenance`]). The model's own words vouch for nothing: they may repeat what it read.
//!
//! [`Judge`] gives the [`Decision`], every reason with the path that led to it, and the [`Facts`] on which
//! the Rego entry point `boundary` decides.
//!
//! The approach is information-flow control with labels on values (Denning, *A Lattice Model of Secure
//! Information Flow*, 1976) where only literal copies carry their label through the model; everything the
//! model composes has the label of its whole context.

mod answer;
mod approval;
mod argument;
mod carry;
mod context;
mod decision;
mod digest;
mod facts;
mod host;
mod judge;
mod leaves;
mod links;
mod policy;
pub mod provenance;

pub use approval::{Approval, ApprovalKey};
pub use context::{Place, Step, Taint};
pub use decision::{Decision, Reason, Rule, Verdict};
pub use facts::{
    Act, ApprovalFacts, ArgumentFacts, Builtin, ContextFacts, Facts, LabelFacts, ReasonFacts, SCHEMA,
    StepFacts,
};
pub use judge::{Judge, TurnDecision};
pub use links::{Link, LinkKind};
pub use policy::{
    AnswerLabel, ArgumentPath, ArgumentPathError, ArgumentRule, Descriptions, Exposed, Limits, Policy, Reads,
    ToolRule, Trifecta, TrifectaVerdict, UserWords,
};
