//! Escapes of programming languages: `\u0069`, `\u{69}`, `\x{69}`, `\U00000069`, `\x69`, `\151`, CSS `\69 `,
//! RTF `\'69`, and Python's `\N{LATIN SMALL LETTER I}`.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use super::percent::hex;
use super::plausible::is_telling;
use super::scan::{Scan, sign};
use super::{Reading, Transform, surrogates};

/// Fewest escapes: paths of Windows have a few things that look like one.
const LEAST: usize = 3;
/// So many that stand for what can be shown are written for somebody to read, letters or not.
const LONG: usize = 16;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    without_signs(scan, readings);
    if scan.has(b'\\') < LEAST {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut hits, mut last, mut letters, mut shown) = (0, 0, 0, 0);
    let mut at = 0;
    let mut bytes_pending: Vec<u8> = Vec::new();
    let rtf = memmem::find(scan.text.as_bytes(), b"{\\rtf").is_some();
    let css = is_of_css(scan.text.as_bytes());
    while let Some(skip) = scan.text.as_bytes().get(at..).and_then(|rest| memchr(b'\\', rest)) {
        let start = at + skip;
        let rest = scan.text.get(start + 1..).unwrap_or_default();
        let Some((length, what)) = escape(rest, rtf, css) else {
            at = start + 1;
            continue;
        };
        at = start + 1 + length;
        // The string of a program that ends in a line break has nothing on the next line.
        let ends = matches!(rest.as_bytes().get(length), None | Some(b'"' | b'\'' | b'`'));
        last += usize::from(length == 1 && ends);
        let text = match what {
            // Bytes of UTF-8 come one by one.
            Escaped::Byte(b) if b >= 0x80 => {
                bytes_pending.push(b);
                match std::str::from_utf8(&bytes_pending) {
                    Ok(text) => {
                        let text = text.to_owned();
                        bytes_pending.clear();
                        text
                    }
                    Err(_) if bytes_pending.len() >= 4 => {
                        bytes_pending.clear();
                        String::new()
                    }
                    Err(_) => String::new(),
                }
            }
            Escaped::Byte(b) => char::from(b).to_string(),
            Escaped::Char(c) => c.to_string(),
        };
        hits += 1;
        letters += usize::from(text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace()));
        shown += usize::from(text.chars().all(|c| !c.is_control() || c.is_whitespace()));
        edits.push((start..at, text));
    }
    let is_long = hits >= LONG && shown == hits;
    if hits >= LEAST && last * 2 <= hits && (letters * 2 >= hits || is_long) {
        readings.push(Reading::of(Transform::Escapes, edits));
    }
}

/// Escapes and references whose signs were lost, as in Morse code: `x49x67`, `u0049u0067`, `7310311`.
fn without_signs(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    const SHORTEST: usize = 32;
    const MOST: usize = 16;
    let long = scan.long().map(|(_, piece)| piece);
    let runs = long.filter(|piece| piece.core().len() >= SHORTEST && piece.has(sign::DIGIT));
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for piece in runs.take(MOST) {
        let bytes = scan.core(piece).as_bytes();
        let codes: Option<Vec<u32>> = match bytes.first() {
            Some(mark @ (b'x' | b'u')) => {
                let groups = || bytes.split(|b| b == mark).skip(1);
                let width = groups().next().map_or(0, <[u8]>::len);
                let code = |group: &[u8]| if group.len() == width { hex(group) } else { None };
                if matches!(width, 2 | 4) { groups().map(code).collect() } else { None }
            }
            Some(b'0'..=b'9') => decimal(bytes),
            _ => None,
        };
        let text: Option<String> = codes.and_then(|codes| codes.into_iter().map(char::from_u32).collect());
        let is_text =
            |text: &String| !text.chars().any(|c| c.is_control() && !c.is_whitespace()) && is_telling(text);
        edits.extend(text.filter(is_text).map(|text| (piece.core(), text)));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Escapes, edits));
    }
}

/// Decimal codes of ASCII without anything between them: of three digits if they begin with a one, else of two.
fn decimal(mut digits: &[u8]) -> Option<Vec<u32>> {
    let mut codes = Vec::new();
    while let Some(first) = digits.first() {
        let (code, rest) = digits.split_at_checked(if *first == b'1' { 3 } else { 2 })?;
        let code = std::str::from_utf8(code).ok()?.parse().ok()?;
        codes.push(code);
        digits = rest;
    }
    Some(codes)
}

/// Whether most numbers behind backslashes are such as only style sheets write: hexadecimal, of up to six digits, and no
/// octal of a byte.
fn is_of_css(text: &[u8]) -> bool {
    const SAMPLE: usize = 256;
    let (mut numbers, mut only) = (0, 0);
    for at in memchr_iter(b'\\', text).take(SAMPLE) {
        let rest = text.get(at + 1..).unwrap_or_default();
        let digits = rest.get(..rest.iter().take(6).take_while(|b| b.is_ascii_hexdigit()).count());
        let digits = digits.filter(|digits| digits.len() >= 2).unwrap_or_default();
        let octal = matches!(digits, [b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', ..]);
        // What a shell writes, with a zero more.
        let shell = matches!(digits, [b'0', b'0'..=b'7', b'0'..=b'7', b'0'..=b'7']);
        let six = digits.len() == 6 && digits.starts_with(b"00");
        numbers += usize::from(!digits.is_empty());
        only += usize::from(!digits.is_empty() && ((!octal && !shell) || six));
    }
    numbers >= LEAST && only * 2 > numbers
}

enum Escaped {
    Char(char),
    Byte(u8),
}

/// The escape after a backslash: its length and what it stands for.
fn escape(rest: &str, rtf: bool, css: bool) -> Option<(usize, Escaped)> {
    let bytes = rest.as_bytes();
    let digits = |from: usize, most: usize, radix: u32| {
        bytes
            .get(from..)
            .map_or(0, |b| b.iter().take(most).take_while(|d| char::from(**d).is_digit(radix)).count())
    };
    let char_of = |from: usize, length: usize| char::from_u32(hex(bytes.get(from..from + length)?)?);
    match bytes.first()? {
        // RTF has bytes, and decimal codes before what shows them to who knows none.
        b'\'' if digits(1, 2, 16) == 2 => {
            Some((3, Escaped::Byte(u8::try_from(hex(bytes.get(1..3)?)?).ok()?)))
        }
        b'u' if rtf
            && (2..=5).contains(&digits(1, 5, 10))
            && bytes.get(1 + digits(1, 5, 10)) == Some(&b'?') =>
        {
            let length = digits(1, 5, 10);
            Some((length + 2, Escaped::Char(char::from_u32(rest.get(1..=length)?.parse().ok()?)?)))
        }
        b'u' if bytes.get(1) == Some(&b'{') => {
            let unit = |rest: &str| {
                let body = rest.strip_prefix("u{")?;
                let digits = body.get(..body.bytes().take(7).position(|b| b == b'}')?)?;
                Some((digits.len() + 3, hex(digits.as_bytes())?))
            };
            let (length, code) = unit(rest)?;
            let low = || rest.get(length..)?.strip_prefix('\\').and_then(unit);
            let (c, units) = surrogates::char_of(code, || low().map(|(_, code)| code))?;
            let second = if units == 2 { low().map_or(0, |(length, _)| 1 + length) } else { 0 };
            Some((length + second, Escaped::Char(c)))
        }
        b'x' if bytes.get(1) == Some(&b'{') => {
            let length = digits(2, 6, 16);
            (bytes.get(2 + length) == Some(&b'}')).then_some(())?;
            Some((3 + length, Escaped::Char(char_of(2, length)?)))
        }
        b'u' if digits(1, 4, 16) == 4 => {
            let low = || rest.get(5..11)?.strip_prefix("\\u").and_then(|digits| hex(digits.as_bytes()));
            let (c, units) = surrogates::char_of(hex(bytes.get(1..5)?)?, low)?;
            Some((6 * units - 1, Escaped::Char(c)))
        }
        // The capital has eight digits, unless its case is of no account.
        b'U' if digits(1, 8, 16) == 4 => Some((5, Escaped::Char(char_of(1, 4)?))),
        b'U' if digits(1, 8, 16) == 8 => Some((9, Escaped::Char(char_of(1, 8)?))),
        b'x' | b'X' if digits(1, 2, 16) == 2 => {
            Some((3, Escaped::Byte(u8::try_from(hex(bytes.get(1..3)?)?).ok()?)))
        }
        b'N' => {
            let name = rest.get(1..)?.strip_prefix('{')?.split_once('}')?.0;
            let (class, letter) = name.strip_prefix("LATIN ")?.split_once(" LETTER ")?;
            let letter = letter.chars().next().filter(|_| letter.len() == 1)?;
            let letter = if class == "SMALL" { letter.to_ascii_lowercase() } else { letter };
            Some((name.len() + 3, Escaped::Char(letter)))
        }
        d if css && d.is_ascii_hexdigit() => {
            let length = digits(0, 6, 16);
            // White space ends an escape and goes with it.
            let end = usize::from(bytes.get(length).is_some_and(u8::is_ascii_whitespace));
            let c = char_of(0, length).filter(|c| length >= 2 && (!c.is_control() || c.is_whitespace()))?;
            Some((length + end, Escaped::Char(c)))
        }
        // CSS may write all six digits, of which the first are no octal ones then.
        b'0' if digits(0, 6, 16) == 6 && bytes.starts_with(b"00") => {
            Some((6 + usize::from(bytes.get(6) == Some(&b' ')), Escaped::Char(char_of(0, 6)?)))
        }
        // Shells write a zero before three digits.
        b'0' if digits(0, 5, 8) == 4 && matches!(bytes.get(4), None | Some(b'\\' | b' ' | b'\n')) => {
            Some((4, Escaped::Byte(u8::from_str_radix(rest.get(1..4)?, 8).ok()?)))
        }
        b'0'..=b'7' if digits(0, 3, 8) == 3 => {
            let code = u8::from_str_radix(rest.get(..3)?, 8).ok()?;
            Some((3, Escaped::Byte(code)))
        }
        d if d.is_ascii_hexdigit() => {
            let length = digits(0, 6, 16);
            let c = (length >= 2).then(|| char_of(0, length)).flatten().filter(|c| !c.is_control())?;
            // CSS ends an escape with one space.
            Some((length + usize::from(bytes.get(length) == Some(&b' ')), Escaped::Char(c)))
        }
        // A register of troff has its name behind a bracket: `\n(.g`.
        b'n' if bytes.get(1) == Some(&b'(') => None,
        b'n' | b'r' | b't' => Some((1, Escaped::Char(' '))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_escapes_and_registers_of_troff_are_none() {
        let found = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.len()
        };
        assert_eq!(found("bring\\nthe\\nblue\\nfolder"), 1);
        assert_eq!(found(".if \\n(.g .if rF .nr rF 1\n.if (\\n(rF:(\\n(.g==0)) \\{\\"), 0);
    }
}
