//! Encodings of mail and names: quoted-printable (RFC 2045), encoded words (RFC 2047), UTF-7 (RFC 2152),
//! Punycode (RFC 3492).

use std::ops::Range;

use base64::Engine as _;

use super::base64::STANDARD;
use super::percent::hex;
use super::scan::Scan;
use super::{Reading, Transform};

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'=') >= 2 {
        quoted_printable(scan.text, readings);
    }
    if scan.has(b'+') > 0 && scan.has(b'-') > 0 {
        utf7(scan.text, readings);
    }
    if scan.has(b'-') >= 2 {
        punycode(scan, readings);
    }
}

fn quoted_printable(text: &str, readings: &mut Vec<Reading>) {
    let bytes = text.as_bytes();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut hits, mut at) = (0, 0);
    while let Some(skip) = bytes.get(at..).and_then(|b| b.iter().position(|b| *b == b'=')) {
        let start = at + skip;
        at = start;
        let mut out = Vec::new();
        while let Some([b'=', high, low]) = bytes.get(at..at + 3)
            && let Some(code) = hex(&[*high, *low])
        {
            out.extend(u8::try_from(code));
            at += 3;
        }
        if at > start {
            if let Ok(decoded) = String::from_utf8(out) {
                hits += decoded.chars().count();
                edits.push((start..at, decoded));
            }
            continue;
        }
        let line_break = match bytes.get(start + 1..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => 0,
        };
        at = start + 1 + line_break;
        if line_break > 0 {
            hits += 1;
            edits.push((start..at, String::new()));
        }
    }
    if hits >= 2 {
        readings.push(Reading { how: Transform::QuotedPrintable, edits });
    }
}

fn utf7(text: &str, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (start, _) in text.match_indices('+') {
        let rest = text.get(start + 1..).unwrap_or_default();
        let length = rest
            .bytes()
            .take(4096)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
            .count();
        if length < 3
            || rest.as_bytes().get(length) != Some(&b'-')
            || edits.last().is_some_and(|(r, _)| r.end > start)
        {
            continue;
        }
        let Some(bytes) = rest.get(..length).and_then(|r| STANDARD.decode(r).ok()) else { continue };
        let units = bytes.chunks_exact(2).map(|pair| pair.iter().fold(0u16, |n, b| n << 8 | u16::from(*b)));
        let Ok(decoded) = char::decode_utf16(units).collect::<Result<String, _>>() else { continue };
        if decoded.bytes().all(|b| matches!(b, b' '..=b'~')) {
            edits.push((start..start + length + 2, decoded));
        }
    }
    if edits.iter().map(|(_, text)| text.len()).sum::<usize>() >= 4 {
        readings.push(Reading { how: Transform::Utf7, edits });
    }
}

fn punycode(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let lower = |b: &[u8]| b.eq_ignore_ascii_case(b"xn--");
    let bytes = scan.text.as_bytes();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|b| b.windows(4).position(lower)) {
        let start = at + skip;
        let label = bytes.get(start + 4..).unwrap_or_default();
        let length = label.iter().take(256).take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
        at = start + 4 + length;
        if let Some(decoded) = scan.text.get(start + 4..at).and_then(idna::punycode::decode_to_string) {
            edits.push((start..at, decoded));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading { how: Transform::Punycode, edits });
    }
}
