//! The recall certificate: a signed statement that a digest is served nowhere in a scope, and the proof
//! for each instance.
//!
//! Nothing in it is a summary to be believed: [`RecallCertificate::gaps`] derives from the parts what is
//! missing, and a certificate with a gap certifies nothing. Checked against a ledger, it must list every
//! instance that the ledger ever saw start and never saw stop before the order.

use std::collections::BTreeSet;
use std::path::Path;

use proofhouse_attest::{Predicate, TrustedKeys, verify_statement};
use proofhouse_core::{Digest, Timestamp};
use proofhouse_ledger::{EventKind, Ledger};
use serde::{Deserialize, Serialize};

use crate::fleet::{Denial, Stopped};
use crate::recall::{order_of, running_at};
use crate::{LifecycleError, Scope};

/// What a recall certificate states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecallCertificate {
    /// Id of the recall.
    pub recall: String,
    /// The digest that is served nowhere in the scope.
    pub digest: Digest,
    /// How far the order reaches.
    pub scope: Scope,
    /// Why it was ordered.
    pub reason: String,
    /// The ledger entry of the order.
    pub order_seq: u64,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// When everything below was known.
    pub certified: Timestamp,
    /// The gateways that deny the digest.
    pub denials: Vec<Denial>,
    /// Every instance of the digest in the scope that was ever started and not stopped before the order.
    pub instances: Vec<InstanceProof>,
    /// Processes found by the last sweep after all stops; empty when nothing serves.
    pub found_by_last_sweep: Vec<Stopped>,
    /// Requests a model of this digest answered after the gateways had acknowledged.
    pub answered_after_denial: u64,
}

/// One instance, and how it is known that it does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProof {
    /// Which instance.
    pub id: String,
    /// Where it served, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How it is known.
    pub proof: StopEvidence,
}

/// How it is known that an instance does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum StopEvidence {
    /// Its target stopped it and says how.
    Acknowledged(Stopped),
    /// It had ended before: a sweep of its target found nothing that serves the digest.
    Absent {
        /// The target that was swept.
        target: String,
    },
    /// Its target was not swept, and the ledger saw it stop after the order.
    Recorded {
        /// The ledger entry.
        seq: u64,
    },
    /// Its target was not reached, and its lease has run out: it serves only while it is renewed.
    LeaseExpired {
        /// When the lease ended.
        lease_until: Timestamp,
    },
    /// It is not known.
    Unproven {
        /// Why not.
        reason: String,
    },
}

impl Predicate for RecallCertificate {
    const TYPE: &'static str = proofhouse_attest::predicate::RECALL_CERTIFICATE;
}

impl RecallCertificate {
    /// What keeps this from certifying that nothing serves; empty when it does.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        if self.denials.is_empty() {
            gaps.push("no gateway acknowledged that it denies the digest".to_owned());
        }
        let mut names = BTreeSet::new();
        for instance in &self.instances {
            let id = &instance.id;
            if !names.insert(id) {
                gaps.push(format!("instance {id} is listed twice"));
            }
            match &instance.proof {
                StopEvidence::Unproven { reason } => {
                    gaps.push(format!("instance {id} is not proven stopped: {reason}"))
                }
                StopEvidence::LeaseExpired { lease_until } if *lease_until > self.certified => {
                    gaps.push(format!(
                        "the lease of instance {id} runs until {lease_until}, after the certificate"
                    ));
                }
                StopEvidence::Acknowledged(stopped) if stopped.id != *id => {
                    gaps.push(format!("the proof for instance {id} speaks about {}", stopped.id));
                }
                StopEvidence::Acknowledged(Stopped { connection_refused: Some(false), .. }) => {
                    gaps.push(format!("something still accepts connections where instance {id} served"));
                }
                StopEvidence::Acknowledged(_)
                | StopEvidence::LeaseExpired { .. }
                | StopEvidence::Recorded { .. }
                | StopEvidence::Absent { .. } => {}
            }
        }
        for denial in self.denials.iter().filter(|d| d.acknowledged > self.certified) {
            gaps.push(format!("{} acknowledged its denial after the certificate", denial.gateway));
        }
        if !self.found_by_last_sweep.is_empty() {
            gaps.push(format!("the last sweep still found {} processes", self.found_by_last_sweep.len()));
        }
        if self.answered_after_denial > 0 {
            gaps.push(format!("{} requests were answered after the denial", self.answered_after_denial));
        }
        if self.certified < self.ordered {
            gaps.push("it was certified before it was ordered".to_owned());
        }
        gaps
    }

    /// Compares the certificate with a ledger: the order must be in it, every instance that was running when
    /// it was given must be listed, and what is said about the ledger must be so. Returns what does not
    /// agree.
    pub async fn cross_check(&self, ledger: &Ledger) -> Result<Vec<String>, LifecycleError> {
        let mut gaps = Vec::new();
        match ledger.get(self.order_seq).await?.as_ref().map(order_of) {
            Some(Ok(order))
                if order.id == self.recall
                    && order.digest == self.digest
                    && order.scope == self.scope
                    && order.ordered == self.ordered => {}
            _ => gaps.push(format!("ledger entry {} is not the order it names", self.order_seq)),
        }
        let listed: BTreeSet<&str> = self.instances.iter().map(|i| i.id.as_str()).collect();
        for id in running_at(ledger, self.order_seq, &self.digest, &self.scope).await? {
            if !listed.contains(id.as_str()) {
                gaps.push(format!("instance {id} was running when the recall was ordered and is not listed"));
            }
        }
        for instance in &self.instances {
            let StopEvidence::Recorded { seq } = instance.proof else { continue };
            let saw_it_stop = ledger.get(seq).await?.is_some_and(|e| {
                e.kind == EventKind::InstanceStopped
                    && e.seq > self.order_seq
                    && e.body.get("id").and_then(|id| id.as_str()) == Some(&instance.id)
            });
            if !saw_it_stop {
                gaps.push(format!("ledger entry {seq} does not say that instance {} stopped", instance.id));
            }
        }
        Ok(gaps)
    }
}

/// Reads and verifies a certificate: a trusted signature over a statement about the digest it certifies.
/// The caller still has to look at [`RecallCertificate::gaps`].
pub fn read_certificate(path: &Path, trusted: &TrustedKeys) -> Result<RecallCertificate, LifecycleError> {
    let bytes =
        std::fs::read(path).map_err(|source| LifecycleError::Read { path: path.to_path_buf(), source })?;
    verify_certificate(&bytes, trusted)
}

/// Verifies the bytes of a certificate.
pub fn verify_certificate(
    envelope: &[u8],
    trusted: &TrustedKeys,
) -> Result<RecallCertificate, LifecycleError> {
    let verified = verify_statement(envelope, trusted)?;
    let certificate: RecallCertificate = verified.statement().predicate_as()?;
    if !verified.statement().speaks_of(&certificate.digest) {
        return Err(LifecycleError::CertificateSubject { digest: certificate.digest });
    }
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn stopped(id: &str) -> Stopped {
        Stopped { id: id.into(), pid: 1, how: "killed".into(), connection_refused: Some(true) }
    }

    fn complete() -> RecallCertificate {
        RecallCertificate {
            recall: "r-1".into(),
            digest: Digest::of(b"model"),
            scope: Scope::Everywhere,
            reason: "drift".into(),
            order_seq: 3,
            ordered: at(10),
            certified: at(20),
            denials: vec![Denial { gateway: "g".into(), epoch: 1, cancelled: 0, acknowledged: at(11) }],
            instances: vec![
                InstanceProof {
                    id: "a".into(),
                    endpoint: None,
                    proof: StopEvidence::Acknowledged(stopped("a")),
                },
                InstanceProof {
                    id: "b".into(),
                    endpoint: None,
                    proof: StopEvidence::LeaseExpired { lease_until: at(19) },
                },
            ],
            found_by_last_sweep: vec![],
            answered_after_denial: 0,
        }
    }

    #[test]
    fn every_missing_part_is_a_gap() {
        assert_eq!(complete().gaps(), Vec::<String>::new());
        type Change = fn(&mut RecallCertificate);
        let cases: [(&str, Change); 9] = [
            ("no gateway", |c| c.denials.clear()),
            ("listed twice", |c| c.instances[1].id = "a".into()),
            ("not proven", |c| {
                c.instances[0].proof = StopEvidence::Unproven { reason: "agent silent".into() }
            }),
            ("after the certificate", |c| {
                c.instances[1].proof = StopEvidence::LeaseExpired { lease_until: at(21) };
            }),
            ("speaks about", |c| c.instances[0].proof = StopEvidence::Acknowledged(stopped("z"))),
            ("last sweep", |c| c.found_by_last_sweep.push(stopped("x"))),
            ("answered after", |c| c.answered_after_denial = 1),
            ("before it was ordered", |c| c.certified = at(9)),
            ("acknowledged its denial after", |c| c.denials[0].acknowledged = at(21)),
        ];
        for (expected, change) in cases {
            let mut certificate = complete();
            change(&mut certificate);
            assert!(
                certificate.gaps().iter().any(|g| g.contains(expected)),
                "{expected}: {:?}",
                certificate.gaps()
            );
        }
        let mut accepting = complete();
        if let StopEvidence::Acknowledged(s) = &mut accepting.instances[0].proof {
            s.connection_refused = Some(false);
        }
        assert_eq!(accepting.gaps().len(), 1);
    }
}
