//! Projected gradient descent under constraints.
//!
//! The descent runs over relaxed rows, in which whole numbers and categories are numbers like others; what the
//! model is asked and differentiated at is always their projection onto the domain, as with a straight-through
//! estimator. Steps are shares of each column's range. Half of the starts take dense steps (every column by its
//! sign), the others move only the one column or the few whose slope is largest for their price, which is what a
//! budget in sums of costs rewards.

use proofhouse_onnx::Gradients;

use super::asker::Asker;
use super::reduce::reduce;
use super::{Found, Row};
use crate::domain::Limits;
use crate::{Chance, RobustnessError};

/// Columns that a sparse step moves, of one sparse start and the next.
const SPARSE: [usize; 2] = [1, 3];
/// First and last step, as shares of a column's range.
const STEPS: (f64, f64) = (0.25, 0.01);

struct Start {
    relaxed: Vec<f32>,
    legal: Vec<f32>,
    /// Columns that a step moves; all where absent.
    sparse: Option<usize>,
}

/// Descends from several starts side by side.
pub(super) fn search(
    row: &Row<'_>,
    asker: &mut Asker<'_>,
    gradients: &dyn Gradients,
    restarts: usize,
    iterations: usize,
    chance: &mut Chance,
) -> Result<Option<Found>, RobustnessError> {
    let limits = row.domain.limits(row.original, row.reach.eps);
    let width = |at: usize| f64::from(limits.high[at]) - f64::from(limits.low[at]);
    let mut starts: Vec<Start> = (0..restarts.max(1))
        .map(|i| {
            let mut relaxed = row.original.to_vec();
            if i >= 2 {
                for (at, value) in relaxed.iter_mut().enumerate() {
                    let far = (chance.unit() - 0.5) * 0.5 * width(at);
                    *value = ((f64::from(*value) + far) as f32).clamp(limits.low[at], limits.high[at]);
                }
            }
            let mut legal = relaxed.clone();
            row.domain.project_within(row.original, row.reach, &mut legal);
            Start { relaxed, legal, sparse: (i % 2 == 1).then_some(SPARSE[i / 2 % 2]) }
        })
        .collect();
    let mut best: Option<(f64, Vec<f32>)> = None;
    let mut gradient = Vec::new();
    let aim = asker.aim;
    for iteration in 0..iterations {
        let rows: Vec<f32> = starts.iter().flat_map(|s| s.legal.iter().copied()).collect();
        let classes = gradients.classes();
        let mut loss = |scores: &[f32], slope: &mut [f32]| {
            for (scores, slope) in scores.chunks_exact(classes).zip(slope.chunks_exact_mut(classes)) {
                aim.slope(scores, slope);
            }
        };
        gradients.pull_back(&rows, starts.len(), &mut loss, &mut gradient)?;
        asker.queries += starts.len() as u64;
        let progress = iteration as f64 / (iterations - 1).max(1) as f64;
        let step = STEPS.0 * (STEPS.1 / STEPS.0).powf(progress);
        for (start, slope) in starts.iter_mut().zip(gradient.chunks_exact(row.original.len())) {
            let moved = match start.sparse {
                Some(count) => steepest(row, slope, &limits, &start.relaxed, count),
                None => (0..slope.len()).collect(),
            };
            for at in moved {
                let by = step * width(at) * f64::from(slope[at]).signum();
                if slope[at] != 0.0 && slope[at].is_finite() {
                    start.relaxed[at] =
                        ((f64::from(start.relaxed[at]) - by) as f32).clamp(limits.low[at], limits.high[at]);
                }
            }
            start.legal.clone_from(&start.relaxed);
            row.domain.project_within(row.original, row.reach, &mut start.legal);
        }
        let candidates: Vec<Vec<f32>> = starts.iter().map(|s| s.legal.clone()).collect();
        for (candidate, answer) in candidates.iter().zip(asker.ask(&candidates)?) {
            let cost = row.domain.cost(row.original, candidate);
            if answer.reached && best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, candidate.clone()));
            }
        }
        if !asker.may() {
            break;
        }
    }
    match best {
        None => Ok(None),
        Some((_, success)) => Ok(Some(row.found(reduce(asker, row.domain, row.original, success)?))),
    }
}

/// The columns that bring most for their price in the direction of descent, where they can still move.
fn steepest(row: &Row<'_>, slope: &[f32], limits: &Limits, at: &[f32], count: usize) -> Vec<usize> {
    let can_move = |c: &usize| {
        let end = if slope[*c] > 0.0 { limits.low[*c] } else { limits.high[*c] };
        slope[*c] != 0.0 && slope[*c].is_finite() && at[*c] != end
    };
    let mut worth: Vec<(usize, f64)> = (0..slope.len())
        .filter(can_move)
        .map(|at| {
            let price = match row.domain.group_of(at) {
                Some(group) => group.cost,
                None if slope[at] > 0.0 => row.domain.columns()[at].cost.down,
                None => row.domain.columns()[at].cost.up,
            };
            (at, f64::from(slope[at]).abs() / price.max(1e-9))
        })
        .collect();
    worth.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    worth.into_iter().take(count).map(|(at, _)| at).collect()
}
