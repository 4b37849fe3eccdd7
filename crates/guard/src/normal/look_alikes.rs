//! Letters of another script in the middle of a word.
//!
//! Only a word that mixes scripts is folded, so Russian and Greek stay Russian and Greek. A word with a
//! Latin letter becomes Latin if every other letter of it looks like a Latin one; else a Cyrillic or Greek
//! word into which Latin letters were set becomes whole again. Marks above and below letters, such as
//! the points of Hebrew, neither part a word nor speak for a script: nobody saves a letter by a point under it.

use std::ops::Range;

use memchr::memmem;
use unicode_normalization::char::canonical_combining_class;

use super::base::{Layer, edited};
use super::code_points;
use super::look_alikes_table::LOOK_ALIKES;
use crate::pages::Pages;

/// Longest word that is looked at, in letters: nobody reads a longer one as a word.
const LONGEST_WORD: usize = 64;

/// The Latin letter that `c`, a letter of another script, is folded to in a word with Latin letters.
#[must_use]
pub fn latin(c: char) -> Option<char> {
    static PAGES: Pages = Pages::new();
    let of = |c| {
        let found = LOOK_ALIKES.binary_search_by_key(&c, |(c, _)| *c).ok().and_then(|at| LOOK_ALIKES.get(at));
        found.map_or(0, |(_, letter)| u32::from(*letter))
    };
    // No letter of the table is the first code point.
    char::from_u32(PAGES.entry(c, of)).filter(|letter| *letter != '\0')
}

/// Whether `c` is an ASCII letter once its case is folded.
pub(super) const fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, 'ß' | 'ẞ' | 'ı')
}

/// Whether a word with `c` in it may have to be folded: a word without such a letter is of one script.
pub(super) fn may_mix(c: char) -> bool {
    static PAGES: Pages = Pages::new();
    let of = |c| u32::from(latin(c).is_some() || matches!(script(c), Script::Greek | Script::Cyrillic));
    !c.is_ascii() && PAGES.entry(c, of) == 1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Other,
}

/// The script of a letter as the base form writes it, whichever case it has here: a capital may stand in a later block
/// than its small letter.
fn script(c: char) -> Script {
    static PAGES: Pages = Pages::new();
    let of = |c| match code_points::folded(c).next().unwrap_or(c) {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => 1,
        '\u{370}'..='\u{3e1}' | '\u{1f00}'..='\u{1fff}' => 2,
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}' => 3,
        _ => 0,
    };
    match PAGES.entry(c, of) {
        1 => Script::Latin,
        2 => Script::Greek,
        3 => Script::Cyrillic,
        _ => Script::Other,
    }
}

/// Small Latin letters and the Cyrillic and Greek letters they stand in for.
const NATIVE: &[(char, Option<char>, Option<char>)] = &[
    ('a', Some('а'), Some('α')),
    ('b', Some('в'), Some('β')),
    ('c', Some('с'), None),
    ('e', Some('е'), Some('ε')),
    ('h', Some('н'), None),
    ('i', Some('і'), Some('ι')),
    ('j', Some('ј'), None),
    ('k', Some('к'), Some('κ')),
    ('m', Some('м'), Some('μ')),
    ('o', Some('о'), Some('ο')),
    ('p', Some('р'), Some('ρ')),
    ('t', Some('т'), Some('τ')),
    ('x', Some('х'), Some('χ')),
    ('y', Some('у'), None),
    ('z', None, Some('ζ')),
];

fn native(c: char, script: Script) -> Option<char> {
    let small = if c == 'ı' { 'i' } else { c.to_ascii_lowercase() };
    let row = NATIVE.iter().find(|(latin, ..)| *latin == small)?;
    let letter = if script == Script::Cyrillic { row.1 } else { row.2 }?;
    if c.is_ascii_uppercase() { letter.to_uppercase().next() } else { Some(letter) }
}

/// `layer` with its mixed words folded.
pub(super) fn fold(layer: Layer<'_>, may_mix: bool) -> Layer<'_> {
    if !may_mix {
        return layer;
    }
    let edits: Vec<(Range<usize>, String)> = mixed_words(&layer.text).collect();
    if edits.is_empty() { layer } else { edited(&layer, &edits) }
}

/// The words of `text` that mix scripts, with what they are folded to.
pub(super) fn mixed_words(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    // Three letters outside ASCII are Latin to a word, too; in a text without them every mixed word has a letter of
    // ASCII beside another character, which costs little to find.
    let is_plain =
        ["ß", "ẞ", "ı"].iter().all(|letter| memmem::find(text.as_bytes(), letter.as_bytes()).is_none());
    let some = is_plain.then(|| words_at_seams(text));
    let all = (!is_plain).then(|| words(text));
    some.into_iter().flatten().chain(all.into_iter().flatten()).filter_map(move |range| {
        let word = text.get(range.clone())?;
        if word.is_ascii() {
            return None;
        }
        folded_word(word).map(|new| (range, new))
    })
}

/// Whether `c` is part of a word: a letter, or a mark on one.
fn is_letter(c: char) -> bool {
    static PAGES: Pages = Pages::new();
    let of = |c: char| u32::from(c.is_alphabetic() || is_mark(c));
    if c.is_ascii() { c.is_ascii_alphabetic() } else { PAGES.entry(c, of) == 1 }
}

/// Whether canonical order may move `c` among the marks of its letter, so that nothing may depend on where it stands.
fn is_mark(c: char) -> bool {
    canonical_combining_class(c) != 0
}

/// The maximal runs of letters and their marks in which a letter of ASCII stands beside another character.
fn words_at_seams(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let seam = at + seam(bytes.get(at..)?)?;
        let letter = seam + usize::from(!bytes.get(seam)?.is_ascii());
        let before = text.get(at..letter)?.char_indices().rev().take_while(|(_, c)| is_letter(*c));
        let start = before.last().map_or(letter, |(back, _)| at + back);
        let rest = text.get(letter..)?;
        let end = rest.find(|c| !is_letter(c)).map_or(text.len(), |length| letter + length);
        at = end;
        Some(start..end)
    })
}

/// Where a letter of ASCII first stands beside a byte of another character.
fn seam(bytes: &[u8]) -> Option<usize> {
    /// Pairs that are looked at together, which a compiler does in a few instructions.
    const CHUNK: usize = 32;
    let is_seam = |a: &u8, b: &u8| {
        (a.is_ascii_alphabetic() & !b.is_ascii()) | (!a.is_ascii() & b.is_ascii_alphabetic())
    };
    let mut at = 0;
    while let (Some(chunk), Some(next)) = (bytes.get(at..at + CHUNK), bytes.get(at + 1..=at + CHUNK))
        && !chunk.iter().zip(next).fold(false, |any, (a, b)| any | is_seam(a, b))
    {
        at += CHUNK;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().zip(rest.iter().skip(1)).position(|(a, b)| is_seam(a, b)).map(|place| at + place)
}

/// The maximal runs of letters and their marks.
pub(super) fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.by_ref().find(|(_, c)| is_letter(*c))?;
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = chars.next_if(|(_, c)| is_letter(*c)) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

fn folded_word(word: &str) -> Option<String> {
    // Most words outside ASCII have no letter of it either.
    if !word.bytes().any(|b| b.is_ascii_alphabetic()) && !word.contains(is_latin) {
        return None;
    }
    let mut counts = [0usize; 3]; // ASCII letters, look-alikes, Cyrillic or Greek letters that are none
    let mut host = Script::Other;
    let mut others = false;
    for c in word.chars().take(LONGEST_WORD + 1) {
        if is_latin(c) {
            counts[0] += 1;
        } else if latin(c).is_some() {
            counts[1] += 1;
        } else if !is_mark(c) {
            match script(c) {
                Script::Latin => {}
                Script::Other => others = true,
                native => {
                    others |= host != Script::Other && host != native;
                    host = native;
                    counts[2] += 1;
                }
            }
        }
    }
    let [ascii, alike, rest] = counts;
    if ascii == 0 || others || ascii + alike + rest > LONGEST_WORD {
        return None;
    }
    if rest == 0 {
        return (alike > 0).then(|| word.chars().map(|c| latin(c).unwrap_or(c)).collect());
    }
    let native_letters = alike + rest;
    let whole = || {
        word.chars().map(|c| if is_latin(c) { native(c, host) } else { Some(c) }).collect::<Option<String>>()
    };
    (native_letters > ascii).then(whole).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_only_words_of_mixed_scripts() {
        for (word, expected) in [
            ("ignоrе", Some("ignore")),
            ("Ρassword", Some("Password")),
            ("пароль", None),
            ("сору", None),
            ("пaрoль", Some("пароль")),
            ("ΠAΡΟΛΗ", Some("ΠΑΡΟΛΗ")),
            ("größe", None),
            ("Δt", None),
            ("日本x", None),
            ("ign\u{5b0}о\u{591}rе", Some("ign\u{5b0}o\u{591}re")),
            ("п\u{5b0}aроль", Some("п\u{5b0}ароль")),
        ] {
            assert_eq!(folded_word(word).as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_closed_under_case_folding() {
        assert!(LOOK_ALIKES.is_sorted_by(|a, b| a.0 < b.0));
        for (c, _) in LOOK_ALIKES {
            for folded in code_points::folded(*c) {
                assert!(folded.is_ascii() || latin(folded).is_some(), "{c} folds to {folded}");
            }
        }
        let settled = |c: &char| super::super::base::cased(&c.to_string()).text == c.to_string();
        for c in ('\0'..=char::MAX).filter(|c| is_letter(*c)).filter(settled) {
            assert_eq!(is_latin(c), code_points::folded(c).all(|c| c.is_ascii()), "{c}");
            if !is_latin(c) && latin(c).is_none() {
                let same = |folded| {
                    latin(folded).is_none() && script(folded) == script(c) && is_mark(folded) == is_mark(c)
                };
                assert!(
                    code_points::folded(c).all(same),
                    "{c} {:?}",
                    code_points::folded(c).collect::<String>()
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn words_are_mixed_only_at_seams(text in "(a|Z|е|И|é|ß|ı|漢|α| |\n|-|“|1|о|xy){0,24}") {
            let all: Vec<_> = words(&text)
                .filter_map(|word| Some((word.clone(), folded_word(text.get(word)?)?)))
                .collect();
            proptest::prop_assert_eq!(mixed_words(&text).collect::<Vec<_>>(), all);
        }
    }
}
