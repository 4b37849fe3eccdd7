//! Attributes and elements of values.

use super::super::project::Import;
use super::super::value::{Arguments, Cell, Taint, Value};
use super::taint::asks_about;
use super::{Handed, Machine, Scope, What};
use crate::credential::listed;

/// Modules of Python that others import, and that no package has something else under the name of.
const IMPORTED: [&str; 14] = [
    "builtins",
    "ctypes",
    "importlib",
    "marshal",
    "os",
    "pickle",
    "posix",
    "pty",
    "runpy",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "threading",
];
/// Longest dotted name that is kept.
const MAX_NAME: usize = 240;

impl Machine<'_> {
    pub(super) fn cell_of(&self, value: &Value) -> Option<&Cell> {
        if let Value::Cell(at) = value { self.heap.get(*at) } else { None }
    }

    /// The elements of a value that is a known sequence.
    pub(super) fn elements(&mut self, scope: Scope<'_>, value: &Value, line: u32) -> Option<Vec<Value>> {
        match value {
            Value::Text(text) if text.len() < 1 << 20 => {
                Some(text.chars().map(|c| Value::text(c.to_string())).collect())
            }
            Value::Bytes(bytes) if bytes.len() < 1 << 20 => {
                Some(bytes.iter().map(|b| Value::Integer(i64::from(*b))).collect())
            }
            // All that something harmful has: which one is taken by a name nobody can tell.
            // One of all modules may be the one that is looked for, and files of a folder are files.
            Value::Outside(name, _) if name.starts_with("sys.modules.") => match name.as_ref() {
                "sys.modules.items()" => {
                    Some(vec![self.sequence(vec![Value::UNKNOWN, Value::outside("os")])])
                }
                "sys.modules.values()" => Some(vec![Value::outside("os")]),
                _ => None,
            },
            Value::Outside(name, _)
                if name.starts_with("pathlib.Path")
                    && ["glob()", "iterdir()"].iter().any(|listing| name.ends_with(listing)) =>
            {
                let folder = name.strip_prefix("pathlib.Path<").and_then(|rest| rest.split_once('>'));
                let file =
                    folder.and_then(|(folder, _)| listed(&format!("{}/", folder.trim_end_matches('/'))));
                Some(vec![Value::outside(
                    file.map_or("pathlib.Path()".to_owned(), |f| format!("pathlib.Path<{f}>")),
                )])
            }
            Value::Outside(name, _) => {
                let (owner, what) = name.trim_end_matches("()").rsplit_once(".__dict__.")?;
                if !self.is_dangerous(owner) {
                    return None;
                }
                let some = Value::outside(format!("{owner}.?"));
                match what {
                    "items" => Some(vec![self.sequence(vec![Value::UNKNOWN, some])]),
                    "values" => Some(vec![some]),
                    _ => None,
                }
            }
            Value::Cell(_) => match self.cell_of(value) {
                Some(Cell::Sequence(values)) => Some(values.clone()),
                Some(Cell::Dict(pairs)) => Some(pairs.iter().map(|(k, _)| k.clone()).collect()),
                _ => {
                    let iterator = self.special(scope, value, "__iter__", Vec::new(), line);
                    self.special(scope, value, "__getitem__", vec![Value::UNKNOWN], line);
                    let iterator = iterator?;
                    self.special(scope, &iterator, "__next__", Vec::new(), line);
                    match self.cell_of(&iterator) {
                        Some(Cell::Sequence(values)) => Some(values.clone()),
                        _ => None,
                    }
                }
            },
            _ => None,
        }
    }

    pub(super) fn attribute(&mut self, scope: Scope<'_>, owner: &Value, name: &str, line: u32) -> Value {
        match owner {
            Value::OneOf(all) => {
                let mut result: Option<Value> = None;
                for value in all.iter() {
                    let value = self.attribute(scope, value, name, line);
                    result = Some(result.map_or(value.clone(), |r| r.or(value)));
                }
                result.unwrap_or(Value::UNKNOWN)
            }
            // Frames and functions come from anywhere: of an exception, of a generator, of a hook's arguments.
            Value::Unknown(taint) => match name {
                "f_builtins" => Value::outside("builtins.__dict__"),
                "__builtins__" => Value::outside("builtins"),
                "f_globals" | "__globals__" => Value::outside("builtins.globals()"),
                _ if asks_about(name) => Value::Unknown(taint.without(Taint::BARE)),
                _ => Value::Unknown(*taint),
            },
            Value::Outside(base, taint) => self.attribute_of_outside(scope, base, *taint, name, line),
            Value::Text(_) => self.method("builtins.str", owner, name),
            Value::Begins(_, taint) => Value::Unknown(*taint),
            Value::Bytes(_) => self.method("builtins.bytes", owner, name),
            Value::Integer(_) | Value::Bool(_) => self.method("builtins.int", owner, name),
            Value::None => Value::UNKNOWN,
            Value::Function(_) => match name {
                "__globals__" => Value::outside("builtins.globals()"),
                "__call__" | "__wrapped__" | "__func__" => owner.clone(),
                _ => Value::UNKNOWN,
            },
            Value::Class(index) => match name {
                "__class__" => Value::outside("builtins.type"),
                "__subclasses__" | "__mro__" | "__base__" | "__bases__" => Value::UNKNOWN,
                _ => self.attribute_of_class(scope, *index, name, owner, line).unwrap_or(Value::UNKNOWN),
            },
            Value::Module(index) => self.attribute_of_module(scope, *index, name),
            Value::Cell(_) => self.attribute_of_cell(scope, owner, name, line),
        }
    }

    fn attribute_of_outside(
        &mut self,
        scope: Scope<'_>,
        base: &str,
        taint: Taint,
        name: &str,
        line: u32,
    ) -> Value {
        match (base, name) {
            (_, "__call__" | "__func__" | "__wrapped__") => return Value::Outside(base.into(), taint),
            ("builtins.globals()", _) => return Value::outside(format!("builtins.globals().{name}")),
            (_, "__getattribute__") => return Value::outside(format!("{base}.__getattribute__")),
            // The root of the file system that a path lies in.
            (path, "anchor" | "root") if path.starts_with("pathlib.") => return Value::text("/"),
            // What a visitor sends.
            ("flask", "request") => return Value::Outside("flask.request".into(), Taint::CALLER),
            ("os", "environ") => {
                self.origins = self.origins.and(Taint::SECRET);
                return Value::Outside("os.environ".into(), Taint::SECRET.and(Taint::BARE));
            }
            ("os.environ", "get") => return Value::outside("os.environ.get"),
            ("six.moves", _) | ("six.moves.urllib", _) => {
                return Value::outside(
                    format!("{}.{name}", base.trim_start_matches("six.moves").trim_start_matches('.'))
                        .trim_start_matches('.'),
                );
            }
            _ => {}
        }
        if base.len() > MAX_NAME {
            return Value::Unknown(taint);
        }
        // What a module has imported is an attribute of it: `shutil.os` is `os`.
        if IMPORTED.contains(&name) && base != name && !base.contains(['(', '<', '[']) {
            return Value::outside(name);
        }
        if ["sys._getframe()", "inspect.currentframe()"].iter().any(|frame| base.starts_with(frame)) {
            match name {
                "f_builtins" => return Value::outside("builtins.__dict__"),
                "f_globals" => return Value::outside("builtins.globals()"),
                _ => {}
            }
        }
        let escaping = matches!(
            name,
            "__subclasses__"
                | "__globals__"
                | "f_globals"
                | "f_builtins"
                | "gi_frame"
                | "cr_frame"
                | "tb_frame"
                | "f_back"
        );
        if escaping && base.contains("__") {
            self.event(scope, line, What::Introspection(format!("{base}.{name}")));
        }
        // The built-in functions of whatever module or function: `x.__builtins__`.
        if name == "__builtins__" {
            return Value::outside("builtins");
        }
        Value::Outside(format!("{base}.{name}").into(), taint)
    }

    /// A method of a built-in type, with its object.
    fn method(&mut self, class: &str, owner: &Value, name: &str) -> Value {
        if name == "__class__" {
            return Value::outside(format!("{class}.__class__"));
        }
        self.cell(Cell::Partial {
            callee: Value::outside(format!("{class}.{name}")),
            plain: vec![owner.clone()],
            named: Vec::new(),
        })
    }

    fn attribute_of_module(&mut self, scope: Scope<'_>, index: usize, name: &str) -> Value {
        let Some(module) = self.modules.get(index) else { return Value::UNKNOWN };
        let (path, frame) = (module.path.clone(), module.frame);
        if let Some(value) = self.frames.get(frame).and_then(|f| f.names.get(name)).cloned() {
            return value;
        }
        if name == "__dict__" {
            return Value::UNKNOWN;
        }
        let folder = path.strip_suffix("__init__.py").map(|f| f.trim_end_matches('/'));
        if let Some(folder) = folder {
            let inner = format!("{folder}/_");
            match self.project.resolve(&inner, 1, name) {
                Some(Import::Source(path)) => return self.import_source(&path),
                Some(Import::Folder(path)) => return self.import_folder(&path),
                None => {}
            }
        }
        let stars = self.frames.get(frame).map(|f| f.stars.clone()).unwrap_or_default();
        let mut value: Option<Value> = None;
        for package in stars {
            let here = Value::outside(format!("{package}.{name}"));
            value = Some(value.map_or(here.clone(), |v| v.or(here)));
        }
        if let Some(value) = value {
            return value;
        }
        let lazy = self.frames.get(frame).and_then(|f| f.names.get("__getattr__")).cloned();
        match lazy {
            Some(lazy) => self.call(scope, &lazy, Arguments::of([Value::text(name)]), 0),
            None => Value::UNKNOWN,
        }
    }

    fn attribute_of_cell(&mut self, scope: Scope<'_>, owner: &Value, name: &str, line: u32) -> Value {
        match self.cell_of(owner) {
            Some(Cell::Object { class, fields }) => {
                if let Some(value) = fields.get(name) {
                    return value.clone();
                }
                let Some(class) = *class else { return Value::UNKNOWN };
                match name {
                    "__class__" => return Value::Class(class),
                    "__dict__" => return Value::Unknown(self.taint_of_fields(owner)),
                    _ => {}
                }
                if let Some(value) = self.put.get(&(class, name.to_owned())) {
                    return value.clone();
                }
                self.special(scope, owner, "__getattribute__", vec![Value::text(name)], line);
                if let Some(value) = self.attribute_of_class(scope, class, name, owner, line) {
                    return value;
                }
                let lazy = self.special(scope, owner, "__getattr__", vec![Value::text(name)], line);
                lazy.unwrap_or(Value::UNKNOWN)
            }
            Some(Cell::Sequence(_)) => self.method("builtins.list", owner, name),
            Some(Cell::Dict(_)) => self.method("builtins.dict", owner, name),
            Some(Cell::Partial { callee: Value::Outside(..), .. }) if matches!(name, "__self__") => {
                Value::UNKNOWN
            }
            Some(Cell::Partial { callee, .. }) => match name {
                "__call__" => owner.clone(),
                "func" | "__func__" => callee.clone(),
                _ => Value::UNKNOWN,
            },
            Some(Cell::Static(inner) | Cell::OfClass(inner)) => inner.clone(),
            _ => Value::UNKNOWN,
        }
    }

    /// Calls a special method, where the class of the value, or the class of a class, has it.
    pub(super) fn special(
        &mut self,
        scope: Scope<'_>,
        value: &Value,
        name: &str,
        arguments: Vec<Value>,
        line: u32,
    ) -> Option<Value> {
        let class = match value {
            Value::Cell(_) => match self.cell_of(value) {
                Some(Cell::Object { class: Some(class), .. }) => *class,
                _ => return None,
            },
            Value::Class(index) => {
                if name == "__getitem__" {
                    let made = self.in_class(*index, "__class_getitem__")?;
                    return Some(self.call(
                        scope,
                        &made,
                        Arguments::of(std::iter::once(value.clone()).chain(arguments)),
                        line,
                    ));
                }
                match self.classes.get(*index).and_then(|c| c.metaclass.clone()) {
                    Some(Value::Class(meta)) => meta,
                    _ => return None,
                }
            }
            Value::OneOf(all) => {
                let mut result = None;
                for value in all.iter().take(4) {
                    result = self.special(scope, value, name, arguments.clone(), line).or(result);
                }
                return result;
            }
            _ => return None,
        };
        let method = self.in_class(class, name)?;
        let given = match &method {
            Value::Function(_) => Arguments::of(std::iter::once(value.clone()).chain(arguments)),
            Value::Cell(_)
                if matches!(self.cell_of(&method), Some(Cell::Static(_) | Cell::Partial { .. })) =>
            {
                Arguments::of(arguments)
            }
            Value::Cell(_) => Arguments::of(std::iter::once(value.clone()).chain(arguments)),
            // A built-in function binds nothing: `__add__ = os.system` gets the operand alone.
            _ => Arguments::of(arguments),
        };
        Some(self.call(scope, &method, given, line))
    }

    pub(super) fn set_attribute(
        &mut self,
        scope: Scope<'_>,
        owner: &Value,
        name: &str,
        value: Value,
        line: u32,
    ) {
        // What IPython runs when it starts.
        if name == "exec_lines"
            && let Some(lines) = self.elements(scope, &value, line)
        {
            for text in lines {
                if let Value::Text(text) = text {
                    self.run_text(scope, &text, line, (false, false));
                }
            }
        }
        self.remember_put(owner, name, &value);
        match owner {
            Value::Cell(at) => {
                if let Some(setter) =
                    self.special(scope, owner, "__setattr__", vec![Value::text(name), value.clone()], line)
                {
                    drop(setter);
                }
                let weak = self.branches > 0;
                if let Some(Cell::Object { fields, .. }) = self.heap.get_mut(*at) {
                    let value = match fields.remove(name) {
                        Some(before) if weak => before.or(value),
                        _ => value,
                    };
                    fields.insert(name.to_owned(), value);
                }
            }
            Value::Class(index) => {
                if let Some(frame) = self.classes.get(*index).map(|c| c.frame) {
                    self.set(frame, name, value);
                }
            }
            Value::Module(index) => {
                if let Some(frame) = self.modules.get(*index).map(|m| m.frame) {
                    self.set(frame, name, value);
                }
            }
            Value::Outside(base, _) => {
                let replaced = format!("{base}.{name}");
                self.saved_by_others(&replaced);
                let watched =
                    matches!(
                        base.as_ref(),
                        "builtins" | "importlib" | "pickle" | "_pickle" | "importlib._bootstrap"
                    ) || matches!(replaced.as_str(), "sys.meta_path" | "sys.path_hooks" | "sys.modules")
                        || name == "__code__"
                        || self.in_the_way(&replaced);
                if watched {
                    self.event(scope, line, What::Replaces(replaced));
                } else {
                    if !base.contains('(') {
                        self.mark_handed(value.choices(), Handed::Instead);
                    }
                    // Whoever has the object calls it under the new name.
                    self.hand_over(scope, &Arguments::of([value]), line, false);
                }
            }
            _ => {}
        }
    }

    /// Whether a model that is loaded puts something in the place of what reads files or talks to the network for all.
    fn in_the_way(&self, name: &str) -> bool {
        const READERS: [&str; 10] = [
            "torch.load",
            "torch.serialization.load",
            "safetensors.",
            "pickle.",
            "joblib.load",
            "requests.",
            "urllib.request.",
            "http.client.",
            "httpx.",
            "huggingface_hub.",
        ];
        self.reach >= super::Reach::Load
            && self.project.is_loaded(&self.subject)
            && READERS.iter().any(|reader| name.starts_with(reader))
    }

    pub(super) fn subscript(
        &mut self,
        scope: Scope<'_>,
        owner: &Value,
        index: &Value,
        sliced: bool,
        line: u32,
    ) -> Value {
        if let Some(value) = self.special(scope, owner, "__getitem__", vec![index.clone()], line) {
            return value;
        }
        if sliced {
            let parts = match self.cell_of(index) {
                Some(Cell::Sequence(parts)) => parts.clone(),
                _ => return Value::UNKNOWN,
            };
            let value = match self.cell_of(owner) {
                Some(Cell::Sequence(values)) => {
                    let cut = super::super::fold::slice(values, &parts);
                    cut.map(|values| self.sequence(values))
                }
                _ => super::super::fold::slice_octets(owner, &parts),
            };
            return value.unwrap_or_else(|| Value::Unknown(self.taint(owner)));
        }
        match owner {
            Value::Text(_) | Value::Bytes(_) => {
                super::super::fold::element(owner, index).unwrap_or(Value::UNKNOWN)
            }
            Value::Cell(_) => match self.cell_of(owner) {
                Some(Cell::Sequence(values)) => {
                    let at = index.as_integer().and_then(|n| {
                        if n < 0 {
                            usize::try_from(n + values.len() as i64).ok()
                        } else {
                            usize::try_from(n).ok()
                        }
                    });
                    match at.and_then(|at| values.get(at)) {
                        Some(value) => value.clone(),
                        None => any(values.iter()),
                    }
                }
                Some(Cell::Dict(pairs)) => match pairs.iter().rev().find(|(k, _)| k == index) {
                    Some((_, value)) => value.clone(),
                    // Which one is not known, so it may be any.
                    None => any(pairs.iter().map(|(_, v)| v)),
                },
                _ => Value::UNKNOWN,
            },
            Value::Outside(name, taint) => {
                let (name, taint) = (name.to_string(), *taint);
                self.item_of_outside(scope, &name, taint, index, line)
            }
            Value::OneOf(all) => {
                let mut result: Option<Value> = None;
                for value in all.iter().take(4) {
                    let value = self.subscript(scope, value, index, sliced, line);
                    result = Some(result.map_or(value.clone(), |r| r.or(value)));
                }
                result.unwrap_or(Value::UNKNOWN)
            }
            other => Value::Unknown(self.taint(other)),
        }
    }

    fn item_of_outside(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        taint: Taint,
        index: &Value,
        line: u32,
    ) -> Value {
        let key = index.as_text();
        match (name, key) {
            ("builtins.globals()" | "builtins.locals()" | "builtins.vars()", Some(key)) => {
                self.lookup(scope, key)
            }
            ("sys.modules", Some(key)) => self.module_named(scope, 0, key),
            ("os.environ", _) => Value::Outside("os.environ[]".into(), self.variable(index)),
            ("builtins", Some(key)) => Value::outside(format!("builtins.{key}")),
            (_, Some(key)) if name.ends_with(".__dict__") => {
                let owner = Value::outside(name.trim_end_matches(".__dict__"));
                self.attribute(scope, &owner, key, line)
            }
            (_, None) if name == "builtins" || name.ends_with(".__dict__") => {
                if self.is_dangerous(name) {
                    self.event(scope, line, What::ComputedName(name.to_owned()));
                }
                Value::Outside(format!("{name}[?]").into(), taint)
            }
            _ if name.len() < MAX_NAME => Value::Outside(format!("{name}[]").into(), taint),
            _ => Value::Unknown(taint),
        }
    }

    /// Whether an attribute of it that is not known may be something harmful.
    pub(super) fn is_dangerous(&self, name: &str) -> bool {
        let module = name.split('.').next().unwrap_or(name);
        let modules = [
            "builtins",
            "os",
            "posix",
            "nt",
            "subprocess",
            "sys",
            "importlib",
            "ctypes",
            "socket",
            "shutil",
            "pty",
            "runpy",
            "marshal",
            "pickle",
        ];
        modules.contains(&module)
    }
}

fn any<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let mut result: Option<Value> = None;
    for value in values.take(64) {
        result = Some(match result {
            Some(before) => before.or(value.clone()),
            None => value.clone(),
        });
    }
    result.unwrap_or(Value::UNKNOWN)
}
