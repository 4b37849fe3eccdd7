//! A part of a graph that the embedded runtime runs.

use std::collections::{BTreeMap, BTreeSet};

use super::value::Value;
use crate::engine::LoadOptions;
use crate::graph::{Attribute, Constant, Graph, Node};
use crate::rten::RtenEngine;
use crate::{OnnxError, preflight};

/// Nodes of the standard set, as a model of their own.
pub(super) struct Segment {
    engine: RtenEngine,
    /// What it reads from outside, in order.
    pub inputs: Vec<String>,
    /// What it makes, in order.
    pub outputs: Vec<String>,
}

impl Segment {
    /// `nodes` are of `graph`, in order; `read` says of a name whether somebody else reads it.
    pub(super) fn of(
        graph: &Graph,
        nodes: &[&Node],
        read: &dyn Fn(&str) -> bool,
        options: &LoadOptions,
    ) -> Result<Self, OnnxError> {
        let made: BTreeSet<&str> =
            nodes.iter().flat_map(|node| node.outputs.iter().map(String::as_str)).collect();
        let used: BTreeSet<String> = nodes.iter().flat_map(|node| node.reads()).collect();
        let constants = graph.constants.iter().filter(|(name, _)| used.contains(*name));
        let (mut constants, outside): (BTreeMap<String, Constant>, _) = (
            constants.map(|(name, constant)| (name.clone(), constant.clone())).collect(),
            // Names that only a nested graph knows are no inputs: nothing outside makes them.
            used.iter().filter(|name| {
                !made.contains(name.as_str()) && !graph.constants.contains_key(*name) && exists(graph, name)
            }),
        );
        let inputs: Vec<String> = outside.cloned().collect();
        let outputs: Vec<String> =
            made.into_iter().filter(|name| !name.is_empty() && read(name)).map(str::to_owned).collect();
        let info = |name: &String| super::named(name);
        let nodes = nodes.iter().map(|node| listed(graph, node, &mut constants)).collect();
        let part = Graph {
            nodes,
            inputs: inputs.iter().map(info).collect(),
            outputs: outputs.iter().map(info).collect(),
            constants,
            opsets: graph.opsets.clone(),
            metadata: graph.metadata.clone(),
        };
        let bytes = part.write();
        let structure = preflight::check(&bytes)?;
        // Nobody answers for the model: nothing of it runs before it is asked.
        let engine = RtenEngine::load(&bytes, options, &structure)?;
        Ok(Self { engine, inputs, outputs })
    }

    pub(super) fn run(&self, inputs: &[&Value]) -> Result<Vec<Value>, OnnxError> {
        self.engine.run_carried(inputs)
    }
}

/// A node whose axis stands alone where the standard has a list of axes: other runtimes take it, and some exporters write it.
fn listed(graph: &Graph, node: &Node, constants: &mut BTreeMap<String, Constant>) -> Node {
    let mut node = node.clone();
    let takes_axes = ["Unsqueeze", "Squeeze"].contains(&node.operator.as_str());
    let Some(name) = node.inputs.get(1).filter(|_| takes_axes).cloned() else { return node };
    let made = || graph.nodes.iter().find(|n| n.applies("", "Constant") && n.outputs.first() == Some(&name));
    let constant = graph.constants.get(&name).or_else(|| match made()?.attributes.get("value") {
        Some(Attribute::Tensor(constant)) => Some(constant),
        _ => None,
    });
    if let Some(constant) = constant.filter(|constant| constant.shape.is_empty()) {
        let list = format!("{name}/list");
        constants.insert(list.clone(), Constant { shape: vec![1], ..constant.clone() });
        if let Some(axes) = node.inputs.get_mut(1) {
            *axes = list;
        }
    }
    node
}

fn exists(graph: &Graph, name: &str) -> bool {
    graph.inputs.iter().any(|input| input.name == name)
        || graph.nodes.iter().any(|node| node.outputs.iter().any(|output| output == name))
}
