//! Values that are data and nothing else: constants, containers of the stream, texts that evaluate to a constant.

use super::super::attributes::is_marked;
use super::super::machine::Machine;
use super::super::value::{Node, Value};

/// Whether `state` is nothing, or one or two dicts of the stream whose keys are constant attribute names that
/// Python does not look up by itself.
pub(super) fn plain_names(machine: &Machine<'_>, state: Value) -> bool {
    let names = |part: Value| match machine.dict(part) {
        Some((items, whole)) => {
            whole
                && items.iter().step_by(2).all(|key| {
                    matches!(key, Value::Text(..)) && machine.text(*key).is_some_and(|n| !is_marked(&n))
                })
        }
        None => matches!(part, Value::None),
    };
    match machine.tuple(state) {
        Some([dict, slots]) => names(*dict) && names(*slots),
        _ => names(state),
    }
}

/// Whether a text is what Python shows of a range, a slice or one of its constants, which evaluates to just that.
pub(super) fn is_shown(text: &str) -> bool {
    let number = |part: &str| {
        let digits = part.strip_prefix('-').unwrap_or(part);
        part == "None" || (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let of = ["range(", "xrange(", "slice("].iter().find_map(|maker| text.strip_prefix(maker));
    matches!(text, "Ellipsis" | "NotImplemented" | "None")
        || of.and_then(|rest| rest.strip_suffix(')')).is_some_and(|inner| inner.split(", ").all(number))
}

/// Whether a value is a number, or the text of one that no exponent makes large.
pub(super) fn small_number(machine: &Machine<'_>, value: Value) -> bool {
    const LONGEST: usize = 4000;
    match value {
        Value::Text(..) => machine.text(value).is_some_and(|text| {
            let exponent = text.rsplit(['e', 'E']).next().filter(|digits| digits.len() < text.len());
            text.len() <= LONGEST
                && exponent.is_none_or(|digits| digits.trim_start_matches(['+', '-']).len() <= 3)
        }),
        Value::Node(_) => plain(machine, value),
        _ => true,
    }
}

/// Constants and containers of the stream, without a number that could be a size to allocate.
pub(super) fn plain(machine: &Machine<'_>, value: Value) -> bool {
    const LARGE: i64 = 1 << 24;
    match value {
        Value::Int(n) => n < LARGE,
        Value::Node(_) => match machine.node(value) {
            Some(Node::Tuple(items) | Node::List(items) | Node::Dict(items)) => {
                // Elements are data; only what is iterated by the call itself may call something.
                items.kept.iter().all(|v| {
                    matches!(
                        machine.node(*v),
                        None | Some(
                            Node::Tuple(_)
                                | Node::List(_)
                                | Node::Dict(_)
                                | Node::Set
                                | Node::Constant(_)
                                | Node::Called { .. }
                        )
                    )
                })
            }
            Some(Node::Set | Node::Constant(_)) => true,
            // How protocols 0 to 2 write bytes; and slices.
            Some(Node::Called { callee, .. }) => machine.global(*callee).is_some_and(|g| {
                matches!(
                    (g.module.as_deref(), g.name.as_deref()),
                    (Some("_codecs"), Some("encode")) | (Some("builtins" | "__builtin__"), Some("slice"))
                )
            }),
            _ => false,
        },
        _ => true,
    }
}
