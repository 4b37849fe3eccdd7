//! Encodings of mail and names: quoted-printable (RFC 2045), encoded words (RFC 2047), UTF-7 (RFC 2152),
//! Punycode (RFC 3492).

use std::ops::Range;

use base64::Engine as _;
use memchr::{memchr, memchr_iter, memmem};

use super::base64::STANDARD;
use super::percent::hex;
use super::scan::Scan;
use super::{Reading, Transform, telling};

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
    let mut edits: Vec<(Range<usize>, String, usize)> = Vec::new();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|b| memchr(b'=', b)) {
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
                // A program gives values of two digits with the same sign, most of which show nothing.
                let shown = |c: &char| !c.is_control() || c.is_whitespace();
                let hits = decoded.chars().filter(shown).count();
                edits.push((start..at, decoded, hits));
            }
            continue;
        }
        let line_break = match bytes.get(start + 1..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => 0,
        };
        at = start + 1 + line_break;
        // The sign itself is written as a code, so that a row of them is a rule or an underline.
        if line_break > 0 && start.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'=') {
            edits.push((start..at, String::new(), 1));
        }
    }
    let edits = telling(edits, |near| near.iter().map(|(.., hits)| hits).sum::<usize>() >= 2);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::QuotedPrintable, edits));
    }
}

fn utf7(text: &str, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for start in memchr_iter(b'+', text.as_bytes()) {
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
        readings.push(Reading::of(Transform::Utf7, edits));
    }
}

fn punycode(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let bytes = scan.text.as_bytes();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|rest| memmem::find(rest, b"--")) {
        let dashes = at + skip;
        at = dashes + 2;
        let prefix = dashes.checked_sub(2).and_then(|start| bytes.get(start..dashes));
        if !prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn")) {
            continue;
        }
        // A codec takes other signs as well, which no host has.
        let whole =
            scan.text.get(at..).and_then(|rest| rest.split(char::is_whitespace).next()).unwrap_or_default();
        let decoded = if whole.len() <= 256 { idna::punycode::decode_to_string(whole) } else { None };
        if let Some(decoded) =
            decoded.filter(|_| whole.bytes().any(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'.')))
        {
            at += whole.len();
            edits.push((dashes - 2..at, decoded));
            continue;
        }
        let label = bytes.get(at..).unwrap_or_default();
        let length = label.iter().take(256).take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
        let encoded = scan.text.get(at..at + length);
        at += length;
        if let Some(decoded) = encoded.and_then(idna::punycode::decode_to_string) {
            edits.push((dashes - 2..at, decoded));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Punycode, edits));
    }
}

/// Encoded words of a header, for the reader of mail.
pub(crate) fn encoded_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("=?") {
        out.push_str(before);
        let mut parts = after.splitn(3, '?');
        let (_charset, encoding, body) = (parts.next(), parts.next(), parts.next());
        let decoded = body.and_then(|body| body.split_once("?=")).and_then(|(body, tail)| {
            let bytes = match encoding? {
                "B" | "b" => STANDARD.decode(body).ok()?,
                "Q" | "q" => unquoted(body),
                _ => return None,
            };
            Some((lossy(&bytes), tail))
        });
        match decoded {
            Some((text, tail)) => {
                out.push_str(&text);
                rest = tail;
            }
            None => {
                out.push_str("=?");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The bytes of a quoted-printable body or encoded word.
pub(crate) fn unquoted(body: &str) -> Vec<u8> {
    let bytes = body.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        at += 1;
        match (b, bytes.get(at..).unwrap_or_default()) {
            (b'=', [b'\r', b'\n', ..]) => at += 2,
            (b'=', [b'\n', ..]) => at += 1,
            (b'=', [high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.extend(hex(&[*high, *low]).and_then(|n| u8::try_from(n).ok()));
                at += 2;
            }
            _ => out.push(*b),
        }
    }
    out
}

/// The bytes of a base64 body, whatever else stands in it.
pub(crate) fn lenient_base64(body: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> =
        body.iter().copied().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).collect();
    let whole = if digits.len() % 4 == 1 { digits.len() - 1 } else { digits.len() };
    digits.get(..whole).and_then(|d| STANDARD.decode(d).ok()).unwrap_or_default()
}

/// Bytes as text, whatever they are: UTF-8, else Latin-1.
fn lossy(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}
