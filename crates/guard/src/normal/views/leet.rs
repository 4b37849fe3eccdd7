//! Digits and signs in place of letters: "1gn0r3", "p@$$w0rd".

use std::ops::Range;

use super::lexicon::is_word;
use super::pairs::Order;
use super::scan::{Kind, Piece, Scan};
use super::{Reading, Transform, telling};

/// Longest word.
const LONGEST: usize = 24;
/// What parts words of longer ones, and most parts that are read.
const MOST_PARTS: usize = 64;
const PARTING: &[char] = &['/', '.', ':', '[', ']', '(', ')', '-', '_', ',', '='];
/// The order of letters, in hundredths of a level, from which they are language.
const LANGUAGE: u32 = 740;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String, Tells)> = Vec::new();
    let candidates = scan.pieces.iter().filter(|p| !matches!(p.kind, Kind::Foreign));
    if scan.count(Kind::Mixed) + scan.count(Kind::Signs) == 0
        && scan.count(Kind::Number) == 0
        && scan.has(b'@') + scan.has(b'$') == 0
    {
        return;
    }
    // Letters and no sign beside them stand for themselves.
    let candidates = candidates.filter(|p| !(p.plain && p.core == p.whole));
    for piece in candidates {
        let whole = scan.text.get(piece.whole.clone()).unwrap_or_default();
        if whole.len() <= LONGEST
            && let Some(edit) = read_as(scan, piece.whole.start, whole, piece)
        {
            edits.push(edit);
            continue;
        }
        // An address or a list is several words.
        let mut at = piece.whole.start;
        for part in whole.split(PARTING).take(if whole.contains(PARTING) { MOST_PARTS } else { 0 }) {
            edits.extend(read_as(scan, at, part, piece));
            at += part.len() + 1;
        }
    }
    // Every third text has an "mp3" or "b2b" in it; of words in other languages many have to be like language.
    let edits = telling(edits, |near| {
        let certain: usize = near.iter().map(|(.., tells)| tells.certain).sum();
        let inner = near.iter().filter(|(.., tells)| tells.inner).count();
        let language = || {
            let words = near.iter().flat_map(|(_, word, _)| word.chars().chain(std::iter::once(' ')));
            near.len() >= 4 && inner >= 3 && Order::of(words).mean() >= LANGUAGE
        };
        certain >= 2 || language()
    });
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Leet, edits));
    }
}

/// What stands at `at`, all of a piece or a part of it, in letters.
fn read_as(scan: &Scan<'_>, at: usize, whole: &str, piece: &Piece) -> Option<(Range<usize>, String, Tells)> {
    let core = piece.core.start.clamp(at, at + whole.len())..piece.core.end.clamp(at, at + whole.len());
    let trimmed = whole
        .trim_end_matches([',', '.', ';', ':', '?', '"', ')', '\''])
        .trim_start_matches(['"', '(', '\'']);
    if trimmed.len() > LONGEST || trimmed.is_empty() || trimmed.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let start = at + (trimmed.as_ptr() as usize - whole.as_ptr() as usize);
    let (range, word) = [(trimmed, start), (scan.text.get(core.clone()).unwrap_or_default(), core.start)]
        .into_iter()
        .find_map(|(word, at)| Some((at..at + word.len(), decoded(word)?)))?;
    let has_letter = range.clone().any(|i| scan.text.as_bytes().get(i).is_some_and(u8::is_ascii_alphabetic));
    let certain = match word.len() {
        3.. if !has_letter || !is_word(&word) => 0,
        6.. => 2,
        3.. => 1,
        _ => 0,
    };
    // A digit between letters is one of them; at the end it counts something.
    let inner = has_letter && surrounded(scan.text.get(range.clone()).unwrap_or_default());
    Some((range, word, Tells { certain, inner }))
}

/// How far a word speaks for leetspeak.
#[derive(Clone, Copy)]
struct Tells {
    certain: usize,
    inner: bool,
}

/// Whether something that is no letter stands between letters.
fn surrounded(word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic();
    word.trim_start_matches(|c| !letter(c)).trim_end_matches(|c| !letter(c)).contains(|c| !letter(c))
}

/// What a word of leetspeak may stand for: a known word if one of its readings is one, else the most usual
/// reading; nothing, if a character stands for no letter or none stands for another.
fn decoded(word: &str) -> Option<String> {
    let mut usual = String::with_capacity(word.len());
    let mut changed = false;
    for b in word.bytes() {
        let letter = letters(b)?.first()?;
        changed |= *letter != b.to_ascii_lowercase();
        usual.push(char::from(*letter));
    }
    if !changed {
        return None;
    }
    if is_word(&usual) {
        return Some(usual);
    }
    let choices: usize = word.bytes().map(|b| letters(b).map_or(1, <[u8]>::len)).take(16).product();
    for choice in 1..choices.min(64) {
        let mut rest = choice;
        let reading: Vec<u8> = word
            .bytes()
            .filter_map(|b| {
                let letters = letters(b)?;
                let letter = letters.get(rest % letters.len());
                rest /= letters.len();
                letter.copied()
            })
            .collect();
        if let Some(word) = String::from_utf8(reading).ok().filter(|word| is_word(word)) {
            return Some(word);
        }
    }
    Some(usual)
}

/// The letters a character may stand for, the most usual first.
fn letters(b: u8) -> Option<&'static [u8]> {
    const PLAIN: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
    Some(match b {
        b'0' => b"o",
        b'1' => b"il",
        b'2' => b"z",
        b'3' => b"e",
        b'4' | b'@' => b"a",
        b'5' | b'$' => b"s",
        b'6' => b"gb",
        b'7' => b"tl",
        b'8' => b"b",
        b'9' => b"gq",
        b'!' => b"il",
        b'|' => b"li",
        b'+' => b"t",
        b'(' | b'<' | b'{' => b"c",
        b'#' => b"h",
        b'^' => b"a",
        b'%' => b"x",
        _ => {
            let index = usize::from(b.to_ascii_lowercase().checked_sub(b'a')?);
            PLAIN.get(index..=index)?
        }
    })
}
