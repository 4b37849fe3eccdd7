//! What Python asks an instance for, by name, while it fills it: `__setstate__` for a state, `append`, `extend` and `add` for
//! elements. It takes an attribute that the file set for a method, and so it takes an item, of a class whose `__getattr__`
//! reads those. Picklers give an instance its elements first, then its items, then its state, each once; in that order
//! there is nothing yet that could be found, save among the arguments of which it was made, and an item of that name.
//! Source: CPython's `Modules/_pickle.c` (`do_append`, `load_additems`, `load_build`), `Lib/pickle.py` (`save_reduce`).

use std::collections::HashSet;

use super::super::attributes::is_looked_up;
use super::super::machine::Machine;
use super::super::value::{Items, Node, Value};
use super::{Judge, contract};

/// What containers are asked for by the methods of others, which take any object for one.
const OF_CONTAINERS: [&str; 13] = [
    "add",
    "append",
    "clear",
    "copy",
    "extend",
    "get",
    "insert",
    "items",
    "keys",
    "pop",
    "setdefault",
    "update",
    "values",
];

/// Whether an attribute is one that methods take for the method of a container.
pub(super) fn is_of_containers(name: &str) -> bool {
    OF_CONTAINERS.contains(&name)
}

/// Most containers that are looked into for one instance, and for all of a stream.
const CONTAINERS: usize = 1 << 14;
const ALL_CONTAINERS: usize = 1 << 21;

/// What was asked of the instances of a stream so far.
#[derive(Default)]
pub(super) struct Asked {
    /// Instances that have items or a state, each by its machine and its place there.
    filled: HashSet<(usize, u32)>,
    /// Instances that have a state.
    stated: HashSet<(usize, u32)>,
    /// How many containers were looked into.
    containers: usize,
}

impl Judge<'_> {
    /// `append`, `extend`, `add` or `__setitem__` of an instance is called by the opcode `by`.
    pub(super) fn filled(
        &mut self,
        machine: &Machine<'_>,
        offset: usize,
        target: Value,
        by: &'static str,
        values: &[Value],
    ) {
        if !self.inert_instance(machine, target) {
            let message = format!("{by} calls a method of a value that is no container known here");
            self.find("pickle/method-on-object", by, offset, message);
        }
        let Value::Node(node) = target else { return };
        let items = by.starts_with("SETITEM");
        if items && !self.asked.stated.contains(&(machine.begins, node)) {
            self.asked.filled.insert((machine.begins, node));
            for pair in values.chunks(2) {
                let [key, value] = pair else { continue };
                let data = |held: &Node| {
                    matches!(held, Node::Tuple(_) | Node::List(_) | Node::Set | Node::Constant(_))
                };
                if machine.node(*value).is_none_or(data) {
                    continue;
                }
                let name = machine.text(*key);
                // Some classes set an attribute of that name.
                let computed = name.is_none()
                    && matches!(machine.node(*key), Some(Node::Called { .. } | Node::Unknown))
                    && !self.is_built_in(machine, target);
                if let Some(name) = name.filter(|name| is_looked_up(name)) {
                    let message =
                        format!("loading it sets the item {name}, which Python may take for a method");
                    self.find("pickle/state-injection", name, offset, message);
                } else if computed {
                    let message = "loading it sets an item whose name it computes".to_owned();
                    self.find("pickle/state-injection", "computed item", offset, message);
                }
            }
        } else if items
            || self.asked.filled.contains(&(machine.begins, node))
            || self.gives(machine, target, |_| true)
        {
            let message =
                format!("{by} calls a method of an object after the file has given it attributes or items");
            self.find("pickle/state-injection", by, offset, message);
        }
    }

    /// Whether a value is a container of Python's own, whose items are nothing but items.
    fn is_built_in(&self, machine: &Machine<'_>, target: Value) -> bool {
        let module = super::made_of(machine, target)
            .and_then(|class| machine.global(class))
            .and_then(|class| class.module.as_deref());
        matches!(module, Some("builtins" | "__builtin__" | "collections"))
    }

    /// An instance is given a state; whether it had one.
    pub(super) fn stated(&mut self, machine: &Machine<'_>, offset: usize, target: Value) -> bool {
        let (Value::Node(node), Some(Node::Called { .. })) = (target, machine.node(target)) else {
            return false;
        };
        self.asked.filled.insert((machine.begins, node));
        let again = !self.asked.stated.insert((machine.begins, node));
        if again || self.gives(machine, target, |name| name == "__setstate__") {
            let message = "loading it sets the state of an object that may have a __setstate__ from the file";
            self.find("pickle/state-injection", "again", offset, message.to_owned());
        }
        again
    }

    /// Whether the arguments of which an instance was made hold something to call, by a name that is asked for.
    fn gives(&mut self, machine: &Machine<'_>, target: Value, asked: impl Fn(&str) -> bool) -> bool {
        let Some(Node::Called { callee, args, .. }) = machine.node(target) else { return false };
        let (callee, args) = (machine.global(*callee), machine.tuple(*args).unwrap_or_default());
        // The class and its base, of what only makes an empty instance of them.
        let own = match callee.and_then(|of| Some((of.module.as_deref()?, of.name.as_deref()?))) {
            Some(("copyreg", "_reconstructor")) => 2,
            Some(("copyreg", "__newobj__" | "__newobj_ex__")) => 1,
            _ if callee.is_some_and(contract::rebuilds) => return false,
            _ => 0,
        };
        let mut open: Vec<Value> = args.iter().skip(own).copied().collect();
        let (mut seen, mut named, mut callable) = (HashSet::new(), false, false);
        while let Some(value) = open.pop() {
            named |= machine.text(value).is_some_and(|text| asked(&text));
            let Value::Node(node) = value else { continue };
            if !seen.insert(node) {
                continue;
            }
            self.asked.containers += 1;
            if seen.len() > CONTAINERS || self.asked.containers > ALL_CONTAINERS {
                return true;
            }
            match machine.node(value) {
                Some(Node::Tuple(items) | Node::List(items) | Node::Dict(items)) => {
                    let Items { kept, more, .. } = items;
                    if *more {
                        return true;
                    }
                    open.extend(kept);
                }
                Some(Node::Called { args, state, .. }) => {
                    callable = true;
                    open.push(*args);
                    open.extend(*state);
                }
                Some(
                    Node::Global(_)
                    | Node::Module(_)
                    | Node::Method { .. }
                    | Node::Persistent(_)
                    | Node::Unknown,
                ) => {
                    callable = true;
                }
                Some(Node::Set | Node::Constant(_)) | None => {}
            }
        }
        named && callable
    }
}
