//! JSON as editors read their settings: with comments and last commas (Visual Studio Code, "JSON with Comments"; Zed;
//! development containers).

use std::borrow::Cow;

/// The text without what only editors allow; comments become blanks, so that lines stay where they are.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.contains("//") && !text.contains("/*") && !text.contains(',') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    // Where the last comma stands in `out`, if nothing but blanks came since.
    let mut comma = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => quoted(rest),
            '/' if rest.starts_with("//") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            other => other.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        if token.starts_with("//") || token.starts_with("/*") {
            out.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            if let (']' | '}', Some(at)) = (first, comma) {
                out.replace_range(at..=at, " ");
            }
            if !first.is_whitespace() {
                comma = (first == ',').then_some(out.len());
            }
            out.push_str(token);
        }
        rest = behind;
    }
    Cow::Owned(out)
}

/// How long the text in quotes is that begins here.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_editors_allow_is_taken_out() {
        for (text, same) in [
            ("/* a */ {\"b\": \"// c\", // d\n \"e\": [1, 2, /* , */ ],\n}", r#"{"b":"// c","e":[1,2]}"#),
            ("\u{feff}{\"a\\\"//\": 1}", r#"{"a\"//":1}"#),
            ("// only\r{}", "{}"),
            ("{\"a\": \"x,]\", \"b\": \"/*\"}", r#"{"a":"x,]","b":"/*"}"#),
        ] {
            let tight: String = plain(text).split_whitespace().collect();
            assert_eq!(tight, same.replace(' ', ""), "{text:?}");
        }
        for open in ["\"", "/*", "{\"a", "/", ",", "\\", ""] {
            assert!(plain(open).len() <= open.len());
        }
    }
}
