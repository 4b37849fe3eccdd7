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
use crate::link::percent_decoded;
use crate::normal::{Budget, normalise};

/// Letters and digits in a row that count as the same text.
const RUN: usize = 12;
/// Letters and digits of a word with a digit that counts by itself.
const WORD: usize = 5;

/// What a text carries of what is private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried<'a> {
    /// Nothing that can be recognised.
    Nothing,
    /// Something of this text.
    From(&'a Step),
    /// The text can be read in more ways than are tried.
    Unclear,
}

impl<'a> Carried<'a> {
    /// The text it was taken from.
    pub const fn step(self) -> Option<&'a Step> {
        match self {
            Self::From(step) => Some(step),
            Self::Nothing | Self::Unclear => None,
        }
    }
}

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

    /// What of it is carried in `text`, encoded or not.
    pub fn carried_in(&self, text: &str) -> Carried<'_> {
        if self.steps.is_empty() || text.is_empty() {
            return Carried::Nothing;
        }
        let (views, all) = views(text);
        let first = views.iter().filter_map(|view| self.stands_in(view)).min();
        match first.and_then(|index| self.steps.get(index)) {
            Some(step) => Carried::From(step),
            None if all => Carried::Nothing,
            None => Carried::Unclear,
        }
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

/// What a text can be read as, also backwards and with its pieces joined, as a code may be cut up into the
/// labels of a host or into lines; and whether that was all.
fn views(text: &str) -> (Vec<String>, bool) {
    let mut plain = vec![text.to_owned()];
    for _ in 0..3 {
        let decoded = percent_decoded(plain.last().map_or("", String::as_str)).into_owned();
        if !plain.contains(&decoded) {
            plain.push(decoded);
        }
    }
    let mut views: Vec<String> = plain.iter().map(|text| text.chars().rev().collect()).collect();
    let mut all = true;
    for text in &plain {
        let joined: String =
            text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/')).collect();
        for source in [text, &joined] {
            let form = normalise(source, &Budget::default());
            all &= !form.truncated;
            views.extend(form.texts().map(str::to_owned));
        }
    }
    views.extend(plain);
    (views, all)
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
            "YXR0YWNr.IGF0IGRh.d24",
            "61747461636b206174206461776e",
            "attack%20at%20dawn",
            "nwad ta kcatta",
            "a t t a c k  a t  d a w n",
            "NjE3NDc0NjE2MzZiMjA2MTc0MjA2NDYxNzc2ZQ==",
            "%59%58%52%30%59%57%4e%72%49%47%46%30%49%47%52%68%64%32%34",
        ] {
            let (views, all) = views(text);
            let seen =
                views.iter().any(|view| fold(view).iter().collect::<String>().contains("attackatdawn"));
            assert!(seen && all, "{text}: {views:?}");
        }
    }
}
