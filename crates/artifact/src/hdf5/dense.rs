//! Fractal heaps and the second kind of tree: how the new format keeps many links or attributes.

use std::collections::HashSet;

use super::IssueKind;
use super::walk::{Result, Walk};
use crate::ArtifactError;
use crate::cursor::Cursor;

/// A heap's geometry.
struct Heap {
    start: u64,
    /// Bytes of an offset in the heap and of a length, in an identifier.
    offset_bytes: usize,
    length_bytes: usize,
    checksums: bool,
}

/// A block that holds objects: where it begins in the heap, in the file, and its size.
type Block = (u64, u64, u64);

impl<'a> Walk<'a> {
    /// The objects of a heap that its trees list.
    pub(super) fn heap_objects(
        &mut self,
        heap: u64,
        names: u64,
        order: Option<u64>,
    ) -> Result<Vec<Cursor<'a>>> {
        let Some((geometry, blocks)) = self.heap(heap)? else { return Ok(Vec::new()) };
        let mut objects = Vec::new();
        for id in self.identifiers(names)? {
            let mut cursor = Cursor::new("HDF5", id, 0);
            let kind = cursor.u8()? >> 4 & 3;
            if kind != 0 {
                self.issue(heap, "an object outside its heap's blocks is not read", IssueKind::Unknown);
                continue;
            }
            let (at, length) = (cursor.uint(geometry.offset_bytes)?, cursor.uint(geometry.length_bytes)?);
            let block =
                blocks.iter().find(|(from, _, size)| (*from..from.saturating_add(*size)).contains(&at));
            let Some((from, address, _)) = block else {
                return Err(self.at(heap)?.error("a heap lists an object that it does not hold"));
            };
            let address = address.saturating_add(at - from);
            let bytes = self.at(address)?.take(length)?;
            objects.push(Cursor::new("HDF5", bytes, self.base + address));
        }
        if let Some(order) = order.filter(|o| self.defined(*o)) {
            self.tree(order)?;
        }
        Ok(objects)
    }

    /// The header of a heap and its direct blocks.
    fn heap(&mut self, address: u64) -> Result<Option<(Heap, Vec<Block>)>> {
        let mut head = self.at(address)?;
        if head.take(4)? != b"FRHP" {
            return Err(self.at(address)?.error("there is no fractal heap"));
        }
        head.take(3)?;
        let filters = head.u16()?;
        let flags = head.u8()?;
        let max_managed = u64::from(head.u32()?);
        head.uint(self.lengths)?;
        let huge = head.uint(self.offsets)?;
        head.uint(self.lengths)?;
        let free = head.uint(self.offsets)?;
        for _ in 0..8 {
            head.uint(self.lengths)?;
        }
        let width = u64::from(head.u16()?);
        let start = head.uint(self.lengths)?;
        let max_direct = head.uint(self.lengths)?;
        let bits = head.u16()?;
        head.u16()?;
        let root = head.uint(self.offsets)?;
        let rows = u64::from(head.u16()?);
        if filters != 0 || self.defined(huge) {
            self.issue(address, "a filtered heap or one with huge objects is not read", IssueKind::Unknown);
            return Ok(None);
        }
        head.take(4)?;
        self.claim(address, self.address(&head) - address);
        if self.defined(free) {
            self.free_space(free)?;
        }
        let sane = width.is_power_of_two() && start.is_power_of_two() && max_direct.is_power_of_two();
        if !sane || max_direct < start || bits > 64 || width > 1024 {
            return Err(head.error("a heap of impossible measures"));
        }
        let geometry = Heap {
            start,
            offset_bytes: usize::from(bits).div_ceil(8),
            length_bytes: bytes_for(max_direct).min(bytes_for(max_managed)),
            checksums: flags & 2 != 0,
        };
        let mut blocks = Vec::new();
        if rows == 0 {
            self.direct(root, 0, start, &geometry, &mut blocks)?;
            return Ok(Some((geometry, blocks)));
        }
        let mut stack = vec![(root, 0, rows)];
        let mut seen = HashSet::new();
        while let Some((block, offset, rows)) = stack.pop() {
            if !seen.insert(block) || rows > 64 {
                return Err(self.at(block)?.error("a heap's blocks lead back to themselves"));
            }
            let mut node = self.at(block)?;
            if node.take(4)? != b"FHIB" {
                return Err(self.at(block)?.error("there is no indirect block"));
            }
            node.take(1 + self.offsets as u64 + geometry.offset_bytes as u64)?;
            let mut from: u64 = offset;
            for row in 0..rows {
                let size = geometry.row(row);
                for _ in 0..width {
                    self.count()?;
                    let child = node.uint(self.offsets)?;
                    if self.defined(child) && size <= max_direct {
                        self.direct(child, from, size, &geometry, &mut blocks)?;
                    } else if self.defined(child) {
                        // An indirect block has as many rows as it takes to hold its size.
                        let inner = u64::from((size / (start * width)).max(1).ilog2()) + 1;
                        stack.push((child, from, inner));
                    }
                    from = from.saturating_add(size);
                }
            }
            node.take(4)?;
            self.claim(block, self.address(&node) - block);
        }
        Ok(Some((geometry, blocks)))
    }

    fn direct(
        &mut self,
        block: u64,
        from: u64,
        size: u64,
        heap: &Heap,
        blocks: &mut Vec<Block>,
    ) -> Result<()> {
        if !self.defined(block) {
            return Ok(());
        }
        let mut node = self.at(block)?;
        if node.take(4)? != b"FHDB" {
            return Err(self.at(block)?.error("there is no direct block"));
        }
        node.take(if heap.checksums { 4 } else { 0 })?;
        self.claim(block, size);
        blocks.push((from, block, size));
        Ok(())
    }

    fn free_space(&mut self, address: u64) -> Result<()> {
        let mut head = self.at(address)?;
        if head.take(4)? != b"FSHD" {
            return Err(self.at(address)?.error("there is no free-space manager"));
        }
        head.take(2)?;
        for _ in 0..4 {
            head.uint(self.lengths)?;
        }
        head.take(8)?;
        head.uint(self.lengths)?;
        let sections = head.uint(self.offsets)?;
        head.uint(self.lengths)?;
        let allocated = head.uint(self.lengths)?;
        head.take(4)?;
        self.claim(address, self.address(&head) - address);
        if self.defined(sections) {
            self.claim(sections, allocated);
        }
        Ok(())
    }

    /// The heap identifiers in the records of a tree of names.
    fn identifiers(&mut self, address: u64) -> Result<Vec<&'a [u8]>> {
        let (kind, records) = self.tree(address)?;
        // Where the identifier stands in a record, and how long it is.
        let range = match kind {
            5 => 4..11,
            6 => 8..15,
            8 | 9 => 0..8,
            other => {
                let what = format!("a tree of the type {other} is not expected here");
                return Err(self.at(address)?.error(what));
            }
        };
        let id = |record: &'a [u8]| record.get(range.clone());
        let ids: Option<Vec<_>> = records.into_iter().map(id).collect();
        ids.ok_or_else(|| ArtifactError::malformed("HDF5", self.base + address, "records are too short"))
    }

    /// The records of a tree of that type.
    pub(super) fn tree_records(&mut self, address: u64, kind: u8) -> Result<Vec<&'a [u8]>> {
        match self.tree(address)? {
            (found, records) if found == kind => Ok(records),
            (other, _) => {
                Err(self.at(address)?.error(format!("a tree of the type {other} where {kind} is expected")))
            }
        }
    }

    /// The records of a tree of the second kind, and their type.
    fn tree(&mut self, address: u64) -> Result<(u8, Vec<&'a [u8]>)> {
        let mut head = self.at(address)?;
        if head.take(5)? != b"BTHD\0" {
            return Err(self.at(address)?.error("there is no tree"));
        }
        let kind = head.u8()?;
        let node_bytes = u64::from(head.u32()?);
        let record = u64::from(head.u16()?);
        let depth = head.u16()?;
        head.take(2)?;
        let root = head.uint(self.offsets)?;
        let used = head.u16()?;
        head.uint(self.lengths)?;
        head.take(4)?;
        self.claim(address, self.address(&head) - address);
        if record == 0 || node_bytes < 10 + record || depth > 16 {
            return Err(head.error("a tree of impossible measures"));
        }
        let levels = Levels::new(node_bytes, record, depth, self.offsets as u64);
        let mut records = Vec::new();
        let mut stack = vec![(root, u64::from(used), depth)];
        let mut seen = HashSet::new();
        while let Some((block, used, level)) = stack.pop() {
            if !self.defined(block) {
                continue;
            }
            if !seen.insert(block) {
                return Err(self.at(block)?.error("a tree leads back to itself"));
            }
            let mut node = self.at(block)?;
            let expected: &[u8] = if level == 0 { b"BTLF" } else { b"BTIN" };
            if node.take(4)? != expected {
                return Err(self.at(block)?.error("there is no node of a tree"));
            }
            node.take(2)?;
            self.claim(block, node_bytes);
            for _ in 0..used {
                self.count()?;
                records.push(node.take(record)?);
            }
            if level > 0 {
                for _ in 0..=used {
                    self.count()?;
                    let child = node.uint(self.offsets)?;
                    let used = node.uint(levels.count_bytes)?;
                    let total = levels.total_bytes(level - 1);
                    node.take(total as u64)?;
                    stack.push((child, used, level - 1));
                }
            }
        }
        Ok((kind, records))
    }
}

impl Heap {
    /// Bytes of a block in a row of an indirect block: the first two rows are alike, then they double.
    fn row(&self, row: u64) -> u64 {
        let power = u32::try_from(row.saturating_sub(1)).unwrap_or(u32::MAX);
        self.start.checked_shl(power).filter(|n| n >> power.min(63) == self.start).unwrap_or(u64::MAX / 2048)
    }
}

/// Widths of the numbers in inner nodes (`H5B2hdr.c`).
struct Levels {
    count_bytes: usize,
    totals: Vec<usize>,
}

impl Levels {
    fn new(node: u64, record: u64, depth: u16, offsets: u64) -> Self {
        let leaf = (node - 10) / record.max(1);
        let count_bytes = bytes_for(leaf.max(1));
        let (mut total, mut totals) = (leaf, vec![0]);
        for _ in 1..=depth {
            let pointer = offsets + count_bytes as u64 + totals.last().copied().unwrap_or(0) as u64;
            let most = node.saturating_sub(10 + pointer) / (record + pointer);
            total = most.saturating_add(1).saturating_mul(total).saturating_add(most);
            totals.push(bytes_for(total.max(1)));
        }
        Self { count_bytes, totals }
    }

    /// Bytes of the number of records below a child at `level`.
    fn total_bytes(&self, level: u16) -> usize {
        self.totals.get(usize::from(level)).copied().unwrap_or(0)
    }
}

/// Bytes that a number up to `limit` takes.
fn bytes_for(limit: u64) -> usize {
    limit.max(1).ilog2() as usize / 8 + 1
}
