//! How a model is attacked beside small changes of its inputs: under the rules of a table, for its function, for what it
//! learned from, for its time, for what somebody put into it. Whatever is left out has a default; a ceiling that only
//! the operator can know has none, and the check then says that it cannot judge.

use proofhouse_core::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Confidence, Count, Id, Positive, Probability};

/// Parameters of evasion under the rules of a table (`features.domain` of its dataset).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConstrainedEvasionCheck {
    /// The dataset whose rows are attacked.
    pub dataset: Id,
    /// Index of the class that the attacker wants, such as that of granted loans; left out: any but the row's own.
    #[serde(default)]
    pub class: Option<u32>,
    /// Most that a changed row may cost whoever changes it; left out: anything.
    #[serde(default)]
    pub budget: Option<Positive>,
    /// Column of the dataset that says what getting through with a row is worth, in the currency of the costs. An
    /// attacker then attacks only where it pays, and the rate is weighted by it. Left out: every row is worth the same,
    /// at any cost within the budget.
    #[serde(default)]
    pub gain: Option<String>,
    /// Ceiling for the upper end of the (weighted) share of rows that get through.
    pub max_rate: Probability,
    /// Rows attacked, from the first; left out: 100.
    #[serde(default)]
    pub samples: Option<Count>,
    /// Queries of each search for each row; left out: 2000.
    #[serde(default)]
    pub queries: Option<Count>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Confidence of the two-sided interval; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// Parameters of model extraction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractionCheck {
    /// The dataset of which the attacker has one half, and on whose other half copy and model are compared; left out: the
    /// first test set.
    #[serde(default)]
    pub dataset: Option<Id>,
    /// Numbers of queries to try, each for a copy of its own; left out: 100, 1000 and 10000.
    #[serde(default)]
    pub queries: Option<Vec<Count>>,
    /// Hours within which somebody would notice. The gateway's limits on outsiders say how many queries they allow in
    /// that time; left out: 24.
    #[serde(default)]
    pub window_hours: Option<Positive>,
    /// Ceiling for the upper end of the agreement of copy and model at the queries that the limits allow. Left out: the
    /// check measures and cannot judge.
    #[serde(default)]
    pub max_fidelity: Option<Probability>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Confidence of the two-sided interval; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// Parameters of membership inference.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipCheck {
    /// Rate of false alarms at which members are counted: 0.001, 0.01, 0.05 or 0.1. It takes ten rows that were not
    /// learned from for every false alarm, so that few rows can only speak about the larger ones. Left out: 0.001.
    #[serde(default)]
    pub false_alarms: Option<Probability>,
    /// How many times that rate the upper end of the share of members found may be; left out: 5.
    #[serde(default)]
    pub max_ratio: Option<Positive>,
    /// Shadow models, trained from the model's own file; left out: 16.
    #[serde(default)]
    pub shadows: Option<Count>,
    /// Passes over the rows of each; left out: 20.
    #[serde(default)]
    pub epochs: Option<Count>,
    /// Rows that were learned from, and at most as many that were not; left out: 500.
    #[serde(default)]
    pub samples: Option<Count>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Confidence of the two-sided interval; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// Parameters of model inversion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InversionCheck {
    /// Steps of a climb; left out: 100.
    #[serde(default)]
    pub steps: Option<Count>,
    /// Rows that the matcher compares with; left out: 1000.
    #[serde(default)]
    pub samples: Option<Count>,
    /// Seed of gradients that are estimated from scores.
    #[serde(default)]
    pub seed: u64,
    /// Confidence of the two-sided interval; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// Parameters of property inference: which property of the training data is a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertyCheck {
    /// The feature that the property is about.
    pub column: String,
    /// A row has the property where the stored value is at least this.
    pub at_least: f64,
    /// Two shares of rows with the property, in order, that must not be told apart; left out: 0.2 and 0.5.
    #[serde(default)]
    pub shares: Option<Vec<Probability>>,
    /// Ceiling for the attacker's advantage over a coin; left out: 0.1. It is held against the upper end of the interval,
    /// so that few shadow models cannot pass.
    #[serde(default)]
    pub max_advantage: Option<Probability>,
    /// Shadow models of each kind; left out: 12.
    #[serde(default)]
    pub shadows: Option<Count>,
    /// Passes over the rows of each; left out: 20.
    #[serde(default)]
    pub epochs: Option<Count>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Confidence of the two-sided interval; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// Parameters of the search for inputs that take long.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyCheck {
    /// Inputs measured; left out: 1000.
    #[serde(default)]
    pub queries: Option<Count>,
    /// How many times as long as the median of ordinary inputs the slowest may take; left out: 3.
    #[serde(default)]
    pub max_factor: Option<Positive>,
    /// Seed of all chance. Times are measured, so that two runs differ all the same.
    #[serde(default)]
    pub seed: u64,
}

/// Parameters of the search for a backdoor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackdoorCheck {
    /// Deviations by which the pattern for a class may be smaller than those for the others; left out: 2.
    #[serde(default)]
    pub max_index: Option<Positive>,
    /// Digests of weights, files or whole models, that somebody answers for: `sha256:…`. Weights from elsewhere pass only
    /// where theirs is among them.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub allow: Option<Vec<Digest>>,
    /// Steps of the search for each class; left out: 300.
    #[serde(default)]
    pub steps: Option<Count>,
    /// Rows of the search; left out: 200.
    #[serde(default)]
    pub samples: Option<Count>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
}
