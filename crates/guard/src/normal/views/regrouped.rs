//! Digits that were set apart in groups with whatever between two of them, and lines that were broken at a column, whatever
//! stood there.
//!
//! Encodings have their own ways to be broken, which their readers know. Here the breaks are somebody else's: what tells
//! them is that they are all alike.

use std::ops::Range;

use super::pairs::Order;
use super::scan::{Kind, Piece, SAMPLE, Scan};
use super::{Reading, Transform, base64, bases, hex};

/// Fewest groups, and fewest characters of all of them.
const LEAST: usize = 4;
const LEAST_DIGITS: usize = 24;
/// Characters of a group.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=64;
/// Most bytes between two groups.
const WIDEST: usize = 8;
/// Groups before the first one that are of other lengths.
const BEFORE: usize = 2;
/// Most places at which groups may begin.
const MOST: usize = 512;

/// Fewest lines, and characters of one.
const LEAST_LINES: usize = 3;
const COLUMNS: std::ops::RangeInclusive<usize> = 4..=120;
/// The order of letters of a text in clear, in hundredths of a level.
const CLEAR: u32 = 740;
/// Most lines of a text that are looked at, and lines of a block that are before it is one.
const MOST_LINES: usize = 4096;
const FIRST: usize = 32;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    groups(scan, readings);
    if scan.has(b'\n') + 1 >= LEAST_LINES {
        lines(scan, readings);
    }
}

fn groups(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let signs = scan.count(Kind::Signs) + 1 >= LEAST;
    let alike = scan.facts.alike >= LEAST;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (mut done, mut tried) = (0, 0);
    for (at, piece) in scan.odd_at() {
        let is_long = piece.kind == Kind::Mixed && piece.whole().len() >= LEAST_DIGITS;
        let between = signs && piece.kind == Kind::Signs;
        let before_its_like =
            || alike && scan.pieces.get(at + 1).is_some_and(|next| next.whole().len() == piece.whole().len());
        if piece.whole().start < done || !(is_long || between || before_its_like()) {
            continue;
        }
        let Some(piece) = first_alike(scan, at) else { continue };
        tried += 1;
        if tried > MOST {
            break;
        }
        if let Some((range, digits)) = row(scan.text, piece) {
            done = range.end;
            edits.push((range, digits));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Spacing, edits));
    }
}

/// The first of the pieces of one length that end with this one, or with the one before it if this one parts them. Groups of
/// letters only are as plain as words.
fn first_alike<'s>(scan: &'s Scan<'_>, at: usize) -> Option<&'s Piece> {
    /// Most pieces that are gone back over.
    const MOST: usize = 64;
    let parts = |piece: &Piece| piece.kind == Kind::Signs && piece.whole().len() <= WIDEST;
    let before = scan.pieces.get(at.saturating_sub(MOST)..=at)?;
    let length = before.iter().rev().find(|piece| !parts(piece))?.whole().len();
    let alike = before.iter().rev().take_while(|piece| parts(piece) || piece.whole().len() == length);
    alike.filter(|piece| !parts(piece)).last()
}

/// Groups of one length from a piece on, the last one of which may be shorter, and their digits, if those are an encoding's.
fn row(text: &str, piece: &Piece) -> Option<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let run = |from: usize, is: fn(&u8) -> bool| {
        bytes.get(from..).map_or(0, |rest| rest.iter().take(LENGTHS.end() + 1).take_while(|b| is(b)).count())
    };
    let parts: fn(&u8) -> bool = |b| !b.is_ascii_alphanumeric();
    let is_digit: fn(&u8) -> bool = |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let mut start = piece.whole().start + run(piece.whole().start, parts);
    for _ in 0..=BEFORE {
        let length = run(start, u8::is_ascii_alphanumeric);
        let end = start + length;
        let gap = bytes.get(end..end + run(end, parts)).unwrap_or_default();
        let next = end + gap.len();
        if gap.is_empty() || gap.len() > WIDEST {
            return None;
        }
        if !LENGTHS.contains(&length)
            || run(next, is_digit) != length && !bytes.get(next + length..)?.starts_with(gap)
        {
            start = next;
            continue;
        }
        let mut range = start..start;
        let mut digits: Vec<u8> = Vec::new();
        let mut groups = 0;
        let mut at = start;
        loop {
            let group = bytes.get(at..).unwrap_or_default();
            let whole = group.get(..length).filter(|whole| whole.iter().all(is_digit));
            let goes_on = whole.filter(|_| group.get(length..).unwrap_or_default().starts_with(gap));
            let used = if goes_on.is_some() { length } else { run(at, is_digit).min(length) };
            digits.extend(group.get(..used).unwrap_or_default());
            groups += usize::from(used > 0);
            range.end = if used > 0 { at + used } else { range.end };
            if goes_on.is_none() {
                break;
            }
            at += length + gap.len();
        }
        let digits = String::from_utf8(digits).ok()?;
        let is_coded = || {
            let digits = digits.as_str();
            bases::base32(digits).is_some() || base64::is_base64(digits) || hex::is_hex(digits)
        };
        return (groups >= LEAST && digits.len() >= LEAST_DIGITS && is_coded()).then_some((range, digits));
    }
    None
}

/// Lines of one length, or shorter by the space that stood where they were broken, which go on in each other.
fn lines(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let lines: Vec<Line<'_>> = scan.lines().take(MOST_LINES).map(Line::of).collect();
    let mut at = 0;
    while at + LEAST_LINES <= lines.len() {
        let rest = lines.get(at..).unwrap_or_default();
        // Most lines are as long as they happen to be.
        if !may_begin(rest) {
            at += 1;
            continue;
        }
        let ways = [Marks::Numbers, Marks::same(rest), Marks::None];
        let (mut passed, mut found) = (1, None);
        for marks in &ways {
            match block(rest, marks) {
                Ok(block) => {
                    found = Some(block);
                    break;
                }
                Err(lines) => passed = passed.max(lines),
            }
        }
        let Some((count, said)) = found else {
            at += passed;
            continue;
        };
        let block = rest.get(..count).unwrap_or_default();
        let ends = block.first().zip(block.last());
        let ends = ends.map(|(first, last)| first.start..last.start + last.text.len());
        at += count;
        // What is in the order of a language is written as it was meant, whatever the language.
        let order = Order::of_start(&said, SAMPLE);
        let is_clear = |range: &Range<usize>| {
            if order.pairs >= LEAST_DIGITS as u32 && order.has_words() && order.mean() >= order.needed(CLEAR)
            {
                return true;
            }
            let inside = scan
                .parts()
                .iter()
                .filter(|part| part.range.start < range.end && part.range.end > range.start);
            inside.filter(|part| part.plain).count() * 2 > count
        };
        if let Some(range) = ends.filter(|range| !is_clear(range)) {
            // One that is not what was meant costs as much as a text.
            readings.push(Reading::guess(Transform::Joined, vec![(range, said)]));
            return;
        }
    }
}

/// A line without what ends it.
struct Line<'t> {
    start: usize,
    text: &'t str,
    /// Characters.
    width: usize,
}

impl<'t> Line<'t> {
    fn of((start, text): (usize, &'t str)) -> Self {
        let text = text.trim_end_matches('\r');
        Self { start, text, width: text.chars().count() }
    }
}

/// Whether the first two lines may be pieces of one: of one length but for a space, or numbered.
fn may_begin(lines: &[Line<'_>]) -> bool {
    let [one, other, ..] = lines else { return false };
    let numbered = |line: &Line<'_>| line.text.bytes().take(2).any(|b| b.is_ascii_digit());
    // Where a sentence ends with the line its marks are left out of the last one.
    one.width.abs_diff(other.width) <= 1 && one.width >= *COLUMNS.start() || numbered(one) && numbered(other)
}

/// What stands before each line and behind it.
enum Marks<'t> {
    None,
    /// A number and a sign.
    Numbers,
    /// The same signs.
    Same(&'t str, &'t str),
}

impl<'t> Marks<'t> {
    /// What the first lines have in common.
    fn same(lines: &[Line<'t>]) -> Self {
        let [Line { text: one, .. }, Line { text: other, .. }, ..] = lines else { return Self::None };
        let is_mark = |(a, b): &(char, char)| {
            a == b
                && matches!(a, ' ' | '>' | '<' | '|' | '*' | '#' | '+' | '"' | '\'' | ',' | ';' | '\\' | '•')
        };
        let before: usize =
            one.chars().zip(other.chars()).take(WIDEST).take_while(is_mark).map(|(c, _)| c.len_utf8()).sum();
        let behind: usize = one
            .chars()
            .rev()
            .zip(other.chars().rev())
            .take(WIDEST)
            .take_while(is_mark)
            .map(|(c, _)| c.len_utf8())
            .sum();
        let before = one.get(..before).unwrap_or_default();
        let rest = one.get(before.len()..).unwrap_or_default();
        Self::Same(before, rest.get(rest.len().saturating_sub(behind)..).unwrap_or_default())
    }

    /// A line without its marks; the last one may end otherwise.
    fn off<'l>(&self, line: &'l str) -> Option<&'l str> {
        match self {
            Self::None => Some(line),
            Self::Same("", "") => None,
            Self::Same(before, behind) => {
                let rest = line.strip_prefix(before)?;
                Some(rest.strip_suffix(behind).unwrap_or(rest))
            }
            Self::Numbers => {
                let rest = line.trim_start_matches([' ', '[', '(', '#', '*']);
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let rest = rest.get(digits..).filter(|_| (1..=4).contains(&digits))?;
                let bare = rest.trim_start_matches(['.', ')', ':', ']', '|', ' ', '\t']);
                (bare.len() < rest.len()).then_some(bare)
            }
        }
    }
}

/// How many lines at the beginning are one that was broken, and that one; or how many lines there are before one that may
/// begin another.
fn block(lines: &[Line<'_>], marks: &Marks<'_>) -> Result<(usize, String), usize> {
    let bare = |at: usize| {
        let line = lines.get(at)?;
        let text = marks.off(line.text)?;
        // What is left off is signs of one byte, or a point that is drawn.
        let width = if text.len() == line.text.len() { line.width } else { text.chars().count() };
        Some((text, width))
    };
    let (Some((_, one)), Some((_, other))) = (bare(0), bare(1)) else { return Err(1) };
    let columns = one.max(other);
    if !COLUMNS.contains(&columns) {
        return Err(1);
    }
    let is_full = |(_, width): &(&str, usize)| width + 1 == columns || *width == columns;
    let full_from = |at: usize| (at..lines.len()).map_while(|at| bare(at).filter(is_full));
    let mut block: Vec<(&str, usize)> = full_from(0).take(FIRST).collect();
    // Every line may begin one, and a few of it tell that it does not.
    if block.iter().filter(|(_, width)| *width == columns).count() * 4 < block.len() * 3 {
        return Err(1);
    }
    if block.len() == FIRST {
        block.extend(full_from(FIRST));
    }
    let full = block.len();
    block.extend(bare(full).filter(|(line, width)| !line.trim().is_empty() && *width < columns));
    if let Some(drawn) = block.iter().position(|(line, _)| is_drawn(line)) {
        return Err(drawn + 1);
    }
    let enough = full + 1 >= LEAST_LINES && block.len() >= LEAST_LINES;
    if !enough || columns * block.len() < LEAST_DIGITS {
        return Err(1);
    }
    let mut said = String::new();
    for (line, width) in &block {
        said.push_str(line);
        if width + 1 == columns {
            said.push(' ');
        }
    }
    Ok((block.len(), said))
}

/// Whether a line is one of a box or a table, which are drawn in lines of one length.
fn is_drawn(line: &str) -> bool {
    let signs = !line.contains(|c: char| c.is_alphanumeric() || !c.is_ascii());
    let is_rule = || line.len() >= 4 && line.chars().all(|c| line.starts_with(c));
    // Morse code is signs as well.
    let others = || line.contains(|c| !matches!(c, '.' | '-' | '/' | ' '));
    line.contains("  ") || signs && (is_rule() || others())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect()
    }

    #[test]
    fn groups_come_together_whatever_parts_them() {
        let digits = "QnJpbmcgdGhlIGJsdWUgZm9sZGVyIHRvIG1l";
        let groups: Vec<&str> =
            (0..digits.len()).step_by(5).map(|at| &digits[at..(at + 5).min(digits.len())]).collect();
        for gap in ["-", ".", " | ", "_", " / ", "\" + \"", "*", "\\\n"] {
            let text = groups.join(gap);
            assert!(said(&text).contains(&digits.to_owned()), "{text}: {:?}", said(&text));
            assert!(said(&format!("This is it: {text} and no more")).contains(&digits.to_owned()), "{text}");
        }
        for text in [
            "123e4567-e89b-12d3-a456-426614174000",
            "well-read-four-word-text-that-does-none-harm",
            "10.0.0.1 | 10.0.0.2 | 10.0.0.3",
        ] {
            assert!(said(text).is_empty(), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn lines_that_were_broken_at_a_column_come_together() {
        let text = "gur oyhr sbyqre vf va gur frpbaq qenjre, naq gur xrl vf haqre vg";
        for marks in ["", "> ", "* "] {
            let letters: Vec<char> = text.chars().collect();
            let lines: Vec<String> =
                letters.chunks(9).map(|line| format!("{marks}{}", line.iter().collect::<String>())).collect();
            assert_eq!(said(&lines.join("\n")), [text]);
        }
        for text in
            ["+----+----+\n| aa | bb |\n+----+----+\n| cc | dd |\n+----+----+", "one\ntwo\nsix\nten\n"]
        {
            assert!(said(text).is_empty(), "{text}: {:?}", said(text));
        }
    }
}
