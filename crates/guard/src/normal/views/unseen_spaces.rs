//! Spaces that are not what they seem: words between which only such stand that show nothing (U+200B), so that without
//! them all words are one; and letters between which narrow spaces stand and words between which usual ones do, so that
//! all are alike once every space is a space.

use std::ops::Range;

use memchr::memchr2_iter;

use super::has_no_spaces;

/// Fewest such spaces.
const LEAST: usize = 4;
/// Fewest letters between two of them on average, in tenths: between letters they part nothing.
const LETTERS: usize = 22;

/// Where a space belongs in a text that has such in the place of most others.
pub(super) fn places(source: &str) -> Vec<(Range<usize>, String)> {
    const SPACE: char = '\u{200b}';
    if source.matches(SPACE).take(LEAST).count() < LEAST {
        return Vec::new();
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut before, mut letters, mut rows) = (0, 0, 0);
    let mut spaces = source.match_indices(SPACE).map(|(at, space)| at..at + space.len()).peekable();
    while let Some(mut row) = spaces.next() {
        while let Some(next) = spaces.next_if(|next| next.start == row.end) {
            row.end = next.end;
        }
        rows += 1;
        let (left, right) = (source.get(before..row.start), source.get(row.end..));
        let left = left.and_then(|left| left.rsplit(char::is_whitespace).next()).unwrap_or_default();
        letters += left.chars().count();
        before = row.end;
        // Some scripts have no other spaces.
        let has_spaces = left.chars().next_back().is_some_and(|c| !has_no_spaces(c));
        if has_spaces
            && right.is_some_and(|right| !right.is_empty() && !right.starts_with(char::is_whitespace))
        {
            edits.push((row, " ".to_owned()));
        }
    }
    if edits.len() < LEAST || letters * 10 < rows * LETTERS { Vec::new() } else { edits }
}

/// Narrow spaces and their like between letters of words that usual spaces part: what is left without them.
pub(super) fn between_letters(source: &str) -> Vec<(Range<usize>, String)> {
    const FEWEST: usize = 8;
    let bytes = source.as_bytes();
    let mut spaces: Vec<Range<usize>> = Vec::new();
    let mut alone = 0;
    for at in memchr2_iter(0xc2, 0xe2, bytes) {
        let length = match bytes.get(at..) {
            Some([0xc2, 0xa0, ..]) => 2,
            Some([0xe2, 0x80, 0x80..=0x8a | 0xaf, ..] | [0xe2, 0x81, 0x9f, ..]) => 3,
            _ => continue,
        };
        // A letter, perhaps with a mark.
        let before = source.get(..at).unwrap_or_default().chars().rev().take(3);
        alone += usize::from((1..3).contains(&before.take_while(|c| !c.is_whitespace()).count()));
        spaces.push(at..at + length);
    }
    if spaces.len() < FEWEST || alone * 10 < spaces.len() * 8 {
        return Vec::new();
    }
    spaces.into_iter().map(|space| (space, String::new())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_spaces_between_letters_go_and_those_between_words_stay() {
        let without = |text: &str| {
            let mut said = text.to_owned();
            between_letters(text).into_iter().rev().for_each(|(range, _)| said.replace_range(range, ""));
            said
        };
        let text = "b\u{2009}r\u{2009}i\u{2009}n\u{2009}g t\u{2009}h\u{2009}e b\u{a0}l\u{a0}u\u{a0}e o\u{202f}n\u{202f}e";
        assert_eq!(without(text), "bring the blue one");
        let french = "Combien\u{202f}? Deux\u{202f}! Trois\u{a0}; quatre\u{a0}: cinq\u{202f}? six\u{202f}! sept\u{202f}! huit\u{202f}! neuf\u{202f}!";
        assert_eq!(without(french), french);
        let numbers = "10\u{2009}000\u{2009}000 and 5\u{2009}000 and 6\u{2009}200\u{2009}100 and 7\u{2009}000\u{2009}100\u{2009}000";
        assert_eq!(without(numbers), numbers);
    }

    #[test]
    fn they_part_words_and_not_letters() {
        assert_eq!(places("bring\u{200b}the\u{200b}blue\u{200b}folder\u{200b}to me").len(), 4);
        assert_eq!(
            places("bring\u{200b}\u{200b}the\u{200b}blue\u{200b}folder\u{200b}\u{200b}to me").len(),
            4
        );
        assert!(places("b\u{200b}r\u{200b}i\u{200b}n\u{200b}g it").is_empty());
        assert!(places("ไทย\u{200b}ไม่\u{200b}มี\u{200b}ช่อง\u{200b}ว่าง").is_empty());
        assert!(places("bring \u{200b}the \u{200b}blue \u{200b}folder \u{200b}to me").is_empty());
    }
}
