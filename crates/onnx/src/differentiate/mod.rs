//! Reverse-mode differentiation as a transformation of graphs.
//!
//! From a canonical forward graph and the name of a value, a backward graph is made that takes the derivative
//! of a loss with respect to that value and gives the derivatives with respect to inputs or weights (Griewank
//! and Walther, *Evaluating Derivatives*, 2008, chapter 3). Both are ordinary graphs: any engine runs them. The
//! forward graph hands the values that the backward graph reads over as additional outputs, so nothing is
//! computed twice, and the loss stands between the two.
//!
//! [`rules`] holds one line for each operator.

mod activation;
mod conv;
mod layout;
mod linear;
mod norm;
mod pool;
mod reduce;
mod rules;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::OnnxError;
use crate::build::{Builder, Step, V};
use crate::fused::Lowering;
use crate::graph::{Graph, Node};

/// A forward and a backward graph that fit each other. Both are canonical ([`fused`](crate::fused)).
#[derive(Debug, Clone, PartialEq)]
pub struct GradientGraphs {
    /// Gives the value differentiated, then the values that the backward graph reads.
    pub forward: Graph,
    /// Takes the derivative with respect to that value, then those values; gives a derivative for each value
    /// asked for, in order.
    pub backward: Graph,
    /// Where the backward graph's inputs after the first come from.
    pub sources: Vec<Source>,
    /// Nodes that are differentiated as if they were the identity.
    pub straight_through: Vec<String>,
}

/// Where an input of a backward graph comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// What was fed to the forward graph, by position.
    Input(usize),
    /// What the forward graph gave, by position; the value differentiated is the first.
    Output(usize),
}

/// Differentiates `y` with respect to `wrt`. The first `forward` nodes of the builder are the forward graph, and
/// `inputs` are what is fed to it, in order.
///
/// # Errors
/// Operators without a derivative between `wrt` and `y`.
pub(crate) fn differentiate<'b>(
    b: &'b Builder,
    forward: usize,
    inputs: &[V<'b>],
    y: V<'b>,
    wrt: &[V<'b>],
    lowering: Lowering,
) -> Result<GradientGraphs, OnnxError> {
    let mut steps = b.steps();
    steps.truncate(forward);
    let start = b.len();
    let active = active(b, &steps, wrt);
    let seed = b.input(&format!("{}.seed", y.name()), crate::shape::FLOAT, y.dims());
    let mut cotangents: BTreeMap<usize, Vec<V<'b>>> = BTreeMap::from([(y.id(), vec![seed])]);
    let mut straight_through = Vec::new();
    for step in steps.iter().rev() {
        if !step.outputs.iter().any(|id| active.contains(id)) {
            continue;
        }
        let mut dy = Vec::with_capacity(step.outputs.len());
        for id in &step.outputs {
            dy.push(cotangents.remove(id).and_then(total));
        }
        if dy.iter().all(Option::is_none) {
            continue;
        }
        let rule = Rule::new(b, step, dy, &active, lowering);
        let derivative = rules::of(&step.node).ok_or_else(|| unknown(&step.node))?;
        if derivative(&rule)? == Derivative::StraightThrough {
            straight_through.push(step.node.name.clone());
        }
        b.check()?;
        for (id, v) in rule.given.into_inner() {
            cotangents.entry(id).or_default().push(v);
        }
    }
    let gradients: Vec<V<'b>> = wrt
        .iter()
        .map(|x| match cotangents.remove(&x.id()).and_then(total) {
            Some(v) => v,
            // Nothing leads from here to the value: the derivative is 0, whatever the value.
            None => x.builder().scalar(0.0) * *x,
        })
        .collect();
    b.check()?;
    straight_through.reverse();
    let backward = start..b.len();
    let fed: Vec<usize> = inputs.iter().map(|v| v.id()).collect();
    let needs: Vec<usize> =
        b.needs(backward.clone(), &gradients).into_iter().filter(|id| *id != seed.id()).collect();
    let mut outputs = vec![y];
    let mut sources = Vec::with_capacity(needs.len());
    for id in &needs {
        sources.push(match fed.iter().position(|f| f == id) {
            Some(at) => Source::Input(at),
            None if *id == y.id() => Source::Output(0),
            None => {
                outputs.push(V::of(b, *id));
                Source::Output(outputs.len() - 1)
            }
        });
    }
    let taken: Vec<usize> = [vec![seed.id()], needs].concat();
    Ok(GradientGraphs {
        forward: b.cut(0..forward, &fed, &outputs),
        backward: b.cut(backward, &taken, &gradients),
        sources,
        straight_through,
    })
}

/// The error for an operator without a derivative.
pub(crate) fn unknown(node: &Node) -> OnnxError {
    let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
    OnnxError::NoDerivative {
        operators: vec![format!("{domain}::{}", node.operator)],
        node: node.name.clone(),
    }
}

/// The values that depend on `wrt` in a way that has a derivative.
fn active(b: &Builder, steps: &[Step], wrt: &[V<'_>]) -> BTreeSet<usize> {
    let mut active: BTreeSet<usize> = wrt.iter().map(|v| v.id()).collect();
    for step in steps {
        let reached = rules::through(&step.node)
            .iter()
            .any(|at| step.inputs.get(*at).copied().flatten().is_some_and(|id| active.contains(&id)));
        if reached {
            active.extend(step.outputs.iter().filter(|id| !b.is_detached(**id)));
        }
    }
    active
}

fn total<'b>(parts: Vec<V<'b>>) -> Option<V<'b>> {
    parts.into_iter().reduce(|a, b| a + b)
}

/// What a rule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derivative {
    /// The true derivative.
    True,
    /// That of the identity, in place of one that is 0 almost everywhere.
    StraightThrough,
}

/// That a rule has dealt with an operand.
pub(crate) struct Given;

/// One node being differentiated: its operands, its results and the derivatives with respect to those.
pub(crate) struct Rule<'b, 'n> {
    pub b: &'b Builder,
    pub node: &'n Node,
    pub lowering: Lowering,
    inputs: Vec<Option<V<'b>>>,
    outputs: Vec<V<'b>>,
    dy: Vec<Option<V<'b>>>,
    wanted: Vec<bool>,
    given: RefCell<Vec<(usize, V<'b>)>>,
}

/// How an operator is differentiated.
pub(crate) type RuleFn = for<'b> fn(&Rule<'b, '_>) -> Result<Derivative, OnnxError>;

impl<'b, 'n> Rule<'b, 'n> {
    fn new(
        b: &'b Builder,
        step: &'n Step,
        dy: Vec<Option<V<'b>>>,
        active: &BTreeSet<usize>,
        lowering: Lowering,
    ) -> Self {
        Self {
            b,
            node: &step.node,
            lowering,
            inputs: step.inputs.iter().map(|id| id.map(|id| V::of(b, id))).collect(),
            outputs: step.outputs.iter().map(|id| V::of(b, *id)).collect(),
            dy,
            wanted: step.inputs.iter().map(|id| id.is_some_and(|id| active.contains(&id))).collect(),
            given: RefCell::new(Vec::new()),
        }
    }

    /// An operand.
    pub(crate) fn x(&self, at: usize) -> V<'b> {
        self.get(at).unwrap_or_else(|| self.b.fail(self.node.broken(format!("input {at} is missing"))))
    }

    /// An operand that may be left out.
    pub(crate) fn get(&self, at: usize) -> Option<V<'b>> {
        self.inputs.get(at).copied().flatten()
    }

    /// The first result.
    pub(crate) fn y(&self) -> V<'b> {
        self.outputs.first().copied().unwrap_or_else(|| self.b.fail(self.node.broken("it has no output")))
    }

    /// The derivative with respect to the first result.
    pub(crate) fn dy(&self) -> V<'b> {
        let dy = self.dy.first().copied().flatten();
        dy.unwrap_or_else(|| self.b.fail(self.node.broken("only its first output is differentiated")))
    }

    /// Whether the derivative with respect to an operand is asked for.
    pub(crate) fn wants(&self, at: usize) -> bool {
        self.wanted.get(at) == Some(&true)
    }

    /// Gives the derivative with respect to an operand. What was broadcast is summed up.
    pub(crate) fn to(&self, at: usize, v: V<'b>) -> Given {
        if let (true, Some(x)) = (self.wants(at), self.get(at)) {
            self.given.borrow_mut().push((x.id(), v.summed_to(&x.dims())));
        }
        Given
    }

    /// The same, computed only where it is asked for.
    pub(crate) fn to_if(&self, at: usize, v: impl FnOnce() -> V<'b>) -> Given {
        if self.wants(at) {
            self.to(at, v());
        }
        Given
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> Result<f32, OnnxError> {
        crate::shape::float(self.node, name, default)
    }

    pub(crate) fn fused(&self) -> bool {
        self.lowering == Lowering::Fused
    }
}
