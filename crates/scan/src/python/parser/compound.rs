//! Statements with blocks ("Compound statements").

use std::sync::Arc;

use super::super::syntax::{Act, Class, Function, Id, Parameter, Passing, Statement};
use super::super::token;
use super::{MAX_DEPTH, Parser, normal};

impl Parser<'_> {
    pub(super) fn compound(&mut self) -> Option<Act> {
        if self.is("@") {
            return self.decorated();
        }
        if self.kind() != token::Kind::Name {
            return None;
        }
        match self.text() {
            "if" => self.conditional(),
            "while" => {
                self.at += 1;
                let test = self.expressions();
                let body = self.block();
                let otherwise = self.block_after("else");
                Some(Act::While { test, body, otherwise })
            }
            "for" => self.for_loop(),
            "try" => self.try_block(),
            "with" => self.with_block(),
            "def" => self.define(Vec::new()),
            "class" => self.class(Vec::new()),
            "async" if matches!(self.next_text(1), "def" | "for" | "with") => {
                self.at += 1;
                self.compound()
            }
            "match" if self.begins_match() => self.match_block(),
            _ => None,
        }
    }

    pub(super) fn decorated(&mut self) -> Option<Act> {
        let mut decorators = Vec::new();
        while self.skip("@") {
            decorators.push(self.expressions());
            while self.kind() == token::Kind::Newline {
                self.at += 1;
            }
        }
        self.skip("async");
        if self.is("def") {
            self.define(decorators)
        } else if self.is("class") {
            self.class(decorators)
        } else {
            self.error("a decorator decorates nothing");
            Some(Act::Evaluate(decorators))
        }
    }

    pub(super) fn conditional(&mut self) -> Option<Act> {
        // `elif` chains are as long as somebody likes: collected first, nested afterwards, without recursion.
        let mut arms = Vec::new();
        loop {
            let line = self.line();
            self.at += 1;
            let test = self.expressions();
            let body = self.block();
            arms.push((line, test, body));
            if !self.is("elif") {
                break;
            }
        }
        let mut otherwise = self.block_after("else");
        if arms.len() > MAX_DEPTH {
            // Deeper nesting than is walked: every arm beside the others says the same.
            return Some(Act::Try {
                body: arms
                    .into_iter()
                    .flat_map(|(line, test, body)| {
                        std::iter::once(Statement { kind: Act::Evaluate(vec![test]), line }).chain(body)
                    })
                    .collect(),
                handlers: Vec::new(),
                rest: vec![otherwise],
            });
        }
        while let Some((line, test, body)) = arms.pop() {
            let act = Act::If { test, body, otherwise };
            if arms.is_empty() {
                return Some(act);
            }
            otherwise = vec![Statement { kind: act, line }];
        }
        None
    }

    pub(super) fn for_loop(&mut self) -> Option<Act> {
        self.at += 1;
        let target = self.targets();
        if !self.skip("in") {
            self.error("a loop without a source");
        }
        let source = self.expressions();
        let body = self.block();
        let otherwise = self.block_after("else");
        Some(Act::For { target, source, body, otherwise })
    }

    pub(super) fn try_block(&mut self) -> Option<Act> {
        self.at += 1;
        let body = self.block();
        let mut handlers = Vec::new();
        while self.skip("except") {
            self.skip("*");
            let caught = self.begins_expression().then(|| self.expressions());
            let name = if self.skip("as") || self.skip(",") { self.name() } else { None };
            handlers.push((caught, name, self.block()));
        }
        let rest = vec![self.block_after("else"), self.block_after("finally")];
        Some(Act::Try { body, handlers, rest })
    }

    pub(super) fn with_block(&mut self) -> Option<Act> {
        self.at += 1;
        // `with (a as b, c as d):` or an expression in brackets: the former is tried where an `as` stands inside.
        let bracket = self.is("(") && self.bracket_holds_as();
        self.at += usize::from(bracket);
        let mut items = Vec::new();
        while self.begins_expression() {
            let value = self.expression();
            let target = if self.skip("as") { Some(self.target()) } else { None };
            items.push((value, target));
            if !self.skip(",") {
                break;
            }
        }
        if bracket {
            self.skip(")");
        }
        let body = self.block();
        Some(Act::With { items, body })
    }

    pub(super) fn bracket_holds_as(&self) -> bool {
        let mut open = 0usize;
        for ahead in 0..4096 {
            let Some(token) = self.tokens.get(self.at + ahead) else { return false };
            match (token.kind, self.next_text(ahead)) {
                (token::Kind::Operator, "(" | "[" | "{") => open += 1,
                (token::Kind::Operator, ")" | "]" | "}") if open <= 1 => return false,
                (token::Kind::Operator, ")" | "]" | "}") => open -= 1,
                (token::Kind::Name, "as") if open == 1 => return true,
                (token::Kind::Newline | token::Kind::End, _) => return false,
                _ => {}
            }
        }
        false
    }

    /// Whether `match` begins a statement: the line ends in a colon and its next line in a `case`.
    pub(super) fn begins_match(&self) -> bool {
        let mut ahead = 1;
        let mut last = "";
        loop {
            let Some(token) = self.tokens.get(self.at + ahead) else { return false };
            if matches!(token.kind, token::Kind::Newline | token::Kind::End) {
                break;
            }
            last = self.next_text(ahead);
            ahead += 1;
        }
        last == ":"
            && self.tokens.get(self.at + ahead + 1).is_some_and(|t| t.kind == token::Kind::Indent)
            && self.next_text(ahead + 2) == "case"
    }

    pub(super) fn match_block(&mut self) -> Option<Act> {
        self.at += 1;
        let subject = self.expressions();
        self.skip(":");
        while matches!(self.kind(), token::Kind::Newline | token::Kind::Indent) {
            self.at += 1;
        }
        let mut cases = Vec::new();
        while self.skip("case") {
            let mut names = Vec::new();
            let mut open = 0usize;
            while !matches!(self.kind(), token::Kind::Newline | token::Kind::End) {
                match self.text() {
                    "(" | "[" | "{" => open += 1,
                    ")" | "]" | "}" => open = open.saturating_sub(1),
                    ":" | "if" if open == 0 => break,
                    _ => {}
                }
                if self.kind() == token::Kind::Name && self.next_text(1) != "(" {
                    names.push(normal(self.text()));
                }
                self.at += 1;
            }
            let guard = if self.skip("if") { Some(self.expressions()) } else { None };
            cases.push((names, guard, self.block()));
        }
        if self.kind() == token::Kind::Dedent {
            self.at += 1;
        }
        Some(Act::Match { subject, cases })
    }

    pub(super) fn define(&mut self, decorators: Vec<Id>) -> Option<Act> {
        let line = self.line();
        self.at += 1;
        let name = self.name()?;
        self.type_parameters();
        let mut annotations = Vec::new();
        let mut parameters = Vec::new();
        if self.skip("(") {
            parameters = self.parameters(")", &mut annotations);
            self.skip(")");
        }
        if self.skip("->") {
            annotations.push(self.expression());
        }
        let body = self.block();
        Some(Act::Define(Arc::new(Function { name, decorators, parameters, annotations, body, line })))
    }

    /// `[T: Bound]` behind the name of a function or class; evaluated when somebody asks.
    pub(super) fn type_parameters(&mut self) {
        if !self.is("[") {
            return;
        }
        let mut open = 0usize;
        loop {
            match (self.kind(), self.text()) {
                (token::Kind::Operator, "[") => open += 1,
                (token::Kind::Operator, "]") => open = open.saturating_sub(1),
                (token::Kind::Newline | token::Kind::End, _) => return,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }

    pub(super) fn parameters(&mut self, end: &str, annotations: &mut Vec<Id>) -> Vec<Parameter> {
        let mut out = Vec::new();
        while !self.is(end) && self.kind() != token::Kind::End {
            let passing = self.passing();
            if let Some(name) = self.name() {
                if end == ")" && self.skip(":") {
                    self.skip("*");
                    annotations.push(self.expression());
                }
                let default = if self.skip("=") { Some(self.expression()) } else { None };
                out.push(Parameter { name, default, passing });
            } else if !self.skip("/") && !self.is(",") && passing == Passing::Plain {
                // Unpacked parameters of Python 2, or something that is none.
                self.at += 1;
            }
            self.skip(",");
        }
        out
    }

    pub(super) fn class(&mut self, decorators: Vec<Id>) -> Option<Act> {
        let line = self.line();
        self.at += 1;
        let name = self.name()?;
        self.type_parameters();
        let arguments = if self.skip("(") { self.arguments() } else { Vec::new() };
        let body = self.block();
        Some(Act::Class(Arc::new(Class { name, decorators, arguments, body, line })))
    }
}
