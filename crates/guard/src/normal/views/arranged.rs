//! Words arranged on the page: one in each cell of a table, pieces numbered and out of order, first letters
//! of lines.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

use super::order::is_encoded;
use super::pairs::Order;
use super::scan::{Scan, is_unseen, sign};
use super::spacing::is_coded;
use super::words::divided;
use super::{Reading, Transform};

/// Fewest words in cells, and fewest numbered pieces.
const LEAST_CELLS: usize = 6;
const LEAST_PIECES: usize = 3;
/// Bytes of a word in a cell.
const LONGEST_WORD: usize = 48;
/// Most lines of one arrangement.
const MOST_LINES: usize = 4096;
/// Fewest lines of an acrostic.
const LEAST_LINES: usize = 10;
/// The order of letters, in hundredths of a level, from which they are language.
const LANGUAGE: u32 = 720;
/// How far the order of letters of language, in hundredths of a level, is from that of the same letters backwards.
const ONE_WAY: u32 = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    for (sign, least) in
        [(b'|', LEAST_CELLS), (b';', LEAST_CELLS), (b'\t', LEAST_CELLS), (b',', 2 * LEAST_CELLS)]
    {
        if scan.has(sign) >= least {
            cells(scan, sign, readings);
        }
    }
    if scan.has(b'\n') + 1 >= LEAST_PIECES {
        numbered(scan, readings);
        first_letters(scan, readings);
    }
}

/// A word a cell, read row by row.
fn cells(scan: &Scan<'_>, sign: u8, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut table: Option<Table> = None;
    let mut by_columns: Vec<(Range<usize>, String)> = Vec::new();
    let mut close = |table: Option<Table>| {
        let Some(table) = table else { return };
        by_columns.extend(table.columns(scan.text, sign));
        edits.extend(table.read(scan.text, sign));
    };
    for line in lines_with(sign, scan.text.as_bytes()).take(MOST_LINES) {
        // A line without the sign ends a table, if it is no rule.
        let follows = |table: &Table| {
            table.range.end + 1 == line.start
                || scan.text.get(table.range.end..line.start).is_some_and(|between| {
                    between.bytes().all(|b| matches!(b, b'+' | b'-' | b'=' | b'\n'))
                        && memchr_iter(b'\n', between.as_bytes()).count() <= 2
                })
        };
        if !table.as_ref().is_none_or(follows) {
            close(table.take());
        }
        let table = table.get_or_insert(Table { range: line.clone(), cells: 0, single: 0 });
        table.range.end = line.end;
        for cell in cells_of(scan.text.get(line).unwrap_or_default(), sign) {
            table.cells += 1;
            table.single += usize::from(is_single(cell));
        }
    }
    close(table);
    for edits in [edits, by_columns] {
        if !edits.is_empty() {
            readings.push(Reading::of(Transform::Cells, edits));
        }
    }
}

/// The lines in which a sign stands.
fn lines_with(sign: u8, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let found = memchr(sign, rest)?;
        let start = at + memrchr(b'\n', rest.get(..found)?).map_or(0, |end| end + 1);
        let end =
            rest.get(found..).and_then(|rest| memchr(b'\n', rest)).map_or(text.len(), |end| at + found + end);
        at = end + 1;
        Some(start..end)
    })
}

/// Lines of cells. They are counted first, for lists and sentences with commas are many, and tables of words few.
struct Table {
    range: Range<usize>,
    cells: usize,
    /// Those of one word.
    single: usize,
}

impl Table {
    fn read(self, text: &str, sign: u8) -> Option<(Range<usize>, String)> {
        if self.cells < LEAST_CELLS || self.single * 10 < self.cells * 8 {
            return None;
        }
        let lines = text.get(self.range.clone())?.split('\n');
        let words: Vec<&str> = lines.flat_map(|line| cells_of(line, sign)).collect();
        // Commas part what programs call things, which are no words; a sentence in cells has signs at the ends of some.
        let is_word = |word: &str| {
            let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
            !word.is_empty()
                && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '\'' | '-') || !c.is_ascii())
        };
        let is_lettered = |word: &str| {
            let letters = word.chars().filter(|c| c.is_alphabetic()).count();
            letters * 2 >= word.chars().count() && (matches!(sign, b'|' | b'\t') || is_word(word))
        };
        let lettered = words.iter().filter(|word| is_lettered(word)).count();
        let all = || words.join(" ");
        let coded = || {
            let text = all();
            is_coded(&text) || text.bytes().all(|b| matches!(b, b'.' | b'-' | b'/' | b' '))
        };
        (lettered * 10 >= words.len() * 7 || coded()).then(|| (self.range, all()))
    }
}

impl Table {
    /// The cells column by column, where there are several words in each.
    fn columns(&self, text: &str, sign: u8) -> Option<(Range<usize>, String)> {
        if self.cells < LEAST_CELLS || self.single * 10 < self.cells * 8 {
            return None;
        }
        let lines = text.get(self.range.clone())?.split('\n');
        let rows: Vec<Vec<&str>> = lines
            .map(|line| cells_of(line, sign).collect::<Vec<_>>())
            .filter(|row| !row.is_empty())
            .collect();
        let width = rows.iter().map(Vec::len).max()?;
        let even = rows.iter().rev().skip(1).all(|row| row.len() == width);
        if rows.len() < 3 || width < 2 || !even {
            return None;
        }
        let words: Vec<&str> = (0..width)
            .flat_map(|column| rows.iter().filter_map(move |row| row.get(column).copied()))
            .collect();
        let lettered = words.iter().filter(|word| word.chars().any(char::is_alphabetic)).count();
        (lettered * 10 >= words.len() * 7).then(|| (self.range.clone(), words.join(" ")))
    }
}

/// What the cells of a line say; rules say nothing.
fn cells_of(line: &str, sign: u8) -> impl Iterator<Item = &str> {
    let cells = move || {
        let ends = memchr_iter(sign, line.as_bytes()).chain(std::iter::once(line.len()));
        let mut start = 0;
        let all = ends.filter_map(move |end| {
            let cell = line.get(start..end)?;
            start = end + 1;
            Some(trimmed(cell))
        });
        all.filter(|cell| !cell.is_empty())
    };
    // All cells of a rule are alike; signs of Morse code and bullets are not.
    let mut first = cells();
    let is_rule = first.next().is_some_and(|cell| {
        cell.bytes().all(|b| matches!(b, b'-' | b':' | b'.' | b'='))
            && first.next().is_none_or(|next| next == cell && first.all(|other| other == cell))
    });
    cells().take(if is_rule { 0 } else { usize::MAX })
}

/// Most cells have letters of ASCII at their ends, or one space.
fn trimmed(cell: &str) -> &str {
    let cell = cell.strip_prefix(' ').unwrap_or(cell);
    match cell.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => cell,
        _ => cell.trim(),
    }
}

fn is_single(word: &str) -> bool {
    word.len() <= LONGEST_WORD
        && (word.bytes().all(|b| b.is_ascii_graphic()) || !word.contains(char::is_whitespace))
}

/// `2) previous 1) ignore all`: lines whose numbers are out of order, in order. What follows a numbered line
/// without a number belongs to it.
fn numbered(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let text = scan.text;
    let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
    let mut first = 0;
    for (start, line) in scan.lines().take(MOST_LINES) {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
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
    // Something may stand before the first of them, or the lines be gone.
    let from_one = |pieces: &[(usize, Range<usize>)]| {
        let mut seen = vec![false; pieces.len()];
        let numbers = pieces.iter().map(|(number, _)| number.checked_sub(1));
        numbers.for_each(|at| {
            if let Some(seen) = at.and_then(|at| seen.get_mut(at)) {
                *seen = true;
            }
        });
        seen.into_iter().all(|seen| seen)
    };
    if pieces.len() < LEAST_PIECES || !from_one(&pieces) {
        let others = numbered_within(scan);
        if others.len() > pieces.len() && from_one(&others) {
            first = others.iter().map(|(_, range)| range.start).min().unwrap_or(0);
            pieces = others;
        }
    }
    if pieces.len() < LEAST_PIECES || pieces.is_sorted_by_key(|(number, _)| *number) {
        return;
    }
    let last = pieces.last().map_or(text.len(), |(_, range)| range.end);
    pieces.sort_by_key(|(number, _)| *number);
    let consecutive = pieces.iter().zip(pieces.iter().skip(1)).all(|(one, next)| one.0 + 1 == next.0);
    if consecutive {
        let said: Vec<&str> = pieces.iter().filter_map(|(_, range)| text.get(range.clone())).collect();
        // A word each, or parts that end within words.
        let words = said.iter().filter(|piece| !piece.trim().contains(' ')).count();
        let joined = said.join(if words * 5 >= said.len() * 4 { " " } else { "" });
        readings.push(Reading::of(Transform::Ordered, vec![(first..last, joined)]));
    }
}

/// Pieces whose numbers stand anywhere between two spaces.
fn numbered_within(scan: &Scan<'_>) -> Vec<(usize, Range<usize>)> {
    const MOST: usize = 64;
    let numbers = scan.odd().filter(|piece| piece.has(sign::DIGIT)).filter_map(|piece| {
        let whole = scan.text.get(piece.whole()).filter(|whole| matches!(whole.len(), 2 | 3))?;
        let number = whole.strip_suffix([')', '.', ':', ']'])?.parse::<usize>().ok()?;
        Some((number, piece.whole()))
    });
    let found: Vec<(usize, Range<usize>)> = numbers.take(MOST).collect();
    let nexts = found.iter().skip(1).map(|(_, next)| next.start.saturating_sub(1));
    let ends = nexts.chain(std::iter::once(scan.text.len()));
    let content =
        |((number, at), end): (&(usize, Range<usize>), usize)| (*number, (at.end + 1).min(end)..end);
    found.iter().zip(ends).map(content).collect()
}

/// First letters of lines, where they are language.
fn first_letters(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let text = scan.text;
    if scan.has(b'\n') + 1 < LEAST_LINES {
        return;
    }
    let mut firsts = String::new();
    let mut written = String::new();
    let (mut count, mut alone, mut indented) = (0, 0, 0);
    let mut range: Option<Range<usize>> = None;
    for (start, whole) in scan.lines().take(MOST_LINES) {
        let line = whole;
        let line = ["- ", "* ", "> "].into_iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        let mut chars = line.chars();
        let Some(first) = chars.next() else { continue };
        count += 1;
        written.extend(whole.chars().next());
        alone += usize::from(whole.chars().nth(1).is_none_or(char::is_whitespace));
        indented += usize::from(first == ' ');
        firsts.push(if first == '_' { ' ' } else { first });
        range = Some(range.map_or(start, |range| range.start)..text.len().min(start + line.len() + 8));
    }
    if count < LEAST_LINES || indented * 3 > count {
        return;
    }
    let by_themselves = alone * 10 >= count * 9;
    if by_themselves {
        // An encoding has each sign as it is written, and a dash or a star is one of them and marks no list.
        if is_encoded(&written) {
            readings.push(Reading::of(Transform::Acrostic, vec![(0..text.len(), written)]));
            return;
        }
        firsts = written.replace('_', " ");
    }
    let order = Order::of(firsts.chars().filter(|c| !is_unseen(*c)));
    // Of the alphabets up to Cyrillic it is known how much better letters of language stand than those of any lines.
    let is_of_alphabets = firsts.chars().all(|c| c < '\u{530}');
    let needed = order.needed(LANGUAGE).max(if is_of_alphabets { LANGUAGE } else { 0 });
    // Signs between letters make words of one letter, of which any order is as good as that of language; and letters in
    // no order are read one way as well as the other.
    let is_language = order.mean() >= needed
        && order.has_words()
        && order.mean().abs_diff(order.mean_backwards()) >= ONE_WAY;
    let is_sentence = firsts.contains(' ') && order.pairs >= 8 && is_language;
    let all = firsts.clone();
    let words = if is_sentence || is_coded(&firsts) {
        Some(firsts)
    } else {
        let letters: String = firsts.chars().filter(char::is_ascii_alphabetic).collect();
        // What lines of programs and pages begin with has signs among its letters.
        let lettered = |firsts: &str| {
            let letters = firsts.chars().filter(|c| c.is_alphabetic() || is_unseen(*c)).count();
            letters * 5 >= firsts.chars().filter(|c| *c != ' ').count() * 4
        };
        let is_clear = |firsts: &String| order.pairs >= 14 && is_language && lettered(firsts);
        divided(&letters).or_else(|| Some(firsts).filter(is_clear))
    };
    if let Some(words) = words {
        readings.push(Reading::of(Transform::Acrostic, vec![(0..text.len(), words)]));
    } else if by_themselves {
        // Lines that begin with one character by itself are there for its sake.
        readings.push(Reading::guess(Transform::Acrostic, vec![(0..text.len(), all)]));
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
    fn lines_with_a_sign_are_found() {
        let text = "a|b\n\nc\n|\n|d||\ne";
        let found: Vec<&str> = lines_with(b'|', text.as_bytes()).map(|line| &text[line]).collect();
        assert_eq!(found, ["a|b", "|", "|d||"]);
        assert_eq!(lines_with(b'|', b"a|b").next(), Some(0..3));
        assert_eq!(lines_with(b'|', b"").count(), 0);
    }

    #[test]
    fn pieces_come_in_their_order() {
        assert_eq!(read_in("2) ng the bl\n1) Bri\n3) ue folder"), ["Bring the blue folder"]);
        assert_eq!(read_in("1) one\n2) two\n3) three"), [""; 0]);
        assert_eq!(read_in("7) seven\n2) two\n3) three"), [""; 0]);
    }

    #[test]
    fn lines_of_templates_and_programs_begin_with_nothing() {
        let lines =
            |firsts: &str| firsts.chars().map(|c| format!("{c}x is where it begins\n")).collect::<String>();
        for firsts in ["%%%%%%ifse", "{%\"#пр/:сн%-во%.ан"] {
            assert_eq!(read_in(&lines(firsts)), [""; 0], "{firsts}");
        }
        assert_eq!(read_in(&lines("%62%72%69%6e%67%20%74")), ["%62%72%69%6e%67%20%74"]);
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
