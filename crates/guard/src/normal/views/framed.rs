//! What data and programs hand on: the one string of a document or a function, the lines between prompts, fences or
//! keys, by itself.
//!
//! A short order in such a frame is what it was without it, but the frame is judged with it, and what is written in
//! another way stands beside words that are not. Only a text that is mostly one such thing is read so: in others the
//! frame is what they are about.

use std::ops::Range;

use super::scan::Scan;
use super::{Reading, Transform};

/// Fewest bytes of what is framed, and most of a text with a frame.
const LEAST: usize = 16;
const MOST: usize = 4 << 10;
/// Most lines of a frame at one end.
const MOST_LINES: usize = 6;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if !(LEAST..=MOST).contains(&scan.text.len()) {
        return;
    }
    if scan.has(b'"') + scan.has(b'\'') >= 2
        && let Some((range, said)) = literal(scan.text)
    {
        readings.push(Reading::alone(Transform::Framed, (range, said)));
    }
    if scan.has(b'<') >= 2
        && let Some(range) = element(scan.text)
    {
        let said = scan.text.get(range.clone()).unwrap_or_default().to_owned();
        readings.push(Reading::alone(Transform::Framed, (range, said)));
        return;
    }
    if scan.has(b'\n') > 0
        && let Some(range) = between_lines(scan.text)
    {
        let said = dedented(scan.text.get(range.clone()).unwrap_or_default());
        readings.push(Reading::alone(Transform::Framed, (range, said)));
    }
    if scan.has(b':') >= 2
        && scan.has(b'\n') > 0
        && let Some(range) = turn(scan.text)
    {
        let said = scan.text.get(range.clone()).unwrap_or_default().to_owned();
        readings.push(Reading::alone(Transform::Framed, (range, said)));
    }
}

/// What one speaker says who says most of a conversation that is written down.
fn turn(text: &str) -> Option<Range<usize>> {
    const SPEAKERS: &[&str] =
        &["system", "assistant", "user", "human", "ai", "bot", "developer", "tool", "model", "agent"];
    let mut open: Option<usize> = None;
    let mut turns: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((name, _)) = line.split_once(':')
            && SPEAKERS.iter().any(|speaker| speaker.eq_ignore_ascii_case(name.trim()))
        {
            turns.extend(open.map(|start| start..at));
            open = Some(at + name.len() + 1);
        }
        at += line.len();
    }
    turns.extend(open.map(|start| start..at));
    let whole = |turn: &Range<usize>| {
        let said = text.get(turn.clone()).unwrap_or_default();
        turn.start + (said.len() - said.trim_start().len())..turn.end - (said.len() - said.trim_end().len())
    };
    let mut trimmed = turns.iter().filter(|_| turns.len() > 1).map(whole);
    trimmed.find(|turn| text.get(turn.clone()).is_some_and(|said| is_most(said, text)))
}

/// Whether `part` is most of `whole`, without being all of it.
fn is_most(part: &str, whole: &str) -> bool {
    part.trim().len() >= LEAST
        && part.len() * 2 >= whole.trim().len()
        && part.trim().len() < whole.trim().len()
}

/// Whether a string is for somebody to read: words, letters of a script without spaces, or escapes.
fn says(literal: &str) -> bool {
    let spaces = literal.trim().bytes().filter(|b| *b == b' ').count();
    let escapes = literal.bytes().filter(|b| *b == b'\\').count();
    spaces >= 2 || escapes >= 4 || literal.chars().filter(|c| u32::from(*c) >= 0x2e80).count() >= 4
}

/// The string that is most of a text, and what it says.
fn literal(text: &str) -> Option<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..)?.iter().position(|b| matches!(b, b'"' | b'\'')) {
        let start = at + skip + 1;
        let quote = *bytes.get(start - 1)?;
        // An apostrophe opens nothing.
        let in_word = start.checked_sub(2).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        let mut end = start;
        while let Some(b) = bytes.get(end).filter(|b| **b != quote && !in_word) {
            end += if *b == b'\\' { 2 } else { 1 };
        }
        let end = end.min(bytes.len());
        if let Some(part) = text.get(start..end).filter(|part| is_most(part, text) && says(part)) {
            return Some((start..end, unescaped(part)));
        }
        // More than half of it cannot come any more.
        if start * 2 > bytes.len() {
            return None;
        }
        at = end + usize::from(!in_word);
    }
    None
}

/// The escapes that JSON and programs have for quotation marks, lines and themselves undone; others stay.
fn unescaped(literal: &str) -> String {
    let mut said = String::with_capacity(literal.len());
    let mut chars = literal.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            said.push(c);
            continue;
        }
        match chars.next() {
            Some('n' | 'r') => said.push('\n'),
            Some('t') => said.push('\t'),
            Some(sign @ ('"' | '\'' | '\\' | '/')) => said.push(sign),
            other => {
                said.push('\\');
                said.extend(other);
            }
        }
    }
    said
}

/// What is most of a text between two tags.
fn element(text: &str) -> Option<Range<usize>> {
    let mut start = text.find('>')? + 1;
    loop {
        let end = text.get(start..)?.find('<').map(|length| start + length)?;
        if is_most(text.get(start..end)?, text) {
            return Some(start..end);
        }
        // More than half of it cannot come any more.
        if end * 2 > text.len() {
            return None;
        }
        start = end + text.get(end..)?.find('>')? + 1;
    }
}

/// The lines between the frames at the beginning and the end, if there are any.
fn between_lines(text: &str) -> Option<Range<usize>> {
    let lines = || text.split_inclusive('\n');
    let length = |lines: &mut dyn Iterator<Item = &str>| -> usize {
        let mut ends = 0;
        let mut all = 0;
        for line in lines.take(MOST_LINES + 1) {
            all += line.len();
            if is_frame(line) {
                ends = all;
            } else if !line.trim().is_empty() {
                break;
            }
        }
        ends
    };
    let head = length(&mut lines());
    let tail = length(&mut lines().rev());
    let range = head..text.len().checked_sub(tail).filter(|end| *end > head)?;
    (head + tail > 0 && is_most(text.get(range.clone())?, text)).then_some(range)
}

/// Whether a line is a fence, a prompt with a command, an element by itself, or a key with a short value.
fn is_frame(line: &str) -> bool {
    const SHORT: usize = 24;
    let line = line.trim();
    let fence = line.starts_with("```") || line.starts_with("~~~") || line.starts_with("---");
    let element = line.starts_with('<') && line.ends_with('>') && !line.contains(' ');
    let brackets = !line.is_empty() && line.chars().all(|c| "{}[](),;".contains(c));
    // "name@host:~# command", "$ command", "> command".
    let prompt = line.split_once(' ').is_some_and(|(first, _)| {
        let signed = first.ends_with(['#', '$', '%', '>']);
        signed && (first.len() == 1 || first.contains('@') || first.contains(':'))
    });
    let key = line.split_once(':').is_some_and(|(key, value)| {
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !key.is_empty()
            && key.chars().all(named)
            && value.len() <= SHORT
            && value.trim().split(' ').count() <= 2
    });
    fence || element || brackets || prompt || key
}

/// The lines without the white space that all of them begin with.
fn dedented(lines: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let least = lines.split('\n').filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let cut = |line: &str| line.get(least.min(indent(line))..).unwrap_or_default().to_owned();
    lines.split('\n').map(cut).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_in(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().filter_map(|r| Some(r.edits.into_iter().next()?.1)).collect()
    }

    #[test]
    fn what_is_framed_is_read_by_itself() {
        for (text, said) in [
            (
                r#"{"kind":"note","text":"bring the \"blue\" folder\nto me"}"#,
                "bring the \"blue\" folder\nto me",
            ),
            (
                "note:\n  from: me\n  body: |\n    bring the blue\n    folder to me\n",
                "bring the blue\nfolder to me\n",
            ),
            ("$ cat note\nbring the blue folder to me\n$ exit", "bring the blue folder to me\n"),
            ("```text\nbring the blue folder to me\n```", "bring the blue folder to me\n"),
            ("<a>\n<b c=d>bring the blue folder to me</b></a>", "bring the blue folder to me"),
            ("say 'bring the blue folder'", "bring the blue folder"),
        ] {
            assert_eq!(read_in(text), [said], "{text}");
        }
    }

    #[test]
    fn what_has_no_frame_or_is_mostly_frame_is_not() {
        for text in [
            "bring the blue folder to me\nand wait there",
            "it isn't here, and that's what's odd about the blue folder",
            "name: a\nversion: 2\nkind: b\n",
            "let a = \"one\"; let b = \"two\"; let c = \"three\";",
        ] {
            assert_eq!(read_in(text), [""; 0], "{text}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read(text in "(\"|'|\\\\|\n|```|a:|é| |word|\\{|\\})*") {
            let mut readings = Vec::new();
            read(&Scan::of(&text), &mut readings);
            for (range, _) in readings.iter().flat_map(|r| &r.edits) {
                prop_assert!(text.get(range.clone()).is_some());
            }
        }
    }
}
