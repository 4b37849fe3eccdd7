//! Words, texts and marks of a source, with comments left out: as much of a language's grammar as tells a call from a
//! word in a text. What is misread as a text is looked at line by line beside this ([`super::look`]).

use std::ops::Range;

/// Most tokens of a source that are looked at.
const MOST: usize = 400_000;

/// How a language writes comments and texts.
pub(super) struct Syntax {
    /// What begins a comment up to the end of its line.
    pub(super) comments: &'static [&'static str],
    /// What begins and ends a comment of several lines.
    pub(super) block: Option<(&'static str, &'static str)>,
    /// What puts a value into a text.
    pub(super) splice: &'static str,
    /// Letters beside the usual ones that names have.
    pub(super) letters: &'static [char],
    /// Whether a text between backticks is a command, not a text.
    pub(super) commands: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A text that stands in the source as it is.
    Text,
    /// A text into which values are put.
    Spliced,
    /// A command between backticks.
    Command,
    Number,
    Mark,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// The word or the mark; of a text what stands between its quotes.
    pub(super) text: &'t str,
    /// Its line, counted from zero.
    pub(super) line: u64,
}

impl Token<'_> {
    pub(super) fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }
}

/// Marks of more than one letter, the longest first.
const MARKS: [&str; 18] = [
    "<<-", "===", "!==", "...", "<-", "==", "!=", "<=", ">=", "=>", "->", ":=", "..", "::", "&&", "||", "+=",
    "=~",
];

pub(super) fn tokens<'t>(syntax: &Syntax, source: &'t str) -> Vec<Token<'t>> {
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 0u64);
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty() && out.len() < MOST) {
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            line += u64::from(first == '\n');
            at += first.len_utf8();
            continue;
        }
        if let Some((open, close)) = syntax.block.filter(|(open, _)| rest.starts_with(open)) {
            let end = rest.get(open.len()..).and_then(|inner| inner.find(close));
            let length = end.map_or(rest.len(), |end| open.len() + end + close.len());
            line += rest.get(..length).unwrap_or_default().matches('\n').count() as u64;
            at += length;
            continue;
        }
        if syntax.comments.iter().any(|mark| rest.starts_with(mark)) {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length, inner) = next(syntax, rest, first);
        let text = rest.get(inner).unwrap_or_default();
        out.push(Token { kind, text, line });
        line += rest.get(..length).unwrap_or_default().matches('\n').count() as u64;
        at += length.max(first.len_utf8());
    }
    out
}

/// The kind of the token that a text begins with, its length, and where its text lies.
fn next(syntax: &Syntax, rest: &str, first: char) -> (Kind, usize, Range<usize>) {
    if matches!(first, '"' | '\'' | '`') {
        let (end, closed) = quoted(rest, first);
        let inner = 1..end;
        let text = rest.get(inner.clone()).unwrap_or_default();
        let spliced = first != '\'' && text.contains(syntax.splice);
        let kind = match () {
            () if !closed => Kind::Mark,
            () if first == '`' && syntax.commands => Kind::Command,
            () if spliced => Kind::Spliced,
            () => Kind::Text,
        };
        return if closed { (kind, end + 1, inner) } else { (kind, 1, 0..1) };
    }
    let letter = |c: char| c.is_alphanumeric() || c == '_' || syntax.letters.contains(&c);
    if first.is_ascii_digit() {
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(rest.len());
        return (Kind::Number, length, 0..length);
    }
    if letter(first) {
        let length = rest.find(|c: char| !letter(c)).unwrap_or(rest.len());
        return (Kind::Word, length, 0..length);
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark)).map_or(first.len_utf8(), |mark| mark.len());
    (Kind::Mark, mark, 0..mark)
}

/// Where a text ends, and whether it does: those in backticks and in double quotes may go over several lines.
fn quoted(rest: &str, quote: char) -> (usize, bool) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == '\n' && quote == '\'' {
            return (at, false);
        }
        if c == quote && !escaped {
            return (at, true);
        }
        escaped = c == '\\' && !escaped;
    }
    (rest.len(), false)
}

/// The place behind the bracket that closes the one at `open`; the end of the source where none does.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0i64;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.kind == Kind::Mark {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if depth <= 0 {
                return index + 1;
            }
        }
    }
    tokens.len()
}

/// Where the statement that goes on at `start` ends: at a semicolon, a closing bracket of what is around it, or the end
/// of a line that no operator continues.
pub(super) fn statement(tokens: &[Token<'_>], start: usize) -> usize {
    const MOST: usize = 600;
    const GOES_ON: [&str; 14] = [".", "+", "..", "||", "&&", "?", ":", ",", "=", "<-", "=>", "::", "|", "->"];
    let mut depth = 0i64;
    let mut before: Option<&Token<'_>> = None;
    for (index, token) in tokens.iter().enumerate().skip(start).take(MOST) {
        let operator = |t: &Token<'_>| t.kind == Kind::Mark && GOES_ON.contains(&t.text);
        if let Some(last) = before
            && depth == 0
            && token.line > last.line + last.text.matches('\n').count() as u64
            && !operator(last)
            && !operator(token)
        {
            return index;
        }
        if token.kind == Kind::Mark {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                ";" if depth == 0 => return index,
                _ => {}
            }
            if depth < 0 {
                return index;
            }
        }
        before = Some(token);
    }
    tokens.len().min(start + MOST)
}
