//! Digits and signs in place of letters: "1gn0r3", "p@$$w0rd".

use std::ops::Range;

use super::pairs::Order;
use super::scan::{Kind, Scan};
use super::words::known;
use super::{Reading, Transform};

/// Longest word.
const LONGEST: usize = 24;
/// What parts words of longer ones.
const PARTING: &[char] = &['/', '.', ':', '[', ']', '(', ')', '-', '_', ',', '='];
/// The order of letters, in hundredths of a level, from which they are language.
const LANGUAGE: u32 = 740;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut certain, mut inner) = (0, 0);
    let candidates = scan.pieces.iter().filter(|p| !matches!(p.kind, Kind::Foreign));
    if scan.count(Kind::Mixed) + scan.count(Kind::Signs) == 0
        && scan.count(Kind::Number) == 0
        && scan.has(b'@') + scan.has(b'$') == 0
    {
        return;
    }
    let words = candidates.flat_map(|piece| {
        let whole = scan.text.get(piece.whole.clone()).unwrap_or_default();
        // An address or a list is several words.
        let parts = if whole.len() > LONGEST { PARTING } else { &[] };
        whole.split(parts).map(|part| {
            let start = part.as_ptr() as usize - scan.text.as_ptr() as usize;
            let core = piece.core.start.clamp(start, start + part.len())
                ..piece.core.end.clamp(start, start + part.len());
            (start, part, core)
        })
    });
    for (at, whole, core_range) in words {
        let trimmed = whole
            .trim_end_matches([',', '.', ';', ':', '?', '"', ')', '\''])
            .trim_start_matches(['"', '(', '\'']);
        let core = scan.text.get(core_range.clone()).unwrap_or_default();
        if trimmed.len() > LONGEST || trimmed.is_empty() || trimmed.bytes().all(|b| b.is_ascii_alphabetic()) {
            continue;
        }
        let start = at + (trimmed.as_ptr() as usize - whole.as_ptr() as usize);
        let best = [(trimmed, start), (core, core_range.start)]
            .into_iter()
            .find_map(|(word, at)| Some((at..at + word.len(), decoded(word)?)));
        let Some((range, word)) = best else { continue };
        let has_letter =
            range.clone().any(|i| scan.text.as_bytes().get(i).is_some_and(u8::is_ascii_alphabetic));
        if word.len() >= 3 && has_letter && known(word.as_bytes()) {
            certain += if word.len() >= 6 { 2 } else { 1 };
        }
        // A digit between letters is one of them; at the end it counts something.
        inner += usize::from(has_letter && surrounded(scan.text.get(range.clone()).unwrap_or_default()));
        edits.push((range, word));
    }
    // Every third text has an "mp3" or "b2b" in it; of words in other languages many have to be like language.
    let language = || {
        let words = Order::of(edits.iter().flat_map(|(_, word)| word.chars().chain(std::iter::once(' '))));
        edits.len() >= 4 && inner >= 3 && words.mean() >= LANGUAGE
    };
    if certain >= 2 || language() {
        readings.push(Reading { how: Transform::Leet, edits });
    }
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
    if known(usual.as_bytes()) {
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
        if known(&reading) {
            return String::from_utf8(reading).ok();
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
