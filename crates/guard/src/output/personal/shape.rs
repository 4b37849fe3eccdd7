//! All shapes of numbers followed at once.
//!
//! A shape is written as a form would print it: `9` a digit, `A` a letter, `X` either, `S` a sign (`-` or
//! `+`), `C` a century sign of a Finnish identity code, `-` a place where a separator may stand. Separators
//! stand in all such places or in none, so each shape is two variants, and a set of variants is bits of a
//! number: reading a character keeps the variants that may have it at this place.

use super::super::finding::shape as dotted;
use super::super::look::{Hit, Look, Step};
use super::context;
use super::glyph::{self, HYPHEN, KINDS, PLUS, SEPARATOR, kind};
use super::{Need, Number};

/// Longest shape in characters.
const LENGTH: usize = 24;
/// Most lengths at which one text can be complete.
const ENDS: usize = 16;

/// The variants of some numbers.
#[derive(Debug, Clone)]
pub(super) struct Shapes {
    variants: Vec<Variant>,
    /// By place, by kind of character: the variants that may have it there, in words of 64.
    allowed: Vec<[Set; KINDS]>,
    /// By length: the variants of that length.
    ending: Vec<Set>,
}

/// A set of variants.
type Set = [u64; 3];

#[derive(Debug, Clone)]
struct Variant {
    number: &'static Number,
    /// Places of separators.
    separators: u32,
    bare: bool,
}

impl Shapes {
    pub(super) fn new(numbers: impl Iterator<Item = &'static Number>) -> Self {
        let mut shapes = Self {
            variants: Vec::new(),
            allowed: vec![[[0; 3]; KINDS]; LENGTH],
            ending: vec![[0; 3]; LENGTH + 1],
        };
        for number in numbers {
            for shape in number.shapes {
                if shape.contains('-') {
                    shapes.add(number, shape, false);
                }
                shapes.add(number, &shape.replace('-', ""), true);
            }
        }
        shapes
    }

    fn add(&mut self, number: &'static Number, shape: &str, bare: bool) {
        let index = self.variants.len();
        debug_assert!(index < 192 && shape.len() <= LENGTH, "{shape} does not fit");
        let mut separators = 0;
        for (place, symbol) in shape.bytes().enumerate() {
            let kinds: Vec<u8> = match symbol {
                b'9' => (0..10).collect(),
                b'A' => (10..36).collect(),
                b'X' => (0..36).collect(),
                b'S' => vec![HYPHEN, PLUS],
                b'C' => [HYPHEN, PLUS].into_iter().chain("ABCDEFUVWXY".chars().map(kind)).collect(),
                _ => {
                    separators |= 1 << place;
                    vec![SEPARATOR, HYPHEN]
                }
            };
            for kind in kinds {
                self.allowed[place][usize::from(kind)][index / 64] |= 1 << (index % 64);
            }
        }
        self.ending[shape.len()][index / 64] |= 1 << (index % 64);
        self.variants.push(Variant { number, separators, bare });
    }

    pub(super) fn recognise(&self, look: Look<'_>) -> Step {
        if !may_begin(look) {
            return Step::No;
        }
        let mut alive: Set = [u64::MAX; 3];
        // Kinds of what was read, and where each ends.
        let mut read = [(0_u8, 0_u16); LENGTH];
        let mut length = 0;
        // Lengths at which variants are complete, shortest first.
        let mut complete = [(0, [0; 3]); ENDS];
        let mut completions = 0;
        let mut open = true;
        for (at, c) in look.rest().char_indices() {
            let kind = kind(c);
            let Some(allowed) = self.allowed.get(length) else {
                open = false;
                break;
            };
            let next = and(alive, allowed[usize::from(kind)]);
            if next == [0; 3] {
                open = false;
                break;
            }
            alive = next;
            // A number of 24 characters has fewer than a hundred bytes.
            read[length] = (kind, u16::try_from(at + c.len_utf8()).unwrap_or(u16::MAX));
            length += 1;
            let ending = and(alive, self.ending[length]);
            if ending != [0; 3] && completions < ENDS {
                complete[completions] = (length, ending);
                completions += 1;
            }
        }
        if open && !look.is_final() {
            return Step::More;
        }
        for (length, ending) in complete.into_iter().take(completions).rev() {
            let end = usize::from(read[length - 1].1);
            match ends(look, end) {
                Some(true) => {}
                Some(false) => continue,
                None => return Step::More,
            }
            let variants = members(ending).filter_map(|index| self.variants.get(index));
            // What a word names is that, whatever else it could be.
            let (named, unnamed): (Vec<_>, Vec<_>) = variants.partition(|variant| variant.needs_word());
            let hit = named
                .into_iter()
                .chain(unnamed)
                .find_map(|variant| variant.check(look, &read[..length], end));
            if let Some(hit) = hit {
                return Step::Hit(hit);
            }
        }
        Step::No
    }
}

impl Variant {
    fn needs_word(&self) -> bool {
        match self.number.need {
            Need::Nothing => false,
            Need::WordIfBare => self.bare,
            Need::Word => true,
        }
    }

    fn check(&self, look: Look<'_>, read: &[(u8, u16)], end: usize) -> Option<Hit> {
        let number = self.number;
        let compact: String = read
            .iter()
            .enumerate()
            .filter(|(place, _)| self.separators >> place & 1 == 0)
            .filter_map(|(_, (kind, _))| glyph::ascii(*kind))
            .collect();
        let word = self.needs_word();
        if !(number.check)(&compact) || word && !context::any(look.before(), number.words) {
            return None;
        }
        let text = look.rest().get(..end).unwrap_or_default();
        Some(Hit {
            rule: &number.rule,
            length: end,
            open: None,
            preview: dotted(text),
            reason: if word {
                "its check digits are right and a word before it names it".to_owned()
            } else {
                "its shape and check digits are right".to_owned()
            },
        })
    }
}

const fn and(a: Set, b: Set) -> Set {
    [a[0] & b[0], a[1] & b[1], a[2] & b[2]]
}

fn members(set: Set) -> impl Iterator<Item = usize> {
    set.into_iter().enumerate().flat_map(|(word, bits)| {
        (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
    })
}

/// Whether a number may begin here: not within a longer one, and not with a word that no number has.
fn may_begin(look: Look<'_>) -> bool {
    // Numbers that begin with letters have at most six, then a digit; most words end here.
    let bytes = look.bytes();
    let letters = bytes.iter().take(7).take_while(|b| b.is_ascii_alphabetic()).count();
    let plausible = match (letters, bytes.get(letters)) {
        (0, _) | (_, None) => true,
        (7, _) => false,
        (1 | 2, Some(b' ' | b'-' | b'.')) => bytes.get(letters + 1).is_none_or(u8::is_ascii_digit),
        (_, Some(next)) => next.is_ascii_digit() || *next >= 0x80,
    };
    if !plausible {
        return false;
    }
    let previous = look.previous_char().unwrap_or(' ');
    let joined = || look.before().chars().rev().nth(1).is_some_and(|c| kind(c) < 10);
    !(previous.is_alphanumeric()
        || previous == '+'
        || matches!(previous, '-' | '.' | '/' | ',' | '_') && joined())
}

/// Whether a number may end at `end`: no letter or digit follows, directly or after a separator that joins.
/// Nothing where that depends on what follows.
fn ends(look: Look<'_>, end: usize) -> Option<bool> {
    let mut after = look.rest().get(end..).unwrap_or_default().chars();
    let Some(next) = after.next() else { return look.is_final().then_some(true) };
    if next.is_alphanumeric() || next == '_' {
        return Some(false);
    }
    if !matches!(next, '-' | '.' | '/' | ',') {
        return Some(true);
    }
    match after.next() {
        Some(c) => Some(kind(c) >= 10),
        None => look.is_final().then_some(true),
    }
}
