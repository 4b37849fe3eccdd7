//! Template text to tokens.

/// A token with its byte offset.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// Text between the tags.
    Data(String),
    /// `{{`
    BeginPrint,
    /// `{%`
    BeginBlock,
    /// `}}` or `%}`
    End,
    Name(String),
    Text(String),
    Number(f64),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) what: String,
}

const SIGNS: &[&str] = &[
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{",
    "}", ",", ".", ":", "|", ";",
];

/// Most tokens of a template; the longest published one has about five thousand.
const MAX_TOKENS: usize = 200_000;

pub(super) fn tokens(source: &str) -> Result<Vec<Token>, Broken> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let Some(open) = ["{{", "{%", "{#"].iter().filter_map(|tag| rest.find(tag)).min() else {
            out.push(Token { at, kind: TokenKind::Data(rest.to_owned()) });
            break;
        };
        if open > 0 {
            out.push(Token { at, kind: TokenKind::Data(rest[..open].to_owned()) });
        }
        at += open;
        let inside = &source[at + 2..];
        match source.as_bytes().get(at + 1) {
            Some(b'#') => {
                let end = inside.find("#}").ok_or_else(|| broken(at, "a comment does not end"))?;
                // What stands in a comment is read by nobody; it is not lost to whoever looks for words.
                at += 2 + end + 2;
            }
            Some(b'%') if raw(inside) => {
                let (data, length) =
                    raw_block(inside).ok_or_else(|| broken(at, "a raw block does not end"))?;
                out.push(Token { at, kind: TokenKind::Data(data) });
                at += 2 + length;
            }
            tag => {
                let (begin, close) = if tag == Some(&b'%') {
                    (TokenKind::BeginBlock, "%}")
                } else {
                    (TokenKind::BeginPrint, "}}")
                };
                out.push(Token { at, kind: begin });
                at = expression(source, at + 2, close, &mut out)?;
            }
        }
        if out.len() > MAX_TOKENS {
            return Err(broken(at, "the template has too many tokens to follow"));
        }
    }
    Ok(out)
}

/// Reads tokens up to the closing tag. Returns where it ends.
fn expression(source: &str, from: usize, close: &str, out: &mut Vec<Token>) -> Result<usize, Broken> {
    let mut at = from;
    // `}}` ends a print only where no dictionary is open.
    let mut braces = 0usize;
    loop {
        let rest = source.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { return Err(broken(from, format!("{close} is missing"))) };
        if braces == 0 {
            let ended =
                rest.strip_prefix(['-', '+']).filter(|r| r.starts_with(close)).map(|_| 1 + close.len());
            if let Some(length) = ended.or(rest.starts_with(close).then_some(close.len())) {
                out.push(Token { at, kind: TokenKind::End });
                return Ok(at + length);
            }
        }
        if c.is_whitespace() || (at == from && matches!(c, '-' | '+')) {
            at += c.len_utf8();
            continue;
        }
        let (kind, length) = token(rest, at)?;
        match kind {
            TokenKind::Sign("{") => braces += 1,
            TokenKind::Sign("}") => braces = braces.saturating_sub(1),
            _ => {}
        }
        out.push(Token { at, kind });
        at += length;
        if out.len() > MAX_TOKENS {
            return Err(broken(at, "the template has too many tokens to follow"));
        }
    }
}

fn token(rest: &str, at: usize) -> Result<(TokenKind, usize), Broken> {
    let first = rest.chars().next().unwrap_or_default();
    if first == '"' || first == '\'' {
        return string(rest, first).ok_or_else(|| broken(at, "a string does not end"));
    }
    if first.is_alphabetic() || first == '_' {
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        return Ok((TokenKind::Name(rest[..length].to_owned()), length));
    }
    if first.is_ascii_digit() {
        return Ok(number(rest));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((TokenKind::Sign(sign), sign.len())),
        None => Err(broken(at, format!("{first:?} stands where an expression is"))),
    }
}

fn number(rest: &str) -> (TokenKind, usize) {
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = rest.strip_prefix(prefix) {
            let length = digits.find(|c: char| !(c.is_digit(radix) || c == '_')).unwrap_or(digits.len());
            let value = digits[..length]
                .chars()
                .filter_map(|c| c.to_digit(radix))
                .fold(0.0, |n, d| n * f64::from(radix) + f64::from(d));
            return (TokenKind::Number(value), 2 + length);
        }
    }
    let mut length = 0;
    let bytes = rest.as_bytes();
    let digits =
        |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit() || **b == b'_').count();
    length += digits(0);
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        length += 1 + digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    let text: String = rest[..length].chars().filter(|c| *c != '_').collect();
    (TokenKind::Number(text.parse().unwrap_or(f64::INFINITY)), length)
}

/// A string with its escapes resolved, as Jinja resolves them.
fn string(rest: &str, quote: char) -> Option<(TokenKind, usize)> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((TokenKind::Text(value), at + c.len_utf8())),
            '\\' => {
                let (_, escaped) = chars.next()?;
                let digits = match escaped {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    '0'..='7' => {
                        value.push(octal(escaped, &mut chars));
                        continue;
                    }
                    _ => {
                        value.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            'r' => '\r',
                            other => other,
                        });
                        continue;
                    }
                };
                let mut code = 0u32;
                for _ in 0..digits {
                    code = code.wrapping_mul(16).wrapping_add(chars.next()?.1.to_digit(16)?);
                }
                value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => value.push(other),
        }
    }
    None
}

fn octal(first: char, rest: &mut (impl Iterator<Item = (usize, char)> + Clone)) -> char {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let Some(digit) = rest.clone().next().and_then(|(_, c)| c.to_digit(8)) else { break };
        rest.next();
        code = code * 8 + digit;
    }
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether a block tag opens a raw block.
fn raw(inside: &str) -> bool {
    let name = inside.trim_start_matches(['-', '+']).trim_start();
    name.strip_prefix("raw").is_some_and(|r| r.trim_start().trim_start_matches(['-', '+']).starts_with("%}"))
}

/// The text of a raw block, and how far it reaches behind its `{%`.
fn raw_block(inside: &str) -> Option<(String, usize)> {
    let start = inside.find("%}")? + 2;
    let mut from = start;
    loop {
        let open = from + inside.get(from..)?.find("{%")?;
        let name = inside.get(open + 2..)?.trim_start_matches(['-', '+']).trim_start();
        if name.starts_with("endraw") {
            let close = open + inside.get(open..)?.find("%}")? + 2;
            return Some((inside[start..open].to_owned(), close));
        }
        from = open + 2;
    }
}

pub(super) fn broken(at: usize, what: impl Into<String>) -> Broken {
    Broken { at, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<TokenKind> {
        tokens(source).unwrap().into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn strings_have_their_escapes_resolved() {
        let text = |s: &str| TokenKind::Text(s.to_owned());
        assert_eq!(kinds(r#"{{ "\x5f\u005f\137a\n" }}"#)[1], text("___a\n"));
        assert_eq!(kinds(r"{{ 'it\'s' }}")[1], text("it's"));
    }

    #[test]
    fn tags_end_where_jinja_ends_them() {
        use TokenKind::{BeginPrint, Data, End, Name, Sign};
        assert_eq!(
            kinds("a{{- {'k': {}} -}}b"),
            [
                Data("a".into()),
                BeginPrint,
                Sign("{"),
                TokenKind::Text("k".into()),
                Sign(":"),
                Sign("{"),
                Sign("}"),
                Sign("}"),
                End,
                Data("b".into())
            ]
        );
        assert_eq!(kinds("{# {{ x }} #}{{x}}"), [BeginPrint, Name("x".into()), End]);
        assert_eq!(kinds("{% raw %}{{ x }}{% endraw %}"), [Data("{{ x }}".into())]);
        assert!(tokens("{{ x").is_err() && tokens("{# x").is_err() && tokens("{{ 'x }}").is_err());
    }
}
