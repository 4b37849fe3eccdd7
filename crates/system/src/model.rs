//! The model under release: one that predicts from numbers, or one that writes.

use proofhouse_core::FilePath;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::conditional::{self, Branch};
use crate::{Count, Id};

/// The model under release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = by_task)]
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
    /// The file that is loaded, relative to the folder: an ONNX graph, or, for generation, the description
    /// of a language model with its prompt and tools.
    #[schemars(with = "String")]
    pub file: FilePath,
    /// What it does.
    pub task: Task,
    /// What it takes, unless it writes.
    #[serde(default)]
    pub input: Option<ModelInput>,
    /// What it gives, unless it writes.
    #[serde(default)]
    pub output: Option<ModelOutput>,
    /// Names of the classes, in the order of the output. A model that writes has none.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
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
    /// Whether parties outside the operator's control can tune it, or write what it is tuned on.
    #[serde(default)]
    pub tuning_open: Option<bool>,
}

/// What only a model that writes does without.
fn by_task(schema: &mut Schema) {
    const TENSORS: &[&str] = &["input", "output", "classes"];
    conditional::on(
        schema,
        ("task", "generation"),
        &Branch {
            required: &[],
            foreign: TENSORS,
            why: "a model that writes has neither tensors nor classes; leave it out",
        },
        &Branch { required: TENSORS, foreign: &[], why: "" },
    );
}

/// What a model that puts numbers in and numbers out is described by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tensors<'a> {
    /// What it takes.
    pub input: &'a ModelInput,
    /// What it gives.
    pub output: &'a ModelOutput,
    /// Names of the classes, in the order of the output.
    pub classes: &'a [String],
}

impl Model {
    /// Its tensors and classes; absent exactly where it writes ([`Task::Generation`]), which parsing makes
    /// sure of.
    #[must_use]
    pub fn tensors(&self) -> Option<Tensors<'_>> {
        Some(Tensors {
            input: self.input.as_ref()?,
            output: self.output.as_ref()?,
            classes: self.classes.as_deref()?,
        })
    }

    /// Whether it writes rather than predicts.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(self.task, Task::Generation)
    }
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
