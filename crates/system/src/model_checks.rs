//! How a model is attacked beside small changes of its inputs: under the rules of a table, for its function, for what it
//! learned from, for its time, for what somebody put into it. Whatever is left out has a default; a ceiling that only
//! the operator can know has none, and the check then says that it cannot judge.

use proofhouse_core::{Digest, FilePath};
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

/// Parameters of the comparison of groups: who is told apart, and how far they may be treated differently. Without it
/// nobody knows the groups, and the threat stays untested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FairnessCheck {
    /// The dataset whose rows are compared; left out: that of the performance check.
    #[serde(default)]
    pub dataset: Option<Id>,
    /// The columns that say who belongs to which group. They need not be features, and mostly are not.
    pub groups: Vec<GroupColumn>,
    /// Whether the combinations of all these columns are compared too, such as young and abroad.
    #[serde(default)]
    pub crossed: bool,
    /// Index of the class that people want, such as that of granted loans. Left out: no class is a favour, and shares of
    /// wrong answers are compared instead of selection, wrong favours and wrong refusals.
    #[serde(default)]
    pub favourable: Option<u32>,
    /// Floor for the ratio of two groups' selection rates, and by its inverse the ceiling; left out: 0.8 (four fifths).
    #[serde(default)]
    pub min_ratio: Option<Probability>,
    /// Ceiling for the difference of two groups' error rates. Left out: the check measures and cannot judge.
    #[serde(default)]
    pub max_gap: Option<Probability>,
    /// Rows below which a group is told but not compared; left out: 100.
    #[serde(default)]
    pub min_rows: Option<Count>,
    /// Confidence with which all comparisons hold together; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// A column that tells groups apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupColumn {
    /// Its name. Each of its values is a group.
    pub column: String,
    /// Where groups of numbers begin, ascending: [30, 60] makes below 30, 30 to below 60, and 60 and above.
    #[serde(default)]
    pub edges: Option<Vec<f64>>,
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
    /// A model of the same task that learned from nothing that the suspects could write: an earlier release, or one
    /// trained on the rows before the feed was opened. A pattern that works on both is what the task looks like; one that
    /// works on this model alone is a backdoor. Models of fewer than four classes can only be judged with one.
    #[serde(default)]
    pub reference: Option<ReferenceModel>,
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

/// A model that another one is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceModel {
    /// Its ONNX file, relative to the system file, with the same input and output as the model's.
    #[schemars(with = "String")]
    pub file: FilePath,
    /// Its digest: `sha256:…`.
    #[schemars(with = "String")]
    pub sha256: Digest,
}

/// Parameters of the search for planted training rows: by the direction in which a class is widest, and by the clusters it
/// falls into, before the model's last layer. Without it nobody knows which rows can be relied on, and the threats stay
/// untested by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoisoningCheck {
    /// A labelled dataset that the suspects could not write, held against the training rows.
    pub reference: Id,
    /// Most that may lie further out than the reference explains, as a share of the training rows; left out: 0.005.
    #[serde(default)]
    pub max_share: Option<Probability>,
    /// How much more clearly a class may fall into two clusters than its reference, in mean silhouette; left out: 0.1.
    #[serde(default)]
    pub max_silhouette: Option<Positive>,
    /// The smallest share of a class that the check has to be able to see; where the reference has too few rows for that,
    /// the check cannot judge. Left out: 0.2.
    #[serde(default)]
    pub detectable: Option<Probability>,
    /// Digests of training records that somebody has looked at and found in order: `sha256:…`. They are left out.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub reviewed: Option<Vec<Digest>>,
    /// Rows of each class, in training and in reference; left out: 2000.
    #[serde(default)]
    pub samples: Option<Count>,
    /// Confidence with which no class is flagged where nothing was planted; left out: 0.99.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
}

/// Parameters of training without each source in turn: which column says where a training row came from. Without it nobody
/// knows the sources, and the threat stays untested by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceCheck {
    /// The column of the training rows that tells sources apart.
    pub by: GroupColumn,
    /// How much more often copies of the model may be right without a source; left out: 0.01.
    #[serde(default)]
    pub max_gain: Option<Probability>,
    /// Copies with all sources, and without each; left out: 5.
    #[serde(default)]
    pub copies: Option<Count>,
    /// Passes over the rows of each; left out: 20.
    #[serde(default)]
    pub epochs: Option<Count>,
    /// Confidence with which all sources hold together; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
}

/// Parameters of the comparison with the last release, segment by segment. Without it nobody knows the segments, and the
/// threat stays untested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentCheck {
    /// The dataset whose rows are compared; left out: that of the performance check.
    #[serde(default)]
    pub dataset: Option<Id>,
    /// The columns that divide the rows into segments. They need not be features.
    pub segments: Vec<GroupColumn>,
    /// Whether the combinations of all these columns are segments too.
    #[serde(default)]
    pub crossed: bool,
    /// Ceiling for the share of wrong answers in any segment. Left out: only the last release is asked.
    #[serde(default)]
    pub max_error: Option<Probability>,
    /// How much more often the model may be wrong in a segment than the last release; left out: 0.05.
    #[serde(default)]
    pub max_rise: Option<Probability>,
    /// What to compare with. Left out: the newest release of another model that the ledger knows.
    #[serde(default)]
    pub against: Option<ReferenceModel>,
    /// Rows below which a segment is told but not judged; left out: 100.
    #[serde(default)]
    pub min_rows: Option<Count>,
    /// Confidence with which all segments hold together; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

/// Parameters of the attempt to make the model do other work. Without it the threat stays untested: how much of such work
/// is too much depends on what it costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReprogrammingCheck {
    /// Ceiling for the share of somebody else's questions that the model answers rightly once it is reprogrammed. It is held
    /// against the upper end of the interval. Left out: the check measures, and a person has to judge.
    #[serde(default)]
    pub max_accuracy: Option<Probability>,
    /// Steps of the search; left out: 300.
    #[serde(default)]
    pub steps: Option<Count>,
    /// Questions that judge; left out: 1000.
    #[serde(default)]
    pub questions: Option<Count>,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Confidence of the two-sided interval; left out: 0.95.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}
