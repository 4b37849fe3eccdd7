//! Which phrases spoke for an attack. Read only for texts that are not benign, so it may cost a second pass.

use std::ops::Range;

use super::Reason;
use super::features::{Sink, Slot, Tables, visit};
use super::windows::{WINDOW, Weights, norm};

/// Phrases named for a text.
const REASONS: usize = 5;

/// The strongest phrases within `spans`.
pub(super) fn reasons(
    text: &str,
    spans: &[Range<usize>],
    tables: Tables,
    weights: &impl Weights,
) -> Vec<Reason> {
    let mut found: Vec<Reason> = Vec::new();
    for span in spans {
        let Some(part) = text.get(span.clone()) else { continue };
        let mut words = Words { weights, count: 0.0, at: 0, in_word: false, text: part, words: Vec::new() };
        visit(part, tables, &mut words);
        // Contributions to a window of the usual size; a long span is several of them.
        let scale = norm(words.count.min(4.0 * WINDOW as f32));
        found.extend(phrases(&words.words).map(|(range, sum)| Reason {
            range: range.start + span.start..range.end + span.start,
            weight: sum * scale,
        }));
    }
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.range.start.cmp(&b.range.start)));
    found.truncate(REASONS);
    found
}

/// A word with the weights of the features that end in it.
struct Word {
    range: Range<usize>,
    sum: f32,
}

struct Words<'a, W> {
    weights: &'a W,
    count: f32,
    at: usize,
    in_word: bool,
    text: &'a str,
    words: Vec<Word>,
}

impl<W: Weights> Sink for Words<'_, W> {
    type Sum = ();
    const PLACES: bool = true;

    fn feature(&mut self, (): &mut (), slot: Slot, fresh: bool) {
        if fresh {
            self.count += 1.0;
            if let Some(word) = self.words.last_mut() {
                word.sum += self.weights.weight(slot.index());
            }
        }
    }

    fn block(&mut self, (): &(), _: usize) {}

    fn at(&mut self, byte: usize) {
        self.at = byte;
        let Some(c) = self.text.get(byte..).and_then(|rest| rest.chars().next()) else { return };
        let in_word = !c.is_whitespace() && !c.is_ascii_punctuation();
        let ideograph = u32::from(c) >= 0x2E80;
        if in_word {
            let end = byte + c.len_utf8();
            match self.words.last_mut() {
                Some(word) if self.in_word && !ideograph => word.range.end = end,
                _ => self.words.push(Word { range: byte..end, sum: 0.0 }),
            }
        }
        self.in_word = in_word && !ideograph;
    }
}

/// Runs of words whose weights add up to the most, one after the other, each at most twelve words.
fn phrases(words: &[Word]) -> impl Iterator<Item = (Range<usize>, f32)> {
    const LONGEST: usize = 12;
    let mut found = Vec::new();
    // (first word, sum) of the best run that ends at the word before.
    let mut open: Option<(usize, f32)> = None;
    let mut best: Option<(Range<usize>, f32)> = None;
    for (i, word) in words.iter().enumerate() {
        let (first, sum) = match open {
            Some((first, sum)) if sum + word.sum > 0.0 && i - first < LONGEST => (first, sum + word.sum),
            _ => {
                found.extend(best.take());
                (i, word.sum)
            }
        };
        open = (sum > 0.0).then_some((first, sum));
        if sum > 0.0 && best.as_ref().is_none_or(|(_, most)| sum > *most) {
            let start = words.get(first).map_or(word.range.start, |w| w.range.start);
            best = Some((start..word.range.end, sum));
        }
        if open.is_none() {
            found.extend(best.take());
        }
    }
    found.extend(best);
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sums: &[f32]) -> Vec<Word> {
        sums.iter().enumerate().map(|(i, sum)| Word { range: i * 2..i * 2 + 1, sum: *sum }).collect()
    }

    #[test]
    fn a_phrase_is_a_run_that_adds_up() {
        let found: Vec<_> = phrases(&words(&[-1.0, 2.0, -0.5, 3.0, -9.0, 1.0])).collect();
        assert_eq!(found, [(2..7, 4.5), (10..11, 1.0)]);
    }

    #[test]
    fn nothing_speaks_for_an_attack_where_all_weights_are_negative() {
        assert_eq!(phrases(&words(&[-1.0, -2.0])).count(), 0);
    }
}
