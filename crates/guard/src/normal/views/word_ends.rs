//! Where words end that were written as numbers without the spaces between them: where one group of digits does, or where
//! another gap stands than between the others.

use super::spacing::is_coded;
use super::words::{Likeness, divided};

/// Fewest words.
const LEAST: usize = 3;
/// Most letters of a word on average.
const LONGEST: usize = 16;

/// `text` with a space where groups end whose ends in bytes are given, each with what stands behind it, unless it has
/// spaces already or the ends tell nothing about words: groups of one length are bytes or lines.
pub(super) fn in_words(text: &str, groups: &[(usize, &[u8])]) -> Option<String> {
    // What is another encoding is read as it stands: digits broken over lines have ends that say nothing.
    if text.contains([' ', '\n', '\t']) || is_coded(text) {
        return None;
    }
    let all: Vec<usize> = groups.iter().map(|(end, _)| *end).collect();
    if tells_words(&all) && all.len() * 2 < text.chars().count() {
        return parted(text, &all);
    }
    // Of two gaps the one that is there more often stands between letters.
    let gaps = || groups.iter().rev().skip(1).map(|(_, gap)| *gap);
    let first = gaps().next()?;
    let other = gaps().find(|gap| *gap != first)?;
    let count = |of: &[u8]| gaps().filter(|gap| *gap == of).count();
    let usual = if count(first) >= count(other) { first } else { other };
    let last = all.last().copied();
    let ends: Vec<usize> =
        groups.iter().filter(|(end, gap)| *gap != usual || Some(*end) == last).map(|(end, _)| *end).collect();
    if tells_words(&ends) { parted(text, &ends) } else { None }
}

/// Whether what ends there are words: some, of different lengths.
fn tells_words(ends: &[usize]) -> bool {
    let lengths = || ends.iter().scan(0, |before, end| Some(end - std::mem::replace(before, *end)));
    let differ = || {
        let first = lengths().next();
        lengths().take(ends.len().saturating_sub(1)).any(|length| Some(length) != first)
    };
    ends.len() >= LEAST && ends.last().is_some_and(|last| *last <= LONGEST * ends.len()) && differ()
}

fn parted(text: &str, ends: &[usize]) -> Option<String> {
    let mut words = Vec::with_capacity(ends.len());
    let mut at = 0;
    for end in ends {
        words.push(text.get(at..*end)?);
        at = *end;
    }
    words.push(text.get(at..)?);
    words.retain(|word| !word.is_empty());
    let said = words.join(" ");
    // Words that are told without these ends are not those that end there.
    let told_otherwise = || divided(&text.to_lowercase()).is_some();
    (Likeness::of(said.as_bytes()).is_language() || !told_otherwise()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_groups_do_or_where_another_gap_stands() {
        let each: Vec<(usize, &[u8])> = vec![(5, b" "), (8, b" "), (12, b" "), (18, b"")];
        assert_eq!(in_words("bringthebluefolder", &each).as_deref(), Some("bring the blue folder"));
        let gaps = "see.the.blue.box"
            .bytes()
            .enumerate()
            .map(|(at, b)| (at + 1, if b == b'.' { b"\n" } else { b"-" }));
        let gaps: Vec<(usize, &[u8])> = gaps.map(|(at, gap)| (at, &gap[..])).collect();
        assert_eq!(in_words("see.the.blue.box", &gaps).as_deref(), Some("see. the. blue. box"));
    }

    #[test]
    fn pieces_of_words_and_digits_are_no_words() {
        let groups: Vec<(usize, &[u8])> =
            vec![(3, b" "), (7, b" "), (10, b" "), (14, b" "), (17, b" "), (22, b"")];
        assert_eq!(in_words("ignoreallpreviousrules", &groups), None);
        let lines: Vec<(usize, &[u8])> = vec![(14, b"\n"), (30, b"\n"), (46, b"\n"), (52, b"")];
        assert_eq!(in_words("SWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnMgYW5kIHNl", &lines), None);
    }

    #[test]
    fn bytes_lines_and_texts_with_spaces_stay() {
        let bytes: Vec<(usize, &[u8])> = (1..10).map(|end| (end, &b" "[..])).collect();
        assert_eq!(in_words("seetheblu", &bytes), None);
        let lines: Vec<(usize, &[u8])> = vec![(4, b"\n"), (8, b"\n"), (10, b"")];
        assert_eq!(in_words("seetheblue", &lines), None);
        let words: Vec<(usize, &[u8])> = vec![(4, b" "), (8, b" "), (11, b"")];
        assert_eq!(in_words("see the blue", &words), None);
    }
}
