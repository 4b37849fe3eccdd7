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

/// The place of each byte in the Latin alphabet from 1, or 0.
static PLACES_OF: [u8; 256] = {
    let mut places = [0; 256];
    let mut at = 1;
    while at <= 26 {
        places[(b'a' - 1) as usize + at as usize] = at;
        places[(b'A' - 1) as usize + at as usize] = at;
        at += 1;
    }
    places
};

struct Table {
    /// Levels by the two letters' places in the alphabet, 0 for what parts words, in five bits each.
    latin: [u8; LATIN],
    /// What a pair of Latin letters adds to each count of an [`Order`], of 16 bits each, the first in the lowest: the
    /// level, the level backwards, the pair, the word that begins with it. Nothing where no word is.
    counted: [u64; LATIN],
    /// By the places of a pair of Latin letters: the levels it has with both letters moved on by 0 to 25 places, and
    /// with both mirrored.
    exchanged: Box<[[u8; WAYS_ROOM]]>,
    others: Box<[u8; PLACES]>,
}

/// Ways to exchange letters that are judged together: Caesar's 26 shifts and Atbash.
pub(super) const WAYS: usize = 27;
/// As many as vectors take.
const WAYS_ROOM: usize = 32;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        latin: [0; LATIN],
        counted: [0; LATIN],
        exchanged: vec![[0; WAYS_ROOM]; LATIN].into_boxed_slice(),
        others: Box::new([0; PLACES]),
    };
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
    for (a, b) in (0..32).flat_map(|a| (0..32).map(move |b| (a, b))).skip(1) {
        // In range by the remainders.
        table.counted[latin(a, b)] = u64::from(table.latin[latin(a, b)])
            | u64::from(table.latin[latin(b, a)]) << 16
            | 1 << 32
            | u64::from(a == 0) << 48;
        let Some(row) = table.exchanged.get_mut(latin(a, b)) else { continue };
        for (way, level) in (0..).zip(row.iter_mut().take(WAYS)) {
            let to = |letter: u8| match (letter, way) {
                (0, _) => 0,
                (_, 26) => 25 - (letter - 1) % 26 + 1,
                _ => (letter - 1 + way) % 26 + 1,
            };
            *level = table.latin[latin(to(a), to(b))];
        }
    }
    table
});

/// What a character is to the order of letters, looked up once for all orders that are tried of a text.
#[derive(Clone, Copy)]
pub(super) struct Letter {
    /// The place in the Latin alphabet from 1, or 0 for what parts words.
    latin: Option<u8>,
    code: u32,
}

impl Letter {
    /// What parts words.
    pub(super) const NONE: Self = Self { latin: Some(0), code: 0 };

    /// The small letter; 0 for what parts words.
    pub(super) const fn code(self) -> u32 {
        self.code
    }

    pub(super) const fn parts_words(self) -> bool {
        self.code == 0
    }

    #[inline]
    pub(super) fn of(c: char) -> Self {
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

/// The place of a pair with a letter outside ASCII.
const fn place(a: u32, b: u32) -> usize {
    Sides::of(a).before(Sides::of(b))
}

/// What a letter has to do with the place of a pair, as the first of it and as the second.
#[derive(Clone, Copy)]
struct Sides(u64, u64);

impl Sides {
    const fn of(code: u32) -> Self {
        let code = code as u64;
        Self(code.wrapping_mul(0x9E37_79B9_7F4A_7C15), code.wrapping_mul(0xC2B2_AE3D_27D4_EB4F))
    }

    /// The place of the pair of this letter and the next one.
    const fn before(self, next: Self) -> usize {
        let place = (self.0 ^ next.1).wrapping_mul(0xE703_7ED1_A0B4_28DB) >> 49;
        place as usize % PLACES
    }
}

impl Table {
    #[inline]
    fn level(&self, a: Letter, b: Letter) -> u32 {
        u32::from(match (a.latin, b.latin) {
            // In range by the remainder.
            (Some(a), Some(b)) => self.latin[latin(a, b)],
            _ => self.others[place(a.code, b.code)],
        })
    }
}

/// The pairs of neighbours of a text in Latin letters, to ask what order they had if letters were exchanged.
pub(super) struct LatinPairs(Vec<u16>);

impl LatinPairs {
    /// Of the bytes with their upper bits cut off, which is no letter's business here.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut pairs = Vec::with_capacity(text.len() + 1);
        let mut before = 0;
        for b in text.iter().map(|b| b & 0x7f).chain(std::iter::once(b' ')) {
            let letter = if b.is_ascii_alphabetic() { b.to_ascii_lowercase() - b'a' + 1 } else { 0 };
            if letter != 0 || before != 0 {
                pairs.push(latin(before, letter) as u16);
            }
            before = letter;
        }
        Self(pairs)
    }

    /// [`LatinPairs::mean`] of a text of which nothing else is asked.
    pub(super) fn mean_of(text: &[u8]) -> u32 {
        let mut mean = LatinMean::default();
        text.iter().for_each(|b| mean.push(b & 0x7f));
        mean.mean()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// [`Order::mean`].
    pub(super) fn mean(&self) -> u32 {
        let table = &*TABLE;
        // In range by the remainder.
        let sum: u32 = self.0.iter().map(|pair| u32::from(table.latin[usize::from(*pair) % LATIN])).sum();
        (sum * 100).checked_div(self.0.len() as u32).unwrap_or(0)
    }

    /// The same with letters moved on by 0 to 25 places, and mirrored.
    pub(super) fn means_exchanged(&self) -> [u32; WAYS] {
        let table = &*TABLE;
        let mut sums = [0u32; WAYS];
        // So many bytes add up to no more than half a word holds.
        for pairs in self.0.chunks(256) {
            let mut part = [0u16; WAYS_ROOM];
            for row in pairs.iter().filter_map(|pair| table.exchanged.get(usize::from(*pair))) {
                for (sum, level) in part.iter_mut().zip(row) {
                    *sum += u16::from(*level);
                }
            }
            for (sum, part) in sums.iter_mut().zip(part) {
                *sum += u32::from(part);
            }
        }
        sums.map(|sum| (sum * 100).checked_div(self.0.len() as u32).unwrap_or(0))
    }
}

/// [`Order::mean`] of letters that come one by one.
#[derive(Clone)]
pub(super) struct LatinMean {
    table: &'static Table,
    sum: u32,
    pairs: u32,
    before: u8,
    letters: usize,
}

impl Default for LatinMean {
    fn default() -> Self {
        Self { table: &TABLE, sum: 0, pairs: 0, before: 0, letters: 0 }
    }
}

impl LatinMean {
    #[inline]
    pub(super) fn push(&mut self, b: u8) {
        let letter = PLACES_OF[usize::from(b)];
        // In range by the remainder; what stands between two words has no level.
        self.sum += u32::from(self.table.latin[latin(self.before, letter)]);
        self.pairs += u32::from(letter | self.before != 0);
        self.before = letter;
        self.letters += 1;
    }

    /// How many there were.
    pub(super) const fn letters(&self) -> usize {
        self.letters
    }

    /// With what parts words behind the last one.
    pub(super) fn mean(mut self) -> u32 {
        self.push(b' ');
        (self.sum * 100).checked_div(self.pairs).unwrap_or(0)
    }
}

/// The level of a pair of Latin letters, or of one and what parts words.
pub(super) fn level(a: u8, b: u8) -> u32 {
    let place = |b: u8| PLACES_OF[usize::from(b)];
    // In range by the remainder.
    u32::from(TABLE.latin[latin(place(a), place(b))])
}

/// The level of any pair of letters.
pub(super) fn level_of(a: Letter, b: Letter) -> u32 {
    TABLE.level(a, b)
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
        Self::of_letters(text.map(Letter::of))
    }

    /// [`Order::of`] characters that were looked up.
    pub(super) fn of_letters(letters: impl Iterator<Item = Letter>) -> Self {
        let table = &*TABLE;
        let mut order = Self::default();
        let (mut before, mut side) = (Letter::NONE, Sides::of(0));
        for letter in letters.chain(std::iter::once(Letter::NONE)) {
            if letter.code == 0 && before.code == 0 {
                continue;
            }
            order.pairs += 1;
            order.words += u32::from(before.code == 0);
            order.foreign += u32::from(letter.latin.is_none());
            let next = Sides::of(letter.code);
            // In range by the remainders.
            let (forwards, backwards) = match (before.latin, letter.latin) {
                (Some(a), Some(b)) => (table.latin[latin(a, b)], table.latin[latin(b, a)]),
                _ => (table.others[side.before(next)], table.others[next.before(side)]),
            };
            order.forwards += u32::from(forwards);
            order.backwards += u32::from(backwards);
            (before, side) = (letter, next);
        }
        order
    }

    /// [`Order::of`] the first characters of a text, `most` at the most.
    pub(super) fn of_start(text: &str, most: usize) -> Self {
        let bytes = text.as_bytes();
        // As many characters are no fewer bytes.
        let start = bytes.get(..most.min(bytes.len())).unwrap_or_default();
        if start.is_ascii() { Self::of_latin(start) } else { Self::of(text.chars().take(most)) }
    }

    /// [`Order::of`] ASCII.
    pub(super) fn of_latin(text: &[u8]) -> Self {
        /// So many pairs leave no count of 16 bits full: a level is no more than 13.
        const ROOM: usize = 4096;
        let table = &*TABLE;
        let mut order = Self::default();
        let mut before = 0;
        let mut add = |counts: u64| {
            let [forwards, backwards, pairs, words] =
                [0, 16, 32, 48].map(|at| (counts >> at & 0xffff) as u32);
            order.forwards += forwards;
            order.backwards += backwards;
            order.pairs += pairs;
            order.words += words;
        };
        for part in text.chunks(ROOM) {
            let mut counts = 0;
            for byte in part {
                let letter = PLACES_OF[usize::from(*byte)];
                // In range by the remainder.
                counts += table.counted[latin(before, letter)];
                before = letter;
            }
            add(counts);
        }
        add(table.counted[latin(before, 0)]);
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
    fn ascii_has_the_order_that_its_characters_have() {
        let text = "Bring the signed form (b), 12 times; to-and-fro\n ".repeat(300);
        for length in (0..300).chain([4095, 4096, 4097, text.len()]) {
            let start = &text[..length];
            assert_eq!(Order::of_latin(start.as_bytes()), Order::of(start.chars()), "{length}");
        }
        assert!(LEARNT.lines().all(|line| line.split(' ').next().unwrap().parse::<u8>().unwrap() <= 13));
    }

    #[test]
    fn empty_text_has_no_order() {
        assert_eq!(Order::of("".chars()).mean(), 0);
        assert_eq!(Order::of("12 34 ...".chars()).pairs, 0);
    }

    #[test]
    fn all_ways_to_exchange_letters_are_judged_at_once() {
        let text = "Bring the signed form, please, to the office: before noon or after".repeat(9);
        let means = LatinPairs::of(text.as_bytes()).means_exchanged();
        for (way, mean) in means.into_iter().enumerate() {
            let exchange = |c: char| {
                let place = c as usize - 'a' as usize;
                char::from(b'a' + if way == 26 { 25 - place } else { (place + way) % 26 } as u8)
            };
            let lower = text.to_ascii_lowercase();
            let other: String =
                lower.chars().map(|c| if c.is_ascii_lowercase() { exchange(c) } else { c }).collect();
            assert_eq!(mean, LatinPairs::of(other.as_bytes()).mean(), "{way}");
            assert_eq!(mean, LatinPairs::mean_of(other.as_bytes()), "{way}");
            assert_eq!(mean, Order::of(other.chars()).mean(), "{way}");
        }
    }
}
