//! The nearest row that can exist, or one that is near: what an attack does after every step.
//!
//! Ranges, directions, grids and categories are projected column by column, which is exact. Relations tie columns
//! together; they are repaired by sweeps of weighted projections onto one relation at a time (Kaczmarz), first over
//! the continuous columns and then in whole steps over the others. Where that does not end in a legal row, the wish
//! is drawn back towards the original, which is legal; so the result always is.

use super::{Compare, Domain, Relation};
use crate::{Ball, Norm, Threat};

/// Sweeps over the relations before a repair is given up.
const SWEEPS: usize = 12;
/// Times a wish is drawn half-way back to the original.
const RETREATS: usize = 6;
/// Halvings of the way to the original in search of what a budget allows.
const BISECTIONS: usize = 16;

/// How far an attack may go from a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reach {
    /// Most it may cost.
    pub budget: f64,
    /// Largest change of any value.
    pub eps: f64,
}

/// The values each column of one row can take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Limits {
    pub low: Vec<f32>,
    pub high: Vec<f32>,
}

impl Domain {
    /// The values each column can take where `original` is what one starts from.
    pub(crate) fn limits(&self, original: &[f32], eps: f64) -> Limits {
        let threat = Threat::new(Norm::Linf, eps).within(f32::MIN, f32::MAX);
        let ball = Ball::new(&threat, &[original.len()], original);
        let low = self.columns.iter().enumerate().map(|(at, column)| {
            let low = if column.change.down() { column.low } else { original[at] };
            low.max(ball.low()[at]).min(original[at])
        });
        let high = self.columns.iter().enumerate().map(|(at, column)| {
            let high = if column.change.up() { column.high } else { original[at] };
            high.min(ball.high()[at]).max(original[at])
        });
        Limits { low: low.collect(), high: high.collect() }
    }

    /// Moves `row` to a legal row near it that can be made of `original`.
    pub fn project(&self, original: &[f32], row: &mut [f32]) {
        self.project_within(original, Reach { budget: f64::INFINITY, eps: f64::INFINITY }, row);
    }

    /// As [`Domain::project`], no dearer than the budget and no further than eps in any column.
    pub(crate) fn project_within(&self, original: &[f32], reach: Reach, row: &mut [f32]) {
        let limits = self.limits(original, reach.eps);
        self.legalise(original, &limits, row);
        if self.cost(original, row) > reach.budget {
            self.afford(original, &limits, reach.budget, row);
        }
    }

    /// Ends in a row that [`Domain::admits`].
    fn legalise(&self, original: &[f32], limits: &Limits, row: &mut [f32]) {
        let wish = row.to_vec();
        for retreat in 0..=RETREATS {
            let share = 0.5f64.powi(retreat as i32);
            for (at, value) in row.iter_mut().enumerate() {
                let (from, to) = (f64::from(original[at]), f64::from(wish[at]));
                *value = if retreat == 0 { wish[at] } else { (from + share * (to - from)) as f32 };
            }
            self.snap(original, limits, row);
            if self.repair(limits, row) && self.admits(original, row).is_ok() {
                return;
            }
        }
        row.copy_from_slice(original);
    }

    /// Ranges, directions, grids and categories.
    fn snap(&self, original: &[f32], limits: &Limits, row: &mut [f32]) {
        for (at, column) in self.columns.iter().enumerate() {
            if self.group_of[at].is_some() {
                continue;
            }
            let (low, high, before) = (limits.low[at], limits.high[at], original[at]);
            let wish = if row[at].is_nan() { before } else { row[at].clamp(low, high) };
            row[at] = match column.grid {
                Some(grid) if wish != before => grid.snap(wish, low, high).unwrap_or(before),
                _ => wish,
            };
        }
        for group in &self.groups {
            let hot = group.columns.iter().copied().find(|c| original[*c] == 1.0);
            let wished = hot.filter(|hot| limits.low[*hot] <= 0.0).and_then(|hot| {
                let takeable = |c: &usize| *c == hot || limits.high[*c] >= 1.0;
                let better = |best: usize, next: usize| if row[next] > row[best] { next } else { best };
                group.columns.iter().copied().filter(takeable).reduce(better)
            });
            if let Some(taken) = wished.or(hot) {
                for column in &group.columns {
                    row[*column] = if *column == taken { 1.0 } else { 0.0 };
                }
            }
        }
    }

    /// Moves columns within their limits until every relation holds; says whether that worked.
    pub(crate) fn repair(&self, limits: &Limits, row: &mut [f32]) -> bool {
        for _ in 0..SWEEPS {
            let mut broken = false;
            for relation in &self.relations {
                if !relation.holds(row) {
                    broken = true;
                    self.restore(relation, limits, row);
                }
            }
            if !broken {
                return true;
            }
        }
        self.relations.iter().all(|r| r.holds(row))
    }

    /// One relation.
    fn restore(&self, relation: &Relation, limits: &Limits, row: &mut [f32]) {
        let movable = |at: usize| self.group_of[at].is_none() && limits.low[at] < limits.high[at];
        let free = |grid: bool| {
            relation
                .terms
                .iter()
                .copied()
                .filter(move |(at, _)| movable(*at) && self.columns[*at].grid.is_some() == grid)
        };
        let mut active: Vec<(usize, f64)> = free(false).collect();
        while !active.is_empty() {
            let width = |at: usize| f64::from(limits.high[at]) - f64::from(limits.low[at]);
            let excess = relation.aimed(row);
            let norm: f64 = active.iter().map(|(at, f)| (f * width(*at)).powi(2)).sum();
            if excess == 0.0 || !(norm > 0.0 && norm.is_finite()) {
                break;
            }
            let before = active.len();
            active.retain(|(at, f)| {
                let wish = f64::from(row[*at]) - excess * f * width(*at).powi(2) / norm;
                row[*at] = (wish as f32).clamp(limits.low[*at], limits.high[*at]);
                // What has reached its end leaves the rest to the others.
                wish > f64::from(limits.low[*at]) && wish < f64::from(limits.high[*at])
            });
            if active.len() == before {
                break;
            }
        }
        let mut stepped: Vec<(usize, f64, super::Grid)> =
            free(true).filter_map(|(at, f)| Some((at, f, self.columns[at].grid?))).collect();
        // Large steps first where a sum has to be met, small ones first where it must only not be passed.
        stepped.sort_by(|a, b| {
            let (a, b) = ((a.1 * a.2.step).abs(), (b.1 * b.2.step).abs());
            if relation.is == Compare::Equal { b.total_cmp(&a) } else { a.total_cmp(&b) }
        });
        for (at, factor, grid) in stepped {
            let excess = relation.excess(row);
            if excess.abs() <= relation.tolerance {
                break;
            }
            let steps = excess / (factor * grid.step);
            let whole = match relation.is {
                Compare::Equal => (steps + 1e-6 * steps.signum()).trunc(),
                Compare::AtMost => steps.abs().ceil() * steps.signum(),
            };
            let wish = (f64::from(row[at]) - whole * grid.step) as f32;
            if let Some(value) = grid.snap(wish, limits.low[at], limits.high[at]) {
                row[at] = value;
            }
        }
    }

    /// Gives up the smallest changes while touching columns alone is too dear, then shortens what is left.
    fn afford(&self, original: &[f32], limits: &Limits, budget: f64, row: &mut [f32]) {
        let share = |at: usize, row: &[f32]| {
            let width = f64::from(self.columns[at].high) - f64::from(self.columns[at].low);
            (f64::from(row[at]) - f64::from(original[at])).abs() / width.max(f64::MIN_POSITIVE)
        };
        let mut touched: Vec<usize> = (0..row.len()).filter(|at| row[*at] != original[*at]).collect();
        touched.sort_by(|a, b| share(*a, row).total_cmp(&share(*b, row)).then(a.cmp(b)));
        let entry = |row: &[f32]| -> f64 {
            let changed = |at: &usize| row[*at] != original[*at] && self.group_of[*at].is_none();
            let once: f64 = (0..row.len()).filter(changed).map(|at| self.columns[at].cost.once).sum();
            let groups = self.groups.iter().filter(|g| g.columns.iter().any(|c| row[*c] != original[*c]));
            once + groups.map(|g| g.cost).sum::<f64>()
        };
        for at in touched {
            if entry(row) <= budget {
                break;
            }
            match self.group_of(at) {
                None => row[at] = original[at],
                Some(group) => group.columns.iter().for_each(|c| row[*c] = original[*c]),
            }
        }
        let far = row.to_vec();
        let mut best = original.to_vec();
        let (mut low, mut high) = (0.0f64, 1.0f64);
        for bisection in 0..BISECTIONS {
            let share = if bisection == 0 { 1.0 } else { f64::midpoint(low, high) };
            let mut candidate = far.clone();
            for (at, value) in candidate.iter_mut().enumerate() {
                if self.group_of[at].is_none() {
                    let from = f64::from(original[at]);
                    *value = (from + share * (f64::from(far[at]) - from)) as f32;
                }
            }
            self.legalise(original, limits, &mut candidate);
            if self.cost(original, &candidate) <= budget {
                best = candidate;
                low = share;
                if bisection == 0 {
                    break;
                }
            } else {
                high = share;
            }
        }
        row.copy_from_slice(&best);
    }
}

impl Relation {
    /// The excess that a repair takes away: for a bound a little more than there is, so that rounding to float32
    /// does not leave the row beyond it.
    fn aimed(&self, row: &[f32]) -> f64 {
        let excess = self.excess(row);
        match self.is {
            Compare::Equal => excess,
            Compare::AtMost if excess <= 0.0 => 0.0,
            Compare::AtMost => {
                let size: f64 = self.terms.iter().map(|(at, f)| (f * f64::from(row[*at])).abs()).sum();
                excess + 4.0 * f64::from(f32::EPSILON) * size
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Change, Column, Cost, Grid, OneHot};
    use super::*;

    /// Seven columns with every kind of rule: a free number, a whole number that only grows, parts and their total,
    /// one of three categories of which the last can only be left.
    fn domain() -> Domain {
        let column = |name: &str, low, high, step: Option<f64>, change| Column {
            name: name.to_owned(),
            low,
            high,
            grid: step.map(|step| Grid { origin: 0.0, step }),
            change,
            cost: Cost { once: 0.5, up: 2.0, down: 1.0 },
        };
        let relation = |name: &str, terms: &[(usize, f64)], is, bound| Relation {
            name: name.to_owned(),
            terms: terms.to_vec(),
            is,
            bound,
            tolerance: 1e-4,
        };
        Domain::new(
            vec![
                column("free", 0.0, 1.0, None, Change::Free),
                column("grows", 0.0, 10.0, Some(1.0), Change::Up),
                column("part a", 0.0, 8.0, Some(0.5), Change::Free),
                column("part b", 0.0, 8.0, None, Change::Free),
                column("total", 0.0, 16.0, None, Change::Free),
                column("x", 0.0, 1.0, None, Change::Free),
                column("y", 0.0, 1.0, None, Change::Free),
                column("z", 0.0, 1.0, None, Change::Down),
                column("fixed", -1.0, 1.0, None, Change::Never),
            ],
            vec![OneHot { columns: vec![5, 6, 7], cost: 3.0 }],
            vec![
                relation("total", &[(2, 1.0), (3, 1.0), (4, -1.0)], Compare::Equal, 0.0),
                relation("grows at most total", &[(1, 1.0), (4, -1.0)], Compare::AtMost, 0.0),
            ],
        )
        .unwrap()
    }

    const ORIGINAL: [f32; 9] = [0.3, 2.0, 1.5, 2.25, 3.75, 0.0, 0.0, 1.0, 0.1];

    proptest! {
        #[test]
        fn a_projection_is_always_admitted(
            wish in prop::collection::vec(prop_oneof![9 => -20.0f32..20.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)], 9),
            budget in prop_oneof![Just(f64::INFINITY), 0.0f64..20.0],
            eps in prop_oneof![Just(f64::INFINITY), 0.01f64..4.0],
        ) {
            let domain = domain();
            prop_assert_eq!(domain.illegal(&ORIGINAL), None);
            let mut row = wish;
            domain.project_within(&ORIGINAL, Reach { budget, eps }, &mut row);
            prop_assert_eq!(domain.admits(&ORIGINAL, &row), Ok(()));
            prop_assert!(domain.cost(&ORIGINAL, &row) <= budget);
            prop_assert!(Norm::Linf.distance(&[9], &ORIGINAL, &row) <= eps);
        }
    }

    #[test]
    fn relations_are_repaired_rather_than_given_up() {
        let domain = domain();
        let mut row = ORIGINAL;
        row[3] = 6.0;
        domain.project(&ORIGINAL, &mut row);
        // The parts moved up and the total with them.
        assert!(row[3] > 2.5 && (row[2] + row[3] - row[4]).abs() < 1e-4, "{row:?}");
        let mut row = ORIGINAL;
        row[1] = 9.0;
        domain.project(&ORIGINAL, &mut row);
        assert!(row[1] > 2.0 && row[1] <= row[4] + 1e-4, "{row:?}");
    }

    #[test]
    fn categories_change_as_far_as_they_may() {
        let domain = domain();
        let mut row = ORIGINAL;
        row[6] = 2.0;
        domain.project(&ORIGINAL, &mut row);
        assert_eq!(row[5..8], [0.0, 1.0, 0.0]);
        // From x there is no way to z, which can only be left.
        let mut from = ORIGINAL;
        (from[5], from[7]) = (1.0, 0.0);
        let mut row = from;
        row[7] = 5.0;
        domain.project(&from, &mut row);
        assert_eq!(row[5..8], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_budget_shortens_the_way() {
        let domain = domain();
        let mut row = ORIGINAL;
        row[0] = 1.0;
        domain.project_within(&ORIGINAL, Reach { budget: 1.0, eps: f64::INFINITY }, &mut row);
        let cost = domain.cost(&ORIGINAL, &row);
        assert!(cost <= 1.0 && cost > 0.99, "{cost}");
        assert!((row[0] - 0.55).abs() < 1e-3);
    }
}
