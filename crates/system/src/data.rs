//! The tables a model learns from and is judged by, and the model.

use proofhouse_core::{Digest, FilePath, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, Id, Positive};

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Stable identifier.
    pub id: Id,
    /// What it is used for.
    pub role: DatasetRole,
    /// Files, relative to the system file, in the order in which their rows count.
    #[schemars(with = "Vec<String>")]
    pub paths: Vec<FilePath>,
    /// How the files are written.
    pub format: TableFormat,
    /// Which columns a model sees, and how they become its input.
    pub features: Features,
    /// Column with the label.
    #[serde(default)]
    pub label: Option<String>,
    /// Column with an identifier of the row. Rows of two datasets that share it are the same record.
    #[serde(default)]
    pub row_id: Option<String>,
    /// The component that stores it.
    #[serde(default)]
    pub component: Option<Id>,
    /// Where it was taken from.
    #[serde(default)]
    pub source: Option<String>,
    /// When it was taken.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub retrieved: Option<Timestamp>,
    /// SPDX licence expression; `NONE` where no licence was granted.
    #[serde(default)]
    pub licence: Option<String>,
    /// Whom the licence asks to name.
    #[serde(default)]
    pub attribution: Option<String>,
    /// SHA-256 of the only file, `sha256:…`, as it was when it was examined. Not for several files.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub sha256: Option<Digest>,
    /// Whether another organisation collected or owns it.
    #[serde(default)]
    pub third_party: Option<bool>,
    /// Whether a contract or right secures that it can be had again.
    #[serde(default)]
    pub supply_secured: Option<bool>,
    /// Whether its rows are about natural persons.
    #[serde(default)]
    pub personal_data: Option<bool>,
    /// Whether it keeps place, device, time or other fields that can be linked to a person.
    #[serde(default)]
    pub linkage_fields: Option<bool>,
    /// Whether its distribution is itself a secret.
    #[serde(default)]
    pub confidential_distribution: Option<bool>,
    /// Whether its rows are ordered in time or several belong to one entity.
    #[serde(default)]
    pub time_or_entity_linked: Option<bool>,
    /// Whether the label stands in for something that was not observed.
    #[serde(default)]
    pub proxy_label: Option<bool>,
    /// Whether others train or tune against it too, as with a public benchmark.
    #[serde(default)]
    pub shared_benchmark: Option<bool>,
}

/// What a dataset is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetRole {
    /// The model learns from it.
    Train,
    /// Choices are made on it during development.
    Validation,
    /// The release is judged by it.
    Test,
    /// Traffic is compared with it.
    Reference,
    /// Recorded or made traffic, for replay.
    Traffic,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
}

/// Which columns a model sees, and how they become its input: the columns of a row, in order, divided by
/// `divide_by`, fill one input in row-major order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// Columns whose name is this prefix and digits, in the order of the number.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Columns by name, in order. Exactly one of `prefix` and `columns` is given.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Stored number that stands for 1.0 in the model's input; 1 where the columns already are inputs.
    #[serde(default)]
    pub divide_by: Option<Positive>,
}

impl Features {
    /// The divisor, 1 where none is given.
    #[must_use]
    pub fn divisor(&self) -> f64 {
        self.divide_by.map_or(1.0, Positive::get)
    }
}

/// The model under release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Stable identifier.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// Version, as people write it. The identity is the digest, not this.
    pub version: String,
    /// Its folder, relative to the system file. Everything in it is part of the model.
    #[schemars(with = "String")]
    pub path: FilePath,
    /// The file that is loaded, relative to the folder.
    #[schemars(with = "String")]
    pub file: FilePath,
    /// What it does.
    pub task: Task,
    /// What it takes.
    pub input: ModelInput,
    /// What it gives.
    pub output: ModelOutput,
    /// Names of the classes, in the order of the output.
    pub classes: Vec<String>,
    /// The component that is this model.
    #[serde(default)]
    pub component: Option<Id>,
    /// Where the weights come from.
    #[serde(default)]
    pub source: Option<ModelSource>,
    /// SPDX licence expression.
    #[serde(default)]
    pub licence: Option<String>,
    /// Datasets it learned from.
    #[serde(default)]
    pub trained_on: Option<Vec<Id>>,
    /// The script that made it, relative to the system file.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub training_script: Option<FilePath>,
    /// Whether the weights can be had by anybody.
    #[serde(default)]
    pub weights_public: Option<bool>,
    /// Whether the weights are worth stealing.
    #[serde(default)]
    pub weights_valuable: Option<bool>,
    /// Whether it, or what it was made from, is fetched by name from a public hub.
    #[serde(default)]
    pub fetched_by_name: Option<bool>,
    /// Whether updates or gradients from parties outside the operator's control go into it.
    #[serde(default)]
    pub federated: Option<bool>,
    /// What callers are shown of the output.
    #[serde(default)]
    pub exposes: Option<Vec<OutputForm>>,
    /// Whether features are computed by other code when serving than when training.
    #[serde(default)]
    pub features_computed_twice: Option<bool>,
    /// Whether a score is compared with a threshold and acted on without a person.
    #[serde(default)]
    pub automatic_threshold: Option<bool>,
    /// Whether the cost of a request depends on its content.
    #[serde(default)]
    pub cost_depends_on_input: Option<bool>,
    /// Whether a seed or generator affects security, privacy noise or sampling.
    #[serde(default)]
    pub randomness_matters: Option<bool>,
    /// Whether it was optimised on a reward rather than on labels.
    #[serde(default)]
    pub optimised_on_reward: Option<bool>,
    /// Whether training or serving it takes enough energy to be counted.
    #[serde(default)]
    pub energy_intensive: Option<bool>,
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// Puts an input into one of several classes.
    Classification,
    /// Gives a number.
    Regression,
    /// Orders or suggests items.
    Recommendation,
    /// Writes text, images or sound.
    Generation,
}

/// What a model takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelInput {
    /// Name of the input.
    pub name: String,
    /// Shape of one sample, without the batch axis.
    pub shape: Vec<Count>,
}

impl ModelInput {
    /// Number of values in one sample.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().map(|c| c.get() as usize).fold(1, usize::saturating_mul)
    }

    /// Never: every axis has at least one value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// What a model gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelOutput {
    /// Name of the output.
    pub name: String,
    /// What its numbers are.
    pub kind: OutputKind,
}

/// What the numbers of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// Scores before the softmax.
    Logits,
    /// Scores that sum to one.
    Probabilities,
}

/// Where weights come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelSource {
    /// Trained from scratch by the operator.
    Own,
    /// Weights, or weights to start from, were made by somebody else.
    ThirdParty,
    /// Called by name at a provider.
    Hosted,
}

/// What callers are shown of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OutputForm {
    /// The chosen class.
    Label,
    /// Scores or confidences.
    Scores,
    /// Gradients.
    Gradients,
    /// Embeddings.
    Embeddings,
}
