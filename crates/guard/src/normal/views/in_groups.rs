//! Digits of base32 and base64 in groups of one length with a space between two of them: `MJUW 4ZZA`.

use std::ops::Range;

use super::scan::{Piece, Scan};
use super::{Reading, Transform, base64, bases};

/// Fewest groups in a row, and most that are put together.
const LEAST: usize = 6;
const MOST: usize = 8192;
/// Shortest and longest group.
const SHORTEST: usize = 2;
const LONGEST: usize = 16;
/// Most words before them that are as long.
const WORDS: usize = 3;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.facts.alike < LEAST {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut at = 0;
    while at < scan.pieces.len() {
        let row = row(scan, scan.pieces.get(at..).unwrap_or_default());
        // Words of the same length may stand before them.
        let found = (0..WORDS).find_map(|words| Some((words, coded(scan, row.get(words..)?)?)));
        at += match &found {
            Some((words, (_, _, used))) => words + used,
            None => row.len().saturating_sub(1).max(1),
        };
        edits.extend(found.map(|(_, (range, joined, _))| (range, joined)));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Spacing, edits));
    }
}

/// Groups as one number, with the last piece or without it: what stands behind them may be their last one, or a word. And
/// how many pieces they are.
fn coded(scan: &Scan<'_>, row: &[Piece]) -> Option<(Range<usize>, String, usize)> {
    let first = row.first().filter(|first| (SHORTEST..=LONGEST).contains(&first.whole().len()))?;
    if row.len() < LEAST {
        return None;
    }
    [row, row.get(..row.len() - 1)?].into_iter().find_map(|pieces| {
        let joined: String = pieces.iter().filter_map(|piece| scan.text.get(piece.whole())).collect();
        let is_coded = bases::base32(&joined).is_some() || base64::is_base64(&joined);
        let range = first.whole().start..pieces.last().map_or(0, |last| last.whole().end);
        is_coded.then_some((range, joined, pieces.len()))
    })
}

/// The pieces of one length at the start, each one byte behind the one before it, and the one behind them.
fn row<'p>(scan: &Scan<'_>, pieces: &'p [Piece]) -> &'p [Piece] {
    let is_digits = |piece: &Piece| {
        let digits = scan.text.get(piece.whole()).unwrap_or_default();
        digits.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    };
    let follows = |pair: &[Piece]| match pair {
        [one, next] => {
            let apart = next.whole().start - one.whole().end;
            let alike = next.whole().len() == one.whole().len();
            apart == 1 && alike && is_digits(one) && is_digits(next)
        }
        _ => false,
    };
    let alike = 1 + pieces.windows(2).take(MOST).take_while(|pair| follows(pair)).count();
    pieces.get(..(alike + 1).min(pieces.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_digits_are_one_number() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        let coded = "MJZGS3THEB2GQZJAMJWHKZJAMZXWYZDFOIQHI3ZANVSQ====";
        for (text, end) in [("see: ", " and so on"), ("", "")] {
            let groups: Vec<&str> = (0..coded.len()).step_by(4).map(|at| &coded[at..at + 4]).collect();
            assert_eq!(said(&format!("{text}{}{end}", groups.join(" "))), [coded]);
        }
        assert!(said("one two six ten red fox and the cat sat too").is_empty());
        assert!(said(&"EUR USD GBP JPY CHF NOK ".repeat(4)).is_empty());
    }
}
