//! The structure of an ONNX model, read from its bytes.
//!
//! Field numbers are those of `onnx.proto3` (ONNX IR version 13). Nothing is executed, no external file is
//! opened, no weight is copied. Nested graphs (control flow, functions, training information) are visited
//! with an explicit stack, so a file cannot choose how deep the program goes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ArtifactError;

mod excess;
mod growth;
mod tensor;
mod trees;
mod walk;
mod wiring;

pub use tensor::{ElementType, Initializer};

/// Bounds of a walk.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most nodes, tensors, attributes and graphs together.
    pub max_items: u64,
    /// Deepest nesting of graphs.
    pub max_depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_items: 5_000_000, max_depth: 64 }
    }
}

/// What an ONNX file says about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Model {
    /// Version of the intermediate representation.
    pub ir_version: i64,
    /// Tool that wrote it.
    pub producer_name: String,
    /// Version of that tool.
    pub producer_version: String,
    /// Reverse-DNS name space of the model.
    pub domain: String,
    /// Version of the model.
    pub model_version: i64,
    /// Free text of the model and its main graph.
    pub doc_strings: Vec<String>,
    /// Operator sets by domain; the standard set has the empty domain.
    pub opset_imports: Vec<(String, i64)>,
    /// Name of the main graph.
    pub graph_name: String,
    /// Inputs of the main graph, those that have an initializer included.
    pub inputs: Vec<ValueInfo>,
    /// Outputs of the main graph.
    pub outputs: Vec<ValueInfo>,
    /// Operators used anywhere, in graphs, subgraphs, functions and training information.
    pub operators: BTreeMap<OperatorId, OperatorUse>,
    /// Functions the file defines itself, by (domain, name).
    pub functions: Vec<OperatorId>,
    /// Constants of all graphs, and tensors held by node attributes.
    pub initializers: Vec<Initializer>,
    /// Tensors whose bytes lie in other files.
    pub external_data: Vec<ExternalData>,
    /// Strings and string tensors in attributes and values of the metadata, for those who look at data: place and length.
    pub string_attributes: Vec<StringAttribute>,
    /// Key–value pairs of the model.
    pub metadata_props: Vec<(String, String)>,
    /// Whether training information is present.
    pub has_training_info: bool,
}

impl Model {
    /// Inputs that a caller must provide: those without an initializer of the same name.
    pub fn required_inputs(&self) -> impl Iterator<Item = &ValueInfo> {
        self.inputs.iter().filter(|i| !self.initializers.iter().any(|t| t.in_main_graph && t.name == i.name))
    }

    /// Elements over all initializers of the main graph: the number of parameters.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let counts = self.initializers.iter().filter(|t| t.in_main_graph).filter_map(Initializer::elements);
        counts.fold(0, u64::saturating_add)
    }
}

/// A graph input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// Element type, for tensors.
    pub element_type: Option<ElementType>,
    /// Dimensions; `None` when the rank is not stated.
    pub dims: Option<Vec<Dim>>,
    /// `tensor`, `sequence`, `map`, `optional`, `sparse-tensor` or `unknown`.
    pub kind: &'static str,
}

/// One dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dim {
    /// A fixed size.
    Known(i64),
    /// A named size, such as `batch`.
    Symbolic(String),
    /// Neither.
    Unknown,
}

/// An operator by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OperatorId {
    /// Its domain; empty is the standard set, as is `ai.onnx`.
    pub domain: String,
    /// Its name.
    pub name: String,
}

/// How often and where an operator is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OperatorUse {
    /// Number of nodes.
    pub count: u64,
    /// Names of the first nodes, or `#index` for nodes without one.
    pub nodes: Vec<String>,
    /// Byte offset of the first node.
    pub first_offset: u64,
}

/// Most node names kept for one operator.
pub const NODE_NAMES_KEPT: usize = 64;

/// A tensor whose bytes lie in another file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExternalData {
    /// The tensor.
    pub tensor: String,
    /// Byte offset of the tensor in the ONNX file.
    pub at: u64,
    /// `location` as written: relative to the model file by the specification.
    pub location: Option<String>,
    /// First byte in the other file.
    pub offset: Option<String>,
    /// Number of bytes there.
    pub length: Option<String>,
    /// Keys that the specification does not have.
    pub unknown: Vec<String>,
    /// Whether a key stands there more than once: some readers take the first value, others the last.
    pub repeats: bool,
}

/// A string held by an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StringAttribute {
    /// Node and attribute, `node/attribute`, or the tensor.
    pub holder: String,
    /// First byte in the file.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: u64,
}

/// What could be read, and what stood in the way.
#[derive(Debug, Default)]
pub struct Survey {
    /// Everything read before and between the errors.
    pub model: Model,
    /// Contradictions and truncation, in file order. Empty means every byte made sense.
    pub errors: Vec<ArtifactError>,
    /// What takes memory or time beyond any machine.
    pub excesses: Vec<Excess>,
    /// Answers that what an input holds calls up.
    pub fixed_answers: Vec<FixedAnswer>,
}

/// An answer that does not come from what the model computes: an `If` that compares the value of an input with a constant
/// and has its answer in the file in one case, or layers whose result is changed once the input holds a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedAnswer {
    /// The node.
    pub holder: String,
    /// Where it begins in the file.
    pub at: u64,
    /// What calls the answer up.
    pub what: &'static str,
}

/// Work or memory that a graph asks for and no machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// The node or function.
    pub holder: String,
    /// Where it begins in the file.
    pub at: u64,
    /// What it asks for.
    pub what: String,
}

/// Reads as much as can be read. Use it to look for trouble.
#[must_use]
pub fn survey(bytes: &[u8], limits: &Limits) -> Survey {
    walk::run(bytes, limits)
}

/// Reads a model that has to be right. Use it to describe one.
///
/// # Errors
/// The first contradiction: truncation with its offset, or a tensor whose shape and bytes disagree.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Model, ArtifactError> {
    let survey = survey(bytes, limits);
    match survey.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(survey.model),
    }
}

#[cfg(test)]
mod tests;
