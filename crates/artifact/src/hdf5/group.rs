//! Groups: symbol tables (tree, symbol nodes, local heap) and link messages.

use std::collections::HashSet;

use super::object::text;
use super::walk::{Result, Walk};
use super::{Link, Target};
use crate::cursor::Cursor;

impl<'a> Walk<'a> {
    /// The data of a local heap.
    pub(super) fn local_heap(&mut self, address: u64) -> Result<&'a [u8]> {
        let mut heap = self.at(address)?;
        if heap.take(4)? != b"HEAP" {
            return Err(self.at(address)?.error("there is no local heap"));
        }
        heap.take(4)?;
        let size = heap.uint(self.lengths)?;
        heap.uint(self.lengths)?;
        let data = heap.uint(self.offsets)?;
        self.claim(address, self.address(&heap) - address);
        self.claim(data, size);
        self.at(data)?.take(size)
    }

    pub(super) fn heap_text(heap: &'a [u8], at: u64) -> Result<&'a [u8]> {
        let tail = usize::try_from(at).ok().and_then(|at| heap.get(at..)).unwrap_or_default();
        Cursor::new("HDF5", tail, 0).until_zero()
    }

    /// The members of a group of the old kind.
    pub(super) fn symbol_table(&mut self, tree: u64, heap: u64, group: usize) -> Result<()> {
        let names = self.local_heap(heap)?;
        let (o, l) = (self.offsets as u64, self.lengths as u64);
        let mut stack = vec![(tree, u8::MAX)];
        let mut seen = HashSet::new();
        while let Some((address, above)) = stack.pop() {
            self.count()?;
            if !seen.insert(address) {
                return Err(self.at(address)?.error("a group's tree leads back to itself"));
            }
            let mut node = self.at(address)?;
            if node.rest().starts_with(b"SNOD") {
                self.symbols(address, names, group)?;
                continue;
            }
            if node.take(4)? != b"TREE" || node.u8()? != 0 {
                return Err(self.at(address)?.error("there is no tree of a group"));
            }
            let (level, used) = (node.u8()?, node.u16()?);
            if level >= above {
                return Err(node.error("a group's tree does not get lower"));
            }
            node.take(2 * o)?;
            self.claim(address, 8 + 2 * o + (2 * self.group_k) * (o + l) + l);
            for _ in 0..used {
                node.uint(self.lengths)?;
                let child = node.uint(self.offsets)?;
                stack.push((child, level));
            }
        }
        Ok(())
    }

    fn symbols(&mut self, address: u64, names: &'a [u8], group: usize) -> Result<()> {
        let mut node = self.at(address)?;
        node.take(6)?;
        let count = node.u16()?;
        self.claim(address, 8 + 2 * self.leaf_k * (2 * self.offsets as u64 + 24));
        for _ in 0..count {
            self.count()?;
            let offset = node.offset();
            let name = node.uint(self.offsets)?;
            let object = node.uint(self.offsets)?;
            let kind = node.u32()?;
            node.take(4)?;
            let mut scratch = Cursor::new("HDF5", node.take(16)?, offset);
            let name = text(Self::heap_text(names, name)?);
            let name = self.name(group, &name);
            if kind == 2 {
                let target = text(Self::heap_text(names, u64::from(scratch.u32()?))?);
                let path = self.path(name);
                self.out.links.push(Link { path, target: Target::Soft(target), offset });
            } else {
                self.visit(object, name);
            }
        }
        Ok(())
    }

    /// A link message, in a header or a heap.
    pub(super) fn link(&mut self, body: &mut Cursor<'a>, group: usize) -> Result<()> {
        let offset = body.offset();
        let (version, flags) = (body.u8()?, body.u8()?);
        if version != 1 {
            return Err(body.error(format!("a link of version {version}")));
        }
        let kind = if flags & 8 != 0 { body.u8()? } else { 0 };
        body.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
        let length = body.uint(1 << (flags & 3))?;
        let name = text(body.take(length)?);
        let name = self.name(group, &name);
        let target = match kind {
            0 => {
                let object = body.uint(self.offsets)?;
                self.visit(object, name);
                return Ok(());
            }
            1 => {
                let length = u64::from(body.u16()?);
                Target::Soft(text(body.take(length)?))
            }
            64 => {
                body.take(3)?;
                Target::External { file: text(body.until_zero()?), object: text(body.until_zero()?) }
            }
            other => Target::UserDefined(other),
        };
        let path = self.path(name);
        self.out.links.push(Link { path, target, offset });
        Ok(())
    }

    /// Links kept in a heap, if there are any.
    pub(super) fn link_info(&mut self, body: &mut Cursor<'a>, group: usize) -> Result<()> {
        body.take(1)?;
        let flags = body.u8()?;
        body.take(if flags & 1 != 0 { 8 } else { 0 })?;
        let (heap, names) = (body.uint(self.offsets)?, body.uint(self.offsets)?);
        let order = if flags & 2 != 0 { Some(body.uint(self.offsets)?) } else { None };
        if !self.defined(heap) {
            return Ok(());
        }
        for mut link in self.heap_objects(heap, names, order)? {
            self.link(&mut link, group)?;
        }
        Ok(())
    }

    /// Attributes kept in a heap, if there are any.
    pub(super) fn attribute_info(&mut self, body: &mut Cursor<'a>, object: usize) -> Result<()> {
        body.take(1)?;
        let flags = body.u8()?;
        body.take(if flags & 1 != 0 { 2 } else { 0 })?;
        let (heap, names) = (body.uint(self.offsets)?, body.uint(self.offsets)?);
        let order = if flags & 2 != 0 { Some(body.uint(self.offsets)?) } else { None };
        if !self.defined(heap) {
            return Ok(());
        }
        for mut attribute in self.heap_objects(heap, names, order)? {
            self.attribute(&mut attribute, object)?;
        }
        Ok(())
    }
}
