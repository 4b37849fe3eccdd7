//! Chance that repeats: SplitMix64 (Steele, Lea and Flood 2014).
//!
//! A generator of our own, in ten lines, because a journal written by one release must be continued by the
//! next with the same draws; a library's stream may change with its version.

/// A source of draws, equal for equal seeds on every machine and release.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice for a purpose: the same seed and the same parts give the same draws, other parts unrelated ones.
    #[must_use]
    pub fn of(seed: u64, parts: &[&str]) -> Self {
        // FNV-1a with a separator that no part can fake, since 0xff is no byte of UTF-8.
        let mut state = seed ^ 0xcbf2_9ce4_8422_2325;
        for part in parts {
            for byte in part.bytes().chain([0xff]) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        let mut dice = Self(state);
        dice.bits();
        dice
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // The high half of the product: the bias is below 2^-40 for every n used here.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// True in `percent` of 100 draws.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items; `None` of none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// One of the texts; the empty text of none.
    pub fn text<'a>(&mut self, items: &[&'a str]) -> &'a str {
        self.pick(items).copied().unwrap_or_default()
    }

    /// Puts the items in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_every_release() {
        // SplitMix64 from state 0: the published first output.
        assert_eq!(Dice(0).bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(Dice::of(1, &["a", "b"]).bits(), Dice::of(1, &["a", "b"]).bits());
        assert_ne!(Dice::of(1, &["a", "b"]).bits(), Dice::of(1, &["ab"]).bits());
    }

    #[test]
    fn draws_stay_below() {
        let mut dice = Dice::of(7, &[]);
        assert_eq!(dice.below(0), 0);
        assert!((0..1000).all(|_| dice.below(7) < 7));
    }
}
