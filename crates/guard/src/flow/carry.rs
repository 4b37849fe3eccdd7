//! Whether private data is carried in a text: what stands in private segments and nowhere else in context is
//! looked for in the text and in what can be decoded from it.
//!
//! Compared are runs of [`RUN`] letters and digits, folded to lower case with everything else left out, and
//! single words that hold a digit and are long enough to name something. So a sentence is recognised
//! however it is spaced, punctuated or capitalised, and an account number wherever it stands. What the user
//! said and what is public is no secret here, also where a private text repeats it.
//!
//! A paraphrase is not recognised by any comparison. That is why the boundary does not rest on this rule:
//! with untrusted text in context an outbound effect needs a person whatever it carries.

use std::collections::HashMap;

use proofhouse_dialogue::{Origin, Secrecy};

use super::Step;
use super::context::{Context, Seen};
use super::provenance::words;

/// Letters and digits in a row that count as the same text.
const RUN: usize = 12;
/// Letters and digits of a word with a digit that counts by itself.
const WORD: usize = 5;
/// Bytes that are decoded from one text, over all views.
const MAX_DECODED: usize = 1 << 20;
/// How often decoding is repeated.
const MAX_DEPTH: usize = 3;

/// What is private in a conversation.
#[derive(Debug, Default)]
pub(super) struct Private {
    runs: HashMap<u64, usize>,
    words: HashMap<String, usize>,
    steps: Vec<Step>,
}

impl Private {
    pub fn of(context: &Context<'_>) -> Self {
        let mut private = Self::default();
        for seen in context.sources().filter(|seen| is_private(seen)) {
            let index = private.steps.len();
            private.steps.push(seen.step.clone());
            let folded = fold(seen.text);
            for run in runs(&folded) {
                private.runs.entry(run).or_insert(index);
            }
            // A text shorter than a run is compared whole.
            if (WORD..RUN).contains(&folded.len()) {
                private.words.entry(folded.iter().collect()).or_insert(index);
            }
            for word in telling_words(seen.text) {
                private.words.entry(word).or_insert(index);
            }
        }
        for seen in context.sources().filter(|seen| !is_private(seen)) {
            let folded = fold(seen.text);
            for run in runs(&folded) {
                private.runs.remove(&run);
            }
            for word in telling_words(seen.text) {
                private.words.remove(&word);
            }
        }
        private
    }

    /// The first private text of which something is carried in `text`, encoded or not.
    pub fn carried_in(&self, text: &str) -> Option<&Step> {
        if self.steps.is_empty() {
            return None;
        }
        views(text)
            .iter()
            .filter_map(|view| self.stands_in(view))
            .min()
            .and_then(|index| self.steps.get(index))
    }

    fn stands_in(&self, view: &str) -> Option<usize> {
        let folded = fold(view);
        let whole: String = folded.iter().take(RUN).collect();
        let by_run = runs(&folded).filter_map(|run| self.runs.get(&run)).min();
        let by_word = telling_words(view).filter_map(|word| self.words.get(&word).copied()).min();
        by_run.copied().into_iter().chain(by_word).chain(self.words.get(&whole).copied()).min()
    }
}

fn is_private(seen: &Seen<'_>) -> bool {
    seen.step.label.secrecy == Secrecy::Private && seen.step.label.origin != Origin::User
}

fn fold(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Hashes of all runs. A collision makes a text look private that is not, or the reverse by chance alone:
/// whoever writes public text does not know what is private.
fn runs(folded: &[char]) -> impl Iterator<Item = u64> {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    folded.windows(RUN).map(|window| {
        window
            .iter()
            .fold(0_u64, |hash, c| (hash ^ u64::from(u32::from(*c))).wrapping_mul(FACTOR).rotate_left(29))
    })
}

/// Words with a digit, folded.
fn telling_words(text: &str) -> impl Iterator<Item = String> {
    words(text)
        .map(|word| fold(word).into_iter().collect::<String>())
        .filter(|word| word.chars().count() >= WORD && word.chars().any(char::is_numeric))
}

/// A text and what can be decoded from it: percent escapes, base64, hexadecimal, reversal, nested.
pub(super) fn views(text: &str) -> Vec<String> {
    let mut views = vec![text.to_owned(), text.chars().rev().collect()];
    let mut budget = MAX_DECODED;
    let mut from = 0;
    for _ in 0..MAX_DEPTH {
        let level: Vec<String> =
            views.get(from..).unwrap_or_default().iter().flat_map(|view| decoded(view)).collect();
        from = views.len();
        for view in level {
            if view.len() > budget || views.contains(&view) {
                continue;
            }
            budget -= view.len();
            views.push(view);
        }
        if from == views.len() {
            break;
        }
    }
    views
}

fn decoded(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.contains('%') {
        found.extend(readable(percent(text)));
    }
    // Encoded text may be cut into pieces, as labels of a host or lines; so also all pieces joined.
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    let pieces = text.split(|c: char| !is_code(c)).filter(|piece| piece.len() >= 8);
    let joined: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/')).collect();
    for piece in pieces.take(64).map(str::to_owned).chain([joined]) {
        found.extend(hexadecimal(&piece).and_then(readable));
        // The code may start anywhere in what it is glued to.
        for skip in 0..4 {
            found.extend(piece.get(skip..).and_then(base64).and_then(readable));
        }
    }
    found
}

/// Text that a person or a program could read: mostly printable.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let odd = text.chars().filter(|c| *c == '\u{fffd}' || (c.is_control() && !c.is_whitespace())).count();
    (text.len() >= 4 && odd * 4 <= text.chars().count()).then_some(text)
}

fn percent(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if nibble(*a).is_some() && nibble(*b).is_some() => {
                bytes.push(nibble(*a).unwrap_or(0) << 4 | nibble(*b).unwrap_or(0));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.bytes().filter(|b| *b != b'-' && *b != b'_').map(nibble).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

const fn nibble(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

/// Base64 in either alphabet, padded or not; what is left over at the end is dropped.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for c in text.bytes().filter(|b| *b != b'=') {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_seen() {
        for text in [
            "attack at dawn",
            "YXR0YWNrIGF0IGRhd24=",
            "x=YXR0YWNrIGF0IGRhd24",
            "YXR0YWNr.IGF0IGRh.d24.evil.example",
            "61747461636b206174206461776e",
            "attack%20at%20dawn",
            "nwad ta kcatta",
            "NjE3NDc0NjE2MzZiMjA2MTc0MjA2NDYxNzc2ZQ==",
            "%59%58%52%30%59%57%4e%72%49%47%46%30%49%47%52%68%64%32%34",
        ] {
            let seen =
                views(text).iter().any(|view| fold(view).iter().collect::<String>().contains("attackatdawn"));
            assert!(seen, "{text}: {:?}", views(text));
        }
    }

    #[test]
    fn decoding_is_bounded() {
        let bytes: usize = views(&"QUFB".repeat(100_000)).iter().map(String::len).sum();
        assert!(bytes <= 2 * 400_000 + MAX_DECODED);
    }
}
