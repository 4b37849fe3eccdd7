//! How many elements values have at least: graphs of a few nodes that double a tensor until no machine has room for it.
//!
//! One pass in the order of the file. A value of which nothing is known has one element, so what is found is certain.

use std::collections::HashMap;

use super::Excess;
use super::excess::Numbers;
use super::wiring::Node;

/// Elements beyond which no machine that runs a model has room: 2^36 are 256 GiB of single precision.
pub(super) const MAX_GROWN: u64 = 1 << 36;

/// Operators whose result has as many elements as their first input.
const SAME: [&str; 56] = [
    "Abs",
    "Acos",
    "Asin",
    "Atan",
    "BatchNormalization",
    "BitShift",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "CumSum",
    "DepthToSpace",
    "DequantizeLinear",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Flatten",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "IsNaN",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "Mish",
    "Neg",
    "Not",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "Reshape",
    "ReverseSequence",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Sqrt",
    "Squeeze",
    "Tanh",
    "ThresholdedRelu",
    "Transpose",
    "Unsqueeze",
];
/// Operators whose result has as many elements as the largest of their inputs, or more.
const LARGEST: [&str; 23] = [
    "Add",
    "And",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "PRelu",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
];

/// The first value that has more elements than there is memory for. `known` are those of constants and inputs.
pub(super) fn found(nodes: &[Node], numbers: &Numbers, known: &HashMap<String, u64>) -> Option<Excess> {
    let mut sizes: HashMap<&str, u64> = known.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    for node in nodes {
        let Some((output, grown)) = grown(node, numbers, &sizes) else { continue };
        // A tensor without elements stays one.
        if grown > MAX_GROWN {
            let what =
                format!("{} makes at least {grown} elements, of inputs that grow on the way", node.operator);
            return Some(Excess { holder: node.name.clone(), at: node.at, what });
        }
        sizes.insert(output, grown.max(1));
    }
    None
}

/// How many times as many elements `out` has as `into`, where it is made of it and of nothing that is as large.
pub(super) fn factor(
    nodes: &[Node],
    numbers: &Numbers,
    known: &HashMap<String, u64>,
    into: &str,
    out: &str,
) -> Option<u64> {
    /// More than anything else of a body, so that what is added to it does not count.
    const MANY: u64 = 1 << 30;
    let mut sizes: HashMap<&str, u64> = known.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    sizes.insert(into, MANY);
    for node in nodes {
        if let Some((output, grown)) = grown(node, numbers, &sizes) {
            sizes.insert(output, grown.max(1));
        }
    }
    sizes.get(out).map(|grown| grown / MANY).filter(|factor| *factor > 1)
}

/// The first result of a node, and how many elements it has at least.
fn grown<'n>(node: &'n Node, numbers: &Numbers, sizes: &HashMap<&str, u64>) -> Option<(&'n str, u64)> {
    let output = node.outputs.first()?;
    let size = |at: usize| {
        let known = node.inputs.get(at).and_then(|input| sizes.get(input.as_str()));
        known.copied().unwrap_or(1)
    };
    let times = |at: usize| {
        let factors = node.inputs.get(at).and_then(|input| numbers.of(input)).unwrap_or_default();
        factors.iter().map(|n| u64::try_from(*n).unwrap_or(1).max(1)).fold(1, u64::saturating_mul)
    };
    let grown = match node.operator.as_str() {
        "Concat" | "StringConcat" | "ConcatFromSequence" => {
            (0..node.inputs.len()).map(size).fold(0, u64::saturating_add)
        }
        "Tile" | "Upsample" => size(0).saturating_mul(times(1)),
        "Expand" => size(0).max(times(1)),
        "Resize" if node.inputs.get(3).is_some_and(|input| !input.is_empty()) => times(3),
        "Resize" => size(0).saturating_mul(times(2)),
        "ConstantOfShape" => times(0),
        "OneHot" => size(0).saturating_mul(times(1)),
        // From each of what is looked up, one at least.
        "Gather" => size(1),
        same if SAME.contains(&same) => size(0),
        largest if LARGEST.contains(&largest) => (0..node.inputs.len()).map(size).max().unwrap_or(1),
        _ => return None,
    };
    Some((output, grown))
}
