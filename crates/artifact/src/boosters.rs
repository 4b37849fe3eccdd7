//! Gradient boosting models: CatBoost's container here, LightGBM's text and XGBoost's two spellings of JSON below.
//!
//! CatBoost's is a length, a FlatBuffer, and parts that the FlatBuffer names. Source: `catboost/libs/model/model.cpp`.

pub mod lightgbm;
pub mod ubjson;
pub mod xgboost;

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::flatbuffer::Table;

/// A CatBoost model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatBoost {
    /// Version of its format.
    pub version: String,
    /// Parts behind the trees that are not read.
    pub parts: Vec<String>,
    /// Scores that it says it gives a row.
    pub dimension: u32,
    /// Where indices and counts of the tables of categories lie.
    pub tables: Vec<Range<u64>>,
    /// Where the trees end, and the tables of categories behind them.
    pub end: u64,
}

/// Parts that a model names.
const MOST_PARTS: usize = 1000;
/// The part that statistics of categories are (`static_ctr_provider.cpp`, `ctr_data.fbs`).
const CATEGORIES: &str = "static_provider_v1";

/// Whether the bytes begin as a CatBoost model does.
#[must_use]
pub fn is_catboost(bytes: &[u8]) -> bool {
    bytes.starts_with(b"CBM1")
}

/// Reads a CatBoost model.
///
/// # Errors
/// A length or an offset leads outside.
pub fn catboost(bytes: &[u8]) -> Result<CatBoost, ArtifactError> {
    let mut cursor = Cursor::new("CatBoost", bytes, 0);
    cursor.take(4)?;
    let size = u64::from(cursor.u32()?);
    let core = cursor.take(size)?;
    let root = Table::root(core)?;
    let mut model =
        CatBoost { version: root.text(0)?.unwrap_or_default(), end: cursor.offset(), ..CatBoost::default() };
    if let Some(trees) = root.table(1)? {
        model.dimension = trees.number(0)?.map_or(0, u32::from_le_bytes);
    }
    if let Some(parts) = root.vector(3, 4)? {
        for part in 0..parts.count.min(MOST_PARTS) {
            model.parts.push(root.text_of(&parts, part)?);
        }
    }
    // The tables of categories are the first part, where there are any.
    if model.parts.first().is_some_and(|part| part == CATEGORIES) {
        model.tables = categories(&mut cursor)?;
        model.parts.remove(0);
        model.end = cursor.offset();
    }
    Ok(model)
}

/// Statistics of categories: how many tables, and each as a length and a FlatBuffer of its own with an index and counts.
fn categories(cursor: &mut Cursor<'_>) -> Result<Vec<Range<u64>>, ArtifactError> {
    let count = cursor.u32()?;
    let mut tables = Vec::new();
    for _ in 0..count {
        let size = u64::from(cursor.u32()?);
        let start = cursor.offset();
        let table = Table::root(cursor.take(size)?)?;
        for field in [1, 2] {
            if let Some(vector) = table.vector(field, 1)? {
                tables.push(start + vector.at as u64..start + vector.end(1) as u64);
            }
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = catboost(&bytes);
        }
    }
}
