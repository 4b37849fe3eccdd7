//! The recall: that a digest is served nowhere any more, and how that is known.

use proofhouse_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// A recall, complete or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// Id of the order.
    pub order: String,
    /// The model digest that may no longer be served.
    pub digest: Digest,
    /// Where it may not, as it follows a verb: `everywhere`, `in production`.
    pub scope: String,
    /// Why it was ordered.
    pub reason: String,
    /// Who or what ordered it.
    pub ordered_by: String,
    /// When.
    pub ordered_at: Timestamp,
    /// Epoch of the recall list that carries it.
    pub epoch: u64,
    /// Its entry in the ledger.
    pub ledger_seq: u64,
    /// What was done, in order.
    #[serde(default)]
    pub steps: Vec<RecallStep>,
    /// One proof for each instance.
    #[serde(default)]
    pub proofs: Vec<InstanceProof>,
    /// The certificate; absent while any instance is unaccounted for.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// Requests answered with the recalled digest after the gateway acknowledged the order; absent if
    /// nobody counted.
    #[serde(default)]
    pub answered_after: Option<u64>,
}

/// One step of a recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallStep {
    /// What, such as `denied at the gateway`.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// In a sentence.
    pub detail: String,
    /// Its entry in the ledger, where it has one.
    #[serde(default)]
    pub ledger_seq: Option<u64>,
}

/// How one instance is known to serve the digest no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProof {
    /// The instance's id.
    pub instance: String,
    /// When it was established; absent while it is not.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// How, such as `acknowledged; process 4711 exited`.
    pub proof: String,
}

/// The certificate of a recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Digest of the signed envelope.
    pub digest: Digest,
    /// Key id or identity of the signer.
    pub signer: String,
    /// When.
    pub issued_at: Timestamp,
    /// Its entry in the ledger.
    pub ledger_seq: u64,
}
