//! The copies that ran, and what the gateway answered for them.

use std::collections::BTreeMap;

use proofhouse_core::Timestamp;
use proofhouse_ledger::{Entry, EventKind};
use proofhouse_report::input;
use serde_json::Value;

use super::Source;
use super::life::text_in;
use super::recall::Recalled;
use crate::{LifecycleError, StopEvidence};

/// Audit entries read at once; each holds some dozens of records.
const PAGE: u64 = 200;

/// What the gateway's audit says of this life.
pub(super) struct Audited {
    pub shown: input::Traffic,
    pub first: (u64, Timestamp),
    pub last: (u64, Timestamp),
}

impl Source<'_> {
    /// The start of each instance. A second start of one id is a renewed lease.
    pub(super) fn starts(&self) -> Vec<&Entry> {
        let mut starts: Vec<&Entry> = Vec::new();
        for entry in self.life.own(EventKind::InstanceStarted) {
            if starts.iter().all(|s| text_in(s, "id") != text_in(entry, "id")) {
                starts.push(entry);
            }
        }
        starts
    }

    /// When an instance was last recorded to have stopped.
    pub(super) fn stop_of(&self, id: &str) -> Option<&Entry> {
        self.life.everywhere(EventKind::InstanceStopped).rev().find(|e| text_in(e, "id") == Some(id))
    }

    pub(super) fn instances(&self, recall: Option<&Recalled>) -> Vec<input::Instance> {
        self.starts()
            .into_iter()
            .map(|start| {
                let id = text_in(start, "id").unwrap_or_default();
                let stop = self.stop_of(id);
                let proof = recall
                    .and_then(|r| r.certificate.as_ref())
                    .and_then(|c| c.instances.iter().find(|i| i.id == id))
                    .map(|i| &i.proof);
                let said = stop.and_then(|e| text_in(e, "reason"));
                input::Instance {
                    id: id.to_owned(),
                    pid: match proof {
                        Some(StopEvidence::Acknowledged(stopped)) => Some(stopped.pid),
                        _ => None,
                    },
                    address: text_in(start, "endpoint").unwrap_or("not recorded").to_owned(),
                    proven: start.subject,
                    started: start.at,
                    stopped: stop.map(|e| e.at),
                    stop_proof: proof
                        .map(sentence)
                        .or_else(|| said.map(|s| format!("recorded as stopped: {s}"))),
                    ledger_seq: start.seq,
                }
            })
            .collect()
    }

    /// Counts the audit from the first instance on. Absent while the gateway has answered nobody.
    pub(super) async fn traffic(&self) -> Result<Option<Audited>, LifecycleError> {
        let Some(since) = self.starts().first().map(|e| e.seq) else { return Ok(None) };
        let mut audited: Option<Audited> = None;
        let mut offset = 0;
        loop {
            let page = self.house.page_of(EventKind::GatewayAudit, offset, PAGE).await?;
            if page.is_empty() {
                return Ok(audited);
            }
            offset += page.len() as u64;
            for entry in page.iter().filter(|e| e.seq >= since && self.life.holds(e.seq)) {
                let place = (entry.seq, entry.at);
                let audited = audited.get_or_insert_with(|| Audited {
                    shown: input::Traffic::default(),
                    first: place,
                    last: place,
                });
                audited.last = place;
                count(entry, &mut audited.shown.by_status);
            }
        }
    }
}

fn count(entry: &Entry, by_status: &mut BTreeMap<u16, u64>) {
    let records = entry.body.get("records").and_then(Value::as_array);
    for record in records.into_iter().flatten() {
        let status = record.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
        if let Some(status) = status {
            *by_status.entry(status).or_default() += 1;
        }
    }
}

/// How an instance is known to serve no more, in words.
pub(super) fn sentence(proof: &StopEvidence) -> String {
    match proof {
        StopEvidence::Acknowledged(s) => {
            let refused = match s.connection_refused {
                Some(true) => "; its address refuses connections",
                Some(false) => "; its address still accepts connections",
                None => "; its address was not tried",
            };
            format!("process {} {}{refused}", s.pid, s.how.replace('-', " "))
        }
        StopEvidence::Absent { target } => {
            format!("had ended before; a sweep of {target} found nothing that serves the digest")
        }
        StopEvidence::Recorded { seq } => format!("ledger entry {seq} saw it stop after the order"),
        StopEvidence::LeaseExpired { lease_until } => format!("its lease ran out at {lease_until}"),
        StopEvidence::Unproven { reason } => format!("not proven: {reason}"),
    }
}
