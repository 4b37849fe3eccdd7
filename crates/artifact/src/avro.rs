//! Avro container files: a schema in JSON, and blocks of rows.
//!
//! Source: Apache Avro 1.12 specification, "Object Container Files". Rows are not decoded: a schema makes data of them,
//! and what it asks a reader to build besides stands in the schema.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::stream::inflate;

/// Entries of the metadata; writers have two.
const MAX_ENTRIES: usize = 4096;
/// Blocks of one file.
const MAX_BLOCKS: usize = 4_000_000;

/// How blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// They are not.
    Plain,
    /// As raw DEFLATE streams (RFC 1951).
    Deflate,
    /// By something that is not undone here.
    Other,
}

/// An Avro file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avro<'a> {
    /// The schema, as it is written.
    pub schema: &'a [u8],
    /// What else the head says: name, and where the value lies.
    pub metadata: Vec<(String, Range<u64>)>,
    /// How blocks are packed.
    pub packed: Packed,
    /// Where the rows of each block lie.
    pub blocks: Vec<Range<u64>>,
}

/// Whether bytes begin as an Avro file does.
#[must_use]
pub fn is_avro(bytes: &[u8]) -> bool {
    bytes.starts_with(b"Obj\x01")
}

/// Reads a whole file, every byte of it.
///
/// # Errors
/// It is cut short, a number is none, or a block does not end with the file's own mark.
pub fn parse(bytes: &[u8]) -> Result<Avro<'_>, ArtifactError> {
    let mut cursor = Cursor::new("Avro", bytes, 0);
    if cursor.take(4)? != b"Obj\x01" {
        return Err(cursor.error("no Avro file begins like this"));
    }
    let mut file = Avro { schema: &[], metadata: Vec::new(), packed: Packed::Plain, blocks: Vec::new() };
    loop {
        let mut entries = long(&mut cursor)?;
        if entries == 0 {
            break;
        }
        if entries < 0 {
            // A negative count is followed by the size of the block in bytes.
            long(&mut cursor)?;
            entries = entries.saturating_neg();
        }
        for _ in 0..entries {
            if file.metadata.len() >= MAX_ENTRIES {
                return Err(ArtifactError::Limit {
                    format: "Avro",
                    what: "entries",
                    limit: MAX_ENTRIES as u64,
                });
            }
            let key = text(&mut cursor)?;
            let value = text(&mut cursor)?;
            let end = cursor.offset();
            match key {
                b"avro.schema" => file.schema = value,
                b"avro.codec" => {
                    file.packed = match value {
                        b"null" => Packed::Plain,
                        b"deflate" => Packed::Deflate,
                        _ => Packed::Other,
                    };
                }
                _ => {}
            }
            let name = String::from_utf8_lossy(key).into_owned();
            file.metadata.push((name, end - value.len() as u64..end));
        }
    }
    let mark: [u8; 16] = cursor.array()?;
    while cursor.left() > 0 {
        if file.blocks.len() >= MAX_BLOCKS {
            return Err(ArtifactError::Limit { format: "Avro", what: "blocks", limit: MAX_BLOCKS as u64 });
        }
        if long(&mut cursor)? < 0 {
            return Err(cursor.error("a block has a negative number of rows"));
        }
        let size = size(&mut cursor)?;
        let start = cursor.offset();
        cursor.take(size)?;
        file.blocks.push(start..cursor.offset());
        if cursor.array::<16>()? != mark {
            return Err(cursor.error("a block does not end with the mark of the file"));
        }
    }
    Ok(file)
}

impl Avro<'_> {
    /// The rows of a block, at most `limit` bytes of them; nothing where they cannot be unpacked.
    #[must_use]
    pub fn rows(&self, bytes: &[u8], block: &Range<u64>, limit: u64) -> Option<Vec<u8>> {
        let (start, end) = (usize::try_from(block.start).ok()?, usize::try_from(block.end).ok()?);
        let stored = bytes.get(start..end)?;
        match self.packed {
            Packed::Plain => Some(stored.to_vec()),
            Packed::Deflate => Some(inflate(stored, limit).ok()?.0),
            Packed::Other => None,
        }
    }
}

/// A whole number: seven bits a byte, the lowest first, with the sign in the lowest bit.
fn long(cursor: &mut Cursor<'_>) -> Result<i64, ArtifactError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = cursor.array()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()));
        }
    }
    Err(cursor.error("a number has more than ten bytes"))
}

fn size(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    u64::try_from(long(cursor)?).map_err(|_| cursor.error("a size is negative"))
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ArtifactError> {
    let size = size(cursor)?;
    cursor.take(size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = b"Obj\x01\x04\x16avro.schema\x0c\"long\"\x14avro.codec\x08null\0".to_vec();
        bytes.extend([7; 16]);
        bytes.extend(b"\x04\x04\x02\x04");
        bytes.extend([7; 16]);
        bytes
    }

    #[test]
    fn every_byte_has_a_place() {
        let bytes = sample();
        let file = parse(&bytes).unwrap();
        assert_eq!((file.schema, file.packed), (&b"\"long\""[..], Packed::Plain));
        assert_eq!(file.rows(&bytes, &file.blocks[0], 100), Some(vec![2, 4]));
        assert!(parse(&[&bytes[..], b"rest"].concat()).is_err());
        assert!(parse(&bytes[..bytes.len() - 1]).is_err());
    }

    proptest! {
        #[test]
        fn bent_files_end(edits in proptest::collection::vec((0usize..90, any::<u8>()), 0..4), tail in any::<[u8; 6]>()) {
            let mut bytes = [&sample()[..], &tail].concat();
            for (at, to) in edits {
                let at = at % bytes.len();
                bytes[at] = to;
            }
            if let Ok(file) = parse(&bytes) {
                prop_assert!(file.blocks.iter().all(|block| block.end <= bytes.len() as u64));
            }
        }
    }
}
