//! Before and after: what a control, a measurement or a release changed.

use proofhouse_core::{Interval, Measurement};
use serde::{Deserialize, Serialize};

use crate::summary::{CONFIDENCE, mean_of};
use crate::{RiskError, Simulation};

/// The difference between two simulations; positive numbers are loss avoided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Expected loss a year avoided. With equal seed and years the same years are compared one by one, so the
    /// band is that of the difference and not of two separate estimates.
    pub mean_reduction: Measurement,
    /// 95th percentile avoided; its band adds up both bands, which is on the safe side.
    pub p95_reduction: Measurement,
    /// 99th percentile avoided, likewise.
    pub p99_reduction: Measurement,
    /// Expected loss avoided as a share of what it was; absent where there was none.
    pub mean_reduction_share: Option<f64>,
}

/// Compares two simulations in the same money.
pub fn compare(before: &Simulation, after: &Simulation) -> Result<Comparison, RiskError> {
    if before.settings.currency != after.settings.currency {
        return Err(RiskError::Currency(before.settings.currency.clone(), after.settings.currency.clone()));
    }
    let paired = before.settings == after.settings
        && !before.annual.is_empty()
        && before.annual.len() == after.annual.len();
    let mean_reduction = if paired {
        let gaps: Vec<f64> = before.annual.iter().zip(&after.annual).map(|(b, a)| b - a).collect();
        mean_of("annual-loss-mean-reduction", &gaps, before.mean.unit.clone())
    } else {
        difference("annual-loss-mean-reduction", &before.mean, &after.mean)
    };
    Ok(Comparison {
        mean_reduction_share: (before.mean.value > 0.0).then(|| mean_reduction.value / before.mean.value),
        mean_reduction,
        p95_reduction: difference("annual-loss-p95-reduction", &before.p95, &after.p95),
        p99_reduction: difference("annual-loss-p99-reduction", &before.p99, &after.p99),
    })
}

fn difference(name: &str, before: &Measurement, after: &Measurement) -> Measurement {
    let mut m = Measurement::new(name, before.value - after.value, before.unit.clone());
    m.n = before.n.min(after.n);
    m.interval = before.interval.as_ref().zip(after.interval.as_ref()).map(|(b, a)| Interval {
        low: b.low - a.high,
        high: b.high - a.low,
        confidence: CONFIDENCE,
        method: "sum-of-bands".to_owned(),
    });
    m
}
