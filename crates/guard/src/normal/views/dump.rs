//! Dumps of bytes: lines of a place, pairs of hexadecimal digits, and what they show, as `xxd` and `hexdump` write them.

use std::ops::Range;

use super::scan::Scan;
use super::{Reading, Transform, plausible};

/// Fewest lines.
const LEAST: usize = 2;
/// Most bytes of a line.
const WIDEST: usize = 64;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if (b'0'..=b'9').map(|digit| scan.has(digit)).sum::<usize>() < 8 * LEAST || scan.has(b'\n') + 1 < LEAST {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut range, mut lines, mut all): (Range<usize>, usize, Vec<u8>) = (0..0, 0, Vec::new());
    let mut close = |range: &Range<usize>, lines: usize, all: &mut Vec<u8>| {
        if lines >= LEAST {
            edits.extend(plausible::text(all).map(|text| (range.clone(), text)));
        }
        all.clear();
    };
    let mut next = 0;
    for (start, line) in scan.lines() {
        let Some((place, bytes)) = line_of(line) else {
            close(&range, lines, &mut all);
            lines = 0;
            continue;
        };
        // The last line is the place behind all of them.
        if lines == 0 || place != next {
            close(&range, lines, &mut all);
            (lines, range) = (0, start..start);
        }
        lines += 1;
        next = place + bytes.len();
        all.extend(bytes);
        range.end = start + line.len();
    }
    close(&range, lines, &mut all);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Hex, edits));
    } else if scan.has(b':') >= LEAST {
        readings.extend(backwards(scan).map(|edit| Reading::of(Transform::Reversed, vec![edit])));
    }
}

/// Lines that end in a place whose digits stand backwards, as a dump does that was turned round.
fn backwards(scan: &Scan<'_>) -> Option<(Range<usize>, String)> {
    let is_turned = |line: &str| {
        let turned: String = line.trim().chars().rev().collect();
        turned.contains(':') && line_of(&turned).is_some()
    };
    let lines = scan.lines().filter(|(_, line)| line.trim_end().len() > 8);
    let ends_in_place = |line: &str| {
        let digits = line.trim_end().bytes().rev().take_while(u8::is_ascii_hexdigit).count();
        (4..=8).contains(&digits) && line.trim_end().bytes().rev().nth(digits) == Some(b':')
    };
    let mut turned = lines.filter(|(_, line)| ends_in_place(line) && is_turned(line));
    let (first, _) = turned.next()?;
    let (last, line) = turned.last()?;
    let range = first..last + line.len();
    Some((range.clone(), scan.text.get(range)?.chars().rev().collect()))
}

/// The place of a line, and its bytes.
fn line_of(line: &str) -> Option<(usize, Vec<u8>)> {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_hexdigit).count();
    let place =
        usize::from_str_radix(line.get(..digits).filter(|place| (4..=8).contains(&place.len()))?, 16).ok()?;
    let rest = line.get(digits..)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let is_hex = |c: char| c.is_ascii_hexdigit();
    let mut bytes = Vec::new();
    let mut gap = 0;
    for group in rest.strip_prefix([' ', '\t'])?.split([' ', '\t']) {
        if group.is_empty() || group == "-" || group == "|" {
            gap += 1;
            // What the bytes show stands behind a wider gap, and may look like digits.
            if gap > 1 && bytes.len() >= 8 && bytes.len().is_multiple_of(16) {
                break;
            }
            continue;
        }
        gap = 0;
        if !group.len().is_multiple_of(2) || !group.chars().all(is_hex) || bytes.len() >= WIDEST {
            break;
        }
        let pairs = group.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    }
    (!bytes.is_empty()).then_some((place, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_programs_are_read() {
        for line in [
            "00000010: 6272 696e 6720 7468 6520 626c 7565 2066  bring the blue f",
            "00000010  62 72 69 6e 67 20 74 68  65 20 62 6c 75 65 20 66  |bring the blue f|",
            "0010  62 72 69 6e 67 20 74 68 65 20 62 6c 75 65 20 66",
        ] {
            assert_eq!(line_of(line), Some((16, b"bring the blue f".to_vec())), "{line}");
        }
        assert_eq!(line_of("2024 was a good year"), None);
        let text = "See:\n0000: 6272 696e 6720 7468 6520 626c 7565 2066 bring\n0010: 6f6c 6465 7220 746f 206d 65 older\nThanks";
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        assert_eq!(
            readings.iter().map(|reading| reading.edits[0].1.as_str()).collect::<Vec<_>>(),
            ["bring the blue folder to me"]
        );
    }
}
