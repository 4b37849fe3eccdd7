//! One look over a text, by which readers know whether they have anything to do.

use std::cell::OnceCell;
use std::ops::Range;

use super::pairs::Order;
use super::words;
use crate::pages::Pages;

/// A text and what its pieces between white space are.
pub(super) struct Scan<'t> {
    pub text: &'t str,
    pub pieces: Vec<Piece>,
    /// Counts of each ASCII character.
    pub ascii: [u32; 128],
    /// How many pieces are of each kind.
    counts: [usize; 8],
    /// The most letters and digits in a row that stand alone, between spaces or signs; at least that.
    pub alone: usize,
    parts: OnceCell<Vec<Part>>,
}

/// A line, or what stands between tags.
pub(super) struct Part {
    pub range: Range<usize>,
    /// Half of its words are known, so that its letters stand as they should.
    pub plain: bool,
    order: OnceCell<Order>,
}

impl Part {
    /// The order of its first letters.
    pub(super) fn order(&self, text: &str) -> Order {
        *self
            .order
            .get_or_init(|| Order::of(text.get(self.range.clone()).unwrap_or_default().chars().take(SAMPLE)))
    }
}

/// Characters of a part whose order is looked at.
pub(super) const SAMPLE: usize = 240;

/// What stands between two spaces.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Where, punctuation at its ends left off unless it is nothing else.
    pub core: Range<usize>,
    /// Where, with punctuation.
    pub whole: Range<usize>,
    pub kind: Kind,
    /// The core is letters of ASCII only.
    pub plain: bool,
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
            pieces: Vec::with_capacity(text.len() / 6 + 1),
            ascii: [0; 128],
            counts: [0; 8],
            alone: 0,
            parts: OnceCell::new(),
        };
        for b in bytes {
            if let Some(count) = scan.ascii.get_mut(usize::from(*b)) {
                *count += 1;
            }
        }
        let (mut at, mut run) = (0, 0);
        loop {
            at += bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count();
            if at >= bytes.len() {
                break;
            }
            let piece = word(bytes, at).unwrap_or_else(|| piece(bytes, at));
            if let Some(count) = scan.counts.get_mut(piece.kind as usize) {
                *count += 1;
            }
            let (alone, only) = match piece.kind {
                Kind::Single => (1, true),
                Kind::Signs => (0, true),
                Kind::Pair => (0, false),
                Kind::Known | Kind::Unknown if piece.plain => (0, false),
                _ => alone(scan.core(&piece)),
            };
            run += alone;
            scan.alone = scan.alone.max(run);
            if !only {
                run = alone;
            }
            at = piece.whole.end;
            scan.pieces.push(piece);
        }
        scan
    }

    /// Its parts, in order.
    pub(super) fn parts(&self) -> &[Part] {
        self.parts.get_or_init(|| parts(self))
    }

    /// How many pieces are of a kind.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// How often an ASCII character is there.
    pub(super) fn has(&self, c: u8) -> usize {
        self.ascii.get(usize::from(c)).map_or(0, |n| *n as usize)
    }

    pub(super) fn core(&self, piece: &Piece) -> &'t str {
        self.text.get(piece.core.clone()).unwrap_or_default()
    }
}

fn parts(scan: &Scan<'_>) -> Vec<Part> {
    /// A word in fifty is known by chance.
    const KNOWN: usize = 3;
    let mut pieces = scan.pieces.iter().peekable();
    scan.text
        .split(['\n', '<', '>'])
        .map(|part| {
            let start = part.as_ptr() as usize - scan.text.as_ptr() as usize;
            let range = start..start + part.len();
            let (mut known, mut others) = (0, 0);
            while let Some(piece) = pieces.next_if(|piece| piece.core.start < range.end) {
                match piece.kind {
                    Kind::Known => known += 1,
                    Kind::Unknown | Kind::Mixed | Kind::Foreign => others += 1,
                    Kind::Pair | Kind::Single | Kind::Number | Kind::Signs => {}
                }
            }
            Part { range, plain: known >= KNOWN && known >= others, order: OnceCell::new() }
        })
        .collect()
}

/// How many letters and digits of a piece have no neighbour, and whether it has no others.
fn alone(core: &str) -> (usize, bool) {
    let (mut alone, mut longest, mut length) = (0, 0, 0);
    for c in core.chars() {
        if is_letter(c) {
            length += 1;
            longest = longest.max(length);
        } else {
            alone += usize::from(length == 1);
            length = 0;
        }
    }
    (alone + usize::from(length == 1), longest <= 1)
}

/// Whether a character is written next to others in a word. Vowel signs and what joins consonants of Indic
/// scripts are set apart like letters.
pub(super) fn is_letter(c: char) -> bool {
    static PAGES: Pages = Pages::new();
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    PAGES.entry(c, |c| u32::from(c.is_alphanumeric() || matches!(c, '\u{900}'..='\u{dff}'))) == 1
}

/// The piece that begins at `start`, if it is what most pieces are: letters of ASCII, perhaps between
/// punctuation. One look at each byte tells all about it.
fn word(bytes: &[u8], start: usize) -> Option<Piece> {
    let signs = |at: usize| {
        bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_punctuation()).count()
    };
    let core = start + signs(start);
    let mut hash = words::Hash::default();
    let mut end = core;
    for b in bytes.get(core..)?.iter().take_while(|b| b.is_ascii_alphabetic()) {
        hash.push(*b);
        end += 1;
    }
    let until = end + signs(end);
    if end == core || bytes.get(until).is_some_and(|b| !b.is_ascii_whitespace()) {
        return None;
    }
    let kind = match end - core {
        1 => Kind::Single,
        2 => Kind::Pair,
        letters if hash.known(letters) => Kind::Known,
        _ => Kind::Unknown,
    };
    Some(Piece { core: core..end, whole: start..until, kind, plain: true })
}

/// The piece that begins at `start`, whatever it is.
fn piece(bytes: &[u8], start: usize) -> Piece {
    let rest = bytes.get(start..).unwrap_or_default();
    let whole = start..start + rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let raw = bytes.get(whole.clone()).unwrap_or_default();
    let head = raw.iter().position(|b| !b.is_ascii_punctuation()).unwrap_or(raw.len());
    if head == raw.len() {
        return Piece { core: whole.clone(), whole, kind: Kind::Signs, plain: false };
    }
    let tail = raw.iter().rev().position(|b| !b.is_ascii_punctuation()).unwrap_or(0);
    let core = whole.start + head..whole.end - tail;
    let word = bytes.get(core.clone()).unwrap_or_default();
    let (mut letters, mut digits, mut inner, mut foreign) = (0, 0, 0, 0);
    for b in word {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => letters += 1,
            b'0'..=b'9' => digits += 1,
            b'\'' | b'-' => inner += 1,
            128.. => foreign += 1,
            _ => digits += 1,
        }
    }
    let all_digits = || word.iter().all(u8::is_ascii_digit);
    let kind = match (letters, digits, inner) {
        _ if foreign > 0 => Kind::Foreign,
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
        _ if all_digits() => Kind::Number,
        _ => Kind::Mixed,
    };
    Piece { core, whole, kind, plain: false }
}
