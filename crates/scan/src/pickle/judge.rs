//! What the events of a run amount to.
//!
//! Each event is weighed by itself against the tables; no rule depends on another having fired. What is not
//! known to be inert is reported; the sink table is asked only afterwards, for how bad it is.

use std::collections::BTreeMap;

use proofhouse_core::Place;

use super::joblib;
use super::machine::{Event, Machine, Watch};
use super::value::{Global, Node, Value};
use crate::scanner::Scanner;
use crate::tables::{Contract, Effect, Tables};
use crate::torch_classes;

mod accident;
mod build;
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
        let makes_code = code::makes_code(machine, callee);
        if makes_code {
            self.brings(offset, None);
            if let Some(brings) = &mut self.brings {
                brings.codes += 1;
                brings.reaches = brings.reaches.take().or_else(|| code::reaches(machine, args));
            }
        }
        if (makes_code || code::makes_function(machine, callee, args)) && machine.global(callee).is_none() {
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
                if makes_code {
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
