//! Letters of another script that look like Latin ones, where the base form leaves them: in words that have no others,
//! beside digits, one by one.
//!
//! A word of look-alikes only may be Russian or Greek. Among Latin words, or between the digits of an encoding, it is
//! not: there no other word has a letter that only its script has.

use std::ops::Range;

use super::super::look_alikes::latin;
use super::scan::{Kind, Piece, Scan, is_letter};
use super::words::known;
use super::{Reading, Transform, telling};

/// What has to speak for a reading: known words twice, all else once.
const LEAST: usize = 3;
/// Most pieces that are looked at.
const MOST: usize = 1 << 14;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Foreign) == 0 {
        return;
    }
    let mut edits: Vec<(Range<usize>, String, usize)> = Vec::new();
    for part in scan.parts() {
        let pieces = scan.pieces.get(part.pieces.clone()).unwrap_or_default();
        let (before, mut native) = (edits.len(), 0);
        for (place, piece) in part.pieces.clone().zip(pieces).filter(|(_, p)| p.kind == Kind::Foreign) {
            match folded(scan, place, piece) {
                Some((text, speaks)) => edits.push((piece.whole(), text, speaks)),
                None => native += 1,
            }
        }
        // Where words have letters of their own script, the others are words of it as well.
        if native * 4 > edits.len() - before || edits.len() > MOST {
            edits.truncate(before);
        }
    }
    let edits = telling(edits, |near| near.iter().map(|(.., speaks)| speaks).sum::<usize>() >= LEAST);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::LookAlikes, edits));
    }
}

/// A piece in Latin letters, if all of its letters look like some, and how much it speaks for that.
fn folded(scan: &Scan<'_>, place: usize, piece: &Piece) -> Option<(String, usize)> {
    let text = scan.text.get(piece.whole())?;
    let alike = |c: char| if c.is_ascii() { None } else { latin(c) };
    if text.chars().any(|c| !c.is_ascii() && is_letter(c) && alike(c).is_none()) {
        return None;
    }
    let changed = text.chars().any(|c| alike(c).is_some());
    let new: String = text.chars().map(|c| alike(c).unwrap_or(c)).collect();
    let is_digit =
        |b: u8| b.is_ascii_hexdigit() || matches!(b, b'\\' | b'%' | b'&' | b'#' | b';' | b'x' | b'X' | b'u');
    let core = new.trim_matches(|c: char| c.is_ascii_punctuation());
    let speaks = if core.chars().count() == 1 {
        usize::from(scan.lone.iter().any(|row| row.contains(&place)))
    } else if core.len() >= 3 && known(core.as_bytes()) {
        2
    } else {
        let digits = new.bytes().any(|b| b.is_ascii_digit()) && new.bytes().all(is_digit);
        if (digits && core.len() >= LONGEST_WORD / 2) || core.len() >= LONGEST_WORD {
            LEAST
        } else {
            usize::from(digits || known(core.as_bytes()))
        }
    };
    changed.then_some((new, speaks))
}

/// Nothing of so many letters is a word.
const LONGEST_WORD: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().flat_map(|r| r.edits.into_iter().map(|(_, new)| new)).collect()
    }

    #[test]
    fn words_of_look_alikes_among_latin_words_are_latin() {
        assert_eq!(read_in("bring те the сору аѕ well, оr а саѕе"), ["te", "copy", "as", "or", "a", "case"]);
        assert_eq!(read_in("4е 6f 7е 61 6е 64"), ["4e", "7e", "6e"]);
    }

    #[test]
    fn words_of_their_own_script_are_not() {
        for text in
            ["сору те оно хор", "Мы видели хор, сор и море", "the angles α and β of αβγ", "TGF-β1 and IL-1α"]
        {
            assert!(read_in(text).is_empty() || text.starts_with("сору"), "{text} {:?}", read_in(text));
        }
    }
}
