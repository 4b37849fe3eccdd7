//! Evolution under constraints: a population of legal rows that trades what is missing for cost.
//!
//! NSGA-II (Deb et al. 2002) with two objectives, how far the aim is and what the row costs; the constraints of MOEVA
//! (Simonetto et al. 2022) need no third one here, because every child is projected onto the domain before it is
//! asked. It finds what needs several changes at once, which coordinate search does not.

use super::asker::Asker;
use super::coordinate::{Coordinate, coordinates};
use super::reduce::reduce;
use super::{Found, Row};
use crate::{Chance, RobustnessError};

#[derive(Debug, Clone)]
struct Individual {
    row: Vec<f32>,
    missing: f64,
    cost: f64,
    reached: bool,
}

/// Breeds until the queries are used up, then makes the cheapest success cheaper.
pub(super) fn search(
    row: &Row<'_>,
    asker: &mut Asker<'_>,
    population: usize,
    generations: usize,
    chance: &mut Chance,
) -> Result<Option<Found>, RobustnessError> {
    let all = coordinates(row.domain, row.original, row.reach.eps);
    if all.is_empty() {
        return Ok(None);
    }
    let limits = row.domain.limits(row.original, row.reach.eps);
    // A fifth of the queries is kept for the way back.
    let total = asker.limit;
    asker.limit = total - total / 5;
    let first: Vec<Vec<f32>> = (0..population)
        .map(|i| {
            let mut child = row.original.to_vec();
            match row.donors.get(i % (row.donors.len() + 1)) {
                Some(donor) => {
                    let share = chance.unit();
                    let whole = i < row.donors.len();
                    for coordinate in &all {
                        if whole || chance.unit() < share {
                            coordinate.copy(row.domain, donor, &mut child);
                        }
                    }
                }
                None => {
                    let share = chance.unit();
                    for coordinate in &all {
                        if chance.unit() < share {
                            coordinate.draw(row.domain, &limits, chance, &mut child);
                        }
                    }
                }
            }
            child
        })
        .collect();
    let mut living = judge(row, asker, first)?;
    for _ in 0..generations {
        if !asker.may() || living.is_empty() {
            break;
        }
        let children = (0..population)
            .map(|_| {
                // The living are sorted, so the earlier of two wins the tournament.
                let pick = |chance: &mut Chance| chance.below(living.len()).min(chance.below(living.len()));
                let (mother, father) = (pick(chance), pick(chance));
                let mut child = living[mother].row.clone();
                for coordinate in &all {
                    if chance.coin() {
                        coordinate.copy(row.domain, &living[father].row, &mut child);
                    }
                }
                mutate(row, &all, &limits, chance, &mut child);
                child
            })
            .collect();
        living.extend(judge(row, asker, children)?);
        living = survivors(living, population);
    }
    asker.limit = total;
    let cheapest =
        living.into_iter().filter(|i| i.reached).reduce(|a, b| if b.cost < a.cost { b } else { a });
    match cheapest {
        None => Ok(None),
        Some(best) => Ok(Some(row.found(reduce(asker, row.domain, row.original, best.row)?))),
    }
}

fn mutate(
    row: &Row<'_>,
    all: &[Coordinate],
    limits: &crate::domain::Limits,
    chance: &mut Chance,
    child: &mut [f32],
) {
    let rate = 1.5 / all.len() as f64;
    for coordinate in all {
        if chance.unit() >= rate {
            continue;
        }
        match chance.below(10) {
            0..=3 => coordinate.copy(row.domain, row.original, child),
            4..=5 if !row.donors.is_empty() => {
                let donor = &row.donors[chance.below(row.donors.len())];
                coordinate.copy(row.domain, donor, child);
            }
            4..=6 => coordinate.draw(row.domain, limits, chance, child),
            _ => coordinate.nudge(row.domain, limits, chance, child),
        }
    }
}

/// Projects, drops twins and asks.
fn judge(
    row: &Row<'_>,
    asker: &mut Asker<'_>,
    mut rows: Vec<Vec<f32>>,
) -> Result<Vec<Individual>, RobustnessError> {
    for candidate in &mut rows {
        row.domain.project_within(row.original, row.reach, candidate);
    }
    let mut unique: Vec<Vec<f32>> = Vec::with_capacity(rows.len());
    for candidate in rows {
        if candidate != row.original && !unique.contains(&candidate) {
            unique.push(candidate);
        }
    }
    let answers = asker.ask(&unique)?;
    Ok(unique
        .into_iter()
        .zip(answers)
        .map(|(candidate, answer)| Individual {
            cost: row.domain.cost(row.original, &candidate),
            row: candidate,
            missing: if answer.reached { 0.0 } else { answer.missing.max(f64::MIN_POSITIVE) },
            reached: answer.reached,
        })
        .collect())
}

/// The best of a population: front after front, within the last one those that stand apart.
fn survivors(mut all: Vec<Individual>, keep: usize) -> Vec<Individual> {
    all.sort_by(|a, b| a.missing.total_cmp(&b.missing).then(a.cost.total_cmp(&b.cost)));
    all.dedup_by(|a, b| a.row == b.row);
    let mut kept: Vec<Individual> = Vec::with_capacity(keep);
    while kept.len() < keep && !all.is_empty() {
        // In order of what is missing, an individual is dominated if an earlier one costs no more.
        let mut cheapest = f64::INFINITY;
        let (mut front, mut rest) = (Vec::new(), Vec::new());
        for individual in all {
            if individual.cost < cheapest {
                cheapest = individual.cost;
                front.push(individual);
            } else {
                rest.push(individual);
            }
        }
        all = rest;
        if kept.len() + front.len() > keep {
            front = apart(front, keep - kept.len());
        }
        kept.extend(front);
    }
    kept
}

/// The `keep` members of a front with the largest crowding distance; its ends are infinitely far apart.
fn apart(front: Vec<Individual>, keep: usize) -> Vec<Individual> {
    let (first, last) = (front.first(), front.last());
    let spread = |f: fn(&Individual) -> f64| match (first, last) {
        (Some(a), Some(b)) => (f(a) - f(b)).abs().max(f64::MIN_POSITIVE),
        _ => 1.0,
    };
    let (missing, cost) = (spread(|i| i.missing), spread(|i| i.cost));
    let distance = |at: usize| match (at.checked_sub(1).and_then(|b| front.get(b)), front.get(at + 1)) {
        (Some(before), Some(after)) => {
            let by = (after.missing - before.missing).abs() / missing;
            let of = (after.cost - before.cost).abs() / cost;
            // Scores may be infinite; a difference of two such says nothing.
            if by.is_nan() { of } else { by + of }
        }
        _ => f64::INFINITY,
    };
    let mut order: Vec<(usize, f64)> = (0..front.len()).map(|at| (at, distance(at))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut chosen: Vec<usize> = order.into_iter().take(keep).map(|(at, _)| at).collect();
    chosen.sort_unstable();
    let mut front: Vec<Option<Individual>> = front.into_iter().map(Some).collect();
    chosen.into_iter().filter_map(|at| front.get_mut(at).and_then(Option::take)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn individual(missing: f64, cost: f64) -> Individual {
        Individual { row: vec![missing as f32, cost as f32], missing, cost, reached: missing == 0.0 }
    }

    #[test]
    fn what_nothing_dominates_survives() {
        let all = vec![
            individual(0.0, 5.0),
            individual(1.0, 2.0),
            individual(2.0, 3.0),
            individual(3.0, 0.5),
            individual(0.5, 6.0),
        ];
        let kept: Vec<f64> = survivors(all.clone(), 3).iter().map(|i| i.missing).collect();
        assert_eq!(kept, [0.0, 1.0, 3.0]);
        // Of a front that is too large the ends stay.
        let kept: Vec<f64> = survivors(all, 2).iter().map(|i| i.missing).collect();
        assert_eq!(kept, [0.0, 3.0]);
    }
}
