//! Makes `src/normal/views/words.txt`, the words by which a decoder knows that text came out:
//!
//! ```sh
//! zcat train.jsonl.gz | cargo run --release -p proofhouse-guard --example learn_words > crates/guard/src/normal/views/words.txt
//! ```
//!
//! Reads rows with `text` and `lang`; writes, one a line and sorted, the Latin-script words that most texts
//! of a language share. Words are counted once a text, in their base form.

#![allow(clippy::print_stdout, reason = "its output is the list")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead as _;

use proofhouse_guard::normal::{Budget, normalise};

/// Words kept of English, and of each other language.
const KEPT: (usize, usize) = (3_200, 260);
/// Fewest texts that share a word.
const LEAST_TEXTS: usize = 4;

#[derive(serde::Deserialize)]
struct Row {
    text: String,
    #[serde(default)]
    lang: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut languages: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let budget = Budget { views: 0, ..Budget::default() };
    for line in std::io::stdin().lock().lines() {
        let row: Row = serde_json::from_str(&line?)?;
        let form = normalise(&row.text, &budget);
        let words: BTreeSet<&str> = form
            .text
            .split(|c: char| !c.is_alphabetic())
            .filter(|w| (2..=14).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase()))
            .collect();
        let counts = languages.entry(row.lang).or_default();
        for word in words {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for (language, counts) in languages {
        let mut rows: Vec<(usize, String)> =
            counts.into_iter().map(|(w, n)| (n, w)).filter(|(n, _)| *n >= LEAST_TEXTS).collect();
        rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let most = if language == "en" { KEPT.0 } else { KEPT.1 };
        kept.extend(rows.into_iter().take(most).map(|(_, w)| w));
    }
    for word in kept {
        println!("{word}");
    }
    Ok(())
}
