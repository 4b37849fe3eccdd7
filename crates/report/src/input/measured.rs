//! How well the model works, plainly and under attack.

use proofhouse_core::{Digest, Measurement};
use serde::{Deserialize, Serialize};

/// How well the model does its work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// The evidence these figures come from.
    #[serde(default)]
    pub evidence: Option<Digest>,
    /// Share of right answers.
    pub accuracy: Measurement,
    /// The same by class.
    #[serde(default)]
    pub classes: Vec<ClassScore>,
}

/// A class and how well it is recognised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The class, such as `7`.
    pub class: String,
    /// Share of its examples that were recognised.
    pub recall: Measurement,
}

/// How the model treats groups of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// The evidence these figures come from.
    #[serde(default)]
    pub evidence: Option<Digest>,
    /// Rate by rate.
    pub rates: Vec<GroupRates>,
    /// Groups that have too few rows to be compared, with their number.
    #[serde(default)]
    pub too_small: Vec<(String, u64)>,
}

/// One rate in every group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRates {
    /// What it is a share of, such as `refused by mistake`.
    pub rate: String,
    /// Whether a high share is a harm.
    pub bad: bool,
    /// The share in each group.
    pub groups: Vec<GroupShare>,
    /// The two groups that lie furthest apart.
    #[serde(default)]
    pub furthest: Option<Measurement>,
    /// What is asked of them, such as `at most 0.1`.
    pub asked: String,
}

/// A group and a share of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// The group, such as `age: below 30`.
    pub group: String,
    /// The share, with its interval.
    pub share: Measurement,
}

/// How well the model does its work when somebody works against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// The evidence these figures come from.
    #[serde(default)]
    pub evidence: Option<Digest>,
    /// The attack, such as `PGD, 20 steps, 5 restarts`.
    pub attack: String,
    /// How the size of a change is measured, such as `L-infinity on pixels scaled to 0..1`.
    pub norm: String,
    /// Share of right answers without attack.
    pub clean: Measurement,
    /// Share of right answers under attack, by strength.
    #[serde(default)]
    pub points: Vec<RobustnessPoint>,
    /// The lowest accuracy under attack the criterion accepts.
    #[serde(default)]
    pub required: Option<f64>,
    /// How the lower bound was proved, or why there is none.
    #[serde(default)]
    pub proof: Option<Proved>,
    /// How often the attack succeeded on the examples of each class.
    #[serde(default)]
    pub classes: Vec<ClassSuccess>,
    /// Attack by attack, each on what the ones before left.
    #[serde(default)]
    pub attacks: Vec<AttackPart>,
    /// What may be said of the whole.
    #[serde(default)]
    pub claim: Option<String>,
    /// Signs that an attack failed for another reason than robustness.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// Examples the attack turned.
    #[serde(default)]
    pub counterexamples: Vec<Counterexample>,
}

/// Accuracy at one strength of attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessPoint {
    /// Largest change the attacker may make.
    pub epsilon: f64,
    /// Share of right answers left, with its interval: an upper bound, since a stronger attack may leave less.
    pub accuracy: Measurement,
    /// Share of answers proved right whatever is done within that change: a lower bound.
    #[serde(default)]
    pub proved: Option<Measurement>,
}

/// Whether there is a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proved {
    /// How it was made.
    By(String),
    /// Why there is none.
    Not(String),
}

/// How often an attack succeeded on the examples of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassSuccess {
    /// The class, such as `7`.
    pub class: String,
    /// Share of its attacked examples that were turned.
    pub success: Measurement,
}

/// One attack of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttackPart {
    /// Its name.
    pub name: String,
    /// What it needed to see: labels, scores or gradients.
    pub sees: String,
    /// Examples still standing before it.
    pub attacked: u64,
    /// Examples it turned.
    pub turned: u64,
    /// Questions it asked.
    pub queries: u64,
    /// How it got round what hides gradients.
    #[serde(default)]
    pub repairs: Vec<String>,
}

/// A sign that an attack may have failed for another reason than robustness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// What was seen.
    pub says: String,
    /// What was done about it; absent where it stands.
    #[serde(default)]
    pub answer: Option<String>,
}

/// An input that the attack turned into another answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// Which record of the data, such as `test[17]`.
    pub record: String,
    /// The right answer.
    pub truth: String,
    /// The model's answer to the altered input.
    pub answer: String,
    /// Size of the change, in the norm of the attack.
    pub distance: f64,
    /// What was changed.
    pub change: Change,
}

/// What was changed, in the form that fits the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// An image.
    Image {
        /// As it was.
        original: Image,
        /// After the attack, of the same shape.
        altered: Image,
    },
    /// A row of a table: the values that differ.
    Table(Vec<ValueChange>),
}

/// A value of a row that was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The feature.
    pub feature: String,
    /// Its value.
    pub before: f64,
    /// Its value after the attack.
    pub after: f64,
    /// What the change costs the attacker, where that is known.
    #[serde(default)]
    pub cost: Option<f64>,
}

/// A small image. Pixels run channel by channel, row by row from the top left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Columns; wider images are drawn with fewer.
    pub width: u32,
    /// Rows; higher images are drawn with fewer.
    pub height: u32,
    /// 1: shades, 0 (no ink) to 1 (full ink). 3: red, green and blue, 0 to 1.
    #[serde(default = "one")]
    pub channels: u32,
    /// `channels * width * height` values; missing ones are drawn as 0.
    pub pixels: Vec<f64>,
}

fn one() -> u32 {
    1
}
