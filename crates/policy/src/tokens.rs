//! A tokeniser for Rego, as far as the lint, the metadata reader and the test runner need one.
//!
//! The engine's own syntax tree is not part of its stable interface, so what we refuse is read from the
//! text: names, calls, imports, rule heads. Never recursive; positions count from 1.

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub line: u64,
    pub column: u64,
    /// Directly after the token before it, with nothing between.
    pub joined: bool,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word, or several joined by dots: `input`, `regex.match`.
    Name,
    /// A quoted text, `"…"` or `` `…` ``.
    Text,
    /// A number.
    Number,
    /// One punctuation character.
    Mark,
    /// From `#` to the end of the line.
    Comment,
    /// A text that does not end.
    Unfinished,
}

/// The tokens of `source`, comments included, blanks left out.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut out = Vec::new();
    let (mut at, mut line, mut line_start, mut last_end) = (0, 1, 0, usize::MAX);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\n' {
            (at, line, line_start) = (at + 1, line + 1, at + 1);
            continue;
        }
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (kind, end) = match byte {
            b'#' => (Kind::Comment, find(bytes, at, |b| b == b'\n')),
            b'"' => quoted(bytes, at),
            b'`' => match find(bytes, at + 1, |b| b == b'`') {
                end if end < bytes.len() => (Kind::Text, end + 1),
                end => (Kind::Unfinished, end),
            },
            b'0'..=b'9' => {
                (Kind::Number, find(bytes, at, |b| !(b.is_ascii_alphanumeric() || b == b'.' || b == b'_')))
            }
            b if is_word(b) => (Kind::Name, dotted(bytes, at)),
            // A character of more than one byte is one mark.
            _ => (Kind::Mark, find(bytes, at + 1, |b| b & 0xC0 != 0x80)),
        };
        let text = source.get(at..end).unwrap_or_default();
        out.push(Token { kind, text, line, column: (at - line_start + 1) as u64, joined: last_end == at });
        for (offset, b) in bytes.get(at..end).unwrap_or_default().iter().enumerate() {
            if *b == b'\n' {
                (line, line_start) = (line + 1, at + offset + 1);
            }
        }
        (at, last_end) = (end, end);
    }
    out
}

const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn find(bytes: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().position(|b| stop(*b)).map_or(bytes.len(), |n| from + n)
}

fn quoted(bytes: &[u8], start: usize) -> (Kind, usize) {
    let mut at = start + 1;
    while let Some(b) = bytes.get(at) {
        match b {
            b'\\' => at += 2,
            b'"' => return (Kind::Text, at + 1),
            b'\n' => return (Kind::Unfinished, at),
            _ => at += 1,
        }
    }
    (Kind::Unfinished, bytes.len())
}

fn dotted(bytes: &[u8], start: usize) -> usize {
    let mut end = find(bytes, start, |b| !is_word(b));
    while bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(|b| is_word(*b)) {
        end = find(bytes, end + 1, |b| !is_word(b));
    }
    end
}

/// The package a file declares, without `data.`: `proofhouse.release`.
pub(crate) fn package_of(source: &str) -> Option<String> {
    let mut code = tokens(source).into_iter().filter(|t| t.kind != Kind::Comment);
    let first = code.next()?;
    (first.text == "package")
        .then(|| code.next())?
        .filter(|t| t.kind == Kind::Name)
        .map(|t| t.text.to_owned())
}

/// The names at the heads of rules: words that begin a line in the first column and are no keyword of the
/// file level.
pub(crate) fn rule_heads<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    const NOT_RULES: [&str; 4] = ["package", "import", "else", "default"];
    let mut heads = Vec::new();
    let mut depth = 0_i64;
    let mut after_default = false;
    for token in tokens.iter().filter(|t| t.kind != Kind::Comment) {
        match token.text {
            "{" | "[" | "(" if token.kind == Kind::Mark => depth += 1,
            "}" | "]" | ")" if token.kind == Kind::Mark => depth -= 1,
            _ => {}
        }
        let at_start = token.column == 1 && depth == 0 && token.kind == Kind::Name;
        if (at_start && !NOT_RULES.contains(&token.text)) || after_default {
            heads.push(*token);
        }
        after_default = at_start && token.text == "default";
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_lint_needs() {
        let source = "package a.b # note\n\nx := regex.match(`a\nb`, \"c\\\"(\")\n";
        let kinds: Vec<(Kind, &str, u64, u64)> =
            tokens(source).iter().map(|t| (t.kind, t.text, t.line, t.column)).collect();
        assert_eq!(kinds[1], (Kind::Name, "a.b", 1, 9));
        assert_eq!(kinds[2], (Kind::Comment, "# note", 1, 13));
        assert_eq!(kinds[6], (Kind::Name, "regex.match", 3, 6));
        assert_eq!(kinds[8], (Kind::Text, "`a\nb`", 3, 18));
        assert_eq!(kinds[10], (Kind::Text, "\"c\\\"(\"", 4, 5));
        assert_eq!(package_of(source).as_deref(), Some("a.b"));
    }

    #[test]
    fn rule_heads_stand_at_the_start_of_a_line() {
        let source = "package a\ndefault ok := false\nok if {\nx\n}\nf(y) := 1\nelse := 2\n";
        let tokens = tokens(source);
        let heads: Vec<&str> = rule_heads(&tokens).iter().map(|t| t.text).collect();
        assert_eq!(heads, ["ok", "ok", "f"]);
    }

    proptest! {
        #[test]
        fn any_text_is_tokenised(source in ".{0,200}") {
            let total: usize = tokens(&source).iter().map(|t| t.text.len()).sum();
            prop_assert!(total <= source.len());
        }
    }
}
