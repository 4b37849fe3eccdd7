//! Each letter in brackets of its own: `[o][p][e][n] [i][t]`.

use std::ops::Range;

use super::scan::Scan;
use super::{Reading, Transform};

const BRACKETS: [(u8, u8); 4] = [(b'[', b']'), (b'(', b')'), (b'{', b'}'), (b'<', b'>')];
/// Fewest letters in brackets.
const LEAST: usize = 10;
/// Most bytes between two brackets: a letter with marks, or nothing where a character stood that shows nothing.
const WIDEST: usize = 12;
/// Most spaces between two words.
const WIDEST_GAP: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    for (open, close) in BRACKETS {
        if scan.has(open) < LEAST || scan.has(close) < LEAST {
            continue;
        }
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let mut at = 0;
        for start in memchr::memchr_iter(open, scan.text.as_bytes()) {
            if start < at {
                continue;
            }
            let (end, letters, said) = row(scan.text, start, open, close);
            at = end.max(start + 1);
            if letters >= LEAST {
                edits.push((start..end, said));
            }
        }
        if !edits.is_empty() {
            readings.push(Reading::of(Transform::Spacing, edits));
        }
    }
}

/// The letters in brackets from `start` on: where they end, how many they are and what they say.
fn row(text: &str, start: usize, open: u8, close: u8) -> (usize, usize, String) {
    let bytes = text.as_bytes();
    let (mut at, mut end, mut letters) = (start, start, 0);
    let mut said = String::new();
    while bytes.get(at) == Some(&open) {
        let inner = bytes.get(at + 1..).unwrap_or_default();
        // A bracket may be what stands in them, and nothing where nothing was shown.
        let first = usize::from(inner.first() != Some(&close) || inner.get(1) == Some(&close));
        let Some(length) = inner.iter().take(WIDEST).skip(first).position(|b| *b == close) else { break };
        let length = length + first;
        let Some(letter) = text.get(at + 1..at + 1 + length).filter(|letter| is_one(letter)) else { break };
        said.push_str(letter);
        letters += usize::from(length > 0);
        end = at + 1 + length + 1;
        let gap = bytes.get(end..).unwrap_or_default();
        let gap = gap.iter().take(WIDEST_GAP).take_while(|b| b.is_ascii_whitespace()).count();
        if gap > 0 && bytes.get(end + gap) == Some(&open) {
            said.push_str(text.get(end..end + gap).unwrap_or_default());
        }
        at = end + gap;
    }
    (end, letters, said)
}

/// Whether a text is one character, or none.
fn is_one(text: &str) -> bool {
    text.chars().nth(1).is_none() || text.chars().skip(1).all(|c| !c.is_alphanumeric() && !c.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_out_of_their_brackets() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        let boxed = |text: &str, open: &str, close: &str| -> String {
            text.chars().map(|c| if c == ' ' { c.to_string() } else { format!("{open}{c}{close}") }).collect()
        };
        for (open, close) in [("[", "]"), ("(", ")"), ("<", ">")] {
            assert_eq!(said(&boxed("open (all) the boxes", open, close)), ["open (all) the boxes"]);
        }
        assert!(said(&"a[i] = b[j]; ".repeat(20)).is_empty());
        assert!(said("- [x] one\n- [ ] two\n- [1][2][3]").is_empty());
    }
}
