//! A place in untrusted bytes that is read forward: every read is checked, every error knows its offset.

use crate::ArtifactError;

/// Reads numbers and slices one after the other.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    format: &'static str,
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Cursor<'a> {
    /// Over `bytes`, which begin at `base` of their file. `format` is what errors call it.
    #[must_use]
    pub const fn new(format: &'static str, bytes: &'a [u8], base: u64) -> Self {
        Self { format, bytes, at: 0, base }
    }

    /// Offset of the next byte in the file.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Bytes that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.bytes.len().saturating_sub(self.at) as u64
    }

    /// What is left, without taking it.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// An error at the next byte.
    #[must_use]
    pub fn error(&self, what: impl Into<String>) -> ArtifactError {
        ArtifactError::malformed(self.format, self.offset(), what)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn take(&mut self, count: u64) -> Result<&'a [u8], ArtifactError> {
        let end = usize::try_from(count).ok().and_then(|n| self.at.checked_add(n));
        let found = end.and_then(|end| self.bytes.get(self.at..end));
        let found = found
            .ok_or_else(|| self.error(format!("{count} bytes are needed and {} are left", self.left())))?;
        self.at += found.len();
        Ok(found)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        let found = self.rest().first_chunk::<N>().copied();
        let found = found.ok_or_else(|| self.error("the file ends inside a number"))?;
        self.at += N;
        Ok(found)
    }

    /// One byte.
    ///
    /// # Errors
    /// None is left.
    pub fn u8(&mut self) -> Result<u8, ArtifactError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// Two bytes, little-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u16(&mut self) -> Result<u16, ArtifactError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u32(&mut self) -> Result<u32, ArtifactError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u64(&mut self) -> Result<u64, ArtifactError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Four bytes, big-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u32_be(&mut self) -> Result<u32, ArtifactError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A little-endian number of one to eight bytes.
    ///
    /// # Errors
    /// Fewer are left, or the width is no such number.
    pub fn uint(&mut self, width: usize) -> Result<u64, ArtifactError> {
        if !(1..=8).contains(&width) {
            return Err(self.error(format!("a number of {width} bytes cannot be meant")));
        }
        Ok(self.take(width as u64)?.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// The bytes up to a zero, which is taken too.
    ///
    /// # Errors
    /// There is no zero.
    pub fn until_zero(&mut self) -> Result<&'a [u8], ArtifactError> {
        let length = self.rest().iter().position(|b| *b == 0);
        let length = length.ok_or_else(|| self.error("a text has no end"))?;
        let text = self.take(length as u64)?;
        self.at += 1;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_at_the_end() {
        let mut cursor = Cursor::new("x", b"\x01\x02\x03\x04\x05ab\0c", 10);
        assert_eq!((cursor.u8().unwrap(), cursor.u32_be().unwrap()), (1, 0x0203_0405));
        assert_eq!((cursor.until_zero().unwrap(), cursor.offset(), cursor.left()), (&b"ab"[..], 18, 1));
        assert_eq!(cursor.take(u64::MAX).unwrap_err().offset(), Some(18));
        assert!(cursor.until_zero().is_err() && cursor.u16().is_err() && cursor.uint(9).is_err());
        assert_eq!(Cursor::new("x", &[1, 2, 3], 0).uint(3).unwrap(), 0x03_0201);
    }
}
