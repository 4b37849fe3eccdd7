//! Stretches of words most of which speak for a reading, in texts that are something else before and behind them.

use std::ops::Range;

/// Most stretches of a text.
const MOST: usize = 8;
/// What was gained long ago does not carry a stretch for ever.
const CEILING: i32 = 8;

/// Finds stretches of pieces, one piece after another.
pub(super) struct Stretches {
    least: usize,
    found: Vec<Range<usize>>,
    open: Option<Stretch>,
}

struct Stretch {
    pieces: Range<usize>,
    score: i32,
    spoke: usize,
}

impl Stretches {
    /// Stretches in which at least so many pieces speak for the reading.
    pub(super) const fn new(least: usize) -> Self {
        Self { least, found: Vec::new(), open: None }
    }

    /// The piece at `at` speaks for the reading, or against it. Pieces between two of these belong to both.
    pub(super) fn add(&mut self, at: usize, speaks: i32) {
        match &mut self.open {
            Some(open) => {
                open.score = (open.score + speaks).min(CEILING);
                if speaks > 0 {
                    open.spoke += 1;
                    open.pieces.end = at + 1;
                } else if open.score < 0 {
                    self.close();
                }
            }
            None if speaks > 0 => {
                self.open = Some(Stretch { pieces: at..at + 1, score: speaks, spoke: 1 });
            }
            None => {}
        }
    }

    /// Whether what speaks against the reading may end a stretch.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take()
            && open.spoke >= self.least
            && self.found.len() < MOST
        {
            self.found.push(open.pieces);
        }
    }

    /// The stretches, in order.
    pub(super) fn found(mut self) -> Vec<Range<usize>> {
        self.close();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_most_of_its_words() {
        let found = |speaks: &[i32]| {
            let mut stretches = Stretches::new(3);
            speaks.iter().enumerate().for_each(|(at, speaks)| stretches.add(at, *speaks));
            stretches.found()
        };
        assert_eq!(found(&[-1, 2, -1, 2, 2, 0, -1]).first(), Some(&(1..5)));
        assert!(found(&[2, -1, -1, -1, 2, -1, -1, -1, 2]).is_empty());
        assert_eq!(found(&[1, 1, 1, -9, 1, 1, 1]), [0..3, 4..7]);
    }
}
