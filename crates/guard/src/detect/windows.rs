//! Scores of the windows of a text.
//!
//! A text is cut into blocks: sentences, the long ones in parts. The weights of the features that end in a
//! block are summed once, and every window is a difference of two running sums, so many windows of some
//! sizes, from a sentence to pages, cost no more than one reading. Small ones find an order between other
//! sentences, large ones what many sentences say a little of. A window's logit is `bias + sum / sqrt(features +
//! 32)`: a sum of many small independent weights grows with the square root of their number, so a long
//! window and a short one stand on one scale, and a handful of features cannot speak loudly.

use std::ops::Range;

use proofhouse_dialogue::Carrier;

use super::features::{BLOCK, Sink, Slot, Tables, visit};

/// Features that every window is credited with, so that short texts stay near the bias.
const SMOOTHING: f32 = 32.0;

/// Window sizes in blocks (one is a sentence by itself, in whatever company) and the step between windows of that size: of what people write, whose stories and
/// roles fill pages; and of documents and code, in which an order is some sentences long, and many pages of a
/// contract must not add up to one.
const CHAT: &[(usize, usize)] = &[(2, 1), (4, 2), (8, 4), (16, 8), (48, 24), (144, 72)];
const DOCUMENT: &[(usize, usize)] = &[(1, 1), (2, 1), (4, 2), (8, 4), (16, 8)];

/// Characters that a window of middle size spans.
pub(super) const WINDOW: usize = 8 * BLOCK as usize;

/// Weights by slot. Trained weights are floats, shipped ones bytes with a scale per table.
pub(super) trait Weights {
    /// What the weights of many slots come to.
    type Sum: Copy + Default;

    fn weight(&self, slot: u32) -> f32;
    /// Adds the weight of `slot`, if it is fresh.
    fn add(&self, sum: &mut Self::Sum, slot: Slot, fresh: bool);
    fn total(&self, sum: &Self::Sum) -> f64;
}

/// The running sums of a text.
pub(super) struct Blocks {
    /// Sum of weights and number of features up to the end of each block; begins with zero.
    sums: Vec<(f64, u32)>,
    /// Where each block begins, and the end of the text.
    starts: Vec<usize>,
}

struct Summing<'a, W> {
    weights: &'a W,
    blocks: Blocks,
}

/// Sum of weights and number of features.
#[derive(Debug, Clone, Copy, Default)]
struct Sum<S> {
    weights: S,
    features: u32,
}

impl<W: Weights> Sink for Summing<'_, W> {
    type Sum = Sum<W::Sum>;

    #[inline(always)]
    fn feature(&mut self, sum: &mut Sum<W::Sum>, slot: Slot, fresh: bool) {
        self.weights.add(&mut sum.weights, slot, fresh);
        sum.features = sum.features.wrapping_add(u32::from(fresh));
    }

    fn block(&mut self, sum: &Sum<W::Sum>, byte: usize) {
        self.blocks.sums.push((self.weights.total(&sum.weights), sum.features));
        self.blocks.starts.push(byte);
    }
}

/// A window: a run of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub blocks: Range<usize>,
}

impl Blocks {
    /// Reads `text` once.
    pub(super) fn read(text: &str, tables: Tables, weights: &impl Weights) -> Self {
        let room = text.len() / BLOCK as usize + 3;
        let mut blocks = Self { sums: Vec::with_capacity(room), starts: Vec::with_capacity(room) };
        blocks.sums.push((0.0, 0));
        blocks.starts.push(0);
        let mut summing = Summing { weights, blocks };
        let sum = visit(text, tables, &mut summing);
        summing.block(&sum, text.len());
        summing.blocks
    }

    /// How many blocks there are: at least one.
    pub(super) fn len(&self) -> usize {
        self.sums.len() - 1
    }

    /// The bytes that a window covers.
    pub(super) fn bytes(&self, window: &Window) -> Range<usize> {
        let at = |block: usize| self.starts.get(block).copied().unwrap_or(0);
        at(window.blocks.start)..at(window.blocks.end)
    }

    /// The logit of a window.
    pub(super) fn logit(&self, window: &Window, bias: f32) -> f32 {
        let at = |block: usize| self.sums.get(block).copied().unwrap_or_default();
        let (before, after) = (at(window.blocks.start), at(window.blocks.end));
        #[expect(clippy::cast_possible_truncation, reason = "a sum of weights below 1000, of bounded number")]
        let sum = (after.0 - before.0) as f32;
        // A text has less than four billion features.
        #[expect(clippy::cast_precision_loss, reason = "exact for windows of less than 16 million features")]
        let count = after.1.wrapping_sub(before.1) as f32;
        bias + sum * norm(count)
    }

    /// The window with the highest logit, that logit, and how many windows there are.
    pub(super) fn best(&self, bias: f32, carrier: Carrier) -> (Window, f32, usize) {
        let mut best = (Window { blocks: 0..self.len() }, f32::NEG_INFINITY, 0);
        for window in windows(self.len(), carrier) {
            let logit = self.logit(&window, bias);
            best.2 += 1;
            if logit > best.1 {
                best = (window, logit, best.2);
            }
        }
        best
    }
}

#[cfg(test)]
impl Blocks {
    /// All that a score is made of, to the last bit.
    pub(super) fn bits(&self) -> impl Iterator<Item = u64> {
        let sums = self.sums.iter().flat_map(|(sum, count)| [sum.to_bits(), u64::from(*count)]);
        sums.chain(self.starts.iter().map(|start| *start as u64))
    }
}

/// What a sum of `count` weights is multiplied with.
pub(super) fn norm(count: f32) -> f32 {
    (count + SMOOTHING).sqrt().recip()
}

/// The windows of a text of `blocks` blocks. A text that fits the largest window is also read as a whole.
pub(super) fn windows(blocks: usize, carrier: Carrier) -> impl Iterator<Item = Window> {
    let scales = if carrier == Carrier::Chat { CHAT } else { DOCUMENT };
    let largest = scales.last().map_or(1, |(largest, _)| *largest);
    let whole = (blocks <= largest).then_some(Window { blocks: 0..blocks });
    let sliding = scales.iter().filter(move |(size, _)| *size < blocks).flat_map(move |(size, step)| {
        let steps = (blocks - size).div_ceil(*step);
        (0..=steps).map(move |i| {
            // The last window ends with the text.
            let start = (i * step).min(blocks - size);
            Window { blocks: start..start + *size }
        })
    });
    whole.into_iter().chain(sliding)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;

    impl Weights for One {
        type Sum = f64;

        fn weight(&self, _: u32) -> f32 {
            1.0
        }
        fn add(&self, sum: &mut f64, _: Slot, fresh: bool) {
            *sum += f64::from(u8::from(fresh));
        }
        fn total(&self, sum: &f64) -> f64 {
            *sum
        }
    }

    #[test]
    fn windows_cover_the_text_from_end_to_end() {
        for blocks in 1..60 {
            let carrier = if blocks % 2 == 0 { Carrier::Chat } else { Carrier::Document };
            let all: Vec<_> = windows(blocks, carrier).collect();
            assert!(!all.is_empty());
            assert_eq!(all.iter().map(|w| w.blocks.start).min(), Some(0), "{blocks}");
            assert_eq!(all.iter().map(|w| w.blocks.end).max(), Some(blocks), "{blocks}");
            assert!((0..blocks).all(|block| all.iter().any(|w| w.blocks.contains(&block))), "{blocks}");
        }
    }

    #[test]
    fn the_number_of_windows_is_linear_in_the_length() {
        assert_eq!(windows(1, Carrier::Chat).count(), 1);
        assert!(windows(1000, Carrier::Chat).count() < 2900);
    }

    #[test]
    fn empty_text_has_one_window_with_the_bias_alone() {
        let tables = Tables { chars: 10, words: 10 };
        let (_, logit, windows) = Blocks::read("", tables, &One).best(-1.5, Carrier::Chat);
        assert_eq!((logit, windows), (-1.5, 1));
    }

    #[test]
    fn a_longer_window_of_the_same_kind_grows_with_the_root() {
        let tables = Tables { chars: 10, words: 10 };
        let text: String =
            (0..400).map(|n| format!("{} ", (b'a' + n as u8 % 23) as char).repeat(2)).collect();
        let blocks = Blocks::read(&text, tables, &One);
        let short = blocks.logit(&Window { blocks: 0..4 }, 0.0);
        let long = blocks.logit(&Window { blocks: 0..16 }, 0.0);
        assert!((long / short - 2.0).abs() < 0.15, "{short} {long}");
    }
}
