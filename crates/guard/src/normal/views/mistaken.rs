//! Bytes of UTF-8 that were taken for characters of a code page, one by one: `Ã¼` for `ü`, `Ð¿` for `п`.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr_iter;

use super::super::base::{Layer, edited};
use super::super::spans::SpanMap;

/// Fewest characters that come of it.
const LEAST: usize = 4;
/// Most bytes that are read.
const MOST: usize = 256 << 10;

/// What Windows' code page 1252 has at 0x80 to 0x9f.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text that was meant, of a source as it was written: what stands for a byte is folded to something else later.
pub(super) fn meant(source: &str) -> Option<Layer<'static>> {
    if source.len() > MOST || !may_be_mistaken(source.as_bytes()) {
        return None;
    }
    let layer = Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() };
    let edits = edits(source);
    let characters: usize = edits.iter().map(|(_, text)| text.chars().count()).sum();
    (characters >= LEAST).then(|| edited(&layer, &edits))
}

/// Whether what was the first byte of a character is there, `Â` to `ô`, with another byte behind it.
fn may_be_mistaken(source: &[u8]) -> bool {
    let first = |at: usize| matches!(source.get(at + 1..at + 3), Some([0x82..=0xb4, 0x80..=0xff]));
    memchr_iter(0xc3, source).any(first)
}

fn edits(source: &str) -> Vec<(Range<usize>, String)> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut range, mut bytes) = (0..0, Vec::new());
    let mut close = |range: &Range<usize>, bytes: &mut Vec<u8>| {
        // No character is one of these bytes by itself.
        if bytes.len() >= 2
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            edits.push((range.clone(), text.to_owned()));
        }
        bytes.clear();
    };
    for (at, c) in source.char_indices() {
        match byte(c) {
            Some(byte) => {
                range = if bytes.is_empty() { at } else { range.start }..at + c.len_utf8();
                bytes.push(byte);
            }
            None if bytes.is_empty() => {}
            None => close(&range, &mut bytes),
        }
    }
    close(&range, &mut bytes);
    edits
}

/// The byte that a character was taken for, of those that a longer character has.
fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0x80..=0xff => u8::try_from(code).ok(),
        // Those of the code page are not looked for among letters of other scripts.
        ..0x80 | 0x2dd..0x2013 | 0x2123.. => None,
        _ => WINDOWS.iter().position(|own| *own == c).and_then(|at| u8::try_from(at + 0x80).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_back_and_honest_ones_stay() {
        let said = |text: &str| meant(text).map(|layer| layer.text.into_owned());
        let mistaken: String = "принеси папку".bytes().map(char::from).collect();
        assert_eq!(said(&mistaken).as_deref(), Some("принеси папку"));
        for text in ["Größe, Übung – „schön“", "déjà vu à l’été", "¿Qué tal? Así, así…", "GARÇON €5"]
        {
            assert_eq!(said(text), None, "{text}");
        }
    }

    proptest::proptest! {
        /// What has no first byte with another one behind it says nothing.
        #[test]
        fn what_may_not_be_mistaken_is_not(text in "([a-zÂ-ô\u{80}-\u{bf}€Šžя漢 ]|Ã¼|Ð¿|â€™){0,30}") {
            proptest::prop_assert!(may_be_mistaken(text.as_bytes()) || edits(&text).is_empty(), "{text:?}");
        }
    }
}
