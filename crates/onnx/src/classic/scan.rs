//! `Scan`: a graph run for each slice of its inputs, with values that are handed on from one run to the next.
//!
//! scikit-learn's nearest neighbours and kernels are exported with it: each row against all rows of the training.

use std::collections::BTreeMap;

use super::engine::Plan;
use super::value::{Value, Whole};
use super::words::Words;
use crate::engine::LoadOptions;
use crate::graph::Node;
use crate::{OnnxError, Tensor};

/// A graph that is run for each slice.
pub(super) struct Scan {
    node: Node,
    body: Plan,
    /// Values that are handed on.
    states: usize,
    /// Inputs that are cut into slices.
    scanned: usize,
    /// Outputs that are put together from slices.
    collected: usize,
    /// Values of the graph around it that the body reads.
    captured: Vec<String>,
}

/// Most slices of a run.
const MAX_SLICES: usize = 1 << 20;

impl Scan {
    pub(super) fn of(
        node: &Node,
        opsets: &BTreeMap<String, i64>,
        words: &Words,
        options: &LoadOptions,
    ) -> Result<Self, OnnxError> {
        let mut body = node.body("body")?.ok_or_else(|| node.broken("it has no body"))?;
        body.opsets.clone_from(opsets);
        let scanned = usize::try_from(node.int("num_scan_inputs", 0)?).unwrap_or(0);
        let states = body.inputs.len().checked_sub(scanned).filter(|_| scanned > 0);
        let states = states.ok_or_else(|| node.broken("it scans more than its body takes"))?;
        let collected = body.outputs.len().checked_sub(states);
        let collected =
            collected.ok_or_else(|| node.broken("its body gives fewer values than are handed on"))?;
        if node.inputs.len() != states + scanned || node.outputs.len() > body.outputs.len() {
            return Err(node.broken("its body takes other values than it is given"));
        }
        for name in ["scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"]
        {
            if node.ints(name)?.iter().any(|v| *v != 0) {
                return Err(node.broken(format!("{name} other than 0 are not evaluated here")));
            }
        }
        let captured = body.captured();
        for name in &captured {
            body.inputs.push(super::named(name));
        }
        Ok(Self {
            node: node.clone(),
            body: Plan::of(body, words, options)?,
            states,
            scanned,
            collected,
            captured,
        })
    }

    /// The names of what it reads: its inputs, then what its body reads from around it.
    pub(super) fn inputs(&self, node: &Node) -> Vec<String> {
        node.inputs.iter().chain(&self.captured).cloned().collect()
    }

    pub(super) fn run(&self, inputs: &[&Value]) -> Result<Vec<Value>, OnnxError> {
        let (states, rest) =
            inputs.split_at_checked(self.states).ok_or_else(|| self.node.broken("an input is missing"))?;
        let (scanned, captured) =
            rest.split_at_checked(self.scanned).ok_or_else(|| self.node.broken("an input is missing"))?;
        let length = |value: &&Value| value.shape().first().copied();
        let slices = scanned.first().and_then(length).filter(|n| *n <= MAX_SLICES);
        let slices = slices.filter(|n| scanned.iter().all(|value| length(value) == Some(*n)));
        let slices =
            slices.ok_or_else(|| self.node.broken("what it scans differs in length, or is too long"))?;
        let mut states: Vec<Value> = states.iter().map(|v| (*v).clone()).collect();
        let mut collected: Vec<Vec<Value>> = vec![Vec::with_capacity(slices); self.collected];
        for at in 0..slices {
            let cut = scanned.iter().map(|value| slice(value, at, slices));
            let cut: Vec<Value> = cut.collect::<Result<_, _>>()?;
            let fed: Vec<&Value> = states.iter().chain(&cut).chain(captured.iter().copied()).collect();
            let mut made = self.body.run(&fed)?.into_iter();
            let next: Vec<Value> = made.by_ref().take(self.states).collect();
            states = next;
            collected.iter_mut().zip(made).for_each(|(all, one)| all.push(one));
        }
        let collected =
            collected.iter().map(|all| stacked(all).ok_or_else(|| self.node.broken("its slices differ")));
        let collected: Vec<Value> = collected.collect::<Result<_, _>>()?;
        Ok(states.into_iter().chain(collected).collect())
    }
}

/// One of `n` slices along the first dimension.
fn slice(value: &Value, at: usize, n: usize) -> Result<Value, OnnxError> {
    let shape = value.shape().get(1..).unwrap_or_default().to_vec();
    match value {
        Value::Float(tensor) => Value::floats(shape, part(tensor.data(), at, n).to_vec()),
        Value::Int(whole) => Value::ints(shape, part(&whole.data, at, n).to_vec()),
    }
}

fn part<T>(data: &[T], at: usize, n: usize) -> &[T] {
    let size = data.len() / n.max(1);
    data.get(at * size..(at + 1) * size).unwrap_or_default()
}

/// Values of one shape, one after the other.
fn stacked(all: &[Value]) -> Option<Value> {
    let inner = all.first().map_or(&[0usize][..], Value::shape);
    if all.iter().any(|value| value.shape() != inner) {
        return None;
    }
    let shape = [&[all.len()], inner].concat();
    let floats: Option<Vec<&Tensor>> =
        all.iter().map(|v| if let Value::Float(t) = v { Some(t) } else { None }).collect();
    let ints: Option<Vec<&Whole>> =
        all.iter().map(|v| if let Value::Int(w) = v { Some(w) } else { None }).collect();
    match (floats, ints) {
        (Some(floats), _) => {
            Value::floats(shape, floats.iter().flat_map(|t| t.data()).copied().collect()).ok()
        }
        (_, Some(ints)) => Value::ints(shape, ints.iter().flat_map(|w| &w.data).copied().collect()).ok(),
        _ => None,
    }
}
