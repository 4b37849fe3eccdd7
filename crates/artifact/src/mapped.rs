//! Read-only views of files for scanning, memory-mapped where that pays.
//!
//! The only unsafe code of the house. A map of a file that another process truncates ends in SIGBUS, so
//! [`Access::Read`] exists for directories that others may write to.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::{Deref, Range};
use std::path::Path;

use memmap2::Mmap;

use crate::ArtifactError;

/// How to bring a file's bytes into view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Map large files, read small ones and those that cannot be mapped.
    #[default]
    Map,
    /// Always read: for files that others may change or truncate meanwhile.
    Read,
}

/// The bytes of a file.
#[derive(Debug)]
pub struct Mapped(Inner);

#[derive(Debug)]
enum Inner {
    Map(Mmap),
    Owned(Vec<u8>),
}

impl Mapped {
    /// Lets go of the memory of a range that was read: a later look reads it from the file again. Only what is
    /// mapped has memory to let go of.
    #[expect(unsafe_code, reason = "advice about a map cannot be given otherwise")]
    pub fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Inner::Map(map) = &self.0 {
            let length = range.len().min(map.len().saturating_sub(range.start));
            // SAFETY: the map is read-only and backed by a file, so that dropped pages come back with the same
            // content; and advice that the system does not take changes nothing.
            drop(unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, length)
            });
        }
    }
}

/// Below this, a read costs less than setting up and tearing down a map.
const MAP_FROM_BYTES: u64 = 64 * 1024;

impl Mapped {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn open(path: &Path, access: Access) -> Result<Self, ArtifactError> {
        let io = |source| ArtifactError::Io { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        if access == Access::Map
            && size >= MAP_FROM_BYTES
            && let Ok(map) = map(&file)
        {
            return Ok(Self(Inner::Map(map)));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(io)?;
        Ok(Self(Inner::Owned(bytes)))
    }
}

#[expect(unsafe_code, reason = "a memory map cannot be had otherwise")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is private to `Mapped`, read-only and handed out as a shared slice that lives no
    // longer than it. What Rust cannot rule out is that another process writes to or truncates the file
    // meanwhile; the caller chooses `Access::Read` where that can happen.
    unsafe { Mmap::map(file) }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Map(map) => map,
            Inner::Owned(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn both_ways_see_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        for size in [0usize, 1, 65_536, 300_000] {
            let path = dir.path().join(size.to_string());
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            assert_eq!(&*Mapped::open(&path, Access::Map).unwrap(), &bytes[..]);
            assert_eq!(&*Mapped::open(&path, Access::Read).unwrap(), &bytes[..]);
        }
        assert!(Mapped::open(&dir.path().join("missing"), Access::Map).is_err());
    }
}
