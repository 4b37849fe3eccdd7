//! The escapes of HTML and Markdown within a destination, as far as they can hide a link.

use std::borrow::Cow;

/// Character references undone: numeric ones, and the named ones for what links are made of.
pub(super) fn html(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        match reference(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Backslashes before punctuation dropped, then character references undone.
pub(super) fn markdown(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return html(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match characters.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => {}
            _ => out.push(c),
        }
        if c == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation) {
            out.extend(characters.next());
        }
    }
    Cow::Owned(html(&out).into_owned())
}

/// The character a reference at the beginning of `text` stands for, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, marker) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits.bytes().take(12).take_while(|b| char::from(*b).is_digit(radix)).count();
        let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
        return Some((char::from_u32(code)?, marker + length + semicolon));
    }
    let end = body.bytes().take(10).position(|b| b == b';')?;
    let c = match body.get(..end)? {
        "amp" => '&',
        "colon" => ':',
        "sol" => '/',
        "bsol" => '\\',
        "period" => '.',
        "commat" => '@',
        "quest" => '?',
        "num" => '#',
        "equals" => '=',
        "percnt" => '%',
        "lpar" => '(',
        "rpar" => ')',
        "lowbar" => '_',
        "hyphen" | "dash" => '-',
        "Tab" => '\t',
        "NewLine" => '\n',
        "quot" => '"',
        "apos" => '\'',
        "shy" => '\u{ad}',
        _ => return None,
    };
    Some((c, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_backslashes_are_undone() {
        assert_eq!(html("&#104;ttps&colon;&sol;&#x2f;a&period;b&amp;c&unknown;"), "https://a.b&c&unknown;");
        assert_eq!(html("&#99999999999;&"), "&#99999999999;&");
        assert_eq!(markdown("https\\://a\\_b\\c&#46;d"), "https://a_b\\c.d");
    }
}
