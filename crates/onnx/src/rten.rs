//! The embedded engine: rten, pure Rust.
//!
//! rten reports most of what a wrong model does as an error, but not everything: indices and arithmetic on
//! values from the file can still panic, and a panic in a server is an outage. Every call therefore passes
//! [`guarded`], which turns a panic into an error. rten keeps nothing between runs but constants and the
//! cached plan behind a lock, so nothing half-written is seen afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::rten::{
    DataType, Dimension as RtenDimension, LoadError, LoadErrorKind, Model, ModelOptions, NodeId, RunOptions,
    ThreadPool, Value, ValueOrView, ValueType,
};
use proofhouse_artifact::onnx;
use rten_tensor::prelude::*;

use crate::classic::Value as Carried;
use crate::{Dimension, Element, Engine, LoadOptions, OnnxError, Tensor, TensorSpec};

pub(crate) struct RtenEngine {
    model: Model,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    pools: Vec<Pool>,
}

/// Threads of one run at a time, and how many runs are on them or wait for them.
struct Pool {
    threads: Arc<ThreadPool>,
    runs: AtomicUsize,
}

impl RtenEngine {
    pub(crate) fn load(
        bytes: &[u8],
        options: &LoadOptions,
        structure: &onnx::Model,
    ) -> Result<Self, OnnxError> {
        if options.threads == 0 {
            return Err(OnnxError::Option("a run needs at least one thread".into()));
        }
        if options.runs == 0 {
            return Err(OnnxError::Option("a model needs room for at least one run".into()));
        }
        let pool = || Pool {
            threads: Arc::new(ThreadPool::with_num_threads(options.threads)),
            runs: AtomicUsize::new(0),
        };
        let pools = std::iter::repeat_with(pool).take(options.runs).collect();
        let model = guarded("loading", || {
            ModelOptions::with_all_ops()
                .enable_optimization(options.optimize)
                .load(bytes.to_vec())
                .map_err(|e| load_error(&e, structure))
        })?;
        let spec = |id: &NodeId| spec(&model, *id);
        let inputs = model.input_ids().iter().map(spec).collect();
        let outputs = model.output_ids().iter().map(spec).collect();
        Ok(Self { model, inputs, outputs, pools })
    }

    /// Runs `f` with the threads that fewest runs are on.
    fn on_threads<T>(&self, f: impl FnOnce(Option<Arc<ThreadPool>>) -> T) -> T {
        // Two runs that choose at the same moment may take the same threads: then one waits, and no more is lost.
        let Some(pool) = self.pools.iter().min_by_key(|pool| pool.runs.load(Ordering::Relaxed)) else {
            return f(None);
        };
        pool.runs.fetch_add(1, Ordering::Relaxed);
        let result = f(Some(Arc::clone(&pool.threads)));
        pool.runs.fetch_sub(1, Ordering::Relaxed);
        result
    }
}

impl RtenEngine {
    /// Runs a part of a model. The types of its inputs are what the values are.
    pub(crate) fn run_carried(&self, inputs: &[&Carried]) -> Result<Vec<Carried>, OnnxError> {
        let mut feeds: Vec<(NodeId, ValueOrView<'_>)> = Vec::with_capacity(inputs.len());
        for (value, id) in inputs.iter().zip(self.model.input_ids()) {
            let wrong = || OnnxError::Run(format!("a value does not have the shape {:?}", value.shape()));
            let feed = match value {
                Carried::Float(tensor) => {
                    let view = rten_tensor::TensorView::try_from_data(tensor.shape(), tensor.data());
                    view.map_err(|_| wrong())?.into()
                }
                Carried::Int(whole) => {
                    let view =
                        rten_tensor::TensorView::try_from_data(whole.shape.as_slice(), whole.data.as_slice());
                    view.map_err(|_| wrong())?.into()
                }
            };
            feeds.push((*id, feed));
        }
        self.outputs_of(feeds)?
            .into_iter()
            .zip(&self.outputs)
            .map(|(value, spec)| carried(&spec.name, value))
            .collect()
    }

    fn outputs_of(&self, feeds: Vec<(NodeId, ValueOrView<'_>)>) -> Result<Vec<Value>, OnnxError> {
        self.on_threads(|threads| {
            let options = RunOptions::default().with_thread_pool(threads);
            guarded("running", || {
                self.model
                    .run(feeds, self.model.output_ids(), Some(options))
                    .map_err(|e| OnnxError::Run(e.to_string()))
            })
        })
    }
}

impl Engine for RtenEngine {
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
        if inputs.len() != self.inputs.len() {
            return Err(OnnxError::InputCount { expected: self.inputs.len(), found: inputs.len() });
        }
        let mut feeds: Vec<(NodeId, ValueOrView<'_>)> = Vec::with_capacity(inputs.len());
        for ((tensor, spec), id) in inputs.iter().zip(&self.inputs).zip(self.model.input_ids()) {
            fits(spec, tensor)?;
            let wrong = || OnnxError::Size { shape: tensor.shape().to_vec(), values: tensor.data().len() };
            let feed = if spec.element == Element::Int32 {
                let whole = integers(&spec.name, tensor.data())?;
                let tensor =
                    rten_tensor::Tensor::try_from_data(tensor.shape(), whole).map_err(|_| wrong())?;
                ValueOrView::Value(Value::Int32Tensor(tensor))
            } else {
                let view = rten_tensor::TensorView::try_from_data(tensor.shape(), tensor.data());
                view.map_err(|_| wrong())?.into()
            };
            feeds.push((*id, feed));
        }
        self.outputs_of(feeds)?
            .into_iter()
            .zip(&self.outputs)
            .map(|(value, spec)| tensor(&spec.name, value))
            .collect()
    }
}

/// Runs `f`, turning a panic into an error. The panic hook still writes its line to standard error, which
/// is where an operator looks for it.
fn guarded<T>(stage: &'static str, f: impl FnOnce() -> Result<T, OnnxError>) -> Result<T, OnnxError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let detail = payload
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Err(OnnxError::Panicked { stage, detail })
    })
}

/// rten's message names the operator, but not the domain's proper name nor what follows from it.
fn load_error(error: &LoadError, structure: &onnx::Model) -> OnnxError {
    let text = error.to_string();
    if error.kind() == LoadErrorKind::OperatorInvalid {
        let missing = structure.operators.iter().find(|(id, _)| {
            let (domain, name) = (&id.domain, &id.name);
            text.contains(&format!(" {name} operator not "))
                || text.contains(&format!(" {domain}/{name} operator not "))
        });
        if let Some((id, used)) = missing {
            return OnnxError::UnsupportedOperator {
                domain: if id.domain.is_empty() { "ai.onnx".to_owned() } else { id.domain.clone() },
                operator: id.name.clone(),
                node: used.nodes.first().cloned().unwrap_or_default(),
            };
        }
    }
    OnnxError::Load(text)
}

fn spec(model: &Model, id: NodeId) -> TensorSpec {
    let info = model.node_info(id);
    let shape = info.as_ref().and_then(|i| i.shape()).map(|dims| {
        dims.into_iter()
            .map(|d| match d {
                RtenDimension::Fixed(n) => Dimension::Fixed(n),
                RtenDimension::Symbolic(name) => Dimension::Symbolic(name),
            })
            .collect()
    });
    let element = match info.as_ref().and_then(|i| i.dtype()) {
        Some(ValueType::Tensor(DataType::Float)) => Element::Float32,
        Some(ValueType::Tensor(DataType::Int32)) => Element::Int32,
        Some(ValueType::Tensor(DataType::Int8)) => Element::Int8,
        Some(ValueType::Tensor(DataType::UInt8)) => Element::UInt8,
        _ => Element::Unknown,
    };
    let name = info.and_then(|i| i.name().map(str::to_owned)).unwrap_or_default();
    TensorSpec { name, shape, element }
}

fn fits(spec: &TensorSpec, tensor: &Tensor) -> Result<(), OnnxError> {
    if !matches!(spec.element, Element::Float32 | Element::Int32 | Element::Unknown) {
        return Err(OnnxError::ElementType {
            tensor: spec.name.clone(),
            found: format!("{:?}", spec.element),
        });
    }
    let Some(shape) = &spec.shape else { return Ok(()) };
    let fits = shape.len() == tensor.shape().len()
        && shape.iter().zip(tensor.shape()).all(|(d, n)| match d {
            Dimension::Fixed(fixed) => fixed == n,
            Dimension::Symbolic(_) => true,
        });
    if fits {
        return Ok(());
    }
    let text: Vec<String> = shape.iter().map(ToString::to_string).collect();
    Err(OnnxError::Shape {
        tensor: spec.name.clone(),
        expected: format!("[{}]", text.join(", ")),
        found: tensor.shape().to_vec(),
    })
}

/// The integers that float32 values stand for, such as the numbers of tokens.
pub(crate) fn integers(name: &str, values: &[f32]) -> Result<Vec<i32>, OnnxError> {
    let integer = |value: &f32| {
        let exact = value.fract() == 0.0 && value.abs() <= (1 << 24) as f32;
        exact.then_some(*value as i32).ok_or(OnnxError::NotInteger { tensor: name.to_owned(), value: *value })
    };
    values.iter().map(integer).collect()
}

fn tensor(name: &str, value: Value) -> Result<Tensor, OnnxError> {
    carried(name, value)?.into_tensor(name)
}

fn carried(name: &str, value: Value) -> Result<Carried, OnnxError> {
    match value {
        Value::FloatTensor(t) => Carried::floats(t.shape().to_vec(), t.into_data()),
        Value::Int32Tensor(t) => Carried::ints(t.shape().to_vec(), t.into_data()),
        Value::Int8Tensor(t) => Carried::ints(t.shape().to_vec(), t.iter().map(|v| i32::from(*v)).collect()),
        Value::UInt8Tensor(t) => Carried::ints(t.shape().to_vec(), t.iter().map(|v| i32::from(*v)).collect()),
        other => Err(OnnxError::ElementType { tensor: name.to_owned(), found: other.dtype().to_string() }),
    }
}
