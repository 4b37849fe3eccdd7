//! Control sequences that are written out, such as `\x1b[2J` or `\u001b]52;…`.
//!
//! A terminal shows these characters. What unescapes them on the way makes them real: whoever parses an answer as
//! JSON, or hands it to `printf` or `echo -e`. People write them for one another in code, and there they stay; in
//! running text they have no place, and a model that says them there was most likely made to.

use super::super::code::Within;
use super::super::look::{Look, Open, Step};
use super::{EXAMPLE, PARAMETERS, WRITTEN, hit};

/// Ways to write ESC after a backslash, and whether it can be nothing else.
const ESCAPES: &[(&str, bool)] = &[
    ("x1b", true),
    ("x{1b}", true),
    ("u001b", true),
    ("u{1b}", true),
    ("u{001b}", true),
    ("U0000001b", true),
    ("033", true),
    ("0033", true),
    ("27", false),
    ("e", false),
];

/// Ways to write the eight-bit CSI and OSC.
const EIGHT_BIT: &[(&str, u8)] = &[("x9b", b'['), ("x9d", b']'), ("u009b", b'['), ("u009d", b']')];

/// Longest way to write one, with the character after it.
const LONGEST: usize = 11;

/// How far the end of a code span is looked for. A backtick alone makes no code.
const SPAN_BYTES: usize = 256;

pub(super) fn recognise(look: Look<'_>, within: Within) -> Step {
    let closes = match within {
        Within::Text => Some(false),
        Within::Fence(_) => Some(true),
        Within::Span(run) => closes(look, run),
    };
    match closes {
        Some(code) => begins(look, if code { EXAMPLE } else { WRITTEN }),
        // What would be nothing in either needs no waiting.
        None if matches!(begins(look, WRITTEN), Step::No) => Step::No,
        None => Step::More,
    }
}

/// Whether a span of `run` backticks ends in this line; nothing where the text ends before that is known.
fn closes(look: Look<'_>, run: usize) -> Option<bool> {
    let bytes = look.bytes();
    let line = bytes.iter().take(SPAN_BYTES).position(|b| *b == b'\n');
    let seen = bytes.get(..line.unwrap_or(SPAN_BYTES).min(bytes.len())).unwrap_or_default();
    let mut runs = seen.chunk_by(|a, b| (*a == b'`') == (*b == b'`')).filter(|c| c.first() == Some(&b'`'));
    let ends = runs.any(|found| found.len() == run);
    // The last run may go on.
    let cut = line.is_none() && bytes.len() < SPAN_BYTES && !look.is_final();
    if cut && (!ends || bytes.last() == Some(&b'`')) { None } else { Some(ends) }
}

fn begins(look: Look<'_>, rule: usize) -> Step {
    let Some(rest) = look.rest().strip_prefix('\\') else { return Step::No };
    if rest.len() < LONGEST && !look.is_final() && may_begin(rest) {
        return Step::More;
    }
    // The longest first: what begins with another way to write it is that other one.
    for (name, certain) in ESCAPES {
        if let Some(after) = without(rest, name) {
            return introduced(look, 1 + name.len(), after, *certain, rule);
        }
    }
    for (name, introducer) in EIGHT_BIT {
        if let Some(after) = without(rest, name) {
            // One byte among others that are written so is no control sequence but a dump.
            let before = look.before();
            let tail = before.get(before.len().saturating_sub(4)..).unwrap_or_default();
            if after.starts_with('\\') || tail.starts_with("\\x") {
                return Step::No;
            }
            let length = 1 + name.len();
            return if *introducer == b'[' {
                control(look, length, true, rule)
            } else {
                string(length, rule)
            };
        }
    }
    Step::No
}

fn introduced(look: Look<'_>, length: usize, after: &str, certain: bool, rule: usize) -> Step {
    match after.as_bytes().first() {
        Some(b'[') => control(look, length + 1, certain, rule),
        Some(b']') => string(length + 1, rule),
        Some(b'P' | b'_' | b'^' | b'X') if certain => string(length + 1, rule),
        // A full reset, where it cannot be the beginning of a word.
        Some(b'c') if certain && !after.as_bytes().get(1).is_some_and(u8::is_ascii_alphanumeric) => {
            found(length + 1, None, rule)
        }
        None => look.out_of_text(),
        _ => Step::No,
    }
}

/// Parameters and a final byte after `length` bytes of introducer.
fn control(look: Look<'_>, length: usize, certain: bool, rule: usize) -> Step {
    let Some(run) = look.run(length, PARAMETERS, |b| matches!(b, 0x30..=0x3f | b'!' | b'$')) else {
        return Step::More;
    };
    match look.bytes().get(length + run) {
        Some(b'@' | b'A'..=b'Z' | b'a'..=b'z') => found(length + run + 1, None, rule),
        None if !look.is_final() => Step::More,
        _ if certain => found(length + run, None, rule),
        // `\e[` may open a class of a regular expression.
        _ => Step::No,
    }
}

/// A string of the terminal: until its end is written, or the line ends.
fn string(length: usize, rule: usize) -> Step {
    found(length, Some(Open::Run(|b| !matches!(b, b'\\' | b'\n' | b'`' | 0x07 | 0x1b))), rule)
}

fn found(length: usize, open: Option<Open>, rule: usize) -> Step {
    let reason = "what unescapes the answer hands a terminal a control sequence";
    hit(rule, length, open, "written control sequence".to_owned(), reason)
}

/// What follows `name` in `rest`, in whichever case its letters are.
fn without<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let head = rest.get(..name.len())?;
    // `\E` is as good as `\e`, and `\X1B` is nothing.
    let first = head.as_bytes().first() == name.as_bytes().first() || name == "e";
    (first && head.eq_ignore_ascii_case(name)).then(|| rest.get(name.len()..)).flatten()
}

/// Whether `rest` is cut off where one of the names, with the character after it, may go on.
fn may_begin(rest: &str) -> bool {
    let names = ESCAPES.iter().map(|(name, _)| *name).chain(EIGHT_BIT.iter().map(|(name, _)| *name));
    names.into_iter().any(|name| {
        let seen = name.len().min(rest.len());
        // Two more characters: what follows decides whether it is one.
        rest.len() < name.len() + 2
            && rest.get(..seen).zip(name.get(..seen)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
    })
}
