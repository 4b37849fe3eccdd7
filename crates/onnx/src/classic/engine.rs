//! Running a graph of classical operators.
//!
//! Values are rows of float32: inputs of one column are joined by `Concat` or `FeatureVectorizer`, scaled,
//! normalised and handed to an ensemble or a linear model; what comes out is a label and scores. `ZipMap`,
//! which turns scores into a list of maps, is passed through: the scores are what is wanted.

use std::collections::BTreeMap;

use super::DOMAIN;
use super::linear::Linear;
use super::post_transform::{PostTransform, logistic};
use super::tree::TreeEnsemble;
use super::value::Rows;
use crate::engine::{Dimension, Element, Engine, TensorSpec};
use crate::graph::{Graph, Node};
use crate::{OnnxError, Tensor};
use proofhouse_artifact::onnx::{Dim, ValueInfo};

/// A graph of classical operators, ready to run.
pub(crate) struct ClassicEngine {
    steps: Vec<Step>,
    constants: BTreeMap<String, Rows>,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
}

struct Step {
    node: Node,
    run: Run,
}

/// What a node does, with its attributes read.
enum Run {
    Trees(TreeEnsemble),
    Linear(Linear),
    Scale { offset: Vec<f32>, scale: Vec<f32> },
    Normalise(String),
    Impute { replaced: f32, values: Vec<f32> },
    Binarise(f32),
    Join,
    Pass,
    Elementwise(fn(f32, f32) -> f32),
    Each(fn(f32) -> f32),
    Softmax,
    Columns,
    MatMul,
    ArgMax { keep: bool },
    Sum,
}

impl ClassicEngine {
    pub(crate) fn new(graph: Graph) -> Result<Self, OnnxError> {
        let steps = graph.nodes.into_iter().map(Step::of).collect::<Result<Vec<_>, _>>()?;
        let constants = graph
            .constants
            .into_iter()
            .filter_map(|(name, constant)| {
                let data = constant.floats()?;
                let (n, width) = match *constant.shape.as_slice() {
                    [n, width] => (n, width),
                    _ => (1, data.len()),
                };
                Some((name, Rows::new(n, width, data)))
            })
            .collect();
        let spec = |v: &ValueInfo| TensorSpec {
            name: v.name.clone(),
            shape: v.dims.as_ref().map(|dims| dims.iter().map(dimension).collect()),
            element: match v.element_type.and_then(|e| e.name()) {
                Some("FLOAT" | "DOUBLE") => Element::Float32,
                Some("INT64" | "INT32" | "STRING" | "BOOL") => Element::Int32,
                _ => Element::Unknown,
            },
        };
        Ok(Self {
            steps,
            constants,
            inputs: graph.inputs.iter().map(spec).collect(),
            outputs: graph.outputs.iter().map(spec).collect(),
        })
    }
}

fn dimension(dim: &Dim) -> Dimension {
    match dim {
        Dim::Known(n) if *n >= 0 => Dimension::Fixed(usize::try_from(*n).unwrap_or(usize::MAX)),
        Dim::Symbolic(name) => Dimension::Symbolic(name.clone()),
        _ => Dimension::Symbolic("?".to_owned()),
    }
}

impl Step {
    fn of(node: Node) -> Result<Self, OnnxError> {
        let run = match (node.domain.as_str(), node.operator.as_str()) {
            (DOMAIN, "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "TreeEnsemble") => {
                Run::Trees(TreeEnsemble::of(&node)?)
            }
            (DOMAIN, "LinearClassifier" | "LinearRegressor") => Run::Linear(Linear::of(&node)?),
            (DOMAIN, "Scaler") => Run::Scale { offset: node.floats("offset")?, scale: node.floats("scale")? },
            (DOMAIN, "Normalizer") => Run::Normalise(node.text("norm", "MAX")?.to_owned()),
            (DOMAIN, "Imputer") => Run::Impute {
                replaced: match node.attributes.get("replaced_value_float") {
                    Some(crate::graph::Attribute::Float(v)) => *v,
                    _ => f32::NAN,
                },
                values: node.floats("imputed_value_floats")?,
            },
            (DOMAIN, "Binarizer") => Run::Binarise(match node.attributes.get("threshold") {
                Some(crate::graph::Attribute::Float(v)) => *v,
                _ => 0.0,
            }),
            (DOMAIN, "FeatureVectorizer") | ("", "Concat") => Run::Join,
            (DOMAIN, "ArrayFeatureExtractor") => Run::Columns,
            (DOMAIN, "ZipMap") | ("", "Cast" | "Identity" | "Reshape" | "Flatten") => Run::Pass,
            ("", "Add") => Run::Elementwise(|a, b| a + b),
            ("", "Sub") => Run::Elementwise(|a, b| a - b),
            ("", "Mul") => Run::Elementwise(|a, b| a * b),
            ("", "Div") => Run::Elementwise(|a, b| a / b),
            ("", "Greater") => Run::Elementwise(|a, b| f32::from(a > b)),
            ("", "Sigmoid") => Run::Each(logistic),
            ("", "Neg") => Run::Each(|v| -v),
            ("", "Exp") => Run::Each(f32::exp),
            ("", "Abs") => Run::Each(f32::abs),
            ("", "Not") => Run::Each(|v| f32::from(v == 0.0)),
            ("", "Relu") => Run::Each(|v| v.max(0.0)),
            ("", "Tanh") => Run::Each(f32::tanh),
            // scikit-learn's networks are exported with the labels of this domain around them.
            ("", "MatMul") => Run::MatMul,
            ("", "Softmax") => Run::Softmax,
            ("", "ArgMax") => Run::ArgMax { keep: node.int("keepdims", 1)? != 0 },
            ("", "ReduceSum") => Run::Sum,
            (domain, operator) => {
                return Err(OnnxError::UnsupportedOperator {
                    domain: if domain.is_empty() { "ai.onnx".to_owned() } else { domain.to_owned() },
                    operator: operator.to_owned(),
                    node: node.name.clone(),
                });
            }
        };
        Ok(Self { node, run })
    }

    fn apply(
        &self,
        values: &BTreeMap<&str, Rows>,
        constants: &BTreeMap<String, Rows>,
    ) -> Result<Vec<Rows>, OnnxError> {
        let input = |at: usize| -> Result<&Rows, OnnxError> {
            let name = self.node.inputs.get(at).map_or("", String::as_str);
            values.get(name).or_else(|| constants.get(name)).ok_or_else(|| {
                self.node.broken(format!("its input {at} ({name:?}) is not there or not numeric"))
            })
        };
        let first = input(0)?;
        let one = match &self.run {
            Run::Trees(trees) if self.node.operator == "TreeEnsembleClassifier" => {
                let (labels, scores) = trees.classify(first);
                return Ok(vec![labels, scores]);
            }
            Run::Trees(trees) => trees.regress(first),
            Run::Linear(linear) if self.node.operator == "LinearClassifier" => {
                let (labels, scores) = linear.classify(first)?;
                return Ok(vec![labels, scores]);
            }
            Run::Linear(linear) => linear.regress(first)?,
            Run::Scale { offset, scale } => {
                let row = |v: &[f32]| Rows::new(1, v.len(), v.to_vec());
                first.zip(&row(offset), |v, o| v - o)?.zip(&row(scale), |v, s| v * s)?
            }
            Run::Normalise(norm) => normalise(first, norm)
                .ok_or_else(|| self.node.broken(format!("norm {norm:?} is not evaluated here")))?,
            Run::Impute { replaced, values } => {
                let given = Rows::new(1, values.len(), values.clone());
                let gone = |v: f32| v == *replaced || (replaced.is_nan() && v.is_nan());
                first.zip(&given, |v, instead| if gone(v) { instead } else { v })?
            }
            Run::Binarise(threshold) => first.clone().map(|v| f32::from(v > *threshold)),
            Run::Join => {
                let parts = (0..self.node.inputs.len()).map(input).collect::<Result<Vec<_>, _>>()?;
                join(&parts).ok_or_else(|| self.node.broken("its inputs differ in their number of rows"))?
            }
            Run::Pass => first.clone(),
            Run::Elementwise(f) => first.zip(input(1)?, f)?,
            Run::Each(f) => first.clone().map(f),
            Run::Softmax => {
                let mut rows = first.clone();
                let width = rows.width.max(1);
                rows.data.chunks_exact_mut(width).for_each(|row| PostTransform::Softmax.apply(row));
                rows
            }
            Run::Columns => {
                columns(first, input(1)?).ok_or_else(|| self.node.broken("a column is not there"))?
            }
            Run::MatMul => matmul(first, input(1)?)
                .ok_or_else(|| self.node.broken("its matrices do not fit each other"))?,
            Run::ArgMax { keep } => {
                let best = |row: &[f32]| {
                    let best = row.iter().enumerate().reduce(|b, next| if next.1 > b.1 { next } else { b });
                    best.map_or(0, |(at, _)| at) as f32
                };
                let labels = Rows::labels(first.rows().map(best).collect());
                Rows { vector: !keep, ..labels }
            }
            Run::Sum => Rows::new(first.n, 1, first.rows().map(|row| row.iter().sum()).collect()),
        };
        Ok(vec![one])
    }
}

/// The product of rows with a matrix, summed in float32 from the first column on.
fn matmul(rows: &Rows, matrix: &Rows) -> Option<Rows> {
    if rows.width != matrix.n {
        return None;
    }
    let mut data = Vec::with_capacity(rows.n * matrix.width);
    for row in rows.rows() {
        let mut out = vec![0.0f32; matrix.width];
        for (value, weights) in row.iter().zip(matrix.rows()) {
            out.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
        }
        data.extend(out);
    }
    Some(Rows::new(rows.n, matrix.width, data))
}

impl Engine for ClassicEngine {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, OnnxError> {
        if inputs.len() != self.inputs.len() {
            return Err(OnnxError::InputCount { expected: self.inputs.len(), found: inputs.len() });
        }
        let mut values: BTreeMap<&str, Rows> = BTreeMap::new();
        for (spec, tensor) in self.inputs.iter().zip(inputs) {
            let (n, width) = match *tensor.shape() {
                [n, width] => (n, width),
                [n] => (n, 1),
                _ => {
                    return Err(OnnxError::Shape {
                        tensor: spec.name.clone(),
                        expected: "[N, features]".to_owned(),
                        found: tensor.shape().to_vec(),
                    });
                }
            };
            values.insert(&spec.name, Rows::new(n, width, tensor.data().to_vec()));
        }
        for step in &self.steps {
            let made = step.apply(&values, &self.constants)?;
            for (name, rows) in step.node.outputs.iter().zip(made) {
                values.insert(name, rows);
            }
        }
        let output = |spec: &TensorSpec| {
            let rows = values.get(spec.name.as_str()).or_else(|| self.constants.get(&spec.name));
            let rows = rows
                .ok_or_else(|| OnnxError::Malformed(format!("nothing makes the output {:?}", spec.name)))?;
            let shape = if rows.vector { vec![rows.n] } else { vec![rows.n, rows.width] };
            Tensor::new(shape, rows.data.clone())
        };
        self.outputs.iter().map(output).collect()
    }
}

fn normalise(rows: &Rows, norm: &str) -> Option<Rows> {
    let length: fn(&[f32]) -> f32 = match norm {
        "MAX" => |row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        "L1" => |row| row.iter().map(|v| v.abs()).sum(),
        "L2" => |row| row.iter().map(|v| v * v).sum::<f32>().sqrt(),
        _ => return None,
    };
    let divided = |row: &[f32]| {
        let by = length(row);
        row.iter().map(|v| if by == 0.0 { *v } else { v / by }).collect::<Vec<_>>()
    };
    Some(Rows::new(rows.n, rows.width, rows.rows().flat_map(divided).collect()))
}

fn join(parts: &[&Rows]) -> Option<Rows> {
    let n = parts.iter().map(|p| p.n).max()?;
    if parts.iter().any(|p| p.n != n) {
        return None;
    }
    let width = parts.iter().map(|p| p.width).sum();
    let mut data = Vec::with_capacity(n * width);
    for row in 0..n {
        for part in parts {
            data.extend_from_slice(part.data.get(row * part.width..(row + 1) * part.width)?);
        }
    }
    Some(Rows::new(n, width, data))
}

fn columns(rows: &Rows, wanted: &Rows) -> Option<Rows> {
    let picked = |row: &[f32]| -> Option<Vec<f32>> {
        wanted.data.iter().map(|at| if *at >= 0.0 { row.get(*at as usize).copied() } else { None }).collect()
    };
    let data: Option<Vec<Vec<f32>>> = rows.rows().map(picked).collect();
    Some(Rows::new(rows.n, wanted.data.len(), data?.concat()))
}
