//! Hexadecimal: one run, or pairs apart, bare or marked as programs mark them: `0x41`, `\x41`, `41h`, `&H41`, `$41`,
//! `16#41#`, `x'41'`.

use std::ops::Range;

use super::scan::{Scan, sign};
use super::{Reading, Transform, packed, plausible, word_ends};

/// Fewest bytes of a run that is tried.
const SHORTEST: usize = 6;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    // Letters are 0x41 to 0x7a: every other digit is one in decimal too.
    if (b'0'..=b'9').map(|d| scan.has(d)).sum::<usize>() < SHORTEST {
        return;
    }
    let text = scan.text;
    let bytes = text.as_bytes();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // A run may go on over many pieces.
    let (mut done, mut next, mut decoded, mut cut) = (0, 0, Vec::new(), false);
    let numbered = scan.odd_at().filter(|(_, piece)| piece.has(sign::DIGIT | sign::BACKSLASH));
    for (place, _) in numbered {
        for piece in scan.pieces.get(start(scan, place, next)..=place).unwrap_or_default() {
            let whole = piece.whole();
            let mut at = whole.start.max(done);
            while let Some(b) = bytes.get(at..whole.end).and_then(<[u8]>::first) {
                let in_word =
                    at.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
                if in_word || !(b.is_ascii_hexdigit() || begins_mark(*b)) {
                    at += 1;
                    continue;
                }
                decoded.clear();
                let end = run(bytes, at, &mut decoded);
                if decoded.len() >= SHORTEST {
                    let text = plausible::text(&decoded)
                        .map(|text| in_words(text, bytes.get(at..end).unwrap_or_default()))
                        .or_else(|| plausible::wide(&decoded))
                        .or_else(|| packed::noted(&decoded, &mut cut));
                    edits.extend(text.map(|text| (at..end, text)).or_else(|| longest(scan.text, at..end)));
                }
                at = end.max(at + 1);
            }
            done = done.max(at);
        }
        next = place + 1;
    }
    if !edits.is_empty() {
        readings.push(Reading { cut, ..Reading::of(Transform::Hex, edits) });
    }
}

/// What the longest group of digits of a run says by itself: the others are numbers that stand beside it.
fn longest(text: &str, run: Range<usize>) -> Option<(Range<usize>, String)> {
    const LEAST: usize = 48;
    let run_of = text.get(run.clone())?;
    let groups = run_of.split(|c: char| !c.is_ascii_hexdigit());
    let group = groups.max_by_key(|group| group.len()).filter(|group| group.len() >= LEAST)?;
    let start = group.as_ptr() as usize - text.as_ptr() as usize;
    (group.len() < run.len()).then(|| Some((start..start + group.len(), decoded(group)?)))?
}

/// The place of the piece in which a run may begin that goes on in the one at `place`, which has a digit that is one in
/// decimal too: what is written without any is no text that anybody reads. Not before `least`, where others were looked
/// at already.
fn start(scan: &Scan<'_>, place: usize, least: usize) -> usize {
    let goes_on = |b: &u8| {
        b.is_ascii_hexdigit()
            || matches!(b, b',' | b':' | b'-' | b'h' | b'H' | b'\'' | b'"')
            || begins_mark(*b)
    };
    let mut start = place;
    while let Some(before) = start.checked_sub(1).filter(|before| *before >= least)
        && let Some(bytes) = scan.pieces.get(before).and_then(|piece| scan.text.as_bytes().get(piece.whole()))
        && bytes.last().is_some_and(goes_on)
    {
        start = before;
        if !bytes.iter().all(goes_on) {
            break;
        }
    }
    start
}

/// Whether a text is one run of digits that decodes to text.
pub(super) fn is_hex(text: &str) -> bool {
    decoded(text).is_some()
}

/// The bytes of a text that is one run of digits.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    (run(text.as_bytes(), 0, &mut bytes) == text.len()).then_some(bytes)
}

/// What a text says that is one run of digits.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::new();
    let end = run(text.as_bytes(), 0, &mut decoded);
    if end == text.len() && decoded.len() >= SHORTEST { plausible::text(&decoded) } else { None }
}

/// The run that begins at `at`, which is not inside a word: where it ends. Its bytes go to `out`.
fn run(bytes: &[u8], mut at: usize, out: &mut Vec<u8>) -> usize {
    let mut end = at;
    while let Some((digits, length)) = group(bytes.get(at..).unwrap_or_default()) {
        for pair in digits.chunks_exact(2) {
            if let [high, low] = pair {
                out.push(nibble(*high) << 4 | nibble(*low));
            }
        }
        end = at + length;
        let gap = bytes.get(end..).map_or(0, |rest| rest.iter().take(3).take_while(|b| is_gap(**b)).count());
        at = end + gap;
    }
    end
}

/// The digits that a text begins with, of whole bytes, and their length with what marks them as hexadecimal.
fn group(rest: &[u8]) -> Option<(&[u8], usize)> {
    let (before, behind): (usize, Option<u8>) = match rest {
        [b'0' | b'\\', b'x' | b'X', ..] | [b'&', b'h' | b'H', ..] => (2, None),
        [b'$', ..] => (1, None),
        [b'x' | b'X', quote @ (b'\'' | b'"'), ..] => (2, Some(*quote)),
        [b'1', b'6', b'#', ..] => (3, Some(b'#')),
        _ => (0, None),
    };
    let digits = rest.get(before..)?;
    let (mut digits, more) = digits.split_at(digits.iter().take_while(|b| b.is_ascii_hexdigit()).count());
    let mut length = before + digits.len();
    match (behind, more) {
        (Some(close), [b, ..]) if *b == close => length += 1,
        (Some(_), _) => return None,
        // An assembler wants a digit first, and writes a zero before a letter.
        (None, [b'h' | b'H', next @ ..])
            if before == 0
                && next.first().is_none_or(|b| b.is_ascii_hexdigit() || !b.is_ascii_alphanumeric()) =>
        {
            length += 1;
            if let [b'0', whole @ ..] = digits
                && digits.len() % 2 == 1
            {
                digits = whole;
            }
        }
        (None, [b, ..]) if b.is_ascii_alphanumeric() => return None,
        _ => {}
    }
    (digits.len() >= 2 && digits.len() % 2 == 0).then_some((digits, length))
}

/// What a run says, in words if its groups of digits are some.
fn in_words(text: String, run: &[u8]) -> String {
    let mut groups: Vec<(usize, &[u8])> = Vec::new();
    let mut digits = 0;
    for group in run.chunk_by(|a, b| is_gap(*a) == is_gap(*b)) {
        match groups.last_mut() {
            Some((_, gap)) if group.first().copied().is_some_and(is_gap) => *gap = group,
            _ => {
                let mut rest = group;
                while let Some((found, length)) = self::group(rest) {
                    digits += found.len();
                    rest = rest.get(length..).unwrap_or_default();
                }
                groups.push((digits / 2, &[]));
            }
        }
    }
    word_ends::in_words(&text, &groups).filter(|_| text.len() == digits / 2).unwrap_or(text)
}

/// Whether a byte that is no digit may begin what marks digits as hexadecimal.
const fn begins_mark(b: u8) -> bool {
    matches!(b, b'\\' | b'&' | b'$' | b'x' | b'X')
}

/// Whether a byte may stand between digits.
const fn is_gap(b: u8) -> bool {
    matches!(b, b' ' | b',' | b':' | b'-' | b'\n')
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every run of a text, wherever it begins.
    fn plainly(text: &str) -> Vec<(Range<usize>, String)> {
        let (bytes, mut at, mut found) = (text.as_bytes(), 0, Vec::new());
        while at < bytes.len() {
            let mut decoded = Vec::new();
            let in_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
            let end = if in_word { at } else { run(bytes, at, &mut decoded) };
            if decoded.len() >= SHORTEST {
                let said = plausible::text(&decoded).map(|said| in_words(said, &text.as_bytes()[at..end]));
                found.extend(said.or_else(|| plausible::wide(&decoded)).map(|said| (at..end, said)));
            }
            at = end.max(at + 1);
        }
        found
    }

    proptest! {
        #[test]
        fn runs_are_found_wherever_they_begin(text in "(4|41|42|6f|ca|de|0x|\\\\x|h|&H|\\$|x'|'|16#|#| |  |,|:|-|\n|xy|of|é|\t){0,60}") {
            let mut readings = Vec::new();
            read(&Scan::of(&text), &mut readings);
            let found: Vec<_> = readings.into_iter().flat_map(|reading| reading.edits).collect();
            let mut expected = plainly(&text);
            expected.retain(|(range, _)| text[range.clone()].bytes().any(|b| b.is_ascii_digit()));
            if text.bytes().filter(u8::is_ascii_digit).count() >= SHORTEST {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
