//! Planning: threats with proofs, questions, and the tests they call for.

use std::collections::BTreeSet;

use proofhouse_core::{Digest, Freshness, ThreatState};
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::{DerivedThreat as RecordedThreat, SystemRegistered, ThreatsDerived};
use proofhouse_system::ThreatId;
use proofhouse_threats::{
    Applicability, Assessment as StateAssessment, Catalogue, Derivation, DerivedThreat, EvidenceItem, Plan,
    PlannedTest, SignalRaised, Stage, assess_state, derive, test_plan,
};
use serde::Serialize;

use crate::evidence::Evidence;
use crate::house::House;
use crate::{LifecycleError, Project};

/// What a system is threatened by, and what is to be done about it.
pub struct Planned {
    /// The threat catalogue that was used.
    pub catalogue: Catalogue,
    /// Every threat of the catalogue, judged.
    pub derivation: Derivation,
    /// The tests.
    pub plan: Plan,
}

impl Planned {
    /// Derives threats and plan. Records nothing.
    pub fn derive(project: &Project) -> Result<Self, LifecycleError> {
        let catalogue = Catalogue::embedded()?;
        let derivation = derive(&project.system, &catalogue)?;
        let plan = test_plan(&derivation, &project.system, &catalogue);
        Ok(Self { catalogue, derivation, plan })
    }

    /// The digest of the threat model: catalogue, system and every judgement.
    pub fn digest(&self) -> Result<Digest, LifecycleError> {
        Ok(proofhouse_core::canonical::digest(&self.derivation)?)
    }

    /// Tests of one threat.
    pub fn tests_of<'a>(&'a self, id: &'a ThreatId) -> impl Iterator<Item = &'a PlannedTest> {
        self.plan.tests.iter().filter(move |t| t.threat == *id)
    }

    /// Whether this build can run a test here, be it one that a gate asks for by name or one beside them. A test whose
    /// check lacks what it asks of the system file cannot run.
    #[must_use]
    pub fn can_run(&self, test: &PlannedTest) -> bool {
        let named = self.catalogue.tests().iter().any(|t| t.test == test.test && t.check.is_some());
        test.check.is_some() || (!named && crate::check::for_kind(&test.test).is_some())
    }

    /// Threats that some of these kinds of test answer to.
    #[must_use]
    pub fn threats_tested_by(&self, kinds: &[&str]) -> Vec<String> {
        let ids: BTreeSet<String> = self
            .plan
            .tests
            .iter()
            .filter(|t| kinds.contains(&t.test.as_str()))
            .map(|t| t.threat.to_string())
            .collect();
        ids.into_iter().collect()
    }

    /// The word by which gates know a kind of test, such as `scan` for `artifact-scan`; a kind that no gate
    /// asks for by another name keeps its own.
    #[must_use]
    pub fn check_of(&self, kind: &str) -> String {
        let spec = self.catalogue.tests().iter().find(|t| t.test == kind).and_then(|t| t.check);
        spec.map_or_else(|| kind.to_owned(), |(check, _)| word(&check))
    }

    /// Checks that have to have spoken about a threat before a release.
    #[must_use]
    pub fn required_before_release(&self, id: &ThreatId) -> Vec<String> {
        let words: BTreeSet<String> = self
            .tests_of(id)
            .filter(|t| t.stage <= Stage::Release)
            .filter_map(|t| t.check.as_ref())
            .map(word)
            .collect();
        words.into_iter().collect()
    }

    /// Where every threat stands.
    #[must_use]
    pub fn states(&self, project: &Project, known: &Standing<'_>) -> Vec<StateAssessment> {
        let items: Vec<EvidenceItem> = known
            .evidence
            .iter()
            .flat_map(|(e, freshness)| {
                crate::assess::kinds_of(&e.result().check).into_iter().map(move |kind| EvidenceItem {
                    test: kind.to_owned(),
                    verdict: e.result().verdict,
                    freshness: freshness.clone(),
                    finished: e.result().finished,
                })
            })
            .collect();
        let worst = worst_of_each(items);
        self.derivation
            .threats
            .iter()
            .map(|t| {
                assess_state(
                    t,
                    &self.plan.tests,
                    &worst,
                    known.signals,
                    &project.system.accept,
                    &self.catalogue,
                    known.now,
                )
            })
            .collect()
    }
}

/// What is known when threats are judged.
pub struct Standing<'a> {
    /// The newest evidence of each check on each subject.
    pub evidence: &'a [(Evidence, Freshness)],
    /// Signals, oldest first.
    pub signals: &'a [SignalRaised],
    /// When.
    pub now: proofhouse_core::Timestamp,
}

/// One kind of test may have run on several subjects, such as every dataset. All of them count: the worst
/// verdict speaks for the kind, and the stalest.
fn worst_of_each(items: Vec<EvidenceItem>) -> Vec<EvidenceItem> {
    let mut merged: Vec<EvidenceItem> = Vec::new();
    for item in items {
        match merged.iter_mut().find(|m| m.test == item.test) {
            None => merged.push(item),
            Some(known) => {
                known.verdict = known.verdict.and(item.verdict);
                if known.freshness == Freshness::Fresh {
                    known.freshness = item.freshness;
                }
                known.finished = known.finished.min(item.finished);
            }
        }
    }
    merged
}

/// The word a value has in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

impl House {
    /// Derives threats and plan, and records both. Returns the first and last ledger entry.
    pub async fn plan(&self, project: &Project) -> Result<(Planned, (u64, u64)), LifecycleError> {
        let planned = Planned::derive(project)?;
        let registered = SystemRegistered { name: project.id().to_owned() };
        let threats = ThreatsDerived {
            system: project.id().to_owned(),
            threats: planned.derivation.threats.iter().map(recorded).collect(),
        };
        let documents = (self.keep(&planned.derivation).await?, self.keep(&planned.plan).await?);
        #[derive(Serialize)]
        struct WithDocument<T: Serialize> {
            #[serde(flatten)]
            body: T,
            document: Digest,
        }
        let counts = serde_json::json!({
            "tests": planned.plan.tests.len(),
            "checks": planned.plan.checks.len(),
            "untested": planned.plan.untested,
        });
        let subject = Some(project.digest);
        let receipt = self
            .append(&[
                self.event(EventKind::SystemRegistered, subject, &registered)?,
                self.event(
                    EventKind::ThreatsDerived,
                    subject,
                    &WithDocument { body: threats, document: documents.0 },
                )?,
                self.event(
                    EventKind::PlanWritten,
                    subject,
                    &WithDocument { body: counts, document: documents.1 },
                )?,
            ])
            .await?;
        Ok((planned, (receipt.first_seq, receipt.last_seq)))
    }
}

/// A threat as the ledger first knows it: what applies is open until evidence says otherwise.
fn recorded(threat: &DerivedThreat) -> RecordedThreat {
    RecordedThreat {
        id: threat.id.to_string(),
        title: threat.name.clone(),
        state: match threat.applicability {
            Applicability::Applies => ThreatState::Open,
            Applicability::NotApplicable => ThreatState::NotApplicable,
            _ => ThreatState::Unknown,
        },
        severity: Some(threat.impact),
    }
}
