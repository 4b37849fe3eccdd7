//! Which engine runs a model's graphs: the house's own, or a library of ONNX Runtime that the user has.
//!
//! The library is not shipped and not linked: it is loaded from where the user says it lies, in a build with the feature
//! `ort`. Loading it runs its code, so that the path comes from the command line or the environment, never from a model.

use anyhow::bail;
use proofhouse_onnx::{
    ClassifierOptions, DifferentiableClassifier, Engine, LoadOptions, OnnxError, Trainable, load,
};

use crate::args::engine::{EngineArg, EngineArgs};

/// What loads models.
pub enum Engines {
    /// The engines of this house.
    Own,
    /// ONNX Runtime.
    #[cfg(feature = "ort")]
    Ort(proofhouse_onnx::OrtRuntime),
}

impl Engines {
    /// Those that the arguments name.
    pub fn of(args: &EngineArgs) -> anyhow::Result<Self> {
        match args.engine {
            EngineArg::Own => Ok(Self::Own),
            EngineArg::Ort => Self::ort(args),
        }
    }

    #[cfg(feature = "ort")]
    fn ort(args: &EngineArgs) -> anyhow::Result<Self> {
        let Some(path) = &args.ort_library else {
            bail!(
                "--engine ort needs to know where the library of ONNX Runtime lies: give it with --ort-library or \
                 ORT_DYLIB_PATH. One is inside the onnxruntime wheel of PyPI, as onnxruntime/capi/libonnxruntime.so.…"
            )
        };
        Ok(Self::Ort(proofhouse_onnx::OrtRuntime::at(path)?))
    }

    #[cfg(not(feature = "ort"))]
    fn ort(_: &EngineArgs) -> anyhow::Result<Self> {
        bail!(
            "this build cannot load ONNX Runtime; make one that can with `cargo build --release -p proofhouse-cli \
             --features ort`, or leave --engine ort out"
        )
    }

    /// Loads a model as it is.
    pub fn load(&self, file: &[u8]) -> Result<Box<dyn Engine>, OnnxError> {
        match self {
            Self::Own => load(file, &LoadOptions::default()),
            #[cfg(feature = "ort")]
            Self::Ort(runtime) => Ok(Box::new(runtime.load(file, &LoadOptions::default())?)),
        }
    }

    /// A model with gradients.
    pub fn differentiable(
        &self,
        file: &[u8],
        options: ClassifierOptions,
    ) -> Result<DifferentiableClassifier, OnnxError> {
        match self {
            Self::Own => DifferentiableClassifier::new(file, options, &LoadOptions::default()),
            #[cfg(feature = "ort")]
            Self::Ort(runtime) => runtime.differentiable(file, options, &LoadOptions::default()),
        }
    }

    /// A model whose weights can be changed.
    pub fn trainable(&self, file: &[u8], options: ClassifierOptions) -> Result<Trainable, OnnxError> {
        match self {
            Self::Own => Trainable::new(file, options, &LoadOptions::default()),
            #[cfg(feature = "ort")]
            Self::Ort(runtime) => runtime.trainable(file, options, &LoadOptions::default()),
        }
    }

    /// What runs a model as it is, for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Own => "loaded model",
            #[cfg(feature = "ort")]
            Self::Ort(_) => "ONNX Runtime",
        }
    }

    /// Whether somebody else's runtime runs the model, so that the house's own can be asked for a second opinion.
    pub const fn is_foreign(&self) -> bool {
        !matches!(self, Self::Own)
    }
}
