//! Why a model could not be fetched.

use std::time::Duration;

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// An address that is none.
    #[error("{address:?} is no address of a model: {why}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong, and what is right.
        why: &'static str,
    },
    /// A setting is missing or makes no sense.
    #[error("{0}")]
    Setting(String),
    /// The server cannot be reached.
    #[error("{url} cannot be reached: {why}")]
    Unreachable {
        /// Without its query.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The server refused or failed.
    #[error("{url} answered with status {status}{hint}")]
    Status {
        /// Without its query.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What may help.
        hint: &'static str,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {to}, which is not followed: {why}")]
    Redirect {
        /// Without its query.
        url: String,
        /// Scheme and host.
        to: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The answer is not understood.
    #[error("the answer of {url} is not understood: {why}")]
    Answer {
        /// Without its query.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A bound was hit.
    #[error("the model has more {what} than the limit of {limit}")]
    TooMuch {
        /// Files or bytes.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// It took too long.
    #[error("the model was not fetched within {0:?}")]
    Timeout(Duration),
    /// The bytes are not those that were promised.
    #[error("{path} has other bytes than its source states: {why}")]
    Mismatch {
        /// The file.
        path: String,
        /// Size or digest.
        why: String,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// Where.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
