//! Imports, functions and classes: what gives names a meaning.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::super::known::is_named;
use super::super::project::Import;
use super::super::syntax::{Act, Class, Function, Id, Kind, Parameter};
use super::super::value::{Arguments, Cell, Value};
use super::{Body, Callable, ClassState, Frame, MAX_IMPORTS, Machine, Reach, Scope, What};

impl Machine<'_> {
    pub(super) fn import(&mut self, scope: Scope<'_>, module: &str, alias: Option<&str>, line: u32) {
        let value = self.module_named(scope, 0, module);
        self.imports(scope, &value, line);
        match alias {
            Some(alias) => self.set(scope.frame, alias, value),
            None => {
                let top = module.split('.').next().unwrap_or(module);
                let value = if top == module { value } else { self.module_named(scope, 0, top) };
                self.set(scope.frame, top, value);
            }
        }
    }

    pub(super) fn import_from(
        &mut self,
        scope: Scope<'_>,
        level: usize,
        module: &str,
        names: &[(String, Option<String>)],
        line: u32,
    ) {
        let source = self.module_named(scope, level, module);
        self.imports(scope, &source, line);
        for (name, alias) in names {
            if name == "*" {
                self.import_all(scope, &source);
                continue;
            }
            let value = self.attribute(scope, &source, name, 0);
            self.set(scope.frame, alias.as_deref().unwrap_or(name), value);
        }
    }

    /// Tells of a module that is not the model's and that nobody knows: importing it runs it.
    fn imports(&mut self, scope: Scope<'_>, module: &Value, line: u32) {
        if let Value::Outside(name, _) = module
            && self.reach >= Reach::Load
            && !is_named(name)
        {
            self.event(scope, line, What::Stranger(name.to_string()));
        }
    }

    pub(super) fn import_all(&mut self, scope: Scope<'_>, source: &Value) {
        match source {
            Value::Outside(name, _) => {
                let name = name.to_string();
                if let Some(frame) = self.frames.get_mut(scope.frame) {
                    frame.stars.push(name);
                }
            }
            Value::Module(index) => {
                let frame = self.modules.get(*index).and_then(|m| self.frames.get(m.frame));
                let names: Vec<(String, Value)> = frame
                    .map(|f| {
                        f.names
                            .iter()
                            .filter(|(n, _)| !n.starts_with("__"))
                            .map(|(n, v)| (n.clone(), v.clone()))
                            .collect()
                    })
                    .unwrap_or_default();
                let stars = frame.map(|f| f.stars.clone()).unwrap_or_default();
                for (name, value) in names {
                    self.set(scope.frame, &name, value);
                }
                if let Some(frame) = self.frames.get_mut(scope.frame) {
                    frame.stars.extend(stars);
                }
            }
            _ => {}
        }
    }

    /// The module of that name: one of the model's own, or one of another package.
    pub(super) fn module_named(&mut self, scope: Scope<'_>, level: usize, module: &str) -> Value {
        let from = self.modules.get(scope.module).map(|m| m.path.clone()).unwrap_or_default();
        match self.project.resolve(&from, level, module) {
            // A file does not import itself, it means the package of that name.
            Some(Import::Source(path)) if path != from => self.import_source(&path),
            Some(Import::Folder(path)) => self.import_folder(&path),
            _ if module.is_empty() => Value::UNKNOWN,
            // A source of the same package that is not here: there is nothing to run but what is looked at elsewhere.
            _ if level > 0 => Value::outside(format!(".{module}")),
            _ => Value::outside(module),
        }
    }

    pub(super) fn import_source(&mut self, path: &str) -> Value {
        if let Some(index) = self.imported.get(path) {
            return Value::Module(*index);
        }
        let Some((text, tree)) = self.project.source(path) else { return Value::UNKNOWN };
        if self.imported.len() >= MAX_IMPORTS {
            return Value::UNKNOWN;
        }
        let index = self.module(path, text, tree);
        self.imported.insert(path.to_owned(), index);
        // Its own import is reported where it is looked at; here only what it defines counts.
        let active = std::mem::take(&mut self.active);
        let branches = std::mem::take(&mut self.branches);
        self.run_module(index);
        self.active = active;
        self.branches = branches;
        Value::Module(index)
    }

    pub(super) fn import_folder(&mut self, path: &str) -> Value {
        if let Some(index) = self.imported.get(path) {
            return Value::Module(*index);
        }
        let index = self.module(&format!("{path}/__init__.py"), Arc::from(""), Arc::default());
        self.imported.insert(path.to_owned(), index);
        Value::Module(index)
    }

    pub(super) fn define(&mut self, scope: Scope<'_>, function: &Arc<Function>) {
        for id in &function.annotations {
            self.annotation(scope, *id);
        }
        let defaults = self.defaults(scope, &function.parameters);
        let index = self.functions.len();
        let owner = self.frames.get(scope.frame).filter(|f| f.class).map(|_| usize::MAX);
        self.functions.push(Callable {
            body: Body::Def(function.clone()),
            module: scope.module,
            frame: scope.frame,
            defaults,
            owner,
            handed: None,
            swept: None,
            known: Vec::new(),
        });
        self.described(scope, function);
        let value = self.decorate(scope, &function.decorators, Value::Function(index), function.line);
        self.set(scope.frame, &function.name, value);
    }

    /// The text under a function that is a tool: assistants read it as its description.
    fn described(&mut self, scope: Scope<'_>, function: &Function) {
        let kind = |id: Id| scope.tree.expressions.get(id).map(|e| &e.kind);
        let tool = function.decorators.iter().any(|id| {
            let called = match kind(*id) {
                Some(Kind::Call(inner, _)) => kind(*inner),
                other => other,
            };
            matches!(called, Some(Kind::Attribute(_, name) | Kind::Name(name)) if name.ends_with("tool"))
        });
        let first = function.body.first().and_then(|statement| match &statement.kind {
            Act::Evaluate(ids) => ids.first().copied(),
            _ => None,
        });
        if let (true, Some(Kind::Text(text))) = (tool, first.and_then(kind))
            && let Some(what) = crate::template::orders(text).or_else(|| crate::instructions::judge(text))
        {
            self.event(scope, function.line, What::Orders(what));
        }
    }

    /// An annotation; one that is a text is evaluated by whoever asks for types (`typing.get_type_hints`).
    pub(super) fn annotation(&mut self, scope: Scope<'_>, id: Id) {
        let value = self.eval(scope, id);
        if let Value::Text(text) = value
            && text.contains('(')
        {
            self.run_text(scope, &text, scope.tree.expressions.get(id).map_or(1, |e| e.line), (true, false));
        }
    }

    pub(super) fn defaults(&mut self, scope: Scope<'_>, parameters: &[Parameter]) -> Vec<(String, Value)> {
        let with_default = parameters.iter().filter_map(|p| p.default.map(|id| (p.name.clone(), id)));
        with_default.collect::<Vec<_>>().into_iter().map(|(name, id)| (name, self.eval(scope, id))).collect()
    }

    pub(super) fn decorate(&mut self, scope: Scope<'_>, decorators: &[Id], value: Value, line: u32) -> Value {
        let mut value = value;
        for id in decorators.iter().rev() {
            let decorator = self.eval(scope, *id);
            value = match &decorator {
                Value::Outside(name, _) => match name.as_ref() {
                    "builtins.property" | "functools.cached_property" => self.cell(Cell::Property(value)),
                    "builtins.staticmethod" => self.cell(Cell::Static(value)),
                    "builtins.classmethod" => self.cell(Cell::OfClass(value)),
                    _ => {
                        let before = std::mem::replace(&mut self.decorating, true);
                        self.call(scope, &decorator, Arguments::of([value.clone()]), line);
                        self.decorating = before;
                        value
                    }
                },
                Value::Unknown(_) => value,
                _ => match self.call(scope, &decorator, Arguments::of([value.clone()]), line) {
                    Value::Unknown(_) | Value::None => value,
                    made => made,
                },
            };
        }
        value
    }

    pub(super) fn define_class(&mut self, scope: Scope<'_>, class: &Arc<Class>) {
        let mut bases = Vec::new();
        let mut metaclass = None;
        let mut named = Vec::new();
        for argument in &class.arguments {
            let value = self.eval(scope, argument.value);
            match argument.name.as_deref() {
                Some("metaclass") => metaclass = Some(value),
                Some(name) => named.push((name.to_owned(), value)),
                None => bases.push(value),
            }
        }
        let globals = self.frames.get(scope.frame).map_or(scope.frame, |f| f.globals);
        self.frames.push(Frame {
            names: HashMap::new(),
            outer: Some(scope.frame),
            globals,
            declared_global: BTreeSet::new(),
            stars: Vec::new(),
            class: true,
        });
        let frame = self.frames.len() - 1;
        let first = self.functions.len();
        let branches = std::mem::take(&mut self.branches);
        self.statements(Scope { frame, ..scope }, &class.body);
        self.branches = branches;
        let index = self.classes.len();
        for callable in self.functions.iter_mut().skip(first).filter(|c| c.owner == Some(usize::MAX)) {
            callable.owner = Some(index);
        }
        self.classes.push(ClassState { name: class.name.clone(), bases, metaclass, frame });
        let value = self.class_made(scope, index, named, class.line);
        let value = self.decorate(scope, &class.decorators, value, class.line);
        self.set(scope.frame, &class.name, value);
    }
}
