//! Signed results of checks.

use proofhouse_core::{Digest, Finding, Freshness, Inputs, Measurement, Subject, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

/// One signed result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Digest of the signed envelope; the id everything links to.
    pub id: Digest,
    /// Kind of check, such as `evasion`.
    pub check: String,
    /// What was examined.
    pub subject: Subject,
    /// The answer.
    pub verdict: Verdict,
    /// The pass criterion as applied, in words with numbers.
    pub criterion: String,
    /// Everything the answer depends on.
    pub inputs: Inputs,
    /// Whether it still speaks about what is there.
    pub freshness: Freshness,
    /// What was measured.
    #[serde(default)]
    pub measurements: Vec<Measurement>,
    /// What was found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// When the check ended.
    pub finished: Timestamp,
    /// When it goes stale by itself.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// Key id or identity of the signer.
    pub signer: String,
    /// Its entry in the ledger.
    pub ledger_seq: u64,
}
