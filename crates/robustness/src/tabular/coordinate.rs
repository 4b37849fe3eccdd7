//! What can be changed by itself: a column, or the category of a one-hot group.

use crate::Chance;
use crate::domain::{Domain, Limits};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coordinate {
    Column(usize),
    Group(usize),
}

/// Everything that can change in a row.
pub(super) fn coordinates(domain: &Domain, original: &[f32], eps: f64) -> Vec<Coordinate> {
    let limits = domain.limits(original, eps);
    let columns = (0..original.len())
        .filter(|at| domain.group_of(*at).is_none() && limits.low[*at] < limits.high[*at])
        .map(Coordinate::Column);
    let groups = (0..domain.groups().len())
        .filter(|g| domain.groups()[*g].columns.iter().filter(|c| limits.high[**c] >= 1.0).count() > 1)
        .map(Coordinate::Group);
    columns.chain(groups).collect()
}

impl Coordinate {
    /// The columns it consists of.
    pub(super) fn columns(self, domain: &Domain) -> Vec<usize> {
        match self {
            Self::Column(at) => vec![at],
            Self::Group(g) => domain.groups()[g].columns.clone(),
        }
    }

    /// Takes its part of another row.
    pub(super) fn copy(self, domain: &Domain, from: &[f32], row: &mut [f32]) {
        match self {
            Self::Column(at) => row[at] = from[at],
            Self::Group(g) => domain.groups()[g].columns.iter().for_each(|c| row[*c] = from[*c]),
        }
    }

    /// A random value.
    pub(super) fn draw(self, domain: &Domain, limits: &Limits, chance: &mut Chance, row: &mut [f32]) {
        match self {
            Self::Column(at) => {
                let (low, high) = (f64::from(limits.low[at]), f64::from(limits.high[at]));
                row[at] = (low + (high - low) * chance.unit()) as f32;
            }
            Self::Group(g) => {
                let columns = &domain.groups()[g].columns;
                columns.iter().for_each(|c| row[*c] = 0.0);
                row[columns[chance.below(columns.len())]] = 1.0;
            }
        }
    }

    /// A value near the current one.
    pub(super) fn nudge(self, domain: &Domain, limits: &Limits, chance: &mut Chance, row: &mut [f32]) {
        match self {
            Self::Column(at) => {
                let width = f64::from(limits.high[at]) - f64::from(limits.low[at]);
                let least = domain.columns()[at].grid.map_or(0.0, |g| g.step);
                row[at] = (f64::from(row[at]) + chance.normal() * (0.1 * width).max(least)) as f32;
            }
            Self::Group(_) => self.draw(domain, limits, chance, row),
        }
    }
}
