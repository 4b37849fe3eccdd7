//! Indexes of FAISS: parts that begin with four letters, some of which hold further ones.

use super::{Index, flag};
use crate::ArtifactError;
use crate::cursor::Cursor;

mod lists;
mod parts;

const NAME: &str = "FAISS";
/// Indexes in one another: a quantizer in a list in a transformation in a map of numbers.
const DEEPEST: u32 = 8;

/// Kinds of indexes that are read.
const KINDS: [&[u8; 4]; 31] = [
    b"IxFI", b"IxF2", b"IxFl", b"IxPq", b"IxSQ", b"IxHe", b"IxPT", b"IxMp", b"IxM2", b"IxRF", b"IHNf",
    b"IHNp", b"IHNs", b"IHN2", b"IwFl", b"IwFd", b"IwPQ", b"IwQR", b"IwSq", b"INSf", b"IBxF", b"IBwF",
    b"IBHf", b"IBMp", b"IBM2", b"IPfs", b"IwPf", b"IxRq", b"IxLS", b"IwRq", b"IwLS",
];

/// Whether bytes begin as an index does: a kind, and behind it a number of dimensions.
#[must_use]
pub fn is_index(bytes: &[u8]) -> bool {
    let known = bytes.first_chunk::<4>().is_some_and(|kind| KINDS.contains(&kind));
    known && super::word(bytes, 4).is_some_and(|dimensions| (1..1 << 24).contains(&dimensions))
}

/// Reads an index.
///
/// # Errors
/// It is none, cut short, claims more than there is, or has a part of a kind that is not read.
pub fn parse(bytes: &[u8]) -> Result<Index, ArtifactError> {
    let mut reader = Reader { c: Cursor::new(NAME, bytes, 0), out: Index::default(), kept: 0 };
    reader.index(0)?;
    reader.out.end = reader.c.offset();
    Ok(reader.out)
}

/// What is known of an index that was read.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    at: u64,
    dimensions: u64,
    /// How many vectors there are.
    count: u64,
    trained: bool,
}

struct Reader<'a> {
    c: Cursor<'a>,
    out: Index,
    /// Indexes that were read.
    kept: u64,
}

impl<'a> Reader<'a> {
    fn unread(&self, what: &str) -> ArtifactError {
        ArtifactError::NotRead { format: NAME, offset: self.c.offset(), what: what.to_owned() }
    }

    fn int(&mut self) -> Result<i32, ArtifactError> {
        Ok(i32::from_le_bytes(self.c.array()?))
    }

    /// A number of something, as a signed number of eight bytes.
    fn count(&mut self) -> Result<u64, ArtifactError> {
        let at = self.c.offset();
        let count = self.c.u64()?;
        if count > i64::MAX as u64 {
            return Err(ArtifactError::malformed(NAME, at, "a number of vectors is below zero"));
        }
        Ok(count)
    }

    /// A list of elements of `width` bytes: how many there are, and where.
    fn list(&mut self, width: u64) -> Result<(u64, &'a [u8]), ArtifactError> {
        let at = self.c.offset();
        let count = self.c.u64()?;
        let bytes = count.checked_mul(width).filter(|bytes| *bytes <= self.c.left());
        let claims = || ArtifactError::malformed(NAME, at, format!("a list claims {count} elements"));
        Ok((count, self.c.take(bytes.ok_or_else(claims)?)?))
    }

    /// A list of numbers that are part of the model.
    fn numbers(&mut self, width: u64, float: bool) -> Result<u64, ArtifactError> {
        let (count, bytes) = self.list(width)?;
        let end = self.c.offset();
        self.out.vectors.push((end - bytes.len() as u64..end, float));
        Ok(count)
    }

    fn holds(&mut self, fits: bool, what: &str) {
        let at = self.c.offset();
        self.out.holds(at, fits, what);
    }

    /// What every index begins with.
    fn head(&mut self) -> Result<Head, ArtifactError> {
        let at = self.c.offset();
        let dimensions = self.c.u32()?;
        let count = self.count()?;
        for _ in 0..2 {
            let filler = self.c.u64()?;
            self.holds(filler == 1 << 20, "a place that readers pass over holds something");
        }
        let trained = flag(&mut self.c)?;
        if self.int()? > 1 {
            self.c.take(4)?;
        }
        self.holds((1..1 << 24).contains(&dimensions), "the number of dimensions is none");
        Ok(Head { at, dimensions: dimensions.into(), count, trained })
    }

    /// The same of an index of bits.
    fn binary_head(&mut self) -> Result<(Head, u64), ArtifactError> {
        let at = self.c.offset();
        let (dimensions, code) = (self.c.u32()?, self.c.u32()?);
        let count = self.count()?;
        let trained = flag(&mut self.c)?;
        self.int()?;
        let (dimensions, code) = (u64::from(dimensions), u64::from(code));
        self.holds(dimensions == code * 8, "the number of dimensions is another than that of bits");
        Ok((Head { at, dimensions, count, trained }, code))
    }

    /// Codes of as many vectors as the head says, in elements of `width` bytes.
    fn codes(&mut self, head: Head, code: u64, width: u64) -> Result<(), ArtifactError> {
        let float = width == 4;
        let count = self.numbers(width, float)?;
        let wanted = head.count.checked_mul(code);
        self.holds(wanted == count.checked_mul(width), "there are more or fewer vectors than the head says");
        Ok(())
    }

    fn index(&mut self, depth: u32) -> Result<Head, ArtifactError> {
        /// Indexes of one file.
        const MOST: u64 = 1 << 12;
        self.kept += 1;
        if depth > DEEPEST || self.kept > MOST {
            return Err(ArtifactError::Limit {
                format: NAME,
                what: "indexes in one another",
                limit: DEEPEST.into(),
            });
        }
        let kind: [u8; 4] = self.c.array()?;
        let is_binary = kind.starts_with(b"IB");
        if is_binary {
            return self.binary(kind, depth);
        }
        if !KINDS.contains(&&kind) {
            return Err(self.unread(&format!("an index of the kind {:?}", String::from_utf8_lossy(&kind))));
        }
        let head = self.head()?;
        match &kind {
            b"IxFI" | b"IxF2" | b"IxFl" => self.codes(head, head.dimensions * 4, 4)?,
            b"IxPq" => {
                let code = self.product(head)?;
                self.codes(head, code, 1)?;
                self.int()?;
                flag(&mut self.c)?;
                self.int()?;
            }
            b"IxSQ" => {
                let code = self.scalar(head)?;
                self.codes(head, code, 1)?;
            }
            b"IxHe" => {
                let bits = self.int()?;
                flag(&mut self.c)?;
                let thresholds = flag(&mut self.c)?;
                let given = self.numbers(4, true)?;
                let bits = u64::try_from(bits).unwrap_or(0);
                self.holds(!thresholds || given == bits, "thresholds are more or fewer than bits");
                let code = u64::try_from(self.int()?).unwrap_or(0);
                self.holds(code == bits.div_ceil(8), "a code has another length than its bits");
                let turned = self.transformation()?;
                self.holds(
                    turned.0 == head.dimensions,
                    "a transformation takes other vectors than its index",
                );
                self.codes(head, code, 1)?;
            }
            b"IxPT" => {
                let count = self.c.u32()?;
                if count > 64 {
                    return Err(self.c.error(format!("{count} transformations one after the other")));
                }
                let mut dimensions = head.dimensions;
                for _ in 0..count {
                    let (from, to) = self.transformation()?;
                    self.holds(from == dimensions, "a transformation takes other vectors than it is given");
                    dimensions = to;
                }
                let inner = self.index(depth + 1)?;
                self.holds(inner.dimensions == dimensions, "an index takes other vectors than it is given");
                self.holds(
                    inner.count == head.count,
                    "an index has another number of vectors than the one around it",
                );
            }
            b"IxMp" | b"IxM2" => {
                let inner = self.index(depth + 1)?;
                let (count, _) = self.list(8)?;
                self.holds(
                    count == inner.count && count == head.count,
                    "there are more or fewer names than vectors",
                );
            }
            b"IxRF" => {
                for _ in 0..2 {
                    let inner = self.index(depth + 1)?;
                    self.holds(
                        inner.count == head.count,
                        "an index has another number of vectors than the one around it",
                    );
                }
                self.c.take(4)?;
            }
            b"IHNf" | b"IHNp" | b"IHNs" | b"IHN2" => {
                self.graph(head.count)?;
                self.storage(head, depth)?;
            }
            b"INSf" => {
                self.spreading(head.count)?;
                self.storage(head, depth)?;
            }
            b"IwFl" | b"IwFd" | b"IwSq" | b"IwPQ" | b"IwQR" => self.inverted(&kind, head, depth)?,
            _ => {
                return Err(
                    self.unread(&format!("an index of the kind {:?}", String::from_utf8_lossy(&kind)))
                );
            }
        }
        Ok(head)
    }

    /// The vectors under a graph.
    fn storage(&mut self, head: Head, depth: u32) -> Result<(), ArtifactError> {
        let inner = self.index(depth + 1)?;
        let same = inner.count == head.count && inner.dimensions == head.dimensions;
        self.holds(same, "a graph has other vectors than the index under it");
        Ok(())
    }

    fn binary(&mut self, kind: [u8; 4], depth: u32) -> Result<Head, ArtifactError> {
        if !KINDS.contains(&&kind) {
            return Err(self.unread(&format!("an index of the kind {:?}", String::from_utf8_lossy(&kind))));
        }
        let (head, code) = self.binary_head()?;
        match &kind {
            b"IBxF" => self.codes(head, code, 1)?,
            b"IBHf" => {
                self.graph(head.count)?;
                self.storage(head, depth)?;
            }
            b"IBwF" => {
                let lists = self.cells(head, depth)?;
                self.lists(lists, head.count, Some(code))?;
            }
            b"IBMp" | b"IBM2" => {
                let inner = self.index(depth + 1)?;
                let (count, _) = self.list(8)?;
                self.holds(
                    count == inner.count && count == head.count,
                    "there are more or fewer names than vectors",
                );
            }
            _ => return Err(self.unread("an index of bits")),
        }
        Ok(head)
    }
}
