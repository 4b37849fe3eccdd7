//! Runs Python without running it: statements are followed in order over values that are known, come from another
//! package, or are unknown, so that what is reached on import, what a loader reaches and what nobody calls are
//! told apart, and names put together from pieces are put together here too.
//!
//! Both arms of a condition that is not known are followed, assignments under it keep the older value beside the
//! new one, loops over known values are followed value by value. Everything is bounded: steps, calls, depth,
//! bytes of text. A bound that is hit is an event of its own, so that nothing ends as clean by being long.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::parser::parse;
use super::project::Project;
use super::syntax::{self, Act, Function, Id, Parameter, Statement};
use super::value::{Cell, Taint, Value};

mod call;
mod callee;
mod class;
mod container;
mod define;
mod dropped;
mod evaluate;
mod event;
mod expression;
mod flow;
mod intrinsic;
mod name;
mod object;
mod outward;
mod saved;
mod sweep;
mod taint;

pub(super) use event::{Event, Manner, Reach, What};

/// Steps of one file, about a second.
const MAX_STEPS: u64 = 1_500_000;
/// Steps of functions that nothing has called, all together.
const MAX_SWEEP: u64 = 4_000_000;
/// Calls of one function whose results are kept.
const MAX_KNOWN: usize = 8;
/// Depth of calls, and of expressions within each other.
const MAX_CALLS: usize = 24;
/// Cells of the heap.
const MAX_CELLS: usize = 300_000;
/// Bytes of text that are put together.
const MAX_TEXT: usize = 64 << 20;
/// How often a loop over known values is followed.
const MAX_TURNS: usize = 20_000;
/// What happens in one file, as far as it is kept: beyond, the file is not followed to its end.
const MAX_EVENTS: usize = 20_000;
/// Sources that one file may draw in by importing them.
const MAX_IMPORTS: usize = 48;
/// Sources within sources: `exec` of a text that calls `exec`.
const MAX_NESTED: usize = 6;
/// A text of fewer bytes may be put together without hiding anything: `eval("np." + name)`.
const SHORT: usize = 12;
/// A text of so many bytes that stands in the source stands there for everybody to read, whatever was done to it.
const LONG: usize = 40;

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
    /// How somebody else came to call it.
    handed: Option<Handed>,
    /// Run with arguments of which nothing is known, at this reach or above.
    swept: Option<Reach>,
    /// What calls came to while functions were swept, by their arguments: the same call says the same there.
    known: Vec<(Vec<Value>, Reach, Value)>,
}

/// Functions that another package has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Handed {
    /// As an argument, to be called or not.
    Over,
    /// The same, on import, to something that is no command line a person calls.
    Given,
    /// In the place of one of its own, which its users call.
    Instead,
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
    /// What was told of calls into other packages already, and when it happened.
    told: HashSet<(String, Reach)>,
    saved: saved::Saved,
    /// Files that were fetched, and those that were made executable.
    dropped: dropped::Dropped,
    reach: Reach,
    /// Conditions that are not known around the statement.
    branches: usize,
    /// Statements around this one after which the source goes on although something in them failed.
    trying: usize,
    steps: u64,
    text_bytes: usize,
    active: Vec<usize>,
    /// Callables that methods of a class put into attributes of their object, by class and name.
    put: HashMap<(usize, String), Value>,
    returns: Vec<Option<Value>>,
    nested: usize,
    depth: usize,
    exhausted: bool,
    /// Functions are run that nothing has called.
    sweeping: bool,
    /// A lambda that was handed over is being run.
    in_lambda: bool,
    /// A decorator is being called: it wraps what it is given.
    decorating: bool,
    /// Where values came from that calls made.
    origins: Taint,
    /// The function that is swept is called by a server with what somebody sends.
    serving: bool,
    /// Where what the functions under way hand out one by one came from.
    yielded: Taint,
    /// Values that were looked at for where they came from, and whether some were left out.
    looks: std::cell::Cell<u64>,
    overlooked: std::cell::Cell<bool>,
}

impl<'p> Machine<'p> {
    /// Follows `text`, the source at `path`, from its import on; what it found, in order. Where it is in parts, they run one
    /// after the other and share their names.
    pub(super) fn follow(
        project: &'p Project,
        path: &str,
        text: &str,
        trees: Vec<Arc<syntax::Module>>,
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
            told: HashSet::new(),
            saved: saved::Saved::default(),
            trying: 0,
            dropped: dropped::Dropped::default(),
            reach: Reach::Import,
            branches: 0,
            steps: 0,
            text_bytes: 0,
            active: Vec::new(),
            put: HashMap::new(),
            returns: Vec::new(),
            nested: 0,
            depth: 0,
            exhausted: false,
            sweeping: false,
            in_lambda: false,
            decorating: false,
            origins: Taint::NONE,
            serving: false,
            yielded: Taint::NONE,
            looks: std::cell::Cell::new(0),
            overlooked: std::cell::Cell::new(false),
        };
        let text: Arc<str> = Arc::from(text);
        let frame = machine.frames.len();
        for tree in trees {
            let module = machine.module_in(frame, path, text.clone(), tree);
            machine.imported.entry(path.to_owned()).or_insert(module);
            machine.run_module(module);
        }
        machine.sweep();
        if machine.has_overlooked() {
            let event = Event {
                what: What::Budget,
                reach: Reach::Import,
                path: path.to_owned(),
                line: 1,
                hidden: false,
            };
            machine.events.push(event);
        }
        machine.events
    }

    fn module(&mut self, path: &str, text: Arc<str>, tree: Arc<syntax::Module>) -> usize {
        self.module_in(self.frames.len(), path, text, tree)
    }

    /// A module whose names are in a frame that may be there already.
    fn module_in(&mut self, frame: usize, path: &str, text: Arc<str>, tree: Arc<syntax::Module>) -> usize {
        if frame == self.frames.len() {
            self.module_frame(frame, path);
        }
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

    fn module_frame(&mut self, frame: usize, path: &str) {
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
    }

    fn run_module(&mut self, module: usize) {
        let Some(state) = self.modules.get(module) else { return };
        let (tree, frame) = (state.tree.clone(), state.frame);
        let scope = Scope { tree: &tree, module, frame };
        // Outside of a function there is nothing to return from: Python refuses such a source, and of a notebook the cell.
        for statement in &tree.body {
            self.statement(scope, statement);
        }
    }

    /// Runs a text in the frame of the one who asks.
    fn run_text(
        &mut self,
        scope: Scope<'_>,
        text: &Arc<str>,
        line: u32,
        (expression, decoded): (bool, bool),
    ) -> Value {
        if self.nested >= MAX_NESTED {
            self.event(scope, line, What::Budget);
            return Value::UNKNOWN;
        }
        let Some(outer) = self.modules.get(scope.module) else { return Value::UNKNOWN };
        let beside = self.modules.iter().filter(|module| module.frame == outer.frame);
        let known = beside
            .flat_map(|module| &module.tree.expressions)
            .any(|e| matches!(&e.kind, syntax::Kind::Text(t) if t.trim() == text.trim()))
            || (text.len() >= LONG && outer.text.contains(text.trim()));
        let (path, at_line) = (outer.path.clone(), outer.at_line.unwrap_or(line));
        let source: Arc<str> = if expression {
            Arc::from(format!("__proofhouse_value__ = ({})\n", text.trim()))
        } else {
            text.clone()
        };
        let tree = Arc::new(parse(&source, 1));
        let hidden = outer.hidden || !(known || (text.len() < SHORT && !decoded));
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
        match self.events.len() {
            MAX_EVENTS => self.events.push(Event { what: What::Budget, ..event }),
            len if len < MAX_EVENTS => self.events.push(event),
            _ => {}
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
            Act::Raise(all) | Act::Assert(all) => {
                let values: Vec<Value> = all.iter().map(|id| self.eval(scope, *id)).collect();
                let fails = match statement.kind {
                    Act::Assert(_) => values.first().and_then(|test| self.truth(test)) == Some(false),
                    _ => true,
                };
                if fails {
                    self.saved_stops();
                }
            }
            Act::Assign(targets, value) => {
                let value = self.eval(scope, *value);
                for target in targets {
                    self.assign(scope, *target, value.clone());
                }
            }
            Act::Annotate(annotation, target, value) => {
                let value = value.map(|value| self.eval(scope, value));
                // Functions keep no annotations of their variables.
                let kept = self.frames.get(scope.frame).is_none_or(|f| f.class || f.outer.is_none());
                if kept {
                    self.annotation(scope, *annotation);
                }
                if let Some(value) = value {
                    self.assign(scope, *target, value);
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
                    self.import(scope, module, alias.as_deref(), line);
                }
            }
            Act::From { level, module, names } => self.import_from(scope, *level, module, names, line),
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
                self.trying += 1;
                self.statements(scope, body);
                self.trying -= 1;
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
                let mut goes_on = false;
                for (value, target) in items {
                    let value = self.eval(scope, *value);
                    goes_on |= saved::may_swallow(&value);
                    let entered = self.special(scope, &value, "__enter__", Vec::new(), line);
                    self.special(scope, &value, "__exit__", Vec::new(), line);
                    if let Some(target) = target {
                        self.assign(scope, *target, entered.unwrap_or(value));
                    }
                }
                self.trying += usize::from(goes_on);
                let flow = self.statements(scope, body);
                self.trying -= usize::from(goes_on);
                return flow;
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
}
