//! Texts, programs and archives in the lowest bits of numbers.
//!
//! One, two or four bits of each element, packed from either end, or its lowest byte, from whatever element on. A text
//! is a run of printable bytes, so every so many bytes one of it has to be printable: few of the ways to pack the bits
//! have to be followed anywhere, and a tensor costs less than a read of it.

use std::collections::BTreeSet;
use std::ops::Range;

use proofhouse_artifact::pickle::{code, op};

use crate::formats::payload;

/// Bytes that a text in the lowest bits has at least. Random bits are so many printable characters in a row less than
/// once in 10^20 tensors, over all places and ways to pack them.
const TEXT_BYTES: usize = 64;
/// Elements of one tensor in whose lowest bits something may be.
const MOST: usize = 1 << 14;

/// What the lowest bits of the first elements of `width` bytes spell.
pub(super) fn found(bytes: &[u8], width: usize) -> Option<&'static str> {
    let elements = (bytes.len() / width).min(MOST);
    let bytes = bytes.get(..elements * width)?;
    if width == 4 && stretch_of_bytes(bytes) {
        return Some("bytes that widened numbers do not have");
    }
    if let Some(what) = program_in_bytes(bytes, width) {
        return Some(what);
    }
    // Weights that were widened from two bytes, or are whole numbers, have nothing there.
    if bytes.iter().step_by(width).all(|b| *b == 0) {
        return None;
    }
    if texts_by_their_bits(bytes, width) {
        return Some("a text");
    }
    // Every byte of a type of two bytes carries much of the value: only its lowest bits can hide something.
    let whole = (width > 2).then_some(8);
    whole.into_iter().chain([1, 2, 4]).find_map(|count| {
        let group = usize::from(8 / count);
        (0..group).find_map(|shift| {
            let from = bytes.get(shift * width..).unwrap_or_default();
            let packed = |high_first| Packed { bytes: from, width, count, group, high_first };
            packed(true).spelled().or_else(|| if count == 8 { None } else { packed(false).spelled() })
        })
    })
}

/// Elements whose bytes are taken apart in search of a program.
const TAKEN_APART: usize = 1 << 12;
/// The same where some bytes of each are taken together: there are many ways to.
const TAKEN_IN_PARTS: usize = 1 << 9;

/// What program one byte of each element spells, or some that stand beside each other, be they the lowest or others. Its
/// header has to hold together, so that no weights are taken for one.
fn program_in_bytes(bytes: &[u8], width: usize) -> Option<&'static str> {
    let places = (1..width).flat_map(|count| (0..=width - count).map(move |place| place..place + count));
    places.into_iter().find_map(|places| {
        let most = if places.len() == 1 { TAKEN_APART } else { TAKEN_IN_PARTS };
        let mut taken = Vec::with_capacity(most * places.len());
        for element in bytes.chunks_exact(width).take(most) {
            taken.extend_from_slice(element.get(places.clone()).unwrap_or_default());
        }
        let from = |at: usize| payload::program(taken.get(at..).unwrap_or_default());
        // Two bytes that begin one, each rare enough.
        let starts = memchr::memchr3_iter(0x7f, b'M', b'#', &taken).filter(|at| {
            matches!(taken.get(*at..), Some([0x7f, b'E', ..] | [b'M', b'Z', ..] | [b'#', b'!', ..]))
        });
        from(0).or_else(|| starts.into_iter().find_map(from)).map(|_| match places.len() {
            1 => "a program, a byte in each",
            _ => "a program, some bytes in each",
        })
    })
}

/// The lowest bits of elements, as bytes.
#[derive(Clone, Copy)]
struct Packed<'a> {
    bytes: &'a [u8],
    width: usize,
    /// Bits of each element.
    count: u8,
    /// Elements of a byte.
    group: usize,
    high_first: bool,
}

impl Packed<'_> {
    fn len(self) -> usize {
        self.bytes.len() / self.width / self.group
    }

    fn get(self, at: usize) -> u8 {
        let from = at * self.group * self.width;
        let elements = self.bytes.get(from..from + self.group * self.width).unwrap_or_default();
        let mask = u8::MAX >> (8 - self.count);
        let lowest = elements.iter().step_by(self.width);
        lowest.fold(0, |byte: u8, low| {
            let part = low & mask;
            if self.high_first {
                byte.checked_shl(u32::from(self.count)).unwrap_or(0) | part
            } else {
                // What came first moves down.
                byte.checked_shr(u32::from(self.count)).unwrap_or(0) | part << (8 - self.count)
            }
        })
    }

    fn bytes(self, range: Range<usize>) -> Vec<u8> {
        (range.start..range.end.min(self.len())).map(|at| self.get(at)).collect()
    }

    /// What a text, a program or an archive is hidden as. Programs and archives begin where the bytes do.
    fn spelled(self) -> Option<&'static str> {
        let known: [(&[u8], &str); 4] = [
            (b"\x7fELF", "a program"),
            (b"PK\x03\x04", "an archive"),
            (b"\x1f\x8b\x08\x00", "a compressed stream"),
            (b"MZ\x90\0", "a program"),
        ];
        let start = self.bytes(0..4);
        if let Some((_, what)) = known.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Some(what);
        }
        // Few tensors begin so, or behind a length, and a thousand bytes of each are much to put together.
        let begins = self.bytes(0..10);
        let at = [0, 2, 4, 8].into_iter().find(|at| may_be_pickled(begins.get(*at..).unwrap_or_default()));
        if at.is_some_and(|at| pickled(&self.bytes(at..at + PICKLE))) {
            return Some("a pickle");
        }
        if self.counted() {
            return Some("a text behind its length");
        }
        // A length may stand before it. Two bytes that begin one are rare: few headers are put together.
        let start = self.bytes(0..BEFORE + 1);
        let begins = |at: &usize| {
            matches!(start.get(*at..), Some([0x7f, b'E', ..] | [b'M', b'Z', ..] | [b'#', b'!', ..]))
        };
        if (0..BEFORE).filter(begins).any(|at| payload::program(&self.bytes(at..at + HEADER)).is_some()) {
            return Some("a program");
        }
        self.printable_runs().find(|run| written(run)).map(|_| "a text")
    }

    /// Whether a number of four bytes counts printable bytes behind it that something follows in another way: short texts,
    /// pickles of protocol 0 and commands. Few tensors have so small a number there, and in none of those are so many random
    /// bytes printable.
    fn counted(self) -> bool {
        const LEAST: usize = 12;
        let start = self.bytes(0..4);
        let Ok(start) = <[u8; 4]>::try_from(start) else { return false };
        let counts = [u32::from_le_bytes(start), u32::from_be_bytes(start)];
        counts.into_iter().filter_map(|count| usize::try_from(count).ok()).any(|count| {
            (LEAST..=self.len().saturating_sub(4).min(4096)).contains(&count) && {
                let text = self.bytes(4..4 + count);
                let different: BTreeSet<u8> = text.iter().copied().collect();
                text.into_iter().all(printable) && different.len() > LEAST / 2
            }
        })
    }

    /// Runs of at least [`TEXT_BYTES`] printable bytes, each cut to as many as [`written`] looks at.
    fn printable_runs(self) -> impl Iterator<Item = Vec<u8>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            // A run from `from` on has the last of its first bytes here.
            while from + TEXT_BYTES <= self.len() {
                let end = from + TEXT_BYTES;
                let Some(broken) = (from..end).rev().find(|at| !printable(self.get(*at))) else {
                    let run = self.bytes(from..from + 2 * TEXT_BYTES);
                    let length = run.iter().take_while(|b| printable(**b)).count();
                    from = (end..self.len()).find(|at| !printable(self.get(*at))).unwrap_or(self.len()) + 1;
                    return Some(run.into_iter().take(length).collect());
                };
                from = broken + 1;
            }
            None
        })
    }
}

/// Bytes that may stand before a program in the lowest bits, and those of its header.
const BEFORE: usize = 64;
const HEADER: usize = 256;
/// Bytes that are read as a pickle where one may begin.
const PICKLE: usize = 1 << 10;

const fn may_be_pickled(start: &[u8]) -> bool {
    matches!(start, [code::PROTO, 2..=5, ..])
}

/// Whether bytes that [may be](may_be_pickled) begin with a pickle that imports or calls something; so many random ones never do.
fn pickled(bytes: &[u8]) -> bool {
    const LEAST: usize = 16;
    let (mut at, mut calls) = (0, false);
    while let Ok(op) = op(bytes, at) {
        calls |= matches!(op.code, code::GLOBAL | code::STACK_GLOBAL | code::REDUCE | code::BUILD);
        at = op.end;
        if op.code == code::STOP || at >= PICKLE / 2 {
            return calls && at >= LEAST;
        }
    }
    false
}

/// Whether numbers of four bytes that were widened from two, as the zeros in their lower half say, have something there
/// in one stretch. Pruned weights have zeros elsewhere: an element that is zero counts for nothing.
fn stretch_of_bytes(bytes: &[u8]) -> bool {
    /// Elements that are judged together.
    const PART: usize = 64;
    let (mut widened, mut odd, mut mixed) = (0usize, 0usize, 0usize);
    for part in bytes.as_chunks::<4>().0.chunks_exact(PART) {
        // The fraction of a number of two bytes, in either of their kinds.
        let bits =
            part.iter().map(|element| u32::from_le_bytes(*element)).filter(|bits| bits & 0x007f_e000 != 0);
        let (count, low) =
            bits.fold((0usize, 0usize), |(n, low), b| (n + 1, low + usize::from(b & 0x1fff != 0)));
        match (count, low) {
            (0..8, _) => {}
            (_, 0) => widened += 1,
            (count, low) if low * 4 >= count * 3 => odd += 1,
            _ => mixed += 1,
        }
    }
    // Stretches, not numbers of both kinds among each other.
    widened >= 16 && odd >= 2 && odd < widened && mixed <= 4
}

/// Elements whose bits are counted together, and how many such windows there are.
const WINDOW: usize = 1 << 11;
const WINDOWS: usize = 4;

/// Whether one in eight of the lowest bits is always zero and the others are not: the highest bit of characters. It is
/// for texts of short words, and in any letters of the alphabet.
fn texts_by_their_bits(bytes: &[u8], width: usize) -> bool {
    let elements = bytes.len() / width;
    (0..WINDOWS).any(|window| {
        // From the first element on, and spread over the others.
        let from = elements.saturating_sub(WINDOW) / (WINDOWS - 1) * window / 8 * 8;
        let Some(part) = bytes.get(from * width..(from + WINDOW) * width) else { return false };
        let ones = ones(part, width);
        [1usize, 2, 4].into_iter().any(|count| one_bit_rests(part, width, count, &ones))
    })
}

/// How often each of the four lowest bits is set in the first of eight elements, the second, and so on.
fn ones(part: &[u8], width: usize) -> [[usize; 4]; 8] {
    let mut ones = [[0usize; 4]; 8];
    // A byte of a sum holds so many bits.
    for some in part.chunks(8 * width * usize::from(u8::MAX)) {
        let mut sums = [0u64; 4];
        for eight in some.chunks_exact(8 * width) {
            let lowest = eight.iter().step_by(width).fold(0u64, |all, low| all << 8 | u64::from(*low));
            for (bit, sum) in sums.iter_mut().enumerate() {
                *sum += lowest >> bit & 0x0101_0101_0101_0101;
            }
        }
        for (bit, sum) in sums.iter().enumerate() {
            for (of_element, count) in ones.iter_mut().zip(sum.to_be_bytes()) {
                if let Some(of_bit) = of_element.get_mut(bit) {
                    *of_bit += usize::from(count);
                }
            }
        }
    }
    ones
}

/// The same of a window, for so many bits of each element.
fn one_bit_rests(part: &[u8], width: usize, count: usize, ones_of: &[[usize; 4]; 8]) -> bool {
    let group = 8 / count;
    let mut ones = [0usize; 8];
    for (at, of_element) in ones_of.iter().enumerate() {
        for (bit, n) in of_element.iter().take(count).enumerate() {
            if let Some(ones) = ones.get_mut(at % group * count + bit) {
                *ones += n;
            }
        }
    }
    let each = WINDOW / group;
    // Where rounding leaves few low bits, the others are rare, too.
    let resting = ones.iter().filter(|n| **n < each / 20).count() == 1 && ones.contains(&0);
    let moving = ones.iter().filter(|n| (each / 20..=each - each / 20).contains(*n)).count();
    // Elements that are whole numbers, or all alike, have no random bits above the lowest either.
    let random = || {
        (0..8).all(|place| {
            let lowest = part.iter().step_by(width).skip(place / count).step_by(group);
            ones.get(place).is_some_and(|n| *n > 0) || lowest.collect::<BTreeSet<_>>().len() >= 4
        })
    };
    resting && moving >= 4 && random()
}

const fn printable(b: u8) -> bool {
    matches!(b, 0x20..0x7f | b'\n' | b'\r' | b'\t')
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
            for width in [2, 4, 8] {
                assert_eq!(found(&noise, width), None, "{round}");
            }
        }
        // A ramp, a decimal fraction, a few values over and over.
        for values in [
            (0..4000).map(|n| n as f32 * 0.1).collect::<Vec<_>>(),
            vec![0.1; 4000],
            (0..4000).map(|n| (n % 7) as f32 / 3.0).collect(),
        ] {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            assert_eq!(found(&bytes, 4), None);
        }
    }

    #[test]
    fn what_stands_behind_its_length_is_found() {
        let mut weights: Vec<u8> =
            (0..4096u32).flat_map(|n| ((n as f32 * 0.731).sin() * 0.1).to_le_bytes()).collect();
        assert_eq!(found(&weights, 4), None);
        for (what, hidden) in [
            ("a text behind its length", b"cposix\nsystem\n(S'id'\ntR.".as_slice()),
            ("a pickle", b"\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R."),
        ] {
            let hidden = [(hidden.len() as u32).to_le_bytes().as_slice(), hidden].concat();
            for (at, low) in weights.iter_mut().step_by(4).enumerate().take(hidden.len() * 8) {
                *low = *low & !1 | hidden[at / 8] >> (7 - at % 8) & 1;
            }
            assert_eq!(found(&weights, 4), Some(what));
        }
    }

    proptest::proptest! {
        #[test]
        fn bits_are_counted_eight_elements_at_a_time(
            part in proptest::collection::vec(proptest::prelude::any::<u8>(), 8 * 1024..=8 * 1024),
            always in 0u8..16,
            width in 1usize..=8,
        ) {
            // Bits that are always set fill the sums the most.
            let part: Vec<u8> = part.iter().map(|b| b | always).take(8 * 1024 / (8 * width) * 8 * width).collect();
            let mut plain = [[0usize; 4]; 8];
            for (at, low) in part.iter().step_by(width).enumerate() {
                for (bit, n) in plain[at % 8].iter_mut().enumerate() {
                    *n += usize::from(low >> bit & 1);
                }
            }
            proptest::prop_assert_eq!(ones(&part, width), plain);
        }
    }

    #[test]
    fn a_stretch_of_bytes_in_widened_numbers_is_found() {
        let mut values: Vec<u32> =
            (0..8000u32).map(|n| 0x3c00_0000 | n.wrapping_mul(2_654_435_761) & 0x007f_e000).collect();
        let bytes = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(found(&bytes(&values), 4), None);
        values[3000..3200].iter_mut().zip(1u32..).for_each(|(v, n)| *v |= (n * 37) & 0x1fff);
        assert!(found(&bytes(&values), 4).is_some());
    }

    #[test]
    fn texts_of_short_words_and_pickles_are_found() {
        let mut state = 5u64;
        let mut noise: Vec<u8> = (0..4 * 40_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as u8
            })
            .collect();
        let hide = |noise: &mut [u8], from: usize, text: &[u8]| {
            for (at, bit) in text.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).enumerate() {
                let slot = &mut noise[4 * (from + at)];
                *slot = *slot & !1 | bit;
            }
        };
        assert_eq!(found(&noise, 4), None);
        let mut text = noise.clone();
        // No run of printable bytes is long, as every word ends in a byte that is none.
        hide(&mut text, 0, &b"get\x01Http\x02run\x03Shell\x04".repeat(20));
        assert_eq!(found(&text, 4), Some("a text"));
        hide(&mut noise, 0, b"\x80\x02cproofhouse.missing\nprobe\nX\x02\0\0\0id\x85R.");
        assert_eq!(found(&noise, 4), Some("a pickle"));
    }

    #[test]
    fn a_program_in_any_byte_of_each_element_is_found() {
        let mut program = b"\x7fELF\x02\x01\x01".to_vec();
        program.resize(120, 0);
        program[16] = 2;
        program[18] = 62;
        program[52] = 64;
        let noise = |width: usize| -> Vec<u8> {
            (0..4096 * width as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 21) as u8).collect()
        };
        for width in [2, 4, 8] {
            assert_eq!(found(&noise(width), width), None, "{width}");
            for (place, from) in [(0, 0), (width - 1, 0), (width / 2, 777)] {
                for hidden in [&program[..], b"#!/bin/sh\necho proofhouse\n\0"] {
                    let mut bytes = noise(width);
                    let (script, tail) = (hidden[0] == b'#', vec![0; 300]);
                    let all = if script { [hidden, &tail].concat() } else { hidden.to_vec() };
                    for (at, byte) in all.iter().enumerate() {
                        bytes[(from + at) * width + place] = *byte;
                    }
                    assert_eq!(
                        found(&bytes, width),
                        Some("a program, a byte in each"),
                        "{width} {place} {from}"
                    );
                }
            }
            // Some bytes of each element, those beside each other.
            for (places, from) in
                [(0..width / 2, 0), (1..width, 300)].into_iter().filter(|(p, _)| p.len() > 1)
            {
                let mut bytes = noise(width);
                for (at, byte) in program.iter().enumerate() {
                    bytes[(from + at / places.len()) * width + places.start + at % places.len()] = *byte;
                }
                let told = found(&bytes, width);
                assert_eq!(told, Some("a program, some bytes in each"), "{width} {places:?} {from}");
            }
        }
    }

    #[test]
    fn a_program_behind_its_length_in_the_lowest_bit_is_found() {
        let mut program = b"\x90\x01\0\0\x7fELF\x02\x01\x01".to_vec();
        program.resize(124, 0);
        program[4 + 52] = 64;
        let mut bytes: Vec<u8> =
            (0..4 * 4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 21) as u8).collect();
        assert_eq!(found(&bytes, 4), None);
        for (at, bit) in program.iter().flat_map(|b| (0..8).map(move |i| b >> i & 1)).enumerate() {
            bytes[4 * at] = bytes[4 * at] & !1 | bit;
        }
        assert_eq!(found(&bytes, 4), Some("a program"));
    }

    /// The search by leaps finds what a look at every byte finds.
    #[test]
    fn leaps_miss_no_run() {
        let text = [b'x'; TEXT_BYTES];
        for from in [0, 1, 63, 64, 65, 200] {
            for length in [63, 64, 65, 128, 300] {
                let bytes = [vec![0; from], text.repeat(5)[..length].to_vec(), vec![0; 100]].concat();
                let packed = Packed { bytes: &bytes, width: 1, count: 8, group: 1, high_first: true };
                let runs: Vec<usize> = packed.printable_runs().map(|r| r.len()).collect();
                let expected = if length < 64 { vec![] } else { vec![length.min(128)] };
                assert_eq!(runs, expected, "{from} {length}");
            }
        }
    }
}
