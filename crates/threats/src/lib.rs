//! From a described system to its threats, each with a proof, and to the tests that would settle them.
//!
//! 1. [`SystemGraph`] answers the questions that drive most threats to AI and that no single component
//!    knows: who can write each piece of content, directly or through others; who is judged by the output
//!    and gains from an error; what crosses a boundary.
//! 2. [`derive()`](derive()) runs one rule for each threat of the [`Catalogue`] over it. A rule answers in
//!    three values, names the facts it rests on with their lines, and names the facts any one of which
//!    would change the answer. Facts that are missing become [`Question`]s, the most decisive first.
//! 3. [`test_plan`] turns the threats that apply into tests with parameters, criteria and gates.
//! 4. [`assess_state`] tells, from evidence, what state each threat is in; [`Catalogue::reopened_by`] which
//!    threats a signal at run time re-opens.
//!
//! A claimed control never removes a threat: it is listed beside the evidence it needs. Every entry of the
//! catalogue gets an answer, even if the answer is that this version cannot tell.

mod catalogue;
mod claims;
mod derive;
mod graph;
mod judgement;
mod plan;
mod question;
mod rules;
mod state;

pub use catalogue::{AiType, Answers, Automation, Catalogue, CatalogueError, Check, Stage, TestSpec, Threat};
pub use derive::{Applicability, Derivation, DerivedThreat, derive};
pub use graph::{SystemGraph, Writer, Writers};
pub use judgement::{Change, Fact, Judgement, Proof, Tri};
pub use plan::{Coverage, Plan, PlannedCheck, PlannedTest, test_plan};
pub use question::Question;
pub use state::{Assessment, EvidenceItem, SignalRaised, assess_state};
