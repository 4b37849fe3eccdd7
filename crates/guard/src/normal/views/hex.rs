//! Hexadecimal: one run, or pairs apart, with or without `0x` or `\x`.

use std::ops::Range;

use super::scan::Scan;
use super::{Reading, Transform, plausible};

/// Fewest bytes of a run that is tried.
const SHORTEST: usize = 6;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    // Letters are 0x41 to 0x7a: every other digit is one in decimal too.
    if (b'0'..=b'9').map(|d| scan.has(d)).sum::<usize>() < SHORTEST {
        return;
    }
    let text = scan.text;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        let in_word = at.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        if in_word || !(b.is_ascii_hexdigit() || *b == b'\\') {
            at += 1;
            continue;
        }
        let (end, decoded) = run(bytes, at);
        if decoded.len() >= SHORTEST
            && let Some(text) = plausible::text(&decoded)
        {
            edits.push((at..end, text));
        }
        at = end.max(at + 1);
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Hex, edits));
    }
}

/// Whether a text is one run of digits that decodes to text.
pub(super) fn is_hex(text: &str) -> bool {
    let (end, decoded) = run(text.as_bytes(), 0);
    end == text.len() && decoded.len() >= SHORTEST && plausible::text(&decoded).is_some()
}

/// The run that begins at `at`, which is not inside a word: where it ends and its bytes.
fn run(bytes: &[u8], mut at: usize) -> (usize, Vec<u8>) {
    let mut out = Vec::new();
    let mut end = at;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let prefix = match rest {
            [b'0' | b'\\', b'x' | b'X', ..] => 2,
            _ => 0,
        };
        let digits = rest.get(prefix..).unwrap_or_default();
        let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let cut_short = digits.get(length).is_some_and(|b| b.is_ascii_alphanumeric());
        if length < 2 || length % 2 != 0 || cut_short {
            return (end, out);
        }
        for pair in digits.get(..length).unwrap_or_default().chunks_exact(2) {
            if let [high, low] = pair {
                out.push(nibble(*high) << 4 | nibble(*low));
            }
        }
        end = at + prefix + length;
        let gap = bytes.get(end..).map_or(0, |rest| {
            rest.iter().take(3).take_while(|b| matches!(b, b' ' | b',' | b':' | b'-' | b'\n')).count()
        });
        at = end + gap;
    }
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}
