//! Bytes written in characters that show nothing.

use std::ops::Range;

use super::super::views::order_of;
use super::{Channel, LEAST_PAYLOAD};

/// Most bytes decoded of one payload.
const MOST_BYTES: usize = 16 * 1024;

/// Bytes from which a payload in bits is a text although it has few letters: what it says may be disguised in its turn.
const DISGUISED: usize = 24;

/// A payload and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Payload {
    pub channel: Channel,
    /// What it says; bytes that are no text are replaced.
    pub text: String,
    /// How many bytes it has.
    pub bytes: usize,
    /// Where they stand, in order.
    pub places: Vec<Range<usize>>,
}

/// The payloads in the invisible characters that a text does not need. What is between them does not
/// matter: a payload dealt out over a text is still one.
pub(super) fn found(unwanted: &[(Range<usize>, char)]) -> Vec<Payload> {
    let mut payloads = Vec::new();
    if unwanted.len() < LEAST_PAYLOAD {
        return payloads;
    }
    let pick = |byte: fn(char) -> Option<u8>| -> (Vec<u8>, Vec<Range<usize>>) {
        unwanted.iter().filter_map(|(span, c)| Some((byte(*c)?, span.clone()))).unzip()
    };
    for (channel, (bytes, places)) in
        [(Channel::Tags, pick(tag)), (Channel::VariationSelectors, pick(selector))]
    {
        if bytes.len() >= LEAST_PAYLOAD {
            let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(MOST_BYTES)).unwrap_or_default())
                .into_owned();
            payloads.push(Payload { channel, text, bytes: bytes.len(), places });
        }
    }
    payloads.extend(zero_width(unwanted));
    payloads
}

/// Four zero-width characters as digits of base 4, four to a byte, the highest first. Which is which is found by what gives
/// text.
fn in_fours(digits: &[(&Range<usize>, char)], counts: &[(usize, char)]) -> Option<String> {
    /// Characters that chance does not bring together.
    const LEAST: usize = 12;
    let [a, b, c, d] = counts else { return None };
    let of = [a.1, b.1, c.1, d.1];
    if digits.len() < LEAST * 4 || d.0 * 64 < digits.len() {
        return None;
    }
    let values: Vec<u8> = digits
        .iter()
        .take(MOST_BYTES * 4)
        .filter_map(|(_, c)| of.iter().position(|o| o == c))
        .map(|v| v as u8)
        .collect();
    let ways = (0..256u32).map(|way| [way & 3, way >> 2 & 3, way >> 4 & 3, way >> 6]);
    let ways = ways.filter(|way| way.iter().fold(0, |seen, v| seen | 1 << v) == 0b1111);
    let text = |way: [u32; 4]| -> Option<String> {
        let digit = |v: &u8| way.get(usize::from(*v)).map_or(0, |d| *d as u8);
        let byte = |four: &[u8]| four.iter().fold(0u8, |byte, v| byte << 2 | digit(v));
        // Nearly all ways show by their first bytes that they are none.
        let first: Vec<u8> = values.chunks_exact(4).take(LEAST).map(byte).collect();
        if std::str::from_utf8(&first).is_err_and(|error| error.error_len().is_some()) {
            return None;
        }
        let text = String::from_utf8(values.chunks_exact(4).map(byte).collect()).ok()?;
        (!text.chars().any(|c| c.is_control() && !c.is_whitespace())).then_some(text)
    };
    // Other ways give letters as well, but none in the order of a language, and of more scripts.
    ways.filter_map(text).max_by_key(|text| {
        let mut scripts: Vec<u32> = text.chars().map(|c| u32::from(c) >> 8).collect();
        scripts.sort_unstable();
        scripts.dedup();
        let shown = text.chars().filter(|c| c.is_alphanumeric() || *c == ' ').count();
        (order_of(text), std::cmp::Reverse(scripts.len()), text.contains(' '), shown)
    })
}

fn tag(c: char) -> Option<u8> {
    let code = u32::from(c).checked_sub(0xe_0000)?;
    u8::try_from(code).ok().filter(|b| matches!(b, 0x20..=0x7e))
}

fn selector(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match code {
        0xfe00..=0xfe0f => code - 0xfe00,
        0xe_0100..=0xe_01ef => code - 0xe_0100 + 16,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

/// Zero-width characters that were seen to carry bits.
pub(super) const fn is_digit(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}' | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}')
}

/// A binary number in two zero-width characters, with or without a third between the bytes. Which is the
/// one, how many digits a byte has, and which digit comes first is found by what gives text.
fn zero_width(unwanted: &[(Range<usize>, char)]) -> Option<Payload> {
    let digits: Vec<(&Range<usize>, char)> =
        unwanted.iter().filter(|(_, c)| is_digit(*c)).map(|(span, c)| (span, *c)).collect();
    if digits.len() < LEAST_PAYLOAD * 7 {
        return None;
    }
    let mut counts: Vec<(usize, char)> = Vec::new();
    for (_, c) in &digits {
        match counts.iter_mut().find(|(_, known)| known == c) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, *c)),
        }
    }
    counts.sort_by(|a, b| b.cmp(a));
    if let Some(text) = in_fours(&digits, &counts) {
        let places = digits.into_iter().map(|(span, _)| span.clone()).collect();
        return Some(Payload { channel: Channel::ZeroWidth, bytes: text.len(), text, places });
    }
    let mut best: Option<(usize, String)> = None;
    for (i, (_, zero)) in counts.iter().enumerate().take(3) {
        for (j, (_, one)) in counts.iter().enumerate().take(3) {
            if i == j {
                continue;
            }
            let bits: Vec<bool> = digits
                .iter()
                .filter(|(_, c)| c == zero || c == one)
                .take(MOST_BYTES * 8)
                .map(|(_, c)| c == one)
                .collect();
            for width in [8, 7] {
                for low_first in [false, true] {
                    let bytes = packed(&bits, width, low_first);
                    let Ok(text) = String::from_utf8(bytes) else { continue };
                    let shown = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).count();
                    let printable = text.chars().filter(|c| c.is_alphanumeric() || *c == ' ').count();
                    // Bytes that chance brought together are not characters of UTF-8 for long.
                    let is_disguised = width == 8 && text.len() >= DISGUISED;
                    if text.len() >= LEAST_PAYLOAD
                        && shown == text.chars().count()
                        && (printable * 10 >= shown * 7 || is_disguised)
                    {
                        let better = best.as_ref().is_none_or(|(score, _)| printable > *score);
                        if better {
                            best = Some((printable, text));
                        }
                    }
                }
            }
        }
    }
    let (_, text) = best?;
    let places = digits.into_iter().map(|(span, _)| span.clone()).collect();
    Some(Payload { channel: Channel::ZeroWidth, bytes: text.len(), text, places })
}

fn packed(bits: &[bool], width: usize, low_first: bool) -> Vec<u8> {
    let byte = |chunk: &[bool]| {
        let fold = |byte: u8, bit: &bool| byte << 1 | u8::from(*bit);
        if low_first { chunk.iter().rev().fold(0, fold) } else { chunk.iter().fold(0, fold) }
    };
    bits.chunks_exact(width).map(byte).collect()
}
