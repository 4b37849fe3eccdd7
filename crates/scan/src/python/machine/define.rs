//! Imports, functions and classes: what gives names a meaning.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::super::project::Import;
use super::super::syntax::{Class, Function, Id, Parameter};
use super::super::value::{Arguments, Cell, Value};
use super::{Body, Callable, ClassState, Frame, MAX_IMPORTS, Machine, Scope};

impl Machine<'_> {
    pub(super) fn import(&mut self, scope: Scope<'_>, module: &str, alias: Option<&str>) {
        let value = self.module_named(scope, 0, module);
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
    ) {
        let source = self.module_named(scope, level, module);
        for (name, alias) in names {
            if name == "*" {
                self.import_all(scope, &source);
                continue;
            }
            let value = self.attribute(scope, &source, name, 0);
            self.set(scope.frame, alias.as_deref().unwrap_or(name), value);
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
            self.eval(scope, *id);
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
        let value = self.decorate(scope, &function.decorators, Value::Function(index), function.line);
        self.set(scope.frame, &function.name, value);
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
                        self.call(scope, &decorator, Arguments::of([value.clone()]), line);
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
