//! Does a class reach further in its widest direction than rows that nobody planted?
//!
//! Half of a class and half of its reference say which direction that is and what is wide; the other halves are measured
//! along it, and the halves change places. So no row has a part in what it is measured by. Where training and reference are
//! of one kind, the number of training rows beyond the `j`-th furthest of `m` reference rows is beta-binomial, whatever the
//! values look like (the exceedance test; Gumbel, von Schelling 1950). Three ranks `j` are tried, and the chance of an
//! error is divided among them, the halves, and the classes (Bonferroni).

use serde::{Deserialize, Serialize};

use super::exact::beyond;
use super::subspace::{Scaled, dot, eigen, moment};
use super::{Activations, FEWEST, sides};
use crate::{Chance, RobustnessError};

/// Directions within which the widest is sought.
const DIRECTIONS: usize = 10;
/// Ranks of reference rows beyond which training rows are counted, as shares of the reference.
const RANKS: [f64; 3] = [0.0, 0.01, 0.05];

/// What was seen of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassSpectrum {
    /// The class.
    pub class: usize,
    /// Training rows looked at.
    pub trained: u64,
    /// Reference rows held against them.
    pub reference: u64,
    /// Chance of as many training rows as far out, where both are of one kind; corrected for the ranks and halves of this
    /// class. Absent where either side has fewer than [`FEWEST`] rows, or they do not vary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Share of the class's training rows that lie further out than the reference explains; 0 where the chance is not
    /// small.
    pub excess: f64,
    /// The smallest share that would have been seen.
    pub detectable: f64,
    /// Training rows beyond all of the reference, by their place in what was given, where the chance is small.
    pub suspects: Vec<usize>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectralReport {
    /// Class by class.
    pub classes: Vec<ClassSpectrum>,
    /// Share of all training rows that lie further out than their references explain.
    pub excess: f64,
    /// Probability of flagging any class where nothing was planted.
    pub error: f64,
}

/// Holds each of `classes` classes against its reference. `error` is the probability of any flag without a cause.
///
/// # Errors
/// Values that are not rows of one width.
pub fn spectral(
    trained: Activations<'_>,
    reference: Activations<'_>,
    classes: usize,
    error: f64,
    seed: u64,
) -> Result<SpectralReport, RobustnessError> {
    let sides = sides(trained, reference, classes)?;
    let each = error / classes.max(1) as f64;
    let mut found = Vec::with_capacity(classes);
    for (class, (own, held)) in sides.classes.iter().enumerate() {
        let (trained, reference) = (trained.rows(own, sides.width), reference.rows(held, sides.width));
        let mut seen = one(&trained, &reference, each, &mut Chance::new(seed, "spectral", class));
        seen.class = class;
        seen.suspects.iter_mut().for_each(|at| *at = own[*at]);
        found.push(seen);
    }
    let beyond: f64 = found.iter().map(|c| c.excess * c.trained as f64).sum();
    let all: u64 = found.iter().map(|c| c.trained).sum();
    Ok(SpectralReport { classes: found, excess: beyond / all.max(1) as f64, error })
}

fn one(trained: &[&[f32]], reference: &[&[f32]], error: f64, chance: &mut Chance) -> ClassSpectrum {
    let mut seen = ClassSpectrum {
        class: 0,
        trained: trained.len() as u64,
        reference: reference.len() as u64,
        chance: None,
        excess: 0.0,
        detectable: 1.0,
        suspects: Vec::new(),
    };
    if trained.len() < FEWEST || reference.len() < FEWEST {
        return seen;
    }
    let (own, held) = (halves(trained.len(), chance), halves(reference.len(), chance));
    let ranks = ranks(reference.len() / 2);
    let tests = (2 * ranks.len()) as f64;
    let mut furthest = Vec::new();
    for (fitted, measured) in [(0, 1), (1, 0)] {
        let fit_on: Vec<&[f32]> = own[fitted].iter().map(|at| trained[*at]).collect();
        let beside: Vec<&[f32]> = held[fitted].iter().map(|at| reference[*at]).collect();
        let Some(width) = Width::of(&fit_on, &beside, chance) else {
            return ClassSpectrum { chance: None, excess: 0.0, detectable: 1.0, ..seen };
        };
        let far: Vec<f64> = own[measured].iter().map(|at| width.of_row(trained[*at])).collect();
        let mut bound: Vec<f64> = held[measured].iter().map(|at| width.of_row(reference[*at])).collect();
        bound.sort_by(|a, b| b.total_cmp(a));
        for rank in &ranks {
            let count = far.iter().filter(|v| **v > bound[rank - 1]).count();
            let tail = beyond(far.len(), bound.len(), *rank);
            let explained = *rank as f64 / (bound.len() + 1) as f64;
            let share = |count: usize| (count as f64 / far.len() as f64 - explained).max(0.0);
            let corrected = (tail[count] * tests).min(1.0);
            if seen.chance.is_none_or(|c| corrected < c) {
                seen.chance = Some(corrected);
                seen.excess = if corrected <= error { share(count) } else { 0.0 };
            }
            let enough = tail.iter().position(|chance| chance * tests <= error);
            seen.detectable = enough.map_or(seen.detectable, |count| seen.detectable.min(share(count)));
        }
        furthest.extend(own[measured].iter().zip(&far).filter(|(_, v)| **v > bound[0]).map(|(at, _)| *at));
    }
    if seen.chance.is_some_and(|chance| chance <= error) {
        furthest.sort_unstable();
        seen.suspects = furthest;
    }
    seen
}

/// Two halves of so many rows, by chance.
fn halves(n: usize, chance: &mut Chance) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..n).collect();
    chance.shuffle(&mut order);
    let second = order.split_off(n / 2);
    [order, second]
}

/// The ranks tried among `m` reference rows, from 1.
fn ranks(m: usize) -> Vec<usize> {
    let mut ranks: Vec<usize> =
        RANKS.iter().map(|share| ((share * (m + 1) as f64).ceil() as usize).clamp(1, m.max(1))).collect();
    ranks.dedup();
    ranks
}

/// A direction, and what is wide along it.
struct Width {
    space: Scaled,
    direction: Vec<f64>,
}

impl Width {
    /// The direction in which `rows` are widest, in units of the spread of `reference`. None where that does not vary.
    fn of(rows: &[&[f32]], reference: &[&[f32]], chance: &mut Chance) -> Option<Self> {
        let space = Scaled::of(rows, reference, DIRECTIONS, chance)?;
        let points: Vec<Vec<f64>> = rows.iter().map(|row| space.place(row)).collect();
        let (_, widest) = eigen(moment(&points, &vec![0.0; space.width()]));
        Some(Self { direction: widest.into_iter().next()?, space })
    }

    /// How far out a row lies, to either side.
    fn of_row(&self, row: &[f32]) -> f64 {
        dot(&self.space.place(row), &self.direction).abs()
    }
}
