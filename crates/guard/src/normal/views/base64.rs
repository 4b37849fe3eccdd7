//! Base64 (RFC 4648), standard and URL-safe, padded or not, broken over lines or not.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::ciphers::shifted;
use super::scan::{Kind, Scan};
use super::{Reading, Transform, plausible};

/// Fewest characters of a run that is tried.
const SHORTEST: usize = 12;
/// Characters of a run by which it is tried under a cipher, a multiple of four.
const LONG: usize = 24;
/// Most runs that are tried so.
const MOST_STRANGE: usize = 16;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
pub(super) const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let text = scan.text;
    if !scan.pieces.iter().any(|p| p.whole.len() >= SHORTEST && !matches!(p.kind, Kind::Known)) {
        return;
    }
    let mut edits = Vec::new();
    let mut turned: [Vec<(Range<usize>, String)>; 3] = Default::default();
    let mut strange = 0;
    for run in runs(text) {
        let Some(part) = text.get(run.clone()) else { continue };
        if let Some(decoded) = decode(part) {
            edits.push((run, decoded));
        } else if part.len() >= LONG && strange < MOST_STRANGE {
            strange += 1;
            // The digits themselves were turned round, or went through another cipher first.
            let padded = text.get(..run.start).is_some_and(|before| before.ends_with('='));
            let [backwards, rotated, swapped] = &mut turned;
            let reversed: String = part.trim_matches('=').chars().rev().collect();
            if (padded || part.starts_with('=')) && decode(&reversed).is_some() {
                backwards.push((run, reversed));
                continue;
            }
            let head = part.get(..LONG).unwrap_or(part);
            let change = |text: &str, with: fn(u8) -> u8| {
                text.bytes().map(|b| char::from(with(b))).collect::<String>()
            };
            let rot13: fn(u8) -> u8 = |b| shifted(b, 13);
            let other_case: fn(u8) -> u8 = |b| if b.is_ascii_alphabetic() { b ^ 0x20 } else { b };
            if decode(&change(head, rot13)).is_some() {
                rotated.push((run, change(part, rot13)));
            } else if decode(&change(head, other_case)).is_some() {
                swapped.push((run, change(part, other_case)));
            }
        }
    }
    let [backwards, rotated, swapped] = turned;
    let ways =
        [Transform::Base64, Transform::Reversed, Transform::Caesar { shift: 13 }, Transform::CaseSwapped];
    for (how, edits) in ways.into_iter().zip([edits, backwards, rotated, swapped]) {
        if !edits.is_empty() {
            readings.push(Reading::of(how, edits));
        }
    }
}

/// Which bytes are digits in either alphabet.
static DIGITS: [bool; 256] = {
    let mut digits = [false; 256];
    let mut b = 0u8;
    while b < 128 {
        digits[b as usize] = b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        b += 1;
    }
    digits
};

/// Maximal runs of the alphabets, over line breaks where the line before is full.
fn runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_digit = |b: &u8| DIGITS[usize::from(*b)];
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(is_digit)) {
        let start = at + skip;
        let length = bytes.get(start..).map_or(0, |rest| rest.iter().take_while(|b| is_digit(b)).count());
        let mut end = start + length;
        let padding =
            bytes.get(end..).map_or(0, |rest| rest.iter().take(2).take_while(|b| **b == b'=').count());
        at = end + padding;
        if length + padding >= SHORTEST {
            end = at;
            // A continued line: the run before ends in this line's break and has at least its length.
            match runs.last_mut() {
                Some(last) if joined(text, last, start) => last.end = end,
                _ => runs.push(start..end),
            }
        } else if let Some(last) = runs.last_mut()
            && joined(text, last, start)
        {
            last.end = at;
        }
    }
    runs
}

fn joined(text: &str, last: &Range<usize>, start: usize) -> bool {
    text.get(last.end..start).is_some_and(|gap| {
        !gap.is_empty()
            && gap.len() <= 16
            && gap.contains('\n')
            && gap.bytes().all(|b| b.is_ascii_whitespace() || b == b'>')
    }) && !text.get(last.clone()).is_some_and(|run| run.ends_with('='))
}

/// Whether a text is one run that decodes to text.
pub(super) fn is_base64(text: &str) -> bool {
    text.len() >= LONG
        && matches!(runs(text).as_slice(), [run] if *run == (0..text.len()))
        && decode(text).is_some()
}

fn decode(run: &str) -> Option<String> {
    let packed: Vec<u8> = run.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'>').collect();
    let engine = if packed.iter().any(|b| matches!(b, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    // A lone character at the end carries no byte: the run was cut.
    let whole = if packed.len() % 4 == 1 { packed.len() - 1 } else { packed.len() };
    let bytes = engine.decode(packed.get(..whole)?).ok()?;
    plausible::text(&bytes)
}
