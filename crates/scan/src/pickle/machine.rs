//! The pickle machine, run over abstract values with the rules of CPython's C unpickler.
//!
//! Where the C and the Python unpickler or `pickletools` disagree, the C one is followed, because it is
//! what `pickle.load` runs: stack underflow is checked against the last mark, `MEMOIZE` numbers by the
//! size of the memo, Python 2 names are mapped below protocol 3, dotted names are followed from protocol 4
//! on, and a `FRAME` only has to fit into the file (`Modules/_pickle.c`, CPython 3.14). Nothing is called;
//! every operation that would call is handed to a [`Watch`], in order, until the first fault.
//!
//! Type errors that would stop CPython (a list as argument tuple, an unhashable key) do not stop this
//! machine: going on can only find more.

use std::borrow::Cow;
use std::collections::HashMap;

use proofhouse_artifact::pickle::{self, Arg, Fault, Op, code};

use super::fold::{self, Folded, Target};
use super::joblib::Raw;
use super::names;
use super::value::{Coding, Global, Items, Node, Value};

mod array;
mod number;
mod size;
mod stack;
mod text;
mod view;

use number::{index, number};

/// Something that can run code, or that decides what runs.
#[derive(Debug)]
pub enum Event<'e> {
    /// A name is imported, which runs its module.
    Import(&'e Global),
    /// A value is called.
    Call {
        /// What is called.
        callee: Value,
        /// With what.
        args: Value,
        /// By which opcode.
        by: &'static str,
    },
    /// State is set: `__setstate__` is called, or attributes are written.
    Build {
        /// On what.
        target: Value,
        /// To what.
        state: Value,
    },
    /// `append`, `extend`, `add` or `__setitem__` is called on something that is no built-in container.
    Method {
        /// On what.
        target: Value,
        /// By which opcode.
        by: &'static str,
        /// With what: elements, or keys and values in turn.
        values: &'e [Value],
    },
    /// The loader's `persistent_load` is called.
    Persistent(Value),
    /// A code of the `copyreg` extension registry.
    Extension(i64),
    /// A buffer from outside the stream.
    Buffer,
    /// A dotted name under a key by which a loader imports and calls it.
    Lightning { key: &'static str, name: String },
    /// A memo index that makes the C unpickler allocate for all below it.
    HugeMemo(u64),
    /// A tuple that is one part of another so often, or lies so deep in others, that hashing or comparing it does not end
    /// well.
    Endless,
}

/// Receives the events of a run.
pub trait Watch {
    /// Called for each event in stream order.
    fn event(&mut self, machine: &Machine<'_>, offset: usize, event: &Event<'_>);
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// `STOP`; the byte after it and the value on top.
    Stop(usize, Value),
    /// The stream is not one the unpickler finishes.
    Fault(usize, String),
    /// A budget ran out at this offset.
    Budget(usize, &'static str),
}

/// Bounds of one run.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Most opcodes.
    pub ops: u64,
    /// Most values in the arena, on the stack and in the memo, each.
    pub values: usize,
}

/// Which loader's conventions hold inside the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// `pickle.load`.
    Plain,
    /// `joblib.load`: raw array bytes follow each `NumpyArrayWrapper`.
    Joblib,
}

/// The state of a run.
pub struct Machine<'a> {
    bytes: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    /// Where its stream begins: an array of objects in a stream has a machine of its own.
    pub(super) begins: usize,
    nodes: Vec<Node>,
    kept: usize,
    protocol: i64,
    budget: Budget,
    grammar: Grammar,
    folding_left: usize,
    /// Whether a joblib array wrapper was met, and the pickle that joblib writes for an array of objects was read as a part of this one.
    pub wrapper_seen: bool,
    pub objects_follow: bool,
    /// Raw arrays that joblib reads between opcodes.
    pub arrays: Vec<Raw>,
    /// The last of them, where they are read as opcodes.
    pub taken_for_opcodes: std::ops::Range<usize>,
    /// What `copyreg.add_extension` registered earlier in the stream.
    extensions: HashMap<i64, Global>,
    /// Elements of the tuples that hold tuples, counted as often as they are met, and how deep they lie in each other.
    sizes: HashMap<u32, (u64, u32)>,
    /// Whether calls were met that are not folded because the stream asked for too much of it.
    pub folding_spent: bool,
}

/// Memo indices beyond this are not made by any pickler and cost gigabytes to honour.
const HUGE_MEMO: u64 = 1 << 26;

/// Bytes of constants that folding may look at and make in one run.
const FOLDING: usize = 16 << 20;

/// Most calls that one call may lead to: `partial` of `partial` of …
const CHAIN: usize = 16;

impl<'a> Machine<'a> {
    /// A fresh machine over `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8], grammar: Grammar, budget: Budget) -> Self {
        Self {
            bytes,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            nodes: Vec::new(),
            begins: 0,
            kept: 0,
            protocol: 0,
            budget,
            grammar,
            folding_left: FOLDING,
            wrapper_seen: false,
            objects_follow: false,
            arrays: Vec::new(),
            taken_for_opcodes: 0..0,
            extensions: HashMap::new(),
            sizes: HashMap::new(),
            folding_spent: false,
        }
    }

    /// Runs the stream that begins at `at`.
    pub fn run(&mut self, at: usize, watch: &mut dyn Watch) -> End {
        self.begins = at;
        let mut next = at;
        let mut ops = 0u64;
        loop {
            let op = match pickle::op(self.bytes, next) {
                Ok(op) => op,
                Err(fault) => return describe(fault),
            };
            ops += 1;
            if ops > self.budget.ops {
                return End::Budget(op.offset, "opcodes");
            }
            let most = self.budget.values;
            if self.stack.len().max(self.memo.len()).max(self.nodes.len()).max(self.kept) > most {
                return End::Budget(op.offset, "values");
            }
            next = op.end;
            if op.code == code::STOP {
                return match self.pop() {
                    Ok(value) => End::Stop(op.end, value),
                    Err(what) => End::Fault(op.offset, what),
                };
            }
            if let Err(what) = self.step(&op, watch) {
                return End::Fault(op.offset, what);
            }
            if op.code == code::BUILD {
                match self.after_build(next, watch) {
                    Ok(end) => next = end,
                    Err(end) => return end,
                }
            }
        }
    }

    fn step(&mut self, op: &Op<'a>, watch: &mut dyn Watch) -> Result<(), String> {
        use code::*;
        match op.code {
            PROTO => match op.arg {
                Arg::Int(protocol @ 0..=5) => self.protocol = protocol,
                _ => return Err("its protocol is not supported by any unpickler".to_owned()),
            },
            FRAME => {
                let left = (self.bytes.len() - op.end) as u64;
                if let Arg::Int(size) = op.arg
                    && u64::try_from(size).unwrap_or(u64::MAX) > left
                {
                    return Err(format!("a frame claims {size} bytes and {left} are left"));
                }
            }
            NONE => self.push(Value::None),
            NEWTRUE => self.push(Value::Bool(true)),
            NEWFALSE => self.push(Value::Bool(false)),
            INT | LONG | FLOAT | BININT | BININT1 | BININT2 | BINFLOAT | LONG1 | LONG4 => {
                let value = number(op)?;
                self.push(value);
            }
            STRING | UNICODE | BINSTRING | SHORT_BINSTRING | SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 => {
                let value = self.string(op)?;
                self.push(value);
            }
            SHORT_BINBYTES | BINBYTES | BINBYTES8 | BYTEARRAY8 => {
                let span = self.span(op);
                self.push(Value::Bytes(span));
            }
            MARK => self.marks.push(self.stack.len()),
            POP => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            POP_MARK => drop(self.unmark()?),
            DUP => {
                let top = self.peek()?;
                self.push(top);
            }
            EMPTY_TUPLE => self.make(Node::Tuple(Items::default())),
            EMPTY_LIST => self.make(Node::List(Items::default())),
            EMPTY_DICT => self.make(Node::Dict(Items::default())),
            EMPTY_SET => self.make(Node::Set),
            TUPLE1 => self.tuple_of(1, op.offset, watch)?,
            TUPLE2 => self.tuple_of(2, op.offset, watch)?,
            TUPLE3 => self.tuple_of(3, op.offset, watch)?,
            TUPLE => {
                let items = self.unmark_items()?;
                let tuple = self.alloc(Node::Tuple(items));
                self.weigh(tuple, op.offset, watch);
                self.push(tuple);
            }
            LIST => {
                let items = self.unmark_items()?;
                self.make(Node::List(items));
            }
            DICT => {
                let items = self.unmark_items()?;
                self.keys(op.offset, &items.kept, watch);
                self.make(Node::Dict(items));
            }
            FROZENSET => {
                self.unmark()?;
                self.make(Node::Set);
            }
            APPEND => {
                let value = self.pop()?;
                self.add(op, &[value], "APPEND", watch)?;
            }
            SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.add(op, &[key, value], "SETITEM", watch)?;
            }
            APPENDS | ADDITEMS | SETITEMS => {
                let values = self.unmark()?;
                let by = match op.code {
                    APPENDS => "APPENDS",
                    ADDITEMS => "ADDITEMS",
                    _ => "SETITEMS",
                };
                self.add(op, &values, by, watch)?;
            }
            PUT | BINPUT | LONG_BINPUT => {
                let index = index(op)?;
                self.put(op, index, watch)?;
            }
            MEMOIZE => {
                let index = self.memo.len() as u64;
                self.put(op, index, watch)?;
            }
            GET | BINGET | LONG_BINGET => {
                let index = index(op)?;
                let value = self.memo.get(&index).copied();
                self.push(value.ok_or_else(|| format!("memo {index} was never set"))?);
            }
            GLOBAL | STACK_GLOBAL => {
                let global = self.named(op)?;
                self.import(op.offset, global, watch);
            }
            _ => self.call(op, watch)?,
        }
        Ok(())
    }

    /// The opcodes that call.
    fn call(&mut self, op: &Op<'a>, watch: &mut dyn Watch) -> Result<(), String> {
        use code::*;
        match op.code {
            REDUCE | NEWOBJ => {
                let (args, callee) = (self.pop()?, self.pop()?);
                let by = if op.code == REDUCE { "REDUCE" } else { "NEWOBJ" };
                self.called(op.offset, callee, args, by, watch);
            }
            NEWOBJ_EX => {
                let (named, positional, callee) = (self.pop()?, self.pop()?, self.pop()?);
                // Keyword arguments count as one more positional one: contracts look at all of them.
                let empty = self.dict(named).is_some_and(|(items, whole)| items.is_empty() && whole);
                let args = match self.tuple(positional) {
                    Some(items) if empty => Some(items.to_vec()),
                    Some(items) => Some([items, &[named]].concat()),
                    None => None,
                };
                let args = match args {
                    Some(args) => self.alloc_items(args, Node::Tuple),
                    None => positional,
                };
                self.called(op.offset, callee, args, "NEWOBJ_EX", watch);
            }
            INST => {
                let global = self.named(op)?;
                let args = self.unmark()?;
                let args = self.alloc_items(args, Node::Tuple);
                self.import(op.offset, global, watch);
                let callee = self.pop()?;
                self.called(op.offset, callee, args, "INST", watch);
            }
            OBJ => {
                let mut values = self.unmark()?;
                if values.is_empty() {
                    return Err("OBJ finds no class above the mark".to_owned());
                }
                let callee = values.remove(0);
                let args = self.alloc_items(values, Node::Tuple);
                self.called(op.offset, callee, args, "OBJ", watch);
            }
            BUILD => {
                let state = self.pop()?;
                let target = self.peek()?;
                watch.event(self, op.offset, &Event::Build { target, state });
                if let Some(Node::Called { state: slot, .. }) = self.node_mut(target) {
                    *slot = Some(state);
                }
            }
            PERSID | BINPERSID => {
                let id = match op.arg {
                    Arg::Line(_) => Value::Text(self.span(op), Coding::Utf8),
                    _ => self.pop()?,
                };
                watch.event(self, op.offset, &Event::Persistent(id));
                match self.class_with_source(id) {
                    Some(class) => self.push(class),
                    None => self.make(Node::Persistent(id)),
                }
            }
            EXT1 | EXT2 | EXT4 => {
                let Arg::Int(number) = op.arg else { return Err("no extension code".to_owned()) };
                watch.event(self, op.offset, &Event::Extension(number));
                match self.extensions.get(&number).cloned() {
                    Some(global) => self.import(op.offset, global, watch),
                    None => self.make(Node::Unknown),
                }
            }
            NEXT_BUFFER => {
                watch.event(self, op.offset, &Event::Buffer);
                self.make(Node::Unknown);
            }
            READONLY_BUFFER => drop(self.peek()?),
            other => return Err(format!("opcode {other:#04x} is not implemented")),
        }
        Ok(())
    }

    fn called(&mut self, offset: usize, callee: Value, args: Value, by: &'static str, watch: &mut dyn Watch) {
        let (mut callee, mut args) = (callee, args);
        let mut done = false;
        for _ in 0..CHAIN {
            // A partial function is what it is of, where that is known.
            let partial = fold::is_kept(self, callee);
            if !partial {
                watch.event(self, offset, &Event::Call { callee, args, by });
            }
            self.register(callee, args);
            let folded = self.fold(callee, args);
            if partial && !matches!(folded, Some(Folded::Call(..))) {
                watch.event(self, offset, &Event::Call { callee, args, by });
            }
            match folded {
                Some(Folded::Call(target, arguments)) => {
                    callee = match target {
                        Target::Value(value) => value,
                        Target::Import(global) => {
                            watch.event(self, offset, &Event::Import(&global));
                            self.alloc(Node::Global(global))
                        }
                    };
                    args = self.alloc_items(arguments, Node::Tuple);
                }
                Some(Folded::Import(global)) => return self.import(offset, global, watch),
                Some(Folded::Module(name)) => return self.make(Node::Module(name)),
                Some(Folded::Method(name, of)) => return self.make(Node::Method { name, of }),
                Some(Folded::Value(value)) => return self.push(value),
                Some(Folded::Constant(constant)) => return self.make(Node::Constant(constant)),
                Some(Folded::List(constants)) => {
                    let values = constants.into_iter().map(|c| self.alloc(Node::Constant(c))).collect();
                    let list = self.alloc_items(values, Node::List);
                    return self.push(list);
                }
                None => {
                    done = true;
                    break;
                }
            }
        }
        if !done {
            watch.event(self, offset, &Event::Call { callee, args, by });
        }
        let instance = by.starts_with("NEWOBJ");
        self.make(Node::Called { callee, args, instance, state: None });
    }

    /// Folds a call within the budget.
    fn fold(&mut self, callee: Value, args: Value) -> Option<Folded> {
        let arguments = self.tuple(args)?;
        let weight = self.weight(arguments);
        // What picklers of protocols 0 to 2 write all the time; who needs the bytes looks through the call.
        if weight > fold::SMALL && self.is_encode(callee) {
            return None;
        }
        let Some(left) = self.folding_left.checked_sub(weight) else {
            self.folding_spent |= !self.is_encode(callee);
            return None;
        };
        let arguments = arguments.to_vec();
        let folded = fold::call(self, callee, &arguments);
        if folded.is_some() {
            let made = match &folded {
                Some(Folded::Constant(constant)) => constant.len(),
                Some(Folded::List(list)) => list.iter().map(|c| 64 + c.len()).sum(),
                _ => 0,
            };
            self.folding_left = left.saturating_sub(made);
        }
        folded
    }

    /// `("module", class, file, source)`: how torch's old format refers to a class, whose source its loader only
    /// compares.
    #[must_use]
    pub fn class_with_source(&self, id: Value) -> Option<Value> {
        let [kind, class, _, _] = self.tuple(id)? else { return None };
        (self.text(*kind)? == "module" && self.global(*class).is_some()).then_some(*class)
    }

    fn is_encode(&self, callee: Value) -> bool {
        self.global(callee)
            .is_some_and(|g| g.module.as_deref() == Some("_codecs") && g.name.as_deref() == Some("encode"))
    }

    /// `copyreg.add_extension(module, name, code)` decides what a later `EXT` imports.
    fn register(&mut self, callee: Value, args: Value) {
        let Some(global) = self.global(callee) else { return };
        if (global.module.as_deref(), global.name.as_deref()) != (Some("copyreg"), Some("add_extension")) {
            return;
        }
        if let Some([module, name, Value::Int(code)]) = self.tuple(args) {
            let registered = Global {
                module: self.text(*module).map(Cow::into_owned),
                name: self.text(*name).map(Cow::into_owned),
            };
            let code = *code;
            if self.extensions.len() < 1024 {
                self.extensions.insert(code, registered);
            }
        }
    }

    fn import(&mut self, offset: usize, global: Global, watch: &mut dyn Watch) {
        watch.event(self, offset, &Event::Import(&global));
        self.make(Node::Global(global));
    }

    fn named(&mut self, op: &Op<'a>) -> Result<Global, String> {
        let (module, name) = match op.arg {
            Arg::Lines(module, name) => {
                let text = |line: &[u8]| std::str::from_utf8(line).map(str::to_owned);
                let not_text = |_| "an imported name is not UTF-8".to_owned();
                (Some(text(module).map_err(not_text)?), Some(text(name).map_err(not_text)?))
            }
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                if self.is_no_text(module) || self.is_no_text(name) {
                    return Err("STACK_GLOBAL is given something that is no string".to_owned());
                }
                (self.text(module).map(Cow::into_owned), self.text(name).map(Cow::into_owned))
            }
        };
        Ok(match (module, name) {
            (Some(module), Some(name)) if self.protocol < 3 => {
                let (module, name) = names::from_python_2(&module, &name);
                Global { module: Some(module), name: Some(name) }
            }
            (module, name) => Global { module, name },
        })
    }

    fn put(&mut self, op: &Op<'a>, index: u64, watch: &mut dyn Watch) -> Result<(), String> {
        let value = self.peek()?;
        if index > HUGE_MEMO {
            watch.event(self, op.offset, &Event::HugeMemo(index));
        }
        self.memo.insert(index, value);
        Ok(())
    }

    /// Adds values to the container on top.
    fn add(
        &mut self,
        op: &Op<'a>,
        values: &[Value],
        by: &'static str,
        watch: &mut dyn Watch,
    ) -> Result<(), String> {
        let target = self.peek()?;
        let pairs = matches!(op.code, code::SETITEM | code::SETITEMS);
        if pairs && !values.len().is_multiple_of(2) {
            return Err("a dict is given a key without a value".to_owned());
        }
        if pairs {
            self.keys(op.offset, values, watch);
        }
        let added = match self.node_mut(target) {
            Some(Node::Dict(items)) if pairs => items.extend(values.iter().copied()),
            Some(Node::List(items)) if matches!(op.code, code::APPEND | code::APPENDS) => {
                items.extend(values.iter().copied())
            }
            Some(Node::Set) if op.code == code::ADDITEMS => 0,
            _ => {
                watch.event(self, op.offset, &Event::Method { target, by, values });
                0
            }
        };
        self.kept += added;
        Ok(())
    }
}

impl<'a> Machine<'a> {
    /// Keys of a dictionary that mean something to a loader, whatever the dictionary is part of: Lightning makes a
    /// module by calling what `_instantiator` names (`lightning/pytorch/core/saving.py`, `_load_state`).
    fn keys(&self, offset: usize, pairs: &[Value], watch: &mut dyn Watch) {
        const KEYS: [&str; 2] = ["_instantiator", "_class_path"];
        for pair in pairs.chunks_exact(2) {
            let [key, value] = pair else { continue };
            let may_be = match key {
                Value::Text(span, Coding::Utf8) => KEYS.iter().any(|key| span.end - span.start == key.len()),
                Value::Text(..) | Value::Node(_) => true,
                _ => false,
            };
            if may_be
                && let Some(key) = self.text(*key).and_then(|text| KEYS.into_iter().find(|key| *key == text))
                && let Some(name) = self.text(*value)
            {
                watch.event(self, offset, &Event::Lightning { key, name: name.into_owned() });
            }
        }
    }
}

fn describe(fault: Fault) -> End {
    match fault {
        Fault::Truncated(at) => End::Fault(at, "it ends before STOP".to_owned()),
        Fault::UnknownOpcode(at, byte) => End::Fault(at, format!("{byte:#04x} is no opcode")),
        Fault::NegativeLength(at) => End::Fault(at, "a length is below zero".to_owned()),
    }
}
