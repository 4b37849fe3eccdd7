//! Object headers: the messages of one object, and what they say.

use super::data::{Datatype, Space};
use super::walk::{Result, Walk};
use super::{External, Filter, IssueKind, Text};
use crate::cursor::Cursor;

/// One message of an object header.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    kind: u16,
    flags: u8,
    pub(super) body: &'a [u8],
    pub(super) at: u64,
}

/// Most blocks of one header.
const MAX_BLOCKS: usize = 4096;

impl<'a> Walk<'a> {
    /// Looks at one object.
    pub(super) fn object(&mut self, address: u64, name: usize) -> Result<()> {
        self.out.objects += 1;
        let messages = self.messages(address)?;
        let mut parts = Parts::default();
        for message in &messages {
            self.count()?;
            if message.flags & 2 != 0 {
                // Datatypes are shared in practice; anything else is rare enough to say so.
                match message.kind {
                    3 => parts.datatype = self.shared_datatype(message)?,
                    _ => self.issue(message.at, "a shared message is not read", IssueKind::Unknown),
                }
                continue;
            }
            if let Err(error) = self.message(message, name, address, &mut parts) {
                self.fail(error);
            }
        }
        if let Some(layout) = parts.layout {
            let (space, datatype) = (parts.space.unwrap_or_default(), parts.datatype);
            self.layout(&layout, space, datatype, name, parts.filters)?;
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: &Message<'a>,
        name: usize,
        object: u64,
        parts: &mut Parts<'a>,
    ) -> Result<()> {
        let mut body = self.body(message);
        match message.kind {
            0x01 => parts.space = Some(Space::read(&mut body, self.lengths)?),
            0x02 => self.link_info(&mut body, name)?,
            0x03 => parts.datatype = Some(Datatype::read(&mut body)?),
            0x06 => self.link(&mut body, name)?,
            0x07 => self.external_files(&mut body, name, object)?,
            0x08 => parts.layout = Some(*message),
            0x0b => parts.filters = self.filters(&mut body, name)?,
            0x0c => self.attribute(&mut body, name)?,
            0x0f => self.issue(message.at, "the file shares messages by a table", IssueKind::Unknown),
            0x11 => {
                let (tree, heap) = (body.uint(self.offsets)?, body.uint(self.offsets)?);
                self.symbol_table(tree, heap, name)?;
            }
            0x13 => {
                body.take(1)?;
                self.chunk_k = u64::from(body.u16()?);
                self.group_k = u64::from(body.u16()?);
                self.leaf_k = u64::from(body.u16()?);
            }
            0x15 => self.attribute_info(&mut body, name)?,
            0x00 | 0x04 | 0x05 | 0x0a | 0x0d | 0x0e | 0x10 | 0x12 | 0x16 | 0x17 => {}
            other => {
                let what = format!("a message of the type {other:#06x} is not known");
                self.issue(message.at, what, IssueKind::Unknown);
            }
        }
        Ok(())
    }

    pub(super) fn body(&self, message: &Message<'a>) -> Cursor<'a> {
        Cursor::new("HDF5", message.body, self.base + message.at)
    }

    /// The messages of the header at `address`, its continuations included.
    fn messages(&mut self, address: u64) -> Result<Vec<Message<'a>>> {
        let mut head = self.at(address)?;
        let mut messages = Vec::new();
        let mut blocks = Vec::new();
        let mut ordered = false;
        let second = head.rest().starts_with(b"OHDR");
        if second {
            head.take(5)?;
            let flags = head.u8()?;
            ordered = flags & 4 != 0;
            head.take(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
            let size = head.uint(1 << (flags & 3))?;
            let start = self.address(&head);
            head.take(size)?;
            head.take(4)?;
            self.claim(address, self.address(&head) - address);
            blocks.push((start, size));
        } else {
            let version = head.u8()?;
            if version != 1 {
                return Err(head.error(format!("an object header of version {version}")));
            }
            head.take(7)?;
            let size = u64::from(head.u32()?);
            head.take(4)?;
            let start = self.address(&head);
            self.claim(address, 16 + size);
            blocks.push((start, size));
        }
        let mut next = 0;
        while let Some((start, size)) = blocks.get(next).copied() {
            next += 1;
            let mut block = Cursor::new("HDF5", self.at(start)?.take(size)?, self.base + start);
            let head = if second { 4 + if ordered { 2 } else { 0 } } else { 8 };
            while block.left() >= head {
                self.count()?;
                let at = self.address(&block);
                let (kind, length, flags);
                if second {
                    (kind, length, flags) = (u16::from(block.u8()?), block.u16()?, block.u8()?);
                    block.take(if ordered { 2 } else { 0 })?;
                } else {
                    (kind, length, flags) = (block.u16()?, block.u16()?, block.u8()?);
                    block.take(3)?;
                }
                let at = at + head;
                let body = block.take(u64::from(length))?;
                let message = Message { kind, flags, body, at };
                if kind == 0x10 {
                    let mut to = self.body(&message);
                    let (to, size) = (to.uint(self.offsets)?, to.uint(self.lengths)?);
                    let repeated =
                        blocks.iter().any(|(start, _)| to <= *start && *start < to.saturating_add(size));
                    if repeated || blocks.len() > MAX_BLOCKS {
                        return Err(block.error("an object header continues in itself"));
                    }
                    self.claim(to, size);
                    if second {
                        let inner = size.checked_sub(8).ok_or_else(|| block.error("a block without room"))?;
                        if !self.at(to)?.rest().starts_with(b"OCHK") {
                            return Err(self.at(to)?.error("an object header does not continue here"));
                        }
                        blocks.push((to + 4, inner));
                    } else {
                        blocks.push((to, size));
                    }
                }
                messages.push(message);
            }
        }
        Ok(messages)
    }

    /// The datatype that a shared message points at, if it is a committed one.
    pub(super) fn shared_datatype(&mut self, message: &Message<'a>) -> Result<Option<Datatype>> {
        let mut body = self.body(message);
        self.shared(&mut body)
    }

    pub(super) fn shared(&mut self, body: &mut Cursor<'a>) -> Result<Option<Datatype>> {
        let (version, kind) = (body.u8()?, body.u8()?);
        if version == 1 {
            body.take(6)?;
        }
        if version == 3 && kind == 1 {
            self.issue(self.address(body), "a datatype shared by the heap is not read", IssueKind::Unknown);
            return Ok(None);
        }
        let address = body.uint(self.offsets)?;
        let messages = self.messages(address)?;
        let own = messages.iter().find(|m| m.kind == 3 && m.flags & 2 == 0);
        own.map(|m| Datatype::read(&mut self.body(m))).transpose()
    }

    fn external_files(&mut self, body: &mut Cursor<'a>, name: usize, object: u64) -> Result<()> {
        body.take(6)?;
        let used = body.u16()?;
        let heap = body.uint(self.offsets)?;
        let heap = self.local_heap(heap)?;
        for _ in 0..used {
            let at = body.uint(self.lengths)?;
            body.uint(self.lengths)?;
            body.uint(self.lengths)?;
            let file = text(Self::heap_text(heap, at)?);
            let (dataset, offset) = (self.path(name), self.base + object);
            self.out.external.push(External { dataset, file, offset });
        }
        Ok(())
    }

    /// What the data went through.
    fn filters(&mut self, body: &mut Cursor<'a>, name: usize) -> Result<Vec<Filter>> {
        let (version, count) = (body.u8()?, body.u8()?);
        body.take(if version == 1 { 6 } else { 0 })?;
        let mut filters = Vec::new();
        for _ in 0..count {
            let id = body.u16()?;
            let long = version == 1 || id >= 256;
            let length = u64::from(if long { body.u16()? } else { 0 });
            body.take(2)?;
            let values = u64::from(body.u16()?);
            body.take(if version == 1 { length.next_multiple_of(8) } else { length })?;
            let value = if values > 0 { body.clone().u32()? } else { 0 };
            filters.push(Filter { id, value });
            body.take(values * 4 + if version == 1 && values % 2 == 1 { 4 } else { 0 })?;
            // Deflate, shuffle, checksum, szip, n-bit and scale-offset are in the library; h5py brings LZF.
            if !matches!(id, 1..=6 | 32000) {
                let path = self.path(name);
                self.out.filters.push((path, id));
            }
        }
        Ok(filters)
    }

    /// One attribute: only texts are of interest.
    pub(super) fn attribute(&mut self, body: &mut Cursor<'a>, object: usize) -> Result<()> {
        let offset = body.offset();
        let (version, flags) = (body.u8()?, body.u8()?);
        let sizes = [body.u16()?, body.u16()?, body.u16()?].map(u64::from);
        if !(1..=3).contains(&version) {
            return Err(body.error(format!("an attribute of version {version}")));
        }
        body.take(if version == 3 { 1 } else { 0 })?;
        let padded = |n: u64| if version == 1 { n.next_multiple_of(8) } else { n };
        let name = body.take(padded(sizes[0]))?;
        let name = text(name.split(|b| *b == 0).next().unwrap_or_default());
        let mut datatype_at = body.clone();
        body.take(padded(sizes[1]))?;
        let mut space = body.clone();
        body.take(padded(sizes[2]))?;
        let datatype = if version > 1 && flags & 1 != 0 {
            self.shared(&mut datatype_at)?
        } else {
            Some(Datatype::read(&mut datatype_at)?)
        };
        if version > 1 && flags & 2 != 0 {
            self.issue(self.address(body), "a shared dataspace is not read", IssueKind::Unknown);
            return Ok(());
        }
        let space = Space::read(&mut space, self.lengths)?;
        let Some(datatype) = datatype else { return Ok(()) };
        self.packed_attribute(&datatype, &name, object, body, offset);
        for value in self.strings(&datatype, space.elements(), body.rest(), self.address(body))? {
            let object = self.path(object);
            self.out.texts.push(Text { object, name: name.clone(), value, offset });
        }
        Ok(())
    }
}

/// What a dataset's messages say together.
#[derive(Default)]
struct Parts<'a> {
    space: Option<Space>,
    datatype: Option<Datatype>,
    layout: Option<Message<'a>>,
    filters: Vec<Filter>,
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
