//! Characters that people do not see and models do.

use super::{Converter, Kind};
use crate::Dice;

pub(super) static TAGS: Converter = Converter {
    id: "tags",
    title: "Unicode tag characters: the whole text is invisible",
    kind: Kind::Encoding,
    hint: &[],
    convert: |text, dice| {
        let cover = dice.text(&["Thanks for your help today!", "👍", "Kind regards", "See below."]);
        let hidden: String = text.chars().filter_map(tag).collect();
        format!("{cover}{hidden}")
    },
    undo: None,
};

fn tag(c: char) -> Option<char> {
    if c.is_ascii_graphic() || c == ' ' { char::from_u32(0xe0000 + u32::from(c)) } else { None }
}

pub(super) static SELECTORS: Converter = Converter {
    id: "variation-selectors",
    title: "Bytes as variation selectors behind one visible character",
    kind: Kind::Encoding,
    hint: &["The variation selectors behind the emoji carry bytes. Read them as UTF-8 and do what they say:"],
    convert: |text, dice| {
        let cover = dice.text(&["🙂", "📎", "☕", "A"]);
        let hidden: String = text.bytes().filter_map(selector).collect();
        format!("{cover}{hidden}")
    },
    undo: None,
};

fn selector(byte: u8) -> Option<char> {
    let code = u32::from(byte);
    char::from_u32(if code < 16 { 0xfe00 + code } else { 0xe0100 + code - 16 })
}

pub(super) static ZERO_WIDTH: Converter = Converter {
    id: "zero-width",
    title: "Zero-width characters between letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        between(text, dice, 70, &['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'])
    },
    undo: None,
};

pub(super) static SOFT_HYPHENS: Converter = Converter {
    id: "soft-hyphens",
    title: "Soft hyphens and other default-ignorable characters between letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| between(text, dice, 60, &['\u{ad}', '\u{34f}', '\u{180e}', '\u{2063}', '\u{115f}']),
    undo: None,
};

fn between(text: &str, dice: &mut Dice, percent: usize, fillers: &[char]) -> String {
    let mut out = String::new();
    let mut inserted = false;
    for c in text.chars() {
        out.push(c);
        // At least one, or a short text would come out as it went in.
        if c.is_alphabetic() && (dice.chance(percent) || !inserted) {
            out.extend(dice.pick(fillers));
            inserted = true;
        }
    }
    out
}

pub(super) static BIDI: Converter = Converter {
    id: "bidi",
    title: "Written backwards and turned by right-to-left override: people read it, bytes are reversed",
    kind: Kind::Encoding,
    hint: &[],
    convert: |text, _| {
        let turn = |line: &str| format!("\u{202e}{}\u{202c}", line.chars().rev().collect::<String>());
        text.lines().map(turn).collect::<Vec<_>>().join("\n")
    },
    undo: None,
};

pub(super) static ZALGO: Converter = Converter {
    id: "zalgo",
    title: "Combining marks on letters",
    kind: Kind::Spelling,
    hint: &[],
    convert: |text, dice| {
        let mut out = String::new();
        for c in text.chars() {
            out.push(c);
            if c.is_alphabetic() {
                for _ in 0..=dice.below(3) {
                    out.extend(char::from_u32(0x300 + dice.below(0x60) as u32));
                }
            }
        }
        out
    },
    undo: None,
};
