//! The gate's decision, what was signed on its strength, and the copies that ran.

use proofhouse_core::{Digest, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// The decision of the release gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Whether the release is allowed.
    pub allow: bool,
    /// What the policy had to say, waived or not.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// What people should know and what decides nothing.
    #[serde(default)]
    pub warnings: Vec<Reason>,
    /// Evidence the policy read.
    #[serde(default)]
    pub evidence: Vec<Digest>,
    /// Digest of the policy bundle.
    pub policy: Digest,
    /// Digest of the signed decision.
    pub decision: Digest,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Its entry in the ledger.
    pub ledger_seq: u64,
}

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code of the rule, such as `release/evidence-missing`.
    pub code: String,
    /// What it is about, such as a threat or a check; empty where the message says it.
    #[serde(default)]
    pub subject: String,
    /// What is the matter.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
    /// What would satisfy the rule.
    pub solution: String,
    /// Who set it aside, where someone did.
    #[serde(default)]
    pub waived: Option<Waiver>,
}

/// A reason set aside by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Who.
    pub by: String,
    /// Until when.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Why.
    pub why: String,
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Key id or identity that signed the model.
    pub signer: String,
    /// Root digest of the OpenSSF Model Signing statement.
    pub root: Digest,
    /// Digest of the signature bundle.
    pub signature: Digest,
    /// Digest of the ML-BOM.
    #[serde(default)]
    pub bom: Option<Digest>,
    /// When.
    pub released_at: Timestamp,
    /// Its entry in the ledger.
    pub ledger_seq: u64,
}

/// One running or stopped copy of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Process id, where it is a process.
    #[serde(default)]
    pub pid: Option<u32>,
    /// Where it listened.
    pub address: String,
    /// The digest it computed from the bytes it loaded; absent if it never proved one.
    #[serde(default)]
    pub proven: Option<Digest>,
    /// When it was started.
    pub started: Timestamp,
    /// When it was stopped.
    #[serde(default)]
    pub stopped: Option<Timestamp>,
    /// How it is known to be stopped, such as `process 4711 exited with signal 15`.
    #[serde(default)]
    pub stop_proof: Option<String>,
    /// Its first entry in the ledger.
    pub ledger_seq: u64,
}
