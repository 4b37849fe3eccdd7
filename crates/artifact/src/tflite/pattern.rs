//! Graphs that wait for a pattern ([`crate::trigger`]), and sizes that constants decide, subgraphs in place of their calls.

use std::collections::{HashMap, HashSet};

use super::Issue;
use crate::trigger::{self, Function, Node, Step, Stored};

/// Most operators that are looked at once subgraphs stand in place of their calls.
const MOST: usize = 1_000_000;
/// Elements beyond which an operator of a model for small devices makes what no device has room for: 2^30 numbers are 4 GiB.
const MAX_ELEMENTS: f64 = 1_073_741_824.0;
/// Numbers of a value that are followed: a shape has few.
const FEW: usize = 8;

/// Operators that make as much as an input says, by the name they have here, and which one.
const SHAPED: [(&str, usize); 8] = [
    ("Expand", 1),
    ("Fill", 0),
    ("RandomNormal", 0),
    ("RandomUniform", 0),
    ("Resize", 1),
    ("ScatterNd", 2),
    ("SparseToDense", 1),
    ("Tile", 1),
];

/// Gathers, while the subgraphs are walked.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    graphs: Vec<Function>,
    constants: HashSet<String>,
    elements: HashMap<String, u64>,
    numbers: HashMap<String, Vec<f64>>,
    called: HashSet<String>,
}

/// A tensor by the subgraph that it stands in.
fn scoped(graph: usize, tensor: i32) -> String {
    if tensor < 0 { String::new() } else { format!("{graph}\u{1}{tensor}") }
}

/// Operators that make as much as an input says, and what else is not in ONNX under the same name.
fn named(code: i32) -> String {
    let own = match code {
        23 | 97 => "Resize",
        34 | 60 | 100 => "Pad",
        68 => "SparseToDense",
        77 => "Shape",
        94 => "Fill",
        96 => "Range",
        122 => "ScatterNd",
        146 => "RandomNormal",
        148 => "RandomUniform",
        _ => return trigger::of_tflite(code).map_or_else(|| format!("operator {code}"), str::to_owned),
    };
    own.to_owned()
}

impl Patterns {
    /// The next subgraph, by its inputs and outputs.
    pub(super) fn graph(&mut self, inputs: &[i32], outputs: &[i32]) {
        let graph = self.graphs.len();
        let names = |all: &[i32]| all.iter().map(|tensor| scoped(graph, *tensor)).collect();
        self.graphs.push(Function { inputs: names(inputs), outputs: names(outputs), steps: Vec::new() });
    }

    /// A constant of it.
    pub(super) fn constant(&mut self, tensor: usize, elements: Option<u64>, numbers: Vec<f64>) {
        let name = format!("{}\u{1}{tensor}", self.graphs.len().saturating_sub(1));
        self.elements.extend(elements.map(|elements| (name.clone(), elements)));
        if !numbers.is_empty() {
            self.numbers.insert(name.clone(), numbers);
        }
        self.constants.insert(name);
    }

    /// Subgraphs that an operator calls, in whatever way.
    pub(super) fn called(&mut self, graphs: &[usize]) {
        self.called.extend(graphs.iter().map(ToString::to_string));
    }

    /// An operator of it, and the subgraphs that it picks by its first input.
    pub(super) fn operator(&mut self, code: i32, at: u64, wires: [&[i32]; 2], picks: &[usize]) {
        let graph = self.graphs.len().saturating_sub(1);
        let [inputs, outputs] = wires.map(|all| all.iter().map(|tensor| scoped(graph, *tensor)).collect());
        let calls: Vec<String> = picks.iter().map(ToString::to_string).collect();
        let node = Node { operator: named(code), name: String::new(), at, inputs, outputs };
        if let Some(last) = self.graphs.last_mut() {
            last.steps.push(Step { node, calls });
        }
    }

    /// What an input calls up, and what asks for too much.
    pub(super) fn found(self) -> (Vec<Issue>, Vec<Issue>) {
        let functions: HashMap<String, Function> =
            self.graphs.iter().enumerate().map(|(at, graph)| (at.to_string(), graph.clone())).collect();
        let large = |numbers: &Vec<f64>| numbers.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let numbers =
            self.numbers.iter().filter_map(|(name, all)| Some((name.clone(), large(all)?))).collect();
        let stored = Stored { constants: &self.constants, elements: &self.elements, numbers: &numbers };
        let (mut answers, mut excesses) = (Vec::new(), Vec::new());
        let mut left = MOST;
        for (at, graph) in self.graphs.iter().enumerate() {
            if self.called.contains(&at.to_string()) || left == 0 {
                continue;
            }
            let nodes = trigger::inlined(&graph.steps, &functions);
            left = left.saturating_sub(nodes.len());
            let given: HashSet<String> = graph.inputs.iter().cloned().collect();
            answers.extend(trigger::found(&nodes, &given, &stored).into_iter().map(|one| Issue {
                offset: one.node.at,
                what: one.what.to_owned(),
                exhausts: false,
            }));
            let folded = trigger::folded(&nodes, &self.numbers, FEW);
            excesses.extend(nodes.iter().filter_map(|node| asks(node, &folded, &self.elements)));
        }
        (answers, excesses)
    }
}

/// An operator that makes more than any device has room for.
fn asks(node: &Node, folded: &trigger::Numbers, elements: &HashMap<String, u64>) -> Option<Issue> {
    let numbers = |at: usize| folded.get(node.inputs.get(at)?);
    let held = || node.inputs.first().and_then(|name| elements.get(name)).map_or(1, |n| (*n).max(1));
    #[expect(clippy::cast_precision_loss, reason = "held against a bound far below where it matters")]
    let asked = match node.operator.as_str() {
        "Range" => trigger::range([numbers(0)?, numbers(1)?, numbers(2)?])?,
        "Pad" => numbers(1)?.iter().filter_map(|n| *n).map(|n| n.least).fold(0.0, f64::max),
        "Tile" => trigger::elements(numbers(1)?) * held() as f64,
        operator => {
            let (_, place) = SHAPED.iter().find(|(name, _)| *name == operator)?;
            trigger::elements(numbers(*place)?)
        }
    };
    let what = format!("{} asks for {asked} elements", node.operator);
    (asked > MAX_ELEMENTS).then_some(Issue { offset: node.at, what, exhausts: true })
}
