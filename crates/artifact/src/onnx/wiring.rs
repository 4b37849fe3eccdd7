//! How nodes are wired: loops that nothing ends, and answers that are fixed once an input has a certain value.
//!
//! A graph with such a branch computes what it should until somebody shows it the value it waits for (HiddenLayer,
//! "ShadowLogic", 2024). Models branch, too: on shapes, on a rate, between two ways to compute. What they do not do is to
//! leave off computing because of what a value is.

use std::collections::{HashMap, HashSet};

use super::excess::Numbers;
use super::{Excess, FixedAnswer, OperatorId, growth};
use crate::ArtifactError;
pub(super) use crate::trigger::Node;
use crate::trigger::{self, Function, Step, Stored};

/// Most nodes that are kept.
const KEPT: usize = 100_000;
/// Most inputs of a node that are kept.
pub(super) const INPUTS: usize = 8;
/// Most loops whose growth is followed, as each takes a pass over the nodes.
const LOOPS: usize = 64;
/// Most steps back from a value, and from all conditions together.
const STEPS: usize = 4096;
const ALL_STEPS: usize = 2_000_000;
/// Nodes back to the one whose attribute is read.
const NEAR: usize = 4;
/// Most copies of copies that are followed.
const COPIES: usize = 64;

/// Operators whose result is what was compared, in some form. What else stands before a condition ends the search:
/// it is not the value itself any more.
const COMPARED: [&str; 28] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Concat",
    "Equal",
    "Flatten",
    "Floor",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Mod",
    "Mul",
    "Not",
    "Or",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "Reshape",
    "Round",
    "Slice",
    "Squeeze",
    "Sub",
];
const COMPARISONS: [&str; 5] = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"];

/// A graph that a node holds.
#[derive(Debug, Default, Clone)]
pub(super) struct Body {
    /// Its first inputs: for a loop the round, whether it goes on, and what it carries along.
    pub(super) inputs: Vec<String>,
    /// Its first outputs: for a loop whether it goes on, and what it carries along.
    pub(super) outputs: Vec<String>,
    /// It computes nothing: what it gives, it is given or stands in the file.
    pub(super) idle: bool,
}

/// An operator by its name alone where it is of the standard set.
fn called(operator: &OperatorId) -> String {
    match operator.domain.as_str() {
        "" | "ai.onnx" => operator.name.clone(),
        domain => format!("{domain}\u{0}{}", operator.name),
    }
}

/// Gathers, while the graph is walked.
#[derive(Default)]
pub(super) struct Wiring {
    nodes: Vec<Node>,
    /// The node that makes a value.
    makers: HashMap<String, usize>,
    /// What is given from outside.
    inputs: HashSet<String>,
    /// Names of tensors that stand in the file.
    constants: HashSet<String>,
    bodies: HashMap<String, Vec<Body>>,
    /// How many elements constants and inputs have.
    elements: HashMap<String, u64>,
    /// Numbers with a fraction that stand in the file.
    numbers: HashMap<String, f64>,
    /// The function that each node stands in.
    scopes: Vec<Option<usize>>,
    /// Arguments and results of each function.
    functions: Vec<(Vec<String>, Vec<String>)>,
}

impl Wiring {
    pub(super) fn node(
        &mut self,
        operator: &OperatorId,
        name: &str,
        at: u64,
        inputs: &[String],
        outputs: Vec<String>,
        function: Option<usize>,
    ) {
        if self.nodes.len() >= KEPT {
            return;
        }
        for output in &outputs {
            self.makers.insert(output.clone(), self.nodes.len());
        }
        self.scopes.push(function);
        self.nodes.push(Node {
            operator: called(operator),
            name: name.to_owned(),
            at,
            inputs: inputs.iter().take(INPUTS).cloned().collect(),
            outputs,
        });
    }

    /// The next function of the file.
    pub(super) fn function(&mut self, inputs: Vec<String>, outputs: Vec<String>) {
        self.functions.push((inputs, outputs));
    }

    /// An input, with the number of elements that it has at least.
    pub(super) fn input(&mut self, name: &str, elements: u64) {
        self.inputs.insert(name.to_owned());
        self.elements.insert(name.to_owned(), elements);
    }

    /// A constant, with the number of its elements and the largest of them.
    pub(super) fn constant(&mut self, name: &str, elements: u64, largest: Option<f64>) {
        if self.constants.len() < KEPT {
            self.constants.insert(name.to_owned());
            self.elements.insert(name.to_owned(), elements);
            self.numbers.extend(largest.map(|largest| (name.to_owned(), largest)));
        }
    }

    /// A constant that a node holds: its output is one.
    pub(super) fn held(&mut self, node: &str, elements: u64, largest: Option<f64>) {
        let node =
            self.nodes.iter().rev().take(NEAR).find(|one| one.name == node && one.operator == "Constant");
        if let Some(output) = node.and_then(|node| node.outputs.first()).cloned() {
            self.numbers.extend(largest.map(|largest| (output.clone(), largest)));
            self.elements.insert(output, elements);
        }
    }

    /// A value that grows until no machine has room for it.
    pub(super) fn growth(&self, numbers: &Numbers) -> Option<Excess> {
        growth::found(&self.nodes, numbers, &self.elements)
    }

    /// Loops of a known number of rounds, each of which multiplies what it carries along.
    pub(super) fn multiplied<'a>(&'a self, numbers: &'a Numbers) -> impl Iterator<Item = Excess> + 'a {
        let rounds = |node: &Node| numbers.of(self.source(node.inputs.first()?))?.first().copied();
        // As few rounds as bring nothing beyond the bound, however much each multiplies by that a body may hold.
        let loops = self.nodes.iter().filter(move |node| node.operator == "Loop" && rounds(node) > Some(4));
        loops.take(LOOPS).filter_map(move |node| {
            let rounds = *numbers.of(self.source(node.inputs.first()?))?.first()?;
            let body = self.bodies.get(&node.name)?.first()?;
            let carried = body.inputs.iter().skip(2).zip(body.outputs.iter().skip(1));
            let factor = carried
                .filter_map(|(into, out)| growth::factor(&self.nodes, numbers, &self.elements, into, out))
                .max()?;
            let grown =
                factor.saturating_pow(u32::try_from(rounds).unwrap_or(if rounds > 0 { u32::MAX } else { 0 }));
            let what = format!(
                "Loop makes what it carries along {factor} times as large in each of {rounds} rounds"
            );
            (grown > growth::MAX_GROWN).then(|| Excess { holder: node.name.clone(), at: node.at, what })
        })
    }

    pub(super) fn body(&mut self, holder: &str, body: Body) {
        if self.bodies.len() < KEPT {
            self.bodies.entry(holder.to_owned()).or_default().push(body);
        }
    }

    /// Loops without a bound whose condition is true and stays so.
    pub(super) fn endless<'a>(&'a self, numbers: &'a Numbers) -> impl Iterator<Item = Excess> + 'a {
        // Exporters write the largest number for "as long as the condition holds".
        let unbounded = |name: &str| numbers.of(name).is_some_and(|n| n.first() >= Some(&(i64::MAX - 1)));
        let is_true = |name: &str| numbers.of(name).is_some_and(|n| matches!(n, [n] if *n != 0));
        self.nodes.iter().filter(|node| node.operator == "Loop").filter_map(move |node| {
            let input = |at: usize| node.inputs.get(at).map(String::as_str).filter(|name| !name.is_empty());
            let begins = input(1).is_none_or(|name| is_true(self.source(name)));
            let ends = input(0).is_some_and(|name| !unbounded(self.source(name)));
            let body = self.bodies.get(&node.name)?.first()?;
            let next = self.source(body.outputs.first()?);
            let goes_on = body.inputs.get(1).is_some_and(|input| input == next) || is_true(next);
            let what = "Loop goes on for ever: it has no bound, and its condition is always true".to_owned();
            (begins && !ends && goes_on).then(|| Excess { holder: node.name.clone(), at: node.at, what })
        })
    }

    /// Branches on the value of an input, one of which is an answer that stands in the file.
    ///
    /// # Errors
    /// Their conditions take more steps to follow than any model's.
    pub(super) fn fixed_answers(&self, nodes: &[Node]) -> Result<Vec<FixedAnswer>, ArtifactError> {
        let mut found = Vec::new();
        let mut left = ALL_STEPS;
        for node in self.nodes.iter().filter(|node| node.operator == "If") {
            let bodies = self.bodies.get(&node.name).map_or(&[][..], Vec::as_slice);
            let is_fixed = |body: &&Body| {
                body.idle && body.outputs.first().is_some_and(|output| self.is_constant(output))
            };
            let one_is_fixed = bodies.len() == 2 && bodies.iter().filter(is_fixed).count() == 1;
            let condition = node.inputs.first().filter(|_| one_is_fixed);
            if condition.is_some_and(|condition| self.waits_for_a_value(condition, &mut left)) {
                let what = "one of its two branches computes nothing: the answer is a constant once an input has a certain value";
                found.push(FixedAnswer { holder: node.name.clone(), at: node.at, what });
            }
            if left == 0 {
                let limit = ALL_STEPS as u64;
                return Err(ArtifactError::Limit { format: "ONNX", what: "steps to conditions", limit });
            }
        }
        let stored = Stored { constants: &self.constants, elements: &self.elements, numbers: &self.numbers };
        let triggers = trigger::found(nodes, &self.inputs, &stored);
        found.extend(triggers.into_iter().map(|one| FixedAnswer {
            holder: one.node.name.clone(),
            at: one.node.at,
            what: one.what,
        }));
        Ok(found)
    }

    /// All nodes, those of functions in place of each call.
    pub(super) fn inlined(&self, ids: &[OperatorId]) -> Vec<Node> {
        let names: HashSet<String> = ids.iter().map(called).collect();
        let mut functions: HashMap<String, Function> = HashMap::new();
        let mut main = Vec::new();
        for (node, scope) in self.nodes.iter().zip(&self.scopes) {
            let calls = names.get(&node.operator).cloned().into_iter().collect();
            let step = Step { node: node.clone(), calls };
            match scope.and_then(|scope| Some((ids.get(scope)?, self.functions.get(scope)?))) {
                Some((id, (inputs, outputs))) => {
                    let function = functions.entry(called(id)).or_insert_with(|| Function {
                        inputs: inputs.clone(),
                        outputs: outputs.clone(),
                        steps: Vec::new(),
                    });
                    function.steps.push(step);
                }
                None => main.push(step),
            }
        }
        trigger::inlined(&main, &functions)
    }

    /// What a value is a copy of.
    fn source<'a>(&'a self, mut name: &'a str) -> &'a str {
        for _ in 0..COPIES {
            let maker = self.makers.get(name).and_then(|at| self.nodes.get(*at));
            match maker.filter(|node| matches!(node.operator.as_str(), "Identity" | "Cast")) {
                Some(Node { inputs, .. }) => match inputs.first() {
                    Some(input) => name = input,
                    None => break,
                },
                None => break,
            }
        }
        name
    }

    fn is_constant(&self, name: &str) -> bool {
        let source = self.source(name);
        let maker = self.makers.get(source).and_then(|at| self.nodes.get(*at));
        self.constants.contains(source) || maker.is_some_and(|node| node.operator == "Constant")
    }

    /// Whether a condition compares what an input holds, not what shape it has, with a constant.
    fn waits_for_a_value(&self, condition: &str, steps: &mut usize) -> bool {
        let (mut compares, mut reaches) = (false, false);
        let mut left = vec![condition];
        let mut seen: HashSet<&str> = HashSet::new();
        while let Some(name) = left.pop() {
            if !seen.insert(name) || seen.len() > STEPS {
                continue;
            }
            *steps = steps.saturating_sub(1);
            if *steps == 0 {
                return false;
            }
            reaches |= self.inputs.contains(name) && !self.constants.contains(name);
            let Some(node) = self.makers.get(name).and_then(|at| self.nodes.get(*at)) else { continue };
            if COMPARED.contains(&node.operator.as_str()) {
                compares |= COMPARISONS.contains(&node.operator.as_str())
                    && node.inputs.iter().any(|input| self.is_constant(input));
                left.extend(node.inputs.iter().map(String::as_str));
            }
        }
        compares && reaches
    }
}
