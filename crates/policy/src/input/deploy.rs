//! Input of the deployment gate.

use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use super::{PolicyInput, digest_or_none};
use crate::Entrypoint;

/// The value of [`Input::schema`].
pub const SCHEMA: &str = "proofhouse.deploy/v1";

/// What the deployment gate reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who asks, when and for where.
    pub request: Request,
    /// The model to be started.
    pub model: Model,
    /// The release decision over it.
    pub release: Release,
    /// The signature as verified at the target.
    pub signature: Signature,
    /// Where it is to run.
    pub target: Target,
    /// What runs there already.
    pub instances: Vec<Instance>,
    /// Every recalled digest.
    pub recalled: Vec<Digest>,
}

impl PolicyInput for Input {
    const ENTRYPOINT: Entrypoint = Entrypoint::Deploy;
}

/// Who asks, when and for where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Nanoseconds since 1970.
    pub now_ns: u64,
    /// The environment.
    pub environment: String,
    /// The region.
    pub region: String,
    /// Who asks.
    pub actor: String,
}

/// The model to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: Digest,
}

/// The release decision, as found in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// There is one.
    pub present: bool,
    /// Digest of its signed envelope.
    #[serde(with = "digest_or_none")]
    pub digest: Option<Digest>,
    /// Its signature verifies and its signer is trusted.
    pub trusted: bool,
    /// What it decided.
    pub allow: bool,
    /// The model it decided about.
    #[serde(with = "digest_or_none")]
    pub model_digest: Option<Digest>,
    /// Environments it covers.
    pub environments: Vec<String>,
    /// Regions it covers; `*` for all.
    pub regions: Vec<String>,
    /// When it ends, nanoseconds since 1970.
    pub expires_ns: u64,
}

/// The model's signature, verified over the files at the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// It verifies.
    pub verified: bool,
    /// Its signer is trusted.
    pub trusted: bool,
    /// The model digest it carries.
    #[serde(with = "digest_or_none")]
    pub digest: Option<Digest>,
}

/// Where it is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Such as `host`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How many instances it takes.
    pub max_instances: u64,
}

/// An instance at the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// The model it serves; nothing where that is not known.
    #[serde(with = "digest_or_none")]
    pub digest: Option<Digest>,
    /// Its state; `stopped` is the one the gate knows.
    pub state: String,
}
