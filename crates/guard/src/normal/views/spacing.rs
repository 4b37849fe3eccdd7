//! Words taken apart: letters with spaces, points, dashes or pictures between them, a letter a line, signs
//! inside words.

use std::ops::Range;

use super::scan::{Kind, Piece, Scan, is_letter};
use super::words::{divided, known};
use super::{Reading, Transform};

/// Fewest letters in a row that stand alone.
const LEAST: usize = 5;
/// Most characters between two such letters.
const WIDEST_GAP: usize = 6;
/// Most letters of one run.
const MOST: usize = 4096;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.alone >= LEAST {
        lone_letters(scan.text, readings);
    }
    if scan.count(Kind::Mixed) + scan.count(Kind::Unknown) > 0 || scan.has(b'-') + scan.has(b'\'') > 0 {
        signs_in_words(scan, readings);
    }
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
        if !is_letter(c) {
            continue;
        }
        let mut length = 1;
        let mut end = at + c.len_utf8();
        while let Some((next, c)) = chars.next_if(|(_, c)| is_letter(*c)) {
            length += 1;
            end = next + c.len_utf8();
        }
        if length > 1 {
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
        readings.push(Reading::of(Transform::Spacing, edits));
    }
}

/// The letters of a run as words: a wider gap than the usual parts two words; without such gaps the known
/// words do. Signs that are not what parts the letters stay.
fn joined(text: &str, run: &Run) -> String {
    let of = |gap: &Range<usize>| text.get(gap.clone()).unwrap_or_default();
    let sign = usual_sign(run.gaps.iter().map(of));
    let width = |gap: &str| gap.chars().count();
    let usual = run.gaps.iter().map(|gap| width(of(gap))).min().unwrap_or(0);
    let mut words = String::with_capacity(run.letters.len() * 2);
    let mut marked = false;
    for (i, letter) in run.letters.chars().enumerate() {
        if let Some(gap) = i.checked_sub(1).and_then(|i| run.gaps.get(i)).map(of) {
            let marks = gap.chars().filter(|c| !c.is_whitespace() && Some(*c) != sign);
            let before = words.len();
            words.extend(marks);
            // Each mark has a gap of its own.
            let expected = usual + (words.len() - before) * (usual + 1);
            marked |= words.len() > before;
            let blank = sign.is_some() && gap.chars().all(char::is_whitespace);
            if width(gap) > expected || blank {
                words.push(' ');
            }
        }
        words.push(letter);
    }
    if words.contains(' ') || marked { words } else { divided(&run.letters).unwrap_or(words) }
}

/// The sign that parts most letters, if it is no space.
fn usual_sign<'t>(gaps: impl Iterator<Item = &'t str> + Clone) -> Option<char> {
    let firsts = || gaps.clone().filter_map(|gap| gap.chars().find(|c| !c.is_whitespace()));
    let candidate = firsts().next()?;
    let most = firsts().filter(|c| *c == candidate).count();
    (most * 2 > gaps.count()).then_some(candidate)
}

/// "ig-nore", "in*struct*ions": known words once the signs are gone, and not before.
fn signs_in_words(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let may_be = |p: &&Piece| matches!(p.kind, Kind::Mixed | Kind::Unknown | Kind::Known) && !p.plain;
    for piece in scan.pieces.iter().filter(may_be) {
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
        readings.push(Reading::of(Transform::Joined, edits));
    }
}
