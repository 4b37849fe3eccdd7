//! How far a judge agrees with people: Cohen's kappa over labelled samples, with its interval (Cohen 1960;
//! large-sample variance of Fleiss, Cohen and Everitt 1969).

use proofhouse_core::{Interval, interval};
use serde::{Deserialize, Serialize};

use super::Ruling;

const SAMPLES: &str = include_str!("../../data/judge-samples.csv");

/// What people say about a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The answer does what the rule names.
    Broken,
    /// It does not.
    Kept,
}

/// A labelled sample.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sample {
    /// The label.
    pub label: Label,
    /// The rule.
    pub rule: String,
    /// What was asked.
    pub request: String,
    /// What was answered.
    pub answer: String,
}

/// The samples that come with the house, written and labelled for it.
#[must_use]
#[expect(clippy::expect_used, reason = "a file of the crate, read by its tests")]
pub fn samples() -> Vec<Sample> {
    let mut reader = csv::Reader::from_reader(SAMPLES.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("the shipped samples are readable")
}

/// Agreement of a judge with labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Samples with a clear ruling.
    pub n: u64,
    /// Samples on which the judge could not tell.
    pub unclear: u64,
    /// Samples judged as labelled.
    pub agreed: u64,
    /// Kept answers that the judge calls broken.
    pub false_alarms: u64,
    /// Broken answers that the judge calls kept.
    pub missed: u64,
    /// Cohen's kappa; absent where all labels or all rulings are alike and chance explains everything.
    pub kappa: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
}

impl Agreement {
    /// Measures agreement. Unclear rulings are counted apart, since they make attempts unknown, not wrong.
    #[must_use]
    pub fn of(pairs: &[(Label, Ruling)], confidence: f64) -> Self {
        let count = |label, ruling| pairs.iter().filter(|p| **p == (label, ruling)).count() as u64;
        let (bb, bk) = (count(Label::Broken, Ruling::Broken), count(Label::Broken, Ruling::Kept));
        let (kb, kk) = (count(Label::Kept, Ruling::Broken), count(Label::Kept, Ruling::Kept));
        let n = bb + bk + kb + kk;
        let share = |x: u64| if n == 0 { 0.0 } else { x as f64 / n as f64 };
        let cells = [[share(bb), share(bk)], [share(kb), share(kk)]];
        let estimate = kappa(cells);
        let interval = estimate.map(|(kappa, variance)| {
            let half = interval::normal_quantile(0.5 + confidence / 2.0) * (variance / n as f64).sqrt();
            Interval {
                low: (kappa - half).max(-1.0),
                high: (kappa + half).min(1.0),
                confidence,
                method: "fleiss-cohen-everitt".to_owned(),
            }
        });
        Self {
            n,
            unclear: pairs.len() as u64 - n,
            agreed: bb + kk,
            false_alarms: kb,
            missed: bk,
            kappa: estimate.map(|(kappa, _)| kappa),
            interval,
        }
    }
}

/// Kappa and n times its variance, from shares; rows are labels, columns rulings.
fn kappa(cells: [[f64; 2]; 2]) -> Option<(f64, f64)> {
    let [[a, b], [c, d]] = cells;
    let (rows, columns) = ([a + b, c + d], [a + c, b + d]);
    let observed = a + d;
    let expected: f64 = rows.iter().zip(columns).map(|(r, c)| r * c).sum();
    if observed == 0.0 && expected == 0.0 || (1.0 - expected).abs() < 1e-12 {
        return None;
    }
    let kappa = (observed - expected) / (1.0 - expected);
    let mut same = 0.0;
    let mut other = 0.0;
    for (i, (row, cells)) in rows.iter().zip(cells).enumerate() {
        for (j, (column, cell)) in columns.iter().zip(cells).enumerate() {
            if i == j {
                same += cell * (1.0 - (row + column) * (1.0 - kappa)).powi(2);
            } else {
                // The row total of the column's category and the column total of the row's.
                let cross = rows.get(j).unwrap_or(&0.0) + columns.get(i).unwrap_or(&0.0);
                other += cell * cross.powi(2);
            }
        }
    }
    let bias = (kappa - expected * (1.0 - kappa)).powi(2);
    let variance = (same + (1.0 - kappa).powi(2) * other - bias) / (1.0 - expected).powi(2);
    Some((kappa, variance.max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(bb: usize, bk: usize, kb: usize, kk: usize) -> Vec<(Label, Ruling)> {
        let of = |label, ruling, n| std::iter::repeat_n((label, ruling), n);
        of(Label::Broken, Ruling::Broken, bb)
            .chain(of(Label::Broken, Ruling::Kept, bk))
            .chain(of(Label::Kept, Ruling::Broken, kb))
            .chain(of(Label::Kept, Ruling::Kept, kk))
            .collect()
    }

    #[test]
    fn the_shipped_samples_have_both_labels_and_are_all_different() {
        let samples = samples();
        let broken = samples.iter().filter(|s| s.label == Label::Broken).count();
        assert!(samples.len() >= 40 && broken >= 15 && samples.len() - broken >= 15, "{}", samples.len());
        let distinct: std::collections::BTreeSet<_> = samples.iter().map(|s| &s.answer).collect();
        assert_eq!(distinct.len(), samples.len());
    }

    #[test]
    fn kappa_matches_statsmodels() {
        // statsmodels 0.15.0, cohens_kappa([[20, 5], [10, 15]]): kappa 0.4, std_kappa 0.12699606.
        let a = Agreement::of(&pairs(20, 5, 10, 15), 0.95);
        assert!((a.kappa.unwrap() - 0.4).abs() < 1e-12);
        let half = (a.interval.as_ref().unwrap().high - 0.4) / 1.959_963_984_540_054;
        assert!((half - STD).abs() < 1e-12, "{half}");
        assert_eq!((a.agreed, a.false_alarms, a.missed), (35, 10, 5));
    }

    const STD: f64 = 0.126_996_062_931_100_33;

    #[test]
    fn a_judge_that_always_says_the_same_agrees_by_chance_only() {
        let a = Agreement::of(&pairs(10, 0, 10, 0), 0.95);
        assert_eq!(a.kappa, Some(0.0));
        assert_eq!(Agreement::of(&pairs(10, 0, 0, 0), 0.95).kappa, None);
        assert_eq!(Agreement::of(&[], 0.95).kappa, None);
        let unclear = Agreement::of(&[(Label::Kept, Ruling::Unclear)], 0.95);
        assert_eq!((unclear.n, unclear.unclear), (0, 1));
    }
}
