//! What the events of a run amount to.
//!
//! Each event is weighed by itself against the tables; no rule depends on another having fired. What is not
//! known to be inert is reported; the sink table is asked only afterwards, for how bad it is.

use std::collections::BTreeMap;

use proofhouse_core::Place;

use super::attributes::{is_looked_up, is_marked};
use super::joblib;
use super::machine::{Event, Machine, Watch};
use super::value::{Global, Node, Value};
use crate::scanner::Scanner;
use crate::tables::{Contract, Effect, Tables};
use crate::torch_classes;

mod accident;
mod code;
mod containers;
mod contract;
mod dill;
mod distribution;
mod figure;
mod formula;
mod held;
mod import;
mod lightning;
mod lookup;
mod plain;
mod reach;
mod resources;
mod sparse;
mod storage;
mod structure;

use import::Import;
use plain::plain;
pub(crate) use sparse::Check;
pub use storage::{Storage, Storages};

/// Who answers persistent ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loader {
    /// Not known.
    Any,
    /// torch: an id is a tensor storage.
    Torch,
    /// torch's reader of scripts: the same, and types below `__torch__` are the archive's own, not Python's.
    Script,
}

/// Gathers what a run amounts to.
pub struct Judge<'t> {
    tables: &'t Tables,
    loader: Loader,
    /// Findings by rule and what they are about, with the first place: a repeated payload is one finding.
    found: BTreeMap<(&'static str, String), (usize, String)>,
    /// Names that were imported and are not known to be inert.
    imports: BTreeMap<String, Import>,
    storages: Storages,
    nested: Vec<Nested>,
    nested_left_out: bool,
    sources: Vec<(usize, String)>,
    brings: Option<Brings>,
    asked: lookup::Asked,
    /// Whether the unpickler has stopped, unless a module of this name were its own: only harm by name counts from here on.
    doubtful: bool,
}

/// Code by value: where the first of it is put together, and what is made of it.
struct Brings {
    offset: usize,
    names: Vec<String>,
    /// Code objects of which the names tell what they reach; how many, and whether one reaches beyond what it is given.
    codes: usize,
    reaches: Option<String>,
}

/// Most names of functions and classes that one finding tells.
const NAMES_TOLD: usize = 6;

/// Bytes of the stream that something called would load in turn.
pub struct Nested {
    /// Offset of the call.
    pub offset: usize,
    /// What would be loaded.
    pub bytes: Vec<u8>,
    /// By what.
    pub by: Opener,
}

/// What gets bytes of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// A loader of pickles, whatever they look like.
    Pickles,
    /// A loader of files, which must be understood for the whole to be clean.
    Files,
    /// Something unknown.
    Unknown,
}

/// What a run amounted to besides its findings.
pub struct Judged {
    /// Storages that persistent ids named.
    pub storages: Storages,
    /// Bytes to look into.
    pub nested: Vec<Nested>,
    /// Whether there were more of them than are looked into.
    pub nested_left_out: bool,
    /// Source text that loading runs, by the place of what runs it.
    pub sources: Vec<(usize, String)>,
}

/// Most byte strings of one run that are looked into, and how many bytes of them.
const NESTED: usize = 64;
const NESTED_BYTES: usize = 32 << 20;

/// Most different things remembered about one run.
const FOUND_KEPT: usize = 10_000;

impl<'t> Judge<'t> {
    /// A judge of one run.
    pub fn new(tables: &'t Tables, loader: Loader) -> Self {
        Self {
            tables,
            loader,
            found: BTreeMap::new(),
            imports: BTreeMap::new(),
            storages: Storages::default(),
            nested: Vec::new(),
            nested_left_out: false,
            sources: Vec::new(),
            brings: None,
            asked: lookup::Asked::default(),
            doubtful: false,
        }
    }

    /// Hands the findings over; returns what the stream names and holds.
    pub fn report(self, scanner: &mut Scanner<'_>, place: impl Fn(usize) -> Place) -> Judged {
        for (name, import) in self.imports {
            let does =
                import.called_by.map_or("imports".to_owned(), |by| format!("imports and calls ({by})"));
            match import.harm {
                Some(harm) => scanner.report(
                    "pickle/unsafe-call",
                    place(import.offset),
                    format!("loading it {does} {name}, which {harm}"),
                ),
                None if import.is_a_stranger(self.tables, &name) => {
                    let does = import.called_by.map_or("imports", |_| "makes an object of");
                    let message = format!("loading it {does} {name}, of whose package nothing is known");
                    scanner.report("pickle/unknown-class", place(import.offset), message);
                }
                None => scanner.report(
                    "pickle/unknown-callable",
                    place(import.offset),
                    format!("loading it {does} {name}, which is not known to be inert"),
                ),
            }
        }
        if let Some(Brings { offset, names, codes, reaches }) = self.brings {
            let of = if names.is_empty() { "something".to_owned() } else { names.join(", ") };
            let message =
                format!("loading it makes {of} of code that it brings, which runs when that is used");
            // Names are not instructions: what uses harmless ones is not proven to be harmless.
            match reaches {
                Some(name) => {
                    scanner.report(
                        "pickle/brings-code",
                        place(offset),
                        format!("{message}; it uses {name:?}"),
                    );
                }
                None if codes > 0 => scanner.report("pickle/code-by-value", place(offset), message),
                None => scanner.report("pickle/brings-code", place(offset), message),
            }
        }
        for ((rule, _), (offset, message)) in self.found {
            scanner.report(rule, place(offset), message);
        }
        Judged {
            storages: self.storages,
            nested: self.nested,
            nested_left_out: self.nested_left_out,
            sources: self.sources,
        }
    }

    /// Remembers the byte strings among the arguments of a call, to be looked into as files of their own.
    fn open(&mut self, machine: &Machine<'_>, offset: usize, args: Value, by: Opener) {
        for arg in machine.tuple(args).unwrap_or_default() {
            self.open_one(machine, offset, *arg, by);
        }
    }

    fn open_one(&mut self, machine: &Machine<'_>, offset: usize, arg: Value, by: Opener) {
        // `BytesIO(b"…")` is the usual way to hand bytes to what loads files.
        let bytes = match machine.node(arg) {
            Some(Node::Called { .. }) if machine.bytes_of(arg).is_none() => contract::kept(machine, arg),
            _ => machine.raw(arg),
        };
        let Some(bytes) = bytes.filter(|bytes| bytes.len() > 1) else { return };
        let held: usize = self.nested.iter().map(|n| n.bytes.len()).sum();
        if self.nested.len() >= NESTED || held + bytes.len() > NESTED_BYTES {
            self.nested_left_out = true;
        } else {
            self.nested.push(Nested { offset, bytes: bytes.into_owned(), by });
        }
    }

    fn find(&mut self, rule: &'static str, about: impl Into<String>, offset: usize, message: String) {
        if self.found.len() < FOUND_KEPT && (!self.doubtful || rule == "pickle/unsafe-call") {
            self.found.entry((rule, about.into())).or_insert((offset, message));
        }
    }

    fn effect(&self, machine: &Machine<'_>, value: Value) -> Option<Effect> {
        let global = machine.global(value)?;
        self.known(global.module.as_deref()?, global.name.as_deref()?)
    }

    fn known(&self, module: &str, name: &str) -> Option<Effect> {
        // Classes that libraries register in C++ read their state themselves.
        let own = self.loader == Loader::Script
            && (module == "__torch__" || module.starts_with("__torch__."))
            && (!module.contains("torch.classes")
                || torch_classes::keeps_weights(&format!("{module}.{name}")));
        if own { Some(Effect::Inert) } else { self.tables.effect(module, name) }
    }

    /// Whether `value` is an instance of something inert.
    fn inert_instance(&self, machine: &Machine<'_>, value: Value) -> bool {
        match made_of(machine, value).and_then(|class| self.effect(machine, class)) {
            Some(Effect::InertIf(contract)) => contract != Contract::State,
            effect => effect == Some(Effect::Inert),
        }
    }

    fn call(&mut self, machine: &Machine<'_>, offset: usize, callee: Value, args: Value, by: &'static str) {
        self.hands_over_setattr(machine, offset, callee, args, by);
        if let Some(harm) = code::harm(self.tables, machine, callee, args, by) {
            let message = format!("loading it {harm}");
            return self.find("pickle/unsafe-call", harm, offset, message);
        }
        if code::makes_code(machine, callee) {
            self.brings(offset, None);
            if let Some(brings) = &mut self.brings {
                brings.codes += 1;
                brings.reaches = brings.reaches.take().or_else(|| code::reaches(machine, args));
            }
        }
        if code::makes_code(machine, callee) && machine.global(callee).is_none() {
            return self.brings(offset, code::made(machine, callee, args));
        }
        if by.starts_with("NEWOBJ") && code::is_class(machine, callee) || code::is_enum(machine, callee) {
            return self.brings(offset, None);
        }
        let Some(global) = machine.global(callee) else {
            let message = format!("loading it calls a value that it computes ({by})");
            return self.find("pickle/unresolved-call", by, offset, message);
        };
        let name = global.qualified();
        let excess = resources::taken(machine, callee, args)
            .or_else(|| resources::room(machine, callee, args))
            .or_else(|| resources::pattern(machine, callee, args));
        if let Some(message) = excess {
            self.find("pickle/resources", name.clone(), offset, message);
        }
        self.sparse(machine, &name, args);
        match self.effect(machine, callee) {
            Some(Effect::Inert) => {}
            Some(Effect::InertIf(contract)) => {
                if contract == Contract::Nested {
                    self.open(machine, offset, args, Opener::Files);
                }
                if let Contract::Keeps(place) = contract
                    && let Some(kept) = machine.tuple(args).and_then(|args| args.get(place))
                {
                    self.open_one(machine, offset, *kept, Opener::Pickles);
                }
                if contract == Contract::Traced
                    && let Some(text) = machine.tuple(args).and_then(|args| contract::traced(machine, args))
                {
                    if self.sources.len() < NESTED {
                        self.sources.push((offset, text));
                    } else {
                        self.nested_left_out = true;
                    }
                }
                match contract {
                    _ if self.keeps(machine, contract, args, by) => {}
                    Contract::Getter | Contract::Member => self.called(global, offset, by),
                    Contract::Module => self.module(offset, code::imported(machine, args)),
                    Contract::Type => self.brings(offset, None),
                    _ => {
                        let message = contract.broken_by(&name);
                        self.find("pickle/contract", name, offset, message);
                    }
                }
            }
            Some(Effect::Enum) => {
                // Its value may be an instance of a class of the library, which is compared and hashed.
                let constant = |arg: &Value| plain(machine, *arg) || self.inert_instance(machine, *arg);
                if !machine.tuple(args).is_some_and(|args| args.iter().all(constant)) {
                    let message = format!("loading it asks the enumeration {name} for something computed");
                    self.find("pickle/contract", name, offset, message);
                }
            }
            Some(Effect::Data) => {
                let message = format!("loading it calls {name}, which is known as a constant only");
                self.find("pickle/contract", name, offset, message);
            }
            None => {
                if let Some(made) = code::made(machine, callee, args) {
                    self.brings(offset, Some(made));
                }
                if code::is_misled(machine, callee, args) {
                    let message = format!("loading it gives {name} something else than its library does");
                    return self.find("pickle/contract", name, offset, message);
                }
                if code::imports_module(machine, callee) {
                    return self.module(offset, code::imported(machine, args));
                }
                if self.is_dills(machine, &name, args) {
                    return;
                }
                let last = name.rsplit('.').next().unwrap_or_default();
                // Tables of lines of a code object may begin as a pickle does; nothing reads them as one.
                if code::makes_code(machine, callee) {
                    return self.called(global, offset, by);
                }
                let pickles =
                    matches!(last, "load" | "loads" | "_load" | "_loads" | "Unpickler" | "_Unpickler");
                self.open(machine, offset, args, if pickles { Opener::Pickles } else { Opener::Unknown });
                let given = machine.tuple(args).is_none_or(|args| !args.is_empty());
                self.called(
                    global,
                    offset,
                    if by == "NEWOBJ" && given { import::WITH_ARGUMENTS } else { by },
                );
            }
        }
    }

    /// Remembers that something unknown is called.
    fn called(&mut self, global: &Global, offset: usize, by: &'static str) {
        let (Some(module), Some(name)) = (global.module.as_deref(), global.name.as_deref()) else { return };
        if let Some(import) = self.import(module, name, offset) {
            let before = import.called_by.get_or_insert(by);
            // A call says more than a making.
            if before.starts_with("NEWOBJ") {
                *before = by;
            }
        }
    }

    /// Remembers that something is imported which is not known to be inert.
    fn import(&mut self, module: &str, name: &str, offset: usize) -> Option<&mut Import> {
        let full = format!("{module}.{name}");
        if code::is_maker(module, name) {
            self.brings(offset, None);
            return None;
        }
        // What dill gives functions for their `__builtins__`.
        if self.brings.is_some() && full == "builtins.__dict__" {
            return None;
        }
        if self.imports.len() >= FOUND_KEPT {
            return self.imports.get_mut(&full);
        }
        let harm = self.tables.sink(module, name);
        if self.doubtful && harm.is_none() {
            return None;
        }
        Some(self.imports.entry(full).or_insert(Import {
            offset,
            called_by: None,
            harm,
            name: name.to_owned(),
        }))
    }

    /// Remembers code that the stream brings by value, and what is made of it.
    fn brings(&mut self, offset: usize, name: Option<String>) {
        let brings = self.brings.get_or_insert(Brings { offset, names: Vec::new(), codes: 0, reaches: None });
        if let Some(name) = name
            && brings.names.len() < NAMES_TOLD
            && !brings.names.contains(&name)
        {
            brings.names.push(name);
        }
    }

    /// A module that functions of the stream use.
    fn module(&mut self, offset: usize, module: String) {
        if self.tables.knows_module(&module) {
            return;
        }
        let message = format!("loading it imports {module}, which is not known to be inert");
        self.find("pickle/unknown-callable", module, offset, message);
    }

    fn build(&mut self, machine: &Machine<'_>, offset: usize, target: Value, state: Value) {
        let contract = match made_of(machine, target).and_then(|class| self.effect(machine, class)) {
            Some(Effect::InertIf(contract)) => Some(contract),
            _ => None,
        };
        let again = self.stated(machine, offset, target);
        self.hands_over_setattr(machine, offset, Value::None, state, "BUILD");
        match contract {
            Some(Contract::Distribution) => {
                if !distribution::is_state(machine, state) {
                    let message = "loading it runs source text that is not the one scipy writes".to_owned();
                    self.find("pickle/contract", "distribution", offset, message);
                }
                return;
            }
            _ if !containers::keeps_itself(machine, target, state) => {
                let message = "loading it has a container keep its elements in something else".to_owned();
                self.find("pickle/state-injection", "container", offset, message);
            }
            Some(Contract::Held | Contract::Partial) if !self.is_held(machine, target, state) => {
                let message = "loading it changes what a partial function calls".to_owned();
                self.find("pickle/state-injection", "partial", offset, message);
            }
            Some(Contract::Figure) if !self.is_figure(machine, state) => {
                let message = "loading it gives a figure something to call".to_owned();
                self.find("pickle/contract", "figure", offset, message);
            }
            Some(Contract::Formula) if !formula::is_harmless(machine, state) => {
                let message = "loading it evaluates a formula again, which is Python".to_owned();
                self.find("pickle/contract", "formula", offset, message);
            }
            Some(Contract::Constants) if !containers::are_constants(machine, state) => {
                let message = "loading it sets a state of more than texts and numbers".to_owned();
                self.find("pickle/contract", "constants", offset, message);
            }
            Some(Contract::Temporary) if again || !containers::is_temporary(machine, state) => {
                let message = "loading it writes a file where the state says".to_owned();
                self.find("pickle/contract", "temporary file", offset, message);
            }
            Some(Contract::Packed) if !contract::is_packed(machine, state) => {
                let message = "loading it makes a class of C++ that is not one of packed weights".to_owned();
                self.find("pickle/contract", "packed", offset, message);
            }
            Some(Contract::NestedState) => {
                let kept = machine.entry(state, "__cuda_dependent_attributes__");
                if kept.is_some_and(|kept| machine.bytes_of(kept).is_some()) {
                    kept.into_iter().for_each(|kept| self.open_one(machine, offset, kept, Opener::Pickles));
                } else {
                    let message = "loading it loads a pickle that it computes".to_owned();
                    self.find("pickle/contract", "nested state", offset, message);
                }
            }
            Some(contract @ (Contract::State | Contract::Symbolic)) => {
                let taken =
                    contract::takes(machine, contract, state) || contract::is_array(machine, target, state);
                if again || !taken {
                    let message = "loading it sets state twice, or by setters that compute".to_owned();
                    self.find("pickle/contract", "setters", offset, message);
                }
            }
            _ => {}
        }
        if let Some(shared) = self.shared(machine, target) {
            let message = format!("loading it sets attributes of {shared}, which the whole program shares");
            self.find("pickle/state-injection", shared, offset, message);
        }
        if let Some(message) = structure::fault(machine, target, state) {
            self.find("pickle/structure", message.clone(), offset, message);
        }
        match machine.node(target) {
            // An instance of something unknown: reported when that was imported or called.
            Some(Node::Called { .. }) => {}
            Some(Node::Global(global)) => {
                let message = format!("loading it sets attributes of {} itself", global.qualified());
                self.find("pickle/state-injection", global.qualified(), offset, message);
            }
            _ => {
                let message = "loading it sets state on a value that is no instance".to_owned();
                self.find("pickle/state-injection", "no instance", offset, message);
            }
        }
        let parts = match machine.tuple(state) {
            // Two of them are `__dict__` and slots, unless the class has its own `__setstate__`.
            Some([dict, slots]) => vec![*dict, *slots],
            _ => vec![state],
        };
        let function = code::is_own_function(machine, target);
        for part in parts {
            self.state(machine, offset, part, function);
        }
    }

    /// Names that Python looks up by itself must not come from the file: `__setstate__` set on an instance
    /// is called by the next `BUILD`. A function of the stream has some of its own.
    fn state(&mut self, machine: &Machine<'_>, offset: usize, state: Value, function: bool) {
        if let Some((items, whole)) = machine.dict(state) {
            for pair in items.chunks(2) {
                let [key, rest @ ..] = pair else { continue };
                let name = machine.text(*key);
                let name = name.as_deref().unwrap_or_default();
                if function && rest.first().is_some_and(|value| dill::is_own(machine, name, *value)) {
                    continue;
                }
                // What a library keeps under such a name is data: a callable there is for somebody to call. `typing` keeps
                // there what its name for a class was, as in `typing.OrderedDict()`.
                let called = (is_marked(name) || lookup::is_of_containers(name))
                    && name != "__orig_class__"
                    && rest.first().and_then(|v| machine.global(*v)).is_some_and(|held| {
                        // What a frozen graph has for each of its methods, which raises an error.
                        held.qualified() != "networkx.classes.function.frozen"
                    });
                if is_looked_up(name) || called {
                    let message =
                        format!("loading it sets the attribute {name}, which Python calls by itself");
                    self.find("pickle/state-injection", name, offset, message);
                } else if !matches!(key, Value::Text(..) | Value::Int(_) | Value::None | Value::Bool(_))
                    && machine.tuple(*key).is_none()
                {
                    let message = "loading it sets an attribute whose name it computes".to_owned();
                    self.find("pickle/state-injection", "computed name", offset, message);
                }
            }
            if !whole {
                let message = "the state has more attributes than are followed".to_owned();
                self.find("pickle/state-injection", "too many", offset, message);
            }
        } else if let Some(Node::Called { callee, .. }) = machine.node(state) {
            let mapping = match machine.global(*callee) {
                None => true,
                Some(global) => matches!(
                    global.name.as_deref(),
                    None | Some("dict" | "OrderedDict" | "defaultdict" | "Counter" | "UserDict" | "getattr")
                ),
            };
            if mapping {
                let message = "loading it sets attributes from a mapping that it computes".to_owned();
                self.find("pickle/state-injection", "computed state", offset, message);
            }
        } else if let Some(Node::Unknown | Node::Persistent(_)) = machine.node(state) {
            let message = "loading it sets state that comes from elsewhere".to_owned();
            self.find("pickle/state-injection", "foreign state", offset, message);
        }
    }
}

impl Watch for Judge<'_> {
    fn event(&mut self, machine: &Machine<'_>, offset: usize, event: &Event<'_>) {
        if accident::is_one(machine, self.loader, offset, event) {
            return;
        }
        match event {
            Event::Import(global) => match (global.module.as_deref(), global.name.as_deref()) {
                (Some(module), Some(name)) => {
                    if self.known(module, name).is_none() {
                        self.doubtful |= joblib::misread(machine, module, name);
                        self.import(module, name, offset);
                    }
                }
                _ => {
                    let message =
                        format!("loading it imports {}, a name that it computes", global.qualified());
                    self.find("pickle/unresolved-call", "import", offset, message);
                }
            },
            Event::Call { callee, args, by } => self.call(machine, offset, *callee, *args, by),
            Event::Build { target, state } => self.build(machine, offset, *target, *state),
            Event::Method { target, by, values } => self.filled(machine, offset, *target, by, values),
            Event::Persistent(id) => self.persistent(machine, offset, *id),
            Event::Extension(number) => {
                let message = format!("loading it imports whatever is registered under the number {number}");
                self.find("pickle/extension-registry", "", offset, message);
            }
            Event::Buffer => {
                let message = "loading it takes a buffer that is not in the file".to_owned();
                self.find("pickle/out-of-band-buffer", "", offset, message);
            }
            Event::Lightning { key, name } => self.lightning(offset, key, name),
            Event::Endless => {
                let message = "a tuple holds itself so often by way of others, or lies so deep in them, that its hash is never done";
                self.find("pickle/resources", "folded", offset, message.to_owned());
            }
            Event::HugeMemo(index) => {
                let message = format!("memo index {index} makes the unpickler allocate for all below it");
                self.find("pickle/resources", "", offset, message);
            }
        }
    }
}

/// The class of an instance that the stream made: what was called, or what `copyreg` was told to make, which is how
/// protocols 0 and 1 write it, or numpy, which is how arrays are written.
fn made_of(machine: &Machine<'_>, value: Value) -> Option<Value> {
    let Some(Node::Called { callee, args, .. }) = machine.node(value) else { return None };
    let maker = machine.global(*callee)?;
    let copyreg = maker.module.as_deref() == Some("copyreg")
        && matches!(maker.name.as_deref(), Some("_reconstructor" | "__newobj__" | "__newobj_ex__"));
    if copyreg || contract::rebuilds(maker) { machine.tuple(*args)?.first().copied() } else { Some(*callee) }
}
