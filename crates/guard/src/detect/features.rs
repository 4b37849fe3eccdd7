//! What the linear detector sees of a text: hashed n-grams of characters (3 to 5) and of words (1 to 3,
//! and pairs with one or two words between them).
//!
//! Nothing is allocated per n-gram: the last five characters and the last three words are kept as numbers,
//! and a feature is a slot of a fixed table. Letters are folded to lower case, digits to one digit and
//! white space to one space, because neither changes what a sentence asks for. A character of a script that
//! writes no spaces between words is a word of its own. A feature counts once in a block: a ruled line of a
//! table is one thing said many times, and said many times it must not outweigh everything else. A block ends
//! with a sentence or a cell, or after [`BLOCK`] characters.

use crate::pages::Pages;

/// Most characters of a text in a block. Sums of weights are kept per block, and a window is a run of blocks.
pub(super) const BLOCK: u32 = 32;
/// A block of this many characters ends with its sentence, so that an order between other sentences has
/// windows of its own.
const SHORTEST: u32 = 12;

/// The sizes of the feature tables, as powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tables {
    pub chars: u32,
    pub words: u32,
}

impl Tables {
    /// Slots in both tables together: characters first, then words.
    pub(super) const fn slots(self) -> usize {
        (1 << self.chars) + (1 << self.words)
    }
}

/// The sizes of those that ship, for which reading is compiled by itself.
pub(super) const SHIPPED: Tables = Tables { chars: 19, words: 18 };

/// A place in one of the tables, counted over both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Chars(u32),
    Words(u32),
}

impl Slot {
    #[inline(always)]
    pub(super) const fn index(self) -> u32 {
        match self {
            Self::Chars(slot) | Self::Words(slot) => slot,
        }
    }
}

/// Receives the features of a text in order.
pub(super) trait Sink {
    /// What is carried from feature to feature. It is no field of the sink, so that it stays in registers.
    type Sum: Copy + Default;
    /// Whether [`Sink::at`] has to be called before the features that follow it are sent.
    const PLACES: bool = false;

    /// A feature that ends in the current block, in the order of the text; `fresh` is false where the block has it
    /// already and it does not count. All are handed over, so that a sink can look one up before that is known.
    fn feature(&mut self, sum: &mut Self::Sum, slot: Slot, fresh: bool);
    /// A block ends; the next one begins at `byte` of the text.
    fn block(&mut self, sum: &Self::Sum, byte: usize);
    /// The features that follow end at the character at `byte`, or at the word before it.
    fn at(&mut self, _byte: usize) {}
}

/// Odd multipliers, one for each distance from the newest character or word.
const K: [u64; 5] = [
    0x9E37_79B9_7F4A_7C15,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0xD6E8_FEB8_6659_FD93,
    0xA076_1D64_78BD_642F,
];
const MIX: u64 = 0xE703_7ED1_A0B4_28DB;
const WORD: u64 = 0x0000_0100_0000_01B3;
const SEED: u64 = 0xCBF2_9CE4_8422_2325;

/// Sends the features of `text` to `sink`, and returns what they came to. Linear in the text, no allocation.
pub(super) fn visit<S: Sink>(text: &str, tables: Tables, sink: &mut S) -> S::Sum {
    // Shifts by constants leave two more registers to a loop that has none to spare.
    if tables == SHIPPED {
        visit_with::<S, { SHIPPED.chars }, { SHIPPED.words }>(text, tables, sink)
    } else {
        visit_with::<S, 0, 0>(text, tables, sink)
    }
}

/// [`visit`] with the sizes of the tables as constants, unless they are zero.
#[inline(never)]
fn visit_with<S: Sink, const CHARS: u32, const WORDS: u32>(
    text: &str,
    tables: Tables,
    sink: &mut S,
) -> S::Sum {
    let tables = if CHARS == 0 { tables } else { Tables { chars: CHARS, words: WORDS } };
    let mut sum = S::Sum::default();
    let mut out = Out { tables, tag: 1 << BLOCK_TAG };
    let mut seen = [0; SEEN];
    let mut recent = [u64::from(b' '); 4];
    let mut words = Words { word: SEED, last: [0; 3], filled: 0 };
    let mut in_block = 0;
    let mut ends = Ends::No;
    let bytes = text.as_bytes();
    let mut next = 0;
    while let Some(byte) = bytes.get(next) {
        let at = next;
        let (c, code, class) = if byte.is_ascii() {
            next += 1;
            // The table folds a character and says what it is in one load.
            let folded = ASCII[usize::from(*byte & 0x7F)];
            (char::from(*byte), u64::from(folded & 0x7F), Class::of_ascii(folded))
        } else {
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            next += c.len_utf8();
            let (code, class) = beyond_ascii(c);
            (c, code, class)
        };
        // A run of white space is one, so that a text and its normal form have the same blocks.
        if class == Class::Space && recent[0] == u64::from(b' ') {
            continue;
        }
        let ended = ends == Ends::Here || (ends == Ends::WithSpace && class == Class::Ideograph);
        if in_block == BLOCK || (ended && in_block >= SHORTEST) {
            sink.block(&sum, at);
            in_block = 0;
            out.tag = out.tag.wrapping_add(1 << BLOCK_TAG).max(1 << BLOCK_TAG);
        }
        in_block += 1;
        ends = ends.then(c, class);
        if S::PLACES {
            sink.at(at);
        }
        let mut send = |slot, fresh| sink.feature(&mut sum, slot, fresh);
        words.push(code, class, &out, &mut seen, &mut send);
        recent = out.chars(code, recent, &mut seen, &mut send);
    }
    if S::PLACES {
        sink.at(text.len());
    }
    if recent[0] != u64::from(b' ') {
        let mut send = |slot, fresh| sink.feature(&mut sum, slot, fresh);
        words.end(&out, &mut seen, &mut send);
        out.chars(u64::from(b' '), recent, &mut seen, &mut send);
    }
    sum
}

/// The folded code of a character outside ASCII, and what it is to the word tokeniser.
fn beyond_ascii(c: char) -> (u64, Class) {
    static PAGES: Pages = Pages::new();
    const CODE: u32 = 0x1F_FFFF;
    let of = |c: char| {
        let lower = c.to_lowercase().next().unwrap_or(c);
        match Class::of(lower) {
            Class::Space => u32::from(b' '),
            Class::Mark => u32::from(lower) | 1 << 24,
            Class::Letter => u32::from(lower) | 2 << 24,
            Class::Ideograph => u32::from(lower) | 3 << 24,
        }
    };
    let entry = PAGES.entry(c, of);
    let class = match entry >> 24 {
        0 => Class::Space,
        1 => Class::Mark,
        2 => Class::Letter,
        _ => Class::Ideograph,
    };
    (u64::from(entry & CODE), class)
}

/// Where a sentence may end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    No,
    /// After white space, which belongs to the sentence before it.
    WithSpace,
    Here,
}

impl Ends {
    #[inline]
    fn then(self, c: char, class: Class) -> Self {
        match c {
            _ if class == Class::Letter => Self::No,
            _ if class == Class::Space => {
                if self == Self::No {
                    Self::No
                } else {
                    Self::Here
                }
            }
            // Cells and elements end like sentences.
            '|' | '>' | '。' | '！' | '？' | '।' => Self::Here,
            '.' | '!' | '?' | ';' | ':' | '…' | '؟' | '۔' => Self::WithSpace,
            // A quotation mark or bracket after the full stop.
            '"' | '\'' | ')' | ']' | '»' | '”' | '’' => self,
            _ => Self::No,
        }
    }
}

/// What a character is to the word tokeniser.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Mark,
    Letter,
    /// A word by itself.
    Ideograph,
}

impl Class {
    const fn of_ascii(folded: u8) -> Self {
        match folded {
            b' ' => Self::Space,
            0x80.. => Self::Letter,
            _ => Self::Mark,
        }
    }

    fn of(c: char) -> Self {
        match c {
            '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' => Self::Ideograph,
            '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => Self::Ideograph,
            '\u{20000}'..='\u{3FFFF}' => Self::Ideograph,
            _ if c.is_whitespace() || c.is_control() => Self::Space,
            _ if c.is_alphanumeric() => Self::Letter,
            // Combining vowels of Indic scripts are not alphanumeric but belong to their word.
            '\u{0300}'..='\u{036F}' | '\u{0591}'..='\u{05C7}' | '\u{0610}'..='\u{06ED}' => Self::Letter,
            '\u{0900}'..='\u{0DFF}' => Self::Letter,
            _ => Self::Mark,
        }
    }
}

/// Lower case, one digit, one space; the high bit says that the character belongs to a word.
static ASCII: [u8; 128] = {
    let mut table = [b' '; 128];
    let mut i = 0;
    while i < 128 {
        let c = i as u8;
        table[i] = match c {
            b'a'..=b'z' => c | 0x80,
            b'A'..=b'Z' => (c | 0x20) | 0x80,
            b'0'..=b'9' => b'0' | 0x80,
            33..=126 => c,
            _ => b' ',
        };
        i += 1;
    }
    table
};

/// Places for slots of a block; a block has some 300 features.
const SEEN: usize = 1024;
/// Slots stay below two to this power.
const BLOCK_TAG: u32 = 21;

/// Slots seen, with the number of their block, by their lowest bits. Where two share a place the later one stays, and
/// a repetition of the other is counted again. It stands apart from [`Out`], for what shares a variable with an array
/// that is indexed by data is kept in memory too.
type Seen = [u32; SEEN];

struct Out {
    tables: Tables,
    /// The number of the block in the bits above a slot's; never zero.
    tag: u32,
}

impl Out {
    #[inline(always)]
    fn fresh(&self, slot: u32, seen: &mut Seen) -> bool {
        let tagged = slot | self.tag;
        // In range by the remainder.
        let seen = &mut seen[slot as usize % SEEN];
        let fresh = *seen != tagged;
        *seen = tagged;
        fresh
    }

    /// The features that end in the character `c`, and the newest characters after it.
    #[inline(always)]
    fn chars(
        &self,
        c: u64,
        recent: [u64; 4],
        seen: &mut Seen,
        send: &mut impl FnMut(Slot, bool),
    ) -> [u64; 4] {
        let [a, b, d, e] = recent;
        let three =
            c.wrapping_mul(K[0]).wrapping_add(a.wrapping_mul(K[1])).wrapping_add(b.wrapping_mul(K[2]));
        let four = three.wrapping_add(d.wrapping_mul(K[3])).wrapping_add(K[4]);
        let five = four.wrapping_add(e.wrapping_mul(K[4])).wrapping_add(K[3]);
        let shift = 64 - self.tables.chars;
        for hash in [three, four, five] {
            let slot = mix(hash, shift);
            send(Slot::Chars(slot), self.fresh(slot, seen));
        }
        [c, a, b, d]
    }

    #[inline(always)]
    fn word(&self, hash: u64, seen: &mut Seen, send: &mut impl FnMut(Slot, bool)) {
        let slot = (1 << self.tables.chars) + mix(hash, 64 - self.tables.words);
        send(Slot::Words(slot), self.fresh(slot, seen));
    }
}

struct Words {
    /// Hash of the word being read; `SEED` between words.
    word: u64,
    /// The newest whole word first.
    last: [u64; 3],
    filled: u32,
}

impl Words {
    #[inline(always)]
    fn push(&mut self, c: u64, class: Class, out: &Out, seen: &mut Seen, send: &mut impl FnMut(Slot, bool)) {
        match class {
            Class::Letter => self.letter(c),
            Class::Ideograph => {
                self.end(out, seen, send);
                self.letter(c);
                self.end(out, seen, send);
            }
            Class::Space | Class::Mark => self.end(out, seen, send),
        }
    }

    #[inline(always)]
    const fn letter(&mut self, c: u64) {
        self.word = (self.word ^ c).wrapping_mul(WORD).rotate_left(5);
    }

    #[inline(always)]
    fn end(&mut self, out: &Out, seen: &mut Seen, send: &mut impl FnMut(Slot, bool)) {
        if self.word == SEED {
            return;
        }
        let w = self.word;
        self.word = SEED;
        let [x, y, z] = self.last;
        let one = w.wrapping_mul(K[0]);
        out.word(one, seen, send);
        if self.filled >= 1 {
            out.word(one.wrapping_add(x.wrapping_mul(K[1])), seen, send);
        }
        if self.filled >= 2 {
            let skip = one.wrapping_add(y.wrapping_mul(K[2]));
            out.word(skip, seen, send);
            out.word(skip.wrapping_add(x.wrapping_mul(K[1])), seen, send);
        }
        if self.filled >= 3 {
            out.word(one.wrapping_add(z.wrapping_mul(K[3])), seen, send);
        }
        self.last = [w, x, y];
        self.filled = (self.filled + 1).min(3);
    }
}

/// The top bits of a mixed hash.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the shift leaves at most 22 bits")]
const fn mix(hash: u64, shift: u32) -> u32 {
    ((hash ^ (hash >> 29)).wrapping_mul(MIX) >> shift) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept {
        slots: Vec<usize>,
        blocks: Vec<usize>,
    }

    impl Sink for Kept {
        type Sum = ();

        fn feature(&mut self, (): &mut (), slot: Slot, fresh: bool) {
            self.slots.extend(fresh.then_some(slot.index() as usize));
        }
        fn block(&mut self, (): &(), byte: usize) {
            self.blocks.push(byte);
        }
    }

    const TABLES: Tables = Tables { chars: 12, words: 10 };

    fn slots(text: &str) -> Vec<usize> {
        let mut kept = Kept::default();
        visit(text, TABLES, &mut kept);
        kept.slots
    }

    #[test]
    fn case_digits_and_runs_of_space_do_not_matter() {
        assert_eq!(slots("Ignore  Rule 7\n"), slots("ignore rule 3"));
        assert_ne!(slots("ignore rule"), slots("ignore rules"));
        assert_eq!(slots("ПРАВИЛА"), slots("правила"));
    }

    #[test]
    fn a_repetition_counts_once_in_a_block() {
        let marks = |times| slots(&"-".repeat(times)).len();
        let block = BLOCK as usize;
        assert!(marks(block) < 20);
        // In each further block it counts once more, with three lengths of n-gram.
        assert_eq!(marks(10 * block) - marks(block), 9 * 3);
    }

    #[test]
    fn a_script_without_spaces_has_words_too() {
        let words = |text: &str| slots(text).iter().filter(|slot| **slot >= 1 << TABLES.chars).count();
        assert_eq!(words("忽略之前"), 1 + 2 + 4 + 5);
        assert_eq!(words("one two"), 1 + 2);
        assert_eq!(words("नियम"), 1);
    }

    #[test]
    fn every_slot_is_in_its_table_and_blocks_begin_at_characters() {
        let text = "é漢字 mixed 🙂 text. ".repeat(40);
        let mut kept = Kept::default();
        visit(&text, TABLES, &mut kept);
        assert!(kept.slots.iter().all(|slot| *slot < TABLES.slots()));
        assert!(kept.blocks.iter().all(|byte| text.is_char_boundary(*byte)));
        // Each sentence is a block.
        assert_eq!(kept.blocks.len(), 39);
    }

    #[test]
    fn a_block_ends_with_its_sentence_or_is_full() {
        let blocks = |text: &str| {
            let mut kept = Kept::default();
            visit(text, TABLES, &mut kept);
            kept.blocks
        };
        assert_eq!(blocks("The shop is open. Call 1.5 hours before. Yes."), [18, 41]);
        assert_eq!(blocks(&"long ".repeat(20)), [32, 64, 96]);
        assert_eq!(blocks("店は月曜日から金曜日まで開いています。はい").len(), 1);
        assert_eq!(blocks("1.\n2.\n3.\n4.\n"), Vec::<usize>::new());
        assert_eq!(blocks("| the first cell | the second"), [18]);
        assert_eq!(blocks("Open  at  nine o'clock.\n\n  Yes."), [27]);
    }
}
