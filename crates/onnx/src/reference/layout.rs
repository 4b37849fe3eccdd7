//! Operators that move values and compute none.

use super::{Array, Call, flat, place, places};
use crate::OnnxError;
use crate::graph::Attribute;

pub(super) fn evaluate(call: &Call<'_>) -> Result<Option<Vec<Array>>, OnnxError> {
    let node = call.node;
    let shape = call.shape();
    let data = match node.operator.as_str() {
        "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => call.x(0)?.data.clone(),
        "Transpose" => {
            let x = call.x(0)?;
            let rank = x.shape.len();
            let perm = node.ints("perm")?;
            let perm: Vec<usize> = if perm.is_empty() {
                (0..rank).rev().collect()
            } else {
                perm.iter().map(|p| usize::try_from(*p).unwrap_or(0)).collect()
            };
            let from = |at: Vec<usize>| {
                let mut index = vec![0; rank];
                for (to, axis) in perm.iter().enumerate() {
                    if let (Some(slot), Some(i)) = (index.get_mut(*axis), at.get(to)) {
                        *slot = *i;
                    }
                }
                x.at(&index)
            };
            places(&shape).map(from).collect()
        }
        "Expand" => places(&shape).map(|at| call.x(0).map(|x| x.broadcast(&at))).collect::<Result<_, _>>()?,
        "Tile" => {
            let x = call.x(0)?;
            let wrapped = |at: Vec<usize>| {
                x.at(&at.iter().zip(&x.shape).map(|(i, d)| i % d.max(&1)).collect::<Vec<_>>())
            };
            places(&shape).map(wrapped).collect()
        }
        "Concat" => concat(call, &shape)?,
        "Slice" => slice(call, &shape)?,
        "Pad" => pad(call, &shape)?,
        "Gather" => {
            let (x, indices) = (call.x(0)?, call.x(1)?);
            let axis = axis(node.int("axis", 0)?, x.shape.len());
            let size = x.shape.get(axis).copied().unwrap_or(1) as f64;
            let k = indices.shape.len();
            let from = |at: Vec<usize>| {
                let (before, rest) = at.split_at(axis.min(at.len()));
                let (inner, after) = rest.split_at(k.min(rest.len()));
                let picked = indices.at(inner);
                let picked = if picked < 0.0 { picked + size } else { picked };
                x.at(&[before, &[picked as usize], after].concat())
            };
            places(&shape).map(from).collect()
        }
        "Range" => {
            let (start, step) = (call.x(0)?, call.x(2)?);
            let at = |a: &Array| a.data.first().copied().unwrap_or(0.0);
            (0..shape.iter().product()).map(|i: usize| at(start) + i as f64 * at(step)).collect()
        }
        "ConstantOfShape" => {
            let value = match node.attributes.get("value") {
                Some(Attribute::Tensor(constant)) => Array::of(constant),
                _ => None,
            };
            let value = value.and_then(|v| v.data.first().copied()).unwrap_or(0.0);
            vec![value; shape.iter().product()]
        }
        "OneHot" => {
            let (indices, depth, values) = (call.x(0)?, call.x(1)?, call.x(2)?);
            let rank = indices.shape.len();
            let axis = axis(node.int("axis", -1)?, rank + 1);
            let depth = depth.data.first().copied().unwrap_or(0.0);
            let value = |i: usize| values.data.get(i).copied().unwrap_or(f64::NAN);
            let hot = |mut at: Vec<usize>| {
                let class = at.remove(axis) as f64;
                let index = indices.at(&at);
                let index = if index < 0.0 { index + depth } else { index };
                value(usize::from(class == index))
            };
            places(&shape).map(hot).collect()
        }
        _ => return Ok(None),
    };
    Ok(Some(vec![Array::new(shape, data)]))
}

pub(super) fn axis(axis: i64, rank: usize) -> usize {
    let rank = rank.cast_signed() as i64;
    usize::try_from(if axis < 0 { axis + rank } else { axis }).unwrap_or(0)
}

fn concat(call: &Call<'_>, shape: &[usize]) -> Result<Vec<f64>, OnnxError> {
    let axis = axis(call.node.int("axis", 0)?, shape.len());
    let mut out = vec![0.0; shape.iter().product()];
    let mut offset = 0;
    for part in call.inputs.iter().copied().flatten() {
        for (mut at, value) in places(&part.shape).zip(&part.data) {
            if let Some(i) = at.get_mut(axis) {
                *i += offset;
            }
            if let Some(slot) = out.get_mut(flat(shape, &at)) {
                *slot = *value;
            }
        }
        offset += part.shape.get(axis).copied().unwrap_or(0);
    }
    Ok(out)
}

fn slice(call: &Call<'_>, shape: &[usize]) -> Result<Vec<f64>, OnnxError> {
    let x = call.x(0)?;
    let ranges = crate::shape::slices(call.node, &x.shape, |at| call.get(at).map(Array::ints))?;
    let from = |at: Vec<usize>| {
        let index: Vec<usize> = at
            .iter()
            .zip(&ranges)
            .map(|(i, r)| usize::try_from(r.start + i.cast_signed() as i64 * r.step).unwrap_or(usize::MAX))
            .collect();
        x.at(&index)
    };
    Ok(places(shape).map(from).collect())
}

fn pad(call: &Call<'_>, shape: &[usize]) -> Result<Vec<f64>, OnnxError> {
    let (x, pads) = (call.x(0)?, call.x(1)?);
    let value = call.get(2).and_then(|v| v.data.first().copied()).unwrap_or(0.0);
    let begins = pads.ints();
    let from = |at: usize| {
        let index: Option<Vec<usize>> = place(shape, at)
            .iter()
            .zip(&begins)
            .zip(&x.shape)
            .map(|((i, b), d)| usize::try_from(i.cast_signed() as i64 - b).ok().filter(|i| i < d))
            .collect();
        index.map_or(value, |index| x.at(&index))
    };
    Ok((0..shape.iter().product()).map(from).collect())
}
