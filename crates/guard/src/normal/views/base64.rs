//! Base64 (RFC 4648), standard and URL-safe, padded or not, broken over lines or not.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Reading, Transform, plausible};

/// Fewest characters of a run that is tried.
const SHORTEST: usize = 12;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn read(text: &str, readings: &mut Vec<Reading>) {
    let mut edits = Vec::new();
    for run in runs(text) {
        let Some(part) = text.get(run.clone()) else { continue };
        if let Some(decoded) = decode(part) {
            edits.push((run, decoded));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading { how: Transform::Base64, edits });
    }
}

/// Maximal runs of the alphabets, over line breaks where the line before is full.
fn runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
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

fn decode(run: &str) -> Option<String> {
    let packed: Vec<u8> = run.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'>').collect();
    let engine = if packed.iter().any(|b| matches!(b, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    // A lone character at the end carries no byte: the run was cut.
    let whole = if packed.len() % 4 == 1 { packed.len() - 1 } else { packed.len() };
    let bytes = engine.decode(packed.get(..whole)?).ok()?;
    plausible::text(&bytes)
}
