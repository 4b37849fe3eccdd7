//! Words between words: a text whose every second word says nothing.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

use super::scan::Scan;
use super::{Reading, Transform};

/// What printers put where the text is not there yet.
const BLIND: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna \
aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat duis aute irure in \
reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint occaecat cupidatat non proident sunt culpa qui \
officia deserunt mollit anim id est laborum";
/// Two of these are in every such text.
const MARKS: [&str; 6] = ["dolor", "tempor", "nulla", "minim", "magna", "velit"];
/// Fewest words of it, and of others.
const LEAST: usize = 8;
/// Words from one of them to the next.
const APART: usize = 4;

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| BLIND.split_ascii_whitespace().collect());

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let has = |mark: &&str| memmem::find(scan.text.as_bytes(), mark.as_bytes()).is_some();
    if MARKS.iter().filter(|mark| has(mark)).take(2).count() < 2 {
        return;
    }
    let is_blind = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        WORDS.contains(word.to_lowercase().as_str())
    };
    let mut words: Vec<(Range<usize>, bool)> = Vec::new();
    for piece in &scan.pieces {
        let range = piece.whole();
        let word = scan.text.get(range.clone()).unwrap_or_default();
        words.push((range, is_blind(word)));
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let blind: Vec<usize> =
        (0..words.len()).filter(|at| words.get(*at).is_some_and(|(_, blind)| *blind)).collect();
    // Some of the words are words of other languages: where they stand far apart, they are.
    for group in blind.chunk_by(|one, next| next - one <= APART) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        // The one that stands before the first may be meant.
        let part = words.get(first.saturating_sub(1)..=*last).unwrap_or_default();
        let others = part.iter().filter(|(_, blind)| !blind);
        let others: Vec<&str> = others.filter_map(|(range, _)| scan.text.get(range.clone())).collect();
        // A passage of nothing else is a passage of nothing else.
        let mixed = part.windows(2).filter(|pair| matches!(pair, [a, b] if a.1 != b.1)).count();
        if group.len() < LEAST || others.len() < LEAST || mixed < part.len() / 3 {
            continue;
        }
        if let (Some((start, _)), Some((end, _))) = (part.first(), part.last()) {
            edits.push((start.start..end.end, others.join(" ")));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Inserted, edits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_nothing_are_left_out() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        let words = "bring the blue folder to the second floor today";
        let blind = "dolor tempor nulla sit amet magna velit minim quis".split(' ');
        let text: String =
            words.split(' ').zip(blind).map(|(word, blind)| format!("{word} {blind} ")).collect();
        assert_eq!(said(&text).concat(), words);
        let before =
            "The office is in the old part of the city, and the people who work in it go home at five. "
                .repeat(4);
        assert_eq!(said(&format!("{before}\n{text}")).concat(), words);
        assert!(said(BLIND).is_empty());
        let text =
            format!("Our template begins with {BLIND} and it goes on with words of our own for a while");
        assert!(said(&text).is_empty());
    }
}
