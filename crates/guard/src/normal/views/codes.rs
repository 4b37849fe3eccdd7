//! Characters as hexadecimal numbers with a mark before each: `0x92d,0x93e`, `U+0069 U+0067`.

use std::ops::Range;

use memchr::memchr2_iter;

use super::percent::hex;
use super::scan::Scan;
use super::{Reading, Transform, plausible, surrogates};

/// Fewest numbers of a list, and most.
const LEAST: usize = 6;
const MOST: usize = 8192;
/// Most bytes between two of them.
const WIDEST: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if (b'0'..=b'9').map(|digit| scan.has(digit)).sum::<usize>() < LEAST {
        return;
    }
    let text = scan.text;
    let bytes = text.as_bytes();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut span, mut codes) = (0..0, Vec::new());
    let mut close = |span: Range<usize>, codes: &mut Vec<u32>| {
        edits.extend(text_of(codes).map(|text| (span, text)));
        codes.clear();
    };
    for mark in memchr2_iter(b'0', b'+', bytes) {
        let Some((start, at)) = marked(bytes, mark) else { continue };
        let length =
            bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_hexdigit()).count());
        let ends = bytes.get(at + length).is_none_or(|b| !b.is_ascii_alphanumeric());
        let Some(code) =
            bytes.get(at..at + length).filter(|_| ends && (1..=6).contains(&length)).and_then(hex)
        else {
            continue;
        };
        let gap = bytes.get(span.end..start).unwrap_or_default();
        let goes_on = gap.len() <= WIDEST && !gap.iter().any(u8::is_ascii_alphanumeric);
        if codes.is_empty() || !goes_on || codes.len() == MOST {
            close(span.clone(), &mut codes);
            span = start..at + length;
        }
        span.end = at + length;
        codes.push(code);
    }
    close(span, &mut codes);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::CodePoints, edits));
    }
}

/// Where the mark begins that ends in or behind `at`, and where its digits do.
fn marked(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    match (bytes.get(at)?, bytes.get(at + 1)) {
        (b'0', Some(b'x' | b'X')) if !before.is_some_and(u8::is_ascii_alphanumeric) => Some((at, at + 2)),
        (b'+', _) if matches!(before, Some(b'U' | b'u')) => Some((at - 1, at + 1)),
        _ => None,
    }
}

/// Bytes of UTF-8, or characters; bytes of ASCII alone are the hexadecimal reader's.
fn text_of(codes: &[u32]) -> Option<String> {
    if codes.len() < LEAST {
        return None;
    }
    let bytes: Option<Vec<u8>> = codes.iter().map(|code| u8::try_from(*code).ok()).collect();
    if let Some(text) = bytes.and_then(|bytes| plausible::text(&bytes)) {
        return Some(text);
    }
    let text = surrogates::text(codes)?;
    let odd = text.chars().any(|c| c.is_control() && !c.is_whitespace());
    (!odd && plausible::is_telling(&text)).then_some(text)
}
