//! Shape inference over canonical operators.
//!
//! Rules work on plain numbers. The size of a batch is not one; [`build`](crate::build) therefore asks each
//! rule for several batch sizes and reads off which dimensions follow it. A rule refuses operands that do not
//! fit in the terms of the node, because a runtime may not: some read beyond what they were given.

mod layout;
mod product;
mod window;

use crate::OnnxError;
use crate::graph::{Attribute, Node};
use crate::reference::Array;
use proofhouse_artifact::onnx::ElementType;

pub(crate) use layout::slices;
pub(crate) use window::Window;

/// FLOAT.
pub(crate) const FLOAT: ElementType = ElementType(1);
/// INT64.
pub(crate) const INT: ElementType = ElementType(7);
/// BOOL.
pub(crate) const BOOL: ElementType = ElementType(9);

/// Most places that a derivative picks or scatters along one axis.
pub(crate) const MAX_PICKED: usize = 1 << 20;

/// What is known of an operand.
#[derive(Debug, Clone)]
pub(crate) struct Arg<'a> {
    pub element: ElementType,
    pub shape: Vec<usize>,
    /// Its values, where they are known and few.
    pub value: Option<&'a Array>,
}

/// An element type and a shape.
pub(crate) type Output = (ElementType, Vec<usize>);

/// One application of an operator.
pub(crate) struct Call<'a> {
    pub node: &'a Node,
    pub args: Vec<Option<Arg<'a>>>,
}

type Rule = fn(&Call<'_>) -> Result<Vec<Output>, OnnxError>;

/// The types of a canonical node's outputs.
///
/// # Errors
/// Operands that do not fit, and operators that have no rule.
pub(crate) fn infer(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let node = call.node;
    match rule(&node.domain, &node.operator) {
        Some(rule) => rule(call),
        None => Err(OnnxError::NoDerivative {
            operators: vec![format!(
                "{}::{}",
                if node.domain.is_empty() { "ai.onnx" } else { &node.domain },
                node.operator
            )],
            node: node.name.clone(),
        }),
    }
}

/// Whether an operator of the standard set is inferred.
pub(crate) fn knows(operator: &str) -> bool {
    rule("", operator).is_some()
}

fn rule(domain: &str, operator: &str) -> Option<Rule> {
    if domain == crate::fused::DOMAIN {
        return fused(operator);
    }
    if !domain.is_empty() {
        return None;
    }
    Some(match operator {
        "Identity" | "Neg" | "Abs" | "Exp" | "Log" | "Sqrt" | "Reciprocal" | "Sin" | "Cos" | "Tan"
        | "Asin" | "Acos" | "Atan" | "Sinh" | "Cosh" | "Tanh" | "Relu" | "Sigmoid" | "Softplus" | "Erf"
        | "Round" | "Floor" | "Ceil" | "Sign" | "Not" | "LeakyRelu" | "Elu" | "Gelu" | "Clip" => same,
        "Softmax" | "LogSoftmax" => |call| {
            call.axis("axis", -1)?;
            same(call)
        },
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" | "Mod" => broadcast,
        "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" | "And" | "Or" | "Xor" => {
            |call| Ok(vec![(BOOL, call.broadcast(&[0, 1])?)])
        }
        "IsNaN" => |call| Ok(vec![(BOOL, call.arg(0)?.shape.clone())]),
        "Where" => |call| {
            let shape = call.broadcast(&[0, 1, 2])?;
            Ok(vec![(call.arg(1)?.element, shape)])
        },
        "Cast" => |call| {
            let to = i32::try_from(call.node.int("to", 1)?).unwrap_or(0);
            Ok(vec![(ElementType(to), call.arg(0)?.shape.clone())])
        },
        "QuantizeLinear" => |call| {
            let zero = call.get(2).map_or(ElementType(2), |z| z.element);
            Ok(vec![(zero, call.arg(0)?.shape.clone())])
        },
        "DequantizeLinear" => |call| Ok(vec![(FLOAT, call.arg(0)?.shape.clone())]),
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL2" => layout::reduce,
        "ArgMax" | "ArgMin" => layout::arg,
        "LayerNormalization" => |call| {
            let axis = call.axis("axis", -1)?;
            call.fits(1, axis)?;
            call.fits(2, axis)?;
            same(call)
        },
        "InstanceNormalization" => |call| channels(call, &[1, 2]),
        "BatchNormalization" => |call| channels(call, &[1, 2, 3, 4]),
        "Gemm" => product::gemm,
        "MatMul" => product::matmul,
        "Conv" => window::conv,
        "ConvTranspose" => window::conv_transpose,
        "MaxPool" | "AveragePool" => window::pool,
        "GlobalAveragePool" | "GlobalMaxPool" => window::global_pool,
        "Reshape" => layout::reshape,
        "Transpose" => layout::transpose,
        "Squeeze" => layout::squeeze,
        "Unsqueeze" => layout::unsqueeze,
        "Expand" => layout::expand,
        "Tile" => layout::tile,
        "Concat" => layout::concat,
        "Slice" => layout::slice,
        "Pad" => layout::pad,
        "Gather" => layout::gather,
        "OneHot" => layout::one_hot,
        "Shape" => |call| Ok(vec![(INT, vec![call.arg(0)?.shape.len()])]),
        "Size" => |_| Ok(vec![(INT, Vec::new())]),
        "ConstantOfShape" => layout::constant_of_shape,
        "Range" => layout::range,
        _ => return None,
    })
}

fn fused(operator: &str) -> Option<Rule> {
    use crate::fused;
    Some(match operator {
        fused::CONV_GRAD_INPUT | fused::CONV_GRAD_WEIGHT => |call| {
            let x = call.arg(2)?;
            Ok(vec![(x.element, x.shape.clone())])
        },
        fused::MAX_POOL_GRAD | fused::AVERAGE_POOL_GRAD | fused::RELU_GRAD => same,
        _ => return None,
    })
}

/// The type of the first operand.
fn same(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    Ok(vec![(x.element, x.shape.clone())])
}

fn broadcast(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    Ok(vec![(call.arg(0)?.element, call.broadcast(&[0, 1])?)])
}

/// The type of the first operand, whose second dimension the vectors at `vectors` have.
fn channels(call: &Call<'_>, vectors: &[usize]) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let Some(&c) = x.shape.get(1) else {
        return Err(call.wrong("its input has no dimension of channels"));
    };
    for at in vectors {
        let vector = call.arg(*at)?;
        if vector.shape != [c] {
            return Err(call.wrong(format!(
                "input {at} has shape {:?}, not one value for each of {c} channels",
                vector.shape
            )));
        }
    }
    same(call)
}

impl<'a> Call<'a> {
    pub(crate) fn get(&self, at: usize) -> Option<&Arg<'a>> {
        self.args.get(at).and_then(Option::as_ref)
    }

    pub(crate) fn arg(&self, at: usize) -> Result<&Arg<'a>, OnnxError> {
        self.get(at).ok_or_else(|| self.wrong(format!("input {at} is missing")))
    }

    pub(crate) fn wrong(&self, why: impl std::fmt::Display) -> OnnxError {
        self.node.broken(why)
    }

    /// The integers of an operand that has to be known.
    fn ints(&self, at: usize) -> Result<Vec<i64>, OnnxError> {
        let value = self.arg(at)?.value;
        let value = value.ok_or_else(|| {
            self.wrong(format!(
                "input {at} is computed from the data; shapes that depend on values are not followed"
            ))
        })?;
        Ok(value.ints())
    }

    /// An axis attribute, counted from the front.
    fn axis(&self, name: &str, default: i64) -> Result<usize, OnnxError> {
        let axis = self.node.int(name, default)?;
        self.on_axis(axis, self.arg(0)?.shape.len())
    }

    fn on_axis(&self, axis: i64, rank: usize) -> Result<usize, OnnxError> {
        let counted = if axis < 0 { axis + rank as i64 } else { axis };
        let counted = usize::try_from(counted).ok().filter(|a| *a < rank);
        counted.ok_or_else(|| self.wrong(format!("axis {axis} is none of {rank} dimensions")))
    }

    /// The shape that some operands are broadcast to (numpy's rules).
    fn broadcast(&self, operands: &[usize]) -> Result<Vec<usize>, OnnxError> {
        let mut shape: Vec<usize> = Vec::new();
        for at in operands {
            let other = &self.arg(*at)?.shape;
            shape = broadcast_shapes(&shape, other)
                .ok_or_else(|| self.wrong(format!("shapes {shape:?} and {other:?} do not go together")))?;
        }
        Ok(shape)
    }

    /// Whether an optional operand broadcasts over the dimensions of the first from `axis` on.
    fn fits(&self, at: usize, axis: usize) -> Result<(), OnnxError> {
        let Some(other) = self.get(at) else { return Ok(()) };
        let inner = self.arg(0)?.shape.get(axis..).unwrap_or_default();
        match broadcast_shapes(inner, &other.shape) {
            Some(shape) if shape == inner => Ok(()),
            _ => {
                Err(self
                    .wrong(format!("input {at} has shape {:?}, which does not fit {inner:?}", other.shape)))
            }
        }
    }
}

/// The shape that two are broadcast to.
pub(crate) fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |s: &[usize], at: usize| {
        (at + s.len()).checked_sub(rank).and_then(|i| s.get(i)).copied().unwrap_or(1)
    };
    (0..rank)
        .map(|at| match (dim(a, at), dim(b, at)) {
            (m, n) if m == n => Some(m),
            (1, n) | (n, 1) => Some(n),
            _ => None,
        })
        .collect()
}

/// A number attribute.
pub(crate) fn float(node: &Node, name: &str, default: f32) -> Result<f32, OnnxError> {
    match node.attributes.get(name) {
        None => Ok(default),
        Some(Attribute::Float(v)) => Ok(*v),
        Some(_) => Err(node.broken(format!("attribute {name:?} is not a number"))),
    }
}
