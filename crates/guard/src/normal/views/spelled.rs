//! Letters spelled out: Morse code, Braille, the NATO alphabet.

use std::ops::Range;

use super::pairs::Order;
use super::scan::{Kind, Piece, Scan, sign};
use super::words::divided;
use super::{Reading, Transform, computer_braille, plausible};

/// Fewest letters.
const LEAST: usize = 5;
/// Most signs of Morse code without a space between them.
const LONGEST: usize = 8 << 10;
/// The order of letters, in hundredths of a level, from which they are language, and how much better others have to be.
const CLEAR: u32 = 780;
const BETTER: u32 = 60;

const NATO: [&str; 26] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo",
    "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor",
    "whiskey", "xray", "yankee", "zulu",
];

/// Letters, digits and signs, and what is written for each.
pub(super) const MORSE: &[(char, &str)] = &[
    ('a', ".-"),
    ('b', "-..."),
    ('c', "-.-."),
    ('d', "-.."),
    ('e', "."),
    ('f', "..-."),
    ('g', "--."),
    ('h', "...."),
    ('i', ".."),
    ('j', ".---"),
    ('k', "-.-"),
    ('l', ".-.."),
    ('m', "--"),
    ('n', "-."),
    ('o', "---"),
    ('p', ".--."),
    ('q', "--.-"),
    ('r', ".-."),
    ('s', "..."),
    ('t', "-"),
    ('u', "..-"),
    ('v', "...-"),
    ('w', ".--"),
    ('x', "-..-"),
    ('y', "-.--"),
    ('z', "--.."),
    ('1', ".----"),
    ('2', "..---"),
    ('3', "...--"),
    ('4', "....-"),
    ('5', "....."),
    ('6', "-...."),
    ('7', "--..."),
    ('8', "---.."),
    ('9', "----."),
    ('0', "-----"),
    ('.', ".-.-.-"),
    (',', "--..--"),
    ('?', "..--.."),
    ('\'', ".----."),
    ('!', "-.-.--"),
    ('/', "-..-."),
    (':', "---..."),
    ('-', "-....-"),
    ('(', "-.--."),
    (')', "-.--.-"),
    ('"', ".-..-."),
    (';', "-.-.-."),
    ('=', "-...-"),
    ('+', ".-.-."),
    ('&', ".-..."),
    ('@', ".--.-."),
    ('_', "..--.-"),
    // Letters with marks, which the base form leaves out.
    ('a', ".-.-"),
    ('a', ".--.-"),
    ('c', "-.-.."),
    ('e', "..-.."),
    ('e', ".-..-"),
    ('n', "--.--"),
    ('o', "---."),
    ('s', "...--.."),
    ('u', "..--"),
];

/// Dots of Braille cells, as offsets from U+2800, for a to z.
const BRAILLE: [u32; 26] = [
    0x01, 0x03, 0x09, 0x19, 0x11, 0x0b, 0x1b, 0x13, 0x0a, 0x1a, 0x05, 0x07, 0x0d, 0x1d, 0x15, 0x0f, 0x1f,
    0x17, 0x0e, 0x1e, 0x25, 0x27, 0x3a, 0x2d, 0x3d, 0x35,
];

/// The cell before numbers, and those of signs; capitals have one before them that says nothing here.
const NUMBER: u32 = 0x3c;
const BRAILLE_SIGNS: [(u32, char); 9] = [
    (0x0c, '/'),
    (0x02, ','),
    (0x32, '.'),
    (0x16, '!'),
    (0x26, '?'),
    (0x12, ':'),
    (0x06, ';'),
    (0x24, '-'),
    (0x04, '\''),
];

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Signs) >= LEAST {
        morse(scan, readings);
    }
    if scan.has(b'/') + scan.has(b'|') >= 2 * LEAST {
        strokes(scan.text, readings);
    }
    if scan.count(Kind::Known) + scan.count(Kind::Unknown) >= LEAST {
        nato(scan, readings);
    }
    if scan.cells >= LEAST {
        braille(scan.text, readings);
    }
}

fn morse(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut run: Option<(Range<usize>, String)> = None;
    let mut close = |run: &mut Option<(Range<usize>, String)>| {
        if let Some((span, text)) = run.take()
            && text.chars().filter(|c| !c.is_whitespace()).count() >= LEAST
        {
            let signs: String = scan.text.get(span.clone()).unwrap_or_default().chars().rev().collect();
            let order = |text: &str| Order::of_start(text, 240).mean();
            // Its signs backwards are Morse code as well, and that of other letters.
            let as_it_is = order(&text);
            let ways = || {
                let backwards = turned(&signs)?;
                let each = backwards.chars().rev().collect::<String>();
                [backwards, each].into_iter().max_by_key(|text| order(text))
            };
            let other = if as_it_is < CLEAR { ways() } else { None };
            let text = other.filter(|other| order(other) >= as_it_is + BETTER).unwrap_or(text);
            let text = letters_together(text);
            let words = divided(&text).unwrap_or(text);
            edits.push((span, words));
        }
    };
    for piece in &scan.pieces {
        if piece.kind != Kind::Signs || piece.has(sign::NO_MORSE) {
            if run.is_some() {
                close(&mut run);
            }
            continue;
        }
        let word = scan.text.get(piece.whole()).unwrap_or_default();
        let mut decoded = String::new();
        let is_morse = word.len() <= LONGEST
            && word.split_inclusive(['/', '|']).all(|part| {
                let sign = part.trim_end_matches(['/', '|']);
                let letter = MORSE.iter().find(|(_, code)| is_code(sign, code));
                decoded.extend(letter.map(|(c, _)| *c));
                if part.ends_with(['/', '|']) {
                    decoded.push(' ');
                }
                letter.is_some() || sign.is_empty()
            });
        if !is_morse {
            close(&mut run);
            continue;
        }
        let (span, text) = run.get_or_insert_with(|| (piece.whole(), String::new()));
        let gap = scan.text.get(span.end..piece.whole().start).unwrap_or_default();
        if gap.len() >= 3 || gap.contains('\n') {
            text.push(' ');
        }
        span.end = piece.whole().end;
        text.push_str(&decoded);
    }
    close(&mut run);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Morse, edits));
    }
}

/// Morse code with a stroke between letters and two between words, without any space: `../-//.-`.
fn strokes(text: &str, readings: &mut Vec<Reading>) {
    let bytes = text.as_bytes();
    let is_sign = |b: &u8| matches!(b, b'.' | b'-' | b'_' | b'*' | b'/' | b'|');
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut done = 0;
    for stroke in memchr::memchr2_iter(b'/', b'|', bytes) {
        if stroke < done {
            continue;
        }
        let before = bytes.get(done..stroke).map_or(0, |b| b.iter().rev().take_while(|b| is_sign(b)).count());
        let after = bytes.get(stroke..).map_or(0, |b| b.iter().take_while(|b| is_sign(b)).count());
        let range = stroke - before..stroke + after;
        done = range.end;
        let signs = text.get(range.clone()).unwrap_or_default();
        let letters = || signs.split(['/', '|']).filter(|signs| !signs.is_empty());
        if letters().take(2 * LEAST).count() < 2 * LEAST {
            continue;
        }
        let letter = |signs: &str| MORSE.iter().find(|(_, code)| is_code(signs, code)).map(|(c, _)| *c);
        let known = letters().filter(|signs| letter(signs).is_some()).count();
        // A rule between the rows of a table has one sign in all cells.
        let mut codes: Vec<&str> = letters().take(LONGEST).collect();
        codes.sort_unstable();
        codes.dedup();
        if codes.len() < LEAST / 2 + 1 {
            continue;
        }
        let said = signs
            .split(['/', '|'])
            .map(|signs| if signs.is_empty() { ' ' } else { letter(signs).unwrap_or(' ') });
        if known * 10 >= letters().count() * 9 {
            let said: String = said.collect();
            edits.push((range, divided(&said).unwrap_or(said)));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Morse, edits));
    }
}

/// What Morse code says that was written backwards, its letters backwards again.
fn turned(signs: &str) -> Option<String> {
    let letter = |sign: &str| MORSE.iter().find(|(_, code)| is_code(sign, code)).map(|(c, _)| *c);
    signs
        .split_ascii_whitespace()
        .map(|sign| if matches!(sign, "/" | "|") { Some(' ') } else { letter(sign) })
        .collect()
}

/// Letters with a space behind each, as a stroke between them makes it, as words: where two stood, one ends.
fn letters_together(text: String) -> String {
    let parts = || text.split(' ').filter(|part| !part.is_empty());
    if parts().filter(|part| part.chars().nth(1).is_none()).count() * 10 < parts().count() * 9 {
        return text;
    }
    let words = text.split("  ").map(|word| word.split(' ').collect::<String>());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether signs are a code, whose points and dashes may be written otherwise.
fn is_code(signs: &str, code: &str) -> bool {
    let usual = |sign: u8| match sign {
        b'_' => b'-',
        b'*' => b'.',
        sign => sign,
    };
    signs.len() == code.len() && signs.bytes().map(usual).eq(code.bytes())
}

fn nato_letter(word: &str) -> Option<char> {
    let first = word.bytes().next()?.to_ascii_lowercase();
    let index = usize::from(first.checked_sub(b'a')?);
    let whole = NATO.get(index)?;
    // The second letter tells nearly all other words apart.
    let second = word.as_bytes().get(1).map(u8::to_ascii_lowercase);
    if second.as_ref() != whole.as_bytes().get(1) && second != Some(b'-') {
        return None;
    }
    let spelled = whole.eq_ignore_ascii_case(word)
        || ["alfa", "juliett", "whisky", "x-ray"].iter().any(|other| other.eq_ignore_ascii_case(word));
    spelled.then(|| char::from(first))
}

fn nato(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let letter_of = |piece: &Piece| {
        let spelled = (4..=8).contains(&piece.core().len());
        if spelled { nato_letter(scan.core(piece)) } else { None }
    };
    // Of so many words in a row one has a place that is a multiple of as many.
    let words = scan.pieces.iter().filter(|piece| piece.kind != Kind::Signs);
    if !words.skip(LEAST - 1).step_by(LEAST).any(|piece| letter_of(piece).is_some()) {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut run: Option<(Range<usize>, String)> = None;
    for (i, piece) in scan.pieces.iter().enumerate() {
        let letter = letter_of(piece);
        if letter.is_none() && run.is_none() {
            continue;
        }
        if let Some(letter) = letter {
            let (span, text) = run.get_or_insert_with(|| (piece.core(), String::new()));
            span.end = piece.core().end;
            text.push(letter);
        }
        let last = i + 1 == scan.pieces.len();
        // One word or sign in between is a break between words.
        let breaks = letter.is_none() && piece.kind == Kind::Signs && run.is_some();
        if breaks {
            if let Some((_, text)) = &mut run {
                text.push(' ');
            }
        } else if (letter.is_none() || last)
            && let Some((span, text)) = run.take()
            && text.bytes().filter(u8::is_ascii_alphabetic).count() >= LEAST
        {
            let text = divided(&text).unwrap_or(text);
            edits.push((span, text));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Nato, edits));
    }
}

/// Whether a character is a Braille cell with a dot.
pub(super) fn is_cell(c: char) -> bool {
    matches!(c, '\u{2801}'..='\u{28ff}')
}

fn braille(text: &str, readings: &mut Vec<Reading>) {
    let cells = || text.char_indices().filter(|(_, c)| is_cell(*c));
    if let Some(edit) = bytes_as_cells(text) {
        readings.push(Reading::of(Transform::Braille, vec![edit]));
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // Behind the sign for numbers the first ten letters are digits, up to the next that is none of them.
    let (mut number, mut end) = (false, 0);
    // A space between all cells ends no number.
    let apart = cells().take(LEAST).zip(cells().skip(1)).all(|((at, c), (next, _))| next > at + c.len_utf8());
    for (at, c) in cells() {
        let cell = cell_of(c);
        let letter = BRAILLE.iter().position(|b| *b == cell).and_then(|i| u8::try_from(i).ok());
        number = cell == NUMBER || (number && (at == end || apart) && letter.is_some_and(|i| i < 10));
        end = at + c.len_utf8();
        let sign = match letter {
            Some(i) if number => Some(char::from(if i == 9 { b'0' } else { b'1' + i })),
            Some(i) => Some(char::from(b'a' + i)),
            None => BRAILLE_SIGNS.iter().find(|(of, _)| *of == cell).map(|(_, sign)| *sign),
        };
        edits.push((at..end, sign.map_or_else(String::new, String::from)));
    }
    if edits.len() < LEAST {
        return;
    }
    let mut end = 0;
    let blanks = cells().flat_map(|(at, c)| {
        let blank = at != std::mem::replace(&mut end, at + c.len_utf8());
        [0].into_iter().filter(move |_| blank).chain([cell_of(c)])
    });
    if computer_braille::is_likely(blanks.collect::<Vec<u32>>().into_iter()) {
        let signs = cells().zip(&edits);
        let signs = signs
            .map(|((_, c), (range, _))| (range.clone(), computer_braille::sign(cell_of(c)).to_string()))
            .collect();
        readings.push(Reading::of(Transform::Braille, signs));
    }
    readings.push(Reading::of(Transform::Braille, edits));
}

/// Whether dots that are counted up stand before a capital, a number or a letter with a mark.
pub(super) fn says_nothing(dots: &str) -> bool {
    matches!(dots, "4" | "5" | "6" | "46" | "56" | "3456")
}

/// The letter whose dots are counted up, `145`.
pub(super) fn letter_of_dots(dots: &str) -> Option<char> {
    let cell = cell_of_dots(dots)?;
    let letter = BRAILLE.iter().position(|of| *of == cell).and_then(|i| u8::try_from(i).ok());
    letter
        .map(|i| char::from(b'a' + i))
        .or_else(|| BRAILLE_SIGNS.iter().find(|(of, _)| *of == cell).map(|(_, sign)| *sign))
}

/// The cell whose dots are counted up.
pub(super) fn cell_of_dots(dots: &str) -> Option<u32> {
    let dot = |b: u8| b.checked_sub(b'1').filter(|dot| *dot < 6);
    let mut cell = 0;
    let mut least = 0;
    for b in dots.bytes() {
        let dot = dot(b).filter(|dot| *dot >= least)?;
        cell |= 1 << dot;
        least = dot + 1;
    }
    Some(cell)
}

/// The dots of a cell, the upper six.
fn cell_of(c: char) -> u32 {
    (u32::from(c) - 0x2800) & 0x3f
}

/// Cells of eight dots whose numbers are the bytes of a text.
fn bytes_as_cells(text: &str) -> Option<(Range<usize>, String)> {
    let first = text.find(is_cell)?;
    let last = text.rfind(is_cell).map(|at| at + '\u{2800}'.len_utf8())?;
    let mut bytes = Vec::new();
    let mut eight = 0;
    let between = text.get(first..last)?;
    let spaces = between.chars().filter(|c| c.is_whitespace()).count();
    let apart = spaces * 10 >= between.chars().filter(|c| is_cell(*c)).count() * 9;
    for c in text.get(first..last)?.chars() {
        // One space between all cells is none.
        if apart && c.is_whitespace() {
            continue;
        }
        if is_cell(c) || c.is_whitespace() {
            let number = if is_cell(c) { u32::from(c) - 0x2800 } else { u32::from(c) };
            eight += usize::from(is_cell(c) && number >= 0x40);
            bytes.push(u8::try_from(number).ok()?);
        } else {
            return None;
        }
    }
    // Letters of ASCII have the seventh dot, which those of the alphabet for the blind do without.
    if eight * 8 < bytes.len() || bytes.len() < LEAST {
        return None;
    }
    // Of codes and of marks half the bytes are none.
    let sure = |text: &String| eight * 2 >= bytes.len() || plausible::is_telling(text);
    plausible::text(&bytes).filter(sure).map(|text| (first..last, text))
}
