//! Functions of a file in place of their calls, so that a pattern that is asked for in one and answered in another is whole.

use std::collections::{HashMap, HashSet};

use super::Node;

/// Most nodes once calls are replaced: beyond them a call is taken for a layer.
const MOST_NODES: usize = 400_000;
/// Most calls, and the deepest.
const MOST_CALLS: usize = 20_000;
const DEEPEST: usize = 32;

/// A node, and what of the file it calls: nothing; one function, with all its inputs; or one of two by its first input, with
/// the rest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The node.
    pub node: Node,
    /// Names of the functions.
    pub calls: Vec<String>,
}

/// A function of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    /// What its arguments are called in it.
    pub inputs: Vec<String>,
    /// What its results are called in it.
    pub outputs: Vec<String>,
    /// Its nodes.
    pub steps: Vec<Step>,
}

/// A function that is being put in place.
struct Frame<'a> {
    steps: std::slice::Iter<'a, Step>,
    /// What its values are called outside.
    names: HashMap<&'a str, String>,
    /// Which call it is; the graph is none.
    call: usize,
    /// What it makes once it is through.
    behind: Vec<Node>,
}

impl Frame<'_> {
    fn name(&self, name: &str) -> String {
        match self.names.get(name) {
            Some(outside) => outside.clone(),
            None if self.call == 0 || name.is_empty() => name.to_owned(),
            None => inside(name, self.call),
        }
    }

    fn node(&self, node: &Node) -> Node {
        Node {
            inputs: node.inputs.iter().map(|name| self.name(name)).collect(),
            outputs: node.outputs.iter().map(|name| self.name(name)).collect(),
            ..node.clone()
        }
    }
}

/// A value of the function that the call of that number put in place.
fn inside(name: &str, call: usize) -> String {
    format!("{name}\u{0}{call}")
}

/// What a value in a function is called in the function itself.
pub(super) fn plain(name: &str) -> &str {
    name.split('\u{0}').next().unwrap_or(name)
}

/// The nodes of a graph with what they call in their place. What is called beyond all bounds stays a call.
#[must_use]
pub fn inlined(steps: &[Step], functions: &HashMap<String, Function>) -> Vec<Node> {
    let mut made = Vec::new();
    let mut calls = 0;
    let mut stack = vec![Frame { steps: steps.iter(), names: HashMap::new(), call: 0, behind: Vec::new() }];
    while let Some(frame) = stack.last_mut() {
        let Some(step) = frame.steps.next() else {
            made.append(&mut frame.behind);
            stack.pop();
            continue;
        };
        let node = frame.node(&step.node);
        let called: Vec<&Function> = step.calls.iter().filter_map(|name| functions.get(name)).collect();
        let deep = stack.len() >= DEEPEST || calls + called.len() > MOST_CALLS || made.len() >= MOST_NODES;
        let [first, rest @ ..] = called.as_slice() else {
            made.push(node);
            continue;
        };
        if deep || rest.len() > 1 || called.len() != step.calls.len() {
            made.push(node);
            continue;
        }
        let Some(second) = rest.first() else {
            calls += 1;
            stack.push(entered(first, &node.inputs, &node.outputs, calls));
            continue;
        };
        // Both branches are put in place, and each result is picked behind them.
        let (condition, arguments) = node.inputs.split_first().map_or(("", &[][..]), |(c, rest)| (c, rest));
        let (one, other) = (calls + 1, calls + 2);
        calls += 2;
        let of = |call: usize| node.outputs.iter().map(|name| inside(name, call)).collect::<Vec<_>>();
        let pick = |output: &String| Node {
            operator: "Where".to_owned(),
            inputs: vec![condition.to_owned(), inside(output, one), inside(output, other)],
            outputs: vec![output.clone()],
            ..node.clone()
        };
        let mut last = entered(second, arguments, &of(other), other);
        last.behind.extend(node.outputs.iter().map(pick));
        stack.push(last);
        stack.push(entered(first, arguments, &of(one), one));
    }
    made
}

fn entered<'a>(function: &'a Function, inputs: &[String], outputs: &[String], call: usize) -> Frame<'a> {
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut behind = Vec::new();
    names.extend(function.inputs.iter().map(String::as_str).zip(inputs.iter().cloned()));
    for (name, outside) in function.outputs.iter().zip(outputs) {
        // What is handed through, or handed out twice, gets its other name by a copy.
        if let Some(from) = names.get(name.as_str()) {
            let (inputs, outputs) = (vec![from.clone()], vec![outside.clone()]);
            behind.push(Node { operator: "Identity".to_owned(), inputs, outputs, ..Node::default() });
        } else {
            names.insert(name, outside.clone());
        }
    }
    Frame { steps: function.steps.iter(), names, call, behind }
}

/// The nodes so that each stands behind those that it reads, where no circle is in the way; otherwise in their order.
#[must_use]
pub fn ordered(nodes: Vec<Node>) -> Vec<Node> {
    let mut made: HashSet<&str> = HashSet::new();
    let all: HashSet<&str> = nodes.iter().flat_map(|node| node.outputs.iter().map(String::as_str)).collect();
    let in_order = nodes.iter().all(|node| {
        let fine = node.inputs.iter().all(|i| !all.contains(i.as_str()) || made.contains(i.as_str()));
        made.extend(node.outputs.iter().map(String::as_str));
        fine
    });
    if in_order {
        return nodes;
    }
    let makers: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(at, node)| node.outputs.iter().map(move |o| (o.as_str(), at)))
        .collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut waits = vec![0usize; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        for maker in node.inputs.iter().filter_map(|input| makers.get(input.as_str())) {
            if let (Some(readers), Some(waits)) = (readers.get_mut(*maker), waits.get_mut(at)) {
                readers.push(at);
                *waits += 1;
            }
        }
    }
    let mut ready: std::collections::VecDeque<usize> =
        (0..nodes.len()).filter(|at| waits.get(*at) == Some(&0)).collect();
    let mut places = Vec::with_capacity(nodes.len());
    while let Some(at) = ready.pop_front() {
        places.push(at);
        for reader in readers.get(at).into_iter().flatten() {
            if let Some(waits) = waits.get_mut(*reader) {
                *waits -= 1;
                if *waits == 0 {
                    ready.push_back(*reader);
                }
            }
        }
    }
    let placed: HashSet<usize> = places.iter().copied().collect();
    places.extend((0..nodes.len()).filter(|at| !placed.contains(at)));
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    places.into_iter().filter_map(|at| nodes.get_mut(at).and_then(Option::take)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(operator: &str, inputs: &[&str], output: &str, calls: &[&str]) -> Step {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = Node {
            operator: operator.to_owned(),
            inputs: owned(inputs),
            outputs: vec![output.to_owned()],
            ..Node::default()
        };
        Step { node, calls: owned(calls) }
    }

    fn function(inputs: &[&str], output: &str, steps: Vec<Step>) -> Function {
        let inputs = inputs.iter().map(|name| (*name).to_owned()).collect();
        Function { inputs, outputs: vec![output.to_owned()], steps }
    }

    #[test]
    fn calls_and_branches_become_what_they_call() {
        let functions = HashMap::from([
            ("same".to_owned(), function(&["a"], "a", vec![])),
            ("less".to_owned(), function(&["a"], "b", vec![step("Neg", &["a"], "b", &[])])),
        ]);
        let nodes = inlined(&[step("If", &["c", "x"], "y", &["less", "same"])], &functions);
        let operators: Vec<&str> = nodes.iter().map(|node| node.operator.as_str()).collect();
        assert_eq!(operators, ["Neg", "Identity", "Where"]);
        assert_eq!(nodes[0].inputs, ["x"]);
        assert_eq!(
            nodes[2].inputs,
            ["c".to_owned(), nodes[0].outputs[0].clone(), nodes[1].outputs[0].clone()]
        );
        assert_eq!(plain(&nodes[0].outputs[0]), "y");
    }

    #[test]
    fn functions_that_call_themselves_end() {
        let twice = vec![step("f", &["a"], "t", &["f"]), step("f", &["t"], "b", &["f"])];
        let functions = HashMap::from([("f".to_owned(), function(&["a"], "b", twice))]);
        let nodes = inlined(&[step("f", &["x"], "y", &["f"])], &functions);
        assert!(nodes.len() <= MOST_CALLS + 2, "{}", nodes.len());
    }

    proptest! {
        #[test]
        fn an_order_has_every_node_once(wires in proptest::collection::vec((0..20u8, 0..20u8), 0..40)) {
            let nodes: Vec<Node> = wires.iter().map(|(from, to)| step("Add", &[&from.to_string()], &to.to_string(), &[]).node).collect();
            prop_assert_eq!(ordered(nodes.clone()).len(), nodes.len());
        }
    }
}
