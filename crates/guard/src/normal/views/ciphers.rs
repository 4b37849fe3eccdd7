//! Ciphers without a key worth the name: Caesar's (ROT13 among them), Atbash, ROT47, an alphabet that the text
//! states, pig Latin.
//!
//! Tried only on runs of words that are no known words, and kept only if known words come out, or letters in
//! the order of a language. A text in a
//! language we know nothing of has such runs; it costs some microseconds and gives no view.

use std::ops::Range;

use super::pairs::Order;
use super::scan::{Kind, Scan};
use super::words::{Likeness, divided, known};
use super::{Reading, Transform};

/// Most runs that are tried in one text.
const MOST_RUNS: usize = 4;
/// Bytes of a run on which a cipher is first tried.
const SAMPLE: usize = 160;
/// Fewest letters of a run.
const LEAST_LETTERS: usize = 10;
/// The order of letters of language, in hundredths of a level; what it has at least; and how much a cipher
/// has to improve it. A clear sentence loses 70 and more by its best shift.
const CLEAR: u32 = 760;
const LANGUAGE: u32 = 690;
const BETTER: u32 = 60;
/// Fewest pairs of letters whose order tells something.
const LEAST_PAIRS: u32 = 14;
/// Fewest words of pig Latin.
const LEAST_PIGS: usize = 4;
/// Alphabets of a text that are tried.
const MOST_KEYS: usize = 2;

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
    keyed(scan, readings);
    pig_latin(scan, readings);
    sentence_backwards(scan, readings);
}

/// Lines of words whose letters stand in no order that any language has: a cipher, whichever. Of 24,000
/// lines of documentation in fifty languages none had so poor an order, and of as many lines with letters
/// exchanged at random nine in ten have.
pub(super) fn unreadable(scan: &Scan<'_>) -> Option<Range<usize>> {
    const POOR: u32 = 660;
    const LEAST_WORDS: usize = 6;
    const LEAST: u32 = 40;
    if scan.count(Kind::Unknown) < LEAST_WORDS {
        return None;
    }
    scan.text.split(['\n', '<', '>']).take(4096).find_map(|line| {
        let line = line.get(..line.floor_char_boundary(2 * SAMPLE)).unwrap_or(line);
        let words = || line.split_whitespace();
        let lettered = words().filter(|word| {
            let core = word.trim_matches(|c: char| c.is_ascii_punctuation());
            !core.is_empty() && core.bytes().all(|b| b.is_ascii_alphabetic())
        });
        if lettered.clone().nth(LEAST_WORDS - 1).is_none() || lettered.count() * 10 < words().count() * 8 {
            return None;
        }
        let order = Order::of(line.chars());
        let start = line.as_ptr() as usize - scan.text.as_ptr() as usize;
        (order.pairs >= LEAST && order.mean() < POOR).then(|| start..start + line.len())
    })
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

/// What a run says, if one of the ciphers makes language of it: the best.
fn undone(text: &str) -> Vec<(Transform, String)> {
    let sample = text.as_bytes().get(..text.len().min(SAMPLE)).unwrap_or_default();
    let order = |bytes: &[u8]| Order::of(bytes.iter().map(|b| char::from(b & 0x7f)));
    let as_it_is = order(sample);
    if as_it_is.mean() >= CLEAR {
        return Vec::new();
    }
    let enough = as_it_is.pairs >= LEAST_PAIRS;
    let mut best: Option<(u32, Transform)> = None;
    let mut consider = |how: Transform, bytes: &[u8]| {
        let (mean, likeness) = (order(bytes).mean(), Likeness::of(bytes));
        let ordered = enough && mean >= LANGUAGE && mean >= as_it_is.mean() + BETTER;
        if (ordered || likeness.is_language()) && best.is_none_or(|(most, _)| mean > most) {
            best = Some((mean, how));
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
    best.map(|(_, how)| (how, plain(text, how))).into_iter().collect()
}

fn plain(text: &str, how: Transform) -> String {
    match how {
        Transform::Caesar { shift } => text.chars().map(|c| as_byte(c, |b| shifted(b, shift))).collect(),
        _ => text.chars().map(|c| as_byte(c, mirror)).collect(),
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

/// Most words of a text end in "ay".
fn pig_latin(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'y') < LEAST_PIGS {
        return;
    }
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_alphabetic());
    let words = || scan.pieces.iter().filter(|piece| is_word(scan.core(piece)));
    let is_pig = |word: &str| {
        word.len() >= 3 && word.get(word.len() - 2..).is_some_and(|end| end.eq_ignore_ascii_case("ay"))
    };
    let pigs = words().filter(|piece| is_pig(scan.core(piece))).count();
    if pigs >= LEAST_PIGS && pigs * 10 >= words().count() * 6 {
        let edits = words()
            .filter(|piece| is_pig(scan.core(piece)))
            .map(|piece| (piece.core.clone(), pig(scan.core(piece))))
            .collect();
        readings.push(Reading { how: Transform::PigLatin, edits });
    }
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
    let mut readings = (0..=consonants.min(stem.len() - 1)).rev().map(|taken| {
        let (rest, moved) = stem.split_at(stem.len() - taken);
        format!("{moved}{rest}")
    });
    if let Some(plain) = readings.clone().find(|plain| known(plain.as_bytes())) {
        return plain;
    }
    // A word of a language whose words are not known: as it is ordered best.
    let vowel_first = stem.strip_suffix('w').map(str::to_owned);
    let ordered = |plain: &String| Order::of(plain.chars()).mean();
    readings.by_ref().chain(vowel_first).max_by_key(ordered).unwrap_or(lower)
}

/// Words cut apart by spaces, or written without any.
fn rejoined(text: &str) -> Option<String> {
    let letters: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let joined = divided(&letters)?;
    (joined != text).then_some(joined)
}

/// Letters exchanged by an alphabet in another order, which stands in the text as one word.
fn keyed(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let is_key = |word: &str| {
        let letters = word.bytes().filter(u8::is_ascii_alphabetic);
        let seen = letters.fold(0u32, |seen, b| seen | 1 << (b.to_ascii_lowercase() - b'a'));
        word.len() == 26 && seen.count_ones() == 26
    };
    let keys: Vec<_> =
        scan.pieces.iter().filter(|piece| piece.core.len() == 26 && is_key(scan.core(piece))).collect();
    let scrambled =
        |piece: &&&super::scan::Piece| !scan.core(piece).eq_ignore_ascii_case("abcdefghijklmnopqrstuvwxyz");
    for key in keys.iter().filter(scrambled).take(MOST_KEYS) {
        let alphabet = scan.core(key).to_ascii_lowercase().into_bytes();
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for line in scan.text.split_inclusive('\n').take(256) {
            let start = line.as_ptr() as usize - scan.text.as_ptr() as usize;
            let whole = start..start + line.len();
            let ranges = if keys.iter().any(|key| whole.contains(&key.core.start)) {
                // What stands behind the last alphabet of its line.
                let end = keys.iter().map(|key| key.core.end).filter(|end| whole.contains(end)).max();
                end.map(|end| end..whole.end)
            } else {
                Some(whole)
            };
            let Some((range, text)) = ranges.and_then(|r| Some((r.clone(), scan.text.get(r)?))) else {
                continue;
            };
            let as_it_is = Order::of(text.chars().take(SAMPLE));
            let [there, back] = [false, true].map(|back| exchanged(text, &alphabet, back));
            let [one, two] = [&there, &back].map(|plain| Order::of(plain.chars().take(SAMPLE)).mean());
            let (mean, plain) = if one > two { (one, there) } else { (two, back) };
            if as_it_is.pairs >= 4 && mean >= as_it_is.mean() + BETTER {
                edits.push((range, plain));
            }
        }
        if !edits.is_empty() {
            readings.push(Reading { how: Transform::Keyed, edits });
        }
    }
}

fn exchanged(text: &str, alphabet: &[u8], back: bool) -> String {
    let of = |b: u8| {
        let place = |from: u8| (b'a'..=b'z').position(|letter| letter == from);
        let lower = b.to_ascii_lowercase();
        let to = if back {
            alphabet.iter().position(|letter| *letter == lower).and_then(|i| (b'a'..=b'z').nth(i))
        } else {
            place(lower).and_then(|i| alphabet.get(i)).copied()
        };
        to.map_or(b, |to| if b.is_ascii_uppercase() { to.to_ascii_uppercase() } else { to })
    };
    text.chars().map(|c| as_byte(c, of)).collect()
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
