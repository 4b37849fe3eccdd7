//! Objects of which a state reaches more than the object: containers that keep their elements in another, and what exists
//! once for everybody.

use super::super::joblib;
use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::{Judge, made_of};
use crate::tables::Effect;

/// Functions and classes that give the same object to everybody who asks.
const SHARED: [&str; 7] = [
    "logging.getLogger",
    "pandas._libs.missing.NAType",
    "pandas._libs.tslibs.nattype._nat_unpickle",
    "pytz._UTC",
    "pytz._p",
    "zoneinfo.ZoneInfo",
    "zoneinfo.ZoneInfo._unpickle",
];

impl Judge<'_> {
    /// What a call gave that exists once for everybody: a member of an enumeration, a logger, a time zone. None of them is
    /// pickled with a state.
    pub(super) fn shared(&self, machine: &Machine<'_>, value: Value) -> Option<String> {
        let Some(Node::Called { callee, instance: false, .. }) = machine.node(value) else { return None };
        let global = machine.global(*callee)?;
        let member = self.effect(machine, *callee) == Some(Effect::Enum);
        (member || SHARED.contains(&global.qualified().as_str())).then(|| global.qualified())
    }
}

/// Whether the state of a container of `collections` that keeps its elements in another keeps them in an ordinary one:
/// filling it fills that.
pub(super) fn keeps_itself(machine: &Machine<'_>, target: Value, state: Value) -> bool {
    let class = made_of(machine, target).and_then(|class| machine.global(class));
    let Some(class) = class.filter(|class| class.module.as_deref() == Some("collections")) else {
        return true;
    };
    let chain = match class.name.as_deref() {
        Some("UserDict" | "UserList") => false,
        Some("ChainMap") => true,
        _ => return true,
    };
    let Some((items, true)) = machine.dict(state) else { return false };
    items.iter().skip(1).step_by(2).all(|value| match machine.node(*value) {
        Some(Node::List(maps)) if chain => {
            !maps.more && maps.kept.iter().all(|map| is_ordinary(machine, *map))
        }
        _ => is_ordinary(machine, *value),
    })
}

/// Whether a container is a list or a dictionary, and not one with methods of its own.
fn is_ordinary(machine: &Machine<'_>, value: Value) -> bool {
    match machine.node(value) {
        Some(Node::Called { .. }) => {
            made_of(machine, value).and_then(|class| machine.global(class)).is_some_and(|class| {
                matches!(class.qualified().as_str(), "collections.OrderedDict" | "collections.defaultdict")
            })
        }
        Some(Node::Dict(_) | Node::List(_) | Node::Constant(_)) | None => true,
        Some(_) => false,
    }
}

/// Whether a state has what dictionaries of tensors keep, none of it a method, and is not locked, which asks what it holds.
pub(super) fn are_tensors(machine: &Machine<'_>, state: Value) -> bool {
    const KEPT: [&str; 11] = [
        "_batch_size",
        "_cache",
        "_device",
        "_is_locked",
        "_is_memmap",
        "_is_shared",
        "_last_op",
        "_lock_parents_weakrefs",
        "_td_dim_names",
        "_tensordict",
        "_non_tensordict",
    ];
    let Some((items, true)) = machine.dict(state) else { return false };
    items.chunks(2).all(|pair| {
        let [key, value] = pair else { return false };
        match machine.text(*key).as_deref() {
            Some("_is_locked") => matches!(value, Value::Bool(false) | Value::None),
            Some("_tensordict" | "_non_tensordict") => matches!(machine.dict(*value), Some((_, true))),
            Some(name) => KEPT.contains(&name) && machine.global(*value).is_none(),
            None => false,
        }
    })
}

/// Whether a value is an array of numpy's own class, as pickle or joblib writes it.
pub(super) fn is_plain_array(machine: &Machine<'_>, value: Value) -> bool {
    joblib::is_wrapper(machine, value)
        || made_of(machine, value)
            .and_then(|class| machine.global(class))
            .is_some_and(|class| class.qualified() == "numpy.ndarray")
}

/// Whether a state is a mapping of constants, or of mappings of them.
pub(super) fn are_constants(machine: &Machine<'_>, state: Value) -> bool {
    let constant = |value: &Value| machine.node(*value).is_none();
    let constants = |value: &Value| {
        constant(value)
            || machine.dict(*value).is_some_and(|(items, whole)| whole && items.iter().all(constant))
    };
    machine.dict(state).is_some_and(|(items, whole)| whole && items.iter().all(constants))
}

/// Whether a state is that of sklearn-crfsuite's model file: one without a name that its bytes are written to anew, in the folder
/// for such files; or one with a name, which loading leaves alone.
pub(super) fn is_temporary(machine: &Machine<'_>, state: Value) -> bool {
    let Some((items, true)) = machine.dict(state) else { return false };
    let named = |name: &str| -> Vec<Value> {
        let pairs = items
            .chunks(2)
            .filter(|pair| pair.first().is_some_and(|k| machine.text(*k).as_deref() == Some(name)));
        pairs.filter_map(|pair| pair.get(1).copied()).collect()
    };
    let [name, auto] = ["name", "auto"].map(named);
    let file = match (name.as_slice(), auto.as_slice()) {
        ([Value::None], [Value::Bool(true)]) => true,
        ([given], [Value::Bool(false)]) => {
            machine.text(*given).is_some() && named("__FILE_RESOURCE_DATA__").is_empty()
        }
        _ => false,
    };
    file && items.chunks(2).all(|pair| {
        let [key, value] = pair else { return false };
        match machine.text(*key).as_deref() {
            Some("name" | "auto" | "__FILE_RESOURCE_DATA__") => true,
            Some("fd") => matches!(value, Value::Int(_)),
            Some("keep_tempfiles") => matches!(value, Value::Bool(_)),
            Some("prefix") => matches!(machine.text(*value).as_deref(), Some("" | "model")),
            Some("suffix") => matches!(machine.text(*value).as_deref(), Some("" | ".crfsuite")),
            _ => false,
        }
    })
}
