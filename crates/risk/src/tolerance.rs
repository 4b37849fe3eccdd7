//! The loss exceedance curve against what the organisation tolerates.

use proofhouse_core::{Measurement, Verdict};
use serde::{Deserialize, Serialize};

use crate::{RiskError, Simulation};

/// "A loss above `loss` in one year with at most this probability."
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TolerancePoint {
    /// A loss a year.
    pub loss: f64,
    /// The probability of more that is tolerated.
    pub max_probability: f64,
}

/// The answer for one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedPoint {
    /// The point.
    pub point: TolerancePoint,
    /// The simulated probability, with its band.
    pub probability: Measurement,
    /// Pass when the whole band is tolerated, fail when none of it is, else unknown: draw more years.
    pub verdict: Verdict,
}

/// The answer for all points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Over all points; unknown over none.
    pub verdict: Verdict,
    /// Each point.
    pub points: Vec<JudgedPoint>,
}

impl Simulation {
    /// Judges the simulation against tolerated points, by the band and not by the estimate.
    pub fn judge(&self, tolerance: &[TolerancePoint]) -> Result<Judgement, RiskError> {
        let points = tolerance
            .iter()
            .map(|point| {
                let valid = point.loss.is_finite()
                    && point.loss >= 0.0
                    && (0.0..=1.0).contains(&point.max_probability);
                if !valid {
                    return Err(RiskError::Tolerance {
                        loss: point.loss.to_string(),
                        probability: point.max_probability.to_string(),
                    });
                }
                let probability = self.probability_above(point.loss);
                let (low, high) = probability.interval.as_ref().map_or((0.0, 1.0), |i| (i.low, i.high));
                let verdict = if high <= point.max_probability {
                    Verdict::Pass
                } else if low > point.max_probability {
                    Verdict::Fail
                } else {
                    Verdict::Unknown
                };
                Ok(JudgedPoint { point: *point, probability, verdict })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Judgement { verdict: Verdict::all(points.iter().map(|p| p.verdict)), points })
    }
}
