//! The release gate's decision and the release it allowed.

use std::collections::BTreeSet;

use proofhouse_attest::predicate::{VerificationOutcome, VerificationSummary};
use proofhouse_attest::{Statement, verify_statement};
use proofhouse_core::Digest;
use proofhouse_ledger::{Entry, EventKind};
use proofhouse_policy::Decision;
use proofhouse_report::input;
use serde::Deserialize;

use super::Source;
use super::life::digest_in;
use super::threats::time_of;
use crate::{LifecycleError, ReleaseStatement};

/// Of what the gate was told: which of the digests are results of checks.
#[derive(Deserialize)]
struct Asked {
    evidence: Vec<AskedEvidence>,
}

#[derive(Deserialize)]
struct AskedEvidence {
    digest: Digest,
}

impl Source<'_> {
    /// The entry of the newest decision about a release; deployments and signals are decided elsewhere.
    pub(super) fn gate_entry(&self) -> Option<&Entry> {
        self.life.own(EventKind::GateDecided).rev().find(|e| digest_in(e, "decision").is_some())
    }

    pub(super) async fn gate(&self) -> Result<Option<input::Gate>, LifecycleError> {
        let Some(entry) = self.gate_entry() else { return Ok(None) };
        let Some(decision) = self.referred::<Decision>(entry, "decision", "decision").await? else {
            return Ok(None);
        };
        let envelope = self.signed(entry, "envelope", "signed decision")?;
        let bytes = self.house.object(&envelope).await?;
        let verified = verify_statement(&bytes, self.house.trusted())?;
        let summary: VerificationSummary = verified.statement().predicate_as()?;
        let passed = summary.verification_result == VerificationOutcome::Passed;
        if passed != decision.allow || entry.subject.is_none_or(|d| !verified.statement().speaks_of(&d)) {
            return Err(LifecycleError::Object {
                digest: envelope,
                what: "signed decision",
                reason: "it says something else than the decision it was signed for".to_owned(),
            });
        }
        let asked: Option<Asked> = self.referred(entry, "input", "gate input").await?;
        let results: BTreeSet<Digest> =
            asked.into_iter().flat_map(|a| a.evidence).map(|e| e.digest).collect();
        Ok(Some(input::Gate {
            allow: decision.allow,
            reasons: reasons(&decision),
            warnings: decision.warn.iter().map(|r| shown(r, None)).collect(),
            // A decision also names the BOM and the threat model that it read, which are no results.
            evidence: decision.evidence.into_iter().filter(|d| results.contains(d)).collect(),
            policy: decision.policy,
            decision: envelope,
            decided_at: entry.at,
            ledger_seq: entry.seq,
        }))
    }

    pub(super) fn release_entry(&self) -> Option<&Entry> {
        self.life.own(EventKind::ReleaseMade).next_back()
    }

    pub(super) async fn release(&self) -> Result<Option<input::Release>, LifecycleError> {
        let Some(entry) = self.release_entry() else { return Ok(None) };
        let envelope = self.signed(entry, "statement", "release statement")?;
        let verified = verify_statement(&self.house.object(&envelope).await?, self.house.trusted())?;
        let stated: ReleaseStatement = verified.statement().predicate_as()?;
        let bundle = self.house.object(&stated.signature).await?;
        let (root, signer) = self.oms_root(&bundle, &stated)?;
        Ok(Some(input::Release {
            signer,
            root,
            signature: stated.signature,
            bom: Some(stated.bom),
            released_at: stated.released,
            ledger_seq: entry.seq,
        }))
    }

    /// Root digest and signer of a model signature. The files are not at hand here; a Sigstore bundle
    /// carries a DSSE envelope, whose statement names both the root and the model digest.
    fn oms_root(&self, bundle: &[u8], stated: &ReleaseStatement) -> Result<(Digest, String), LifecycleError> {
        let wrong = |reason: &str| LifecycleError::Object {
            digest: stated.signature,
            what: "model signature",
            reason: reason.to_owned(),
        };
        let parsed: serde_json::Value = serde_json::from_slice(bundle).map_err(|e| wrong(&e.to_string()))?;
        let envelope = parsed.get("dsseEnvelope").ok_or_else(|| wrong("it holds no envelope"))?;
        let verified = verify_statement(envelope.to_string().as_bytes(), self.house.trusted())?;
        let signed = verified.statement();
        let named = |s: &Statement, algorithm: &str| {
            s.subject_digest(algorithm).and_then(|hex| Digest::from_hex(hex).ok())
        };
        if named(signed, proofhouse_attest::oms::MODEL_DIGEST) != Some(stated.model) {
            return Err(wrong("it is over another model than the one released"));
        }
        let root = named(signed, "sha256").ok_or_else(|| wrong("it names no root digest"))?;
        Ok((root, verified.signer().to_string()))
    }

    fn signed(&self, entry: &Entry, field: &str, what: &'static str) -> Result<Digest, LifecycleError> {
        digest_in(entry, field).ok_or_else(|| LifecycleError::Object {
            digest: entry.leaf_hash,
            what,
            reason: format!("ledger entry {} names none", entry.seq),
        })
    }
}

/// What stands against the release, and what waivers held back of it.
fn reasons(decision: &Decision) -> Vec<input::Reason> {
    let standing = decision.deny.iter().map(|r| shown(r, None));
    let waived = decision.waived.iter().map(|w| {
        let waiver = input::Waiver {
            by: w.waiver.approved_by.clone(),
            until: Some(time_of(w.waiver.expires_ns)),
            why: w.waiver.reason.clone(),
        };
        shown(&w.reason, Some(waiver))
    });
    standing.chain(waived).collect()
}

fn shown(reason: &proofhouse_policy::Reason, waived: Option<input::Waiver>) -> input::Reason {
    input::Reason {
        code: reason.code.clone(),
        subject: reason.subject.clone(),
        message: reason.msg.clone(),
        severity: reason.severity,
        solution: reason.solution.clone(),
        waived,
    }
}
