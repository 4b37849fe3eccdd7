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
}
