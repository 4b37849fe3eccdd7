//! What dill does with functions and classes after it has made them of code that the stream brings.
//!
//! It fills cells of closures that are made before what they hold, calls `setattr` with the name by which people know a
//! class, and has `BUILD` set defaults of a function. Code of the stream is not proven anyway ([`super::code`]), so that
//! setting its attributes adds nothing, as long as nothing runs by that and what is changed is the stream's own: setting one
//! of anything imported changes the program that loads. Source: dill 0.3.1 to 0.4.1, `_dill.py` (`_save_with_postproc`,
//! `save_function`, `save_type`).

use super::super::attributes::is_marked;
use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::{Judge, code};

/// dill's own `setattr`, which versions of Python that have none for cells need.
const SETATTR: &str = "dill._dill._setattr";

impl Judge<'_> {
    /// Whether a call of something unknown is one of dill's that changes only what the stream made. What was imported for
    /// it is forgotten then, unless something else calls it.
    pub(super) fn is_dills(&mut self, machine: &Machine<'_>, name: &str, args: Value) -> bool {
        if self.brings.is_none() {
            return false;
        }
        let asked: &[&str] = match name {
            // It may have been forgotten already, after a cell was filled.
            "builtins.setattr" if sets_its_own(machine, args) => &["builtins.setattr"],
            SETATTR if fills_a_cell(machine, args) => &[SETATTR, "dill._dill", "builtins.setattr"],
            _ => return false,
        };
        self.imports.retain(|name, import| import.called_by.is_some() || !asked.contains(&name.as_str()));
        asked.iter().all(|name| !self.imports.contains_key(*name))
    }

    /// Remembers for good that `setattr` is given to something that may call it, as an argument or in a state: with what,
    /// nobody sees (`functools.partial(setattr, Counter, "update", f)` as a method of a class of the stream).
    pub(super) fn hands_over_setattr(
        &mut self,
        machine: &Machine<'_>,
        offset: usize,
        callee: Value,
        args: Value,
        by: &'static str,
    ) {
        /// Values that are looked at for one call.
        const MOST: usize = 256;
        let asks = machine.global(callee).is_some_and(|global| global.qualified() == "builtins.getattr")
            && machine.tuple(args).is_some_and(|args| asks_for_setattr(machine, args));
        if self.brings.is_none() || asks {
            return;
        }
        let mut open = vec![args];
        let mut at = 0;
        while let Some(value) = open.get(at).copied().filter(|_| at < MOST) {
            at += 1;
            if let Some(global) = machine.global(value) {
                let name = global.qualified();
                if matches!(name.as_str(), "builtins.setattr" | "builtins.delattr" | SETATTR) {
                    self.called(global, offset, by);
                }
                continue;
            }
            open.extend(machine.elements(value).unwrap_or_default().iter().take(MOST));
            open.extend(machine.dict(value).map(|(items, _)| items).unwrap_or_default().iter().take(MOST));
        }
    }
}

/// Whether `setattr` sets an attribute of a class or function of the stream, and that runs nothing.
fn sets_its_own(machine: &Machine<'_>, args: Value) -> bool {
    let Some([of, name, value]) = machine.tuple(args) else { return false };
    let Some(name) = machine.text(*name) else { return false };
    let shown = matches!(&*name, "__qualname__" | "__module__" | "__name__" | "__doc__");
    let class = code::is_new_class(machine, *of);
    let function = code::is_own_function(machine, *of);
    if shown {
        return (class || function) && machine.text(*value).is_some();
    }
    // Nothing calls `__set_name__` of what is set later.
    class && !is_marked(&name) && name != "mro"
        || function && (!is_marked(&name) || is_own(machine, &name, *value))
}

/// Whether an attribute of a function of the stream leads to nothing but its values: defaults, what is written beside its
/// parameters, and the function of the stream that it stands for.
pub(super) fn is_own(machine: &Machine<'_>, name: &str, value: Value) -> bool {
    match name {
        "__kwdefaults__" | "__annotations__" => value == Value::None || machine.dict(value).is_some(),
        "__defaults__" => value == Value::None || machine.tuple(value).is_some(),
        "__wrapped__" => code::is_own_function(machine, value),
        _ => false,
    }
}

/// Whether a cell of a closure is filled, when that is made before what it holds.
fn fills_a_cell(machine: &Machine<'_>, args: Value) -> bool {
    let Some([cell, name, _]) = machine.tuple(args) else { return false };
    let Some(Node::Called { callee, .. }) = machine.node(*cell) else { return false };
    machine.global(*callee).is_some_and(|global| global.qualified() == "dill._dill._create_cell")
        && machine.text(*name).as_deref() == Some("cell_contents")
}

/// Whether `getattr` asks dill for its own `setattr`, or else the built-in one.
pub(super) fn asks_for_setattr(machine: &Machine<'_>, args: &[Value]) -> bool {
    let [owner, name, otherwise] = args else { return false };
    let is = |value: Value, name: &str| machine.global(value).is_some_and(|g| g.qualified() == name);
    is(*owner, "dill._dill")
        && machine.text(*name).as_deref() == Some("_setattr")
        && is(*otherwise, "builtins.setattr")
}
