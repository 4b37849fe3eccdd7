//! Code that a stream brings by value.
//!
//! cloudpickle and dill write what the loader cannot import (a class of a notebook, a lambda) as code objects. Such
//! code is not read here, so a file with it is never clean. It is the bytecode of one version of Python, the stream does
//! not say which, and the interpreter takes operands of an instruction for indices without a look: what reads as
//! harmless under one version is other instructions, or memory, under the next. So it is told, with its names.
//! It is harmful when the stream itself calls a function made so, or when the names that a code object uses are those of
//! a command, of an evaluator or of memory. Source: cloudpickle 3.1 `cloudpickle.py`, dill 0.4 `_dill.py`,
//! `types.CodeType`.

use std::borrow::Cow;

use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::reach;
use crate::tables::Tables;

/// Functions of cloudpickle and dill that put code, classes and what belongs to them together.
const MAKERS: [&str; 23] = [
    "CodeType",
    "_builtin_type",
    "_class_setstate",
    "_create_cell",
    "_create_code",
    "_create_function",
    "_create_type",
    "_empty_cell_value",
    "_fill_function",
    "_function_setstate",
    "_get_bases",
    "_get_dataclass_field_type_sentinel",
    "_make_cell",
    "_make_dict_items",
    "_make_dict_keys",
    "_make_dict_values",
    "_make_empty_cell",
    "_make_function",
    "_make_skel_func",
    "_make_skeleton_class",
    "_make_skeleton_enum",
    "_rehydrate_skeleton_class",
    "subimport",
];

/// Whether an import is one of the makers, where the libraries and those that bring a copy of them keep it.
pub(super) fn is_maker(module: &str, name: &str) -> bool {
    let copies = ["", "joblib.externals", "numba", "pyspark", "ray", "srsly"];
    let own = ["cloudpickle", "cloudpickle.cloudpickle", "cloudpickle.cloudpickle_fast"]
        .iter()
        .any(|own| module.strip_suffix(own).is_some_and(|at| copies.contains(&at.trim_end_matches('.'))));
    (own || module == "dill._dill") && MAKERS.binary_search(&name).is_ok()
}

/// The name of the function or class that a call makes of code.
pub(super) fn made(machine: &Machine<'_>, callee: Value, args: Value) -> Option<String> {
    if makes_code(machine, callee) {
        // The file it was written in, and its name.
        let mut texts = machine.tuple(args)?.iter().filter_map(|arg| machine.text(*arg));
        return Some(texts.nth(1)?.chars().take(60).collect());
    }
    let at = match machine.global(callee)?.name.as_deref()? {
        "_make_function" | "_create_function" => 2,
        "_make_skeleton_class" | "_make_skeleton_enum" | "_create_type" => 1,
        _ => return None,
    };
    let name = machine.text(*machine.tuple(args)?.get(at)?)?;
    Some(name.chars().take(60).collect())
}

/// Whether a call imports a module as a whole.
pub(super) fn imports_module(machine: &Machine<'_>, callee: Value) -> bool {
    let global = machine.global(callee);
    let named = global.and_then(|global| Some((global.module.as_deref()?, global.name.as_deref()?)));
    named.is_some_and(|(module, name)| name == "subimport" && is_maker(module, name))
}

/// The module that such a call imports; what dill asks of one behind a dot is judged as an import of its own.
pub(super) fn imported(machine: &Machine<'_>, args: Value) -> String {
    let asked = machine.tuple(args).and_then(|args| machine.text(*args.first()?));
    asked.map_or_else(|| "a module whose name it computes".to_owned(), Cow::into_owned)
}

/// Whether `value` is a class whose body the stream brings.
pub(super) fn is_class(machine: &Machine<'_>, value: Value) -> bool {
    is_made_by(machine, value, &["_make_skeleton_class", "_make_skeleton_enum", "_create_type"])
}

/// Whether it is an enumeration, which is called with a value to look up the member that has it.
pub(super) fn is_enum(machine: &Machine<'_>, value: Value) -> bool {
    is_made_by(machine, value, &["_make_skeleton_enum"])
}

/// Whether a maker is given something else than what the libraries give it: they call whatever stands in the place of a
/// metaclass with the rest, `type` with one argument gives back a class that may be anybody's, and states are set on
/// whatever is named.
pub(super) fn is_misled(machine: &Machine<'_>, callee: Value, args: Value) -> bool {
    let named = machine.global(callee).and_then(|global| global.name.as_deref());
    let Some(args) = machine.tuple(args) else { return false };
    match named {
        Some("_create_type" | "_make_skeleton_class") => {
            let [kind, name, bases, body, ..] = args else { return true };
            let imported = machine.global(*kind).and_then(|global| global.name.as_deref());
            let metaclass = imported.is_some_and(|name| {
                name == "type" || ["Meta", "Type", "Metaclass"].iter().any(|end| name.ends_with(end))
            });
            let shaped = machine.text(*name).is_some()
                && machine.tuple(*bases).is_some()
                && machine.dict(*body).is_some();
            !shaped || !(metaclass || is_the_type(machine, *kind) || is_class(machine, *kind))
        }
        Some("_class_setstate" | "_rehydrate_skeleton_class") => {
            !args.first().is_some_and(|of| is_class(machine, *of))
        }
        Some("_function_setstate") => !args.first().is_some_and(|of| is_own_function(machine, *of)),
        _ => false,
    }
}

/// Whether it is `type`, as dill asks for it.
fn is_the_type(machine: &Machine<'_>, value: Value) -> bool {
    asked_for(machine, value).is_some_and(|name| matches!(&*name, "type" | "TypeType"))
}

/// The name by which one of Python's own types was asked for: `_load_type("object")`.
fn asked_for<'m>(machine: &'m Machine<'_>, value: Value) -> Option<Cow<'m, str>> {
    let Node::Called { callee, args, .. } = machine.node(value)? else { return None };
    let global = machine.global(*callee)?;
    let asks = match global.name.as_deref()? {
        "_load_type" => global.module.as_deref() == Some("dill._dill"),
        "_builtin_type" => is_maker(global.module.as_deref()?, "_builtin_type"),
        _ => false,
    };
    if !asks {
        return None;
    }
    machine.text(*machine.tuple(*args)?.first()?)
}

/// Whether it is a class that `type` itself makes anew, of bases that are imported or made so: a metaclass of the stream
/// would run whenever an attribute is set, and `type` with one argument gives back a class that may be anybody's.
pub(super) fn is_new_class(machine: &Machine<'_>, value: Value) -> bool {
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        let Some(Node::Called { args, .. }) = machine.node(value) else { return false };
        let Some([kind, name, bases, body]) = machine.tuple(*args) else { return false };
        let by_type = machine.global(*kind).is_some_and(|global| global.qualified() == "builtins.type")
            || is_the_type(machine, *kind);
        let made = is_made_by(machine, value, &["_create_type"]) && by_type && depth < DEPTH;
        let (Some(bases), Some(_), Some(_)) =
            (machine.tuple(*bases), machine.text(*name), machine.dict(*body))
        else {
            return false;
        };
        if !made || bases.len() > NAMES {
            return false;
        }
        let known = |base: Value| machine.global(base).is_some() || asked_for(machine, base).is_some();
        open.extend(bases.iter().filter(|base| !known(**base)).map(|base| (*base, depth + 1)));
        if open.len() > NAMES {
            return false;
        }
    }
    true
}

/// Whether `value` is a function that a maker of the libraries made.
pub(super) fn is_own_function(machine: &Machine<'_>, value: Value) -> bool {
    is_made_by(machine, value, &["_make_function", "_make_skel_func", "_create_function"])
        || matches!(machine.node(value), Some(Node::Called { callee, args, .. }) if makes_function(machine, *callee, *args))
}

/// Whether a call makes a function by the type of functions, as cloudpickle 1 asked for it, of code that the stream brings.
pub(super) fn makes_function(machine: &Machine<'_>, callee: Value, args: Value) -> bool {
    let by_type =
        asked_for(machine, callee).is_some_and(|name| matches!(&*name, "FunctionType" | "LambdaType"));
    let Some([code, ..]) = machine.tuple(args).filter(|_| by_type) else { return false };
    matches!(machine.node(*code), Some(Node::Called { callee, .. }) if makes_code(machine, *callee))
}

fn is_made_by(machine: &Machine<'_>, value: Value, makers: &[&str]) -> bool {
    let Some(Node::Called { callee, .. }) = machine.node(value) else { return false };
    machine.global(*callee).is_some_and(|global| {
        let (module, name) = (global.module.as_deref(), global.name.as_deref().unwrap_or_default());
        makers.contains(&name) && is_maker(module.unwrap_or_default(), name)
    })
}

/// Names that the methods of a dataclass and of a named tuple use.
const DATACLASS: [&str; 6] =
    ["__class__", "__dataclass_fields__", "__match_args__", "__annotations__", "__replace__", "__slots__"];

/// Most texts of one code object that are paired with each other.
const NAMES: usize = 256;
/// How deep constants of code lie in each other.
const DEPTH: u32 = 4;
/// Values that are followed in it: what holds itself many times over takes no longer.
const MOST_FOLLOWED: u32 = 1 << 16;

/// What a call does with code of the stream, if it is harmful.
pub(super) fn harm(
    tables: &Tables,
    machine: &Machine<'_>,
    callee: Value,
    args: Value,
    by: &str,
) -> Option<String> {
    if !by.starts_with("NEWOBJ") && is_function(machine, callee) {
        return Some(format!("calls a function whose code it brings ({by})"));
    }
    if !makes_code(machine, callee) {
        return None;
    }
    let (mut names, mut left) = (Vec::new(), MOST_FOLLOWED);
    texts(machine, args, DEPTH, &mut names, &mut left);
    used(tables, &names).map(|name| format!("brings code that uses {name}"))
}

/// The first name by which a code object reaches beyond what it is given. Its names stand in tuples of texts; a tuple that
/// holds something computed may hold any.
pub(super) fn reaches(machine: &Machine<'_>, args: Value) -> Option<String> {
    let computed = || Some("a name that is computed".to_owned());
    let Some(args) = machine.tuple(args) else { return computed() };
    let mut tuples = args.iter().filter_map(|arg| machine.tuple(*arg)).peekable();
    if tuples.peek().is_none() {
        return computed();
    }
    for tuple in tuples {
        for item in tuple {
            let inner = match machine.node(*item) {
                Some(Node::Called { callee, .. }) => !makes_code(machine, *callee),
                Some(Node::Global(_) | Node::Unknown | Node::Persistent(_)) => true,
                _ => false,
            };
            if inner {
                return computed();
            }
            // What a class compares itself by leads nowhere by itself.
            let reaches = |name: &str| !DATACLASS.contains(&name) && reach::reaches(name);
            if let Some(name) = machine.text(*item).filter(|name| reaches(name)) {
                return Some(name.chars().take(60).collect());
            }
        }
    }
    None
}

/// Whether `value` is a function made of code.
fn is_function(machine: &Machine<'_>, value: Value) -> bool {
    let Some(Node::Called { callee, .. }) = machine.node(value) else { return false };
    match machine.global(*callee) {
        Some(global) => matches!(
            global.name.as_deref(),
            Some("_make_function" | "_make_skel_func" | "_create_function" | "FunctionType" | "LambdaType")
        ),
        None => is_type(machine, *callee, &["FunctionType", "LambdaType"]),
    }
}

/// Whether calling `callee` makes a code object.
pub(super) fn makes_code(machine: &Machine<'_>, callee: Value) -> bool {
    match machine.global(callee) {
        Some(global) => matches!(global.name.as_deref(), Some("CodeType" | "_create_code")),
        None => is_type(machine, callee, &["CodeType"]),
    }
}

/// Whether `value` was asked for by the name of a type: `_builtin_type("CodeType")`.
fn is_type(machine: &Machine<'_>, value: Value, types: &[&str]) -> bool {
    let Some(Node::Called { callee, args, .. }) = machine.node(value) else { return false };
    let asks = machine
        .global(*callee)
        .is_some_and(|g| matches!(g.name.as_deref(), Some("_builtin_type" | "_load_type" | "getattr")));
    asks && machine
        .tuple(*args)
        .and_then(|args| machine.text(*args.last()?))
        .is_some_and(|name| types.contains(&&*name))
}

/// The texts in a value and in the tuples in it.
fn texts(machine: &Machine<'_>, value: Value, depth: u32, out: &mut Vec<String>, left: &mut u32) {
    *left = left.saturating_sub(1);
    if out.len() >= NAMES || depth == 0 || *left == 0 {
        return;
    }
    if let Some(text) = machine.text(value) {
        out.push(text.into_owned());
    } else {
        for item in machine.tuple(value).unwrap_or_default() {
            texts(machine, *item, depth - 1, out, left);
        }
    }
}

/// A sink among the names: of a built-in function, or of a module that is named beside it.
fn used(tables: &Tables, names: &[String]) -> Option<String> {
    // `eval` and `compile` are methods of much else, and names do not tell them apart.
    let runs = |name: &str| matches!(name, "exec" | "__import__");
    let bad = |module: &str, name: &str| {
        tables.sink(module, name).is_some_and(|kind| kind.contains("command") || module == "ctypes")
    };
    names.iter().find_map(|name| {
        if runs(name) {
            return Some(name.clone());
        }
        let (module, own) = name.rsplit_once('.').unwrap_or((name, ""));
        if !own.is_empty() && bad(module, own) {
            return Some(name.clone());
        }
        let module = name.as_str();
        names.iter().find(|n| n.as_str() != module && bad(module, n)).map(|n| format!("{module}.{n}"))
    })
}
