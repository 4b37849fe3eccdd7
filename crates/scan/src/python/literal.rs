//! What literals hold ("String and Bytes literals", "Formatted string literals", "Integer literals").

use super::token::string_end;

/// Where a replacement field ends (behind its brace), and its expression without conversion and format.
pub(super) fn field(inside: &str) -> (usize, &str) {
    let bytes = inside.as_bytes();
    let mut open = 0usize;
    let mut code_end = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b'}' if open == 0 => {
                let code = inside.get(..code_end.unwrap_or(at)).unwrap_or_default();
                return (at + 1, code.trim_end().trim_end_matches('='));
            }
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'!' if open == 0 && bytes.get(at + 1) != Some(&b'=') => {
                code_end.get_or_insert(at);
            }
            b':' if open == 0 => {
                code_end.get_or_insert(at);
            }
            b'"' | b'\'' if code_end.is_none() => {
                at = string_end(bytes, at, false, 0).0.max(at + 1);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    (inside.len(), inside.get(..code_end.unwrap_or(inside.len())).unwrap_or_default())
}

pub(super) fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "").to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).ok();
        }
    }
    plain.trim_end_matches('l').parse().ok()
}

/// A text literal's content. Named characters (`\N{…}`) stay as they are written.
pub(super) fn unescape(body: &str, raw: bool) -> String {
    if raw || !body.contains('\\') {
        return body.to_owned();
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (taken, value) = escape(from.as_bytes(), true);
        match value.and_then(char::from_u32) {
            Some(c) => out.push(c),
            None if matches!(from.as_bytes().get(1), Some(b'\n' | b'\r')) => {}
            None => out.push_str(from.get(..taken).unwrap_or_default()),
        }
        rest = from.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

pub(super) fn unescape_bytes(body: &str, raw: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if raw || byte != b'\\' {
            out.push(byte);
            rest = tail;
            continue;
        }
        let (taken, value) = escape(rest, false);
        match value.and_then(|v| u8::try_from(v & 0xff).ok()) {
            Some(value) => out.push(value),
            None if matches!(rest.get(1), Some(b'\n' | b'\r')) => {}
            None => out.extend_from_slice(rest.get(..taken).unwrap_or_default()),
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// How many bytes an escape takes, and its character. Never ends inside a character of more than one byte.
fn escape(from: &[u8], text: bool) -> (usize, Option<u32>) {
    let digits = |at: usize, most: usize, radix: u32| {
        let run = from.get(at..).unwrap_or_default().iter().take(most);
        let run: Vec<u32> = run.map_while(|b| char::from(*b).to_digit(radix)).collect();
        (run.len(), run.iter().fold(0u32, |n, d| n.wrapping_mul(radix).wrapping_add(*d)))
    };
    let exact = |count: usize| match digits(2, count, 16) {
        (n, value) if n == count => (2 + count, Some(value)),
        _ => (1, None),
    };
    match from.get(1) {
        Some(b'n') => (2, Some(10)),
        Some(b't') => (2, Some(9)),
        Some(b'r') => (2, Some(13)),
        Some(b'a') => (2, Some(7)),
        Some(b'b') => (2, Some(8)),
        Some(b'f') => (2, Some(12)),
        Some(b'v') => (2, Some(11)),
        Some(c @ (b'\\' | b'\'' | b'"')) => (2, Some(u32::from(*c))),
        Some(b'\r') if from.get(2) == Some(&b'\n') => (3, None),
        Some(b'\n' | b'\r') => (2, None),
        Some(b'x') => exact(2),
        Some(b'u') if text => exact(4),
        Some(b'U') if text => exact(8),
        Some(b'0'..=b'7') => {
            let (count, value) = digits(1, 3, 8);
            (1 + count, Some(value & 0x1ff))
        }
        _ => (1, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_the_language() {
        assert_eq!(unescape(r"\x6f\163\u0041\U00000042\q\\n", false), "os\u{41}B\\q\\n");
        assert_eq!(
            unescape_bytes(r"\x00\377\u0041é", false),
            "\u{0}\u{0}\\u0041é"
                .bytes()
                .enumerate()
                .map(|(i, b)| if i == 1 { 0xff } else { b })
                .collect::<Vec<u8>>()
        );
        assert_eq!(unescape("a\\\r\nb", false), "ab");
        assert_eq!(integer("0x_ff"), Some(255));
        assert_eq!(integer("1_000"), Some(1000));
        assert_eq!(integer("1e3"), None);
    }

    #[test]
    fn a_field_ends_at_its_own_brace() {
        assert_eq!(field("a['}']:>{w}}!"), (12, "a['}']"));
        assert_eq!(field("x!r}"), (4, "x"));
        assert_eq!(field("x=}"), (3, "x"));
    }
}
