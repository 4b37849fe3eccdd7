//! Squares in L∞: random search on the corners of the ball, from vertical stripes of ±eps, with squares of ±eps
//! in each channel.
//!
//! One departure from the paper, to the attacker's advantage: a proposal that would change nothing is drawn
//! again rather than asked.

use super::Search;
use crate::geometry::{Geometry, Window};

/// Draws of a square before one that changes nothing is asked after all.
const DRAWS: usize = 16;

impl Search<'_> {
    /// Every column of every channel to one edge of the ball.
    pub(super) fn stripes(&mut self, candidate: &mut [f32]) {
        let Geometry { channels, height, width } = self.geometry;
        for channel in 0..channels {
            for column in 0..width {
                let up = self.chance.coin();
                for line in 0..height {
                    let at = (channel * height + line) * width + column;
                    candidate[at] = self.edge(up)[at];
                }
            }
        }
    }

    /// A random square of every channel, that covers about `share` of it, to one edge of the ball.
    pub(super) fn square(&mut self, share: f64, candidate: &mut [f32]) {
        let window = self.geometry.window(share);
        for _ in 0..DRAWS {
            if self.one_square(window, candidate) {
                break;
            }
        }
    }

    /// Says whether that changed anything.
    fn one_square(&mut self, window: Window, candidate: &mut [f32]) -> bool {
        let corner = self.corner(window);
        let mut changed = false;
        for channel in 0..self.geometry.channels {
            let up = self.chance.coin();
            for line in self.geometry.lines(channel, corner, window) {
                let edge = &self.edge(up)[line.clone()];
                changed |= candidate[line.clone()] != *edge;
                candidate[line].copy_from_slice(edge);
            }
        }
        changed
    }

    /// A random place for a window.
    pub(super) fn corner(&mut self, window: Window) -> (usize, usize) {
        let Geometry { height, width, .. } = self.geometry;
        (self.chance.below(height - window.height + 1), self.chance.below(width - window.width + 1))
    }

    fn edge(&self, up: bool) -> &[f32] {
        if up { self.ball.high() } else { self.ball.low() }
    }
}
