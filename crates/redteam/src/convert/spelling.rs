//! Spelling that people and models read over.

use super::{Converter, Kind};
use crate::Dice;

pub(super) static LEET: Converter = Converter {
    id: "leet",
    title: "Digits and signs for letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        let swap = |c: char| match c.to_ascii_lowercase() {
            'a' => '4',
            'e' => '3',
            'i' => '1',
            'o' => '0',
            's' => '5',
            't' => '7',
            'b' => '8',
            _ => c,
        };
        text.chars().map(|c| if dice.chance(85) { swap(c) } else { c }).collect()
    },
    undo: None,
};

pub(super) static SPACED: Converter = Converter {
    id: "spaced",
    title: "A space between letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, _| apart(text, " ", "   "),
    undo: None,
};

pub(super) static DOTTED: Converter = Converter {
    id: "dotted",
    title: "A sign between letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        let sign = dice.text(&[".", "-", "_", "*", "·", "~"]);
        apart(text, sign, "  ")
    },
    undo: None,
};

fn apart(text: &str, between: &str, words: &str) -> String {
    let word = |w: &str| w.chars().map(String::from).collect::<Vec<_>>().join(between);
    text.split(' ').map(word).collect::<Vec<_>>().join(words)
}

pub(super) static TYPOS: Converter = Converter {
    id: "typos",
    title: "Slips of the finger: swapped, doubled, missing letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| text.split(' ').map(|w| slip(w, dice)).collect::<Vec<_>>().join(" "),
    undo: None,
};

fn slip(word: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 5 || !letters.iter().all(|c| c.is_alphabetic()) || !dice.chance(80) {
        return word.to_owned();
    }
    // First and last letters stay: people read by them.
    let at = 1 + dice.below(letters.len() - 3);
    match dice.below(3) {
        0 => letters.swap(at, at + 1),
        1 => {
            let doubled = letters.get(at).copied().unwrap_or('e');
            letters.insert(at, doubled);
        }
        _ => {
            letters.remove(at);
        }
    }
    letters.into_iter().collect()
}

pub(super) static CASES: Converter = Converter {
    id: "cases",
    title: "Capitals at random",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        text.chars()
            .map(|c| if dice.chance(50) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect()
    },
    undo: None,
};

pub(super) static VOWELS: Converter = Converter {
    id: "no-vowels",
    title: "Vowels inside words left out",
    kind: Kind::Spelling,
    hint: &["(I type without vowels, sorry.)"],
    convert: |text, _| {
        let word = |w: &str| {
            let last = w.chars().count().saturating_sub(1);
            let keeps = |(i, c): &(usize, char)| *i == 0 || *i == last || !"aeiou".contains(*c);
            w.chars().enumerate().filter(keeps).map(|(_, c)| c).collect::<String>()
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    },
    undo: None,
};
