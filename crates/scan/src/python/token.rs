//! Python's tokens (The Python Language Reference, "Lexical analysis"), read so that nothing is refused: what is
//! no token becomes [`Kind::Bad`], and the rest of the file is read all the same.
//!
//! A lone carriage return ends a line here, as it does for Python: a comment must not hide what follows it.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    /// A string literal with its prefix and quotes.
    Text,
    Operator,
    Newline,
    Indent,
    Dedent,
    End,
    Bad,
}

/// One token, as a range of the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: u32,
}

/// As CPython: a hundred levels of indentation, two hundred of brackets.
const MAX_INDENTS: usize = 100;
/// How deep strings may stand inside the fields of formatted strings.
const MAX_STRINGS: usize = 8;

const OPERATORS_3: [&str; 5] = ["**=", "//=", ">>=", "<<=", "..."];
const OPERATORS_2: [&str; 21] = [
    "**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
    "@=", ":=", "<>", "||",
];

/// The tokens of `source`, at most `limit`; the flag tells whether there were more.
pub(super) fn tokens(source: &str, first_line: u32, limit: usize) -> (Vec<Token>, bool) {
    let mut lexer = Lexer {
        source: source.as_bytes(),
        at: 0,
        line: first_line,
        out: Vec::new(),
        indents: vec![0],
        brackets: 0,
    };
    let mut complete = true;
    lexer.indentation();
    while lexer.at < lexer.source.len() {
        if lexer.out.len() >= limit {
            complete = false;
            break;
        }
        lexer.step();
    }
    if lexer.out.last().is_some_and(|t| t.kind != Kind::Newline) {
        lexer.push(Kind::Newline, lexer.at);
    }
    while lexer.indents.len() > 1 {
        lexer.indents.pop();
        lexer.push(Kind::Dedent, lexer.at);
    }
    lexer.push(Kind::End, lexer.at);
    (lexer.out, complete)
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    line: u32,
    out: Vec<Token>,
    indents: Vec<usize>,
    brackets: usize,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.source.get(at).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.out.push(Token { kind, start, end: self.at, line: self.line });
    }

    fn step(&mut self) {
        let start = self.at;
        match self.byte(start) {
            b' ' | b'\t' | 0x0c => self.at += 1,
            b'#' => {
                while self.at < self.source.len() && !matches!(self.byte(self.at), b'\n' | b'\r') {
                    self.at += 1;
                }
            }
            b'\n' | b'\r' => {
                if self.brackets == 0 && self.out.last().is_some_and(|t| !is_layout(t.kind)) {
                    self.push(Kind::Newline, start);
                }
                self.end_of_line();
                if self.brackets == 0 {
                    self.indentation();
                }
            }
            b'\\' if matches!(self.byte(start + 1), b'\n' | b'\r') => {
                self.at += 1;
                self.end_of_line();
            }
            b'0'..=b'9' => self.number(start),
            b'.' if self.byte(start + 1).is_ascii_digit() => self.number(start),
            b'"' | b'\'' => self.text(start, start),
            c if is_name_start(c) => self.name(start),
            _ => self.operator(start),
        }
    }

    fn end_of_line(&mut self) {
        self.at += if self.byte(self.at) == b'\r' && self.byte(self.at + 1) == b'\n' { 2 } else { 1 };
        self.line += 1;
    }

    /// The indentation of the line that begins here; lines without a token have none.
    fn indentation(&mut self) {
        let mut width = 0;
        loop {
            match self.byte(self.at) {
                b' ' => width += 1,
                b'\t' => width = (width / 8 + 1) * 8,
                0x0c => width = 0,
                _ => break,
            }
            self.at += 1;
        }
        if self.at >= self.source.len() || matches!(self.byte(self.at), b'#' | b'\n' | b'\r') {
            return;
        }
        let current = self.indents.last().copied().unwrap_or(0);
        if width > current {
            if self.indents.len() <= MAX_INDENTS {
                self.indents.push(width);
                self.push(Kind::Indent, self.at);
            } else {
                self.push(Kind::Bad, self.at);
            }
            return;
        }
        while self.indents.last().is_some_and(|indent| *indent > width) {
            self.indents.pop();
            self.push(Kind::Dedent, self.at);
        }
    }

    fn number(&mut self, start: usize) {
        while let c = self.byte(self.at)
            && (c.is_ascii_alphanumeric()
                || matches!(c, b'_' | b'.')
                || (matches!(c, b'+' | b'-')
                    && matches!(self.byte(self.at - 1), b'e' | b'E')
                    && !self.source.get(start..start + 2).is_some_and(|p| p.eq_ignore_ascii_case(b"0x"))))
        {
            self.at += 1;
        }
        self.push(Kind::Number, start);
    }

    fn name(&mut self, start: usize) {
        while is_name_start(self.byte(self.at)) || self.byte(self.at).is_ascii_digit() {
            self.at += 1;
        }
        let word = self.source.get(start..self.at).unwrap_or_default();
        if matches!(self.byte(self.at), b'"' | b'\'')
            && word.len() <= 2
            && word.iter().all(|c| b"rRbBuUfFtT".contains(c))
        {
            return self.text(start, self.at);
        }
        self.push(Kind::Name, start);
    }

    fn text(&mut self, start: usize, quote: usize) {
        let line = self.line;
        let prefix = self.source.get(start..quote).unwrap_or_default();
        let (end, closed) = string_end(self.source, quote, is_formatted(prefix), 0);
        let skipped = self.source.get(quote..end).unwrap_or_default();
        self.at = end;
        self.out.push(Token { kind: if closed { Kind::Text } else { Kind::Bad }, start, end, line });
        self.line += lines(skipped);
    }

    fn operator(&mut self, start: usize) {
        let rest = self.source.get(start..).unwrap_or_default();
        let known = |list: &[&str]| list.iter().any(|op| rest.starts_with(op.as_bytes()));
        self.at += if known(&OPERATORS_3) {
            3
        } else if known(&OPERATORS_2) {
            2
        } else {
            1
        };
        match self.byte(start) {
            b'(' | b'[' | b'{' => self.brackets += 1,
            b')' | b']' | b'}' => self.brackets = self.brackets.saturating_sub(1),
            b'?' | b'$' | b'!' | b'`' | b'\\' | 0..=8 | 14..=31 | 127 if self.at == start + 1 => {
                return self.push(Kind::Bad, start);
            }
            _ => {}
        }
        self.push(Kind::Operator, start);
    }
}

fn is_layout(kind: Kind) -> bool {
    matches!(kind, Kind::Newline | Kind::Indent | Kind::Dedent)
}

/// Letters, the underscore and everything beyond ASCII: Python is stricter, which only matters for files that it
/// refuses.
fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_formatted(prefix: &[u8]) -> bool {
    prefix.iter().any(|c| b"fFtT".contains(c))
}

/// Lines that end within `bytes`.
pub(super) fn lines(bytes: &[u8]) -> u32 {
    let breaks = bytes.windows(2).filter(|w| w[0] == b'\r' && w[1] != b'\n').count()
        + usize::from(bytes.last() == Some(&b'\r'))
        + bytes.iter().filter(|b| **b == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX)
}

/// Where the string literal whose quote stands at `quote` ends, and whether it is closed. The fields of a
/// formatted string may hold strings with the same quotes (PEP 701).
pub(super) fn string_end(source: &[u8], quote: usize, formatted: bool, depth: usize) -> (usize, bool) {
    let mark = source.get(quote).copied().unwrap_or(b'"');
    let byte = |at: usize| source.get(at).copied().unwrap_or(0);
    let triple = byte(quote + 1) == mark && byte(quote + 2) == mark;
    let mut at = quote + if triple { 3 } else { 1 };
    while at < source.len() {
        match byte(at) {
            b'\\' => at += 2,
            c if c == mark && (!triple || (byte(at + 1) == mark && byte(at + 2) == mark)) => {
                return (at + if triple { 3 } else { 1 }, true);
            }
            b'\n' | b'\r' if !triple => return (at, false),
            b'{' if formatted && byte(at + 1) == b'{' => at += 2,
            b'{' if formatted && depth < MAX_STRINGS => {
                at = field_end(source, at + 1, mark, triple, depth);
            }
            _ => at += 1,
        }
    }
    (source.len(), false)
}

/// Where the replacement field that begins at `at` ends: behind its brace, or at what ends the whole string.
fn field_end(source: &[u8], mut at: usize, mark: u8, triple: bool, depth: usize) -> usize {
    let mut open = 0usize;
    let byte = |at: usize| source.get(at).copied().unwrap_or(0);
    while at < source.len() {
        match byte(at) {
            b'(' | b'[' | b'{' => open += 1,
            b'}' if open == 0 => return at + 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'\n' | b'\r' if !triple && open == 0 => return at,
            b'"' | b'\'' => {
                let (end, closed) = string_end(source, at, false, depth + 1);
                if !closed {
                    // Before PEP 701 the quote ends the string, whatever its field looks like.
                    return if byte(at) == mark { at } else { at + 1 };
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source, 1, 10_000).0.iter().map(|t| &source[t.start..t.end]).collect()
    }

    #[test]
    fn a_lone_carriage_return_ends_a_comment() {
        assert_eq!(texts("# harmless\rx = 1\n")[..3], ["x", "=", "1"]);
    }

    #[test]
    fn strings_inside_fields_do_not_end_the_string() {
        let source = "f'{a['b']}c' + rb\"\\\"\"\n";
        assert_eq!(texts(source)[..3], ["f'{a['b']}c'", "+", "rb\"\\\"\""]);
    }

    #[test]
    fn indentation_opens_and_closes_blocks() {
        let kinds: Vec<Kind> = tokens("if x:\n  y\n\n# c\nz", 1, 100).0.iter().map(|t| t.kind).collect();
        assert_eq!(kinds.iter().filter(|k| **k == Kind::Indent).count(), 1);
        assert_eq!(kinds.iter().filter(|k| **k == Kind::Dedent).count(), 1);
        assert_eq!(tokens("a\r\nb\rc", 1, 100).0.iter().map(|t| t.line).max(), Some(3));
    }
}
