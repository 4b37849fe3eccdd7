//! The evidence of a life: the newest of each check on each current subject, read through its signature.

use std::collections::BTreeMap;

use proofhouse_core::{Digest, Freshness, Inputs, SubjectKind, Verdict};
use proofhouse_ledger::EventKind;
use proofhouse_report::input;

use super::Source;
use super::life::{Life, digest_in, text_in};
use crate::assess::kinds_of;
use crate::evidence::Evidence;
use crate::house::House;
use crate::{LifecycleError, Project};

/// Evidence, in the order of the ledger, each with its freshness.
pub(super) struct Results(Vec<(Evidence, Freshness)>);

impl Results {
    pub async fn read(
        house: &House,
        project: &Project,
        life: &Life,
        registered: Option<Digest>,
    ) -> Result<Self, LifecycleError> {
        let subjects: Vec<Digest> =
            life.subjects().into_iter().map(|s| s.2).chain([registered.unwrap_or(project.digest)]).collect();
        let mut newest = BTreeMap::new();
        for entry in life.all(EventKind::EvidenceRecorded) {
            let Some(subject) = entry.subject.filter(|d| subjects.contains(d)) else { continue };
            if let (Some(check), Some(id)) = (text_in(entry, "check"), digest_in(entry, "envelope")) {
                newest.insert((subject, check.to_owned()), (entry.seq, id));
            }
        }
        let mut ids: Vec<(u64, Digest)> = newest.into_values().collect();
        ids.sort_unstable();
        let policy = life.own(EventKind::GateDecided).next_back().and_then(|e| digest_in(e, "policy"));
        let (tool, now) = (house.tool_digest()?, house.now());
        let mut results = Vec::with_capacity(ids.len());
        for (seq, id) in ids {
            let evidence = house.evidence(&id, seq).await?;
            let own = &evidence.result().inputs;
            // What depends on data or parameters was read anew by the assessment that recorded it; what can
            // have changed since is the system file, the program, the policy and the time.
            let expected = Inputs {
                subject: match evidence.subject.kind {
                    SubjectKind::System => project.digest,
                    _ => own.subject,
                },
                tool,
                policy: policy.or(own.policy),
                ..own.clone()
            };
            let freshness = evidence.freshness(&expected, now);
            results.push((evidence, freshness));
        }
        Ok(Self(results))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.0.iter().map(|(e, _)| e)
    }

    /// The evidence of a check.
    pub fn of_check(&self, check: &str) -> Option<&Evidence> {
        self.iter().rev().find(|e| e.result().check == check)
    }

    /// Of what answers a kind of test, the one that decides it: the first with the worst verdict.
    pub fn deciding(&self, kind: &str) -> Option<&Evidence> {
        let answering: Vec<&Evidence> =
            self.iter().filter(|e| kinds_of(&e.result().check).contains(&kind)).collect();
        let worst = Verdict::all(answering.iter().map(|e| e.result().verdict));
        answering.into_iter().find(|e| e.result().verdict == worst)
    }

    /// Everything that speaks about a threat.
    pub fn about(&self, threat: &str) -> Vec<Digest> {
        self.iter().filter(|e| e.result().threats.iter().any(|t| t == threat)).map(|e| e.id).collect()
    }
}

impl Source<'_> {
    pub(super) fn evidence(&self) -> Vec<input::Evidence> {
        self.results
            .0
            .iter()
            .map(|(e, freshness)| {
                let result = e.result().clone();
                input::Evidence {
                    id: e.id,
                    check: result.check,
                    subject: e.subject.clone(),
                    verdict: result.verdict,
                    criterion: result.criterion,
                    inputs: result.inputs,
                    freshness: freshness.clone(),
                    measurements: result.measurements,
                    findings: result.findings,
                    finished: result.finished,
                    valid_until: result.valid_until,
                    signer: e.signer.to_string(),
                    ledger_seq: e.seq,
                }
            })
            .collect()
    }
}
