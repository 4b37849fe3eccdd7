//! Cutting finished graphs out of a builder.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proofhouse_artifact::onnx::{Dim, ElementType, ValueInfo};

use super::{Builder, Size, State, Step, V, Value, is_float};
use crate::fused;
use crate::graph::{Attribute, Graph, Metadata, Node};
use crate::shape::FLOAT;

impl Builder {
    /// The values that the nodes of `range` read and do not make, other than constants, as far as `outputs`
    /// need them: by id, in order.
    pub(crate) fn needs(&self, range: Range<usize>, outputs: &[V<'_>]) -> Vec<usize> {
        let state = self.state.borrow();
        let (live, read) = state.live(range, outputs);
        let made: BTreeSet<usize> = live.iter().flat_map(|s| s.outputs.iter().copied()).collect();
        let constant = |id: &usize| state.values.get(*id).is_some_and(|v| v.constant.is_some());
        read.into_iter().filter(|id| !made.contains(id) && !constant(id)).collect()
    }

    /// The graph of the live nodes of `range`, from `inputs` to `outputs`. Values that an engine does not carry
    /// (integers, truth values) pass its border as float32.
    pub(crate) fn cut(&self, range: Range<usize>, inputs: &[usize], outputs: &[V<'_>]) -> Graph {
        let state = self.state.borrow();
        let (live, read) = state.live(range, outputs);
        let mut nodes = Vec::with_capacity(live.len() + 2 * outputs.len());
        let mut infos = Vec::new();
        for id in inputs {
            let Some(value) = state.values.get(*id) else { continue };
            if is_float(value.element) {
                infos.push(info(&value.name, value));
                continue;
            }
            let fed = format!("{}.fed", value.name);
            nodes.push(cast(&fed, &value.name, value.element));
            infos.push(info(&fed, value));
        }
        let mut constants = BTreeMap::new();
        for id in &read {
            if let Some(Value { name, constant: Some(constant), .. }) = state.values.get(*id) {
                constants.insert(name.clone(), (**constant).clone());
            }
        }
        nodes.extend(live.iter().map(|s| s.node.clone()));
        let mut given: BTreeSet<String> = infos.iter().map(|i| i.name.clone()).collect();
        let mut results = Vec::new();
        for v in outputs {
            let Some(value) = state.values.get(v.id()) else { continue };
            let plain = is_float(value.element) && value.constant.is_none() && !given.contains(&value.name);
            let name = if plain {
                value.name.clone()
            } else {
                // A constant, an input, or what was given before, under a name of its own.
                let name = format!("{}.out{}", value.name, results.len());
                if let Some(constant) = &value.constant {
                    constants.insert(value.name.clone(), (**constant).clone());
                }
                nodes.push(if is_float(value.element) {
                    node("Identity", &value.name, &name, Vec::new())
                } else {
                    cast(&value.name, &name, FLOAT)
                });
                name
            };
            given.insert(name.clone());
            results.push(info(&name, value));
        }
        let mut opsets = BTreeMap::from([(String::new(), fused::OPSET)]);
        if nodes.iter().any(|n| n.domain == fused::DOMAIN) {
            opsets.insert(fused::DOMAIN.to_owned(), fused::VERSION);
        }
        let metadata = Metadata {
            ir_version: 9,
            producer: ("proofhouse".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            graph_name: "derived".to_owned(),
            ..Metadata::default()
        };
        Graph { nodes, inputs: infos, outputs: results, constants, opsets, metadata }
    }
}

impl State {
    /// The nodes of a range that `outputs` depend on, in order, and the values that they read.
    fn live(&self, range: Range<usize>, outputs: &[V<'_>]) -> (Vec<&Step>, BTreeSet<usize>) {
        let mut wanted: BTreeSet<usize> = outputs.iter().map(|v| v.id()).collect();
        let mut live = Vec::new();
        for step in self.steps.get(range).unwrap_or_default().iter().rev() {
            if step.outputs.iter().any(|id| wanted.contains(id)) {
                wanted.extend(step.inputs.iter().flatten());
                live.push(step);
            }
        }
        live.reverse();
        (live, wanted)
    }
}

fn node(operator: &str, from: &str, to: &str, attributes: Vec<(&str, Attribute)>) -> Node {
    Node {
        name: to.to_owned(),
        domain: String::new(),
        operator: operator.to_owned(),
        inputs: vec![from.to_owned()],
        outputs: vec![to.to_owned()],
        attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
    }
}

fn cast(from: &str, to: &str, element: ElementType) -> Node {
    node("Cast", from, to, vec![("to", Attribute::Int(i64::from(element.0)))])
}

fn info(name: &str, value: &Value) -> ValueInfo {
    let dim = |d: &Size| match d {
        Size::Fixed(n) => Dim::Known(*n as i64),
        Size::Rows(1) => Dim::Symbolic("N".to_owned()),
        Size::Rows(k) => Dim::Symbolic(format!("{k}N")),
    };
    ValueInfo {
        name: name.to_owned(),
        element_type: Some(FLOAT),
        dims: Some(value.dims.iter().map(dim).collect()),
        kind: "tensor",
    }
}
