//! Every derivative against float64 differences, in both lowerings and in the embedded engine.

use std::collections::BTreeMap;

use super::{GradientGraphs, Source, differentiate};
use crate::build::{Builder, V};
use crate::canonical;
use crate::engine::load_graph;
use crate::fused::Lowering;
use crate::graph::{Attribute, Constant, Graph, Node};
use crate::reference::{Array, run};
use crate::{Engine, LoadOptions, NativeEngine, NativeOptions, OnnxError, Tensor};
use proofhouse_artifact::onnx::{Dim, ValueInfo};

mod operators;
mod refusals;

/// A model of one node or a few, over an input `x` of rows.
pub(super) struct Model {
    graph: Graph,
    row: Vec<usize>,
}

impl Model {
    pub(super) fn new(row: &[usize]) -> Self {
        let mut dims = vec![Dim::Symbolic("N".into())];
        dims.extend(row.iter().map(|d| Dim::Known(*d as i64)));
        let element_type = Some(crate::shape::FLOAT);
        let input = ValueInfo { name: "x".into(), element_type, dims: Some(dims), kind: "tensor" };
        let opsets = BTreeMap::from([(String::new(), 18)]);
        Self { graph: Graph { inputs: vec![input], opsets, ..Graph::default() }, row: row.to_vec() }
    }

    pub(super) fn opset(mut self, version: i64) -> Self {
        self.graph.opsets.insert(String::new(), version);
        self
    }

    pub(super) fn weight(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.graph.constants.insert(name.into(), Constant::float32(shape.to_vec(), values));
        self
    }

    pub(super) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.graph.constants.insert(name.into(), Constant::int64(vec![values.len()], values.to_vec()));
        self
    }

    pub(super) fn node(self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> Self {
        self.node_to(operator, inputs, &["y"], attributes)
    }

    pub(super) fn node_to(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) -> Self {
        self.graph.nodes.push(Node {
            name: format!("{operator}{}", self.graph.nodes.len()),
            domain: String::new(),
            operator: operator.into(),
            inputs: inputs.iter().map(|s| (*s).to_owned()).collect(),
            outputs: outputs.iter().map(|s| (*s).to_owned()).collect(),
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
        });
        self
    }

    /// Differentiates `y` with respect to `x` and the named weights.
    pub(super) fn pair(&self, weights: &[&str], lowering: Lowering) -> Result<GradientGraphs, OnnxError> {
        let b = Builder::default();
        let fed = weights.iter().map(|s| (*s).to_owned()).collect();
        let (x, y) = canonical::add(&b, &self.graph, &self.row, "y", &fed)?;
        let mut inputs = vec![x];
        inputs.extend(weights.iter().map(|name| b.find(name).unwrap()));
        let wrt: Vec<V<'_>> = inputs.clone();
        differentiate(&b, b.len(), &inputs, y, &wrt, lowering)
    }

    /// Holds the derivatives against central differences in float64, and the embedded engine against float64.
    /// `x` are the values of a batch.
    pub(super) fn check(&self, weights: &[&str], x: &[f32]) {
        let n = x.len() / self.row.iter().product::<usize>();
        let mut fed = vec![array(&[&[n], &self.row[..]].concat(), x)];
        for name in weights {
            fed.push(Array::of(&self.graph.constants[*name]).unwrap());
        }
        let mut wanted: Vec<Vec<f64>> = Vec::new();
        for lowering in [Lowering::Portable, Lowering::Fused] {
            let pair = self.pair(weights, lowering).unwrap();
            let forward = run(&pair.forward, &fed).unwrap();
            let y = &forward[0];
            // A different weight for every value, so that none hides behind another.
            let seed = Array::filled(y.shape.clone(), |i| ((i * 7 + 3) % 11) as f64 / 5.0 - 1.0);
            let gradients = run(&pair.backward, &backward_inputs(&pair, &seed, &fed, &forward)).unwrap();
            if wanted.is_empty() {
                wanted = (0..fed.len()).map(|at| differences(&pair.forward, &fed, at, &seed)).collect();
            }
            for (at, (gradient, wanted)) in gradients.iter().zip(&wanted).enumerate() {
                assert_eq!(gradient.shape, fed[at].shape, "shape of derivative {at}");
                for (i, (have, want)) in gradient.data.iter().zip(wanted).enumerate() {
                    let near = (have - want).abs() <= 2e-6 * (1.0 + want.abs());
                    assert!(
                        near,
                        "{lowering:?}, derivative {at}, value {i}: {have}, and differences say {want}"
                    );
                }
            }
            match lowering {
                Lowering::Portable => engine_agrees(&pair, &fed, &seed, &forward[0], &gradients),
                Lowering::Fused => native_agrees(&pair, &fed, &seed, &forward[0], &gradients),
            }
        }
    }
}

fn array(shape: &[usize], values: &[f32]) -> Array {
    Array::new(shape.to_vec(), values.iter().map(|v| f64::from(*v)).collect())
}

fn backward_inputs(pair: &GradientGraphs, seed: &Array, fed: &[Array], forward: &[Array]) -> Vec<Array> {
    let source = |s: &Source| match s {
        Source::Input(at) => fed[*at].clone(),
        Source::Output(at) => forward[*at].clone(),
    };
    std::iter::once(seed.clone()).chain(pair.sources.iter().map(source)).collect()
}

/// Central differences of `sum(seed * y)` with respect to every value of one input.
fn differences(forward: &Graph, fed: &[Array], at: usize, seed: &Array) -> Vec<f64> {
    let h = 1e-6;
    let value = |fed: &[Array]| -> f64 {
        run(forward, fed).unwrap()[0].data.iter().zip(&seed.data).map(|(y, s)| y * s).sum()
    };
    let mut fed = fed.to_vec();
    let mut slopes = Vec::new();
    for i in 0..fed[at].data.len() {
        let before = fed[at].data[i];
        fed[at].data[i] = before + h;
        let above = value(&fed);
        fed[at].data[i] = before - h;
        let below = value(&fed);
        fed[at].data[i] = before;
        slopes.push((above - below) / (2.0 * h));
    }
    slopes
}

/// The embedded engine runs both graphs, and its float32 is near the float64.
fn engine_agrees(pair: &GradientGraphs, fed: &[Array], seed: &Array, y: &Array, gradients: &[Array]) {
    let tensor =
        |a: &Array| Tensor::new(a.shape.clone(), a.data.iter().map(|v| *v as f32).collect()).unwrap();
    let fed: Vec<Tensor> = fed.iter().map(tensor).collect();
    let options = LoadOptions::default();
    let forward = load_graph(&pair.forward, &options).unwrap().run(&fed).unwrap();
    near("result", &forward[0], y);
    let seed = tensor(seed);
    let mut inputs = vec![&seed];
    inputs.extend(pair.sources.iter().map(|s| match s {
        Source::Input(at) => &fed[*at],
        Source::Output(at) => &forward[*at],
    }));
    let backward = load_graph(&pair.backward, &options).unwrap().run_borrowed(&inputs).unwrap();
    for (have, want) in backward.iter().zip(gradients) {
        near("derivative", have, want);
    }
}

/// So does the house's own engine, both passes in one; and where it lacks an operator it says so.
fn native_agrees(pair: &GradientGraphs, fed: &[Array], seed: &Array, y: &Array, gradients: &[Array]) {
    let engine = match NativeEngine::new(pair.joined().unwrap().0, NativeOptions::default()) {
        Ok(engine) => engine,
        Err(OnnxError::UnsupportedOperator { .. }) => return,
        Err(error) => panic!("the native engine does not take the graph: {error}"),
    };
    let tensor =
        |a: &Array| Tensor::new(a.shape.clone(), a.data.iter().map(|v| *v as f32).collect()).unwrap();
    let inputs: Vec<Tensor> = fed.iter().chain([seed]).map(tensor).collect();
    let outputs = engine.run(&inputs).unwrap();
    near("result", &outputs[0], y);
    for (have, want) in outputs[1..].iter().zip(gradients) {
        near("derivative", have, want);
    }
}

fn near(what: &str, have: &Tensor, want: &Array) {
    assert_eq!(have.shape(), want.shape, "shape of the engine's {what}");
    for (i, (have, want)) in have.data().iter().zip(&want.data).enumerate() {
        let near = (f64::from(*have) - want).abs() <= 2e-5 * (1.0 + want.abs());
        assert!(near, "the engine's {what}, value {i}: {have}, not {want}");
    }
}
