//! The recall: the order, what was done, and the certificate where it holds.

use proofhouse_ledger::{Entry, EventKind};
use proofhouse_report::input;

use super::Source;
use super::instances::sentence;
use super::life::{digest_in, text_in};
use crate::{LifecycleError, RecallCertificate, RecallOrder, verify_certificate};

/// A recall as it is shown, with the certificate it rests on.
pub(super) struct Recalled {
    pub shown: input::Recall,
    pub certificate: Option<RecallCertificate>,
    /// Entry of the certificate.
    pub last: u64,
}

impl Source<'_> {
    /// The newest order that reaches this environment and speaks about its model.
    pub(super) async fn recall(&self) -> Result<Option<Recalled>, LifecycleError> {
        let Some(model) = self.model else { return Ok(None) };
        let orders = self.house.recall_orders().await?;
        let reaching =
            orders.into_iter().rev().find(|o| o.digest == model && o.scope.reaches(&self.life.environment));
        let Some(order) = reaching else { return Ok(None) };
        let ordered_by = self.house.ledger().get(order.seq).await?.map(|e| e.actor).unwrap_or_default();
        let entry = self
            .life
            .everywhere(EventKind::RecallCertified)
            .find(|e| text_in(e, "id") == Some(order.id.as_str()));
        let mut steps = vec![input::RecallStep {
            name: "ordered".to_owned(),
            at: order.ordered,
            detail: format!("the digest may no longer be served {}", order.scope),
            ledger_seq: Some(order.seq),
        }];
        let certified = match entry {
            Some(entry) => self.certified(&order, entry, &mut steps).await?,
            None => None,
        };
        let (certificate, shown_certificate) = certified.unzip();
        let proofs = match &certificate {
            Some(c) => proofs(c),
            None => self.unproven(),
        };
        Ok(Some(Recalled {
            last: entry.map_or(order.seq, |e| e.seq),
            shown: input::Recall {
                order: order.id,
                digest: order.digest,
                scope: order.scope.to_string(),
                reason: order.reason,
                ordered_by,
                ordered_at: order.ordered,
                epoch: certificate.as_ref().and_then(|c| c.denials.first()).map_or(0, |d| d.epoch),
                ledger_seq: order.seq,
                steps,
                proofs,
                answered_after: certificate.as_ref().map(|c| c.answered_after_denial),
                certificate: shown_certificate,
            },
            certificate,
        }))
    }

    /// Verifies a certificate: its signature, its completeness, its agreement with the ledger. One that
    /// does not hold is shown as a step and counts for nothing.
    async fn certified(
        &self,
        order: &RecallOrder,
        entry: &Entry,
        steps: &mut Vec<input::RecallStep>,
    ) -> Result<Option<(RecallCertificate, input::Certificate)>, LifecycleError> {
        let Some(digest) = digest_in(entry, "certificate") else { return Ok(None) };
        let bytes = self.house.object(&digest).await?;
        let certificate = verify_certificate(&bytes, self.house.trusted())?;
        let signer = proofhouse_attest::verify_statement(&bytes, self.house.trusted())?.signer();
        let mut gaps = certificate.gaps();
        gaps.extend(certificate.cross_check(self.house.ledger()).await?);
        if certificate.recall != order.id || certificate.digest != order.digest {
            gaps.push("it certifies another order".to_owned());
        }
        if !gaps.is_empty() {
            steps.push(step("certificate refused", entry, gaps.join("; ")));
            return Ok(None);
        }
        steps.extend(certificate.denials.iter().map(|d| input::RecallStep {
            name: "denied at the gateway".to_owned(),
            at: d.acknowledged,
            detail: format!(
                "{} denies the digest in epoch {} of its recall list; {} requests were cut off",
                d.gateway, d.epoch, d.cancelled
            ),
            ledger_seq: None,
        }));
        steps.push(input::RecallStep {
            name: "stopped and swept".to_owned(),
            at: certificate.certified,
            detail: format!(
                "{} instances are proven stopped; the last sweep found {}",
                certificate.instances.len(),
                certificate.found_by_last_sweep.len()
            ),
            ledger_seq: self
                .life
                .everywhere(EventKind::InstanceStopped)
                .find(|e| text_in(e, "reason") == Some(order.id.as_str()))
                .map(|e| e.seq),
        });
        steps.push(step(
            "certified",
            entry,
            "signed, and checked against the ledger for this report".to_owned(),
        ));
        let shown = input::Certificate {
            digest,
            signer: signer.to_string(),
            issued_at: certificate.certified,
            ledger_seq: entry.seq,
        };
        Ok(Some((certificate, shown)))
    }

    /// Without a certificate: what the ledger says of each instance, which is no proof.
    fn unproven(&self) -> Vec<input::InstanceProof> {
        self.starts()
            .into_iter()
            .filter_map(|start| {
                let id = text_in(start, "id")?;
                let stop = self.stop_of(id);
                Some(input::InstanceProof {
                    instance: id.to_owned(),
                    at: stop.map(|e| e.at),
                    proof: match stop.and_then(|e| text_in(e, "reason")) {
                        Some(reason) => format!("recorded as stopped: {reason}"),
                        None => "nothing in the ledger says that it stopped".to_owned(),
                    },
                })
            })
            .collect()
    }
}

fn proofs(certificate: &RecallCertificate) -> Vec<input::InstanceProof> {
    let proven = |i: &crate::InstanceProof| input::InstanceProof {
        instance: i.id.clone(),
        at: Some(certificate.certified),
        proof: sentence(&i.proof),
    };
    certificate.instances.iter().map(proven).collect()
}

fn step(name: &str, entry: &Entry, detail: String) -> input::RecallStep {
    input::RecallStep { name: name.to_owned(), at: entry.at, detail, ledger_seq: Some(entry.seq) }
}
