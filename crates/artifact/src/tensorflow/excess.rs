//! Graphs that ask for more memory or time than there is: a tensor of 2^45 elements, a loop whose condition is always true,
//! functions that call each other without end.
//!
//! Only what follows from constants of the file is held against bounds ([`super::fold`]).

use std::collections::HashMap;

use super::fold::{self, Fold};
use super::pattern::{FixedAnswer, Patterns};
use super::turns;
use crate::calls::{Calls, follow};

/// Most elements that an operation may be told to make: 2^32 numbers are 16 GiB.
const MAX_ELEMENTS: u64 = 1 << 32;
/// Most nodes of a function once every call in it is replaced by what it calls.
const MAX_NODES: u64 = 1 << 28;
/// Most nodes and constants that are kept.
const KEPT: usize = 200_000;
/// Most numbers of a constant that are kept: a shape has few.
pub(super) const FEW: usize = 32;
/// Inputs of a node that are kept, and of one that calls a function.
const INPUTS: usize = 16;
const ARGUMENTS: usize = 1024;

/// Operations that make a tensor of a shape, and which of their inputs says it.
const SHAPED: [(&str, usize); 20] = [
    ("BroadcastTo", 1),
    ("Empty", 0),
    ("Fill", 0),
    ("ParameterizedTruncatedNormal", 0),
    ("RandomStandardNormal", 0),
    ("RandomUniform", 0),
    ("RandomUniformInt", 0),
    ("ResizeBicubic", 1),
    ("ResizeBilinear", 1),
    ("ResizeNearestNeighbor", 1),
    ("ScatterNd", 2),
    ("SparseToDense", 1),
    ("StatelessRandomNormal", 0),
    ("StatelessRandomNormalV2", 0),
    ("StatelessRandomUniform", 0),
    ("StatelessRandomUniformV2", 0),
    ("TensorArrayV3", 0),
    ("TensorListReserve", 1),
    ("Tile", 1),
    ("TruncatedNormal", 0),
];
/// Operations that make as many elements as one number says.
const COUNTED: [(&str, usize); 4] = [("Bincount", 1), ("LinSpace", 2), ("OneHot", 1), ("Range", 1)];
/// Operations that add to each side of a tensor.
const PADDED: [&str; 3] = ["MirrorPad", "Pad", "PadV2"];

/// Work or memory that a graph asks for and no machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// The node.
    pub node: String,
    /// Where it begins in the file.
    pub at: u64,
    /// What it asks for.
    pub what: String,
}

/// A node of a graph, or of a function of its library: where it stands and what it is called there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// The function, counted from 1; 0 is the graph.
    pub(super) scope: usize,
    pub(super) name: &'a str,
    pub(super) operation: &'a str,
    pub(super) at: u64,
}

/// Gathers, while the graph is walked.
#[derive(Default)]
pub(super) struct Excesses {
    pub(super) fold: Fold,
    pub(super) patterns: Patterns,
    asked: Vec<(usize, String, u64)>,
    loops: Vec<Loop>,
    found: Vec<Excess>,
    /// Which function of the library is used where: the scope, the name, the place.
    used: Vec<(usize, String, u64)>,
    /// Nodes by scope.
    nodes: HashMap<usize, u64>,
}

struct Loop {
    scope: usize,
    node: String,
    at: u64,
    condition: Option<String>,
    body: Option<String>,
}

impl Excesses {
    pub(super) fn node(&mut self, node: Node<'_>, inputs: &[&[u8]]) {
        *self.nodes.entry(node.scope).or_default() += 1;
        self.patterns.node(node, inputs);
        let many = node.operation.contains("Call") || node.operation.contains("While");
        let most = if many { ARGUMENTS } else { INPUTS };
        // A name behind `^` only waits.
        let inputs = inputs.iter().filter(|input| !input.starts_with(b"^")).take(most);
        let inputs = inputs.map(|input| String::from_utf8_lossy(input).into_owned()).collect();
        self.fold.node(node, inputs);
        let asks = SHAPED.iter().chain(&COUNTED).any(|(name, _)| *name == node.operation)
            || PADDED.contains(&node.operation);
        if asks && self.asked.len() < KEPT {
            self.asked.push((node.scope, node.name.to_owned(), node.at));
        }
        if matches!(node.operation, "While" | "StatelessWhile" | "LoopCond") && self.loops.len() < KEPT {
            let Node { scope, name, at, .. } = node;
            self.loops.push(Loop { scope, node: name.to_owned(), at, condition: None, body: None });
        }
    }

    /// A constant with the number of its elements.
    pub(super) fn constant(
        &mut self,
        node: Node<'_>,
        elements: u64,
        numbers: Vec<i64>,
        largest: Option<f64>,
    ) {
        self.patterns.constant(node, elements, largest);
        if elements > MAX_ELEMENTS {
            let what = format!("Const has {elements} elements");
            self.found.push(Excess { node: node.name.to_owned(), at: node.at, what });
        }
        self.fold.constant(node, numbers);
    }

    /// A function that a node names in an attribute.
    pub(super) fn function(&mut self, node: Node<'_>, key: &str, name: String) {
        self.patterns.function(node, key, &name);
        if let Some(last) = self.loops.last_mut().filter(|last| last.at == node.at) {
            match key {
                "cond" => last.condition = Some(name.clone()),
                "body" => last.body = Some(name.clone()),
                _ => {}
            }
        }
        if key == "f" {
            self.fold.call(node, &name);
        }
        if self.used.len() < KEPT {
            self.used.push((node.scope, name, node.at));
        }
    }

    /// Where an input calls an answer up.
    pub(super) fn fixed_answers(&mut self) -> Vec<FixedAnswer> {
        std::mem::take(&mut self.patterns).found(&self.fold)
    }

    pub(super) fn found(mut self) -> Vec<Excess> {
        let mut found = std::mem::take(&mut self.found);
        let excess = |node: &str, at: u64, what: String| Excess { node: node.to_owned(), at, what };
        for (scope, node, at) in &self.asked {
            found.extend(self.elements(*scope, node).map(|what| excess(node, *at, what)));
        }
        for one in &self.loops {
            found.extend(self.endless(one).map(|what| excess(&one.node, one.at, what)));
        }
        found.extend(self.calls());
        found
    }

    /// What a node asks for, beyond all bounds.
    fn elements(&self, scope: usize, node: &str) -> Option<String> {
        let (operation, inputs) = self.fold.maker(scope, node)?;
        let numbers = |place: usize| self.fold.numbers(scope, inputs.get(place)?);
        let place_in = |table: &[(&str, usize)]| {
            table.iter().find(|(name, _)| *name == operation).map(|(_, place)| *place)
        };
        let size = |n: &i64| u64::try_from(*n).unwrap_or(1);
        let elements = if let Some(place) = place_in(&SHAPED) {
            numbers(place)?.iter().map(size).fold(1, u64::saturating_mul)
        } else if operation == "Range" {
            let (start, limit, step) = (*numbers(0)?.first()?, *numbers(1)?.first()?, *numbers(2)?.first()?);
            i128::from(limit)
                .abs_diff(i128::from(start))
                .checked_div(i128::from(step).unsigned_abs())?
                .try_into()
                .unwrap_or(u64::MAX)
        } else if let Some(place) = place_in(&COUNTED) {
            size(numbers(place)?.first()?)
        } else {
            numbers(1)?.iter().map(size).max()?
        };
        (elements > MAX_ELEMENTS).then(|| format!("{operation} asks for {elements} elements"))
    }

    /// Why a loop never ends.
    fn endless(&self, one: &Loop) -> Option<String> {
        let always = "While goes on for ever: its condition is always true";
        let Some(condition) = &one.condition else {
            // Loops of the first version of TensorFlow.
            let (_, inputs) = self.fold.maker(one.scope, &one.node)?;
            let truth = self.fold.numbers(one.scope, inputs.first()?)?;
            return matches!(truth[..], [truth] if truth != 0).then(|| always.to_owned());
        };
        let condition = self.fold.named(condition)?;
        let (_, value) = condition.returned.first()?;
        if let Some(truth) = self.fold.numbers(condition.scope, value) {
            return matches!(truth[..], [truth] if truth != 0).then(|| always.to_owned());
        }
        let body = self.fold.named(one.body.as_ref()?)?;
        if let Some(why) = fold::never_changes(&self.fold, condition, body) {
            return Some(format!("While goes on for ever once it begins: {why}"));
        }
        let why = turns::endless(&self.fold, (one.scope, &one.node), condition, body)?;
        Some(format!("While goes on without end: {why}"))
    }

    /// Functions that call each other without end, or so that they become more than any machine has room for.
    fn calls(&self) -> Option<Excess> {
        let functions = self.fold.scopes();
        let mut own = vec![0u64; functions];
        for (scope, count) in &self.nodes {
            if let Some(own) = own.get_mut(*scope) {
                *own = *count;
            }
        }
        let calls =
            self.used.iter().filter_map(|(scope, name, _)| Some((*scope, self.fold.named(name)?.scope)));
        let (scope, what) = match follow(&own, &calls.collect::<Vec<_>>()) {
            Calls::Circle(scope) => (scope, "a function leads back to itself".to_owned()),
            Calls::Largest(scope, nodes) if nodes > MAX_NODES => {
                (scope, format!("functions call each other so that they are {nodes} nodes"))
            }
            _ => return None,
        };
        let at = self.used.iter().find(|(from, ..)| *from == scope).map_or(0, |(_, _, at)| *at);
        Some(Excess { node: self.fold.name_of(scope), at, what })
    }
}
