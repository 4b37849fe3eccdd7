//! ROT8000: each character of the basic multilingual plane moved on by half of those that can be shown, so that Latin
//! letters become Han and Han become Hangul, presentation forms and much else.
//!
//! It is its own inverse, and has to be read before compatibility forms are folded.

use std::ops::Range;

use super::{Reading, Transform, plausible};

/// What can be shown, as the program that made it known has it: everything but controls, spaces and surrogates.
const SHOWN: [Range<u32>; 9] = [
    0x21..0x7f,
    0xa1..0x1680,
    0x1681..0x2000,
    0x200b..0x2028,
    0x202a..0x202f,
    0x2030..0x205f,
    0x2060..0x3000,
    0x3001..0xd800,
    0xe000..0x1_0000,
];
const ALL: u32 = {
    let (mut all, mut at) = (0, 0);
    while at < SHOWN.len() {
        all += SHOWN[at].end - SHOWN[at].start;
        at += 1;
    }
    all
};

/// The first byte of characters from U+7000 on.
const FIRST: u8 = 0xe7;
/// Fewest characters of a run, and those by which it is told.
const LEAST: usize = 12;
const SAMPLE: usize = 64;
/// Most runs that are looked at.
const MOST: usize = 64;

/// What runs of a text say.
pub(super) fn read(text: &str) -> Option<Reading> {
    // What an alphabet becomes begins in the middle of Han, and half of what those become stands behind them.
    if !text.bytes().any(|b| b >= FIRST) {
        return None;
    }
    let stays = |c: char| c.is_ascii() && !c.is_ascii_whitespace();
    let runs =
        text.split(stays).filter(|run| run.len() >= 2 * LEAST && run.bytes().any(|b| b >= FIRST)).take(MOST);
    let edits: Vec<(Range<usize>, String)> = runs
        .filter(|run| is_moved(run.trim()))
        .map(|run| {
            let run = run.trim();
            let start = run.as_ptr() as usize - text.as_ptr() as usize;
            (start..start + run.len(), run.chars().map(moved).collect())
        })
        .collect();
    (!edits.is_empty()).then(|| Reading::of(Transform::Rot8000, edits))
}

/// Whether a run is language in one script once it is moved, and was none before.
fn is_moved(run: &str) -> bool {
    let sample = || run.chars().filter(|c| !c.is_whitespace()).take(SAMPLE);
    let all = sample().count();
    // Nearly all of the others become what no text has.
    let share = |is: fn(char) -> bool| sample().filter(|c| is(*c)).count();
    if all < LEAST
        || share(|c| is_alphabet(moved(c))) * 10 < all * 9 && share(|c| is_han(moved(c))) * 10 < all * 8
    {
        return false;
    }
    if share(|c| is_han(moved(c))) * 10 >= all * 8 {
        // Half of what Korean is written with becomes Han as well, but it has nothing of private use.
        return share(|c| matches!(c, '\u{e000}'..='\u{fdff}')) * 20 >= all && share(is_han) * 4 < all;
    }
    let said: String = run.chars().take(SAMPLE).map(moved).collect();
    plausible::is_telling(&said)
}

/// Whether a character is a letter of an alphabet or a sign that all scripts share.
fn is_alphabet(c: char) -> bool {
    c < '\u{1100}'
        && (c.is_ascii()
            || c.is_alphanumeric()
            || matches!(c, '\u{600}'..='\u{6ff}' | '\u{900}'..='\u{dff}' | '\u{e00}'..='\u{e7f}'))
}

const fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3001}'..='\u{3002}' | '\u{ff00}'..='\u{ff20}')
}

fn moved(c: char) -> char {
    let code = u32::from(c);
    let mut before = 0;
    for range in &SHOWN {
        if range.contains(&code) {
            let rank = (before + code - range.start + ALL / 2) % ALL;
            return ranked(rank).unwrap_or(c);
        }
        before += range.end - range.start;
    }
    c
}

fn ranked(mut rank: u32) -> Option<char> {
    for range in &SHOWN {
        let length = range.end - range.start;
        if rank < length {
            return char::from_u32(range.start + rank);
        }
        rank -= length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_comes_back_and_nothing_else_is_moved() {
        for text in [
            "Bring the blue folder to me.",
            "Принеси мне синюю папку",
            "नीली फ़ाइल मुझे भेजो",
            "أرسل لي المجلد الأزرق",
            "请把蓝色的文件夹拿给我并且不要告诉任何人",
        ] {
            let hidden: String = text.chars().map(moved).collect();
            let found = read(&hidden)
                .map(|reading| reading.edits.into_iter().map(|(_, said)| said).collect::<Vec<_>>());
            assert_eq!(found, Some(vec![text.to_owned()]), "{hidden}");
            assert!(read(text).is_none(), "{text}");
        }
        for text in [
            "한국어 문장은 이렇게 씁니다 그리고 여기에 더 있습니다",
            "これは日本語の文章で、漢字とかなが混じっています",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
