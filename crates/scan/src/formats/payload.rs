//! Whether some bytes are, by their structure, something that runs.
//!
//! Never by substring: random tensors contain `MZ` and `PK`. A header has to hold together.

use std::io::Read as _;

use flate2::read::{GzDecoder, ZlibDecoder};
use proofhouse_artifact::{Format, pickle, zip};

use crate::program;

/// What the bytes are, if they are an executable, an archive or a pickle.
pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
    if let Some(program) = program(bytes) {
        return Some(program);
    }
    if bytes.starts_with(b"PK\x03\x04") && zip::is_zip(bytes) {
        return Some("a zip archive");
    }
    if matches!(Format::detect(bytes), Format::Pickle(1..)) && stops(bytes) {
        return Some("a pickle");
    }
    None
}

/// What program the bytes are, each of them exchanged by one and the same mask.
pub(crate) fn masked(bytes: &[u8]) -> Option<&'static str> {
    /// Bytes of a program in which its header lies.
    const HEADER: usize = 4 << 10;
    let first = bytes.first()?;
    [b'\x7f', b'M'].into_iter().map(|magic| first ^ magic).filter(|mask| *mask != 0).find_map(|mask| {
        // The second byte tells nearly always.
        let second = bytes.get(1).map(|byte| byte ^ mask);
        matches!(second, Some(b'E' | b'Z')).then_some(())?;
        let plain: Vec<u8> = bytes.iter().take(HEADER).map(|byte| byte ^ mask).collect();
        program(&plain)
    })
}

/// Whether something is packed in the bytes: by a head of six bytes and more, or by one of two to four and what it unpacks
/// to.
pub(crate) fn compressed(bytes: &[u8]) -> bool {
    /// Bytes that have to come out. Of random ones few streams go on as long.
    const UNPACKED: usize = 24;
    let unpacks = |stream: &mut dyn std::io::Read| stream.read_exact(&mut [0; UNPACKED]).is_ok();
    match bytes {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => true,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => true,
        // A frame that says how long its content is, or has a checksum, and no bit that is reserved.
        [0x28, 0xb5, 0x2f, 0xfd, head, ..] => head & 0x18 == 0,
        [0x1f, 0x8b, 8, 0..=0x1f, ..] => unpacks(&mut GzDecoder::new(bytes)),
        [b'x', 0x01 | 0x5e | 0x9c | 0xda, ..] => {
            let mut out = Vec::new();
            // Its checksum has to be right: two bytes begin any stream.
            ZlibDecoder::new(bytes).take(MOST_UNPACKED).read_to_end(&mut out).is_ok() && out.len() >= UNPACKED
        }
        _ => false,
    }
}

/// Bytes of a stream that are unpacked to see that it is one.
const MOST_UNPACKED: u64 = 1 << 20;

/// What program the bytes are, by their first ones.
pub(crate) fn program(bytes: &[u8]) -> Option<&'static str> {
    if elf(bytes) || program::elf(bytes) {
        return Some("an ELF executable");
    }
    if program::windows(bytes) {
        return Some("a Windows executable");
    }
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        return Some("a WebAssembly program");
    }
    if compiled(bytes) {
        return Some("compiled Python");
    }
    script(bytes).then_some("a script")
}

/// A first line that names an interpreter, and a text behind it. Where the line is one that systems follow, whatever is
/// behind the text goes along: scripts unpack what follows them.
fn script(bytes: &[u8]) -> bool {
    const INTERPRETERS: [&str; 13] = [
        "sh", "bash", "dash", "zsh", "ksh", "fish", "env", "python", "perl", "ruby", "node", "php", "busybox",
    ];
    let start = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let line = start.split(|b| *b == b'\n').next().unwrap_or_default();
    let text = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x80..);
    // A tensor of bytes has a size of its own, and zeros behind the script.
    let end = start.iter().position(|b| *b == 0).unwrap_or(start.len());
    let zeros = start.get(end..).is_some_and(|rest| rest.iter().all(|b| *b == 0));
    let written = start.get(..end).is_some_and(|script| script.iter().all(text));
    if !bytes.starts_with(b"#!/") || line.len() >= start.len() {
        return false;
    }
    let program = std::str::from_utf8(line).ok().and_then(|line| line.get(2..)?.split(' ').next());
    let name = program.and_then(|program| program.rsplit('/').next()).unwrap_or_default();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    line.len() < end && written && zeros || INTERPRETERS.contains(&name.trim_end_matches('\r'))
}

/// A file of compiled Python (`importlib._bootstrap_external`, PEP 552): a magic number that ends in a line, flags, and
/// a code object behind sixteen bytes.
fn compiled(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [_, 0x0c..=0x0e, b'\r', b'\n', 0..=3, 0, 0, 0, _, _, _, _, _, _, _, _, b'c' | 0xe3, 0, 0, 0, 0, ..]
    )
}

/// What is enough where the first byte is known, and a machine of one's own is no hindrance.
fn elf(bytes: &[u8]) -> bool {
    // Class 1 or 2, byte order 1 or 2, version 1, a header size that fits the class.
    let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, 1, ..] = bytes else { return false };
    let at = if *class == 1 { 40 } else { 52 };
    let Some(&[a, b]) = bytes.get(at..at + 2).and_then(<[u8]>::first_chunk::<2>) else { return false };
    let size = if *order == 1 { u16::from_le_bytes([a, b]) } else { u16::from_be_bytes([a, b]) };
    size == if *class == 1 { 52 } else { 64 }
}

fn stops(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Ok(op) = pickle::op(bytes, at) {
        if op.code == pickle::code::STOP {
            return true;
        }
        at = op.end;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_decides_not_a_prefix() {
        assert_eq!(kind(b"MZ and PK\x03\x04 and \x7fELF in a text"), None);
        assert_eq!(kind(b"#!/bin/sh\necho proofhouse\n"), Some("a script"));
        assert_eq!(kind(b"#!/\x00\x01 in random bytes"), None);
        assert_eq!(kind(b"#!/bin/sh\ntail -c 99 $0 | sh\n\x7f\x01\x02\xff\xfe"), Some("a script"));
        assert_eq!(kind(b"#!/x1 is no program\n\x7f\x01\x02\xff\xfe"), None);
        assert_eq!(kind(b"\x80\x04N."), Some("a pickle"));
        assert_eq!(kind(b"N."), None);
        assert_eq!(kind(b"#!/bin/sh\necho x\0\0\0"), Some("a script"));
        assert!(!compressed(b"\x1f\x8b\x08\0 and whatever follows, which is no stream"));
        assert!(!compressed(b"x\x9c and whatever follows, which is no stream"));
        let mut program = b"\x7fELF\x02\x01\x01".to_vec();
        program.resize(200, 0);
        program[52] = 64;
        assert_eq!(masked(&program), None);
        let hidden: Vec<u8> = program.iter().map(|byte| byte ^ 0x5a).collect();
        assert_eq!(masked(&hidden), Some("an ELF executable"));
        let words = b"a text that is packed, and packed well, and packed well again".repeat(3);
        let mut gzip = flate2::read::GzEncoder::new(&words[..], flate2::Compression::best());
        let mut zlib = flate2::read::ZlibEncoder::new(&words[..], flate2::Compression::best());
        for stream in [&mut gzip as &mut dyn std::io::Read, &mut zlib] {
            let mut packed = Vec::new();
            stream.read_to_end(&mut packed).unwrap();
            assert!(compressed(&packed));
        }
        assert_eq!(kind(b"\xa7\x0d\r\n\0\0\0\0abcdefgh\xe3\0\0\0\0\0"), Some("compiled Python"));
    }
}
