//! What the base form makes of each code point by itself.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::invisible::{is_blank, is_common_mark, is_invisible, is_line_break, is_terminal_control};
use super::look_alikes;
use crate::pages::Pages;

/// What becomes of a code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is left out.
    Drop,
    /// It becomes one character, whatever stands beside it; the flag says that the character may have to
    /// be folded in a word of mixed scripts.
    Becomes(char, bool),
    /// It may combine with what stands before it.
    Continues,
    /// It becomes several characters and combines with nothing before it.
    Expands,
}

/// What becomes of `c`.
pub(super) fn fate(c: char) -> Fate {
    static PAGES: Pages = Pages::new();
    match PAGES.entry(c, entry_of) {
        CONTINUES => Fate::Continues,
        EXPANDS => Fate::Expands,
        DROP => Fate::Drop,
        entry => char::from_u32(entry & 0x1f_ffff)
            .map_or(Fate::Continues, |c| Fate::Becomes(c, entry & FOLDABLE != 0)),
    }
}

// A page entry is a character, with a flag above it, or one of these.
const FOLDABLE: u32 = 1 << 24;
const CONTINUES: u32 = u32::MAX;
const EXPANDS: u32 = u32::MAX - 1;
const DROP: u32 = u32::MAX - 2;
const SPACE: u32 = u32::MAX - 3;

fn entry_of(c: char) -> u32 {
    if is_invisible(c) || is_common_mark(c) {
        return DROP;
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
        _ if !leads => CONTINUES,
        (Some(only), None) if stands_alone(only) => {
            u32::from(only) | if look_alikes::may_mix(only) { FOLDABLE } else { 0 }
        }
        (None, _) => DROP,
        _ => EXPANDS,
    }
}

/// Why alarms look at a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// They do not.
    None,
    /// A word with it may be of mixed scripts.
    Mixes,
    /// It is a mark, shows nothing, or is for a terminal.
    Closer,
}

/// Why alarms look at `c`.
pub(super) fn concern(c: char) -> Concern {
    static PAGES: Pages = Pages::new();
    let of = |c| {
        if is_common_mark(c) || is_invisible(c) || is_terminal_control(c) {
            2
        } else {
            u32::from(look_alikes::may_mix(c))
        }
    };
    match PAGES.entry(c, of) {
        0 => Concern::None,
        1 => Concern::Mixes,
        _ => Concern::Closer,
    }
}

/// Whether `c` stays as it is behind any one character that does, and does not change it either: a vowel sign, a point.
pub(super) fn stays_behind(c: char) -> bool {
    static PAGES: Pages = Pages::new();
    let of = |c| {
        let alone = || std::iter::once(c);
        let never_joins = is_nfc_quick(alone()) == IsNormalized::Yes;
        u32::from(
            fate(c) == Fate::Continues
                && never_joins
                && composed(alone()).eq(alone())
                && alone().nfkd().eq(alone()),
        )
    };
    PAGES.entry(c, of) == 1
}

/// The ASCII character that the base form puts in the place of `c` wherever it stands, before case is
/// folded: `Some('e')` for e, é, ｅ, 𝐞, ⓔ and ᵉ.
#[must_use]
pub fn ascii_image(c: char) -> Option<char> {
    if c.is_ascii_graphic() || c == ' ' {
        return Some(c);
    }
    match fate(c) {
        Fate::Becomes(image, _) if image.is_ascii() => Some(image),
        _ => None,
    }
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

/// Writes [`folded`] of the characters at the start of `text` that are outside ASCII, no white space and of as many bytes
/// in either case; returns how many bytes that are.
pub(super) fn fold_run(text: &str, out: &mut String) -> usize {
    let before = out.len();
    for c in text.chars().take_while(|c| !c.is_ascii()) {
        match char::from_u32(case(c)) {
            Some(single) if single.len_utf8() == c.len_utf8() => out.push(single),
            _ => break,
        }
    }
    out.len() - before
}

/// What `c` is folded to, or that it is white space, or several characters.
fn case(c: char) -> u32 {
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
