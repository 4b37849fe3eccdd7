//! What can be wrong with a dataset before any check looks at it.

/// Why a dataset could not be read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file is not Parquet, or is damaged.
    #[error("{file}: not a readable Parquet file: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The file is no array of numbers, or is damaged.
    #[error("not a readable NumPy file: {0}")]
    Numpy(String),
    /// The file would take more than the caller allows.
    #[error("{file}: {what} is {found}, the limit is {limit}; raise the limit only for a file you trust")]
    Limit {
        /// The file.
        file: String,
        /// What is too large.
        what: &'static str,
        /// How large it is, at least.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A column holds something a flat table of numbers, booleans and text cannot.
    #[error("{file}: column {column:?} {reason}")]
    Column {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What is not supported about it, and what to do.
        reason: String,
    },
    /// Columns asked for and columns there are differ.
    #[error("the file has columns {}; the system file asks for {}; missing: {}", list(.present), list(.wanted), list(.missing))]
    MissingColumns {
        /// Columns of the file.
        present: Vec<String>,
        /// Columns asked for.
        wanted: Vec<String>,
        /// Those that are not there.
        missing: Vec<String>,
    },
    /// A feature is not a number, or has no value.
    #[error("column {column:?}, row {row}: {reason}")]
    Value {
        /// The column.
        column: String,
        /// The row, counted from 0.
        row: usize,
        /// What is wrong with the value.
        reason: &'static str,
    },
    /// A line of a file of JSON objects cannot be read.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Columns of a table disagree.
    #[error("the table is not rectangular: {0}")]
    Shape(String),
}

/// Names for a person: all of a few, the first and the count of many.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "(none)".to_owned(),
        n if n > SHOWN => format!("{shown}, … ({n} in all)"),
        _ => shown,
    }
}
