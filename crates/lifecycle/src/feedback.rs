//! Feeding back: a signal re-opens exactly the threats its kind speaks about, the loss is scored again
//! without what no longer holds, and the plan says what has to be tested anew.

use proofhouse_core::{Freshness, ThreatState};
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::ThreatReopened;
use proofhouse_threats::SignalRaised;

use crate::evidence::Evidence;
use crate::house::House;
use crate::loss::RiskScore;
use crate::observe::RaisedSignal;
use crate::plan::{Planned, Standing};
use crate::{LifecycleError, Project};

/// What a signal changed.
pub struct FedBack {
    /// Threats that are open again.
    pub reopened: Vec<String>,
    /// Every threat's state now.
    pub states: Vec<proofhouse_threats::Assessment>,
    /// Kinds of test that have to run again, and the threats that wait for each.
    pub retest: Vec<(String, Vec<String>)>,
    /// First and last ledger entry.
    pub entries: (u64, u64),
}

impl House {
    /// Re-opens the threats of a signal that apply here, and records the loss as it stands now.
    pub async fn feed_back(
        &self,
        project: &Project,
        planned: &Planned,
        evidence: &[(Evidence, Freshness)],
        signal: &RaisedSignal,
        risk: Option<&RiskScore>,
    ) -> Result<FedBack, LifecycleError> {
        let raised = [SignalRaised { kind: signal.kind.clone(), at: signal.at }];
        let standing = Standing { evidence, signals: &raised, now: self.now() };
        let states = planned.states(project, &standing);
        let spoken_of = planned.catalogue.reopened_by(&signal.kind).unwrap_or_default();
        let open = |id: &proofhouse_system::ThreatId| {
            states
                .iter()
                .any(|s| s.threat == *id && matches!(s.state, ThreatState::Open | ThreatState::Stale))
        };
        let reopened: Vec<String> = spoken_of.iter().filter(|id| open(id)).map(ToString::to_string).collect();
        let mut events = Vec::new();
        for id in &reopened {
            let body = ThreatReopened {
                system: project.id().to_owned(),
                id: id.clone(),
                reason: format!("{}: {}", signal.id, signal.summary),
            };
            events.push(self.event(EventKind::ThreatReopened, Some(project.digest), &body)?);
        }
        let mut entries = (signal.seq, signal.seq);
        if !events.is_empty() {
            let receipt = self.append(&events).await?;
            entries = (receipt.first_seq, receipt.last_seq);
        }
        // What was tested since the gate may have settled other threats.
        if let Some(last) = self.record_changes(project, &states, &reopened).await? {
            entries.1 = last;
        }
        if let Some(score) = risk {
            entries.1 = self.record_risk(project, score).await?.1;
        }
        let mut retest: Vec<(String, Vec<String>)> = Vec::new();
        for test in planned.plan.tests.iter().filter(|t| reopened.contains(&t.threat.to_string())) {
            match retest.iter_mut().find(|(kind, _)| *kind == test.test) {
                Some((_, threats)) => threats.push(test.threat.to_string()),
                None => retest.push((test.test.clone(), vec![test.threat.to_string()])),
            }
        }
        Ok(FedBack { reopened, states, retest, entries })
    }
}
