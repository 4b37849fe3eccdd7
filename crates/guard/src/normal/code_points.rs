//! What the base form makes of each code point by itself.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::invisible::{is_blank, is_common_mark, is_invisible, is_line_break, is_terminal_control};
use super::look_alikes;
use crate::pages::Pages;

/// What there is to know of a code point, or of all in a text together: worked out once, and then one look for each
/// character that the base form and the alarms read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Traits(u32);

// What it becomes stands in the lowest bits, if that is one character whatever stands beside it.
const IMAGE: u32 = 0x1f_ffff;

impl Traits {
    /// It stays as it is, whatever stands beside it.
    pub(super) const STAYS: Self = Self(1 << 21);
    /// It stays as it is behind any one character that does, and does not change it either: a vowel sign, a point.
    pub(super) const STAYS_BEHIND: Self = Self(1 << 22);
    /// What it becomes may have to be folded in a word of mixed scripts.
    pub(super) const FOLDABLE: Self = Self(1 << 23);
    /// A word with it and a letter of Latin may be of mixed scripts.
    pub(super) const MIXES: Self = Self(1 << 24);
    /// It is a mark, shows nothing, or is for a terminal: alarms look closer.
    pub(super) const CLOSER: Self = Self(1 << 25);
    /// It is for a terminal.
    pub(super) const CONTROLS: Self = Self(1 << 26);
    /// What it becomes may have another case, or be white space that is not ASCII.
    pub(super) const CASED: Self = Self(1 << 27);
    /// It is left out.
    const DROPS: Self = Self(1 << 28);
    /// It may combine with what stands before it.
    const CONTINUES: Self = Self(1 << 29);
    /// It becomes several characters and combines with nothing before it.
    const EXPANDS: Self = Self(1 << 30);

    pub(super) const fn any(self, of: Self) -> bool {
        self.0 & of.0 & !IMAGE != 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self((self.0 | other.0) & !IMAGE)
    }

    /// What it becomes, if that is one character, whatever stands beside it.
    pub(super) fn image(self) -> Option<char> {
        if self.any(Self::DROPS.and(Self::CONTINUES).and(Self::EXPANDS)) {
            return None;
        }
        char::from_u32(self.0 & IMAGE)
    }

    /// What becomes of it.
    pub(super) fn fate(self) -> Fate {
        match self.image() {
            Some(image) => Fate::Becomes(image),
            None if self.any(Self::DROPS) => Fate::Drop,
            None if self.any(Self::EXPANDS) => Fate::Expands,
            None => Fate::Continues,
        }
    }
}

/// What becomes of a code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is left out.
    Drop,
    /// It becomes one character, whatever stands beside it.
    Becomes(char),
    /// It may combine with what stands before it.
    Continues,
    /// It becomes several characters and combines with nothing before it.
    Expands,
}

/// What there is to know of `c`.
#[inline]
pub(super) fn traits(c: char) -> Traits {
    static PAGES: Pages = Pages::new();
    Traits(PAGES.entry(c, |c| traits_of(c).0))
}

/// What was seen of the characters of a text that are no plain ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// Their traits together.
    pub traits: Traits,
    /// Where those stand that alarms [look closer](Traits::CLOSER) at, in order.
    pub closer: Vec<usize>,
}

impl Seen {
    /// What is seen of `text`.
    pub(super) fn of(text: &str) -> Self {
        let (mut seen, mut at) = (Self::default(), 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let run = plain_run(rest.as_bytes());
            at += run;
            // What is no plain ASCII is looked at, and then what stands beside it in its script.
            for (nth, c) in rest.get(run..).unwrap_or_default().chars().enumerate() {
                if c.is_ascii() && nth > 0 {
                    break;
                }
                seen.add(traits(c), at);
                at += c.len_utf8();
            }
        }
        seen
    }

    /// Adds a character, which may have been added before.
    #[inline]
    pub(super) fn add(&mut self, traits: Traits, at: usize) {
        self.traits = self.traits.and(traits);
        if traits.any(Traits::CLOSER) && self.closer.last().is_none_or(|last| *last < at) {
            self.closer.push(at);
        }
    }
}

fn traits_of(c: char) -> Traits {
    let if_so = |so: bool, of: Traits| if so { of } else { Traits::default() };
    let fate = fate_of(c);
    let may_change = |c| case(c) != u32::from(c);
    let alone = || std::iter::once(c);
    let (image, becomes) = match fate {
        Fate::Becomes(image) if image == c => (image, Traits::STAYS),
        Fate::Becomes(image) => (image, Traits::default()),
        Fate::Drop => ('\0', Traits::DROPS),
        Fate::Expands => ('\0', Traits::EXPANDS),
        Fate::Continues => ('\0', Traits::CONTINUES),
    };
    let stays_behind = fate == Fate::Continues
        && is_nfc_quick(alone()) == IsNormalized::Yes
        && composed(alone()).eq(alone())
        && alone().nfkd().eq(alone());
    let is_cased = match fate {
        Fate::Drop => false,
        Fate::Becomes(image) => !image.is_ascii() && may_change(image),
        // What they are composed to has no case if what they are taken apart into has none.
        Fate::Continues | Fate::Expands => {
            composed(alone()).chain(alone().nfkd()).any(|c| !c.is_ascii() && may_change(c))
        }
    };
    let flags = becomes
        .and(if_so(stays_behind, Traits::STAYS_BEHIND))
        .and(if_so(look_alikes::may_mix(image), Traits::FOLDABLE))
        .and(if_so(look_alikes::may_mix(c) && !look_alikes::is_latin(c), Traits::MIXES))
        .and(if_so(is_common_mark(c) || is_invisible(c) || is_terminal_control(c), Traits::CLOSER))
        .and(if_so(is_terminal_control(c), Traits::CONTROLS))
        .and(if_so(is_cased, Traits::CASED));
    Traits(flags.0 | u32::from(image))
}

fn fate_of(c: char) -> Fate {
    if is_invisible(c) || is_common_mark(c) {
        return Fate::Drop;
    }
    let whole: String = composed(std::iter::once(c)).collect();
    let mut chars = whole.chars();
    let first = chars.next();
    let stands_alone =
        |c: char| canonical_combining_class(c) == 0 && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes;
    // What decides whether it may combine backwards is the first character it is taken apart into.
    let leads = std::iter::once(before(c))
        .nfkd()
        .find(|c| !is_common_mark(*c) && !is_invisible(*c))
        .is_none_or(stands_alone);
    match (first, chars.next()) {
        _ if !leads => Fate::Continues,
        (Some(only), None) if stands_alone(only) => Fate::Becomes(only),
        (None, _) => Fate::Drop,
        _ => Fate::Expands,
    }
}

/// The ASCII character that the base form puts in the place of `c` wherever it stands, before case is
/// folded: `Some('e')` for e, é, ｅ, 𝐞, ⓔ and ᵉ.
#[must_use]
pub fn ascii_image(c: char) -> Option<char> {
    if c.is_ascii_graphic() || c == ' ' {
        return Some(c);
    }
    traits(c).image().filter(char::is_ascii)
}

/// Compatibility decomposition without invisible characters and common marks, composed again, look-alike
/// punctuation and letter symbols replaced.
pub(super) fn composed(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars
        .map(before)
        .filter(|c| !is_invisible(*c) && !is_common_mark(*c))
        .nfkd()
        .filter(|c| !is_invisible(*c) && !is_common_mark(*c))
        .nfc()
        .map(plain)
}

/// Characters whose compatibility mapping Unicode does not have: typographic punctuation, letters in
/// black boxes and circles, flags' letters, small capitals, the dotless i. ASCII is not touched.
pub(super) fn plain(c: char) -> char {
    let letter = |first: char| {
        let offset = u32::from(c).wrapping_sub(u32::from(first));
        u8::try_from(offset).ok().filter(|o| *o < 26).map_or(c, |o| char::from(b'A' + o))
    };
    match c {
        c if c.is_ascii() => c,
        '\u{2018}'..='\u{201b}'
        | '\u{2032}'
        | '\u{2035}'
        | '\u{2039}'
        | '\u{203a}'
        | '\u{2bc}'
        | '\u{2b9}'
        | '\u{2bb}'
        | '\u{2bd}'
        | '\u{275b}'
        | '\u{275c}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ab}' | '\u{bb}' | '\u{275d}' | '\u{275e}' => {
            '"'
        }
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{2e3a}' | '\u{2e3b}' => '-',
        '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{2216}' | '\u{29f5}' | '\u{29f9}' => '\\',
        '\u{2217}' | '\u{204e}' => '*',
        '\u{2223}' | '\u{2758}' => '|',
        '\u{1f150}'..='\u{1f169}' => letter('\u{1f150}'),
        '\u{1f170}'..='\u{1f189}' => letter('\u{1f170}'),
        '\u{1f1e6}'..='\u{1f1ff}' => letter('\u{1f1e6}'),
        c if is_line_break(c) => '\n',
        c if c.is_whitespace() => ' ',
        c => small_capital(c).unwrap_or(c),
    }
}

/// What compatibility forms would make another thing of: a letter in brackets, which is three characters by its form, and
/// a blank as wide as a letter, which parts words whose letters stand between narrower ones. Others as they are.
fn before(c: char) -> char {
    let letter = |first: u32, of: u8| {
        let offset = u8::try_from(u32::from(c) - first).unwrap_or_default();
        char::from(of + offset)
    };
    match c {
        '\u{249c}'..='\u{24b5}' => letter(0x249c, b'a'),
        '\u{1f110}'..='\u{1f129}' => letter(0x1f110, b'A'),
        '\u{2001}' | '\u{2003}' | '\u{3000}' => '\t',
        c if is_blank(c) => ' ',
        c => c,
    }
}

fn small_capital(c: char) -> Option<char> {
    Some(match c {
        'ᴀ' => 'a',
        'ʙ' => 'b',
        'ᴄ' => 'c',
        'ᴅ' => 'd',
        'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ɢ' => 'g',
        'ʜ' => 'h',
        'ɪ' => 'i',
        'ᴊ' => 'j',
        'ᴋ' => 'k',
        'ʟ' => 'l',
        'ᴍ' => 'm',
        'ɴ' => 'n',
        'ᴏ' => 'o',
        'ᴘ' => 'p',
        'ꞯ' => 'q',
        'ʀ' => 'r',
        'Ʀ' => 'R',
        'Ɪ' => 'I',
        // The dotless i of Turkish becomes an i with its case; what reads the text before that reads it as one, too.
        'ı' => 'i',
        'ꜱ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' => 'y',
        'ᴢ' => 'z',
        _ => return None,
    })
}

/// The case folding of the base form: lower, upper, then lower case, so that ß, ẞ and ss, or the two small
/// sigmas, come to the same; marks that this brings forth are left out.
pub(super) fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).filter(|c| !is_common_mark(*c))
}

/// Writes [`folded`] of `c`.
pub(super) fn fold_into(c: char, out: &mut String) {
    match char::from_u32(case(c)) {
        Some(single) => out.push(single),
        None => out.extend(folded(c)),
    }
}

/// Whether folding leaves `c`, which is not of ASCII, as it is.
#[inline]
pub(super) fn is_folded(c: char) -> bool {
    case(c) == u32::from(c)
}

/// What `c` is folded to, or that it is white space, or several characters.
fn case(c: char) -> u32 {
    const EXPANDS: u32 = u32::MAX;
    const SPACE: u32 = u32::MAX - 1;
    static PAGES: Pages = Pages::new();
    let of = |c: char| {
        let mut chars = folded(c);
        match (chars.next(), chars.next()) {
            _ if c.is_whitespace() => SPACE,
            (Some(only), None) => u32::from(only),
            _ => EXPANDS,
        }
    };
    PAGES.entry(c, of)
}

/// Whether a text can be taken as it is: no character of it has to be looked at.
pub(super) fn is_all_plain(text: &str) -> bool {
    // Chunks without a way out in the middle are some instructions each.
    text.as_bytes().chunks(64).all(|chunk| chunk.iter().fold(true, |all, b| all & is_plain_ascii(*b)))
}

/// Bytes at the start of a text that can be taken as they are.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    const CHUNK: usize = 32;
    // Of other scripts a run is most often the space between two words.
    match bytes {
        [first, second, ..] if is_plain_ascii(*first) && is_plain_ascii(*second) => {}
        [first, ..] if is_plain_ascii(*first) => return 1,
        _ => return 0,
    }
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + CHUNK)
        && chunk.iter().fold(true, |all, b| all & is_plain_ascii(*b))
    {
        at += CHUNK;
    }
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|b| is_plain_ascii(**b)).count()
}

/// Whether a byte of a text can be taken as it is.
pub(super) const fn is_plain_ascii(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | 0xb | 0xc | b'\r')
}
