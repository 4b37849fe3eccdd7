//! Coordinate search: the change that brings the aim nearest for its price, one after another.
//!
//! Needs scores but no gradients, and is at home where gradients are not: among trees, whole numbers, categories.
//! Where no single change helps, as in the middle of a tree's box, the row takes over a part of one that the model
//! already treats as wanted.

use super::asker::Asker;
use super::coordinate::{Coordinate, coordinates};
use super::reduce::reduce;
use super::{Found, Row};
use crate::RobustnessError;

/// Shares of the way to either limit that are tried.
const SHARES: [f64; 6] = [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125];

/// Looks for the aim from the original row, and for less from there.
pub(super) fn search(row: &Row<'_>, asker: &mut Asker<'_>) -> Result<Option<Found>, RobustnessError> {
    let all = coordinates(row.domain, row.original, row.reach.eps);
    let mut at = row.original.to_vec();
    let mut missing = match asker.ask(std::slice::from_ref(&at))?.first() {
        Some(answer) => answer.missing,
        None => return Ok(None),
    };
    let mut donor = 0;
    for _ in 0..2 * all.len() + row.donors.len() {
        if !asker.may() {
            break;
        }
        let candidates = neighbours(row, &all, &at);
        if candidates.is_empty() {
            break;
        }
        let answers = asker.ask(&candidates)?;
        let here = row.domain.cost(row.original, &at);
        let costs: Vec<f64> = candidates.iter().map(|c| row.domain.cost(row.original, c)).collect();
        let judged = || candidates.iter().zip(&costs).zip(&answers);
        let reached =
            judged().filter(|(_, answer)| answer.reached).reduce(|a, b| if b.0.1 < a.0.1 { b } else { a });
        if let Some(((success, _), _)) = reached {
            let cheap = reduce(asker, row.domain, row.original, success.clone())?;
            return Ok(Some(row.found(cheap)));
        }
        // What a change brings for each unit of cost. What is free or refunds comes first.
        let worth = |cost: f64, to: f64| (missing - to) / ((cost - here).max(0.0) + 1e-9 * (1.0 + here));
        let best = judged()
            .filter(|(_, answer)| answer.missing < missing)
            .map(|((candidate, cost), answer)| (worth(*cost, answer.missing), candidate, answer.missing))
            .reduce(|a, b| if b.0 > a.0 { b } else { a });
        if let Some((_, candidate, to)) = best {
            at.clone_from(candidate);
            missing = to;
            continue;
        }
        // Nothing helps by itself: start again from a row of the wanted side, as far as the reach goes.
        let Some(other) = row.donors.get(donor) else { break };
        donor += 1;
        at.clone_from(other);
        row.domain.project_within(row.original, row.reach, &mut at);
        match asker.ask(std::slice::from_ref(&at))?.first() {
            Some(answer) if answer.reached => {
                let cheap = reduce(asker, row.domain, row.original, at)?;
                return Ok(Some(row.found(cheap)));
            }
            Some(answer) => missing = answer.missing,
            None => break,
        }
    }
    Ok(None)
}

/// Legal rows that differ from `at` in one coordinate, and in what relations take along.
fn neighbours(row: &Row<'_>, all: &[Coordinate], at: &[f32]) -> Vec<Vec<f32>> {
    let limits = row.domain.limits(row.original, row.reach.eps);
    let mut candidates: Vec<Vec<f32>> = Vec::new();
    let mut push = |change: &dyn Fn(&mut [f32])| {
        let mut candidate = at.to_vec();
        change(&mut candidate);
        row.domain.project_within(row.original, row.reach, &mut candidate);
        if candidate != at && candidates.last() != Some(&candidate) {
            candidates.push(candidate);
        }
    };
    for coordinate in all {
        match *coordinate {
            Coordinate::Column(column) => {
                let here = f64::from(at[column]);
                for end in [limits.low[column], limits.high[column]] {
                    for share in SHARES {
                        push(&|c| c[column] = (here + share * (f64::from(end) - here)) as f32);
                    }
                }
                if let Some(grid) = row.domain.columns()[column].grid {
                    push(&|c| c[column] = (here + grid.step) as f32);
                    push(&|c| c[column] = (here - grid.step) as f32);
                }
            }
            Coordinate::Group(g) => {
                let columns = &row.domain.groups()[g].columns;
                for taken in columns {
                    push(&|c| columns.iter().for_each(|at| c[*at] = f32::from(*at == *taken)));
                }
            }
        }
        for donor in row.donors.iter().take(3) {
            push(&|c| coordinate.copy(row.domain, donor, c));
        }
    }
    candidates
}
