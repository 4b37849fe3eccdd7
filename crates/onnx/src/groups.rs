//! How a classifier treats groups of people: who is selected, who is refused by mistake, and how far groups lie apart.
//!
//! A *selection ratio* below four fifths is what US guidance takes for adverse impact (29 CFR 1607.4(D)); equal false
//! positive and false negative rates are "equalized odds" (Hardt, Price, Srebro 2016). Every pair of groups is compared,
//! and the intervals hold for all comparisons together (Bonferroni): the more groups there are to choose from, the
//! further apart two of them lie by chance.

use proofhouse_core::interval::{self, Share};
use proofhouse_core::{Interval, Measurement, Unit};
use serde::{Deserialize, Serialize};

use crate::OnnxError;

/// What is compared between groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// Share of rows that are given the favourable class.
    Selection,
    /// Share given the favourable class among rows that do not have it.
    FalsePositive,
    /// Share not given the favourable class among rows that have it.
    FalseNegative,
    /// Share given a wrong class, where no class is favourable.
    Error,
}

impl Rate {
    /// Its name, as evidence writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Selection => "selection-rate",
            Self::FalsePositive => "false-positive-rate",
            Self::FalseNegative => "false-negative-rate",
            Self::Error => "error-rate",
        }
    }
}

/// Rows, each with its class, its answer and its group.
#[derive(Debug, Clone, Copy)]
pub struct GroupedRows<'a> {
    /// The right class of each row.
    pub labels: &'a [usize],
    /// The class given to each row; none where the model gave none, which is no favour and an error.
    pub predicted: &'a [Option<usize>],
    /// The group of each row.
    pub groups: &'a [usize],
    /// What the groups are called.
    pub names: &'a [String],
}

/// How one group fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Rows.
    pub n: u64,
    /// Each rate, with its own Wilson interval at the plain confidence.
    pub rates: Vec<(Rate, Measurement)>,
}

/// Two groups, held against each other in one rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The rate.
    pub rate: Rate,
    /// The group with the lower rate.
    pub lower: String,
    /// The group with the higher rate.
    pub higher: String,
    /// Of selection rates their ratio, lower by higher; of other rates the gap, higher less lower. The interval holds
    /// together with those of all other comparisons; there is none where too little was seen for a ratio to be bounded.
    pub measured: Measurement,
}

/// How a model treats groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Groups that are large enough to be compared, in the order of their numbers.
    pub groups: Vec<Group>,
    /// Groups of fewer rows, with their number: too few to say anything of.
    pub too_small: Vec<(String, u64)>,
    /// Every pair of groups in every rate.
    pub comparisons: Vec<Comparison>,
}

impl GroupReport {
    /// Counts rates by group and compares each group of at least `least` rows with each other. `favourable` is the class
    /// that people want, where there is one; without it only errors are counted.
    pub fn of(
        rows: GroupedRows<'_>,
        favourable: Option<usize>,
        least: u64,
        confidence: f64,
    ) -> Result<Self, OnnxError> {
        let counted = count(rows, favourable)?;
        let (large, small): (Vec<_>, Vec<_>) = counted.into_iter().partition(|(_, c)| c.n >= least);
        let rates: &[Rate] = match favourable {
            Some(_) => &[Rate::Selection, Rate::FalsePositive, Rate::FalseNegative],
            None => &[Rate::Error],
        };
        let pairs = large.len() * large.len().saturating_sub(1) / 2;
        let together = 1.0 - (1.0 - confidence) / (pairs * rates.len()).max(1) as f64;
        let mut comparisons = Vec::new();
        for rate in rates {
            for (at, (a, first)) in large.iter().enumerate() {
                for (b, second) in &large[at + 1..] {
                    comparisons.push(compare(*rate, (a, first), (b, second), together));
                }
            }
        }
        let groups = large.into_iter().map(|(name, counts)| Group {
            n: counts.n,
            rates: rates.iter().map(|rate| (*rate, rate_of(name, &counts, *rate, confidence))).collect(),
            name: name.to_owned(),
        });
        Ok(Self {
            groups: groups.collect(),
            too_small: small.into_iter().map(|(name, counts)| (name.to_owned(), counts.n)).collect(),
            comparisons,
        })
    }
}

/// What was seen of a group.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    n: u64,
    selected: u64,
    without: u64,
    selected_without: u64,
    wrong: u64,
}

impl Counts {
    fn share(&self, rate: Rate) -> Share {
        let (successes, n) = match rate {
            Rate::Selection => (self.selected, self.n),
            Rate::FalsePositive => (self.selected_without, self.without),
            Rate::FalseNegative => {
                let with = self.n - self.without;
                (with - (self.selected - self.selected_without), with)
            }
            Rate::Error => (self.wrong, self.n),
        };
        Share { successes, n }
    }
}

/// What was seen of each group that has any row.
fn count<'a>(rows: GroupedRows<'a>, favourable: Option<usize>) -> Result<Vec<(&'a str, Counts)>, OnnxError> {
    let n = rows.labels.len();
    if rows.predicted.len() != n || rows.groups.len() != n {
        let reason = format!("{n} labels, {} answers, {} groups", rows.predicted.len(), rows.groups.len());
        return Err(OnnxError::Row { row: n.min(rows.predicted.len()).min(rows.groups.len()), reason });
    }
    let mut counted: Vec<(&str, Counts)> =
        rows.names.iter().map(|name| (name.as_str(), Counts::default())).collect();
    for (row, ((label, predicted), group)) in
        rows.labels.iter().zip(rows.predicted).zip(rows.groups).enumerate()
    {
        let (_, counts) = counted.get_mut(*group).ok_or_else(|| OnnxError::Row {
            row,
            reason: format!("group {group} is not one of the {} groups", rows.names.len()),
        })?;
        let (has, selected) = (favourable == Some(*label), favourable.is_some() && *predicted == favourable);
        counts.n += 1;
        counts.selected += u64::from(selected);
        counts.without += u64::from(!has);
        counts.selected_without += u64::from(selected && !has);
        counts.wrong += u64::from(*predicted != Some(*label));
    }
    counted.retain(|(_, counts)| counts.n > 0);
    Ok(counted)
}

fn rate_of(group: &str, counts: &Counts, rate: Rate, confidence: f64) -> Measurement {
    let share = counts.share(rate);
    Measurement::proportion(rate.name(), share.successes, share.n, confidence).of_slice(group)
}

fn compare(rate: Rate, a: (&str, &Counts), b: (&str, &Counts), confidence: f64) -> Comparison {
    let (mut lower, mut higher) = ((a.0, a.1.share(rate)), (b.0, b.1.share(rate)));
    if lower.1.value() > higher.1.value() {
        (lower, higher) = (higher, lower);
    }
    let (value, name, interval) = if rate == Rate::Selection {
        let (p, q) = (lower.1.value(), higher.1.value());
        // Nobody is selected in either group: they are treated alike.
        let value = if q == 0.0 { 1.0 } else { p / q };
        (value, "selection-ratio", interval::ratio(lower.1, higher.1, confidence))
    } else {
        // A group in which nobody can be wronged in this way bounds nothing.
        let seen = lower.1.n > 0 && higher.1.n > 0;
        let gap = interval::difference(higher.1, lower.1, confidence);
        (higher.1.value() - lower.1.value(), "gap", seen.then_some(gap))
    };
    let name = if name == "gap" { format!("{}-gap", rate.name()) } else { name.to_owned() };
    let measured = Measurement {
        n: Some(lower.1.n + higher.1.n),
        interval,
        ..Measurement::new(name, value, Unit::Ratio).of_slice(format!("{} against {}", lower.0, higher.0))
    };
    Comparison { rate, lower: lower.0.to_owned(), higher: higher.0.to_owned(), measured }
}

impl Comparison {
    /// Whether the two groups are treated alike, as far as a ratio of at least `ratio` (and at most its inverse) or a gap
    /// of at most `gap` is alike: known only where the whole interval says so.
    #[must_use]
    pub fn alike(&self, ratio: f64, gap: f64) -> Option<bool> {
        let Interval { low, high, .. } = self.measured.interval.as_ref()?;
        let (within, beyond) = if self.rate == Rate::Selection {
            (*low >= ratio && *high <= 1.0 / ratio, *high < ratio || *low > 1.0 / ratio)
        } else {
            (*high <= gap && *low >= -gap, *low > gap || *high < -gap)
        };
        if within { Some(true) } else { beyond.then_some(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Label, answer, and how many rows.
    type Rows = [(usize, usize, usize)];

    fn report(counts: &[(&str, &Rows)], favourable: Option<usize>, least: u64) -> GroupReport {
        let names: Vec<String> = counts.iter().map(|(name, _)| (*name).to_owned()).collect();
        let (mut labels, mut predicted, mut groups) = (vec![], vec![], vec![]);
        for (group, (_, rows)) in counts.iter().enumerate() {
            for (label, answer, times) in *rows {
                labels.extend(std::iter::repeat_n(*label, *times));
                predicted.extend(std::iter::repeat_n(Some(*answer), *times));
                groups.extend(std::iter::repeat_n(group, *times));
            }
        }
        let rows = GroupedRows { labels: &labels, predicted: &predicted, groups: &groups, names: &names };
        GroupReport::of(rows, favourable, least, 0.95).unwrap()
    }

    fn rate(report: &GroupReport, group: &str, rate: Rate) -> f64 {
        let group = report.groups.iter().find(|g| g.name == group).unwrap();
        group.rates.iter().find(|(r, _)| *r == rate).unwrap().1.value
    }

    #[test]
    fn rates_are_those_of_the_table() {
        // Old: 600 have it, of whom 540 get it; 400 have it not, of whom 100 get it all the same.
        let old = [(1, 1, 540), (1, 0, 60), (0, 1, 100), (0, 0, 300)];
        let young = [(1, 1, 200), (1, 0, 200), (0, 1, 60), (0, 0, 540)];
        let r = report(&[("old", &old), ("young", &young), ("few", &[(1, 1, 9)])], Some(1), 100);
        assert_eq!(r.too_small, [("few".to_owned(), 9)]);
        assert_eq!(rate(&r, "old", Rate::Selection), 0.64);
        assert_eq!(rate(&r, "old", Rate::FalsePositive), 0.25);
        assert_eq!(rate(&r, "young", Rate::FalseNegative), 0.5);
        let [selection, wrongly_granted, wrongly_refused] = r.comparisons.as_slice() else { panic!("{r:?}") };
        assert_eq!((selection.lower.as_str(), selection.higher.as_str()), ("young", "old"));
        assert!((selection.measured.value - 0.26 / 0.64).abs() < 1e-12);
        assert_eq!(selection.alike(0.8, 0.1), Some(false));
        assert!((wrongly_granted.measured.value - 0.15).abs() < 1e-12);
        assert_eq!((wrongly_refused.lower.as_str(), wrongly_refused.alike(0.8, 0.1)), ("old", Some(false)));
        assert_eq!(wrongly_refused.alike(0.8, 0.9), Some(true));
    }

    #[test]
    fn few_rows_say_neither_that_groups_are_treated_alike_nor_that_they_are_not() {
        let same = [(1, 1, 12), (0, 0, 8)];
        let r = report(&[("a", &same), ("b", &same)], Some(1), 10);
        assert!(r.comparisons.iter().all(|c| c.alike(0.8, 0.05).is_none()), "{r:?}");
        let many = [(1, 1, 12_000), (0, 0, 8_000)];
        let r = report(&[("a", &many), ("b", &many)], Some(1), 10);
        assert!(r.comparisons.iter().all(|c| c.alike(0.8, 0.05) == Some(true)), "{r:?}");
    }

    #[test]
    fn a_gap_is_small_or_large_only_where_its_whole_interval_is() {
        let rows = |wronged: usize| [(0, 1, wronged), (0, 0, 1000 - wronged), (1, 1, 1000)];
        let r = report(&[("a", &rows(80)), ("b", &rows(130))], Some(1), 10);
        let gap = r.comparisons.iter().find(|c| c.rate == Rate::FalsePositive).unwrap();
        assert!((gap.measured.value - 0.05).abs() < 1e-12);
        let interval = gap.measured.interval.as_ref().unwrap();
        assert!(interval.low > 0.005 && interval.low < 0.04 && interval.high > 0.06, "{interval:?}");
        assert_eq!(gap.alike(0.8, 0.06), None);
        assert_eq!((gap.alike(0.8, 0.15), gap.alike(0.8, 0.005)), (Some(true), Some(false)));
    }

    #[test]
    fn more_groups_make_wider_intervals() {
        let rows = [(1, 1, 300), (1, 0, 100), (0, 1, 50), (0, 0, 150)];
        let width = |groups: &[&str]| {
            let counts: Vec<(&str, &Rows)> = groups.iter().map(|g| (*g, &rows[..])).collect();
            let interval = report(&counts, Some(1), 10).comparisons[0].measured.interval.clone().unwrap();
            interval.high - interval.low
        };
        assert!(width(&["a", "b", "c", "d", "e"]) > 1.2 * width(&["a", "b"]));
    }

    #[test]
    fn without_a_favourable_class_errors_are_compared() {
        let r = report(&[("a", &[(0, 0, 90), (2, 1, 10)]), ("b", &[(0, 0, 60), (1, 2, 40)])], None, 10);
        assert_eq!((rate(&r, "a", Rate::Error), rate(&r, "b", Rate::Error)), (0.1, 0.4));
        assert_eq!(r.comparisons.len(), 1);
        assert_eq!(r.comparisons[0].measured.name, "error-rate-gap");
    }

    #[test]
    fn a_group_in_which_nobody_can_be_wronged_bounds_nothing() {
        let r = report(&[("a", &[(1, 1, 100)]), ("b", &[(1, 1, 50), (0, 1, 50)])], Some(1), 10);
        let gap = r.comparisons.iter().find(|c| c.rate == Rate::FalsePositive).unwrap();
        assert_eq!((gap.measured.interval.as_ref(), gap.alike(0.8, 0.99)), (None, None));
    }

    #[test]
    fn rows_that_do_not_fit_are_named() {
        let names = ["a".to_owned()];
        let rows =
            GroupedRows { labels: &[0, 1], predicted: &[Some(0), None], groups: &[0, 3], names: &names };
        let error = GroupReport::of(rows, None, 1, 0.95).unwrap_err();
        assert_eq!(error.to_string(), "row 1: group 3 is not one of the 1 groups");
    }
}
