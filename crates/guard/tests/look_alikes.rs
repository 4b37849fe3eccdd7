//! The table of look-alikes is made from the confusables of Unicode Technical Standard 39 and a few of our
//! own. Run with `UPDATE_LOOK_ALIKES=1` to write it anew after an update of `unicode-security`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proofhouse_guard::normal::is_common_mark;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};
use unicode_security::confusable_detection::skeleton;

/// Scripts whose letters are not looked for: their look-alikes of Latin letters stand among
/// ideographs, join, or are marks, so nobody takes them for a Latin letter in a word.
const LEFT_OUT: &[Script] = &[
    Script::Han,
    Script::Hangul,
    Script::Bopomofo,
    Script::Hebrew,
    Script::Arabic,
    Script::Nko,
    Script::Mandaic,
    Script::Oriya,
    Script::Telugu,
    Script::Kannada,
    Script::Malayalam,
    Script::Sinhala,
    Script::Myanmar,
    Script::Common,
];

/// Letters that words of natural languages mix with ASCII, and one that is an M upside down.
const LETTERS_LEFT_OUT: &[char] = &['þ', 'Þ', 'ƿ', 'Ƿ', 'ɣ', 'Ɣ', 'ɯ', 'Ɯ'];

/// Look-alikes that the standard keeps apart because its capitals or small letters differ a little.
const OURS: &[(char, char)] = &[('ω', 'w'), ('η', 'n'), ('Ⲅ', 'R')];

fn table() -> BTreeMap<char, char> {
    let stable = |c: char| !is_common_mark(c) && c.nfkd().eq(std::iter::once(c));
    let mut table: BTreeMap<char, char> = OURS.iter().copied().collect();
    for c in ('\u{80}'..'\u{20000}').filter(|c| c.is_alphabetic() && stable(*c)) {
        if LEFT_OUT.contains(&c.script()) || LETTERS_LEFT_OUT.contains(&c) {
            continue;
        }
        let text = c.to_string();
        let mut like = skeleton(&text);
        let (Some(letter), None) = (like.next(), like.next()) else { continue };
        if letter.is_ascii_alphabetic() {
            // The standard takes I, l, 1 and | for one; a capital is meant as I.
            let letter = if letter == 'l' && c.is_uppercase() { 'I' } else { letter };
            table.entry(c).or_insert(letter);
        }
    }
    // Closed under case, so that changing the case of a word never changes whether it is folded.
    for (c, letter) in table.clone() {
        let mut variants = vec![(c.to_lowercase().to_string(), letter.to_ascii_lowercase())];
        variants.push((c.to_uppercase().to_string(), letter.to_ascii_uppercase()));
        for (text, letter) in variants {
            let mut chars = text.chars();
            if let (Some(variant), None) = (chars.next(), chars.next())
                && !variant.is_ascii()
                && stable(variant)
                && !LETTERS_LEFT_OUT.contains(&variant)
            {
                table.entry(variant).or_insert(letter);
            }
        }
    }
    // Letters of which a third one is the folded case, as the final sigma.
    for c in ('\u{80}'..='\u{1ffff}').filter(|c| c.is_alphabetic() && stable(*c)) {
        let folded: Vec<char> =
            c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
        if let [folded] = folded[..]
            && let Some(letter) = table.get(&folded).copied()
        {
            table.entry(c).or_insert(letter);
        }
    }
    table
}

#[test]
fn the_table_is_the_standards() {
    let (major, minor, patch) = unicode_security::UNICODE_VERSION;
    let mut text = format!(
        "// Written by tests/look_alikes.rs from the confusables of Unicode {major}.{minor}.{patch} (Unicode-3.0 licence).\n\n\
         /// Letters of other scripts that look like a Latin letter, in the order of their code points.\n\
         #[rustfmt::skip]\n\
         pub(super) const LOOK_ALIKES: &[(char, char)] = &[\n"
    );
    let rows: Vec<(char, char)> = table().into_iter().collect();
    for row in rows.chunks(8) {
        text.push_str("   ");
        for (c, letter) in row {
            write!(text, " ('\\u{{{:x}}}', '{letter}'),", u32::from(*c)).unwrap();
        }
        text.push('\n');
    }
    text.push_str("];\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/normal/look_alikes_table.rs");
    if std::env::var_os("UPDATE_LOOK_ALIKES").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == text, "run with UPDATE_LOOK_ALIKES=1");
}
