//! Linear models and the scaling of features (`ai.onnx.ml`), as operators of the standard set.
//!
//! Trees have no derivative anywhere; they have exact distances instead.

use super::{Adapt, Adapter};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::graph::{Attribute, Constant};

type Made<'b> = Result<Vec<V<'b>>, OnnxError>;

pub(super) fn adapter(operator: &str) -> Option<Adapter> {
    Some(match operator {
        "Scaler" => |a| {
            let row = |name: &str| -> Result<V<'_>, OnnxError> {
                let values = a.node.floats(name)?;
                Ok(a.b.constant(Constant::float32(vec![values.len()], values)))
            };
            Ok(vec![(a.input(0)? - row("offset")?) * row("scale")?])
        },
        "Normalizer" => normalizer,
        "FeatureVectorizer" => |a| {
            let parts: Vec<V<'_>> = a.x.iter().flatten().copied().collect();
            V::concat(&parts, 1).map(|v| vec![v]).ok_or_else(|| a.node.broken("it has no inputs"))
        },
        "LinearRegressor" => |a| {
            let targets = usize::try_from(a.node.int("targets", 1)?).unwrap_or(0).max(1);
            Ok(vec![transformed(a, scores(a, targets)?)?])
        },
        "LinearClassifier" => classifier,
        _ => return None,
    })
}

fn normalizer<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let last = x.rank().saturating_sub(1);
    let length = match a.node.text("norm", "MAX")? {
        "MAX" => x.max(&[last], true),
        "L1" => x.op("Abs").sum(&[last], true),
        "L2" => a.b.op("ReduceL2", &[x, a.b.ints(&[last as i64])], vec![("keepdims", Attribute::Int(1))]),
        other => return Err(a.node.broken(format!("norm {other:?} is not followed"))),
    };
    let safe = a.b.scalar(1.0).only_where(length.op2("Equal", a.b.scalar(0.0)), length);
    Ok(vec![x / safe])
}

/// Label and scores. Where the scores are what is differentiated, they are those before the transformation: it
/// saturates, and a saturated score has no gradient to follow.
fn classifier<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let rows = a.node.floats("intercepts")?.len().max(1);
    let raw = scores(a, rows)?;
    // Two classes may be told apart by one score.
    let raw = if rows == 1 { V::concat(&[-raw, raw], 1).unwrap_or(raw) } else { raw };
    let label = a.b.op("ArgMax", &[raw], vec![("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(0))]);
    let wanted = a.node.outputs.get(1).is_some_and(|name| name == a.context.wanted);
    Ok(vec![label, if wanted { raw } else { transformed(a, raw)? }])
}

fn scores<'b>(a: &Adapt<'b, '_>, rows: usize) -> Result<V<'b>, OnnxError> {
    let x = a.input(0)?;
    let flat = a.node.floats("coefficients")?;
    if flat.is_empty() || !flat.len().is_multiple_of(rows) {
        return Err(a.node.broken(format!("{} coefficients do not make {rows} scores", flat.len())));
    }
    let width = flat.len() / rows;
    if x.dims().get(1) != Some(&Size::Fixed(width)) {
        return Err(a.node.broken(format!("a linear model of {width} features gets rows of another number")));
    }
    let mut intercepts = a.node.floats("intercepts")?;
    intercepts.resize(rows, 0.0);
    let weights = a.b.constant(Constant::float32(vec![rows, width], flat));
    let bias = a.b.constant(Constant::float32(vec![rows], intercepts));
    Ok(a.b.op("Gemm", &[x, weights, bias], vec![("transB", Attribute::Int(1))]))
}

fn transformed<'b>(a: &Adapt<'b, '_>, raw: V<'b>) -> Result<V<'b>, OnnxError> {
    match a.node.text("post_transform", "NONE")? {
        "NONE" => Ok(raw),
        "LOGISTIC" => Ok(raw.op("Sigmoid")),
        "SOFTMAX" => Ok(raw.op_along("Softmax", 1)),
        other => Err(a.node.broken(format!("post_transform {other:?} is not followed"))),
    }
}
