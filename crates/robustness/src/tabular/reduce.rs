//! Making a success cheaper: undo what was not needed, then shorten what was.

use super::asker::Asker;
use super::coordinate::{Coordinate, coordinates};
use crate::RobustnessError;
use crate::domain::Domain;

/// Shares of a change that are tried side by side.
const SHARES: usize = 8;
/// Times the shares are refined: a change is then known to 8^-3 of itself.
const REFINEMENTS: usize = 3;

/// The cheapest row found on the way back from `row`, which reaches the aim, to `original`.
pub(super) fn reduce(
    asker: &mut Asker<'_>,
    domain: &Domain,
    original: &[f32],
    row: Vec<f32>,
) -> Result<Vec<f32>, RobustnessError> {
    let mut best = row;
    undo(asker, domain, original, &mut best)?;
    for at in coordinates(domain, original, f64::INFINITY) {
        let Coordinate::Column(column) = at else { continue };
        for _ in 0..REFINEMENTS {
            let (from, to) = (f64::from(original[column]), f64::from(best[column]));
            if from == to || !asker.may() {
                break;
            }
            let shortened = |shares: &dyn Fn(usize) -> f64| -> Vec<Vec<f32>> {
                let shorter = |k| {
                    let mut candidate = best.clone();
                    candidate[column] = (from + (to - from) * shares(k)) as f32;
                    candidate
                };
                (1..SHARES).map(shorter).collect()
            };
            // Where even seven eighths are too little, look between them and all of it.
            let coarse = shortened(&|k| k as f64 / SHARES as f64);
            let fine = shortened(&|k| 1.0 - k as f64 / (SHARES * SHARES) as f64);
            let better = cheaper(asker, domain, original, coarse, &mut best)?
                || cheaper(asker, domain, original, fine, &mut best)?;
            if !better {
                break;
            }
        }
    }
    undo(asker, domain, original, &mut best)?;
    Ok(best)
}

/// Restores one coordinate after another, the dearest that can be spared first.
fn undo(
    asker: &mut Asker<'_>,
    domain: &Domain,
    original: &[f32],
    best: &mut Vec<f32>,
) -> Result<(), RobustnessError> {
    while asker.may() {
        let changed: Vec<Coordinate> = coordinates(domain, original, f64::INFINITY)
            .into_iter()
            .filter(|c| c.columns(domain).iter().any(|at| best[*at] != original[*at]))
            .collect();
        let from = best.clone();
        let restored = |coordinate: &Coordinate| {
            let mut candidate = from.clone();
            coordinate.copy(domain, original, &mut candidate);
            candidate
        };
        let candidates = changed.iter().map(restored).collect();
        if !cheaper(asker, domain, original, candidates, best)? {
            break;
        }
    }
    Ok(())
}

/// Replaces `best` by the cheapest candidate that still reaches the aim for less.
fn cheaper(
    asker: &mut Asker<'_>,
    domain: &Domain,
    original: &[f32],
    candidates: Vec<Vec<f32>>,
    best: &mut Vec<f32>,
) -> Result<bool, RobustnessError> {
    let cost = domain.cost(original, best);
    let worth: Vec<(f64, Vec<f32>)> = candidates
        .into_iter()
        .map(|mut candidate| {
            domain.project(original, &mut candidate);
            (domain.cost(original, &candidate), candidate)
        })
        .filter(|(c, candidate)| *c < cost && candidate != best)
        .collect();
    let rows: Vec<Vec<f32>> = worth.iter().map(|(_, row)| row.clone()).collect();
    let answers = asker.ask(&rows)?;
    let cheapest = worth
        .into_iter()
        .zip(answers)
        .filter(|(_, answer)| answer.reached)
        .map(|(candidate, _)| candidate)
        .reduce(|a, b| if b.0 < a.0 { b } else { a });
    Ok(cheapest.map(|(_, row)| *best = row).is_some())
}
