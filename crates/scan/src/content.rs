//! The one pass over all bytes of a file: its digest, checksums that the structure left open, what its numbers tell,
//! executables among them, and credentials.
//!
//! Looking at structure touches a few pages of a file of any size; everything that needs each byte happens
//! here, chunk by chunk, so that a file is read once and stays in memory only as long as it is read. One thread does
//! all of it while a chunk is in its cache: a second one would read the same bytes from memory again, for longer in
//! sum than it saves. Files are scanned side by side.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed;
use flate2::Crc;
use proofhouse_artifact::Format;
use proofhouse_core::{Digest, Hasher, Place};

use crate::program;
use crate::scanner::Scanner;
use crate::secret;
use crate::tensor;

/// Bytes whose checksum is looked at when they are read anyway.
#[derive(Debug)]
pub(crate) struct Checksum {
    /// Where they lie in the file.
    pub(crate) range: Range<u64>,
    /// CRC-32 stated.
    pub(crate) crc: u32,
    /// What they are.
    pub(crate) place: Place,
}

/// Bytes at a time: as many as the cache of one core holds.
const CHUNK: usize = 1 << 20;

/// Reads all of `bytes`; `release` is told what is not needed any more.
pub(crate) fn read(
    scanner: &mut Scanner<'_>,
    format: Format,
    bytes: &[u8],
    place: &Place,
    release: &dyn Fn(Range<usize>),
) -> Digest {
    let mut hasher = Hasher::default();
    let mut open: Vec<(Checksum, Crc)> =
        std::mem::take(&mut scanner.checksums).into_iter().map(|c| (c, Crc::new())).collect();
    open.sort_by_key(|(checksum, _)| checksum.range.start);
    let ranges = tensor::Ranges::new(&scanner.tensors);
    let mut tensors = tensor::Pass::new(std::mem::take(&mut scanner.tensors), bytes.len() as u64);
    let numbers = holds_numbers(format);
    let mut found = Vec::new();
    let mut secrets = Vec::new();
    let mut first = 0;
    for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
        let range = index * CHUNK..index * CHUNK + chunk.len();
        let start = range.start as u64;
        hasher.update(chunk);
        first = checksums(&mut open, first, chunk, start);
        tensors.read(scanner, bytes, start..start + chunk.len() as u64);
        if numbers {
            found.extend(executables(bytes, range.clone()));
        }
        secrets.extend(secret::among(bytes, range.clone(), &|at| ranges.hold(at)));
        release(range);
    }
    for (checksum, crc) in open {
        if crc.sum() != checksum.crc {
            let message = "its checksum is wrong: some readers refuse it";
            scanner.report("zip/disagreement", checksum.place, message);
        }
    }
    // What is a program from its first byte on was told of as one.
    let whole = format == Format::Unknown && executable(bytes).is_some();
    for (at, what) in found.into_iter().filter(|(at, _)| !(whole && *at == 0)) {
        let message = format!("{what} stands where numbers are expected");
        scanner.report("tensor/executable", place.clone().at(at as u64), message);
    }
    for (at, what) in secrets.into_iter().take(MAX_SECRETS) {
        let text = matches!(format, Format::Text | Format::Json);
        scanner.report(
            "secret/token",
            secret_place(place, bytes, text, at),
            format!("{what} by its structure"),
        );
    }
    hasher.finish()
}

/// Most credentials that are told of one file.
const MAX_SECRETS: usize = 50;

/// Where a credential is, for people: a line of a text, an offset of anything else. What it is stays where it is.
fn secret_place(place: &Place, bytes: &[u8], text: bool, at: usize) -> Place {
    let mut place = place.clone();
    if text {
        let before = bytes.get(..at).unwrap_or_default();
        place.line = Some(before.iter().filter(|b| **b == b'\n').count() as u64 + 1);
        return place;
    }
    place.at(at as u64)
}

/// Credentials in a text that was packed, so that the pass over the file does not see it.
pub(crate) fn packed_text(scanner: &mut Scanner<'_>, place: &Place, bytes: &[u8]) {
    for (at, what) in secret::secrets(bytes, 0..bytes.len()).into_iter().take(MAX_SECRETS) {
        scanner.report(
            "secret/token",
            secret_place(place, bytes, true, at),
            format!("{what} by its structure"),
        );
    }
}

/// What has the shape of a credential and is none for sure, as an example: in a tensor that is no part of the pass over
/// the file.
pub(crate) fn examples(scanner: &mut Scanner<'_>, place: &Place, bytes: &[u8]) {
    let all = secret::among(bytes, 0..bytes.len(), &|_| true);
    if all.is_empty() {
        return;
    }
    let certain = secret::secrets(bytes, 0..bytes.len());
    for (_, what) in all.iter().filter(|one| !certain.contains(one)) {
        scanner.report("secret/token", place.clone(), format!("{what} by its structure"));
    }
}

/// What program `bytes` are, if they are one.
pub(crate) fn executable(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        return Some("a WebAssembly program");
    }
    // A class of Java has a version behind its magic number, where a macOS executable of several machines counts them.
    if let [0xca, 0xfe, 0xba, 0xbe, a, b, c, d, ..] = bytes {
        let number = u32::from_be_bytes([*a, *b, *c, *d]);
        return Some(if (45..=200).contains(&(number & 0xffff)) {
            "a class of Java"
        } else {
            "a macOS executable"
        });
    }
    if bytes.starts_with(b"dex\n03") {
        return Some("an Android program");
    }
    let whole = bytes.len().min(8 << 10);
    let first = executables(bytes, 0..whole).into_iter().find(|(at, _)| *at == 0);
    first.map(|(_, what)| what)
}

/// Adds a chunk to the checksums it is part of; returns the first one that later chunks may be part of.
fn checksums(open: &mut [(Checksum, Crc)], first: usize, chunk: &[u8], start: u64) -> usize {
    let end = start + chunk.len() as u64;
    let mut next = first;
    for (index, (checksum, crc)) in open.iter_mut().enumerate().skip(first) {
        let range = &checksum.range;
        if range.start >= end {
            break;
        }
        let from = range.start.max(start) - start;
        let to = range.end.min(end).saturating_sub(start);
        if let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
            && let Some(part) = chunk.get(from..to)
        {
            crc.update(part);
        }
        if range.end <= end && index == next {
            next += 1;
        }
    }
    next
}

/// Formats that are numbers for the most part. What an archive packs is looked at member by member.
fn holds_numbers(format: Format) -> bool {
    matches!(
        format,
        Format::TorchZip
            | Format::Safetensors
            | Format::Gguf
            | Format::Ggml
            | Format::Npy
            | Format::Npz
            | Format::Onnx
            | Format::Hdf5
            | Format::TfRecord
            | Format::FastText
            | Format::Word2Vec
            | Format::TfLite
            | Format::ExecuTorch
            | Format::CoreMl
            | Format::CoreMlWeights
            | Format::PaddleProgram
            | Format::PaddleParameters
            | Format::TensorFlow(_)
            | Format::MsgPack
            | Format::CatBoost
            | Format::Unknown
            | Format::Pickle(_)
    )
}

/// Executables that begin in `range`. A magic number is nothing: what follows it has to hold together.
fn executables(bytes: &[u8], range: Range<usize>) -> Vec<(usize, &'static str)> {
    // A header at the end of a chunk ends in the next one.
    let end = (range.end + 3).min(bytes.len());
    let window = bytes.get(range.start..end).unwrap_or_default();
    let mut found = Vec::new();
    for at in marks(window).map(|at| range.start + at) {
        let from = |at: usize| bytes.get(at..).unwrap_or_default();
        match from(at) {
            header @ [0x7f, b'E', ..] if range.contains(&at) && program::elf(header) => {
                found.push((at, "an ELF executable"));
            }
            header @ [b'M', b'Z', ..] if range.contains(&at) && program::windows_anywhere(header) => {
                found.push((at, "a Windows executable"));
            }
            [0xfa, 0xed, 0xfe, ..] => {
                let start = at.checked_sub(1).filter(|start| range.contains(start));
                let header = start.filter(|at| program::macos(from(*at)));
                found.extend(header.map(|at| (at, "a macOS executable")));
            }
            _ => {}
        }
    }
    found
}

/// Two bytes of the magic number of each kind of executable: all in one pass, and rare enough among numbers.
const MARKS: [&[u8; 2]; 3] = [b"\x7fE", b"MZ", b"\xfa\xed"];

/// Where one of [`MARKS`] stands.
fn marks(bytes: &[u8]) -> Box<dyn Iterator<Item = usize> + '_> {
    static ALL: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Searcher::new(MARKS));
    match &*ALL {
        Some(all) => Box::new(all.find_iter(bytes).map(|found| found.start())),
        // A processor without vectors.
        None => Box::new(
            bytes.windows(2).enumerate().filter(|(_, w)| MARKS.iter().any(|m| m == w)).map(|(at, _)| at),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, scan_bytes};

    fn elf_header() -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(64, 0);
        elf[16] = 2;
        elf[18] = 62;
        elf[52] = 64;
        elf[54] = 56;
        elf[56] = 1;
        elf
    }

    /// An array of bytes in NumPy's format.
    fn array(data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}\n", data.len());
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn executables_are_found_by_structure_across_chunks() {
        let path = "weights.npy".parse().unwrap();
        let rules = |data: &[u8]| {
            let report = scan_bytes(&path, &array(data), &Limits::default());
            // An array that is one from its first byte is a finding of the array's as well.
            let swept = report.findings.into_iter().filter(|f| f.rule == "tensor/executable");
            swept.map(|f| (f.rule, f.place.offset)).collect::<Vec<_>>()
        };
        assert_eq!(rules(b"MZ PE\0\0 \x7fELF are only letters"), []);
        for padding in [0, 1000, CHUNK - 70, CHUNK - 66, 3 * CHUNK - 3] {
            let data = [vec![1; padding], elf_header(), vec![1; 100]].concat();
            let at = array(&data).len() - 164;
            assert_eq!(rules(&data), [("tensor/executable".to_owned(), Some(at as u64))], "{padding}");
            // A header that says what it is, and leads to nothing.
            let bare = [&vec![1; padding], &elf_header()[..20], &[1, 0, 0, 0], &[0; 40], &[1; 100]].concat();
            assert_eq!(rules(&bare), [("tensor/executable".to_owned(), Some(at as u64))], "{padding}");
        }
        let mut portable = b"MZ".to_vec();
        portable.resize(0x80, 0);
        portable[0x3c] = 0x80;
        portable.extend(b"PE\0\0\x64\x86\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\0\x22\0\x0b\x02");
        portable.resize(400, 0);
        assert_eq!(rules(&portable).len(), 1);
        portable[0x3c] = 0x70;
        assert_eq!(rules(&portable), []);
    }

    #[test]
    fn checksums_span_chunks() {
        let bytes: Vec<u8> = (0..300u32).map(|n| n as u8).collect();
        let mut open = Vec::new();
        for range in [0..10, 5..250, 100..300] {
            let mut crc = Crc::new();
            crc.update(&bytes[range.start as usize..range.end as usize]);
            let place = Place::file("x");
            open.push((Checksum { range, crc: crc.sum(), place }, Crc::new()));
        }
        let mut first = 0;
        for (index, chunk) in bytes.chunks(37).enumerate() {
            first = checksums(&mut open, first, chunk, index as u64 * 37);
        }
        assert!(open.iter().all(|(checksum, crc)| crc.sum() == checksum.crc));
    }
}
