//! Which of some words stand in a text, where nearly every text has none of them.
//!
//! An automaton takes a step that waits for the last one at every byte. Here four bytes at a time are looked up, wherever
//! they begin, and only what has the four bytes of a word in it is compared with the word.

/// Words, each with what it stands for in bits.
pub(super) struct RareWords {
    /// By the hash of four bytes which of the groups has words with them, counted from one; none has for zero.
    group: Box<[u16; PLACES]>,
    groups: Vec<Vec<Word>>,
    /// What words of less than four bytes stand for, which are not looked for.
    short: u64,
}

struct Word {
    /// What stands before the four bytes that it is found by, and what from there on.
    before: Vec<u8>,
    after: Vec<u8>,
    means: u64,
}

const BITS: u32 = 13;
const PLACES: usize = 1 << BITS;

impl RareWords {
    pub(super) fn of(words: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut rare = Self { group: Box::new([0; PLACES]), groups: Vec::new(), short: 0 };
        for (word, means) in words {
            match most_telling(word.as_bytes()) {
                Some((at, four)) => {
                    let (before, after) = word.as_bytes().split_at(at);
                    rare.add(four, Word { before: before.to_vec(), after: after.to_vec(), means });
                }
                None => rare.short |= means,
            }
        }
        rare
    }

    fn add(&mut self, four: [u8; 4], word: Word) {
        let next = u16::try_from(self.groups.len() + 1).unwrap_or(u16::MAX);
        let Some(group) = self.group.get_mut(place(four)) else { return };
        if *group == 0 {
            *group = next;
            self.groups.push(Vec::new());
        }
        if let Some(words) = self.groups.get_mut(usize::from(*group) - 1) {
            words.push(word);
        }
    }

    /// What those words stand for that are too short to be looked for.
    pub(super) const fn short(&self) -> u64 {
        self.short
    }

    /// Calls `met` with where each word begins that stands in `text`, and what it stands for.
    pub(super) fn each(&self, text: &str, mut met: impl FnMut(usize, u64)) {
        let bytes = text.as_bytes();
        for (at, window) in bytes.windows(4).enumerate() {
            let group = window.first_chunk().and_then(|four| self.group.get(place(*four)));
            if let Some(group) = group
                && *group > 0
            {
                let (before, after) = bytes.split_at(at);
                for word in self.groups.get(usize::from(*group) - 1).into_iter().flatten() {
                    if after.starts_with(&word.after) && before.ends_with(&word.before) {
                        met(at - word.before.len(), word.means);
                    }
                }
            }
        }
    }
}

fn place(four: [u8; 4]) -> usize {
    (u32::from_le_bytes(four).wrapping_mul(0x9E37_79B1) >> (u32::BITS - BITS)) as usize
}

/// The first four bytes in a row of which the fewest are spaces or the first of a character, which tell little.
fn most_telling(word: &[u8]) -> Option<(usize, [u8; 4])> {
    let little = |four: &[u8; 4]| four.iter().filter(|b| **b == b' ' || **b >= 0xC0).count();
    let fours = word.windows(4).enumerate().filter_map(|(at, four)| Some((at, *four.first_chunk::<4>()?)));
    fours.min_by_key(|(_, four)| little(four))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn words_are_met_where_they_stand(text in "(ig|no|re|忘|れ|て|заб|удь| |o){0,12}") {
            let words = ["ignore", "nore", "忘れて", "忘れ", "забудь", "no re", "re", "oooooo"];
            let rare = RareWords::of(words.iter().enumerate().map(|(bit, word)| (word.to_string(), 1 << bit)));
            let mut met = rare.short();
            rare.each(&text, |at, means| {
                let word = words[means.trailing_zeros() as usize];
                assert!(text[at..].starts_with(word), "{word} at {at}");
                met |= means;
            });
            for (bit, word) in words.iter().enumerate() {
                let stands = text.contains(word) || word.len() < 4;
                proptest::prop_assert_eq!(met >> bit & 1 == 1, stands, "{}", word);
            }
        }
    }
}
