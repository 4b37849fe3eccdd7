//! Uuencoding (POSIX.1-2017, `uuencode`): lines that begin with how many bytes they are, between `begin` and `end`.

use std::ops::Range;

use memchr::memmem;

use super::scan::Scan;
use super::{Reading, Transform, plausible};

/// Most texts that are read.
const MOST: usize = 16;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let text = scan.text;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut done = 0;
    for at in memmem::find_iter(text.as_bytes(), b"begin ") {
        if at < done || edits.len() >= MOST {
            continue;
        }
        let Some((header, body)) = text.get(at..).and_then(|rest| rest.split_once('\n')) else { break };
        if !is_header(header) {
            continue;
        }
        let mut bytes = Vec::new();
        let mut end = at + header.len() + 1;
        for line in body.split('\n') {
            let Some(decoded) = line_of(line.trim_end_matches('\r'), uu) else { break };
            bytes.extend(decoded);
            end += line.len() + 1;
        }
        let end = end.min(text.len());
        if let Some(said) = plausible::text(&bytes) {
            edits.push((at..end, said));
            done = end;
        }
    }
    if edits.is_empty() {
        edits = without_header(scan);
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Uuencoded, edits));
    }
}

/// Lines that stand by themselves, in this alphabet or in that of xxencode.
fn without_header(scan: &Scan<'_>) -> Vec<(Range<usize>, String)> {
    /// Fewest bytes.
    const LEAST: usize = 12;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for value in [uu, xx] {
        let mut open: Option<(Range<usize>, Vec<u8>)> = None;
        let mut close = |open: Option<(Range<usize>, Vec<u8>)>| {
            let Some((range, bytes)) = open.filter(|(_, bytes)| bytes.len() >= LEAST) else { return };
            edits.extend(plausible::text(&bytes).map(|said| (range, said)));
        };
        for (start, line) in scan.lines() {
            let line = line.trim_end_matches('\r');
            // Without a header nothing tells that spaces were lost.
            let is_whole = |count: u8| count > 0 && line.len() == 1 + usize::from(count).div_ceil(3) * 4;
            let count = line.bytes().next().and_then(value);
            let bytes = if count.is_some_and(is_whole) { line_of(line, value) } else { None };
            match (&mut open, bytes) {
                (Some((range, all)), Some(bytes)) => {
                    all.extend(bytes);
                    range.end = start + line.len();
                }
                (None, Some(bytes)) => open = Some((start..start + line.len(), bytes)),
                (_, None) => close(open.take()),
            }
        }
        close(open);
    }
    edits.truncate(MOST);
    edits
}

/// What a digit is worth. Spaces at the end may have been lost, and some write a grave accent for them.
const fn uu(digit: u8) -> Option<u8> {
    match digit {
        b' '..=b'`' => Some((digit - b' ') & 0x3f),
        _ => None,
    }
}

/// The same in xxencode, which has no signs that other machines lack.
const fn xx(digit: u8) -> Option<u8> {
    match digit {
        b'+' => Some(0),
        b'-' => Some(1),
        b'0'..=b'9' => Some(digit - b'0' + 2),
        b'A'..=b'Z' => Some(digit - b'A' + 12),
        b'a'..=b'z' => Some(digit - b'a' + 38),
        _ => None,
    }
}

/// `begin 644 note.txt`: the mode is octal.
fn is_header(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace().skip(1);
    words
        .next()
        .is_some_and(|mode| (3..=4).contains(&mode.len()) && mode.bytes().all(|b| matches!(b, b'0'..=b'7')))
}

/// The bytes of a line, four digits to three bytes; nothing, if it is none.
fn line_of(line: &str, value: fn(u8) -> Option<u8>) -> Option<Vec<u8>> {
    let (count, digits) = line.as_bytes().split_first()?;
    let count = usize::from(value(*count)?);
    if count == 0 || digits.len() > count.div_ceil(3) * 4 + 1 {
        return None;
    }
    let digits: Vec<u8> = digits.iter().map(|b| value(*b)).collect::<Option<_>>()?;
    let digit = |at: usize| digits.get(at).copied().unwrap_or(0);
    let bytes = (0..count.div_ceil(3)).flat_map(|group| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| u32::from(digit(4 * group + at)));
        let [_, bytes @ ..] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
        bytes
    });
    Some(bytes.take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_long_as_they_say() {
        assert_eq!(line_of("#0V%T", uu).as_deref(), Some(b"Cat".as_slice()));
        assert_eq!(line_of("#0V%Tabcdefgh", uu), None);
        assert_eq!(line_of("`", uu), None);
        assert_eq!(line_of("!", uu), Some(vec![0]));
        let mut readings = Vec::new();
        read(&Scan::of("begin 999 x\n#0V%T\nend, begin 644 y"), &mut readings);
        assert!(readings.is_empty());
    }
}
