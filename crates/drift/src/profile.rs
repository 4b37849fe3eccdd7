//! The frozen reference: what later rows are compared with.
//!
//! A numeric column keeps its distinct values as frozen points with exact counts; above a cap it keeps
//! quantiles of itself instead. Later rows are counted at and between those points, so windows are sums. When
//! all distinct values are kept the Kolmogorov–Smirnov distance from the counts is exact whatever the later
//! values are, since the reference's distribution function does not move between points; on quantiles the
//! distance is known within an interval.
//!
//! A rolling baseline would let slow traffic move it. This one never moves.

use std::collections::BTreeMap;

use proofhouse_core::{Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{DriftError, psi};

/// Up to this many distinct numbers a column is kept exactly; above, this many quantiles are.
pub const MAX_POINTS: usize = 16_384;

/// Up to this many categories are kept by name, the most frequent first; the rest is counted together.
pub const MAX_CATEGORIES: usize = 4_096;

/// One column of rows to freeze or to count.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The column's name.
    pub name: &'a str,
    /// Its values, one per row.
    pub values: Values<'a>,
}

/// Values of a column.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Numbers; NaN is a null. Integers above 2^53 must be passed as categories to stay distinct.
    Numbers(&'a [f64]),
    /// Categories; `None` is a null.
    Categories(&'a [Option<String>]),
}

impl Values<'_> {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Numbers(_) => "numbers",
            Self::Categories(_) => "categories",
        }
    }
}

/// A frozen reference of one or more columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Profile {
    columns: Vec<ColumnProfile>,
    // Windows compare it at every batch of rows, and hashing a profile takes as long as counting many.
    digest: Digest,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    columns: Vec<ColumnProfile>,
}

const FORMAT: &str = "proofhouse.drift-profile.v1";

/// One frozen column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnProfile {
    /// The column's name.
    pub name: String,
    /// Rows, nulls included.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// The values.
    pub shape: Shape,
}

/// Frozen values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Numbers.
    Numeric(Numeric),
    /// Categories.
    Categorical(Categorical),
}

/// A numeric column: points p₀ < p₁ < …, and counts in the 2k+1 cells (below p₀, at p₀, between p₀ and p₁, at
/// p₁, …, above the last). Infinities rank as the largest finite numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numeric {
    /// Frozen points, ascending.
    pub points: Vec<f64>,
    /// Reference rows per cell.
    pub cells: Vec<u64>,
    /// Inner edges of the PSI bins, ascending.
    pub psi_edges: Vec<f64>,
    /// Reference rows per PSI bin.
    pub psi_counts: Vec<u64>,
    /// Infinite values among the rows.
    pub infinite: u64,
}

/// A categorical column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categorical {
    /// Kept categories, in order of their bytes.
    pub categories: Vec<String>,
    /// Reference rows per kept category.
    pub counts: Vec<u64>,
    /// Reference rows in categories beyond [`MAX_CATEGORIES`].
    pub other: u64,
}

impl Profile {
    /// Freezes a reference. Rows may come in any order.
    pub fn freeze(samples: &[Sample<'_>]) -> Result<Self, DriftError> {
        let columns = samples.iter().map(freeze_column).collect::<Result<_, _>>()?;
        Self::checked(columns)
    }

    /// The columns, in the order they were given.
    #[must_use]
    pub fn columns(&self) -> &[ColumnProfile] {
        &self.columns
    }

    /// What the profile is known by: the digest of its canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn checked(columns: Vec<ColumnProfile>) -> Result<Self, DriftError> {
        if columns.is_empty() {
            return Err(DriftError::NoColumns);
        }
        let mut names = std::collections::BTreeSet::new();
        for column in &columns {
            if !names.insert(column.name.as_str()) {
                return Err(DriftError::DuplicateColumn(column.name.clone()));
            }
            column.check()?;
        }
        let stored = Stored { format: FORMAT.to_owned(), columns };
        // `check` has seen that every number is finite, which is all that canonical JSON can refuse here; were it
        // wrong, the digest of the reason is no other profile's.
        let digest = canonical::digest(&stored).unwrap_or_else(|e| Digest::of(e.to_string().as_bytes()));
        Ok(Self { columns: stored.columns, digest })
    }
}

impl TryFrom<Stored> for Profile {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        if stored.format != FORMAT {
            return Err(format!("this drift profile has format {:?}, expected {FORMAT:?}", stored.format));
        }
        Self::checked(stored.columns).map_err(|e| e.to_string())
    }
}

impl From<Profile> for Stored {
    fn from(profile: Profile) -> Self {
        Self { format: FORMAT.to_owned(), columns: profile.columns }
    }
}

impl ColumnProfile {
    /// Rows that have a value.
    #[must_use]
    pub fn present(&self) -> u64 {
        self.rows - self.nulls
    }

    /// Whether all rows that have a value have the same one.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        match &self.shape {
            Shape::Numeric(n) => n.points.len() == 1,
            Shape::Categorical(c) => c.categories.len() == 1 && c.other == 0,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match &self.shape {
            Shape::Numeric(_) => "numbers",
            Shape::Categorical(_) => "categories",
        }
    }

    /// A stored profile is input like any other: everything later code relies on is established here.
    fn check(&self) -> Result<(), DriftError> {
        let damaged = |reason| Err(DriftError::Damaged { column: self.name.clone(), reason });
        let Some(present) = self.rows.checked_sub(self.nulls) else {
            return damaged("it has more nulls than rows");
        };
        if present == 0 {
            return Err(DriftError::EmptyReference(self.name.clone()));
        }
        let total = |counts: &[u64]| counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c));
        let ascending = |v: &[f64]| v.iter().all(|x| x.is_finite()) && v.windows(2).all(|w| w[0] < w[1]);
        match &self.shape {
            Shape::Numeric(n) => {
                if n.points.is_empty() || !ascending(&n.points) || !ascending(&n.psi_edges) {
                    return damaged("its points or edges are not finite and ascending");
                }
                if n.cells.len() != 2 * n.points.len() + 1 || n.psi_counts.len() != n.psi_edges.len() + 1 {
                    return damaged("the number of counts does not fit the number of points");
                }
                if total(&n.cells) != Some(present) || total(&n.psi_counts) != Some(present) {
                    return damaged("its counts do not add up to its rows");
                }
            }
            Shape::Categorical(c) => {
                if c.categories.windows(2).any(|w| w[0] >= w[1]) || c.categories.len() != c.counts.len() {
                    return damaged("its categories are not in order, or not counted one by one");
                }
                if total(&c.counts).and_then(|sum| sum.checked_add(c.other)) != Some(present) {
                    return damaged("its counts do not add up to its rows");
                }
            }
        }
        Ok(())
    }
}

impl Numeric {
    /// Whether every distinct reference value is a point, so that distances are exact.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.cells.iter().step_by(2).all(|between| *between == 0)
    }

    /// The cell a value falls into.
    #[must_use]
    pub fn cell(&self, value: f64) -> usize {
        let value = ranked(value);
        let below = self.points.partition_point(|p| *p < value);
        2 * below + usize::from(self.points.get(below) == Some(&value))
    }
}

/// The value that ranks where `value` does: infinities become the largest finite numbers, which JSON can
/// write, and −0 becomes 0.
pub(crate) fn ranked(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX) + 0.0
}

fn freeze_column(sample: &Sample<'_>) -> Result<ColumnProfile, DriftError> {
    let (rows, present, shape) = match sample.values {
        Values::Numbers(values) => {
            let mut sorted: Vec<f64> = values.iter().filter(|v| !v.is_nan()).map(|v| ranked(*v)).collect();
            sorted.sort_by(f64::total_cmp);
            if sorted.is_empty() {
                return Err(DriftError::EmptyReference(sample.name.to_owned()));
            }
            let infinite = values.iter().filter(|v| v.is_infinite()).count() as u64;
            (values.len(), sorted.len(), Shape::Numeric(freeze_numbers(&sorted, infinite)))
        }
        Values::Categories(values) => {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for value in values.iter().flatten() {
                *counts.entry(value).or_default() += 1;
            }
            let present = values.iter().flatten().count();
            (values.len(), present, Shape::Categorical(freeze_categories(counts)))
        }
    };
    Ok(ColumnProfile {
        name: sample.name.to_owned(),
        rows: rows as u64,
        nulls: (rows - present) as u64,
        shape,
    })
}

fn freeze_numbers(sorted: &[f64], infinite: u64) -> Numeric {
    let mut points = sorted.to_vec();
    points.dedup();
    if points.len() > MAX_POINTS {
        // Order statistics at even ranks, ends included; a tied value is one point.
        let last = sorted.len() - 1;
        points = (0..MAX_POINTS).map(|i| sorted[i * last / (MAX_POINTS - 1)]).collect();
        points.dedup();
    }
    let psi_edges = psi::frozen_edges(sorted);
    let mut numeric = Numeric {
        cells: vec![0; 2 * points.len() + 1],
        psi_counts: vec![0; psi_edges.len() + 1],
        points,
        psi_edges,
        infinite,
    };
    for value in sorted {
        let cell = numeric.cell(*value);
        numeric.cells[cell] += 1;
        numeric.psi_counts[psi::bin(&numeric.psi_edges, *value)] += 1;
    }
    numeric
}

fn freeze_categories(counts: BTreeMap<&str, u64>) -> Categorical {
    let mut kept: Vec<(&str, u64)> = counts.into_iter().collect();
    let mut other = 0;
    if kept.len() > MAX_CATEGORIES {
        // Most frequent first; names break ties so that the choice does not depend on row order.
        kept.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        other = kept.split_off(MAX_CATEGORIES).iter().map(|(_, count)| count).sum();
        kept.sort_by(|a, b| a.0.cmp(b.0));
    }
    Categorical {
        categories: kept.iter().map(|(name, _)| (*name).to_owned()).collect(),
        counts: kept.iter().map(|(_, count)| *count).collect(),
        other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[f64]) -> Result<Profile, DriftError> {
        Profile::freeze(&[Sample { name: "x", values: Values::Numbers(values) }])
    }

    #[test]
    fn row_order_does_not_matter_and_json_round_trips() {
        let a = numbers(&[3.0, 1.0, f64::NAN, 2.0, f64::INFINITY, -0.0, 1.0]).unwrap();
        let b = numbers(&[-0.0, f64::INFINITY, 1.0, 2.0, 1.0, 3.0, f64::NAN]).unwrap();
        assert_eq!(a.digest(), b.digest());
        let json = serde_json::to_string(&a).unwrap();
        let back: Profile = serde_json::from_str(&json).unwrap();
        assert_eq!((back.digest(), back), (a.digest(), a.clone()));
        assert_eq!((a.columns()[0].rows, a.columns()[0].nulls), (7, 1));
    }

    #[test]
    fn a_damaged_profile_is_refused() {
        let good = serde_json::to_value(numbers(&[1.0, 2.0, 3.0]).unwrap()).unwrap();
        for (pointer, value) in [
            ("/columns/0/nulls", serde_json::json!(9)),
            ("/columns/0/shape/numeric/points/0", serde_json::json!(5.0)),
            ("/columns/0/shape/numeric/cells/1", serde_json::json!(7)),
            ("/columns/0/shape/numeric/psi_counts", serde_json::json!([3])),
            ("/columns", serde_json::json!([])),
            ("/format", serde_json::json!("v0")),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(serde_json::from_value::<Profile>(bad).is_err(), "{pointer}");
        }
    }

    #[test]
    fn empty_and_doubled_columns_are_refused() {
        assert_eq!(numbers(&[f64::NAN]), Err(DriftError::EmptyReference("x".into())));
        let x = Sample { name: "x", values: Values::Numbers(&[1.0]) };
        assert_eq!(Profile::freeze(&[x, x]), Err(DriftError::DuplicateColumn("x".into())));
        assert_eq!(Profile::freeze(&[]), Err(DriftError::NoColumns));
    }

    #[test]
    fn many_values_become_quantiles() {
        let values: Vec<f64> = (0..50_000).map(f64::from).collect();
        let profile = numbers(&values).unwrap();
        let Shape::Numeric(n) = &profile.columns()[0].shape else { panic!("numbers") };
        assert_eq!(n.points.len(), MAX_POINTS);
        assert!(!n.is_exact());
        assert!(n.cells.iter().step_by(2).all(|between| *between <= 4));
    }

    #[test]
    fn rare_categories_are_counted_together() {
        let values: Vec<Option<String>> = (0..5000).map(|i| Some(format!("c{i:04}"))).collect();
        let profile = Profile::freeze(&[Sample { name: "c", values: Values::Categories(&values) }]).unwrap();
        let Shape::Categorical(c) = &profile.columns()[0].shape else { panic!("categories") };
        assert_eq!((c.categories.len(), c.other), (MAX_CATEGORIES, 5000 - MAX_CATEGORIES as u64));
    }
}
