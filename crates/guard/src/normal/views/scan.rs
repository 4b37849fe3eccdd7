//! One look over a text, by which readers know whether they have anything to do, and where.
//!
//! Most of a text are words: letters of ASCII between spaces, of which no encoding is made and most readers want to
//! know nothing. They are found eight bytes at a time. Every other piece is noted with the [signs](Piece::signs)
//! that stand in it, and readers go from one to the next of [those](Scan::odd) that have what they look for.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::{memchr_iter, memchr3_iter};

use super::super::invisible::{is_common_mark, is_invisible};
use super::classes::{Bits, Classes};
use super::facts::Facts;
use super::pairs::Order;
use super::{clusters, spelled, turned, words};
use crate::pages::Pages;

/// A text and what its pieces between white space are.
pub(super) struct Scan<'t> {
    pub text: &'t str,
    /// What the text was made of, in which a key may stand; nothing, if it is that.
    pub source: &'t str,
    pub pieces: Vec<Piece>,
    /// The places of pieces that are more than letters of ASCII.
    odd: Vec<u32>,
    /// The places of pieces of [`LONG`] bytes or more.
    long: Vec<u32>,
    /// How often each byte is there that is no letter of ASCII and no space; letters are counted where that costs less
    /// than not to count them.
    counts_of: [u32; 256],
    /// How many pieces are of each kind.
    counts: [usize; 8],
    /// Pieces among which [`LONE`] letters or digits in a row may stand alone, between spaces or signs.
    pub lone: Vec<Range<usize>>,
    /// Words of ASCII letters that end in "ay".
    pub in_ay: usize,
    /// Characters that are letters upside down.
    pub turned: usize,
    /// Braille cells.
    pub cells: usize,
    pub facts: Facts,
    parts: OnceCell<Vec<Part>>,
    lines: OnceCell<Vec<usize>>,
}

/// Bytes from which a piece is long.
pub(super) const LONG: usize = 12;
/// Letters that stand alone, from which they are a row.
pub(super) const LONE: usize = 5;

/// A line, or what stands between tags.
pub(super) struct Part {
    pub range: Range<usize>,
    /// The places of the pieces that begin in it.
    pub pieces: Range<usize>,
    /// Half of its words are known, so that its letters stand as they should.
    pub plain: bool,
    order: OnceCell<Order>,
}

impl Part {
    /// The order of its first letters.
    pub(super) fn order(&self, text: &str) -> Order {
        *self.order.get_or_init(|| Order::of_start(text.get(self.range.clone()).unwrap_or_default(), SAMPLE))
    }
}

/// Characters of a part whose order is looked at.
pub(super) const SAMPLE: usize = 240;

/// What stands between two spaces. Places are kept in half a word, for a text has many of them.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    core: Range<u32>,
    whole: Range<u32>,
    pub kind: Kind,
    /// The core is letters of ASCII only.
    pub plain: bool,
    /// What signs stand in it or beside it, of those below; where it is plain, beside its letters.
    pub signs: u16,
}

impl Piece {
    /// Where, punctuation at its ends left off unless it is nothing else.
    pub(super) fn core(&self) -> Range<usize> {
        self.core.start as usize..self.core.end as usize
    }

    /// Where, with punctuation.
    pub(super) fn whole(&self) -> Range<usize> {
        self.whole.start as usize..self.whole.end as usize
    }

    /// Whether one of `signs` stands in it.
    pub(super) const fn has(&self, signs: u16) -> bool {
        self.signs & signs != 0
    }
}

/// What readers ask of the bytes of a piece.
pub(super) mod sign {
    pub(in super::super) const DIGIT: u16 = 1;
    /// What stands for a letter in leetspeak and is none.
    pub(in super::super) const LEET: u16 = 1 << 1;
    pub(in super::super) const BACKSLASH: u16 = 1 << 2;
    pub(in super::super) const PERCENT: u16 = 1 << 3;
    /// Signs that are put into words.
    pub(in super::super) const JOINT: u16 = 1 << 4;
    /// What is neither a letter nor put into words.
    pub(in super::super) const NO_JOINT: u16 = 1 << 5;
    pub(in super::super) const FOREIGN: u16 = 1 << 6;
    /// What is no sign of Morse code.
    pub(in super::super) const NO_MORSE: u16 = 1 << 7;
    /// What parts a quotation or an element from what stands beside it.
    pub(in super::super) const BESIDE: u16 = 1 << 8;
    pub(in super::super) const EQUALS: u16 = 1 << 9;
    pub(super) const PUNCTUATION: u16 = 1 << 10;
    pub(super) const LETTER: u16 = 1 << 11;
    pub(super) const SPACE: u16 = 1 << 12;

    pub(in super::super) static OF: [u16; 256] = {
        let mut of = [0; 256];
        let mut at = 0;
        while at < 256 {
            of[at] = traits(at as u8);
            at += 1;
        }
        of
    };

    const fn traits(b: u8) -> u16 {
        const fn bit(has: bool, bit: u16) -> u16 {
            if has { bit } else { 0 }
        }
        let letter = b.is_ascii_alphabetic();
        let leet = matches!(
            b,
            b'0'..=b'9' | b'@' | b'$' | b'!' | b'|' | b'+' | b'(' | b'<' | b'{' | b'#' | b'^' | b'%'
        );
        let joint = matches!(
            b,
            b'-' | b'_' | b'.' | b'*' | b'~' | b'`' | b'|' | b'/' | b'\\' | b'^' | b'=' | b'+' | b':'
        );
        let apostrophe = b == b'\'';
        bit(b.is_ascii_digit(), DIGIT)
            | bit(leet, LEET)
            | bit(b == b'\\', BACKSLASH)
            | bit(b == b'%', PERCENT)
            | bit(joint, JOINT)
            | bit(!letter && !joint && !apostrophe, NO_JOINT)
            | bit(!b.is_ascii(), FOREIGN)
            | bit(!matches!(b, b'.' | b'-' | b'_' | b'*' | b'/' | b'|'), NO_MORSE)
            | bit(matches!(b, b'<' | b'>' | b'"' | b'\''), BESIDE)
            | bit(b == b'=', EQUALS)
            | bit(b.is_ascii_punctuation(), PUNCTUATION)
            | bit(letter, LETTER)
            | bit(b.is_ascii_whitespace(), SPACE)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters of which a word is known.
    Known,
    /// Three letters or more that are no known word.
    Unknown,
    /// Two letters.
    Pair,
    /// One letter.
    Single,
    /// Digits.
    Number,
    /// Letters with digits or signs among them.
    Mixed,
    /// Signs.
    Signs,
    /// Something outside ASCII.
    Foreign,
}

impl<'t> Scan<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let mut scan = Self {
            text,
            source: "",
            pieces: Vec::with_capacity(text.len() / 5 + 1),
            odd: Vec::with_capacity(text.len() / 16),
            long: Vec::new(),
            counts_of: [0; 256],
            counts: [0; 8],
            lone: Vec::new(),
            in_ay: 0,
            turned: 0,
            cells: 0,
            facts: Facts::default(),
            parts: OnceCell::new(),
            lines: OnceCell::new(),
        };
        let classes = Classes::of(bytes);
        let mut row = Row::default();
        let mut at = 0;
        loop {
            let start = at + classes.spaces.set_from(at);
            // Between most there is one space, which is not counted.
            if start != at + 1 || bytes.get(at) != Some(&b' ') {
                let gap = bytes.get(at..start.min(bytes.len())).unwrap_or_default();
                gap.iter().filter(|b| **b != b' ').for_each(|b| scan.count_byte(*b));
            }
            if start >= bytes.len() {
                break;
            }
            let whole = start..start + classes.spaces.clear_from(start, bytes.len() - start);
            let (piece, lone) = match scan.word(&whole, &classes.letters) {
                Some(piece) => {
                    let single = piece.kind == Kind::Single;
                    (piece, (usize::from(single), single))
                }
                None => scan.other(start),
            };
            at = whole.end;
            scan.add(piece, lone, &mut row);
        }
        scan.facts = Facts::of(text, &scan.pieces);
        scan
    }

    fn add(&mut self, piece: Piece, (lone, only): (usize, bool), row: &mut Row) {
        let place = self.pieces.len();
        if let Some(count) = self.counts.get_mut(piece.kind as usize) {
            *count += 1;
        }
        if !piece.plain || piece.signs != 0 {
            self.odd.push(place as u32);
        }
        if piece.whole.len() >= LONG {
            self.long.push(place as u32);
        }
        row.letters += lone;
        if row.letters >= LONE {
            match self.lone.last_mut() {
                Some(last) if row.start < last.end => last.end = place + 1,
                _ => self.lone.push(row.start..place + 1),
            }
        }
        if !only {
            *row = Row { start: place, letters: lone };
        }
        self.pieces.push(piece);
    }

    /// What stands between white space, if it is what most pieces are: letters of ASCII, perhaps between punctuation.
    #[inline]
    fn word(&mut self, whole: &Range<usize>, letters: &Bits) -> Option<Piece> {
        let bytes = self.text.as_bytes();
        let core = whole.start + letters.clear_from(whole.start, whole.len());
        let core = core..core + letters.set_from(core);
        if core.is_empty() {
            return None;
        }
        let mut signs = 0;
        if core != *whole {
            let (before, behind) = (bytes.get(whole.start..core.start)?, bytes.get(core.end..whole.end)?);
            let all = |beside: &[u8]| {
                beside.iter().fold((0, sign::PUNCTUATION), |(any, all), b| {
                    let traits = sign::OF[usize::from(*b)];
                    (any | traits, all & traits)
                })
            };
            let ((one, one_all), (other, other_all)) = (all(before), all(behind));
            if one_all & other_all == 0 {
                return None;
            }
            signs = one | other;
            before.iter().for_each(|b| self.count_byte(*b));
            behind.iter().for_each(|b| self.count_byte(*b));
        }
        let word = bytes.get(core.clone())?;
        let hash = words::Hash::of_small(bytes.get(core.start..)?, word.len());
        let is_known = hash.known(word.len());
        let kind = match word.len() {
            1 => Kind::Single,
            2 => Kind::Pair,
            _ if is_known => Kind::Known,
            _ => Kind::Unknown,
        };
        self.in_ay += usize::from(matches!(word, [.., _, b'a' | b'A', b'y' | b'Y']));
        let piece = |of: &Range<usize>| of.start as u32..of.end as u32;
        Some(Piece { core: piece(&core), whole: piece(whole), kind, plain: true, signs })
    }

    /// The piece that begins at `start`, whatever it is; how many letters and digits of it have no neighbour, and whether
    /// it has no others.
    fn other(&mut self, start: usize) -> (Piece, (usize, bool)) {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(start..).unwrap_or_default();
        let (mut signs, mut length, mut head, mut tail) = (0, 0, usize::MAX, 0);
        for b in rest {
            let traits = sign::OF[usize::from(*b)];
            if traits & sign::SPACE != 0 {
                break;
            }
            self.counts_of[usize::from(*b)] += 1;
            signs |= traits;
            length += 1;
            if traits & sign::PUNCTUATION == 0 {
                head = head.min(length - 1);
                tail = length;
            }
        }
        let whole = start..start + length;
        let places = |of: &Range<usize>| of.start as u32..of.end as u32;
        if tail == 0 {
            let at = places(&whole);
            return (
                Piece { core: at.clone(), whole: at, kind: Kind::Signs, plain: false, signs },
                (0, true),
            );
        }
        let core = start + head..start + tail;
        let word = bytes.get(core.clone()).unwrap_or_default();
        let kind = kind(word, signs);
        let lone = match kind {
            Kind::Single => (1, true),
            Kind::Pair => (0, false),
            Kind::Foreign => self.foreign(&core),
            _ => alone(word.iter().map(u8::is_ascii_alphanumeric)),
        };
        (Piece { core: places(&core), whole: places(&whole), kind, plain: false, signs }, lone)
    }

    fn foreign(&mut self, core: &Range<usize>) -> (usize, bool) {
        let core = self.text.get(core.clone()).unwrap_or_default();
        let (turned, cells) = (&mut self.turned, &mut self.cells);
        alone(clusters::bases(core).map(|c| {
            if c.is_ascii() {
                return c.is_ascii_alphanumeric();
            }
            let traits = traits(c);
            *turned += usize::from(traits & TURNED != 0);
            *cells += usize::from(traits & CELL != 0);
            traits & LETTER != 0
        }))
    }

    fn count_byte(&mut self, byte: u8) {
        // In range by its type.
        self.counts_of[usize::from(byte)] += 1;
    }

    /// The pieces that are more than letters of ASCII, in order.
    pub(super) fn odd(&self) -> impl Iterator<Item = &Piece> {
        self.odd.iter().filter_map(|at| self.pieces.get(*at as usize))
    }

    /// The same, with their places among all.
    pub(super) fn odd_at(&self) -> impl Iterator<Item = (usize, &Piece)> {
        self.odd.iter().filter_map(|at| Some((*at as usize, self.pieces.get(*at as usize)?)))
    }

    /// The pieces of [`LONG`] bytes or more, in order.
    pub(super) fn long(&self) -> impl Iterator<Item = (usize, &Piece)> {
        self.long.iter().filter_map(|at| Some((*at as usize, self.pieces.get(*at as usize)?)))
    }

    /// The lines, without what ends them, and where they begin.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'t str)> {
        let ends = self.lines.get_or_init(|| memchr_iter(b'\n', self.text.as_bytes()).collect());
        let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
        let ends = ends.iter().copied().chain(std::iter::once(self.text.len()));
        starts.zip(ends).map(|(start, end)| (start, self.text.get(start..end).unwrap_or_default()))
    }

    /// Its parts, in order.
    pub(super) fn parts(&self) -> &[Part] {
        self.parts.get_or_init(|| parts(self))
    }

    /// How many pieces are of a kind.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// How often an ASCII character is there that is no letter.
    pub(super) fn has(&self, sign: u8) -> usize {
        self.counts_of[usize::from(sign)] as usize
    }

    pub(super) fn core(&self, piece: &Piece) -> &'t str {
        self.text.get(piece.core()).unwrap_or_default()
    }
}

fn parts(scan: &Scan<'_>) -> Vec<Part> {
    /// A word in fifty is known by chance.
    const KNOWN: usize = 3;
    let ends = memchr3_iter(b'\n', b'<', b'>', scan.text.as_bytes()).chain(std::iter::once(scan.text.len()));
    let (mut start, mut first) = (0, 0);
    ends.map(|end| {
        let range = start..end;
        start = end + 1;
        let rest = scan.pieces.get(first..).unwrap_or_default();
        let (mut known, mut others, mut count) = (0, 0, 0);
        for piece in rest.iter().take_while(|piece| piece.core().start < range.end) {
            count += 1;
            known += usize::from(piece.kind == Kind::Known);
            others += usize::from(matches!(piece.kind, Kind::Unknown | Kind::Mixed | Kind::Foreign));
        }
        let pieces = first..first + count;
        first = pieces.end;
        Part { range, pieces, plain: known >= KNOWN && known >= others, order: OnceCell::new() }
    })
    .collect()
}

/// How many letters and digits of a piece have no neighbour, and whether it has no others.
fn alone(letters: impl Iterator<Item = bool>) -> (usize, bool) {
    let (mut alone, mut longest, mut length) = (0, 0, 0);
    for letter in letters {
        if letter {
            length += 1;
            longest = longest.max(length);
        } else {
            alone += usize::from(length == 1);
            length = 0;
        }
    }
    (alone + usize::from(length == 1), longest <= 1)
}

// What readers ask of a character outside ASCII, looked up together.
const LETTER: u32 = 1;
const TURNED: u32 = 2;
const CELL: u32 = 4;
const UNSEEN: u32 = 8;
const ALPHABETIC: u32 = 16;
const ALPHANUMERIC: u32 = 32;

fn traits(c: char) -> u32 {
    static PAGES: Pages = Pages::new();
    PAGES.entry(c, |c| {
        let letter = c.is_alphanumeric() || matches!(c, '\u{900}'..='\u{dff}');
        let traits = [
            (letter, LETTER),
            (turned::is_turned(c), TURNED),
            (spelled::is_cell(c), CELL),
            (is_invisible(c) || is_common_mark(c), UNSEEN),
            (c.is_alphabetic(), ALPHABETIC),
            (c.is_alphanumeric(), ALPHANUMERIC),
        ];
        traits.into_iter().filter(|(has, _)| *has).map(|(_, bit)| bit).sum()
    })
}

/// Whether a character is written next to others in a word. Vowel signs and what joins consonants of Indic
/// scripts are set apart like letters.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { traits(c) & LETTER != 0 }
}

/// [`char::is_alphabetic`].
pub(super) fn is_alphabetic(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { traits(c) & ALPHABETIC != 0 }
}

/// [`char::is_alphanumeric`].
pub(super) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { traits(c) & ALPHANUMERIC != 0 }
}

/// Whether a character shows nothing, or nothing by itself.
pub(super) fn is_unseen(c: char) -> bool {
    !c.is_ascii() && traits(c) & UNSEEN != 0
}

/// What a core is that is more than letters of ASCII, or has something else than white space beside its punctuation.
fn kind(word: &[u8], signs: u16) -> Kind {
    if signs & sign::FOREIGN != 0 {
        return Kind::Foreign;
    }
    let (mut letters, mut digits, mut inner) = (0, 0, 0);
    for b in word {
        letters += usize::from(b.is_ascii_alphabetic());
        inner += usize::from(matches!(b, b'\'' | b'-'));
    }
    digits += word.len() - letters - inner;
    match (letters, digits, inner) {
        (1, 0, 0) => Kind::Single,
        (2, 0, 0) => Kind::Pair,
        (_, 0, 0) if words::known(word) => Kind::Known,
        (_, 0, 0) => Kind::Unknown,
        // isn't, well-known: known by any part.
        (_, 0, _) if letters > inner + 1 => {
            let known =
                word.split(|b| !b.is_ascii_alphabetic()).any(|part| part.len() >= 3 && words::known(part));
            if known { Kind::Known } else { Kind::Unknown }
        }
        (0, _, 0) if word.iter().all(u8::is_ascii_digit) => Kind::Number,
        _ => Kind::Mixed,
    }
}

/// A row of letters that stand alone: the piece it may begin in, and how many there are so far.
#[derive(Default)]
struct Row {
    start: usize,
    letters: usize,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts of what pieces are told apart by.
    const TEXTS: &str = "( |  |\n|\t|a|I|no|the|previous|xqzt|Away|don't|well-known|x|1|42|u8|%41|\\\\|=|<b>|\"|\\.|,|\\(|é|И|漢|⠃|ɐ|\u{b}|-){0,60}";

    proptest! {
        #[test]
        fn pieces_are_what_stands_between_white_space(text in TEXTS) {
            let scan = Scan::of(&text);
            let wholes: Vec<&str> = scan.pieces.iter().map(|piece| &text[piece.whole()]).collect();
            prop_assert_eq!(wholes, text.split_ascii_whitespace().collect::<Vec<_>>());
            for piece in &scan.pieces {
                let whole = &text[piece.whole()];
                let core = whole.trim_matches(|c: char| c.is_ascii_punctuation());
                prop_assert_eq!(&text[piece.core()], if core.is_empty() { whole } else { core });
                let letters = !core.is_empty() && core.bytes().all(|b| b.is_ascii_alphabetic());
                prop_assert_eq!(piece.plain, letters, "{}", whole);
                let beside = |b: &u8| !piece.plain || !b.is_ascii_alphabetic();
                let signs = whole.bytes().filter(beside).fold(0, |signs, b| signs | sign::OF[usize::from(b)]);
                prop_assert_eq!(piece.signs, signs);
                let known = core.split(|c: char| !c.is_ascii_alphabetic()).any(|part| words::known(part.as_bytes()));
                prop_assert!(piece.kind != Kind::Known || known, "{}", whole);
            }
            for b in (0..=127u8).filter(|b| !b.is_ascii_alphabetic() && *b != b' ') {
                prop_assert_eq!(scan.has(b), text.bytes().filter(|other| *other == b).count());
            }
        }

        /// What readers go through instead of all pieces has every piece that they look for.
        #[test]
        fn lists_of_pieces_leave_nothing_out(text in TEXTS) {
            let scan = Scan::of(&text);
            let odd: Vec<Range<usize>> = scan.odd().map(Piece::whole).collect();
            let long: Vec<Range<usize>> = scan.long().map(|(_, piece)| piece.whole()).collect();
            let mut in_parts = 0;
            for piece in &scan.pieces {
                let bare = text[piece.whole()].bytes().all(|b| b.is_ascii_alphabetic());
                prop_assert_eq!(!odd.contains(&piece.whole()), bare);
                prop_assert_eq!(long.contains(&piece.whole()), piece.whole().len() >= LONG);
            }
            for part in scan.parts() {
                prop_assert_eq!(part.pieces.start, in_parts);
                in_parts = part.pieces.end;
            }
            prop_assert_eq!(in_parts, scan.pieces.len());
            let lines: Vec<&str> = scan.lines().map(|(_, line)| line).collect();
            prop_assert_eq!(lines, text.split('\n').collect::<Vec<_>>());
        }

        /// Rows of letters that stand alone are looked for in some places only, and stand nowhere else.
        #[test]
        fn rows_of_lone_letters_are_where_they_are_looked_for(text in TEXTS) {
            let scan = Scan::of(&text);
            let places: Vec<Range<usize>> = (scan.lone.iter())
                .map(|row| scan.pieces[row.start].whole().start..scan.pieces[row.end - 1].whole().end)
                .collect();
            let mut row: Vec<usize> = Vec::new();
            let ends = text.char_indices().filter(|(_, c)| !is_letter(*c)).map(|(at, c)| (at, at + c.len_utf8()));
            let mut start = 0;
            for (end, next) in ends.chain([(text.len(), text.len())]) {
                let letters = clusters::bases(&text[start..end]).count();
                match letters {
                    0 => {}
                    1 => row.push(start),
                    _ => row.clear(),
                }
                if letters == 1 && row.len() >= LONE {
                    let from = row[row.len() - LONE];
                    let inside = places.iter().any(|place| place.start <= from && end <= place.end);
                    prop_assert!(inside, "{:?} {:?} {:?}", &text[from..end], from, places);
                }
                start = next;
            }
        }

        #[test]
        fn a_word_has_the_same_hash_beside_others(word in "[a-zA-Z]{1,20}", after in "[a-z .]{0,12}") {
            let mut hash = words::Hash::default();
            word.bytes().for_each(|letter| hash.push(letter));
            prop_assert_eq!(words::Hash::of_small(format!("{word}{after}").as_bytes(), word.len()), hash);
        }
    }
}
