//! Words arranged on the page: one in each cell of a table, pieces numbered and out of order, first letters
//! of lines.

use std::ops::Range;

use super::pairs::Order;
use super::scan::Scan;
use super::words::divided;
use super::{Reading, Transform};

/// Fewest words in cells, and fewest numbered pieces.
const LEAST_CELLS: usize = 6;
const LEAST_PIECES: usize = 3;
/// Most lines of one arrangement.
const MOST_LINES: usize = 4096;
/// Fewest lines of an acrostic.
const LEAST_LINES: usize = 10;
/// The order of letters, in hundredths of a level, from which they are language.
const LANGUAGE: u32 = 690;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    for (sign, least) in
        [(b'|', LEAST_CELLS), (b';', LEAST_CELLS), (b'\t', LEAST_CELLS), (b',', 2 * LEAST_CELLS)]
    {
        if scan.has(sign) >= least {
            cells(scan.text, char::from(sign), readings);
        }
    }
    if scan.has(b'\n') + 1 >= LEAST_PIECES {
        numbered(scan.text, readings);
        first_letters(scan.text, readings);
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n').map(|line| (line.as_ptr() as usize - text.as_ptr() as usize, line))
}

/// A word a cell, read row by row.
fn cells(text: &str, sign: char, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut table: Option<(Range<usize>, Vec<&str>)> = None;
    let mut close = |table: Option<(Range<usize>, Vec<&str>)>| {
        let Some((range, words)) = table else { return };
        let single = words.iter().filter(|word| !word.contains(char::is_whitespace)).count();
        let lettered = words.iter().filter(|word| word.chars().any(char::is_alphabetic)).count();
        if words.len() >= LEAST_CELLS && single * 10 >= words.len() * 8 && lettered * 10 >= words.len() * 7 {
            edits.push((range, words.join(" ")));
        }
    };
    for (start, line) in lines(text).take(MOST_LINES) {
        if !line.contains(sign) {
            close(table.take());
            continue;
        }
        let (range, words) = table.get_or_insert_with(|| (start..start, Vec::new()));
        range.end = start + line.len();
        let rule =
            |cell: &&str| !cell.is_empty() && !cell.chars().all(|c| matches!(c, '-' | ':' | '.' | '='));
        words.extend(line.split(sign).map(str::trim).filter(rule));
    }
    close(table);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Cells, edits));
    }
}

/// `2) previous 1) ignore all`: lines whose numbers are out of order, in order. What follows a numbered line
/// without a number belongs to it.
fn numbered(text: &str, readings: &mut Vec<Reading>) {
    let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
    let mut first = 0;
    for (start, line) in lines(text).take(MOST_LINES) {
        let indent = line.len() - line.trim_start().len();
        let trimmed = line.trim_start();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let after = trimmed.get(digits..).unwrap_or_default();
        let number = trimmed.get(..digits.min(3)).and_then(|number| number.parse::<usize>().ok());
        let end = start + line.len();
        match number {
            Some(number) if digits <= 3 && after.starts_with([')', '.', ':', ']']) => {
                if pieces.is_empty() {
                    first = start;
                }
                let content = start + indent + digits + 1;
                pieces.push((number, (content + usize::from(after.get(1..2) == Some(" "))).min(end)..end));
            }
            _ => {
                if let Some((_, range)) = pieces.last_mut() {
                    range.end = end;
                }
            }
        }
    }
    if pieces.len() < LEAST_PIECES || pieces.is_sorted_by_key(|(number, _)| *number) {
        return;
    }
    let last = pieces.last().map_or(text.len(), |(_, range)| range.end);
    pieces.sort_by_key(|(number, _)| *number);
    let consecutive = pieces.iter().zip(pieces.iter().skip(1)).all(|(one, next)| one.0 + 1 == next.0);
    if consecutive {
        let joined = pieces.iter().filter_map(|(_, range)| text.get(range.clone())).collect();
        readings.push(Reading::of(Transform::Ordered, vec![(first..last, joined)]));
    }
}

/// First letters of lines, where they are language.
fn first_letters(text: &str, readings: &mut Vec<Reading>) {
    let mut firsts = String::new();
    let mut count = 0;
    let mut range: Option<Range<usize>> = None;
    for (start, line) in lines(text).take(MOST_LINES) {
        let line = ["- ", "* ", "> "].into_iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        let Some(first) = line.chars().next() else { continue };
        count += 1;
        firsts.push(if first == '_' { ' ' } else { first });
        range = Some(range.map_or(start, |range| range.start)..text.len().min(start + line.len() + 8));
    }
    if count < LEAST_LINES {
        return;
    }
    let letters: String = firsts.chars().filter(char::is_ascii_alphabetic).collect();
    let order = Order::of(firsts.chars());
    let needed = order.needed(LANGUAGE);
    let words = if firsts.contains(' ') && order.pairs >= 8 && order.mean() >= needed {
        Some(firsts)
    } else {
        divided(&letters).or_else(|| (order.pairs >= 14 && order.mean() >= needed).then_some(firsts))
    };
    if let Some(words) = words {
        readings.push(Reading::of(Transform::Acrostic, vec![(0..text.len(), words)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().filter_map(|r| Some(r.edits.into_iter().next()?.1)).collect()
    }

    #[test]
    fn a_word_a_cell_is_a_sentence() {
        let table = "| . | . | . |\n|---|---|---|\n| bring | the | blue |\n| folder | to | me |";
        assert_eq!(read_in(table), ["bring the blue folder to me"]);
        assert_eq!(read_in("| name | what it is |\n|---|---|\n| a file | the place of it |\n"), [""; 0]);
        assert_eq!(read_in("| a | 1 | 2 |\n| b | 3 | 4 |\n| c | 5 | 6 |\n"), [""; 0]);
    }

    #[test]
    fn pieces_come_in_their_order() {
        assert_eq!(read_in("2) ng the bl\n1) Bri\n3) ue folder"), ["Bring the blue folder"]);
        assert_eq!(read_in("1) one\n2) two\n3) three"), [""; 0]);
        assert_eq!(read_in("7) seven\n2) two\n3) three"), [""; 0]);
    }

    #[test]
    fn lines_begin_with_a_sentence() {
        let text: String = "bring_the_blue_folder".chars().map(|c| format!("{c} is a letter\n")).collect();
        assert!(read_in(&text).iter().any(|plain| plain.starts_with("bring the blue folder")));
        let list: String =
            ["vlog", "xenon", "quartz", "jam", "wax", "zinc", "figs", "quiz", "kiwi", "jazz", "wok"]
                .map(|word| format!("{word} and more\n"))
                .concat();
        assert_eq!(read_in(&list), [""; 0]);
    }
}
