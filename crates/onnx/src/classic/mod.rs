//! Classical models: the operators of `ai.onnx.ml` (tree ensembles, linear models, support vector machines, what prepares
//! rows for them), as scikit-learn, XGBoost and LightGBM are exported, among operators of the standard set.
//!
//! The embedded runtime has none of them. What is evaluated here is what ONNX Runtime evaluates: scores are
//! float32 and summed in the order of the trees, so that labels agree at the last bit of a tie.

mod boxes;
mod branch;
mod encode;
mod engine;
mod labels;
mod linear;
mod one_operator;
mod operator;
mod post_transform;
mod rescaled;
mod scan;
mod segment;
mod standard;
mod svm;
mod tree;
mod value;
mod words;

use proofhouse_artifact::onnx::ValueInfo;

use crate::graph::{Graph, Node};

pub use boxes::{Interval, Leaf};
pub(crate) use engine::ClassicEngine;
pub use tree::{Aggregate, Branch, TreeEnsemble};
pub(crate) use value::Value;

/// The domain of the classical operators.
pub(crate) const DOMAIN: &str = "ai.onnx.ml";

/// Whether a model has operators that the embedded runtime lacks, or evaluates otherwise than it should, and this crate
/// has.
pub(crate) fn is_classical(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| is_ours(graph, node))
}

/// Whether nodes of an operator may be run by this crate.
pub(crate) fn may_be_ours(domain: &str, operator: &str) -> bool {
    domain == DOMAIN || (["", "ai.onnx"].contains(&domain) && OURS.contains(&operator))
}

/// Operators of the standard set of which some nodes are run by this crate.
const OURS: [&str; 7] = ["ArgMax", "ArgMin", "Cast", "Compress", "If", "Pow", "Scan"];

/// Whether a node is run by this crate.
fn is_ours(graph: &Graph, node: &Node) -> bool {
    node.domain == DOMAIN || node.applies("", "Scan") || standard::is_ours(graph, node) || branches(node, 0)
}

/// How deep branches may lie within each other.
const MAX_BRANCHES: usize = 16;

/// Whether a node is a branch into a graph with such a node.
fn branches(node: &Node, depth: usize) -> bool {
    let within = |name| node.body(name).ok().flatten();
    let has_ours = |body: &Graph| {
        body.nodes.iter().any(|node| {
            node.domain == DOMAIN
                || node.applies("", "Scan")
                || standard::is_ours(body, node)
                || branches(node, depth + 1)
        })
    };
    let bodies = || ["then_branch", "else_branch"].into_iter().filter_map(within);
    node.applies("", "If") && depth < MAX_BRANCHES && bodies().any(|body| has_ours(&body))
}

/// A value of which nothing is known but its name.
fn named(name: &str) -> ValueInfo {
    ValueInfo { name: name.to_owned(), element_type: None, dims: None, kind: "unknown" }
}
