//! What the script of a network does with its flow: loops that nothing ends.
//!
//! TorchScript is written down in a form that leaves little choice (`torch/csrc/jit/serialization/python_print.cpp`): a
//! statement a line, blocks by indentation, the condition of a loop in a variable that the last line of its body sets.
//! So lines are read, and no grammar.

use proofhouse_core::Place;

use crate::scanner::Scanner;

mod constant;

/// Most lines of one source that are looked at.
const MOST_LINES: usize = 200_000;
/// Most lines of a block.
const MOST_BLOCK: usize = 2_000;

struct Line<'t> {
    indent: usize,
    text: &'t str,
}

pub(super) fn judge(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    let lines: Vec<Line<'_>> = (text.lines().take(MOST_LINES))
        .map(|line| Line { indent: line.len() - line.trim_start().len(), text: line.trim() })
        .collect();
    for (at, line) in lines.iter().enumerate() {
        let condition = line.text.strip_prefix("while ").and_then(|rest| rest.strip_suffix(':'));
        if condition.is_some_and(|condition| is_endless(condition, block(&lines, at))) {
            let mut place = place.clone();
            place.line = Some(at as u64 + 1);
            let message = "a loop of the script goes on for ever once it is entered";
            scanner.report("torch/endless", place, message);
        }
    }
}

/// The lines of the block behind the line at `at`.
fn block<'l, 't>(lines: &'l [Line<'t>], at: usize) -> &'l [Line<'t>] {
    let Some(head) = lines.get(at) else { return &[] };
    let rest = lines.get(at + 1..).unwrap_or_default();
    let length = rest.iter().take(MOST_BLOCK).take_while(|line| line.indent > head.indent).count();
    rest.get(..length).unwrap_or_default()
}

/// Names that a statement sets, with what it sets them to where each has a value of its own.
fn assigned<'t>(line: &Line<'t>) -> Vec<(&'t str, &'t str)> {
    let Some((names, values)) = line.text.split_once(" = ") else { return Vec::new() };
    let names: Vec<&str> = names.split(", ").map(|name| name.trim_end_matches(',').trim()).collect();
    let values = if names.len() == 1 { vec![values] } else { parts(values) };
    let value = |at: usize| if values.len() == names.len() { values.get(at).copied() } else { None };
    names.iter().enumerate().map(|(at, name)| (*name, value(at).unwrap_or_default())).collect()
}

/// What commas outside of brackets part.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0usize, 0, Vec::new());
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.extend(text.get(start..at).map(str::trim));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.extend(text.get(start..).map(str::trim));
    found
}

/// Names in an expression, without those of functions of torch.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
    words.filter(|word| {
        word.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && !word.starts_with("torch.")
            && !word.starts_with("ops.")
            && !matches!(*word, "True" | "False" | "None" | "bool" | "int" | "float" | "annotate")
    })
}

/// Whether the condition of a loop is one that its body cannot change.
fn is_endless(condition: &str, body: &[Line<'_>]) -> bool {
    let sets: Vec<(&str, &str)> = body.iter().flat_map(assigned).collect();
    let is_set = |name: &str| {
        let root = name.split('.').next().unwrap_or(name);
        let inside = |other: &str| other.split('.').next() == Some(root);
        sets.iter().any(|(other, _)| inside(other)) || in_place(body, root)
    };
    if condition == "True" {
        return !body.iter().any(|line| line.text == "break" || line.text.starts_with("return"));
    }
    let Some((_, last)) = sets.iter().rev().find(|(name, _)| *name == condition) else {
        return false;
    };
    // A name of its own for the value, on a line before.
    let value = sets.iter().rev().find(|(name, _)| name == last).map_or(*last, |(_, value)| value);
    let steady = |value: &str| {
        let own = value.starts_with("torch.") && !value.contains("rand") && !value.contains(").");
        own && names(value).next().is_some() && names(value).all(|name| !is_set(name))
    };
    let always = constant::constant(value, &sets).is_some_and(|value| value != 0.0);
    value == "True" || always || is_always(value) || steady(value) || keeps_its_size(value, &sets)
}

/// Whether a condition asks whether a tensor is larger than something, and the body makes it of itself, number by number.
fn keeps_its_size(condition: &str, sets: &[(&str, &str)]) -> bool {
    const KEEPS: [&str; 20] = [
        "abs",
        "add",
        "cat",
        "clamp",
        "clone",
        "contiguous",
        "cos",
        "detach",
        "div",
        "exp",
        "mul",
        "neg",
        "pow",
        "relu",
        "sigmoid",
        "sin",
        "softmax",
        "stack",
        "sub",
        "tanh",
    ];
    let asked = ["torch.gt(", "torch.ge(", "torch.ne("].iter().find_map(|f| condition.strip_prefix(f));
    let asked = asked.and_then(|rest| {
        ["torch.numel(", "torch.len(", "torch.dim(", "torch.size("].iter().find_map(|f| rest.strip_prefix(f))
    });
    let Some(first) = asked.and_then(|rest| names(rest).next()) else { return false };
    let operator = |value: &str| {
        let called = value.strip_prefix("torch.").and_then(|rest| rest.split_once('('));
        called.is_some_and(|(name, _)| KEEPS.contains(&name))
    };
    // From the one that is asked about, back to where it comes from the round before.
    let (mut name, mut computed) = (first, false);
    for _ in 0..sets.len() {
        let made = sets.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
        let [value] = made.collect::<Vec<_>>()[..] else { return false };
        let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain && !operator(value) {
            return false;
        }
        computed |= !plain;
        let Some(from) = names(value).next() else { return false };
        if from == first {
            return computed;
        }
        name = from;
    }
    false
}

/// Whether what a name holds may be changed where it lies, or handed to something that is not torch's.
fn in_place(body: &[Line<'_>], name: &str) -> bool {
    body.iter().any(|line| {
        let mentions = names(line.text).any(|other| other.split('.').next() == Some(name));
        mentions && (line.text.contains("_(") || line.text.contains(").") || line.text.contains("__torch__"))
    })
}

/// A comparison that holds of everything: a length is never below zero, and anything equals itself.
fn is_always(value: &str) -> bool {
    let Some((function, rest)) = value.split_once('(') else { return false };
    let Some(arguments) = rest.strip_suffix(')').map(parts) else { return false };
    let [left, right] = arguments.as_slice() else { return false };
    let length = |side: &str| {
        ["torch.numel(", "torch.len(", "torch.dim(", "torch.size("].iter().any(|f| side.starts_with(f))
    };
    match function {
        "torch.ge" => left == right || length(left) && *right == "0",
        "torch.gt" => length(left) && *right == "-1",
        "torch.ne" => length(left) && *right == "-1",
        "torch.eq" | "torch.le" => left == right || function == "torch.le" && length(right) && *left == "0",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, assigned, block, is_endless};

    fn endless(text: &str) -> bool {
        let lines: Vec<Line<'_>> =
            text.lines().map(|l| Line { indent: l.len() - l.trim_start().len(), text: l.trim() }).collect();
        let at = lines.iter().position(|line| line.text.starts_with("while ")).unwrap();
        let condition = lines[at].text.strip_prefix("while ").unwrap().strip_suffix(':').unwrap();
        is_endless(condition, block(&lines, at))
    }

    #[test]
    fn loops_that_nothing_ends_are_told_from_others() {
        for text in [
            "while _0:\n  x1 = torch.cat([x0, x0])\n  _0, x0 = torch.ge(torch.numel(x1), 0), x1\n",
            "while _0:\n  i0 = torch.add(i, 1)\n  _1 = torch.gt(n, 0)\n  _0, i = _1, i0\n",
            "while _2:\n  y = torch.mul(y0, 2)\n  _2, y0 = True, y\n",
            "while _1:\n  x1 = torch.add(x0, 0)\n  _2 = torch.all(torch.eq(torch.mul(x1, 0), 0))\n  _1, x0 = bool(_2), x1\n",
            "while _1:\n  x2 = torch.mul(x1, 1.)\n  _1, x1 = torch.gt(torch.numel(x2), 0), x2\n",
            "while _1:\n  x2 = torch.add(torch.neg(x1), 1.)\n  _2 = torch.gt(torch.len(x2), 0)\n  _1, x1 = _2, x2\n",
        ] {
            assert!(endless(text), "{text}");
        }
        for text in [
            "while _1:\n  x2 = torch.slice(x1, 0, 1)\n  _1, x1 = torch.gt(torch.numel(x2), 0), x2\n",
            "while _0:\n  i0 = torch.add(i, 1)\n  _0, i = torch.lt(i0, n), i0\n",
            "while _0:\n  x0 = (self.step).forward(x, )\n  _0, x = bool(torch.gt(torch.max(x0), 0.5)), x0\n",
            "while _0:\n  _1 = torch.sub_(n, 1)\n  _0 = torch.gt(n, 0)\n",
            "while _0:\n  _2 = (self.more).forward(n, )\n  _0 = torch.gt(n, 0)\n",
        ] {
            assert!(!endless(text), "{text}");
        }
        let line = Line { indent: 0, text: "a, b, = torch.f(x, [1, 2]), y" };
        assert_eq!(assigned(&line), [("a", "torch.f(x, [1, 2])"), ("b", "y")]);
    }
}
