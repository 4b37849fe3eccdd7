//! Whether the data is usable: nulls, constant columns, values out of range, repeated rows, class balance,
//! labels outside their domain.

use std::collections::BTreeMap;

use proofhouse_core::{Finding, Measurement, Place, Severity, Unit, Verdict};

use super::{CONFIDENCE, Outcome, finding, some_rows};
use crate::{Column, ColumnData, DatasetError, Records, Table};

/// What usable means for one dataset.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct QualityRules {
    /// The label column.
    pub label: Option<String>,
    /// The labels that may occur, as text; empty for any.
    pub label_domain: Vec<String>,
    /// Least and greatest value per numeric column.
    pub ranges: BTreeMap<String, (f64, f64)>,
    /// Greatest share of nulls in a column.
    pub max_null_share: f64,
    /// Greatest share of rows that repeat an earlier row.
    pub max_duplicate_share: f64,
    /// Least share of rows of the rarest class.
    pub min_class_share: f64,
}

impl Default for QualityRules {
    /// No null, one repeated row in a hundred, one row in a hundred of each class.
    fn default() -> Self {
        Self {
            label: None,
            label_domain: Vec::new(),
            ranges: BTreeMap::new(),
            max_null_share: 0.0,
            max_duplicate_share: 0.01,
            min_class_share: 0.01,
        }
    }
}

/// Judges a table. Fails on findings of severity medium and above; a constant feature is only worth knowing.
pub fn quality(name: &str, table: &Table, rules: &QualityRules) -> Result<Outcome, DatasetError> {
    let ranged: Vec<String> = rules.ranges.keys().cloned().collect();
    for column in table.select(&ranged)? {
        if matches!(column.data, ColumnData::Text(_)) {
            let reason = "text has no range; leave the column out of the ranges";
            return Err(DatasetError::Value { column: column.name.clone(), row: 0, reason });
        }
    }
    let mut report = Report { name, rows: table.rows(), findings: vec![], measurements: vec![] };
    for column in table.columns() {
        report.nulls(column, rules.max_null_share);
        report.constant(column, rules.label.as_deref());
        if let Some(range) = rules.ranges.get(&column.name) {
            report.range(column, *range);
        }
    }
    report.duplicates(table, rules.max_duplicate_share);
    if let Some(label) = &rules.label {
        for column in table.select(std::slice::from_ref(label))? {
            report.classes(column, rules);
        }
    }
    let failed = report.findings.iter().any(|f| f.severity >= Severity::Medium);
    Ok(Outcome {
        verdict: match (table.rows(), failed) {
            (0, _) => Verdict::Unknown,
            (_, true) => Verdict::Fail,
            (_, false) => Verdict::Pass,
        },
        criterion: format!(
            "nulls per column at most {}, repeated rows at most {}, rarest class at least {}, values in their range, \
             labels in their domain",
            rules.max_null_share, rules.max_duplicate_share, rules.min_class_share
        ),
        measurements: report.measurements,
        findings: report.findings,
    })
}

struct Report<'a> {
    name: &'a str,
    rows: usize,
    findings: Vec<Finding>,
    measurements: Vec<Measurement>,
}

impl Report<'_> {
    fn found(&mut self, rule: &str, severity: Severity, column: &str, message: String, remediation: &str) {
        self.findings.push(finding(
            rule,
            severity,
            Place::file(self.name).within(column),
            message,
            remediation,
        ));
    }

    fn nulls(&mut self, column: &Column, max_share: f64) {
        let nulls = column.data.nulls();
        if nulls == 0 {
            return;
        }
        let m = Measurement::proportion("nulls", nulls as u64, self.rows as u64, CONFIDENCE);
        let share = m.value;
        self.measurements.push(m.of_slice(format!("column={}", column.name)));
        let severity = if share > max_share { Severity::Medium } else { Severity::Info };
        let message = format!("{nulls} of {} values are missing (allowed share {max_share})", self.rows);
        self.found(
            "nulls",
            severity,
            &column.name,
            message,
            "Fill, drop or model the missing values on purpose.",
        );
    }

    fn constant(&mut self, column: &Column, label: Option<&str>) {
        if self.rows < 2 || !is_constant(&column.data) {
            return;
        }
        let severity = if label == Some(column.name.as_str()) { Severity::High } else { Severity::Info };
        let message = "every row has the same value".to_owned();
        self.found(
            "constant-column",
            severity,
            &column.name,
            message,
            "Nothing can be learned from it; leave it out.",
        );
    }

    fn range(&mut self, column: &Column, (low, high): (f64, f64)) {
        let outside: Vec<usize> = (0..self.rows)
            .filter(|row| column.data.number(*row).is_some_and(|x| !x.is_nan() && !(low..=high).contains(&x)))
            .collect();
        if !outside.is_empty() {
            let message = format!(
                "{} values lie outside {low} to {high}, in rows {}",
                outside.len(),
                some_rows(&outside)
            );
            self.found(
                "out-of-range",
                Severity::Medium,
                &column.name,
                message,
                "Correct the rows or the stated range.",
            );
        }
    }

    fn duplicates(&mut self, table: &Table, max_share: f64) {
        let mut seen = std::collections::HashSet::new();
        let repeated: Vec<usize> = Records::of(table)
            .digests()
            .iter()
            .enumerate()
            .filter(|(_, digest)| !seen.insert(**digest))
            .map(|(row, _)| row)
            .collect();
        let m = Measurement::proportion("repeated-rows", repeated.len() as u64, self.rows as u64, CONFIDENCE);
        if !repeated.is_empty() {
            let severity = if m.value > max_share { Severity::Medium } else { Severity::Info };
            let message = format!(
                "{} rows repeat an earlier row (allowed share {max_share}): {}",
                repeated.len(),
                some_rows(&repeated)
            );
            self.found(
                "repeated-rows",
                severity,
                "",
                message,
                "Drop the repeats, or weight rows on purpose.",
            );
        }
        self.measurements.push(m);
    }

    fn classes(&mut self, column: &Column, rules: &QualityRules) {
        let mut counts: BTreeMap<String, u64> =
            rules.label_domain.iter().map(|label| (label.clone(), 0)).collect();
        let mut strangers = Vec::new();
        for row in 0..self.rows {
            if let Some(label) = column.data.text(row) {
                if !rules.label_domain.is_empty() && !rules.label_domain.contains(&label) {
                    strangers.push(row);
                }
                *counts.entry(label).or_default() += 1;
            }
        }
        if !strangers.is_empty() {
            let message = format!(
                "{} labels are outside their domain, in rows {}",
                strangers.len(),
                some_rows(&strangers)
            );
            self.found(
                "label-domain",
                Severity::High,
                &column.name,
                message,
                "Correct the labels or the domain.",
            );
        }
        let Some((label, count)) = counts.iter().min_by_key(|(_, count)| **count) else { return };
        let m = Measurement::proportion("rarest-class", *count, self.rows as u64, CONFIDENCE);
        if m.value < rules.min_class_share {
            let message = format!("class {label:?} has {count} of {} rows", self.rows);
            self.found(
                "class-balance",
                Severity::Medium,
                &column.name,
                message,
                "Collect more rows of it, or leave it out of what the model claims.",
            );
        }
        self.measurements.push(m.of_slice(format!("class={label}")));
        self.measurements.push(Measurement::new("classes", counts.len() as f64, Unit::Count));
    }
}

fn is_constant(data: &ColumnData) -> bool {
    fn same<T: PartialEq>(values: &[T]) -> bool {
        values.windows(2).all(|w| w[0] == w[1])
    }
    match data {
        ColumnData::Int(v) => same(v),
        ColumnData::Float(v) => same(v),
        ColumnData::Bool(v) => same(v),
        ColumnData::Text(v) => same(v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let column = |name: &str, values: Vec<Option<i64>>| Column {
            name: name.into(),
            data: ColumnData::Int(values),
            nullable: true,
        };
        Table::new(vec![
            column("x", vec![Some(1), Some(20), None, Some(1)]),
            column("k", vec![Some(7); 4]),
            column("y", vec![Some(0), Some(1), Some(5), Some(0)]),
        ])
        .unwrap()
    }

    #[test]
    fn every_flaw_is_found() {
        let rules = QualityRules {
            label: Some("y".into()),
            label_domain: vec!["0".into(), "1".into(), "2".into()],
            ranges: BTreeMap::from([("x".to_owned(), (0.0, 16.0))]),
            ..QualityRules::default()
        };
        let outcome = quality("d", &table(), &rules).unwrap();
        let mut rules: Vec<&str> = outcome.findings.iter().map(|f| f.rule.as_str()).collect();
        rules.sort_unstable();
        assert_eq!(
            rules,
            [
                "dataset/class-balance",
                "dataset/constant-column",
                "dataset/label-domain",
                "dataset/nulls",
                "dataset/out-of-range",
                "dataset/repeated-rows"
            ]
        );
        assert_eq!(outcome.verdict, Verdict::Fail);
    }

    #[test]
    fn allowances_turn_flaws_into_remarks() {
        let rules = QualityRules { max_null_share: 0.5, max_duplicate_share: 0.5, ..QualityRules::default() };
        assert_eq!(quality("d", &table(), &rules).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn a_rule_about_no_column_is_an_error_and_no_row_is_unknown() {
        let rules = QualityRules {
            ranges: BTreeMap::from([("z".to_owned(), (0.0, 1.0))]),
            ..QualityRules::default()
        };
        assert!(quality("d", &table(), &rules).is_err());
        let empty = Table::new(vec![]).unwrap();
        assert_eq!(quality("d", &empty, &QualityRules::default()).unwrap().verdict, Verdict::Unknown);
    }
}
