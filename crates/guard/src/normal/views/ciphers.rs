//! Ciphers without a key worth the name: Caesar's (ROT13 among them), Atbash, ROT47, an alphabet that the text
//! states, pig Latin.
//!
//! Tried only on runs of words that are no known words, and kept only if known words come out, or letters in
//! the order of a language. A text in a
//! language we know nothing of has such runs; it costs some microseconds and gives no view.

use std::cell::LazyCell;
use std::ops::Range;

use super::pairs::{LatinPairs, Order};
use super::scan::{Kind, Piece, Scan};
use super::words::{Likeness, Words, divided};
use super::{Reading, Transform, beside, inserted, keyword, pig_latin, stepped, typed};

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
/// What known words have at least.
const WORDS: u32 = 560;
/// Fewest pairs of letters whose order tells something.
const LEAST_PAIRS: u32 = 14;
/// Alphabets of a text that are tried, and lines.
const MOST_KEYS: usize = 2;
const MOST_LINES: usize = 256;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Unknown) > 0 {
        for run in runs(scan).into_iter().take(MOST_RUNS) {
            let run = from_where_it_is_unclear(scan, run);
            let Some(text) = scan.text.get(run.clone()) else { continue };
            let pairs = LatinPairs::of(sample_of(text));
            let mean = pairs.mean();
            let found = undone_in(sample_of(text), &pairs, mean).filter(|how| goes_on(text, *how));
            if let Some(how) = found {
                let whole = behind_hint(scan.text, lines_around(scan, &run), how);
                let text = scan.text.get(whole.clone()).unwrap_or(text);
                readings.push(Reading::of(how, vec![(whole, plain(text, how))]));
            } else if let Some(plain) = rejoined(text) {
                readings.push(Reading::of(Transform::Spacing, vec![(run, plain)]));
            } else if let Some(reading) = typed(scan, &run, mean)
                .or_else(|| spoken(scan, &run))
                .or_else(|| affine(scan, &run, mean))
                .or_else(|| stated(scan, &run, mean))
                .or_else(|| stepped(scan, &run, mean))
                .or_else(|| mirrored(scan, &run))
                .or_else(|| bare(scan, &run))
            {
                readings.push(reading);
            }
        }
    }
    rot47(scan, readings);
    keyed(scan, readings);
    pig_latin::read(scan, readings);
    sentence_backwards(scan, readings);
}

/// A run from the first of its lines on that is no clear language: words of a page that are rare begin a run, and what is
/// not to be read stands below them.
fn from_where_it_is_unclear(scan: &Scan<'_>, run: Range<usize>) -> Range<usize> {
    /// Lines that are looked at.
    const MOST: usize = 16;
    let is_clear = |range: &Range<usize>| {
        let text = scan.text.get(range.clone()).unwrap_or_default();
        LatinPairs::mean_of(sample_of(text)) >= CLEAR
    };
    if !is_clear(&run) {
        return run;
    }
    let parts = scan.parts();
    let inside = parts.partition_point(|part| part.range.start <= run.start);
    let starts = parts.iter().skip(inside).map(|part| &part.range).take_while(|part| part.start < run.end);
    let unclear = starts.take(MOST).find(|part| part.len() >= LEAST_LETTERS && !is_clear(part));
    unclear.map_or(run.clone(), |part| part.start..run.end)
}

/// The lines, or parts between tags, that a run stands in, where they are no more language than the run: a word
/// in fifty is known by chance, and ends it.
fn lines_around(scan: &Scan<'_>, run: &Range<usize>) -> Range<usize> {
    let parts = || scan.parts().iter().map(|part| &part.range);
    let start = parts().find(|part| part.end > run.start).map_or(run.start, |part| part.start.min(run.start));
    let end = parts().find(|part| part.end >= run.end).map_or(run.end, |part| part.end);
    let beside = scan.pieces.iter().filter(|piece| {
        piece.core().start >= start
            && piece.core().end <= end
            && (piece.core().end <= run.start || piece.core().start >= run.end)
    });
    let (mut known, mut unknown) = (0, 0);
    for piece in beside {
        match piece.kind {
            Kind::Known if piece.core().len() >= 3 => known += 1,
            Kind::Unknown | Kind::Mixed => unknown += 1,
            _ => {}
        }
    }
    if unknown >= known { start..end } else { run.clone() }
}

/// A range without what stands in front of it in clear and names the cipher: `Caesar 23:`, `rot13:`.
fn behind_hint(text: &str, whole: Range<usize>, how: Transform) -> Range<usize> {
    const LONGEST: usize = 48;
    let inside = text.get(whole.clone()).unwrap_or_default();
    let head = inside.get(..inside.floor_char_boundary(LONGEST)).unwrap_or(inside);
    let Some((hint, _)) = head.split_once(": ").filter(|(hint, _)| !hint.contains('\n')) else {
        return whole;
    };
    let is_clear = LatinPairs::mean_of(hint.as_bytes()) > LatinPairs::mean_of(plain(hint, how).as_bytes());
    let letters = hint.bytes().filter(u8::is_ascii_alphabetic).count();
    let start = whole.start + hint.len() + 2;
    if is_clear && letters >= 3 && start + LEAST_LETTERS < whole.end { start..whole.end } else { whole }
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
    scan.parts().iter().take(4096).filter(|part| !part.plain).find_map(|part| {
        // So far from poor that what follows its beginning does not change it.
        if part.order(scan.text).mean() >= POOR + 100 {
            return None;
        }
        let line = scan.text.get(part.range.clone())?;
        let line = line.get(..line.floor_char_boundary(2 * SAMPLE)).unwrap_or(line);
        let words = || line.split_whitespace();
        let lettered = words().filter(|word| {
            let core = word.trim_matches(|c: char| c.is_ascii_punctuation());
            !core.is_empty() && core.bytes().all(|b| b.is_ascii_alphabetic())
        });
        if lettered.clone().nth(LEAST_WORDS - 1).is_none() || lettered.count() * 10 < words().count() * 8 {
            return None;
        }
        let order = Order::of_start(line, usize::MAX);
        let start = line.as_ptr() as usize - scan.text.as_ptr() as usize;
        (order.pairs >= LEAST && order.mean() < POOR).then(|| start..start + line.len())
    })
}

/// Runs of mostly unknown words.
fn runs(scan: &Scan<'_>) -> Vec<Range<usize>> {
    /// What a piece of each kind says for a run, in the order of the kinds.
    const STEPS: [i32; 8] = {
        let mut steps = [0; 8];
        steps[Kind::Unknown as usize] = 1;
        steps[Kind::Known as usize] = -2;
        steps[Kind::Foreign as usize] = -1;
        steps
    };
    let mut runs = Vec::new();
    // A run from `start` on with its score, and the end of its best part with the score of that.
    let mut open: Option<(usize, i32, usize, i32)> = None;
    let mut close = |(start, _, end, best): (usize, i32, usize, i32)| {
        let length = end - start;
        if (best >= 2 || length >= 16) && length >= LEAST_LETTERS {
            runs.push(start..end);
        }
    };
    for piece in &scan.pieces {
        let step = STEPS.get(piece.kind as usize).copied().unwrap_or(0);
        match &mut open {
            Some((_, score, end, best)) => {
                *score += step;
                if *score < 0 {
                    open.take().into_iter().for_each(&mut close);
                } else if *score >= *best && step >= 0 {
                    *best = *score;
                    *end = piece.core().end;
                }
            }
            None if step >= 0 && piece.kind != Kind::Signs && piece.kind != Kind::Number => {
                open = Some((piece.core().start, step, piece.core().end, step));
            }
            None => {}
        }
    }
    open.into_iter().for_each(close);
    runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
    runs
}

/// The bytes of a run on which ciphers are first tried.
fn sample_of(text: &str) -> &[u8] {
    text.as_bytes().get(..text.len().min(SAMPLE)).unwrap_or_default()
}

/// What a run says, if one of the ciphers makes language of it: the best.
fn undone(text: &str) -> Option<Transform> {
    let pairs = LatinPairs::of(sample_of(text));
    undone_in(sample_of(text), &pairs, pairs.mean())
}

/// The same by its sample, its pairs of letters and their order.
fn undone_in(sample: &[u8], pairs: &LatinPairs, as_it_is: u32) -> Option<Transform> {
    if as_it_is >= CLEAR {
        return None;
    }
    let enough = pairs.len() >= LEAST_PAIRS as usize;
    let few_signs = sample.iter().filter(|b| b.is_ascii_punctuation()).count() * 6 <= sample.len();
    let known = LazyCell::new(|| Likeness::of(sample).known);
    let all_words = LazyCell::new(|| Words::of(sample));
    let mut best: Option<(u32, Transform)> = None;
    let mut consider = |how: Transform, mean: u32| {
        let letters = |b| match how {
            Transform::Caesar { shift } => shifted(b, shift),
            _ => mirror(b),
        };
        // Names in code and addresses are in no order of a language, and better in another by chance.
        let may_be_words = || few_signs || Likeness::of_turned(sample, letters).known > *known;
        let ordered = || enough && mean >= LANGUAGE && mean >= as_it_is + BETTER && may_be_words();
        let words = || mean >= WORDS && all_words.are_language_with(letters);
        if best.is_none_or(|(most, _)| mean > most) && (ordered() || words()) {
            best = Some((mean, how));
        }
    };
    for (way, mean) in (0u8..).zip(pairs.means_exchanged()).skip(1) {
        consider(if way < 26 { Transform::Caesar { shift: way } } else { Transform::Atbash }, mean);
    }
    best.map(|(_, how)| how)
}

/// Whether the middle of a long run is better with its letters exchanged as well: lines of code are in as poor an order,
/// and few of them are better by chance.
fn goes_on(text: &str, how: Transform) -> bool {
    if text.len() < 4 * SAMPLE {
        return true;
    }
    let middle =
        text.as_bytes().get(text.len() / 2..).and_then(|rest| rest.get(..SAMPLE)).unwrap_or_default();
    let exchanged: Vec<u8> = middle.iter().map(|b| exchange(*b, how)).collect();
    LatinPairs::mean_of(&exchanged) >= LatinPairs::mean_of(middle)
}

/// Whether a text is language once its letters are exchanged, and not before.
pub(super) fn is_cipher(text: &str) -> bool {
    undone(text).is_some()
}

/// A run that Atbash and Caesar's cipher went over both: it is a Caesar's cipher once it is mirrored.
fn mirrored(scan: &Scan<'_>, run: &Range<usize>) -> Option<Reading> {
    let text = scan.text.get(run.clone())?;
    let sample = text.get(..text.floor_char_boundary(SAMPLE))?;
    if LatinPairs::mean_of(sample.as_bytes()) >= LANGUAGE {
        return None;
    }
    undone(&plain(sample, Transform::Atbash))?;
    let whole = lines_around(scan, run);
    let said = plain(scan.text.get(whole.clone())?, Transform::Atbash);
    Some(Reading::guess(Transform::Atbash, vec![(whole, said)]))
}

/// A run that was typed beside the keys that were meant.
fn typed(scan: &Scan<'_>, run: &Range<usize>, mean: u32) -> Option<Reading> {
    let keys = typed::way(sample_of(scan.text.get(run.clone())?), mean)?;
    let whole = lines_around(scan, run);
    let said = typed::meant(scan.text.get(whole.clone())?, keys);
    Some(Reading::of(Transform::Keyboard, vec![(whole, said)]))
}

/// A run of a game of children.
fn spoken(scan: &Scan<'_>, run: &Range<usize>) -> Option<Reading> {
    inserted::without(scan.text.get(run.clone())?)?;
    let whole = lines_around(scan, run);
    let said = inserted::without(scan.text.get(whole.clone())?)?;
    Some(Reading::of(Transform::Inserted, vec![(whole, said)]))
}

/// A run whose letters were multiplied and moved on.
fn affine(scan: &Scan<'_>, run: &Range<usize>, mean: u32) -> Option<Reading> {
    const FACTORS: [u8; 10] = [3, 5, 7, 9, 11, 15, 17, 19, 21, 23];
    if mean >= LANGUAGE {
        return None;
    }
    let sample = sample_of(scan.text.get(run.clone())?);
    // The inverse of a factor is one of them, too.
    let letters = |factor: u8, shift: u8| {
        move |b: u8| {
            let times = |place: u8| (u16::from(place) * u16::from(factor) + u16::from(shift)) % 26;
            match b {
                b'a'..=b'z' => times(b - b'a') as u8 + b'a',
                b'A'..=b'Z' => times(b - b'A') as u8 + b'A',
                _ => b,
            }
        }
    };
    let words = Words::of(sample);
    let all = FACTORS.into_iter().flat_map(|factor| (0..26).map(move |shift| (factor, shift)));
    let (factor, shift) =
        all.into_iter().find(|(factor, shift)| words.are_language_with(letters(*factor, *shift)))?;
    let whole = lines_around(scan, run);
    let said = scan.text.get(whole.clone())?.chars().map(|c| as_byte(c, letters(factor, shift))).collect();
    Some(Reading::of(Transform::Affine, vec![(whole, said)]))
}

/// A run under a key word that stands near it.
fn stated(scan: &Scan<'_>, run: &Range<usize>, mean: u32) -> Option<Reading> {
    if mean >= keyword::CLEAR {
        return None;
    }
    let edit = keyword::undone(scan.text, scan.source, run, || lines_around(scan, run).end)?;
    Some(Reading::of(Transform::KeyWord, vec![edit]))
}

/// A run whose letters were moved on by more places from each to the next.
fn stepped(scan: &Scan<'_>, run: &Range<usize>, mean: u32) -> Option<Reading> {
    if mean >= LANGUAGE {
        return None;
    }
    // Where the steps were first counted is where its lines begin.
    let whole = lines_around(scan, run);
    let said = stepped::undone(scan.text.get(whole.clone())?);
    let (whole, said) = match said {
        Some(said) => (whole, said),
        None => (run.clone(), stepped::undone(scan.text.get(run.clone())?)?),
    };
    Some(Reading::of(Transform::Stepped, vec![(whole, said)]))
}

/// A run whose words had no vowels before their letters were exchanged.
fn bare(scan: &Scan<'_>, run: &Range<usize>) -> Option<Reading> {
    let how = beside::without_vowels(scan.text.get(run.clone())?)?;
    let whole = lines_around(scan, run);
    let said = plain(scan.text.get(whole.clone())?, how);
    Some(Reading::of(how, vec![(whole, said)]))
}

pub(super) fn plain(text: &str, how: Transform) -> String {
    text.chars().map(|c| as_byte(c, |b| exchange(b, how))).collect()
}

/// What a letter stands for; Atbash, unless it is Caesar's cipher.
#[inline]
pub(super) const fn exchange(b: u8, how: Transform) -> u8 {
    match how {
        Transform::Caesar { shift } => shifted(b, shift),
        _ => mirror(b),
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

/// Words cut apart by spaces, or written without any.
fn rejoined(text: &str) -> Option<String> {
    if !text.bytes().all(|b| b.is_ascii_alphabetic() || b.is_ascii_whitespace() || b == 0xb) {
        return None;
    }
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
    let long = scan.long().map(|(_, piece)| piece);
    let keys: Vec<_> = long.filter(|piece| piece.core().len() == 26 && is_key(scan.core(piece))).collect();
    let scrambled =
        |piece: &&&super::scan::Piece| !scan.core(piece).eq_ignore_ascii_case("abcdefghijklmnopqrstuvwxyz");
    for key in keys.iter().filter(scrambled).take(MOST_KEYS) {
        let alphabet = scan.core(key).to_ascii_lowercase().into_bytes();
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for (range, text) in behind(scan, &keys) {
            let as_it_is = Order::of_start(text, SAMPLE);
            let [there, back] = [false, true].map(|back| exchanged(text, &alphabet, back));
            let [one, two] = [&there, &back].map(|plain| Order::of_start(plain, SAMPLE).mean());
            let (mean, plain) = if one > two { (one, there) } else { (two, back) };
            if as_it_is.pairs >= 4 && mean >= as_it_is.mean() + BETTER {
                edits.push((range, plain));
            }
        }
        // What was exchanged may be no language; no text has such a word by chance.
        let longest = behind(scan, &keys).max_by_key(|(range, _)| range.len());
        if longest.is_some_and(|(range, _)| edits.iter().all(|(edit, _)| *edit != range)) {
            for back in [true, false] {
                let all = behind(scan, &keys).map(|(range, text)| (range, exchanged(text, &alphabet, back)));
                readings.push(Reading::guess(Transform::Keyed, all.collect()));
            }
        }
        if !edits.is_empty() {
            readings.push(Reading::of(Transform::Keyed, edits));
        }
    }
}

/// The lines of a text without alphabets, or what stands behind them.
fn behind<'t>(scan: &Scan<'t>, keys: &[&Piece]) -> impl Iterator<Item = (Range<usize>, &'t str)> {
    let lines = scan.lines().take(MOST_LINES);
    lines.filter_map(|(start, line)| {
        let whole = start..start + line.len();
        let ends = keys.iter().filter(|key| whole.contains(&key.core().start)).map(|key| key.core().end);
        let range = ends.max().map_or(whole.start, |end| end)..whole.end;
        Some((range.clone(), scan.text.get(range).filter(|text| !text.trim().is_empty())?))
    })
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
    let any_long =
        || scan.long().any(|(_, piece)| piece.kind == Kind::Mixed && piece.whole().len() >= SAMPLE);
    if scan.count(Kind::Mixed) + scan.count(Kind::Signs) < 3 && !any_long() {
        return;
    }
    let is_strange = |piece: &Piece| !matches!(piece.kind, Kind::Known | Kind::Foreign);
    let mut pieces = scan.pieces.iter().peekable();
    // As many runs of others stand between them.
    for _ in 0..128 {
        let Some(first) = pieces.find(|piece| is_strange(piece)) else { break };
        let mut span = first.whole();
        while let Some(piece) = pieces.next_if(|piece| is_strange(piece)) {
            span.end = piece.whole().end;
        }
        if span.len() < LEAST_LETTERS {
            continue;
        }
        let Some(text) = scan.text.get(span.clone()) else { continue };
        // Most runs have not so many letters when they are turned, nor two words.
        // It may begin with names.
        let half = text.as_bytes().get(text.len() / 2..).filter(|_| text.len() >= 2 * SAMPLE);
        let sample = |bytes: &[u8]| bytes.get(..bytes.len().min(SAMPLE)).unwrap_or_default().to_vec();
        let is_language =
            |bytes: &[u8]| Likeness::of_turned(bytes, turned).is_language() || is_ordered(bytes);
        let start = sample(text.as_bytes());
        let (mut letters, mut words, mut length) = (0, 0, 0);
        for b in &start {
            length = if turned(*b).is_ascii_alphabetic() { length + 1 } else { 0 };
            letters += usize::from(length > 0);
            words += usize::from(length == 3);
        }
        let may_be = letters >= LEAST_LETTERS - 1 && words >= 2;
        let is_percent = |code: &[u8]| matches!(code, [a, b, c] if turned(*a) == b'%' && turned(*b).is_ascii_digit() && turned(*c).is_ascii_alphanumeric());
        let encoded = || start.windows(3).filter(|code| is_percent(code)).count() >= 8;
        if (may_be || encoded())
            && (encoded() || is_language(&start) || half.is_some_and(|half| is_language(&sample(half))))
        {
            let plain = text.chars().map(|c| as_byte(c, turned)).collect();
            readings.push(Reading::of(Transform::Rot47, vec![(span, plain)]));
        }
    }
}

/// Whether printable characters are letters in the order of a language once they are turned, and were not before: of most
/// languages few words are known.
fn is_ordered(bytes: &[u8]) -> bool {
    let said: Vec<u8> = bytes.iter().map(|b| turned(*b)).collect();
    let letters = said.iter().filter(|b| b.is_ascii_alphabetic() || **b == b' ').count();
    let mean = LatinPairs::mean_of(&said);
    // Few letters among signs are in any order.
    let was = Order::of_latin(bytes);
    letters >= 2 * LEAST_LETTERS
        && letters * 10 >= said.len() * 8
        && mean >= CLEAR
        && (!was.has_words() || mean >= was.mean() + BETTER)
}

/// A printable character half their number on.
#[inline]
pub(super) const fn turned(b: u8) -> u8 {
    TURNED[b as usize]
}

static TURNED: [u8; 256] = {
    let mut turned = [0; 256];
    let mut at = 0;
    while at < 256 {
        let b = at as u8;
        turned[at] = if b.is_ascii_graphic() { (b - 33 + 47) % 94 + 33 } else { b };
        at += 1;
    }
    turned
};

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
        const HINTS: [&str; 9] = [
            "reverse",
            "reversed",
            "backwards",
            "backward",
            "rueckwaerts",
            "rückwärts",
            "al revés",
            "invers",
            "envers",
        ];
        scan.pieces.iter().filter(|p| (6..=12).contains(&p.core().len())).any(|p| {
            let word = scan.core(p);
            let first = word.bytes().next().unwrap_or_default() | 0x20;
            matches!(first, b'r' | b'b' | b'a' | b'i' | b'e')
                && HINTS.iter().any(|hint| hint.eq_ignore_ascii_case(word))
        })
    };
    if starts_with_stop || turned || says_so() {
        let words: Vec<&str> = scan.pieces.iter().rev().filter_map(|p| scan.text.get(p.whole())).collect();
        readings.push(Reading::of(Transform::WordOrder, vec![(0..scan.text.len(), words.join(" "))]));
    }
}
