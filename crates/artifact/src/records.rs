//! TFRecord: what TensorFlow keeps examples and the events of TensorBoard in.
//!
//! One record after the other: its length as eight bytes and their checksum, its content and the checksum of that.
//! Nothing of the content is known to the container. Source: `tensorflow/core/lib/io/record_writer.cc`; checksums are
//! CRC-32C (RFC 3720, appendix B.4), rotated and moved so that checksums of checksums differ (`lib/hash/crc32c.h`).

use std::ops::Range;

use crate::ArtifactError;
use crate::crc32c::crc32c;
use crate::cursor::Cursor;

/// Records of one file.
const MOST: usize = 16_000_000;

/// Whether bytes begin with the length of a record that they hold, and its checksum.
#[must_use]
pub fn is_records(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return false };
    let Some((sum, rest)) = rest.split_first_chunk::<4>() else { return false };
    let fits = u64::from_le_bytes(*length).checked_add(4).is_some_and(|needed| needed <= rest.len() as u64);
    fits && u32::from_le_bytes(*sum) == masked(length)
}

/// Where the contents of the records lie. The last one may be cut short: whoever wrote it was ended, and readers stop
/// there.
///
/// # Errors
/// A length has another checksum than it should.
pub fn walk(bytes: &[u8]) -> Result<Vec<Range<usize>>, ArtifactError> {
    let mut cursor = Cursor::new("TFRecord", bytes, 0);
    let mut records = Vec::new();
    while cursor.left() > 0 {
        if records.len() >= MOST {
            return Err(ArtifactError::Limit { format: "TFRecord", what: "records", limit: MOST as u64 });
        }
        if cursor.left() < 12 {
            break;
        }
        let length: [u8; 8] = cursor.array()?;
        if cursor.u32()? != masked(&length) {
            return Err(cursor.error("the length of a record does not have its checksum"));
        }
        let start = usize::try_from(cursor.offset()).unwrap_or(usize::MAX);
        let content = cursor.take(u64::from_le_bytes(length).min(cursor.left()))?;
        records.push(start..start + content.len());
        cursor.take(cursor.left().min(4))?;
    }
    Ok(records)
}

/// The checksum as files keep it.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u64).to_le_bytes();
        [&length[..], &masked(&length).to_le_bytes(), content, &masked(content).to_le_bytes()].concat()
    }

    #[test]
    fn records_are_those_of_tensorflow() {
        // The first record of an event file of TensorBoard 2.20.
        let event = [
            0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 0x09, 0, 0, 0xc0, 0x8f, 0x15, 0xd9, 0xd9,
            0x41, 0x1a, 0x0d, b'b', b'r', b'a', b'i', b'n', b'.', b'E', b'v', b'e', b'n', b't', b':', b'2',
        ];
        assert_eq!(masked(&event[..8]), u32::from_le_bytes([0xa3, 0x7f, 0x4b, 0x22]));
        let two = [record(b"one"), record(b"")].concat();
        assert!(is_records(&two));
        assert_eq!(walk(&two).unwrap(), [12..15, 31..31]);
        assert_eq!(walk(&two[..14]).unwrap().first(), Some(&(12..14)));
        assert_eq!(walk(&two[..two.len() - 1]).unwrap().len(), 2);
        let mut bent = two.clone();
        bent[19] ^= 1;
        assert_eq!(walk(&bent).unwrap_err().offset(), Some(31));
        assert!(!is_records(&bent[1..]) && !is_records(b"12345678"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), cut in 0usize..80) {
            let _ = walk(&bytes);
            let whole = [record(&bytes), record(&bytes)].concat();
            prop_assert!(walk(&whole[..cut.min(whole.len())]).is_ok());
            prop_assert_eq!(walk(&whole).map(|found| found.len()).ok(), Some(2));
        }
    }
}
