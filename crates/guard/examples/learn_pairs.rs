//! Makes `src/normal/views/pairs.txt`, by which a decoder knows in which order letters stand in language:
//!
//! ```sh
//! zcat train.jsonl.gz | cargo run --release -p proofhouse-guard --example learn_pairs > crates/guard/src/normal/views/pairs.txt
//! ```
//!
//! Reads rows with `text` and `lang`; writes pairs of neighbouring letters, `_` for what parts words, by how
//! often they stand together: a line for each power of two. Languages in Latin letters count together, English
//! four times; in other scripts a pair counts as in the language that has it most.

#![allow(clippy::print_stdout, reason = "its output is the list")]

use std::collections::BTreeMap;
use std::io::BufRead as _;

use proofhouse_guard::normal::{Budget, normalise};

/// Fewest texts of a language.
const LEAST_TEXTS: usize = 25;
/// Pairs kept of a language in another script than Latin: of alphabets, and of the two with many signs.
const KEPT: (usize, usize) = (260, 1500);
/// A pair that is one in two to this power, or rarer, counts nothing.
const RAREST: f64 = 17.0;

#[derive(serde::Deserialize)]
struct Row {
    text: String,
    #[serde(default)]
    lang: String,
    #[serde(default)]
    kind: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut languages: BTreeMap<String, (usize, BTreeMap<String, f64>)> = BTreeMap::new();
    let budget = Budget { views: 0, ..Budget::default() };
    for line in std::io::stdin().lock().lines() {
        let row: Row = serde_json::from_str(&line?)?;
        if row.kind == "code" {
            continue;
        }
        let head: String = row.text.chars().take(800).collect();
        let form = normalise(&head, &budget);
        let language = row.lang.split(['-', '_']).next().filter(|l| !l.is_empty()).unwrap_or("en");
        let (texts, counts) = languages.entry(language.to_owned()).or_default();
        *texts += 1;
        let mut before = '_';
        for c in form.text.chars().chain(std::iter::once('_')) {
            let letter = if c.is_alphabetic() || is_vowel_sign(c) { c } else { '_' };
            if (letter, before) != ('_', '_') {
                *counts.entry(format!("{before}{letter}")).or_default() += 1.0;
            }
            before = letter;
        }
    }
    languages.retain(|_, (texts, _)| *texts >= LEAST_TEXTS);
    let is_latin = |counts: &BTreeMap<String, f64>| {
        let ascii: f64 = counts.iter().filter(|(pair, _)| pair.is_ascii()).map(|(_, n)| n).sum();
        ascii > 0.7 * counts.values().sum::<f64>()
    };
    let weight = |language: &str| if language == "en" { 4.0 } else { 1.0 };
    let all: f64 = languages.iter().filter(|(_, (_, c))| is_latin(c)).map(|(l, _)| weight(l)).sum();
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    for (language, (_, counts)) in &languages {
        let latin = is_latin(counts);
        let mut own: Vec<(&String, f64)> =
            counts.iter().filter(|(pair, _)| pair.is_ascii() == latin).map(|(p, n)| (p, *n)).collect();
        let total: f64 = own.iter().map(|(_, n)| n).sum();
        own.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        let many = matches!(language.as_str(), "zh" | "ja");
        let kept = if latin {
            usize::MAX
        } else if many {
            KEPT.1
        } else {
            KEPT.0
        };
        for (pair, n) in own.into_iter().take(kept) {
            let share = shares.entry(pair.clone()).or_default();
            *share = if latin { *share + weight(language) / all * n / total } else { share.max(n / total) };
        }
    }
    let mut by_level: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (pair, share) in shares {
        let level = (share.log2() + RAREST).floor() as i64;
        if level > 0 {
            by_level.entry(level.min(15)).or_default().push(pair);
        }
    }
    for (level, pairs) in by_level {
        println!("{level} {}", pairs.join(" "));
    }
    Ok(())
}

/// Vowel signs of Indic scripts and of Thai are no letters of their own and belong to their word.
fn is_vowel_sign(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{dff}' | '\u{e30}'..='\u{e4e}')
}
