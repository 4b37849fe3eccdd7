//! What the script of a network computes: its methods are run on values of which only sizes, numbers of the file and wires
//! are known, and the nodes that come of it are asked for patterns ([`proofhouse_artifact::trigger`]).
//!
//! TorchScript is Python without most of it (`torch/csrc/jit/frontend`), so Python's parser reads it. Calls are put in place
//! of what they call; both branches are run; loops as often as their number is known. All of it together ends at a budget.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use proofhouse_artifact::trigger::{self, Node, Stored};
use proofhouse_core::Place;

use crate::python::syntax::{Act, Class, Function, Id, Kind, Module};
use crate::python::{STACK, parser};
use crate::scanner::Scanner;

mod expression;
mod operators;
mod sizes;
mod statement;
mod steady;
mod value;

use value::{Value, What};

/// Most bytes of sources that are read together.
const MOST_TEXT: usize = 32 << 20;
/// Expressions and statements that are run in all.
const MOST_STEPS: usize = 2_000_000;
/// Nodes that are made in all.
const MOST_NODES: usize = 400_000;
/// Calls inside calls.
const DEEPEST: usize = 32;
/// Elements beyond which no machine that runs a model has room: 2^35 are 128 GiB of single precision.
const MOST_ELEMENTS: f64 = 34_359_738_368.0;
/// Findings of one rule.
const MOST_FOUND: usize = 20;

/// A source of the archive.
pub(super) struct Source {
    pub(super) place: Place,
    /// The name of the module, from `__torch__` on.
    pub(super) module: String,
    pub(super) text: String,
}

impl Source {
    /// The member `name` of the archive, if it is one of the script's.
    pub(super) fn of(name: &str, place: &Place, bytes: &[u8]) -> Option<Self> {
        let (_, path) = name.split_once("/code/")?;
        let module = path.strip_suffix(".py")?.replace('/', ".");
        // A byte that is no UTF-8 is no reason for torch not to read the rest.
        Some(Self { place: place.clone(), module, text: String::from_utf8_lossy(bytes).into_owned() })
    }
}

/// Something that a method does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    unit: usize,
    line: u32,
    rule: &'static str,
    message: String,
}

impl Found {
    /// Some of the scripts was not run: what it does is not known.
    fn unread(message: &str) -> Self {
        Self { unit: 0, line: 1, rule: "format/unscannable", message: message.to_owned() }
    }
}

/// Runs all methods, those of the class `root` first.
pub(super) fn judge(scanner: &mut Scanner<'_>, sources: &[Source], root: Option<&str>) {
    if sources.is_empty() {
        return;
    }
    let found = std::thread::scope(|scope| {
        let work = || followed(sources, root);
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let found = worker.ok().and_then(|worker| worker.join().ok());
        found.unwrap_or_else(|| vec![Found::unread("the script could not be followed")])
    });
    for one in found {
        let Some(source) = sources.get(one.unit) else { continue };
        let mut place = source.place.clone();
        place.line = Some(u64::from(one.line));
        scanner.report(one.rule, place, one.message);
    }
}

fn followed(sources: &[Source], root: Option<&str>) -> Vec<Found> {
    if sources.iter().map(|source| source.text.len()).sum::<usize>() > MOST_TEXT {
        return vec![Found::unread("the script is longer than what is followed")];
    }
    let units: Vec<Module> = sources.iter().map(|source| parser::parse(&source.text, 1)).collect();
    let program = Program::of(sources, &units);
    let mut machine = Machine::new(&program);
    for (name, class) in program.roots(root) {
        for (method, function) in class {
            if machine.entered.contains(&(name, method)) {
                continue;
            }
            machine.run(name, method, function);
        }
    }
    machine.finished()
}

/// The classes and functions of all sources.
struct Program<'m> {
    units: &'m [Module],
    classes: HashMap<String, Type<'m>>,
    functions: HashMap<String, (usize, &'m Arc<Function>)>,
    /// Classes in the order of the files.
    order: Vec<String>,
}

/// A class.
struct Type<'m> {
    unit: usize,
    /// What its attributes are, as far as that matters here.
    attributes: HashMap<&'m str, Attribute>,
    methods: Methods<'m>,
}

/// Methods by name, as they stand in the file.
type Methods<'m> = Vec<(&'m str, &'m Arc<Function>)>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Attribute {
    Tensor,
    Number,
    Object(String),
    Other,
}

impl<'m> Program<'m> {
    fn of(sources: &[Source], units: &'m [Module]) -> Self {
        let mut program =
            Self { units, classes: HashMap::new(), functions: HashMap::new(), order: Vec::new() };
        for (unit, (source, module)) in sources.iter().zip(units).enumerate() {
            for statement in &module.body {
                match &statement.kind {
                    Act::Class(class) => {
                        let name = format!("{}.{}", source.module, class.name);
                        program.order.push(name.clone());
                        program.classes.insert(name, Type::of(unit, module, class));
                    }
                    Act::Define(function) => {
                        let name = format!("{}.{}", source.module, function.name);
                        program.functions.insert(name, (unit, function));
                    }
                    _ => {}
                }
            }
        }
        program
    }

    /// Everything that may be called from outside: methods by class, then functions that no class has.
    fn roots(&self, root: Option<&str>) -> Vec<(&str, Methods<'m>)> {
        let is_root = |name: &&String| Some(name.as_str()) == root;
        let first = self.order.iter().filter(is_root);
        let rest = self.order.iter().filter(|name| !is_root(name));
        let mut roots: Vec<(&str, Methods<'m>)> = first
            .chain(rest)
            .filter_map(|name| Some((name.as_str(), self.classes.get(name)?.methods.clone())))
            .collect();
        let mut names: Vec<&String> = self.functions.keys().collect();
        names.sort();
        for name in names {
            if let Some((_, function)) = self.functions.get(name) {
                roots.push((name, vec![("", *function)]));
            }
        }
        roots
    }
}

impl<'m> Type<'m> {
    fn of(unit: usize, module: &'m Module, class: &'m Class) -> Self {
        let (mut attributes, mut methods) = (HashMap::new(), Vec::new());
        for statement in &class.body {
            match &statement.kind {
                Act::Define(function) => methods.push((function.name.as_str(), function)),
                Act::Annotate(annotation, target, _) => {
                    if let Some(Kind::Name(name)) = kind(module, *target) {
                        attributes.insert(name.as_str(), attribute(module, *annotation));
                    }
                }
                // Names that are no words: `__annotations__["0"] = …`.
                Act::Assign(targets, value) => {
                    for target in targets {
                        if let Some(Kind::Subscript(_, key)) = kind(module, *target)
                            && let Some(Kind::Text(name)) = kind(module, *key)
                        {
                            attributes.insert(name.as_str(), attribute(module, *value));
                        }
                    }
                }
                _ => {}
            }
        }
        Self { unit, attributes, methods }
    }

    fn method(&self, name: &str) -> Option<&'m Arc<Function>> {
        self.methods.iter().rev().find(|(method, _)| *method == name).map(|(_, function)| *function)
    }
}

fn attribute(module: &Module, annotation: Id) -> Attribute {
    match dotted(module, annotation).as_deref() {
        Some("Tensor") => Attribute::Tensor,
        Some("int" | "float" | "bool" | "number") => Attribute::Number,
        Some(name) if name.starts_with("__torch__.") => Attribute::Object(name.to_owned()),
        _ => Attribute::Other,
    }
}

fn kind(module: &Module, id: Id) -> Option<&Kind> {
    module.expressions.get(id).map(|expression| &expression.kind)
}

/// Names that dots join.
fn dotted(module: &Module, mut id: Id) -> Option<String> {
    let mut parts = Vec::new();
    loop {
        match kind(module, id)? {
            Kind::Attribute(base, name) if parts.len() < DEEPEST => {
                parts.push(name.as_str());
                id = *base;
            }
            Kind::Name(name) => {
                parts.push(name.as_str());
                parts.reverse();
                return Some(parts.join("."));
            }
            _ => return None,
        }
    }
}

/// Runs methods.
struct Machine<'p, 'm> {
    program: &'p Program<'m>,
    nodes: Vec<Node>,
    given: HashSet<String>,
    constants: HashSet<String>,
    elements: HashMap<String, u64>,
    numbers: HashMap<String, f64>,
    /// The next wire.
    next: usize,
    steps: usize,
    depth: usize,
    /// A bound was met.
    cut: bool,
    entered: HashSet<(&'p str, &'m str)>,
    found: Vec<Found>,
}

/// A method at work.
struct Frame<'m> {
    unit: usize,
    module: &'m Module,
    values: HashMap<String, Value>,
    /// Values that a branch returned: its condition, whether it holds, and where that was.
    returned: Vec<(Value, bool, Value, u32)>,
}

impl<'p, 'm> Machine<'p, 'm> {
    fn new(program: &'p Program<'m>) -> Self {
        Self {
            program,
            nodes: Vec::new(),
            given: HashSet::new(),
            constants: HashSet::new(),
            elements: HashMap::new(),
            numbers: HashMap::new(),
            next: 0,
            steps: MOST_STEPS,
            depth: 0,
            cut: false,
            entered: HashSet::new(),
            found: Vec::new(),
        }
    }

    /// Runs a method, or a function that no class has, as somebody outside would.
    fn run(&mut self, owner: &'p str, method: &'m str, function: &'m Function) {
        let unit = match self.program.classes.get(owner) {
            Some(class) => class.unit,
            None => self.program.functions.get(owner).map_or(0, |(unit, _)| *unit),
        };
        let mut arguments = Vec::new();
        for at in 0..function.parameters.len() {
            // Whatever it is called.
            let of_object = at == 0 && self.program.classes.contains_key(owner);
            arguments.push(if of_object { self.object(owner) } else { self.handed_in() });
        }
        self.entered.insert((owner, method));
        let _ = self.enter(unit, function, arguments);
    }

    /// Something that is handed in.
    fn handed_in(&mut self) -> Value {
        let value = self.fresh(What::Unknown);
        self.given.insert(value.name());
        value
    }

    fn object(&mut self, class: &str) -> Value {
        self.constant(What::Object(class.into()), 1)
    }

    /// A value of which nothing is known yet.
    fn fresh(&mut self, what: What) -> Value {
        self.next += 1;
        Value { wire: self.next, root: self.next, what }
    }

    /// A value that stands in the file, of so many elements.
    fn constant(&mut self, what: What, elements: u64) -> Value {
        let value = self.fresh(what);
        if let What::Number(Some(number), true) = value.what {
            self.numbers.insert(value.name(), number);
        }
        self.elements.insert(value.name(), elements);
        self.constants.insert(value.name());
        value
    }

    fn is_constant(&self, value: &Value) -> bool {
        self.constants.contains(&value.name())
    }

    /// What an operator makes of values.
    fn node(&mut self, frame: &Frame<'_>, line: u32, operator: &str, inputs: &[&Value], what: What) -> Value {
        if !inputs.is_empty() && inputs.iter().all(|input| self.is_constant(input)) {
            let elements = inputs.iter().filter_map(|input| self.elements.get(&input.name()).copied());
            let elements = elements.max().unwrap_or(1);
            return self.constant(what, elements);
        }
        let value = self.fresh(what);
        if self.nodes.len() < MOST_NODES {
            self.nodes.push(Node {
                operator: operator.to_owned(),
                name: String::new(),
                at: (frame.unit as u64) << 32 | u64::from(line),
                inputs: inputs.iter().map(|input| input.name()).collect(),
                outputs: vec![value.name()],
            });
        }
        value
    }

    fn tell(&mut self, frame: &Frame<'_>, line: u32, rule: &'static str, message: String) {
        let of_rule = self.found.iter().filter(|found| found.rule == rule).count();
        let unit = frame.unit;
        let known = self.found.iter().any(|f| f.rule == rule && f.line == line && f.unit == unit);
        if of_rule < MOST_FOUND && !known {
            self.found.push(Found { unit, line, rule, message });
        }
    }

    /// Takes a step; false once there are none left.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        let goes_on = self.steps > 0 && self.nodes.len() < MOST_NODES;
        self.cut |= !goes_on;
        goes_on
    }

    /// Runs the body of a function: what it returns, and which of its arguments it changes where they lie, to what.
    fn enter(
        &mut self,
        unit: usize,
        function: &'m Function,
        arguments: Vec<Value>,
    ) -> (Value, Vec<(Value, Value)>) {
        let units: &'m [Module] = self.program.units;
        let Some(module) = units.get(unit).filter(|_| self.depth < DEEPEST) else {
            self.cut = true;
            return (self.fresh(What::Unknown), Vec::new());
        };
        self.depth += 1;
        let before = arguments.clone();
        let names = function.parameters.iter().map(|parameter| parameter.name.clone());
        let mut frame = Frame { unit, module, values: names.zip(arguments).collect(), returned: Vec::new() };
        for parameter in &function.parameters {
            if !frame.values.contains_key(&parameter.name) {
                let value = match parameter.default {
                    Some(default) => self.value(&mut frame, default),
                    None => self.constant(What::Unknown, 1),
                };
                frame.values.insert(parameter.name.clone(), value);
            }
        }
        let last = self.block(&mut frame, &function.body);
        let mut result = match last {
            Some(value) => value,
            None => self.constant(What::Unknown, 1),
        };
        for (condition, holds, value, line) in std::mem::take(&mut frame.returned).into_iter().rev() {
            let (then, otherwise) = if holds { (&value, &result) } else { (&result, &value) };
            result = self.merged(&frame, line, &condition, then, otherwise);
        }
        self.depth -= 1;
        let changed = function.parameters.iter().zip(before).filter_map(|(parameter, old)| {
            let new = frame.values.get(&parameter.name)?;
            (new.root == old.root && new.wire != old.wire).then(|| (old, new.clone()))
        });
        (result, changed.collect())
    }

    /// What was found, in the order of the sources.
    fn finished(mut self) -> Vec<Found> {
        let stored = Stored { constants: &self.constants, elements: &self.elements, numbers: &self.numbers };
        let triggers = trigger::found(&self.nodes, &self.given, &stored);
        let mut seen = HashSet::new();
        for one in triggers {
            let line = u32::try_from(one.node.at & u64::from(u32::MAX)).unwrap_or(0);
            let unit = usize::try_from(one.node.at >> 32).unwrap_or(0);
            if seen.len() < MOST_FOUND && seen.insert((unit, line)) {
                let message = one.what.to_owned();
                self.found.push(Found { unit, line, rule: "torch/fixed-answer", message });
            }
        }
        if self.cut || self.steps == 0 {
            self.found.push(Found::unread("the script does more, or calls deeper, than is followed"));
        }
        self.found.sort();
        self.found
    }
}

#[cfg(test)]
mod tests;
