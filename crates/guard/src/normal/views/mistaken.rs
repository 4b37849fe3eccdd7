//! Bytes of UTF-8 that were taken for characters of a code page, one by one: `Ã¼` for `ü`, `Ð¿` for `п`.

use std::borrow::Cow;
use std::ops::Range;

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
    if source.is_ascii() || source.len() > MOST {
        return None;
    }
    let layer = Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() };
    let edits = edits(source);
    let characters: usize = edits.iter().map(|(_, text)| text.chars().count()).sum();
    (characters >= LEAST).then(|| edited(&layer, &edits))
}

fn edits(source: &str) -> Vec<(Range<usize>, String)> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut run: Option<(Range<usize>, Vec<u8>)> = None;
    let mut close = |run: Option<(Range<usize>, Vec<u8>)>| {
        let Some((range, bytes)) = run else { return };
        if let Ok(text) = String::from_utf8(bytes) {
            edits.push((range, text));
        }
    };
    for (at, c) in source.char_indices() {
        match byte(c) {
            Some(byte) => {
                let (range, bytes) = run.get_or_insert((at..at, Vec::new()));
                range.end = at + c.len_utf8();
                bytes.push(byte);
            }
            None => close(run.take()),
        }
    }
    close(run);
    edits
}

/// The byte that a character was taken for, of those that a longer character has.
fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0x80..=0xff => u8::try_from(code).ok(),
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
}
