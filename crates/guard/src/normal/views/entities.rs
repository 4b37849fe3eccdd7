//! Character references of HTML: `&#105;`, `&#x69`, and names of ASCII signs.

use std::ops::Range;

use memchr::memchr_iter;

use super::scan::Scan;
use super::{Reading, Transform};

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
    let (mut telling, mut numbers) = (false, 0);
    for at in memchr_iter(b'&', scan.text.as_bytes()) {
        let Some(rest) = scan.text.get(at + 1..) else { continue };
        if let Some((length, c)) = numeric(rest) {
            // Signs are written so in markup now and then, but not in a row.
            numbers += 1;
            telling |= c.is_alphanumeric() || numbers >= MANY;
            edits.push((at..at + 1 + length, c.to_string()));
            continue;
        }
        let name = rest.bytes().take(16).take_while(u8::is_ascii_alphanumeric).count();
        let Some(found) = NAMED.iter().position(|(n, _)| rest.get(..name) == Some(n)) else { continue };
        if rest.as_bytes().get(name) == Some(&b';')
            && let Some((_, text)) = NAMED.get(found)
        {
            telling |= found >= EVERYDAY;
            edits.push((at..at + name + 2, (*text).to_owned()));
        }
    }
    if telling {
        readings.push(Reading::of(Transform::Entities, edits));
    }
}

/// A numeric reference after its ampersand: its length and what it stands for.
fn numeric(rest: &str) -> Option<(usize, char)> {
    let body = rest.strip_prefix('#')?;
    let (prefix, radix) = if body.starts_with(['x', 'X']) { (1, 16) } else { (0, 10) };
    let digits: &str = body.get(prefix..)?;
    let length = digits.chars().take(10).take_while(|c| c.is_digit(radix)).count();
    let c = char::from_u32(u32::from_str_radix(digits.get(..length)?, radix).ok()?)?;
    let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
    Some((1 + prefix + length + semicolon, c))
}
