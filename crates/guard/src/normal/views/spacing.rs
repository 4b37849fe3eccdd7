//! Words taken apart: letters with spaces, points, dashes or pictures between them, a letter a line.

use std::ops::Range;

use super::order::is_encoded;
use super::regular;
use super::scan::{LONE as LEAST, Scan, is_letter};
use super::words::divided;
use super::{Reading, Transform, clusters, in_words};

/// Most characters between two such letters.
const WIDEST_GAP: usize = 6;
/// Bytes of one character.
const LONGEST_CHARACTER: usize = 4;
/// Most letters of one run.
const MOST: usize = 4096;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    lone_letters(scan, readings);
    in_words::read(scan, readings);
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
        || is_list_of_codes(text)
        || (text.len() >= LEAST_BITS && text.bytes().all(|b| matches!(b, b'0' | b'1' | b' ' | b'\n')))
}

/// Whether most of a text are numbers that say by their form that they are codes of characters.
fn is_list_of_codes(text: &str) -> bool {
    const LEAST: usize = 6;
    let is_hex = |digits: &str, least: usize| {
        digits.len() >= least && digits.len() <= 8 && digits.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let is_code = |code: &&str| {
        let behind = |mark: &str| code.strip_prefix(mark);
        let bits = behind("0b").is_some_and(|bits| bits.bytes().all(|b| matches!(b, b'0' | b'1')));
        let hex = ["0x", "\\", "U+", "u+"].iter().filter_map(|mark| behind(mark));
        let ends = code.strip_suffix(['h', 'H']).is_some_and(|digits| is_hex(digits, 2));
        bits && code.len() > 6 || ends || hex.into_iter().any(|digits| is_hex(digits, 2))
    };
    let codes =
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).filter(|code| !code.is_empty());
    // Escapes have nothing between two of them.
    let escapes =
        || text.split('\\').skip(1).filter(|code| is_hex(code.trim_end_matches([' ', ',']), 2)).count();
    let (all, those) =
        codes.fold((0, 0), |(all, those), code| (all + 1, those + usize::from(is_code(&code))));
    those >= LEAST && those * 10 >= all * 8 || text.starts_with('\\') && escapes() >= LEAST
}

struct Run<'t> {
    span: Range<usize>,
    /// Letters, each with its marks.
    letters: Vec<&'t str>,
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
        // Whatever was set apart in one and the same way comes together in no other. A row may begin at the end of a word.
        let next = scan.pieces.get(pieces.start + 1).filter(|_| first.whole().len() > LONGEST_CHARACTER);
        let begin = next.map_or(part.start, |next| next.whole().start).max(done);
        let mut start = begin;
        while let Some((range, text)) = regular::joined(scan.text, &(start..part.end), done) {
            (start, done) = (range.end, range.end);
            edits.push((range, text));
            if done >= part.end {
                break;
            }
        }
        if start == begin {
            start = part.start.max(done);
        }
        if done >= part.end {
            continue;
        }
        let before = edits.len();
        lone_letters_in(scan.text, start..part.end, &mut edits);
        // A list of numbers or a table of single letters says nothing; words do.
        let said = edits.split_off(before);
        edits.extend(said.into_iter().filter(|(_, text)| {
            text.chars().filter(|c| c.is_alphabetic() || clusters::is_mark(*c)).count() * 3
                >= text.chars().count() * 2
                || is_coded(text)
        }));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Spacing, edits));
    }
}

fn lone_letters_in(text: &str, part: Range<usize>, edits: &mut Vec<(Range<usize>, String)>) {
    let mut run: Option<Run<'_>> = None;
    let mut close = |run: Option<Run<'_>>| {
        if let Some(run) = run.filter(|r| r.letters.len() >= LEAST) {
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
            length += usize::from(!clusters::is_mark(c));
            end = next + c.len_utf8();
        }
        let letter = text.get(at..end).unwrap_or_default();
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
                open.letters.push(letter);
            }
            _ => {
                close(run.take());
                run = Some(Run { span: at..end, letters: vec![letter], gaps: Vec::new() });
            }
        }
    }
    close(run.take());
}

/// The letters of a run as words: a wider gap than the usual parts two words; without such gaps the known
/// words do. Signs that are not what parts the letters stay.
fn joined(text: &str, run: &Run<'_>) -> String {
    let of = |gap: &Range<usize>| text.get(gap.clone()).unwrap_or_default();
    let sign = usual_sign(run.gaps.iter().map(of));
    let width = |gap: &str| gap.chars().count();
    let usual = run.gaps.iter().map(|gap| width(of(gap))).min().unwrap_or(0);
    // A letter a line has its words apart by empty lines, if at all.
    let by_lines = run.gaps.iter().map(of).min_by_key(|gap| gap.len()).is_some_and(|gap| gap.contains('\n'));
    let mut words = String::with_capacity(run.letters.len() * 2);
    let mut marked = false;
    for (i, letter) in run.letters.iter().enumerate() {
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
        words.push_str(letter);
    }
    if words.contains([' ', '\n']) || marked {
        words
    } else {
        divided(&run.letters.concat()).unwrap_or(words)
    }
}

/// The letters of a run with the signs before and behind it that are set apart as they are.
fn with_signs(text: &str, run: &Run<'_>, joined: String) -> (Range<usize>, String) {
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
