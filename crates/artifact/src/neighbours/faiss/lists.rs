//! Vectors in cells: a quantizer that finds the cell, where each vector is, and the lists of the cells.

use super::{Head, NAME, Reader};
use crate::ArtifactError;
use crate::neighbours::flag;

impl Reader<'_> {
    /// An index over cells behind its head.
    pub(super) fn inverted(&mut self, kind: &[u8; 4], head: Head, depth: u32) -> Result<(), ArtifactError> {
        let cells = self.cells(head, depth)?;
        let mut code = Some(head.dimensions * 4);
        let mut refined = false;
        match kind {
            b"IwFd" => drop(self.list(16)?),
            b"IwSq" => {
                code = Some(self.scalar(head)?);
                let said = self.c.u64()?;
                self.holds(code == Some(said), "codes have another length than their quantizer makes");
                flag(&mut self.c)?;
            }
            b"IwPQ" | b"IwQR" => {
                flag(&mut self.c)?;
                let said = self.c.u64()?;
                code = Some(self.product(head)?);
                self.holds(code == Some(said), "codes have another length than their quantizer makes");
                refined = kind == b"IwQR";
            }
            _ => {}
        }
        self.lists(cells, head.count, code)?;
        if refined {
            let code = self.product(head)?;
            self.codes(head, code, 1)?;
            self.c.take(4)?;
        }
        Ok(())
    }

    /// How many cells there are, the index that finds them, and where each vector is.
    pub(super) fn cells(&mut self, head: Head, depth: u32) -> Result<u64, ArtifactError> {
        let at = self.c.offset();
        let cells = self.c.u64()?;
        self.c.u64()?;
        // Each cell takes some bytes of the lists that follow.
        if cells > self.c.left() {
            return Err(ArtifactError::malformed(NAME, at, format!("{cells} cells are claimed")));
        }
        let quantizer = self.index(depth + 1)?;
        let same = quantizer.count == cells || quantizer.count == 0 && !head.trained;
        self.out.holds(quantizer.at, same, "the quantizer finds more or fewer cells than there are");
        self.holds(quantizer.dimensions == head.dimensions, "a quantizer takes other vectors than its index");
        self.places(cells, head.count)?;
        Ok(cells)
    }

    /// Where each vector is: nowhere, in an array, or in a table by its number.
    fn places(&mut self, cells: u64, count: u64) -> Result<(), ArtifactError> {
        let kind = self.c.u8()?;
        let place = |bytes: &[u8]| bytes.first_chunk().map_or(u64::MAX, |n| u64::from_le_bytes(*n));
        let (listed, bytes) = self.list(8)?;
        // The cell above, the place in it below; what was removed is -1.
        let fits = |place: u64| place == u64::MAX || place >> 32 < cells && place & 0xffff_ffff < count;
        let all = bytes.chunks_exact(8).all(|bytes| fits(place(bytes)));
        self.holds(all, "a vector is said to be in a cell that is not there");
        self.holds(kind == 1 || listed == 0, "places are listed that nobody asks for");
        if kind == 2 {
            let (_, bytes) = self.list(16)?;
            let all = bytes.chunks_exact(16).all(|pair| fits(place(pair.get(8..).unwrap_or_default())));
            self.holds(all, "a vector is said to be in a cell that is not there");
        } else if kind > 2 {
            return Err(self
                .c
                .error(format!("places of vectors are kept in a way {kind} that is not known")));
        }
        Ok(())
    }

    /// The lists of all cells.
    pub(super) fn lists(&mut self, cells: u64, count: u64, code: Option<u64>) -> Result<(), ArtifactError> {
        let at = self.c.offset();
        let kind: [u8; 4] = self.c.array()?;
        match &kind {
            b"il00" => {
                self.holds(count == 0, "vectors are said to be there and no lists are");
                return Ok(());
            }
            b"ilar" => {}
            b"ilod" => return self.on_disk(cells),
            other => {
                let kind = String::from_utf8_lossy(other);
                return Err(self.unread(&format!("lists of the kind {kind:?}")));
            }
        }
        let (listed, width) = (self.c.u64()?, self.c.u64()?);
        self.out.holds(at, listed == cells, "there are more or fewer lists than cells");
        self.out.holds(
            at,
            code.is_none_or(|code| code == width),
            "codes have another length than their quantizer makes",
        );
        let mut sizes = Vec::new();
        match &self.c.array()? {
            b"full" => {
                let (_, bytes) = self.list(8)?;
                sizes.extend(bytes.chunks_exact(8).map(number));
                self.holds(sizes.len() as u64 == listed, "sizes are given of more or fewer lists");
            }
            b"sprs" => {
                let (_, bytes) = self.list(8)?;
                let mut last = None;
                let mut rising = bytes.len().is_multiple_of(16);
                for pair in bytes.chunks_exact(16) {
                    let list = number(pair);
                    rising &= list < listed && last.is_none_or(|last| last < list);
                    last = Some(list);
                    sizes.push(number(pair.get(8..).unwrap_or_default()));
                }
                self.holds(rising, "a size is given of a list that is not there");
            }
            _ => return Err(self.c.error("sizes of lists are written in a way that is not known")),
        }
        let mut total = 0u64;
        for size in sizes {
            let bytes = size.checked_mul(width).filter(|bytes| *bytes <= self.c.left());
            let bytes = bytes.ok_or_else(|| self.c.error(format!("a list claims {size} vectors")))?;
            let start = self.c.offset();
            self.c.take(bytes)?;
            self.out.vectors.push((start..start + bytes, false));
            let names = size.checked_mul(8).ok_or_else(|| self.c.error("a list claims too many vectors"))?;
            self.c.take(names)?;
            total = total.saturating_add(size);
        }
        self.holds(total == count, "the lists have more or fewer vectors than the head says");
        Ok(())
    }

    /// Lists that lie in another file, which the reader opens by the name that stands here.
    fn on_disk(&mut self, cells: u64) -> Result<(), ArtifactError> {
        let at = self.c.offset();
        let listed = self.c.u64()?;
        self.c.u64()?;
        self.holds(listed == cells, "there are more or fewer lists than cells");
        // Three numbers a list, and two a gap.
        self.list(24)?;
        self.list(16)?;
        let (_, name) = self.list(1)?;
        let name = String::from_utf8_lossy(name.get(..name.len().min(200)).unwrap_or_default()).into_owned();
        self.out.files.push((at, name));
        self.c.u64()?;
        Ok(())
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(u64::MAX, |n| u64::from_le_bytes(*n))
}
