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
    /// Examples the attack turned.
    #[serde(default)]
    pub counterexamples: Vec<Counterexample>,
}

/// Accuracy at one strength of attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessPoint {
    /// Largest change the attacker may make.
    pub epsilon: f64,
    /// Share of right answers left, with its interval.
    pub accuracy: Measurement,
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
    /// The input as it was.
    pub original: Image,
    /// The input after the attack, of the same shape.
    pub altered: Image,
}

/// A small grey image. Pixels run row by row from the top left, 0 (no ink) to 1 (full ink).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Columns; at most 32 are drawn.
    pub width: u32,
    /// Rows; at most 32 are drawn.
    pub height: u32,
    /// `width * height` values; missing ones are drawn as 0.
    pub pixels: Vec<f64>,
}
