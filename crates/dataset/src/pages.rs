//! A walk over the page headers of a column chunk before anything is unpacked.
//!
//! The decoder allocates what headers declare: up to 2 GiB for a page, 16 GiB for a dictionary, and anything at all
//! for delta-coded text; and it inflates GZIP without an end. An allocation that fails ends the process, so none of
//! this can be caught afterwards. The walk establishes that
//!
//! * all pages together declare no more than the caller allows, and GZIP pages unpack to no more than they declare;
//! * a dictionary declares no more values than its page has bytes;
//! * every encoding is one whose decoder allocates in proportion to what is asked of it.
//!
//! Layout: Apache Parquet format, `PageHeader`, `DataPageHeader`, `DictionaryPageHeader`, `DataPageHeaderV2`.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use crate::thrift::{Cursor, I32, Malformed, STRUCT};

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
    /// An encoding of data pages, by its number in the format.
    Encoding(i64),
}

impl From<Malformed> for Refused {
    fn from(e: Malformed) -> Self {
        Self::Malformed(e)
    }
}

/// PLAIN, PLAIN_DICTIONARY, RLE, DELTA_BINARY_PACKED, RLE_DICTIONARY, BYTE_STREAM_SPLIT.
const ENCODINGS: [i64; 6] = [0, 2, 3, 5, 8, 9];

/// Spends `budget` on the pages of one column chunk.
pub(crate) fn spend(chunk: &[u8], gzip: bool, budget: &mut Budget) -> Result<(), Refused> {
    let mut cursor = Cursor::new(chunk);
    while !cursor.is_at_end() {
        let header = header(&mut cursor)?;
        budget.pages = budget.pages.checked_sub(1).ok_or(Refused::Pages)?;
        budget.decompressed_bytes =
            budget.decompressed_bytes.checked_sub(header.uncompressed).ok_or(Refused::DecompressedBytes)?;
        if let Some(encoding) = header.encodings.into_iter().flatten().find(|e| !ENCODINGS.contains(e)) {
            return Err(Refused::Encoding(encoding));
        }
        let values = header.dictionary_values.unwrap_or(0);
        if !u64::try_from(values).is_ok_and(|values| values <= header.uncompressed) {
            return Err(Malformed("a dictionary states more values than it has bytes").into());
        }
        let body = cursor.take(header.compressed)?;
        if gzip && header.is_compressed {
            unpacks_as_stated(body, &header)?;
        }
    }
    Ok(())
}

/// Inflates a page to nowhere, up to one byte more than it states.
fn unpacks_as_stated(body: &[u8], header: &Header) -> Result<(), Malformed> {
    // Levels of a version 2 page stand uncompressed before its values.
    let levels = usize::try_from(header.level_bytes).map_err(|_| Malformed("a page has a negative size"))?;
    let packed = body.get(levels..).ok_or(Malformed("a page is shorter than its levels"))?;
    let stated = header.uncompressed.saturating_sub(levels as u64);
    let mut limited = MultiGzDecoder::new(packed).take(stated.saturating_add(1));
    // An error here is one for the decoder to report too; what it unpacks before is within the limit.
    match std::io::copy(&mut limited, &mut std::io::sink()) {
        Ok(unpacked) if unpacked > stated => Err(Malformed("a page unpacks to more than it states")),
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Header {
    uncompressed: u64,
    compressed: u64,
    /// Of a data page of version 1 and of version 2; a page that states both is checked for both.
    encodings: [Option<i64>; 2],
    dictionary_values: Option<i64>,
    level_bytes: i64,
    is_compressed: bool,
}

/// Refuses a field that is stated twice: which of the two a decoder uses is its own business.
struct Once(u64);

impl Once {
    fn see(&mut self, id: i16) -> Result<(), Malformed> {
        let bit = u32::try_from(id).ok().and_then(|id| 1u64.checked_shl(id)).unwrap_or(0);
        if self.0 & bit != 0 {
            return Err(Malformed("a page states something twice"));
        }
        self.0 |= bit;
        Ok(())
    }
}

fn header(cursor: &mut Cursor<'_>) -> Result<Header, Malformed> {
    let mut header = Header { is_compressed: true, ..Header::default() };
    let (mut last, mut seen) = (0, Once(0));
    while let Some((id, kind)) = cursor.field(&mut last)? {
        seen.see(id)?;
        match (id, kind) {
            (2, I32) => header.uncompressed = size(cursor)?,
            (3, I32) => header.compressed = size(cursor)?,
            (5, STRUCT) => data_page(cursor, &mut header)?,
            (7, STRUCT) => dictionary_page(cursor, &mut header)?,
            (8, STRUCT) => data_page_v2(cursor, &mut header)?,
            _ => cursor.skip(kind)?,
        }
    }
    // Fields 2 and 3.
    if seen.0 & 0b1100 != 0b1100 {
        return Err(Malformed("a page header lacks its sizes"));
    }
    Ok(header)
}

fn size(cursor: &mut Cursor<'_>) -> Result<u64, Malformed> {
    u64::try_from(cursor.integer()?).map_err(|_| Malformed("a page has a negative size"))
}

fn data_page(cursor: &mut Cursor<'_>, header: &mut Header) -> Result<(), Malformed> {
    let (mut last, mut seen) = (0, Once(0));
    while let Some((id, kind)) = cursor.field(&mut last)? {
        seen.see(id)?;
        match (id, kind) {
            (2, I32) => header.encodings[0] = Some(cursor.integer()?),
            _ => cursor.skip(kind)?,
        }
    }
    Ok(())
}

fn dictionary_page(cursor: &mut Cursor<'_>, header: &mut Header) -> Result<(), Malformed> {
    let (mut last, mut seen) = (0, Once(0));
    while let Some((id, kind)) = cursor.field(&mut last)? {
        seen.see(id)?;
        match (id, kind) {
            (1, I32) => header.dictionary_values = Some(cursor.integer()?),
            _ => cursor.skip(kind)?,
        }
    }
    Ok(())
}

fn data_page_v2(cursor: &mut Cursor<'_>, header: &mut Header) -> Result<(), Malformed> {
    const FALSE: u8 = 2;
    let (mut last, mut seen) = (0, Once(0));
    while let Some((id, kind)) = cursor.field(&mut last)? {
        seen.see(id)?;
        match (id, kind) {
            (4, I32) => header.encodings[1] = Some(cursor.integer()?),
            (5 | 6, I32) => {
                let bytes = cursor.integer()?;
                header.level_bytes = header
                    .level_bytes
                    .checked_add(bytes)
                    .filter(|_| bytes >= 0)
                    .ok_or(Malformed("a page has a negative size"))?;
            }
            (7, FALSE) => header.is_compressed = false,
            _ => cursor.skip(kind)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zigzag(n: u64, out: &mut Vec<u8>) {
        let mut n = n << 1;
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
    }

    /// type = 0, sizes, then `rest`, then the body.
    fn page(uncompressed: u64, rest: &[u8], body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 0x00, 0x15];
        zigzag(uncompressed, &mut bytes);
        bytes.push(0x15);
        zigzag(body.len() as u64, &mut bytes);
        bytes.extend(rest);
        bytes.push(0);
        bytes.extend(body);
        bytes
    }

    const BUDGET: Budget = Budget { pages: 3, decompressed_bytes: 1000 };

    fn judge(bytes: &[u8], gzip: bool) -> Result<(), Refused> {
        spend(bytes, gzip, &mut BUDGET.clone())
    }

    #[test]
    fn declared_bytes_and_pages_are_limited() {
        let two = [page(400, &[], b""), page(500, &[], b"")].concat();
        let mut left = BUDGET;
        assert_eq!(spend(&two, false, &mut left), Ok(()));
        assert_eq!((left.pages, left.decompressed_bytes), (1, 100));
        assert_eq!(judge(&page(2_000_000_000, &[], b""), false), Err(Refused::DecompressedBytes));
        let many: Vec<u8> = (0..4).flat_map(|_| page(1, &[], b"")).collect();
        assert_eq!(judge(&many, false), Err(Refused::Pages));
    }

    #[test]
    fn a_cut_page_is_malformed() {
        let bytes = page(7, &[], b"abc");
        for cut in 1..bytes.len() {
            assert!(matches!(judge(&bytes[..cut], false), Err(Refused::Malformed(_))), "{cut}");
        }
    }

    #[test]
    fn a_size_stated_twice_is_malformed() {
        // Field 2 again, by its full id.
        let bytes = page(7, &[0x05, 0x04, 0x00], b"");
        assert_eq!(judge(&bytes, false), Err(Refused::Malformed(Malformed("a page states something twice"))));
    }

    #[test]
    fn a_dictionary_cannot_be_longer_than_its_bytes() {
        let dictionary = |values: u64| {
            // Field 7, a struct whose field 1 is the count.
            let mut rest = vec![0x4c, 0x15];
            zigzag(values, &mut rest);
            rest.push(0);
            page(100, &rest, b"")
        };
        assert_eq!(judge(&dictionary(100), false), Ok(()));
        assert!(matches!(judge(&dictionary(2_000_000_000), false), Err(Refused::Malformed(_))));
    }

    #[test]
    fn only_encodings_with_bounded_decoders_pass() {
        let encoded = |encoding: u64| {
            // Field 5, a struct whose field 2 is the encoding.
            let mut rest = vec![0x2c, 0x25];
            zigzag(encoding, &mut rest);
            rest.push(0);
            judge(&page(1, &rest, b""), false)
        };
        assert_eq!(encoded(8), Ok(()));
        assert_eq!(encoded(6), Err(Refused::Encoding(6)));
        assert_eq!(encoded(10), Err(Refused::Encoding(10)));
    }

    #[test]
    fn a_gzip_page_unpacks_to_no_more_than_it_states() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[0u8; 900]).unwrap();
        let body = encoder.finish().unwrap();
        assert_eq!(judge(&page(900, &[], &body), true), Ok(()));
        assert_eq!(
            judge(&page(899, &[], &body), true),
            Err(Refused::Malformed(Malformed("a page unpacks to more than it states")))
        );
        // The same body in another codec is not ours to unpack.
        assert_eq!(judge(&page(899, &[], &body), false), Ok(()));
    }
}
