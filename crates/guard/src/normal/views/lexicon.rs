//! Words of orders, found by what slips of the finger, or whoever leaves out vowels, left of them.
//!
//! A word is kept under the sum of its letters, whatever their order, with its first and its last letter: the same
//! for "prvieous" and "previous", since people read by first and last letters. Under the sums without one of its
//! letters a word is found that lacks one, or has another in its place. What is found is compared letter by letter
//! before it is believed. Skeletons are words without vowels.

use std::sync::LazyLock;

use super::scan::is_letter;
use super::words::common;
use crate::pages::Pages;

/// Written by `examples/learn_lexicon.rs`: a line for each language, its name and its words, the most frequent
/// first.
const LEARNT: &str = include_str!("lexicon.txt");

/// Letters of a word that may hold a slip: in a shorter one too many words are one slip apart.
pub(super) const SHORTEST: usize = 5;
pub(super) const LONGEST: usize = 18;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::learnt);

struct Lexicon {
    words: Vec<&'static str>,
    whole: Places,
    jumbled: Places,
    shortened: Places,
    /// Of all languages, the first that has one.
    skeletons: Places,
    by_language: Vec<Places>,
    /// What is in `jumbled` or in `shortened`: nearly no word is.
    keys: Keys,
}

impl Lexicon {
    fn learnt() -> Self {
        let languages: Vec<Vec<&'static str>> =
            LEARNT.lines().map(|line| line.split(' ').skip(1).collect()).collect();
        let ours: usize = languages.iter().map(Vec::len).sum();
        let [mut whole, mut jumbled, mut shortened, mut skeletons] =
            [2, 1, 7, 3].map(|keys| Places::with_room(keys * ours));
        let mut words: Vec<&'static str> = Vec::with_capacity(2 * ours);
        let mut by_language = Vec::with_capacity(languages.len());
        let mut keys = Vec::with_capacity(8 * ours);
        for language in &languages {
            let mut own = Places::with_room(3 * language.len());
            for text in language {
                let (Some(seen), Ok(word)) = (Seen::of(text), u16::try_from(words.len())) else { continue };
                words.push(text);
                whole.insert(seen.exact, word);
                if seen.letters >= SHORTEST {
                    jumbled.insert(seen.key(), word);
                    keys.push(seen.key());
                    for letter in inner(text) {
                        shortened.insert(seen.without(letter), word);
                        keys.push(seen.without(letter));
                    }
                }
                for skeleton in skeletons_of(text) {
                    skeletons.insert(skeleton, word);
                    own.insert(skeleton, word);
                }
            }
            by_language.push(own);
        }
        // Common words may lack vowels, but not have slips: other languages are full of words that are one slip
        // away from one of them.
        for text in common() {
            let (Some(seen), Ok(word)) = (Seen::of(text), u16::try_from(words.len())) else { continue };
            words.push(text);
            whole.insert(seen.exact, word);
            for skeleton in skeletons_of(text) {
                skeletons.insert(skeleton, word);
            }
        }
        let keys = Keys::of(&keys);
        Self { words, whole, jumbled, shortened, skeletons, by_language, keys }
    }

    fn word(&self, at: Option<u16>) -> Option<&'static str> {
        self.words.get(usize::from(at?)).copied()
    }
}

/// The words of the lexicon, and common ones.
pub(super) fn all_words() -> impl Iterator<Item = &'static str> {
    LEARNT.lines().flat_map(|line| line.split(' ').skip(1)).chain(common())
}

/// Whether a word is in the lexicon, or a common one.
pub(super) fn is_word(word: &str) -> bool {
    Seen::of(word).is_some_and(|seen| seen.is_whole(word))
}

/// Whether letters of ASCII are no word of the lexicon with a slip, for one look at what nearly no word has in common with
/// any, and have a vowel inside: those that are [`Seen::near`] one, or [`Seen::nearest`], are not far.
pub(super) fn is_far(word: &[u8], nearest: bool) -> bool {
    let [first, inner @ .., last] = word else { return false };
    if word.len() > LONGEST {
        return false;
    }
    let of = |b: &u8| ASCII[usize::from(*b) % 128];
    let (mut sum, mut vowels) = (of(first).wrapping_add(of(last)), false);
    for b in inner {
        sum = sum.wrapping_add(of(b));
        vowels |= is_vowel(b | 0x20);
    }
    if !vowels {
        return false;
    }
    // A word that lacks a letter is one shorter.
    if word.len() + 1 < SHORTEST {
        return true;
    }
    let ends = ends(of(first), of(last));
    let keys = &LEXICON.keys;
    !(keys.may_have(sum ^ ends)
        || nearest
            && word.len() >= SHORTEST
            && inner.iter().any(|b| keys.may_have(sum.wrapping_sub(of(b)) ^ ends)))
}

const fn is_vowel(b: u8) -> bool {
    matches!(b, b'a' | b'e' | b'i' | b'o' | b'u')
}

const fn ends(first: u32, last: u32) -> u32 {
    first.wrapping_mul(3) ^ last.wrapping_mul(7)
}

/// What is known of a word after one look at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub letters: usize,
    /// No vowel stands between its first and its last letter.
    pub bare: bool,
    exact: u32,
    sum: u32,
    ends: u32,
}

impl Seen {
    /// Nothing, unless it is letters only, not too many.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::of_letters(word.chars())
    }

    pub(super) fn of_letters(word: impl Iterator<Item = char>) -> Option<Self> {
        let mut seen = Self { letters: 0, bare: true, exact: 0, sum: 0, ends: 0 };
        let (mut first, mut last, mut after_vowel) = (0, 0, false);
        for c in word {
            let value = value(c);
            if value == 0 || seen.letters == LONGEST {
                return None;
            }
            if seen.letters == 0 {
                first = value;
            } else if seen.letters > 1 && after_vowel {
                seen.bare = false;
            }
            after_vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'A' | 'E' | 'I' | 'O' | 'U');
            seen.letters += 1;
            seen.sum = seen.sum.wrapping_add(value);
            seen.exact = (seen.exact ^ value).wrapping_mul(0x0100_0193).rotate_left(7);
            last = value;
        }
        seen.ends = ends(first, last);
        (seen.letters > 0).then_some(seen)
    }

    const fn key(self) -> u32 {
        self.sum ^ self.ends
    }

    /// The key of the word without a letter.
    fn without(self, letter: char) -> u32 {
        self.sum.wrapping_sub(value(letter)) ^ self.ends
    }

    /// Whether the word itself is in the lexicon.
    pub(super) fn is_whole(self, word: &str) -> bool {
        LEXICON.word(LEXICON.whole.get(self.exact)).is_some_and(|found| same(found, word))
    }

    /// The word of the lexicon that this one is with two letters swapped or more, or with one letter too few.
    pub(super) fn near(self, word: &str) -> Option<&'static str> {
        // A word that lacks a letter is one shorter.
        if self.letters + 1 < SHORTEST {
            return None;
        }
        if !LEXICON.keys.may_have(self.key()) {
            return None;
        }
        let jumbled = LEXICON.word(LEXICON.jumbled.get(self.key()));
        jumbled.filter(|found| is_jumbled(found, word)).or_else(|| {
            LEXICON.word(LEXICON.shortened.get(self.key())).filter(|found| is_without_one(word, found))
        })
    }

    /// The same, and with one letter too many or another one.
    pub(super) fn nearest(self, word: &str) -> Option<&'static str> {
        if self.letters < SHORTEST {
            return self.near(word);
        }
        self.near(word).or_else(|| {
            let found = |places: &Places, fits: fn(&str, &str) -> bool| {
                inner(word)
                    .map(|letter| self.without(letter))
                    .filter(|key| LEXICON.keys.may_have(*key))
                    .filter_map(|key| LEXICON.word(places.get(key)))
                    .find(|found| fits(found, word))
            };
            found(&LEXICON.jumbled, is_without_one).or_else(|| found(&LEXICON.shortened, differs_in_one))
        })
    }

    /// The word of the lexicon that has no other consonants than this one.
    pub(super) fn fleshed_out(self) -> Option<&'static str> {
        LEXICON.word(LEXICON.skeletons.get(self.exact))
    }

    /// The same in one language.
    pub(super) fn fleshed_out_in(self, language: Language) -> Option<&'static str> {
        LEXICON.word(LEXICON.by_language.get(language.0)?.get(self.exact))
    }
}

/// A language of the lexicon.
#[derive(Clone, Copy)]
pub(super) struct Language(usize);

impl Language {
    /// The one in which most of these words without vowels are words.
    pub(super) fn of_most(words: &[Seen]) -> Option<Self> {
        let fits =
            |language: &Self| words.iter().filter(|seen| seen.fleshed_out_in(*language).is_some()).count();
        // Of equals the first, which is the one with the most words.
        (0..LEXICON.by_language.len()).rev().map(Self).max_by_key(fits)
    }
}

/// What a letter is worth, whatever its case; nothing where it is none.
#[inline]
fn value(c: char) -> u32 {
    static PAGES: Pages = Pages::new();
    if c.is_ascii() {
        // In range by what was asked.
        return ASCII[c as usize % 128];
    }
    // No letter is worth nothing, which a test looks at.
    PAGES.entry(c, |c| if is_letter(c) { worth(u32::from(c.to_lowercase().next().unwrap_or(c))) } else { 0 })
}

/// The same of ASCII.
static ASCII: [u32; 128] = {
    let mut values = [0; 128];
    let mut c = 0u8;
    while c < 128 {
        values[c as usize] = if c.is_ascii_alphabetic() { worth(c.to_ascii_lowercase() as u32) } else { 0 };
        c += 1;
    }
    values
};

const fn worth(code: u32) -> u32 {
    let mixed = (code as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xE703_7ED1_A0B4_28DB) >> 32) as u32
}

/// The letters between the first and the last.
fn inner(word: &str) -> impl Iterator<Item = char> + '_ {
    let count = word.chars().count();
    word.chars().skip(1).take(count.saturating_sub(2))
}

/// A word without the vowels between its ends, without those behind its beginning, and without any.
fn skeletons_of(word: &str) -> impl Iterator<Item = u32> {
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u');
    let last = word.len().saturating_sub(1);
    let kept = |ends: &[usize]| -> String {
        word.chars().enumerate().filter(|(i, c)| ends.contains(i) || !vowel(*c)).map(|(_, c)| c).collect()
    };
    let mut all = if word.is_ascii() { vec![kept(&[0, last]), kept(&[0]), kept(&[])] } else { Vec::new() };
    all.retain(|skeleton| skeleton.len() >= 2 && skeleton != word);
    all.dedup();
    all.into_iter().filter_map(|skeleton| Some(Seen::of(&skeleton)?.exact))
}

fn small(word: &str) -> impl Iterator<Item = char> + '_ {
    word.chars().flat_map(char::to_lowercase)
}

fn same(a: &str, b: &str) -> bool {
    small(a).eq(small(b))
}

/// The same letters in another order, first and last in their places.
fn is_jumbled(a: &str, b: &str) -> bool {
    let ends = |word: &str| (small(word).next(), small(word).last());
    let sorted = |word: &str| {
        let mut letters: Vec<char> = small(word).collect();
        letters.sort_unstable();
        letters
    };
    ends(a) == ends(b) && sorted(a) == sorted(b)
}

/// `short` is `long` without one letter.
fn is_without_one(short: &str, long: &str) -> bool {
    let mut rest = small(long);
    small(short).all(|c| rest.any(|other| other == c)) && small(long).count() == small(short).count() + 1
}

fn differs_in_one(a: &str, b: &str) -> bool {
    small(a).count() == small(b).count() && small(a).zip(small(b)).filter(|(a, b)| a != b).count() == 1
}

/// A set of hashes that may have a few more than were put in: two bits of a word each.
struct Keys(Box<[u64]>);

impl Keys {
    /// Words, as a power of two: 32 KB.
    const BITS: u32 = 12;

    fn of(keys: &[u32]) -> Self {
        let mut words = vec![0; 1 << Self::BITS].into_boxed_slice();
        for key in keys {
            let (at, bits) = Self::place(*key);
            if let Some(word) = words.get_mut(at) {
                *word |= bits;
            }
        }
        Self(words)
    }

    const fn place(key: u32) -> (usize, u64) {
        let mixed = key.wrapping_mul(0x9E37_79B1);
        ((mixed >> (32 - Self::BITS)) as usize, 1 << (mixed & 63) | 1 << (mixed >> 6 & 63))
    }

    fn may_have(&self, key: u32) -> bool {
        let (at, bits) = Self::place(key);
        self.0.get(at).is_some_and(|word| word & bits == bits)
    }
}

/// Words by hashes. The first word under a hash stays; what is found is not yet known to be it.
struct Places {
    /// Upper half of a hash, and a word; `NONE` where there is none.
    slots: Box<[(u16, u16)]>,
    bits: u32,
}

const NONE: u16 = u16::MAX;
/// Slots that are looked at for a hash.
const PROBES: usize = 8;

impl Places {
    fn with_room(keys: usize) -> Self {
        let bits = (keys + keys / 4).next_power_of_two().ilog2().clamp(4, 20);
        Self { slots: vec![(0, NONE); 1 << bits].into_boxed_slice(), bits }
    }

    fn probes(&self, hash: u32) -> (u16, impl Iterator<Item = usize> + use<>) {
        let mixed = hash.wrapping_mul(0x9E37_79B1);
        let (start, size) = ((mixed >> (32 - self.bits)) as usize, self.slots.len());
        (hash as u16, (0..PROBES).map(move |step| (start + step) % size))
    }

    fn insert(&mut self, hash: u32, word: u16) {
        let (tag, probes) = self.probes(hash);
        for at in probes {
            match self.slots.get_mut(at) {
                Some(slot) if slot.1 == NONE => {
                    *slot = (tag, word);
                    return;
                }
                Some(slot) if slot.0 == tag => return,
                _ => {}
            }
        }
    }

    fn get(&self, hash: u32) -> Option<u16> {
        let (tag, probes) = self.probes(hash);
        for at in probes {
            match self.slots.get(at) {
                Some((_, NONE)) | None => return None,
                Some((found, word)) if *found == tag => return Some(*word),
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(word: &str) -> Option<&'static str> {
        Seen::of(word).filter(|seen| !seen.is_whole(word))?.nearest(word)
    }

    #[test]
    fn slips_are_read_over() {
        for (slip, word) in [
            ("insturctions", "instructions"),
            ("Instuctions", "instructions"),
            ("instrructions", "instructions"),
            ("instractions", "instructions"),
            ("itsnurctions", "instructions"),
            ("pervious", "previous"),
            ("инстуркции", "инструкции"),
        ] {
            assert_eq!(nearest(slip), Some(word), "{slip}");
        }
        for word in ["kitchen", "garden", "zebra", "abc", "Donaudampfschifffahrt", "x-ray"] {
            assert_eq!(nearest(word), None, "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_far_is_near_no_word(start in 0usize..20_000, swapped in 0usize..12, other in "[a-z]?", word in "[a-zA-Z]{1,20}") {
            let mut slip: Vec<char> = all_words().nth(start % all_words().count()).unwrap().chars().collect();
            let at = swapped.min(slip.len().saturating_sub(1));
            slip.splice(at..(at + 1).min(slip.len()), other.chars());
            for word in [slip.into_iter().collect::<String>(), word] {
                let Some(seen) = Seen::of(&word).filter(|_| word.bytes().all(|b| b.is_ascii_alphabetic())) else { continue };
                proptest::prop_assert!(!is_far(word.as_bytes(), false) || (!seen.bare && seen.near(&word).is_none()));
                proptest::prop_assert!(!is_far(word.as_bytes(), true) || (!seen.bare && seen.nearest(&word).is_none()));
            }
        }
    }

    #[test]
    fn a_word_is_whole_whatever_its_case() {
        let whole = |word: &str| Seen::of(word).is_some_and(|seen| seen.is_whole(word));
        assert!(whole("Instructions") && whole("previous") && !whole("prvious"));
    }

    #[test]
    fn words_without_vowels_are_fleshed_out() {
        let fleshed = |word: &str| Seen::of(word).filter(|seen| seen.bare)?.fleshed_out();
        assert_eq!(fleshed("instrctns"), Some("instructions"));
        assert_eq!(fleshed("nstrctns"), Some("instructions"));
        assert_eq!(fleshed("prvs"), Some("previous"));
        assert_eq!(fleshed("instructions"), None);
    }

    #[test]
    fn every_letter_is_worth_something_and_every_key_may_be_there() {
        let letters = ('\0'..='\u{2ffff}')
            .filter(|c| if c.is_ascii() { c.is_ascii_alphabetic() } else { is_letter(*c) });
        assert!(letters.clone().count() > 90_000 && letters.into_iter().all(|c| value(c) != 0));
        assert!("1-' ".chars().all(|c| value(c) == 0));
        for word in LEARNT.lines().flat_map(|line| line.split(' ').skip(1)) {
            let Some(seen) = Seen::of(word).filter(|seen| seen.letters >= SHORTEST) else { continue };
            assert!(LEXICON.keys.may_have(seen.key()), "{word}");
            assert!(inner(word).all(|letter| LEXICON.keys.may_have(seen.without(letter))), "{word}");
        }
        let strange = (0..10_000u32).filter(|n| LEXICON.keys.may_have(n.wrapping_mul(0x85EB_CA6B))).count();
        assert!(strange < 2_000, "{strange}");
    }
}
