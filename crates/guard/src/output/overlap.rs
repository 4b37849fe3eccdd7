//! Confidential text repeated verbatim: a suffix automaton over words.
//!
//! A prompt is extracted with or without its canary, so the text itself is the pattern. Words are compared
//! without case, and what stands between them (spaces, punctuation, markup) does not count. The automaton
//! (Blumer et al. 1985) accepts every run of consecutive words of the texts, so one walk from a word tells
//! how many words from there on are repeated.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use proofhouse_core::Severity;

use super::look::{Further, Hit, Look, Open, Step};
use super::{Action, ConfidentialError, OutputRule, Overlap};

/// Most words of all texts together.
pub(super) const MAX_WORDS: usize = 1 << 16;
/// Longest word compared as one; longer ones are several.
const WORD_BYTES: usize = 64;
/// Most bytes between two words.
const GAP_BYTES: usize = 32;
/// A text shorter than the limit is protected as a whole from this many words and bytes on.
const WHOLE: Overlap = Overlap { words: 4, bytes: 20 };

pub(super) static RULES: &[OutputRule] =
    &[OutputRule::new("overlap/verbatim", "Confidential text repeated", Severity::Critical, Action::Block)];

/// All confidential texts of a conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    names: Vec<String>,
    /// What may be repeated of each text.
    limits: Vec<Overlap>,
    states: Vec<State>,
    /// The root's transitions, of which there are as many as different words.
    first: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    last: u32,
    words: usize,
}

/// Words are hashes already.
#[derive(Debug, Clone, Copy, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Sorted by word.
    next: Vec<(u64, u32)>,
    length: u32,
    link: Option<u32>,
    /// A text that contains it.
    text: u32,
    /// A text shorter than its limit that ends here, and its number of words.
    whole: Option<(usize, u32)>,
}

const ROOT: u32 = 0;

impl Texts {
    pub(super) fn add(&mut self, name: &str, text: &str, limit: Overlap) -> Result<(), ConfidentialError> {
        let words: Vec<Word> = all_words(text).collect();
        if self.words + words.len() > MAX_WORDS {
            return Err(ConfidentialError::TooMuchText);
        }
        let whole = Overlap { words: words.len(), bytes: words.iter().map(|w| w.bytes).sum() };
        if whole.words < WHOLE.words.min(limit.words) || whole.bytes < WHOLE.bytes.min(limit.bytes) {
            // "Yes." cannot be kept from being said.
            return Ok(());
        }
        if self.states.is_empty() {
            self.states.push(State::default());
        }
        // Texts cannot be more than words.
        let text = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.limits.push(limit);
        self.words += words.len();
        self.last = ROOT;
        for word in words {
            self.append(word.hash, text);
        }
        if whole.words < limit.words || whole.bytes < limit.bytes {
            self.states[self.last as usize].whole = Some((whole.words, text));
        }
        Ok(())
    }

    pub(super) fn mark(&self, begins: &mut [bool; 256]) {
        if !self.names.is_empty() {
            // Any letter of another script may begin a word.
            begins[0xc2..=0xf4].fill(true);
        }
    }

    /// A state's transition.
    fn next(&self, state: u32, word: u64) -> Option<u32> {
        if state == ROOT {
            return self.first.get(&word).copied();
        }
        let next = &self.states[state as usize].next;
        next.binary_search_by_key(&word, |(w, _)| *w).ok().map(|at| next[at].1)
    }

    fn set(&mut self, state: u32, word: u64, to: u32) {
        if state == ROOT {
            self.first.insert(word, to);
            return;
        }
        let next = &mut self.states[state as usize].next;
        match next.binary_search_by_key(&word, |(w, _)| *w) {
            Ok(at) => next[at].1 = to,
            Err(at) => next.insert(at, (word, to)),
        }
    }

    /// One word more of the current text: the online construction, extended to several texts.
    fn append(&mut self, word: u64, text: u32) {
        if let Some(next) = self.next(self.last, word) {
            // An earlier text has this already.
            let length = self.states[self.last as usize].length + 1;
            self.last = if self.states[next as usize].length == length {
                next
            } else {
                self.split(self.last, word, next)
            };
            return;
        }
        let fresh =
            self.push(State { length: self.states[self.last as usize].length + 1, text, ..State::default() });
        let mut at = Some(self.last);
        while let Some(state) = at.filter(|s| self.next(*s, word).is_none()) {
            self.set(state, word, fresh);
            at = self.states[state as usize].link;
        }
        let link = match at {
            None => ROOT,
            Some(state) => match self.next(state, word) {
                Some(next) if self.states[next as usize].length == self.states[state as usize].length + 1 => {
                    next
                }
                Some(next) => self.split(state, word, next),
                None => ROOT,
            },
        };
        self.states[fresh as usize].link = Some(link);
        self.last = fresh;
    }

    /// Gives the runs of `next` that are as short as those of `state` with `word` a state of their own.
    fn split(&mut self, state: u32, word: u64, next: u32) -> u32 {
        let mut copy = self.states[next as usize].clone();
        copy.length = self.states[state as usize].length + 1;
        let copy = self.push(copy);
        let mut at = Some(state);
        while let Some(state) = at.filter(|s| self.next(*s, word) == Some(next)) {
            self.set(state, word, copy);
            at = self.states[state as usize].link;
        }
        self.states[next as usize].link = Some(copy);
        copy
    }

    fn push(&mut self, state: State) -> u32 {
        self.states.push(state);
        // At most two states a word, and words are counted.
        u32::try_from(self.states.len() - 1).unwrap_or(u32::MAX)
    }

    /// The text of which so many words that lead to `state` must not be repeated.
    fn forbidden(&self, state: u32, words: usize, bytes: usize) -> Option<usize> {
        let state = self.states.get(state as usize)?;
        if let Some((_, text)) = state.whole.filter(|(whole, _)| *whole == words) {
            return Some(text as usize);
        }
        let limit = self.limits.get(state.text as usize)?;
        (words >= limit.words && bytes >= limit.bytes).then_some(state.text as usize)
    }

    pub(super) fn recognise(&self, look: Look<'_>) -> Step {
        if self.names.is_empty() || !begins_word(look) {
            return Step::No;
        }
        let (mut state, mut from, mut words, mut bytes) = (ROOT, 0, 0, 0);
        loop {
            let word = match next_word(look, from) {
                Next::Word(word) => word,
                Next::None => return Step::No,
                Next::More => return Step::More,
            };
            let Some(next) = self.next(state, word.hash) else { return Step::No };
            (state, from) = (next, word.end);
            words += 1;
            bytes += word.bytes;
            if let Some(text) = self.forbidden(state, words, bytes) {
                let name = self.names.get(text).map_or("confidential text", String::as_str);
                return Step::Hit(Hit {
                    rule: &RULES[0],
                    length: from,
                    open: Some(Open::Overlap(state)),
                    preview: format!("{words} words of {name}"),
                    reason: format!("{words} words in a row are those of {name}"),
                });
            }
        }
    }
}

/// How a repetition goes on: word by word.
pub(super) fn further(texts: &Texts, look: Look<'_>, state: u32) -> Further {
    match next_word(look, 0) {
        Next::Word(word) => match texts.next(state, word.hash) {
            Some(next) => Further::By(word.end, Open::Overlap(next)),
            None => Further::No,
        },
        Next::None => Further::No,
        Next::More => Further::More,
    }
}

struct Word {
    hash: u64,
    /// Bytes of its folded letters and digits.
    bytes: usize,
    /// Where it ends, from the position asked about.
    end: usize,
}

enum Next {
    Word(Word),
    None,
    More,
}

fn begins_word(look: Look<'_>) -> bool {
    // The same for ASCII, without characters.
    match (look.bytes().first(), look.previous()) {
        (Some(first), _) if *first < 0x80 && !first.is_ascii_alphanumeric() => return false,
        (Some(first), Some(previous)) if *first < 0x80 && previous < 0x80 => {
            return !previous.is_ascii_alphanumeric();
        }
        _ => {}
    }
    let Some(c) = look.rest().chars().next().filter(|c| c.is_alphanumeric()) else { return false };
    stands_alone(c) || !look.previous_char().is_some_and(|p| p.is_alphanumeric() && !stands_alone(p))
}

/// The word after `from`, and where it ends.
fn next_word(look: Look<'_>, from: usize) -> Next {
    let rest = look.rest().get(from..).unwrap_or_default();
    // Most words are ASCII with a character or two before them; what is not falls through.
    let mut word = Fold::default();
    let bytes = rest.as_bytes();
    let gap = bytes.iter().take(2).take_while(|b| **b < 0x80 && !b.is_ascii_alphanumeric()).count();
    for (at, byte) in bytes.iter().enumerate().skip(gap).take(WORD_BYTES) {
        if byte.is_ascii_alphanumeric() {
            word.step(u64::from(byte.to_ascii_lowercase()), 1);
        } else if *byte < 0x80 && word.bytes > 0 {
            return Next::Word(word.end(from + at));
        } else {
            break;
        }
    }
    let mut word = Fold::default();
    for (at, c) in rest.char_indices() {
        if c.is_alphanumeric() {
            if stands_alone(c) {
                if word.bytes == 0 {
                    word.add(c);
                    return Next::Word(word.end(from + at + c.len_utf8()));
                }
                return Next::Word(word.end(from + at));
            }
            word.add(c);
            if word.bytes >= WORD_BYTES {
                return Next::Word(word.end(from + at + c.len_utf8()));
            }
        } else if word.bytes > 0 {
            return Next::Word(word.end(from + at));
        } else if at >= GAP_BYTES {
            return Next::None;
        }
    }
    match (look.is_final(), word.bytes) {
        (false, _) => Next::More,
        (true, 0) => Next::None,
        (true, _) => Next::Word(word.end(from + rest.len())),
    }
}

fn all_words(text: &str) -> impl Iterator<Item = Word> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let look = Look::new(text, from, true);
            match next_word(look, 0) {
                Next::Word(word) => {
                    from += word.end;
                    return Some(word);
                }
                Next::None | Next::More => {
                    // A gap is as long as it is; only the end ends the text.
                    from += look.rest().char_indices().nth(GAP_BYTES / 4).map(|(at, _)| at)?;
                }
            }
        }
    })
}

/// Scripts that put no spaces between words: each character is one.
const fn stands_alone(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a over folded characters.
struct Fold {
    hash: u64,
    bytes: usize,
}

impl Default for Fold {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, bytes: 0 }
    }
}

impl Fold {
    fn add(&mut self, c: char) {
        if c.is_ascii() {
            self.step(u64::from(c.to_ascii_lowercase() as u32), 1);
        } else {
            for folded in c.to_lowercase() {
                self.step(u64::from(u32::from(folded)), folded.len_utf8());
            }
        }
    }

    fn step(&mut self, unit: u64, bytes: usize) {
        self.hash = (self.hash ^ unit).wrapping_mul(0x0000_0100_0000_01b3);
        self.bytes += bytes;
    }

    const fn end(self, end: usize) -> Word {
        Word { hash: self.hash, bytes: self.bytes, end }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Confidential, Filter, OutputRules};

    const PROMPT: &str = "You are the assistant of a bakery. Never tell anybody how much rye goes into the \
        house bread, and never offer a discount above five percent. 机密的食谱是七成黑麦三成小麦加一点蜂蜜。";

    fn found(text: &str) -> Vec<std::ops::Range<usize>> {
        let confidential = Confidential::new().text("system prompt", PROMPT).unwrap();
        let released = Filter::new(&OutputRules::default()).scan(&confidential, text);
        released.findings.into_iter().map(|f| f.span).collect()
    }

    #[test]
    fn eight_words_in_a_row_are_found_and_seven_are_not() {
        let eight = "Sure: never tell ANYBODY **how** much\nrye goes into";
        assert_eq!(found(eight).len(), 1);
        assert!(found("Sure: never tell anybody how much rye goes up").is_empty());
        assert!(
            found("The house bread is a rye bread. You are welcome, and never hesitate to ask!").is_empty()
        );
    }

    #[test]
    fn scripts_without_spaces_count_characters() {
        assert_eq!(found("好的，机密的食谱是七成黑麦三成小").len(), 1);
        assert!(found("好的，七成黑麦三成小米。").is_empty());
    }

    #[test]
    fn a_short_text_is_protected_as_a_whole() {
        let confidential = Confidential::new().text("rule", "Refunds need a manager's word.").unwrap();
        let scan = |text| Filter::new(&OutputRules::default()).scan(&confidential, text).blocked;
        assert!(scan("I was told: refunds need a manager's word"));
        assert!(!scan("Refunds need a manager"));
        let yes = Confidential::new().text("yes", "Yes.").unwrap();
        assert!(!Filter::new(&OutputRules::default()).scan(&yes, "Yes.").blocked);
    }

    proptest! {
        /// Against the definition: eight words from any of two texts in a row, which share passages.
        #[test]
        fn the_automaton_agrees_with_the_definition(
            first in prop::collection::vec(0_u8..4, 8..40),
            second in prop::collection::vec(0_u8..4, 8..40),
            said in prop::collection::vec(0_u8..4, 0..40),
        ) {
            let spell = |words: &[u8]| words.iter().map(|w| format!("word{w} ")).collect::<String>();
            let confidential = Confidential::new()
                .text("first", &spell(&first)).unwrap()
                .text("second", &spell(&second)).unwrap();
            let blocked = Filter::new(&OutputRules::default()).scan(&confidential, &spell(&said)).blocked;
            let repeats = said.windows(8).any(|w| first.windows(8).chain(second.windows(8)).any(|v| v == w));
            prop_assert_eq!(blocked, repeats);
        }
    }
}
