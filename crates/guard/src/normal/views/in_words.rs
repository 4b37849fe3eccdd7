//! Signs inside words: "ig-nore", "in*struct*ions", "pr+ev+io+us".
//!
//! Known words tell it where they come together; a word every second or third letter of which is followed by the same sign
//! tells it by itself, whatever the language.

use std::ops::Range;

use super::lexicon::is_word;
use super::scan::{Kind, Piece, Scan, sign};
use super::words::{Hash, known};
use super::{Reading, Transform, has_no_spaces};

/// Fewest words.
const LEAST: usize = 2;
/// Longest word in bytes, and longest of a script without spaces, which is a sentence.
const LONGEST: usize = 64;
const LONGEST_SENTENCE: usize = 4096;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // Signs that stand in words at even distances.
    let mut signs: Vec<u8> = Vec::new();
    let mut even = 0;
    for piece in scan.odd().filter(|piece| may_be(piece)) {
        if let Some(joined) = known_joined(scan.core(piece)) {
            edits.push((piece.core(), joined));
        }
        if let Some(sign) = regular_sign(scan.core(piece)) {
            even += 1;
            if !signs.contains(&sign) {
                signs.push(sign);
            }
        }
    }
    if even >= LEAST {
        let others = scan.odd().filter(|piece| may_be(piece) || piece.kind == Kind::Foreign);
        edits.extend(others.filter_map(|piece| Some((piece.core(), without(scan.core(piece), &signs)?))));
    }
    let sentences = sentences(scan);
    let enough = edits.len() >= LEAST || !sentences.is_empty();
    edits.extend(sentences);
    if enough {
        edits.sort_by_key(|(range, _)| range.start);
        // A sentence begins with what stands before its first word.
        let mut end = 0;
        edits.retain(|(range, _)| {
            let free = range.start >= end;
            end = if free { range.end } else { end };
            free
        });
        readings.push(Reading::of(Transform::Joined, edits));
    }
}

fn may_be(piece: &Piece) -> bool {
    matches!(piece.kind, Kind::Mixed | Kind::Unknown | Kind::Known)
        && !piece.plain
        && piece.has(sign::JOINT)
        && !piece.has(sign::DIGIT)
}

/// A known word once the signs are gone, and not before.
fn known_joined(word: &str) -> Option<String> {
    // Programs are full of other signs.
    if word.len() > LONGEST || word.bytes().any(|b| sign::OF[usize::from(b)] & sign::NO_JOINT != 0) {
        return None;
    }
    let mut parts = word.split(|c: char| !c.is_ascii_alphabetic()).filter(|p| !p.is_empty());
    if word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'\'') {
        return None;
    }
    let mut joined = (Hash::default(), 0);
    word.bytes().filter(u8::is_ascii_alphabetic).for_each(|letter| {
        joined.0.push(letter);
        joined.1 += 1;
    });
    if joined.1 < 5 || !joined.0.known(joined.1) || !parts.any(|p| !known(p.as_bytes())) {
        return None;
    }
    let joined: String = word.chars().filter(char::is_ascii_alphabetic).collect();
    is_word(&joined).then_some(joined)
}

/// The sign that stands behind every second or third letter of a word.
fn regular_sign(word: &str) -> Option<u8> {
    /// Fewest such signs.
    const SIGNS: usize = 2;
    let sign = word.bytes().find(|b| !b.is_ascii_alphabetic())?;
    let mut groups = word.split(char::from(sign));
    let first = groups.next()?.len();
    if !(2..=3).contains(&first) || word.len() > LONGEST || matches!(sign, b'\'' | b'/' | b'.' | b':') {
        return None;
    }
    let mut count = 0;
    let mut groups = groups.peekable();
    while let Some(group) = groups.next() {
        let is_last = groups.peek().is_none();
        let even = group.len() == first || is_last && (1..first).contains(&group.len());
        if !even || !group.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        count += 1;
    }
    (count >= SIGNS).then_some(sign)
}

/// A word without signs between its letters, if there are some and no others.
fn without(word: &str, signs: &[u8]) -> Option<String> {
    let is_sign = |c: char| u8::try_from(c).is_ok_and(|b| signs.contains(&b));
    let others = word.chars().any(|c| !c.is_alphabetic() && !is_sign(c) && !matches!(c, '\'' | '’'));
    let inner = word.trim_matches(is_sign).contains(is_sign);
    (inner && !others && word.len() <= LONGEST).then(|| word.chars().filter(|c| !is_sign(*c)).collect())
}

/// Sentences of a script without spaces with one sign again and again between two letters.
fn sentences(scan: &Scan<'_>) -> Vec<(Range<usize>, String)> {
    const SIGNS: [char; 7] = ['+', '*', '|', '_', '~', '·', '-'];
    const FEWEST: usize = 6;
    if scan.count(Kind::Foreign) == 0 {
        return Vec::new();
    }
    let foreign = scan.odd().filter(|piece| {
        piece.kind == Kind::Foreign && (FEWEST * 6..=LONGEST_SENTENCE).contains(&piece.whole().len())
    });
    let joined = |piece: &Piece| {
        let sentence = scan.text.get(piece.whole())?;
        let sign = SIGNS.into_iter().find(|sign| sentence.matches(*sign).nth(FEWEST - 1).is_some())?;
        let letters = sentence.chars().filter(|c| has_no_spaces(*c)).count();
        let signs = sentence.matches(sign).count();
        // One for every two to four letters.
        (letters >= signs * 3 / 2 && letters <= signs * 6)
            .then(|| (piece.whole(), sentence.chars().filter(|c| *c != sign).collect()))
    };
    foreign.filter_map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        let mut said = text.to_owned();
        for (range, new) in readings.iter().flat_map(|reading| reading.edits.iter().rev()) {
            said.replace_range(range.clone(), new);
        }
        said
    }

    #[test]
    fn signs_at_even_distances_are_left_out_of_words_of_any_language() {
        assert_eq!(
            said("co*ns*ig*ne pr*io*ri*ta*ir*e: le do*ss*ie*r bl*eu va au pr*em*ie*r"),
            "consigne prioritaire: le dossier bleu va au premier"
        );
        assert_eq!(said("the bl+ue fo+ld+er on the se+co+nd fl+oo+r"), "the blue folder on the second floor");
        assert_eq!(said("先週+末友+人と+秩父+の鍾+乳洞+へ行"), "先週末友人と秩父の鍾乳洞へ行");
        // What is a word and a sentence is left as one of them, once.
        assert_eq!(
            said("the bl+ue+st fo+ld+er \"先週+末友+人と+秩父+の鍾+乳洞+へ行\""),
            "the bluest folder \"先週末友人と秩父の鍾乳洞へ行\""
        );
        for text in [
            "a well-known state-of-the-art off-by-one up-to-date",
            "ab-cd ef-gh",
            "x-y-z a_b_c do_it_so",
            "日本-東京-大阪",
        ] {
            assert_eq!(said(text), text);
        }
    }
}
