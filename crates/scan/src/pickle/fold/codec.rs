//! Encodings: `codecs`, `base64`, `binascii`, compressions and what else turns constants into constants.

use proofhouse_artifact::stream::Codec;

use super::{Folded, constant, text};
use crate::pickle::machine::Machine;
use crate::pickle::value::{Constant, Value, raw_unicode};

/// Most bytes that one decompression may give.
const UNPACKED: u64 = 4 << 20;

/// Functions of the modules about encodings; `module` without a leading underscore.
pub(super) fn named(machine: &Machine<'_>, module: &str, name: &str, args: &[Value]) -> Option<Folded> {
    let first = *args.first()?;
    let coding = |default: &str| match args.get(1) {
        Some(coding) => machine.text(*coding).map(std::borrow::Cow::into_owned),
        None => Some(default.to_owned()),
    };
    let raw = || machine.raw(first);
    match (module, name) {
        ("codecs", "encode") => match machine.text(first) {
            Some(of) => encode(&of, &coding("utf-8")?),
            None => None,
        },
        ("codecs", "decode") => decode(&raw()?, &coding("utf-8")?),
        ("codecs", _) if name.ends_with("_decode") => {
            let coding = name.trim_end_matches("_decode").replace('_', "-");
            let Folded::Constant(made) = decode(&raw()?, &coding)? else { return None };
            Some(Folded::List(vec![made, Constant::Int(0)]))
        }
        ("base64", "b64decode" | "standard_b64decode" | "urlsafe_b64decode" | "decodebytes")
        | ("binascii", "a2b_base64") => constant(base_64(&raw()?)?),
        ("base64", "b32decode") => constant(base_32(&raw()?)?),
        ("base64", "b16decode") | ("binascii", "unhexlify" | "a2b_hex") => constant(unhex(&raw()?)?),
        ("base64", "b85decode") => constant(base_85(&raw()?, false)?),
        ("base64", "a85decode") => constant(base_85(&raw()?, true)?),
        ("zlib", "decompress") => unpack(Codec::Zlib, &raw()?),
        ("gzip", "decompress") => unpack(Codec::Gzip, &raw()?),
        ("bz2", "decompress") => unpack(Codec::Bzip2, &raw()?),
        ("lzma", "decompress") => {
            let bytes = raw()?;
            unpack(Codec::detect(&bytes).unwrap_or(Codec::Xz), &bytes)
        }
        ("urllib.parse", "unquote" | "unquote_plus") => {
            text(String::from_utf8(unquote(machine.text(first)?.as_bytes())).ok()?)
        }
        ("json" | "ast", "loads" | "literal_eval") => {
            let literal = machine.text(first)?;
            let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.contains(['\\', quote])).then(|| text(inner.to_owned())).flatten()
        }
        ("io", "BytesIO") => constant(raw()?.into_owned()),
        _ => None,
    }
}

/// A name of an encoding as Python compares them.
fn normal(coding: &str) -> String {
    coding.to_ascii_lowercase().replace(['_', ' '], "-")
}

/// `bytes.decode` and `codecs.decode`.
pub(super) fn decode(bytes: &[u8], coding: &str) -> Option<Folded> {
    match normal(coding).as_str() {
        "utf-8" | "utf8" | "u8" | "ascii" | "us-ascii" => text(std::str::from_utf8(bytes).ok()?.to_owned()),
        "latin1" | "latin-1" | "iso-8859-1" | "iso8859-1" | "l1" => {
            text(bytes.iter().map(|b| char::from(*b)).collect())
        }
        "utf-16" | "utf-16-le" | "utf16" | "utf-16le" => {
            let body = bytes.strip_prefix(b"\xff\xfe").unwrap_or(bytes);
            let units: Vec<u16> =
                body.chunks_exact(2).filter_map(|c| Some(u16::from_le_bytes(*c.first_chunk()?))).collect();
            text(String::from_utf16(&units).ok()?)
        }
        "utf-16-be" | "utf-16be" => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).filter_map(|c| Some(u16::from_be_bytes(*c.first_chunk()?))).collect();
            text(String::from_utf16(&units).ok()?)
        }
        "rot13" | "rot-13" => text(std::str::from_utf8(bytes).ok()?.chars().map(rotated).collect()),
        "unicode-escape" | "raw-unicode-escape" => text(raw_unicode(bytes)),
        "hex" | "hex-codec" => constant(unhex(bytes)?),
        "base64" | "base64-codec" | "base-64" => constant(base_64(bytes)?),
        "zlib" | "zip" | "zlib-codec" => unpack(Codec::Zlib, bytes),
        "bz2" | "bz2-codec" => unpack(Codec::Bzip2, bytes),
        _ => None,
    }
}

/// `str.encode` and `codecs.encode`.
pub(super) fn encode(of: &str, coding: &str) -> Option<Folded> {
    match normal(coding).as_str() {
        "utf-8" | "utf8" | "u8" => constant(of.as_bytes().to_vec()),
        "ascii" | "us-ascii" if of.is_ascii() => constant(of.as_bytes().to_vec()),
        "latin1" | "latin-1" | "iso-8859-1" | "iso8859-1" | "l1" => constant(latin_1(of)?),
        "rot13" | "rot-13" => text(of.chars().map(rotated).collect()),
        _ => None,
    }
}

/// The bytes of a string of characters below 256.
pub fn latin_1(of: &str) -> Option<Vec<u8>> {
    of.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn rotated(c: char) -> char {
    let turn = |base: u8| char::from(base + (u8::try_from(u32::from(c)).unwrap_or(base) - base + 13) % 26);
    match c {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        _ => c,
    }
}

fn unpack(codec: Codec, bytes: &[u8]) -> Option<Folded> {
    constant(codec.unpack(bytes, UNPACKED).ok()?.bytes)
}

/// Pairs of hexadecimal digits.
pub(super) fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let digit = |b: u8| char::from(b).to_digit(16);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Base64 in either alphabet; like Python, what is in neither is skipped.
fn base_64(encoded: &[u8]) -> Option<Vec<u8>> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    Some(regroup(encoded.iter().filter_map(|b| value(*b)), 6))
}

fn base_32(encoded: &[u8]) -> Option<Vec<u8>> {
    let value = |b: &u8| match b.to_ascii_uppercase() {
        c @ b'A'..=b'Z' => Some(c - b'A'),
        c @ b'2'..=b'7' => Some(c - b'2' + 26),
        _ => None,
    };
    let digits: Option<Vec<u8>> = encoded.iter().filter(|b| **b != b'=').map(value).collect();
    Some(regroup(digits?.into_iter(), 5))
}

/// Digits of a few bits each, as bytes.
fn regroup(digits: impl Iterator<Item = u8>, bits: u32) -> Vec<u8> {
    let (mut out, mut held, mut have) = (Vec::new(), 0u32, 0u32);
    for digit in digits {
        held = held << bits | u32::from(digit);
        have += bits;
        if have >= 8 {
            have -= 8;
            #[expect(clippy::cast_possible_truncation, reason = "the eight bits that are complete")]
            out.push((held >> have) as u8);
        }
        held &= 0xffff;
    }
    out
}

/// Base85: Python's `b85` alphabet or Adobe's.
fn base_85(encoded: &[u8], adobe: bool) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    let body = encoded.strip_prefix(b"<~").unwrap_or(encoded);
    let body = body.strip_suffix(b"~>").unwrap_or(body);
    let mut digits = Vec::new();
    for byte in body.iter().filter(|b| !b.is_ascii_whitespace()) {
        match byte {
            b'z' if adobe => digits.extend([0; 5]),
            _ if adobe => digits.push(u64::from(byte.checked_sub(b'!').filter(|d| *d < 85)?)),
            _ => digits.push(ALPHABET.iter().position(|a| a == byte)? as u64),
        }
    }
    let mut out = Vec::new();
    for group in digits.chunks(5) {
        let padded = group.iter().copied().chain(std::iter::repeat(84)).take(5);
        let word = padded.fold(0u64, |word, digit| word * 85 + digit);
        let bytes = u32::try_from(word).ok()?.to_be_bytes();
        out.extend(bytes.get(..group.len() - 1)?);
    }
    Some(out)
}

fn unquote(quoted: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&byte) = quoted.get(at) {
        let escape = quoted.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(unhex);
        match escape.as_deref() {
            Some([one]) => {
                out.push(*one);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_agree_with_python() {
        assert_eq!(base_64(b"b3MuIHN5\nc3RlbQ==").unwrap(), b"os. system");
        assert_eq!(base_32(b"N5ZS443ZON2GK3I=").unwrap(), b"os.system");
        assert_eq!(base_85(b"Z*wkld2@7SZ2", false).unwrap(), b"os.system");
        assert_eq!(base_85(b"<~Df[OPH#n(=D#~>", true).unwrap(), b"os.system");
        assert_eq!(unhex(b"6f 73").unwrap(), b"os");
        assert_eq!(unhex(b"6"), None);
        assert_eq!(unquote(b"%6fs%2"), b"os%2");
        assert_eq!("flfgrz".chars().map(rotated).collect::<String>(), "system");
    }
}
