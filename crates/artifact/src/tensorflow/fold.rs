//! What nodes come to, as far as constants of the file decide it: shapes that are put together of numbers, conditions.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::excess::{FEW, Node};

/// Most nodes and constants that are kept.
const KEPT: usize = 400_000;
/// Most steps through all nodes together, and the deepest chain.
const STEPS: u32 = 2_000_000;
const DEPTH: u32 = 48;

/// Operations that hand on the numbers of their first input.
pub(super) const COPIES: [&str; 14] = [
    "Cast",
    "EnsureShape",
    "Enter",
    "ExpandDims",
    "Identity",
    "LoopCond",
    "PlaceholderWithDefault",
    "PreventGradient",
    "Ravel",
    "RefIdentity",
    "Reshape",
    "Snapshot",
    "Squeeze",
    "StopGradient",
];

/// Operations whose result follows from their inputs, and from nothing else.
const PURE: [&str; 46] = [
    "Abs",
    "Add",
    "AddV2",
    "All",
    "Any",
    "Cast",
    "ConcatV2",
    "Const",
    "Equal",
    "ExpandDims",
    "FloorDiv",
    "FloorMod",
    "GatherV2",
    "Greater",
    "GreaterEqual",
    "Identity",
    "Less",
    "LessEqual",
    "LogicalAnd",
    "LogicalNot",
    "LogicalOr",
    "Max",
    "Maximum",
    "Mean",
    "Min",
    "Minimum",
    "Mul",
    "Neg",
    "NotEqual",
    "Pack",
    "Pow",
    "Prod",
    "Rank",
    "RealDiv",
    "Reshape",
    "SelectV2",
    "Shape",
    "Sign",
    "Size",
    "Sqrt",
    "Square",
    "Squeeze",
    "StridedSlice",
    "Sub",
    "Sum",
    "Transpose",
];

/// A function of the library.
#[derive(Debug, Default)]
pub(super) struct Function {
    /// Its number, counted from 1.
    pub(super) scope: usize,
    /// Names of its arguments, in order.
    pub(super) arguments: Vec<String>,
    /// What it returns: the name of each result and the value.
    pub(super) returned: Vec<(String, String)>,
}

/// Nodes and functions of a file.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// Whole numbers and truth values of constants, by scope and name.
    constants: HashMap<(usize, String), Vec<i64>>,
    makers: HashMap<(usize, String), (String, Vec<String>)>,
    functions: HashMap<String, Function>,
    /// The name of each function, in the order of the file.
    names: Vec<String>,
    /// The first call of a function: where, and with what.
    calls: HashMap<String, (usize, Vec<String>)>,
    steps: Cell<u32>,
}

impl Fold {
    pub(super) fn node(&mut self, node: Node<'_>, inputs: Vec<String>) {
        if self.makers.len() < KEPT {
            let made = (node.operation.to_owned(), inputs);
            self.makers.insert((node.scope, node.name.to_owned()), made);
        }
    }

    pub(super) fn constant(&mut self, node: Node<'_>, numbers: Vec<i64>) {
        if !numbers.is_empty() && self.constants.len() < KEPT {
            self.constants.insert((node.scope, node.name.to_owned()), numbers);
        }
    }

    /// The signature of the next function: names of its arguments and of its results.
    pub(super) fn signature(
        &mut self,
        scope: usize,
        name: &str,
        arguments: Vec<String>,
        results: Vec<String>,
    ) {
        if self.functions.len() >= KEPT {
            return;
        }
        let returned = results.into_iter().map(|result| (result, String::new())).collect();
        self.names.resize(scope, String::new());
        if let Some(last) = self.names.last_mut() {
            name.clone_into(last);
        }
        self.functions.insert(name.to_owned(), Function { scope, arguments, returned });
    }

    /// What a function returns as the result of that name.
    pub(super) fn returns(&mut self, function: &str, result: &str, value: &str) {
        let Some(function) = self.functions.get_mut(function) else { return };
        let full = function.returned.len() >= FEW;
        match function.returned.iter_mut().find(|(name, _)| name == result) {
            Some((_, held)) => value.clone_into(held),
            None if !full => function.returned.push((result.to_owned(), value.to_owned())),
            None => {}
        }
    }

    pub(super) fn call(&mut self, node: Node<'_>, function: &str) {
        let made = self.makers.get(&(node.scope, node.name.to_owned()));
        if let Some((_, inputs)) = made.filter(|_| !self.calls.contains_key(function)) {
            self.calls.insert(function.to_owned(), (node.scope, inputs.clone()));
        }
    }

    pub(super) fn named(&self, function: &str) -> Option<&Function> {
        self.functions.get(function)
    }

    /// How many scopes there are, the graph among them.
    pub(super) fn scopes(&self) -> usize {
        self.names.len() + 1
    }

    pub(super) fn name_of(&self, scope: usize) -> String {
        scope.checked_sub(1).and_then(|at| self.names.get(at)).cloned().unwrap_or_default()
    }

    /// The operation that makes a value, and its inputs.
    pub(super) fn maker(&self, scope: usize, value: &str) -> Option<(&str, &[String])> {
        let (operation, inputs) = self.makers.get(&(scope, producer(value).to_owned()))?;
        Some((operation, inputs))
    }

    /// The numbers of a value, if constants decide them.
    pub(super) fn numbers(&self, scope: usize, value: &str) -> Option<Vec<i64>> {
        self.folded(scope, value, 0)
    }

    fn folded(&self, scope: usize, value: &str, depth: u32) -> Option<Vec<i64>> {
        self.steps.set(self.steps.get() + 1);
        if depth > DEPTH || self.steps.get() > STEPS {
            return None;
        }
        if let Some(numbers) = self.constants.get(&(scope, producer(value).to_owned())) {
            return Some(numbers.clone());
        }
        let Some((operation, inputs)) = self.maker(scope, value) else {
            return self.argument(scope, value, depth);
        };
        computed(operation, inputs.len(), &mut |at| self.folded(scope, inputs.get(at)?, depth + 1))
    }

    /// The numbers of a node that is a constant.
    pub(super) fn constant_of(&self, scope: usize, node: &str) -> Option<&[i64]> {
        self.constants.get(&(scope, node.to_owned())).map(Vec::as_slice)
    }

    /// What the first call of a function gives it.
    fn argument(&self, scope: usize, value: &str, depth: u32) -> Option<Vec<i64>> {
        let name = self.names.get(scope.checked_sub(1)?)?;
        let place = self.functions.get(name)?.arguments.iter().position(|argument| argument == value)?;
        let (from, inputs) = self.calls.get(name)?;
        self.folded(*from, inputs.get(place)?, depth + 1)
    }

    /// The argument of a function that a value is a copy of.
    fn copied<'a>(&'a self, function: &'a Function, mut value: &'a str) -> Option<usize> {
        for _ in 0..DEPTH {
            match self.maker(function.scope, value) {
                Some((operation, inputs)) => {
                    let zero = |at: usize| {
                        let numbers = self.numbers(function.scope, inputs.get(at)?)?;
                        numbers.iter().all(|n| *n == 0).then_some(())
                    };
                    let nothing = matches!(operation, "Add" | "AddV2" | "Sub") && zero(1).is_some();
                    if !nothing && !COPIES.contains(&operation) {
                        return None;
                    }
                    value = inputs.first()?;
                }
                None => return function.arguments.iter().position(|argument| argument == producer(value)),
            }
        }
        None
    }
}

/// Why the condition of a loop stays what it is, whatever its body computes.
pub(super) fn never_changes(fold: &Fold, condition: &Function, body: &Function) -> Option<&'static str> {
    let value = condition.returned.first().map(|(_, value)| value.as_str())?;
    let changed = |at: usize| {
        let next = body.returned.get(at).map(|(_, value)| value.as_str());
        next.is_none_or(|next| next.is_empty() || fold.copied(body, next) != Some(at))
    };
    let mut seen = HashSet::new();
    let mut left = vec![value];
    let mut changes = false;
    while let Some(value) = left.pop() {
        if !seen.insert(producer(value)) {
            continue;
        }
        if seen.len() > 4096 {
            return None;
        }
        match fold.maker(condition.scope, value) {
            Some((operation, inputs)) if PURE.contains(&operation) => {
                left.extend(inputs.iter().map(String::as_str));
            }
            Some(_) => return None,
            None => {
                let place = condition.arguments.iter().position(|argument| argument == producer(value))?;
                changes |= changed(place);
            }
        }
    }
    if !changes {
        return Some("its condition depends on nothing that its body changes");
    }
    runs_away(fold, condition, body, value).then_some("what it counts moves away from its bound")
}

/// Whether a loop counts away from the bound that ends it.
fn runs_away(fold: &Fold, condition: &Function, body: &Function, value: &str) -> bool {
    let mut value = value;
    let mut compared = None;
    for _ in 0..DEPTH {
        match fold.maker(condition.scope, value) {
            Some((operation, [first, ..])) if COPIES.contains(&operation) => value = first,
            found => {
                compared = found;
                break;
            }
        }
    }
    let Some((operation, [counter, bound])) = compared else { return false };
    let below = match operation {
        "Less" | "LessEqual" => true,
        "Greater" | "GreaterEqual" => false,
        _ => return false,
    };
    // The bound has to stay where it is.
    if fold.numbers(condition.scope, bound).is_none() {
        return false;
    }
    let Some(place) = fold.copied(condition, counter) else { return false };
    let step = || {
        let (_, next) = body.returned.get(place)?;
        let mut next = next.as_str();
        loop {
            let (operation, inputs) = fold.maker(body.scope, next)?;
            if COPIES.contains(&operation) {
                next = inputs.first()?;
                continue;
            }
            let [from, by] = inputs else { return None };
            let by = *fold.numbers(body.scope, by)?.first()?;
            let own = fold.copied(body, from) == Some(place);
            return match operation {
                "Add" | "AddV2" if own => Some(by),
                "Sub" if own => by.checked_neg(),
                _ => None,
            };
        }
    };
    step().is_some_and(|step| if below { step < 0 } else { step > 0 })
}

/// What a node comes to, by the numbers of its inputs.
pub(super) fn computed(
    operation: &str,
    inputs: usize,
    input: &mut dyn FnMut(usize) -> Option<Vec<i64>>,
) -> Option<Vec<i64>> {
    match operation {
        copies if COPIES.contains(&copies) => input(0),
        "Pack" => joined((0..inputs).map(&mut *input)),
        // The last input says along which side.
        "ConcatV2" => joined((0..inputs.saturating_sub(1)).map(&mut *input)),
        "Prod" => Some(vec![input(0)?.into_iter().fold(1, i64::saturating_mul)]),
        "Sum" => Some(vec![input(0)?.into_iter().fold(0, i64::saturating_add)]),
        "Abs" => Some(input(0)?.into_iter().map(i64::saturating_abs).collect()),
        "Neg" => Some(input(0)?.into_iter().map(i64::saturating_neg).collect()),
        "Square" => Some(input(0)?.into_iter().map(|n| n.saturating_mul(n)).collect()),
        "Sign" => Some(input(0)?.into_iter().map(i64::signum).collect()),
        "LogicalNot" => Some(input(0)?.into_iter().map(|truth| i64::from(truth == 0)).collect()),
        // One side may decide it.
        "LogicalOr" | "LogicalAnd" => {
            let deciding = |side: &Vec<i64>| side.iter().all(|t| (*t != 0) == (operation == "LogicalOr"));
            let (left, right) = (input(0), input(1));
            match left.clone().filter(deciding).or(right.clone().filter(deciding)) {
                Some(decided) => Some(decided),
                None => left.and(right),
            }
        }
        // Nothing of whatever is nothing.
        "Mul" | "MulNoNan" => {
            let nothing = |side: &Vec<i64>| side.iter().all(|n| *n == 0);
            let (left, right) = (input(0), input(1));
            match left.clone().filter(nothing).or(right.clone().filter(nothing)) {
                Some(nothing) => Some(nothing),
                None => two("Mul", &left?, &right?),
            }
        }
        _ => two(operation, &input(0)?, &input(1)?),
    }
}

/// An operation on two lists of numbers, one of which may be one number for all.
fn two(operation: &str, left: &[i64], right: &[i64]) -> Option<Vec<i64>> {
    let compute: fn(i64, i64) -> Option<i64> = match operation {
        "Add" | "AddV2" => |a, b| Some(a.saturating_add(b)),
        "Sub" => |a, b| Some(a.saturating_sub(b)),
        "Mul" => |a, b| Some(a.saturating_mul(b)),
        "FloorDiv" | "RealDiv" | "Div" => i64::checked_div,
        "Maximum" => |a, b| Some(a.max(b)),
        "Minimum" => |a, b| Some(a.min(b)),
        "Pow" => |a, b| Some(a.saturating_pow(u32::try_from(b).ok()?)),
        "LeftShift" => |a, b| Some(a.saturating_mul(1i64.checked_shl(u32::try_from(b).ok()?)?)),
        "Less" => |a, b| Some(i64::from(a < b)),
        "LessEqual" => |a, b| Some(i64::from(a <= b)),
        "Greater" => |a, b| Some(i64::from(a > b)),
        "GreaterEqual" => |a, b| Some(i64::from(a >= b)),
        "Equal" => |a, b| Some(i64::from(a == b)),
        "NotEqual" => |a, b| Some(i64::from(a != b)),
        _ => return None,
    };
    let pair =
        |at: usize, all: &[i64]| if all.len() == 1 { all.first().copied() } else { all.get(at).copied() };
    (0..left.len().max(right.len())).map(|at| compute(pair(at, left)?, pair(at, right)?)).collect()
}

fn joined(parts: impl Iterator<Item = Option<Vec<i64>>>) -> Option<Vec<i64>> {
    let mut all = Vec::new();
    for part in parts {
        all.extend(part?);
        if all.len() > FEW {
            return None;
        }
    }
    Some(all)
}

/// The node that makes a value: `node`, `node:0` or, in a function, `node:output:0`.
pub(super) fn producer(value: &str) -> &str {
    value.split(':').next().unwrap_or(value)
}
