//! MessagePack, as Flax writes parameters: maps of names, numbers, byte strings and a few extension types.
//!
//! Source: the MessagePack specification; `flax/serialization.py` for the extensions 1 (array), 2 (complex) and
//! 3 (NumPy scalar).

use crate::ArtifactError;
use crate::cursor::Cursor;

/// Values of one file.
const MAX_VALUES: u64 = 20_000_000;

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Extension values: type, first byte of the content, number of bytes.
    pub extensions: Vec<(i8, u64, u64)>,
    /// Byte strings: first byte and number of bytes.
    pub blobs: Vec<(u64, u64)>,
}

/// Whether the bytes are one map of texts, to the last byte.
#[must_use]
pub fn is_map(bytes: &[u8]) -> bool {
    let key = match bytes {
        [0x81..=0x8f, key, ..] | [0xde, _, _, key, ..] | [0xdf, _, _, _, _, key, ..] => *key,
        _ => return false,
    };
    matches!(key, 0xa1..=0xbf | 0xd9..=0xdb) && survey(bytes).is_ok()
}

/// Walks one value that has to be all there is.
///
/// # Errors
/// It is cut short, something follows it, or a byte begins no value.
pub fn survey(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let mut cursor = Cursor::new("MessagePack", bytes, 0);
    let mut out = Survey::default();
    let (mut due, mut read) = (1u64, 0u64);
    while due > 0 {
        due -= 1;
        read += 1;
        if read > MAX_VALUES {
            return Err(ArtifactError::Limit { format: "MessagePack", what: "values", limit: MAX_VALUES });
        }
        let kind = cursor.u8()?;
        let sized = |width: u8, cursor: &mut Cursor<'_>| -> Result<u64, ArtifactError> {
            let bytes = cursor.take(u64::from(width))?;
            Ok(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
        };
        match kind {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => {}
            0x80..=0x8f => due += 2 * u64::from(kind & 15),
            0x90..=0x9f => due += u64::from(kind & 15),
            0xa0..=0xbf => drop(cursor.take(u64::from(kind & 31))?),
            0xc4..=0xc6 => {
                let length = sized(1 << (kind - 0xc4), &mut cursor)?;
                out.blobs.push((cursor.offset(), length));
                cursor.take(length)?;
            }
            0xc7..=0xc9 => {
                let length = sized(1 << (kind - 0xc7), &mut cursor)?;
                extension(&mut cursor, length, &mut out)?;
            }
            0xca => drop(cursor.take(4)?),
            0xcb => drop(cursor.take(8)?),
            0xcc..=0xcf => drop(cursor.take(1 << (kind - 0xcc))?),
            0xd0..=0xd3 => drop(cursor.take(1 << (kind - 0xd0))?),
            0xd4..=0xd8 => extension(&mut cursor, 1 << (kind - 0xd4), &mut out)?,
            0xd9..=0xdb => {
                let length = sized(1 << (kind - 0xd9), &mut cursor)?;
                cursor.take(length)?;
            }
            0xdc | 0xdd => due += sized(2 << (kind - 0xdc), &mut cursor)?,
            0xde | 0xdf => due += 2 * sized(2 << (kind - 0xde), &mut cursor)?,
            0xc1 => return Err(cursor.error("a byte that begins no value")),
        }
        // Each value takes a byte at least.
        if due > cursor.left() {
            return Err(cursor.error("more values are announced than bytes are left"));
        }
    }
    if cursor.left() > 0 {
        return Err(cursor.error(format!("{} bytes follow the value", cursor.left())));
    }
    Ok(out)
}

fn extension(cursor: &mut Cursor<'_>, length: u64, out: &mut Survey) -> Result<(), ArtifactError> {
    let kind = i8::from_le_bytes(cursor.array()?);
    out.extensions.push((kind, cursor.offset(), length));
    cursor.take(length)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_map_is_walked_to_its_end() {
        // {"w": ext 1 of [[2], "f4", b"ab"], "n": 3}
        let array = [&[0x93, 0x91, 2, 0xa2][..], b"f4", &[0xc4, 2], b"ab"].concat();
        let bytes = [&[0x82, 0xa1, b'w', 0xc7, array.len() as u8, 1][..], &array, &[0xa1, b'n', 3]].concat();
        let survey = survey(&bytes).unwrap();
        assert_eq!(survey.extensions, [(1, 6, array.len() as u64)]);
        assert!(
            is_map(&bytes) && !is_map(&bytes[..bytes.len() - 1]) && !is_map(&[&bytes[..], b"x"].concat())
        );
        assert!(survey_deep());
    }

    fn survey_deep() -> bool {
        survey(&[0x91].repeat(100_000)).is_err()
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = survey(&bytes);
        }
    }
}
