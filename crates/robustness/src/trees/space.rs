//! The legal rows that can be made of one row, as a box over coordinates: a column by itself, or the category of a
//! one-hot group.

use proofhouse_onnx::Interval;

use crate::domain::{Compare, Domain, Limits, Relation};

/// What a coordinate may still be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Set {
    Range(Interval),
    /// Categories of a group, a bit each.
    Among(u64),
}

impl Set {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Range(a), Self::Range(b)) => Self::Range(a.and(b)),
            (Self::Among(a), Self::Among(b)) => Self::Among(a & b),
            // A coordinate has one kind.
            (set, _) => set,
        }
    }

    pub(super) fn is_empty(self) -> bool {
        match self {
            Self::Range(interval) => interval.is_empty(),
            Self::Among(categories) => categories == 0,
        }
    }

    /// Two parts of `self`, the first of which holds `part`, which is not all of it.
    pub(super) fn split(self, part: Self) -> (Self, Self) {
        match (self, part) {
            (Self::Range(whole), Self::Range(part)) => {
                let at = if part.to < whole.to { part.to } else { part.above };
                let low = whole.and(Interval { above: f32::NEG_INFINITY, to: at });
                let high = whole.and(Interval { above: at, to: f32::INFINITY });
                (Self::Range(low), Self::Range(high))
            }
            (Self::Among(whole), Self::Among(part)) => {
                (Self::Among(whole & part), Self::Among(whole & !part))
            }
            (set, _) => (set, Self::Among(0)),
        }
    }
}

/// The legal rows that can be made of one row, coordinate by coordinate.
pub(super) struct Space<'a> {
    pub domain: &'a Domain,
    pub row: &'a [f32],
    /// The coordinate of each column.
    of_column: Vec<usize>,
    /// The columns of each coordinate.
    columns: Vec<Vec<usize>>,
    pub whole: Vec<Set>,
}

impl<'a> Space<'a> {
    pub(super) fn new(domain: &'a Domain, row: &'a [f32]) -> Self {
        let limits = domain.limits(row, f64::INFINITY);
        let mut space =
            Self { domain, row, of_column: vec![0; row.len()], columns: Vec::new(), whole: Vec::new() };
        for at in 0..row.len() {
            if domain.group_of(at).is_none() {
                let allowed = Interval { above: limits.low[at].next_down(), to: limits.high[at] };
                space.of_column[at] = space.columns.len();
                space.columns.push(vec![at]);
                let allowed = space.on_grid(at, allowed);
                space.whole.push(Set::Range(allowed));
            }
        }
        for group in domain.groups() {
            let hot = group.columns.iter().position(|c| row[*c] == 1.0).unwrap_or(0);
            let leave = limits.low[group.columns[hot]] <= 0.0;
            let mut categories = 0u64;
            for (bit, column) in group.columns.iter().enumerate() {
                space.of_column[*column] = space.columns.len();
                if bit == hot || (leave && limits.high[*column] >= 1.0) {
                    categories |= 1 << bit;
                }
            }
            space.columns.push(group.columns.clone());
            space.whole.push(Set::Among(categories));
        }
        space
    }

    /// An interval with ends that are values the column can have, the row's own included, so that an empty one is
    /// seen to be empty.
    fn on_grid(&self, column: usize, interval: Interval) -> Interval {
        let Some(grid) = self.domain.columns()[column].grid else { return interval };
        let own = self.row[column];
        let floor = |v: f32| {
            let below = grid.floor(v);
            if own <= v { below.max(own) } else { below }
        };
        Interval { above: floor(interval.above), to: floor(interval.to) }
    }

    /// A leaf's bound on a column, as a bound on its coordinate.
    pub(super) fn bound(&self, column: usize, interval: Interval) -> (usize, Set) {
        let coordinate = self.of_column[column];
        let set = match self.whole[coordinate] {
            Set::Range(_) => Set::Range(self.on_grid(column, interval)),
            Set::Among(all) => {
                let bit = self.columns[coordinate].iter().position(|c| *c == column).unwrap_or(0);
                let hot = if interval.contains(1.0) { 1 << bit } else { 0 };
                let cold = if interval.contains(0.0) { all & !(1 << bit) } else { 0 };
                Set::Among(hot | cold)
            }
        };
        (coordinate, set)
    }

    /// The value of a set that is cheapest to get to.
    fn nearest(&self, coordinate: usize, interval: Interval) -> f32 {
        let column = self.columns[coordinate][0];
        let own = self.row[column];
        if own > interval.to {
            return interval.to;
        }
        if own > interval.above {
            return own;
        }
        match self.domain.columns()[column].grid {
            None => interval.above.next_up(),
            Some(grid) => grid
                .snap(interval.above.next_up().max(interval.above), interval.above.next_up(), interval.to)
                .unwrap_or(interval.to),
        }
    }

    pub(super) fn cost(&self, coordinate: usize, set: Set) -> f64 {
        match set {
            Set::Range(interval) => {
                let column = self.columns[coordinate][0];
                self.domain.columns()[column].cost.of(self.row[column], self.nearest(coordinate, interval))
            }
            Set::Among(categories) => {
                let columns = &self.columns[coordinate];
                let hot = columns.iter().position(|c| self.row[*c] == 1.0).unwrap_or(0);
                if categories & (1 << hot) != 0 {
                    0.0
                } else {
                    self.domain.group_of(columns[0]).map_or(0.0, |g| g.cost)
                }
            }
        }
    }

    /// The cheapest row of a space.
    pub(super) fn cheapest(&self, sets: &[Set]) -> Vec<f32> {
        let mut row = self.row.to_vec();
        for (coordinate, set) in sets.iter().enumerate() {
            let columns = &self.columns[coordinate];
            match *set {
                Set::Range(interval) => row[columns[0]] = self.nearest(coordinate, interval),
                Set::Among(categories) => {
                    let hot = columns.iter().position(|c| self.row[*c] == 1.0).unwrap_or(0);
                    let bit =
                        if categories & (1 << hot) != 0 { hot } else { categories.trailing_zeros() as usize };
                    for (at, column) in columns.iter().enumerate() {
                        row[*column] = f32::from(at == bit);
                    }
                }
            }
        }
        row
    }

    /// A space as limits of columns.
    pub(super) fn limits(&self, sets: &[Set]) -> Limits {
        let fixed = self.cheapest(sets);
        let mut limits = Limits { low: fixed.clone(), high: fixed };
        for (columns, set) in self.columns.iter().zip(sets) {
            if let Set::Range(interval) = set {
                limits.low[columns[0]] = interval.above.next_up();
                limits.high[columns[0]] = interval.to;
            }
        }
        limits
    }

    /// Whether a relation can hold anywhere in a space.
    pub(super) fn can_hold(&self, relation: &Relation, sets: &[Set]) -> bool {
        let (mut least, mut most) = (0.0f64, 0.0f64);
        for (column, factor) in &relation.terms {
            let coordinate = self.of_column[*column];
            let (low, high) = match sets[coordinate] {
                Set::Range(i) => (f64::from(i.above), f64::from(i.to)),
                Set::Among(categories) => {
                    let bit = self.columns[coordinate].iter().position(|c| c == column).unwrap_or(0);
                    let (can, only) = (categories & (1 << bit) != 0, categories == 1 << bit);
                    (f64::from(u8::from(only)), f64::from(u8::from(can)))
                }
            };
            least += (factor * low).min(factor * high);
            most += (factor * low).max(factor * high);
        }
        let room = relation.tolerance + 1e-9 * (least.abs() + most.abs());
        least <= relation.bound + room && (relation.is == Compare::AtMost || most >= relation.bound - room)
    }
}

/// A part of the space around `held` that does not touch `other`, with which `held` has nothing in common.
pub(super) fn between(held: Set, other: Set) -> Set {
    match (held, other) {
        (Set::Range(held), Set::Range(other)) if held.to <= other.above => {
            Set::Range(Interval { above: f32::NEG_INFINITY, to: other.above })
        }
        (Set::Range(_), Set::Range(other)) => Set::Range(Interval { above: other.to, to: f32::INFINITY }),
        (held, _) => held,
    }
}
