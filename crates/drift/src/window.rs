//! Live rows counted on the frozen points. Windows add up: any split of the rows over workers, in any order,
//! gives bit-identical counts.

use std::collections::BTreeMap;

use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{ColumnProfile, DriftError, Profile, Sample, Shape, Values, psi};

/// So many new categories are kept by name: those first in order of their bytes, which no split can change.
pub const MAX_NEW_CATEGORIES: usize = 32;

/// Counts of one window of live rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    profile: Digest,
    columns: Vec<WindowColumn>,
}

/// Counts of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowColumn {
    /// Rows, nulls included.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// Where the values fell.
    pub counts: Counts,
}

/// Where the values of a column fell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Numbers, by the cells and bins of [`Numeric`](crate::Numeric).
    Numeric {
        /// Rows per cell.
        cells: Vec<u64>,
        /// Rows per PSI bin.
        psi: Vec<u64>,
        /// Infinite values.
        infinite: u64,
    },
    /// Categories, by those of [`Categorical`](crate::Categorical).
    Categorical {
        /// Rows per kept category.
        counts: Vec<u64>,
        /// Rows in any other category.
        other: u64,
        /// The first [`MAX_NEW_CATEGORIES`] of those others, with their rows.
        new: BTreeMap<String, u64>,
    },
}

impl Window {
    /// An empty window on `profile`.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        let columns = profile.columns().iter().map(WindowColumn::empty).collect();
        Self { profile: profile.digest(), columns }
    }

    /// The digest of the profile whose points were counted on.
    #[must_use]
    pub fn profile(&self) -> Digest {
        self.profile
    }

    /// The columns, in the order of the profile.
    #[must_use]
    pub fn columns(&self) -> &[WindowColumn] {
        &self.columns
    }

    /// Counts rows. Either all columns of `samples` are counted or, on error, none.
    ///
    /// A column of the reference that is absent here stays uncounted, and the look will say so.
    pub fn add(&mut self, profile: &Profile, samples: &[Sample<'_>]) -> Result<(), DriftError> {
        self.require(profile.digest())?;
        let mut found = Vec::with_capacity(samples.len());
        for sample in samples {
            let index = profile
                .columns()
                .iter()
                .position(|c| c.name == sample.name)
                .ok_or_else(|| DriftError::UnknownColumn(sample.name.to_owned()))?;
            let column = &profile.columns()[index];
            if column.kind() != sample.values.kind() {
                return Err(DriftError::Kind {
                    column: sample.name.to_owned(),
                    expected: column.kind(),
                    found: sample.values.kind(),
                });
            }
            if found.contains(&index) {
                return Err(DriftError::DuplicateColumn(sample.name.to_owned()));
            }
            found.push(index);
        }
        for (index, sample) in found.into_iter().zip(samples) {
            self.columns[index].add(&profile.columns()[index], sample.values);
        }
        Ok(())
    }

    /// Adds the counts of another window on the same profile.
    pub fn merge(&mut self, other: &Self) -> Result<(), DriftError> {
        self.require(other.profile)?;
        if !self.columns.iter().zip(&other.columns).all(|(a, b)| a.fits(b))
            || self.columns.len() != other.columns.len()
        {
            return Err(DriftError::OtherProfile);
        }
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.merge(theirs);
        }
        Ok(())
    }

    /// Fails unless the window belongs to `profile` and its counts fit it: a stored window is input too.
    pub(crate) fn check(&self, profile: &Profile) -> Result<(), DriftError> {
        self.require(profile.digest())?;
        if self.columns.len() != profile.columns().len() {
            return Err(DriftError::OtherProfile);
        }
        for (column, frozen) in self.columns.iter().zip(profile.columns()) {
            let total = |counts: &[u64]| counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c));
            let present = column.rows.checked_sub(column.nulls);
            let adds_up = present.is_some()
                && match &column.counts {
                    Counts::Numeric { cells, psi, .. } => total(cells) == present && total(psi) == present,
                    Counts::Categorical { counts, other, .. } => {
                        total(counts).and_then(|sum| sum.checked_add(*other)) == present
                    }
                };
            if !adds_up || !column.fits(&WindowColumn::empty(frozen)) {
                return Err(DriftError::Damaged {
                    column: frozen.name.clone(),
                    reason: "the window's counts do not add up to its rows",
                });
            }
        }
        Ok(())
    }

    fn require(&self, profile: Digest) -> Result<(), DriftError> {
        if self.profile == profile { Ok(()) } else { Err(DriftError::OtherProfile) }
    }
}

impl WindowColumn {
    fn empty(frozen: &ColumnProfile) -> Self {
        let counts = match &frozen.shape {
            Shape::Numeric(n) => Counts::Numeric {
                cells: vec![0; n.cells.len()],
                psi: vec![0; n.psi_counts.len()],
                infinite: 0,
            },
            Shape::Categorical(c) => {
                Counts::Categorical { counts: vec![0; c.counts.len()], other: 0, new: BTreeMap::new() }
            }
        };
        Self { rows: 0, nulls: 0, counts }
    }

    /// Rows that have a value.
    #[must_use]
    pub fn present(&self) -> u64 {
        self.rows.saturating_sub(self.nulls)
    }

    fn add(&mut self, frozen: &ColumnProfile, values: Values<'_>) {
        match (&mut self.counts, &frozen.shape, values) {
            (Counts::Numeric { cells, psi: bins, infinite }, Shape::Numeric(n), Values::Numbers(values)) => {
                self.rows += values.len() as u64;
                for value in values {
                    if value.is_nan() {
                        self.nulls += 1;
                        continue;
                    }
                    *infinite += u64::from(value.is_infinite());
                    cells[n.cell(*value)] += 1;
                    bins[psi::bin(&n.psi_edges, *value)] += 1;
                }
            }
            (
                Counts::Categorical { counts, other, new },
                Shape::Categorical(c),
                Values::Categories(values),
            ) => {
                self.rows += values.len() as u64;
                for value in values {
                    let Some(value) = value else {
                        self.nulls += 1;
                        continue;
                    };
                    match c.categories.binary_search(value) {
                        Ok(index) => counts[index] += 1,
                        Err(_) => {
                            *other += 1;
                            *new.entry(value.clone()).or_default() += 1;
                            if new.len() > MAX_NEW_CATEGORIES {
                                new.pop_last();
                            }
                        }
                    }
                }
            }
            // `Window::add` has matched the kinds.
            _ => {}
        }
    }

    fn fits(&self, other: &Self) -> bool {
        match (&self.counts, &other.counts) {
            (Counts::Numeric { cells: a, psi: p, .. }, Counts::Numeric { cells: b, psi: q, .. }) => {
                a.len() == b.len() && p.len() == q.len()
            }
            (Counts::Categorical { counts: a, .. }, Counts::Categorical { counts: b, .. }) => {
                a.len() == b.len()
            }
            _ => false,
        }
    }

    fn merge(&mut self, theirs: &Self) {
        // Saturating: a forged window must not bring a worker down; `check` refuses what does not add up.
        let sum = |mine: &mut Vec<u64>, theirs: &[u64]| {
            for (m, t) in mine.iter_mut().zip(theirs) {
                *m = m.saturating_add(*t);
            }
        };
        self.rows = self.rows.saturating_add(theirs.rows);
        self.nulls = self.nulls.saturating_add(theirs.nulls);
        match (&mut self.counts, &theirs.counts) {
            (Counts::Numeric { cells, psi, infinite }, Counts::Numeric { cells: c, psi: p, infinite: i }) => {
                sum(cells, c);
                sum(psi, p);
                *infinite = infinite.saturating_add(*i);
            }
            (
                Counts::Categorical { counts, other, new },
                Counts::Categorical { counts: c, other: o, new: n },
            ) => {
                sum(counts, c);
                *other = other.saturating_add(*o);
                for (name, count) in n {
                    let slot = new.entry(name.clone()).or_default();
                    *slot = slot.saturating_add(*count);
                }
                while new.len() > MAX_NEW_CATEGORIES {
                    new.pop_last();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile() -> Profile {
        let categories: Vec<Option<String>> = ["a", "b", "b"].map(|s| Some(s.to_owned())).to_vec();
        Profile::freeze(&[
            Sample { name: "x", values: Values::Numbers(&[1.0, 2.0, 2.0, 5.0]) },
            Sample { name: "c", values: Values::Categories(&categories) },
        ])
        .unwrap()
    }

    fn counted(profile: &Profile, rows: &[(f64, u8)]) -> Window {
        let numbers: Vec<f64> = rows.iter().map(|r| r.0).collect();
        let names: Vec<Option<String>> =
            rows.iter().map(|r| (r.1 > 0).then(|| format!("n{}", r.1))).collect();
        let mut window = Window::new(profile);
        window
            .add(
                profile,
                &[
                    Sample { name: "c", values: Values::Categories(&names) },
                    Sample { name: "x", values: Values::Numbers(&numbers) },
                ],
            )
            .unwrap();
        window
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_gives_the_same_counts(
            rows in proptest::collection::vec((prop_oneof![
                Just(f64::NAN), Just(f64::INFINITY), Just(-0.0), Just(2.0), -10.0f64..10.0], any::<u8>()), 0..200),
            cuts in proptest::collection::vec(0usize..200, 0..6),
        ) {
            let profile = profile();
            let whole = counted(&profile, &rows);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(rows.len())).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            let mut merged = Window::new(&profile);
            for pair in cuts.windows(2).rev() {
                merged.merge(&counted(&profile, &rows[pair[0]..pair[1]])).unwrap();
            }
            prop_assert_eq!(&merged, &whole);
            prop_assert!(merged.check(&profile).is_ok());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_the_window_as_it_was() {
        let profile = profile();
        let mut window = Window::new(&profile);
        let good = Sample { name: "x", values: Values::Numbers(&[1.0]) };
        let unknown = Sample { name: "y", values: Values::Numbers(&[1.0]) };
        let kind = Sample { name: "c", values: Values::Numbers(&[1.0]) };
        assert_eq!(window.add(&profile, &[good, unknown]), Err(DriftError::UnknownColumn("y".into())));
        assert!(matches!(window.add(&profile, &[good, kind]), Err(DriftError::Kind { .. })));
        assert!(matches!(window.add(&profile, &[good, good]), Err(DriftError::DuplicateColumn(_))));
        assert_eq!(window, Window::new(&profile));
        let other = Profile::freeze(&[Sample { name: "x", values: Values::Numbers(&[9.0]) }]).unwrap();
        assert_eq!(window.merge(&Window::new(&other)), Err(DriftError::OtherProfile));
        assert_eq!(window.check(&other), Err(DriftError::OtherProfile));
    }

    #[test]
    fn a_forged_window_is_refused() {
        let profile = profile();
        let window = counted(&profile, &[(1.0, 1), (2.0, 2)]);
        let mut json = serde_json::to_value(&window).unwrap();
        *json.pointer_mut("/columns/0/rows").unwrap() = serde_json::json!(1);
        let forged: Window = serde_json::from_value(json).unwrap();
        assert!(matches!(forged.check(&profile), Err(DriftError::Damaged { .. })));
    }
}
