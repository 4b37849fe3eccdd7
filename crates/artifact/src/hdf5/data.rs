//! Datatypes, dataspaces, and where raw data lie.

use std::collections::HashSet;

use super::chunks::Stored;
use super::object::{Message, text};
use super::walk::{Result, Walk};
use super::{Dataset, External, Filter, IssueKind, Text};
use crate::cursor::Cursor;

/// What matters of a datatype.
#[derive(Debug, Clone, Copy)]
pub(super) struct Datatype {
    class: u8,
    /// Bytes of an element.
    size: u64,
    /// A text of varying length, kept in a global heap.
    varying_text: bool,
    /// Sequences of varying length, of characters or of anything.
    varying: bool,
    /// Numbers with the highest byte first.
    big_endian: bool,
}

impl Datatype {
    pub(super) fn read(body: &mut Cursor<'_>) -> Result<Self> {
        let class = body.u8()? & 15;
        let bits = body.u8()?;
        body.take(2)?;
        let size = u64::from(body.u32()?);
        let varying = class == 9;
        Ok(Self { class, size, varying_text: varying && bits & 15 == 1, varying, big_endian: bits & 1 == 1 })
    }
}

/// The shape of data.
#[derive(Debug, Clone, Default)]
pub(super) struct Space {
    shape: Vec<u64>,
    null: bool,
}

impl Space {
    pub(super) fn read(body: &mut Cursor<'_>, lengths: usize) -> Result<Self> {
        let (version, rank) = (body.u8()?, body.u8()?);
        body.take(1)?;
        let kind = body.u8()?;
        match version {
            1 => drop(body.take(4)?),
            2 => {}
            other => return Err(body.error(format!("a dataspace of version {other}"))),
        }
        if rank > 32 {
            return Err(body.error(format!("a dataspace of {rank} dimensions")));
        }
        let shape = (0..rank).map(|_| body.uint(lengths)).collect::<Result<_>>()?;
        Ok(Self { shape, null: version == 2 && kind == 2 })
    }

    /// Number of elements, if it can be counted.
    pub(super) fn elements(&self) -> Option<u64> {
        if self.null {
            return Some(0);
        }
        self.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d))
    }
}

/// Most texts of one attribute.
const MAX_TEXTS: u64 = 1_000_000;

impl<'a> Walk<'a> {
    /// The texts among the data of an attribute.
    pub(super) fn strings(
        &mut self,
        datatype: &Datatype,
        elements: Option<u64>,
        data: &'a [u8],
        address: u64,
    ) -> Result<Vec<String>> {
        let elements = elements.unwrap_or(u64::MAX).min(MAX_TEXTS);
        let mut data = Cursor::new("HDF5", data, self.base + address);
        let mut texts = Vec::new();
        if datatype.class == 3 && datatype.size > 0 {
            for _ in 0..elements {
                self.count()?;
                let value = data.take(datatype.size)?;
                texts.push(text(value.split(|b| *b == 0).next().unwrap_or_default().trim_ascii_end()));
            }
        } else if datatype.varying_text {
            for _ in 0..elements {
                self.count()?;
                let length = u64::from(data.u32()?);
                let (collection, index) = (data.uint(self.offsets)?, data.u32()?);
                if length > 0 && collection != 0 && self.defined(collection) {
                    let value = self.heap_object(collection, index)?;
                    let value = usize::try_from(length).ok().and_then(|n| value.get(..n)).unwrap_or(value);
                    texts.push(text(value));
                }
            }
        }
        Ok(texts)
    }

    /// Keeps the bytes of an attribute that may be a pickle: one text or opaque value of a fixed size, that begins or ends as they do.
    pub(super) fn packed_attribute(
        &mut self,
        datatype: &Datatype,
        name: &str,
        object: usize,
        body: &Cursor<'_>,
        offset: u64,
    ) {
        const MOST: usize = 1 << 20;
        let size = usize::try_from(datatype.size).unwrap_or(usize::MAX);
        let Some(bytes) = body.rest().get(..size).filter(|_| matches!(datatype.class, 3 | 5) && size <= MOST)
        else {
            return;
        };
        let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
        let bytes = bytes.get(..end).unwrap_or_default();
        let pickled = matches!(bytes, [0x80, 2..=5, ..]) || bytes.len() > 2 && bytes.ends_with(b".");
        if pickled && self.out.packed.len() < 10_000 {
            let text =
                Text { object: self.path(object), name: name.to_owned(), value: String::new(), offset };
            self.out.packed.push((text, bytes.to_vec()));
        }
    }

    /// An object of a global heap; accounts for the whole collection.
    fn heap_object(&mut self, address: u64, index: u32) -> Result<&'a [u8]> {
        let mut head = self.at(address)?;
        if head.take(5)? != b"GCOL\x01" {
            return Err(self.at(address)?.error("there is no global heap"));
        }
        head.take(3)?;
        let size = head.uint(self.lengths)?;
        self.claim(address, size);
        let mut objects = Cursor::new("HDF5", self.at(address)?.take(size)?, self.base + address);
        objects.take(8 + self.lengths as u64)?;
        let head = 8 + self.lengths as u64;
        while objects.left() >= head {
            self.count()?;
            let found = objects.u16()?;
            objects.take(6)?;
            let length = objects.uint(self.lengths)?;
            if found == 0 {
                break;
            }
            let value = objects.take(length)?;
            if u32::from(found) == index {
                return Ok(value);
            }
            let pad = length.next_multiple_of(8) - length;
            objects.take(pad.min(objects.left()))?;
        }
        Err(self.at(address)?.error(format!("a global heap has no object {index}")))
    }

    /// A dataset's storage.
    pub(super) fn layout(
        &mut self,
        message: &Message<'a>,
        space: Space,
        datatype: Option<Datatype>,
        name: usize,
        filters: Vec<Filter>,
    ) -> Result<()> {
        let filtered = !filters.is_empty();
        self.pieces.clear();
        let mut body = self.body(message);
        let elements = space.elements();
        let bytes = elements.zip(datatype).and_then(|(n, d)| n.checked_mul(d.size));
        let path = self.path(name);
        let version = body.u8()?;
        let mut data = None;
        let mut old_shape = Vec::new();
        let mut address = None;
        let class = if version < 3 {
            let rank = body.u8()?;
            let class = body.u8()?;
            body.take(5)?;
            if class != 0 {
                address = Some(body.uint(self.offsets)?);
            }
            old_shape = (0..rank).map(|_| body.u32().map(u64::from)).collect::<Result<_>>()?;
            class
        } else {
            body.u8()?
        };
        match class {
            0 => {
                let size = if version < 3 { u64::from(body.u32()?) } else { u64::from(body.u16()?) };
                let from = body.offset();
                body.take(size)?;
                data = Some(from..from + size);
            }
            1 => {
                let (address, size) = match address {
                    Some(address) => (address, bytes.unwrap_or(0)),
                    None => (body.uint(self.offsets)?, body.uint(self.lengths)?),
                };
                if self.defined(address) {
                    if bytes.is_none_or(|b| b != size) {
                        let what = format!("the dataset {path:?} has another size than its shape and type");
                        self.issue(message.at, what, IssueKind::Broken);
                    }
                    self.at(address)?.take(size)?;
                    self.claim(address, size);
                    data = Some(self.base + address..self.base + address + size);
                    if datatype.is_some_and(|d| d.varying) {
                        self.varying(address, size)?;
                    }
                }
            }
            2 if version < 4 => {
                let rank = if version < 3 { old_shape.len() as u64 + 1 } else { u64::from(body.u8()?) };
                let tree = match address {
                    Some(address) => address,
                    None => body.uint(self.offsets)?,
                };
                if self.defined(tree) {
                    self.chunks(tree, rank, datatype.is_some_and(|d| d.varying && !filtered))?;
                }
            }
            2 => {
                let varying = datatype.is_some_and(|d| d.varying && !filtered);
                self.indexed_chunks(&mut body, bytes, &Stored { filtered, varying }, &path)?;
            }
            3 => {
                let (dataset, file) = (path.clone(), self.virtual_file(&mut body)?);
                self.out.external.push(External { dataset, file, offset: self.base + message.at });
            }
            other => return Err(body.error(format!("the dataset {path:?} is laid out in the way {other}"))),
        }
        let float = datatype.filter(|d| d.class == 1 && !d.big_endian && !filtered).map(|d| d.size);
        let chunks = if filtered { std::mem::take(&mut self.pieces) } else { Vec::new() };
        let declared = bytes.unwrap_or(0);
        self.out.datasets.push(Dataset { path, data, float, chunks, filters, declared });
        Ok(())
    }

    /// Accounts for the heaps that texts of varying length lie in.
    pub(super) fn varying(&mut self, address: u64, size: u64) -> Result<()> {
        let mut data = Cursor::new("HDF5", self.at(address)?.take(size)?, self.base + address);
        let mut seen = HashSet::new();
        while data.left() >= 8 + self.offsets as u64 {
            self.count()?;
            data.take(4)?;
            let collection = data.uint(self.offsets)?;
            data.take(4)?;
            if collection != 0 && self.defined(collection) && seen.insert(collection) {
                let mut head = self.at(collection)?;
                if head.take(4)? != b"GCOL" {
                    return Err(self.at(collection)?.error("there is no global heap"));
                }
                head.take(4)?;
                let size = head.uint(self.lengths)?;
                self.claim(collection, size);
                self.note_heap(collection);
            }
        }
        Ok(())
    }

    /// Remembers where the objects of a global heap lie, as far as they are where they should be.
    pub(super) fn note_heap(&mut self, address: u64) {
        const MOST: usize = 100_000;
        let mut noted = Vec::new();
        let mut read = || -> Result<()> {
            let mut head = self.at(address)?;
            head.take(8)?;
            let size = head.uint(self.lengths)?;
            let mut objects = Cursor::new("HDF5", self.at(address)?.take(size)?, self.base + address);
            objects.take(8 + self.lengths as u64)?;
            while objects.left() >= 8 + self.lengths as u64 {
                let index = objects.u16()?;
                objects.take(6)?;
                let length = objects.uint(self.lengths)?;
                if index == 0 {
                    break;
                }
                let from = objects.offset();
                objects.take(length)?;
                noted.push(from..from + length);
                objects.take((length.next_multiple_of(8) - length).min(objects.left()))?;
            }
            Ok(())
        };
        // What does not hold together is told of where it is used.
        drop(read());
        let left = MOST.saturating_sub(self.out.objects_of_heaps.len());
        self.out.objects_of_heaps.extend(noted.into_iter().take(left));
    }

    /// The first source file of a virtual dataset, or what can be said of it.
    fn virtual_file(&mut self, body: &mut Cursor<'a>) -> Result<String> {
        let (heap, index) = (body.uint(self.offsets)?, body.u32()?);
        let block = self.heap_object(heap, index)?;
        let mut block = Cursor::new("HDF5", block, self.base + heap);
        block.take(1 + self.lengths as u64)?;
        Ok(text(block.until_zero()?))
    }
}
