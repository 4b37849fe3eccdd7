//! 7z archives: a header at the end that lists folders of packed streams, and what is in them.
//!
//! The header may be packed itself. Folders are unpacked into memory up to a limit; a chain of coders that needs a
//! key or that is not known here is told apart from one that is broken. Source: `7zFormat.txt` of the LZMA SDK.

use std::io::Read;

use crate::ArtifactError;
use crate::cursor::Cursor;

mod header;

use header::Reader;

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
            let mut reader = Reader::new(&header);
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
