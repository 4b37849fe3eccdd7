//! Letters drawn with several signs each: `|-|0|_|53` for "house", `/\/\` for m. Digits and single signs are left to
//! leetspeak's own reader.

use std::ops::Range;

use super::leet::usual_letter;
use super::scan::{Kind, Scan};
use super::words::known;
use super::{Reading, Transform};

/// Words that have to come of it, and bytes of one as it is written.
const LEAST: usize = 3;
const LONGEST: usize = 120;
const MOST: usize = 4096;

/// What is drawn, the longest first, and whether it is seldom anything else.
const DRAWN: &[(&str, char, bool)] = &[
    ("|\\/|", 'm', true),
    ("/\\/\\", 'm', true),
    ("\\/\\/", 'w', true),
    ("|/\\|", 'w', true),
    ("\\^/", 'w', true),
    ("|\\|", 'n', true),
    ("/\\/", 'n', true),
    ("|-|", 'h', true),
    ("]-[", 'h', true),
    ("}-{", 'h', true),
    ("|_|", 'u', true),
    ("(_)", 'u', true),
    ("l_l", 'u', true),
    ("/-\\", 'a', true),
    ("(_,)", 'q', true),
    ("(_+", 'g', true),
    ("/\\", 'a', false),
    ("\\/", 'v', false),
    ("|)", 'd', true),
    ("|]", 'd', true),
    ("|>", 'p', true),
    ("|*", 'p', true),
    ("|^", 'p', true),
    ("|<", 'k', true),
    ("|{", 'k', true),
    ("|=", 'f', true),
    ("|_", 'l', true),
    ("|3", 'b', true),
    ("|8", 'b', true),
    ("|2", 'r', true),
    ("|?", 'r', true),
    ("1)", 'd', false),
    ("()", 'o', false),
    ("[]", 'o', false),
    ("><", 'x', false),
    ("}{", 'x', false),
    ("_|", 'j', false),
    ("[-", 'e', false),
    ("`/", 'y', false),
    ("'/", 'y', false),
];

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'|') + scan.has(b'\\') < LEAST || scan.count(Kind::Signs) + scan.count(Kind::Mixed) < LEAST {
        return;
    }
    let (mut edits, mut words): (Vec<(Range<usize>, String)>, usize) = (Vec::new(), 0);
    for piece in scan.odd().filter(|piece| !piece.plain).take(MOST) {
        let Some(word) = scan.text.get(piece.whole()).filter(|word| may_be(word)) else { continue };
        let Some((said, certain)) = undrawn(word) else { continue };
        let letters = said.trim_matches(|c: char| c.is_ascii_punctuation() && !matches!(c, '@' | '$'));
        words += usize::from(certain && letters.len() >= 3 && is_word(letters));
        edits.push((piece.whole(), said));
    }
    if words >= LEAST && words * 4 >= edits.len() {
        readings.push(Reading::of(Transform::Leet, edits));
    }
}

/// Whether something may be drawn in a word: of its signs one stands in nearly all that is.
fn may_be(word: &str) -> bool {
    word.len() <= LONGEST && word.bytes().any(|b| matches!(b, b'|' | b'\\'))
}

/// Whether letters and digits are a known word, as they are or the other way two digits are read.
fn is_word(word: &str) -> bool {
    let read = |one: u8| {
        let letter = |b: u8| if b == b'1' { one } else { usual_letter(b).unwrap_or(b) };
        word.bytes().map(letter).collect::<Vec<u8>>()
    };
    [b'i', b'l'].into_iter().any(|one| known(&read(one)))
}

/// A word with letters for what is drawn, and whether that is seldom anything else; nothing if something stands in it that
/// is no letter nor a digit.
fn undrawn(word: &str) -> Option<(String, bool)> {
    let (mut said, mut certain, mut any) = (String::with_capacity(word.len()), false, false);
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let begins = c.is_ascii_punctuation() || matches!(c, 'l' | '1');
        let drawn = || DRAWN.iter().find(|(drawn, ..)| drawn.starts_with(c) && rest.starts_with(drawn));
        if let Some((drawn, letter, sure)) = if begins { drawn() } else { None } {
            said.push(*letter);
            rest = rest.get(drawn.len()..)?;
            (certain, any) = (certain || *sure, true);
            continue;
        }
        let ends = matches!(c, '.' | ',' | ';' | ':' | '?' | '"' | '\'' | '(' | ')' | '/' | '<' | '>' | '-');
        let may_be = c.is_alphanumeric() || matches!(c, '@' | '$' | '!' | '+' | '|') || ends;
        may_be.then(|| said.push(c))?;
        rest = rest.get(c.len_utf8()..)?;
    }
    any.then_some((said, certain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        let mut said = text.to_owned();
        for (range, new) in readings.first()?.edits.iter().rev() {
            said.replace_range(range.clone(), new);
        }
        Some(said)
    }

    #[test]
    fn letters_that_are_drawn_are_read() {
        assert_eq!(
            said("8r1|\\|6 7|-|3 |31|_|3 f0l|)3r 70 7|-|3 |\\/|0|\\|3y |-|0|_|53").as_deref(),
            Some("8r1n6 7h3 b1u3 f0ld3r 70 7h3 m0n3y h0u53")
        );
        for text in [
            "| a | b |\n|---|---|\n| 1 | 2 |\n|-|-|",
            "if (a || b) { f(x)[0] |= 1; } y = x|0; z = (_) => [];",
            "C:\\a\\b and /a\\/b and /^\\/x\\/y$/ and \\(x\\) f() g() h()",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
