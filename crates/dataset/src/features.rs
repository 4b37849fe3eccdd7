//! From columns to what a model takes: a row-major matrix of single-precision numbers, and class labels.

use crate::{ColumnData, DatasetError, Table};

/// A row-major matrix, `rows` × `columns`.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Values, row after row.
    pub values: Vec<f32>,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
}

impl Features {
    /// One row; empty beyond the last.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        let start = index.saturating_mul(self.columns);
        self.values.get(start..start.saturating_add(self.columns)).unwrap_or(&[])
    }
}

/// The matrix of `columns` in that order, every value multiplied by `scale` (1/16 for pixels of 0 to 16).
///
/// Text, nulls and numbers that are not finite are errors: a model fed a guess would be measured on it.
pub fn numeric_matrix(table: &Table, columns: &[String], scale: f64) -> Result<Features, DatasetError> {
    let selected = table.select(columns)?;
    let mut values = vec![0f32; table.rows() * selected.len()];
    for (at, column) in selected.iter().enumerate() {
        for row in 0..table.rows() {
            let error = |reason| DatasetError::Value { column: column.name.clone(), row, reason };
            if matches!(column.data, ColumnData::Text(_)) {
                return Err(error("text is not a numeric feature"));
            }
            let number = column.data.number(row).ok_or_else(|| error("the value is missing"))?;
            let scaled = (number * scale) as f32;
            if !scaled.is_finite() {
                return Err(error("the value is not a finite single-precision number"));
            }
            values[row * selected.len() + at] = scaled;
        }
    }
    Ok(Features { values, rows: table.rows(), columns: selected.len() })
}

/// The class labels of an integer column, which must lie in `0..classes`.
pub fn class_labels(table: &Table, column: &str, classes: usize) -> Result<Vec<usize>, DatasetError> {
    let selected = table.select(&[column.to_owned()])?;
    let error = |row, reason| DatasetError::Value { column: column.to_owned(), row, reason };
    let Some(ColumnData::Int(values)) = selected.first().map(|c| &c.data) else {
        return Err(error(0, "class labels must be integers"));
    };
    values
        .iter()
        .enumerate()
        .map(|(row, value)| {
            let value = value.ok_or_else(|| error(row, "the label is missing"))?;
            usize::try_from(value)
                .ok()
                .filter(|class| *class < classes)
                .ok_or_else(|| error(row, "the label is not one of the model's classes"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn table() -> Table {
        let column = |name: &str, data| Column { name: name.to_owned(), data, nullable: true };
        Table::new(vec![
            column("a", ColumnData::Int(vec![Some(16), Some(8)])),
            column("b", ColumnData::Float(vec![Some(0.5), None])),
            column("t", ColumnData::Text(vec![Some("x".into()), None])),
        ])
        .unwrap()
    }

    #[test]
    fn rows_are_scaled_in_the_order_asked_for() {
        let m = numeric_matrix(&table(), &["a".into(), "a".into()], 1.0 / 16.0).unwrap();
        assert_eq!((m.values.as_slice(), m.rows, m.columns), ([1.0, 1.0, 0.5, 0.5].as_slice(), 2, 2));
        assert_eq!((m.row(1), m.row(2)), ([0.5, 0.5].as_slice(), [].as_slice()));
    }

    #[test]
    fn what_is_not_a_number_is_named() {
        let error = |c: &str| numeric_matrix(&table(), &[c.into()], 1.0).unwrap_err().to_string();
        assert_eq!(error("b"), "column \"b\", row 1: the value is missing");
        assert_eq!(error("t"), "column \"t\", row 0: text is not a numeric feature");
        assert_eq!(
            numeric_matrix(&table(), &["a".into()], 1e300).unwrap_err(),
            DatasetError::Value {
                column: "a".into(),
                row: 0,
                reason: "the value is not a finite single-precision number"
            }
        );
    }

    #[test]
    fn labels_outside_the_classes_are_refused() {
        assert_eq!(class_labels(&table(), "a", 17), Ok(vec![16, 8]));
        assert!(class_labels(&table(), "a", 10).is_err());
        assert!(class_labels(&table(), "b", 10).is_err());
        assert!(class_labels(&table(), "z", 10).is_err());
    }
}
