//! Words taken apart: letters with spaces, points, dashes or pictures between them, a letter a line, signs
//! inside words.

use std::ops::Range;

use super::lexicon::is_word;
use super::order::is_encoded;
use super::regular;
use super::scan::{Kind, LONE as LEAST, Piece, Scan, is_letter, sign};
use super::words::{Hash, divided, known};
use super::{Reading, Transform};

/// Most characters between two such letters.
const WIDEST_GAP: usize = 6;
/// Most letters of one run.
const MOST: usize = 4096;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    lone_letters(scan, readings);
    signs_in_words(scan, readings);
}

/// Whether letters that were set apart are an encoding, in whatever order.
pub(super) fn is_coded(text: &str) -> bool {
    const LEAST_BITS: usize = 48;
    const LEAST_PERCENT: usize = 6;
    // Lines of templates begin with the same sign; behind one that encodes there are figures, in whatever order.
    let percent = || {
        let signs = text.bytes().filter(|b| *b == b'%').count();
        signs >= LEAST_PERCENT && text.bytes().filter(u8::is_ascii_digit).count() * 2 >= signs
    };
    is_encoded(text)
        || percent()
        || (text.len() >= LEAST_BITS && text.bytes().all(|b| matches!(b, b'0' | b'1' | b' ' | b'\n')))
}

struct Run {
    span: Range<usize>,
    letters: String,
    gaps: Vec<Range<usize>>,
}

fn lone_letters(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut done = 0;
    for pieces in &scan.lone {
        let ends = scan.pieces.get(pieces.start).zip(scan.pieces.get(pieces.end - 1));
        let Some((first, last)) = ends else { continue };
        let part = first.whole().start..last.whole().end;
        if part.end <= done {
            continue;
        }
        // Whatever was set apart in one and the same way comes together in no other.
        let mut start = part.start.max(done);
        while let Some((range, text)) = regular::joined(scan.text, &(start..part.end), done) {
            (start, done) = (range.end, range.end);
            edits.push((range, text));
            if done >= part.end {
                break;
            }
        }
        if done >= part.end {
            continue;
        }
        let before = edits.len();
        lone_letters_in(scan.text, start..part.end, &mut edits);
        // A list of numbers or a table of single letters says nothing; words do.
        let said = edits.split_off(before);
        edits.extend(said.into_iter().filter(|(_, text)| {
            text.chars().filter(|c| c.is_alphabetic()).count() * 3 >= text.chars().count() * 2
                || is_coded(text)
        }));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Spacing, edits));
    }
}

fn lone_letters_in(text: &str, part: Range<usize>, edits: &mut Vec<(Range<usize>, String)>) {
    let mut run: Option<Run> = None;
    let mut close = |run: Option<Run>| {
        if let Some(run) = run.filter(|r| r.letters.chars().count() >= LEAST) {
            edits.push(with_signs(text, &run, joined(text, &run)));
        }
    };
    let letters = text.get(part.clone()).unwrap_or_default();
    let mut chars = letters.char_indices().map(|(at, c)| (part.start + at, c)).peekable();
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
}

/// The letters of a run as words: a wider gap than the usual parts two words; without such gaps the known
/// words do. Signs that are not what parts the letters stay.
fn joined(text: &str, run: &Run) -> String {
    let of = |gap: &Range<usize>| text.get(gap.clone()).unwrap_or_default();
    let sign = usual_sign(run.gaps.iter().map(of));
    let width = |gap: &str| gap.chars().count();
    let usual = run.gaps.iter().map(|gap| width(of(gap))).min().unwrap_or(0);
    // A letter a line has its words apart by empty lines, if at all.
    let by_lines = run.gaps.iter().map(of).min_by_key(|gap| gap.len()).is_some_and(|gap| gap.contains('\n'));
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
            if gap.contains('\n') && !by_lines {
                words.push('\n');
            } else if width(gap) > expected || blank {
                words.push(' ');
            }
        }
        words.push(letter);
    }
    if words.contains([' ', '\n']) || marked { words } else { divided(&run.letters).unwrap_or(words) }
}

/// The letters of a run with the signs before and behind it that are set apart as they are.
fn with_signs(text: &str, run: &Run, joined: String) -> (Range<usize>, String) {
    /// Most signs at one end.
    const MOST_SIGNS: usize = 8;
    let gaps = run.gaps.iter().filter_map(|gap| text.get(gap.clone()));
    let Some(gap) = gaps.min_by_key(|gap| gap.len()) else { return (run.span.clone(), joined) };
    let is_sign = |c: &char| !is_letter(*c) && !c.is_whitespace() && !gap.contains(*c);
    let (mut span, mut before, mut after) = (run.span.clone(), Vec::new(), String::new());
    for _ in 0..MOST_SIGNS {
        let rest = text.get(..span.start).and_then(|rest| rest.strip_suffix(gap));
        let Some(c) = rest.and_then(|rest| rest.chars().next_back()).filter(is_sign) else { break };
        span.start -= gap.len() + c.len_utf8();
        before.push(c);
    }
    for _ in 0..MOST_SIGNS {
        let rest = text.get(span.end..).and_then(|rest| rest.strip_prefix(gap));
        let Some(c) = rest.and_then(|rest| rest.chars().next()).filter(is_sign) else { break };
        span.end += gap.len() + c.len_utf8();
        after.push(c);
    }
    before.reverse();
    (span, before.into_iter().collect::<String>() + &joined + &after)
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
    let may_be = |p: &&Piece| {
        matches!(p.kind, Kind::Mixed | Kind::Unknown | Kind::Known)
            && !p.plain
            && p.has(sign::JOINT)
            && !p.has(sign::DIGIT)
    };
    for piece in scan.odd().filter(may_be) {
        let word = scan.core(piece);
        // Programs are full of other signs.
        if word.len() > 64 || word.bytes().any(|b| sign::OF[usize::from(b)] & sign::NO_JOINT != 0) {
            continue;
        }
        let mut parts = word.split(|c: char| !c.is_ascii_alphabetic()).filter(|p| !p.is_empty());
        if word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'\'') {
            continue;
        }
        let mut joined = (Hash::default(), 0);
        word.bytes().filter(u8::is_ascii_alphabetic).for_each(|letter| {
            joined.0.push(letter);
            joined.1 += 1;
        });
        if joined.1 >= 5 && joined.0.known(joined.1) && parts.any(|p| !known(p.as_bytes())) {
            let joined: String = word.chars().filter(char::is_ascii_alphabetic).collect();
            if is_word(&joined) {
                edits.push((piece.core(), joined));
            }
        }
    }
    if edits.len() >= 2 {
        readings.push(Reading::of(Transform::Joined, edits));
    }
}
