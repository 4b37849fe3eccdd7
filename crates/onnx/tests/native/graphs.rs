//! Building small graphs and running them.

use std::collections::BTreeMap;

use proofhouse_artifact::onnx::{Dim, ElementType, ValueInfo};
use proofhouse_onnx::graph::{Attribute, Constant, Graph, Node};
use proofhouse_onnx::{NativeEngine, NativeOptions, OnnxError};

/// A graph under construction. Values are named by whoever adds them.
#[derive(Debug, Clone, Default)]
pub struct Build(pub Graph);

impl Build {
    pub fn new() -> Self {
        let mut graph = Graph::default();
        graph.opsets.insert(String::new(), 20);
        graph.opsets.insert("ai.proofhouse".into(), 1);
        Self(graph)
    }

    /// A float32 input; a size of -1 is the batch.
    pub fn input(self, name: &str, dims: &[i64]) -> Self {
        self.typed_input(name, dims, 1)
    }

    pub fn typed_input(mut self, name: &str, dims: &[i64], element: i32) -> Self {
        self.0.inputs.push(info(name, dims, element));
        self
    }

    pub fn output(mut self, name: &str) -> Self {
        let mut output = info(name, &[], 1);
        output.dims = None;
        self.0.outputs.push(output);
        self
    }

    pub fn weights(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.0.constants.insert(name.into(), Constant::float32(shape.to_vec(), values));
        self
    }

    pub fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.0.constants.insert(name.into(), Constant::int64(vec![values.len()], values.to_vec()));
        self
    }

    /// A node; the operator may be preceded by its domain and a slash.
    pub fn node(self, operator: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(operator, inputs, output, &[])
    }

    pub fn node_with(
        mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute)],
    ) -> Self {
        let (domain, operator) = operator.split_once('/').unwrap_or(("", operator));
        self.0.nodes.push(Node {
            name: format!("#{}", self.0.nodes.len()),
            domain: domain.into(),
            operator: operator.into(),
            inputs: inputs.iter().map(|s| (*s).to_owned()).collect(),
            outputs: output.split(',').map(str::to_owned).collect(),
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect::<BTreeMap<_, _>>(),
        });
        self
    }

    pub fn engine(&self, threads: usize) -> NativeEngine {
        self.try_engine(threads).unwrap()
    }

    pub fn try_engine(&self, threads: usize) -> Result<NativeEngine, OnnxError> {
        NativeEngine::new(self.0.clone(), NativeOptions { threads, ..NativeOptions::default() })
    }
}

fn info(name: &str, dims: &[i64], element: i32) -> ValueInfo {
    let dim = |n: &i64| if *n < 0 { Dim::Symbolic("N".into()) } else { Dim::Known(*n) };
    ValueInfo {
        name: name.into(),
        element_type: Some(ElementType(element)),
        dims: Some(dims.iter().map(dim).collect()),
        kind: "tensor",
    }
}

/// Shape and values.
pub type Array = (Vec<usize>, Vec<f32>);

/// Attributes by name.
pub type Given<'a> = Vec<(&'a str, Attribute)>;

/// Runs `engine` on arrays.
pub fn run(engine: &NativeEngine, inputs: &[&Array]) -> Result<Vec<Array>, OnnxError> {
    let slices: Vec<(&[usize], &[f32])> = inputs.iter().map(|(s, v)| (&s[..], &v[..])).collect();
    let mut outputs = Vec::new();
    let shapes = engine.run_into(&slices, &mut outputs)?;
    Ok(shapes.into_iter().zip(outputs).collect())
}

/// One node applied to inputs of fixed shapes, its attributes given.
pub fn apply(
    operator: &str,
    inputs: &[&Array],
    attributes: &[(&str, Attribute)],
) -> Result<Array, OnnxError> {
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();
    let mut build = Build::new();
    for (name, (shape, _)) in names.iter().zip(inputs) {
        let dims: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        build = build.input(name, &dims);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let build = build.node_with(operator, &names, "y", attributes).output("y");
    Ok(run(&build.try_engine(1)?, inputs)?.remove(0))
}

/// Values between -1 and 1 that look random and are the same every time.
pub fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) % 20_001) as f32 / 10_000.0 - 1.0
        })
        .collect()
}

pub fn array(shape: &[usize], seed: u64) -> Array {
    (shape.to_vec(), values(shape.iter().product(), seed))
}

pub fn ints(values: &[usize]) -> Attribute {
    Attribute::Ints(values.iter().map(|v| *v as i64).collect())
}

/// Whether values are those of float64 arithmetic, to what float32 sums of this size lose.
#[track_caller]
pub fn close(found: &[f32], exact: &[f64], tolerance: f64) {
    assert_eq!(found.len(), exact.len());
    for (i, (a, b)) in found.iter().zip(exact).enumerate() {
        let fine = (f64::from(*a) - b).abs() <= tolerance * b.abs().max(1.0) || (a.is_nan() && b.is_nan());
        assert!(fine, "element {i}: {a} for {b}");
    }
}

#[track_caller]
pub fn same_bits(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len());
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!(x.to_bits() == y.to_bits(), "{what}: element {i}: {x} and {y}");
    }
}
