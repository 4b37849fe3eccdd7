//! Methods of strings and bytes.

use super::{Folded, SMALL, codec, constant};
use crate::pickle::machine::Machine;
use crate::pickle::value::{Constant, Value};

/// `of.name(*args)` of a string.
pub(super) fn text(machine: &Machine<'_>, of: &str, name: &str, args: &[Value]) -> Option<Folded> {
    if of.len() > SMALL {
        return if name == "encode" { encode(machine, of, args) } else { None };
    }
    let arg = |index: usize| args.get(index).and_then(|value| machine.text(*value));
    let strip = |mode: fn(&str, &[char]) -> String| match args {
        [] => Some(mode(of, &[' ', '\t', '\n', '\r', '\x0b', '\x0c'])),
        _ => Some(mode(of, &arg(0)?.chars().collect::<Vec<_>>())),
    };
    let made = match name {
        "join" => join(machine, of, *args.first()?)?,
        "replace" => of.replace(&*arg(0)?, &arg(1)?),
        "lower" | "casefold" => of.to_lowercase(),
        "upper" => of.to_uppercase(),
        "swapcase" => of.chars().map(swapped).collect(),
        "capitalize" | "title" => {
            let mut chars = of.chars();
            let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
            first + &chars.as_str().to_lowercase()
        }
        "strip" => strip(|of, set| of.trim_matches(set).to_owned())?,
        "lstrip" => strip(|of, set| of.trim_start_matches(set).to_owned())?,
        "rstrip" => strip(|of, set| of.trim_end_matches(set).to_owned())?,
        "removeprefix" => of.strip_prefix(&*arg(0)?).unwrap_or(of).to_owned(),
        "removesuffix" => of.strip_suffix(&*arg(0)?).unwrap_or(of).to_owned(),
        "__add__" => [of, &arg(0)?].concat(),
        "__mul__" => {
            let Value::Int(n) = args.first()? else { return None };
            let n = usize::try_from(*n).unwrap_or(0);
            if of.len().checked_mul(n)? > SMALL {
                return None;
            }
            of.repeat(n)
        }
        "__str__" | "format" | "format_map" if !of.contains('{') => of.to_owned(),
        "format" => format(machine, of, args)?,
        "__mod__" => percent(machine, of, *args.first()?)?,
        "split" | "splitlines" => {
            let parts = match arg(0) {
                Some(separator) => of.split(&*separator).map(str::to_owned).collect::<Vec<_>>(),
                None => of.split_whitespace().map(str::to_owned).collect(),
            };
            return Some(Folded::List(parts.into_iter().map(Constant::Text).collect()));
        }
        "encode" => return encode(machine, of, args),
        _ => return None,
    };
    (made.len() <= SMALL).then_some(Folded::Constant(Constant::Text(made)))
}

fn encode(machine: &Machine<'_>, of: &str, args: &[Value]) -> Option<Folded> {
    match args.first() {
        Some(coding) => codec::encode(of, &machine.text(*coding)?),
        None => constant(of.as_bytes().to_vec()),
    }
}

/// `of.name(*args)` of bytes.
pub(super) fn bytes(machine: &Machine<'_>, of: &[u8], name: &str, args: &[Value]) -> Option<Folded> {
    let arg = |index: usize| args.get(index).and_then(|value| machine.bytes_of(*value));
    match name {
        "decode" => match args.first() {
            Some(coding) => codec::decode(of, &machine.text(*coding)?),
            None => codec::decode(of, "utf-8"),
        },
        "hex" => Some(Folded::Constant(Constant::Text(codec::hex(of)))),
        "tobytes" | "getvalue" | "read" | "__bytes__" => constant(of.to_vec()),
        "__add__" => constant([of, &arg(0)?].concat()),
        "join" => {
            let parts = machine.constants(*args.first()?)?;
            let parts = parts.into_iter().map(|part| match part {
                Constant::Bytes(bytes) => Some(bytes),
                _ => None,
            });
            constant(parts.collect::<Option<Vec<_>>>()?.join(of))
        }
        "replace" => {
            let (from, to) = (arg(0)?, arg(1)?);
            if from.is_empty() || of.len() > SMALL {
                return None;
            }
            let mut out = Vec::new();
            let mut rest = of;
            while let Some(at) = rest.windows(from.len()).position(|w| w == &*from) {
                out.extend(rest.get(..at)?);
                out.extend(&*to);
                rest = rest.get(at + from.len()..)?;
            }
            out.extend(rest);
            (out.len() <= SMALL).then(|| constant(out)).flatten()
        }
        _ => None,
    }
}

fn swapped(c: char) -> char {
    if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }
}

fn join(machine: &Machine<'_>, separator: &str, over: Value) -> Option<String> {
    if let Some(text) = machine.text(over) {
        let chars: Vec<String> = text.chars().take(SMALL).map(String::from).collect();
        return Some(chars.join(separator));
    }
    let parts = machine.constants(over)?;
    let parts = parts.into_iter().map(|part| match part {
        Constant::Text(text) => Some(text),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join(separator))
}

/// A constant as `str` shows it.
fn shown(machine: &Machine<'_>, value: Value) -> Option<String> {
    match machine.constant(value)? {
        Constant::Text(text) => Some(text),
        Constant::Int(n) => Some(n.to_string()),
        Constant::Bytes(_) => None,
    }
}

/// `{}`, `{0}` and `{{`; a conversion, a format or an attribute is not followed.
fn format(machine: &Machine<'_>, template: &str, args: &[Value]) -> Option<String> {
    let (mut out, mut rest, mut next) = (String::new(), template, 0);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            out.push_str(from.get(..1)?);
            rest = after;
            continue;
        }
        let (field, after) = from.strip_prefix('{')?.split_once('}')?;
        let index = if field.is_empty() { next } else { field.parse().ok()? };
        next = index + 1;
        out.push_str(&shown(machine, *args.get(index)?)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// `%s`, `%d`, `%c` and `%%`.
fn percent(machine: &Machine<'_>, template: &str, args: Value) -> Option<String> {
    let one = [args];
    let mut args = machine.tuple(args).unwrap_or(&one).iter();
    let (mut out, mut chars) = (String::new(), template.chars());
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            's' | 'd' => out.push_str(&shown(machine, *args.next()?)?),
            'c' => match machine.constant(*args.next()?)? {
                Constant::Int(n) => out.push(char::from_u32(u32::try_from(n).ok()?)?),
                Constant::Text(text) => out.push_str(&text),
                Constant::Bytes(_) => return None,
            },
            _ => return None,
        }
    }
    Some(out)
}
