//! Makes `src/normal/views/lexicon.txt`, the words that slips of the finger and words without vowels are read
//! as:
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example learn_lexicon > crates/guard/src/normal/views/lexicon.txt
//! ```
//!
//! The words of orders in fourteen languages, as the guard's own generator gives them, and of the harmless texts
//! that use the same words; in their base form, without what is written without spaces. A line for each language,
//! that with the most words first: its name, and its words, the most frequent first.

#![allow(clippy::print_stdout, reason = "its output is the list")]

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_guard::detect::corpus::{self, Draw, Sample};
use proofhouse_guard::normal::{Budget, normalise};

/// Texts of each kind that are drawn.
const DRAWN: usize = 60_000;
/// Letters of a word.
const LETTERS: std::ops::RangeInclusive<usize> = 2..=18;
/// Fewest attacks, and fewest harmless texts, of a language that share a word.
const LEAST: (usize, usize) = (12, 60);

type Counts = BTreeMap<&'static str, BTreeMap<String, usize>>;

fn main() {
    let mut draw = Draw::new(1);
    let mut counts = counted((0..DRAWN).map(|_| corpus::attack(&mut draw)), LEAST.0);
    for (language, words) in counted((0..DRAWN).map(|_| corpus::benign(&mut draw)), LEAST.1) {
        let kept = counts.entry(language).or_default();
        for (word, n) in words {
            // What attacks are made of comes first.
            kept.entry(word).or_insert(n / 10);
        }
    }
    let mut languages: Vec<(&str, Vec<(String, usize)>)> =
        counts.into_iter().map(|(language, words)| (language, words.into_iter().collect())).collect();
    languages.sort_by_key(|(_, words)| std::cmp::Reverse(words.len()));
    for (language, mut words) in languages {
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let words: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
        if !words.is_empty() {
            println!("{language} {}", words.join(" "));
        }
    }
}

/// How many texts of a language have a word, where at least so many do.
fn counted(samples: impl Iterator<Item = Sample>, least: usize) -> Counts {
    let budget = Budget { depth: 0, ..Budget::default() };
    let mut counts = Counts::new();
    for sample in samples {
        let form = normalise(&sample.text, &budget);
        let spaced = |c: char| c.is_alphabetic() && !matches!(c, '\u{e00}'..='\u{eff}' | '\u{2e80}'..);
        let words: BTreeSet<&str> = form
            .text
            .split(|c: char| !c.is_alphabetic())
            .filter(|w| LETTERS.contains(&w.chars().count()) && w.chars().all(spaced))
            .collect();
        let counts = counts.entry(sample.language).or_default();
        for word in words {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    for words in counts.values_mut() {
        words.retain(|_, n| *n >= least);
    }
    counts
}
