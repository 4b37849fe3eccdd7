//! What an inference engine offers, and how one is made from bytes.

use std::fmt;

use crate::classic::{ClassicEngine, is_classical, may_be_ours};
use crate::graph::Graph;
use crate::{OnnxError, Tensor, preflight, rten::RtenEngine};

/// One dimension of a declared shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dimension {
    /// Always this size.
    Fixed(usize),
    /// A size known only when the model runs, with the name the model gives it.
    Symbolic(String),
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(n) => n.fmt(f),
            Self::Symbolic(name) => f.write_str(name),
        }
    }
}

/// What a declared tensor holds, as the runtime carries it. It carries 64-bit integers and booleans as
/// 32-bit integers, and float64 as float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// float32.
    Float32,
    /// Any signed integer or boolean.
    Int32,
    /// int8.
    Int8,
    /// uint8.
    UInt8,
    /// The model does not say, or it is no tensor.
    Unknown,
}

/// A declared input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name in the graph.
    pub name: String,
    /// Its dimensions; `None` when the model does not say.
    pub shape: Option<Vec<Dimension>>,
    /// What it holds.
    pub element: Element,
}

/// Something that runs one model.
///
/// The same inputs give the same bits, run after run, on the same machine. Different machines may differ
/// in the last bits, because the kernels follow the processor's vector width.
pub trait Engine: Send + Sync {
    /// The inputs, in the order [`Engine::run`] takes them.
    fn inputs(&self) -> &[TensorSpec];

    /// The outputs, in the order [`Engine::run`] returns them.
    fn outputs(&self) -> &[TensorSpec];

    /// Runs the model once. Integer outputs are converted to float32 where that loses nothing, and refused
    /// by name where it would. Values that are NaN or infinite are returned as they are: see
    /// [`Tensor::first_not_finite`].
    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, OnnxError>;

    /// The same with inputs that the caller keeps: weights and activations that are used again. An engine
    /// that only reads its inputs should override this, so that nothing is copied.
    fn run_borrowed(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OnnxError> {
        let owned: Vec<Tensor> = inputs.iter().map(|t| (*t).clone()).collect();
        self.run(&owned)
    }
}

/// How to load a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// Largest file accepted, in bytes.
    pub max_bytes: u64,
    /// Threads of one run. With one, runs on other models do not disturb the timing of this one.
    pub threads: usize,
    /// Runs that may go on at a time, each on threads of its own; more wait for one of them. They share the model.
    pub runs: usize,
    /// Whether the runtime may fold constants and fuse nodes while it loads. Only for models that somebody
    /// answers for: folding runs parts of the model, and the time that fusion takes to find its patterns
    /// doubles with every `Mul(v, v)` after another.
    pub optimize: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { max_bytes: 2 << 30, threads: 1, runs: 1, optimize: false }
    }
}

impl LoadOptions {
    /// Refuses a file that is too large.
    pub(crate) fn admits(&self, bytes: &[u8]) -> Result<(), OnnxError> {
        let size = bytes.len() as u64;
        if size > self.max_bytes {
            return Err(OnnxError::TooLarge { bytes: size, limit: self.max_bytes });
        }
        Ok(())
    }
}

/// An engine for a canonical graph that this crate made.
pub(crate) fn load_graph(graph: &Graph, options: &LoadOptions) -> Result<Box<dyn Engine>, OnnxError> {
    let bytes = graph.write();
    let structure = preflight::check(&bytes)?;
    Ok(Box::new(RtenEngine::load(&bytes, options, &structure)?))
}

/// Loads the bytes of an ONNX file into an engine: operators of `ai.onnx.ml` into the evaluator of this crate, all
/// others into the embedded runtime (rten).
///
/// The structure is checked first (lengths, nesting, shapes against data, data outside the file): rten
/// believes the lengths it reads, and an allocation that fails ends the process.
pub fn load(bytes: &[u8], options: &LoadOptions) -> Result<Box<dyn Engine>, OnnxError> {
    options.admits(bytes)?;
    let structure = preflight::check(bytes)?;
    // The graph is a second copy of the weights, made only where it may be needed.
    if !structure.functions.is_empty()
        || structure.operators.keys().any(|id| may_be_ours(&id.domain, &id.name))
    {
        let graph = Graph::read(bytes)?.inlined()?;
        if is_classical(&graph) {
            return Ok(Box::new(ClassicEngine::new(graph, options)?));
        }
        if !structure.functions.is_empty() {
            return load_graph(&graph, options);
        }
    }
    Ok(Box::new(RtenEngine::load(bytes, options, &structure)?))
}
