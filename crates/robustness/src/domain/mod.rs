//! What rows can exist, which of them somebody can make of a given row, and what that costs.
//!
//! A perturbation of ±0.03 in every feature means nothing in a table: an age is a whole number, one of five
//! professions holds, a date of birth stays, a number of past payments only grows, and a total is the sum of its
//! parts. A [`Domain`] says so once, in the units of the model's input; attacks project every candidate onto it and
//! every result is held against it again ([`Domain::admits`]). What a change costs whoever makes it is part of the
//! domain as well ([`Cost`]), so that robustness can be said in the attacker's money instead of in a norm.
//!
//! Related work: Simonetto et al., *A Unified Framework for Adversarial Attack and Defense in Constrained Feature
//! Space* (IJCAI 2022); Kireev, Kulynych, Troncoso, *Adversarial Robustness for Tabular Data through Cost and Utility
//! Awareness* (NDSS 2023).

mod project;
mod words;

pub(crate) use project::{Limits, Reach};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RobustnessError;

/// Most columns of a one-hot group: a set of categories is a word of the machine.
pub const MAX_CATEGORIES: usize = 64;

/// The rows that can exist, and the changes that can be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    columns: Vec<Column>,
    groups: Vec<OneHot>,
    relations: Vec<Relation>,
    /// The group of each column.
    group_of: Vec<Option<usize>>,
}

/// A column of the model's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, for people.
    pub name: String,
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
    /// The values it can have, where not every number between the two: whole numbers, or whole numbers after the
    /// model's scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// Which changes are possible.
    #[serde(default)]
    pub change: Change,
    /// What a change costs.
    #[serde(default)]
    pub cost: Cost,
}

/// Values `origin + k * step` for whole k.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// One of the values.
    pub origin: f64,
    /// Their distance.
    pub step: f64,
}

/// Which way a column can be changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Both ways.
    #[default]
    Free,
    /// Not at all.
    Never,
    /// Only to larger values.
    Up,
    /// Only to smaller values.
    Down,
}

/// What it costs to change a column: a price for touching it, and a price for every unit of the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// For changing it at all.
    pub once: f64,
    /// For each unit upwards.
    pub up: f64,
    /// For each unit downwards.
    pub down: f64,
}

impl Default for Cost {
    /// A unit costs 1 in either direction: costs are distances in the L1 norm.
    fn default() -> Self {
        Self { once: 0.0, up: 1.0, down: 1.0 }
    }
}

impl Cost {
    /// What it costs to get from one value to another.
    #[must_use]
    pub fn of(&self, from: f32, to: f32) -> f64 {
        let by = f64::from(to) - f64::from(from);
        if by == 0.0 { 0.0 } else { self.once + if by > 0.0 { self.up * by } else { -self.down * by } }
    }
}

/// Columns of which exactly one is 1 and the others are 0: a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneHot {
    /// Indices of the columns. A column's [`Change`] says whether its category can be taken (up) and left (down);
    /// its own cost is not asked.
    pub columns: Vec<usize>,
    /// What it costs to change the category.
    pub cost: f64,
}

/// A linear relation between columns: the sum of `factor * value` compared with `bound`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// What it says, for people.
    pub name: String,
    /// Columns and their factors.
    pub terms: Vec<(usize, f64)>,
    /// How the sum is compared.
    pub is: Compare,
    /// With what.
    pub bound: f64,
    /// How far beyond is still taken for rounding.
    pub tolerance: f64,
}

/// How a sum is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// The sum is at most the bound.
    AtMost,
    /// The sum is the bound.
    Equal,
}

impl Relation {
    /// How far the row is from keeping it: 0 where it does; signed, so that a negative number is a sum too small.
    #[must_use]
    pub fn excess(&self, row: &[f32]) -> f64 {
        let sum: f64 = self.terms.iter().map(|(at, factor)| factor * f64::from(row[*at])).sum();
        match self.is {
            Compare::AtMost => (sum - self.bound).max(0.0),
            Compare::Equal => sum - self.bound,
        }
    }

    /// Whether the row keeps it.
    #[must_use]
    pub fn holds(&self, row: &[f32]) -> bool {
        self.excess(row).abs() <= self.tolerance
    }
}

/// Why a row cannot exist, or cannot be made of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The column, the columns of a group or the name of the relation.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl Grid {
    /// The value nearest to `value` within `low..=high`.
    #[must_use]
    pub fn snap(&self, value: f32, low: f32, high: f32) -> Option<f32> {
        let nearest = ((f64::from(value) - self.origin) / self.step).round();
        let clamp = |k: f64| (self.origin + k * self.step) as f32;
        let lowest = ((f64::from(low) - self.origin) / self.step).ceil();
        let highest = ((f64::from(high) - self.origin) / self.step).floor();
        [nearest, nearest.clamp(lowest.min(highest), highest), lowest, lowest + 1.0, highest, highest - 1.0]
            .into_iter()
            .map(clamp)
            .find(|v| (low..=high).contains(v))
    }

    /// The largest value of the grid that is not above `value`.
    pub(crate) fn floor(&self, value: f32) -> f32 {
        if !value.is_finite() {
            return value;
        }
        let k = ((f64::from(value) - self.origin) / self.step).floor();
        // Rounding may have put the neighbour on either side.
        [1.0, 0.0, -1.0]
            .into_iter()
            .map(|shift| (self.origin + (k + shift) * self.step) as f32)
            .find(|v| *v <= value)
            .unwrap_or(value)
    }

    /// Whether a value lies on it.
    #[must_use]
    pub fn holds(&self, value: f32) -> bool {
        let k = ((f64::from(value) - self.origin) / self.step).round();
        (self.origin + k * self.step) as f32 == value
    }

    /// Whether a value lies on it but for rounding, as those do that another program scaled.
    fn nearly(&self, value: f32) -> bool {
        let k = (f64::from(value) - self.origin) / self.step;
        (k - k.round()).abs() <= 1e-3
    }
}

impl Change {
    pub(crate) const fn up(self) -> bool {
        matches!(self, Self::Free | Self::Up)
    }

    pub(crate) const fn down(self) -> bool {
        matches!(self, Self::Free | Self::Down)
    }
}

impl Domain {
    /// Columns, groups and relations that agree with each other.
    ///
    /// # Errors
    /// A range that holds nothing, a step that is not positive, a negative cost, a group of one column or of more
    /// than [`MAX_CATEGORIES`], a column in two groups or with a grid in one, a relation about no column or about a
    /// column that is not there.
    pub fn new(
        columns: Vec<Column>,
        groups: Vec<OneHot>,
        relations: Vec<Relation>,
    ) -> Result<Self, RobustnessError> {
        let refuse = |what: String| Err(RobustnessError::Option(what));
        if columns.is_empty() {
            return refuse("a domain has at least one column".to_owned());
        }
        for column in &columns {
            let name = &column.name;
            if !(column.low.is_finite() && column.high.is_finite() && column.low <= column.high) {
                return refuse(format!(
                    "column {name}: the range {}..={} holds nothing",
                    column.low, column.high
                ));
            }
            let Cost { once, up, down } = column.cost;
            if [once, up, down].iter().any(|c| !(c.is_finite() && *c >= 0.0)) {
                return refuse(format!("column {name}: a cost is a number from 0"));
            }
            if let Some(grid) = column.grid
                && (!(grid.step.is_finite() && grid.step > 0.0 && grid.origin.is_finite())
                    || grid.snap(column.low, column.low, column.high).is_none())
            {
                return refuse(format!(
                    "column {name}: no multiple of {} from {} lies in {}..={}",
                    grid.step, grid.origin, column.low, column.high
                ));
            }
        }
        let mut group_of = vec![None; columns.len()];
        for (at, group) in groups.iter().enumerate() {
            if !(2..=MAX_CATEGORIES).contains(&group.columns.len()) {
                return refuse(format!("a one-hot group has 2 to {MAX_CATEGORIES} columns"));
            }
            if !(group.cost.is_finite() && group.cost >= 0.0) {
                return refuse("the cost of a category is a number from 0".to_owned());
            }
            for column in &group.columns {
                let (Some(of), Some(c)) = (group_of.get_mut(*column), columns.get(*column)) else {
                    return refuse(format!("a one-hot group names column {column}, which is not there"));
                };
                if of.replace(at).is_some() {
                    return refuse(format!("column {} is in two one-hot groups", c.name));
                }
                if c.grid.is_some() || c.low > 0.0 || c.high < 1.0 {
                    return refuse(format!(
                        "column {}: a one-hot column takes 0 and 1 and needs no other grid",
                        c.name
                    ));
                }
            }
        }
        for relation in &relations {
            let name = &relation.name;
            if relation.terms.is_empty() {
                return refuse(format!("relation {name} is about no column"));
            }
            if let Some((at, _)) = relation.terms.iter().find(|(at, _)| *at >= columns.len()) {
                return refuse(format!("relation {name} names column {at}, which is not there"));
            }
            let numbers = relation.terms.iter().map(|(_, f)| f).chain([&relation.bound, &relation.tolerance]);
            if numbers.into_iter().any(|v| !v.is_finite())
                || relation.tolerance < 0.0
                || relation.terms.iter().any(|(_, f)| *f == 0.0)
            {
                return refuse(format!(
                    "relation {name}: factors are numbers other than 0, the tolerance is not negative"
                ));
            }
        }
        Ok(Self { columns, groups, relations, group_of })
    }

    /// Every feature a number between `low` and `high`, changed at 1 a unit.
    ///
    /// # Errors
    /// As [`Domain::new`].
    pub fn continuous(features: usize, low: f32, high: f32) -> Result<Self, RobustnessError> {
        let column = |at| Column {
            name: format!("feature {at}"),
            low,
            high,
            grid: None,
            change: Change::Free,
            cost: Cost::default(),
        };
        Self::new((0..features).map(column).collect(), Vec::new(), Vec::new())
    }

    /// The columns, in the order of the model's input.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The one-hot groups.
    #[must_use]
    pub fn groups(&self) -> &[OneHot] {
        &self.groups
    }

    /// The relations.
    #[must_use]
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// The group a column belongs to.
    pub(crate) fn group_of(&self, column: usize) -> Option<&OneHot> {
        self.group_of.get(column).copied().flatten().and_then(|g| self.groups.get(g))
    }

    /// What changing one column costs. A category costs once: with the column that comes to hold it.
    #[must_use]
    pub fn price(&self, column: usize, from: f32, to: f32) -> Option<f64> {
        match self.group_of(column) {
            Some(group) => (to > from).then_some(group.cost),
            None => self.columns.get(column).map(|c| c.cost.of(from, to)),
        }
    }

    /// Why a row cannot exist; nothing where it can. Values that another program scaled may miss their grid by a
    /// thousandth of a step.
    #[must_use]
    pub fn illegal(&self, row: &[f32]) -> Option<Violation> {
        self.wrong(None, row)
    }

    /// Whether `row` can exist and be made of `original`, which can exist itself. A value that was changed lies on
    /// its grid to the last bit.
    ///
    /// # Errors
    /// The first thing that stands against it.
    pub fn admits(&self, original: &[f32], row: &[f32]) -> Result<(), Violation> {
        self.wrong(Some(original), row).map_or(Ok(()), Err)
    }

    fn wrong(&self, original: Option<&[f32]>, row: &[f32]) -> Option<Violation> {
        let broken = |place: &str, reason: String| Some(Violation { place: place.to_owned(), reason });
        if row.len() != self.columns.len() || original.is_some_and(|o| o.len() != row.len()) {
            return broken("row", format!("it has {} values for {} columns", row.len(), self.columns.len()));
        }
        for (at, (column, value)) in self.columns.iter().zip(row).enumerate() {
            let before = original.map(|o| o[at]);
            if !(column.low..=column.high).contains(value) {
                return broken(
                    &column.name,
                    format!("{value} lies outside {}..={}", column.low, column.high),
                );
            }
            let changed = before.is_some_and(|b| b != *value);
            if let Some(grid) = column.grid
                && !(if changed { grid.holds(*value) } else { grid.nearly(*value) })
            {
                return broken(&column.name, format!("{value} is not on its grid of {}", grid.step));
            }
            if let Some(before) = before
                && ((*value > before && !column.change.up()) || (*value < before && !column.change.down()))
            {
                return broken(&column.name, format!("it cannot be changed from {before} to {value}"));
            }
        }
        for group in &self.groups {
            let hot = group.columns.iter().filter(|c| row[**c] == 1.0).count();
            let cold = group.columns.iter().filter(|c| row[**c] == 0.0).count();
            if hot != 1 || cold + 1 != group.columns.len() {
                let names: Vec<_> = group.columns.iter().map(|c| self.columns[*c].name.as_str()).collect();
                return broken(&names.join(", "), "exactly one has to be 1 and the others 0".to_owned());
            }
        }
        self.relations
            .iter()
            .find(|relation| !relation.holds(row))
            .map(|r| Violation { place: r.name.clone(), reason: format!("missed by {}", r.excess(row)) })
    }

    /// What it costs to make `row` of `original`.
    #[must_use]
    pub fn cost(&self, original: &[f32], row: &[f32]) -> f64 {
        let columns = self
            .columns
            .iter()
            .zip(&self.group_of)
            .zip(original.iter().zip(row))
            .filter(|((_, group), _)| group.is_none())
            .map(|((column, _), (from, to))| column.cost.of(*from, *to));
        let groups =
            self.groups.iter().filter(|g| g.columns.iter().any(|c| original[*c] != row[*c])).map(|g| g.cost);
        columns.sum::<f64>() + groups.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, low: f32, high: f32) -> Column {
        Column { name: name.to_owned(), low, high, grid: None, change: Change::Free, cost: Cost::default() }
    }

    /// Age (whole, only grows), income, debt, and one of two professions; debt at most income.
    fn lending() -> Domain {
        Domain::new(
            vec![
                Column {
                    grid: Some(Grid { origin: 0.0, step: 1.0 }),
                    change: Change::Up,
                    ..column("age", 18.0, 99.0)
                },
                Column { cost: Cost { once: 10.0, up: 0.5, down: 0.0 }, ..column("income", 0.0, 1000.0) },
                column("debt", 0.0, 1000.0),
                column("farmer", 0.0, 1.0),
                column("fisher", 0.0, 1.0),
            ],
            vec![OneHot { columns: vec![3, 4], cost: 7.0 }],
            vec![Relation {
                name: "debt at most income".to_owned(),
                terms: vec![(2, 1.0), (1, -1.0)],
                is: Compare::AtMost,
                bound: 0.0,
                tolerance: 1e-3,
            }],
        )
        .unwrap()
    }

    #[test]
    fn each_rule_is_held() {
        let domain = lending();
        let original = [30.0, 500.0, 100.0, 1.0, 0.0];
        assert_eq!(domain.illegal(&original), None);
        let wrong = |row: [f32; 5]| domain.admits(&original, &row).unwrap_err().place;
        assert_eq!(wrong([31.5, 500.0, 100.0, 1.0, 0.0]), "age");
        assert_eq!(wrong([29.0, 500.0, 100.0, 1.0, 0.0]), "age");
        assert_eq!(wrong([30.0, 500.0, 1001.0, 1.0, 0.0]), "debt");
        assert_eq!(wrong([30.0, 500.0, 501.0, 1.0, 0.0]), "debt at most income");
        assert_eq!(wrong([30.0, 500.0, 100.0, 1.0, 1.0]), "farmer, fisher");
        assert_eq!(wrong([30.0, f32::NAN, 100.0, 1.0, 0.0]), "income");
        assert_eq!(domain.admits(&original, &[31.0, 500.0, 500.0, 0.0, 1.0]), Ok(()));
        assert!(domain.illegal(&original[..4]).is_some());
    }

    #[test]
    fn costs_are_what_the_attacker_pays() {
        let domain = lending();
        let original = [30.0, 500.0, 100.0, 1.0, 0.0];
        assert_eq!(domain.cost(&original, &original), 0.0);
        assert_eq!(domain.cost(&original, &[32.0, 500.0, 100.0, 1.0, 0.0]), 2.0);
        assert_eq!(domain.cost(&original, &[30.0, 520.0, 100.0, 0.0, 1.0]), 27.0);
        assert_eq!(domain.cost(&original, &[30.0, 400.0, 100.0, 1.0, 0.0]), 10.0);
    }

    #[test]
    fn what_does_not_agree_is_refused() {
        let of =
            |columns, groups, relations| Domain::new(columns, groups, relations).map(|_| ()).unwrap_err();
        assert!(of(vec![], vec![], vec![]).to_string().contains("at least one column"));
        assert!(of(vec![column("a", 2.0, 1.0)], vec![], vec![]).to_string().starts_with("column a"));
        let off = Column { grid: Some(Grid { origin: 0.5, step: 1.0 }), ..column("a", 0.0, 0.4) };
        assert!(of(vec![off], vec![], vec![]).to_string().contains("no multiple"));
        let two = || vec![column("a", 0.0, 1.0), column("b", 0.0, 1.0)];
        let group = |columns| OneHot { columns, cost: 1.0 };
        assert!(of(two(), vec![group(vec![0])], vec![]).to_string().contains("2 to"));
        assert!(of(two(), vec![group(vec![0, 5])], vec![]).to_string().contains("not there"));
        assert!(of(two(), vec![group(vec![0, 0])], vec![]).to_string().contains("two one-hot"));
        let relation = Relation {
            name: "r".to_owned(),
            terms: vec![(0, 0.0)],
            is: Compare::Equal,
            bound: 1.0,
            tolerance: 0.0,
        };
        assert!(of(two(), vec![], vec![relation]).to_string().contains("other than 0"));
    }

    #[test]
    fn grids_know_their_values() {
        let grid = Grid { origin: 0.25, step: 0.1 };
        let v = grid.snap(0.5, 0.0, 1.0).unwrap();
        assert!(grid.holds(v) && (v - 0.5).abs() < 0.051);
        assert_eq!(grid.snap(0.5, 0.47, 0.52), None);
        assert!(grid.floor(0.5) <= 0.5 && grid.floor(0.5) > 0.4);
        assert_eq!(grid.floor(f32::INFINITY), f32::INFINITY);
    }
}
