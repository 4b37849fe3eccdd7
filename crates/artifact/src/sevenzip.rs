//! 7z archives: a header at the end that lists folders of packed streams, and what is in them.
//!
//! The header may be packed itself. Folders are unpacked into memory up to a limit; a chain of coders that needs a
//! key or that is not known here is told apart from one that is broken. Source: `7zFormat.txt` of the LZMA SDK.

use std::io::Read;

use crate::ArtifactError;
use crate::cursor::Cursor;

/// Files, folders and coders together.
const MAX_ITEMS: u64 = 1_000_000;
/// How often a packed header may hold another one.
const MAX_HEADERS: u32 = 4;

/// An archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    /// Its files in the order of their content.
    pub files: Vec<File>,
    folders: Vec<Folder>,
    /// Bytes of the file that nothing in it refers to.
    pub uncovered: u64,
}

/// A file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its name; what is not UTF-16 is replaced.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// Windows attributes; the upper half is the Unix mode where its bit 15 is set.
    pub attributes: u32,
    /// Bytes.
    pub size: u64,
    /// Which folder of streams holds it, and at which byte of the unpacked folder.
    pub content: Option<(usize, u64)>,
}

impl File {
    /// Whether unpacking it makes a link.
    #[must_use]
    pub const fn is_link(&self) -> bool {
        let unix = self.attributes & 0x8000 != 0 && (self.attributes >> 16) & 0o170_000 == 0o120_000;
        unix || self.attributes & 0x400 != 0
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Folder {
    coders: Vec<Coder>,
    /// Which input a coder takes from which output; empty for a single coder.
    bonds: Vec<(u64, u64)>,
    sizes: Vec<u64>,
    packed: u64,
    /// Where its packed stream begins, and its size.
    at: u64,
    bytes: u64,
    crc: bool,
    /// Sizes of the files in it.
    parts: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Coder {
    method: Vec<u8>,
    properties: Vec<u8>,
    inputs: u64,
    outputs: u64,
}

/// Why a folder cannot be unpacked.
#[derive(Debug)]
pub enum Unreadable {
    /// It is encrypted.
    Encrypted,
    /// A coder is not known here.
    Method(String),
    /// The stream is broken, or holds more than the limit.
    Broken(ArtifactError),
}

/// Whether the bytes begin as an archive does.
#[must_use]
pub fn is_sevenzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"7z\xbc\xaf\x27\x1c")
}

impl Archive {
    /// Reads the header, unpacking it within `limit` bytes.
    ///
    /// # Errors
    /// The header lies outside, is broken, or cannot be unpacked.
    pub fn open(bytes: &[u8], limit: u64) -> Result<Self, Unreadable> {
        let broken = Unreadable::Broken;
        let mut head = Cursor::new("7z", bytes, 0);
        head.take(12).map_err(broken)?;
        let (offset, size) = (head.u64().map_err(broken)?, head.u64().map_err(broken)?);
        let at = offset.saturating_add(32);
        let mut header = slice(bytes, at, size).map_err(broken)?.to_vec();
        let mut referred = 32 + size;
        for _ in 0..MAX_HEADERS {
            let mut reader = Reader { cursor: Cursor::new("7z", &header, 0), items: 0 };
            if reader.cursor.left() == 0 {
                let uncovered = (bytes.len() as u64).saturating_sub(referred);
                return Ok(Self { uncovered, ..Self::default() });
            }
            match reader.cursor.u8().map_err(broken)? {
                1 => {
                    let mut archive = reader.header().map_err(broken)?;
                    referred += archive.folders.iter().map(|f| f.bytes).sum::<u64>();
                    archive.uncovered = (bytes.len() as u64).saturating_sub(referred);
                    return Ok(archive);
                }
                0x17 => {
                    let folders = reader.streams().map_err(broken)?;
                    let folder = folders
                        .first()
                        .ok_or_else(|| broken(reader.cursor.error("a packed header of nothing")))?;
                    referred += folder.bytes;
                    header = folder.unpack(bytes, limit)?;
                }
                other => {
                    return Err(broken(reader.cursor.error(format!("a header that begins with {other}"))));
                }
            }
        }
        Err(broken(head.error("headers are packed in each other")))
    }

    /// Number of folders.
    #[must_use]
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    /// The content of a folder.
    ///
    /// # Errors
    /// It is encrypted, broken, packed in an unknown way or larger than the limit.
    pub fn unpack(&self, bytes: &[u8], folder: usize, limit: u64) -> Result<Vec<u8>, Unreadable> {
        let missing = || Unreadable::Broken(ArtifactError::malformed("7z", 0, "a folder that there is not"));
        self.folders.get(folder).ok_or_else(missing)?.unpack(bytes, limit)
    }
}

impl Folder {
    fn unpack(&self, bytes: &[u8], limit: u64) -> Result<Vec<u8>, Unreadable> {
        let broken = |what: String| Unreadable::Broken(ArtifactError::malformed("7z", self.at, what));
        let packed = slice(bytes, self.at, self.bytes).map_err(Unreadable::Broken)?;
        if self.coders.iter().any(|c| c.method.starts_with(&[6, 0xf1])) {
            return Err(Unreadable::Encrypted);
        }
        let simple = self.coders.iter().all(|c| c.inputs == 1 && c.outputs == 1) && self.packed == 1;
        if !simple || self.coders.len() > 4 {
            return Err(Unreadable::Method("several streams".to_owned()));
        }
        // The first coder gives the folder's content; what it takes comes from the next one.
        let mut order = vec![self.main_coder()];
        while let Some((_, from)) = order.last().and_then(|last| self.bonds.iter().find(|(to, _)| to == last))
        {
            if order.contains(from) {
                return Err(broken("coders feed themselves".to_owned()));
            }
            order.push(*from);
        }
        let mut content = packed.to_vec();
        for index in order.iter().rev() {
            let index = usize::try_from(*index).unwrap_or(usize::MAX);
            let coder =
                self.coders.get(index).ok_or_else(|| broken("a coder that there is not".to_owned()))?;
            let size = self.sizes.get(index).copied().unwrap_or(0);
            if size > limit {
                return Err(Unreadable::Broken(ArtifactError::Limit {
                    format: "7z",
                    what: "unpacked bytes",
                    limit,
                }));
            }
            content = coder.unpack(&content, size, limit)?;
        }
        Ok(content)
    }

    /// The coder whose output nobody takes.
    fn main_coder(&self) -> u64 {
        let count = self.coders.len() as u64;
        (0..count).find(|c| !self.bonds.iter().any(|(_, from)| from == c)).unwrap_or(0)
    }
}

impl Coder {
    fn unpack(&self, packed: &[u8], size: u64, limit: u64) -> Result<Vec<u8>, Unreadable> {
        let broken = |error: &dyn std::fmt::Display| {
            Unreadable::Broken(ArtifactError::malformed("7z", 0, format!("a stream is broken: {error}")))
        };
        let memory = u32::try_from(limit / 1024).unwrap_or(u32::MAX).max(1 << 16);
        let dictionary = |bytes: &[u8]| bytes.first_chunk::<4>().map(|d| u32::from_le_bytes(*d));
        let mut out = Vec::new();
        let mut read = |reader: &mut dyn Read| reader.take(size).read_to_end(&mut out).map(drop);
        let result = match (self.method.as_slice(), self.properties.as_slice()) {
            ([0], _) => read(&mut &packed[..]),
            ([3, 1, 1], [properties, rest @ ..]) => {
                let dictionary = dictionary(rest).ok_or_else(|| broken(&"its properties are cut short"))?;
                if dictionary / 1024 > memory {
                    return Err(broken(&"its dictionary is larger than what may be unpacked"));
                }
                // A dictionary longer than the content is never used.
                let dictionary = dictionary.min(u32::try_from(size).unwrap_or(u32::MAX)).max(4096);
                lzma_rust2::LzmaReader::new_with_props(packed, size, *properties, dictionary, None)
                    .and_then(|mut reader| read(&mut reader))
            }
            ([0x21], [dictionary, ..]) if *dictionary <= 40 => {
                let dictionary = match dictionary {
                    40 => u32::MAX,
                    bits => (2 | u32::from(bits & 1)) << (bits / 2 + 11),
                };
                let dictionary = dictionary.min(u32::try_from(size).unwrap_or(u32::MAX)).max(4096);
                read(&mut lzma_rust2::Lzma2Reader::new(packed, dictionary, None))
            }
            ([4, 1, 8], _) => read(&mut flate2::bufread::DeflateDecoder::new(packed)),
            ([4, 2, 2], _) => read(&mut bzip2::bufread::BzDecoder::new(packed)),
            ([3, 3, 1, 3] | [4], _) => read(&mut lzma_rust2::filter::bcj::BcjReader::new_x86(packed, 0)),
            (method, _) => {
                let id: String = method.iter().map(|b| format!("{b:02x}")).collect();
                return Err(Unreadable::Method(format!("method {id}")));
            }
        };
        result.map_err(|e| broken(&e))?;
        if (out.len() as u64) < size {
            return Err(broken(&"it ends early"));
        }
        Ok(out)
    }
}

fn slice(bytes: &[u8], at: u64, size: u64) -> Result<&[u8], ArtifactError> {
    let range = usize::try_from(at).ok().zip(at.checked_add(size).and_then(|end| usize::try_from(end).ok()));
    range.and_then(|(from, to)| bytes.get(from..to)).ok_or_else(|| {
        ArtifactError::malformed(
            "7z",
            at.min(bytes.len() as u64),
            format!("{size} bytes lie outside the file"),
        )
    })
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    items: u64,
}

impl Reader<'_> {
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

    fn header(&mut self) -> Result<Archive, ArtifactError> {
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
    fn streams(&mut self) -> Result<Vec<Folder>, ArtifactError> {
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

impl Folder {
    /// Bytes of its content.
    fn size(&self) -> u64 {
        let main = usize::try_from(self.main_coder()).unwrap_or(0);
        self.sizes.get(main).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written by py7zr 1.1: a text and a folder, LZMA2 with a packed header; the same with a password.
    const PLAIN: &[u8] = include_bytes!("../tests/fixtures/plain.7z");
    const SECRET: &[u8] = include_bytes!("../tests/fixtures/secret.7z");

    #[test]
    fn files_are_listed_and_unpacked() {
        assert!(is_sevenzip(PLAIN));
        let archive = Archive::open(PLAIN, 1 << 20).unwrap();
        let names: Vec<_> = archive.files.iter().map(|f| (f.name.as_str(), f.folder, f.size)).collect();
        assert_eq!(names, [("a.txt", false, 15), ("b/c.txt", false, 4000)]);
        assert_eq!(archive.uncovered, 0);
        let content = archive.unpack(PLAIN, 0, 1 << 20).unwrap();
        assert!(content.starts_with(b"echo proofhouse"));
        assert_eq!(content.len(), 4015);
        assert!(matches!(
            archive.unpack(PLAIN, 0, 100),
            Err(Unreadable::Broken(ArtifactError::Limit { .. }))
        ));
    }

    #[test]
    fn a_key_is_asked_for() {
        match Archive::open(SECRET, 1 << 20) {
            Err(error) => assert!(matches!(error, Unreadable::Encrypted)),
            Ok(archive) => assert!(matches!(archive.unpack(SECRET, 0, 1 << 20), Err(Unreadable::Encrypted))),
        }
    }

    proptest! {
        #[test]
        fn bent_archives_end(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = PLAIN.to_vec();
            for (at, to) in edits {
                bytes[at.index(PLAIN.len())] = to;
            }
            if let Ok(archive) = Archive::open(&bytes, 1 << 20) {
                for folder in 0..archive.folders() {
                    let _ = archive.unpack(&bytes, folder, 1 << 20);
                }
            }
        }

        #[test]
        fn arbitrary_headers_end(header in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut bytes = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0".to_vec();
            bytes.extend(0u64.to_le_bytes());
            bytes.extend((header.len() as u64 + 1).to_le_bytes());
            bytes.extend([0; 4]);
            bytes.push(1);
            bytes.extend(header);
            let _ = Archive::open(&bytes, 1 << 20);
        }
    }
}
