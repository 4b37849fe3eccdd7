//! Letters drawn with several signs, as leetspeak at its worst has them: `|\/|` is an m, `/-\` an a, `()` an o.

use std::ops::Range;

use super::scan::{Scan, sign};
use super::{CONTEXT, Reading, Transform, telling};

/// Fewest letters that nothing else is written as.
const LEAST: usize = 4;

/// What is drawn, the longest first, whether nothing else is often written so, and what it is.
const DRAWN: [(&str, bool, char); 40] = [
    ("|\\/|", true, 'm'),
    ("/\\/\\", true, 'm'),
    ("\\/\\/", true, 'w'),
    ("|/\\|", true, 'w'),
    ("(\\/)", true, 'm'),
    ("|\\|", true, 'n'),
    ("/\\/", false, 'n'),
    ("|v|", true, 'm'),
    ("|V|", true, 'm'),
    ("/v\\", true, 'm'),
    ("/-\\", true, 'a'),
    ("|-|", true, 'h'),
    ("]-[", true, 'h'),
    ("}-{", true, 'h'),
    (")-(", false, 'h'),
    ("(-)", false, 'o'),
    ("|_|", true, 'u'),
    ("(_)", false, 'u'),
    ("\\_/", true, 'u'),
    ("|\"", false, 'p'),
    ("|_", true, 'l'),
    ("_|", true, 'j'),
    ("|)", true, 'd'),
    ("|>", false, 'p'),
    ("|]", false, 'd'),
    ("|*", true, 'p'),
    ("|o", true, 'p'),
    ("|D", true, 'p'),
    ("|=", false, 'f'),
    ("|<", true, 'k'),
    ("|{", false, 'k'),
    ("|3", true, 'b'),
    ("|2", true, 'r'),
    ("|?", true, 'r'),
    ("/2", false, 'r'),
    ("\\/", true, 'v'),
    ("/\\", true, 'a'),
    ("><", true, 'x'),
    ("()", false, 'o'),
    ("[]", false, 'o'),
];

/// Which bytes may be the first of what is drawn, and which the second.
const FIRST: u8 = 1;
const SECOND: u8 = 2;
static PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut at = 0;
    while at < DRAWN.len() {
        let drawn = DRAWN[at].0.as_bytes();
        places[drawn[0] as usize] |= FIRST;
        places[drawn[1] as usize] |= SECOND;
        at += 1;
    }
    places
};

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'|') + scan.has(b'\\') < LEAST {
        return;
    }
    let bytes = scan.text.as_bytes();
    let mut edits: Vec<(Range<usize>, String, bool)> = Vec::new();
    let drawn = scan.odd().filter(|piece| piece.has(sign::LEET | sign::JOINT | sign::BACKSLASH));
    for piece in drawn {
        let whole = piece.whole();
        let word = bytes.get(whole.clone()).unwrap_or_default();
        // Rules of a table and paths have no letters but these, or no others.
        if !word.iter().any(u8::is_ascii_alphanumeric) && word.len() > 8 {
            continue;
        }
        let mut at = 0;
        let begins = |two: &[u8]| matches!(two, [one, next] if PLACES[usize::from(*one)] & FIRST != 0 && PLACES[usize::from(*next)] & SECOND != 0);
        while let Some(skip) = word.get(at..).and_then(|rest| rest.windows(2).position(begins)) {
            at += skip;
            let rest = word.get(at..).unwrap_or_default();
            match DRAWN.iter().find(|(drawn, ..)| rest.starts_with(drawn.as_bytes())) {
                Some((drawn, sure, letter)) => {
                    let start = whole.start + at;
                    edits.push((start..start + drawn.len(), letter.to_string(), *sure));
                    at += drawn.len();
                }
                None => at += 1,
            }
        }
    }
    let edits = telling(edits, |near| {
        let sure: Vec<&String> =
            near.iter().filter(|(.., sure)| *sure).map(|(_, letter, _)| letter).collect();
        // Rows of a table have one sign again and again.
        sure.len() >= LEAST
            && sure.iter().any(|letter| Some(letter) != sure.first())
            && near
                .first()
                .zip(near.last())
                .is_some_and(|((first, ..), (last, ..))| near.len() * CONTEXT / 4 >= last.end - first.start)
    });
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Leet, edits));
    }
}
