//! A forward and a backward graph as one.
//!
//! Run apart, every value that the backward graph reads is copied out of one engine and into another. In one
//! graph it stays where it is, and the derivative of the loss comes in as an input that is late
//! ([`Feedback`]).

use std::collections::{BTreeMap, BTreeSet};

use super::Feedback;
use crate::OnnxError;
use crate::differentiate::{GradientGraphs, Source};
use crate::graph::Graph;

impl GradientGraphs {
    /// Both graphs in one, and where the loss stands between them.
    ///
    /// Inputs are those of the forward graph, then the derivative of the loss with respect to the value
    /// differentiated. Outputs are that value, then those of the backward graph.
    ///
    /// # Errors
    /// Sources that the forward graph has not.
    pub fn joined(&self) -> Result<(Graph, Feedback), OnnxError> {
        let Self { forward, backward, sources, .. } = self;
        let missing =
            || OnnxError::Malformed("the backward graph reads what the forward graph does not give".into());
        let value = forward.outputs.first().ok_or_else(missing)?;
        let (seed, read) = backward.inputs.split_first().ok_or_else(missing)?;
        if read.len() != sources.len() {
            return Err(missing());
        }
        // What the backward graph calls its inputs is known under another name here.
        let mut names: BTreeMap<&str, String> = BTreeMap::new();
        for (info, source) in read.iter().zip(sources) {
            let given = match source {
                Source::Input(at) => forward.inputs.get(*at),
                Source::Output(at) => forward.outputs.get(*at),
            };
            names.insert(&info.name, given.ok_or_else(missing)?.name.clone());
        }
        let taken: BTreeSet<&str> = forward
            .nodes
            .iter()
            .flat_map(|n| &n.outputs)
            .chain(forward.inputs.iter().map(|i| &i.name))
            .chain(forward.constants.keys())
            .map(String::as_str)
            .collect();
        let made = backward.nodes.iter().flat_map(|n| &n.outputs).chain(backward.constants.keys());
        for name in made.filter(|n| !n.is_empty() && taken.contains(n.as_str())) {
            names.insert(name, format!("{name}.backward"));
        }
        let here = |name: &String| names.get(name.as_str()).unwrap_or(name).clone();

        let mut graph = forward.clone();
        graph.outputs = vec![value.clone()];
        graph.inputs.push(seed.clone());
        for (name, constant) in &backward.constants {
            graph.constants.insert(here(name), constant.clone());
        }
        for node in &backward.nodes {
            let mut node = node.clone();
            node.inputs = node.inputs.iter().map(here).collect();
            node.outputs = node.outputs.iter().map(here).collect();
            graph.nodes.push(node);
        }
        for output in &backward.outputs {
            let mut output = output.clone();
            output.name = here(&output.name);
            graph.outputs.push(output);
        }
        for (domain, version) in &backward.opsets {
            graph.opsets.entry(domain.clone()).or_insert(*version);
        }
        let feedback = Feedback { output: 0, input: forward.inputs.len() };
        Ok((graph, feedback))
    }
}
