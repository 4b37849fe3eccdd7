//! Why a server did not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use proofhouse_artifact::ArtifactError;
use proofhouse_core::Digest;
use proofhouse_onnx::OnnxError;

/// Why a server did not start. Nothing listens after any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The model directory could not be read as a whole.
    #[error("the model cannot be read: {0}")]
    Model(#[from] ArtifactError),
    /// The bundle could not be read.
    #[error("the signature bundle {path} cannot be read: {source}")]
    Bundle {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The signature does not cover these files, or nobody trusted made it.
    #[error("the signature does not hold: {0}")]
    Signature(#[from] proofhouse_attest::Error),
    /// Files that no signature covers.
    #[error("the signature leaves files out: {0}")]
    Unsigned(String),
    /// A well-signed model, but not the one that was asked for.
    #[error("the model has digest {found}, but {expected} was to be served")]
    Digest {
        /// What was to be served.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// Which ONNX file to serve is not clear.
    #[error("the model directory has {} ONNX files ({}); say which one to serve", found.len(), found.join(", "))]
    WhichFile {
        /// The candidates.
        found: Vec<String>,
    },
    /// The named file is not part of the model.
    #[error("the model has no file {0:?}")]
    NoSuchFile(String),
    /// The engine refuses the model.
    #[error("the model cannot be run: {0}")]
    Onnx(#[from] OnnxError),
    /// The folder is no language model, or not one that is understood.
    #[error("the language model cannot be loaded: {0}")]
    Language(#[from] proofhouse_dialogue::assistant::AssistantError),
    /// The model behind it cannot be asked.
    #[error("the model behind it cannot be asked: {0}")]
    Endpoint(#[from] proofhouse_endpoint::EndpointError),
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
    /// The address is not a loopback one and that was not confirmed.
    #[error(
        "{0} can be reached from other machines, and this server authenticates nobody; listen on a loopback \
         address, or confirm that exposing it is meant"
    )]
    Exposed(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; port 0 takes any free port")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A task of the server ended abnormally.
    #[error("the server ended abnormally: {0}")]
    Task(#[from] tokio::task::JoinError),
}
