//! Letters that look like others.

use super::{Converter, Kind, mapped};

pub(super) static HOMOGLYPHS: Converter = Converter {
    id: "homoglyphs",
    title: "Some Latin letters replaced by Cyrillic and Greek ones that look the same",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        const FROM: &str = "aceopxyijsABEHIKMNOPTXYZ";
        const TO: &str = "асеорхуіјѕАВЕНІКМΝОРТХΥΖ";
        text.chars()
            .map(|c| match FROM.chars().zip(TO.chars()).find(|(from, _)| *from == c) {
                Some((_, to)) if dice.chance(75) => to,
                _ => c,
            })
            .collect()
    },
    undo: None,
};

pub(super) static FULL_WIDTH: Converter = Converter {
    id: "full-width",
    title: "Full-width forms",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, _| {
        mapped(text, |c| match c {
            '!'..='~' => char::from_u32(u32::from(c) - 0x21 + 0xff01).unwrap_or(c),
            ' ' => '\u{3000}',
            _ => c,
        })
    },
    undo: None,
};

/// Where mathematical alphabets without gaps begin: bold, bold italic, bold script, bold fraktur, sans-serif,
/// monospace.
const ALPHABETS: &[u32] = &[0x1d400, 0x1d468, 0x1d4d0, 0x1d56c, 0x1d5a0, 0x1d670];

pub(super) static MATHEMATICAL: Converter = Converter {
    id: "mathematical",
    title: "Mathematical alphabets",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        let base = dice.pick(ALPHABETS).copied().unwrap_or(0x1d400);
        mapped(text, |c| {
            let code = match c {
                'A'..='Z' => base + u32::from(c) - u32::from('A'),
                'a'..='z' => base + 26 + u32::from(c) - u32::from('a'),
                _ => return c,
            };
            char::from_u32(code).unwrap_or(c)
        })
    },
    undo: None,
};

pub(super) static CIRCLED: Converter = Converter {
    id: "circled",
    title: "Circled letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, _| {
        mapped(text, |c| {
            let code = match c {
                'A'..='Z' => 0x24b6 + u32::from(c) - u32::from('A'),
                'a'..='z' => 0x24d0 + u32::from(c) - u32::from('a'),
                _ => return c,
            };
            char::from_u32(code).unwrap_or(c)
        })
    },
    undo: None,
};
