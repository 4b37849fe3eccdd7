//! One examination of one model, apart from any life: what `proofhouse attack` and `proofhouse harden` found.

use proofhouse_core::Measurement;
use serde::{Deserialize, Serialize};

use super::{Counterexample, Robustness};

/// A page about what was done to one model. Only what is there is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// The heading, such as `Attack on cnn.onnx`.
    pub title: String,
    /// The result in a sentence or two.
    pub lead: Vec<String>,
    /// Name and version of the program.
    pub tool: String,
    /// What was examined with what: digests, engines, seeds.
    pub facts: Vec<(String, String)>,
    /// Attacks within a norm.
    #[serde(default)]
    pub robustness: Option<Robustness>,
    /// Attacks under the rules and prices of a table.
    #[serde(default)]
    pub table: Option<TableAttack>,
    /// Everyday changes of images.
    #[serde(default)]
    pub natural: Option<Natural>,
    /// A training.
    #[serde(default)]
    pub hardening: Option<Hardening>,
    /// A share that grows with what an attacker spends.
    #[serde(default)]
    pub spending: Option<Spending>,
    /// Other results, each a table.
    #[serde(default)]
    pub tables: Vec<Results>,
    /// Inputs that were turned, where they belong to none of the above.
    #[serde(default)]
    pub examples: Vec<Counterexample>,
    /// Pictures that the attack made.
    #[serde(default)]
    pub pictures: Vec<Picture>,
}

/// What changes of a table's rows cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableAttack {
    /// What the attacker wanted, such as `class 0`.
    pub aim: String,
    /// The most that a change may cost; absent where nothing limits it.
    #[serde(default)]
    pub budget: Option<f64>,
    /// Rows that were attacked.
    pub attacked: u64,
    /// Share of them for which a change was found within the budget.
    pub success: Measurement,
    /// Share of them proved to be out of reach of the budget.
    #[serde(default)]
    pub proved: Option<Measurement>,
    /// Share of what is at stake that the attacker takes.
    #[serde(default)]
    pub gain: Option<Measurement>,
    /// The cheapest price found for each row that fell, in any order.
    pub prices: Vec<f64>,
    /// What each row is proved to cost at least, where that is known.
    #[serde(default)]
    pub floors: Vec<f64>,
    /// Rows that were turned.
    #[serde(default)]
    pub examples: Vec<Counterexample>,
}

/// Everyday changes of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Natural {
    /// Share of right answers without a change.
    pub clean: Measurement,
    /// Each kind of change with the share of right answers at severities 1, 2, ….
    pub kinds: Vec<(String, Vec<Measurement>)>,
}

/// A training against attacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hardening {
    /// Epoch by epoch, on rows set apart.
    pub epochs: Vec<HardeningEpoch>,
    /// The epoch whose weights were taken, from 1.
    pub chosen: usize,
    /// Share of right answers before, without and under attack.
    pub before: (Measurement, Measurement),
    /// The same after.
    pub after: (Measurement, Measurement),
    /// The attacks of that comparison.
    pub attacks: String,
}

/// An epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HardeningEpoch {
    /// From 1.
    pub epoch: usize,
    /// Mean loss over the rows learned from.
    pub loss: f64,
    /// Share of rows set apart that are right.
    pub clean: f64,
    /// The same under attack.
    pub robust: f64,
}

/// A share that grows with what an attacker spends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// What is spent, such as `queries`.
    pub of: String,
    /// The share, such as `agreement of copy and model`.
    pub share: String,
    /// What was spent, and the share.
    pub points: Vec<(f64, Measurement)>,
    /// The share for nothing, with its name.
    #[serde(default)]
    pub baseline: Option<(String, f64)>,
    /// The most that is accepted.
    #[serde(default)]
    pub ceiling: Option<f64>,
}

/// A table of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What it shows.
    pub title: String,
    /// What it means.
    pub says: String,
    /// Names of the columns; all but the first are aligned as numbers.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A picture with a caption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What it is.
    pub caption: String,
    /// The picture.
    pub image: super::Image,
}
