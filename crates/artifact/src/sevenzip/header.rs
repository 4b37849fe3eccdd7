//! The header: packed streams, folders of coders, and the files in them.

use super::{Archive, Coder, File, Folder};
use crate::ArtifactError;
use crate::cursor::Cursor;

/// Files, folders and coders together.
const MAX_ITEMS: u64 = 1_000_000;
/// Reads properties one after the other.
pub(super) struct Reader<'a> {
    pub(super) cursor: Cursor<'a>,
    items: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(header: &'a [u8]) -> Self {
        Self { cursor: Cursor::new("7z", header, 0), items: 0 }
    }

    fn count(&mut self, items: u64) -> Result<u64, ArtifactError> {
        self.items = self.items.saturating_add(items);
        if self.items > MAX_ITEMS {
            return Err(ArtifactError::Limit { format: "7z", what: "files and streams", limit: MAX_ITEMS });
        }
        Ok(items)
    }

    /// A number whose first byte says how many follow.
    fn number(&mut self) -> Result<u64, ArtifactError> {
        let first = self.cursor.u8()?;
        let mut value = 0u64;
        let mut mask = 0x80u8;
        for i in 0..8 {
            if first & mask == 0 {
                return Ok(value | u64::from(first & (mask - 1)) << (8 * i));
            }
            value |= u64::from(self.cursor.u8()?) << (8 * i);
            mask >>= 1;
        }
        Ok(value)
    }

    fn bits(&mut self, count: u64) -> Result<Vec<bool>, ArtifactError> {
        let bytes = self.cursor.take(count.div_ceil(8))?;
        let bit = |i: u64| {
            bytes
                .get(usize::try_from(i / 8).unwrap_or(usize::MAX))
                .is_some_and(|b| b & (0x80 >> (i % 8)) != 0)
        };
        Ok((0..count).map(bit).collect())
    }

    /// A vector of bits, or a byte that says that all are set.
    fn optional_bits(&mut self, count: u64) -> Result<Vec<bool>, ArtifactError> {
        if self.cursor.u8()? != 0 {
            return Ok((0..count).map(|_| true).collect());
        }
        self.bits(count)
    }

    fn digests(&mut self, count: u64) -> Result<Vec<bool>, ArtifactError> {
        let defined = self.optional_bits(count)?;
        let set = defined.iter().filter(|d| **d).count() as u64;
        self.cursor.take(4 * set)?;
        Ok(defined)
    }

    pub(super) fn header(&mut self) -> Result<Archive, ArtifactError> {
        let mut archive = Archive::default();
        loop {
            match self.cursor.u8()? {
                0 => return Ok(archive),
                2 => {
                    while self.cursor.u8()? != 0 {
                        let size = self.number()?;
                        self.cursor.take(size)?;
                    }
                }
                3 => drop(self.streams()?),
                4 => archive.folders = self.streams()?,
                5 => self.files(&mut archive)?,
                other => return Err(self.cursor.error(format!("a property {other} of the header"))),
            }
        }
    }

    /// Packed streams, folders and the files in them.
    pub(super) fn streams(&mut self) -> Result<Vec<Folder>, ArtifactError> {
        let (mut position, mut sizes, mut folders) = (0, Vec::new(), Vec::new());
        loop {
            match self.cursor.u8()? {
                0 => break,
                6 => {
                    position = self.number()?;
                    let count = self.number()?;
                    self.count(count)?;
                    loop {
                        match self.cursor.u8()? {
                            0 => break,
                            9 => sizes = (0..count).map(|_| self.number()).collect::<Result<_, _>>()?,
                            10 => drop(self.digests(count)?),
                            other => {
                                return Err(self
                                    .cursor
                                    .error(format!("a property {other} of packed streams")));
                            }
                        }
                    }
                }
                7 => folders = self.folders()?,
                8 => self.parts(&mut folders)?,
                other => return Err(self.cursor.error(format!("a property {other} of streams"))),
            }
        }
        let mut at = position.saturating_add(32);
        let mut packed = sizes.into_iter();
        for folder in &mut folders {
            folder.at = at;
            for _ in 0..folder.packed {
                folder.bytes = folder.bytes.saturating_add(packed.next().unwrap_or(0));
            }
            at = at.saturating_add(folder.bytes);
            if folder.parts.is_empty() {
                folder.parts = vec![folder.size()];
            }
        }
        Ok(folders)
    }

    fn folders(&mut self) -> Result<Vec<Folder>, ArtifactError> {
        if self.cursor.u8()? != 11 {
            return Err(self.cursor.error("folders without their list"));
        }
        let count = self.number()?;
        self.count(count)?;
        if self.cursor.u8()? != 0 {
            return Err(self.cursor.error("folders in another stream"));
        }
        let mut folders = Vec::new();
        for _ in 0..count {
            folders.push(self.folder()?);
        }
        loop {
            match self.cursor.u8()? {
                0 => return Ok(folders),
                12 => {
                    for folder in &mut folders {
                        let outputs: u64 = folder.coders.iter().map(|c| c.outputs).sum();
                        folder.sizes = (0..outputs).map(|_| self.number()).collect::<Result<_, _>>()?;
                    }
                }
                10 => {
                    let defined = self.digests(count)?;
                    folders.iter_mut().zip(defined).for_each(|(f, d)| f.crc = d);
                }
                other => return Err(self.cursor.error(format!("a property {other} of folders"))),
            }
        }
    }

    fn folder(&mut self) -> Result<Folder, ArtifactError> {
        let mut folder = Folder::default();
        let count = self.number()?;
        if !(1..=32).contains(&count) {
            return Err(self.cursor.error(format!("a folder of {count} coders")));
        }
        for _ in 0..count {
            self.count(1)?;
            let flags = self.cursor.u8()?;
            let method = self.cursor.take(u64::from(flags & 15))?.to_vec();
            let (inputs, outputs) = if flags & 0x10 != 0 { (self.number()?, self.number()?) } else { (1, 1) };
            if inputs > 32 || outputs > 32 {
                return Err(self.cursor.error("a coder of too many streams"));
            }
            let mut properties = Vec::new();
            if flags & 0x20 != 0 {
                let size = self.number()?;
                properties = self.cursor.take(size)?.to_vec();
            }
            folder.coders.push(Coder { method, properties, inputs, outputs });
        }
        let inputs: u64 = folder.coders.iter().map(|c| c.inputs).sum();
        let outputs: u64 = folder.coders.iter().map(|c| c.outputs).sum();
        let bonds = outputs.checked_sub(1).ok_or_else(|| self.cursor.error("a folder without an output"))?;
        for _ in 0..bonds {
            folder.bonds.push((self.number()?, self.number()?));
        }
        folder.packed =
            inputs.checked_sub(bonds).ok_or_else(|| self.cursor.error("a folder without an input"))?;
        if folder.packed > 1 {
            for _ in 0..folder.packed {
                self.number()?;
            }
        }
        Ok(folder)
    }

    /// The files in each folder.
    fn parts(&mut self, folders: &mut [Folder]) -> Result<(), ArtifactError> {
        let mut counts: Vec<u64> = folders.iter().map(|_| 1).collect();
        let mut kind = self.cursor.u8()?;
        if kind == 13 {
            counts = folders.iter().map(|_| self.number()).collect::<Result<_, _>>()?;
            kind = self.cursor.u8()?;
        }
        for (folder, count) in folders.iter_mut().zip(&counts) {
            self.count(*count)?;
            let mut left = folder.size();
            for i in 0..*count {
                let size = if i + 1 == *count {
                    left
                } else if kind == 9 {
                    self.number()?
                } else {
                    0
                };
                left = left
                    .checked_sub(size)
                    .ok_or_else(|| self.cursor.error("files are larger than their folder"))?;
                folder.parts.push(size);
            }
        }
        if kind == 9 {
            kind = self.cursor.u8()?;
        }
        while kind != 0 {
            if kind != 10 {
                return Err(self.cursor.error(format!("a property {kind} of files in folders")));
            }
            let known = |(folder, count): (&Folder, &u64)| if *count == 1 && folder.crc { 0 } else { *count };
            let unknown = folders.iter().zip(&counts).map(known).sum();
            self.digests(unknown)?;
            kind = self.cursor.u8()?;
        }
        Ok(())
    }

    fn files(&mut self, archive: &mut Archive) -> Result<(), ArtifactError> {
        let count = self.number()?;
        self.count(count)?;
        let mut files: Vec<File> = (0..count).map(|_| File::default()).collect();
        let mut empty: Vec<bool> = Vec::new();
        let mut empty_files: Vec<bool> = Vec::new();
        loop {
            let kind = self.cursor.u8()?;
            if kind == 0 {
                break;
            }
            let size = self.number()?;
            let base = self.cursor.offset();
            let body = self.cursor.take(size)?;
            let mut inner = Reader { cursor: Cursor::new("7z", body, base), items: self.items };
            match kind {
                14 => empty = inner.bits(count)?,
                15 => empty_files = inner.bits(empty.iter().filter(|e| **e).count() as u64)?,
                17 => {
                    if inner.cursor.u8()? != 0 {
                        return Err(inner.cursor.error("names in another stream"));
                    }
                    for file in &mut files {
                        let mut units = Vec::new();
                        loop {
                            match inner.cursor.u16()? {
                                0 => break,
                                unit => units.push(unit),
                            }
                        }
                        file.name = String::from_utf16_lossy(&units);
                    }
                }
                21 => {
                    let defined = inner.optional_bits(count)?;
                    inner.cursor.u8()?;
                    for (file, _) in files.iter_mut().zip(defined).filter(|(_, d)| *d) {
                        file.attributes = inner.cursor.u32()?;
                    }
                }
                _ => {}
            }
        }
        let parts = archive.folders.iter().enumerate().flat_map(|(index, folder)| {
            folder.parts.iter().scan(0u64, move |at, size| {
                let from = *at;
                *at = at.saturating_add(*size);
                Some((index, from, *size))
            })
        });
        let mut parts = parts;
        let mut empty_files = empty_files.into_iter();
        for (index, file) in files.iter_mut().enumerate() {
            if empty.get(index).copied().unwrap_or(false) {
                file.folder = !empty_files.next().unwrap_or(false);
            } else if let Some((folder, from, size)) = parts.next() {
                file.content = Some((folder, from));
                file.size = size;
            }
        }
        archive.files = files;
        Ok(())
    }
}
