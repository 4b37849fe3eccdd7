//! Character references of HTML: `&#105;`, `&#x69`, names of ASCII signs and of letters with accents or in mathematical
//! alphabets; and those written once more as references, up to four times
//! (`&amp;#105;`).

use std::ops::Range;

use memchr::memchr_iter;

use super::scan::Scan;
use super::{Reading, Transform, surrogates};

/// Names beyond the five that escaped text always has.
const NAMED: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("Tab", " "),
    ("NewLine", "\n"),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("shy", ""),
    ("zwnj", ""),
    ("zwj", ""),
    ("ZeroWidthSpace", ""),
    ("excl", "!"),
    ("num", "#"),
    ("dollar", "$"),
    ("percnt", "%"),
    ("lpar", "("),
    ("rpar", ")"),
    ("ast", "*"),
    ("plus", "+"),
    ("comma", ","),
    ("period", "."),
    ("sol", "/"),
    ("colon", ":"),
    ("semi", ";"),
    ("equals", "="),
    ("quest", "?"),
    ("commat", "@"),
    ("lsqb", "["),
    ("rsqb", "]"),
    ("bsol", "\\"),
    ("lowbar", "_"),
    ("lcub", "{"),
    ("rcub", "}"),
    ("verbar", "|"),
    ("hyphen", "-"),
    ("dash", "-"),
    ("ndash", "-"),
    ("mdash", "-"),
];
/// How many of them any escaped text has.
const EVERYDAY: usize = 6;
/// So many numbers are not there for the sake of markup.
const MANY: usize = 16;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'&') == 0 {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut telling, mut numbers, mut turned) = (false, 0, 0);
    for at in memchr_iter(b'&', scan.text.as_bytes()) {
        let Some(rest) = scan.text.get(at + 1..) else { continue };
        let again = again(rest);
        let rest = rest.get(again..).unwrap_or_default();
        let start = at;
        let at = at + again;
        if let Some((length, c)) = numeric(rest) {
            // Signs are written so in markup now and then, but not in a row.
            numbers += 1;
            telling |= c.is_alphanumeric() || numbers >= MANY;
            edits.push((start..at + 1 + length, c.to_string()));
            continue;
        }
        if let Some((length, c, alphabet)) = letter(rest) {
            telling |= alphabet;
            edits.push((start..at + 1 + length, c.to_string()));
            continue;
        }
        let name = rest.bytes().take(16).take_while(u8::is_ascii_alphanumeric).count();
        let Some(found) = NAMED.iter().position(|(n, _)| rest.get(..name) == Some(n)) else { continue };
        if rest.as_bytes().get(name) == Some(&b';')
            && let Some((_, text)) = NAMED.get(found)
        {
            // References from their end to their beginning have it behind their sign.
            turned +=
                usize::from(at.checked_sub(1).and_then(|at| scan.text.as_bytes().get(at)) == Some(&b'#'));
            telling |= found >= EVERYDAY || turned >= MANY / 2;
            edits.push((start..at + name + 2, (*text).to_owned()));
        }
    }
    if telling {
        readings.push(Reading::of(Transform::Entities, edits));
    }
}

/// How long the `amp;` are behind an ampersand before what is referred to in the end.
fn again(rest: &str) -> usize {
    const MOST: usize = 4;
    let mut length = 0;
    for _ in 0..MOST {
        let Some(inner) = rest.get(length..).and_then(|rest| rest.strip_prefix("amp;")) else { break };
        if !inner.starts_with(|c: char| c == '#' || c.is_ascii_alphabetic()) {
            break;
        }
        length += 4;
    }
    // Of an ampersand before a word it is only known that it is one.
    let inner = rest.get(length..).unwrap_or_default();
    if numeric(inner).is_some() || letter(inner).is_some() || is_named(inner) { length } else { 0 }
}

/// Whether the name of a sign and a semicolon begin a text.
fn is_named(rest: &str) -> bool {
    let name = rest.bytes().take(16).take_while(u8::is_ascii_alphanumeric).count();
    rest.as_bytes().get(name) == Some(&b';') && NAMED.iter().any(|(n, _)| rest.get(..name) == Some(n))
}

/// A name of one letter and what it looks like, `eacute;` or `efr;`: its length, the letter, and whether that is of a
/// mathematical alphabet.
fn letter(rest: &str) -> Option<(usize, char, bool)> {
    const ALPHABETS: [&str; 3] = ["fr", "opf", "scr"];
    const ACCENTS: [&str; 9] = ["acute", "grave", "circ", "uml", "tilde", "cedil", "ring", "caron", "macr"];
    let c = rest.chars().next().filter(char::is_ascii_alphabetic)?;
    let end = rest.bytes().take(8).position(|b| b == b';')?;
    let look = rest.get(1..end)?;
    let alphabet = ALPHABETS.contains(&look);
    (alphabet || ACCENTS.contains(&look)).then_some((1 + look.len() + 1, c, alphabet))
}

/// A numeric reference after its ampersand: its length and what it stands for.
fn numeric(rest: &str) -> Option<(usize, char)> {
    let (length, code) = reference(rest)?;
    let low = || rest.get(length..)?.strip_prefix('&').and_then(reference);
    let (c, units) = surrogates::char_of(code, || low().map(|(_, code)| code))?;
    // The one behind it went into it.
    let second = if units == 2 { low().map_or(0, |(length, _)| 1 + length) } else { 0 };
    Some((length + second, c))
}

/// The number of a reference after its ampersand, and its length.
fn reference(rest: &str) -> Option<(usize, u32)> {
    let body = rest.strip_prefix('#')?;
    let (prefix, radix) = if body.starts_with(['x', 'X']) { (1, 16) } else { (0, 10) };
    let digits: &str = body.get(prefix..)?;
    let length = digits.chars().take(10).take_while(|c| c.is_digit(radix)).count();
    let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
    let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
    Some((1 + prefix + length + semicolon, code))
}
