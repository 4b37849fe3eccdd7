//! How well a score tells members from others.

use proofhouse_core::Measurement;
use proofhouse_core::Unit;
use serde::{Deserialize, Serialize};

use crate::binomial::clopper_pearson;

/// Rates of false alarms that are looked at. The first two are what counts where there are enough rows (Carlini et al.
/// 2022); the others are what fewer rows can speak about.
pub const FALSE_ALARMS: [f64; 4] = [0.001, 0.01, 0.05, 0.1];

/// The share of members found at a rate of false alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The rate of false alarms that was asked for.
    pub false_alarms: f64,
    /// Others above the threshold; at most that rate.
    pub alarms: u64,
    /// Share of members above the threshold, with an exact interval.
    pub found: Measurement,
    /// Whether there are enough others to speak about the rate: at least ten of them would be false alarms. With
    /// fewer the point is a draw of luck.
    pub measurable: bool,
}

/// How well a score tells members from others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// Rows that were learned from.
    pub members: u64,
    /// Rows that were not.
    pub others: u64,
    /// Probability that a member scores above another row, ties counted half: 0.5 is a coin.
    pub area: f64,
    /// Largest difference between the share of members and the share of others above a threshold.
    pub advantage: f64,
    /// At each of [`FALSE_ALARMS`].
    pub points: Vec<OperatingPoint>,
}

impl Separation {
    /// Of scores that are larger for members. NaN counts as the smallest.
    #[must_use]
    pub fn of(members: &[f64], others: &[f64], confidence: f64) -> Self {
        let clean = |v: &f64| if v.is_nan() { f64::NEG_INFINITY } else { *v };
        let mut all: Vec<(f64, bool)> = members.iter().map(|v| (clean(v), true)).collect();
        all.extend(others.iter().map(|v| (clean(v), false)));
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (m, o) = (members.len() as f64, others.len() as f64);
        let (mut found, mut alarms) = (0u64, 0u64);
        let (mut area, mut advantage) = (0.0, 0.0f64);
        let mut steps: Vec<(u64, u64)> = vec![(0, 0)];
        let mut rest = all.as_slice();
        while let Some((value, _)) = rest.first() {
            let ties = rest.iter().take_while(|(v, _)| v == value).count();
            let (tied, after) = rest.split_at(ties);
            let hits = tied.iter().filter(|(_, member)| *member).count() as u64;
            let false_ = ties as u64 - hits;
            area += false_ as f64 * (found as f64 + hits as f64 / 2.0);
            found += hits;
            alarms += false_;
            steps.push((found, alarms));
            advantage = advantage.max(found as f64 / m.max(1.0) - alarms as f64 / o.max(1.0));
            rest = after;
        }
        let points = FALSE_ALARMS
            .into_iter()
            .map(|rate| {
                let allowed = (rate * o).floor() as u64;
                let best = steps.iter().take_while(|(_, a)| *a <= allowed).last().copied().unwrap_or((0, 0));
                let share = if members.is_empty() { 0.0 } else { best.0 as f64 / m };
                let mut measured = Measurement::new("membership-found", share, Unit::Ratio)
                    .of_slice(format!("false-alarms={rate}"));
                measured.n = Some(members.len() as u64);
                measured.interval = Some(clopper_pearson(best.0, members.len() as u64, confidence));
                OperatingPoint {
                    false_alarms: rate,
                    alarms: best.1,
                    found: measured,
                    measurable: rate * o >= 10.0,
                }
            })
            .collect();
        let pairs = m * o;
        Self {
            members: members.len() as u64,
            others: others.len() as u64,
            area: if pairs > 0.0 { area / pairs } else { 0.5 },
            advantage,
            points,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_and_a_useless_score() {
        let high: Vec<f64> = (0..2000).map(|i| 10.0 + f64::from(i)).collect();
        let low: Vec<f64> = (0..2000).map(|i| -f64::from(i)).collect();
        let perfect = Separation::of(&high, &low, 0.95);
        assert_eq!((perfect.area, perfect.advantage), (1.0, 1.0));
        assert_eq!(perfect.points[0].found.value, 1.0);
        assert_eq!((perfect.points[0].measurable, perfect.points[1].measurable), (false, true));
        let same = Separation::of(&low, &low, 0.95);
        assert!((same.area - 0.5).abs() < 1e-9 && same.advantage < 1e-9);
        assert!((same.points[1].found.value - 0.01).abs() < 1e-9 && same.points[1].alarms == 20);
        // All ties: no threshold tells anything, and none finds anybody at 1 %.
        let ties = Separation::of(&[1.0; 50], &[1.0; 50], 0.95);
        assert_eq!((ties.area, ties.points[1].found.value), (0.5, 0.0));
    }

    #[test]
    fn few_rows_say_little() {
        let few = Separation::of(&[3.0, f64::NAN], &[1.0, 2.0], 0.95);
        let interval = few.points[1].found.interval.clone().unwrap();
        assert_eq!((few.points[1].found.value, few.points[1].measurable), (0.5, false));
        assert!(interval.low < 0.02 && interval.high > 0.98);
        assert_eq!(Separation::of(&[], &[], 0.95).area, 0.5);
    }
}
