//! Arguments for who runs a model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which engine runs the model, and where it lies.
#[derive(Debug, Clone, Default, Args)]
pub struct EngineArgs {
    /// What runs the model: the engines of this program, or a library of ONNX Runtime (in a build with the feature ort).
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineArg::Own)]
    pub engine: EngineArg,
    /// The library of ONNX Runtime, 1.17 or later; its code is run. One is inside the onnxruntime wheel of PyPI.
    #[arg(long, value_name = "FILE", env = "ORT_DYLIB_PATH")]
    pub ort_library: Option<PathBuf>,
}

/// Who runs a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// The engines of this program.
    #[default]
    Own,
    /// ONNX Runtime.
    Ort,
}
