//! Graphs that ask for more memory or time than there is: a tensor of 2^45 elements, a loop whose condition is always true.
//!
//! Only what stands in the file as a constant is held against bounds.

use std::collections::HashMap;

/// Most elements that an operation may be told to make: 2^36 of one byte are 64 GiB.
const MAX_ELEMENTS: u64 = 1 << 36;
/// Most nodes and constants that are kept.
const KEPT: usize = 200_000;
/// Most numbers of a constant that are kept: a shape has few.
pub(super) const FEW: usize = 32;

/// Operations that make a tensor of a shape, and which of their inputs says it.
const SHAPED: [(&str, usize); 14] = [
    ("BroadcastTo", 1),
    ("Empty", 0),
    ("Fill", 0),
    ("ParameterizedTruncatedNormal", 0),
    ("RandomStandardNormal", 0),
    ("RandomUniform", 0),
    ("RandomUniformInt", 0),
    ("ScatterNd", 2),
    ("SparseToDense", 1),
    ("StatelessRandomNormal", 0),
    ("StatelessRandomUniform", 0),
    ("TensorListReserve", 1),
    ("Tile", 1),
    ("TruncatedNormal", 0),
];

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
    /// Whole numbers and truth values of constants, by scope and name.
    numbers: HashMap<(usize, String), Vec<i64>>,
    asked: Vec<Asked>,
    /// What functions return first: the scope and the node, by the function's name.
    returned: HashMap<String, (usize, String)>,
    loops: Vec<Loop>,
}

struct Asked {
    scope: usize,
    node: String,
    operation: &'static str,
    at: u64,
    input: String,
}

struct Loop {
    node: String,
    at: u64,
    condition: String,
}

impl Excesses {
    pub(super) fn node(&mut self, node: Node<'_>, inputs: &[&[u8]]) {
        let shaped = SHAPED.iter().find(|(operation, _)| *operation == node.operation);
        if let Some((operation, at)) = shaped
            && self.asked.len() < KEPT
            && let Some(input) = inputs.get(*at)
        {
            let input = producer(&String::from_utf8_lossy(input)).to_owned();
            let Node { scope, name, at, .. } = node;
            self.asked.push(Asked { scope, node: name.to_owned(), operation, at, input });
        }
    }

    pub(super) fn constant(&mut self, node: Node<'_>, numbers: Vec<i64>) {
        if !numbers.is_empty() && self.numbers.len() < KEPT {
            self.numbers.insert((node.scope, node.name.to_owned()), numbers);
        }
    }

    pub(super) fn loops(&mut self, node: Node<'_>, condition: String) {
        if self.loops.len() < KEPT {
            self.loops.push(Loop { node: node.name.to_owned(), at: node.at, condition });
        }
    }

    /// What the function `name` returns first.
    pub(super) fn returns(&mut self, name: &str, scope: usize, value: &str) {
        if self.returned.len() < KEPT {
            self.returned.entry(name.to_owned()).or_insert_with(|| (scope, producer(value).to_owned()));
        }
    }

    pub(super) fn found(&self) -> Vec<Excess> {
        let shapes = self.asked.iter().filter_map(|asked| {
            let numbers = self.numbers.get(&(asked.scope, asked.input.clone()))?;
            let sizes = numbers.iter().map(|n| u64::try_from(*n).unwrap_or(1));
            let elements = sizes.fold(1u64, u64::saturating_mul);
            let what = format!("{} asks for {elements} elements", asked.operation);
            (elements > MAX_ELEMENTS).then(|| Excess { node: asked.node.clone(), at: asked.at, what })
        });
        let loops = self.loops.iter().filter_map(|one| {
            let condition = self.numbers.get(self.returned.get(&one.condition)?)?;
            let what = "While goes on for ever: its condition is always true".to_owned();
            matches!(condition[..], [truth] if truth != 0).then(|| Excess {
                node: one.node.clone(),
                at: one.at,
                what,
            })
        });
        shapes.chain(loops).collect()
    }
}

/// The node that makes a value: `node`, `node:0` or, in a function, `node:output:0`. A name behind `^` only waits.
fn producer(value: &str) -> &str {
    value.split(':').next().unwrap_or(value)
}
