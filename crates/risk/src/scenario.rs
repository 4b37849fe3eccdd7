//! Loss scenarios: what people estimate and what was measured.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::RiskError;

/// A three-point estimate, drawn from the PERT distribution (a beta distribution with shape 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 3]", into = "[f64; 3]")]
pub struct Pert {
    low: f64,
    mode: f64,
    high: f64,
}

impl Pert {
    /// Least, most likely and greatest value; all three may be equal, for a known value.
    pub fn new(low: f64, mode: f64, high: f64) -> Result<Self, RiskError> {
        if 0.0 <= low && low <= mode && mode <= high && high.is_finite() {
            Ok(Self { low, mode, high })
        } else {
            Err(RiskError::Pert { low: low.to_string(), mode: mode.to_string(), high: high.to_string() })
        }
    }

    /// Least value.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Most likely value.
    #[must_use]
    pub fn mode(&self) -> f64 {
        self.mode
    }

    /// Greatest value.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.high
    }

    /// (low + 4·mode + high) / 6.
    #[must_use]
    pub fn mean(&self) -> f64 {
        (self.low + 4.0 * self.mode + self.high) / 6.0
    }
}

impl TryFrom<[f64; 3]> for Pert {
    type Error = RiskError;

    fn try_from([low, mode, high]: [f64; 3]) -> Result<Self, RiskError> {
        Self::new(low, mode, high)
    }
}

impl From<Pert> for [f64; 3] {
    fn from(p: Pert) -> Self {
        [p.low, p.mode, p.high]
    }
}

/// The chance that a threat event becomes a loss event.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vulnerability {
    /// An estimate by people, between 0 and 1.
    Prior(Pert),
    /// Attacks that succeeded among those run. Drawn from Beta(successes + ½, failures + ½), the posterior under
    /// Jeffreys' prior, so that no success in few trials is not the same as never.
    Measured {
        /// Attacks that succeeded.
        successes: u64,
        /// Attacks run.
        trials: u64,
    },
}

impl Vulnerability {
    /// The expected chance.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Prior(p) => p.mean(),
            Self::Measured { successes, trials } => (*successes as f64 + 0.5) / (*trials as f64 + 1.0),
        }
    }
}

/// Loss per event, in the currency of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// A three-point estimate.
    Pert(Pert),
    /// A 90 % interval of a lognormal distribution: one loss in twenty is below `low`, one in twenty above `high`.
    Interval90 {
        /// 5th percentile.
        low: f64,
        /// 95th percentile.
        high: f64,
    },
}

/// A cause that scenarios share: in a bad year it strikes all of them.
///
/// Event rates of the group are multiplied by a common yearly factor with mean 1 and this variance (gamma
/// distributed), which leaves means alone and thickens the tail of the sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedShock {
    /// The group, such as the component they share.
    pub group: String,
    /// Variance of the factor; all members of a group must agree on it.
    pub variance: f64,
}

/// One way to lose money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Stable id; it seeds the scenario's random stream.
    pub id: String,
    /// What happens.
    pub name: String,
    /// Threats that make it happen.
    pub threats: Vec<String>,
    /// Threat events a year.
    pub frequency: Pert,
    /// Chance that one becomes a loss.
    pub vulnerability: Vulnerability,
    /// Loss when it does.
    pub loss: Loss,
    /// The cause it shares with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_shock: Option<SharedShock>,
}

/// More events a year than this are not a risk but an operating cost, and would take the simulation too long.
const MAX_EVENTS_PER_YEAR: f64 = 10_000.0;

impl Scenario {
    pub(crate) fn check(&self) -> Result<(), RiskError> {
        let wrong = |field, reason| Err(RiskError::Scenario { scenario: self.id.clone(), field, reason });
        if self.frequency.high > MAX_EVENTS_PER_YEAR {
            return wrong("frequency", "is above 10000 events a year; count batches of events instead");
        }
        match self.vulnerability {
            Vulnerability::Prior(p) if p.high > 1.0 => {
                return wrong("vulnerability", "is a probability and must not be above 1");
            }
            Vulnerability::Measured { successes, trials } if successes > trials => {
                return wrong("vulnerability", "has more successes than trials");
            }
            _ => {}
        }
        if let Loss::Interval90 { low, high } = self.loss
            && !(low > 0.0 && low < high && high.is_finite())
        {
            return wrong("loss", "needs 0 < low < high");
        }
        if let Some(shock) = &self.shared_shock
            && !(shock.variance > 0.0 && shock.variance <= 100.0)
        {
            return wrong("shared shock", "needs a variance above 0 and at most 100");
        }
        Ok(())
    }
}

/// The same scenarios with another vulnerability for one: what a control, or a measurement, would change.
pub fn with_vulnerability(
    scenarios: &[Scenario],
    id: &str,
    vulnerability: Vulnerability,
) -> Result<Vec<Scenario>, RiskError> {
    if !scenarios.iter().any(|s| s.id == id) {
        return Err(RiskError::UnknownScenario(id.to_owned()));
    }
    Ok(scenarios
        .iter()
        .map(|s| if s.id == id { Scenario { vulnerability, ..s.clone() } } else { s.clone() })
        .collect())
}

/// Checks scenarios one by one and against each other.
pub(crate) fn check_all(scenarios: &[Scenario]) -> Result<(), RiskError> {
    if scenarios.is_empty() {
        return Err(RiskError::NoScenarios);
    }
    let mut ids = BTreeSet::new();
    for scenario in scenarios {
        scenario.check()?;
        if !ids.insert(scenario.id.as_str()) {
            return Err(RiskError::DuplicateScenario(scenario.id.clone()));
        }
        let differs = |shock: &SharedShock| {
            scenarios.iter().filter_map(|s| s.shared_shock.as_ref()).any(|other| {
                other.group == shock.group && other.variance.to_bits() != shock.variance.to_bits()
            })
        };
        if scenario.shared_shock.as_ref().is_some_and(differs) {
            return Err(RiskError::Scenario {
                scenario: scenario.id.clone(),
                field: "shared shock",
                reason: "has another variance than the rest of its group",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Scenario {
        Scenario {
            id: "s".into(),
            name: "S".into(),
            threats: vec![],
            frequency: Pert::new(1.0, 2.0, 3.0).unwrap(),
            vulnerability: Vulnerability::Prior(Pert::new(0.1, 0.2, 0.3).unwrap()),
            loss: Loss::Interval90 { low: 1.0, high: 2.0 },
            shared_shock: None,
        }
    }

    #[test]
    fn estimates_that_mean_nothing_are_refused() {
        assert!(Pert::new(2.0, 1.0, 3.0).is_err());
        assert!(Pert::new(f64::NAN, 1.0, 3.0).is_err());
        assert!(Pert::new(0.0, 1.0, f64::INFINITY).is_err());
        assert!(Pert::new(-1.0, 0.0, 1.0).is_err());
        let wrong = [
            Scenario { vulnerability: Vulnerability::Measured { successes: 3, trials: 2 }, ..scenario() },
            Scenario { vulnerability: Vulnerability::Prior(Pert::new(0.0, 1.0, 1.5).unwrap()), ..scenario() },
            Scenario { loss: Loss::Interval90 { low: 2.0, high: 2.0 }, ..scenario() },
            Scenario { frequency: Pert::new(0.0, 1.0, 1e9).unwrap(), ..scenario() },
            Scenario {
                shared_shock: Some(SharedShock { group: "g".into(), variance: f64::NAN }),
                ..scenario()
            },
        ];
        for s in wrong {
            assert!(s.check().is_err(), "{s:?}");
        }
        assert_eq!(check_all(&[scenario(), scenario()]), Err(RiskError::DuplicateScenario("s".into())));
        assert_eq!(check_all(&[]), Err(RiskError::NoScenarios));
    }

    #[test]
    fn a_group_agrees_on_its_variance() {
        let member = |id: &str, variance| Scenario {
            id: id.into(),
            shared_shock: Some(SharedShock { group: "g".into(), variance }),
            ..scenario()
        };
        assert!(check_all(&[member("a", 1.0), member("b", 1.0)]).is_ok());
        assert!(check_all(&[member("a", 1.0), member("b", 2.0)]).is_err());
    }

    #[test]
    fn a_measurement_replaces_the_estimate_of_one_scenario() {
        let measured = Vulnerability::Measured { successes: 0, trials: 99 };
        let changed = with_vulnerability(&[scenario()], "s", measured).unwrap();
        assert_eq!(changed[0].vulnerability, measured);
        assert_eq!(measured.mean(), 0.005);
        assert!(with_vulnerability(&[scenario()], "t", measured).is_err());
    }
}
