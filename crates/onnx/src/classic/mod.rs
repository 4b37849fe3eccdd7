//! The classical operators of `ai.onnx.ml`: tree ensembles and linear models, as scikit-learn, XGBoost and
//! LightGBM are exported, with the few operators that stand around them.
//!
//! The embedded runtime has none of them. What is evaluated here is what ONNX Runtime evaluates: scores are
//! float32 and summed in the order of the trees, so that labels agree at the last bit of a tie.

mod engine;
mod linear;
mod one_operator;
mod post_transform;
mod tree;
mod value;

pub(crate) use engine::ClassicEngine;
pub use tree::{Aggregate, Branch, Interval, Leaf, TreeEnsemble};

/// The domain of the classical operators.
pub(crate) const DOMAIN: &str = "ai.onnx.ml";
