//! `If`, where a branch has operators that the embedded runtime lacks.

use std::collections::BTreeSet;

use super::engine::Plan;
use super::value::Value;
use super::words::Words;
use crate::OnnxError;
use crate::engine::LoadOptions;
use crate::graph::{Graph, Node};

/// The graphs of which one is run.
pub(super) struct Branch {
    node: Node,
    then: Plan,
    otherwise: Plan,
    /// Values of the graph around them that either reads.
    captured: Vec<String>,
}

impl Branch {
    /// `around` is the graph that the node is of.
    pub(super) fn of(
        node: &Node,
        around: &Graph,
        words: &Words,
        options: &LoadOptions,
    ) -> Result<Self, OnnxError> {
        let body = |name: &str| -> Result<Graph, OnnxError> {
            let mut body = node.body(name)?.ok_or_else(|| node.broken(format!("it has no {name}")))?;
            body.opsets.clone_from(&around.opsets);
            Ok(body)
        };
        let (mut then, mut otherwise) = (body("then_branch")?, body("else_branch")?);
        let captured: BTreeSet<String> = then.captured().into_iter().chain(otherwise.captured()).collect();
        for name in &captured {
            then.inputs.push(super::named(name));
            otherwise.inputs.push(super::named(name));
        }
        Ok(Self {
            node: node.clone(),
            then: Plan::of(then, words, options)?,
            otherwise: Plan::of(otherwise, words, options)?,
            captured: captured.into_iter().collect(),
        })
    }

    /// The names of what it reads: the condition, then what its graphs read from around it.
    pub(super) fn inputs(&self) -> Vec<String> {
        self.node.inputs.iter().take(1).chain(&self.captured).cloned().collect()
    }

    pub(super) fn run(&self, inputs: &[&Value]) -> Result<Vec<Value>, OnnxError> {
        let (condition, captured) =
            inputs.split_first().ok_or_else(|| self.node.broken("it has no condition"))?;
        let holds = condition.numbers().first().copied();
        let holds = holds.ok_or_else(|| self.node.broken("its condition is empty"))? != 0.0;
        if holds { self.then.run(captured) } else { self.otherwise.run(captured) }
    }
}
