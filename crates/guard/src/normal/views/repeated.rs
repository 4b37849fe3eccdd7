//! Each letter, or sign, written twice or three times: "iiggnnoorree".

use std::ops::Range;

use super::scan::{Piece, Scan};
use super::stretch::Stretches;
use super::{Reading, Transform};

/// Fewest words that are written so.
pub(super) const LEAST: usize = 4;
/// How often each is there at most.
const MOST_TIMES: usize = 4;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    for times in 2..=MOST_TIMES {
        let doubled = scan.facts.doubled.iter().filter_map(|place| scan.pieces.get(*place as usize));
        if doubled.filter(|piece| speaks(word(scan, piece), times)).take(LEAST).count() < LEAST {
            continue;
        }
        let mut stretches = Stretches::new(LEAST);
        for (at, piece) in scan.pieces.iter().enumerate() {
            if speaks(word(scan, piece), times) {
                stretches.add(at, 2);
            } else if stretches.is_open() {
                stretches.add(at, -3);
            }
        }
        let found = stretches.found();
        let pieces = found.iter().filter_map(|pieces| scan.pieces.get(pieces.clone())).flatten();
        let edits: Vec<(Range<usize>, String)> =
            pieces.filter_map(|piece| Some((piece.whole(), once(word(scan, piece), times)?))).collect();
        // Rules of a table are one sign again and again.
        let several = |text: &String| text.chars().any(|c| !text.starts_with(c));
        if edits.iter().filter(|(_, text)| several(text)).count() >= LEAST / 2 {
            readings.push(Reading::of(Transform::Repeated, edits));
            return;
        }
    }
}

fn word<'t>(scan: &Scan<'t>, piece: &Piece) -> &'t str {
    scan.text.get(piece.whole()).unwrap_or_default()
}

/// Whether a word begins with a character that is there so often, and all of it is so.
fn speaks(word: &str, times: usize) -> bool {
    begins_twice(word) && once(word, times).is_some()
}

/// Whether the first character of a word is the second one as well, which most words show by their first two letters.
fn begins_twice(word: &str) -> bool {
    match word.as_bytes() {
        [a, b, ..] if a.is_ascii() => a == b,
        _ => {
            let mut chars = word.chars();
            chars.next().is_some_and(|first| chars.next() == Some(first))
        }
    }
}

/// A word with each character once, if each is there so often.
fn once(word: &str, times: usize) -> Option<String> {
    let mut text = String::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        text.push(c);
        for _ in 1..times {
            chars.next().filter(|next| *next == c)?;
        }
    }
    (!text.is_empty()).then_some(text)
}
