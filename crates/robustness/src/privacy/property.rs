//! A property of the whole training set, from the model's answers to fixed probes (Ganju et al. 2018; here black-box).
//!
//! Shadow models with and without the property answer the probes; what tells the two groups apart is judged on shadows
//! left out one at a time, and then asked about the model itself. The classifier is as plain as a handful of shadows can
//! feed: probes weighted by how far the groups' means lie apart beside their spread.

use proofhouse_core::{Measurement, Unit};
use serde::{Deserialize, Serialize};

use super::membership::Rows;
use crate::binomial::clopper_pearson;
use crate::{Chance, RobustnessError};

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyReport {
    /// Shadow models with the property, and without.
    pub shadows: (u64, u64),
    /// Share of shadows that were told right when left out.
    pub told: Measurement,
    /// Twice that share over a half, at least 0: the attacker's advantage over a coin.
    pub advantage: f64,
    /// Whether the lower end of that share lies above a half.
    pub leaks: bool,
    /// Whether the model's own training set has the property, as the attacker would say.
    pub verdict: bool,
    /// How far on that side, in units of the groups' distance: 1 is as far as a typical shadow.
    pub strength: f64,
}

/// Every so many-th row is kept as a probe.
const PROBE_EVERY: usize = 10;
/// Fewest rows of a training set.
const LEAST: usize = 20;

/// Rows that training sets with two shares of a property are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    has: Vec<usize>,
    lacks: Vec<usize>,
    rows: usize,
    size: usize,
    /// Shares of rows with the property: where the set does not have it, where it has.
    shares: (f64, f64),
    /// Rows that no shadow learns from, to be asked of all.
    pub probes: Vec<f32>,
}

impl Pool {
    /// A row has the property where its value in `column` is at least `at_least`.
    ///
    /// # Errors
    /// A column that is not there, shares that are none, too few rows of a kind.
    pub fn of(
        data: Rows<'_>,
        width: usize,
        column: usize,
        at_least: f32,
        (low, high): (f64, f64),
    ) -> Result<Self, RobustnessError> {
        let refuse = |what: String| Err(RobustnessError::Option(what));
        let n = data.labels.len();
        if column >= width || n.checked_mul(width) != Some(data.rows.len()) {
            return refuse(format!("rows of {width} values have no column {column}"));
        }
        if !(0.0..=1.0).contains(&low) || !(0.0..=1.0).contains(&high) || low >= high {
            return refuse(format!("{low} and {high} are no two shares in order"));
        }
        let mut pool =
            Self { has: vec![], lacks: vec![], rows: n, size: 0, shares: (low, high), probes: vec![] };
        for (at, row) in data.rows.chunks_exact(width).enumerate() {
            if at % PROBE_EVERY == 0 {
                pool.probes.extend_from_slice(row);
            } else if row[column] >= at_least {
                pool.has.push(at);
            } else {
                pool.lacks.push(at);
            }
        }
        // Half of what would use a kind up, so that two sets of one kind are not the same rows.
        let (has, lacks) = (pool.has.len() as f64 / high, pool.lacks.len() as f64 / (1.0 - low).max(1e-9));
        pool.size = (has.min(lacks) / 2.0) as usize;
        if pool.size < LEAST {
            return refuse(format!(
                "of {n} rows {} have the property and {} lack it; for sets of at least {LEAST} rows with shares of {low} \
                 and {high} that is too few",
                pool.has.len(),
                pool.lacks.len()
            ));
        }
        Ok(pool)
    }

    /// The rows that shadow `which` learns from.
    #[must_use]
    pub fn draw(&self, with: bool, seed: u64, which: usize) -> Vec<bool> {
        let share = if with { self.shares.1 } else { self.shares.0 };
        let wanted = (share * self.size as f64).round() as usize;
        let mut chance = Chance::new(seed, "property", which);
        let mut learned = vec![false; self.rows];
        for (kind, count) in [(&self.has, wanted), (&self.lacks, self.size - wanted)] {
            let mut order = kind.clone();
            chance.shuffle(&mut order);
            order.into_iter().take(count).for_each(|at| learned[at] = true);
        }
        learned
    }
}

/// Tells models with a property from models without. Each answer holds one model's scores of the same probes.
///
/// # Errors
/// Fewer than three shadows of a kind, answers of different lengths.
pub fn infer(
    with: &[Vec<f32>],
    without: &[Vec<f32>],
    model: &[f32],
    confidence: f64,
) -> Result<PropertyReport, RobustnessError> {
    if with.len() < 3 || without.len() < 3 {
        return Err(RobustnessError::Option("three shadow models of each kind are the least".to_owned()));
    }
    if model.is_empty() || with.iter().chain(without).any(|a| a.len() != model.len()) {
        return Err(RobustnessError::Option("every model has to answer the same probes".to_owned()));
    }
    let mut right = 0u64;
    for left_out in 0..with.len() {
        right +=
            u64::from(Direction::between(with, without, Some((true, left_out))).side(&with[left_out]) > 0.0);
    }
    for left_out in 0..without.len() {
        let direction = Direction::between(with, without, Some((false, left_out)));
        right += u64::from(direction.side(&without[left_out]) < 0.0);
    }
    let n = (with.len() + without.len()) as u64;
    let mut told = Measurement::new("property-told", right as f64 / n as f64, Unit::Ratio);
    told.n = Some(n);
    let interval = clopper_pearson(right, n, confidence);
    let leaks = interval.low > 0.5;
    told.interval = Some(interval);
    let side = Direction::between(with, without, None).side(model);
    Ok(PropertyReport {
        shadows: (with.len() as u64, without.len() as u64),
        advantage: (2.0 * told.value - 1.0).max(0.0),
        told,
        leaks,
        verdict: side > 0.0,
        strength: side.abs(),
    })
}

struct Direction {
    weights: Vec<f64>,
    middle: Vec<f64>,
    length: f64,
}

impl Direction {
    fn between(with: &[Vec<f32>], without: &[Vec<f32>], but: Option<(bool, usize)>) -> Self {
        let group = |all: &[Vec<f32>], own: bool, at: usize| -> Vec<f64> {
            let kept = all.iter().enumerate().filter(|(i, _)| but != Some((own, *i)));
            kept.map(|(_, a)| f64::from(a[at])).filter(|v| v.is_finite()).collect()
        };
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
        let spread = |v: &[f64], m: f64| v.iter().map(|x| (x - m).powi(2)).sum::<f64>();
        let probes = with.first().map_or(0, Vec::len);
        let mut direction =
            Self { weights: Vec::with_capacity(probes), middle: Vec::with_capacity(probes), length: 0.0 };
        for at in 0..probes {
            let (a, b) = (group(with, true, at), group(without, false, at));
            let (ma, mb) = (mean(&a), mean(&b));
            let degrees = (a.len() + b.len()).saturating_sub(2).max(1) as f64;
            let variance = (spread(&a, ma) + spread(&b, mb)) / degrees + 1e-9;
            direction.weights.push((ma - mb) / variance);
            direction.middle.push(f64::midpoint(ma, mb));
            direction.length += (ma - mb).powi(2) / variance / 2.0;
        }
        direction
    }

    /// Positive on the side of the property; 1 at the mean of the models that have it.
    fn side(&self, answers: &[f32]) -> f64 {
        let terms = answers.iter().zip(&self.middle).zip(&self.weights);
        let sum: f64 =
            terms.filter(|((a, _), _)| a.is_finite()).map(|((a, m), w)| w * (f64::from(*a) - m)).sum();
        sum / self.length.max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_the_shares_that_were_asked_for() {
        let rows: Vec<f32> = (0..400).map(|i| if i % 4 == 1 { 1.0 } else { 0.0 }).collect();
        let labels = vec![0; 200];
        let data = Rows { rows: &rows, labels: &labels };
        // Rows of two values; every other row has a 1 in its second column.
        let pool = Pool::of(data, 2, 1, 0.5, (0.2, 0.6)).unwrap();
        assert_eq!(pool.probes.len(), 2 * 20);
        for (with, share) in [(true, 0.6), (false, 0.2)] {
            let learned = pool.draw(with, 1, 3);
            let chosen: Vec<usize> = (0..200).filter(|at| learned[*at]).collect();
            let has = chosen.iter().filter(|at| rows[*at * 2 + 1] >= 0.5).count();
            assert!((has as f64 / chosen.len() as f64 - share).abs() < 0.02, "{has} of {}", chosen.len());
            assert!(chosen.iter().all(|at| at % 10 != 0));
        }
        assert_ne!(pool.draw(true, 1, 0), pool.draw(true, 1, 2));
        assert!(Pool::of(data, 2, 2, 0.5, (0.2, 0.6)).is_err());
        assert!(Pool::of(data, 2, 1, 0.5, (0.6, 0.2)).is_err());
        let error = Pool::of(data, 2, 1, 9.0, (0.2, 0.6)).unwrap_err().to_string();
        assert!(error.contains("0 have the property"), "{error}");
    }
}
