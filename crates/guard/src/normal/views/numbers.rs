//! Characters written as numbers: decimal, octal and binary code points, and letters by their place in the
//! alphabet.

use std::ops::{Range, RangeInclusive};

use super::scan::{Piece, Scan, sign};
use super::words::{Likeness, divided};
use super::{Reading, Transform, plausible};

/// Fewest numbers of a list.
const LEAST: usize = 6;
/// A list of these is one of years, and no text in a script that few write.
const YEARS: RangeInclusive<u32> = 1800..=2100;
/// Most numbers of a list that are read.
const MOST: usize = 8192;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let digits: usize = (b'0'..=b'9').map(|d| scan.has(d)).sum();
    if digits < LEAST + 2 {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    lists(scan, |span, numbers| edits.extend(text_of(numbers).map(|text| (span, text))));
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::CodePoints, edits));
    }
}

/// Calls `found` with lists of numbers, apart by no more than a few signs, and where they stand.
fn lists<'t>(scan: &Scan<'t>, mut found: impl FnMut(Range<usize>, &[&'t str])) {
    let text = scan.text;
    let bytes = text.as_bytes();
    let mut numbers: Vec<&str> = Vec::new();
    let mut span = 0..0;
    let mut close = |span: Range<usize>, numbers: &[&'t str]| {
        if numbers.len() >= LEAST || numbers.iter().any(|n| n.len() >= 32) {
            found(span, numbers);
        }
    };
    let numbered = scan.odd().filter(|piece| piece.has(sign::DIGIT)).map(Piece::whole);
    let starts = numbered.flat_map(|piece| {
        let inside = bytes.get(piece.clone()).unwrap_or_default().iter().enumerate();
        let mut in_number = false;
        inside.filter_map(move |(at, b)| {
            let starts = b.is_ascii_digit() && !in_number;
            in_number = b.is_ascii_digit();
            starts.then_some(piece.start + at)
        })
    });
    for start in starts {
        let length = bytes.get(start..).map_or(0, |b| b.iter().take_while(|b| b.is_ascii_digit()).count());
        let at = start + length;
        let attached = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphabetic() || *b >= 0x80);
        if attached(start.checked_sub(1).and_then(|i| bytes.get(i))) || attached(bytes.get(at)) {
            continue;
        }
        let Some(number) = text.get(start..at) else { continue };
        if numbers.is_empty() || numbers.len() == MOST || !is_gap(bytes.get(span.end..start)) {
            close(span, &numbers);
            numbers.clear();
            span = start..at;
        }
        span.end = at;
        numbers.push(number);
    }
    close(span, &numbers);
}

fn is_gap(gap: Option<&[u8]>) -> bool {
    gap.is_some_and(|gap| {
        gap.len() <= 4
            && gap.iter().all(|b| {
                b.is_ascii_whitespace()
                    || matches!(b, b',' | b';' | b'-' | b'/' | b'|' | b':' | b'.' | b'_' | b'"' | b'\'')
            })
    })
}

fn text_of(numbers: &[&str]) -> Option<String> {
    let binary = numbers.iter().all(|n| n.bytes().all(|b| matches!(b, b'0' | b'1')));
    if binary {
        return binary_text(numbers.concat(), numbers)
            .or_else(|| {
                // Digits backwards are bytes backwards, the last one first.
                binary_text(numbers.concat().chars().rev().collect(), numbers)
            })
            .or_else(|| {
                // Each may be turned by itself.
                let turned: Vec<String> =
                    numbers.iter().map(|number| number.chars().rev().collect()).collect();
                binary_text(turned.concat(), numbers)
            });
    }
    let radix = |radix: u32| -> Option<Vec<u32>> {
        numbers.iter().map(|n| (n.len() <= 7).then(|| u32::from_str_radix(n, radix).ok()).flatten()).collect()
    };
    let chars = |codes: Vec<u32>| -> Option<String> {
        if codes.iter().all(|code| YEARS.contains(code)) {
            return None;
        }
        let text: String = codes.into_iter().map(char::from_u32).collect::<Option<_>>()?;
        let odd = text.chars().any(|c| c.is_control() && !c.is_whitespace());
        (!odd && plausible::is_telling(&text)).then_some(text)
    };
    radix(10).and_then(chars).or_else(|| radix(8).and_then(chars)).or_else(|| places(numbers)).or_else(|| {
        // Pairs of hexadecimal digits that happen to be digits all are the hexadecimal reader's.
        radix(16).filter(|_| numbers.iter().all(|n| n.len() == 2)).and_then(chars)
    })
}

fn binary_text(joined: String, numbers: &[&str]) -> Option<String> {
    let widths: &[usize] = match numbers.iter().map(|n| n.len()).collect::<Vec<_>>().as_slice() {
        sizes if sizes.len() > 1 && sizes.iter().all(|s| *s == 7) => &[7],
        _ => &[8, 7],
    };
    widths.iter().find_map(|width| {
        let chunks = joined.as_bytes().chunks_exact(*width);
        let bytes: Vec<u8> = chunks.map(|bits| bits.iter().fold(0u8, |n, b| n << 1 | (b & 1))).collect();
        (bytes.len() >= 4).then(|| plausible::text(&bytes)).flatten()
    })
}

/// 9-7-14-15-18-5: one is A.
fn places(numbers: &[&str]) -> Option<String> {
    let letter = |n: &&str| match n.parse::<u8>().ok()? {
        0 | 27 => Some(' '),
        n @ 1..=26 => Some(char::from(b'a' + n - 1)),
        _ => None,
    };
    let text: String = numbers.iter().map(letter).collect::<Option<_>>()?;
    if Likeness::of(text.as_bytes()).is_language() {
        return Some(text);
    }
    divided(&text)
}
