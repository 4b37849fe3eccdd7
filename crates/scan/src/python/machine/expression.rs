//! What expressions amount to.

use std::sync::Arc;

use super::super::syntax::{Clause, Id, Kind, Passing, Sequence};
use super::super::value::{Arguments, Cell, Taint, Value};
use super::{Body, Callable, Machine, Reach, Scope, What};

/// Deepest expression that is followed. Brackets are bounded by the parser already.
const MAX_DEPTH: usize = 400;

impl Machine<'_> {
    pub(super) fn eval(&mut self, scope: Scope<'_>, id: Id) -> Value {
        let Some(expression) = scope.tree.expressions.get(id) else { return Value::UNKNOWN };
        let line = expression.line;
        if !self.step(scope, line) {
            return Value::UNKNOWN;
        }
        if self.depth >= MAX_DEPTH {
            self.event(scope, line, What::Budget);
            return Value::UNKNOWN;
        }
        self.depth += 1;
        let value = self.eval_kind(scope, &expression.kind, line, id);
        self.depth -= 1;
        value
    }

    fn eval_kind(&mut self, scope: Scope<'_>, kind: &Kind, line: u32, id: Id) -> Value {
        match kind {
            Kind::Text(text) => Value::text(text),
            Kind::Bytes(bytes) => Value::bytes(bytes),
            Kind::Integer(n) => Value::Integer(*n),
            Kind::Bool(b) => Value::Bool(*b),
            Kind::None => Value::None,
            Kind::Number(_) | Kind::Unknown => Value::UNKNOWN,
            Kind::Name(name) => self.lookup(scope, name),
            Kind::Attribute(..) | Kind::Call(..) | Kind::Subscript(..) => self.trailers(scope, id),
            Kind::Elements(ids) => {
                let mut values = Vec::new();
                for id in ids {
                    match scope.tree.expressions.get(*id).map(|e| &e.kind) {
                        Some(Kind::Star(inner)) => {
                            let inner = self.eval(scope, *inner);
                            match self.elements(scope, &inner, line) {
                                Some(more) => values.extend(more),
                                None => values.push(Value::UNKNOWN),
                            }
                        }
                        _ => values.push(self.eval(scope, *id)),
                    }
                }
                self.sequence(values)
            }
            Kind::Dict(pairs) => {
                let mut out = Vec::new();
                for (key, value) in pairs {
                    let value = self.eval(scope, *value);
                    match key {
                        Some(key) => {
                            let key = self.eval(scope, *key);
                            out.push((key, value));
                        }
                        None => {
                            if let Some(Cell::Dict(more)) = self.cell_of(&value) {
                                out.extend(more.clone());
                            }
                        }
                    }
                }
                self.cell(Cell::Dict(out))
            }
            Kind::Slice(parts) => {
                let parts: Vec<Value> =
                    parts.iter().map(|p| p.map_or(Value::None, |id| self.eval(scope, id))).collect();
                self.sequence(parts)
            }
            Kind::Chain(first, rest) => {
                let mut value = self.eval(scope, *first);
                for (operator, id) in rest {
                    let right = self.eval(scope, *id);
                    value = self.binary(scope, operator, value, right, line);
                }
                value
            }
            Kind::Prefix(operator, inner) => {
                let value = self.eval(scope, *inner);
                self.prefix(scope, operator, &value, line)
            }
            Kind::Either(all) => self.either(scope, all),
            Kind::Compare(first, rest) => self.compare(scope, *first, rest, line),
            Kind::Choice { test, then, otherwise } => {
                let test = self.eval(scope, *test);
                match self.truth(&test) {
                    Some(true) => self.eval(scope, *then),
                    Some(false) => self.eval(scope, *otherwise),
                    None => {
                        self.branches += 1;
                        let then = self.eval(scope, *then);
                        let otherwise = self.eval(scope, *otherwise);
                        self.branches -= 1;
                        otherwise.or(then)
                    }
                }
            }
            Kind::Lambda(parameters, body) => {
                let defaults = self.defaults(scope, parameters);
                self.functions.push(Callable {
                    body: Body::Lambda(Arc::new((parameters.clone(), *body, line))),
                    module: scope.module,
                    frame: scope.frame,
                    defaults,
                    owner: None,
                    handed: None,
                    swept: None,
                    known: Vec::new(),
                });
                Value::Function(self.functions.len() - 1)
            }
            Kind::Comprehension(sequence, parts, clauses) => {
                let mut out = Vec::new();
                self.comprehend(scope, parts, clauses, line, &mut out);
                self.collected(*sequence, out)
            }
            Kind::Formatted(parts) => self.formatted(scope, parts, line),
            Kind::Await(inner) => self.eval(scope, *inner),
            Kind::Yield(inner) => {
                let value = inner.map_or(Value::UNKNOWN, |id| self.eval(scope, id));
                self.yielded = self.yielded.and(self.taint_of_all(&value));
                value
            }
            Kind::Star(inner) => self.eval(scope, *inner),
            Kind::Walrus(name, value) => {
                let value = self.eval(scope, *value);
                self.set(scope.frame, name, value.clone());
                value
            }
        }
    }

    fn either(&mut self, scope: Scope<'_>, all: &[Id]) -> Value {
        // Which of `and` and `or` it is does not matter where nothing is known: any operand may be the result.
        let mut value: Option<Value> = None;
        for (index, id) in all.iter().enumerate() {
            self.branches += usize::from(index > 0);
            let next = self.eval(scope, *id);
            self.branches -= usize::from(index > 0);
            value = Some(match value {
                Some(before) => before.or(next),
                None => next,
            });
        }
        value.unwrap_or(Value::UNKNOWN)
    }

    fn compare(&mut self, scope: Scope<'_>, first: Id, rest: &[(String, Id)], line: u32) -> Value {
        let left = self.eval(scope, first);
        let mut result = Value::UNKNOWN;
        let single = rest.len() == 1;
        for (operator, id) in rest {
            let right = self.eval(scope, *id);
            let special = match operator.as_str() {
                "==" => "__eq__",
                "!=" => "__ne__",
                "<" => "__lt__",
                ">" => "__gt__",
                "<=" => "__le__",
                ">=" => "__ge__",
                "in" | "not in" => "__contains__",
                _ => "",
            };
            let (asked, other) = if special == "__contains__" { (&right, &left) } else { (&left, &right) };
            self.special(scope, asked, special, vec![other.clone()], line);
            if single {
                result = self.comparison(operator, &left, &right);
            }
        }
        result
    }

    fn comparison(&self, operator: &str, left: &Value, right: &Value) -> Value {
        let known = |v: &Value| {
            matches!(v, Value::Text(_) | Value::Bytes(_) | Value::Integer(_) | Value::Bool(_) | Value::None)
        };
        if !known(left) || !known(right) {
            return Value::UNKNOWN;
        }
        let numbers = left.as_integer().zip(right.as_integer());
        let equal = numbers.map_or(left == right, |(a, b)| a == b);
        Value::Bool(match (operator, numbers) {
            ("==" | "is", _) => equal,
            ("!=" | "<>" | "is not", _) => !equal,
            ("<", Some((a, b))) => a < b,
            (">", Some((a, b))) => a > b,
            ("<=", Some((a, b))) => a <= b,
            (">=", Some((a, b))) => a >= b,
            _ => match (operator, left.as_text(), right.as_text()) {
                ("in", Some(a), Some(b)) => b.contains(a),
                ("not in", Some(a), Some(b)) => !b.contains(a),
                _ => return Value::UNKNOWN,
            },
        })
    }

    /// Whether it counts as true, where that is known.
    pub(super) fn truth(&self, value: &Value) -> Option<bool> {
        match value {
            Value::None => Some(false),
            Value::Bool(b) => Some(*b),
            Value::Integer(n) => Some(*n != 0),
            Value::Text(text) => Some(!text.is_empty()),
            Value::Bytes(bytes) => Some(!bytes.is_empty()),
            _ => None,
        }
    }

    fn formatted(&mut self, scope: Scope<'_>, parts: &[Id], line: u32) -> Value {
        let mut text = String::new();
        let mut taint = Taint::NONE;
        let mut known = true;
        for id in parts {
            let value = self.eval(scope, *id);
            self.special(scope, &value, "__str__", Vec::new(), line);
            self.special(scope, &value, "__format__", Vec::new(), line);
            taint = taint.and(self.taint(&value));
            text.push_str(&value.part());
            match &value {
                Value::Text(_) | Value::Integer(_) => {}
                _ => known = false,
            }
        }
        self.made(if known { Value::text(text) } else { Value::with_gaps(&text, taint) })
    }

    /// `a.b(c)[d]`: from the innermost out, without recursing along the chain.
    fn trailers(&mut self, scope: Scope<'_>, id: Id) -> Value {
        let mut spine = Vec::new();
        let mut at = id;
        while let Some(expression) = scope.tree.expressions.get(at) {
            let inner = match &expression.kind {
                Kind::Attribute(inner, _) | Kind::Call(inner, _) | Kind::Subscript(inner, _) => *inner,
                _ => break,
            };
            spine.push(at);
            at = inner;
        }
        let mut value = self.eval(scope, at);
        while let Some(at) = spine.pop() {
            let Some(expression) = scope.tree.expressions.get(at) else { break };
            let line = expression.line;
            if !self.step(scope, line) {
                return Value::UNKNOWN;
            }
            value = match &expression.kind {
                Kind::Attribute(_, name) => self.attribute(scope, &value, name, line),
                Kind::Subscript(_, index) => {
                    let sliced =
                        matches!(scope.tree.expressions.get(*index).map(|e| &e.kind), Some(Kind::Slice(_)));
                    let index = self.eval(scope, *index);
                    self.subscript(scope, &value, &index, sliced, line)
                }
                Kind::Call(callee, arguments) => {
                    let mut given = Arguments::default();
                    for argument in arguments {
                        let passed = self.eval(scope, argument.value);
                        match (&argument.name, argument.passing) {
                            (Some(name), _) => given.named.push((name.clone(), passed)),
                            (None, Passing::Plain) => given.plain.push(passed),
                            (None, Passing::Star) => match self.elements(scope, &passed, line) {
                                Some(more) => given.plain.extend(more),
                                None => given.plain.push(Value::Unknown(self.taint(&passed))),
                            },
                            (None, Passing::StarStar) => {
                                if let Some(Cell::Dict(pairs)) = self.cell_of(&passed) {
                                    let named = pairs
                                        .iter()
                                        .filter_map(|(k, v)| Some((k.as_text()?.to_owned(), v.clone())));
                                    given.named.extend(named.collect::<Vec<_>>());
                                }
                            }
                        }
                    }
                    self.calls_unknown(scope, *callee, &value, line);
                    self.keeps_given(scope, *callee, &given);
                    self.call(scope, &value, given, line)
                }
                _ => Value::UNKNOWN,
            };
        }
        value
    }

    /// Tells of a call of something that was lost track of, where it runs by itself. A method of data is data's own, unless
    /// it is named as what starts programs is.
    fn calls_unknown(&mut self, scope: Scope<'_>, callee: Id, value: &Value, line: u32) {
        const STARTS: [&str; 10] = [
            "system",
            "popen",
            "Popen",
            "check_output",
            "check_call",
            "getoutput",
            "getstatusoutput",
            "execve",
            "spawnl",
            "__import__",
        ];
        // What whoever makes an object passes is theirs to know.
        let lost = matches!(value, Value::Unknown(taint) if !taint.has(Taint::GIVEN));
        if self.reach < Reach::Load || !lost {
            return;
        }
        let name = match scope.tree.expressions.get(callee).map(|e| &e.kind) {
            Some(Kind::Attribute(_, name))
                if !STARTS.contains(&name.as_str()) && !self.changes_files(name) =>
            {
                return;
            }
            Some(Kind::Attribute(_, name) | Kind::Name(name)) => name.clone(),
            _ => "an element or a result".to_owned(),
        };
        self.event(scope, line, What::CallsUnknown(name));
    }

    /// Whether a method is named as what changes files is, in a model that is loaded: nothing there has files to change.
    fn changes_files(&self, name: &str) -> bool {
        self.project.is_loaded(&self.subject)
            && ["write_text", "write_bytes", "unlink", "rmdir"].contains(&name)
    }

    fn comprehend(
        &mut self,
        scope: Scope<'_>,
        parts: &[Id],
        clauses: &[Clause],
        line: u32,
        out: &mut Vec<Vec<Value>>,
    ) {
        let Some((clause, rest)) = clauses.split_first() else {
            let values = parts.iter().map(|id| self.eval(scope, *id)).collect();
            if out.len() < super::MAX_TURNS {
                out.push(values);
            }
            return;
        };
        let source = self.eval(scope, clause.source);
        let unknown = self.elements(scope, &source, line).is_none();
        if unknown {
            // The marker says that the whole is not known.
            out.push(vec![Value::UNKNOWN]);
        }
        self.each(scope, clause.target, source, line, |machine| {
            for condition in &clause.conditions {
                let holds = machine.eval(scope, *condition);
                if machine.truth(&holds) == Some(false) {
                    return;
                }
            }
            machine.comprehend(scope, parts, rest, line, out);
        });
    }

    fn collected(&mut self, sequence: Sequence, out: Vec<Vec<Value>>) -> Value {
        if sequence == Sequence::Dict {
            let pairs = out.into_iter().filter_map(|mut pair| {
                let value = pair.pop()?;
                Some((pair.pop()?, value))
            });
            return self.cell(Cell::Dict(pairs.collect()));
        }
        self.sequence(out.into_iter().flatten().collect())
    }

    fn prefix(&mut self, scope: Scope<'_>, operator: &str, value: &Value, line: u32) -> Value {
        let special = match operator {
            "-" => "__neg__",
            "+" => "__pos__",
            "~" => "__invert__",
            _ => "__bool__",
        };
        if let Some(value) = self.special(scope, value, special, Vec::new(), line) {
            return value;
        }
        match (operator, value.as_integer()) {
            ("-", Some(n)) => Value::Integer(n.wrapping_neg()),
            ("+", Some(n)) => Value::Integer(n),
            ("~", Some(n)) => Value::Integer(!n),
            ("not", _) => self.truth(value).map_or(Value::UNKNOWN, |b| Value::Bool(!b)),
            _ => Value::UNKNOWN,
        }
    }

    pub(super) fn binary(
        &mut self,
        scope: Scope<'_>,
        operator: &str,
        left: Value,
        right: Value,
        line: u32,
    ) -> Value {
        if let Some(value) = self.operator_method(scope, operator, &left, &right, line) {
            return value;
        }
        if let (Value::OneOf(_), _) | (_, Value::OneOf(_)) = (&left, &right) {
            let mut result: Option<Value> = None;
            for a in left.choices().iter().take(4) {
                for b in right.choices().iter().take(4) {
                    let value = self.binary(scope, operator, a.clone(), b.clone(), line);
                    result = Some(result.map_or(value.clone(), |r| r.or(value)));
                }
            }
            return result.unwrap_or(Value::UNKNOWN);
        }
        let taint = self.taint(&left).and(self.taint(&right));
        let value = match (operator, &left, &right) {
            ("+", Value::Text(a), Value::Text(b)) => Value::text(format!("{a}{b}")),
            (
                "+",
                Value::Text(a) | Value::Begins(a, _),
                Value::Begins(..) | Value::Unknown(_) | Value::Outside(..),
            ) => Value::with_gaps(&format!("{a}{}", right.part()), taint),
            ("+", Value::Begins(..), _)
            | ("+", Value::Unknown(_) | Value::Outside(..), Value::Text(_) | Value::Begins(..)) => {
                Value::with_gaps(&format!("{}{}", left.part(), right.part()), taint)
            }
            ("+", Value::Bytes(a), Value::Bytes(b)) => Value::bytes([&a[..], &b[..]].concat()),
            ("%", Value::Text(format), _) => {
                let given = match self.cell_of(&right) {
                    Some(Cell::Sequence(values)) => values.clone(),
                    _ => vec![right.clone()],
                };
                super::super::fold::percent(&left, &given)
                    .unwrap_or_else(|| Value::with_gaps(&gapped(format), taint))
            }
            ("*", Value::Text(text), Value::Integer(n)) | ("*", Value::Integer(n), Value::Text(text)) => {
                match usize::try_from(*n) {
                    Ok(n) if n.saturating_mul(text.len()) < 1 << 20 => Value::text(text.repeat(n)),
                    _ => Value::UNKNOWN,
                }
            }
            ("+", Value::Cell(_), Value::Cell(_)) => match (self.cell_of(&left), self.cell_of(&right)) {
                (Some(Cell::Sequence(a)), Some(Cell::Sequence(b))) if a.len() + b.len() < 100_000 => {
                    let all = a.iter().chain(b).cloned().collect();
                    self.sequence(all)
                }
                _ => Value::Unknown(taint),
            },
            ("/", Value::Outside(name, _), _) if name.starts_with("pathlib.") => {
                super::super::fold::path_of(&left, &right).unwrap_or(Value::Unknown(taint))
            }
            ("/", Value::Text(a), Value::Text(b)) => Value::text(format!("{a}/{b}")),
            ("|", Value::Cell(_), Value::Cell(_)) => left.clone().or(right.clone()),
            _ => match (left.as_integer(), right.as_integer()) {
                (Some(a), Some(b)) => arithmetic(operator, a, b),
                _ => Value::Unknown(taint),
            },
        };
        self.made(value)
    }

    fn operator_method(
        &mut self,
        scope: Scope<'_>,
        operator: &str,
        left: &Value,
        right: &Value,
        line: u32,
    ) -> Option<Value> {
        let name = match operator {
            "+" => "add",
            "-" => "sub",
            "*" => "mul",
            "/" => "truediv",
            "//" => "floordiv",
            "%" => "mod",
            "@" => "matmul",
            "**" => "pow",
            "|" => "or",
            "&" => "and",
            "^" => "xor",
            "<<" => "lshift",
            ">>" => "rshift",
            _ => return None,
        };
        let value = self.special(scope, left, &format!("__{name}__"), vec![right.clone()], line);
        let value =
            value.or_else(|| self.special(scope, left, &format!("__i{name}__"), vec![right.clone()], line));
        value.or_else(|| self.special(scope, right, &format!("__r{name}__"), vec![left.clone()], line))
    }
}

/// A format of `%` with what it puts in left open.
fn gapped(format: &str) -> String {
    let mut parts = format.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest =
            part.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | ' ' | '#'));
        let rest = rest.get(1..).filter(|_| rest.is_char_boundary(1)).unwrap_or_default();
        format!("{text}{}{rest}", super::super::value::GAP)
    })
}

fn arithmetic(operator: &str, a: i64, b: i64) -> Value {
    let value = match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "//" if b != 0 => a.checked_div_euclid(b),
        "%" if b != 0 => a.checked_rem_euclid(b),
        "^" => Some(a ^ b),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "<<" => u32::try_from(b).ok().filter(|b| *b < 63).and_then(|b| a.checked_mul(1 << b)),
        ">>" => u32::try_from(b).ok().map(|b| a >> b.min(63)),
        "**" => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        _ => None,
    };
    value.map_or(Value::UNKNOWN, Value::Integer)
}
