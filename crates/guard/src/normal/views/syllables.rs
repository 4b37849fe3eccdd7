//! Words with a sign between their syllables: "ig-no-re all pre-vi-ous in-struc-tions".

use std::ops::Range;

use super::scan::{Kind, Piece, Scan, sign};
use super::stretch::Stretches;
use super::{Reading, Transform};

/// Fewest words that are taken apart.
const LEAST: usize = 5;
/// Letters of a syllable.
const LONGEST: usize = 5;
/// What stands between syllables: what a dictionary has there, and what is in anybody's reach.
const SIGNS: [char; 6] = ['-', '·', '‧', '.', '~', '_'];

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let signs = [b'-', b'.', b'~', b'_'].map(|sign| scan.has(sign)).iter().sum::<usize>();
    if signs < LEAST && scan.count(Kind::Foreign) < LEAST {
        return;
    }
    for sign in SIGNS {
        if sign.is_ascii() && scan.has(sign as u8) < LEAST {
            continue;
        }
        let may_be = |piece: &&Piece| piece.has(sign::JOINT | sign::FOREIGN) && !piece.has(sign::DIGIT);
        let words = scan.odd().filter(may_be).filter(|piece| joined(scan.core(piece), sign).is_some());
        if words.take(LEAST).count() < LEAST {
            continue;
        }
        let mut stretches = Stretches::new(LEAST);
        for (at, piece) in scan.pieces.iter().enumerate() {
            // A word of one syllable has none.
            if !piece.plain && joined(scan.core(piece), sign).is_some() {
                stretches.add(at, 2);
            } else if stretches.is_open() && scan.core(piece).chars().count() > LONGEST {
                stretches.add(at, -4);
            } else if stretches.is_open() && piece.kind != Kind::Signs {
                stretches.add(at, -1);
            }
        }
        let found = stretches.found();
        let pieces: Vec<&Piece> =
            found.iter().filter_map(|pieces| scan.pieces.get(pieces.clone())).flatten().collect();
        let edits: Vec<(Range<usize>, String)> =
            pieces.iter().filter_map(|piece| Some((piece.core(), joined(scan.core(piece), sign)?))).collect();
        if edits.len() >= LEAST {
            readings.push(Reading::of(Transform::Joined, edits));
        }
    }
}

/// A word whose syllables stand between signs, without these.
fn joined(word: &str, sign: char) -> Option<String> {
    if !word.contains(sign) || word.len() > 64 {
        return None;
    }
    let syllables = || word.split(sign).filter(|syllable| !syllable.is_empty());
    let is_syllable = |syllable: &str| {
        let letters = syllable.trim_matches(|c: char| c.is_ascii_punctuation());
        !letters.is_empty()
            && letters.chars().count() <= LONGEST
            && letters.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '’')
    };
    (syllables().all(is_syllable) && syllables().nth(1).is_some()).then(|| word.split(sign).collect())
}
