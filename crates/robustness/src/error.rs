//! What can go wrong before or during an attack.

use proofhouse_onnx::OnnxError;

/// Why an attack could not be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RobustnessError {
    /// The model could not be asked.
    #[error(transparent)]
    Model(#[from] OnnxError),
    /// An option makes no sense.
    #[error("{0}")]
    Option(String),
    /// A row cannot be attacked.
    #[error("row {row}: {reason}")]
    Row {
        /// Its index, from 0.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The attack follows gradients, and the model has none to give.
    #[error(
        "{attack} follows gradients, and this model gives none; attack it with square or a decision-based attack"
    )]
    NoGradients {
        /// The attack.
        attack: String,
    },
    /// The rows are not in the units of the box.
    #[error(
        "the rows hold values from {low} to {high}, outside the box {box_low}..={box_high}; {hint}. Nothing is guessed: \
         state the box in the units of the rows, or the rows in the units of the box"
    )]
    Scale {
        /// Smallest value of the rows.
        low: f32,
        /// Largest value of the rows.
        high: f32,
        /// Smallest legal value.
        box_low: f32,
        /// Largest legal value.
        box_high: f32,
        /// What the values look like.
        hint: String,
    },
    /// A proof and a counterexample contradict each other.
    #[error(
        "row {row} was certified within {eps}, yet a confirmed counterexample lies there: the certificate is wrong"
    )]
    Contradiction {
        /// Its index, from 0.
        row: usize,
        /// The radius.
        eps: f64,
    },
}
