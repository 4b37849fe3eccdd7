//! Text as a terminal would show it: escape sequences gone (ECMA-48), characters that were struck over
//! erased.

use std::borrow::Cow;

use super::base::Layer;
use super::invisible::is_invisible;
use super::spans::SpanBuilder;

/// Most characters of one escape sequence; a longer one is shown as text.
const LONGEST_SEQUENCE: usize = 256;

/// `source` without terminal controls. Invisible characters are left out too, for they must not part an
/// escape sequence.
pub(super) fn shown(source: &str) -> Layer<'_> {
    let chars: Vec<(usize, char)> = source.char_indices().filter(|(_, c)| !is_invisible(*c)).collect();
    let mut kept: Vec<(usize, char)> = Vec::with_capacity(chars.len());
    let mut rest = chars.as_slice();
    while let Some(((at, c), after)) = rest.split_first() {
        rest = match c {
            '\u{1b}' => rest.get(1 + sequence(after)..).unwrap_or_default(),
            '\u{9b}' => rest.get(1 + control_sequence(after)..).unwrap_or_default(),
            '\u{8}' => {
                if kept.last().is_some_and(|(_, c)| *c != '\n') {
                    kept.pop();
                }
                after
            }
            '\u{7}' => after,
            _ => {
                kept.push((*at, *c));
                after
            }
        };
    }
    let mut text = String::with_capacity(source.len());
    let mut spans = SpanBuilder::default();
    for (at, c) in kept {
        text.push(c);
        spans.push(c.len_utf8(), at..at + c.len_utf8(), true);
    }
    Layer { text: Cow::Owned(text), spans: spans.finish() }
}

/// How many characters after an escape belong to its sequence.
fn sequence(after: &[(usize, char)]) -> usize {
    match after.first().map(|(_, c)| *c) {
        Some('[') => match control_sequence(after.get(1..).unwrap_or_default()) {
            0 => 0,
            length => 1 + length,
        },
        Some(']' | 'P' | '_' | '^' | 'X') => {
            let window = after.get(..after.len().min(LONGEST_SEQUENCE)).unwrap_or_default();
            match window.iter().position(|(_, c)| matches!(c, '\u{7}' | '\u{1b}' | '\n')) {
                Some(end) => match window.get(end..end + 2) {
                    Some([(_, '\u{1b}'), (_, '\\')]) => end + 2,
                    _ if window.get(end).is_some_and(|(_, c)| *c == '\u{7}') => end + 1,
                    _ => end,
                },
                None => 0,
            }
        }
        _ => 0,
    }
}

/// How many characters belong to a control sequence: parameters, intermediates, one final.
fn control_sequence(after: &[(usize, char)]) -> usize {
    let body = after.iter().take(LONGEST_SEQUENCE).take_while(|(_, c)| matches!(c, ' '..='?')).count();
    match after.get(body) {
        Some((_, '@'..='~')) => body + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_a_terminal_shows() {
        for (source, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("no\u{8}\u{8}yes", "yes"),
            ("b\u{8}bo\u{8}ol\u{8}ld\u{8}d", "bold"),
            ("\u{1b}]8;;https://a.example\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("\u{9b}1;2Hx", "x"),
            ("\u{1b}\u{200b}[2Jx", "x"),
            ("\u{1b}\u{1b}[0m[31m", "[31m"),
            ("\u{1b}[", "["),
        ] {
            assert_eq!(shown(source).text, expected, "{source:?}");
        }
    }
}
