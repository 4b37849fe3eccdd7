//! Classes of the source: what they hold, what making them and their objects runs.

use std::collections::HashMap;

use super::{Machine, Scope};
use crate::python::effects::{Effect, effect};
use crate::python::value::{Arguments, Cell, Taint, Value};

impl Machine<'_> {
    /// The attribute as the class or one of its bases has it, bound to `owner`.
    pub(super) fn attribute_of_class(
        &mut self,
        scope: Scope<'_>,
        class: usize,
        name: &str,
        owner: &Value,
        line: u32,
    ) -> Option<Value> {
        let found = self.in_class(class, name)?;
        let object = matches!(owner, Value::Cell(_));
        Some(match &found {
            Value::Function(_) if object => self.bind(found.clone(), owner.clone()),
            Value::Cell(_) => match self.cell_of(&found).cloned() {
                Some(Cell::Property(getter)) if object => {
                    self.call(scope, &getter, Arguments::of([owner.clone()]), line)
                }
                Some(Cell::Static(inner)) => inner,
                Some(Cell::OfClass(inner)) => self.bind(inner, Value::Class(class)),
                _ => found,
            },
            _ => found,
        })
    }

    pub(super) fn bind(&mut self, callee: Value, owner: Value) -> Value {
        self.cell(Cell::Partial { callee, plain: vec![owner], named: Vec::new() })
    }

    /// Remembers what runs something, or is a secret, and is put into an attribute of an object: methods of other objects
    /// of its class may be run first, or with one that nobody made here.
    pub(super) fn remember_put(&mut self, owner: &Value, name: &str, value: &Value) {
        const MOST: usize = 1000;
        const MOST_PUT: usize = 4;
        let taint = self.taint(value);
        if let Some(Cell::Object { class: Some(class), .. }) = self.cell_of(owner)
            && (runs_something(value) || taint.has(Taint::SECRET.and(Taint::BARE)))
            && self.put.len() < MOST
        {
            let class = *class;
            let value = if runs_something(value) { value.clone() } else { Value::Unknown(taint) };
            let put = self.put.entry((class, name.to_owned())).or_insert_with(|| value.clone());
            if *put != value && put.choices().len() < MOST_PUT {
                *put = std::mem::replace(put, Value::None).or(value);
            }
        }
    }

    /// What a class or its bases hold under that name. Bases of other packages are asked by name last.
    pub(super) fn in_class(&self, class: usize, name: &str) -> Option<Value> {
        let mut queue = vec![class];
        let mut seen = Vec::new();
        let mut outside = None;
        while let Some(index) = queue.pop() {
            if seen.contains(&index) || seen.len() > 32 {
                continue;
            }
            seen.push(index);
            let state = self.classes.get(index)?;
            if let Some(value) = self.frames.get(state.frame).and_then(|f| f.names.get(name)) {
                return Some(value.clone());
            }
            for base in state.bases.iter().rev() {
                match base {
                    Value::Class(base) => queue.push(*base),
                    Value::Outside(base, _) if !name.starts_with("__") => {
                        outside = Some(Value::outside(format!("{base}().{name}")));
                    }
                    _ => {}
                }
            }
        }
        outside
    }

    /// What happens when a class is made: `__set_name__`, `__init_subclass__`, its metaclass.
    pub(super) fn class_made(
        &mut self,
        scope: Scope<'_>,
        index: usize,
        named: Vec<(String, Value)>,
        line: u32,
    ) -> Value {
        let class = Value::Class(index);
        let Some(state) = self.classes.get(index) else { return Value::UNKNOWN };
        let (bases, metaclass, frame) = (state.bases.clone(), state.metaclass.clone(), state.frame);
        let mut fields: Vec<(String, Value)> = self
            .frames
            .get(frame)
            .map(|f| f.names.iter().map(|(n, v)| (n.clone(), v.clone())).collect())
            .unwrap_or_default();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, value) in fields {
            self.special(scope, &value, "__set_name__", vec![class.clone(), Value::text(name)], line);
        }
        for base in &bases {
            if let Value::Class(base) = base
                && let Some(hook) = self.in_class(*base, "__init_subclass__")
            {
                let hook = match self.cell_of(&hook) {
                    Some(Cell::OfClass(inner)) => inner.clone(),
                    _ => hook,
                };
                self.call(scope, &hook, Arguments { plain: vec![class.clone()], named: named.clone() }, line);
            }
        }
        let inherited = bases.iter().find_map(|base| match base {
            Value::Class(base) => self.classes.get(*base).and_then(|c| c.metaclass.clone()),
            _ => None,
        });
        match metaclass.or(inherited) {
            Some(Value::Class(meta)) => {
                if let Some(state) = self.classes.get_mut(index) {
                    state.metaclass = Some(Value::Class(meta));
                }
                for name in ["__prepare__", "__new__", "__init__", "__call__"] {
                    if name != "__call__"
                        && let Some(method) = self.in_class(meta, name)
                    {
                        let name = self.classes.get(index).map(|c| c.name.clone()).unwrap_or_default();
                        let given = [Value::Class(meta), Value::text(name), Value::UNKNOWN, Value::UNKNOWN];
                        self.call(scope, &method, Arguments::of(given), line);
                    }
                }
            }
            Some(other @ (Value::Function(_) | Value::Outside(..))) => {
                let name = self.classes.get(index).map(|c| c.name.clone()).unwrap_or_default();
                self.call(
                    scope,
                    &other,
                    Arguments::of([Value::text(name), Value::UNKNOWN, Value::UNKNOWN]),
                    line,
                );
            }
            _ => {}
        }
        class
    }

    /// A base of another package, among all bases, of which the table knows what calling it does.
    fn outside_base(&self, class: usize) -> Option<String> {
        let mut queue = vec![class];
        for _ in 0..32 {
            let bases = self.classes.get(queue.pop()?).map(|state| state.bases.clone()).unwrap_or_default();
            for base in bases {
                match base {
                    Value::Outside(name, _) if effect(&name).is_some() => return Some(name.to_string()),
                    Value::Class(base) => queue.push(base),
                    _ => {}
                }
            }
        }
        None
    }

    /// Makes an object of a class of the source.
    pub(super) fn instantiate(
        &mut self,
        scope: Scope<'_>,
        class: usize,
        arguments: Arguments,
        line: u32,
    ) -> Value {
        // A class that adds nothing to the making of its objects makes them as its base does.
        if ["__new__", "__init__"].iter().all(|name| self.in_class(class, name).is_none())
            && let Some(base) = self.outside_base(class)
        {
            self.call(scope, &Value::outside(base), arguments.clone(), line);
        }
        let object = self.cell(Cell::Object { class: Some(class), fields: HashMap::new() });
        self.special(scope, &Value::Class(class), "__call__", vec![Value::UNKNOWN], line);
        for name in ["__new__", "__init__", "__post_init__", "__del__"] {
            let Some(method) = self.in_class(class, name) else { continue };
            let mut given = if name.starts_with("__p") || name == "__del__" {
                Arguments::default()
            } else {
                arguments.clone()
            };
            match &method {
                Value::Function(_) => given.plain.insert(0, object.clone()),
                Value::Cell(_) => {
                    if let Some(Cell::Static(inner) | Cell::OfClass(inner)) = self.cell_of(&method).cloned() {
                        given.plain.insert(0, Value::Class(class));
                        self.call(scope, &inner, given, line);
                        continue;
                    }
                }
                _ => {}
            }
            self.call(scope, &method, given, line);
        }
        object
    }
}

/// Whether a value is a callable of another package that starts programs or runs code.
fn runs_something(value: &Value) -> bool {
    match value {
        Value::Outside(name, _) => {
            matches!(effect(name), Some(Effect::Command | Effect::Code | Effect::Install | Effect::Native))
        }
        _ => false,
    }
}
