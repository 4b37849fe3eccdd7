//! Attacks on systems with a language model, and what they came to.
//!
//! A [`Scenario`] says what success is: words that must not be said, tools that must not be called, hosts that
//! must not be linked, tasks that must still be done. A [`Campaign`] draws attempts of every [`Family`] from a
//! seed, dresses them with [`Converter`]s, and after that searches on from whatever the guard in front of the
//! target let through or scored low. Whoever has a network runs each attempt as an [`Exchange`]; this crate has
//! none, and no clock. [`judge::decide`] says what an attempt came to; the [`Report`] counts, with intervals,
//! attacks and benign requests side by side, since a target that refuses everything is of no use.
//!
//! ```
//! use proofhouse_dialogue::{Conversation, StopReason, Turn};
//! use proofhouse_redteam::{Campaign, Config, Reply, Scenario, converse};
//!
//! let mut mute = |_: &Conversation| Reply::Turn(Turn { text: "Hm.".into(), calls: vec![], stop: StopReason::End });
//! let config = Config { per_family: 2, tasks: 2, hard_requests: 2, ..Config::default() };
//! let mut campaign = Campaign::new(Scenario::demonstration(), config).unwrap();
//! while let Some(batch) = campaign.batch() {
//!     let answers = batch.iter().map(|a| converse(campaign.scenario(), a, &mut mute)).collect();
//!     campaign.record(answers);
//! }
//! assert!(campaign.report("mute").families.iter().all(|f| f.succeeded == 0));
//! ```

mod attempt;
mod campaign;
mod convert;
mod dice;
mod draw;
mod exchange;
mod family;
mod hard;
pub mod judge;
mod outcome;
mod probe;
mod report;
mod scenario;
mod search;
mod template;

pub use attempt::{Attempt, Purpose, Recipe, RecipeError};
pub use campaign::{Answer, Campaign, CampaignError, Config, Record, converse};
pub use convert::{CONVERTERS, Converter, DEEPEST, Kind, converter};
pub use dice::Dice;
pub use exchange::{Blocked, Exchange, MAX_REQUESTS, Reply, Stage, Transcript, argument_text};
pub use family::{FAMILIES, Family, family};
pub use hard::count as hard_requests;
pub use outcome::{Held, Outcome};
pub use probe::{Goal, Part, Probe, Run, Step};
pub use report::{Criterion, Example, FamilyResult, Report, SearchResult, html, junit, sarif};
pub use scenario::{
    Canary, CanaryKind, Document, Draft, Restriction, SHORTEST_CANARY, Scenario, ScenarioError, Sink, Task,
    TestTool,
};
