//! Cells of Braille that are drawn: three rows of two signs each, with letters beside each other.
//!
//! ```text
//! o. o. oo
//! .o .. ..
//! .. .. ..
//! ```

use std::ops::Range;

use super::scan::Scan;
use super::spelled::{letter_of_dots, says_nothing};
use super::{Reading, Transform};

/// Fewest cells.
const LEAST: usize = 8;
/// Most cells of a row.
const WIDEST: usize = 512;
/// Cells in a hundred that are letters, at least: others are signs and what stands before capitals.
const LETTERS: usize = 85;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'\n') < 2 {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut drawn = Drawn::default();
    let mut lines = scan.lines().filter(|(_, line)| !line.trim().is_empty()).peekable();
    while let Some((start, line)) = lines.next() {
        let Some(first) = row(line) else {
            edits.extend(std::mem::take(&mut drawn).said());
            continue;
        };
        let mut rest = || lines.next_if(|(_, line)| row(line).is_some_and(|row| row.len() == first.len()));
        match (rest(), rest()) {
            (Some((_, second)), Some((last, third))) => {
                let rows = [Some(first), row(second), row(third)].map(Option::unwrap_or_default);
                drawn.add(start..last + third.len(), &rows);
            }
            _ => edits.extend(std::mem::take(&mut drawn).said()),
        }
    }
    edits.extend(drawn.said());
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Braille, edits));
    }
}

/// The pairs of signs that a line is.
fn row(line: &str) -> Option<Vec<[char; 2]>> {
    let line = line.trim();
    let mut pairs = Vec::new();
    for pair in line.split_ascii_whitespace() {
        let mut signs = pair.chars();
        let (Some(left), Some(right), None) = (signs.next(), signs.next(), signs.next()) else { return None };
        pairs.push([left, right]);
        if pairs.len() > WIDEST {
            return None;
        }
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// Cells that were drawn one after another.
#[derive(Default)]
struct Drawn {
    range: Option<Range<usize>>,
    cells: Vec<[char; 6]>,
}

impl Drawn {
    /// Cells whose dots are counted down the left column, then down the right one.
    fn add(&mut self, range: Range<usize>, rows: &[Vec<[char; 2]>; 3]) {
        let start = self.range.as_ref().map_or(range.start, |range| range.start);
        self.range = Some(start..range.end);
        let [first, second, third] = rows;
        let cells = first.iter().zip(second).zip(third);
        self.cells.extend(cells.map(|(([a, d], [b, e]), [c, f])| [*a, *b, *c, *d, *e, *f]));
    }

    fn said(self) -> Option<(Range<usize>, String)> {
        let mut signs: Vec<char> = self.cells.iter().flatten().copied().collect();
        signs.sort_unstable();
        signs.dedup();
        let [one, other] = signs.as_slice() else { return None };
        if self.cells.len() < LEAST {
            return None;
        }
        let said = [*one, *other].into_iter().find_map(|dot| letters(&self.cells, dot))?;
        Some((self.range?, said))
    }
}

/// What cells say in which one of two signs is a dot.
fn letters(cells: &[[char; 6]], dot: char) -> Option<String> {
    let mut said = String::new();
    let (mut known, mut empty, mut number) = (0, 0, false);
    for cell in cells {
        let dots: String =
            (b'1'..).zip(cell).filter(|(_, sign)| **sign == dot).map(|(at, _)| char::from(at)).collect();
        if dots.is_empty() {
            said.push(' ');
            (empty, number) = (empty + 1, false);
        } else if let Some(letter) = letter_of_dots(&dots) {
            known += 1;
            said.push(match letter {
                'a'..='i' if number => char::from(b'1' + (letter as u8 - b'a')),
                'j' if number => '0',
                _ => letter,
            });
        } else if says_nothing(&dots) {
            known += 1;
            number = dots == "3456";
        }
    }
    // One in two is empty where the other sign is the dot.
    (known * 100 >= (cells.len() - empty) * LETTERS && empty * 2 <= cells.len()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_row_by_row() {
        let text = "bring the blue folder";
        let of_dots =
            |mask: u8| (1..=6).filter(|dot| mask >> (dot - 1) & 1 == 1).map(|dot| dot.to_string()).collect();
        let all: Vec<String> = (1..64).map(of_dots).collect();
        let dots = |c: char| -> Vec<usize> {
            let found = all.iter().find(|dots| letter_of_dots(dots) == Some(c)).cloned().unwrap_or_default();
            found.bytes().map(|b| usize::from(b - b'1')).collect()
        };
        for (on, off) in [("o", "."), ("●", "○"), ("0", "1")] {
            let rows = |chars: &[char]| {
                let row = |at: usize| {
                    let pair = |c: &char| {
                        [at, at + 3].map(|dot| if dots(*c).contains(&dot) { on } else { off }).concat()
                    };
                    chars.iter().map(pair).collect::<Vec<_>>().join(" ")
                };
                [row(0), row(1), row(2)].join("\n")
            };
            let letters: Vec<char> = text.chars().collect();
            let drawn = letters.chunks(10).map(rows).collect::<Vec<_>>().join("\n\n");
            let mut readings = Vec::new();
            read(&Scan::of(&format!("What is here?\n\n{drawn}\n\nNo more.")), &mut readings);
            let said: Vec<String> =
                readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect();
            assert_eq!(said, [text]);
        }
        let mut readings = Vec::new();
        read(&Scan::of("ab cd\nab cd\nab cd\nxx .. xx\n.. xx ..\nxx .. xx\n"), &mut readings);
        assert!(readings.is_empty());
    }
}
