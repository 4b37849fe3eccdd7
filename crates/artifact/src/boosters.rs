//! Gradient boosting models: CatBoost's container here, LightGBM's text and XGBoost's two spellings of JSON below.
//!
//! CatBoost's is a length, a FlatBuffer, and parts that the FlatBuffer names. Source: `catboost/libs/model/model.cpp`.

pub mod lightgbm;
pub mod ubjson;
pub mod xgboost;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::flatbuffer::Table;

/// A CatBoost model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatBoost {
    /// Version of its format.
    pub version: String,
    /// Parts behind the trees.
    pub parts: Vec<String>,
    /// Where the trees end.
    pub end: u64,
}

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
    if let Some(parts) = root.vector(3, 4)? {
        model.parts = vec![String::new(); parts.count.min(1000)];
    }
    Ok(model)
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
