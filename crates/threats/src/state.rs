//! The state of a threat, from evidence.

use proofhouse_core::{Freshness, ThreatState, Timestamp, Verdict};
use proofhouse_system::{Acceptance, ThreatId};
use serde::Serialize;

use crate::{Answers, Applicability, Catalogue, DerivedThreat, PlannedTest};

/// A result, as far as a state depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceItem {
    /// Kind of the test it answers, such as `evasion-blackbox`.
    pub test: String,
    /// The answer.
    pub verdict: Verdict,
    /// Whether it still speaks about the world as it is.
    pub freshness: Freshness,
    /// When the run ended.
    pub finished: Timestamp,
}

/// A signal raised at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalRaised {
    /// Its kind, such as `drift`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
}

/// A state and the reasons for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The threat.
    pub threat: ThreatId,
    /// Its state.
    pub state: ThreatState,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
}

/// The state of `threat` at `now`.
///
/// `tests` is the plan and `evidence` all that is there; both may speak of other threats as well. The
/// newest result of each test counts. A result that is older than a signal which re-opens the threat is
/// stale, whatever it says. A check that answers a test only in part can fail it but not settle it.
#[must_use]
pub fn assess_state(
    threat: &DerivedThreat,
    tests: &[PlannedTest],
    evidence: &[EvidenceItem],
    signals: &[SignalRaised],
    acceptances: &[Acceptance],
    catalogue: &Catalogue,
    now: Timestamp,
) -> Assessment {
    let done = |state, reasons| Assessment { threat: threat.id.clone(), state, reasons };
    let (mut state, mut reasons) = match threat.applicability {
        Applicability::NotApplicable => {
            return done(ThreatState::NotApplicable, vec!["the facts of the system rule it out".to_owned()]);
        }
        Applicability::Unknown => {
            (ThreatState::Unknown, vec![format!("not stated: {}", threat.missing.join(", "))])
        }
        Applicability::Unsupported => {
            (ThreatState::Unknown, vec!["this version has no rule for it".to_owned()])
        }
        Applicability::Applies => {
            let reopens = |s: &&SignalRaised| {
                s.at <= now && catalogue.reopened_by(&s.kind).is_some_and(|ids| ids.contains(&threat.id))
            };
            let reopened = signals.iter().filter(reopens).max_by_key(|s| s.at);
            from_tests(threat, tests, evidence, reopened)
        }
    };
    if state != ThreatState::Controlled {
        let valid = |a: &&Acceptance| a.threat == threat.id && a.accepted <= now && now < a.until;
        if let Some(a) = acceptances.iter().filter(valid).max_by_key(|a| a.until) {
            reasons.insert(0, format!("accepted by {} until {}", a.by, a.until));
            state = ThreatState::Accepted;
        }
    }
    done(state, reasons)
}

fn from_tests(
    threat: &DerivedThreat,
    tests: &[PlannedTest],
    evidence: &[EvidenceItem],
    reopened: Option<&SignalRaised>,
) -> (ThreatState, Vec<String>) {
    let (mut open, mut stale, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    for test in tests.iter().filter(|t| t.threat == threat.id) {
        let name = &test.test;
        let newest = evidence.iter().filter(|e| &e.test == name).max_by_key(|e| e.finished);
        let Some(result) = newest else {
            open.push(match test.check {
                Some(_) => format!("{name} has not been run"),
                None => format!("{name} cannot be run by this version and nobody has recorded it"),
            });
            continue;
        };
        match result.verdict {
            Verdict::Fail => open.push(format!("{name} failed")),
            Verdict::Unknown => open.push(format!("{name} could not tell")),
            Verdict::Pass => match (&result.freshness, reopened) {
                (Freshness::Stale(why), _) => {
                    let why: Vec<String> = why.iter().map(crate::rules::word).collect();
                    stale.push(format!("{name} passed before a change of {}", why.join(", ")));
                }
                (Freshness::Fresh, Some(signal)) if result.finished <= signal.at => {
                    stale.push(format!("{name} passed before the {} signal of {}", signal.kind, signal.at));
                }
                (Freshness::Fresh, _) if test.answers == Some(Answers::Partial) => {
                    open.push(format!("{name} passed as far as it is checked, which is in part"));
                }
                (Freshness::Fresh, _) => passed.push(format!("{name} passed")),
            },
        }
    }
    if !open.is_empty() {
        open.append(&mut stale);
        (ThreatState::Open, open)
    } else if !stale.is_empty() {
        (ThreatState::Stale, stale)
    } else if passed.is_empty() {
        (ThreatState::Open, vec!["no test is planned for it".to_owned()])
    } else {
        (ThreatState::Controlled, passed)
    }
}
