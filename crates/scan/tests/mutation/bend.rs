//! Deterministic mutations: the same seed and number give the same bytes.

/// A small generator (SplitMix64), so that no library's change changes the mutations.
pub struct Source(u64);

impl Source {
    /// The generator of mutation `number`.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a usize")]
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % (n.max(1) as u64)) as usize
    }
}

/// Numbers at which lengths and counts turn over.
const EDGES: [u64; 9] =
    [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX, 1 << 32];

/// One of `contents`, bent in one to four places.
#[expect(clippy::cast_possible_truncation, reason = "a byte of a random number")]
pub fn bend(source: &mut Source, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = contents.get(source.below(contents.len())).cloned().unwrap_or_default();
    for _ in 0..=source.below(4) {
        let at = source.below(bytes.len());
        let length = source.below(64).min(bytes.len() - at);
        match source.below(8) {
            0 if !bytes.is_empty() => {
                bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << source.below(8))
            }
            1 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b = source.next() as u8),
            2 => {
                let width = [1, 2, 4, 8].get(source.below(4)).copied().unwrap_or(1);
                let edge = EDGES.get(source.below(EDGES.len())).copied().unwrap_or(0).to_le_bytes();
                bytes.iter_mut().skip(at).zip(edge).take(width).for_each(|(b, e)| *b = e);
            }
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let again = bytes.iter().skip(at).take(length).copied().collect::<Vec<_>>();
                let to = source.below(bytes.len());
                drop(bytes.splice(to..to, again));
            }
            5 => bytes.truncate(at),
            6 => {
                // A piece of another file.
                let other = contents.get(source.below(contents.len())).map(Vec::as_slice).unwrap_or_default();
                let from = source.below(other.len());
                let piece: Vec<u8> = other.iter().skip(from).take(source.below(512)).copied().collect();
                drop(bytes.splice(at..at, piece));
            }
            _ => {
                let random: Vec<u8> = (0..source.below(16)).map(|_| source.next() as u8).collect();
                drop(bytes.splice(at..at, random));
            }
        }
    }
    bytes
}
