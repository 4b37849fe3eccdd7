//! Operators that stay one operator, in one form.

use super::{Adapt, Adapter, carried, carried_as, product};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::graph::{Attribute, Constant, Values};
use crate::shape::FLOAT;
use proofhouse_artifact::onnx::ElementType;

type Made<'b> = Result<Vec<V<'b>>, OnnxError>;

pub(super) fn adapter(operator: &str) -> Option<Adapter> {
    Some(match operator {
        "Identity" => |a| Ok(vec![a.input(0)?]),
        "Dropout" => dropout,
        "Constant" => constant,
        "Cast" | "CastLike" => cast,
        "Softmax" | "LogSoftmax" => softmax,
        "Pow" => |a| Ok(a.direct(Vec::new(), &[Some(a.input(0)?), Some(float_exponent(a)?)])),
        "Min" | "Max" | "Sum" | "Mean" => variadic,
        "MatMul" => matmul,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL2" => {
            |a| Ok(vec![reduced(a, &a.node.operator, a.input(0)?, true)?])
        }
        "ArgMax" | "ArgMin" => |a| {
            let axis = a.axis("axis", 0, a.input(0)?.rank())?;
            let keep = a.node.int("keepdims", 1)?;
            if a.node.int("select_last_index", 0)? != 0 {
                return Err(a.node.broken("select_last_index is not evaluated"));
            }
            a.unary(vec![("axis", Attribute::Int(axis as i64)), ("keepdims", Attribute::Int(keep))])
        },
        "BatchNormalization" => |a| {
            if a.node.int("training_mode", 0)? != 0 {
                return Err(a
                    .node
                    .broken("it is in training mode and mixes the rows of a batch; export for inference"));
            }
            Ok(a.direct(vec![("epsilon", Attribute::Float(a.float("epsilon", 1e-5)?))], &a.x))
        },
        "LayerNormalization" => |a| {
            let axis = a.axis("axis", -1, a.input(0)?.rank())?;
            let epsilon = a.float("epsilon", 1e-5)?;
            Ok(a.direct(
                vec![("axis", Attribute::Int(axis as i64)), ("epsilon", Attribute::Float(epsilon))],
                &a.x,
            ))
        },
        "QuantizeLinear" | "DequantizeLinear" => |a| {
            let kind = a.get(2).map_or(2, |zero| zero.element().0);
            if a.node.operator == "QuantizeLinear" && ![2, 3].contains(&kind) {
                let kind = ElementType(kind);
                return Err(a.node.broken(format!("it quantises to {kind}; UINT8 and INT8 are followed")));
            }
            let axis = Attribute::Int(a.node.int("axis", 1)?);
            let whole = a.input(1)?.rank() == 0;
            Ok(a.direct(if whole { Vec::new() } else { vec![("axis", axis)] }, &a.x))
        },
        _ => return None,
    })
}

fn dropout<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let training = a.get(2).map(|v| v.as_ints().and_then(|v| v.first().copied()));
    match training {
        None | Some(Some(0)) => Ok(vec![a.input(0)?]),
        _ => Err(a.node.broken("it is in training mode; export the model for inference")),
    }
}

fn constant<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let name = a.node.outputs.first().map_or("", String::as_str);
    let mut attributes = a.node.attributes.iter();
    let value = match (attributes.next(), attributes.next()) {
        (Some((key, value)), None) if key.starts_with("value") => match value {
            Attribute::Tensor(value) => carried(name, value.clone())?,
            Attribute::Float(v) => Constant::float32(Vec::new(), vec![*v]),
            Attribute::Floats(v) => Constant::float32(vec![v.len()], v.clone()),
            Attribute::Int(v) => Constant::int64(Vec::new(), vec![*v]),
            Attribute::Ints(v) => Constant::int64(vec![v.len()], v.clone()),
            _ => return Err(a.node.broken("it holds neither numbers nor a dense tensor")),
        },
        _ => return Err(a.node.broken("it has not one value")),
    };
    Ok(vec![a.b.named_constant(name, value)])
}

fn cast<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let to = match a.get(1) {
        Some(like) if a.node.operator == "CastLike" => like.element(),
        _ => ElementType(i32::try_from(a.node.int("to", 1)?).unwrap_or(0)),
    };
    let to = carried_as(to);
    if x.element() == to {
        return Ok(vec![x]);
    }
    Ok(a.named("Cast", vec![("to", Attribute::Int(i64::from(to.0)))], &[Some(x)]))
}

/// Before operator set 13 a softmax flattened everything from its axis on.
fn softmax<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let old = a.context.opset < 13;
    let axis = a.axis("axis", if old { 1 } else { -1 }, x.rank())?;
    if !old || axis + 1 == x.rank() {
        return a.unary(vec![("axis", Attribute::Int(axis as i64))]);
    }
    let dims = x.dims();
    let (before, after) = dims.split_at(axis);
    let flat = product(before).zip(product(after));
    let (rows, columns) = flat.ok_or_else(|| a.node.broken("its input is too large"))?;
    Ok(vec![x.reshape(&[rows, columns]).op_along(&a.node.operator, 1).reshape(&dims)])
}

/// An exponent may be an integer beside a float base.
fn float_exponent<'b>(a: &Adapt<'b, '_>) -> Result<V<'b>, OnnxError> {
    let (x, exponent) = (a.input(0)?, a.input(1)?);
    let integer = x.element() == FLOAT && exponent.element() != FLOAT;
    Ok(match exponent.constant() {
        Some(constant) if integer && matches!(constant.values, Values::Int(_)) => exponent.cast(FLOAT),
        _ if integer => exponent.cast(FLOAT),
        _ => exponent,
    })
}

/// A vector becomes a matrix of one row on the left and of one column on the right.
fn matmul<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let (x, y) = (a.input(0)?, a.input(1)?);
    if x.rank() > 1 && y.rank() > 1 {
        return Ok(a.direct(Vec::new(), &a.x));
    }
    let dims = x.matmul(y).dims();
    let one = Size::Fixed(1);
    let row = |v: V<'b>| v.reshape(&[&[one], &v.dims()[..]].concat());
    let column = |v: V<'b>| v.reshape(&[&v.dims()[..], &[one]].concat());
    let left = if x.rank() == 1 { row(x) } else { x };
    let right = if y.rank() == 1 { column(y) } else { y };
    Ok(vec![left.matmul(right).reshape(&dims)])
}

fn variadic<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let mut parts = a.x.iter().flatten().copied();
    let first = parts.next().ok_or_else(|| a.node.broken("it has no inputs"))?;
    let count = a.x.iter().flatten().count();
    let (operator, divided) = match a.node.operator.as_str() {
        "Sum" => ("Add", false),
        "Mean" => ("Add", true),
        other => (other, false),
    };
    let all = parts.fold(first, |all, part| all.op2(operator, part));
    Ok(vec![if divided { all / count as f32 } else { all }])
}

/// A reduction of `x` along the axes of the node, which are an attribute or an input.
pub(super) fn reduced<'b>(
    a: &Adapt<'b, '_>,
    operator: &str,
    x: V<'b>,
    own_name: bool,
) -> Result<V<'b>, OnnxError> {
    let Some(axes) = axes(a, x.rank())? else { return Ok(x) };
    if axes.is_empty() {
        return Ok(x);
    }
    let keep = vec![("keepdims", Attribute::Int(a.node.int("keepdims", 1)?))];
    let axes = a.b.ints(&axes.iter().map(|axis| *axis as i64).collect::<Vec<_>>());
    if own_name {
        return a
            .named(operator, keep, &[Some(x), Some(axes)])
            .into_iter()
            .next()
            .ok_or_else(|| a.node.broken("it has no output"));
    }
    Ok(a.b.op(operator, &[x, axes], keep))
}

/// The axes of a reduction in order; nothing where it leaves its input as it is.
pub(super) fn axes(a: &Adapt<'_, '_>, rank: usize) -> Result<Option<Vec<usize>>, OnnxError> {
    let given = a.ints(1, "axes")?.unwrap_or_default();
    if given.is_empty() {
        let nothing = a.node.int("noop_with_empty_axes", 0)? != 0;
        return Ok((!nothing).then(|| (0..rank).collect()));
    }
    let mut axes = given.iter().map(|axis| a.on_axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(Some(axes))
}
