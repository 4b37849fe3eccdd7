//! Base32 (RFC 4648), Ascii85, Base85 and Z85, bases of one number: runs without spaces that are no word. And Base45
//! (RFC 9285), which has spaces.

use std::borrow::Cow;
use std::ops::Range;

use super::plausible::Glance;
use super::scan::{Kind, Piece, Scan, sign};
use super::{Reading, Transform, one_number, plausible};

/// Fewest characters of a run that is tried.
const SHORTEST: usize = 15;
/// Fewest digits of Base45, which are capitals, figures and signs as in headlines.
const SHORTEST_45: usize = 24;
/// Most runs that are tried.
const MOST_RUNS: usize = 64;

/// What stands beside a run in markup and data.
const fn stands_beside(c: char) -> bool {
    matches!(c, '<' | '>' | '"' | '\'')
}

const BASE45: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/// What ZeroMQ writes (its RFC 32).
const Z85: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const BASE85: &[u8] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// The place of each byte in an alphabet; `NONE` for those that are no digits.
const fn places(alphabet: &[u8]) -> [u8; 256] {
    let mut places = [NONE; 256];
    let mut at = 0;
    while at < alphabet.len() {
        places[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    places
}

const NONE: u8 = u8::MAX;
static PLACES45: [u8; 256] = places(BASE45);
static PLACES85: [u8; 256] = places(BASE85);
static PLACES_Z85: [u8; 256] = places(Z85);

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut found: [Vec<(Range<usize>, String)>; 3] = Default::default();
    let marked = if scan.has(b'~') >= 2 { marked(scan.text) } else { Vec::new() };
    let long = scan.long().map(|(_, piece)| piece);
    let long = long.filter(|p| p.whole().len() >= SHORTEST && p.kind != Kind::Foreign);
    let apart =
        |p: &&Piece| marked.iter().all(|(run, _)| run.end <= p.whole().start || p.whole().end <= run.start);
    for piece in long.filter(apart).take(MOST_RUNS) {
        let Some(run) = scan.text.get(piece.whole()) else { continue };
        let [thirty_two, eighty_five, fifty_eight] = &mut found;
        let core = scan.core(piece);
        if let Some(text) = base32(core) {
            thirty_two.push((piece.whole(), text));
        } else if let Some(text) = one_number::read(core) {
            fifty_eight.push((piece.whole(), text));
        } else if let Some(text) = other_32(core) {
            thirty_two.push((piece.whole(), text));
        } else if let Some(text) =
            ascii85(run).or_else(|| base85(run, &PLACES85)).or_else(|| base85(run, &PLACES_Z85))
        {
            eighty_five.push((piece.whole(), text));
        } else if piece.has(sign::BESIDE) {
            // Tags and quotation marks stand beside it.
            let mut at = piece.whole().start;
            for part in run.split(stands_beside).take(MOST_RUNS) {
                let range = at..at + part.len();
                at = range.end + 1;
                if let Some(text) = base32(part) {
                    thirty_two.push((range, text));
                } else if let Some(text) = one_number::read(part) {
                    fifty_eight.push((range, text));
                }
            }
        }
    }
    backwards(scan, readings);
    lines_of_32(scan, readings);
    lines_of_45(scan, readings);
    let [_, eighty_five, _] = &mut found;
    eighty_five.extend(marked);
    eighty_five.sort_by_key(|(range, _)| range.start);
    for (how, edits) in [Transform::Base32, Transform::Base85, Transform::Base58].into_iter().zip(found) {
        if !edits.is_empty() {
            readings.push(Reading::of(how, edits));
        }
    }
}

/// Base32 whose padding stands in front.
fn backwards(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let padded = |piece: &&Piece| {
        piece.whole().len() >= SHORTEST && scan.text.as_bytes().get(piece.whole().start) == Some(&b'=')
    };
    let turned = scan.long().map(|(_, piece)| piece).filter(padded).take(MOST_RUNS).filter_map(|piece| {
        let run: String = scan.text.get(piece.whole())?.chars().rev().collect();
        base32(&run).map(|_| (piece.whole(), run))
    });
    let turned: Vec<_> = turned.chain(backwards_85(scan)).collect();
    if !turned.is_empty() {
        readings.push(Reading::of(Transform::Reversed, turned));
    }
}

/// Digits of base85 from the last to the first, where there are so many that words are not and signs among them.
fn backwards_85(scan: &Scan<'_>) -> impl Iterator<Item = (Range<usize>, String)> {
    /// Digits of a run, a multiple of five, and of those that are tried first.
    const LEAST: usize = 40;
    let long = scan.long().map(|(_, piece)| piece);
    let odd =
        |piece: &&Piece| piece.whole().len() >= LEAST && piece.has(sign::DIGIT) && !piece.has(sign::FOREIGN);
    long.filter(odd).take(MOST_RUNS).filter_map(|piece| {
        let turned: String = scan.text.get(piece.whole())?.chars().rev().collect();
        let first = turned.get(..LEAST)?;
        let reads = |run: &str| {
            ascii85(run).is_some() || base85(run, &PLACES85).is_some() || base85(run, &PLACES_Z85).is_some()
        };
        (reads(first) && reads(&turned)).then_some((piece.whole(), turned))
    })
}

/// Ascii85 between its own marks, whatever stands beside them.
fn marked(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skip) = text.get(at..).and_then(|rest| rest.find("<~")).filter(|_| found.len() < MOST_RUNS)
    {
        let start = at + skip;
        let Some(length) = text.get(start..).and_then(|rest| rest.find("~>")) else { break };
        let end = start + length + 2;
        at = start + 2;
        let decoded = text.get(start..end).and_then(|run| {
            // In an attribute some of its digits are references.
            ascii85(run).or_else(|| run.contains("&quot;").then(|| ascii85(&run.replace("&quot;", "\"")))?)
        });
        if let Some(decoded) = decoded {
            found.push((start..end, decoded));
            at = end;
        }
    }
    found
}

pub(super) fn base32(run: &str) -> Option<String> {
    let digits = run.trim_end_matches('=').as_bytes();
    if digits.len() < SHORTEST {
        return None;
    }
    if !digits.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'2'..=b'7')) {
        return None;
    }
    let mut glance = Glance::default();
    push_32(digits, |byte| glance.push(byte));
    // Most runs are words.
    if !glance.may_be_text() {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    push_32(digits, |byte| bytes.push(byte));
    plausible::text(&bytes)
}

/// Base32 with the digits of another alphabet: those of RFC 4648's second one, of Crockford's and of z-base-32.
fn other_32(run: &str) -> Option<String> {
    const ALPHABETS: [&[u8; 32]; 3] = [
        b"0123456789ABCDEFGHIJKLMNOPQRSTUV",
        b"0123456789ABCDEFGHJKMNPQRSTVWXYZ",
        b"YBNDRFG8EJKMCPQXOT1UWISZA345H769",
    ];
    const RFC: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const LEAST: usize = 24;
    let digits = run.trim_end_matches('=').as_bytes();
    let cased = |is: fn(&u8) -> bool| digits.iter().any(is);
    let mixed = cased(u8::is_ascii_lowercase) && cased(u8::is_ascii_uppercase);
    if digits.len() < LEAST || mixed || !digits.iter().any(u8::is_ascii_digit) {
        return None;
    }
    ALPHABETS.into_iter().find_map(|alphabet| {
        let places = places(alphabet);
        let digit = |b: &u8| {
            RFC.get(usize::from(places[usize::from(b.to_ascii_uppercase())])).copied().map(char::from)
        };
        let usual: String = digits.iter().map(digit).collect::<Option<_>>()?;
        base32(&usual)
    })
}

/// The bytes of a text that is one run of digits in capitals.
pub(super) fn bytes_of_32(run: &str) -> Option<Vec<u8>> {
    let digits = run.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let are_digits = digits.iter().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    are_digits.then(|| push_32(digits, |byte| bytes.push(byte)))?;
    Some(bytes)
}

/// Hands on the bytes that digits are, one by one.
fn push_32(digits: &[u8], mut to: impl FnMut(u8)) {
    let (mut bits, mut held) = (0u32, 0u32);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a',
            _ => digit.wrapping_sub(b'2') + 26,
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            to((bits >> held & 0xff) as u8);
        }
    }
}

/// Adobe's digits `!` to `u`, with or without `<~ ~>`.
pub(super) fn ascii85(run: &str) -> Option<String> {
    let between = run.strip_prefix("<~").and_then(|run| run.strip_suffix("~>"));
    let body = run.strip_prefix("<~").unwrap_or(run);
    let body = body.strip_suffix("~>").unwrap_or(body);
    // Between its marks it may be broken over lines.
    let body: Cow<'_, str> = match between {
        Some(_) if body.contains('\n') => body.split_ascii_whitespace().collect::<String>().into(),
        _ => body.into(),
    };
    if !body.bytes().all(|b| matches!(b, b'!'..=b'u' | b'z')) {
        return None;
    }
    // One sign is five digits of nothing.
    let digits: Cow<'_, [u8]> = if body.contains('z') {
        body.replace('z', "!!!!!").into_bytes().into()
    } else {
        body.as_bytes().into()
    };
    let bytes = from85(&digits, |b| b.wrapping_sub(b'!'))?;
    // Nothing but this has these marks; without them any signs may be digits.
    if between.is_some_and(|run| run.len() >= SHORTEST) {
        plausible::text(&bytes)
    } else {
        plausible::sure_text(&bytes)
    }
}

/// The digits of RFC 1924, as git and Python write them, or of Z85: four bytes to five.
fn base85(run: &str, places: &[u8; 256]) -> Option<String> {
    if run.bytes().any(|b| places[usize::from(b)] == NONE) {
        return None;
    }
    plausible::sure_text(&from85(run.as_bytes(), |b| places[usize::from(b)])?)
}

/// Base32 that is broken over lines, each but the last as long as the first.
fn lines_of_32(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let is_digit = |b: u8| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7' | b'=');
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut open: Option<(Range<usize>, usize, String)> = None;
    let mut close = |open: &mut Option<(Range<usize>, usize, String)>| {
        if let Some((range, width, digits)) = open.take()
            && digits.len() > width
        {
            edits.extend(base32(&digits).map(|text| (range, text)));
        }
    };
    for (_, piece) in scan.long().take(4 * MOST_RUNS) {
        let Some(run) = scan.text.get(piece.whole()).filter(|run| run.bytes().all(is_digit)) else {
            close(&mut open);
            continue;
        };
        match &mut open {
            Some((range, width, digits))
                if run.len() <= *width && scan.text.get(range.end..piece.whole().start) == Some("\n") =>
            {
                range.end = piece.whole().end;
                digits.push_str(run);
            }
            _ => {
                close(&mut open);
                open = Some((piece.whole(), run.len(), run.to_owned()));
            }
        }
    }
    close(&mut open);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Base32, edits));
    }
}

/// Lines of Base45: two bytes to three digits, the least significant first.
fn lines_of_45(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for part in scan.parts().iter().filter(|part| part.range.len() >= SHORTEST_45) {
        // Spaces at the ends may be digits, or none.
        let Some(line) = scan.text.get(part.range.clone()) else { continue };
        for line in [line, line.trim()] {
            if let Some(text) = base45(line.as_bytes()) {
                let start = line.as_ptr() as usize - scan.text.as_ptr() as usize;
                edits.push((start..start + line.len(), text));
                break;
            }
        }
        if edits.len() >= MOST_RUNS {
            break;
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Base45, edits));
    }
}

pub(super) fn base45(line: &[u8]) -> Option<String> {
    if line.len() % 3 == 1 || !line.iter().all(|b| PLACES45[usize::from(*b)] != NONE) {
        return None;
    }
    let mut bytes = Vec::with_capacity(line.len() * 2 / 3);
    for digits in line.chunks(3) {
        let number = digits.iter().rev().fold(0u32, |n, b| n * 45 + u32::from(PLACES45[usize::from(*b)]));
        let [.., high, low] = number.to_be_bytes();
        if digits.len() == 3 {
            bytes.push(high);
        }
        bytes.push(low);
        if number >= 1 << (8 * (digits.len() - 1)) {
            return None;
        }
    }
    plausible::sure_text(&bytes)
}

/// The bytes of five digits by five, unless they are no text: most runs are paths and names of programs.
fn from85(digits: &[u8], value: impl Fn(u8) -> u8) -> Option<Vec<u8>> {
    let mut glance = Glance::default();
    for group in digits.chunks(5) {
        let (bytes, length) = group85(group, &value)?;
        bytes.iter().take(length).for_each(|byte| glance.push(*byte));
    }
    // Rules of a page are one sign, or two in turn.
    if !glance.may_be_text() || !has_signs(digits, 4) {
        return None;
    }
    let mut all = Vec::with_capacity(digits.len());
    for group in digits.chunks(5) {
        let (bytes, length) = group85(group, &value)?;
        all.extend(bytes.iter().take(length));
    }
    Some(all)
}

/// Whether so many different bytes are there.
pub(super) fn has_signs(digits: &[u8], least: u32) -> bool {
    digits.iter().fold(0u128, |seen, b| seen | 1 << (b % 128)).count_ones() >= least
}

/// The bytes of up to five digits, one fewer than those.
fn group85(digits: &[u8], value: impl Fn(u8) -> u8) -> Option<([u8; 4], usize)> {
    if let [a, b, c, d, e] = digits {
        let word = [b, c, d, e]
            .iter()
            .fold(u64::from(value(*a)), |word, digit| word * 85 + u64::from(value(**digit)));
        return Some((u32::try_from(word).ok()?.to_be_bytes(), 4));
    }
    if digits.len() < 2 {
        return None;
    }
    let word = (0..5).fold(0, |word, at| word * 85 + u64::from(digits.get(at).map_or(84, |b| value(*b))));
    Some((u32::try_from(word).ok()?.to_be_bytes(), digits.len() - 1))
}
