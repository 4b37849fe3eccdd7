//! Calls that are inert and never end, or take memory that no file of that size needs.
//!
//! A container that is made of `itertools.count()` is filled until memory ends; an array of a shape takes what its lengths
//! tell, before one value is read. Picklers write the values of a container, and arrays of numpy as empty ones that are
//! filled (`numpy/_core/multiarray`, `_reconstruct`).

use super::super::machine::Machine;
use super::super::value::{Global, Node, Value};

/// Elements that no call is told to make by its arguments alone.
const MANY: u64 = 1 << 26;
/// How deep arguments are looked at.
const DEPTH: u32 = 4;
/// Values that are followed of one call: what holds itself many times over takes no longer.
const MOST_FOLLOWED: u32 = 4096;
/// Arguments that are looked at.
const LOOKED_AT: usize = 256;

/// Containers that go through what they are made of. Picklers give them values, or another mapping.
const CONTAINERS: [&str; 8] = [
    "array.array",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.UserDict",
    "collections.UserList",
    "collections.deque",
    "nltk.probability.FreqDist",
    "torch.Size",
];

/// What a call takes too much of, if it does.
pub(super) fn taken(machine: &Machine<'_>, callee: Value, args: Value) -> Option<String> {
    let name = machine.global(callee)?.qualified();
    if matches!(name.as_str(), "functools.partial" | "builtins.slice" | "builtins.getattr")
        || name.starts_with("itertools.")
    {
        return None;
    }
    let args = machine.tuple(args)?.iter().take(LOOKED_AT);
    let object = |value: &Value| match machine.node(*value) {
        Some(Node::Called { callee, .. }) => machine.global(*callee).is_none_or(|made| {
            !made.module.as_deref().is_some_and(|m| matches!(m, "builtins" | "collections" | "_codecs"))
        }),
        _ => false,
    };
    if CONTAINERS.contains(&name.as_str()) && args.clone().any(object) {
        return Some(format!("loading it has {name} go through an object, which need not end"));
    }
    let long =
        args.flat_map(|arg| machine.tuple(*arg).unwrap_or(std::slice::from_ref(arg)).iter().take(LOOKED_AT));
    let mut left = MOST_FOLLOWED;
    let long = long.into_iter().find_map(|arg| iterated(machine, *arg, DEPTH, &mut left))?;
    Some(format!("loading it has {name} go through {long}"))
}

/// Methods of patterns, which tokenizers hold.
pub(super) const MATCHES: [&str; 8] =
    ["findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"];

/// Whether it makes a pattern of a text.
pub(super) fn compiles(global: &Global) -> bool {
    matches!(
        global.qualified().as_str(),
        "re._compile" | "re.compile" | "regex._main._compile" | "regex._regex.compile"
    )
}

/// Whether arguments are a vocabulary of spaCy, a mapping, and methods of patterns where there are any.
pub(super) fn are_matches(machine: &Machine<'_>, args: &[Value]) -> bool {
    let [vocabulary, rules, matches @ ..] = args else { return false };
    let made_by = |value: Value, name: &str| match machine.node(value) {
        Some(Node::Called { callee, .. }) => machine.global(*callee).is_some_and(|by| by.qualified() == name),
        _ => false,
    };
    let is_match = |value: &Value| match machine.node(*value) {
        Some(Node::Called { args, .. }) => {
            made_by(*value, "builtins.getattr")
                && matches!(machine.tuple(*args), Some([of, name])
                    if super::made_of(machine, *of).is_some_and(|of| machine.global(of).is_some_and(compiles))
                        && machine.text(*name).is_some_and(|name| MATCHES.contains(&&*name)))
        }
        node => node.is_none(),
    };
    made_by(*vocabulary, "spacy.vocab.unpickle_vocab")
        && (*rules == Value::None || machine.dict(*rules).is_some())
        && matches.iter().all(is_match)
}

/// A pattern that a matcher tries in exponentially many ways, where one is compiled.
pub(super) fn pattern(machine: &Machine<'_>, callee: Value, args: Value) -> Option<String> {
    let compiles = compiles(machine.global(callee)?);
    let text = machine.text(*machine.tuple(args)?.first().filter(|_| compiles)?)?;
    let shown: String = text.chars().take(60).collect();
    crate::formats::is_catastrophic(&text)
        .then(|| format!("loading it compiles {shown:?}, which a matcher may try in exponentially many ways"))
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
        // What makes an instance of its first argument.
        "copyreg" => name.starts_with("__newobj"),
        _ => false,
    };
    if !makes {
        return None;
    }
    let args = machine.tuple(args)?;
    let args = match args.first() {
        Some(class) if module == "copyreg" => {
            let sized = machine.global(*class).is_some_and(|class| {
                let (module, name) = (class.module.as_deref(), class.name.as_deref());
                let top = module.and_then(|module| module.split('.').next());
                matches!(top, Some("numpy" | "scipy" | "sklearn"))
                    || module == Some("builtins") && matches!(name, Some("bytes" | "bytearray"))
            });
            args.get(1..).filter(|_| sized)?
        }
        _ => args,
    };
    let mut left = MOST_FOLLOWED;
    let elements = args.iter().take(LOOKED_AT).map(|arg| product(machine, *arg, DEPTH, &mut left)).max()?;
    (elements > MANY).then(|| format!("loading it has {module}.{name} make room for {elements} elements"))
}

/// An iterator without an end, or with one that is far.
fn iterated(machine: &Machine<'_>, value: Value, depth: u32, left: &mut u32) -> Option<&'static str> {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return Some("more in one another than is followed");
    }
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
            args.iter().take(LOOKED_AT).find_map(|arg| iterated(machine, *arg, depth - 1, left))
        }
        _ => None,
    }
}

/// The product of the whole numbers in a value.
fn product(machine: &Machine<'_>, value: Value, depth: u32, left: &mut u32) -> u64 {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return u64::MAX;
    }
    if let Value::Int(n) = value {
        return n.unsigned_abs();
    }
    // Arguments by name.
    if let Some((items, _)) = machine.dict(value).filter(|_| depth > 0) {
        let values = items.iter().skip(1).step_by(2).take(LOOKED_AT);
        return values.map(|value| product(machine, *value, depth - 1, left)).max().unwrap_or(0);
    }
    match machine.elements(value).filter(|_| depth > 0) {
        Some(items) => items
            .iter()
            .take(LOOKED_AT)
            .map(|item| product(machine, *item, depth - 1, left))
            .fold(1, |all, n| u64::saturating_mul(all, n.max(1))),
        // What is no 64-bit number is no length either.
        None => 0,
    }
}
