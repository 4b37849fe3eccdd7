//! Statements to concerns.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::tokens;
use super::parser::{Expr, Statement, parse};
use super::words;

mod fold;
mod growth;

use growth::{doubles, rounds};

/// Something about a template that a person has to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Concern {
    /// Byte offset in the template of the statement it is about.
    pub(crate) at: usize,
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// It reaches for Python's insides: the way out of a template.
    Escape,
    /// It names something that only a run would tell, or calls what the loader would have to provide.
    Computed,
    /// It loads other templates.
    Loads,
    /// It repeats until memory or patience ends.
    Exhausts,
    /// It puts words of its own into the conversation.
    Words,
    /// It is no template.
    Broken,
}

/// Most rounds of loops within loops, and most characters of a repeated text.
const MAX_ROUNDS: f64 = 1e6;
const MAX_REPEATED: f64 = 1e6;
/// Rounds in which a text may become twice as long.
const MOST_DOUBLINGS: f64 = 16.0;
/// Most concerns kept of one template: the first ones tell the story.
const MAX_CONCERNS: usize = 50;

/// What templates may call: what Jinja and transformers provide and templates for conversations use.
const FUNCTIONS: &[&str] = &[
    "range",
    "raise_exception",
    "namespace",
    "strftime_now",
    "dict",
    "joiner",
    "cycler",
    "loop",
    "caller",
    "super",
];
/// Names behind which a sandbox ends, without the underscores that mark the others.
const INSIDES: &[&str] = &[
    "mro",
    "func_globals",
    "func_code",
    "im_func",
    "gi_frame",
    "gi_code",
    "cr_frame",
    "cr_code",
    "f_globals",
    "f_locals",
    "f_builtins",
    "tb_frame",
    "ag_frame",
    "ag_code",
];
/// Names of Python's insides, which as texts are of no use to a template but to look them up.
const SPELT: &[&str] = &[
    "__base__",
    "__bases__",
    "__builtins__",
    "__call__",
    "__class__",
    "__closure__",
    "__code__",
    "__delattr__",
    "__dict__",
    "__dir__",
    "__func__",
    "__getattr__",
    "__getattribute__",
    "__getitem__",
    "__globals__",
    "__import__",
    "__init__",
    "__init_subclass__",
    "__loader__",
    "__module__",
    "__mro__",
    "__new__",
    "__reduce__",
    "__reduce_ex__",
    "__self__",
    "__setattr__",
    "__spec__",
    "__subclasses__",
    "__wrapped__",
];
/// Globals of web frameworks and of Jinja that lead to Python's modules.
const WAYS_OUT: &[&str] = &["lipsum", "self", "request", "get_flashed_messages", "url_for"];

/// Reads a template and tells what is wrong with it, in order of place.
pub(crate) fn judge(source: &str) -> Vec<Concern> {
    let statements = match tokens(source).and_then(parse) {
        Ok(statements) => statements,
        Err(error) => return vec![Concern { at: error.at, kind: Kind::Broken, what: error.what }],
    };
    let mut judge = Judge {
        found: BTreeSet::new(),
        texts: BTreeMap::new(),
        composed: BTreeSet::new(),
        said: BTreeSet::new(),
        ranges: BTreeMap::new(),
        macros: macros(&statements),
        at: 0,
        rounds: 1.0,
    };
    judge.body(&statements);
    judge.found.into_iter().collect()
}

/// Names of the macros a template defines, wherever.
fn macros(statements: &[Statement]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Vec<&Statement> = statements.iter().collect();
    while let Some(statement) = open.pop() {
        match statement {
            Statement::Block(name, arguments, body, _) => {
                if let (true, Some(Expr::Call(callee, ..))) = (name == "macro", arguments.first())
                    && let Expr::Name(name) = callee.as_ref()
                {
                    names.insert(name.clone());
                }
                open.extend(body);
            }
            Statement::If(_, then, otherwise, _) => open.extend(then.iter().chain(otherwise)),
            Statement::For { body, .. } => open.extend(body),
            _ => {}
        }
    }
    names
}

struct Judge {
    found: BTreeSet<Concern>,
    /// Variables whose text is known.
    texts: BTreeMap<String, String>,
    /// Variables that hold a text which was put together from pieces, not all of them known.
    composed: BTreeSet<String>,
    /// Variables that hold what was said.
    said: BTreeSet<String>,
    /// Variables that hold a range of so many numbers.
    ranges: BTreeMap<String, f64>,
    macros: BTreeSet<String>,
    /// The statement that is looked at.
    at: usize,
    /// Rounds of the loops around it, as far as they are known.
    rounds: f64,
}

impl Judge {
    fn words(&mut self, text: &str) {
        words::said(text).into_iter().for_each(|what| self.concern(Kind::Words, what));
        if let Some(what) = crate::instructions::judge(text) {
            self.concern(Kind::Words, what);
        }
    }

    /// How often a loop over it runs: a range, or a variable that holds one.
    fn rounds_over(&self, over: &Expr) -> Option<f64> {
        match over {
            Expr::Name(name) => self.ranges.get(name).copied(),
            over => rounds(over),
        }
    }

    fn concern(&mut self, kind: Kind, what: impl Into<String>) {
        if self.found.len() < MAX_CONCERNS {
            self.found.insert(Concern { at: self.at, kind, what: what.into() });
        }
    }

    fn body(&mut self, statements: &[Statement]) {
        // Whether what is printed next goes on an address of the web.
        let mut address = false;
        for statement in statements {
            match statement {
                Statement::Data(text, at) => {
                    self.at = *at;
                    self.words(text);
                    address = words::ends_in_address(text);
                    continue;
                }
                Statement::Print(value, at) => {
                    self.at = *at;
                    self.expression(value);
                    if words::carries_off(value) || address && words::mentions_content(value) {
                        self.concern(Kind::Words, "it puts what was said into an address");
                    }
                    match self.fold(value) {
                        Some(text) => self.words(&text),
                        None => words::texts(value).into_iter().for_each(|text| self.words(text)),
                    }
                }
                Statement::Set(names, value, at) => {
                    self.at = *at;
                    self.expression(value);
                    if words::mentions_any(value, &self.said) {
                        self.said.extend(names.iter().cloned());
                    }
                    let rounds = self.rounds_over(value);
                    for name in names {
                        self.ranges.remove(name);
                        self.ranges.extend(rounds.map(|rounds| (name.clone(), rounds)));
                    }
                    match (names.as_slice(), self.fold(value)) {
                        ([name], Some(text)) => {
                            // Many templates keep a default prompt in a variable.
                            self.words(&text);
                            self.texts.insert(name.clone(), text);
                        }
                        _ => {
                            let composed = self.is_text(value);
                            for name in names {
                                self.texts.remove(name);
                                if composed {
                                    self.composed.insert(name.clone());
                                }
                            }
                        }
                    }
                }
                Statement::If(test, then, otherwise, at) => {
                    self.at = *at;
                    self.expression(test);
                    if let Some(word) = words::trigger(test, then, &self.said) {
                        self.concern(
                            Kind::Words,
                            format!("where the conversation mentions {word:?} it says something of its own"),
                        );
                    }
                    if words::later(test, then) {
                        self.concern(Kind::Words, "it says something of its own late in a conversation");
                    }
                    if words::dated(test) {
                        self.concern(Kind::Words, "what it says depends on the day");
                    }
                    self.body(then);
                    self.body(otherwise);
                }
                Statement::For { names, over, body, at } => {
                    self.at = *at;
                    self.expression(over);
                    names.iter().for_each(|name| {
                        self.texts.remove(name);
                    });
                    let around = self.rounds;
                    let known = self.rounds_over(over);
                    names.iter().for_each(|name| {
                        self.ranges.remove(name);
                    });
                    if known.is_none_or(|rounds| rounds >= MOST_DOUBLINGS)
                        && let Some(name) = doubled(body)
                    {
                        self.concern(
                            Kind::Exhausts,
                            format!("each round of a loop makes {name:?} twice as long"),
                        );
                    }
                    self.rounds *= known.unwrap_or(1.0);
                    if self.rounds > MAX_ROUNDS {
                        let rounds = self.rounds;
                        self.concern(Kind::Exhausts, format!("its loops run {rounds:.0} times"));
                    }
                    self.body(body);
                    self.rounds = around;
                }
                Statement::Block(name, arguments, body, at) => {
                    self.at = *at;
                    // The head of a macro is no call of it.
                    arguments.iter().for_each(|a| match a {
                        Expr::Call(_, plain, named) if name == "macro" => {
                            plain.iter().chain(named.iter().map(|(_, v)| v)).for_each(|a| self.expression(a));
                        }
                        other => self.expression(other),
                    });
                    self.body(body);
                    match (name.as_str(), arguments.as_slice()) {
                        ("set", [Expr::Name(variable)]) => match self.printed(body) {
                            Some(text) => {
                                self.spelt(&text);
                                self.texts.insert(variable.clone(), text);
                            }
                            None => {
                                self.texts.remove(variable);
                                self.composed.insert(variable.clone());
                            }
                        },
                        ("macro", [Expr::Call(callee, ..), ..]) => {
                            if let Expr::Name(own) = callee.as_ref()
                                && calls_itself(own, body)
                            {
                                let what = format!("the macro {own:?} calls itself whatever it is given");
                                self.concern(Kind::Exhausts, what);
                            }
                        }
                        _ => {}
                    }
                }
                Statement::Tag(name, arguments, at) => {
                    self.at = *at;
                    if ["include", "import", "from", "extends"].contains(&name.as_str()) {
                        self.concern(Kind::Loads, format!("the tag {name:?} loads another template"));
                    } else if name == "debug" {
                        self.concern(Kind::Escape, "the tag \"debug\" prints everything the loader holds");
                    }
                    arguments.iter().for_each(|a| self.expression(a));
                }
            }
            address = false;
        }
    }

    fn expression(&mut self, value: &Expr) {
        match value {
            Expr::Text(text) => self.spelt(text),
            Expr::Number(_) | Expr::Constant => {}
            Expr::Name(name) => {
                // A variable is what the template or the loader made it: only attributes are Python's. Many templates
                // call their own `_args`.
                if name.starts_with("__") {
                    self.named(name);
                }
                if WAYS_OUT.contains(&name.as_str()) && !self.macros.contains(name) {
                    self.concern(
                        Kind::Escape,
                        format!("it uses {name:?}, from which Python's modules are reached"),
                    );
                }
            }
            Expr::Attribute(of, name) => {
                self.expression(of);
                self.named(name);
            }
            Expr::Index(of, at) => {
                self.expression(of);
                self.expression(at);
                self.computed_name(at);
            }
            Expr::Call(callee, plain, named) => self.call(callee, plain, named),
            Expr::Filter(of, name, plain, named) => self.filter(of, name, plain, named),
            Expr::Test(of, _, arguments) => {
                self.expression(of);
                arguments.iter().for_each(|a| self.expression(a));
            }
            Expr::Binary(operator, left, right) => {
                self.expression(left);
                self.expression(right);
                self.growth(operator, left, right);
                if let Some(text) = self.fold(value) {
                    self.spelt(&text);
                }
            }
            Expr::Of(parts) | Expr::List(parts) => {
                if words::swaps_roles(parts) {
                    self.concern(Kind::Words, "it gives what a user says the rank of the system's message");
                }
                parts.iter().for_each(|p| self.expression(p));
            }
        }
    }

    fn call(&mut self, callee: &Expr, plain: &[Expr], named: &[(String, Expr)]) {
        match callee {
            Expr::Name(name) => {
                let known = FUNCTIONS.contains(&name.as_str()) || self.macros.contains(name);
                if WAYS_OUT.contains(&name.as_str()) || name.starts_with("__") {
                    self.expression(callee);
                } else if !known {
                    self.concern(
                        Kind::Computed,
                        format!("it calls {name:?}, which the loader would have to provide"),
                    );
                }
                if name == "loop" && matches!(plain, [Expr::Name(over)] if over == "messages") {
                    self.concern(Kind::Exhausts, "a loop runs itself over the same conversation without end");
                }
                if name == "range"
                    && rounds(&Expr::Call(Box::new(callee.clone()), plain.to_vec(), Vec::new()))
                        .is_some_and(|n| n > MAX_ROUNDS)
                {
                    self.concern(Kind::Exhausts, "it counts further than any conversation is long");
                }
            }
            Expr::Attribute(of, method) => {
                self.expression(callee);
                if method == "format" || method == "format_map" {
                    self.filled(of);
                    match self.fold(of) {
                        Some(text) if text.contains("__") || text.contains("._") => {
                            self.concern(Kind::Escape, "a format string reaches for Python's insides");
                        }
                        Some(_) => {}
                        None => {
                            self.concern(Kind::Computed, "it formats by a text that only a run would tell")
                        }
                    }
                }
                if matches!(of.as_ref(), Expr::Name(name) if name == "messages")
                    && ["insert", "append", "extend"].contains(&method.as_str())
                {
                    self.concern(Kind::Words, "it puts messages of its own into the conversation");
                }
                self.width(method, plain, named);
                if method == "replace" {
                    self.rewriting(of, plain);
                }
            }
            other => self.expression(other),
        }
        plain.iter().chain(named.iter().map(|(_, v)| v)).for_each(|a| self.expression(a));
    }

    fn filter(&mut self, of: &Expr, name: &str, plain: &[Expr], named: &[(String, Expr)]) {
        self.expression(of);
        plain.iter().chain(named.iter().map(|(_, v)| v)).for_each(|a| self.expression(a));
        let attribute = named.iter().find(|(n, _)| n == "attribute").map(|(_, v)| v);
        let looked_up = match name {
            "attr" => plain.first(),
            "selectattr" | "rejectattr" | "groupby" => plain.first().or(attribute),
            _ => attribute,
        };
        if let Some(looked_up) = looked_up {
            match self.fold(looked_up) {
                Some(text) => text.split('.').for_each(|part| self.named(part)),
                None => self.concern(
                    Kind::Computed,
                    format!("the filter {name:?} looks up a name that only a run would tell"),
                ),
            }
        }
        // `map('attr', …)` applies a filter by name.
        if name == "map" && plain.first().and_then(|p| self.fold(p)).as_deref() == Some("attr") {
            match plain.get(1).and_then(|p| self.fold(p)) {
                Some(text) => self.named(&text),
                None => self.concern(Kind::Computed, "it looks up a name that only a run would tell"),
            }
        }
        self.width(name, plain, named);
        if name == "format" {
            self.filled(of);
        }
        if name == "replace" {
            self.rewriting(of, plain);
        }
        let folded = self.fold_filter(of, name, plain);
        if let Some(text) = folded {
            self.spelt(&text);
        }
    }

    /// A text that spells a name of Python's insides.
    fn spelt(&mut self, text: &str) {
        if SPELT.contains(&text) {
            self.concern(Kind::Escape, format!("it spells {text:?}, which belongs to Python's insides"));
        }
    }

    /// What was said is changed into something else, other than marks of the format.
    fn rewriting(&mut self, of: &Expr, plain: &[Expr]) {
        let texts = plain.first().and_then(|p| self.fold(p)).zip(plain.get(1).and_then(|p| self.fold(p)));
        if let Some((from, to)) = texts
            && words::rewrites(of, &from, &to)
        {
            self.concern(Kind::Words, format!("it says {to:?} where the conversation says {from:?}"));
        }
    }

    /// What a body prints, where all of it is known.
    fn printed(&self, body: &[Statement]) -> Option<String> {
        let mut out = String::new();
        for statement in body {
            match statement {
                Statement::Data(text, _) => out.push_str(text),
                Statement::Print(value, _) => out.push_str(&self.fold(value)?),
                _ => return None,
            }
        }
        (out.len() as f64 <= MAX_REPEATED).then(|| out.trim().to_owned())
    }

    /// A name that is looked up on a value.
    fn named(&mut self, name: &str) {
        if name.starts_with('_') || INSIDES.contains(&name) {
            self.concern(Kind::Escape, format!("it looks up {name:?}, which belongs to Python's insides"));
        }
    }

    /// A subscript that is a text names an attribute too, where there is no such item.
    fn computed_name(&mut self, at: &Expr) {
        match self.fold(at) {
            Some(text) => self.named(&text),
            None if self.is_text(at) => {
                self.concern(Kind::Computed, "it looks up a name that it puts together from pieces");
            }
            None => {}
        }
    }

    /// Whether a value that is not known is certainly a text put together here.
    fn is_text(&self, value: &Expr) -> bool {
        match value {
            Expr::Text(_) => true,
            Expr::Binary("~", ..) => true,
            // A part of a text, and a text that is filled in.
            Expr::Index(of, _) => self.is_text(of),
            Expr::Binary("%", left, _) => self.is_text(left),
            Expr::Binary("+", left, right) => self.is_text(left) || self.is_text(right),
            Expr::Filter(_, name, ..) => {
                ["join", "format", "replace", "reverse", "string", "lower", "upper"].contains(&name.as_str())
            }
            Expr::Name(name) => self.texts.contains_key(name) || self.composed.contains(name),
            Expr::Attribute(..) => variable(value).is_some_and(|name| self.composed.contains(&name)),
            _ => false,
        }
    }
}

/// The name under which `namespace.name` is remembered.
fn variable(value: &Expr) -> Option<String> {
    let Expr::Attribute(of, name) = value else { return None };
    let Expr::Name(of) = of.as_ref() else { return None };
    Some(format!("{of}.{name}"))
}

/// A variable that the body of a loop sets to a text with one that it sets in it twice.
fn doubled(body: &[Statement]) -> Option<String> {
    let mut open: Vec<&Statement> = body.iter().collect();
    let mut sets: Vec<(&String, &Expr)> = Vec::new();
    while let Some(statement) = open.pop() {
        match statement {
            Statement::Set(names, value, _) => sets.extend(names.iter().map(|name| (name, value))),
            Statement::If(_, then, otherwise, _) => open.extend(then.iter().chain(otherwise)),
            Statement::For { body, .. } | Statement::Block(_, _, body, _) => open.extend(body),
            _ => {}
        }
    }
    let again = |value: &Expr| sets.iter().any(|(name, _)| doubles(value, name));
    sets.iter().find(|(_, value)| again(value)).map(|(name, _)| (*name).clone())
}

/// Whether a macro calls itself outside of every condition and loop of its body.
fn calls_itself(own: &str, body: &[Statement]) -> bool {
    let mut open: Vec<&Expr> = Vec::new();
    for statement in body {
        match statement {
            Statement::Print(value, _) | Statement::Set(_, value, _) => open.push(value),
            Statement::Tag(_, arguments, _) => open.extend(arguments),
            _ => {}
        }
    }
    while let Some(value) = open.pop() {
        match value {
            Expr::Call(callee, plain, named) => {
                if matches!(callee.as_ref(), Expr::Name(name) if name == own) {
                    return true;
                }
                open.push(callee);
                open.extend(plain.iter().chain(named.iter().map(|(_, v)| v)));
            }
            Expr::Filter(of, _, plain, _) => {
                open.push(of);
                open.extend(plain);
            }
            Expr::Binary("~" | "+", left, right) => open.extend([left.as_ref(), right.as_ref()]),
            Expr::List(parts) => open.extend(parts),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
