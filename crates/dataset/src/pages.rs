//! A walk over the page headers of a column chunk before anything is decompressed.
//!
//! The decoder allocates what a page header declares, up to 2 GiB from a few bytes. The walk adds up what all
//! pages declare and stops at the caller's limit. Layout: Apache Parquet format, `PageHeader`.

use crate::thrift::{Cursor, I32, Malformed};

/// What may still be spent on a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) pages: u64,
    pub(crate) decompressed_bytes: u64,
}

/// Why a chunk is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Malformed(Malformed),
    Pages,
    DecompressedBytes,
}

impl From<Malformed> for Refused {
    fn from(e: Malformed) -> Self {
        Self::Malformed(e)
    }
}

/// Spends `budget` on the pages of one column chunk.
pub(crate) fn spend(chunk: &[u8], budget: &mut Budget) -> Result<(), Refused> {
    let mut cursor = Cursor::new(chunk);
    while !cursor.is_at_end() {
        let (uncompressed, compressed) = header(&mut cursor)?;
        budget.pages = budget.pages.checked_sub(1).ok_or(Refused::Pages)?;
        budget.decompressed_bytes =
            budget.decompressed_bytes.checked_sub(uncompressed).ok_or(Refused::DecompressedBytes)?;
        cursor.advance(compressed)?;
    }
    Ok(())
}

/// Declared sizes of a page: uncompressed and compressed bytes. Of a field given twice the larger counts.
fn header(cursor: &mut Cursor<'_>) -> Result<(u64, u64), Malformed> {
    let (mut last, mut uncompressed, mut compressed) = (0, None, None);
    while let Some((id, kind)) = cursor.field(&mut last)? {
        if !matches!((id, kind), (2 | 3, I32)) {
            cursor.skip(kind)?;
            continue;
        }
        let size = u64::try_from(cursor.integer()?).map_err(|_| Malformed("a page has a negative size"))?;
        let slot = if id == 2 { &mut uncompressed } else { &mut compressed };
        if slot.is_some_and(|earlier| earlier != size) {
            return Err(Malformed("a page states two sizes"));
        }
        *slot = Some(size);
    }
    match (uncompressed, compressed) {
        (Some(u), Some(c)) => Ok((u, c)),
        _ => Err(Malformed("a page header lacks its sizes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// type=0, uncompressed=n, compressed=0, end.
    fn page(mut n: u64) -> Vec<u8> {
        let mut bytes = vec![0x15, 0x00, 0x15];
        n <<= 1;
        while n >= 0x80 {
            bytes.push(n as u8 | 0x80);
            n >>= 7;
        }
        bytes.extend([n as u8, 0x15, 0x00, 0x00]);
        bytes
    }

    #[test]
    fn declared_bytes_and_pages_are_limited() {
        let budget = Budget { pages: 3, decompressed_bytes: 1000 };
        let two: Vec<u8> = [page(400), page(500)].concat();
        let mut left = budget;
        assert_eq!(spend(&two, &mut left), Ok(()));
        assert_eq!((left.pages, left.decompressed_bytes), (1, 100));
        assert_eq!(spend(&page(2_000_000_000), &mut budget.clone()), Err(Refused::DecompressedBytes));
        let many: Vec<u8> = (0..4).flat_map(|_| page(1)).collect();
        assert_eq!(spend(&many, &mut budget.clone()), Err(Refused::Pages));
    }

    #[test]
    fn a_cut_page_is_malformed() {
        let bytes = page(7);
        let mut budget = Budget { pages: 3, decompressed_bytes: 1000 };
        assert!(matches!(spend(&bytes[..bytes.len() - 1], &mut budget), Err(Refused::Malformed(_))));
    }
}
