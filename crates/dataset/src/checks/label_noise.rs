//! Rows whose label disagrees with their neighbours.
//!
//! A row is suspect when the majority of its k nearest rows (Euclidean, exact) carries another label. On
//! handwritten digits with planted random flips this finds nearly all of them; what else it names are rows that
//! are hard to tell apart. It is blind to a backdoor, whose rows agree with each other.

use proofhouse_core::{Measurement, Place, Severity, Verdict};
use serde::{Deserialize, Serialize};

use super::{CONFIDENCE, Outcome, finding, some_rows};
use crate::Features;

/// How to look, and how much is too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelNoiseRules {
    /// Neighbours that vote.
    pub neighbours: usize,
    /// The upper end of the 95 % interval of the share of suspect rows must not be above this.
    pub max_share: f64,
}

impl Default for LabelNoiseRules {
    /// Ten neighbours, one row in twenty.
    fn default() -> Self {
        Self { neighbours: 10, max_share: 0.05 }
    }
}

/// A row whose label is suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suspect {
    /// The row, counted from 0.
    pub row: usize,
    /// Its label.
    pub label: usize,
    /// The label of most of its neighbours.
    pub neighbours_say: usize,
    /// How many of them say so.
    pub votes: usize,
}

/// The answer, with every suspect row.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelNoise {
    /// The answer.
    pub outcome: Outcome,
    /// Suspect rows in order.
    pub suspects: Vec<Suspect>,
}

/// Compares every label with those of the nearest rows. `labels` has one class per row of `features`.
///
/// Cost: rows² × columns / 2 multiplications. Ties go to the lower row and the lower class, so the answer is the
/// same everywhere.
#[must_use]
pub fn label_noise(features: &Features, labels: &[usize], rules: &LabelNoiseRules) -> LabelNoise {
    let rows = features.rows.min(labels.len());
    let k = rules.neighbours.min(rows.saturating_sub(1));
    let mut suspects = Vec::new();
    if k > 0 {
        let nearest = nearest_rows(features, rows, k);
        for (row, near) in nearest.iter().enumerate() {
            let (neighbours_say, votes) = majority(near.iter().map(|n| labels[n.row]));
            if neighbours_say != labels[row] {
                suspects.push(Suspect { row, label: labels[row], neighbours_say, votes });
            }
        }
    }
    let share = Measurement::proportion("suspect-labels", suspects.len() as u64, rows as u64, CONFIDENCE);
    let upper = share.interval.as_ref().map_or(1.0, |i| i.high);
    // Fewer rows than neighbours that should vote: nothing can be said.
    let verdict = if k < rules.neighbours || k == 0 {
        Verdict::Unknown
    } else if upper <= rules.max_share {
        Verdict::Pass
    } else {
        Verdict::Fail
    };
    let findings = if suspects.is_empty() {
        vec![]
    } else {
        let named: Vec<usize> = suspects.iter().map(|s| s.row).collect();
        let severity = if verdict == Verdict::Fail { Severity::High } else { Severity::Info };
        vec![finding(
            "suspect-labels",
            severity,
            Place::file("labels"),
            format!(
                "{} of {rows} labels disagree with most of their {k} nearest rows: rows {}",
                suspects.len(),
                some_rows(&named)
            ),
            "Have the named rows labelled again by someone who does not see the present label.",
        )]
    };
    LabelNoise {
        outcome: Outcome {
            verdict,
            criterion: format!(
                "upper 95 % bound of the share of labels that disagree with most of {} neighbours at most {}",
                rules.neighbours, rules.max_share
            ),
            measurements: vec![share],
            findings,
        },
        suspects,
    }
}

#[derive(Clone, Copy)]
struct Neighbour {
    distance: f32,
    row: usize,
}

/// The `k` nearest other rows of every row, nearest first.
fn nearest_rows(features: &Features, rows: usize, k: usize) -> Vec<Vec<Neighbour>> {
    let mut nearest: Vec<Vec<Neighbour>> = vec![Vec::with_capacity(k + 1); rows];
    for a in 0..rows {
        let row = features.row(a);
        // Each pair once; both ends learn of it. Rows are visited in order, so that among equal distances the
        // lower row is kept.
        for b in a + 1..rows {
            let distance = squared_distance(row, features.row(b));
            keep(&mut nearest[a], Neighbour { distance, row: b }, k);
            keep(&mut nearest[b], Neighbour { distance, row: a }, k);
        }
    }
    nearest
}

fn keep(list: &mut Vec<Neighbour>, candidate: Neighbour, k: usize) {
    if list.len() == k && list.last().is_some_and(|worst| candidate.distance >= worst.distance) {
        return;
    }
    let at = list.partition_point(|n| n.distance <= candidate.distance);
    list.insert(at, candidate);
    list.truncate(k);
}

/// Eight independent sums, in a fixed order: fast without reordering by the compiler, equal on every machine.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let (left_rest, right_rest) = (left.remainder(), right.remainder());
    for (p, q) in left.zip(right) {
        for lane in 0..8 {
            let d = p[lane] - q[lane];
            sums[lane] += d * d;
        }
    }
    let mut rest = 0f32;
    for (p, q) in left_rest.iter().zip(right_rest) {
        rest += (p - q) * (p - q);
    }
    sums.iter().sum::<f32>() + rest
}

/// The most frequent class, the lowest of equals, with its count.
fn majority(classes: impl Iterator<Item = usize>) -> (usize, usize) {
    let mut counts = std::collections::BTreeMap::new();
    for class in classes {
        *counts.entry(class).or_insert(0usize) += 1;
    }
    let best = counts.values().copied().max().unwrap_or(0);
    counts.into_iter().find(|(_, count)| *count == best).unwrap_or((0, 0))
}
