//! The house's own engine for the processor: typed graphs, forward and backward.
//!
//! rten reads a file and runs it. This engine runs a [`Graph`] that the house has made, also one with the
//! [fused derivative operators](crate::fused), and it is made for what attacks and training do: the same
//! graph thousands of times on batches of small inputs.
//!
//! * [`plan`](plan::plan) settles everything that shapes decide once for each batch size: kernels, packed
//!   weights, which values share a buffer. A run allocates nothing but its results.
//! * The batch is run **in parts small enough for the cache**, each through the whole graph, where the
//!   planner finds that rows do not depend on each other. Parts are what threads take. Sums over the batch
//!   (derivatives of weights) are added up in the order of the parts, whose size does not depend on threads.
//! * A row's result is the same bits in any batch and on any number of threads: see
//!   [`product`](kernel::product).
//! * **Memory is bounded**: shapes are known before anything is computed, and a graph that needs more than
//!   [`NativeOptions::max_memory`] is refused with the node that asks for it.
//!
//! Operators that it lacks are named by [`NativeEngine::new`], so that a caller can take rten instead.

mod arrange;
mod joined;
mod kernel;
mod memory;
mod ops;
mod parts;
mod plan;
mod value;

use std::sync::{Arc, Mutex, PoisonError};

use proofhouse_artifact::onnx::{Dim, ValueInfo};

use self::parts::Prepared;
use self::plan::Folded;
use self::value::{Kind, View};
use crate::graph::Graph;
use crate::tensor::volume;
use crate::{Dimension, Element, Engine, OnnxError, Tensor, TensorSpec};

/// How the engine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeOptions {
    /// Threads of one run. Results do not depend on it.
    pub threads: usize,
    /// Most bytes that a run may need beside its inputs and the constants of the model.
    pub max_memory: u64,
}

impl Default for NativeOptions {
    fn default() -> Self {
        Self { threads: 1, max_memory: 4 << 30 }
    }
}

/// An input that is computed from an output of the same run: the derivative of a loss from the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feedback {
    /// The output, by its index.
    pub output: usize,
    /// The input, by its index. It has the output's shape.
    pub input: usize,
}

/// Plans kept for batches of other sizes. Attacks drop rows as they go, so there are many.
const PLANS: usize = 64;

/// A graph that is run by the house's own kernels.
pub struct NativeEngine {
    graph: Graph,
    kinds: Vec<Kind>,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    options: NativeOptions,
    pool: Option<rayon::ThreadPool>,
    folded: Folded,
    prepared: Mutex<Vec<Arc<Prepared>>>,
}

impl std::fmt::Debug for NativeEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeEngine").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

/// A tensor by reference: its shape and its values, row-major.
pub type Slice<'a> = (&'a [usize], &'a [f32]);

impl NativeEngine {
    /// Takes a graph.
    ///
    /// # Errors
    /// [`OnnxError::UnsupportedOperator`] names the first operator that there are no kernels for. What
    /// depends on shapes shows when the first batch is planned, unless only the batch is open: then it shows
    /// here.
    pub fn new(graph: Graph, options: NativeOptions) -> Result<Self, OnnxError> {
        if let Some(node) = graph.nodes.iter().find(|n| ops::find(n).is_none()) {
            return Err(ops::unsupported(node));
        }
        let kinds = graph.inputs.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
        let pool = match options.threads {
            0 | 1 => None,
            n => Some(
                rayon::ThreadPoolBuilder::new()
                    .num_threads(n)
                    .build()
                    .map_err(|e| OnnxError::Option(format!("{n} threads cannot be started: {e}")))?,
            ),
        };
        let engine = Self {
            inputs: graph.inputs.iter().map(|i| spec(i, kind(i).ok())).collect(),
            outputs: graph.outputs.iter().map(|o| spec(o, kind(o).ok())).collect(),
            kinds,
            graph,
            options,
            pool,
            folded: Mutex::default(),
            prepared: Mutex::default(),
        };
        if let Some(shapes) = engine.shapes_of_a_batch(2) {
            let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
            engine.prepare(&shapes, None)?;
        }
        Ok(engine)
    }

    /// Runs the model. `outputs` has the values of each output afterwards; its buffers are used again. The
    /// shapes are returned.
    ///
    /// # Errors
    /// Shapes that do not fit, a run that would need too much memory, indices out of range.
    pub fn run_into(
        &self,
        inputs: &[Slice<'_>],
        outputs: &mut Vec<Vec<f32>>,
    ) -> Result<Vec<Vec<usize>>, OnnxError> {
        self.check(inputs, None)?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|i| i.0).collect();
        let prepared = self.prepare(&shapes, None)?;
        let whole = self.integers(inputs)?;
        let views = self.views(inputs, &whole);
        prepared.run(self.pool.as_ref(), &views, None, outputs)?;
        prepared.shapes()
    }

    /// Runs the model with an input that depends on one of its outputs. `inputs` has, in the place of that
    /// input, its shape and no values. Once the output is there for the whole batch, `feedback` is given its
    /// values and writes those of the input (zeroed before); then the rest is run, with what was computed
    /// before still at hand. So a forward and a backward pass in one graph cost no more than they must.
    ///
    /// # Errors
    /// As [`NativeEngine::run_into`].
    pub fn run_with_feedback(
        &self,
        inputs: &[Slice<'_>],
        place: Feedback,
        feedback: &mut dyn FnMut(&[f32], &mut [f32]),
        outputs: &mut Vec<Vec<f32>>,
    ) -> Result<Vec<Vec<usize>>, OnnxError> {
        self.check(inputs, Some(place))?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|i| i.0).collect();
        let prepared = self.prepare(&shapes, Some(place))?;
        let whole = self.integers(inputs)?;
        let views = self.views(inputs, &whole);
        prepared.run(self.pool.as_ref(), &views, Some((place, feedback)), outputs)?;
        prepared.shapes()
    }

    fn check(&self, inputs: &[Slice<'_>], late: Option<Feedback>) -> Result<(), OnnxError> {
        if inputs.len() != self.inputs.len() {
            return Err(OnnxError::InputCount { expected: self.inputs.len(), found: inputs.len() });
        }
        if let Some(place) = late {
            let float = self.kinds.get(place.input) == Some(&Kind::Float);
            if !float || place.output >= self.outputs.len() {
                return Err(OnnxError::Option(format!(
                    "there is no output {} to compute input {} from",
                    place.output, place.input
                )));
            }
        }
        for (i, ((shape, data), spec)) in inputs.iter().zip(&self.inputs).enumerate() {
            let is_late = late.is_some_and(|l| l.input == i);
            if !is_late && volume(shape) != Some(data.len()) {
                return Err(OnnxError::Size { shape: shape.to_vec(), values: data.len() });
            }
            let fits = spec.shape.as_ref().is_none_or(|declared| {
                declared.len() == shape.len()
                    && declared.iter().zip(*shape).all(|(d, n)| match d {
                        Dimension::Fixed(fixed) => fixed == n,
                        Dimension::Symbolic(_) => true,
                    })
            });
            if !fits {
                let dims = spec.shape.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
                return Err(OnnxError::Shape {
                    tensor: spec.name.clone(),
                    expected: format!("[{}]", dims.join(", ")),
                    found: shape.to_vec(),
                });
            }
        }
        Ok(())
    }

    /// The integers of inputs that hold integers.
    fn integers(&self, inputs: &[Slice<'_>]) -> Result<Vec<Vec<i64>>, OnnxError> {
        inputs
            .iter()
            .zip(&self.kinds)
            .zip(&self.inputs)
            .map(|((input, kind), spec)| {
                if *kind != Kind::Int {
                    return Ok(Vec::new());
                }
                input
                    .1
                    .iter()
                    .map(|v| {
                        let whole = v.fract() == 0.0 && v.abs() <= 16_777_216.0;
                        whole.then_some(*v as i64).ok_or_else(|| OnnxError::ElementType {
                            tensor: spec.name.clone(),
                            found: format!("integers, and {v} is none that a float32 carries"),
                        })
                    })
                    .collect()
            })
            .collect()
    }

    fn views<'a>(&self, inputs: &[Slice<'a>], integers: &'a [Vec<i64>]) -> Vec<View<'a>> {
        inputs
            .iter()
            .zip(integers)
            .zip(&self.kinds)
            .map(|((input, ints), kind)| match kind {
                Kind::Int => View::Int(ints),
                Kind::Float | Kind::Bool => View::Float(input.1),
            })
            .collect()
    }

    fn prepare(&self, shapes: &[&[usize]], late: Option<Feedback>) -> Result<Arc<Prepared>, OnnxError> {
        let held = {
            let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            // What was used last stands at the end.
            let at = prepared.iter().position(|p| p.is_for(shapes, late));
            at.map(|at| {
                let found = prepared.remove(at);
                prepared.push(Arc::clone(&found));
                found
            })
        };
        if let Some(found) = held {
            return Ok(found);
        }
        let batched: Vec<bool> = self.graph.inputs.iter().map(is_batched).collect();
        let others = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let made = Arc::new(Prepared::new(
            &self.graph,
            &parts::Inputs { shapes, kinds: &self.kinds, batched: &batched, late },
            &self.folded,
            &self.options,
            &others,
        )?);
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if prepared.len() >= PLANS {
            prepared.remove(0);
        }
        prepared.push(Arc::clone(&made));
        Ok(made)
    }

    /// Shapes with `rows` for the batch, where nothing else is open.
    fn shapes_of_a_batch(&self, rows: usize) -> Option<Vec<Vec<usize>>> {
        self.inputs
            .iter()
            .map(|spec| {
                let dims = spec.shape.as_ref()?;
                dims.iter()
                    .enumerate()
                    .map(|(d, dim)| match dim {
                        Dimension::Fixed(n) => Some(*n),
                        Dimension::Symbolic(_) if d == 0 => Some(rows),
                        Dimension::Symbolic(_) => None,
                    })
                    .collect()
            })
            .collect()
    }
}

impl Engine for NativeEngine {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, OnnxError> {
        self.run_borrowed(&inputs.iter().collect::<Vec<_>>())
    }

    fn run_borrowed(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OnnxError> {
        let slices: Vec<Slice<'_>> = inputs.iter().map(|t| (t.shape(), t.data())).collect();
        let mut outputs = Vec::new();
        let shapes = self.run_into(&slices, &mut outputs)?;
        shapes.into_iter().zip(outputs).map(|(shape, data)| Tensor::new(shape, data)).collect()
    }
}

/// Whether the first dimension of an input is open, which is taken to be the batch.
fn is_batched(info: &ValueInfo) -> bool {
    let first = info.dims.as_ref().and_then(|d| d.first());
    matches!(first, Some(Dim::Symbolic(_) | Dim::Unknown))
}

fn kind(info: &ValueInfo) -> Result<Kind, OnnxError> {
    match info.element_type.map(|e| e.0) {
        None | Some(0 | 1 | 11) => Ok(Kind::Float),
        Some(2..=7 | 12 | 13) => Ok(Kind::Int),
        Some(9) => Ok(Kind::Bool),
        Some(_) => Err(OnnxError::ElementType {
            tensor: info.name.clone(),
            found: info.element_type.map(|e| e.to_string()).unwrap_or_default(),
        }),
    }
}

fn spec(info: &ValueInfo, kind: Option<Kind>) -> TensorSpec {
    let shape = info.dims.as_ref().map(|dims| {
        dims.iter()
            .enumerate()
            .map(|(i, d)| match d {
                Dim::Known(n) => usize::try_from(*n)
                    .map_or_else(|_| Dimension::Symbolic(format!("dim{i}")), Dimension::Fixed),
                Dim::Symbolic(name) => Dimension::Symbolic(name.clone()),
                Dim::Unknown => Dimension::Symbolic(format!("dim{i}")),
            })
            .collect()
    });
    let element = match kind {
        Some(Kind::Float) => Element::Float32,
        Some(Kind::Int | Kind::Bool) => Element::Int32,
        None => Element::Unknown,
    };
    TensorSpec { name: info.name.clone(), shape, element }
}
