//! Canaries: words that stand in a confidential text and nowhere else, so that whoever says one has read it.
//!
//! A canary is derived from a key, the name of what it guards and the session (HMAC-SHA-256), so that nobody
//! can guess it, no list of them has to be kept, and one that turns up in the world tells from which session
//! it came. It is 128 bits in letters and digits that survive folding of case, spaces and separators.
//! [`output`](crate::output) recognises it in streams and encodings.
//!
//! ```
//! use proofhouse_guard::canary::CanaryKey;
//!
//! let key = CanaryKey::new([7; 32]);
//! let canary = key.canary("system prompt", "session 1");
//! assert_eq!(canary, key.canary("system prompt", "session 1"));
//! assert_ne!(canary.word(), key.canary("system prompt", "session 2").word());
//! assert!(canary.plant("You are a support assistant.").contains(canary.word()));
//! ```

use std::fmt;

use crate::mac;

const DOMAIN: &[u8] = b"proofhouse.guard.canary/v1";
/// Crockford's alphabet: no `i`, `l`, `o` and `u`, which people and models mistake.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many characters 128 bits take.
const LENGTH: usize = 26;

/// The key from which canaries are derived.
#[derive(Clone)]
pub struct CanaryKey([u8; 32]);

impl CanaryKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The canary of what is called `name` in a session.
    #[must_use]
    pub fn canary(&self, name: &str, session: &str) -> Canary {
        let bytes = mac::bytes(&self.0, &[DOMAIN, name.as_bytes(), session.as_bytes()]);
        let mut bits = bytes.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut word = String::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            // The five lowest bits are an index below 32.
            word.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        Canary { name: name.to_owned(), word }
    }
}

impl fmt::Debug for CanaryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CanaryKey(…)")
    }
}

/// A word that tells where a text came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Canary {
    name: String,
    word: String,
}

impl Canary {
    /// What it guards.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The word itself.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// `text` with the canary in front, in the middle and at the end: whoever repeats a part of it repeats
    /// one, and whoever is asked for the beginning or the end does too.
    #[must_use]
    pub fn plant(&self, text: &str) -> String {
        let line = format!("[ref {}]", self.word);
        // After the paragraph that is nearest to the middle.
        let middle = text
            .match_indices("\n\n")
            .map(|(at, _)| at)
            .min_by_key(|at| at.abs_diff(text.len() / 2))
            .filter(|at| *at > 0);
        match middle.and_then(|at| text.split_at_checked(at)) {
            Some((front, back)) => format!("{line}\n{front}\n\n{line}{back}\n{line}"),
            None => format!("{line}\n{text}\n{line}"),
        }
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canary({:?}, …)", self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn canaries_differ_by_key_name_and_session() {
        let words: BTreeSet<String> = [[1; 32], [2; 32]]
            .into_iter()
            .flat_map(|key| {
                ["a", "b", "ab"].into_iter().flat_map(move |name| {
                    ["", "a", "b"].map(|session| CanaryKey::new(key).canary(name, session).word().to_owned())
                })
            })
            .collect();
        assert_eq!(words.len(), 18);
        for word in words {
            assert_eq!(word.len(), LENGTH);
            assert!(word.bytes().all(|b| ALPHABET.contains(&b)), "{word}");
        }
    }

    #[test]
    fn nothing_shows_the_word_or_the_key() {
        let key = CanaryKey::new([7; 32]);
        let canary = key.canary("prompt", "s");
        assert!(!format!("{canary:?} {key:?}").contains(canary.word()));
    }

    #[test]
    fn every_part_of_a_text_has_one() {
        let canary = CanaryKey::new([7; 32]).canary("prompt", "s");
        let planted = canary.plant("One.\n\nTwo.\n\nThree.");
        assert_eq!(planted.matches(canary.word()).count(), 3);
        assert!(planted.contains("One.\n\n[ref") || planted.contains("Two.\n\n[ref"), "{planted}");
        assert_eq!(canary.plant("One line").matches(canary.word()).count(), 2);
        assert_eq!(canary.plant("").matches(canary.word()).count(), 2);
        let accents = canary.plant("ééééé\n\nééééé");
        assert_eq!(accents.matches(canary.word()).count(), 3);
    }
}
