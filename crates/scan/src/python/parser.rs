//! Python's statements (The Python Language Reference, "Full Grammar specification"), read tolerantly.
//!
//! A line that cannot be read is an error of its own and the next one is read all the same: Python would refuse the
//! whole file, but only if this parser is right. Depth is bounded as in CPython, so recursion is too.
//!
//! Parsers of others were looked at first: what they build drops by recursion along chains, and they refuse or
//! overflow on nesting that a file may choose (ruff_python_parser 0.0.10 ends in a stack overflow
//! on 100 000 times `not `, `+1` or `.b`).

use super::syntax::{Act, Argument, Expression, Id, Kind, Module, Passing, Statement};
use super::token::{self, Token, tokens};

mod compound;
mod expression;

/// Most tokens of one source: a few times what the largest modelling files hold.
const MAX_TOKENS: usize = 2_000_000;
/// Nesting of brackets, operators and blocks together.
const MAX_DEPTH: usize = 180;

/// Reads `source`, whose first line has the number `first_line`.
pub(crate) fn parse(source: &str, first_line: u32) -> Module {
    let (tokens, complete) = tokens(source, first_line, MAX_TOKENS);
    let mut parser = Parser { source, tokens, at: 0, depth: 0, out: Module::default() };
    if !complete {
        parser.out.errors.push((first_line, "the file has more tokens than are read"));
    }
    let mut body = Vec::new();
    while parser.kind() != token::Kind::End {
        parser.statement(&mut body);
    }
    parser.out.body = body;
    parser.out
}

/// Reads one expression, such as the field of a formatted string, into `module`.
fn parse_field(source: &str, line: u32, module: Module, depth: usize) -> (Module, Id) {
    let bracketed = format!("({source})");
    let (tokens, _) = tokens(&bracketed, line, MAX_TOKENS);
    let mut parser = Parser { source: &bracketed, tokens, at: 0, depth, out: module };
    let id = parser.expressions();
    (parser.out, id)
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    out: Module,
}

impl Parser<'_> {
    fn token(&self) -> Token {
        let end = Token { kind: token::Kind::End, start: 0, end: 0, line: 0 };
        self.tokens.get(self.at).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn kind(&self) -> token::Kind {
        self.token().kind
    }

    fn line(&self) -> u32 {
        self.token().line
    }

    fn text(&self) -> &str {
        let token = self.token();
        self.source.get(token.start..token.end).unwrap_or_default()
    }

    fn next_text(&self, ahead: usize) -> &str {
        let token = self.tokens.get(self.at + ahead);
        token.and_then(|t| self.source.get(t.start..t.end)).unwrap_or_default()
    }

    fn is(&self, text: &str) -> bool {
        matches!(self.kind(), token::Kind::Operator | token::Kind::Name) && self.text() == text
    }

    fn skip(&mut self, text: &str) -> bool {
        let there = self.is(text);
        self.at += usize::from(there);
        there
    }

    fn error(&mut self, what: &'static str) {
        if self.out.errors.len() < 100 {
            let line = self.line();
            self.out.errors.push((line, what));
        }
    }

    fn add(&mut self, kind: Kind, line: u32) -> Id {
        self.out.expressions.push(Expression { kind, line });
        self.out.expressions.len() - 1
    }

    /// A name as Python compares it: in normal form KC.
    fn name(&mut self) -> Option<String> {
        if self.kind() != token::Kind::Name {
            return None;
        }
        let name = normal(self.text());
        self.at += 1;
        Some(name)
    }

    fn dotted(&mut self) -> Option<String> {
        let mut name = self.name()?;
        while self.is(".") {
            self.at += 1;
            name.push('.');
            name.push_str(&self.name()?);
        }
        Some(name)
    }

    /// To the end of a logical line that could not be read.
    fn resume(&mut self, what: &'static str) {
        self.error(what);
        while !matches!(
            self.kind(),
            token::Kind::Newline | token::Kind::End | token::Kind::Indent | token::Kind::Dedent
        ) {
            self.at += 1;
        }
        if self.kind() == token::Kind::Newline {
            self.at += 1;
        }
    }

    fn statement(&mut self, out: &mut Vec<Statement>) {
        let line = self.line();
        match self.kind() {
            token::Kind::Newline => self.at += 1,
            token::Kind::Indent => {
                // A block that belongs to nothing: Python refuses it; what is in it is read as if it belonged here.
                self.error("unexpected indentation");
                self.at += 1;
            }
            token::Kind::Dedent => self.at += 1,
            _ => {
                let before = self.at;
                match self.compound() {
                    Some(kind) => out.push(Statement { kind, line }),
                    None => self.simple_line(out),
                }
                if self.at == before {
                    self.at += 1;
                    self.error("no statement");
                }
            }
        }
    }

    /// Statements up to the end of the line.
    fn simple_line(&mut self, out: &mut Vec<Statement>) {
        loop {
            let line = self.line();
            match self.simple() {
                Some(kind) => out.push(Statement { kind, line }),
                None => return self.resume("no statement that is known"),
            }
            let more = self.skip(";");
            if self.kind() == token::Kind::Newline {
                self.at += 1;
                return;
            }
            if self.kind() == token::Kind::End {
                return;
            }
            if !more {
                return self.resume("something follows the statement");
            }
        }
    }

    fn simple(&mut self) -> Option<Act> {
        if self.kind() == token::Kind::Name {
            match self.text() {
                "import" => return self.import(),
                "from" => return self.import_from(),
                "pass" => {
                    self.at += 1;
                    return Some(Act::Nothing);
                }
                "break" | "continue" => {
                    self.at += 1;
                    return Some(Act::Leave);
                }
                "return" => {
                    self.at += 1;
                    let value = self.begins_expression().then(|| self.expressions());
                    return Some(Act::Return(value));
                }
                word @ ("raise" | "assert") => {
                    let raises = word == "raise";
                    self.at += 1;
                    let mut values = Vec::new();
                    while self.begins_expression() {
                        values.push(self.expressions());
                        self.skip("from");
                        self.skip(",");
                    }
                    return Some(if raises { Act::Raise(values) } else { Act::Assert(values) });
                }
                "del" => {
                    self.at += 1;
                    let target = self.expressions();
                    return Some(Act::Delete(vec![target]));
                }
                "global" | "nonlocal" => {
                    self.at += 1;
                    let mut names = Vec::new();
                    while let Some(name) = self.name() {
                        names.push(name);
                        self.skip(",");
                    }
                    return Some(Act::Global(names));
                }
                "type" if self.next_is_name() => {
                    // `type X = …`: evaluated when somebody asks for it.
                    self.at += 2;
                    while !matches!(self.kind(), token::Kind::Newline | token::Kind::End) {
                        self.at += 1;
                    }
                    return Some(Act::Nothing);
                }
                // Statements of Python 2, which runs nowhere any more but is still found in old repositories.
                "print" | "exec" if self.next_is_operand() => {
                    let line = self.line();
                    let word = self.name()?;
                    let callee = self.add(Kind::Name(word), line);
                    self.skip(">>");
                    let value = self.expressions();
                    let argument = Argument { name: None, passing: Passing::Plain, value };
                    let call = self.add(Kind::Call(callee, vec![argument]), line);
                    return Some(Act::Evaluate(vec![call]));
                }
                _ => {}
            }
        }
        if !self.begins_expression() {
            return None;
        }
        let first = self.expressions();
        self.assignment(first)
    }

    fn next_is_name(&self) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|t| t.kind == token::Kind::Name)
            && matches!(self.next_text(2), "=" | "[")
    }

    fn next_is_operand(&self) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|t| match t.kind {
            token::Kind::Text | token::Kind::Number => true,
            token::Kind::Name => {
                !matches!(self.next_text(1), "in" | "is" | "and" | "or" | "if" | "not" | "else")
            }
            token::Kind::Operator => self.next_text(1) == ">>",
            _ => false,
        })
    }

    fn assignment(&mut self, first: Id) -> Option<Act> {
        if self.skip(":") {
            let annotation = self.expressions();
            if self.skip("=") {
                let value = self.expressions();
                return Some(Act::Annotate(annotation, first, Some(value)));
            }
            return Some(Act::Annotate(annotation, first, None));
        }
        if self.is("=") {
            let mut all = vec![first];
            while self.skip("=") {
                all.push(self.expressions());
            }
            let value = all.pop()?;
            return Some(Act::Assign(all, value));
        }
        if self.kind() == token::Kind::Operator
            && let Some(operator) = self.text().strip_suffix('=')
            && !matches!(operator, "" | "=" | "!" | "<" | ">" | ":")
        {
            let operator = operator.to_owned();
            self.at += 1;
            let value = self.expressions();
            return Some(Act::Augment(first, operator, value));
        }
        Some(Act::Evaluate(vec![first]))
    }

    fn import(&mut self) -> Option<Act> {
        self.at += 1;
        let mut names = Vec::new();
        loop {
            let module = self.dotted()?;
            let alias = if self.skip("as") { Some(self.name()?) } else { None };
            names.push((module, alias));
            if !self.skip(",") {
                return Some(Act::Import(names));
            }
        }
    }

    fn import_from(&mut self) -> Option<Act> {
        self.at += 1;
        let mut level = 0;
        loop {
            if self.skip(".") {
                level += 1;
            } else if self.skip("...") {
                level += 3;
            } else {
                break;
            }
        }
        let module = if self.is("import") { String::new() } else { self.dotted()? };
        if !self.skip("import") {
            return None;
        }
        let bracket = self.skip("(");
        let mut names = Vec::new();
        loop {
            if self.skip("*") {
                names.push(("*".to_owned(), None));
            } else if let Some(name) = self.name() {
                let alias = if self.skip("as") { Some(self.name()?) } else { None };
                names.push((name, alias));
            }
            if !self.skip(",") {
                break;
            }
        }
        if bracket && !self.skip(")") {
            return None;
        }
        Some(Act::From { level, module, names })
    }

    fn block_after(&mut self, word: &str) -> Vec<Statement> {
        if self.skip(word) { self.block() } else { Vec::new() }
    }

    /// `:` and what belongs to it: the rest of the line, or an indented block.
    fn block(&mut self) -> Vec<Statement> {
        let mut out = Vec::new();
        if !self.skip(":") {
            self.resume("a block without a colon");
        } else if self.kind() != token::Kind::Newline {
            self.simple_line(&mut out);
            return out;
        } else {
            self.at += 1;
        }
        if self.kind() != token::Kind::Indent {
            return out;
        }
        if self.depth >= MAX_DEPTH {
            self.error("blocks are nested deeper than Python allows");
            return out;
        }
        self.at += 1;
        self.depth += 1;
        loop {
            match self.kind() {
                token::Kind::Dedent => {
                    self.at += 1;
                    break;
                }
                token::Kind::End => break,
                _ => self.statement(&mut out),
            }
        }
        self.depth -= 1;
        out
    }
}

fn normal(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    if name.is_ascii() { name.to_owned() } else { name.nfkc().collect() }
}
