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
    let blind: Vec<usize> =
        (0..words.len()).filter(|at| words.get(*at).is_some_and(|(_, blind)| *blind)).collect();
    let (Some(first), Some(last)) = (blind.first(), blind.last()) else { return };
    // The one that stands before the first may be meant.
    let part = words.get(first.saturating_sub(1)..=*last).unwrap_or_default();
    let others: Vec<&str> = part
        .iter()
        .filter(|(_, blind)| !blind)
        .filter_map(|(range, _)| scan.text.get(range.clone()))
        .collect();
    // A passage of nothing else is a passage of nothing else.
    let mixed = part.windows(2).filter(|pair| matches!(pair, [a, b] if a.1 != b.1)).count();
    if blind.len() < LEAST || others.len() < LEAST || mixed < part.len() / 3 {
        return;
    }
    if let (Some((start, _)), Some((end, _))) = (part.first(), part.last()) {
        readings.push(Reading::of(Transform::Inserted, vec![(start.start..end.end, others.join(" "))]));
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
        assert!(said(BLIND).is_empty());
        let text =
            format!("Our template begins with {BLIND} and it goes on with words of our own for a while");
        assert!(said(&text).is_empty());
    }
}
