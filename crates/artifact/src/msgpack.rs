//! MessagePack, as Flax writes parameters: maps of names, numbers, byte strings and a few extension types.
//!
//! Source: the MessagePack specification; `flax/serialization.py` for the extensions 1 (array), 2 (complex) and
//! 3 (NumPy scalar).

use crate::ArtifactError;
use crate::cursor::Cursor;

/// Values of one file.
const MAX_VALUES: u64 = 20_000_000;
/// Containers in each other. Parameters are a dozen deep; readers recurse.
const MAX_DEPTH: usize = 256;

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Extension values: type, first byte of the content, number of bytes.
    pub extensions: Vec<(i8, u64, u64)>,
    /// Byte strings: first byte and number of bytes.
    pub blobs: Vec<(u64, u64)>,
}

/// Whether the bytes are one map of texts, to the last byte; or begin as a map whose first key is a readable name
/// and go wrong later, or as arrays in each other beyond any use.
#[must_use]
pub fn is_map(bytes: &[u8]) -> bool {
    let key = match bytes {
        [0x81..=0x8f, rest @ ..] | [0xde, _, _, rest @ ..] | [0xdf, _, _, _, _, rest @ ..] => rest,
        // Readers go as deep as a file does.
        // An empty map alone: spaCy writes one for a table without rows.
        [0x80] => return true,
        [0x91, ..] => return bytes.iter().take_while(|b| **b == 0x91).count() > MAX_DEPTH,
        _ => return false,
    };
    match key {
        [length @ 0xa1..=0xbf, text @ ..] => {
            let name = text.get(..usize::from(length & 31)).unwrap_or_default();
            let readable = !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
            readable || survey(bytes).is_ok()
        }
        // A longer name, or a hash in place of one.
        [0xd9..=0xdb | 0xcc..=0xcf, ..] => survey(bytes).is_ok(),
        _ => false,
    }
}

/// An array as Flax keeps it: the bytes that its shape and type take, and those that it has.
///
/// Returns `None` where it is no such array.
#[must_use]
pub fn array(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut cursor = Cursor::new("MessagePack", bytes, 0);
    let count = cursor.u8().ok().filter(|_| bytes.first() == Some(&0x93)).and_then(|_| cursor.u8().ok())?;
    let rank = (0x90..=0x9f).contains(&count).then_some(count & 15)?;
    let mut elements = 1u64;
    for _ in 0..rank {
        let size = match cursor.u8().ok()? {
            small @ 0..=0x7f => u64::from(small),
            kind @ 0xcc..=0xcf => {
                let bytes = cursor.take(1 << (kind - 0xcc)).ok()?;
                bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
            }
            _ => return None,
        };
        elements = elements.checked_mul(size)?;
    }
    let length = cursor.u8().ok().filter(|k| (0xa1..=0xbf).contains(k))?;
    let name = cursor.take(u64::from(length & 31)).ok()?;
    let width = match name {
        b"bool" | b"int8" | b"uint8" | b"float8_e4m3fn" | b"float8_e5m2" | b"int4" | b"uint4" => 1,
        b"int16" | b"uint16" | b"float16" | b"bfloat16" => 2,
        b"int32" | b"uint32" | b"float32" => 4,
        b"int64" | b"uint64" | b"float64" | b"complex64" => 8,
        b"complex128" => 16,
        _ => return None,
    };
    let width_of_length = match cursor.u8().ok()? {
        kind @ 0xc4..=0xc6 => 1u64 << (kind - 0xc4),
        _ => return None,
    };
    let stated = cursor.take(width_of_length).ok()?.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    Some((elements.checked_mul(width)?, stated))
}

/// Walks one value that has to be all there is.
///
/// # Errors
/// It is cut short, something follows it, or a byte begins no value.
pub fn survey(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let mut cursor = Cursor::new("MessagePack", bytes, 0);
    let mut out = Survey::default();
    // Values that are due in each open container, and in all of them.
    let mut open = vec![1u64];
    let (mut due, mut read) = (1u64, 0u64);
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        due -= 1;
        read += 1;
        let before = due;
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
        if due > before {
            open.push(due - before);
            if open.len() > MAX_DEPTH {
                return Err(cursor.error(format!("containers are nested deeper than {MAX_DEPTH}")));
            }
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
        // {"w": ext 1 of [[2], "float32", b"ab"], "n": 3}
        let array = [&[0x93, 0x91, 2, 0xa7][..], b"float32", &[0xc4, 2], b"ab"].concat();
        let bytes = [&[0x82, 0xa1, b'w', 0xc7, array.len() as u8, 1][..], &array, &[0xa1, b'n', 3]].concat();
        let survey = survey(&bytes).unwrap();
        assert_eq!(survey.extensions, [(1, 6, array.len() as u64)]);
        assert!(is_map(&bytes) && self::survey(&bytes[..bytes.len() - 1]).is_err());
        assert_eq!(super::array(&array), Some((8, 2)));
        assert!(!is_map(b"\x81\x01\x02\x03") && !is_map(b"\x93ab"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = [&[0x91].repeat(100_000)[..], &[0xc0]].concat();
        assert!(is_map(&deep) && survey(&deep).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = survey(&bytes);
        }
    }
}
