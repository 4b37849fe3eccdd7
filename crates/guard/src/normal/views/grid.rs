//! Letters in a grid: rows of single letters, or lines of as many letters each, that are read in another way than row by
//! row: down the columns, in a spiral, there and back again, or with their columns in another order.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::pairs::Order;
use super::scan::{Scan, is_alphabetic};
use super::words::{Likeness, divided};
use super::{Reading, Transform};

/// Rows and columns of a grid.
const LEAST_ROWS: usize = 2;
const LEAST_COLUMNS: usize = 4;
const MOST_CELLS: usize = 8192;
/// Fewest letters.
const LEAST: usize = 30;
/// Most lines among which grids are looked for.
const MOST_LINES: usize = 8192;
/// Most grids of a text.
const MOST_GRIDS: usize = 4;
/// Lines up to which all orders of them are tried, from one to the next.
const MOST_PERMUTED: usize = 9;
/// The order of letters of language, at least, in hundredths of a level, and how much better than row by row.
const LANGUAGE: u32 = 760;
const BETTER: u32 = 40;

type Grid = Vec<Vec<char>>;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'\n') + 1 < LEAST_ROWS {
        return;
    }
    zipped(scan, readings);
    for (range, grid) in grids(scan) {
        let cells: usize = grid.iter().map(Vec::len).sum();
        if !(LEAST..=MOST_CELLS).contains(&cells) {
            continue;
        }
        let rows = shown(grid.iter().flatten().copied());
        let as_it_is = Order::of_start(&rows, 240).mean();
        let best = ways(&grid)
            .into_iter()
            .map(|way| shown(way.into_iter()))
            .map(|said| (Order::of_start(&said, 480), said))
            .max_by_key(|(order, _)| order.mean());
        let Some((order, said)) = best else { continue };
        if order.mean() < LANGUAGE || order.mean() < as_it_is + BETTER {
            continue;
        }
        let words = if said.contains(' ') {
            Likeness::of(said.as_bytes()).is_language()
                || order.mean() >= LANGUAGE + BETTER
                || !said.is_ascii()
        } else {
            divided(&said).is_some()
        };
        if words {
            let said = if said.contains(' ') { said } else { divided(&said).unwrap_or(said) };
            readings.push(Reading::of(Transform::Grid, vec![(range, said)]));
        }
    }
}

/// Letters as they are read: a line below is a blank.
fn shown(letters: impl Iterator<Item = char>) -> String {
    letters.map(|c| if matches!(c, '_' | '␣') { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Lines of single characters between spaces, or of the same length, that follow on one another.
fn grids(scan: &Scan<'_>) -> Vec<(Range<usize>, Grid)> {
    let mut found: Vec<(Range<usize>, Grid)> = Vec::new();
    let mut open: Option<Rows> = None;
    let mut close = |open: &mut Option<Rows>| {
        if let Some(rows) = open.take()
            && rows.lengths.len() >= LEAST_ROWS
            && found.len() < MOST_GRIDS
        {
            let lines = scan.text.get(rows.range.clone()).unwrap_or_default().split('\n');
            let grid = lines.map(|line| cells(without_return(line), rows.apart).collect()).collect();
            found.push((rows.range, grid));
        }
    };
    for (start, whole) in scan.lines().take(MOST_LINES) {
        let line = without_return(whole);
        let Some((length, apart)) = row(line) else {
            close(&mut open);
            continue;
        };
        let range = start..start + whole.len();
        // Letters are looked at where there are as many in the line before.
        let goes_on = open.as_ref().is_some_and(|rows| rows.go_on(length, apart));
        let before = open.as_ref().filter(|rows| goes_on && rows.lengths.len() == 1);
        let of_letters = |line: &str| apart || is_of_letters(without_return(line));
        let first =
            before.is_none_or(|rows| of_letters(scan.text.get(rows.range.clone()).unwrap_or_default()));
        match &mut open {
            Some(_) if goes_on && first && !of_letters(line) => close(&mut open),
            Some(rows) if goes_on && first => {
                rows.range.end = range.end;
                rows.lengths.push(length);
            }
            _ => {
                close(&mut open);
                open = Some(Rows { range, lengths: vec![length], apart });
            }
        }
    }
    close(&mut open);
    found
}

/// Lines that may be a grid: their cells are only counted, for nearly none is one.
struct Rows {
    range: Range<usize>,
    lengths: Vec<usize>,
    /// Their cells stand apart.
    apart: bool,
}

impl Rows {
    fn go_on(&self, length: usize, apart: bool) -> bool {
        // The last row may be short, and columns that are written as lines one letter shorter than others.
        self.apart == apart
            && self.lengths.len() * length <= MOST_CELLS
            && self.lengths.first().zip(self.lengths.last()).is_some_and(|(first, last)| {
                let rows = first == last && length <= *last;
                rows || self.lengths.iter().chain([&length]).all(|row| row.abs_diff(*first) <= 1)
            })
    }
}

fn without_return(line: &str) -> &str {
    line.trim_end_matches('\r')
}

/// How many cells a line has that may be a row, and whether they stand apart.
fn row(line: &str) -> Option<(usize, bool)> {
    let single = |cell: &str| cell.chars().next().is_some_and(|first| first.len_utf8() == cell.len());
    // A cell and a space are no more than five bytes.
    let spaces = memchr_iter(b' ', line.as_bytes()).count();
    if spaces * 5 + 5 >= line.len() && spaces + 1 >= LEAST_COLUMNS && line.split(' ').all(single) {
        return Some((spaces + 1, true));
    }
    // Of lines without spaces few are as long as the next one, and rules are one sign.
    if line.len() < 8 || spaces > 0 || memchr(b'\t', line.as_bytes()).is_some() {
        return None;
    }
    let count = line.chars().count().min(MOST_CELLS);
    (count >= 8).then_some((count, false))
}

/// Whether half of the cells are letters, of a line whose cells do not stand apart.
fn is_of_letters(line: &str) -> bool {
    let (mut letters, mut count) = (0, 0);
    for c in line.chars().take(MOST_CELLS) {
        letters += usize::from(is_alphabetic(c));
        count += 1;
    }
    letters * 2 >= count
}

/// The cells of a row.
fn cells(line: &str, apart: bool) -> impl Iterator<Item = char> {
    let step = if apart { 2 } else { 1 };
    line.chars().step_by(step).take(if apart { usize::MAX } else { MOST_CELLS })
}

/// All ways that are tried.
fn ways(grid: &Grid) -> Vec<Vec<char>> {
    let mut ways = vec![
        columns(grid, false),
        columns(grid, true),
        snake(grid, false),
        snake(grid, true),
        spiral(grid, false),
        spiral(grid, true),
    ];
    // From the inside to the outside, from the last column to the first, and from below.
    let backwards: Vec<Vec<char>> = ways.iter().map(|way| way.iter().rev().copied().collect()).collect();
    ways.extend(backwards);
    ways.extend(permuted(grid));
    ways
}

/// Down each column, or down one and up the next.
fn columns(grid: &Grid, up: bool) -> Vec<char> {
    let width = grid.first().map_or(0, Vec::len);
    (0..width)
        .flat_map(|column| {
            let mut cells: Vec<char> = grid.iter().filter_map(|row| row.get(column).copied()).collect();
            if up && column % 2 == 1 {
                cells.reverse();
            }
            cells
        })
        .collect()
}

/// Each second row backwards, from the first or the second on.
fn snake(grid: &Grid, first: bool) -> Vec<char> {
    grid.iter()
        .enumerate()
        .flat_map(|(at, row)| {
            let turned = (at % 2 == 0) == first;
            let cells: Vec<char> = if turned { row.iter().rev().copied().collect() } else { row.clone() };
            cells
        })
        .collect()
}

/// From the first corner along the edges to the middle, along the rows first or along the columns.
fn spiral(grid: &Grid, down_first: bool) -> Vec<char> {
    let (height, width) = (grid.len(), grid.first().map_or(0, Vec::len));
    let mut seen = vec![vec![false; width]; height];
    let turns: [(isize, isize); 4] =
        if down_first { [(1, 0), (0, 1), (-1, 0), (0, -1)] } else { [(0, 1), (1, 0), (0, -1), (-1, 0)] };
    let (mut row, mut column, mut turn) = (0usize, 0usize, 0usize);
    let mut way = Vec::with_capacity(height * width);
    for _ in 0..height * width {
        if let Some(cell) = seen.get_mut(row).and_then(|cells| cells.get_mut(column)) {
            *cell = true;
        }
        way.extend(grid.get(row).and_then(|cells| cells.get(column)));
        let next = |turn: usize| {
            let (down, right) = turns.get(turn % 4).copied().unwrap_or((0, 1));
            let next = (row.checked_add_signed(down)?, column.checked_add_signed(right)?);
            let free = seen.get(next.0).and_then(|cells| cells.get(next.1)).is_some_and(|seen| !seen);
            free.then_some(next)
        };
        let Some((place, turned)) =
            next(turn).map(|place| (place, 0)).or_else(|| next(turn + 1).map(|place| (place, 1)))
        else {
            break;
        };
        (row, column) = place;
        turn += turned;
    }
    way
}

/// Lines that are the columns of another grid, in the order in which each letter is best followed by the next; and the
/// same of its columns.
fn permuted(grid: &Grid) -> Vec<Vec<char>> {
    let turned: Grid = (0..grid.first().map_or(0, Vec::len))
        .map(|column| grid.iter().filter_map(|row| row.get(column).copied()).collect())
        .collect();
    [grid, &turned].into_iter().flat_map(|lines| best_orders(lines).unwrap_or_default()).collect()
}

/// The best way from line to line, begun with each of them: where it begins is told by what comes of it.
fn best_orders(lines: &Grid) -> Option<Vec<Vec<char>>> {
    let count = lines.len();
    if !(3..=MOST_PERMUTED).contains(&count) {
        return None;
    }
    let blank = |c: char| if c == '_' { ' ' } else { c };
    let follows = |one: &[char], next: &[char]| -> u32 {
        let pairs = one.iter().zip(next).take(120);
        pairs.map(|(a, b)| Order::of([blank(*a), blank(*b)].into_iter()).mean()).sum()
    };
    let gain: Vec<Vec<u32>> =
        lines.iter().map(|one| lines.iter().map(|next| follows(one, next)).collect()).collect();
    // The best way through all lines, each once: of all sets of them with each as the last.
    let sets = 1usize << count;
    let mut best: Vec<Vec<Option<(u32, usize)>>> = vec![vec![None; count]; sets];
    for line in 0..count {
        *best.get_mut(1 << line)?.get_mut(line)? = Some((0, line));
    }
    for set in 1..sets {
        for last in (0..count).filter(|last| set & 1 << last != 0) {
            let Some((so_far, _)) = *best.get(set)?.get(last)? else { continue };
            for next in (0..count).filter(|next| set & 1 << next == 0) {
                let all = so_far + gain.get(last)?.get(next)?;
                let place = best.get_mut(set | 1 << next)?.get_mut(next)?;
                if place.is_none_or(|(most, _)| all > most) {
                    *place = Some((all, last));
                }
            }
        }
    }
    let mut set = sets - 1;
    let mut last =
        (0..count).max_by_key(|last| best.get(set).and_then(|all| *all.get(*last)?).map(|(all, _)| all))?;
    let mut order = vec![last];
    while set.count_ones() > 1 {
        let (_, before) = (*best.get(set)?.get(last)?)?;
        set &= !(1 << last);
        last = before;
        order.push(last);
    }
    order.reverse();
    let rows = lines.iter().map(Vec::len).max()?;
    let ways = (0..count).map(|first| {
        let order: Vec<usize> = order.iter().cycle().skip(first).take(count).copied().collect();
        let row = |row: usize| {
            order.iter().filter_map(move |line| lines.get(*line)?.get(row).copied()).collect::<Vec<_>>()
        };
        (0..rows).flat_map(row).collect()
    });
    Some(ways.collect())
}

/// Letters of two lines by which it is told whether they come in turn, and those that are looked at first.
const SAMPLE: usize = 240;
const GLANCE: usize = 60;

/// Two lines of the same length whose letters come in turn.
fn zipped(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    const SHORTEST: usize = 24;
    const LANGUAGE: u32 = 800;
    /// How far the mean of so few letters may be from that of all.
    const DOUBT: u32 = 110;
    let parts = scan.parts();
    let mut found = 0;
    for (one, next) in parts.iter().zip(parts.iter().skip(1)) {
        if one.plain
            || next.plain
            || one.range.len() < SHORTEST
            || one.range.len().abs_diff(next.range.len()) > 16
        {
            continue;
        }
        let Some((one_text, next_text)) =
            scan.text.get(one.range.clone()).zip(scan.text.get(next.range.clone()))
        else {
            continue;
        };
        if one_text.chars().count().abs_diff(next_text.chars().count()) > 1 {
            continue;
        }
        // The first letters of what is no language say so.
        if order_in_turn(one_text, next_text, GLANCE).mean() + DOUBT < LANGUAGE {
            continue;
        }
        let before = one.order(scan.text).mean().max(next.order(scan.text).mean());
        let order = order_in_turn(one_text, next_text, SAMPLE);
        if order.mean() < LANGUAGE || !order.has_words() || order.mean() < before + BETTER / 2 {
            continue;
        }
        let said: String = in_turn(one_text.chars(), next_text.chars()).collect();
        let words =
            |text: &str| Likeness::of(text.as_bytes().get(..text.len().min(240)).unwrap_or_default()).known;
        if words(&said) > words(one_text) + words(next_text) {
            readings.push(Reading::of(Transform::Grid, vec![(one.range.start..next.range.end, said)]));
            found += 1;
            if found >= MOST_GRIDS {
                return;
            }
        }
    }
}

/// The order of the first letters of two lines, taken in turn.
fn order_in_turn(one: &str, next: &str, most: usize) -> Order {
    if !one.is_ascii() || !next.is_ascii() {
        return Order::of(in_turn(one.chars(), next.chars()).take(most));
    }
    let mut letters = [0; SAMPLE];
    let letters = letters.get_mut(..most).unwrap_or_default();
    if one.len().min(next.len()) >= most / 2 {
        let pairs = letters.chunks_exact_mut(2).zip(one.bytes().zip(next.bytes()));
        pairs.for_each(|(to, (a, b))| to.copy_from_slice(&[a, b]));
        return Order::of_latin(letters);
    }
    let filled = letters.iter_mut().zip(in_turn(one.bytes(), next.bytes())).map(|(to, b)| *to = b).count();
    Order::of_latin(letters.get(..filled).unwrap_or_default())
}

/// One of each in turn; no two lines are here of which one is longer by more than one.
fn in_turn<T>(one: impl Iterator<Item = T>, mut next: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut one = one.fuse();
    let mut turn = false;
    std::iter::from_fn(move || {
        turn = !turn;
        if turn { one.next().or_else(|| next.next()) } else { next.next().or_else(|| one.next()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "please_bring_the_blue_folder_to_the_second_floor_and_tell_the_others_now";

    fn read_in(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect()
    }

    #[test]
    fn a_grid_is_read_down_around_and_there_and_back() {
        let said = SAID.replace('_', " ");
        let letters: Vec<char> = SAID.chars().collect();
        let (rows, columns) = (8, 9);
        let empty = vec![vec!['x'; columns]; rows];
        // Where each letter goes is where each way comes by.
        let places: Grid = (0..rows)
            .map(|row| {
                (0..columns)
                    .map(|column| char::from_u32((row * columns + column) as u32 + 0x100).unwrap())
                    .collect()
            })
            .collect();
        for (at, way) in ways(&places).into_iter().enumerate().take(12) {
            let mut grid = empty.clone();
            for (letter, place) in letters.iter().zip(&way) {
                let place = u32::from(*place) as usize - 0x100;
                grid[place / columns][place % columns] = *letter;
            }
            for between in [" ", ""] {
                let lines: Vec<String> = grid
                    .iter()
                    .map(|row| row.iter().map(|c| c.to_string()).collect::<Vec<_>>().join(between))
                    .collect();
                let text = format!("Read it:\n{}\nThank you.", lines.join("\n"));
                // What is read row by row is no way.
                let row_by_row = grid.iter().flatten().collect::<String>() == SAID;
                assert!(row_by_row || read_in(&text) == [said.as_str()], "{at} {text} {:?}", read_in(&text));
            }
        }
    }

    #[test]
    fn columns_are_put_in_order() {
        let letters: Vec<char> = SAID.chars().collect();
        let columns: Vec<String> =
            (0..6).map(|column| letters.iter().skip(column).step_by(6).collect()).collect();
        let order = [3, 0, 5, 1, 4, 2].map(|at: usize| columns[at].clone());
        assert_eq!(read_in(&order.join("\n")), [SAID.replace('_', " ").as_str()]);
    }

    #[test]
    fn lists_and_tables_are_no_grids() {
        for text in [
            "alpha\nbravo\ndelta\nhotel\nindia",
            "| 1 | 2 | 3 |\n| 4 | 5 | 6 |\n| 7 | 8 | 9 |",
            "x y z w\n1 0 0 1\n0 1 1 0\n1 1 0 0\n0 0 1 1\n1 0 1 0\n0 1 0 1\n1 1 1 1",
        ] {
            assert!(read_in(text).is_empty(), "{text}");
        }
    }
}
