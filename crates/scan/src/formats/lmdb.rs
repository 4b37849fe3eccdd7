//! LMDB: examples by key. A value is what its reader takes it for, so one that has a structure of its own is looked at as
//! a file; what is numbers, pictures or messages of a schema is data.

use std::ops::Range;

use proofhouse_artifact::{ArtifactError, Format, lmdb};

use super::{kept, payload};
use crate::scanner::{Content, Scanner};

/// Values that are looked at as files of their own. The rest is looked through for what runs.
const MOST: usize = 100_000;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let size = content.bytes.len() as u64;
    if lmdb::is_lock(content.bytes) {
        // Numbers of processes and transactions.
        kept::pickles(scanner, content);
        return size;
    }
    let found = match lmdb::walk(content.bytes) {
        Ok(found) => found,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "lmdb/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            kept::pickles(scanner, content);
            return 0;
        }
    };
    for (at, what) in found.issues {
        scanner.report("lmdb/malformed", content.at(at), what);
    }
    for (index, entry) in found.entries.into_iter().enumerate() {
        value(scanner, content, entry.value, index < MOST);
    }
    // A map that is larger than its content is zero behind it.
    let behind = usize::try_from(found.end).ok().and_then(|end| content.bytes.get(end..)).unwrap_or_default();
    if behind.iter().any(|b| *b != 0) {
        let message = format!("{} bytes follow the last page", behind.len());
        scanner.report("lmdb/malformed", content.at(found.end), message);
        return found.end;
    }
    size
}

fn value(scanner: &mut Scanner<'_>, content: &Content<'_>, range: Range<usize>, whole: bool) {
    let at = range.start as u64;
    let bytes = content.bytes.get(range).unwrap_or_default();
    let format = if whole { Format::detect(bytes) } else { Format::Unknown };
    match format {
        Format::Pickle(_)
        | Format::TorchZip
        | Format::Zip
        | Format::Npz
        | Format::Keras
        | Format::Skops
        | Format::Npy
        | Format::Tar
        | Format::Compressed(_)
        | Format::SevenZip
        | Format::Hdf5
        | Format::Rds
        | Format::Onnx => {
            let mut place = content.at(at).within("a value");
            place.line = None;
            let inner = Content { bytes, format, place, depth: content.depth + 1 };
            if matches!(format, Format::Compressed(_)) {
                return packed(scanner, &inner);
            }
            super::scan(scanner, &inner);
        }
        _ => {
            if let Some(what) = payload::kind(bytes).or_else(|| crate::content::executable(bytes)) {
                scanner.report("format/embedded-payload", content.at(at), format!("a value is {what}"));
            }
        }
    }
}

/// A value that is compressed: what is numbers inside is data, as it is outside.
fn packed(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let Format::Compressed(codec) = content.format else { return };
    match codec.unpack(content.bytes, scanner.decompressed_left) {
        Ok(unpacked) => {
            let length = unpacked.bytes.len();
            scanner.decompressed_left = scanner.decompressed_left.saturating_sub(length as u64);
            let place = content.place.clone();
            let inner =
                Content { bytes: &unpacked.bytes, format: Format::Unknown, place, depth: content.depth };
            value(scanner, &inner, 0..length, true);
        }
        Err(_) => {
            super::compressed::scan(scanner, content, codec);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    /// A database of one page with one value.
    fn database(value: &[u8]) -> Vec<u8> {
        const PAGE: usize = 4096;
        let meta = |number: u64| {
            let mut page = number.to_le_bytes().to_vec();
            page.extend([0, 0, 8, 0, 0, 0, 0, 0, 0xde, 0xc0, 0xef, 0xbe, 1, 0, 0, 0]);
            page.extend([0; 16]);
            page.extend((PAGE as u32).to_le_bytes());
            page.extend([0; 36]);
            page.extend(u64::MAX.to_le_bytes());
            page.extend([0; 40]);
            page.extend([2u64, 2, number].map(u64::to_le_bytes).concat());
            page.resize(PAGE, 0);
            page
        };
        let mut leaf = vec![0; PAGE];
        leaf[0] = 2;
        leaf[10] = 2;
        leaf[12] = 18;
        let node = [&(value.len() as u32).to_le_bytes()[..], &[0, 0, 1, 0, b'k'], value].concat();
        let at = (PAGE - node.len()) & !1;
        leaf[at..at + node.len()].copy_from_slice(&node);
        leaf[16..18].copy_from_slice(&(at as u16).to_le_bytes());
        [meta(0), meta(1), leaf].concat()
    }

    #[test]
    fn values_are_data_unless_they_run() {
        let outcome = |value: &[u8]| {
            let bytes = database(value);
            let report = scan_bytes(&"data.mdb".parse().unwrap(), &bytes, &Limits::default());
            assert_eq!((report.format.name(), report.covered_bytes), ("lmdb", bytes.len() as u64));
            report.outcome
        };
        assert_eq!(outcome(b"\x08\x03\x10\x20\x18\x20\x22\x04\xff\xd8\xff\xe0"), Outcome::Clean);
        assert_eq!(outcome(b"some label"), Outcome::Clean);
        assert_eq!(outcome(b"\x80\x04]\x94(K\x01K\x02e."), Outcome::Clean);
        assert_eq!(outcome(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."), Outcome::Malicious);
        assert_eq!(outcome(b"#!/bin/sh\necho x\n"), Outcome::Suspicious);
    }
}
