//! Letters in another order by columns: written in rows of a grid and read off column by column, or the other way round.

use super::pairs::{LatinMean, Letter, Order};
use super::words::Likeness;

/// Columns of a grid. Two are two rails.
const COLUMNS: std::ops::RangeInclusive<usize> = 3..=16;
/// Characters of a text.
const TEXT: std::ops::Range<usize> = 40..8192;
/// Letters by which an order is given up, by which it is first told, and by which it is told then.
const FIRST: usize = 24;
const GLANCE: usize = 48;
const SAMPLE: usize = 240;
/// How far the mean of the first letters may be short of that of language.
const DOUBT: u32 = 150;
/// The order of letters read off by columns, at most, and of language, at least, in hundredths of a level; and how much
/// better it is. Where no words are known it is clearer.
const POOR: u32 = 820;
const LANGUAGE: u32 = 800;
const CLEAR: u32 = 850;
const BETTER: u32 = 45;

/// How many columns, and what a line says that was written so.
pub(super) fn undone(line: &str, as_it_is: Order) -> Option<(usize, String)> {
    if as_it_is.mean() >= POOR || !TEXT.contains(&line.len()) {
        return None;
    }
    let there = Likeness::of(line.as_bytes().get(..line.len().min(SAMPLE)).unwrap_or_default());
    // Of letters in another order one word in some is known by chance.
    if there.known * 4 >= there.words + 3 {
        return None;
    }
    // Letters of ASCII are read where they stand.
    let others: Vec<Letter> =
        if line.is_ascii() { Vec::new() } else { line.chars().map(Letter::of).collect() };
    let length = if others.is_empty() { line.len() } else { others.len() };
    let grid = |columns: usize, by_columns: bool| Grid::of(length, columns, by_columns);
    let (mut bytes, mut letters) = ([0; SAMPLE], [Letter::NONE; SAMPLE]);
    let is_promising = |mean: u32| mean + DOUBT >= LANGUAGE;
    let mut order = |columns: usize, by_columns: bool, most: usize| {
        let grid = grid(columns, by_columns);
        if others.is_empty() {
            Order::of_latin(grid.first(line.as_bytes(), bytes.get_mut(..most).unwrap_or_default()))
        } else {
            let first = grid.first(&others, letters.get_mut(..most).unwrap_or_default());
            Order::of_letters(first.iter().copied())
        }
    };
    let ways = COLUMNS.flat_map(|columns| [(columns, true), (columns, false)]);
    let mut best: Option<(Order, usize, bool)> = None;
    for (columns, by_columns) in ways {
        let glance = if others.is_empty() {
            grid(columns, by_columns).glance(line.as_bytes(), is_promising)
        } else if is_promising(order(columns, by_columns, FIRST).mean()) {
            order(columns, by_columns, GLANCE).mean()
        } else {
            continue;
        };
        if glance >= LANGUAGE && glance >= as_it_is.mean() + BETTER / 2 {
            let order = order(columns, by_columns, SAMPLE);
            if best.is_none_or(|(best, ..)| order.mean() >= best.mean()) {
                best = Some((order, columns, by_columns));
            }
        }
    }
    let (order, columns, by_columns) = best?;
    if order.mean() < LANGUAGE || order.mean() < as_it_is.mean() + BETTER || !order.has_words() {
        return None;
    }
    let chars: Vec<char> = line.chars().collect();
    let mut letters = vec![' '; length];
    let letters = grid(columns, by_columns).first(&chars, &mut letters);
    let start: String = letters.iter().take(SAMPLE).collect();
    let said = Likeness::of(start.as_bytes());
    let words = said.known > there.known && (said.is_language() || order.mean() >= CLEAR);
    words.then(|| (columns, letters.iter().collect()))
}

/// A text that was written in rows of a grid and read off by columns; or was written down the columns, and read across.
struct Grid {
    length: usize,
    columns: usize,
    rows: usize,
    /// The last row may be short, and with it the columns at its end: how many are not.
    long: usize,
    by_columns: bool,
}

impl Grid {
    const fn of(length: usize, columns: usize, by_columns: bool) -> Self {
        let rows = length.div_ceil(columns);
        let long = if length.is_multiple_of(columns) { columns } else { length % columns };
        Self { length, columns, rows, long, by_columns }
    }

    /// The mean level of the first letters as they were before, of ASCII; of fewer, if those are not promising.
    #[inline]
    fn glance(&self, read: &[u8], is_promising: impl Fn(u32) -> bool) -> u32 {
        let mut mean = LatinMean::default();
        let is_enough = |mean: &LatinMean| match mean.letters() {
            FIRST => !is_promising(mean.clone().mean()),
            letters => letters >= GLANCE,
        };
        let height = |column: usize| self.rows - usize::from(column >= self.long);
        if self.by_columns {
            'rows: for row in 0..self.rows {
                let mut place = row;
                // The last row may be short.
                for column in 0..if row + 1 == self.rows { self.long } else { self.columns } {
                    mean.push(read.get(place).copied().unwrap_or(b' '));
                    place += height(column);
                    if is_enough(&mean) {
                        break 'rows;
                    }
                }
            }
        } else {
            'columns: for column in 0..self.columns {
                for b in read.get(column..).unwrap_or_default().iter().step_by(self.columns) {
                    mean.push(*b);
                    if is_enough(&mean) {
                        break 'columns;
                    }
                }
            }
        }
        mean.mean()
    }

    /// The first of its characters as they were before, as many as there is room for.
    #[inline]
    fn first<'o, T: Copy>(&self, read: &[T], to: &'o mut [T]) -> &'o [T] {
        let most = to.len().min(self.length);
        let first = to.get_mut(..most).unwrap_or_default();
        let height = |column: usize| self.rows - usize::from(column >= self.long);
        if self.by_columns {
            for (row, cells) in first.chunks_mut(self.columns).enumerate() {
                let mut place = row;
                for (column, to) in cells.iter_mut().enumerate() {
                    *to = read.get(place).copied().unwrap_or(*to);
                    place += height(column);
                }
            }
        } else {
            let mut rest = &mut *first;
            for column in 0..self.columns {
                let (cells, after) = rest.split_at_mut(height(column).min(rest.len()));
                let column = read.get(column..).unwrap_or_default().iter().step_by(self.columns);
                cells.iter_mut().zip(column).for_each(|(to, c)| *to = *c);
                rest = after;
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Please bring the blue folder to the second floor and tell all of the others about it";

    #[test]
    fn columns_are_put_back_whatever_their_number() {
        let chars: Vec<char> = SAID.chars().collect();
        for columns in COLUMNS {
            for by_columns in [true, false] {
                let mut written = vec![' '; chars.len()];
                let all: Vec<usize> = (0..chars.len()).collect();
                let mut places = all.clone();
                let grid = Grid::of(chars.len(), columns, by_columns);
                assert_eq!(grid.first(&all, &mut places).len(), chars.len());
                for (place, c) in places.iter().zip(&chars) {
                    written[*place] = *c;
                }
                places.sort_unstable();
                assert_eq!(places, all, "{columns} {by_columns}");
                let written: String = written.into_iter().collect();
                let mut first = [0; GLANCE];
                let order = Order::of_latin(grid.first(written.as_bytes(), &mut first));
                assert_eq!(grid.glance(written.as_bytes(), |_| true), order.mean());
                let (_, said) = undone(&written, Order::of_start(&written, 240)).unwrap();
                assert_eq!(said, SAID, "{columns} {by_columns}: {written}");
            }
        }
        let code = "fn main() { let x = read(&path)?; println!(\"{x}\"); return Ok(()); } // end of it all";
        for text in [SAID, code] {
            assert!(undone(text, Order::of_start(text, 240)).is_none(), "{text}");
        }
    }
}
