//! Recall: an order that a digest be served nowhere in its scope, carried out in the one order that leaves
//! no window: deny first, then stop, then sweep until nothing is found, then prove.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use proofhouse_attest::{ResourceDescriptor, Statement, sign_statement};
use proofhouse_core::{Digest, Timestamp};
use proofhouse_ledger::body::{InstanceStopped, RecallCertified, RecallOrdered};
use proofhouse_ledger::views::InstanceRow;
use proofhouse_ledger::{Entry, EventKind, Filter, Ledger};
use serde::{Deserialize, Serialize};

use crate::certificate::{InstanceProof, RecallCertificate, StopEvidence};
use crate::fleet::{DataPlane, Fleet, Stopped};
use crate::house::House;
use crate::{LifecycleError, durable};

/// Sweeps after the stops; each must find less than the one before, the last must find nothing.
const MAX_SWEEPS: usize = 3;
/// The ledger's word for an instance that it saw start and not stop.
pub(crate) const RUNNING: &str = "running";

/// How far a recall reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every environment, the rehearsals too.
    Everywhere,
    /// One environment.
    Environment(String),
}

impl Scope {
    /// Whether instances in `environment` are meant.
    #[must_use]
    pub fn reaches(&self, environment: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Environment(name) => name == environment,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("everywhere"),
            Self::Environment(name) => write!(f, "in {name}"),
        }
    }
}

/// An order, as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallOrder {
    /// Its id.
    pub id: String,
    /// What may not be served.
    pub digest: Digest,
    /// Where not.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// Its ledger entry.
    pub seq: u64,
}

/// Body of a `recall-ordered` entry: what the ledger's view reads, and the scope.
#[derive(Serialize, Deserialize)]
struct OrderBody {
    #[serde(flatten)]
    order: RecallOrdered,
    scope: Scope,
}

/// How a recall went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecallOutcome {
    /// What was found and done.
    pub certificate: RecallCertificate,
    /// What keeps it from being complete; empty when it is, and only then is it signed.
    pub gaps: Vec<String>,
    /// Digest of the signed certificate.
    pub envelope: Option<Digest>,
    /// The certificate as a file.
    pub file: Option<PathBuf>,
    /// First and last ledger entry written.
    pub entries: (u64, u64),
}

impl House {
    /// Orders that `digest` be served nowhere in `scope`; `by` names who orders it where that is not whoever
    /// opened the house, such as a policy. From here on the order is in force, whatever
    /// happens to this process.
    pub async fn order_recall(
        &self,
        digest: Digest,
        scope: Scope,
        reason: &str,
        by: Option<&str>,
    ) -> Result<RecallOrder, LifecycleError> {
        loop {
            let given = self.recall_orders().await?.len();
            let id = format!("recall-{}", given + 1);
            let body = OrderBody {
                order: RecallOrdered { id: id.clone(), reason: reason.to_owned() },
                scope: scope.clone(),
            };
            let mut event = self.event(EventKind::RecallOrdered, Some(digest), &body)?;
            if let Some(by) = by {
                by.clone_into(&mut event.actor);
            }
            let ordered = event.at;
            match self.append(&[event]).await {
                Ok(receipt) => {
                    let seq = receipt.first_seq;
                    return Ok(RecallOrder { id, digest, scope, reason: reason.to_owned(), ordered, seq });
                }
                Err(error) if self.recall_orders().await?.len() == given => return Err(error),
                // Another order took the name in between, which is no reason to give up this one.
                Err(_) => {}
            }
        }
    }

    /// Every order ever given, oldest first.
    pub async fn recall_orders(&self) -> Result<Vec<RecallOrder>, LifecycleError> {
        let filter = Filter { kind: Some(EventKind::RecallOrdered), ..Filter::default() };
        self.ledger().show(&filter).await?.iter().map(order_of).collect()
    }

    /// The digests that may not be served in `environment`.
    pub async fn recalled_in(&self, environment: &str) -> Result<BTreeSet<Digest>, LifecycleError> {
        let orders = self.recall_orders().await?;
        Ok(orders.into_iter().filter(|o| o.scope.reaches(environment)).map(|o| o.digest).collect())
    }

    /// What may be served nowhere.
    pub(crate) async fn recalled_everywhere(&self) -> Result<BTreeSet<Digest>, LifecycleError> {
        let orders = self.recall_orders().await?;
        Ok(orders.into_iter().filter(|o| o.scope == Scope::Everywhere).map(|o| o.digest).collect())
    }

    /// Orders that reach `environment` and have no certificate yet.
    pub async fn open_recalls(&self, environment: &str) -> Result<Vec<RecallOrder>, LifecycleError> {
        let certified: BTreeSet<String> = self
            .ledger()
            .recalls()
            .await?
            .into_iter()
            .filter(|r| r.state == "certified")
            .map(|r| r.id)
            .collect();
        let orders = self.recall_orders().await?;
        Ok(orders
            .into_iter()
            .filter(|o| o.scope.reaches(environment) && !certified.contains(&o.id))
            .collect())
    }

    /// The certificate of a recall, where it has one: its envelope.
    pub async fn certificate_of(&self, recall: &str) -> Result<Option<Vec<u8>>, LifecycleError> {
        let filter = Filter { kind: Some(EventKind::RecallCertified), ..Filter::default() };
        for entry in self.ledger().show(&filter).await? {
            if let Ok(body) = serde_json::from_value::<RecallCertified>(entry.body)
                && body.id == recall
            {
                return Ok(Some(self.object(&body.certificate).await?));
            }
        }
        Ok(None)
    }

    /// Carries out an order through the gateway and the fleet of this house.
    pub async fn carry_out<F: Fleet, D: DataPlane>(
        &self,
        order: &RecallOrder,
        fleet: &F,
        gateway: &D,
    ) -> Result<RecallOutcome, LifecycleError> {
        let denial = gateway.deny(&order.digest).await.map_err(LifecycleError::DataPlane)?;
        let mut stopped = fleet.stop_all(&order.digest, &order.scope).await.map_err(LifecycleError::Fleet)?;
        let mut last = Vec::new();
        for _ in 0..MAX_SWEEPS {
            last = fleet.stop_all(&order.digest, &order.scope).await.map_err(LifecycleError::Fleet)?;
            if last.is_empty() {
                break;
            }
            stopped.extend(last.iter().cloned());
        }
        let known = self.instances_since(order).await?;
        let certified = self.now();
        let certificate = RecallCertificate {
            recall: order.id.clone(),
            digest: order.digest,
            scope: order.scope.clone(),
            reason: order.reason.clone(),
            order_seq: order.seq,
            ordered: order.ordered,
            certified,
            denials: vec![denial],
            instances: proofs(&known, &stopped, fleet.name(), last.is_empty(), certified),
            found_by_last_sweep: last,
            answered_after_denial: gateway.answered_after_denial(&order.digest),
        };
        self.certify(certificate, &known).await
    }

    async fn certify(
        &self,
        certificate: RecallCertificate,
        known: &[InstanceRow],
    ) -> Result<RecallOutcome, LifecycleError> {
        let gaps = certificate.gaps();
        let mut events = Vec::new();
        for row in known.iter().filter(|row| row.state == RUNNING) {
            let proven = certificate
                .instances
                .iter()
                .any(|i| i.id == row.id && !matches!(i.proof, StopEvidence::Unproven { .. }));
            if proven {
                let body = InstanceStopped { id: row.id.clone(), reason: certificate.recall.clone() };
                events.push(self.event(EventKind::InstanceStopped, Some(certificate.digest), &body)?);
            }
        }
        let (mut envelope, mut file) = (None, None);
        if gaps.is_empty() {
            let about = ResourceDescriptor::sha256("model", &certificate.digest);
            let signed =
                sign_statement(&Statement::new(vec![about], &certificate)?, self.signer())?.to_json()?;
            let digest = self.ledger().put_object(&signed).await?;
            let path = self.home().join("certificates").join(format!("{}.dsse.json", certificate.recall));
            durable::write(&path, &signed)?;
            let body = RecallCertified { id: certificate.recall.clone(), certificate: digest };
            events.push(self.event(EventKind::RecallCertified, Some(certificate.digest), &body)?);
            (envelope, file) = (Some(digest), Some(path));
        }
        let entries = match events.as_slice() {
            [] => (certificate.order_seq, certificate.order_seq),
            events => {
                let receipt = self.append(events).await?;
                (receipt.first_seq, receipt.last_seq)
            }
        };
        Ok(RecallOutcome { certificate, gaps, envelope, file, entries })
    }

    /// Instances in the scope of an order that ran when it was given, or have been started since. Those that
    /// the ledger saw stop in the meantime are among them: the certificate has to speak about each.
    async fn instances_since(&self, order: &RecallOrder) -> Result<Vec<InstanceRow>, LifecycleError> {
        let ran = running_at(self.ledger(), order.seq, &order.digest, &order.scope).await?;
        let rows = self.ledger().instances(Some(&order.digest)).await?;
        let within = |row: &InstanceRow| order.scope.reaches(environment_of(&row.target));
        Ok(rows.into_iter().filter(|r| within(r) && (r.state == RUNNING || ran.contains(&r.id))).collect())
    }
}

/// Names of the instances of `digest` in `scope` that ran right before entry `seq`, replayed from the log.
pub(crate) async fn running_at(
    ledger: &Ledger,
    seq: u64,
    digest: &Digest,
    scope: &Scope,
) -> Result<BTreeSet<String>, LifecycleError> {
    let mut running = BTreeSet::new();
    let mut started = Filter { kind: Some(EventKind::InstanceStarted), ..Filter::default() };
    started.subject = Some(*digest);
    let mut entries = ledger.show(&started).await?;
    let stops = Filter { kind: Some(EventKind::InstanceStopped), ..Filter::default() };
    entries.extend(ledger.show(&stops).await?);
    entries.retain(|e| e.seq < seq);
    entries.sort_by_key(|e| e.seq);
    for entry in entries {
        let text =
            |field: &str| entry.body.get(field).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let id = text("id");
        if entry.kind == EventKind::InstanceStopped {
            running.remove(&id);
        } else if scope.reaches(environment_of(&text("target"))) {
            running.insert(id);
        }
    }
    Ok(running)
}

/// The environment of a target, which the ledger knows as `ENVIRONMENT/NAME`.
fn environment_of(target: &str) -> &str {
    target.split('/').next().unwrap_or_default()
}

pub(crate) fn order_of(entry: &Entry) -> Result<RecallOrder, LifecycleError> {
    let digest = entry.subject.unwrap_or(entry.leaf_hash);
    let body: OrderBody = serde_json::from_value(entry.body.clone()).map_err(|e| LifecycleError::Object {
        digest,
        what: "recall order",
        reason: e.to_string(),
    })?;
    Ok(RecallOrder {
        id: body.order.id,
        digest,
        scope: body.scope,
        reason: body.order.reason,
        ordered: entry.at,
        seq: entry.seq,
    })
}

/// The proof for each instance the ledger knew, and for each stray that was found besides.
///
/// An instance of the swept target that was not found there has ended before: an empty last sweep proves
/// it absent. For any other target only the ledger can speak: the stop that it recorded, or the lease.
fn proofs(
    known: &[InstanceRow],
    stopped: &[Stopped],
    target: &str,
    swept_clean: bool,
    now: Timestamp,
) -> Vec<InstanceProof> {
    let mut by_id: BTreeMap<&str, &Stopped> = stopped.iter().map(|s| (s.id.as_str(), s)).collect();
    let mut proofs: Vec<InstanceProof> = known
        .iter()
        .map(|row| {
            let lease: Option<Timestamp> = row.lease_until.as_ref().and_then(|l| l.parse().ok());
            let swept = swept_clean && row.target.split_once('/').is_some_and(|(_, name)| name == target);
            let proof = match (by_id.remove(row.id.as_str()), lease) {
                (Some(stopped), _) => StopEvidence::Acknowledged(stopped.clone()),
                (None, _) if swept => StopEvidence::Absent { target: target.to_owned() },
                (None, _) if row.state != RUNNING => {
                    StopEvidence::Recorded { seq: u64::try_from(row.seq).unwrap_or_default() }
                }
                (None, Some(lease_until)) if lease_until <= now => StopEvidence::LeaseExpired { lease_until },
                (None, _) => StopEvidence::Unproven {
                    reason: format!("its target {} did not answer for it", row.target),
                },
            };
            InstanceProof { id: row.id.clone(), endpoint: row.endpoint.clone(), proof }
        })
        .collect();
    proofs.extend(by_id.into_values().map(|stray| InstanceProof {
        id: stray.id.clone(),
        endpoint: None,
        proof: StopEvidence::Acknowledged(stray.clone()),
    }));
    proofs.sort_by(|a, b| a.id.cmp(&b.id));
    proofs
}
