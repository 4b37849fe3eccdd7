//! Expressions, level by level (The Python Language Reference, "Operator precedence").

use super::super::literal::{field, integer, unescape, unescape_bytes};
use super::super::syntax::{Argument, Clause, Id, Kind, Passing, Sequence};
use super::super::token::{self, is_formatted};
use super::{MAX_DEPTH, Parser, parse_field};

/// Binary operators from the weakest to the strongest, `**` apart.
const LEVELS: [&[&str]; 6] =
    [&["|", "||"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%", "@"]];

/// Words that end an expression or begin something else.
const KEYWORDS: [&str; 27] = [
    "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally",
    "for", "from", "global", "if", "import", "in", "is", "nonlocal", "or", "pass", "raise", "return", "try",
    "while", "with",
];

impl Parser<'_> {
    pub(super) fn begins_expression(&self) -> bool {
        match self.kind() {
            token::Kind::Name => !KEYWORDS.contains(&self.text()),
            token::Kind::Number | token::Kind::Text => true,
            token::Kind::Operator => {
                matches!(self.text(), "(" | "[" | "{" | "-" | "+" | "~" | "*" | "**" | "...")
            }
            _ => false,
        }
    }

    /// Expressions with commas between them: one, or a tuple.
    pub(super) fn expressions(&mut self) -> Id {
        let line = self.line();
        let first = self.starred();
        if !self.is(",") {
            return first;
        }
        let mut all = vec![first];
        while self.skip(",") && self.begins_expression() {
            all.push(self.starred());
        }
        self.add(Kind::Elements(all), line)
    }

    /// Targets of a loop, up to its `in`.
    pub(super) fn targets(&mut self) -> Id {
        let line = self.line();
        let mut all = Vec::new();
        let mut comma = false;
        while self.begins_expression() {
            all.push(self.target());
            if !self.skip(",") {
                break;
            }
            comma = true;
        }
        match all[..] {
            [only] if !comma => only,
            _ => self.add(Kind::Elements(all), line),
        }
    }

    /// One target: no comparison, so that `in` stays outside.
    pub(super) fn target(&mut self) -> Id {
        let line = self.line();
        if self.skip("*") {
            let inner = self.guarded(Self::postfix);
            return self.add(Kind::Star(inner), line);
        }
        self.guarded(Self::postfix)
    }

    fn starred(&mut self) -> Id {
        let line = self.line();
        if self.skip("*") || self.skip("**") {
            let inner = self.guarded(|p| p.binary(0));
            return self.add(Kind::Star(inner), line);
        }
        self.expression()
    }

    /// Runs `read` one level deeper, or gives up on the rest of the line.
    fn guarded(&mut self, read: impl FnOnce(&mut Self) -> Id) -> Id {
        if self.depth >= MAX_DEPTH {
            self.error("expressions are nested deeper than Python allows");
            let line = self.line();
            while !matches!(self.kind(), token::Kind::Newline | token::Kind::End) {
                self.at += 1;
            }
            return self.add(Kind::Unknown, line);
        }
        self.depth += 1;
        let id = read(self);
        self.depth -= 1;
        id
    }

    pub(super) fn expression(&mut self) -> Id {
        self.guarded(Self::full)
    }

    fn full(&mut self) -> Id {
        let line = self.line();
        if self.skip("lambda") {
            let parameters = self.parameters(":", &mut Vec::new());
            self.skip(":");
            let body = self.expression();
            return self.add(Kind::Lambda(parameters, body), line);
        }
        if self.skip("yield") {
            self.skip("from");
            let value = self.begins_expression().then(|| self.expressions());
            return self.add(Kind::Yield(value), line);
        }
        if self.kind() == token::Kind::Name
            && self.next_text(1) == ":="
            && let Some(name) = self.name()
        {
            self.at += 1;
            let value = self.expression();
            return self.add(Kind::Walrus(name, value), line);
        }
        let value = self.either("or");
        if !self.skip("if") {
            return value;
        }
        let test = self.either("or");
        if !self.skip("else") {
            self.error("a choice without else");
            return value;
        }
        let otherwise = self.expression();
        self.add(Kind::Choice { test, then: value, otherwise }, line)
    }

    fn either(&mut self, word: &str) -> Id {
        let line = self.line();
        let operand = |p: &mut Self| if word == "or" { p.either("and") } else { p.negation() };
        let first = operand(self);
        if !self.is(word) {
            return first;
        }
        let mut all = vec![first];
        while self.skip(word) {
            all.push(operand(self));
        }
        self.add(Kind::Either(all), line)
    }

    fn negation(&mut self) -> Id {
        let line = self.line();
        if self.skip("not") {
            let inner = self.guarded(Self::negation);
            return self.add(Kind::Prefix("not".to_owned(), inner), line);
        }
        let first = self.binary(0);
        let mut rest = Vec::new();
        while let Some(operator) = self.comparison() {
            rest.push((operator, self.binary(0)));
        }
        if rest.is_empty() { first } else { self.add(Kind::Compare(first, rest), line) }
    }

    fn comparison(&mut self) -> Option<String> {
        let two = match (self.text(), self.next_text(1)) {
            ("not", "in") => "not in",
            ("is", "not") => "is not",
            _ => "",
        };
        if !two.is_empty() && self.kind() == token::Kind::Name {
            self.at += 2;
            return Some(two.to_owned());
        }
        let known = ["<", ">", "==", ">=", "<=", "!=", "<>", "in", "is"];
        let operator = known.into_iter().find(|op| self.is(op))?;
        self.at += 1;
        Some(operator.to_owned())
    }

    fn binary(&mut self, level: usize) -> Id {
        let Some(operators) = LEVELS.get(level) else { return self.prefix() };
        let line = self.line();
        let first = self.binary(level + 1);
        let mut rest = Vec::new();
        while let Some(operator) = operators.iter().find(|op| self.is(op)) {
            self.at += 1;
            rest.push(((*operator).to_owned(), self.binary(level + 1)));
        }
        if rest.is_empty() { first } else { self.add(Kind::Chain(first, rest), line) }
    }

    fn prefix(&mut self) -> Id {
        let line = self.line();
        if let Some(operator) = ["-", "+", "~"].into_iter().find(|op| self.is(op)) {
            self.at += 1;
            let inner = self.guarded(Self::prefix);
            return self.add(Kind::Prefix(operator.to_owned(), inner), line);
        }
        if self.is("await") && matches!(self.tokens.get(self.at + 1).map(|t| t.kind), Some(token::Kind::Name))
        {
            self.at += 1;
            let inner = self.guarded(Self::prefix);
            return self.add(Kind::Await(inner), line);
        }
        let base = self.postfix();
        if self.skip("**") {
            let exponent = self.guarded(Self::prefix);
            return self.add(Kind::Chain(base, vec![("**".to_owned(), exponent)]), line);
        }
        base
    }

    fn postfix(&mut self) -> Id {
        let mut value = self.atom();
        loop {
            let line = self.line();
            if self.skip(".") {
                let Some(name) = self.name() else {
                    self.error("a point without a name");
                    return value;
                };
                value = self.add(Kind::Attribute(value, name), line);
            } else if self.skip("(") {
                let arguments = self.arguments();
                value = self.add(Kind::Call(value, arguments), line);
            } else if self.skip("[") {
                let index = self.index();
                if !self.skip("]") {
                    self.error("a bracket that is not closed");
                }
                value = self.add(Kind::Subscript(value, index), line);
            } else {
                return value;
            }
        }
    }

    /// The arguments of a call, and its closing bracket.
    pub(super) fn arguments(&mut self) -> Vec<Argument> {
        let mut out = Vec::new();
        while !self.is(")") && !matches!(self.kind(), token::Kind::End | token::Kind::Newline) {
            let before = self.at;
            let passing = self.passing();
            let name = if self.kind() == token::Kind::Name && self.next_text(1) == "=" {
                let name = self.name();
                self.at += 1;
                name
            } else {
                None
            };
            let line = self.line();
            let mut value = self.expression();
            if let Some(clauses) = self.clauses() {
                value = self.add(Kind::Comprehension(Sequence::Generator, vec![value], clauses), line);
            }
            out.push(Argument { name, passing, value });
            if !self.skip(",") && !self.is(")") {
                self.error("arguments without a comma");
                if self.at == before {
                    self.at += 1;
                }
            }
        }
        if !self.skip(")") {
            self.error("a bracket that is not closed");
        }
        out
    }

    pub(super) fn passing(&mut self) -> Passing {
        if self.skip("**") {
            Passing::StarStar
        } else if self.skip("*") {
            Passing::Star
        } else {
            Passing::Plain
        }
    }

    fn index(&mut self) -> Id {
        let line = self.line();
        let mut all = Vec::new();
        let mut comma = false;
        while !self.is("]") && !matches!(self.kind(), token::Kind::End | token::Kind::Newline) {
            let before = self.at;
            all.push(self.slice());
            if self.skip(",") {
                comma = true;
            } else if self.at == before {
                self.at += 1;
            } else {
                break;
            }
        }
        match all[..] {
            [only] if !comma => only,
            _ => self.add(Kind::Elements(all), line),
        }
    }

    fn slice(&mut self) -> Id {
        let line = self.line();
        let mut parts = [None; 3];
        let mut part = 0;
        loop {
            if self.skip(":") {
                part += 1;
            } else if let Some(slot @ None) = parts.get(part).copied()
                && self.begins_expression()
            {
                let _: Option<Id> = slot;
                let value = self.starred();
                if let Some(slot) = parts.get_mut(part) {
                    *slot = Some(value);
                }
            } else {
                break;
            }
        }
        match (part, parts[0]) {
            (0, Some(only)) => only,
            (0, None) => self.add(Kind::Unknown, line),
            _ => self.add(Kind::Slice(parts), line),
        }
    }

    /// `for … in … if …`, if there is one.
    fn clauses(&mut self) -> Option<Vec<Clause>> {
        let mut out = Vec::new();
        loop {
            if self.is("async") && self.next_text(1) == "for" {
                self.at += 1;
            }
            if !self.skip("for") {
                break;
            }
            let target = self.targets();
            self.skip("in");
            let source = self.either("or");
            let mut conditions = Vec::new();
            while self.skip("if") {
                conditions.push(self.either("or"));
            }
            out.push(Clause { target, source, conditions });
        }
        (!out.is_empty()).then_some(out)
    }

    fn atom(&mut self) -> Id {
        let line = self.line();
        match self.kind() {
            token::Kind::Name => {
                let Some(name) = self.name() else { return self.nothing() };
                let kind = match name.as_str() {
                    "None" => Kind::None,
                    "True" => Kind::Bool(true),
                    "False" => Kind::Bool(false),
                    _ => Kind::Name(name),
                };
                self.add(kind, line)
            }
            token::Kind::Number => {
                let value = integer(self.text());
                let number = self.text().replace('_', "").parse().unwrap_or(f64::NAN);
                self.at += 1;
                self.add(value.map_or(Kind::Number(number), Kind::Integer), line)
            }
            token::Kind::Text => self.strings(),
            token::Kind::Operator => match self.text() {
                "(" => self.bracket(")", Sequence::Tuple),
                "[" => self.bracket("]", Sequence::List),
                "{" => self.braces(),
                "..." => {
                    self.at += 1;
                    self.add(Kind::Number(f64::NAN), line)
                }
                _ => self.nothing(),
            },
            _ => self.nothing(),
        }
    }

    fn nothing(&mut self) -> Id {
        self.error("no expression where one is needed");
        let line = self.line();
        self.add(Kind::Unknown, line)
    }

    fn bracket(&mut self, end: &str, sequence: Sequence) -> Id {
        let line = self.line();
        self.at += 1;
        if self.skip(end) {
            return self.add(Kind::Elements(Vec::new()), line);
        }
        let first = self.starred();
        let id = if let Some(clauses) = self.clauses() {
            let sequence = if sequence == Sequence::Tuple { Sequence::Generator } else { sequence };
            self.add(Kind::Comprehension(sequence, vec![first], clauses), line)
        } else if sequence == Sequence::Tuple && !self.is(",") {
            first
        } else {
            let mut all = vec![first];
            while self.skip(",") && self.begins_expression() {
                all.push(self.starred());
            }
            self.add(Kind::Elements(all), line)
        };
        if !self.skip(end) {
            self.error("a bracket that is not closed");
        }
        id
    }

    fn braces(&mut self) -> Id {
        let line = self.line();
        self.at += 1;
        let mut pairs = Vec::new();
        let mut elements = Vec::new();
        while !self.is("}") && self.begins_expression() {
            if self.skip("**") {
                let value = self.guarded(|p| p.binary(0));
                pairs.push((None, value));
            } else {
                let key = self.starred();
                let value = if self.skip(":") { Some(self.expression()) } else { None };
                if let Some(clauses) = self.clauses() {
                    self.skip("}");
                    let sequence = if value.is_some() { Sequence::Dict } else { Sequence::Set };
                    let parts = std::iter::once(key).chain(value).collect();
                    return self.add(Kind::Comprehension(sequence, parts, clauses), line);
                }
                match value {
                    Some(value) => pairs.push((Some(key), value)),
                    None => elements.push(key),
                }
            }
            if !self.skip(",") {
                break;
            }
        }
        if !self.skip("}") {
            self.error("a bracket that is not closed");
        }
        if elements.is_empty() {
            self.add(Kind::Dict(pairs), line)
        } else {
            self.add(Kind::Elements(elements), line)
        }
    }

    /// Literals that stand side by side are one.
    fn strings(&mut self) -> Id {
        let line = self.line();
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut bytes = None::<Vec<u8>>;
        while self.kind() == token::Kind::Text {
            let literal = self.text().to_owned();
            let at = self.line();
            self.at += 1;
            let (prefix, quoted) = literal.split_at(literal.find(['"', '\'']).unwrap_or(0));
            let triple = quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''"));
            let width = if triple { 3 } else { 1 };
            let body = quoted.get(width..quoted.len().saturating_sub(width)).unwrap_or_default();
            let raw = prefix.contains(['r', 'R']);
            if prefix.contains(['b', 'B']) {
                bytes.get_or_insert_default().extend(unescape_bytes(body, raw));
            } else if is_formatted(prefix.as_bytes()) {
                self.formatted(body, raw, at, &mut text, &mut parts);
            } else {
                text.push_str(&unescape(body, raw));
            }
        }
        match bytes {
            Some(bytes) => self.add(Kind::Bytes(bytes), line),
            None if parts.is_empty() => self.add(Kind::Text(text), line),
            None => {
                if !text.is_empty() {
                    parts.push(self.add(Kind::Text(text), line));
                }
                self.add(Kind::Formatted(parts), line)
            }
        }
    }

    /// The parts of a formatted string; text behind its last field stays in `text`.
    fn formatted(&mut self, body: &str, raw: bool, line: u32, text: &mut String, parts: &mut Vec<Id>) {
        let mut rest = body;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            text.push_str(&unescape(before, raw));
            let doubled = from.get(1..2) == from.get(..1);
            if doubled || from.starts_with('}') {
                text.push_str(from.get(..1).unwrap_or_default());
                rest = from.get(if doubled { 2 } else { 1 }..).unwrap_or_default();
                continue;
            }
            let inside = from.get(1..).unwrap_or_default();
            let (end, code) = field(inside);
            if !text.is_empty() {
                let id = self.add(Kind::Text(std::mem::take(text)), line);
                parts.push(id);
            }
            if self.depth + 10 < MAX_DEPTH {
                let module = std::mem::take(&mut self.out);
                let (module, id) = parse_field(code, line, module, self.depth + 10);
                self.out = module;
                parts.push(id);
            } else {
                self.error("formatted strings are nested deeper than is read");
            }
            rest = inside.get(end..).unwrap_or_default();
        }
        text.push_str(&unescape(rest, raw));
    }
}
