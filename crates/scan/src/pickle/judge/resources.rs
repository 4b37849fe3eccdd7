//! Calls that are inert and never end, or take memory that no file of that size needs.
//!
//! A container that is made of `itertools.count()` is filled until memory ends; an array of a shape takes what its lengths
//! tell, before one value is read. Picklers write the values of a container, and arrays of numpy as empty ones that are
//! filled (`numpy/_core/multiarray`, `_reconstruct`).

use super::super::machine::Machine;
use super::super::value::{Node, Value};

/// Elements that no call is told to make by its arguments alone.
const MANY: u64 = 1 << 26;
/// How deep arguments are looked at.
const DEPTH: u32 = 4;
/// Arguments that are looked at.
const LOOKED_AT: usize = 256;

/// What a call takes too much of, if it does.
pub(super) fn taken(machine: &Machine<'_>, callee: Value, args: Value) -> Option<String> {
    let name = machine.global(callee)?.qualified();
    let args = machine.tuple(args)?;
    let kept = matches!(name.as_str(), "functools.partial" | "builtins.slice" | "builtins.getattr");
    if !kept && !name.starts_with("itertools.") {
        let long = args.iter().take(LOOKED_AT).find_map(|arg| iterated(machine, *arg, DEPTH))?;
        return Some(format!("loading it has {name} go through {long}"));
    }
    None
}

/// How many elements a call makes room for by what it is told alone, if that is too many.
pub(super) fn room(machine: &Machine<'_>, callee: Value, args: Value) -> Option<String> {
    let global = machine.global(callee)?;
    let (module, name) = (global.module.as_deref()?, global.name.as_deref()?);
    let makes = match module.split('.').next().unwrap_or_default() {
        "numpy" => matches!(
            name,
            "ndarray"
                | "recarray"
                | "chararray"
                | "void"
                | "bytes_"
                | "str_"
                | "matrix"
                | "MaskedArray"
                | "_reconstruct"
                | "_mareconstruct"
        ),
        "scipy" => module.starts_with("scipy.sparse"),
        "sklearn" => module.starts_with("sklearn.tree"),
        "array" => true,
        _ => false,
    };
    if !makes {
        return None;
    }
    let elements =
        machine.tuple(args)?.iter().take(LOOKED_AT).map(|arg| product(machine, *arg, DEPTH)).max()?;
    (elements > MANY).then(|| format!("loading it has {module}.{name} make room for {elements} elements"))
}

/// An iterator without an end, or with one that is far.
fn iterated(machine: &Machine<'_>, value: Value, depth: u32) -> Option<&'static str> {
    let Some(Node::Called { callee, args, .. }) = machine.node(value) else { return None };
    let global = machine.global(*callee)?;
    let args = machine.tuple(*args)?;
    match (global.module.as_deref()?, global.name.as_deref()?) {
        ("itertools", "count" | "cycle") => Some("an iterator that never ends"),
        ("itertools", "repeat") => match args {
            [_, Value::Int(times)] if u64::try_from(*times).is_ok_and(|times| times <= MANY) => None,
            _ => Some("an iterator that never ends"),
        },
        ("builtins", "range") => {
            let far = args.iter().any(|n| !matches!(n, Value::Int(n) if n.unsigned_abs() <= MANY));
            far.then_some("more numbers than it could be given")
        }
        ("builtins", "iter" | "enumerate" | "zip" | "map" | "filter" | "reversed") | ("itertools", _)
            if depth > 0 =>
        {
            args.iter().take(LOOKED_AT).find_map(|arg| iterated(machine, *arg, depth - 1))
        }
        _ => None,
    }
}

/// The product of the whole numbers in a value.
fn product(machine: &Machine<'_>, value: Value, depth: u32) -> u64 {
    match (value, machine.tuple(value)) {
        (Value::Int(n), _) => n.unsigned_abs(),
        // What is no 64-bit number is no length either.
        (Value::Number, _) => 0,
        (_, Some(items)) if depth > 0 => items
            .iter()
            .take(LOOKED_AT)
            .map(|item| product(machine, *item, depth - 1))
            .fold(1, |all, n| u64::saturating_mul(all, n.max(1))),
        _ => 0,
    }
}
