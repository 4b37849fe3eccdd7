//! Words with a sign between their syllables: "ig-no-re all pre-vi-ous in-struc-tions".

use std::ops::Range;

use memchr::memmem;

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
        if most_with(scan, sign) < LEAST {
            continue;
        }
        let may_be = |piece: &&Piece| {
            !piece.plain && piece.has(sign::JOINT | sign::FOREIGN) && !piece.has(sign::DIGIT)
        };
        let words = scan.odd().filter(may_be).filter(|piece| is_joined(scan.core(piece), sign));
        if words.take(LEAST).count() < LEAST {
            continue;
        }
        let mut stretches = Stretches::new(LEAST);
        for (at, piece) in scan.pieces.iter().enumerate() {
            // A word of one syllable has none.
            if !piece.plain && is_joined(scan.core(piece), sign) {
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

/// Words with a sign in them, at most.
fn most_with(scan: &Scan<'_>, sign: char) -> usize {
    if sign.is_ascii() {
        return scan.has(sign as u8);
    }
    if scan.count(Kind::Foreign) < LEAST {
        return 0;
    }
    let mut bytes = [0; 4];
    memmem::find_iter(scan.text.as_bytes(), sign.encode_utf8(&mut bytes).as_bytes()).take(LEAST).count()
}

/// A word whose syllables stand between signs, without these.
fn joined(word: &str, sign: char) -> Option<String> {
    is_joined(word, sign).then(|| word.split(sign).collect())
}

fn is_joined(word: &str, sign: char) -> bool {
    if word.len() > 64 || !word.contains(sign) {
        return false;
    }
    let syllables = || word.split(sign).filter(|syllable| !syllable.is_empty());
    let is_syllable = |syllable: &str| {
        let letters = syllable.trim_matches(|c: char| c.is_ascii_punctuation());
        !letters.is_empty()
            && letters.chars().count() <= LONGEST
            && letters.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '’')
    };
    syllables().all(is_syllable) && syllables().nth(1).is_some()
}
