//! The operators of canonical graphs, evaluated in float64 without haste.
//!
//! Two things need it: folding what follows from constants, and tests, for which it is the oracle: differences
//! in float32 say little about a derivative. Every operator is written down as its specification reads, so that
//! an error here is unlikely to be an error of a kernel too. Shapes have been inferred before
//! ([`shape`](crate::shape)), so the operands fit each other.

mod elementwise;
mod layout;
mod linear;
mod reduce;
mod window;

use crate::OnnxError;
use crate::graph::{Constant, Node, Values};
use crate::tensor::volume;
use proofhouse_artifact::onnx::ElementType;

/// A tensor in float64, row-major. Integers and truth values are carried as numbers: those beyond 2^53 lose
/// their last bits, which only the "to the end" of a slice has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Array {
    pub(crate) fn new(shape: Vec<usize>, data: Vec<f64>) -> Self {
        debug_assert_eq!(volume(&shape), Some(data.len()));
        Self { shape, data }
    }

    /// One number for every place of `shape`, by its flat index.
    pub(crate) fn filled(shape: Vec<usize>, f: impl FnMut(usize) -> f64) -> Self {
        let n = shape.iter().product();
        Self { shape, data: (0..n).map(f).collect() }
    }

    /// The values of a constant, where they are numbers.
    pub(crate) fn of(constant: &Constant) -> Option<Self> {
        let data = match &constant.values {
            Values::Float32(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Values::Float64(v) => v.clone(),
            Values::Int(v) => v.iter().map(|v| *v as f64).collect(),
            Values::Other(_) => return None,
        };
        Some(Self { shape: constant.shape.clone(), data })
    }

    /// As a constant of an element type.
    pub(crate) fn constant(&self, element: ElementType) -> Constant {
        let values = match element.0 {
            1 => Values::Float32(self.data.iter().map(|v| *v as f32).collect()),
            11 => Values::Float64(self.data.clone()),
            _ => Values::Int(self.ints()),
        };
        Constant { shape: self.shape.clone(), element, values }
    }

    pub(crate) fn ints(&self) -> Vec<i64> {
        self.data.iter().map(|v| *v as i64).collect()
    }

    fn at(&self, index: &[usize]) -> f64 {
        self.data.get(flat(&self.shape, index)).copied().unwrap_or(f64::NAN)
    }

    /// The value for a place of a larger shape that this one is broadcast to.
    fn broadcast(&self, index: &[usize]) -> f64 {
        let missing = index.len().saturating_sub(self.shape.len());
        let index: Vec<usize> =
            index.iter().skip(missing).zip(&self.shape).map(|(i, d)| if *d == 1 { 0 } else { *i }).collect();
        self.at(&index)
    }
}

/// Evaluates a canonical node. `element` is the type of its first output: integers divide without rest, and
/// quantising saturates. Nothing for operators that are not evaluated here.
pub(crate) fn evaluate(
    node: &Node,
    inputs: &[Option<&Array>],
    outputs: &[Vec<usize>],
    element: ElementType,
) -> Result<Option<Vec<Array>>, OnnxError> {
    let call = Call { node, inputs, outputs, element };
    for family in
        [elementwise::evaluate, layout::evaluate, reduce::evaluate, linear::evaluate, window::evaluate]
    {
        if let Some(values) = family(&call)? {
            return Ok(Some(values));
        }
    }
    Ok(None)
}

/// One application of an operator.
struct Call<'a> {
    node: &'a Node,
    inputs: &'a [Option<&'a Array>],
    /// Shapes of the outputs, inferred before.
    outputs: &'a [Vec<usize>],
    element: ElementType,
}

impl Call<'_> {
    fn x(&self, at: usize) -> Result<&Array, OnnxError> {
        self.get(at).ok_or_else(|| self.node.broken(format!("input {at} is missing")))
    }

    fn get(&self, at: usize) -> Option<&Array> {
        self.inputs.get(at).copied().flatten()
    }

    fn shape(&self) -> Vec<usize> {
        self.outputs.first().cloned().unwrap_or_default()
    }
}

/// The flat index of a place.
fn flat(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (d, i)| at * d + i)
}

/// The place of a flat index.
fn place(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, d) in index.iter_mut().zip(shape).rev() {
        *i = at % (*d).max(1);
        at /= (*d).max(1);
    }
    index
}

/// Every place of a shape, in row-major order.
pub(crate) fn places(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let n: usize = shape.iter().product();
    let shape = shape.to_vec();
    (0..n).map(move |at| place(&shape, at))
}

/// Runs a whole canonical graph, fed in the order of its inputs.
#[cfg(test)]
pub(crate) fn run(graph: &crate::graph::Graph, fed: &[Array]) -> Result<Vec<Array>, OnnxError> {
    use crate::shape::{self, Arg};
    use std::collections::HashMap;

    let mut values: HashMap<&str, (ElementType, Array)> = HashMap::new();
    for (name, constant) in &graph.constants {
        values.insert(name, (constant.element, Array::of(constant).expect("a constant of numbers")));
    }
    assert_eq!(graph.inputs.len(), fed.len());
    for (input, array) in graph.inputs.iter().zip(fed) {
        values.insert(&input.name, (shape::FLOAT, array.clone()));
    }
    for node in &graph.nodes {
        let operands: Vec<Option<&(ElementType, Array)>> = node
            .inputs
            .iter()
            .map(|n| (!n.is_empty()).then(|| values.get(n.as_str()).unwrap_or_else(|| panic!("no {n}"))))
            .collect();
        let args = operands.iter().map(|o| {
            o.map(|(element, array)| Arg {
                element: *element,
                shape: array.shape.clone(),
                value: Some(array),
            })
        });
        let call = shape::Call { node, args: args.collect() };
        let types = if node.operator == "Shape" || node.operator == "Size" {
            Vec::new()
        } else {
            shape::infer(&call)?
        };
        let arrays: Vec<Option<&Array>> = operands.iter().map(|o| o.map(|o| &o.1)).collect();
        let shapes: Vec<Vec<usize>> = types.iter().map(|t| t.1.clone()).collect();
        let (elements, made): (Vec<ElementType>, Vec<Array>) = if node.operator == "Shape" {
            let x = arrays[0].expect("an operand");
            let dims = x.shape.iter().map(|d| *d as f64).collect();
            (vec![shape::INT], vec![Array::new(vec![x.shape.len()], dims)])
        } else {
            let made = evaluate(node, &arrays, &shapes, types[0].0)?;
            (
                types.iter().map(|t| t.0).collect(),
                made.unwrap_or_else(|| panic!("{} is not evaluated", node.operator)),
            )
        };
        for ((name, array), element) in node.outputs.iter().zip(made).zip(elements) {
            assert!(!name.is_empty());
            values.insert(name, (element, array));
        }
    }
    Ok(graph.outputs.iter().map(|o| values[o.name.as_str()].1.clone()).collect())
}
