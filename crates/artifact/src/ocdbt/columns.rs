//! How OCDBT writes many values: column by column, texts by what they share with the one before.

use std::sync::Arc;

use crate::ArtifactError;
use crate::cursor::Cursor;

/// A number in seven bits a byte, the lowest first.
pub(super) fn varint(reader: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = reader.u8()?;
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(reader.error("a number is longer than 64 bits"))
}

/// `count` numbers. Each takes a byte at the least, so there are never more than bytes.
pub(super) fn numbers(reader: &mut Cursor<'_>, count: u64) -> Result<Vec<u64>, ArtifactError> {
    if count > reader.left() {
        return Err(reader.error(format!("{count} numbers cannot be in {} bytes", reader.left())));
    }
    (0..count).map(|_| varint(reader)).collect()
}

/// `count` fields of `width` bytes.
pub(super) fn bytes_of<'a>(
    reader: &mut Cursor<'a>,
    count: u64,
    width: u64,
) -> Result<&'a [u8], ArtifactError> {
    let length = count.checked_mul(width).ok_or_else(|| reader.error("there cannot be as many"))?;
    reader.take(length)
}

/// `count` texts that together take at most `limit` bytes, and what `between` reads between their lengths and their bytes.
pub(super) fn texts<T>(
    reader: &mut Cursor<'_>,
    count: u64,
    limit: u64,
    between: impl FnOnce(&mut Cursor<'_>) -> Result<T, ArtifactError>,
) -> Result<(Vec<Vec<u8>>, T), ArtifactError> {
    let shared = numbers(reader, count.saturating_sub(1))?;
    let own = numbers(reader, count)?;
    let more = between(reader)?;
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let mut left = limit;
    for (index, own) in own.into_iter().enumerate() {
        let shared = index.checked_sub(1).and_then(|before| shared.get(before)).copied().unwrap_or(0);
        let before = texts.last().map_or(&[][..], Vec::as_slice);
        let shared = usize::try_from(shared).ok().and_then(|shared| before.get(..shared));
        let shared = shared.ok_or_else(|| reader.error("a text shares more than the one before has"))?;
        left = left.checked_sub((shared.len() as u64).saturating_add(own)).ok_or(ArtifactError::Limit {
            format: super::NAME,
            what: "bytes of keys",
            limit,
        })?;
        let text = [shared, reader.take(own)?].concat();
        texts.push(text);
    }
    Ok((texts, more))
}

/// The table of data files: paths, and how much of each is where the paths in it start from.
pub(super) fn paths(reader: &mut Cursor<'_>, limit: u64) -> Result<Vec<(Arc<str>, usize)>, ArtifactError> {
    let count = super::count(reader)?;
    let (texts, bases) = texts(reader, count, limit, |reader| numbers(reader, count))?;
    let mut paths = Vec::new();
    for (text, base) in texts.into_iter().zip(bases) {
        let path = String::from_utf8(text).map_err(|_| reader.error("a path is no UTF-8"))?;
        let base = usize::try_from(base).ok().filter(|base| path.is_char_boundary(*base));
        let base = base.ok_or_else(|| reader.error("a path is shorter than where it starts from"))?;
        paths.push((path.into(), base));
    }
    Ok(paths)
}
