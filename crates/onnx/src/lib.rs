//! ONNX models behind one inference engine trait.
//!
//! [`load`] turns the bytes of an ONNX file into an [`Engine`]; [`Classifier`] says which output holds the
//! scores of how many classes; [`evaluate`] measures it on labelled rows. Attacks and servers know nothing
//! but [`Scores`] and [`Engine`], so another runtime can take the place of the embedded one.
//!
//! [`DifferentiableClassifier`] has gradients with respect to rows, [`Trainable`] with respect to weights, which it
//! writes back into the file. Both need nothing but the ONNX file: differentiation is a transformation of graphs.
//!
//! [`NativeEngine`] runs a [`graph::Graph`] on kernels of this crate, also backward ([`fused`]), and bounds its
//! memory before anything is computed.
//!
//! With the feature `ort`, `OrtRuntime` runs the same files and graphs in a library of ONNX Runtime that the user has.
//!
//! What is *not* bounded: the memory of a run in the embedded runtime (a hundred bytes of ONNX can ask for a
//! tensor of any size while it runs), and the time of any run. Run a model you do not trust in a process
//! with limits.

mod build;
mod canonical;
mod classic;
mod classifier;
mod differentiable;
mod differentiate;
mod engine;
mod error;
mod evaluate;
mod feed;
pub mod fused;
mod gradients;
pub mod graph;
mod groups;
mod hidden;
mod labels;
mod native;
#[cfg(feature = "ort")]
mod ort;
mod preflight;
mod reference;
mod rten;
mod shape;
mod tensor;
mod trainable;

pub use classic::{Aggregate, Branch, Interval, Leaf, TreeEnsemble};
pub use classifier::{CHUNK_ROWS, Classifier, ClassifierOptions, OutputKind, Preprocess, Scores, predict};
pub use differentiable::{DifferentiableClassifier, gradient_graphs};
pub use differentiate::{GradientGraphs, Source};
pub use engine::{Dimension, Element, Engine, LoadOptions, TensorSpec, load};
pub use error::OnnxError;
pub use evaluate::{Evaluation, evaluate};
pub use gradients::Gradients;
pub use groups::{Comparison, Group, GroupReport, GroupedRows, Rate};
pub use hidden::HiddenLayer;
pub use labels::{Answer, LabelClassifier, LabelsOf, answers};
pub use native::{Feedback, NativeEngine, NativeOptions, Slice};
#[cfg(feature = "ort")]
pub use ort::{OrtEngine, OrtRuntime};
pub use tensor::Tensor;
pub use trainable::Trainable;
