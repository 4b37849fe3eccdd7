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
    let counts = counts(scan);
    for (sign, _) in SIGNS.into_iter().zip(counts).filter(|(_, words)| *words >= LEAST) {
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

/// How many words have each of the signs between their syllables.
fn counts(scan: &Scan<'_>) -> [usize; SIGNS.len()] {
    let mut counts = [0; SIGNS.len()];
    // Letters of other scripts are many, and dots that are no full stops few.
    let has_dots = !scan.text.is_ascii() && (scan.text.contains('·') || scan.text.contains('‧'));
    let signs = if has_dots { sign::JOINT | sign::FOREIGN } else { sign::JOINT };
    let may_be = |piece: &&Piece| !piece.plain && piece.has(signs) && !piece.has(sign::DIGIT);
    for piece in scan.odd().filter(may_be) {
        let core = scan.core(piece);
        let (mut signs, mut letters, mut longest) = (0, 0, 0);
        for b in core.bytes() {
            signs |= LAST_BYTES[usize::from(b)];
            letters = if b.is_ascii_alphabetic() { letters + 1 } else { 0 };
            longest = longest.max(letters);
        }
        // Most signs stand beside longer words than syllables are.
        if signs == 0 || longest > LONGEST {
            continue;
        }
        for (at, (sign, count)) in SIGNS.into_iter().zip(&mut counts).enumerate() {
            *count += usize::from(signs >> at & 1 == 1 && is_joined(core, sign));
        }
    }
    counts
}

/// For each byte the signs that end in it, a bit each.
static LAST_BYTES: [u8; 256] = {
    let mut of = [0; 256];
    let mut at = 0;
    while at < SIGNS.len() {
        let mut bytes = [0; 4];
        let length = SIGNS[at].encode_utf8(&mut bytes).len();
        of[bytes[length - 1] as usize] |= 1 << at;
        at += 1;
    }
    of
};

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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn words_are_counted_as_one_by_one(
            words in proptest::collection::vec("(ig|no|re|\\(pre|vi'|ous|é|structions|1)([-.~_·‧](no|re|ous\\)|é|tions|longer)){0,3}", 0..8)
        ) {
            let text = words.join(" ");
            let scan = Scan::of(&text);
            let may_be = |piece: &&Piece| !piece.plain && !piece.has(sign::DIGIT);
            for (sign, count) in SIGNS.into_iter().zip(counts(&scan)) {
                let joined = scan.pieces.iter().filter(may_be).filter(|piece| is_joined(scan.core(piece), sign));
                proptest::prop_assert_eq!(count, joined.count(), "{} {}", sign, text);
            }
        }
    }
}
