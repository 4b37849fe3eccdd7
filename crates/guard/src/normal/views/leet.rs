//! Digits and signs in place of letters: "1gn0r3", "p@$$w0rd".

use std::ops::Range;

use super::scan::{Kind, Scan};
use super::words::known;
use super::{Reading, Transform};

/// Longest word.
const LONGEST: usize = 24;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut certain = 0;
    let candidates = scan.pieces.iter().filter(|p| !matches!(p.kind, Kind::Foreign));
    if scan.count(Kind::Mixed) + scan.count(Kind::Signs) == 0
        && scan.count(Kind::Number) == 0
        && scan.has(b'@') + scan.has(b'$') == 0
    {
        return;
    }
    for piece in candidates {
        let whole = scan.text.get(piece.whole.clone()).unwrap_or_default();
        let trimmed = whole
            .trim_end_matches([',', '.', ';', ':', '?', '"', ')', '\''])
            .trim_start_matches(['"', '(', '\'']);
        let core = scan.core(piece);
        if trimmed.len() > LONGEST || trimmed.is_empty() || trimmed.bytes().all(|b| b.is_ascii_alphabetic()) {
            continue;
        }
        let start = piece.whole.start + (trimmed.as_ptr() as usize - whole.as_ptr() as usize);
        let best = [(trimmed, start), (core, piece.core.start)]
            .into_iter()
            .find_map(|(word, at)| Some((at..at + word.len(), decoded(word)?)));
        let Some((range, word)) = best else { continue };
        let has_letter =
            range.clone().any(|i| scan.text.as_bytes().get(i).is_some_and(u8::is_ascii_alphabetic));
        if word.len() >= 3 && has_letter && known(word.as_bytes()) {
            certain += if word.len() >= 6 { 2 } else { 1 };
        }
        edits.push((range, word));
    }
    // Every third text has an "mp3" or "b2b" in it.
    if certain >= 2 {
        readings.push(Reading { how: Transform::Leet, edits });
    }
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
