//! Base32 (RFC 4648), Ascii85 and Base85, Base58: runs without spaces that are no word.

use std::ops::Range;

use super::scan::{Kind, Piece, Scan};
use super::{Reading, Transform, plausible};

/// Fewest characters of a run that is tried.
const SHORTEST: usize = 15;
/// Longest run that is read as Base58, whose cost is quadratic.
const LONGEST_58: usize = 160;
/// Most runs that are tried.
const MOST_RUNS: usize = 64;

/// What stands beside a run in markup and data.
const BESIDE: &[char] = &['<', '>', '"', '\''];

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE85: &[u8] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut found: [Vec<(Range<usize>, String)>; 3] = Default::default();
    let marked = if scan.has(b'~') >= 2 { marked(scan.text) } else { Vec::new() };
    let long = scan.pieces.iter().filter(|p| p.whole.len() >= SHORTEST && p.kind != Kind::Foreign);
    let apart =
        |p: &&Piece| marked.iter().all(|(run, _)| run.end <= p.whole.start || p.whole.end <= run.start);
    for piece in long.filter(apart).take(MOST_RUNS) {
        let Some(run) = scan.text.get(piece.whole.clone()) else { continue };
        let [thirty_two, eighty_five, fifty_eight] = &mut found;
        let core = scan.core(piece);
        if let Some(text) = base32(core) {
            thirty_two.push((piece.whole.clone(), text));
        } else if let Some(text) = base58(core) {
            fifty_eight.push((piece.whole.clone(), text));
        } else if let Some(text) = ascii85(run).or_else(|| base85(run)) {
            eighty_five.push((piece.whole.clone(), text));
        } else if run.contains(BESIDE) {
            // Tags and quotation marks stand beside it.
            let mut at = piece.whole.start;
            for part in run.split(BESIDE).take(MOST_RUNS) {
                let range = at..at + part.len();
                at = range.end + 1;
                if let Some(text) = base32(part) {
                    thirty_two.push((range, text));
                } else if let Some(text) = base58(part) {
                    fifty_eight.push((range, text));
                }
            }
        }
    }
    let [_, eighty_five, _] = &mut found;
    eighty_five.extend(marked);
    eighty_five.sort_by_key(|(range, _)| range.start);
    for (how, edits) in [Transform::Base32, Transform::Base85, Transform::Base58].into_iter().zip(found) {
        if !edits.is_empty() {
            readings.push(Reading::of(how, edits));
        }
    }
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
        if let Some(decoded) = text.get(start..end).and_then(ascii85) {
            found.push((start..end, decoded));
            at = end;
        }
    }
    found
}

fn base32(run: &str) -> Option<String> {
    let digits = run.trim_end_matches('=').as_bytes();
    if digits.len() < SHORTEST {
        return None;
    }
    let (mut bits, mut held) = (0u32, 0u32);
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    plausible::text(&bytes)
}

fn base58(run: &str) -> Option<String> {
    let mixed =
        run.bytes().any(|b| b.is_ascii_digit()) || run.bytes().filter(u8::is_ascii_uppercase).count() >= 2;
    if run.len() < SHORTEST || run.len() > LONGEST_58 || !mixed {
        return None;
    }
    let mut number: Vec<u8> = Vec::new(); // least significant byte first
    for digit in run.bytes() {
        let mut carry = BASE58.iter().position(|d| *d == digit)?;
        for byte in &mut number {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            number.push((carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    number.reverse();
    plausible::sure_text(&number)
}

/// Adobe's digits `!` to `u`, with or without `<~ ~>`.
fn ascii85(run: &str) -> Option<String> {
    let body = run.strip_prefix("<~").unwrap_or(run);
    let body = body.strip_suffix("~>").unwrap_or(body);
    let digits = body.bytes().map(|b| if b == b'z' { None } else { Some(b) });
    let mut values = Vec::with_capacity(body.len());
    for digit in digits {
        match digit {
            None => values.extend([0; 5]),
            Some(b @ b'!'..=b'u') => values.push(b - b'!'),
            Some(_) => return None,
        }
    }
    plausible::sure_text(&from85(&values)?)
}

/// The digits of RFC 1924, four bytes to five digits, as git and Python write them.
fn base85(run: &str) -> Option<String> {
    let values: Option<Vec<u8>> =
        run.bytes().map(|b| BASE85.iter().position(|d| *d == b).and_then(|v| u8::try_from(v).ok())).collect();
    plausible::sure_text(&from85(&values?)?)
}

fn from85(values: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len() / 5 * 4 + 4);
    for group in values.chunks(5) {
        if group.len() == 1 {
            return None;
        }
        let padded = group.iter().copied().chain(std::iter::repeat_n(84, 5 - group.len()));
        let word = padded.fold(0u64, |word, v| word * 85 + u64::from(v));
        let word = u32::try_from(word).ok()?.to_be_bytes();
        bytes.extend(word.iter().take(group.len() - 1));
    }
    Some(bytes)
}
