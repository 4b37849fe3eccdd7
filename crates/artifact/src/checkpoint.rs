//! The index of a TensorFlow checkpoint: which tensor lies where in the data files beside it.
//!
//! The index is a sorted table as LevelDB writes it, without compression: blocks of prefix-compressed keys, an
//! index of blocks, a footer. A data file has no structure of its own, so only its index accounts for it.
//!
//! Source: `tensorflow/core/lib/io/format.cc`, `tensor_bundle.proto`.

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::protobuf::{Fields, Value};

const MAGIC: [u8; 8] = 0xdb47_7524_8b80_fb57_u64.to_le_bytes();
/// Two block handles of up to twenty bytes, padded, and the magic number.
const FOOTER: usize = 48;
/// Type and checksum behind each block.
const TRAILER: u64 = 5;
/// Tensors. The largest checkpoints have tens of thousands.
const MAX_ENTRIES: usize = 2_000_000;

/// An index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Number of data files.
    pub shards: u64,
    /// Tensors in the order of their names.
    pub tensors: Vec<Tensor>,
    /// Bytes of the file that the blocks do not have.
    pub uncovered: u64,
}

/// A tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The data file it lies in.
    pub shard: u64,
    /// First byte there.
    pub offset: u64,
    /// Number of bytes.
    pub size: u64,
}

/// Whether the bytes end as an index does.
#[must_use]
pub fn is_index(bytes: &[u8]) -> bool {
    bytes.len() >= FOOTER && bytes.ends_with(&MAGIC)
}

/// Reads an index.
///
/// # Errors
/// A block lies outside, is compressed or broken.
pub fn parse(bytes: &[u8]) -> Result<Index, ArtifactError> {
    let footer_at = bytes.len().saturating_sub(FOOTER);
    let mut footer = cursor(bytes, footer_at, FOOTER)?;
    let mut blocks = Vec::new();
    let mut covered = FOOTER as u64;
    for _ in 0..2 {
        blocks.push((varint(&mut footer)?, varint(&mut footer)?));
    }
    let mut index = Index::default();
    let [meta, main] = blocks[..] else { return Err(footer.error("the footer is cut short")) };
    for (_, value) in block(bytes, meta)?.into_iter().chain(block(bytes, main)?) {
        let mut handle = Cursor::new("checkpoint index", &value, 0);
        let handle = (varint(&mut handle)?, varint(&mut handle)?);
        covered += handle.1 + TRAILER;
        for (key, value) in block(bytes, handle)? {
            if key.is_empty() {
                index.shards = header(&value)?;
                continue;
            }
            if index.tensors.len() >= MAX_ENTRIES {
                let limit = MAX_ENTRIES as u64;
                return Err(ArtifactError::Limit { format: "checkpoint index", what: "tensors", limit });
            }
            index.tensors.push(tensor(&key, &value)?);
        }
    }
    covered += meta.1 + main.1 + 2 * TRAILER;
    index.uncovered = (bytes.len() as u64).saturating_sub(covered);
    Ok(index)
}

type Entry = (Vec<u8>, Vec<u8>);

/// The entries of the block at a handle.
fn block(bytes: &[u8], (at, size): (u64, u64)) -> Result<Vec<Entry>, ArtifactError> {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let length = usize::try_from(size.saturating_add(TRAILER)).unwrap_or(usize::MAX);
    let mut whole = cursor(bytes, start, length)?;
    let content = whole.take(size)?;
    if whole.u8()? != 0 {
        return Err(whole.error("a block is compressed"));
    }
    // The block ends with the places of its restarts and their number.
    let restarts = content.last_chunk::<4>().map_or(u32::MAX, |n| u32::from_le_bytes(*n));
    let tail = (u64::from(restarts)).saturating_mul(4).saturating_add(4);
    let keys = usize::try_from(size.saturating_sub(tail))
        .ok()
        .filter(|_| tail <= size)
        .and_then(|n| content.get(..n));
    let keys = keys.ok_or_else(|| whole.error("a block has more restarts than bytes"))?;
    let mut reader = Cursor::new("checkpoint index", keys, at);
    let (mut entries, mut key) = (Vec::new(), Vec::new());
    while reader.left() > 0 {
        let (shared, own, length) = (varint(&mut reader)?, varint(&mut reader)?, varint(&mut reader)?);
        let shared = usize::try_from(shared).ok().filter(|n| *n <= key.len());
        let shared = shared.ok_or_else(|| reader.error("a key shares more than the one before has"))?;
        key.truncate(shared);
        key.extend_from_slice(reader.take(own)?);
        entries.push((key.clone(), reader.take(length)?.to_vec()));
    }
    Ok(entries)
}

fn header(value: &[u8]) -> Result<u64, ArtifactError> {
    let mut shards = 0;
    for field in Fields::new(value) {
        if let (1, Value::Varint(n)) = (field.as_ref().map_or(0, |f| f.number), field?.value) {
            shards = n;
        }
    }
    Ok(shards)
}

fn tensor(key: &[u8], value: &[u8]) -> Result<Tensor, ArtifactError> {
    let mut tensor = Tensor { name: String::from_utf8_lossy(key).into_owned(), shard: 0, offset: 0, size: 0 };
    for field in Fields::new(value) {
        let field = field?;
        match (field.number, field.value) {
            (3, Value::Varint(n)) => tensor.shard = n,
            (4, Value::Varint(n)) => tensor.offset = n,
            (5, Value::Varint(n)) => tensor.size = n,
            _ => {}
        }
    }
    Ok(tensor)
}

fn cursor(bytes: &[u8], at: usize, length: usize) -> Result<Cursor<'_>, ArtifactError> {
    let slice = at.checked_add(length).and_then(|end| bytes.get(at..end));
    let slice = slice.ok_or_else(|| {
        ArtifactError::malformed("checkpoint index", at as u64, "a block lies outside the file")
    })?;
    Ok(Cursor::new("checkpoint index", slice, at as u64))
}

fn varint(reader: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    let mut value = 0u64;
    for shift in 0..9 {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(reader.error("a number is longer than 63 bits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written by TensorFlow 2.21: `tf.train.Checkpoint` of two variables.
    const INDEX: &[u8] = include_bytes!("../tests/fixtures/checkpoint.index");

    #[test]
    fn an_index_lists_its_tensors() {
        assert!(is_index(INDEX));
        let index = parse(INDEX).unwrap();
        assert_eq!((index.shards, index.uncovered), (1, 0));
        let weights = index.tensors.iter().find(|t| t.name.starts_with("weights/")).unwrap();
        assert_eq!((weights.shard, weights.size), (0, 24));
    }

    proptest! {
        #[test]
        fn bent_indices_end(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = INDEX.to_vec();
            for (at, to) in edits {
                bytes[at.index(INDEX.len())] = to;
            }
            let _ = parse(&bytes);
        }
    }
}
