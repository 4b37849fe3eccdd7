//! Where letters stand that were written in a zigzag over two to four rows and read off row by row, as on the rails of a
//! fence.

use super::pairs::LatinMean;

/// Where the characters of a text stand, one after another, in so many that were written in a zigzag over rows and read
/// off row by row.
pub(super) struct Zigzag {
    /// The places of the characters of a period, and how far the same ones of the next period are from them.
    places: [usize; MOST_PERIOD],
    steps: [usize; MOST_PERIOD],
    period: usize,
    at: usize,
    left: usize,
}

/// Characters from one to the next in the first of four rows.
const MOST_PERIOD: usize = 6;

impl Zigzag {
    pub(super) fn of(count: usize, rails: usize) -> Self {
        let starts = row_starts(count, rails);
        let period = 2 * (rails - 1);
        let (mut places, mut steps) = ([0; MOST_PERIOD], [0; MOST_PERIOD]);
        for (at, (place, step)) in places.iter_mut().zip(&mut steps).enumerate().take(period) {
            let row = if at < rails { at } else { period - at };
            let start = starts.get(row).copied().unwrap_or(0);
            *place = start + usize::from(at >= rails);
            *step = if row == 0 || row == rails - 1 { 1 } else { 2 };
        }
        Self { places, steps, period, at: 0, left: count }
    }
}

impl Iterator for Zigzag {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.places.get_mut(self.at)?;
        let here = *place;
        *place += self.steps.get(self.at)?;
        self.at = if self.at + 1 == self.period { 0 } else { self.at + 1 };
        Some(here)
    }
}

/// Where each of up to four rows begins.
fn row_starts(count: usize, rails: usize) -> [usize; 4] {
    let period = 2 * (rails - 1);
    let (whole, rest) = (count / period, count % period);
    // How many of the characters are in each row, added up, is where a row begins.
    let in_row = |row: usize| {
        let down = whole + usize::from(rest > row);
        let up = if row == 0 || row == rails - 1 { 0 } else { whole + usize::from(rest > period - row) };
        down + up
    };
    let mut start = 0;
    let mut row = 0;
    [(); 4].map(|()| {
        let here = start;
        start += if row < rails { in_row(row) } else { 0 };
        row += 1;
        here
    })
}

/// The first of what stands off rails in ASCII, as many as there is room for; how many there are.
pub(super) fn bytes_off_rails(line: &[u8], rails: usize, to: &mut [u8]) -> usize {
    let Zigzag { mut places, steps, period, .. } = Zigzag::of(line.len(), rails);
    let filled = line.len().min(to.len());
    for to in to.get_mut(..filled).unwrap_or_default().chunks_mut(period) {
        for ((to, place), step) in to.iter_mut().zip(&mut places).zip(&steps) {
            *to = line.get(*place).copied().unwrap_or(b' ');
            *place += step;
        }
    }
    filled
}

/// The mean level of the first of what stands off rails in ASCII.
pub(super) fn mean_off_rails(line: &[u8], rails: usize, most: usize) -> u32 {
    let Zigzag { mut places, steps, period, .. } = Zigzag::of(line.len(), rails);
    let mut mean = LatinMean::default();
    let mut left = line.len().min(most);
    while left > 0 {
        for (place, step) in places.iter_mut().zip(&steps).take(period.min(left)) {
            mean.push(line.get(*place).copied().unwrap_or(b' '));
            *place += step;
        }
        left -= period.min(left);
    }
    mean.mean()
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Order;
    use super::*;

    #[test]
    fn ascii_comes_off_rails_as_other_letters_do() {
        let text = "Bring the blue folder to the second floor and wait there, then come back";
        for length in 1..text.len() {
            let line = &text.as_bytes()[..length];
            for rails in 2..=4 {
                let all: String = Zigzag::of(length, rails).map(|at| char::from(line[at])).collect();
                let mut bytes = [0; 40];
                let filled = bytes_off_rails(line, rails, &mut bytes);
                assert_eq!(std::str::from_utf8(&bytes[..filled]).unwrap(), &all[..length.min(40)]);
                assert_eq!(mean_off_rails(line, rails, 40), Order::of_latin(&bytes[..filled]).mean());
            }
        }
    }
}
