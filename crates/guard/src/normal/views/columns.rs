//! Letters in another order by columns: written in rows of a grid and read off column by column, or the other way round.

use super::pairs::Order;
use super::words::Likeness;

/// Columns of a grid. Two are two rails.
const COLUMNS: std::ops::RangeInclusive<usize> = 3..=16;
/// Characters of a text.
const TEXT: std::ops::Range<usize> = 40..8192;
/// Letters by which an order is first told, and by which it is told then.
const GLANCE: usize = 48;
const SAMPLE: usize = 240;
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
    let chars: Vec<char> = if line.is_ascii() { Vec::new() } else { line.chars().collect() };
    let length = if chars.is_empty() { line.len() } else { chars.len() };
    let at = |place: usize| match chars.get(place) {
        Some(c) => Some(*c),
        None => line.as_bytes().get(place).copied().map(char::from),
    };
    let letters = |columns: usize, by_columns: bool| {
        (0..length).filter_map(move |place| place_of(place, length, columns, by_columns)).filter_map(at)
    };
    let ways = COLUMNS.flat_map(|columns| [(columns, true), (columns, false)]);
    let (order, columns, by_columns) = ways
        .filter(|(columns, by_columns)| {
            let glance = if chars.is_empty() {
                let mut first = [0; GLANCE];
                let filled =
                    first.iter_mut().zip(letters(*columns, *by_columns)).map(|(to, c)| *to = c as u8).count();
                Order::of_latin(first.get(..filled).unwrap_or_default())
            } else {
                Order::of(letters(*columns, *by_columns).take(GLANCE))
            };
            glance.mean() >= LANGUAGE && glance.mean() >= as_it_is.mean() + BETTER / 2
        })
        .map(|(columns, by_columns)| {
            (Order::of(letters(columns, by_columns).take(SAMPLE)), columns, by_columns)
        })
        .max_by_key(|(order, ..)| order.mean())?;
    let good = order.mean() >= LANGUAGE && order.mean() >= as_it_is.mean() + BETTER && order.has_words();
    let start: String = letters(columns, by_columns).take(SAMPLE).collect();
    let said = Likeness::of(start.as_bytes());
    let words = said.known > there.known && (said.is_language() || order.mean() >= CLEAR);
    (good && words).then(|| (columns, letters(columns, by_columns).collect()))
}

/// Where the character at `at` of the text stands in so many that were written in rows of a grid and read off by columns;
/// or were written down the columns, and read across.
fn place_of(at: usize, length: usize, columns: usize, by_columns: bool) -> Option<usize> {
    let rows = length.div_ceil(columns);
    // The last row may be short, and with it the columns at its end.
    let long = if length.is_multiple_of(columns) { columns } else { length % columns };
    if by_columns {
        let (row, column) = (at / columns, at % columns);
        Some(column * rows - column.saturating_sub(long) + row)
    } else {
        let in_long = long * rows;
        let (column, row) = if at < in_long {
            (at / rows, at % rows)
        } else {
            let short = rows.checked_sub(1).filter(|short| *short > 0)?;
            (long + (at - in_long) / short, (at - in_long) % short)
        };
        Some(row * columns + column)
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
                let mut places: Vec<usize> = Vec::new();
                for (at, c) in chars.iter().enumerate() {
                    let place = place_of(at, chars.len(), columns, by_columns).unwrap();
                    written[place] = *c;
                    places.push(place);
                }
                places.sort_unstable();
                assert!(places.iter().copied().eq(0..chars.len()), "{columns} {by_columns}");
                let written: String = written.into_iter().collect();
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
