//! Names: looking them up, and giving them, attributes and elements a value.

use super::super::syntax::{Id, Kind};
use super::super::value::{Cell, Value};
use super::{Machine, Reach, Scope, What};

impl Machine<'_> {
    /// The value of a name: here, in the functions around, in the module, among the built-in ones.
    pub(super) fn lookup(&mut self, scope: Scope<'_>, name: &str) -> Value {
        let mut at = Some(scope.frame);
        let mut own = true;
        let mut stars: Vec<String> = Vec::new();
        while let Some(index) = at {
            let Some(frame) = self.frames.get(index) else { break };
            if (own || !frame.class)
                && let Some(value) = frame.names.get(name)
            {
                return value.clone();
            }
            stars.extend(frame.stars.iter().cloned());
            own = false;
            at = frame.outer;
        }
        let builtin = match name {
            "__builtins__" | "__builtin__" => Value::outside("builtins"),
            _ if is_builtin(name) => Value::outside(format!("builtins.{name}")),
            _ => Value::UNKNOWN,
        };
        let mut value = builtin;
        for package in stars {
            value = value.or(Value::outside(format!("{package}.{name}")));
        }
        value
    }

    pub(super) fn assign(&mut self, scope: Scope<'_>, target: Id, value: Value) {
        let Some(expression) = scope.tree.expressions.get(target) else { return };
        let line = expression.line;
        match &expression.kind {
            Kind::Name(name) => self.set(scope.frame, name, value),
            Kind::Elements(ids) => {
                let values = self.elements(scope, &value, line);
                let star = ids.iter().position(|id| {
                    matches!(scope.tree.expressions.get(*id).map(|e| &e.kind), Some(Kind::Star(_)))
                });
                for (index, id) in ids.iter().enumerate() {
                    let part = match (&values, star) {
                        (Some(values), None) => values.get(index).cloned(),
                        (Some(values), Some(star)) if index < star => values.get(index).cloned(),
                        _ => None,
                    };
                    // A part of what is not known comes from where the whole came from.
                    let part = part.unwrap_or_else(|| Value::Unknown(self.taint(&value)));
                    self.assign(scope, *id, part);
                }
            }
            Kind::Star(inner) => self.assign(scope, *inner, value),
            Kind::Attribute(inner, name) => {
                let owner = self.eval(scope, *inner);
                self.remember_held(scope, *inner, &value);
                self.set_attribute(scope, &owner, name, value, line);
            }
            Kind::Subscript(inner, index) => {
                let owner = self.eval(scope, *inner);
                let index = self.eval(scope, *index);
                self.remember_held(scope, *inner, &value);
                self.set_item(scope, &owner, index, value, line);
            }
            _ => {}
        }
    }

    fn set_item(&mut self, scope: Scope<'_>, owner: &Value, index: Value, value: Value, line: u32) {
        self.special(scope, owner, "__setitem__", vec![index.clone(), value.clone()], line);
        if matches!(owner, Value::Outside(name, _) if name.as_ref() == "os.environ") {
            self.sets_variable(scope, &index, &value, line);
        }
        let weak = self.branches > 0;
        if let Value::Cell(at) = owner {
            match self.heap.get_mut(*at) {
                Some(Cell::Dict(pairs)) if pairs.len() < 100_000 => {
                    match pairs.iter_mut().take(512).find(|(k, _)| *k == index) {
                        Some((_, slot)) if weak => *slot = std::mem::replace(slot, Value::None).or(value),
                        Some((_, slot)) => *slot = value,
                        None => pairs.push((index, value)),
                    }
                }
                Some(Cell::Sequence(values)) => {
                    let at = index.as_integer().and_then(|n| usize::try_from(n).ok());
                    match at.and_then(|at| values.get_mut(at)) {
                        Some(slot) => *slot = value,
                        None => values.push(value),
                    }
                }
                _ => {}
            }
            return;
        }
        if let Value::Outside(name, _) = owner {
            let name = name.to_string();
            self.saved_by_others(&name);
            match (name.as_str(), index.as_text()) {
                ("builtins.globals()", Some(key)) => {
                    let globals = self.frames.get(scope.frame).map_or(scope.frame, |f| f.globals);
                    self.set(globals, key, value);
                }
                ("builtins.locals()", Some(key)) => self.set(scope.frame, key, value),
                ("sys.modules", _) if self.reach >= Reach::Load => {
                    // A module that puts something in its own place is known from lazy imports; another's is not.
                    let key = index.as_text().unwrap_or("?");
                    let own = self
                        .modules
                        .get(scope.module)
                        .is_some_and(|m| m.path.contains(&key.replace('.', "/")));
                    if !own && index.as_text().is_some() {
                        self.event(scope, line, What::Replaces(format!("sys.modules[{key:?}]")));
                    }
                }
                _ => {}
            }
        }
    }
}

fn is_builtin(name: &str) -> bool {
    const NAMES: [&str; 93] = [
        "Ellipsis",
        "NotImplemented",
        "__build_class__",
        "abs",
        "aiter",
        "all",
        "anext",
        "any",
        "apply",
        "ascii",
        "basestring",
        "bin",
        "bool",
        "breakpoint",
        "bytearray",
        "bytes",
        "callable",
        "chr",
        "classmethod",
        "cmp",
        "compile",
        "complex",
        "copyright",
        "credits",
        "delattr",
        "dict",
        "dir",
        "display",
        "divmod",
        "enumerate",
        "eval",
        "exec",
        "execfile",
        "exit",
        "file",
        "filter",
        "float",
        "format",
        "frozenset",
        "get_ipython",
        "getattr",
        "globals",
        "hasattr",
        "hash",
        "help",
        "hex",
        "id",
        "input",
        "int",
        "intern",
        "isinstance",
        "issubclass",
        "iter",
        "len",
        "license",
        "list",
        "locals",
        "long",
        "map",
        "max",
        "memoryview",
        "min",
        "next",
        "object",
        "oct",
        "open",
        "ord",
        "pow",
        "print",
        "property",
        "quit",
        "range",
        "raw_input",
        "reduce",
        "reload",
        "repr",
        "reversed",
        "round",
        "set",
        "setattr",
        "slice",
        "sorted",
        "staticmethod",
        "str",
        "sum",
        "super",
        "tuple",
        "type",
        "unichr",
        "unicode",
        "vars",
        "xrange",
        "zip",
    ];
    // Classes of exceptions are many, and called alike.
    let raised = ["Error", "Warning", "Exception", "Group"].iter().any(|ending| name.ends_with(ending))
        || matches!(
            name,
            "StopIteration" | "StopAsyncIteration" | "KeyboardInterrupt" | "SystemExit" | "GeneratorExit"
        );
    // What a notebook has of a shell stands for `__shell__`.
    matches!(name, "__import__" | "__shell__") || raised || NAMES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_builtin;

    #[test]
    fn built_in_names_are_found() {
        assert!(["abs", "exec", "open", "zip", "__import__"].into_iter().all(is_builtin));
        assert!(!is_builtin("torch"));
    }
}
