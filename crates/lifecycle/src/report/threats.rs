//! Threats as the ledger knows them, with proofs derived anew from the system file; questions; the plan.

use std::collections::BTreeMap;

use proofhouse_core::{ThreatState, Timestamp};
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::{ThreatChanged, ThreatReopened, ThreatsDerived, WaiverGranted};
use proofhouse_report::input;
use proofhouse_threats::{Applicability, Automation, DerivedThreat, PlannedTest};

use super::Source;

/// Where the ledger says a threat stands.
struct Standing {
    state: ThreatState,
    reopened_by: Option<String>,
    waiver: Option<input::Acceptance>,
}

impl Source<'_> {
    pub(super) fn threats(&self) -> Vec<input::Threat> {
        let standing = self.standing();
        let now = self.house.now();
        self.planned
            .derivation
            .threats
            .iter()
            .filter_map(|t| {
                // What the ledger does not know was never derived in this life.
                let known = standing.get(t.id.as_str())?;
                let acceptance = known.waiver.clone().or_else(|| self.acceptance(t));
                let lapsed = acceptance.as_ref().is_none_or(|a| a.until.is_some_and(|until| until <= now));
                let state = match known.state {
                    ThreatState::Accepted if lapsed => ThreatState::Open,
                    state => state,
                };
                Some(input::Threat {
                    id: t.id.to_string(),
                    name: t.name.clone(),
                    group: t.group.clone(),
                    state,
                    severity: t.impact,
                    proofs: vec![self.proof(t)],
                    references: t.references.clone(),
                    tests: self
                        .planned
                        .catalogue
                        .tests_of(&t.id)
                        .map(|spec| input::ThreatTest {
                            check: spec.test.clone(),
                            automation: automation(spec.automation),
                        })
                        .collect(),
                    evidence: self.results.about(t.id.as_str()),
                    reopened_by: known.reopened_by.clone(),
                    acceptance: acceptance.filter(|_| state == ThreatState::Accepted),
                })
            })
            .collect()
    }

    /// The states, replayed from the entries of this life: the view beside the ledger only knows the latest
    /// run's.
    fn standing(&self) -> BTreeMap<String, Standing> {
        let mut entries: Vec<_> = [
            EventKind::ThreatsDerived,
            EventKind::ThreatChanged,
            EventKind::ThreatReopened,
            EventKind::WaiverGranted,
        ]
        .into_iter()
        .flat_map(|kind| self.life.all(kind))
        .collect();
        entries.sort_by_key(|e| e.seq);
        let mut standing = BTreeMap::new();
        let plain = |state| Standing { state, reopened_by: None, waiver: None };
        for entry in entries {
            // The ledger refuses bodies without these fields when they are appended.
            let body = entry.body.clone();
            match entry.kind {
                EventKind::ThreatsDerived => {
                    for t in
                        serde_json::from_value::<ThreatsDerived>(body).into_iter().flat_map(|b| b.threats)
                    {
                        standing.insert(t.id, plain(t.state));
                    }
                }
                EventKind::ThreatChanged => {
                    if let Ok(b) = serde_json::from_value::<ThreatChanged>(body) {
                        standing.insert(b.id, plain(b.state));
                    }
                }
                EventKind::ThreatReopened => {
                    if let Ok(b) = serde_json::from_value::<ThreatReopened>(body) {
                        let reopened_by = signal_of(&b.reason).map(str::to_owned);
                        standing.insert(b.id, Standing { reopened_by, ..plain(ThreatState::Open) });
                    }
                }
                _ => {
                    for b in serde_json::from_value::<WaiverGranted>(body).into_iter() {
                        let waiver = input::Acceptance {
                            by: entry.actor.clone(),
                            until: Some(b.until),
                            why: b.reason,
                        };
                        for id in b.threats {
                            let waiver = Some(waiver.clone());
                            standing.insert(id, Standing { waiver, ..plain(ThreatState::Accepted) });
                        }
                    }
                }
            }
        }
        standing
    }

    /// The acceptance in the system file that is in force.
    fn acceptance(&self, threat: &DerivedThreat) -> Option<input::Acceptance> {
        let now = self.house.now();
        let in_force =
            self.project.system.accept.iter().filter(|a| a.threat == threat.id && a.accepted <= now);
        in_force.max_by_key(|a| a.until).map(|a| input::Acceptance {
            by: a.by.clone(),
            until: Some(a.until),
            why: a.reason.trim().to_owned(),
        })
    }

    fn proof(&self, threat: &DerivedThreat) -> input::Proof {
        let facts = threat.proof.facts.iter().map(|f| input::Fact {
            text: format!("{} = {}", f.path, f.value),
            place: f.line.map(|line| self.line(line)),
        });
        let missing = threat
            .missing
            .iter()
            .map(|path| input::Fact { text: format!("{path} is not stated"), place: None });
        let changes: Vec<String> =
            threat.proof.would_change.iter().map(|c| format!("{} = {}", c.path, c.to)).collect();
        input::Proof {
            sentence: match threat.applicability {
                Applicability::Applies => threat.meaning.clone(),
                Applicability::NotApplicable => "The facts of the system rule it out.".to_owned(),
                Applicability::Unsupported => format!("This version has no rule for it. {}", threat.meaning),
                Applicability::Unknown => format!("Not known: a fact is missing. {}", threat.meaning),
            },
            facts: facts.chain(missing).collect(),
            path: threat.proof.path.clone(),
            removed_by: (!changes.is_empty()).then(|| changes.join(", or ")),
        }
    }

    /// A line of the system file, by the file's name alone: a report is read on other machines.
    fn line(&self, line: u64) -> proofhouse_core::Place {
        let name = self.project.file.file_name().unwrap_or_default().to_string_lossy();
        proofhouse_core::Place { line: Some(line), ..proofhouse_core::Place::file(name) }
    }

    /// Missing facts, once threats were derived in this life.
    pub(super) fn questions(&self) -> Vec<input::Question> {
        if self.life.newest(EventKind::ThreatsDerived).is_none() {
            return Vec::new();
        }
        self.planned
            .derivation
            .questions
            .iter()
            .map(|q| input::Question {
                text: q.text.clone(),
                decides: q.decides.iter().map(ToString::to_string).collect(),
            })
            .collect()
    }

    /// One line for each kind of test that some threat calls for.
    pub(super) fn plan(&self) -> Vec<input::PlannedCheck> {
        if self.life.newest(EventKind::PlanWritten).is_none() {
            return Vec::new();
        }
        let mut kinds: BTreeMap<&str, Vec<&PlannedTest>> = BTreeMap::new();
        for test in &self.planned.plan.tests {
            kinds.entry(&test.test).or_default().push(test);
        }
        kinds.into_iter().map(|(kind, tests)| self.planned_check(kind, &tests)).collect()
    }

    fn planned_check(&self, kind: &str, tests: &[&PlannedTest]) -> input::PlannedCheck {
        let evidence = self.results.deciding(kind);
        let needs = tests.iter().map(|t| t.automation).max().unwrap_or(Automation::Manual);
        let built = tests.iter().any(|t| t.check.is_some());
        let status = match (evidence, built) {
            (Some(e), _) => match could_not_run(e) {
                Some(why) => input::TestStatus::NotRun(why.to_owned()),
                None => input::TestStatus::Ran,
            },
            (None, true) => {
                let due = tests.iter().map(|t| t.stage).min();
                let due = due
                    .map_or_else(String::new, |s| format!("; it is due in stage {}", crate::plan::word(&s)));
                input::TestStatus::NotRun(format!("the ledger holds no result{due}"))
            }
            (None, false) if needs == Automation::Manual => input::TestStatus::ByPerson,
            (None, false) => input::TestStatus::NotImplemented,
        };
        let mut threats: Vec<String> = tests.iter().map(|t| t.threat.to_string()).collect();
        threats.sort_unstable();
        threats.dedup();
        input::PlannedCheck {
            check: kind.to_owned(),
            threats,
            automation: automation(needs),
            status,
            evidence: evidence.map(|e| e.id),
        }
    }
}

/// Why a check could not run, where that is its result.
fn could_not_run(evidence: &crate::Evidence) -> Option<&str> {
    let findings = &evidence.result().findings;
    findings.iter().find(|f| f.rule.ends_with("/could-not-run")).map(|f| f.message.as_str())
}

/// The signal that a re-opening names: its reason begins with the signal's id.
pub(super) fn signal_of(reason: &str) -> Option<&str> {
    reason.split_once(": ").map(|(id, _)| id)
}

fn automation(automation: Automation) -> input::Automation {
    match automation {
        Automation::Full => input::Automation::Full,
        Automation::Partial => input::Automation::Partial,
        Automation::Manual => input::Automation::Manual,
    }
}

/// Nanoseconds since 1970 as a time.
pub(super) fn time_of(nanoseconds: u64) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX))
}
