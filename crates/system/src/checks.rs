//! What the system has to reach, and how each check is run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BackdoorCheck, Confidence, ConstrainedEvasionCheck, Count, Epsilon, ExtractionCheck, FairnessCheck,
    HitRateCheck, Id, InjectionCheck, InjectionRequirement, InversionCheck, LatencyCheck, MembershipCheck,
    PoisoningCheck, Positive, Probability, PropertyCheck, ReprogrammingCheck, SegmentCheck, SourceCheck,
    System,
};

/// What the system has to reach, whoever tests it. Floors hold for the lower end of the interval and
/// ceilings for the upper, never for the point estimate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// Floors for metrics on held-out data.
    #[serde(default)]
    pub performance: Vec<MetricFloor>,
    /// Floors under attack.
    #[serde(default)]
    pub robustness: Vec<RobustnessFloor>,
    /// What a model that writes has to withstand.
    #[serde(default)]
    pub injection: Option<InjectionRequirement>,
    /// Budget for false alarms about drift.
    #[serde(default)]
    pub drift: Option<DriftRequirement>,
    /// How quickly a recalled model has to be gone.
    #[serde(default)]
    pub recall: Option<RecallRequirement>,
}

/// A floor for a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricFloor {
    /// The metric.
    pub metric: Metric,
    /// The lower end of the interval must not be below it.
    pub floor: Probability,
    /// Confidence of the two-sided interval.
    pub confidence: Confidence,
    /// Whether it holds overall or for every class.
    #[serde(default)]
    pub per: Slice,
}

/// A metric of a classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Metric {
    /// Share of rows whose class is right.
    Accuracy,
    /// Share of a class's rows that are found.
    Recall,
    /// Share of rows given a class that have it.
    Precision,
}

/// The part of the population a floor speaks about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Slice {
    /// All rows.
    #[default]
    All,
    /// Each class by itself.
    Class,
}

/// How norms measure a perturbation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Largest change of any value.
    Linf,
    /// Euclidean length of the change.
    L2,
}

/// A floor under attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RobustnessFloor {
    /// Norm of the perturbation.
    pub norm: Norm,
    /// Its radius, in units of the model's input.
    pub eps: Epsilon,
    /// The upper end of the interval of the attack's success must not be above it. Success is counted
    /// over inputs the model got right before.
    pub max_success_rate: Probability,
    /// Confidence of the two-sided interval.
    pub confidence: Confidence,
}

/// Budget for false alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftRequirement {
    /// Expected false alarms in a year of unchanged traffic, over all columns and looks.
    pub false_alarms_per_year: Positive,
}

/// How quickly a recalled model has to be gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecallRequirement {
    /// From the order until no instance serves the digest.
    pub objective_seconds: Positive,
}

/// How each check is run here. A check left out runs with its defaults where a threat calls for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// The model's files are inert.
    #[serde(default)]
    pub scan: Option<ScanCheck>,
    /// The datasets are what the file says.
    #[serde(default)]
    pub dataset: Option<DatasetCheck>,
    /// The model does its task.
    #[serde(default)]
    pub performance: Option<PerformanceCheck>,
    /// The model withstands altered inputs.
    #[serde(default)]
    pub evasion: Option<EvasionCheck>,
    /// Rows of a table withstand changes that its rules allow, or cost more to change than they are worth.
    #[serde(default)]
    pub constrained_evasion: Option<ConstrainedEvasionCheck>,
    /// Its answers do not buy a copy.
    #[serde(default)]
    pub extraction: Option<ExtractionCheck>,
    /// Its answers do not tell who was in the training data.
    #[serde(default)]
    pub membership: Option<MembershipCheck>,
    /// What it takes for a class shows nobody.
    #[serde(default)]
    pub inversion: Option<InversionCheck>,
    /// Its answers do not tell what the training data look like as a whole.
    #[serde(default)]
    pub property: Option<PropertyCheck>,
    /// No input takes far longer than others.
    #[serde(default)]
    pub latency: Option<LatencyCheck>,
    /// Nothing in it waits for a sign.
    #[serde(default)]
    pub backdoor: Option<BackdoorCheck>,
    /// It does nobody else's work.
    #[serde(default)]
    pub reprogramming: Option<ReprogrammingCheck>,
    /// No training rows were planted.
    #[serde(default)]
    pub poisoning: Option<PoisoningCheck>,
    /// It would not be better without one of its sources.
    #[serde(default)]
    pub sources: Option<SourceCheck>,
    /// It is wrong in no part of the population more often than the last release.
    #[serde(default)]
    pub segments: Option<SegmentCheck>,
    /// It is not wrong more often about some groups than about others.
    #[serde(default)]
    pub fairness: Option<FairnessCheck>,
    /// The labels are right.
    #[serde(default)]
    pub label_noise: Option<LabelNoiseCheck>,
    /// Traffic is what the model was judged on.
    #[serde(default)]
    pub drift: Option<DriftCheck>,
    /// A model that writes withstands attacks by text, and still does its work.
    #[serde(default)]
    pub injection: Option<InjectionCheck>,
    /// The guard in front of it meets no more attacks than it did.
    #[serde(default)]
    pub hit_rate: Option<HitRateCheck>,
}

/// Parameters of the artifact scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanCheck {
    /// Formats the model's folder may contain, such as `onnx` and `json`. Left out: any inert one.
    #[serde(default)]
    pub allow_formats: Option<Vec<String>>,
}

/// Parameters of the dataset checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetCheck {
    /// SPDX licences a dataset may have.
    #[serde(default)]
    pub allow_licences: Option<Vec<String>>,
    /// Largest share of test rows that may also be training rows.
    #[serde(default)]
    pub max_overlap: Option<Probability>,
    /// Smallest number of rows of a class.
    #[serde(default)]
    pub min_rows_per_class: Option<Count>,
}

/// Parameters of the performance check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerformanceCheck {
    /// The dataset it is judged by.
    pub dataset: Id,
}

/// Parameters of the evasion check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvasionCheck {
    /// The dataset whose rows are attacked.
    pub dataset: Id,
    /// Norm of the perturbation.
    pub norm: Norm,
    /// Its radius, in units of the model's input.
    pub eps: Epsilon,
    /// Queries an attacker has for one input.
    pub queries: Count,
    /// Rows attacked, from the first.
    pub samples: Count,
    /// Seed of the attack.
    pub seed: u64,
    /// Values an input can take.
    #[serde(rename = "box")]
    pub bounds: PixelBox,
    /// Confidence of the two-sided interval of the success rate.
    pub confidence: Confidence,
    /// Ceiling for the upper end of the success rate over rows that were right before.
    #[serde(default)]
    pub max_success_rate: Option<Probability>,
    /// Floor for the lower end of the accuracy under attack over all rows.
    #[serde(default)]
    pub min_robust_accuracy: Option<Probability>,
}

/// Smallest and largest value an input can take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PixelBox {
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

/// Parameters of the label-noise check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelNoiseCheck {
    /// The dataset whose labels are examined.
    pub dataset: Id,
    /// Number of nearest neighbours that vote.
    #[serde(default)]
    pub neighbours: Option<Count>,
    /// Ceiling for the estimated share of wrong labels.
    pub max_rate: Probability,
}

/// Parameters of the drift monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftCheck {
    /// The dataset traffic is compared with.
    pub reference: Id,
    /// Rows in one look.
    pub window: Count,
    /// Columns watched; left out: all features.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Looks a day.
    pub looks_per_day: Positive,
    /// Expected false alarms in a year; left out: the one under `requirements`.
    #[serde(default)]
    pub alarms_per_year: Option<Positive>,
}

/// What an evasion check has to show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvasionCriterion {
    /// Upper end of the success rate at most this.
    MaxSuccessRate(f64),
    /// Lower end of the accuracy under attack at least this.
    MinRobustAccuracy(f64),
}

impl System {
    /// What the evasion check has to show: its own criterion, or the requirement for the same norm and
    /// radius. A system file with an evasion check has one, since parsing refuses it otherwise.
    #[must_use]
    pub fn evasion_criterion(&self) -> Option<EvasionCriterion> {
        let check = self.checks.evasion.as_ref()?;
        if let Some(rate) = check.max_success_rate {
            return Some(EvasionCriterion::MaxSuccessRate(rate.get()));
        }
        if let Some(floor) = check.min_robust_accuracy {
            return Some(EvasionCriterion::MinRobustAccuracy(floor.get()));
        }
        let same = |r: &&RobustnessFloor| r.norm == check.norm && r.eps == check.eps;
        let floor = self.requirements.robustness.iter().find(same)?;
        Some(EvasionCriterion::MaxSuccessRate(floor.max_success_rate.get()))
    }

    /// The budget for false drift alarms, from the check or the requirements.
    #[must_use]
    pub fn false_alarms_per_year(&self) -> Option<f64> {
        let of_check = self.checks.drift.as_ref().and_then(|d| d.alarms_per_year);
        let of_requirement = self.requirements.drift.as_ref().map(|d| d.false_alarms_per_year);
        of_check.or(of_requirement).map(Positive::get)
    }
}
