//! Tokens to statements and expressions.

use super::lexer::{Broken, Token, TokenKind, broken};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Text(String),
    Number(f64),
    /// `true`, `false`, `none`.
    Constant,
    Name(String),
    /// `of.name`
    Attribute(Box<Expr>, String),
    /// `of[at]`; a slice has no single place and is only looked into.
    Index(Box<Expr>, Box<Expr>),
    /// `callee(arguments, name=argument)`
    Call(Box<Expr>, Vec<Expr>, Vec<(String, Expr)>),
    /// `of|name(arguments)`
    Filter(Box<Expr>, String, Vec<Expr>, Vec<(String, Expr)>),
    /// `of is name arguments`
    Test(Box<Expr>, String, Vec<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// A negation, a sign, a list, a tuple, a dictionary, a slice, a condition: what it is made of.
    Of(Vec<Expr>),
    /// A list or a tuple.
    List(Vec<Expr>),
}

/// A statement, with where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    Data(String, usize),
    Print(Expr, usize),
    Set(Vec<String>, Expr, usize),
    /// A condition, what happens where it holds, and where it does not.
    If(Expr, Vec<Statement>, Vec<Statement>, usize),
    For {
        names: Vec<String>,
        over: Expr,
        body: Vec<Statement>,
        at: usize,
    },
    /// A block that holds others: macro, call, filter, block, with, generation, set without a value.
    Block(String, Vec<Expr>, Vec<Statement>, usize),
    /// A tag that stands alone: include, import, extends, from, do, break.
    Tag(String, Vec<Expr>, usize),
}

/// Nesting of statements and expressions together.
const MAX_DEPTH: usize = 200;

pub(super) fn parse(tokens: Vec<Token>) -> Result<Vec<Statement>, Broken> {
    let end = tokens.last().map_or(0, |t| t.at);
    let mut parser = Parser { tokens, at: 0, depth: 0, end };
    let (body, ended_by) = parser.body(&[])?;
    debug_assert!(ended_by.is_none());
    Ok(body)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    end: usize,
}

/// Plain arguments and named ones.
type Arguments = (Vec<Expr>, Vec<(String, Expr)>);
/// Statements, and the tag that ended them.
type Body = (Vec<Statement>, Option<(String, usize)>);

impl Parser {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |t| t.at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(TokenKind::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(TokenKind::Name(n)) if n == word);
        self.at += usize::from(found);
        found
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Name(n)) if n == word)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Broken> {
        if self.sign(sign) { Ok(()) } else { Err(broken(self.place(), format!("{sign:?} is missing"))) }
    }

    fn name(&mut self) -> Result<String, Broken> {
        match self.peek() {
            Some(TokenKind::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(broken(self.place(), "a name is missing")),
        }
    }

    fn end(&mut self) -> Result<(), Broken> {
        if self.peek() == Some(&TokenKind::End) {
            self.at += 1;
            return Ok(());
        }
        Err(broken(self.place(), "the tag does not end where its expression does"))
    }

    /// Runs `f` one level deeper.
    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Broken>) -> Result<T, Broken> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(broken(self.place(), format!("it is nested deeper than {MAX_DEPTH}")));
        }
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Statements up to a block tag of one of these names, which is consumed up to its name.
    fn body(&mut self, until: &[&str]) -> Result<Body, Broken> {
        self.nested(|parser| {
            let mut body = Vec::new();
            while let Some(token) = parser.tokens.get(parser.at).cloned() {
                parser.at += 1;
                match token.kind {
                    TokenKind::Data(text) => body.push(Statement::Data(text, token.at)),
                    TokenKind::BeginPrint => {
                        let value = parser.tuple()?;
                        parser.end()?;
                        body.push(Statement::Print(value, token.at));
                    }
                    TokenKind::BeginBlock => {
                        let name = parser.name()?;
                        if until.contains(&name.as_str()) {
                            return Ok((body, Some((name, token.at))));
                        }
                        body.push(parser.statement(&name, token.at)?);
                    }
                    _ => return Err(broken(token.at, "a tag is missing")),
                }
            }
            if until.is_empty() {
                return Ok((body, None));
            }
            Err(broken(parser.end, format!("{:?} is missing", until.last().copied().unwrap_or_default())))
        })
    }

    fn statement(&mut self, name: &str, at: usize) -> Result<Statement, Broken> {
        match name {
            "if" => self.condition(at),
            "for" => self.repetition(at),
            "set" => self.assignment(at),
            "macro" | "call" | "filter" | "block" | "with" | "generation" | "autoescape" | "trans" => {
                let arguments = self.loose()?;
                let close = format!("end{name}");
                let (body, _) = self.body(&[&close])?;
                self.loose()?;
                Ok(Statement::Block(name.to_owned(), arguments, body, at))
            }
            "include" | "import" | "from" | "extends" | "do" | "break" | "continue" | "debug" => {
                Ok(Statement::Tag(name.to_owned(), self.loose()?, at))
            }
            other => Err(broken(at, format!("there is no tag {other:?}"))),
        }
    }

    fn condition(&mut self, at: usize) -> Result<Statement, Broken> {
        let test = self.tuple()?;
        self.end()?;
        let (then, ended) = self.body(&["elif", "else", "endif"])?;
        let otherwise = match ended {
            Some((word, at)) if word == "elif" => vec![self.nested(|p| p.condition(at))?],
            Some((word, _)) if word == "else" => {
                self.end()?;
                let (body, _) = self.body(&["endif"])?;
                self.end()?;
                body
            }
            _ => {
                self.end()?;
                Vec::new()
            }
        };
        Ok(Statement::If(test, then, otherwise, at))
    }

    fn repetition(&mut self, at: usize) -> Result<Statement, Broken> {
        let names = self.targets()?;
        if !self.word("in") {
            return Err(broken(self.place(), "a loop without \"in\""));
        }
        let mut over = self.tuple_without_condition()?;
        if self.word("if") {
            let filter = self.expression()?;
            over = Expr::Of(vec![over, filter]);
        }
        self.word("recursive");
        self.end()?;
        let (mut body, ended) = self.body(&["else", "endfor"])?;
        if ended.is_some_and(|(word, _)| word == "else") {
            self.end()?;
            let (other, _) = self.body(&["endfor"])?;
            body.extend(other);
        }
        self.end()?;
        Ok(Statement::For { names, over, body, at })
    }

    fn assignment(&mut self, at: usize) -> Result<Statement, Broken> {
        let names = self.targets()?;
        if self.sign("=") {
            let value = self.tuple()?;
            self.end()?;
            return Ok(Statement::Set(names, value, at));
        }
        let filters = self.loose()?;
        let (body, _) = self.body(&["endset"])?;
        self.end()?;
        let targets = names.into_iter().map(Expr::Name).chain(filters).collect();
        Ok(Statement::Block("set".to_owned(), targets, body, at))
    }

    /// Names on the left of an assignment or a loop; `ns.name` is kept whole.
    fn targets(&mut self) -> Result<Vec<String>, Broken> {
        let mut names = Vec::new();
        let open = self.sign("(");
        loop {
            let mut name = self.name()?;
            while self.sign(".") {
                name = format!("{name}.{}", self.name()?);
            }
            names.push(name);
            if !self.sign(",") || self.is_word("in") {
                break;
            }
        }
        if open {
            self.expect(")")?;
        }
        Ok(names)
    }

    /// Whatever stands up to the end of a tag whose grammar does not matter here: every expression in it.
    fn loose(&mut self) -> Result<Vec<Expr>, Broken> {
        let mut found = Vec::new();
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::End => {
                    self.at += 1;
                    return Ok(found);
                }
                TokenKind::Sign("=" | "," | "|") => self.at += 1,
                TokenKind::Name(word)
                    if ["as", "import", "with", "without", "context", "ignore", "missing"]
                        .contains(&word.as_str()) =>
                {
                    self.at += 1;
                }
                TokenKind::Data(_) | TokenKind::BeginPrint | TokenKind::BeginBlock => break,
                _ => found.push(self.expression()?),
            }
        }
        Err(broken(self.place(), "a tag does not end"))
    }

    fn tuple(&mut self) -> Result<Expr, Broken> {
        let first = self.expression()?;
        self.more(first)
    }

    /// A loop's "if" filters it; it is no conditional expression.
    fn tuple_without_condition(&mut self) -> Result<Expr, Broken> {
        let first = self.nested(|p| p.binary(0))?;
        self.more(first)
    }

    fn more(&mut self, first: Expr) -> Result<Expr, Broken> {
        let mut all = vec![first];
        while self.sign(",") {
            if matches!(self.peek(), None | Some(TokenKind::End | TokenKind::Sign(")"))) {
                break;
            }
            all.push(self.expression()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::List(all) })
    }

    fn expression(&mut self) -> Result<Expr, Broken> {
        self.nested(|parser| {
            let value = parser.binary(0)?;
            if !parser.word("if") {
                return Ok(value);
            }
            let mut parts = vec![value, parser.binary(0)?];
            if parser.word("else") {
                parts.push(parser.expression()?);
            }
            Ok(Expr::Of(parts))
        })
    }

    /// Binary operators by their level, loosest first.
    fn binary(&mut self, level: usize) -> Result<Expr, Broken> {
        const LEVELS: &[&[&str]] = &[
            &["or"],
            &["and"],
            &["==", "!=", "<=", ">=", "<", ">", "in", "not in"],
            &["~"],
            &["+", "-"],
            &["*", "/", "//", "%"],
            &["**"],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left =
            if level == 2 && self.is_word("not") { self.negation()? } else { self.binary(level + 1)? };
        while let Some(operator) = self.operator(operators) {
            let right = self.binary(level + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expr, Broken> {
        self.word("not");
        Ok(Expr::Of(vec![self.nested(|p| p.binary(2))?]))
    }

    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let found = *operators.iter().find(|operator| match self.peek() {
            Some(TokenKind::Sign(sign)) => sign == *operator,
            Some(TokenKind::Name(name)) => match **operator {
                "not in" => {
                    let next = self.tokens.get(self.at + 1).map(|t| &t.kind);
                    name == "not" && matches!(next, Some(TokenKind::Name(n)) if n == "in")
                }
                word => name == word,
            },
            _ => false,
        })?;
        self.at += 1 + usize::from(found == "not in");
        Some(found)
    }

    fn unary(&mut self) -> Result<Expr, Broken> {
        if self.sign("-") || self.sign("+") {
            return Ok(Expr::Of(vec![self.nested(Self::unary)?]));
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    fn primary(&mut self) -> Result<Expr, Broken> {
        let at = self.place();
        let kind = self.peek().cloned().ok_or_else(|| broken(at, "an expression is missing"))?;
        self.at += 1;
        match kind {
            TokenKind::Text(mut text) => {
                // Texts beside each other are one text.
                while let Some(TokenKind::Text(next)) = self.peek() {
                    text.push_str(&next.clone());
                    self.at += 1;
                }
                Ok(Expr::Text(text))
            }
            TokenKind::Number(value) => Ok(Expr::Number(value)),
            TokenKind::Name(name) => Ok(match name.as_str() {
                "true" | "True" | "false" | "False" | "none" | "None" => Expr::Constant,
                _ => Expr::Name(name),
            }),
            TokenKind::Sign("(") => {
                if self.sign(")") {
                    return Ok(Expr::List(Vec::new()));
                }
                let inner = self.nested(Self::tuple)?;
                self.expect(")")?;
                Ok(inner)
            }
            TokenKind::Sign("[") => Ok(Expr::List(self.until("]")?)),
            TokenKind::Sign("{") => Ok(Expr::Of(self.until("}")?)),
            _ => Err(broken(at, "an expression is missing")),
        }
    }

    /// Elements up to a closing bracket; in a dictionary the colon separates too.
    fn until(&mut self, close: &str) -> Result<Vec<Expr>, Broken> {
        let mut all = Vec::new();
        while !self.sign(close) {
            all.push(self.expression()?);
            if !(self.sign(",") || self.sign(":")) {
                self.expect(close)?;
                break;
            }
        }
        Ok(all)
    }

    fn postfix(&mut self, mut value: Expr) -> Result<Expr, Broken> {
        loop {
            if self.sign(".") {
                value = match self.peek().cloned() {
                    Some(TokenKind::Number(index)) => {
                        self.at += 1;
                        Expr::Index(Box::new(value), Box::new(Expr::Number(index)))
                    }
                    _ => Expr::Attribute(Box::new(value), self.name()?),
                };
            } else if self.sign("[") {
                let at = self.subscript()?;
                value = Expr::Index(Box::new(value), Box::new(at));
            } else if self.sign("(") {
                let (plain, named) = self.arguments()?;
                value = Expr::Call(Box::new(value), plain, named);
            } else if self.sign("|") {
                let name = self.dotted()?;
                let (plain, named) =
                    if self.sign("(") { self.arguments()? } else { (Vec::new(), Vec::new()) };
                value = Expr::Filter(Box::new(value), name, plain, named);
            } else if self.word("is") {
                self.word("not");
                let name = self.dotted()?;
                let arguments = self.test_arguments()?;
                value = Expr::Test(Box::new(value), name, arguments);
            } else {
                return Ok(value);
            }
        }
    }

    fn dotted(&mut self) -> Result<String, Broken> {
        let mut name = self.name()?;
        while self.sign(".") {
            name = format!("{name}.{}", self.name()?);
        }
        Ok(name)
    }

    fn test_arguments(&mut self) -> Result<Vec<Expr>, Broken> {
        if self.sign("(") {
            return Ok(self.arguments()?.0);
        }
        let follows = match self.peek() {
            Some(TokenKind::Text(_) | TokenKind::Number(_)) => true,
            Some(TokenKind::Name(word)) => {
                !["and", "or", "else", "if", "is", "in", "not"].contains(&word.as_str())
            }
            _ => false,
        };
        if !follows {
            return Ok(Vec::new());
        }
        let argument = self.primary()?;
        Ok(vec![argument])
    }

    fn subscript(&mut self) -> Result<Expr, Broken> {
        let mut parts = Vec::new();
        let mut slice = false;
        loop {
            if self.sign("]") {
                break;
            }
            if self.sign(":") || self.sign(",") {
                slice = true;
                continue;
            }
            parts.push(self.expression()?);
        }
        match parts.len() {
            1 if !slice => Ok(parts.remove(0)),
            _ => Ok(Expr::Of(parts)),
        }
    }

    fn arguments(&mut self) -> Result<Arguments, Broken> {
        let (mut plain, mut named) = (Vec::new(), Vec::new());
        while !self.sign(")") {
            let stars = self.sign("**") || self.sign("*");
            let next = self.tokens.get(self.at + 1).map(|t| &t.kind);
            let is_named = !stars
                && matches!(self.peek(), Some(TokenKind::Name(_)))
                && matches!(next, Some(TokenKind::Sign("=")));
            if is_named {
                let name = self.name()?;
                self.expect("=")?;
                named.push((name, self.expression()?));
            } else {
                plain.push(self.expression()?);
            }
            if !self.sign(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok((plain, named))
    }
}
