//! Words disguised one by one among words in clear: ROT13 of every other word, base64 of the longer ones, a shift that grows
//! from word to word.
//!
//! A run of unknown words is a cipher's; here the words are few and stand apart, so nothing is told by the order of
//! letters over a stretch. What tells it is that several words near each other become known ones by the same way.

use std::ops::Range;

use super::super::invisible::is_common_mark;
use super::base64;
use super::bases;
use super::ciphers::{exchange, shifted, turned};
use super::hex;
use super::pairs::LatinPairs;
use super::scan::{Kind, Piece, Scan};
use super::words::{self, known};
use super::{Reading, Transform};

/// Fewest words of which something has to come.
const LEAST: usize = 3;
/// Words of a stretch that are asked, stretches, and lines of one.
const SAMPLE: usize = 32;
const MOST_STRETCHES: usize = 24;
const MOST_LINES: usize = 24;
/// Pieces between two words of one stretch, at the most.
const BETWEEN: usize = 6;
/// Letters of a word.
const LETTERS: Range<usize> = 3..19;
/// Longest word that is encoded, in bytes.
const LONGEST: usize = 64;
/// The order of letters from which a word is what it is, and how much better it is once it is undone.
const CLEAR: u32 = 760;
const BETTER: u32 = 60;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Unknown) + scan.count(Kind::Mixed) + scan.count(Kind::Signs) < LEAST {
        return;
    }
    let strange: Vec<usize> = (scan.pieces.iter().enumerate())
        .filter(|(_, piece)| matches!(piece.kind, Kind::Unknown | Kind::Mixed | Kind::Signs))
        .map(|(at, _)| at)
        .collect();
    let near = |one: &usize, next: &usize| next - one <= BETWEEN;
    let stretches = strange.chunk_by(near).filter(|stretch| stretch.len() >= LEAST);
    for stretch in stretches.take(MOST_STRETCHES) {
        let words = Stretch::of(scan, stretch);
        if let Some(found) = words.one_way().or_else(|| words.growing()) {
            readings.push(found);
            continue;
        }
        // Each line may have its own way.
        let end = |at: &usize| scan.pieces.get(*at).map_or(0, |piece| piece.whole().end);
        let goes_on = |one: &usize, next: &usize| {
            scan.text.get(end(one)..end(next)).is_some_and(|between| !between.contains('\n'))
        };
        let lines: Vec<&[usize]> = stretch.chunk_by(goes_on).take(MOST_LINES + 1).collect();
        if (2..=MOST_LINES).contains(&lines.len()) {
            let long = lines.into_iter().filter(|line| line.len() >= LEAST);
            readings.extend(long.filter_map(|line| Stretch::of(scan, line).one_way()));
        }
    }
}

/// Words near each other of which some are unknown.
struct Stretch<'s, 't> {
    scan: &'s Scan<'t>,
    /// The places of all pieces from the first unknown word to the last.
    pieces: Range<usize>,
    /// What is asked: unknown words, and whatever else is no word.
    asked: Vec<&'s Piece>,
    /// Those that are letters only.
    lettered: Vec<&'t [u8]>,
}

impl<'s, 't> Stretch<'s, 't> {
    fn of(scan: &'s Scan<'t>, strange: &[usize]) -> Self {
        let pieces = strange.first().copied().unwrap_or(0)..strange.last().map_or(0, |last| last + 1);
        let sample = strange.iter().filter_map(|at| scan.pieces.get(*at)).take(SAMPLE);
        let asked: Vec<&Piece> = sample.clone().collect();
        let lettered = sample.filter(|piece| piece.plain && LETTERS.contains(&piece.core().len()));
        Self { scan, pieces, asked, lettered: lettered.map(|piece| scan.core(piece).as_bytes()).collect() }
    }

    /// The way by which most unknown words become known.
    fn one_way(&self) -> Option<Reading> {
        let mut best: Option<(usize, Transform)> = None;
        let mut consider = |hits: usize, of: usize, how: Transform| {
            if hits >= LEAST && hits * 2 >= of && best.is_none_or(|(most, _)| hits > most) {
                best = Some((hits, how));
            }
        };
        // Names and words of other languages are in an order as good as any.
        let poor: Vec<&[u8]> =
            self.lettered.iter().copied().filter(|word| LatinPairs::mean_of(word) < CLEAR).collect();
        if poor.len() >= LEAST {
            let (likely, clearly) = exchanges(&poor);
            for how in likely {
                consider(hits(&poor, how), poor.len(), how);
            }
            // Of most languages few words are known.
            if let Some(how) = clearly {
                consider(poor.len().div_ceil(2), poor.len(), how);
            }
        }
        consider(
            hits(&self.lettered, Transform::WordsReversed),
            self.lettered.len(),
            Transform::WordsReversed,
        );
        for how in [Transform::Base64, Transform::Hex, Transform::Base32, Transform::Rot47] {
            let hits = self.asked.iter().filter(|piece| self.encoded(piece, how).is_some()).count();
            consider(hits, self.asked.len(), how);
        }
        let (_, how) = best?;
        let pieces = self.scan.pieces.get(self.pieces.clone())?;
        let edits: Vec<(Range<usize>, String)> =
            pieces.iter().filter_map(|piece| self.edit(piece, how)).collect();
        Some(Reading::of(how, edits))
    }

    /// What a piece says, where it is not in clear.
    fn edit(&self, piece: &Piece, how: Transform) -> Option<(Range<usize>, String)> {
        if matches!(how, Transform::Base64 | Transform::Hex | Transform::Base32 | Transform::Rot47) {
            let short = || self.short(piece).filter(|_| how == Transform::Rot47);
            // Between words that were encoded another one may be of any language.
            let padded = || self.padded(piece).filter(|_| how == Transform::Base64);
            return self
                .encoded(piece, how)
                .or_else(short)
                .or_else(padded)
                .filter(|_| piece.kind != Kind::Known);
        }
        let word = self.scan.core(piece).as_bytes();
        if !piece.plain || word.len() < 2 {
            return None;
        }
        let said = undone(word, how);
        let is_ordered = |by: u32| LatinPairs::mean_of(&said) >= LatinPairs::mean_of(word) + by;
        let is_better = match piece.kind {
            // One in fifty is known by chance.
            Kind::Known => known(&said) && is_ordered(BETTER),
            Kind::Unknown => how == Transform::WordsReversed || known(&said) || is_ordered(BETTER / 2),
            _ => known(&said) && !known(word),
        };
        is_better.then(|| Some((piece.core(), String::from_utf8(said).ok()?)))?
    }

    /// What a short word says among others that were turned by 47, which is nothing by itself.
    fn short(&self, piece: &Piece) -> Option<(Range<usize>, String)> {
        let whole = self.scan.text.get(piece.whole())?;
        let said: String = whole.bytes().map(|b| char::from(turned(b))).collect();
        let is_word = !piece.plain && said.len() >= 2 && known(said.trim_end_matches(['.', ',']).as_bytes());
        is_word.then_some((piece.whole(), said))
    }

    /// What digits of base64 say that end in padding, or are as many as are whole bytes and neither a word nor a number.
    fn padded(&self, piece: &Piece) -> Option<(Range<usize>, String)> {
        let word = self.scan.text.get(piece.whole())?;
        let may_be = word.ends_with('=')
            || (word.len().is_multiple_of(4) && piece.kind == Kind::Mixed)
            || (word.len().is_multiple_of(4)
                && piece.kind == Kind::Unknown
                && piece.plain
                && !word.bytes().skip(1).all(|b| b.is_ascii_lowercase()));
        let said = may_be.then(|| String::from_utf8(base64::bytes_of(word)?).ok())??;
        let is_text = !said.is_empty() && said.chars().all(|c| !c.is_control());
        is_text.then_some((piece.whole(), said))
    }

    /// What a piece says that was encoded.
    fn encoded(&self, piece: &Piece, how: Transform) -> Option<(Range<usize>, String)> {
        let whole = piece.whole();
        let bytes = self.scan.text.as_bytes().get(whole.clone())?;
        // Every sign stands for another one there.
        let beside =
            |b: &&u8| how != Transform::Rot47 && b.is_ascii_punctuation() && !matches!(b, b'+' | b'/' | b'=');
        let called = if how == Transform::Rot47 { 0 } else { call(bytes) };
        let start = whole.start + called;
        let start = start + bytes.get(called..)?.iter().take_while(beside).count();
        let end = whole.end - bytes.iter().rev().take_while(beside).count();
        let word = self.scan.text.get(start..end)?;
        // The name goes with its brackets.
        let may_be = called > 0 && begins_a_word(word.as_bytes(), how);
        if may_be {
            let close = bytes.iter().rposition(|b| matches!(b, b')' | b'}' | b']'))?;
            let close = whole.start + close + 1;
            return Some((whole.start..close.max(end), decoded(word, how)?));
        }
        let may_be = begins_a_word(word.as_bytes(), how);
        Some((start..end, may_be.then(|| decoded(word, how))??))
    }

    /// A shift that grows by the same number of places from word to word.
    fn growing(&self) -> Option<Reading> {
        /// Fewest words, and most that are asked.
        const WORDS: usize = 5;
        const MOST: usize = 16;
        /// The order of letters of words of which most were moved, at the most.
        const POOR: u32 = 710;
        if self.lettered.len() < WORDS || LatinPairs::of(&self.lettered.join(&b' ')).mean() >= POOR {
            return None;
        }
        let pieces = self.scan.pieces.get(self.pieces.clone())?;
        let lettered = |piece: &Piece| piece.plain && piece.core().len() >= LETTERS.start;
        if pieces.iter().take(MOST).filter(|piece| lettered(piece)).count() < WORDS {
            return None;
        }
        // Which shifts make each word a known one, as bits.
        let shifts = |piece: &Piece| -> u32 {
            let word = self.scan.core(piece).as_bytes();
            (0..26u8)
                .filter(|shift| known_once(word, Transform::Caesar { shift: *shift }).is_some())
                .fold(0, |set, shift| set | 1 << shift)
        };
        let known_by: Vec<Option<u32>> =
            pieces.iter().take(MOST).map(|piece| lettered(piece).then(|| shifts(piece))).collect();
        let asked = known_by.iter().flatten().count();
        let ways = (0..26usize).flat_map(|first| (1..26usize).map(move |step| (first, step)));
        let hits = |first: usize, step: usize| {
            let known_there = |(at, set): (usize, &Option<u32>)| {
                set.is_some_and(|set| set >> ((first + at * step) % 26) & 1 == 1)
            };
            known_by.iter().enumerate().filter(|(at, set)| known_there((*at, set))).count()
        };
        let (most, first, step) =
            ways.map(|(first, step)| (hits(first, step), first, step)).max_by_key(|(hits, ..)| *hits)?;
        if most < WORDS - 1 || most * 10 < asked * 6 {
            return None;
        }
        let edits = pieces.iter().enumerate().filter(|(_, piece)| piece.plain).filter_map(|(at, piece)| {
            let shift = u8::try_from((first + at * step) % 26).ok()?;
            let said = undone(self.scan.core(piece).as_bytes(), Transform::Caesar { shift });
            Some((piece.core(), String::from_utf8(said).ok()?))
        });
        Some(Reading::of(Transform::Stepped, edits.collect()))
    }
}

/// The shifts, and Atbash, that put words into the best order, if it is better than theirs; and the best, if words are in
/// the order of a language by it and were not.
fn exchanges(words: &[&[u8]]) -> (impl Iterator<Item = Transform> + use<>, Option<Transform>) {
    /// What chance does not bring about: fewest pairs of letters, their order, and how much better it is.
    const PAIRS: usize = 24;
    const LANGUAGE: u32 = 770;
    const CLEARLY: u32 = 110;
    /// Ways whose words are looked up.
    const LIKELY: usize = 3;
    let pairs = LatinPairs::of(&words.join(&b' '));
    let mean = pairs.mean();
    let mut ways: Vec<(u32, u8)> = (0u8..)
        .zip(pairs.means_exchanged())
        .skip(1)
        .filter(|(_, new)| *new >= mean + BETTER / 2)
        .map(|(way, new)| (new, way))
        .collect();
    ways.sort_unstable_by_key(|(new, way)| (std::cmp::Reverse(*new), *way));
    let how = |way: u8| if way < 26 { Transform::Caesar { shift: way } } else { Transform::Atbash };
    let clearly =
        ways.first().filter(|(new, _)| pairs.len() >= PAIRS && *new >= LANGUAGE && *new >= mean + CLEARLY);
    let clearly = clearly.map(|(_, way)| how(*way));
    (ways.into_iter().take(LIKELY).map(move |(_, way)| how(way)), clearly)
}

/// How many different words are known once something is undone, of those that become better ordered by it.
fn hits(words: &[&[u8]], how: Transform) -> usize {
    let mut hit: Vec<words::Hash> = words
        .iter()
        .filter_map(|word| Some((known_once(word, how)?, word)))
        .filter(|(_, word)| LatinPairs::mean_of(&undone(word, how)) > LatinPairs::mean_of(word))
        .map(|(hash, _)| hash)
        .collect();
    hit.sort_unstable();
    hit.dedup();
    hit.len()
}

/// The hash of a word with something undone, if that is known.
fn known_once(word: &[u8], how: Transform) -> Option<words::Hash> {
    let mut hash = words::Hash::default();
    match how {
        Transform::WordsReversed => word.iter().rev().for_each(|b| hash.push(*b)),
        _ => word.iter().for_each(|b| hash.push(exchange(*b, how))),
    }
    hash.known(word.len()).then_some(hash)
}

/// How long a name is that says how a word was encoded, and the bracket behind it: `b64(`, `base64("`, `atob('`.
fn call(word: &[u8]) -> usize {
    const NAMES: [&[u8]; 10] =
        [b"b64", b"base64", b"atob", b"unb64", b"decode", b"d64", b"hex", b"unhex", b"b32", b"base32"];
    let opens = |b: &u8| matches!(b, b'(' | b'{' | b'[' | b':');
    let Some(open) = word.iter().take(10).position(opens) else { return 0 };
    let name = word.get(..open).unwrap_or_default();
    let is_name = NAMES.iter().any(|of| of.eq_ignore_ascii_case(name));
    if is_name && word.last().is_some_and(u8::is_ascii_punctuation) { open + 1 } else { 0 }
}

/// Whether the first characters of an encoded word may be letters: of most words they are not.
fn begins_a_word(word: &[u8], how: Transform) -> bool {
    /// Whether a byte is a letter of ASCII or begins another one; whether it goes on in one.
    fn begins(b: u8) -> bool {
        b.is_ascii_alphabetic() || b >= 0xc2
    }
    fn goes_on(b: u8) -> bool {
        b.is_ascii_alphabetic() || b >= 0x80
    }
    match (how, word) {
        (Transform::Base64, _) => match base64::first_bytes(word) {
            // What stands before a word may be encoded with it.
            Some([a, b, c]) => (begins(a) || a.is_ascii_punctuation()) && goes_on(b) && goes_on(c),
            None => false,
        },
        (Transform::Hex, [a, b, ..]) => {
            matches!((a, b), (b'0' | b'\\', b'x' | b'X')) || a.is_ascii_hexdigit() && b.is_ascii_hexdigit()
        }
        (Transform::Base32, [a, b, ..]) => !a.is_ascii_lowercase() && !b.is_ascii_lowercase(),
        (Transform::Rot47, [a, b, c, ..]) => {
            let letter = |b: &u8| turned(*b).is_ascii_alphabetic();
            letter(b) && letter(c) && (letter(a) || turned(*a).is_ascii_punctuation())
        }
        _ => false,
    }
}

fn undone(word: &[u8], how: Transform) -> Vec<u8> {
    match how {
        Transform::WordsReversed => word.iter().rev().copied().collect(),
        Transform::Caesar { shift } => word.iter().map(|b| shifted(*b, shift)).collect(),
        _ => word.iter().map(|b| exchange(*b, how)).collect(),
    }
}

/// A word that was encoded.
fn decoded(word: &str, how: Transform) -> Option<String> {
    if !(4..=LONGEST).contains(&word.len()) {
        return None;
    }
    let bytes = match how {
        Transform::Base64 => base64::bytes_of(word)?,
        Transform::Hex => hex::bytes(word)?,
        Transform::Base32 => bases::bytes_of_32(word)?,
        _ => word.bytes().map(turned).collect(),
    };
    let said = String::from_utf8(bytes).ok()?;
    // Marks that were put on its letters are no part of it.
    let said: String =
        if said.is_ascii() { said } else { said.chars().filter(|c| !is_common_mark(*c)).collect() };
    let core = said.trim_matches(|c: char| c.is_ascii_punctuation());
    let is_word = core.chars().count() >= LETTERS.start && core.chars().all(char::is_alphabetic);
    // Letters of one byte come together by chance.
    let is_sure = !core.is_ascii()
        || core.len() >= 6 && LatinPairs::mean_of(core.as_bytes()) >= CLEAR
        || known(core.as_bytes());
    (is_word && is_sure).then_some(said)
}
