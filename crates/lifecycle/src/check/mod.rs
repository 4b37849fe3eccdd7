//! The checks this build can run. One file per check; adding one means adding a file and a line in
//! [`CHECKS`].
//!
//! A check is named by the test kind of the threat catalogue that it answers. It looks at the model and
//! the data it is given and returns an [`Outcome`]; [`assess`](crate::assess) signs and records it.
//! A check that cannot run has the verdict *unknown* and a finding that says why: it never passes.

mod artifact_scan;
mod backdoor;
mod calibration;
mod constrained;
mod dataset_checks;
mod drift_monitor;
mod evasion;
mod extraction;
mod fairness;
mod governance;
mod groups;
pub(crate) mod index_poison;
mod inversion;
mod label_noise;
mod latency;
mod membership;
mod performance;
mod poisoning;
mod property;
mod reprogramming;
mod secrets;
mod segments;
mod sources;
mod subject;
mod suite;
mod tools;
mod white_box;

use proofhouse_core::{
    Digest, Finding, Measurement, Place, Reference, Severity, Subject, Timestamp, Verdict,
};
use serde_json::Value;

use crate::data::Datasets;
use crate::model::{ModelUnderTest, Previous};
use crate::{LifecycleError, Progress, Project};

/// Every check, in the order they run: cheap ones first, so that a broken artifact is known early.
pub const CHECKS: &[&dyn Check] = &[
    &artifact_scan::ArtifactScan,
    &dataset_checks::Integrity,
    &dataset_checks::Provenance,
    &dataset_checks::Licence,
    &dataset_checks::Quality,
    &dataset_checks::Leakage,
    &label_noise::LabelNoise,
    &governance::Accountability,
    &governance::Staffing,
    &governance::DutySeparation,
    &performance::Performance,
    &calibration::Calibration,
    &fairness::GroupFairness,
    &segments::SegmentRegression,
    &poisoning::SpectralSignature,
    &sources::PoisonCanaryRetrain,
    &poisoning::ActivationClustering,
    &evasion::Evasion,
    &white_box::WhiteBox,
    &constrained::ConstrainedEvasion,
    &extraction::ExtractionBudget,
    &membership::MembershipInference,
    &inversion::InversionAttempt,
    &property::PropertyInference,
    &latency::LatencySearch,
    &reprogramming::ReprogrammingProbe,
    &backdoor::TriggerInversion,
    &backdoor::PretrainedScan,
    &drift_monitor::DriftMonitor,
    &tools::Admission,
    &secrets::IndexSecrets,
    &secrets::ExposedSecrets,
    &index_poison::IndexPoison,
    &suite::DIRECT_INJECTION,
    &suite::INDIRECT_INJECTION,
    &suite::JAILBREAK,
    &suite::CONTEXT_EXTRACTION,
    &suite::DISCLOSURE,
    &suite::SINK,
    &suite::OBFUSCATION,
    &suite::EXFIL_CHANNEL,
    &suite::REPLICATION,
    &suite::DELAYED,
    &suite::GOAL_HIJACK,
    &suite::EXFILTRATION,
    &suite::IRREVERSIBLE,
    &tools::Privileges,
];

/// One executable test.
pub trait Check: Sync {
    /// The test kinds of the catalogue that it answers, such as `artifact-scan`. The first one names it.
    fn kinds(&self) -> &'static [&'static str];

    /// What it will examine, with what: one run for each. Said before the runs, so that an earlier result
    /// can be told fresh or stale without running anything.
    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError>;

    /// Runs it as set up.
    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError>;

    /// What people call it.
    fn name(&self) -> &'static str {
        self.kinds().first().copied().unwrap_or("unnamed")
    }
}

/// The check that answers a test kind, where this build has one.
#[must_use]
pub fn for_kind(kind: &str) -> Option<&'static dyn Check> {
    CHECKS.iter().copied().find(|c| c.kinds().contains(&kind))
}

/// Kinds of test that suites of attacks answer.
pub(crate) fn suites() -> impl Iterator<Item = &'static str> {
    suite::SUITES.iter().map(|s| s.name())
}

/// What a check may look at.
pub struct Context<'a> {
    /// The system.
    pub project: &'a Project,
    /// The model's files, read once.
    pub model: &'a ModelUnderTest,
    /// The datasets, read once.
    pub datasets: &'a Datasets,
    /// The last release of another model, where a check asks for it and there is one.
    pub previous: Option<&'a Previous>,
    /// When the assessment began.
    pub now: Timestamp,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// What a check examines, with what.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What is examined.
    pub subject: Subject,
    /// The data it is examined with.
    pub data: Option<Digest>,
    /// The parameters.
    pub config: Value,
    /// The seed, where chance is involved.
    pub seed: Option<u64>,
}

impl Setup {
    /// A check of `subject` alone, without chance.
    #[must_use]
    pub fn of(subject: Subject, config: Value) -> Self {
        Self { subject, data: None, config, seed: None }
    }

    /// The same, with data.
    #[must_use]
    pub fn with_data(mut self, data: Digest) -> Self {
        self.data = Some(data);
        self
    }
}

/// What a check found out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// The criterion with its numbers.
    pub criterion: String,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Days after which the result no longer counts.
    pub valid_days: i64,
    /// What a report draws, such as counterexamples. Kept beside the evidence, bound by digest.
    pub exhibit: Option<Value>,
}

impl Outcome {
    /// An outcome with nothing measured or found yet.
    #[must_use]
    pub fn new(verdict: impl Into<Verdict>, criterion: impl Into<String>) -> Self {
        Self {
            verdict: verdict.into(),
            criterion: criterion.into(),
            measurements: Vec::new(),
            findings: Vec::new(),
            valid_days: 90,
            exhibit: None,
        }
    }

    /// The outcome of a check that could not run.
    #[must_use]
    pub fn could_not_run(check: &str, reason: &str) -> Self {
        let finding = Finding {
            rule: format!("{check}/could-not-run"),
            severity: Severity::High,
            message: format!("the check could not run: {reason}"),
            place: Place::default(),
            remediation: "mend the cause and assess again; until then the check counts as not passed"
                .to_owned(),
            references: vec![Reference::new("NIST-RMF", "1.0", "MEASURE 2.13")],
        };
        Self { findings: vec![finding], ..Self::new(Verdict::Unknown, "the check has to run") }
    }

    /// The outcome of a check that ran and could not measure what it is for. Never a pass.
    #[must_use]
    pub fn not_measurable(check: &str, why: &str) -> Self {
        let finding = Finding {
            rule: format!("{check}/not-measurable"),
            severity: Severity::High,
            message: format!("not measurable because {why}"),
            place: Place::default(),
            remediation: "supply what is missing and assess again, or have two people waive it".to_owned(),
            references: vec![Reference::new("NIST-RMF", "1.0", "MEASURE 2.13")],
        };
        Self {
            findings: vec![finding],
            ..Self::new(Verdict::Unknown, format!("not measurable because {why}"))
        }
    }

    /// The same, with measurements.
    #[must_use]
    pub fn measured(mut self, measurements: Vec<Measurement>) -> Self {
        self.measurements = measurements;
        self
    }

    /// The same, with findings.
    #[must_use]
    pub fn found(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_answers_a_test_of_the_catalogue_and_no_test_is_answered_twice() {
        let catalogue = proofhouse_threats::Catalogue::embedded().unwrap();
        let known: BTreeSet<&str> = catalogue.tests().iter().map(|t| t.test.as_str()).collect();
        let mut answered = BTreeSet::new();
        for check in CHECKS {
            assert!(!check.kinds().is_empty());
            for kind in check.kinds() {
                assert!(known.contains(kind), "{kind} is no test of the catalogue");
                assert!(answered.insert(*kind), "{kind} is answered twice");
            }
        }
    }

    #[test]
    fn a_check_that_could_not_run_never_passes() {
        let outcome = Outcome::could_not_run("evasion-blackbox", "no model");
        assert_eq!(outcome.verdict, Verdict::Unknown);
        assert_eq!(outcome.findings.len(), 1);
    }
}
