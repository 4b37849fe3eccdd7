//! Where the chunks of a dataset lie: the tree of old files and the five indices of new ones.
//!
//! Every chunk that an index lists is accounted for, and so is every block of the index, so that nothing can lie
//! between them. Source: HDF5 File Format Specification 3.0, III.A.1 and VII; for what it leaves open, `H5EA.c`,
//! `H5FA.c` and `H5Dbtree2.c` of the library.

use std::collections::HashSet;

use super::IssueKind;
use super::walk::{Result, Walk};
use crate::cursor::Cursor;

/// How the elements of a dataset are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// Chunks go through filters, so that each has a size of its own.
    pub(super) filtered: bool,
    /// Elements are texts of varying length in heaps, and no filter hides where.
    pub(super) varying: bool,
}

/// What an index says of each chunk: its address, and what follows it in an entry.
#[derive(Debug, Clone, Copy)]
struct Entries {
    /// Bytes of a chunk that no filter changed.
    chunk: u64,
    /// Bytes of an entry.
    bytes: u64,
    /// Bytes of the number that is a filtered chunk's size.
    size_bytes: usize,
    stored: Stored,
}

impl<'a> Walk<'a> {
    /// Chunks listed by a tree of the first kind: layouts before version 4.
    pub(super) fn chunks(&mut self, tree: u64, rank: u64, varying: bool) -> Result<()> {
        let o = self.offsets as u64;
        let key = 8 + 8 * rank;
        let mut stack = vec![(tree, u8::MAX)];
        let mut seen = HashSet::new();
        while let Some((address, above)) = stack.pop() {
            let mut node = self.at(address)?;
            if node.take(4)? != b"TREE" || node.u8()? != 1 || !seen.insert(address) {
                return Err(self.at(address)?.error("there is no tree of chunks"));
            }
            let (level, used) = (node.u8()?, node.u16()?);
            if level >= above {
                return Err(node.error("a tree of chunks does not get lower"));
            }
            node.take(2 * o)?;
            self.claim(address, 8 + 2 * o + 2 * self.chunk_k * (key + o) + key);
            for _ in 0..used {
                self.count()?;
                let size = u64::from(node.u32()?);
                node.take(key - 4)?;
                let child = node.uint(self.offsets)?;
                if level > 0 {
                    stack.push((child, level));
                } else {
                    self.at(child)?.take(size)?;
                    self.claim(child, size);
                    self.piece(child, size);
                    if varying {
                        self.varying(child, size)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Chunks of layout versions 4 and 5.
    pub(super) fn indexed_chunks(
        &mut self,
        body: &mut Cursor<'a>,
        bytes: Option<u64>,
        stored: &Stored,
        path: &str,
    ) -> Result<()> {
        let flags = body.u8()?;
        let rank = body.u8()?;
        let width = usize::from(body.u8()?);
        let shape = (0..rank).map(|_| body.uint(width)).collect::<Result<Vec<_>>>()?;
        let chunk = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d));
        let index = body.u8()?;
        match (index, chunk) {
            (1, _) => {
                let size = if flags & 2 != 0 {
                    let size = body.uint(self.lengths)?;
                    body.take(4)?;
                    Some(size)
                } else {
                    chunk
                };
                let address = body.uint(self.offsets)?;
                if let Some(size) = size.filter(|_| self.defined(address)) {
                    self.chunk(address, size, stored.varying)?;
                }
            }
            (2, _) if !stored.filtered => {
                let address = body.uint(self.offsets)?;
                let chunks = bytes.zip(chunk).map(|(b, c)| b.div_ceil(c.max(1)).saturating_mul(c));
                if let Some(size) = chunks.filter(|_| self.defined(address)) {
                    self.chunk(address, size, stored.varying)?;
                }
            }
            (3, Some(chunk)) => {
                body.take(1)?;
                let address = body.uint(self.offsets)?;
                if self.defined(address) {
                    self.fixed_array(address, chunk, stored)?;
                }
            }
            (4, Some(chunk)) => {
                body.take(5)?;
                let address = body.uint(self.offsets)?;
                if self.defined(address) {
                    self.extensible_array(address, chunk, stored)?;
                }
            }
            (5, Some(chunk)) => {
                body.take(6)?;
                let address = body.uint(self.offsets)?;
                if self.defined(address) {
                    self.chunk_tree(address, chunk, u64::from(rank).saturating_sub(1), stored)?;
                }
            }
            (other, _) => {
                let what =
                    format!("the chunks of {path:?} are indexed in the way {other}, which is not read");
                self.issue(self.address(body), what, IssueKind::Unknown);
            }
        }
        Ok(())
    }

    /// Remembers where a chunk of the dataset that is read lies.
    fn piece(&mut self, address: u64, size: u64) {
        const MOST: usize = 1 << 20;
        if self.pieces.len() < MOST {
            let start = self.base + address;
            self.pieces.push(start..start.saturating_add(size));
        }
    }

    fn chunk(&mut self, address: u64, size: u64, varying: bool) -> Result<()> {
        self.at(address)?.take(size)?;
        self.claim(address, size);
        self.piece(address, size);
        if varying {
            self.varying(address, size)?;
        }
        Ok(())
    }

    /// One entry of an index; an address of all ones is a chunk that was never written.
    fn entry(&mut self, node: &mut Cursor<'a>, entries: &Entries) -> Result<()> {
        self.count()?;
        let mut entry = Cursor::new("HDF5", node.take(entries.bytes)?, node.offset());
        let address = entry.uint(self.offsets)?;
        if !self.defined(address) {
            return Ok(());
        }
        let filtered = entries.stored.filtered;
        let size = if filtered { entry.uint(entries.size_bytes)? } else { entries.chunk };
        self.chunk(address, size, entries.stored.varying)
    }

    fn entries(&mut self, node: &mut Cursor<'a>, count: u64, entries: &Entries) -> Result<()> {
        for _ in 0..count {
            self.entry(node, entries)?;
        }
        Ok(())
    }

    /// Entries of a client: 0 lists addresses, 1 addresses, sizes and masks of filters.
    fn shape_of_entries(
        &self,
        head: &Cursor<'_>,
        client: u8,
        bytes: u8,
        chunk: u64,
        stored: &Stored,
    ) -> Result<Entries> {
        let bytes = u64::from(bytes);
        let plain = self.offsets as u64;
        let size = bytes.checked_sub(plain + 4).filter(|size| (1..=8).contains(size));
        match (client, size) {
            (0, _) if bytes == plain && !stored.filtered => {
                Ok(Entries { chunk, bytes, size_bytes: 0, stored: *stored })
            }
            (1, Some(size)) if stored.filtered => {
                Ok(Entries { chunk, bytes, size_bytes: usize::try_from(size).unwrap_or(8), stored: *stored })
            }
            _ => Err(head.error("an index of chunks whose entries do not fit its dataset")),
        }
    }

    /// A signature, version 0, and the client.
    fn signed(&self, node: &mut Cursor<'a>, signature: &[u8; 4]) -> Result<u8> {
        let start = node.clone();
        if node.take(4)? != signature || node.u8()? != 0 {
            return Err(start.error("there is no block of an index of chunks"));
        }
        node.u8()
    }

    fn fixed_array(&mut self, address: u64, chunk: u64, stored: &Stored) -> Result<()> {
        let mut head = self.at(address)?;
        let client = self.signed(&mut head, b"FAHD")?;
        let (bytes, page_bits) = (head.u8()?, head.u8()?);
        let count = head.uint(self.lengths)?;
        let block = head.uint(self.offsets)?;
        head.take(4)?;
        let entries = self.shape_of_entries(&head, client, bytes, chunk, stored)?;
        self.claim(address, self.address(&head) - address);
        if !self.defined(block) {
            return Ok(());
        }
        let mut node = self.at(block)?;
        self.signed(&mut node, b"FADB")?;
        node.take(self.offsets as u64)?;
        let page = 1u64.checked_shl(u32::from(page_bits)).unwrap_or(u64::MAX);
        if count <= page {
            self.entries(&mut node, count, &entries)?;
            node.take(4)?;
        } else {
            let written = node.take(count.div_ceil(page).div_ceil(8))?;
            node.take(4)?;
            self.pages(&mut node, count, page, written, &entries)?;
        }
        self.claim(block, self.address(&node) - block);
        Ok(())
    }

    /// Pages of entries, each with a checksum; a bit says of each whether it was ever written.
    fn pages(
        &mut self,
        node: &mut Cursor<'a>,
        count: u64,
        page: u64,
        written: &[u8],
        entries: &Entries,
    ) -> Result<()> {
        let (mut left, mut bit) = (count, 0usize);
        while left > 0 {
            self.count()?;
            let here = left.min(page);
            if written.get(bit / 8).is_some_and(|byte| byte & 0x80 >> (bit % 8) != 0) {
                self.entries(node, here, entries)?;
            } else {
                let bytes = here.checked_mul(entries.bytes);
                node.take(bytes.ok_or_else(|| node.error("a page beyond any file"))?)?;
            }
            node.take(4)?;
            left -= here;
            bit += 1;
        }
        Ok(())
    }

    fn extensible_array(&mut self, address: u64, chunk: u64, stored: &Stored) -> Result<()> {
        let mut head = self.at(address)?;
        let client = self.signed(&mut head, b"EAHD")?;
        let bytes = head.u8()?;
        let (most_bits, in_index, least, pointers, page_bits) =
            (head.u8()?, head.u8()?, head.u8()?, head.u8()?, head.u8()?);
        for _ in 0..6 {
            head.uint(self.lengths)?;
        }
        let index = head.uint(self.offsets)?;
        head.take(4)?;
        let entries = self.shape_of_entries(&head, client, bytes, chunk, stored)?;
        let sane = least.is_power_of_two()
            && pointers.is_power_of_two()
            && most_bits <= 64
            && u32::from(most_bits) >= least.ilog2()
            && page_bits < 32;
        if !sane {
            return Err(head.error("an index of chunks of impossible measures"));
        }
        self.claim(address, self.address(&head) - address);
        if !self.defined(index) {
            return Ok(());
        }
        let array = Extensible {
            entries,
            least: u64::from(least),
            page: 1 << page_bits,
            offset_bytes: u64::from(most_bits).div_ceil(8),
        };
        let groups = 1 + u32::from(most_bits) - least.ilog2();
        // Blocks of the first groups are listed by the index itself.
        let direct = (2 * pointers.ilog2()).min(groups);
        let mut node = self.at(index)?;
        self.signed(&mut node, b"EAIB")?;
        node.take(self.offsets as u64)?;
        self.entries(&mut node, u64::from(in_index), &array.entries)?;
        for group in 0..direct {
            for _ in 0..array.blocks(group) {
                self.count()?;
                let block = node.uint(self.offsets)?;
                if self.defined(block) {
                    self.array_block(block, array.elements(group), &array, None)?;
                }
            }
        }
        for group in direct..groups {
            self.count()?;
            let block = node.uint(self.offsets)?;
            if self.defined(block) {
                self.group_of_blocks(block, group, &array)?;
            }
        }
        node.take(4)?;
        self.claim(index, self.address(&node) - index);
        Ok(())
    }

    /// A block that lists the data blocks of a group ("secondary block").
    fn group_of_blocks(&mut self, address: u64, group: u32, array: &Extensible) -> Result<()> {
        let mut node = self.at(address)?;
        self.signed(&mut node, b"EASB")?;
        node.take(self.offsets as u64 + array.offset_bytes)?;
        let (blocks, elements) = (array.blocks(group), array.elements(group));
        let bits = if elements > array.page { elements.div_ceil(array.page).div_ceil(8) } else { 0 };
        let all = blocks.checked_mul(bits).ok_or_else(|| node.error("a block beyond any file"))?;
        let written = node.take(all)?;
        let mut written = written.chunks(usize::try_from(bits).unwrap_or(usize::MAX).max(1));
        for _ in 0..blocks {
            self.count()?;
            let pages = written.next();
            let block = node.uint(self.offsets)?;
            if self.defined(block) {
                self.array_block(block, elements, array, pages)?;
            }
        }
        node.take(4)?;
        self.claim(address, self.address(&node) - address);
        Ok(())
    }

    /// A block of entries, in pages if it is large.
    fn array_block(
        &mut self,
        address: u64,
        elements: u64,
        array: &Extensible,
        written: Option<&[u8]>,
    ) -> Result<()> {
        let mut node = self.at(address)?;
        self.signed(&mut node, b"EADB")?;
        node.take(self.offsets as u64 + array.offset_bytes)?;
        if elements <= array.page {
            self.entries(&mut node, elements, &array.entries)?;
            node.take(4)?;
        } else {
            node.take(4)?;
            self.pages(&mut node, elements, array.page, written.unwrap_or_default(), &array.entries)?;
        }
        self.claim(address, self.address(&node) - address);
        Ok(())
    }

    fn chunk_tree(&mut self, address: u64, chunk: u64, dimensions: u64, stored: &Stored) -> Result<()> {
        // Behind the address: of filtered chunks size and mask, of all their place in the dataset.
        let place = 8 * dimensions;
        for record in self.tree_records(address, if stored.filtered { 11 } else { 10 })? {
            let bytes = record.len() as u64;
            let rest = bytes.checked_sub(self.offsets as u64 + place);
            let size = rest.and_then(|rest| if stored.filtered { rest.checked_sub(4) } else { Some(rest) });
            let size_bytes = match size {
                Some(0) if !stored.filtered => 0,
                Some(size @ 1..=8) if stored.filtered => usize::try_from(size).unwrap_or(8),
                _ => return Err(self.at(address)?.error("records of chunks that do not fit their dataset")),
            };
            let entries = Entries { chunk, bytes, size_bytes, stored: *stored };
            self.entry(&mut Cursor::new("HDF5", record, self.base + address), &entries)?;
        }
        Ok(())
    }
}

/// Measures of an extensible array (`H5EA__hdr_init`): blocks come in groups, of which each second has twice as many
/// blocks, and the others blocks twice as large.
struct Extensible {
    entries: Entries,
    /// Elements of the smallest block.
    least: u64,
    /// Elements of a page.
    page: u64,
    /// Bytes of the number that says where in the array a block begins.
    offset_bytes: u64,
}

impl Extensible {
    fn blocks(&self, group: u32) -> u64 {
        1u64.checked_shl(group / 2).unwrap_or(u64::MAX)
    }

    fn elements(&self, group: u32) -> u64 {
        1u64.checked_shl(group.div_ceil(2)).unwrap_or(u64::MAX).saturating_mul(self.least)
    }
}
