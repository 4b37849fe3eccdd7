//! Blosc: blocks of numbers that were shuffled by their bytes and compressed one by one, as Zarr and PyTables keep them.
//!
//! Source: c-blosc 1.21 `README_HEADER.rst`, `blosc.c` (`blosc_d`). Blocks in BloscLZ, in Snappy, or shuffled by bits are
//! not read here, and not recognised.

use super::{Codec, Sink, Stop};
use crate::ArtifactError;
use crate::cursor::Cursor;

const HEAD: usize = 16;
/// Largest content: Blosc's own bound.
const LARGEST: u32 = i32::MAX as u32;
/// Largest block. Writers take as much as a cache holds.
const LARGEST_BLOCK: u32 = 64 << 20;

const SHUFFLED: u8 = 1;
const STORED: u8 = 2;
const BITS: u8 = 4;
const WHOLE: u8 = 16;

/// What the head of a buffer says.
#[derive(Debug, Clone, Copy)]
struct Head {
    flags: u8,
    width: usize,
    size: usize,
    block: usize,
    packed: usize,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<HEAD>()?;
        let number = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let [version, _, flags, width, ..] = *head;
        let (size, block, packed) = (number(4)?, number(8)?, number(12)?);
        let read =
            flags & BITS == 0 && flags & 8 == 0 && matches!(flags >> 5, 1 | 3 | 4) || flags & STORED != 0;
        let holds = version == 2 && read && width > 0 && size <= LARGEST && packed <= LARGEST;
        let blocks = block > 0
            && block <= LARGEST_BLOCK
            && (block <= size || size == 0)
            && size.div_ceil(block.max(1)) <= 1 << 20;
        let index =
            if flags & STORED != 0 { u64::from(size) } else { u64::from(size.div_ceil(block.max(1))) * 4 };
        let fits = u64::from(packed) >= HEAD as u64 + index;
        let as_size = |n: u32| usize::try_from(n).ok();
        let head = Self {
            flags,
            width: usize::from(width),
            size: as_size(size)?,
            block: as_size(block)?,
            packed: as_size(packed)?,
        };
        (holds && blocks && fits).then_some(head)
    }
}

/// Whether bytes are one buffer of Blosc, to their end.
pub(super) fn is_blosc(bytes: &[u8]) -> bool {
    Head::read(bytes).is_some_and(|head| head.packed == bytes.len() && head.size > 0)
}

/// Hands on what a buffer holds, block by block; `rest` is left behind it.
pub(super) fn unpack(rest: &mut &[u8], sink: &mut Sink<'_>) -> Result<(), Stop> {
    let broken = |what: &str| Stop::Error(ArtifactError::malformed("blosc", 0, what));
    let head = Head::read(rest).ok_or_else(|| broken("the head of the buffer does not hold"))?;
    let buffer = rest.get(..head.packed).ok_or_else(|| broken("the buffer is cut short"))?;
    *rest = rest.get(head.packed..).unwrap_or_default();
    if head.flags & STORED != 0 {
        let stored = buffer.get(HEAD..HEAD + head.size).ok_or_else(|| broken("the buffer is cut short"))?;
        return sink(stored, head.packed);
    }
    for index in 0..head.size.div_ceil(head.block) {
        let start = buffer.get(HEAD + 4 * index..).and_then(<[u8]>::first_chunk);
        let start = start.and_then(|start| usize::try_from(u32::from_le_bytes(*start)).ok());
        let bytes = start.and_then(|start| buffer.get(start..));
        let bytes = bytes.ok_or_else(|| broken("a block lies outside of the buffer"))?;
        let size = head.block.min(head.size - index * head.block);
        let block = block(&head, bytes, size).map_err(broken)?;
        let shuffled = head.flags & SHUFFLED != 0 && head.width > 1;
        sink(&if shuffled { unshuffled(&block, head.width) } else { block }, head.packed)?;
    }
    Ok(())
}

/// One block: a stream, or one for each byte of an element.
fn block(head: &Head, bytes: &[u8], size: usize) -> Result<Vec<u8>, &'static str> {
    let split = head.flags & WHOLE == 0
        && head.width <= 16
        && size == head.block
        && size.is_multiple_of(head.width)
        && head.block / head.width >= 128;
    let streams = if split { head.width } else { 1 };
    let each = size / streams;
    let mut cursor = Cursor::new("blosc", bytes, 0);
    // No more is made ready than the packed bytes could come to.
    let mut out = Vec::with_capacity(size.min(bytes.len().saturating_mul(256)));
    for _ in 0..streams {
        let length = cursor.u32().map_err(|_| "a stream is cut short")?;
        let packed = cursor.take(u64::from(length)).map_err(|_| "a stream is cut short")?;
        if packed.len() == each {
            out.extend_from_slice(packed);
            continue;
        }
        let unpacked = match head.flags >> 5 {
            1 => lz4_flex::block::decompress(packed, each).map_err(|_| "a stream of LZ4 is broken")?,
            3 => Codec::Zlib.unpack(packed, each as u64).map_err(|_| "a stream of zlib is broken")?.bytes,
            _ => {
                Codec::Zstd.unpack(packed, each as u64).map_err(|_| "a stream of Zstandard is broken")?.bytes
            }
        };
        if unpacked.len() != each {
            return Err("a stream holds less than its block");
        }
        out.extend(unpacked);
    }
    Ok(out)
}

/// Elements whose first bytes stand together, then their second ones, and so on.
fn unshuffled(block: &[u8], width: usize) -> Vec<u8> {
    let elements = block.len() / width;
    let mut out = Vec::with_capacity(block.len());
    for element in 0..elements {
        out.extend((0..width).filter_map(|byte| block.get(byte * elements + element)));
    }
    out.extend(block.iter().skip(elements * width));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer of one block in one stream of LZ4.
    fn buffer(content: &[u8], flags: u8, width: u8) -> Vec<u8> {
        let packed = lz4_flex::block::compress(content);
        let mut out = vec![2, 1, flags, width];
        out.extend((content.len() as u32).to_le_bytes());
        out.extend((content.len() as u32).to_le_bytes());
        out.extend((HEAD as u32 + 8 + packed.len() as u32).to_le_bytes());
        out.extend((HEAD as u32 + 4).to_le_bytes());
        out.extend((packed.len() as u32).to_le_bytes());
        out.extend(packed);
        out
    }

    #[test]
    fn blocks_are_unpacked_and_unshuffled() {
        let content: Vec<u8> = (0..200u8).flat_map(|n| [n, 0, 0, 0]).collect();
        let shuffled: Vec<u8> =
            (0..4).flat_map(|byte| content.iter().skip(byte).step_by(4).copied()).collect();
        for (bytes, expected) in [
            (buffer(&content, 0x20 | WHOLE, 1), &content),
            (buffer(&shuffled, 0x20 | WHOLE | SHUFFLED, 4), &content),
        ] {
            assert_eq!(Codec::detect(&bytes), Some(Codec::Blosc));
            assert_eq!(&Codec::Blosc.unpack(&bytes, 10_000).unwrap().bytes, expected);
        }
        let bytes = buffer(&content, 0x20 | WHOLE, 1);
        assert!(!is_blosc(&bytes[..bytes.len() - 1]));
        assert!(!is_blosc(&buffer(&content, WHOLE | BITS | 0x20, 1)));
    }
}
