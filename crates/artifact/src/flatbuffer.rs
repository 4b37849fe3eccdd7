//! FlatBuffers: tables that are reached by offsets, read without a schema compiler.
//!
//! A table's fields lie where its vtable says, and anything may point anywhere, so every access is checked and
//! callers bound how many they make. Source: FlatBuffers, "Internals".

use crate::ArtifactError;
use crate::cursor::Cursor;

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    vtable: usize,
    fields: usize,
}

impl Vector {
    /// One past the last byte, for elements of `width` bytes.
    #[must_use]
    pub const fn end(&self, width: usize) -> usize {
        self.at.saturating_add(self.count.saturating_mul(width))
    }
}

/// A vector: where its elements begin and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vector {
    /// First byte of the first element.
    pub at: usize,
    /// Number of elements.
    pub count: usize,
}

impl<'a> Table<'a> {
    /// The root table of a buffer.
    ///
    /// # Errors
    /// Its offset or its vtable lies outside.
    pub fn root(bytes: &'a [u8]) -> Result<Self, ArtifactError> {
        Self::at(bytes, follow(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self, ArtifactError> {
        let back = i64::from(i32::from_le_bytes(read(bytes, at)?));
        let vtable = (at as i64).checked_sub(back).and_then(|v| usize::try_from(v).ok());
        let vtable = vtable.ok_or_else(|| error(at, "a table's layout lies before the file"))?;
        let size = usize::from(u16::from_le_bytes(read(bytes, vtable)?));
        if size < 4 || size % 2 == 1 || vtable.saturating_add(size) > bytes.len() {
            return Err(error(vtable, "a table's layout has an impossible size"));
        }
        Ok(Self { bytes, at, vtable, fields: (size - 4) / 2 })
    }

    /// Where the table begins.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.at
    }

    /// One past the last byte of the table and of its layout.
    #[must_use]
    pub fn end(&self) -> usize {
        let size = read(self.bytes, self.vtable + 2).map_or(0, u16::from_le_bytes);
        (self.at + usize::from(size)).max(self.vtable + 4 + 2 * self.fields)
    }

    /// Where a field's value lies; `None` when it has its default.
    fn place(&self, field: usize) -> Result<Option<usize>, ArtifactError> {
        if field >= self.fields {
            return Ok(None);
        }
        let offset = usize::from(u16::from_le_bytes(read(self.bytes, self.vtable + 4 + 2 * field)?));
        Ok((offset != 0).then_some(self.at + offset))
    }

    /// A number of `N` bytes, as it stands.
    ///
    /// # Errors
    /// It lies outside.
    pub fn number<const N: usize>(&self, field: usize) -> Result<Option<[u8; N]>, ArtifactError> {
        self.place(field)?.map(|at| read(self.bytes, at)).transpose()
    }

    /// A table that a field points at.
    ///
    /// # Errors
    /// It lies outside.
    pub fn table(&self, field: usize) -> Result<Option<Self>, ArtifactError> {
        let at = self.place(field)?.map(|at| follow(self.bytes, at)).transpose()?;
        at.map(|at| Self::at(self.bytes, at)).transpose()
    }

    /// A vector of elements of `width` bytes.
    ///
    /// # Errors
    /// It reaches outside.
    pub fn vector(&self, field: usize, width: usize) -> Result<Option<Vector>, ArtifactError> {
        let Some(place) = self.place(field)? else { return Ok(None) };
        let at = follow(self.bytes, place)?;
        let count = u32::from_le_bytes(read(self.bytes, at)?) as usize;
        let end = count.checked_mul(width).and_then(|n| n.checked_add(at + 4));
        if end.is_none_or(|end| end > self.bytes.len()) {
            return Err(error(at, format!("a vector claims {count} elements of {width} bytes")));
        }
        Ok(Some(Vector { at: at + 4, count }))
    }

    /// The bytes of a vector of bytes.
    ///
    /// # Errors
    /// It reaches outside.
    pub fn bytes(&self, field: usize) -> Result<Option<&'a [u8]>, ArtifactError> {
        let vector = self.vector(field, 1)?;
        Ok(vector.and_then(|v| self.bytes.get(v.at..v.at + v.count)))
    }

    /// The numbers of a vector of whole numbers of four bytes.
    ///
    /// # Errors
    /// It reaches outside.
    pub fn numbers(&self, field: usize) -> Result<Vec<i32>, ArtifactError> {
        let vector = self.vector(field, 4)?;
        let bytes = vector.and_then(|v| self.bytes.get(v.at..v.end(4))).unwrap_or_default();
        Ok(bytes.as_chunks::<4>().0.iter().map(|number| i32::from_le_bytes(*number)).collect())
    }

    /// A text; what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// It reaches outside.
    pub fn text(&self, field: usize) -> Result<Option<String>, ArtifactError> {
        Ok(self.bytes(field)?.map(|b| String::from_utf8_lossy(b).into_owned()))
    }

    /// An element of a vector of texts.
    ///
    /// # Errors
    /// Its offset leads outside.
    pub fn text_of(&self, vector: &Vector, index: usize) -> Result<String, ArtifactError> {
        let at = vector.at.saturating_add(index.saturating_mul(4));
        let start = follow(self.bytes, at)?;
        let length = u32::from_le_bytes(read(self.bytes, start)?) as usize;
        let text = start.checked_add(4).and_then(|from| self.bytes.get(from..from.checked_add(length)?));
        let text = text.ok_or_else(|| error(start, "a text leads outside"))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The tables of a vector of tables.
    ///
    /// # Errors
    /// The vector reaches outside; each table that does is an error of its own.
    pub fn tables(
        &self,
        field: usize,
    ) -> Result<impl Iterator<Item = Result<Self, ArtifactError>>, ArtifactError> {
        let vector = self.vector(field, 4)?.unwrap_or(Vector { at: 0, count: 0 });
        let bytes = self.bytes;
        Ok((0..vector.count).map(move |i| Self::at(bytes, follow(bytes, vector.at + 4 * i)?)))
    }
}

fn follow(bytes: &[u8], at: usize) -> Result<usize, ArtifactError> {
    let offset = u32::from_le_bytes(read(bytes, at)?);
    Ok(at.saturating_add(offset as usize))
}

fn read<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], ArtifactError> {
    let tail = bytes.get(at..).unwrap_or_default();
    Cursor::new("FlatBuffer", tail, at as u64).array()
}

fn error(at: usize, what: impl Into<String>) -> ArtifactError {
    ArtifactError::malformed("FlatBuffer", at as u64, what)
}
