//! Expressions of a script: names, calls, and what is written out.

use super::value::{Value, What};
use super::{Attribute, Frame, Machine, dotted, kind};
use crate::python::syntax::{Argument, Clause, Id, Kind};

/// Elements that a constant has of which nothing but that it is a tensor is known.
const SEVERAL: u64 = 2;
/// Names that operators are looked up under.
const ROOTS: [&str; 4] = ["torch", "ops", "math", "__torch__"];
/// What a call says of tensors rather than computes with them.
const SETTINGS: [&str; 8] = [
    "dtype",
    "layout",
    "device",
    "pin_memory",
    "generator",
    "memory_format",
    "requires_grad",
    "non_blocking",
];

impl<'m> Machine<'_, 'm> {
    pub(super) fn value(&mut self, frame: &mut Frame<'m>, id: Id) -> Value {
        let module = frame.module;
        let Some(expression) = module.expressions.get(id).filter(|_| self.step()) else {
            return self.fresh(What::Unknown);
        };
        let line = expression.line;
        match &expression.kind {
            Kind::Name(name) => match frame.values.get(name) {
                Some(value) => value.clone(),
                None => self.constant(What::Unknown, 1),
            },
            Kind::Text(text) => self.constant(What::Text(text.len() as f64), 1),
            Kind::Integer(number) => self.constant(What::Number(Some(*number as f64), false), 1),
            Kind::Number(number) => self.constant(What::Number(Some(*number), true), 1),
            Kind::Bool(holds) => self.constant(What::Number(Some(f64::from(u8::from(*holds))), false), 1),
            Kind::Elements(elements) => {
                let items = elements.iter().map(|element| self.value(frame, *element)).collect();
                self.items(items)
            }
            Kind::Dict(pairs) => {
                let items: Vec<Value> = pairs.iter().map(|(_, value)| self.value(frame, *value)).collect();
                let items = self.items(items);
                let wired = self.wired(frame, line, &items);
                Value { what: What::Unknown, ..wired }
            }
            Kind::Attribute(base, name) => self.attribute(frame, line, *base, name),
            Kind::Subscript(base, index) => {
                let base = self.value(frame, *base);
                let index = self.value(frame, *index);
                self.picked(frame, line, &base, &index)
            }
            Kind::Slice(parts) => {
                let items = parts.iter().flatten().map(|part| self.value(frame, *part)).collect();
                let items = self.items(items);
                Value { what: What::Unknown, ..items }
            }
            Kind::Call(callee, arguments) => self.call(frame, line, *callee, arguments),
            Kind::Chain(first, rest) => {
                let mut value = self.value(frame, *first);
                for (operator, other) in rest {
                    let other = self.value(frame, *other);
                    value = self.joined(frame, line, operator, value, other);
                }
                value
            }
            Kind::Prefix(operator, operand) => {
                let operand = self.value(frame, *operand);
                let name = match operator.as_str() {
                    "-" => "neg",
                    "not" => "__not__",
                    "~" => "bitwise_not",
                    _ => return operand,
                };
                self.operate(frame, line, name, vec![operand])
            }
            Kind::Either(parts) => {
                let parts: Vec<Value> = parts.iter().map(|part| self.value(frame, *part)).collect();
                let parts: Vec<&Value> = parts.iter().collect();
                self.node(frame, line, "And", &parts, What::Number(None, false))
            }
            Kind::Compare(first, rest) => {
                let mut left = self.value(frame, *first);
                let mut all: Option<Value> = None;
                for (operator, right) in rest {
                    let right = self.value(frame, *right);
                    let one = self.joined(frame, line, operator, left, right.clone());
                    all = Some(match all {
                        Some(all) => self.node(frame, line, "And", &[&all, &one], What::Number(None, false)),
                        None => one,
                    });
                    left = right;
                }
                all.unwrap_or_else(|| self.fresh(What::Unknown))
            }
            Kind::Choice { test, then, otherwise } => {
                let condition = self.value(frame, *test);
                let then = self.value(frame, *then);
                let otherwise = self.value(frame, *otherwise);
                self.merged(frame, line, &condition, &then, &otherwise)
            }
            Kind::Comprehension(_, elements, clauses) => self.comprehension(frame, line, elements, clauses),
            Kind::Formatted(_) | Kind::Bytes(_) | Kind::None => self.constant(What::Unknown, 1),
            Kind::Star(inner) | Kind::Walrus(_, inner) => self.value(frame, *inner),
            _ => self.constant(What::Unknown, 1),
        }
    }

    pub(super) fn items(&mut self, items: Vec<Value>) -> Value {
        let fixed = items.iter().all(|item| self.is_constant(item));
        let what = What::Items(items.into());
        let count = if let What::Items(items) = &what { items.len() as u64 } else { 1 };
        if fixed { self.constant(what, count.max(1)) } else { self.fresh(what) }
    }

    /// A value that one wire carries: a list is put together first.
    pub(super) fn wired(&mut self, frame: &Frame<'m>, line: u32, value: &Value) -> Value {
        let What::Items(items) = &value.what else { return value.clone() };
        if self.is_constant(value) {
            return value.clone();
        }
        let mut parts = Vec::new();
        for item in items.iter() {
            parts.push(if matches!(item.what, What::Items(_)) {
                self.wired(frame, line, item)
            } else {
                item.clone()
            });
        }
        let parts: Vec<&Value> = parts.iter().collect();
        self.node(frame, line, "Concat", &parts, What::Tensor(None))
    }

    fn attribute(&mut self, frame: &mut Frame<'m>, line: u32, base: Id, name: &'m str) -> Value {
        if matches!(kind(frame.module, base), Some(Kind::Name(root)) if root == "CONSTANTS") {
            return self.constant(What::Tensor(None), SEVERAL);
        }
        let base = self.value(frame, base);
        self.member(frame, line, &base, name)
    }

    fn member(&mut self, frame: &Frame<'m>, line: u32, base: &Value, name: &str) -> Value {
        if let What::Object(class) = &base.what {
            let attribute = self.program.classes.get(&**class).and_then(|class| class.attributes.get(name));
            return match attribute.cloned() {
                Some(Attribute::Tensor) => self.constant(What::Tensor(None), SEVERAL),
                Some(Attribute::Number) => self.constant(What::Number(None, false), 1),
                Some(Attribute::Object(class)) => self.object(&class),
                _ => self.constant(What::Unknown, 1),
            };
        }
        match name {
            "shape" | "ndim" | "device" | "dtype" | "layout" | "is_cuda" | "requires_grad" => {
                self.constant(What::Unknown, 1)
            }
            _ => self.node(frame, line, "Identity", &[base], What::Unknown),
        }
    }

    /// Something of a list or a tensor.
    fn picked(&mut self, frame: &Frame<'m>, line: u32, base: &Value, index: &Value) -> Value {
        if let (What::Items(items), Some(at)) = (&base.what, index.number()) {
            let length = items.len() as f64;
            let at = if at < 0.0 { at + length } else { at };
            let item = (0.0..length).contains(&at).then(|| items.get(at as usize)).flatten();
            if let Some(item) = item {
                return item.clone();
            }
        }
        let (base, index) = (self.wired(frame, line, base), self.wired(frame, line, index));
        let made = self.node(frame, line, "Gather", &[&base, &index], What::Tensor(None));
        // Behind numbers and slices lies a view.
        let root = if self.is_constant(&index) { base.root } else { made.root };
        Value { root, ..made }
    }

    fn comprehension(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        elements: &'m [Id],
        clauses: &'m [Clause],
    ) -> Value {
        let mut count = 1.0;
        for clause in clauses {
            let source = self.value(frame, clause.source);
            count *= match source.what {
                What::Range(..) | What::Items(_) | What::Many(_) => source.count(),
                _ => 1.0,
            };
            let item = self.node(frame, line, "Gather", &[&source], What::Unknown);
            if let Some(Kind::Name(name)) = kind(frame.module, clause.target) {
                frame.values.insert(name.clone(), item);
            }
        }
        let parts: Vec<Value> = elements.iter().map(|element| self.value(frame, *element)).collect();
        self.large(frame, line, "a list", count);
        let parts: Vec<&Value> = parts.iter().collect();
        self.node(frame, line, "Concat", &parts, What::Many(count))
    }

    /// Two values that a sign joins.
    pub(super) fn joined(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        sign: &str,
        a: Value,
        b: Value,
    ) -> Value {
        let name = match sign {
            "+" => "add",
            "-" => "sub",
            "*" => "mul",
            "/" => "div",
            "//" => "floordiv",
            "%" => "remainder",
            "**" => "pow",
            "@" => "matmul",
            "&" => "__and__",
            "|" => "__or__",
            "^" => "__xor__",
            "<<" => "__lshift__",
            ">>" => "__rshift__",
            "==" => "eq",
            "!=" => "ne",
            "<" => "lt",
            "<=" => "le",
            ">" => "gt",
            ">=" => "ge",
            // What something is, or whether it is among others.
            _ => return self.constant(What::Number(None, false), 1),
        };
        self.operate(frame, line, name, vec![a, b])
    }

    fn call(&mut self, frame: &mut Frame<'m>, line: u32, callee: Id, arguments: &'m [Argument]) -> Value {
        let module = frame.module;
        let path = dotted(module, callee).unwrap_or_default();
        let root = path.split('.').next().unwrap_or_default();
        let mut values = Vec::new();
        if ROOTS.contains(&root) && !frame.values.contains_key(root) {
            self.arguments(frame, arguments, &mut values);
            return self.named(frame, line, &path, values);
        }
        match kind(module, callee) {
            Some(Kind::Name(name)) => {
                self.arguments(frame, arguments, &mut values);
                self.built_in(frame, line, name, arguments, values)
            }
            Some(Kind::Attribute(base, name)) => {
                let base = self.value(frame, *base);
                let class = if let What::Object(class) = &base.what { Some(class.clone()) } else { None };
                let program = self.program;
                let entry = class.as_deref().and_then(|class| program.classes.get_key_value(class));
                values.push(base);
                self.arguments(frame, arguments, &mut values);
                if let Some((class, of)) = entry
                    && let Some(method) = of.method(name)
                {
                    self.entered.insert((class, &method.name));
                    return self.entered(frame, line, of.unit, method, values);
                }
                self.operate(frame, line, name, values)
            }
            _ => {
                self.value(frame, callee);
                self.arguments(frame, arguments, &mut values);
                self.operate(frame, line, "", values)
            }
        }
    }

    fn arguments(&mut self, frame: &mut Frame<'m>, arguments: &'m [Argument], values: &mut Vec<Value>) {
        for argument in arguments {
            let value = self.value(frame, argument.value);
            if !argument.name.as_deref().is_some_and(|name| SETTINGS.contains(&name)) {
                values.push(value);
            }
        }
    }

    /// Calls something by its whole name.
    fn named(&mut self, frame: &mut Frame<'m>, line: u32, path: &str, values: Vec<Value>) -> Value {
        let program = self.program;
        if let Some((unit, function)) = program.functions.get(path) {
            if let Some((name, _)) = program.functions.get_key_value(path) {
                self.entered.insert((name, ""));
            }
            return self.entered(frame, line, *unit, function, values);
        }
        let class = path.strip_suffix(".__new__").unwrap_or(path);
        if program.classes.contains_key(class) {
            return self.object(class);
        }
        let name = path.rsplit('.').next().unwrap_or_default();
        self.operate(frame, line, name, values)
    }

    /// Runs a function, and takes over what it changes where it lies.
    fn entered(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        unit: usize,
        function: &'m crate::python::syntax::Function,
        values: Vec<Value>,
    ) -> Value {
        let (result, changed) = self.enter(unit, function, values);
        for (old, new) in changed {
            self.rebind(frame, line, &old, &new);
        }
        result
    }

    fn built_in(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        name: &str,
        arguments: &'m [Argument],
        mut values: Vec<Value>,
    ) -> Value {
        match name {
            "annotate" | "unchecked_cast" => match values.pop() {
                Some(value) => value,
                None => self.fresh(What::Unknown),
            },
            "uninitialized" | "isinstance" | "hasattr" | "print" => self.constant(What::Unknown, 1),
            "getattr" => {
                let key = arguments.get(1).and_then(|argument| kind(frame.module, argument.value));
                match (values.first(), key) {
                    (Some(base), Some(Kind::Text(key))) => {
                        let base = base.clone();
                        self.member(frame, line, &base, key)
                    }
                    _ => self.fresh(What::Unknown),
                }
            }
            "range" => {
                let number = |at: usize| values.get(at).map(|value| value.number());
                let (from, to, step) = match (number(0), number(1), number(2)) {
                    (Some(to), None, _) => (Some(0.0), to, Some(1.0)),
                    (Some(from), Some(to), None) => (from, to, Some(1.0)),
                    (Some(from), Some(to), Some(step)) => (from, to, step),
                    _ => (None, None, None),
                };
                match (from, to, step) {
                    (Some(from), Some(to), Some(step)) if step != 0.0 => {
                        self.constant(What::Range(from, to, step), 1)
                    }
                    _ => self.constant(What::Unknown, 1),
                }
            }
            "list" | "tuple" | "reversed" | "sorted" | "enumerate" | "iter" => {
                match values.into_iter().next() {
                    Some(Value { what: What::Range(from, to, step), wire, root }) => {
                        let count = ((to - from) / step).ceil();
                        self.large(frame, line, "a list", count);
                        Value { wire, root, what: What::Many(count) }
                    }
                    Some(value) => value,
                    None => self.items(Vec::new()),
                }
            }
            "bool" | "int" | "float" if values.len() == 1 => self.operate(frame, line, "to", values),
            name => {
                let path = self.beside(frame, name);
                match path {
                    Some(path) => self.named(frame, line, &path, values),
                    None => self.operate(frame, line, name, values),
                }
            }
        }
    }

    /// A function of the same source.
    fn beside(&self, frame: &Frame<'m>, name: &str) -> Option<String> {
        let mut of_unit = self.program.functions.iter().filter(|(_, (unit, _))| *unit == frame.unit);
        of_unit.find(|(path, _)| path.rsplit('.').next() == Some(name)).map(|(path, _)| path.clone())
    }
}
