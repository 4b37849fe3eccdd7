//! Squares in L2 and L1: hills and valleys side by side, that take the budget of the change from two windows
//! and put it into one.
//!
//! Half of a window is a hill, whose height falls off from its middle in steps, and the other half a valley.
//! What the change has in a second window is given up for it, so that the whole keeps the size eps.

use super::Search;
use crate::Norm;
use crate::geometry::{Geometry, Window};

/// Keeps divisions by an empty window finite.
const TINY: f64 = 1e-12;

impl Search<'_> {
    /// Tiles of hills and valleys over the whole image, about five by five.
    pub(super) fn tiles(&mut self, candidate: &mut [f32]) {
        let Geometry { channels, height, width } = self.geometry;
        let tile = Window { height: (height / 5).max(1), width: (width / 5).max(1) };
        let margins = (height % tile.height / 2, width % tile.width / 2);
        let mut change = vec![0.0; candidate.len()];
        for top in (margins.0..=height - tile.height).step_by(tile.height) {
            for left in (margins.1..=width - tile.width).step_by(tile.width) {
                let hill = hill(tile, self.chance.coin());
                for channel in 0..channels {
                    let sign = self.chance.sign();
                    let mut values = hill.iter();
                    for line in self.geometry.lines(channel, (top, left), tile) {
                        change[line].iter_mut().zip(&mut values).for_each(|(c, v)| *c = sign * v);
                    }
                }
            }
        }
        self.scaled(&mut change, candidate);
    }

    /// Moves the budget of two windows, of about `share` of the image each, into a hill in one of them.
    pub(super) fn hill(&mut self, share: f64, candidate: &mut [f32]) {
        let Geometry { channels, height, width } = self.geometry;
        let window = self.odd_window(share);
        let (to, from) = (self.corner(window), self.corner(window));
        let origin = self.ball.origin();
        let mut change: Vec<f64> =
            candidate.iter().zip(origin).map(|(v, o)| f64::from(*v) - f64::from(*o)).collect();
        let whole = self.power(&change);
        let hill = hill(window, self.chance.coin());
        for channel in 0..channels {
            let lines = |corner| self.geometry.lines(channel, corner, window);
            // What both windows hold, a place in both counted once.
            let place = |line: usize, column: usize, corner: (usize, usize)| {
                (corner.0..corner.0 + window.height).contains(&line)
                    && (corner.1..corner.1 + window.width).contains(&column)
            };
            let mut both = self.power_of(lines(to).flat_map(|line| change[line].iter().copied()));
            for at in lines(from).flatten() {
                let (line, column) = (at / width % height, at % width);
                if !place(line, column, to) {
                    both += self.power_of([change[at]].into_iter());
                }
            }
            let budget = (self.budget() - whole).max(0.0) / channels as f64 + both;
            let here: Vec<f64> = lines(to).flat_map(|line| change[line].to_vec()).collect();
            let length = self.length(self.power_of(here.iter().copied())) + TINY;
            let sign = self.chance.sign();
            let mut fresh: Vec<f64> =
                hill.iter().zip(&here).map(|(hill, old)| sign * hill + old / length).collect();
            let scale = self.length(budget) / (self.length(self.power_of(fresh.iter().copied())) + TINY);
            fresh.iter_mut().for_each(|v| *v *= scale);
            for at in self.geometry.lines(channel, from, window).flatten() {
                change[at] = 0.0;
            }
            let mut values = fresh.into_iter();
            for line in self.geometry.lines(channel, to, window) {
                change[line].iter_mut().zip(&mut values).for_each(|(c, v)| *c = v);
            }
        }
        self.scaled(&mut change, candidate);
    }

    /// Writes the row changed by `change`, scaled to the size eps.
    fn scaled(&self, change: &mut [f64], candidate: &mut [f32]) {
        let scale = self.ball.eps() / (self.length(self.power(change)) + TINY);
        change.iter_mut().for_each(|c| *c *= scale);
        self.ball.project_change(change, candidate);
    }

    /// The window for a share: three pixels wide at least, and odd, so that a hill has a middle.
    fn odd_window(&self, share: f64) -> Window {
        let Geometry { height, width, .. } = self.geometry;
        let area = share * (height * width) as f64;
        let side = if height == 1 { area } else { area.sqrt() };
        let side = (side.round() as usize).max(3) | 1;
        Window { height: side.min(height), width: side.min(width) }
    }

    /// The sum that the norm is a function of, over a whole change.
    fn power(&self, change: &[f64]) -> f64 {
        self.power_of(change.iter().copied())
    }

    fn power_of(&self, change: impl Iterator<Item = f64>) -> f64 {
        if self.ball.norm() == Norm::L1 { change.map(f64::abs).sum() } else { change.map(|d| d * d).sum() }
    }

    fn length(&self, power: f64) -> f64 {
        if self.ball.norm() == Norm::L1 { power } else { power.sqrt() }
    }

    fn budget(&self) -> f64 {
        let eps = self.ball.eps();
        if self.ball.norm() == Norm::L1 { eps } else { eps * eps }
    }
}

/// A hill in one half of the window and a valley in the other, of length 1; halves lie side by side or, when
/// `turned`, above each other.
fn hill(window: Window, turned: bool) -> Vec<f64> {
    // A window of one line has its halves side by side whatever the coin says.
    let across = turned && window.height > 1 || window.width == 1;
    let (long, short) = if across { (window.height, window.width) } else { (window.width, window.height) };
    let first = long / 2;
    let mut values = vec![0.0; window.height * window.width];
    for (start, length, sign) in [(0, first, 1.0), (first, long - first, -1.0)] {
        for a in 0..length {
            for b in 0..short {
                let v = sign * rise(a, length, b, short);
                let at = if across { (start + a) * window.width + b } else { b * window.width + start + a };
                values[at] = v;
            }
        }
    }
    let size = values.iter().map(|v| v * v).sum::<f64>().sqrt().max(TINY);
    values.iter_mut().for_each(|v| *v /= size);
    values
}

/// The height at (`a`, `b`) of a hill on `length` by `width`: rectangles around its middle, each of one more
/// pixel on every side, the n-th of height 1 / n².
fn rise(a: usize, length: usize, b: usize, width: usize) -> f64 {
    let (middle_a, middle_b) = (length / 2, width / 2);
    let rings = middle_a.max(middle_b) + 1;
    let ring = a.abs_diff(middle_a).max(b.abs_diff(middle_b));
    (ring..rings).map(|n| 1.0 / ((n + 1) as f64).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hills_have_a_valley_and_length_one() {
        for (height, width) in [(1, 1), (1, 5), (3, 3), (5, 5), (7, 4)] {
            for turned in [false, true] {
                let values = hill(Window { height, width }, turned);
                assert!((values.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(values.iter().all(|v| *v != 0.0));
                assert_eq!(values.iter().any(|v| *v > 0.0), height * width > 1);
            }
        }
        let values = hill(Window { height: 1, width: 4 }, false);
        assert!(values[0] > 0.0 && values[1] > values[0] && values[2] < 0.0 && values[3] < values[2]);
    }
}
