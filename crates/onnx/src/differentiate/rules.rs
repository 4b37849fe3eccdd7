//! The table of derivatives, one line for each operator of canonical graphs.

use super::{Derivative, Rule, RuleFn, activation, conv, layout, linear, norm, pool, reduce};
use crate::OnnxError;
use crate::graph::Node;
use crate::shape::FLOAT;

/// The rule of a node.
pub(super) fn of(node: &Node) -> Option<RuleFn> {
    if !node.domain.is_empty() {
        return None;
    }
    RULES.iter().find(|(operator, ..)| *operator == node.operator).map(|(_, _, rule)| *rule)
}

/// The operands that a derivative goes through. None where the operator has no rule and its result is no
/// smooth function of anything: comparisons, shapes, indices.
pub(super) fn through(node: &Node) -> &'static [usize] {
    const NOWHERE: [&str; 17] = [
        "Equal",
        "Greater",
        "Less",
        "GreaterOrEqual",
        "LessOrEqual",
        "And",
        "Or",
        "Xor",
        "Not",
        "IsNaN",
        "Shape",
        "Size",
        "ArgMax",
        "ArgMin",
        "ConstantOfShape",
        "Range",
        "OneHot",
    ];
    match RULES.iter().find(|(operator, ..)| *operator == node.operator) {
        Some((_, through, _)) => through,
        None if NOWHERE.contains(&node.operator.as_str()) => &[],
        // Something unknown on the way is an error when its derivative is asked for, not a silent 0.
        None => ALL,
    }
}

const ALL: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const FIRST: &[usize] = &[0];
const BOTH: &[usize] = &[0, 1];
const THREE: &[usize] = &[0, 1, 2];

/// Operator, operands that a derivative goes through, rule. `g.dy()` is the derivative with respect to the
/// result, `g.to(i, d)` gives the one with respect to operand `i`.
const RULES: &[(&str, &[usize], RuleFn)] = &[
    // Arithmetic.
    ("Add", BOTH, |g| done((g.to(0, g.dy()), g.to(1, g.dy())))),
    ("Sub", BOTH, |g| done((g.to(0, g.dy()), g.to_if(1, || -g.dy())))),
    ("Mul", BOTH, |g| done((g.to_if(0, || g.dy() * g.x(1)), g.to_if(1, || g.dy() * g.x(0))))),
    ("Div", BOTH, |g| done((g.to_if(0, || g.dy() / g.x(1)), g.to_if(1, || -(g.dy() * g.y() / g.x(1)))))),
    ("Pow", BOTH, activation::power),
    ("Min", BOTH, |g| activation::extreme(g, "Less")),
    ("Max", BOTH, |g| activation::extreme(g, "Greater")),
    ("Where", &[1, 2], activation::choice),
    ("Mod", FIRST, |g| done(g.to(0, g.dy()))),
    ("Neg", FIRST, |g| done(g.to(0, -g.dy()))),
    ("Reciprocal", FIRST, |g| done(g.to(0, -(g.dy() * g.y() * g.y())))),
    ("Exp", FIRST, |g| done(g.to(0, g.dy() * g.y()))),
    ("Log", FIRST, |g| done(g.to(0, g.dy() / g.x(0)))),
    ("Sqrt", FIRST, |g| done(g.to(0, g.dy() * 0.5 / g.y()))),
    ("Abs", FIRST, |g| done(g.to(0, g.dy() * g.x(0).op("Sign")))),
    ("Sin", FIRST, |g| done(g.to(0, g.dy() * g.x(0).op("Cos")))),
    ("Cos", FIRST, |g| done(g.to(0, -(g.dy() * g.x(0).op("Sin"))))),
    ("Tan", FIRST, |g| done(g.to(0, g.dy() * (g.y() * g.y() + 1.0)))),
    ("Asin", FIRST, |g| done(g.to(0, g.dy() / (1.0 - g.x(0) * g.x(0)).sqrt()))),
    ("Acos", FIRST, |g| done(g.to(0, -(g.dy() / (1.0 - g.x(0) * g.x(0)).sqrt())))),
    ("Atan", FIRST, |g| done(g.to(0, g.dy() / (g.x(0) * g.x(0) + 1.0)))),
    ("Sinh", FIRST, |g| done(g.to(0, g.dy() * g.x(0).op("Cosh")))),
    ("Cosh", FIRST, |g| done(g.to(0, g.dy() * g.x(0).op("Sinh")))),
    ("Identity", FIRST, |g| done(g.to(0, g.dy()))),
    ("Cast", FIRST, activation::cast),
    // Activations.
    ("Relu", FIRST, activation::relu),
    ("LeakyRelu", FIRST, activation::leaky_relu),
    ("Elu", FIRST, activation::elu),
    ("Sigmoid", FIRST, |g| done(g.to(0, g.dy() * g.y() * (1.0 - g.y())))),
    ("Tanh", FIRST, |g| done(g.to(0, g.dy() * (1.0 - g.y() * g.y())))),
    ("Softplus", FIRST, |g| done(g.to(0, g.dy() * g.x(0).op("Sigmoid")))),
    ("Erf", FIRST, |g| done(g.to(0, g.dy() * activation::bell(g.x(0))))),
    ("Gelu", FIRST, activation::gelu),
    ("Clip", FIRST, activation::clip),
    // Steps, taken for the identity.
    ("Round", FIRST, straight),
    ("Floor", FIRST, straight),
    ("Ceil", FIRST, straight),
    ("Sign", FIRST, straight),
    ("QuantizeLinear", FIRST, activation::quantise),
    ("DequantizeLinear", FIRST, activation::dequantise),
    // Products.
    ("Gemm", THREE, linear::gemm),
    ("MatMul", BOTH, linear::matmul),
    ("Conv", THREE, conv::conv),
    ("ConvTranspose", THREE, conv::transposed),
    // Pools.
    ("MaxPool", FIRST, pool::max),
    ("AveragePool", FIRST, pool::average),
    ("GlobalAveragePool", FIRST, pool::global_average),
    ("GlobalMaxPool", FIRST, pool::global_max),
    // Normalisation.
    ("Softmax", FIRST, norm::softmax),
    ("LogSoftmax", FIRST, norm::log_softmax),
    ("BatchNormalization", THREE, norm::batch),
    ("LayerNormalization", THREE, norm::layer),
    ("InstanceNormalization", THREE, norm::instance),
    // Reductions.
    ("ReduceSum", FIRST, |g| reduce::spread(g, |dy, _| dy)),
    ("ReduceMean", FIRST, |g| reduce::spread(g, |dy, count| dy / count)),
    ("ReduceMax", FIRST, reduce::extreme),
    ("ReduceMin", FIRST, reduce::extreme),
    ("ReduceProd", FIRST, reduce::product),
    ("ReduceL2", FIRST, reduce::length),
    // Layout.
    ("Reshape", FIRST, |g| done(g.to(0, g.dy().reshape(&g.x(0).dims())))),
    ("Squeeze", FIRST, |g| done(g.to(0, g.dy().reshape(&g.x(0).dims())))),
    ("Unsqueeze", FIRST, |g| done(g.to(0, g.dy().reshape(&g.x(0).dims())))),
    ("Transpose", FIRST, layout::transpose),
    ("Expand", FIRST, |g| done(g.to(0, g.dy()))),
    ("Tile", FIRST, layout::tile),
    ("Concat", ALL, layout::concat),
    ("Slice", FIRST, layout::slice),
    ("Pad", FIRST, layout::pad),
    ("Gather", FIRST, layout::gather),
];

/// The end of a rule that gives the true derivative.
#[expect(clippy::unnecessary_wraps, reason = "it is what rules return")]
pub(super) fn done<T>(_given: T) -> Result<Derivative, OnnxError> {
    Ok(Derivative::True)
}

/// The derivative of the identity in place of one that is 0 almost everywhere.
fn straight(g: &Rule<'_, '_>) -> Result<Derivative, OnnxError> {
    g.to(0, g.dy().cast(FLOAT));
    Ok(Derivative::StraightThrough)
}
