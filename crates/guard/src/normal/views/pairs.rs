//! Whether letters stand in the order of a language, by pairs of neighbours.
//!
//! Known words tell English well and other languages poorly; pairs tell all alphabets. A sample of forty
//! letters parts language from every Caesar shift of it, from its mirror image and from what rails make of
//! it; which way round it is written shows too, with less margin. Frequencies are of some fifty languages.

use std::sync::LazyLock;

use crate::pages::Pages;

/// Written by `examples/learn_pairs.rs`: a level and the pairs that have it.
const LEARNT: &str = include_str!("pairs.txt");

/// Places for pairs with letters outside ASCII.
const PLACES: usize = 1 << 15;

/// Places for pairs of Latin letters.
const LATIN: usize = 1 << 10;

const fn latin(a: u8, b: u8) -> usize {
    ((a as usize) << 5 | b as usize) % LATIN
}

struct Table {
    /// Levels by the two letters' places in the alphabet, 0 for what parts words, in five bits each.
    latin: [u8; LATIN],
    others: Box<[u8]>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { latin: [0; LATIN], others: vec![0; PLACES].into_boxed_slice() };
    for line in LEARNT.lines() {
        let mut words = line.split(' ');
        let Some(level) = words.next().and_then(|level| level.parse().ok()) else { continue };
        for pair in words {
            let mut letters = pair.chars().map(Letter::of);
            let (Some(a), Some(b)) = (letters.next(), letters.next()) else { continue };
            let place = match (a.latin, b.latin) {
                (Some(a), Some(b)) => table.latin.get_mut(latin(a, b)),
                _ => table.others.get_mut(place(a.code, b.code)),
            };
            if let Some(place) = place {
                *place = level;
            }
        }
    }
    table
});

#[derive(Clone, Copy)]
struct Letter {
    /// The place in the Latin alphabet from 1, or 0 for what parts words.
    latin: Option<u8>,
    code: u32,
}

impl Letter {
    #[inline]
    fn of(c: char) -> Self {
        if c.is_ascii() {
            let lower = c.to_ascii_lowercase() as u8;
            let latin = if lower.is_ascii_lowercase() { lower - b'a' + 1 } else { 0 };
            return Self { latin: Some(latin), code: if latin == 0 { 0 } else { u32::from(lower) } };
        }
        static PAGES: Pages = Pages::new();
        match PAGES.entry(c, foreign) {
            0 => Self { latin: Some(0), code: 0 },
            code => Self { latin: None, code },
        }
    }
}

/// The small letter of one outside ASCII; 0 for what parts words.
fn foreign(c: char) -> u32 {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let letter = lower.is_alphabetic() || matches!(lower, '\u{900}'..='\u{dff}' | '\u{e30}'..='\u{e4e}');
    if letter { u32::from(lower) } else { 0 }
}

const fn place(a: u32, b: u32) -> usize {
    let mixed =
        (a as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (b as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    (mixed.wrapping_mul(0xE703_7ED1_A0B4_28DB) >> 49) as usize
}

impl Table {
    #[inline]
    fn level(&self, a: Letter, b: Letter) -> u32 {
        u32::from(match (a.latin, b.latin) {
            // In range by the remainder.
            (Some(a), Some(b)) => self.latin[latin(a, b)],
            _ => self.others.get(place(a.code, b.code)).copied().unwrap_or(0),
        })
    }
}

/// The pairs of neighbours of a text in Latin letters, to ask what order they had if letters were exchanged.
pub(super) struct LatinPairs(Vec<(u8, u8)>);

impl LatinPairs {
    /// Of the bytes with their upper bits cut off, which is no letter's business here.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut pairs = Vec::with_capacity(text.len() + 1);
        let mut before = 0;
        for b in text.iter().map(|b| b & 0x7f).chain(std::iter::once(b' ')) {
            let letter = if b.is_ascii_alphabetic() { b.to_ascii_lowercase() - b'a' + 1 } else { 0 };
            if letter != 0 || before != 0 {
                pairs.push((before, letter));
            }
            before = letter;
        }
        Self(pairs)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// [`Order::mean`] with letters exchanged by their places in the alphabet, from 0.
    pub(super) fn mean(&self, exchanged: impl Fn(u8) -> u8) -> u32 {
        let table = &*TABLE;
        let mut by_letter = [0u8; 32];
        for (place, to) in (0..26).zip(by_letter.iter_mut().skip(1)) {
            *to = exchanged(place) % 26 + 1;
        }
        // In range by the remainders.
        let to = |letter: u8| by_letter[usize::from(letter) % 32];
        let sum: u32 = self.0.iter().map(|(a, b)| u32::from(table.latin[latin(to(*a), to(*b))])).sum();
        (sum * 100).checked_div(self.0.len() as u32).unwrap_or(0)
    }
}

/// How much the order of letters in a text is that of language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Pairs of neighbours, what parts words among them.
    pub pairs: u32,
    words: u32,
    forwards: u32,
    backwards: u32,
    /// Pairs that end in a letter outside ASCII. Scripts of many signs have rarer pairs.
    foreign: u32,
}

impl Order {
    pub(super) fn of(text: impl Iterator<Item = char>) -> Self {
        let table = &*TABLE;
        let mut order = Self::default();
        let mut before = Letter { latin: Some(0), code: 0 };
        for c in text.chain(std::iter::once(' ')) {
            let letter = Letter::of(c);
            if letter.code == 0 && before.code == 0 {
                continue;
            }
            order.pairs += 1;
            order.words += u32::from(before.code == 0);
            order.foreign += u32::from(letter.latin.is_none());
            order.forwards += table.level(before, letter);
            order.backwards += table.level(letter, before);
            before = letter;
        }
        order
    }

    /// The mean level of its pairs in hundredths: about 850 for language, 600 for its letters exchanged or
    /// in another order.
    pub(super) fn mean(self) -> u32 {
        (self.forwards * 100).checked_div(self.pairs).unwrap_or(0)
    }

    /// Whether most words have several letters: what stands in any order has many of one.
    pub(super) const fn has_words(self) -> bool {
        self.pairs >= 4 * self.words
    }

    /// The mean level that language has at least, where one in Latin letters has `latin`.
    pub(super) fn needed(self, latin: u32) -> u32 {
        const FOREIGN: u32 = 300;
        let foreign = self.foreign.min(self.pairs);
        (latin * (self.pairs - foreign) + FOREIGN * foreign).checked_div(self.pairs).unwrap_or(latin)
    }

    /// The mean level it would have backwards.
    pub(super) fn mean_backwards(self) -> u32 {
        (self.backwards * 100).checked_div(self.pairs).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_has_its_order_and_ciphers_have_not() {
        for text in [
            "please bring the signed form to the office before noon",
            "bitte bringen Sie das unterschriebene Formular mit",
            "veuillez apporter le formulaire au bureau avant midi",
            "пожалуйста, принесите подписанную форму до полудня",
            "कृपया हस्ताक्षरित फ़ॉर्म कार्यालय में लाएँ",
        ] {
            let order = Order::of(text.chars());
            let turned = Order::of(text.chars().rev());
            assert!(order.mean() > order.mean_backwards() + 15, "{text} {order:?}");
            assert_eq!(order.mean(), turned.mean_backwards());
            assert!(order.mean() > 650, "{text} {}", order.mean());
        }
        let shifted = "cyrnfr oevat gur fvtarq sbez gb gur bssvpr orsber abba";
        assert!(Order::of(shifted.chars()).mean() < 700);
    }

    #[test]
    fn empty_text_has_no_order() {
        assert_eq!(Order::of("".chars()).mean(), 0);
        assert_eq!(Order::of("12 34 ...".chars()).pairs, 0);
    }
}
