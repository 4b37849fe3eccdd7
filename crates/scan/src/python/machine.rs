//! Runs Python without running it: statements are followed in order over values that are known, come from another
//! package, or are unknown, so that what is reached on import, what a loader reaches and what nobody calls are
//! told apart, and names put together from pieces are put together here too.
//!
//! Both arms of a condition that is not known are followed, assignments under it keep the older value beside the
//! new one, loops over known values are followed value by value. Everything is bounded: steps, calls, depth,
//! bytes of text. A bound that is hit is an event of its own, so that nothing ends as clean by being long.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::effects::Effect;
use super::parser::parse;
use super::project::{Import, Project};
use super::syntax::{self, Act, Class, Function, Id, Parameter, Statement};
use super::value::{Arguments, Cell, Taint, Value};

mod call;
mod expression;
mod intrinsic;
pub(super) use intrinsic::is_credential;
mod object;

/// Steps of one file, about a second.
const MAX_STEPS: u64 = 1_500_000;
/// Depth of calls, and of expressions within each other.
const MAX_CALLS: usize = 24;
/// Cells of the heap.
const MAX_CELLS: usize = 300_000;
/// Bytes of text that are put together.
const MAX_TEXT: usize = 64 << 20;
/// How often a loop over known values is followed.
const MAX_TURNS: usize = 20_000;
/// Sources that one file may draw in by importing them.
const MAX_IMPORTS: usize = 48;
/// Sources within sources: `exec` of a text that calls `exec`.
const MAX_NESTED: usize = 6;

/// When something happens, from never to always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// In a function that nothing here calls, or under `if __name__ == "__main__"`.
    Dormant,
    /// In a method, which whoever uses the class calls.
    Use,
    /// In what a loader calls after importing: the constructor of a class that a configuration names.
    Load,
    /// When the source is imported.
    Import,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A callable of the table is called, with what is known of its arguments.
    Effect { effect: Effect, name: String, arguments: Vec<Value>, taint: Taint, handed: bool },
    /// Source or bytes are run as code that is not known here.
    RunsUnknown { how: &'static str, taint: Taint },
    /// A text is run as code that stands nowhere in the source as it is.
    RunsHidden,
    /// A name was put together to reach this.
    ComputedName(String),
    /// A module is imported whose name is not known.
    ImportsUnknown,
    /// Python's own insides are walked through.
    Introspection(String),
    /// Built-in functions or the import system are replaced.
    Replaces(String),
    /// Bytes are handed to an unpickler.
    Unpickles(Arc<[u8]>),
    /// A file of the file system is opened for writing.
    Writes(String),
    /// Code of another repository is asked for.
    Foreign(String),
    /// Something of another package is called, which is not looked into.
    Outside(String),
    /// A bound was hit.
    Budget,
}

#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) what: What,
    pub(super) reach: Reach,
    pub(super) path: String,
    pub(super) line: u32,
    /// It stands in a text that was put together or decoded.
    pub(super) hidden: bool,
}

struct Frame {
    names: HashMap<String, Value>,
    outer: Option<usize>,
    /// The frame of the module.
    globals: usize,
    declared_global: BTreeSet<String>,
    /// Packages of which everything was imported.
    stars: Vec<String>,
    class: bool,
}

struct ModuleState {
    path: String,
    text: Arc<str>,
    tree: Arc<syntax::Module>,
    frame: usize,
    /// Line of the `exec` that runs it, for a text.
    at_line: Option<u32>,
    hidden: bool,
}

#[derive(Clone)]
enum Body {
    Def(Arc<Function>),
    Lambda(Arc<(Vec<Parameter>, Id, u32)>),
}

#[derive(Clone)]
struct Callable {
    body: Body,
    module: usize,
    frame: usize,
    defaults: Vec<(String, Value)>,
    owner: Option<usize>,
    /// Run with arguments of which nothing is known, at this reach or above.
    swept: Option<Reach>,
}

struct ClassState {
    name: String,
    bases: Vec<Value>,
    metaclass: Option<Value>,
    frame: usize,
}

/// Where a statement or expression stands.
#[derive(Clone, Copy)]
struct Scope<'t> {
    tree: &'t syntax::Module,
    module: usize,
    frame: usize,
}

#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Left,
}

pub(super) struct Machine<'p> {
    project: &'p Project,
    subject: String,
    modules: Vec<ModuleState>,
    imported: HashMap<String, usize>,
    functions: Vec<Callable>,
    classes: Vec<ClassState>,
    frames: Vec<Frame>,
    heap: Vec<Cell>,
    events: Vec<Event>,
    reach: Reach,
    /// Conditions that are not known around the statement.
    branches: usize,
    steps: u64,
    text_bytes: usize,
    active: Vec<usize>,
    returns: Vec<Option<Value>>,
    nested: usize,
    depth: usize,
    exhausted: bool,
}

impl<'p> Machine<'p> {
    /// Follows `text`, the source at `path`, from its import on; what it found, in order.
    pub(super) fn follow(
        project: &'p Project,
        path: &str,
        text: &str,
        tree: Arc<syntax::Module>,
    ) -> Vec<Event> {
        let mut machine = Self {
            project,
            subject: path.to_owned(),
            modules: Vec::new(),
            imported: HashMap::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            frames: Vec::new(),
            heap: Vec::new(),
            events: Vec::new(),
            reach: Reach::Import,
            branches: 0,
            steps: 0,
            text_bytes: 0,
            active: Vec::new(),
            returns: Vec::new(),
            nested: 0,
            depth: 0,
            exhausted: false,
        };
        let module = machine.module(path, Arc::from(text), tree);
        machine.imported.insert(path.to_owned(), module);
        machine.run_module(module);
        machine.sweep();
        machine.events
    }

    /// Functions that were not run with whatever somebody may pass: methods by whoever uses the class.
    fn sweep(&mut self) {
        let mut index = 0;
        while index < self.functions.len() {
            if let Some(callable) = self.functions.get(index).cloned()
                && self.modules.get(callable.module).is_some_and(|m| m.path == self.subject)
            {
                let reach = self.reach_of(&callable);
                if callable.swept.is_none_or(|swept| swept < reach) {
                    self.reach = reach;
                    self.steps = self.steps.min(MAX_STEPS / 2);
                    self.exhausted = false;
                    self.call_function(index, Arguments::default(), true);
                }
            }
            index += 1;
        }
    }

    fn reach_of(&self, callable: &Callable) -> Reach {
        let Body::Def(function) = &callable.body else { return Reach::Dormant };
        let loaded = self.project.is_loaded(&self.subject);
        match (callable.owner.is_some(), loaded) {
            (true, true) if LOADERS.contains(&function.name.as_str()) => Reach::Load,
            (true, _) => Reach::Use,
            (false, true) if HANDLERS.contains(&function.name.as_str()) => Reach::Load,
            (false, _) if HANDLERS.contains(&function.name.as_str()) => Reach::Use,
            _ => Reach::Dormant,
        }
    }

    fn module(&mut self, path: &str, text: Arc<str>, tree: Arc<syntax::Module>) -> usize {
        let frame = self.frames.len();
        let name = path.trim_end_matches(".py").trim_end_matches("/__init__").replace('/', ".");
        let names = HashMap::from([
            ("__name__".to_owned(), Value::text(name)),
            ("__file__".to_owned(), Value::text(format!("/model/{path}"))),
        ]);
        self.frames.push(Frame {
            names,
            outer: None,
            globals: frame,
            declared_global: BTreeSet::new(),
            stars: Vec::new(),
            class: false,
        });
        self.modules.push(ModuleState {
            path: path.to_owned(),
            text,
            tree,
            frame,
            at_line: None,
            hidden: false,
        });
        self.modules.len() - 1
    }

    fn run_module(&mut self, module: usize) {
        let Some(state) = self.modules.get(module) else { return };
        let (tree, frame) = (state.tree.clone(), state.frame);
        self.statements(Scope { tree: &tree, module, frame }, &tree.body);
    }

    /// Runs a text in the frame of the one who asks.
    fn run_text(&mut self, scope: Scope<'_>, text: &Arc<str>, line: u32, expression: bool) -> Value {
        if self.nested >= MAX_NESTED {
            self.event(scope, line, What::Budget);
            return Value::UNKNOWN;
        }
        let Some(outer) = self.modules.get(scope.module) else { return Value::UNKNOWN };
        let known = outer.text.contains(text.trim());
        let (path, at_line) = (outer.path.clone(), outer.at_line.unwrap_or(line));
        let source: Arc<str> = if expression {
            Arc::from(format!("__proofhouse_value__ = ({})\n", text.trim()))
        } else {
            text.clone()
        };
        let tree = Arc::new(parse(&source, 1));
        let hidden = outer.hidden || !(known || text.len() < 12);
        if hidden && !outer.hidden {
            self.event(scope, line, What::RunsHidden);
        }
        let module = self.modules.len();
        self.modules.push(ModuleState {
            path,
            text: source,
            tree: tree.clone(),
            frame: scope.frame,
            at_line: Some(at_line),
            hidden,
        });
        self.nested += 1;
        self.statements(Scope { tree: &tree, module, frame: scope.frame }, &tree.body);
        self.nested -= 1;
        if expression {
            let frame = self.frames.get_mut(scope.frame);
            return frame.and_then(|f| f.names.remove("__proofhouse_value__")).unwrap_or(Value::UNKNOWN);
        }
        Value::None
    }

    fn event(&mut self, scope: Scope<'_>, line: u32, what: What) {
        let Some(module) = self.modules.get(scope.module) else { return };
        // What another source does when it is imported is told where that source is looked at.
        if module.path != self.subject && self.active.is_empty() {
            return;
        }
        let event = Event {
            what,
            reach: self.reach,
            path: module.path.clone(),
            line: module.at_line.unwrap_or(line),
            hidden: module.hidden,
        };
        if self.events.len() < 5_000 {
            self.events.push(event);
        }
    }

    /// Counts a step; false when there are none left.
    fn step(&mut self, scope: Scope<'_>, line: u32) -> bool {
        self.steps += 1;
        if self.steps <= MAX_STEPS {
            return true;
        }
        if !self.exhausted {
            self.exhausted = true;
            self.event(scope, line, What::Budget);
        }
        false
    }

    fn cell(&mut self, cell: Cell) -> Value {
        if self.heap.len() >= MAX_CELLS {
            return Value::UNKNOWN;
        }
        self.heap.push(cell);
        Value::Cell(self.heap.len() - 1)
    }

    fn sequence(&mut self, values: Vec<Value>) -> Value {
        self.cell(Cell::Sequence(values))
    }

    /// A text or bytes of the machine's own making, within the budget for them.
    fn made(&mut self, value: Value) -> Value {
        if let Some(octets) = value.as_octets() {
            self.text_bytes += octets.len();
            if self.text_bytes > MAX_TEXT {
                return Value::UNKNOWN;
            }
        }
        value
    }

    fn statements(&mut self, scope: Scope<'_>, body: &[Statement]) -> Flow {
        for statement in body {
            if self.statement(scope, statement) == Flow::Left {
                return Flow::Left;
            }
        }
        Flow::On
    }

    fn in_branch(&mut self, scope: Scope<'_>, body: &[Statement]) {
        self.branches += 1;
        self.statements(scope, body);
        self.branches -= 1;
    }

    /// Follows what cannot be reached, to tell what is there.
    fn dormant(&mut self, scope: Scope<'_>, body: &[Statement]) {
        let before = std::mem::replace(&mut self.reach, Reach::Dormant);
        self.in_branch(scope, body);
        self.reach = before;
    }

    fn statement(&mut self, scope: Scope<'_>, statement: &Statement) -> Flow {
        let line = statement.line;
        if !self.step(scope, line) {
            return Flow::Left;
        }
        match &statement.kind {
            Act::Evaluate(all) => {
                for id in all {
                    self.eval(scope, *id);
                }
            }
            Act::Assign(targets, value) => {
                let value = self.eval(scope, *value);
                for target in targets {
                    self.assign(scope, *target, value.clone());
                }
            }
            Act::Augment(target, operator, value) => {
                let left = self.eval(scope, *target);
                let right = self.eval(scope, *value);
                let result = self.binary(scope, operator, left, right, line);
                self.assign(scope, *target, result);
            }
            Act::Return(value) => {
                let value = value.map_or(Value::None, |id| self.eval(scope, id));
                if let Some(slot) = self.returns.last_mut() {
                    *slot = Some(match slot.take() {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                return if self.branches == 0 { Flow::Left } else { Flow::On };
            }
            Act::Delete(targets) => {
                for target in targets {
                    self.eval(scope, *target);
                }
            }
            Act::Import(names) => {
                for (module, alias) in names {
                    self.import(scope, module, alias.as_deref());
                }
            }
            Act::From { level, module, names } => self.import_from(scope, *level, module, names),
            Act::If { test, body, otherwise } => return self.conditional(scope, *test, body, otherwise),
            Act::While { test, body, otherwise } => {
                self.repeat(scope, *test, body);
                self.in_branch(scope, otherwise);
            }
            Act::For { target, source, body, otherwise } => {
                let source = self.eval(scope, *source);
                self.each(scope, *target, source, line, |machine| {
                    machine.statements(scope, body);
                });
                self.in_branch(scope, otherwise);
            }
            Act::Try { body, handlers, rest } => {
                self.statements(scope, body);
                for (caught, name, body) in handlers {
                    if let Some(caught) = caught {
                        self.eval(scope, *caught);
                    }
                    if let Some(name) = name {
                        self.set(scope.frame, name, Value::UNKNOWN);
                    }
                    self.in_branch(scope, body);
                }
                for body in rest {
                    self.statements(scope, body);
                }
            }
            Act::With { items, body } => {
                for (value, target) in items {
                    let value = self.eval(scope, *value);
                    let entered = self.special(scope, &value, "__enter__", Vec::new(), line);
                    self.special(scope, &value, "__exit__", Vec::new(), line);
                    if let Some(target) = target {
                        self.assign(scope, *target, entered.unwrap_or(value));
                    }
                }
                return self.statements(scope, body);
            }
            Act::Match { subject, cases } => {
                self.eval(scope, *subject);
                for (names, guard, body) in cases {
                    for name in names {
                        self.branches += 1;
                        self.set(scope.frame, name, Value::UNKNOWN);
                        self.branches -= 1;
                    }
                    if let Some(guard) = guard {
                        self.eval(scope, *guard);
                    }
                    self.in_branch(scope, body);
                }
            }
            Act::Define(function) => self.define(scope, function),
            Act::Class(class) => self.define_class(scope, class),
            Act::Global(names) => {
                if let Some(frame) = self.frames.get_mut(scope.frame) {
                    frame.declared_global.extend(names.iter().cloned());
                }
            }
            Act::Leave => return if self.branches == 0 { Flow::Left } else { Flow::On },
            Act::Nothing => {}
        }
        Flow::On
    }

    fn conditional(
        &mut self,
        scope: Scope<'_>,
        test: Id,
        body: &[Statement],
        otherwise: &[Statement],
    ) -> Flow {
        let test = self.eval(scope, test);
        match self.truth(&test) {
            Some(true) => {
                let flow = self.statements(scope, body);
                self.dormant(scope, otherwise);
                flow
            }
            Some(false) => {
                self.dormant(scope, body);
                self.statements(scope, otherwise)
            }
            None => {
                self.in_branch(scope, body);
                self.in_branch(scope, otherwise);
                Flow::On
            }
        }
    }

    fn repeat(&mut self, scope: Scope<'_>, test: Id, body: &[Statement]) {
        for turn in 0..MAX_TURNS {
            let value = self.eval(scope, test);
            match self.truth(&value) {
                Some(false) => return,
                Some(true) if turn < MAX_TURNS - 1 && !self.exhausted => {
                    if self.statements(scope, body) == Flow::Left && self.branches == 0 {
                        return;
                    }
                    // A loop that runs until something unknown happens shows all it does in a few turns.
                    if turn > 64
                        && matches!(
                            scope.tree.expressions.get(test).map(|e| &e.kind),
                            Some(syntax::Kind::Bool(_) | syntax::Kind::Integer(_))
                        )
                    {
                        return;
                    }
                }
                _ => {
                    for _ in 0..2 {
                        self.in_branch(scope, body);
                    }
                    return;
                }
            }
        }
    }

    /// Runs `body` for each value of `source`, or twice where they are not known.
    fn each(
        &mut self,
        scope: Scope<'_>,
        target: Id,
        source: Value,
        line: u32,
        mut body: impl FnMut(&mut Self),
    ) {
        let elements = self.elements(scope, &source, line);
        match elements {
            Some(elements) => {
                for value in elements.into_iter().take(MAX_TURNS) {
                    if self.exhausted {
                        return;
                    }
                    self.assign(scope, target, value);
                    body(self);
                }
            }
            None => {
                let taint = self.taint(&source);
                self.branches += 1;
                for _ in 0..2 {
                    self.assign(scope, target, Value::Unknown(taint));
                    body(self);
                }
                self.branches -= 1;
            }
        }
    }

    fn set(&mut self, frame: usize, name: &str, value: Value) {
        let weak = self.branches > 0;
        let Some(mut target) = self.frames.get(frame).map(|_| frame) else { return };
        if let Some(f) = self.frames.get(frame)
            && f.declared_global.contains(name)
        {
            // `nonlocal` names the nearest outer function that has it, `global` the module.
            let mut outer = f.outer;
            target = f.globals;
            while let Some(index) = outer {
                let Some(f) = self.frames.get(index) else { break };
                if f.names.contains_key(name) {
                    target = index;
                    break;
                }
                outer = f.outer;
            }
        }
        if let Some(frame) = self.frames.get_mut(target) {
            let value = match frame.names.remove(name) {
                Some(before) if weak => before.or(value),
                _ => value,
            };
            frame.names.insert(name.to_owned(), value);
        }
    }

    fn import(&mut self, scope: Scope<'_>, module: &str, alias: Option<&str>) {
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

    fn import_from(
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

    fn import_all(&mut self, scope: Scope<'_>, source: &Value) {
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
    fn module_named(&mut self, scope: Scope<'_>, level: usize, module: &str) -> Value {
        let from = self.modules.get(scope.module).map(|m| m.path.clone()).unwrap_or_default();
        match self.project.resolve(&from, level, module) {
            // A file does not import itself, it means the package of that name.
            Some(Import::Source(path)) if path != from => self.import_source(&path),
            Some(Import::Folder(path)) => self.import_folder(&path),
            _ if module.is_empty() => Value::UNKNOWN,
            _ => Value::outside(module),
        }
    }

    fn import_source(&mut self, path: &str) -> Value {
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

    fn import_folder(&mut self, path: &str) -> Value {
        if let Some(index) = self.imported.get(path) {
            return Value::Module(*index);
        }
        let index = self.module(&format!("{path}/__init__.py"), Arc::from(""), Arc::default());
        self.imported.insert(path.to_owned(), index);
        Value::Module(index)
    }

    fn define(&mut self, scope: Scope<'_>, function: &Arc<Function>) {
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
            swept: None,
        });
        let value = self.decorate(scope, &function.decorators, Value::Function(index), function.line);
        self.set(scope.frame, &function.name, value);
    }

    fn defaults(&mut self, scope: Scope<'_>, parameters: &[Parameter]) -> Vec<(String, Value)> {
        let with_default = parameters.iter().filter_map(|p| p.default.map(|id| (p.name.clone(), id)));
        with_default.collect::<Vec<_>>().into_iter().map(|(name, id)| (name, self.eval(scope, id))).collect()
    }

    fn decorate(&mut self, scope: Scope<'_>, decorators: &[Id], value: Value, line: u32) -> Value {
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

    fn define_class(&mut self, scope: Scope<'_>, class: &Arc<Class>) {
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

/// What a loader calls of a class that a configuration names (transformers, diffusers, sentence-transformers, peft).
const LOADERS: [&str; 24] = [
    "__init__",
    "__new__",
    "__post_init__",
    "__init_subclass__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__setstate__",
    "__reduce__",
    "__del__",
    "__call__",
    "from_pretrained",
    "from_config",
    "_from_config",
    "from_dict",
    "from_json_file",
    "register_for_auto_class",
    "post_init",
    "_init_weights",
    "init_weights",
    "tie_weights",
    "_load_from_state_dict",
    "load_state_dict",
    "load",
];

/// Functions that serving programs call by name (SageMaker, TorchServe, Hugging Face endpoints, MLflow).
const HANDLERS: [&str; 16] = [
    "model_fn",
    "input_fn",
    "predict_fn",
    "output_fn",
    "transform_fn",
    "handle",
    "handler",
    "predict",
    "inference",
    "init",
    "run",
    "load_model",
    "_load_pyfunc",
    "load_context",
    "get_model",
    "__getattr__",
];
