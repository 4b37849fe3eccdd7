//! Text turned round: letters upside down, and runs that a direction override shows backwards.

use std::borrow::Cow;
use std::ops::Range;

use super::super::base::{Layer, edited};
use super::super::spans::SpanMap;
use super::scan::Scan;
use super::{Reading, Transform, clusters};

/// Fewest letters that are upside down beyond doubt.
const LEAST: usize = 4;

const TURNED: &[(char, char)] = &[
    ('ɐ', 'a'),
    ('q', 'b'),
    ('ɔ', 'c'),
    ('p', 'd'),
    ('ǝ', 'e'),
    ('ɟ', 'f'),
    ('ƃ', 'g'),
    ('ɓ', 'g'),
    ('ɥ', 'h'),
    ('ᴉ', 'i'),
    ('ı', 'i'),
    ('ɾ', 'j'),
    ('ʞ', 'k'),
    ('ʃ', 'l'),
    ('ɯ', 'm'),
    ('u', 'n'),
    ('d', 'p'),
    ('b', 'q'),
    ('ɹ', 'r'),
    ('ʇ', 't'),
    ('n', 'u'),
    ('ʌ', 'v'),
    ('ʍ', 'w'),
    ('ʎ', 'y'),
    ('g', 'g'),
    ('∀', 'A'),
    ('Ɔ', 'C'),
    ('Ǝ', 'E'),
    ('Ⅎ', 'F'),
    ('⅄', 'Y'),
    ('Ԁ', 'P'),
    ('⊥', 'T'),
    ('∩', 'U'),
    ('Λ', 'V'),
    ('W', 'M'),
    ('M', 'W'),
    ('˙', '.'),
    ('¡', '!'),
    ('¿', '?'),
];

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.turned < LEAST {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for line in scan.text.split_inclusive('\n') {
        if line.chars().filter(|c| is_turned(*c)).count() >= LEAST {
            let start = line.as_ptr() as usize - scan.text.as_ptr() as usize;
            let upright = |c: char| TURNED.iter().find(|(t, _)| *t == c).map_or(c, |(_, u)| *u);
            edits.push((start..start + line.len(), line.chars().rev().map(upright).collect()));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::UpsideDown, edits));
    }
}

/// Whether a character is a letter upside down, beyond doubt.
pub(super) fn is_turned(c: char) -> bool {
    !c.is_ascii() && c != 'ı' && TURNED.iter().any(|(turned, _)| *turned == c)
}

/// The text as it is drawn where an override turns letters round, if one does.
pub(super) fn drawn(source: &str) -> Option<Layer<'static>> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut at = 0;
    while let Some(skip) = source.get(at..).and_then(|rest| rest.find('\u{202e}')) {
        let start = at + skip;
        let body = start + '\u{202e}'.len_utf8();
        let rest = source.get(body..).unwrap_or_default();
        let end = body + rest.find(['\u{202c}', '\n', '\u{2069}', '\u{202e}']).unwrap_or(rest.len());
        let letters = source.get(body..end).unwrap_or_default();
        edits.push((start..end, clusters::turned(letters)));
        at = end;
    }
    if edits.is_empty() {
        return None;
    }
    let whole = Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() };
    Some(edited(&whole, &edits))
}
