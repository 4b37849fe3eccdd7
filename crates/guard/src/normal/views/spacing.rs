//! Words taken apart: letters with spaces, points, dashes or pictures between them, a letter a line, signs
//! inside words, first letters of lines.

use std::ops::Range;

use super::scan::{Kind, Scan};
use super::words::{divided, known};
use super::{Reading, Transform};

/// Fewest letters in a row that stand alone.
const LEAST: usize = 5;
/// Most characters between two such letters.
const WIDEST_GAP: usize = 6;
/// Most letters of one run.
const MOST: usize = 4096;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let lone = scan.count(Kind::Single)
        + scan.count(Kind::Mixed)
        + scan.count(Kind::Foreign)
        + scan.count(Kind::Unknown);
    if lone > 0 {
        lone_letters(scan.text, readings);
        signs_in_words(scan, readings);
    }
    first_letters(scan.text, readings);
}

struct Run {
    span: Range<usize>,
    letters: String,
    gaps: Vec<Range<usize>>,
}

fn lone_letters(text: &str, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut run: Option<Run> = None;
    let mut close = |run: Option<Run>| {
        if let Some(run) = run.filter(|r| r.letters.chars().count() >= LEAST) {
            edits.push((run.span.clone(), joined(text, &run)));
        }
    };
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !c.is_alphanumeric() {
            continue;
        }
        let mut length = 1;
        let mut end = at + c.len_utf8();
        while let Some((next, c)) = chars.next_if(|(_, c)| c.is_alphanumeric()) {
            length += 1;
            end = next + c.len_utf8();
        }
        // Ideographs and kana stand alone by nature.
        let alone = length == 1
            && c.is_alphanumeric()
            && !matches!(c, '\u{e00}'..='\u{eff}' | '\u{2e80}'..='\u{d7ff}' | '\u{20000}'..='\u{3ffff}');
        if !alone {
            close(run.take());
            continue;
        }
        match &mut run {
            Some(open)
                if at - open.span.end <= WIDEST_GAP * 4
                    && open.letters.len() < MOST
                    && text.get(open.span.end..at).is_some_and(|gap| gap.chars().count() <= WIDEST_GAP) =>
            {
                open.gaps.push(open.span.end..at);
                open.span.end = end;
                open.letters.push(c);
            }
            _ => {
                close(run.take());
                run = Some(Run { span: at..end, letters: c.to_string(), gaps: Vec::new() });
            }
        }
    }
    close(run.take());
    // A list of numbers or a table of single letters says nothing; words do.
    edits.retain(|(_, text)| {
        text.chars().filter(|c| c.is_alphabetic()).count() * 3 >= text.chars().count() * 2
    });
    if !edits.is_empty() {
        readings.push(Reading { how: Transform::Spacing, edits });
    }
}

/// The letters of a run as words: a wider gap than the usual parts two words; without such gaps the known
/// words do.
fn joined(text: &str, run: &Run) -> String {
    let width = |gap: &Range<usize>| text.get(gap.clone()).map_or(0, |g| g.chars().count());
    let usual = run.gaps.iter().map(width).min().unwrap_or(0);
    let blank =
        |gap: &Range<usize>| text.get(gap.clone()).is_some_and(|g| g.chars().all(char::is_whitespace));
    let signs_part_letters = run.gaps.iter().filter(|g| !blank(g)).count() * 2 > run.gaps.len();
    let other = |gap: &Range<usize>| width(gap) > usual || (signs_part_letters && blank(gap));
    let mut words = String::with_capacity(run.letters.len() * 2);
    for (i, letter) in run.letters.chars().enumerate() {
        if i > 0 && run.gaps.get(i - 1).is_some_and(other) {
            words.push(' ');
        }
        words.push(letter);
    }
    if words.len() == run.letters.len() { divided(&run.letters).unwrap_or(words) } else { words }
}

/// "ig-nore", "in*struct*ions": known words once the signs are gone, and not before.
fn signs_in_words(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for piece in scan.pieces.iter().filter(|p| matches!(p.kind, Kind::Mixed | Kind::Unknown | Kind::Known)) {
        let word = scan.core(piece);
        // Programs are full of other signs.
        let sign = |b: u8| br"-_.*~`|/\^=+:'".contains(&b);
        if word.len() > 64 || !word.bytes().all(|b| b.is_ascii_alphabetic() || sign(b)) {
            continue;
        }
        let mut parts = word.split(|c: char| !c.is_ascii_alphabetic()).filter(|p| !p.is_empty());
        if word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'\'') {
            continue;
        }
        let strange = parts.any(|p| !known(p.as_bytes()));
        let letters: String = word.chars().filter(char::is_ascii_alphabetic).collect();
        if strange && letters.len() >= 5 && known(letters.as_bytes()) {
            edits.push((piece.core.clone(), letters));
        }
    }
    if edits.len() >= 2 {
        readings.push(Reading { how: Transform::Joined, edits });
    }
}

/// Fewest lines of an acrostic.
const LEAST_LINES: usize = 10;

fn first_letters(text: &str, readings: &mut Vec<Reading>) {
    let lines = || text.lines().map(str::trim_start).filter(|l| !l.is_empty());
    if lines().nth(LEAST_LINES - 1).is_none() {
        return;
    }
    let letters: String = lines()
        .take(400)
        .filter_map(|l| l.chars().find(|c| c.is_alphanumeric()))
        .filter(char::is_ascii_alphabetic)
        .collect();
    if let Some(words) = divided(&letters) {
        readings.push(Reading { how: Transform::Acrostic, edits: vec![(0..text.len(), words)] });
    }
}
