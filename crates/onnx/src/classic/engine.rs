//! Running a graph in which operators of ai.onnx.ml stand among those of the standard set.
//!
//! Nodes are divided by how many operators of this crate lie before them: all standard nodes at one depth are one graph
//! of the embedded runtime, between them run the operators that it lacks: those of ai.onnx.ml, `Scan` (and `If` around either), and a few that it
//! evaluates otherwise than the standard reads. So a model is what its file says, whatever an exporter puts around the
//! trees, and no exporter is known by name here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proofhouse_artifact::onnx::{Dim, ValueInfo};

use super::branch::Branch;
use super::operator::Operator;
use super::scan::Scan;
use super::segment::Segment;
use super::standard::Standard;
use super::value::Value;
use super::words::{Words, numbered};
use super::{DOMAIN, is_ours};
use crate::engine::{Dimension, Element, Engine, LoadOptions, TensorSpec};
use crate::graph::{Graph, Node, Values};
use crate::{OnnxError, Tensor};

/// A graph of classical and standard operators, ready to run.
pub(crate) struct ClassicEngine {
    plan: Plan,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
}

impl ClassicEngine {
    pub(crate) fn new(graph: Graph, options: &LoadOptions) -> Result<Self, OnnxError> {
        let (graph, words) = numbered(graph)?;
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
            inputs: graph.inputs.iter().map(spec).collect(),
            outputs: graph.outputs.iter().map(spec).collect(),
            plan: Plan::of(graph, &words, options)?,
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
        let fed = self.inputs.iter().zip(inputs).map(|(spec, tensor)| fed(spec, tensor));
        let fed: Vec<Value> = fed.collect::<Result<_, _>>()?;
        let made = self.plan.run(&fed.iter().collect::<Vec<_>>())?;
        self.outputs.iter().zip(made).map(|(spec, value)| value.into_tensor(&spec.name)).collect()
    }
}

/// An input as the model wants it.
fn fed(spec: &TensorSpec, tensor: &Tensor) -> Result<Value, OnnxError> {
    let fits = spec.shape.as_ref().is_none_or(|declared| {
        declared.len() == tensor.shape().len()
            && declared.iter().zip(tensor.shape()).enumerate().all(|(at, (dim, n))| match dim {
                // Exported for one row at a time; these models take any number.
                Dimension::Fixed(1) if at == 0 => true,
                Dimension::Fixed(fixed) => fixed == n,
                Dimension::Symbolic(_) => true,
            })
    });
    if !fits {
        let dims: Vec<String> = spec.shape.iter().flatten().map(ToString::to_string).collect();
        return Err(OnnxError::Shape {
            tensor: spec.name.clone(),
            expected: format!("[{}]", dims.join(", ")),
            found: tensor.shape().to_vec(),
        });
    }
    if spec.element != Element::Int32 {
        return Ok(Value::Float(tensor.clone()));
    }
    Value::ints(tensor.shape().to_vec(), crate::rten::integers(&spec.name, tensor.data())?)
}

/// The steps of a graph. Values are known by their names.
pub(super) struct Plan {
    steps: Vec<Step>,
    /// Constants that a step outside of the runtime reads, or that are results.
    constants: HashMap<String, Value>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

struct Step {
    run: Run,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

enum Run {
    Classical(Node, Operator),
    Segment(Segment),
    Own(Node, Standard),
    Scan(Box<Scan>),
    Branch(Box<Branch>),
}

impl Plan {
    /// The steps that the outputs of a graph depend on.
    ///
    /// # Errors
    /// Operators that neither this crate nor the runtime has.
    pub(super) fn of(graph: Graph, words: &Words, options: &LoadOptions) -> Result<Self, OnnxError> {
        let nodes = needed(&graph);
        let depths = depths(&graph, &nodes);
        let last = depths.iter().copied().max().unwrap_or(0);
        let wanted: BTreeSet<String> = graph.outputs.iter().map(|o| o.name.clone()).collect();
        let mut steps = Vec::new();
        for depth in 0..=last {
            let here = || nodes.iter().zip(&depths).filter(|(_, d)| **d == depth).map(|(node, _)| *node);
            let standard: Vec<&Node> = here().filter(|node| !is_ours(&graph, node)).collect();
            if !standard.is_empty() {
                // What any other step or the caller reads.
                let elsewhere =
                    nodes.iter().zip(&depths).filter(|(node, d)| **d != depth || is_ours(&graph, node));
                let read: BTreeSet<String> = elsewhere.flat_map(|(node, _)| node.reads()).collect();
                let segment = Segment::of(
                    &graph,
                    &standard,
                    &|name| wanted.contains(name) || read.contains(name),
                    options,
                )?;
                let (inputs, outputs) = (segment.inputs.clone(), segment.outputs.clone());
                steps.push(Step { run: Run::Segment(segment), inputs, outputs });
            }
            for node in here().filter(|node| is_ours(&graph, node)) {
                steps.push(Step::ours(&graph, node, words, options)?);
            }
        }
        let read: BTreeSet<&str> = steps
            .iter()
            .filter(|step| !matches!(step.run, Run::Segment(_)))
            .flat_map(|step| step.inputs.iter().map(String::as_str))
            .chain(wanted.iter().map(String::as_str))
            .collect();
        let mut constants = HashMap::new();
        for (name, constant) in graph.constants.iter().filter(|(name, _)| read.contains(name.as_str())) {
            let shape = constant.shape.clone();
            let value = match &constant.values {
                Values::Float32(v) => Value::floats(shape, v.clone())?,
                Values::Float64(v) => Value::floats(shape, v.iter().map(|v| *v as f32).collect())?,
                // As the runtime carries them: what is beyond 32 bits is as far as they go.
                Values::Int(v) => {
                    let carried = |v: &i64| (*v).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
                    Value::ints(shape, v.iter().map(carried).collect())?
                }
                Values::Other(_) => {
                    return Err(OnnxError::ElementType {
                        tensor: name.clone(),
                        found: constant.element.to_string(),
                    });
                }
            };
            constants.insert(name.clone(), value);
        }
        Ok(Self {
            steps,
            constants,
            inputs: graph.inputs.into_iter().map(|i| i.name).collect(),
            outputs: graph.outputs.into_iter().map(|o| o.name).collect(),
        })
    }

    /// Runs the steps. There is a value for each input.
    pub(super) fn run(&self, fed: &[&Value]) -> Result<Vec<Value>, OnnxError> {
        let mut values: HashMap<&str, Value> = HashMap::new();
        let given: HashMap<&str, &Value> =
            self.inputs.iter().map(String::as_str).zip(fed.iter().copied()).collect();
        for step in &self.steps {
            let inputs = step.inputs.iter().map(|name| self.find(&values, &given, name));
            let inputs: Vec<&Value> = inputs.collect::<Result<_, _>>()?;
            let made = match &step.run {
                Run::Classical(node, operator) => operator.run(node, &inputs)?,
                Run::Segment(segment) => segment.run(&inputs)?,
                Run::Own(node, standard) => standard.run(node, &inputs)?,
                Run::Scan(scan) => scan.run(&inputs)?,
                Run::Branch(branch) => branch.run(&inputs)?,
            };
            for (name, value) in step.outputs.iter().zip(made) {
                values.insert(name, value);
            }
        }
        let output = |name: &String| match values.remove(name.as_str()) {
            Some(value) => Ok(value),
            None => self.find(&values, &given, name).cloned(),
        };
        // An output that is named twice is taken twice.
        let twice = self.outputs.iter().collect::<BTreeSet<_>>().len() < self.outputs.len();
        if twice {
            return self.outputs.iter().map(|name| self.find(&values, &given, name).cloned()).collect();
        }
        self.outputs.iter().map(output).collect()
    }

    fn find<'v>(
        &'v self,
        values: &'v HashMap<&str, Value>,
        given: &HashMap<&str, &'v Value>,
        name: &str,
    ) -> Result<&'v Value, OnnxError> {
        let found =
            values.get(name).or_else(|| given.get(name).copied()).or_else(|| self.constants.get(name));
        found.ok_or_else(|| OnnxError::Malformed(format!("nothing makes the value {name:?}")))
    }
}

impl Step {
    fn ours(graph: &Graph, node: &Node, words: &Words, options: &LoadOptions) -> Result<Self, OnnxError> {
        let outputs = node.outputs.clone();
        if node.applies("", "Scan") {
            let scan = Scan::of(node, &graph.opsets, words, options)?;
            return Ok(Self { inputs: scan.inputs(node), outputs, run: Run::Scan(Box::new(scan)) });
        }
        if node.applies("", "If") {
            let branch = Branch::of(node, graph, words, options)?;
            return Ok(Self { inputs: branch.inputs(), outputs, run: Run::Branch(Box::new(branch)) });
        }
        let inputs = node.inputs.iter().filter(|name| !name.is_empty()).cloned().collect();
        if node.domain.is_empty() {
            let run = Run::Own(node.clone(), Standard::of(graph, node)?);
            return Ok(Self { inputs, outputs, run });
        }
        let operator = Operator::of(node, words)?.ok_or_else(|| OnnxError::UnsupportedOperator {
            domain: DOMAIN.to_owned(),
            operator: node.operator.clone(),
            node: node.name.clone(),
        })?;
        Ok(Self { run: Run::Classical(node.clone(), operator), inputs, outputs })
    }
}

/// The nodes that the outputs depend on, in order.
fn needed(graph: &Graph) -> Vec<&Node> {
    let mut wanted: BTreeSet<String> = graph.outputs.iter().map(|o| o.name.clone()).collect();
    let mut nodes = Vec::new();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|name| wanted.contains(name)) {
            wanted.extend(node.reads());
            nodes.push(node);
        }
    }
    nodes.reverse();
    nodes
}

/// How many of our operators lie on the longest way to each node.
fn depths(graph: &Graph, nodes: &[&Node]) -> Vec<usize> {
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    nodes
        .iter()
        .map(|node| {
            let depth = node.reads().filter_map(|name| made.get(name.as_str()).copied()).max().unwrap_or(0);
            for name in &node.outputs {
                made.insert(name, depth + usize::from(is_ours(graph, node)));
            }
            depth
        })
        .collect()
}
