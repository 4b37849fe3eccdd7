//! Words between which only spaces stand that show nothing (U+200B): without them all words are one.

use std::ops::Range;

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

#[cfg(test)]
mod tests {
    use super::*;

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
