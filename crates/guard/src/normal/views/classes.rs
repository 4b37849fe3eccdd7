//! Letters and white space of a text, eight bytes at a time: where words begin and end is then a matter of counting
//! bits, which costs the same whatever the words are.

/// What the bytes of a text are, a bit each.
pub(super) struct Classes {
    /// Letters of ASCII.
    pub letters: Bits,
    /// White space of ASCII, and what is beyond the end.
    pub spaces: Bits,
}

/// Bits of which the last 64 are all alike.
pub(super) struct Bits(Vec<u64>);

impl Classes {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let room = bytes.len() / 64 + 2;
        let (mut letters, mut spaces) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let (all, rest) = bytes.as_chunks::<64>();
        let mut last = [b' '; 64];
        last.iter_mut().zip(rest).for_each(|(to, b)| *to = *b);
        for chunk in all.iter().chain([&last, &[b' '; 64]]) {
            let (mut letter, mut space) = (0, 0);
            for (at, eight) in chunk.as_chunks::<8>().0.iter().enumerate() {
                let (one, other) = classes(u64::from_le_bytes(*eight));
                letter |= one << (8 * at);
                space |= other << (8 * at);
            }
            letters.push(letter);
            spaces.push(space);
        }
        Self { letters: Bits(letters), spaces: Bits(spaces) }
    }
}

/// Which of eight bytes are letters of ASCII, and which are white space.
#[inline]
const fn classes(eight: u64) -> (u64, u64) {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * LOW;
    // The upper bit of each byte says whether it is at least so much; no sum carries into the next byte.
    const fn at_least(bytes: u64, least: u64) -> u64 {
        bytes + (0x80 - least) * LOW
    }
    let low = eight & !HIGH;
    let small = low | (0x20 * LOW);
    let letters = at_least(small, 0x61) & !at_least(small, 0x7b);
    // Tabs to carriage returns, without the vertical tab, and spaces.
    let breaks = at_least(low, 0x09) & !at_least(low, 0x0e) & (at_least(low, 0x0c) | !at_least(low, 0x0b));
    let spaces = breaks | (at_least(low, 0x20) & !at_least(low, 0x21));
    // The product brings the bit of each byte to the upper byte.
    const fn packed(bits: u64) -> u64 {
        ((bits & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
    (packed(letters & !eight), packed(spaces & !eight))
}

impl Bits {
    /// The 64 from `at` on.
    #[inline]
    fn from(&self, at: usize) -> u64 {
        let (word, bit) = (at / 64, at % 64);
        let two = self.0.get(word..).and_then(<[u64]>::first_chunk::<2>);
        let [low, high] = two.copied().unwrap_or_else(|| [self.0.last().copied().unwrap_or(0); 2]);
        // Shifted by 64 in two steps, where none of the second is asked for.
        low >> bit | high << 1 << (63 - bit)
    }

    /// How many are set from `at` on; to the last 64, if those are.
    #[inline]
    pub(super) fn set_from(&self, at: usize) -> usize {
        let mut count = 0;
        loop {
            let set = self.from(at + count).trailing_ones() as usize;
            count += set;
            if set < 64 || at + count >= 64 * self.0.len() {
                return count;
            }
        }
    }

    /// How many are clear from `at` on, of the next `most`.
    #[inline]
    pub(super) fn clear_from(&self, at: usize, most: usize) -> usize {
        let mut count = 0;
        loop {
            let clear = self.from(at + count).trailing_zeros() as usize;
            count += clear;
            if clear < 64 || count >= most {
                return count.min(most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_classed_as_one_by_one(bytes in proptest::collection::vec(any::<u8>(), 0..200), start in 0usize..220, most in 0usize..220) {
            let Classes { letters, spaces } = Classes::of(&bytes);
            for (at, b) in bytes.iter().enumerate() {
                prop_assert_eq!(letters.from(at) & 1 == 1, b.is_ascii_alphabetic());
                prop_assert_eq!(spaces.from(at) & 1 == 1, b.is_ascii_whitespace());
            }
            let rest = bytes.get(start..).unwrap_or_default().iter();
            prop_assert_eq!(letters.set_from(start), rest.clone().take_while(|b| b.is_ascii_alphabetic()).count());
            let clear = rest.clone().take_while(|b| !b.is_ascii_whitespace()).count();
            prop_assert_eq!(spaces.clear_from(start, most), clear.min(most));
            let white = rest.take_while(|b| b.is_ascii_whitespace()).count();
            let set = spaces.set_from(start);
            // Beyond the end is white space.
            prop_assert!(set == white || (set > white && start + white >= bytes.len()));
        }
    }
}
