//! Gradient boosting models: XGBoost's UBJSON and CatBoost's container here, the texts of LightGBM and XGBoost below.
//!
//! Both hold trees of numbers. The first is JSON in another spelling, walked with a stack; the second a length, a
//! FlatBuffer, and parts that the FlatBuffer names. Source: Universal Binary JSON, draft 12, with its optimised
//! containers; `catboost/libs/model/model.cpp`.

pub mod lightgbm;
pub mod xgboost;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::flatbuffer::Table;

/// Values of one UBJSON file that are no numbers of a typed array.
const MAX_VALUES: u64 = 100_000_000;
const MAX_DEPTH: usize = 1000;

/// Whether the bytes are one UBJSON object, to the last byte.
#[must_use]
pub fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L', ..] | [b'{', b'$' | b'#', ..])
        && ubjson(bytes).is_ok()
}

/// An open container: whether it is an object, the type of all its values, how many are left.
struct Open {
    object: bool,
    kind: Option<u8>,
    left: Option<u64>,
}

/// Walks a UBJSON file. Returns its texts that are longer than a name: first byte and number of bytes.
///
/// # Errors
/// It is cut short, something follows, or a byte begins no value.
pub fn ubjson(bytes: &[u8]) -> Result<Vec<(u64, u64)>, ArtifactError> {
    let mut cursor = Cursor::new("UBJSON", bytes, 0);
    let mut texts = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut values = 0u64;
    let first = cursor.u8()?;
    value(first, &mut cursor, &mut open, &mut texts)?;
    while let Some(top) = open.last_mut() {
        values += 1;
        if values > MAX_VALUES {
            return Err(ArtifactError::Limit { format: "UBJSON", what: "values", limit: MAX_VALUES });
        }
        match &mut top.left {
            Some(0) => {
                open.pop();
                continue;
            }
            Some(left) => *left -= 1,
            None if cursor.rest().first() == Some(if top.object { &b'}' } else { &b']' }) => {
                cursor.take(1)?;
                open.pop();
                continue;
            }
            None => {}
        }
        let (object, kind) = (top.object, top.kind);
        if object {
            let length = length(&mut cursor)?;
            cursor.take(length)?;
        }
        let kind = match kind {
            Some(kind) => kind,
            None => cursor.u8()?,
        };
        value(kind, &mut cursor, &mut open, &mut texts)?;
        if open.len() > MAX_DEPTH {
            return Err(cursor.error(format!("containers are nested deeper than {MAX_DEPTH}")));
        }
    }
    if cursor.left() > 0 {
        return Err(cursor.error(format!("{} bytes follow the value", cursor.left())));
    }
    Ok(texts)
}

/// Bytes of a number of that type.
const fn width(kind: u8) -> Option<u64> {
    Some(match kind {
        b'i' | b'U' | b'C' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        b'Z' | b'N' | b'T' | b'F' => 0,
        _ => return None,
    })
}

fn value(
    kind: u8,
    cursor: &mut Cursor<'_>,
    open: &mut Vec<Open>,
    texts: &mut Vec<(u64, u64)>,
) -> Result<(), ArtifactError> {
    if let Some(width) = width(kind) {
        cursor.take(width)?;
        return Ok(());
    }
    match kind {
        b'S' | b'H' => {
            let length = length(cursor)?;
            if length > 64 {
                texts.push((cursor.offset(), length));
            }
            cursor.take(length)?;
        }
        b'{' | b'[' => {
            let mut inner = Open { object: kind == b'{', kind: None, left: None };
            if cursor.rest().first() == Some(&b'$') {
                cursor.take(1)?;
                inner.kind = Some(cursor.u8()?);
            }
            if cursor.rest().first() == Some(&b'#') {
                cursor.take(1)?;
                inner.left = Some(length(cursor)?);
            } else if inner.kind.is_some() {
                return Err(cursor.error("a typed container without a count"));
            }
            match (inner.kind.and_then(width), inner.left) {
                (Some(width), Some(count)) if !inner.object => {
                    let bytes =
                        count.checked_mul(width).ok_or_else(|| cursor.error("an array beyond any file"))?;
                    cursor.take(bytes)?;
                }
                (_, Some(count)) if count > cursor.left() => {
                    return Err(cursor.error(format!("a container claims {count} values")));
                }
                _ => open.push(inner),
            }
        }
        other => return Err(cursor.error(format!("a byte {other:#04x} begins no value"))),
    }
    Ok(())
}

fn length(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    let kind = cursor.u8()?;
    let width = width(kind).filter(|w| *w > 0 && !matches!(kind, b'd' | b'D' | b'C'));
    let width = width.ok_or_else(|| cursor.error("a length that is no whole number"))?;
    let value = cursor.take(width)?.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let negative = kind != b'U' && value >> (8 * width - 1) == 1;
    if negative { Err(cursor.error("a negative length")) } else { Ok(value) }
}

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

    #[test]
    fn typed_arrays_are_skipped_as_a_whole() {
        let bytes = b"{i\x01a[$d#i\x02\0\0\0\0\0\0\0\0i\x01bSi\x02hii\x01c[TFZ]i\x01d{#i\x01i\x01xU\x05}";
        assert!(is_ubjson(bytes), "{:?}", ubjson(bytes));
        assert!(!is_ubjson(&bytes[..bytes.len() - 1]) && !is_ubjson(&[&bytes[..], b"x"].concat()));
        assert!(ubjson(b"{i\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(ubjson(&[&b"{i\x01a"[..], &b"[".repeat(100_000)].concat()).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(prop_oneof![Just(b'['), Just(b'{'), Just(b'$'), Just(b'#'), Just(b'i'), Just(1u8), any::<u8>()], 0..100)) {
            let _ = ubjson(&bytes);
            let _ = catboost(&bytes);
        }
    }
}
