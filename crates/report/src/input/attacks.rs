//! Attacks by text on a model that writes, with the boundary and without.

use proofhouse_core::{Digest, Measurement};
use serde::{Deserialize, Serialize};

/// What attacks came to, and what the model still does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attacks {
    /// The evidence these figures come from.
    pub evidence: Vec<Digest>,
    /// What was attacked, as evidence names it.
    pub target: String,
    /// By family.
    pub families: Vec<AttackFamily>,
    /// The ceiling for the upper end of a family's interval.
    #[serde(default)]
    pub ceiling: Option<f64>,
    /// Benign tasks done with the boundary.
    #[serde(default)]
    pub benign: Option<Measurement>,
    /// The same without.
    #[serde(default)]
    pub benign_alone: Option<Measurement>,
    /// Benign requests that look like attacks and were refused.
    #[serde(default)]
    pub over_refusal: Option<Measurement>,
    /// Documents that tried to direct the model or hide text.
    #[serde(default)]
    pub documents: Vec<PoisonedDocument>,
}

/// A family of attacks. What is counted does harm; words that were merely said are not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttackFamily {
    /// What people call it.
    pub title: String,
    /// Success with the boundary in front of the model.
    pub guarded: Measurement,
    /// Success on the model alone.
    pub alone: Measurement,
}

/// A document of the index that is not what people see of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoisonedDocument {
    /// Its name.
    pub name: String,
    /// What people see.
    pub visible: String,
    /// What they do not see, and how it is hidden.
    pub hidden: Vec<(String, String)>,
    /// Calls that the model made when it read it, with nothing in front of it.
    pub alone: Vec<String>,
    /// Calls that were withheld.
    pub withheld: Vec<String>,
    /// What was taken out of the answer.
    pub redacted: Vec<String>,
}
