//! Evidence: the signed result of a check. This module is the only place that writes it, and nothing is
//! read without verifying its signature.

use proofhouse_attest::{KeyId, Predicate, ResourceDescriptor, Statement, sign_statement, verify_statement};
use proofhouse_core::{CheckResult, Digest, Freshness, Inputs, Subject, SubjectKind, Timestamp};
use proofhouse_ledger::body::EvidenceRecorded;
use proofhouse_ledger::{Event, EventKind};
use serde::{Deserialize, Serialize};

use crate::LifecycleError;
use crate::house::{House, Tool};

/// What a piece of evidence states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceStatement {
    /// The result of the check.
    pub result: CheckResult,
    /// What kind of subject it speaks about.
    pub subject_kind: SubjectKind,
    /// The program that ran it.
    pub tool: Tool,
    /// What a report draws, such as counterexamples: an object kept beside the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhibit: Option<Digest>,
}

impl Predicate for EvidenceStatement {
    const TYPE: &'static str = proofhouse_attest::predicate::EVIDENCE;
}

/// Evidence whose signature was verified when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Digest of the signed envelope: its id.
    pub id: Digest,
    /// What was examined.
    pub subject: Subject,
    /// What it states.
    pub statement: EvidenceStatement,
    /// Who signed.
    pub signer: KeyId,
    /// Its ledger entry.
    pub seq: u64,
}

impl Evidence {
    /// The result of the check.
    #[must_use]
    pub fn result(&self) -> &CheckResult {
        &self.statement.result
    }

    /// Whether it still speaks about the world as it is.
    #[must_use]
    pub fn freshness(&self, current: &Inputs, now: Timestamp) -> Freshness {
        self.statement.result.freshness(current, now)
    }
}

/// A result, signed and kept, on its way into the ledger.
pub(crate) struct Signed {
    pub(crate) id: Digest,
    pub(crate) subject: Subject,
    pub(crate) statement: EvidenceStatement,
    pub(crate) event: Event,
}

impl Signed {
    pub(crate) fn recorded(self, signer: KeyId, seq: u64) -> Evidence {
        Evidence { id: self.id, subject: self.subject, statement: self.statement, signer, seq }
    }
}

impl House {
    /// Signs a result and keeps the envelope. It counts once the event is in the ledger.
    pub(crate) async fn sign_result(
        &self,
        subject: Subject,
        result: CheckResult,
        exhibit: Option<&serde_json::Value>,
    ) -> Result<Signed, LifecycleError> {
        let exhibit = match exhibit {
            Some(value) => Some(self.keep(value).await?),
            None => None,
        };
        let statement =
            EvidenceStatement { result, subject_kind: subject.kind, tool: self.tool().clone(), exhibit };
        let about = ResourceDescriptor::sha256(&subject.name, &subject.digest);
        let envelope = sign_statement(&Statement::new(vec![about], &statement)?, self.signer())?;
        let id = self.ledger().put_object(&envelope.to_json()?).await?;
        let body = EvidenceRecorded {
            envelope: id,
            check: statement.result.check.clone(),
            verdict: statement.result.verdict,
            finished: statement.result.finished,
            valid_until: statement.result.valid_until,
        };
        let event = self.event(EventKind::EvidenceRecorded, Some(subject.digest), &body)?;
        Ok(Signed { id, subject, statement, event })
    }

    /// Records results in one append, so that an assessment is in the ledger whole or not at all.
    pub(crate) async fn record_all(&self, signed: Vec<Signed>) -> Result<Vec<Evidence>, LifecycleError> {
        if signed.is_empty() {
            return Ok(Vec::new());
        }
        let events: Vec<Event> = signed.iter().map(|s| s.event.clone()).collect();
        let first = self.append(&events).await?.first_seq;
        let signer = self.signer_id();
        Ok((first..).zip(signed).map(|(seq, s)| s.recorded(signer, seq)).collect())
    }

    /// Reads one piece of evidence and verifies its signature.
    pub async fn evidence(&self, id: &Digest, seq: u64) -> Result<Evidence, LifecycleError> {
        let bytes = self.object(id).await?;
        let verified = verify_statement(&bytes, self.trusted())?;
        let statement: EvidenceStatement = verified.statement().predicate_as()?;
        let wrong = |reason: &str| LifecycleError::Object {
            digest: *id,
            what: "evidence",
            reason: reason.to_owned(),
        };
        let [about] = verified.statement().subjects() else {
            return Err(wrong("it has not exactly one subject"));
        };
        if !verified.statement().speaks_of(&statement.result.inputs.subject) {
            return Err(wrong("its subject is not what its result speaks about"));
        }
        let subject = Subject {
            kind: statement.subject_kind,
            name: about.name.clone(),
            digest: statement.result.inputs.subject,
        };
        Ok(Evidence { id: *id, subject, statement, signer: verified.signer(), seq })
    }

    /// The newest evidence of each check on each of `subjects`, in the order of the ledger.
    pub async fn current_evidence(&self, subjects: &[Digest]) -> Result<Vec<Evidence>, LifecycleError> {
        let mut newest = std::collections::BTreeMap::new();
        for subject in subjects {
            for row in self.ledger().evidence(subject).await? {
                let (seq, id) = row_identity(&row)?;
                let place = newest.entry((row.subject.clone(), row.check.clone())).or_insert((seq, id));
                if seq > place.0 {
                    *place = (seq, id);
                }
            }
        }
        let mut ids: Vec<(u64, Digest)> = newest.into_values().collect();
        ids.sort_unstable();
        let mut evidence = Vec::with_capacity(ids.len());
        for (seq, id) in ids {
            evidence.push(self.evidence(&id, seq).await?);
        }
        Ok(evidence)
    }
}

fn row_identity(row: &proofhouse_ledger::views::EvidenceRow) -> Result<(u64, Digest), LifecycleError> {
    let id: Digest =
        row.envelope.parse().map_err(|e: proofhouse_core::DigestError| LifecycleError::Object {
            digest: Digest::of(row.envelope.as_bytes()),
            what: "evidence row",
            reason: e.to_string(),
        })?;
    Ok((u64::try_from(row.seq).unwrap_or_default(), id))
}
