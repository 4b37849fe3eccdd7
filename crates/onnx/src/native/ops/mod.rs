//! The operators, each of which turns a node into kernels. Adding one means adding a function and a line in
//! [`STANDARD`] or [`FUSED`].

mod arithmetic;
mod convolution;
mod dense;
mod indexing;
mod normalise;
mod pooling;
mod reduction;
mod shape;
mod spatial;

use super::plan::Planner;
use crate::OnnxError;
use crate::fused;
use crate::graph::Node;

/// Plans a node: adds its kernels and names its outputs.
pub(crate) type Operator = for<'g> fn(&mut Planner<'g>, &'g Node) -> Result<(), OnnxError>;

/// Operators of the standard set, by name.
const STANDARD: &[(&str, Operator)] = &[
    ("Abs", arithmetic::unary),
    ("Add", arithmetic::binary),
    ("And", arithmetic::binary),
    ("ArgMax", reduction::arg_best),
    ("ArgMin", reduction::arg_best),
    ("AveragePool", pooling::pool),
    ("BatchNormalization", normalise::batch),
    ("Cast", arithmetic::cast),
    ("CastLike", arithmetic::cast_like),
    ("Ceil", arithmetic::unary),
    ("Clip", arithmetic::clip),
    ("Concat", shape::concat),
    ("Constant", shape::constant),
    ("ConstantOfShape", shape::constant_of_shape),
    ("Conv", convolution::conv),
    ("ConvTranspose", convolution::conv_transpose),
    ("Cos", arithmetic::unary),
    ("Div", arithmetic::binary),
    ("Dropout", shape::identity),
    ("Elu", arithmetic::unary),
    ("Equal", arithmetic::binary),
    ("Erf", arithmetic::unary),
    ("Exp", arithmetic::unary),
    ("Expand", shape::expand),
    ("Flatten", shape::flatten),
    ("Floor", arithmetic::unary),
    ("Gather", indexing::gather),
    ("GatherElements", indexing::gather_elements),
    ("GatherND", indexing::gather_nd),
    ("Gelu", arithmetic::unary),
    ("Gemm", dense::gemm),
    ("GlobalAveragePool", pooling::global),
    ("GlobalMaxPool", pooling::global),
    ("Greater", arithmetic::binary),
    ("GreaterOrEqual", arithmetic::binary),
    ("HardSigmoid", arithmetic::unary),
    ("HardSwish", arithmetic::unary),
    ("Identity", shape::identity),
    ("InstanceNormalization", normalise::instance),
    ("IsNaN", arithmetic::unary),
    ("LayerNormalization", normalise::layer),
    ("LeakyRelu", arithmetic::unary),
    ("Less", arithmetic::binary),
    ("LessOrEqual", arithmetic::binary),
    ("Log", arithmetic::unary),
    ("LogSoftmax", normalise::softmax),
    ("MatMul", dense::matmul),
    ("Max", arithmetic::many),
    ("MaxPool", pooling::pool),
    ("Mean", arithmetic::many),
    ("Min", arithmetic::many),
    ("Mish", arithmetic::unary),
    ("Mod", arithmetic::binary),
    ("Mul", arithmetic::binary),
    ("Neg", arithmetic::unary),
    ("Not", arithmetic::unary),
    ("OneHot", indexing::one_hot),
    ("Or", arithmetic::binary),
    ("PRelu", arithmetic::binary),
    ("Pad", shape::pad),
    ("Pow", arithmetic::binary),
    ("Range", shape::range),
    ("Reciprocal", arithmetic::unary),
    ("ReduceL1", reduction::reduce),
    ("ReduceL2", reduction::reduce),
    ("ReduceLogSum", reduction::reduce),
    ("ReduceLogSumExp", reduction::reduce),
    ("ReduceMax", reduction::reduce),
    ("ReduceMean", reduction::reduce),
    ("ReduceMin", reduction::reduce),
    ("ReduceProd", reduction::reduce),
    ("ReduceSum", reduction::reduce),
    ("ReduceSumSquare", reduction::reduce),
    ("Relu", arithmetic::relu),
    ("Reshape", shape::reshape),
    ("Round", arithmetic::unary),
    ("ScatterElements", indexing::scatter_elements),
    ("ScatterND", indexing::scatter_nd),
    ("Selu", arithmetic::unary),
    ("Shape", shape::shape_of),
    ("Sigmoid", arithmetic::unary),
    ("Sign", arithmetic::unary),
    ("Sin", arithmetic::unary),
    ("Size", shape::size),
    ("Slice", shape::slice),
    ("Softmax", normalise::softmax),
    ("Softplus", arithmetic::unary),
    ("Softsign", arithmetic::unary),
    ("Split", shape::split),
    ("Sqrt", arithmetic::unary),
    ("Squeeze", shape::squeeze),
    ("Sub", arithmetic::binary),
    ("Sum", arithmetic::many),
    ("Tanh", arithmetic::unary),
    ("ThresholdedRelu", arithmetic::unary),
    ("Tile", shape::tile),
    ("Transpose", shape::transpose),
    ("Unsqueeze", shape::unsqueeze),
    ("Where", arithmetic::choose),
    ("Xor", arithmetic::binary),
];

/// Operators of [`fused::DOMAIN`], by name.
const FUSED: &[(&str, Operator)] = &[
    (fused::CONV_GRAD_INPUT, convolution::grad_input),
    (fused::CONV_GRAD_WEIGHT, convolution::grad_weight),
    (fused::MAX_POOL_GRAD, pooling::max_gradient),
    (fused::AVERAGE_POOL_GRAD, pooling::average_gradient),
    (fused::RELU_GRAD, arithmetic::binary),
];

/// What plans a node, if there is something.
pub(crate) fn find(node: &Node) -> Option<Operator> {
    let table = match node.domain.as_str() {
        "" => STANDARD,
        fused::DOMAIN => FUSED,
        _ => return None,
    };
    table.iter().find(|(name, _)| *name == node.operator).map(|(_, operator)| *operator)
}

/// The error for an operator that is not there.
pub(crate) fn unsupported(node: &Node) -> OnnxError {
    OnnxError::UnsupportedOperator {
        domain: if node.domain.is_empty() { "ai.onnx".to_owned() } else { node.domain.clone() },
        operator: node.operator.clone(),
        node: node.name.clone(),
    }
}

/// An axis from the front.
pub(crate) fn axis_of(node: &Node, axis: i64, rank: usize) -> Result<usize, OnnxError> {
    let from_front = if axis < 0 { axis.checked_add_unsigned(rank as u64) } else { Some(axis) };
    from_front
        .and_then(|a| usize::try_from(a).ok())
        .filter(|a| *a < rank)
        .ok_or_else(|| node.broken(format!("axis {axis} is none of {rank} dimensions")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        assert!(STANDARD.windows(2).all(|w| w[0].0 < w[1].0));
    }
}
