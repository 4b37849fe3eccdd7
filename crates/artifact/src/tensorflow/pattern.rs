//! Graphs that wait for a pattern ([`crate::trigger`]), with the functions of the library in place of their calls.

use std::collections::{HashMap, HashSet};

use super::excess::Node;
use super::fold::{Fold, producer};
use crate::trigger::{self, Function, Step, Stored};

/// Most nodes that are kept, and those that are looked at once functions stand in place of their calls.
const KEPT: usize = 400_000;
const MOST: usize = 2_000_000;
/// Attributes that name what is called: the function, or one for each answer of a condition.
const CALLED: [(&str, &[&str]); 4] = [
    ("PartitionedCall", &["f"]),
    ("StatefulPartitionedCall", &["f"]),
    ("If", &["then_branch", "else_branch"]),
    ("StatelessIf", &["then_branch", "else_branch"]),
];

/// Something that an input calls up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedAnswer {
    /// The node.
    pub node: String,
    /// Where it begins in the file.
    pub at: u64,
    /// What calls it up.
    pub what: &'static str,
}

/// Gathers, while the graph is walked.
#[derive(Default)]
pub(super) struct Patterns {
    steps: Vec<(usize, Step)>,
    given: HashSet<String>,
    constants: HashSet<String>,
    elements: HashMap<String, u64>,
    numbers: HashMap<String, f64>,
    /// Functions that some node names.
    used: HashSet<String>,
}

/// A value by the scope that it stands in: names are unique in a function only.
fn scoped(scope: usize, name: &str) -> String {
    format!("{scope}\u{1}{name}")
}

impl Patterns {
    pub(super) fn node(&mut self, node: Node<'_>, inputs: &[&[u8]]) {
        if self.steps.len() >= KEPT {
            return;
        }
        let name = scoped(node.scope, node.name);
        if node.operation.starts_with("Placeholder") {
            self.given.insert(name);
            return;
        }
        let operator = trigger::of_tensorflow(node.operation).unwrap_or(node.operation).to_owned();
        let inputs = inputs.iter().map(|input| String::from_utf8_lossy(input).into_owned());
        let inputs = inputs.filter(|input| !input.starts_with('^')).collect();
        let step =
            trigger::Node { operator, name: node.name.to_owned(), at: node.at, inputs, outputs: vec![name] };
        self.steps.push((node.scope, Step { node: step, calls: Vec::new() }));
    }

    /// A constant with its elements and the largest of them.
    pub(super) fn constant(&mut self, node: Node<'_>, elements: u64, largest: Option<f64>) {
        if self.constants.len() < KEPT {
            let name = scoped(node.scope, node.name);
            self.elements.insert(name.clone(), elements);
            self.numbers.extend(largest.map(|largest| (name.clone(), largest)));
            self.constants.insert(name);
        }
    }

    /// A function that a node names in an attribute.
    pub(super) fn function(&mut self, node: Node<'_>, key: &str, name: &str) {
        self.used.insert(name.to_owned());
        let keys = CALLED.iter().find(|(operation, _)| *operation == node.operation).map(|(_, keys)| *keys);
        let place = keys.and_then(|keys| keys.iter().position(|one| *one == key));
        if let (Some(place), Some((_, step))) =
            (place, self.steps.last_mut().filter(|(_, s)| s.node.at == node.at))
        {
            let calls = &mut step.calls;
            calls.resize(calls.len().max(place + 1), String::new());
            if let Some(call) = calls.get_mut(place) {
                name.clone_into(call);
            }
        }
    }

    /// Where a pattern of an input changes what is computed.
    pub(super) fn found(mut self, fold: &Fold) -> Vec<FixedAnswer> {
        let calls = self.name_values(fold);
        let mut main = Vec::new();
        let mut functions: HashMap<String, Function> = HashMap::new();
        for (scope, step) in std::mem::take(&mut self.steps) {
            if scope == 0 {
                main.push(step);
            } else {
                functions.entry(fold.name_of(scope)).or_default().steps.push(step);
            }
        }
        for (name, function) in &mut functions {
            let Some(known) = fold.named(name) else { continue };
            function.inputs = known.arguments.iter().map(|name| scoped(known.scope, name)).collect();
            let value =
                |(_, value): &(String, String)| scoped(known.scope, &value_of(value, known.scope, &calls));
            function.outputs = known.returned.iter().map(value).collect();
        }
        let mut found = Vec::new();
        let mut left = MOST;
        let mut look = |steps: &[Step], given: &HashSet<String>| {
            if left == 0 {
                return;
            }
            let nodes = trigger::ordered(trigger::inlined(steps, &functions));
            left = left.saturating_sub(nodes.len());
            let stored =
                Stored { constants: &self.constants, elements: &self.elements, numbers: &self.numbers };
            found.extend(trigger::found(&nodes, given, &stored).into_iter().map(|one| FixedAnswer {
                node: one.node.name.clone(),
                at: one.node.at,
                what: one.what,
            }));
        };
        look(&main, &self.given);
        // What no node calls is called from outside.
        let mut names: Vec<&String> = functions.keys().filter(|name| !self.used.contains(*name)).collect();
        names.sort();
        for name in names {
            if let Some(function) = functions.get(name) {
                look(&function.steps, &function.inputs.iter().cloned().collect());
            }
        }
        found.sort_by(|one, other| (one.at, &one.node).cmp(&(other.at, &other.node)));
        found.dedup();
        found
    }

    /// Gives every value that is read the name under which it is made; calls that make several, by scope and name.
    fn name_values(&mut self, fold: &Fold) -> HashSet<(usize, String)> {
        let mut calls: HashSet<(usize, String)> = HashSet::new();
        for (scope, step) in &mut self.steps {
            let [output] = step.node.outputs.as_slice() else { continue };
            // In old graphs an operation is the function itself.
            if step.calls.is_empty() && fold.named(&step.node.operator).is_some() {
                step.calls.push(step.node.operator.clone());
                self.used.insert(step.node.operator.clone());
            }
            let called = step.calls.first().and_then(|name| fold.named(name));
            if let Some(function) = called {
                let more =
                    (1..function.returned.len()).map(|at| format!("{output}:{at}")).collect::<Vec<_>>();
                calls.insert((*scope, step.node.name.clone()));
                step.node.outputs.extend(more);
            }
        }
        for (scope, step) in &mut self.steps {
            for input in &mut step.node.inputs {
                *input = scoped(*scope, &value_of(input, *scope, &calls));
            }
        }
        calls
    }
}

/// A value without what says which result of its node it is, where that is not one of several of a call.
fn value_of(value: &str, scope: usize, calls: &HashSet<(usize, String)>) -> String {
    let node = producer(value);
    let place = value.rsplit(':').next().and_then(|place| place.parse::<u32>().ok()).unwrap_or(0);
    if place > 0 && calls.contains(&(scope, node.to_owned())) {
        return format!("{node}:{place}");
    }
    node.to_owned()
}
