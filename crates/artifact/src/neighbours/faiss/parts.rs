//! Quantizers, transformations and graphs: what indexes are made of.

use super::{Head, Reader};
use crate::ArtifactError;
use crate::neighbours::flag;

impl Reader<'_> {
    /// A product quantizer; the bytes of a code of it.
    pub(super) fn product(&mut self, head: Head) -> Result<u64, ArtifactError> {
        let (dimensions, parts, bits) = (self.c.u64()?, self.c.u64()?, self.c.u64()?);
        let fits = dimensions == head.dimensions
            && parts > 0
            && dimensions.is_multiple_of(parts.max(1))
            && (1..=24).contains(&bits);
        self.holds(fits, "a quantizer takes other vectors than its index");
        let given = self.numbers(4, true)?;
        let wanted = (bits <= 24).then(|| dimensions.checked_mul(1 << bits)).flatten();
        self.holds(wanted == Some(given), "a quantizer has more or fewer centroids than its codes lead to");
        let code = parts.checked_mul(bits).map(|bits| bits.div_ceil(8));
        code.ok_or_else(|| self.c.error("a code is longer than can be counted"))
    }

    /// A scalar quantizer; the bytes of a code of it.
    pub(super) fn scalar(&mut self, head: Head) -> Result<u64, ArtifactError> {
        let kind = self.c.u32()?;
        self.c.take(8)?;
        let (dimensions, code) = (self.c.u64()?, self.c.u64()?);
        self.holds(dimensions == head.dimensions, "a quantizer takes other vectors than its index");
        let bits = match kind {
            0 | 2 | 5 | 8 => Some(8),
            1 | 3 => Some(4),
            4 | 7 => Some(16),
            6 => Some(6),
            _ => None,
        };
        let wanted = bits.and_then(|bits: u64| dimensions.checked_mul(bits)).map(|bits| bits.div_ceil(8));
        self.holds(
            wanted.is_none_or(|wanted| wanted == code),
            "a code has another length than its vector takes",
        );
        let trained = self.numbers(4, true)?;
        let fits = match kind {
            _ if !head.trained => true,
            // One range for all elements, or one for each.
            0 | 1 => trained == 2 * dimensions,
            2 | 3 => trained == 2,
            6 => trained == 2 * dimensions,
            4 | 5 | 7 | 8 => trained == 0,
            _ => true,
        };
        self.holds(fits, "a quantizer has more or fewer ranges than elements");
        Ok(code)
    }

    /// A transformation of vectors: how many elements it takes and how many it makes.
    pub(super) fn transformation(&mut self) -> Result<(u64, u64), ArtifactError> {
        let kind: [u8; 4] = self.c.array()?;
        let (mut linear, mut given) = (None, None);
        match &kind {
            b"rrot" | b"LTra" => {}
            b"PcAm" | b"Pcam" => {
                self.c.take(4)?;
                if &kind == b"Pcam" {
                    self.c.take(4)?;
                }
                flag(&mut self.c)?;
                self.int()?;
                for _ in 0..3 {
                    self.numbers(4, true)?;
                }
            }
            b"Viqm" => {
                self.int()?;
                self.int()?;
            }
            b"Viqt" => {
                self.numbers(4, true)?;
                flag(&mut self.c)?;
                // The rotation, and what both come to, are transformations of their own.
                for _ in 0..2 {
                    let inner: [u8; 4] = self.c.array()?;
                    match &inner {
                        b"LTra" | b"rrot" => {}
                        b"Viqm" => drop(self.c.take(8)?),
                        _ => return Err(self.unread("a rotation of another kind")),
                    }
                    let inner = Some(self.linear()?);
                    self.ends(inner)?;
                }
            }
            b"RmDT" => given = Some(self.list(4)?),
            b"VNrm" => {
                self.c.take(4)?;
            }
            b"VCnt" => {
                self.numbers(4, true)?;
            }
            other => {
                let kind = String::from_utf8_lossy(other).into_owned();
                return Err(self.unread(&format!("a transformation of the kind {kind:?}")));
            }
        }
        if matches!(&kind, b"rrot" | b"LTra" | b"PcAm" | b"Pcam" | b"Viqm") {
            linear = Some(self.linear()?);
        }
        let (from, to) = self.ends(linear)?;
        if let Some((count, map)) = given {
            let inside = map.chunks_exact(4).all(|n| {
                let n = n.first_chunk().map_or(i32::MAX, |n| i32::from_le_bytes(*n));
                n == -1 || u64::try_from(n).is_ok_and(|n| n < from)
            });
            self.holds(inside && count == to, "elements are taken from where none are");
        }
        Ok((from, to))
    }

    /// A matrix and what is added, with their lengths.
    fn linear(&mut self) -> Result<(bool, u64, u64), ArtifactError> {
        let added = flag(&mut self.c)?;
        Ok((added, self.numbers(4, true)?, self.numbers(4, true)?))
    }

    /// How many elements a transformation takes and makes, held against its matrix.
    fn ends(&mut self, linear: Option<(bool, u64, u64)>) -> Result<(u64, u64), ArtifactError> {
        let (from, to) = (u64::from(self.c.u32()?), u64::from(self.c.u32()?));
        let trained = flag(&mut self.c)?;
        if let Some((added, matrix, more)) = linear.filter(|_| trained) {
            let fits = matrix == from * to && (!added || more == to);
            self.holds(fits, "a matrix has more or fewer elements than its vectors take");
        }
        Ok((from, to))
    }

    /// A hierarchical graph over `count` vectors.
    pub(super) fn graph(&mut self, count: u64) -> Result<(), ArtifactError> {
        self.list(8)?;
        let (_, per_level) = self.list(4)?;
        let (levels_count, levels) = self.list(4)?;
        let levels_at = self.c.offset() - levels.len() as u64;
        let (offsets_count, offsets) = self.list(8)?;
        let offsets_at = self.c.offset() - offsets.len() as u64;
        let (neighbours_count, neighbours) = self.list(4)?;
        let neighbours_at = self.c.offset() - neighbours.len() as u64;
        let at = self.c.offset();
        let (entry, highest) = (self.int()?, self.int()?);
        self.c.take(12)?;
        let per_level: Vec<u64> = ints(per_level).map(|n| u64::try_from(n).unwrap_or(u64::MAX)).collect();
        let levels: Vec<usize> = ints(levels).map(|n| usize::try_from(n).unwrap_or(0)).collect();
        let rising =
            per_level.first() == Some(&0) && per_level.is_sorted() || per_level.is_empty() && count == 0;
        self.out.holds(at, rising, "numbers of neighbours do not rise with the level");
        self.out.holds(levels_at, levels_count == count, "there are more or fewer levels than vectors");
        let sized = offsets_count == count + 1 || offsets_count == 0 && count == 0;
        self.out.holds(offsets_at, sized, "there are more or fewer lists of neighbours than vectors");
        let top = levels.iter().copied().max().unwrap_or(0);
        let entry = usize::try_from(entry).ok();
        let known = match entry {
            None => count == 0,
            Some(entry) => levels.get(entry).copied() == Some(top) && i64::from(highest) + 1 == top as i64,
        };
        self.out.holds(at, known, "the first vector is not there, or not on the highest level");
        let offsets: Vec<u64> = offsets
            .chunks_exact(8)
            .map(|n| n.first_chunk().map_or(u64::MAX, |n| u64::from_le_bytes(*n)))
            .collect();
        let ends = offsets.last().copied().unwrap_or(0);
        self.out.holds(offsets_at, ends == neighbours_count, "lists of neighbours end where none are");
        let neighbours: Vec<i32> = ints(neighbours).collect();
        for (number, (level, pair)) in levels.iter().zip(offsets.windows(2)).enumerate() {
            let [from, to] = *pair else { continue };
            let wanted = per_level.get(*level).copied().filter(|_| *level > 0);
            let place = levels_at + 4 * number as u64;
            self.out.holds(
                place,
                wanted.is_some() && from.checked_add(wanted.unwrap_or(0)) == Some(to),
                "a vector has another number of neighbours than its levels take",
            );
            let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
            let own = range.and_then(|(from, to)| neighbours.get(from..to)).unwrap_or_default();
            let mut above = 0;
            for (place, neighbour) in own.iter().enumerate() {
                while per_level.get(above + 1).is_some_and(|end| *end <= place as u64) {
                    above += 1;
                }
                let reaches = usize::try_from(*neighbour).ok().and_then(|n| levels.get(n));
                let fits = *neighbour == -1 || reaches.is_some_and(|levels| *levels > above);
                let at = neighbours_at + 4 * (from + place as u64);
                self.out.holds(at, fits, "a neighbour is not there, or not on its level");
            }
        }
        Ok(())
    }

    /// A graph of one level over `count` vectors.
    pub(super) fn spreading(&mut self, count: u64) -> Result<(), ArtifactError> {
        self.int()?;
        self.c.take(1)?;
        self.c.take(16)?;
        let at = self.c.offset();
        let total = self.int()?;
        self.c.take(16)?;
        let entry = self.int()?;
        if !flag(&mut self.c)? {
            return Ok(());
        }
        let total = u64::try_from(total).unwrap_or(0);
        self.out.holds(at, total == count, "a graph has other vectors than its index");
        let inside = |n: i32| u64::try_from(n).is_ok_and(|n| n < total);
        self.out.holds(at, inside(entry) || total == 0, "the first vector is not there");
        for _ in 0..total {
            loop {
                let at = self.c.offset();
                let neighbour = self.int()?;
                if neighbour == -1 {
                    break;
                }
                self.out.holds(at, inside(neighbour), "a neighbour is not there");
            }
        }
        Ok(())
    }
}

fn ints(bytes: &[u8]) -> impl Iterator<Item = i32> {
    bytes.chunks_exact(4).map(|n| n.first_chunk().map_or(i32::MAX, |n| i32::from_le_bytes(*n)))
}
