//! What can go wrong with a model, in the terms of the model.

/// Why a model could not be loaded, asked or measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The file is larger than allowed.
    #[error("the model has {bytes} bytes, more than the {limit} allowed; raise the limit to load it")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file is not a well-formed ONNX model.
    #[error("not a well-formed ONNX model: {0}")]
    Malformed(String),
    /// A tensor's data lies outside the file, so the file's digest does not cover it.
    #[error(
        "tensor {tensor:?} keeps its data in the external file {location:?}; save the model with its weights inside"
    )]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// Where it says its data is.
        location: String,
    },
    /// An operator that the embedded runtime does not have.
    #[error(
        "operator {domain}::{operator} (node {node:?}) is not supported by the embedded runtime; the model can \
         still be scanned, signed and listed in a BOM, but not attacked or served here"
    )]
    UnsupportedOperator {
        /// Its domain, `ai.onnx` for the standard one.
        domain: String,
        /// Its type.
        operator: String,
        /// The node that uses it.
        node: String,
    },
    /// Operators that are not differentiated.
    #[error(
        "no derivative is known for {} (first at node {node:?}); gradient attacks and hardening are not possible, \
         but the model can still be attacked as a black box (Square, HopSkipJump, boundary, SimBA)",
        operators.join(", ")
    )]
    NoDerivative {
        /// The operators, with their domains.
        operators: Vec<String>,
        /// The first node that uses one.
        node: String,
    },
    /// The runtime refuses the model for another reason.
    #[error("the runtime refuses the model: {0}")]
    Load(String),
    /// A tensor has a type that is not handled.
    #[error("tensor {tensor:?} holds {found}; only float32 inputs and numeric outputs are handled")]
    ElementType {
        /// The tensor.
        tensor: String,
        /// What it holds.
        found: String,
    },
    /// An input that takes texts.
    #[error(
        "input {tensor:?} takes texts, and rows are numbers here; put numbers in the place of the texts before the model \
         (OrdinalEncoder outside of the exported pipeline), or attack it behind its endpoint, where a template writes the \
         texts"
    )]
    TextInput {
        /// The input.
        tensor: String,
    },
    /// A tensor does not have the shape it should.
    #[error("tensor {tensor:?}: expected shape {expected}, got {found:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// What was expected, with `N` for the batch.
        expected: String,
        /// What was given.
        found: Vec<usize>,
    },
    /// A shape and the number of values do not agree.
    #[error("shape {shape:?} does not hold {values} values")]
    Size {
        /// The shape.
        shape: Vec<usize>,
        /// Number of values.
        values: usize,
    },
    /// The model has not the number of inputs wanted.
    #[error("the model has {found} inputs, {expected} expected")]
    InputCount {
        /// Wanted.
        expected: usize,
        /// Given or declared.
        found: usize,
    },
    /// There is no such output.
    #[error("the model has no output {wanted:?}; it has {}", available.join(", "))]
    NoSuchOutput {
        /// What was asked for.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },
    /// An integer output that a float32 cannot carry.
    #[error("output {tensor:?} holds {value}, which a float32 cannot carry exactly")]
    Inexact {
        /// The tensor.
        tensor: String,
        /// The value.
        value: i64,
    },
    /// A value for an integer input that is no integer, or one that a float32 cannot carry.
    #[error("input {tensor:?} takes integers up to 2^24, and was given {value}")]
    NotInteger {
        /// The tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// A run would need more memory than allowed. Nothing was computed.
    #[error("running the model would take {bytes} bytes at {node:?}, more than the {limit} allowed")]
    Memory {
        /// The node, or the output, that asks for it.
        node: String,
        /// What it would take; the largest number where it cannot be counted.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A run failed.
    #[error("the run failed: {0}")]
    Run(String),
    /// The runtime panicked. The model is at fault or the runtime is; neither is to be relied on.
    #[error("the runtime gave up while {stage} the model: {detail}")]
    Panicked {
        /// What it was doing.
        stage: &'static str,
        /// What it said.
        detail: String,
    },
    /// An option makes no sense.
    #[error("{0}")]
    Option(String),
    /// A row cannot be used.
    #[error("row {row}: {reason}")]
    Row {
        /// Its index, from 0.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
}
