//! What a simulation says: every number with the band that the number of years leaves open.
//!
//! The bands are sampling error of the simulation. They say nothing about how good the estimates were.

use proofhouse_core::interval::{normal_quantile, wilson};
use proofhouse_core::{Interval, Measurement, Unit};
use serde::{Deserialize, Serialize};

use crate::{Scenario, Settings};

/// The distribution of the loss of one year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// How it was made.
    pub settings: Settings,
    /// Expected loss.
    pub mean: Measurement,
    /// Median.
    pub p50: Measurement,
    /// Exceeded one year in ten.
    pub p90: Measurement,
    /// Exceeded one year in twenty.
    pub p95: Measurement,
    /// Exceeded one year in a hundred.
    pub p99: Measurement,
    /// Share of years without any loss.
    pub p_no_loss: Measurement,
    /// The loss exceedance curve on a logarithmic grid.
    pub exceedance: Vec<ExceedancePoint>,
    /// Scenarios, the largest expected loss first.
    pub drivers: Vec<Driver>,
    /// Loss of each simulated year, in the order drawn; not written out.
    #[serde(skip)]
    pub(crate) annual: Vec<f64>,
    /// The same, ascending.
    #[serde(skip)]
    pub(crate) sorted: Vec<f64>,
}

/// One point of the loss exceedance curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExceedancePoint {
    /// A loss.
    pub loss: f64,
    /// Share of years with a greater one.
    pub probability: f64,
    /// Lower end of its 95 % band.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What one scenario contributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// The scenario's id.
    pub scenario: String,
    /// What happens.
    pub name: String,
    /// Its expected loss a year.
    pub mean: Measurement,
    /// Its share of the expected loss.
    pub share: f64,
    /// Its share of the loss in the worst twentieth of years.
    pub tail_share: f64,
}

pub(crate) const CONFIDENCE: f64 = 0.95;
const CURVE_POINTS: usize = 60;

impl Simulation {
    /// `losses` holds one vector of yearly losses per scenario.
    pub(crate) fn of(scenarios: &[&Scenario], losses: &[Vec<f64>], settings: &Settings) -> Self {
        let annual: Vec<f64> =
            (0..settings.years).map(|year| losses.iter().filter_map(|l| l.get(year)).sum()).collect();
        let mut sorted = annual.clone();
        sorted.sort_by(f64::total_cmp);
        let money = || Unit::Money(settings.currency.clone());
        let quantile = |name: &str, q: f64| {
            let mut m = Measurement::new(name, order_statistic(&sorted, q), money());
            m.n = Some(settings.years as u64);
            m.interval = Some(quantile_band(&sorted, q));
            m
        };
        let without = annual.iter().filter(|l| **l == 0.0).count() as u64;
        let exceedance = curve(&sorted);
        Self {
            mean: mean_of("annual-loss-mean", &annual, money()),
            p50: quantile("annual-loss-p50", 0.50),
            p90: quantile("annual-loss-p90", 0.90),
            p95: quantile("annual-loss-p95", 0.95),
            p99: quantile("annual-loss-p99", 0.99),
            p_no_loss: Measurement::proportion("no-loss-years", without, settings.years as u64, CONFIDENCE),
            exceedance,
            drivers: drivers(scenarios, losses, &annual, &sorted, &money()),
            settings: settings.clone(),
            annual,
            sorted,
        }
    }

    /// Share of years whose loss is above `loss`, with its Wilson interval.
    #[must_use]
    pub fn probability_above(&self, loss: f64) -> Measurement {
        let above = count_above(&self.sorted, loss);
        Measurement::proportion("annual-loss-above", above, self.sorted.len() as u64, CONFIDENCE)
            .of_slice(format!("loss>{loss}"))
    }
}

pub(crate) fn mean_of(name: &str, values: &[f64], unit: Unit) -> Measurement {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let half = normal_quantile(0.5 + CONFIDENCE / 2.0) * (variance / n).sqrt();
    let mut m = Measurement::new(name, mean, unit);
    m.n = Some(values.len() as u64);
    m.interval = Some(Interval {
        low: mean - half,
        high: mean + half,
        confidence: CONFIDENCE,
        method: "normal".to_owned(),
    });
    m
}

fn count_above(sorted: &[f64], loss: f64) -> u64 {
    (sorted.len() - sorted.partition_point(|x| *x <= loss)) as u64
}

/// The smallest drawn loss that at least a share `q` of the years does not exceed.
fn order_statistic(sorted: &[f64], q: f64) -> f64 {
    let rank = ((sorted.len() as f64 * q).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

/// The order statistics whose ranks bracket n·q by the binomial standard error: no assumption about the shape.
fn quantile_band(sorted: &[f64], q: f64) -> Interval {
    let n = sorted.len() as f64;
    let half = normal_quantile(0.5 + CONFIDENCE / 2.0) * (n * q * (1.0 - q)).sqrt();
    let at = |rank: f64| {
        let index = (rank.max(1.0) as usize).min(sorted.len()).saturating_sub(1);
        sorted.get(index).copied().unwrap_or(0.0)
    };
    Interval {
        low: at((n * q - half).floor()),
        high: at((n * q + half).ceil() + 1.0),
        confidence: CONFIDENCE,
        method: "order-statistics".to_owned(),
    }
}

fn curve(sorted: &[f64]) -> Vec<ExceedancePoint> {
    let first = sorted.partition_point(|x| *x <= 0.0);
    let (Some(least), Some(most)) = (sorted.get(first), sorted.last()) else { return Vec::new() };
    let n = sorted.len() as u64;
    let (from, to) = (least.ln(), most.ln());
    (0..CURVE_POINTS)
        .map(|i| {
            let loss = (from + (to - from) * i as f64 / (CURVE_POINTS - 1) as f64).exp();
            let above = count_above(sorted, loss);
            let band = wilson(above, n, CONFIDENCE);
            ExceedancePoint { loss, probability: above as f64 / n as f64, low: band.low, high: band.high }
        })
        .collect()
}

fn drivers(
    scenarios: &[&Scenario],
    losses: &[Vec<f64>],
    annual: &[f64],
    sorted: &[f64],
    money: &Unit,
) -> Vec<Driver> {
    let threshold = order_statistic(sorted, 0.95);
    let tail: Vec<usize> = (0..annual.len()).filter(|year| annual[*year] >= threshold).collect();
    let in_tail = |l: &[f64]| tail.iter().filter_map(|year| l.get(*year)).sum::<f64>();
    let (total, tail_total) = (annual.iter().sum::<f64>(), in_tail(annual));
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let mut drivers: Vec<Driver> = scenarios
        .iter()
        .zip(losses)
        .map(|(scenario, l)| Driver {
            scenario: scenario.id.clone(),
            name: scenario.name.clone(),
            mean: mean_of("annual-loss-mean", l, money.clone()).of_slice(format!("scenario={}", scenario.id)),
            share: share(l.iter().sum(), total),
            tail_share: share(in_tail(l), tail_total),
        })
        .collect();
    drivers.sort_by(|a, b| b.mean.value.total_cmp(&a.mean.value).then_with(|| a.scenario.cmp(&b.scenario)));
    drivers
}
