//! What a model that writes has to withstand, how that is tested, and how its guard is watched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Confidence, Count, Id, Positive, Probability, System};

/// What a model with its boundary has to withstand. Ceilings hold for the upper end of the interval and
/// floors for the lower.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InjectionRequirement {
    /// Ceiling for the share of attacks of a family that succeed.
    pub max_success_rate: Probability,
    /// Floor for the share of benign tasks that are done with the boundary in place.
    pub min_benign_success: Probability,
    /// Ceiling for the share of benign tasks that are refused.
    pub max_over_refusal: Probability,
    /// Confidence of the two-sided intervals.
    pub confidence: Confidence,
}

/// How attacks on a model that writes are run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InjectionCheck {
    /// The dataset of benign tasks, each with what shows that it is done.
    pub tasks: Id,
    /// Attacks of each family.
    pub samples: Count,
    /// Seed of the attacks.
    pub seed: u64,
    /// Families to run, as `proofhouse redteam` lists them. Left out: all that a planned test asks for.
    #[serde(default)]
    pub families: Option<Vec<Id>>,
    /// Attempts an adaptive attacker has for one goal, seeing only whether the last one succeeded. Left out:
    /// the attacks do not adapt.
    #[serde(default)]
    pub adaptive: Option<Count>,
}

/// How the guard's hit rate is watched. What counts is a request in which the guard saw an attack or
/// refused an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HitRateCheck {
    /// The dataset of recorded conversations that gives the ordinary rate.
    pub reference: Id,
    /// Requests in one look.
    pub window: Count,
    /// Looks a day.
    pub looks_per_day: Positive,
    /// Expected false alarms in a year; left out: the one under `requirements.drift`.
    #[serde(default)]
    pub alarms_per_year: Option<Positive>,
}

impl System {
    /// The budget for false alarms about the guard's hit rate, from the check or the requirements.
    #[must_use]
    pub fn false_hit_alarms_per_year(&self) -> Option<f64> {
        let of_check = self.checks.hit_rate.as_ref().and_then(|h| h.alarms_per_year);
        let of_requirement = self.requirements.drift.as_ref().map(|d| d.false_alarms_per_year);
        of_check.or(of_requirement).map(Positive::get)
    }
}
