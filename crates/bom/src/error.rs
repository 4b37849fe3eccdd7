//! What can go wrong with a document as a whole. What is wrong inside one is a finding.

use proofhouse_core::TreeError;

/// Why there is no document or no answer about one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Over the bound.
    #[error("the document has more than {0} bytes")]
    TooLarge(usize),
    /// Not JSON, or not of the shape of a CycloneDX document.
    #[error("not a CycloneDX JSON document: {0}")]
    Json(String),
    /// The document could not be written.
    #[error("the document cannot be written as JSON: {0}")]
    Write(serde_json::Error),
    /// Another format.
    #[error("bomFormat is {0:?}, not \"CycloneDX\"")]
    Format(String),
    /// Nothing to compare the files with.
    #[error("the document describes no machine-learning model")]
    NoModel,
    /// It is not clear which model the files belong to.
    #[error("the document describes {0} models and none of them is its subject; files belong to one model")]
    SeveralModels(usize),
    /// The files have no digest.
    #[error("the model's files: {0}")]
    Files(#[from] TreeError),
    /// A text that the format has no room for.
    #[error("{field}: {value:?} {reason}")]
    Input {
        /// Where in the input.
        field: &'static str,
        /// The text.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
