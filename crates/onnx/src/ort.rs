//! ONNX Runtime as an engine, where somebody has its shared library (feature `ort`, off by default).
//!
//! Nothing of it is linked or shipped: [`OrtRuntime::at`] loads the library from where the user says it lies, which
//! runs code of that file, so the path must come from whoever answers for the machine and never from a model. It
//! runs the same files, and the same derivative graphs in their portable form, as the embedded engines; what it is
//! good for is convolutions on processors that our kernels do not know, a second opinion from a runtime that shares no
//! code with ours, and the execution providers of the library.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ::ort::environment::Environment;
use ::ort::session::builder::GraphOptimizationLevel;
use ::ort::session::{Session, SessionInputValue};
use ::ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

use crate::graph::Graph;
use crate::{
    ClassifierOptions, DifferentiableClassifier, Dimension, Element, Engine, LoadOptions, OnnxError, Tensor,
    TensorSpec, Trainable, preflight,
};

/// The largest integer up to which float32 carries all.
const EXACT: u64 = 1 << 24;

/// The library of this process, and where it lay.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// ONNX Runtime's shared library, loaded.
pub struct OrtRuntime {
    environment: Environment,
}

impl std::fmt::Debug for OrtRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrtRuntime").finish_non_exhaustive()
    }
}

impl OrtRuntime {
    /// Loads the library at `path` (`libonnxruntime.so…`, version 1.17 or later). A process loads one, and keeps it.
    ///
    /// # Errors
    /// A path that does not lead to the library, or to one that is too old; another library than before.
    pub fn at(path: &Path) -> Result<Self, OnnxError> {
        let refused = |why: String| OnnxError::Option(format!("ONNX Runtime at {}: {why}", path.display()));
        // The system's loader would look for a missing file in folders of its own.
        let path = path.canonicalize().map_err(|e| refused(e.to_string()))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, environment)) = &*loaded {
            if *before != path {
                return Err(refused(format!("this process has loaded {} before", before.display())));
            }
            return Ok(Self { environment: environment.clone() });
        }
        let builder = ::ort::init_from(&path).map_err(|e| refused(e.to_string()))?;
        let builder = builder.with_name("proofhouse").with_telemetry(false);
        let environment = builder.build().map_err(|e| refused(e.to_string()))?;
        *loaded = Some((path, environment.clone()));
        Ok(Self { environment })
    }

    /// Loads the bytes of an ONNX file, as [`crate::load`] does.
    ///
    /// # Errors
    /// What the structure check or the library refuses.
    pub fn load(&self, bytes: &[u8], options: &LoadOptions) -> Result<OrtEngine, OnnxError> {
        options.admits(bytes)?;
        preflight::check(bytes)?;
        if options.threads == 0 {
            return Err(OnnxError::Option("a run needs at least one thread".into()));
        }
        let level = match options.optimize {
            true => GraphOptimizationLevel::Level3,
            false => GraphOptimizationLevel::Disable,
        };
        let session = Session::builder(&self.environment)
            .map_err(load_error)?
            .with_intra_threads(options.threads)
            .map_err(load_error)?
            .with_inter_threads(1)
            .map_err(load_error)?
            .with_optimization_level(level)
            .map_err(load_error)?
            .with_deterministic_compute(true)
            .map_err(load_error)?
            .commit_from_memory(bytes)
            .map_err(load_error)?;
        let specs = |outlets: &[Outlet]| outlets.iter().map(spec).collect();
        let (inputs, outputs) = (specs(session.inputs()), specs(session.outputs()));
        Ok(OrtEngine { session: Mutex::new(session), inputs, outputs })
    }

    /// A classifier with gradients whose graphs this runtime runs, as [`DifferentiableClassifier::new`] makes one for
    /// the engines of this crate. The runtime may rearrange the graphs: they are the house's own.
    ///
    /// # Errors
    /// As [`DifferentiableClassifier::new`].
    pub fn differentiable(
        &self,
        bytes: &[u8],
        options: ClassifierOptions,
        load: &LoadOptions,
    ) -> Result<DifferentiableClassifier, OnnxError> {
        let load_graph = |graph: &Graph, load: &LoadOptions| self.load_own(graph, load);
        DifferentiableClassifier::portable(bytes, &options, load, ("ort", &load_graph))
    }

    /// A classifier whose weights can be changed, likewise.
    ///
    /// # Errors
    /// As [`Trainable::new`].
    pub fn trainable(
        &self,
        bytes: &[u8],
        options: ClassifierOptions,
        load: &LoadOptions,
    ) -> Result<Trainable, OnnxError> {
        let load_graph = |graph: &Graph, load: &LoadOptions| self.load_own(graph, load);
        Trainable::portable(bytes, options, load, ("ort", &load_graph))
    }

    /// A graph of the house's own making, which may be rearranged.
    fn load_own(&self, graph: &Graph, load: &LoadOptions) -> Result<Box<dyn Engine>, OnnxError> {
        let load = LoadOptions { optimize: true, ..load.clone() };
        Ok(Box::new(self.load(&graph.write(), &load)?))
    }
}

/// One model in ONNX Runtime.
pub struct OrtEngine {
    /// A run borrows the session mutably.
    session: Mutex<Session>,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
}

impl std::fmt::Debug for OrtEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrtEngine").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Engine for OrtEngine {
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
        let feeds = inputs
            .iter()
            .zip(&self.inputs)
            .map(|(tensor, spec)| {
                if !matches!(spec.element, Element::Float32 | Element::Unknown) {
                    return Err(OnnxError::ElementType {
                        tensor: spec.name.clone(),
                        found: format!("{:?}", spec.element),
                    });
                }
                let view = TensorRef::from_array_view((tensor.shape(), tensor.data()));
                Ok(SessionInputValue::from(view.map_err(|e| OnnxError::Run(e.to_string()))?))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(feeds.as_slice()).map_err(|e| OnnxError::Run(e.to_string()))?;
        self.outputs
            .iter()
            .map(|spec| {
                let value = outputs.get(&spec.name);
                tensor(&spec.name, value.ok_or_else(|| OnnxError::Run(format!("no output {:?}", spec.name)))?)
            })
            .collect()
    }
}

fn load_error<R>(error: ::ort::Error<R>) -> OnnxError {
    OnnxError::Load(error.to_string())
}

fn spec(outlet: &Outlet) -> TensorSpec {
    let name = outlet.name().to_owned();
    let ValueType::Tensor { ty, shape, dimension_symbols } = outlet.dtype() else {
        return TensorSpec { name, shape: None, element: Element::Unknown };
    };
    let dims = shape.iter().enumerate().map(|(at, n)| {
        usize::try_from(*n).map_or_else(
            |_| {
                let named = dimension_symbols.get(at).filter(|s| !s.is_empty());
                Dimension::Symbolic(named.map_or_else(|| format!("dim{at}"), |s| s.to_string()))
            },
            Dimension::Fixed,
        )
    });
    let element = match ty {
        TensorElementType::Float32 | TensorElementType::Float64 => Element::Float32,
        TensorElementType::Int32 | TensorElementType::Int64 | TensorElementType::Bool => Element::Int32,
        TensorElementType::Int8 => Element::Int8,
        TensorElementType::Uint8 => Element::UInt8,
        _ => Element::Unknown,
    };
    TensorSpec { name, shape: Some(dims.collect()), element }
}

fn tensor(name: &str, value: &DynValue) -> Result<Tensor, OnnxError> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else {
        return Err(OnnxError::ElementType { tensor: name.to_owned(), found: value.dtype().to_string() });
    };
    let run = |e: ::ort::Error| OnnxError::Run(e.to_string());
    let exact = |v: i64| {
        let exact = v.unsigned_abs() <= EXACT;
        exact.then_some(v as f32).ok_or(OnnxError::Inexact { tensor: name.to_owned(), value: v })
    };
    let data = match ty {
        TensorElementType::Float32 => value.try_extract_tensor::<f32>().map_err(run)?.1.to_vec(),
        TensorElementType::Float64 => {
            value.try_extract_tensor::<f64>().map_err(run)?.1.iter().map(|v| *v as f32).collect()
        }
        TensorElementType::Int64 => {
            let values = value.try_extract_tensor::<i64>().map_err(run)?.1;
            values.iter().map(|v| exact(*v)).collect::<Result<_, _>>()?
        }
        TensorElementType::Int32 => {
            let values = value.try_extract_tensor::<i32>().map_err(run)?.1;
            values.iter().map(|v| exact(i64::from(*v))).collect::<Result<_, _>>()?
        }
        TensorElementType::Int8 => {
            value.try_extract_tensor::<i8>().map_err(run)?.1.iter().map(|v| f32::from(*v)).collect()
        }
        TensorElementType::Uint8 => {
            value.try_extract_tensor::<u8>().map_err(run)?.1.iter().map(|v| f32::from(*v)).collect()
        }
        TensorElementType::Bool => {
            let values = value.try_extract_tensor::<bool>().map_err(run)?.1;
            values.iter().map(|v| f32::from(u8::from(*v))).collect()
        }
        other => return Err(OnnxError::ElementType { tensor: name.to_owned(), found: other.to_string() }),
    };
    let shape = shape.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
    Tensor::new(shape, data)
}
