//! What to serve, where, and within which bounds.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use proofhouse_attest::TrustedKeys;
use proofhouse_core::Digest;

/// What to serve and where.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The model directory.
    pub model_dir: PathBuf,
    /// The OpenSSF Model Signing bundle. If it lies in the model directory it is left out of the digest, as
    /// it was when it did not exist yet.
    pub bundle: PathBuf,
    /// Who may have signed.
    pub trusted: TrustedKeys,
    /// The digest to serve. Another one, however well signed, is refused.
    pub expected_digest: Digest,
    /// Path of the ONNX file within the directory; the only one when absent.
    pub model_file: Option<String>,
    /// Name in the URLs.
    pub name: String,
    /// Version in the URLs.
    pub version: String,
    /// This copy's name, chosen by whoever started it.
    pub instance: String,
    /// Where to listen. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Whether an address that other machines can reach is meant.
    pub expose: bool,
    /// Bounds.
    pub limits: Limits,
}

impl ServeConfig {
    /// Loopback, any free port, version 1 and the default bounds.
    #[must_use]
    pub fn new(model_dir: PathBuf, bundle: PathBuf, trusted: TrustedKeys, expected_digest: Digest) -> Self {
        Self {
            model_dir,
            bundle,
            trusted,
            expected_digest,
            model_file: None,
            name: "model".to_owned(),
            version: "1".to_owned(),
            instance: "local".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            expose: false,
            limits: Limits::default(),
        }
    }
}

/// Bounds of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the model directory, all of which are held in memory.
    pub model_bytes: u64,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Requests for inference in work at one time, bodies still arriving included. The next is answered 503.
    pub concurrent: usize,
    /// Open connections. The next waits in the listen queue.
    pub connections: usize,
    /// Time for the head of a request to arrive, and for a connection to stay idle.
    pub head_timeout: Duration,
    /// Time for the body of a request to arrive.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            model_bytes: 4 << 30,
            body_bytes: 8 << 20,
            batch_rows: 1024,
            concurrent: 32,
            connections: 512,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
        }
    }
}
