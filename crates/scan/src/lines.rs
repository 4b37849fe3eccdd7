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
