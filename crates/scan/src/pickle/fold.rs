//! Constant folding: what calls of pure functions on constants give, so that a name put together while the
//! stream is loaded is still a name.
//!
//! Folding never makes anything harmless. Whoever computes a name has called something that the tables do
//! not call inert, and that was reported; what folding adds is the name itself, what a resolver resolves to,
//! what a deferred call (`methodcaller`, `partial`) calls in the end, and the bytes that a nested loader
//! would load. What cannot be folded stays unknown.

use super::machine::Machine;
use super::value::{Constant, Global, Node, Value};

mod codec;
mod method;

pub use codec::latin_1;

/// What a call gives.
#[derive(Debug)]
pub enum Folded {
    /// A constant.
    Constant(Constant),
    /// A list or tuple of constants.
    List(Vec<Constant>),
    /// A value that was there before.
    Value(Value),
    /// An attribute of something imported.
    Import(Global),
    /// A module.
    Module(String),
    /// A method of a constant, not called yet.
    Method(String, Value),
    /// In the end, something else is called.
    Call(Target, Vec<Value>),
}

/// What a deferred call reaches.
#[derive(Debug)]
pub enum Target {
    /// Something on the stack.
    Value(Value),
    /// An attribute of a module or of something imported.
    Import(Global),
}

/// Most bytes of one folded constant that is no payload: names are shorter.
pub const SMALL: usize = 1 << 16;

/// Modules written in C below packages, whose functions dill names by `_get_attr`.
const MODULES_IN_C: [&str; 2] = ["numpy.core._multiarray_umath", "numpy._core._multiarray_umath"];

/// Whether texts have an attribute of that name, as far as their methods are concerned; what begins with two underscores
/// is taken for one.
pub(super) fn is_of_text(name: &str) -> bool {
    const METHODS: [&str; 47] = [
        "capitalize",
        "casefold",
        "center",
        "count",
        "encode",
        "endswith",
        "expandtabs",
        "find",
        "format",
        "format_map",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isprintable",
        "isspace",
        "istitle",
        "isupper",
        "join",
        "ljust",
        "lower",
        "lstrip",
        "maketrans",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rindex",
        "rjust",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "translate",
        "upper",
        "zfill",
    ];
    name.starts_with("__") || METHODS.contains(&name)
}

/// Folds `callee(*args)`.
pub fn call(machine: &Machine<'_>, callee: Value, args: &[Value]) -> Option<Folded> {
    match machine.node(callee)? {
        Node::Global(global) => {
            let (module, name) = (global.module.as_deref()?, global.name.as_deref()?);
            named(machine, module.trim_start_matches('_'), name, args)
        }
        Node::Method { name, of } => bound(machine, name, *of, args),
        Node::Called { callee, args: kept, state, .. } => {
            let global = machine.global(*callee)?;
            let kept = machine.tuple(*kept)?;
            match state {
                // What a partial calls, and with what, is what its state says.
                Some(state) if is_partial(global) => partial(machine, *state, args),
                _ => deferred(machine, global, kept, args),
            }
        }
        _ => None,
    }
}

/// Functions by their names; `module` without a leading underscore.
fn named(machine: &Machine<'_>, module: &str, name: &str, args: &[Value]) -> Option<Folded> {
    match (module, name) {
        ("builtins", "getattr") | ("inspect", "getattr_static") => {
            let [owner, attribute, ..] = args else { return None };
            attribute_of(machine, *owner, &machine.text(*attribute)?)
        }
        ("builtins", "object.__getattribute__" | "type.__getattribute__") => {
            let [owner, attribute] = args else { return None };
            attribute_of(machine, *owner, &machine.text(*attribute)?)
        }
        ("builtins", "__import__") => {
            let full = machine.text(*args.first()?)?;
            // With a `fromlist` it gives the module itself, without one the package at the top.
            let whole = args.len() > 3;
            let top = full.split('.').next().unwrap_or_default();
            Some(Folded::Module(if whole { full.into_owned() } else { top.to_owned() }))
        }
        ("importlib", "import_module" | "__import__") | ("pydoc", "safeimport") => {
            Some(Folded::Module(machine.text(*args.first()?)?.into_owned()))
        }
        (of, "subimport") if of.ends_with("cloudpickle") => {
            Some(Folded::Module(machine.text(*args.first()?)?.into_owned()))
        }
        ("dill._dill", "_create_namedtuple") => {
            let [name, _, module, ..] = args else { return None };
            Some(import(&machine.text(*module)?, &machine.text(*name)?))
        }
        ("dill._dill", "_load_type") => plain_type(&machine.text(*args.first()?)?),
        (of, "_builtin_type") if of.ends_with("cloudpickle") || of.ends_with("cloudpickle_fast") => {
            (*machine.text(*args.first()?)? == *"MappingProxyType")
                .then(|| import("types", "MappingProxyType"))
        }
        ("dill._dill", "_import_module") => {
            let path = machine.text(*args.first()?)?;
            Some(match path.rsplit_once('.') {
                Some((module, name)) if !MODULES_IN_C.contains(&&*path) => import(module, name),
                _ => Folded::Module(path.into_owned()),
            })
        }
        ("numpy.core" | "numpy._core", "_ufunc_reconstruct") => {
            let [module, name] = args else { return None };
            Some(import(&machine.text(*module)?, &machine.text(*name)?))
        }
        ("dill._dill", "_get_attr") => {
            let [owner, attribute] = args else { return None };
            let attribute = machine.text(*attribute)?;
            match machine.node(*owner) {
                Some(Node::Module(_)) => attribute_of(machine, *owner, &attribute),
                // What a text has no attribute of that name for, the module that it names is asked.
                _ => {
                    let module = machine.text(*owner).filter(|module| !module.contains('.'))?;
                    (!is_of_text(&attribute)).then(|| import(&module, &attribute))
                }
            }
        }
        ("pkgutil", "resolve_name") | ("pydoc", "locate" | "resolve") | ("logging.config", "_resolve") => {
            let path = machine.text(*args.first()?)?;
            let (module, name) = path.split_once(':').or_else(|| path.rsplit_once('.'))?;
            Some(import(module, name))
        }
        ("sys", "modules.get" | "modules.__getitem__") => {
            Some(Folded::Module(machine.text(*args.first()?)?.into_owned()))
        }
        ("operator", "getitem") => {
            let [of, key] = args else { return None };
            item(machine, *of, *key)
        }
        ("operator", "add" | "concat" | "iadd" | "iconcat" | "__add__" | "__concat__") => {
            let [left, right] = args else { return None };
            bound(machine, "__add__", *left, &[*right])
        }
        ("operator", "mod" | "imod" | "__mod__") => {
            let [left, right] = args else { return None };
            bound(machine, "__mod__", *left, &[*right])
        }
        ("operator", "mul" | "imul" | "__mul__") => {
            let [left, right] = args else { return None };
            bound(machine, "__mul__", *left, &[*right])
        }
        ("operator", "call") | ("functools", "partial.__call__") => {
            let (first, rest) = args.split_first()?;
            Some(Folded::Call(Target::Value(*first), rest.to_vec()))
        }
        ("functools", "reduce") => reduce(machine, args),
        ("builtins", "chr") => {
            let Value::Int(n) = args.first()? else { return None };
            text(char::from_u32(u32::try_from(*n).ok()?)?.to_string())
        }
        ("builtins", "ord") => {
            let mut chars = machine.text(*args.first()?)?.into_owned();
            let first = chars.pop().filter(|_| chars.is_empty())?;
            Some(Folded::Constant(Constant::Int(i64::from(u32::from(first)))))
        }
        ("builtins", "reversed") => {
            text(machine.text(*args.first()?).filter(|t| t.len() <= SMALL)?.chars().rev().collect())
        }
        ("builtins", "str") => match args {
            [one] => text(machine.text(*one)?.into_owned()),
            [bytes, coding, ..] => codec::decode(&machine.bytes_of(*bytes)?, &machine.text(*coding)?),
            [] => text(String::new()),
        },
        ("builtins", "bytes" | "bytearray") => match args {
            [one] => match machine.bytes_of(*one) {
                // Long ones are data; whoever needs them looks through the call.
                Some(bytes) if bytes.len() <= SMALL => constant(bytes.into_owned()),
                Some(_) => None,
                None => constant(octets(machine, *one)?),
            },
            [one, coding] => codec::encode(&machine.text(*one)?, &machine.text(*coding)?),
            _ => None,
        },
        ("builtins", "list" | "tuple") => Some(Folded::List(machine.constants(*args.first()?)?)),
        ("builtins", "map") => map(machine, args),
        ("builtins", _) if name.contains('.') => {
            let (class, method) = name.split_once('.')?;
            if matches!((class, method), ("bytes" | "bytearray", "fromhex")) {
                return codec::unhex(machine.text(*args.first()?)?.as_bytes()).and_then(constant);
            }
            let (of, rest) = args.split_first()?;
            matches!(class, "str" | "bytes" | "bytearray")
                .then(|| bound(machine, method, *of, rest))
                .flatten()
        }
        _ => codec::named(machine, module, name, args),
    }
}

/// What an object made by `methodcaller`, `attrgetter`, `itemgetter` or `partial` does when it is called.
fn deferred(machine: &Machine<'_>, made_by: &Global, kept: &[Value], args: &[Value]) -> Option<Folded> {
    let (first, rest) = kept.split_first()?;
    match (made_by.module.as_deref()?.trim_start_matches('_'), made_by.name.as_deref()?) {
        ("functools", "partial") => Some(Folded::Call(Target::Value(*first), [rest, args].concat())),
        ("dill._dill", "_create_ftype") => {
            let [function, positional, named] = rest else { return None };
            let of = machine.global(*first).is_some_and(is_partial);
            of.then(|| kept_call(machine, *function, *positional, *named, args)).flatten()
        }
        ("operator", "itemgetter") => item(machine, *args.first()?, *first),
        ("operator", "attrgetter") => attribute_of(machine, *args.first()?, &machine.text(*first)?),
        ("operator", "methodcaller") => {
            let (method, of) = (machine.text(*first)?, *args.first()?);
            match attribute_of(machine, of, &method)? {
                Folded::Import(global) => Some(Folded::Call(Target::Import(global), rest.to_vec())),
                Folded::Method(name, of) => bound(machine, &name, of, rest),
                _ => None,
            }
        }
        _ => None,
    }
}

pub(super) fn is_partial(global: &Global) -> bool {
    global.name.as_deref() == Some("partial")
        && global.module.as_deref().is_some_and(|module| module.trim_start_matches('_') == "functools")
}

/// The state of a `functools.partial`: what is called, with which arguments, by position and by name, and attributes.
fn partial(machine: &Machine<'_>, state: Value, args: &[Value]) -> Option<Folded> {
    let [function, positional, named, ..] = machine.tuple(state)? else { return None };
    kept_call(machine, *function, *positional, *named, args)
}

/// Whether a value is the function by which pandas makes blocks, with arguments that are kept for it; partial functions of
/// anything else are told as computed, as what they are given by name is none of what contracts look at.
pub(super) fn is_kept(machine: &Machine<'_>, value: Value) -> bool {
    let Some(Node::Called { callee, args, .. }) = machine.node(value) else { return false };
    let place = match machine.global(*callee) {
        Some(of) if is_partial(of) => 0,
        Some(of) if of.qualified() == "dill._dill._create_ftype" => 1,
        _ => return false,
    };
    machine
        .tuple(*args)
        .and_then(|args| machine.global(*args.get(place)?))
        .is_some_and(|function| function.qualified() == "pandas.core.internals.blocks.new_block")
}

/// A call of a function with arguments that were kept for it, and with more.
fn kept_call(
    machine: &Machine<'_>,
    function: Value,
    positional: Value,
    named: Value,
    args: &[Value],
) -> Option<Folded> {
    // Arguments by name count as one more by position: contracts look at all of them.
    let named: &[Value] = match machine.dict(named) {
        Some(([], true)) => &[],
        None if named == Value::None => &[],
        _ => &[named],
    };
    let all = [machine.tuple(positional)?, args, named].concat();
    Some(Folded::Call(Target::Value(function), all))
}

/// `getattr(owner, path)`.
fn attribute_of(machine: &Machine<'_>, owner: Value, path: &str) -> Option<Folded> {
    match machine.node(owner) {
        Some(Node::Module(module)) => Some(import(module, path)),
        Some(Node::Global(global)) => {
            let name = global.name.as_ref().map(|name| format!("{name}.{path}"));
            Some(Folded::Import(Global { module: global.module.clone(), name }))
        }
        _ if machine.constant(owner).is_some() => Some(Folded::Method(path.to_owned(), owner)),
        _ => None,
    }
}

/// A method of a constant.
fn bound(machine: &Machine<'_>, name: &str, of: Value, args: &[Value]) -> Option<Folded> {
    if matches!(name, "__getitem__" | "get") {
        return item(machine, of, *args.first()?);
    }
    if let Some(of) = machine.text(of) {
        return method::text(machine, &of, name, args);
    }
    method::bytes(machine, &machine.bytes_of(of)?, name, args)
}

/// `of[key]`.
fn item(machine: &Machine<'_>, of: Value, key: Value) -> Option<Folded> {
    if let Some(Node::Global(global)) = machine.node(of) {
        return match (global.module.as_deref()?, global.name.as_deref()?) {
            ("sys", "modules") => Some(Folded::Module(machine.text(key)?.into_owned())),
            // `vars(os)["system"]`, `os.__dict__["system"]`.
            (module, "__dict__") => Some(import(module, &machine.text(key)?)),
            (module, name) => {
                let owner = name.strip_suffix(".__dict__").or_else(|| name.strip_suffix(".__globals__"))?;
                Some(import(module, &format!("{owner}.{}", machine.text(key)?)))
            }
        };
    }
    if let Some(value) = machine.text(key).and_then(|key| machine.entry(of, &key)) {
        return Some(Folded::Value(value));
    }
    if let Some(of) = machine.text(of).filter(|of| of.len() <= SMALL) {
        let chars: Vec<char> = of.chars().collect();
        return text(select(machine, &chars, key)?.into_iter().collect());
    }
    if let Some(of) = machine.bytes_of(of).filter(|of| of.len() <= SMALL) {
        let taken = select(machine, &of, key)?;
        return match (key, taken.as_slice()) {
            (Value::Int(_), [byte]) => Some(Folded::Constant(Constant::Int(i64::from(*byte)))),
            _ => constant(taken),
        };
    }
    let elements = machine.elements(of)?;
    match select(machine, elements, key)?.as_slice() {
        [one] if matches!(key, Value::Int(_)) => Some(Folded::Value(*one)),
        _ => None,
    }
}

/// One element, or those of a slice, by Python's rules.
fn select<T: Copy>(machine: &Machine<'_>, of: &[T], key: Value) -> Option<Vec<T>> {
    let length = i64::try_from(of.len()).ok()?;
    let at = |index: i64| usize::try_from(index).ok().and_then(|index| of.get(index)).copied();
    if let Value::Int(index) = key {
        return Some(vec![at(if index < 0 { index.checked_add(length)? } else { index })?]);
    }
    let Some(Node::Called { callee, args, .. }) = machine.node(key) else { return None };
    let global = machine.global(*callee)?;
    if (global.module.as_deref(), global.name.as_deref()) != (Some("builtins"), Some("slice")) {
        return None;
    }
    let bound = |value: Option<&Value>| match value {
        None | Some(Value::None) => Some(None),
        Some(Value::Int(n)) => Some(Some(*n)),
        _ => None,
    };
    let args = machine.tuple(*args)?;
    let (start, stop, step) = match args {
        [stop] => (None, bound(Some(stop))?, None),
        [start, rest @ ..] => (bound(Some(start))?, bound(rest.first())?, bound(rest.get(1))?),
        [] => return None,
    };
    let step = step.unwrap_or(1);
    let clamp =
        |n: i64, low: i64, high: i64| if n < 0 { n.saturating_add(length).max(low) } else { n.min(high) };
    let mut taken = Vec::new();
    if step > 0 {
        let mut index = start.map_or(0, |n| clamp(n, 0, length));
        let stop = stop.map_or(length, |n| clamp(n, 0, length));
        while index < stop {
            taken.push(at(index)?);
            index = index.saturating_add(step);
        }
    } else if step < 0 {
        let mut index = start.map_or(length - 1, |n| clamp(n, -1, length - 1));
        let stop = stop.map_or(-1, |n| clamp(n, -1, length - 1));
        while index > stop {
            taken.push(at(index)?);
            index = index.saturating_add(step);
        }
    } else {
        return None;
    }
    Some(taken)
}

/// `functools.reduce` over constants, and over attributes (`reduce(getattr, ["path", "join"], os)`).
fn reduce(machine: &Machine<'_>, args: &[Value]) -> Option<Folded> {
    let [function, over, initial @ ..] = args else { return None };
    let mut elements = machine.elements(*over)?.iter().copied();
    let mut so_far = match initial.first() {
        Some(initial) => *initial,
        None => elements.next()?,
    };
    let mut folded = Folded::Value(so_far);
    for element in elements.take(1024) {
        let next = match &folded {
            Folded::Value(_) => call(machine, *function, &[so_far, element])?,
            Folded::Constant(Constant::Text(left)) => {
                let right = machine.text(element)?;
                Folded::Constant(Constant::Text([left.as_str(), &right].concat()))
            }
            Folded::Constant(Constant::Bytes(left)) => {
                Folded::Constant(Constant::Bytes([left.as_slice(), &machine.bytes_of(element)?].concat()))
            }
            Folded::Import(global) => {
                let name = global.name.as_ref()?;
                let name = format!("{name}.{}", machine.text(element)?);
                Folded::Import(Global { module: global.module.clone(), name: Some(name) })
            }
            _ => return None,
        };
        if let Folded::Value(value) = next {
            so_far = value;
        }
        folded = next;
        if let Folded::Constant(Constant::Text(text)) = &folded
            && text.len() > SMALL
        {
            return None;
        }
    }
    Some(folded)
}

/// What dill calls types that have no name to import, or whose name it does not trust; not those of code.
pub(super) fn plain_type(name: &str) -> Option<Folded> {
    const BUILT_IN: [&str; 16] = [
        "bool",
        "bytearray",
        "bytes",
        "classmethod",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "property",
        "range",
        "set",
        "slice",
        "staticmethod",
        "tuple",
    ];
    match name {
        "PartialType" => Some(import("functools", "partial")),
        "ItemGetterType" => Some(import("operator", "itemgetter")),
        "AttrGetterType" => Some(import("operator", "attrgetter")),
        "str" => Some(import("builtins", "str")),
        name => BUILT_IN.contains(&name).then(|| import("builtins", name)),
    }
}

/// `map(chr, …)` and other functions whose results are constants.
fn map(machine: &Machine<'_>, args: &[Value]) -> Option<Folded> {
    let [function, over] = args else { return None };
    let elements = machine.elements(*over).filter(|e| e.len() <= SMALL)?;
    let one = |element: &Value| match call(machine, *function, &[*element])? {
        Folded::Constant(constant) => Some(constant),
        _ => None,
    };
    Some(Folded::List(elements.iter().map(one).collect::<Option<_>>()?))
}

/// `bytes([115, 121])`.
fn octets(machine: &Machine<'_>, value: Value) -> Option<Vec<u8>> {
    let octet = |value: &Constant| match value {
        Constant::Int(n) => u8::try_from(*n).ok(),
        _ => None,
    };
    machine.constants(value)?.iter().map(octet).collect()
}

fn import(module: &str, name: &str) -> Folded {
    Folded::Import(Global { module: Some(module.to_owned()), name: Some(name.to_owned()) })
}

fn text(text: String) -> Option<Folded> {
    Some(Folded::Constant(Constant::Text(text)))
}

fn constant(bytes: Vec<u8>) -> Option<Folded> {
    Some(Folded::Constant(Constant::Bytes(bytes)))
}
