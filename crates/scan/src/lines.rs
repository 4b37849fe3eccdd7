//! Where lines end. Python's `str.splitlines` and YAML 1.1 know more ends than a line feed: what reads a file by them has a
//! line where everybody else has the rest of a comment.

use std::borrow::Cow;

/// Whether a text has an end of line that only some readers know.
pub(crate) fn has_uncommon(text: &str) -> bool {
    text.contains(uncommon) || text.split('\r').skip(1).any(|rest| !rest.starts_with('\n'))
}

/// The text with every end of a line that Python knows written as a line feed.
pub(crate) fn of_python(text: &str) -> Cow<'_, str> {
    if text.contains(|c| c == '\r' || uncommon(c)) {
        Cow::Owned(text.replace("\r\n", "\n").replace(|c| c == '\r' || uncommon(c), "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Ends of lines beside the line feed and the carriage return (Python, "String Methods", `str.splitlines`).
fn uncommon(c: char) -> bool {
    matches!(c, '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The text with the escapes of YAML and TOML undone, and lines that go on joined: what their readers make of a value in
/// quotes. Elsewhere a backslash stands for itself, so that this is a reading beside the text's own.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = match behind.bytes().next() {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        let code =
            behind.get(1..=digits).filter(|_| digits > 0).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if let Some(c) = code.and_then(char::from_u32) {
            out.push(c);
            rest = &behind[1 + digits..];
        } else if behind.trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
            rest = behind.trim_start();
        } else {
            out.push('\\');
            rest = behind;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}
