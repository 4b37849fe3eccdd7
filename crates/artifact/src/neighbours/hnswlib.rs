//! Indexes of hnswlib: a head, all vectors with their neighbours on the lowest level, and the upper levels of each.

use super::{Index, word};
use crate::ArtifactError;
use crate::cursor::Cursor;

const NAME: &str = "hnswlib";
const HEAD: u64 = 96;
/// What a reader would set aside for a claimed number of vectors that no machine has.
const ROOM: u64 = 1 << 40;

struct Head {
    /// Vectors that there is to be room for, and those that there are.
    most: u64,
    count: u64,
    /// Bytes of a vector with its neighbours and its label; where the label and the vector lie.
    element: u64,
    label: u64,
    data: u64,
    level: i32,
    entry: u32,
    /// Neighbours on upper levels and on the lowest.
    upper: u64,
    lowest: u64,
    m: u64,
    multiplier: f64,
}

fn head(bytes: &[u8]) -> Option<Head> {
    let mut c = Cursor::new(NAME, bytes, 0);
    let first = c.u64().ok()?;
    let head = Head {
        most: c.u64().ok()?,
        count: c.u64().ok()?,
        element: c.u64().ok()?,
        label: c.u64().ok()?,
        data: c.u64().ok()?,
        level: i32::from_le_bytes(c.array().ok()?),
        entry: c.u32().ok()?,
        upper: c.u64().ok()?,
        lowest: c.u64().ok()?,
        m: c.u64().ok()?,
        multiplier: f64::from_le_bytes(c.array().ok()?),
    };
    c.u64().ok()?;
    // The sizes follow from one another, which no other file has by chance.
    let fits = first == 0
        && (1..=1 << 20).contains(&head.lowest)
        && head.data == head.lowest * 4 + 4
        && head.label > head.data
        && head.label < 1 << 32
        && head.element == head.label + 8;
    fits.then_some(head)
}

/// Whether bytes begin as an index does.
#[must_use]
pub fn is_index(bytes: &[u8]) -> bool {
    head(bytes).is_some()
}

/// Reads an index.
///
/// # Errors
/// It is none, or cut short.
pub fn parse(bytes: &[u8]) -> Result<Index, ArtifactError> {
    let Some(head) = head(bytes) else {
        return Err(ArtifactError::malformed(NAME, 0, "it does not begin as an index does"));
    };
    let mut index = Index::default();
    index.holds(8, head.most >= head.count, "there are more vectors than there is said to be room for");
    let room = head.most.checked_mul(head.element).is_some_and(|bytes| bytes <= ROOM);
    index.holds(
        8,
        room && head.most <= u64::from(u32::MAX),
        "there is to be room for more vectors than any machine has",
    );
    index.holds(
        72,
        head.m == head.upper && head.m.checked_mul(2) == Some(head.lowest),
        "numbers of neighbours differ",
    );
    index.holds(
        80,
        head.multiplier.is_finite() && head.multiplier > 0.0,
        "the share of the levels is no number",
    );
    let known = u64::from(head.entry) < head.count || head.count == 0;
    index.holds(52, known, "the first vector is one that is not there");
    let mut c = Cursor::new(NAME, bytes, 0);
    c.take(HEAD)?;
    let lowest = c.offset();
    let total = head.count.checked_mul(head.element);
    c.take(total.ok_or_else(|| c.error("the vectors take more bytes than can be counted"))?)?;
    let links =
        head.upper.checked_mul(4).and_then(|bytes| bytes.checked_add(4)).filter(|bytes| *bytes < 1 << 32);
    let links = links.ok_or_else(|| c.error("neighbours take more bytes than can be counted"))?;
    // Where the upper levels of each vector begin, and how many it has.
    let mut levels: Vec<(u64, u64)> = Vec::new();
    for _ in 0..head.count {
        let size = u64::from(c.u32()?);
        if !size.is_multiple_of(links) {
            return Err(c.error("upper levels are no whole number of levels"));
        }
        levels.push((c.offset(), size / links));
        c.take(size)?;
    }
    index.end = c.offset();
    let highest = levels.iter().map(|(_, count)| *count).max();
    let said = u64::try_from(head.level).ok();
    index.holds(48, highest == said, "the highest level is not the one that is said");
    let entry = usize::try_from(head.entry).ok().and_then(|entry| levels.get(entry));
    index.holds(
        52,
        entry.map(|(_, count)| *count) == said,
        "the first vector does not reach the highest level",
    );
    for number in 0..head.count {
        let at = lowest + number * head.element;
        neighbours(bytes, &mut index, &levels, at, head.lowest, 0);
        index.vectors.push((at + head.data..at + head.label, (head.label - head.data).is_multiple_of(4)));
        let (start, count) =
            usize::try_from(number).ok().and_then(|n| levels.get(n)).copied().unwrap_or_default();
        for level in 0..count {
            neighbours(bytes, &mut index, &levels, start + level * links, head.upper, level + 1);
        }
    }
    Ok(index)
}

/// Holds the neighbours at `at` against the vectors that reach `level`. Places behind the last neighbour keep former ones.
fn neighbours(bytes: &[u8], index: &mut Index, levels: &[(u64, u64)], at: u64, most: u64, level: u64) {
    let read = |at: u64| usize::try_from(at).ok().and_then(|at| word(bytes, at)).unwrap_or(u32::MAX);
    // The lowest two bytes count, the third marks a vector as deleted.
    let first = read(at);
    let count = u64::from(first & 0xffff);
    let marks = if level == 0 { 0x0001_ffff } else { 0xffff };
    index.holds(
        at,
        count <= most && first & !marks == 0,
        "a vector has more neighbours than there is room for",
    );
    for place in 0..most {
        let neighbour = read(at + 4 + place * 4);
        let reaches = usize::try_from(neighbour).ok().and_then(|n| levels.get(n)).map(|(_, count)| *count);
        let fits = if place < count {
            reaches.is_some_and(|count| count >= level)
        } else {
            neighbour == 0 || reaches.is_some()
        };
        index.holds(at + 4 + place * 4, fits, "a neighbour is not there, or not on its level");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Three vectors of two numbers, the second of which reaches level one.
    fn written() -> Vec<u8> {
        let long = |n: &[u64]| n.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let short = |n: &[u32]| n.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let (lowest, data) = (4u64, 20u64);
        let mut bytes =
            [long(&[0, 10, 3, data + 16, data + 8, data]), short(&[1, 1]), long(&[2, lowest, 2])].concat();
        bytes.extend(1.5f64.to_le_bytes());
        bytes.extend(long(&[200]));
        for n in 0..3u32 {
            bytes.extend(short(&[2, (n + 1) % 3, (n + 2) % 3, 0, 0]));
            bytes.extend([1.5f32, n as f32].iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(long(&[u64::from(n) * 7]));
        }
        bytes.extend(short(&[0, 12, 0, 0, 0, 0]));
        bytes
    }

    #[test]
    fn every_number_is_held_against_the_file() {
        let bytes = written();
        let index = parse(&bytes).unwrap();
        assert_eq!((index.end, index.faults.len(), index.vectors.len()), (bytes.len() as u64, 0, 3));
        // Room, vectors, the highest level, the first vector, a count, a neighbour, one that is not on its level.
        for (at, value) in
            [(8, 2u32), (12, 1 << 20), (48, 3), (52, 9), (52, 0), (96, 9), (100, 3), (96 + 108 + 4 + 4, 1)]
        {
            let mut bent = written();
            bent[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let bent = parse(&bent);
            assert!(bent.is_err() || !bent.unwrap().faults.is_empty(), "{at}");
        }
        let mut more = written();
        more[16] = 4;
        assert!(parse(&more).is_err());
        assert!(parse(&bytes[..bytes.len() - 1]).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_numbers_end(at in 0usize..200, value in any::<u64>()) {
            let mut bytes = written();
            let at = at.min(bytes.len() - 8);
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            if let Ok(index) = parse(&bytes) {
                prop_assert!(index.end <= bytes.len() as u64 && index.faults.len() <= 20);
            }
        }
    }
}
