//! Whether test rows were trained on: a model judged on rows it has seen is not judged.

use std::collections::HashMap;

use proofhouse_core::{Measurement, Place, Severity, Verdict};
use serde::{Deserialize, Serialize};

use super::{CONFIDENCE, Outcome, finding, some_rows};
use crate::{DatasetError, Records, Table, numeric_matrix};

/// What counts as leaked, and how much of it is too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LeakageRules {
    /// The upper end of the 95 % interval of the share of leaked test rows must not be above this.
    pub max_share: f64,
    /// Rows of numeric features count as the same when no feature differs by more than this; absent for exact
    /// repeats only.
    pub near: Option<f64>,
}

impl Default for LeakageRules {
    /// One row in a hundred, exact repeats.
    fn default() -> Self {
        Self { max_share: 0.01, near: None }
    }
}

/// A test row and the training row it repeats, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leak {
    /// Row of the test set.
    pub test_row: usize,
    /// First such row of the training set.
    pub train_row: usize,
}

/// The answer, with every leaked row.
#[derive(Debug, Clone, PartialEq)]
pub struct Leakage {
    /// The answer.
    pub outcome: Outcome,
    /// Leaked rows, in order of the test set.
    pub leaks: Vec<Leak>,
}

/// Looks for the rows of `test` among those of `train`, by the columns `features`; labels do not matter, so a
/// repeat with a flipped label is found too.
pub fn leakage(
    train: &Table,
    test: &Table,
    features: &[String],
    rules: &LeakageRules,
) -> Result<Leakage, DatasetError> {
    train.select(features)?;
    test.select(features)?;
    let leaks = match rules.near {
        None => exact(train, test, features),
        Some(tolerance) => near(train, test, features, tolerance)?,
    };
    let share = Measurement::proportion("leaked-rows", leaks.len() as u64, test.rows() as u64, CONFIDENCE);
    let upper = share.interval.as_ref().map_or(1.0, |i| i.high);
    let verdict = if test.rows() == 0 || train.rows() == 0 {
        Verdict::Unknown
    } else if upper <= rules.max_share {
        Verdict::Pass
    } else if leaks.is_empty() {
        // Nothing was found, and too few rows were looked at to say that there is nothing.
        Verdict::Unknown
    } else {
        Verdict::Fail
    };
    let findings = if leaks.is_empty() {
        vec![]
    } else {
        let rows: Vec<usize> = leaks.iter().map(|l| l.test_row).collect();
        let severity = if verdict == Verdict::Fail { Severity::High } else { Severity::Low };
        vec![finding(
            "leakage",
            severity,
            Place::file("test"),
            format!(
                "{} of {} test rows are in the training set: {}",
                rows.len(),
                test.rows(),
                some_rows(&rows)
            ),
            "Remove them from one of the sets and measure the model again.",
        )]
    };
    let same = match rules.near {
        None => "equal in every feature".to_owned(),
        Some(tolerance) => format!("within {tolerance} in every feature"),
    };
    Ok(Leakage {
        outcome: Outcome {
            verdict,
            criterion: format!(
                "upper 95 % bound of the share of test rows {same} with a training row at most {}",
                rules.max_share
            ),
            measurements: vec![share],
            findings,
        },
        leaks,
    })
}

fn exact(train: &Table, test: &Table, features: &[String]) -> Vec<Leak> {
    let keep = |name: &str| features.iter().any(|f| f == name);
    let mut first = HashMap::new();
    for (row, digest) in Records::over(train, keep).digests().iter().enumerate() {
        first.entry(*digest).or_insert(row);
    }
    Records::over(test, keep)
        .digests()
        .iter()
        .enumerate()
        .filter_map(|(test_row, digest)| {
            first.get(digest).map(|train_row| Leak { test_row, train_row: *train_row })
        })
        .collect()
}

fn near(train: &Table, test: &Table, features: &[String], tolerance: f64) -> Result<Vec<Leak>, DatasetError> {
    let (a, b) = (numeric_matrix(train, features, 1.0)?, numeric_matrix(test, features, 1.0)?);
    let tolerance = tolerance as f32;
    let close = |x: &[f32], y: &[f32]| x.iter().zip(y).all(|(p, q)| (p - q).abs() <= tolerance);
    Ok((0..b.rows)
        .filter_map(|test_row| {
            let row = b.row(test_row);
            (0..a.rows).find(|i| close(a.row(*i), row)).map(|train_row| Leak { test_row, train_row })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, ColumnData};

    fn table(x: &[f64], y: &[i64]) -> Table {
        Table::new(vec![
            Column {
                name: "x".into(),
                data: ColumnData::Float(x.iter().copied().map(Some).collect()),
                nullable: false,
            },
            Column {
                name: "y".into(),
                data: ColumnData::Int(y.iter().copied().map(Some).collect()),
                nullable: false,
            },
        ])
        .unwrap()
    }

    #[test]
    fn a_repeat_with_another_label_is_found() {
        let train = table(&[1.0, 2.0, 2.0], &[0, 1, 1]);
        let test = table(&[3.0, 2.0], &[0, 0]);
        let found = leakage(&train, &test, &["x".into()], &LeakageRules::default()).unwrap();
        assert_eq!(found.leaks, [Leak { test_row: 1, train_row: 1 }]);
        assert_eq!(found.outcome.verdict, Verdict::Fail);
    }

    #[test]
    fn a_near_repeat_needs_the_tolerance() {
        let train = table(&[1.0, 2.0], &[0, 1]);
        let test = table(&[2.05], &[1]);
        let by =
            |near| leakage(&train, &test, &["x".into()], &LeakageRules { max_share: 0.01, near }).unwrap();
        assert!(by(None).leaks.is_empty());
        assert_eq!(by(Some(0.1)).leaks.len(), 1);
        // One row cannot show that less than one in a hundred leaks.
        assert_eq!(by(None).outcome.verdict, Verdict::Unknown);
    }

    #[test]
    fn enough_clean_rows_pass() {
        let rows: Vec<f64> = (0..500).map(f64::from).collect();
        let test: Vec<f64> = rows.iter().map(|x| x + 0.5).collect();
        let labels = vec![0; 500];
        let found =
            leakage(&table(&rows, &labels), &table(&test, &labels), &["x".into()], &LeakageRules::default());
        assert_eq!(found.unwrap().outcome.verdict, Verdict::Pass);
    }
}
