//! Weights that a guard's detector learned here, taken into the ledger.

use proofhouse_core::{Digest, SubjectKind};
use proofhouse_ledger::EventKind;
use serde::Serialize;
use serde_json::json;

use crate::LifecycleError;
use crate::house::House;

/// What ledger and report call the detector.
pub const DETECTOR: &str = "guard-detector";

impl House {
    /// Records weights as a subject, by the digest of their file, with what was measured on them kept beside
    /// the ledger. Returns the entry.
    pub async fn record_detector(
        &self,
        weights: Digest,
        measured: &(impl Serialize + Sync),
    ) -> Result<u64, LifecycleError> {
        let measured = self.keep(measured).await?;
        let body = json!({ "kind": SubjectKind::Model, "name": DETECTOR, "measured": measured });
        let event = self.event(EventKind::SubjectRecorded, Some(weights), &body)?;
        Ok(self.append(&[event]).await?.first_seq)
    }
}
