//! A flat table in memory: named, typed columns of equal length.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::DatasetError;

/// Values of a column; `None` is a null.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Integers of any stored width, dates and times in their stored unit.
    Int(Vec<Option<i64>>),
    /// Floating-point numbers; single precision is widened, which is exact.
    Float(Vec<Option<f64>>),
    /// Booleans.
    Bool(Vec<Option<bool>>),
    /// UTF-8 text.
    Text(Vec<Option<String>>),
}

/// What a column holds, whatever width or encoding it is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Integers.
    Int,
    /// Floating-point numbers.
    Float,
    /// Booleans.
    Bool,
    /// Text.
    Text,
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Text => "text",
        })
    }
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its values.
    pub data: ColumnData,
    /// Whether the file declares that values may be absent.
    pub nullable: bool,
}

/// Columns of equal length with distinct names.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// A table of `columns`, which must have distinct names and equal lengths.
    pub fn new(columns: Vec<Column>) -> Result<Self, DatasetError> {
        let rows = columns.first().map_or(0, |c| c.data.len());
        let mut names = std::collections::BTreeSet::new();
        for column in &columns {
            if !names.insert(column.name.as_str()) {
                return Err(DatasetError::Shape(format!("two columns are called {:?}", column.name)));
            }
            if column.data.len() != rows {
                return Err(DatasetError::Shape(format!(
                    "column {:?} has {} rows, the first column {rows}",
                    column.name,
                    column.data.len()
                )));
            }
        }
        Ok(Self { columns, rows })
    }

    /// The rows of both, for a dataset of several files. Columns must agree in name and type, in any order.
    pub fn append(mut self, other: Self) -> Result<Self, DatasetError> {
        if other.columns.len() != self.columns.len() {
            return Err(DatasetError::Shape(format!(
                "one file has {} columns, another {}",
                self.columns.len(),
                other.columns.len()
            )));
        }
        let names = self.names();
        other.select(&names)?;
        for more in other.columns {
            if let Some(mine) = self.columns.iter_mut().find(|c| c.name == more.name) {
                mine.nullable |= more.nullable;
                match (&mut mine.data, more.data) {
                    (ColumnData::Int(a), ColumnData::Int(b)) => a.extend(b),
                    (ColumnData::Float(a), ColumnData::Float(b)) => a.extend(b),
                    (ColumnData::Bool(a), ColumnData::Bool(b)) => a.extend(b),
                    (ColumnData::Text(a), ColumnData::Text(b)) => a.extend(b),
                    (a, b) => {
                        return Err(DatasetError::Shape(format!(
                            "column {:?} is {} in one file and {} in another",
                            more.name,
                            a.column_type(),
                            b.column_type()
                        )));
                    }
                }
            }
        }
        self.rows += other.rows;
        Ok(self)
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The column names, in the order of the file.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// The columns called `names`, in that order, or an error that names what is missing.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Column>, DatasetError> {
        let missing: Vec<String> = names.iter().filter(|n| self.column(n).is_none()).cloned().collect();
        if missing.is_empty() {
            return Ok(names.iter().filter_map(|n| self.column(n)).collect());
        }
        Err(DatasetError::MissingColumns { present: self.names(), wanted: names.to_vec(), missing })
    }
}

impl ColumnData {
    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Int(v) => v.len(),
            Self::Float(v) => v.len(),
            Self::Bool(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the column holds.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match self {
            Self::Int(_) => ColumnType::Int,
            Self::Float(_) => ColumnType::Float,
            Self::Bool(_) => ColumnType::Bool,
            Self::Text(_) => ColumnType::Text,
        }
    }

    /// Rows without a value; a NaN is a missing number.
    #[must_use]
    pub fn nulls(&self) -> usize {
        match self {
            Self::Int(v) => v.iter().filter(|x| x.is_none()).count(),
            Self::Float(v) => v.iter().filter(|x| x.is_none_or(f64::is_nan)).count(),
            Self::Bool(v) => v.iter().filter(|x| x.is_none()).count(),
            Self::Text(v) => v.iter().filter(|x| x.is_none()).count(),
        }
    }

    /// The value of a row as a number: integers (rounded above 2^53), floats, booleans as 0 and 1.
    /// `None` for a null, for text, and beyond the last row.
    #[must_use]
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Int(v) => v.get(row).copied().flatten().map(|x| x as f64),
            Self::Float(v) => v.get(row).copied().flatten(),
            Self::Bool(v) => v.get(row).copied().flatten().map(|x| f64::from(u8::from(x))),
            Self::Text(_) => None,
        }
    }

    /// All values as numbers, NaN for a null; `None` for text.
    #[must_use]
    pub fn numbers(&self) -> Option<Vec<f64>> {
        if matches!(self, Self::Text(_)) {
            return None;
        }
        Some((0..self.len()).map(|row| self.number(row).unwrap_or(f64::NAN)).collect())
    }

    /// All values as text, as labels or categories are written; `None` for a null.
    #[must_use]
    pub fn texts(&self) -> Vec<Option<String>> {
        (0..self.len()).map(|row| self.text(row)).collect()
    }

    /// The value of a row as text, as a label or category is written. `None` for a null.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Int(v) => v.get(row).copied().flatten().map(|x| x.to_string()),
            Self::Float(v) => v.get(row).copied().flatten().map(|x| x.to_string()),
            Self::Bool(v) => v.get(row).copied().flatten().map(|x| x.to_string()),
            Self::Text(v) => v.get(row).cloned().flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(name: &str, values: &[i64]) -> Column {
        Column {
            name: name.to_owned(),
            data: ColumnData::Int(values.iter().copied().map(Some).collect()),
            nullable: false,
        }
    }

    #[test]
    fn ragged_and_doubled_columns_are_refused() {
        assert!(Table::new(vec![ints("a", &[1]), ints("b", &[1, 2])]).is_err());
        assert!(Table::new(vec![ints("a", &[1]), ints("a", &[1])]).is_err());
    }

    #[test]
    fn files_are_appended_by_name() {
        let a = Table::new(vec![ints("x", &[1]), ints("y", &[2])]).unwrap();
        let b = Table::new(vec![ints("y", &[4]), ints("x", &[3])]).unwrap();
        let both = a.clone().append(b).unwrap();
        assert_eq!(both.column("x").unwrap().data.numbers(), Some(vec![1.0, 3.0]));
        assert_eq!(both.rows(), 2);
        assert!(a.clone().append(Table::new(vec![ints("x", &[1])]).unwrap()).is_err());
        assert!(a.append(Table::new(vec![ints("x", &[1]), ints("z", &[1])]).unwrap()).is_err());
        let text = ColumnData::Text(vec![None, Some("a".into())]);
        assert_eq!((text.numbers(), text.texts()), (None, vec![None, Some("a".to_owned())]));
    }

    #[test]
    fn a_missing_column_is_named_with_both_lists() {
        let table = Table::new(vec![ints("p0", &[1]), ints("p1", &[1])]).unwrap();
        let error = table.select(&["p0".into(), "pixel_1".into()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the file has columns p0, p1; the system file asks for p0, pixel_1; missing: pixel_1"
        );
    }
}
