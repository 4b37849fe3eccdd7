//! Ciphers without a key worth the name: Caesar's (ROT13 among them), Atbash, ROT47, letters or words
//! written backwards, pig Latin.
//!
//! Tried only on runs of words that are no known words, and kept only if known words come out. A text in a
//! language we know nothing of has such runs; it costs some microseconds and gives no view.

use std::ops::Range;

use super::scan::{Kind, Scan};
use super::words::{Likeness, divided, known};
use super::{Reading, Transform};

/// Most runs that are tried in one text.
const MOST_RUNS: usize = 4;
/// Bytes of a run on which a cipher is first tried.
const SAMPLE: usize = 160;
/// Fewest letters of a run.
const LEAST_LETTERS: usize = 10;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Unknown) > 0 {
        for run in runs(scan).into_iter().take(MOST_RUNS) {
            let Some(text) = scan.text.get(run.clone()) else { continue };
            let found = undone(text);
            if !found.is_empty() {
                readings.extend(
                    found.into_iter().map(|(how, plain)| Reading { how, edits: vec![(run.clone(), plain)] }),
                );
            } else if let Some(plain) = rejoined(text) {
                readings.push(Reading { how: Transform::Spacing, edits: vec![(run, plain)] });
            }
        }
    }
    rot47(scan, readings);
    sentence_backwards(scan, readings);
}

/// Runs of mostly unknown words.
fn runs(scan: &Scan<'_>) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut open: Option<(Range<usize>, Range<usize>, i32, i32)> = None; // all, best, score, best score
    let mut close = |open: &mut Option<(Range<usize>, Range<usize>, i32, i32)>| {
        if let Some((_, best, _, score)) = open.take()
            && (score >= 2 || best.len() >= 16)
            && best.len() >= LEAST_LETTERS
        {
            runs.push(best);
        }
    };
    for piece in &scan.pieces {
        let step = match piece.kind {
            Kind::Unknown => 1,
            Kind::Known => -2,
            Kind::Pair | Kind::Single | Kind::Signs | Kind::Number | Kind::Mixed => 0,
            Kind::Foreign => -1,
        };
        match &mut open {
            Some((all, best, score, best_score)) => {
                *score += step;
                all.end = piece.core.end;
                if *score < 0 {
                    close(&mut open);
                } else if *score >= *best_score && step >= 0 {
                    *best_score = *score;
                    *best = all.clone();
                }
            }
            None if step >= 0 && piece.kind != Kind::Signs && piece.kind != Kind::Number => {
                open = Some((piece.core.clone(), piece.core.clone(), step, step));
            }
            None => {}
        }
    }
    close(&mut open);
    runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
    runs
}

/// What a run says, if one of the ciphers makes language of it: the best, and the other way to read
/// backwards, which leaves the order of the words open.
fn undone(text: &str) -> Vec<(Transform, String)> {
    let sample = text.as_bytes().get(..text.len().min(SAMPLE)).unwrap_or_default();
    let mut best: Option<(usize, Transform)> = None;
    let mut consider = |how: Transform, bytes: &[u8]| {
        let likeness = Likeness::of(bytes);
        if likeness.is_language() && best.is_none_or(|(percent, _)| likeness.percent() > percent) {
            best = Some((likeness.percent(), how));
        }
    };
    let mut turned = sample.to_vec();
    for shift in 1..26u8 {
        for b in &mut turned {
            *b = shifted(*b, 1);
        }
        consider(Transform::Caesar { shift }, &turned);
    }
    let mirrored: Vec<u8> = sample.iter().map(|b| mirror(*b)).collect();
    consider(Transform::Atbash, &mirrored);
    let tail: String = text.chars().rev().take(SAMPLE).collect();
    consider(Transform::Reversed, tail.as_bytes());
    consider(
        Transform::WordsReversed,
        each_word(&String::from_utf8_lossy(sample), |w| w.chars().rev().collect()).as_bytes(),
    );
    if sample.windows(2).filter(|w| w.eq_ignore_ascii_case(b"ay")).count() >= 3 {
        consider(Transform::PigLatin, each_word(&String::from_utf8_lossy(sample), pig).as_bytes());
    }
    let ways: &[Transform] = match &best {
        Some((_, Transform::Reversed | Transform::WordsReversed)) => {
            &[Transform::Reversed, Transform::WordsReversed]
        }
        Some((_, how)) => std::slice::from_ref(how),
        None => &[],
    };
    ways.iter().map(|how| (*how, plain(text, *how))).collect()
}

fn plain(text: &str, how: Transform) -> String {
    match how {
        Transform::Caesar { shift } => text.chars().map(|c| as_byte(c, |b| shifted(b, shift))).collect(),
        Transform::Atbash => text.chars().map(|c| as_byte(c, mirror)).collect(),
        Transform::Reversed => text.chars().rev().collect(),
        Transform::PigLatin => each_word(text, pig),
        _ => each_word(text, |w| w.chars().rev().collect()),
    }
}

fn as_byte(c: char, with: impl Fn(u8) -> u8) -> char {
    u8::try_from(c).map_or(c, |b| if b.is_ascii() { char::from(with(b)) } else { c })
}

/// A letter `shift` places on in the alphabet.
pub(super) const fn shifted(b: u8, shift: u8) -> u8 {
    match b {
        b'a'..=b'z' => (b - b'a' + shift) % 26 + b'a',
        b'A'..=b'Z' => (b - b'A' + shift) % 26 + b'A',
        _ => b,
    }
}

const fn mirror(b: u8) -> u8 {
    match b {
        b'a'..=b'z' => b'z' - (b - b'a'),
        b'A'..=b'Z' => b'Z' - (b - b'A'),
        _ => b,
    }
}

fn each_word(text: &str, with: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !c.is_alphabetic()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphabetic());
        out.push_str(&with(word));
        out.push_str(part.get(word.len()..).unwrap_or_default());
    }
    out
}

/// A word of pig Latin in plain: the consonants before the last "ay" go back to the front.
fn pig(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let Some(stem) = lower.strip_suffix("ay").filter(|s| s.len() >= 2 && s.is_ascii()) else { return lower };
    let vowel_start =
        ["w", "y"].iter().find_map(|tail| stem.strip_suffix(tail)).filter(|s| known(s.as_bytes()));
    if let Some(plain) = vowel_start {
        return plain.to_owned();
    }
    let consonants =
        stem.bytes().rev().take_while(|b| !matches!(b, b'a' | b'e' | b'i' | b'o' | b'u')).count();
    for taken in (0..=consonants.min(stem.len() - 1)).rev() {
        let (rest, moved) = stem.split_at(stem.len() - taken);
        let plain = format!("{moved}{rest}");
        if known(plain.as_bytes()) {
            return plain;
        }
    }
    let (rest, moved) = stem.split_at(stem.len() - 1);
    format!("{moved}{rest}")
}

/// Words cut apart by spaces, or written without any.
fn rejoined(text: &str) -> Option<String> {
    let letters: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let joined = divided(&letters)?;
    (joined != text).then_some(joined)
}

/// Printable ASCII turned by half its length.
fn rot47(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Mixed) + scan.count(Kind::Signs) < 3 {
        return;
    }
    let strange = |k: Kind| {
        matches!(k, Kind::Mixed | Kind::Signs | Kind::Number | Kind::Pair | Kind::Single | Kind::Unknown)
    };
    for run in scan.pieces.chunk_by(|a, b| strange(a.kind) == strange(b.kind)).take(256) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let span = first.whole.start..last.whole.end;
        let Some(text) =
            scan.text.get(span.clone()).filter(|t| t.len() >= LEAST_LETTERS && strange(first.kind))
        else {
            continue;
        };
        let turn = |b: u8| if b.is_ascii_graphic() { (b - 33 + 47) % 94 + 33 } else { b };
        let sample: Vec<u8> = text.bytes().take(SAMPLE).map(turn).collect();
        if Likeness::of(&sample).is_language() {
            readings.push(Reading {
                how: Transform::Rot47,
                edits: vec![(span, text.chars().map(|c| as_byte(c, turn)).collect())],
            });
        }
    }
}

/// A sentence with its words in the opposite order shows by its capital or its full stop, or says so.
fn sentence_backwards(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if !(4..=400).contains(&scan.pieces.len()) {
        return;
    }
    let capital = |p: Option<&super::scan::Piece>| {
        p.is_some_and(|p| scan.core(p).starts_with(|c: char| c.is_uppercase()) && p.kind != Kind::Single)
    };
    let starts_with_stop = scan.text.trim_start().starts_with(['.', '!', '?']);
    let word = |p: Option<&super::scan::Piece>| p.is_some_and(|p| p.kind == Kind::Known);
    let turned = capital(scan.pieces.last())
        && word(scan.pieces.last())
        && word(scan.pieces.first())
        && !capital(scan.pieces.first())
        && !scan.text.trim_end().ends_with(['.', '!', '?']);
    let says_so = || {
        scan.pieces.iter().any(|p| {
            let word = scan.core(p);
            [
                "reverse",
                "reversed",
                "backwards",
                "backward",
                "rueckwaerts",
                "rückwärts",
                "al revés",
                "invers",
                "envers",
            ]
            .iter()
            .any(|hint| hint.eq_ignore_ascii_case(word))
        })
    };
    if starts_with_stop || turned || says_so() {
        let words: Vec<&str> =
            scan.pieces.iter().rev().filter_map(|p| scan.text.get(p.whole.clone())).collect();
        readings
            .push(Reading { how: Transform::WordOrder, edits: vec![(0..scan.text.len(), words.join(" "))] });
    }
}
