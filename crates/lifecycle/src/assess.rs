//! Assessment: runs every planned check that this build has, signs each result and records all of them.

use std::collections::BTreeSet;

use proofhouse_core::{
    CheckResult, Digest, Freshness, Inputs, StaleReason, Subject, Timestamp, Verdict, canonical,
};
use proofhouse_ledger::body::{SubjectRecorded, ThreatChanged};
use proofhouse_ledger::{Event, EventKind};
use serde_json::json;

use crate::check::{CHECKS, Check, Context, Outcome, Setup};
use crate::data::Datasets;
use crate::evidence::{Evidence, Signed};
use crate::house::House;
use crate::loss::{self, Knowledge, RiskScore};
use crate::model::{ModelUnderTest, Previous};
use crate::plan::{Planned, Standing};
use crate::release::Release;
use crate::{LifecycleError, Progress, Project};

/// What is to be examined: model and data as they lie on the disk, and the policy in force.
pub struct Assessment {
    /// The model.
    pub model: ModelUnderTest,
    /// The datasets.
    pub datasets: Datasets,
    /// The last release of another model, where a check asks for it and there is one.
    pub previous: Option<Previous>,
    /// The policy bundle whose gates will judge.
    pub policy: Digest,
    /// The evidence.
    pub evidence: Vec<Evidence>,
    /// The loss simulated with it, where the system file describes any.
    pub risk: Option<RiskScore>,
}

impl Assessment {
    /// Reads model and datasets; no evidence yet.
    pub async fn read(house: &House, project: &Project, policy: Digest) -> Result<Self, LifecycleError> {
        Self::of(house, project, ModelUnderTest::load(project)?, policy).await
    }

    /// Reads the model that was released instead of the one in the project's folder, where a newer version
    /// may lie by now. Whoever watches a deployment speaks about what is served.
    pub async fn of_release(
        house: &House,
        project: &Project,
        release: &Release,
        policy: Digest,
    ) -> Result<Self, LifecycleError> {
        let model = ModelUnderTest::load_from(project, &release.model_dir())?;
        if model.digest() != release.statement.model {
            return Err(LifecycleError::Release {
                path: release.dir.clone(),
                reason: format!(
                    "its files have the digest {}, {} was released",
                    model.digest(),
                    release.statement.model
                ),
            });
        }
        Self::of(house, project, model, policy).await
    }

    async fn of(
        house: &House,
        project: &Project,
        model: ModelUnderTest,
        policy: Digest,
    ) -> Result<Self, LifecycleError> {
        let datasets = Datasets::load(project)?;
        let asked = project.system.checks.segments.as_ref().is_some_and(|check| check.against.is_none());
        let previous = if asked { house.last_release_of_another(project, &model).await? } else { None };
        Ok(Self { model, datasets, previous, policy, evidence: Vec::new(), risk: None })
    }

    /// Digests of everything evidence may speak about.
    #[must_use]
    pub fn subjects(&self, project: &Project) -> Vec<Digest> {
        let mut subjects = vec![self.model.digest(), project.digest];
        subjects.extend(self.datasets.iter().map(|d| d.digest()));
        subjects
    }

    fn context<'a>(
        &'a self,
        project: &'a Project,
        now: Timestamp,
        progress: &'a dyn Progress,
    ) -> Context<'a> {
        let previous = self.previous.as_ref();
        Context { project, model: &self.model, datasets: &self.datasets, previous, now, progress }
    }

    /// What each check would depend on if it ran now; evidence that depended on anything else is stale.
    pub fn current_inputs(
        &self,
        house: &House,
        project: &Project,
    ) -> Result<Vec<(String, Inputs)>, LifecycleError> {
        let context = self.context(project, house.now(), &crate::Silent);
        let mut current = Vec::new();
        for check in CHECKS {
            for setup in check.setups(&context).unwrap_or_default() {
                current.push((check.name().to_owned(), house.inputs(self.policy, &setup)?));
            }
        }
        Ok(current)
    }

    /// The freshness of evidence, by what its check would depend on now. Evidence of a stage that has no
    /// setup of its own (package, deployment, operation) is fresh while its subject is one of ours, the
    /// same program made it, and its time has not run out.
    pub fn freshness(
        &self,
        house: &House,
        project: &Project,
        evidence: &[Evidence],
    ) -> Result<Vec<Freshness>, LifecycleError> {
        let current = self.current_inputs(house, project)?;
        let tool = house.tool_digest()?;
        let now = house.now();
        Ok(evidence
            .iter()
            .map(|e| {
                let own = &e.result().inputs;
                let expected = current
                    .iter()
                    .filter(|(check, inputs)| *check == e.result().check && inputs.subject == own.subject)
                    // Several setups may share a subject; the one that agrees best speaks for the evidence.
                    .min_by_key(|(_, inputs)| {
                        usize::from(inputs.data != own.data) + usize::from(inputs.config != own.config)
                    });
                if let Some((_, inputs)) = expected {
                    return e.freshness(inputs, now);
                }
                // The check runs on something else now, or cannot be set up at all.
                if crate::check::for_kind(&e.result().check).is_some() {
                    return Freshness::Stale(vec![StaleReason::Subject]);
                }
                e.freshness(&Inputs { tool, policy: Some(self.policy), ..own.clone() }, now)
            })
            .collect())
    }
}

impl House {
    fn inputs(&self, policy: Digest, setup: &Setup) -> Result<Inputs, LifecycleError> {
        Ok(Inputs {
            subject: setup.subject.digest,
            data: setup.data,
            config: canonical::digest(&setup.config)?,
            tool: self.tool_digest()?,
            policy: Some(policy),
            seed: setup.seed,
        })
    }

    /// Reads the subjects, runs the checks that the plan calls for, and records the results.
    pub async fn assess(
        &self,
        project: &Project,
        planned: &Planned,
        policy: Digest,
        progress: &dyn Progress,
    ) -> Result<(Assessment, (u64, u64)), LifecycleError> {
        progress.step("reading model and datasets");
        let mut assessment = Assessment::read(self, project, policy).await?;
        assessment.model = assessment.model.with_endpoints(self.endpoints());
        let first = self.record_subjects(project, &assessment).await?;
        let mut called_for: BTreeSet<&str> = planned.plan.tests.iter().map(|t| t.test.as_str()).collect();
        // The release gate asks of every dataset whether it is what the system file says and whether its origin is
        // stated, whatever the threats.
        called_for.extend(["digest-verify", "provenance-verify"]);
        let mut signed = Vec::new();
        for check in CHECKS.iter().filter(|c| c.kinds().iter().any(|k| called_for.contains(k))) {
            progress.step(check.name());
            signed.extend(self.run_check(*check, project, planned, &assessment, progress).await?);
        }
        assessment.evidence = self.record_all(signed).await?;
        progress.step("loss simulation");
        self.simulate_loss(project, planned, &mut assessment).await?;
        self.check_coverage(project, planned, &mut assessment).await?;
        let last = assessment.evidence.iter().map(|e| e.seq).max().unwrap_or(first);
        Ok((assessment, (first, last)))
    }

    async fn record_subjects(
        &self,
        project: &Project,
        assessment: &Assessment,
    ) -> Result<u64, LifecycleError> {
        let mut subjects: Vec<Subject> = vec![assessment.model.subject()];
        subjects.extend(assessment.datasets.iter().map(|d| d.subject()));
        for dataset in assessment.datasets.iter() {
            self.keep(dataset.manifest()).await?;
        }
        let events = subjects
            .iter()
            .map(|s| {
                let body = SubjectRecorded {
                    kind: s.kind,
                    name: s.name.clone(),
                    system: Some(project.id().to_owned()),
                };
                self.event(EventKind::SubjectRecorded, Some(s.digest), &body)
            })
            .collect::<Result<Vec<Event>, _>>()?;
        Ok(self.append(&events).await?.first_seq)
    }

    async fn run_check(
        &self,
        check: &dyn Check,
        project: &Project,
        planned: &Planned,
        assessment: &Assessment,
        progress: &dyn Progress,
    ) -> Result<Vec<Signed>, LifecycleError> {
        let context = assessment.context(project, self.now(), progress);
        let setups = match check.setups(&context) {
            Ok(setups) => setups,
            // What keeps a check from being set up is a finding about the model, not the end of the rest.
            Err(error) => {
                let setup = Setup::of(assessment.model.subject(), json!({"error": "no setup"}));
                let outcome = Outcome::could_not_run(check.name(), &error.to_string());
                return Ok(vec![
                    self.sign_outcome(check.kinds(), planned, assessment.policy, setup, outcome).await?,
                ]);
            }
        };
        let mut signed = Vec::new();
        for setup in setups {
            let outcome = match check.run(&context, &setup) {
                Ok(outcome) => outcome,
                Err(error) => Outcome::could_not_run(check.name(), &error.to_string()),
            };
            signed.push(self.sign_outcome(check.kinds(), planned, assessment.policy, setup, outcome).await?);
        }
        Ok(signed)
    }

    /// Signs an outcome, once for each kind of test that it answers.
    pub(crate) async fn sign_outcome(
        &self,
        kinds: &[&str],
        planned: &Planned,
        policy: Digest,
        setup: Setup,
        outcome: Outcome,
    ) -> Result<Signed, LifecycleError> {
        let finished = self.now();
        let result = CheckResult {
            check: kinds.first().copied().unwrap_or("unnamed").to_owned(),
            threats: planned.threats_tested_by(kinds),
            inputs: self.inputs(policy, &setup)?,
            verdict: outcome.verdict,
            criterion: outcome.criterion,
            measurements: outcome.measurements,
            findings: outcome.findings,
            finished,
            valid_until: Some(finished.plus_days(outcome.valid_days)),
        };
        self.sign_result(setup.subject, result, outcome.exhibit.as_ref()).await
    }

    /// Signs and records the outcomes of tests that ran elsewhere, such as against a deployment.
    pub async fn record_outcomes(
        &self,
        planned: &Planned,
        policy: Digest,
        outcomes: Vec<(&[&str], Setup, Outcome)>,
    ) -> Result<Vec<Evidence>, LifecycleError> {
        let mut signed = Vec::new();
        for (kinds, setup, outcome) in outcomes {
            signed.push(self.sign_outcome(kinds, planned, policy, setup, outcome).await?);
        }
        self.record_all(signed).await
    }

    /// Simulates the loss with what was just measured; its verdict is evidence too.
    async fn simulate_loss(
        &self,
        project: &Project,
        planned: &Planned,
        assessment: &mut Assessment,
    ) -> Result<(), LifecycleError> {
        let known = Knowledge { evidence: &assessment.evidence, ..Knowledge::default() };
        let Some(score) = loss::score(project, "after assessment", &known)? else { return Ok(()) };
        self.record_risk(project, &score).await?;
        let criterion = match &score.judgement {
            Some(_) => "the simulated loss exceedance curve stays within the tolerance curve".to_owned(),
            None => "the system file states no tolerance; add risk.tolerance".to_owned(),
        };
        let simulation = &score.simulation;
        let outcome = Outcome::new(score.verdict(), criterion).measured(vec![
            simulation.mean.clone(),
            simulation.p95.clone(),
            simulation.p99.clone(),
        ]);
        let setup = Setup {
            seed: Some(simulation.settings.seed),
            ..Setup::of(project.subject(), json!({"risk": project.system.risk}))
        };
        let signed =
            self.sign_outcome(&["loss-simulation"], planned, assessment.policy, setup, outcome).await?;
        assessment.evidence.extend(self.record_all(vec![signed]).await?);
        assessment.risk = Some(score);
        Ok(())
    }

    /// Whether every test that this build can run before a release was run.
    async fn check_coverage(
        &self,
        project: &Project,
        planned: &Planned,
        assessment: &mut Assessment,
    ) -> Result<(), LifecycleError> {
        let ran: BTreeSet<&str> =
            assessment.evidence.iter().flat_map(|e| kinds_of(&e.result().check)).collect();
        let due: BTreeSet<&str> = planned
            .plan
            .tests
            .iter()
            .filter(|t| t.check.is_some() && t.stage <= proofhouse_threats::Stage::Release)
            .map(|t| t.test.as_str())
            // The package is made after the assessment, from its evidence.
            .filter(|kind| !["mlbom-completeness", "test-coverage-check"].contains(kind))
            .collect();
        let missing: Vec<&str> = due.difference(&ran).copied().collect();
        let unable: BTreeSet<&str> =
            planned.plan.tests.iter().filter(|t| !planned.can_run(t)).map(|t| t.test.as_str()).collect();
        let criterion = format!(
            "every planned test that this build has was run: {} of {} ({} kinds of test are planned that it lacks)",
            due.len() - missing.len(),
            due.len(),
            unable.len()
        );
        let mut outcome = Outcome::new(Verdict::from(Some(missing.is_empty())), criterion);
        outcome.exhibit = Some(json!({"missing": missing, "not_in_this_build": unable}));
        let setup = Setup::of(project.subject(), json!({"plan": canonical::digest(&planned.plan)?}));
        let signed =
            self.sign_outcome(&["test-coverage-check"], planned, assessment.policy, setup, outcome).await?;
        assessment.evidence.extend(self.record_all(vec![signed]).await?);
        Ok(())
    }

    /// Records the threats whose state is another than the ledger last knew.
    pub async fn record_states(
        &self,
        project: &Project,
        planned: &Planned,
        standing: &Standing<'_>,
    ) -> Result<Vec<proofhouse_threats::Assessment>, LifecycleError> {
        let states = planned.states(project, standing);
        self.record_changes(project, &states, &[]).await?;
        Ok(states)
    }

    /// Records every state that is another than the ledger knows, but for the threats named in `except`.
    /// Returns the last entry written.
    pub(crate) async fn record_changes(
        &self,
        project: &Project,
        states: &[proofhouse_threats::Assessment],
        except: &[String],
    ) -> Result<Option<u64>, LifecycleError> {
        let known: std::collections::BTreeMap<String, String> =
            self.ledger().threats(project.id()).await?.into_iter().map(|t| (t.id, t.state)).collect();
        let mut events = Vec::new();
        for state in states.iter().filter(|s| !except.contains(&s.threat.to_string())) {
            let now = state.state;
            if known.get(state.threat.as_str()).is_some_and(|before| *before == now.to_string()) {
                continue;
            }
            let body = ThreatChanged {
                system: project.id().to_owned(),
                id: state.threat.to_string(),
                state: now,
                reason: state.reasons.join("; "),
            };
            events.push(self.event(EventKind::ThreatChanged, Some(project.digest), &body)?);
        }
        if events.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.append(&events).await?.last_seq))
    }
}

/// The kinds of test that evidence of a check answers.
pub(crate) fn kinds_of(check: &str) -> Vec<&str> {
    crate::check::for_kind(check).map_or_else(|| vec![check], |c| c.kinds().to_vec())
}
