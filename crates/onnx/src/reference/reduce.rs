//! Operators that bring many values down to one, and those that normalise by such a value.

use super::layout::axis;
use super::{Array, Call, flat, places};
use crate::OnnxError;
use crate::graph::{Attribute, Node};

pub(super) fn evaluate(call: &Call<'_>) -> Result<Option<Vec<Array>>, OnnxError> {
    let node = call.node;
    if let Some(f) = reduction(&node.operator) {
        let x = call.x(0)?;
        let axes: Vec<usize> = match call.get(1) {
            Some(axes) if !axes.data.is_empty() => {
                axes.ints().iter().map(|a| axis(*a, x.shape.len())).collect()
            }
            _ if node.int("noop_with_empty_axes", 0)? != 0 => return Ok(Some(vec![x.clone()])),
            _ => (0..x.shape.len()).collect(),
        };
        let data = groups(x, &axes).iter().map(|g| f(g)).collect();
        return Ok(Some(vec![Array::new(call.shape(), data)]));
    }
    let x = match call.get(0) {
        Some(x) => x,
        None => return Ok(None),
    };
    let rank = x.shape.len();
    let one = match node.operator.as_str() {
        "ArgMax" | "ArgMin" => {
            let axis = axis(node.int("axis", 0)?, rank);
            let sign = if node.operator == "ArgMax" { 1.0 } else { -1.0 };
            let first = |g: &Vec<f64>| {
                let best = g.iter().enumerate().reduce(|b, n| if n.1 * sign > b.1 * sign { n } else { b });
                best.map_or(0.0, |(at, _)| at as f64)
            };
            Array::new(call.shape(), groups(x, &[axis]).iter().map(first).collect())
        }
        "Softmax" => along(x, &[axis(node.int("axis", -1)?, rank)], softmax),
        "LogSoftmax" => along(x, &[axis(node.int("axis", -1)?, rank)], |g| {
            let most = g.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum = g.iter().map(|v| (v - most).exp()).sum::<f64>().ln();
            g.iter().map(|v| v - most - sum).collect()
        }),
        "LayerNormalization" => {
            let first = axis(node.int("axis", -1)?, rank);
            let axes: Vec<usize> = (first..rank).collect();
            let normal = along(x, &axes, |g| normal(g, epsilon(node)));
            scaled(call, &normal, |at| at.to_vec())?
        }
        "InstanceNormalization" => {
            let axes: Vec<usize> = (2..rank).collect();
            let normal = along(x, &axes, |g| normal(g, epsilon(node)));
            scaled(call, &normal, |at| at.get(1).copied().into_iter().collect())?
        }
        "BatchNormalization" => {
            let (mean, variance) = (call.x(3)?, call.x(4)?);
            let value = |at: Vec<usize>| {
                let c = at.get(1..2).unwrap_or_default();
                (x.at(&at) - mean.at(c)) / (variance.at(c) + epsilon(node)).sqrt()
            };
            let normal = Array::new(x.shape.clone(), places(&x.shape).map(value).collect());
            scaled(call, &normal, |at| at.get(1).copied().into_iter().collect())?
        }
        "GlobalAveragePool" | "GlobalMaxPool" => {
            let axes: Vec<usize> = (2..rank).collect();
            let f = if node.operator == "GlobalMaxPool" { largest } else { mean };
            Array::new(call.shape(), groups(x, &axes).iter().map(|g| f(g)).collect())
        }
        _ => return Ok(None),
    };
    Ok(Some(vec![one]))
}

fn reduction(operator: &str) -> Option<fn(&[f64]) -> f64> {
    Some(match operator {
        "ReduceSum" => |g| g.iter().sum(),
        "ReduceMean" => mean,
        "ReduceMax" => largest,
        "ReduceMin" => |g| g.iter().copied().fold(f64::INFINITY, f64::min),
        "ReduceProd" => |g| g.iter().product(),
        "ReduceL2" => |g| g.iter().map(|v| v * v).sum::<f64>().sqrt(),
        _ => return None,
    })
}

fn mean(g: &[f64]) -> f64 {
    g.iter().sum::<f64>() / g.len() as f64
}

fn largest(g: &[f64]) -> f64 {
    g.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn softmax(g: &[f64]) -> Vec<f64> {
    let most = largest(g);
    let sum: f64 = g.iter().map(|v| (v - most).exp()).sum();
    g.iter().map(|v| (v - most).exp() / sum).collect()
}

fn normal(g: &[f64], epsilon: f64) -> Vec<f64> {
    let mean = mean(g);
    let variance = g.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / g.len() as f64;
    g.iter().map(|v| (v - mean) / (variance + epsilon).sqrt()).collect()
}

fn epsilon(node: &Node) -> f64 {
    match node.attributes.get("epsilon") {
        Some(Attribute::Float(v)) => f64::from(*v),
        _ => f64::from(1e-5f32),
    }
}

/// `normal * scale + bias`, with scale and bias (inputs 1 and 2) at the place that `at` gives.
fn scaled(call: &Call<'_>, normal: &Array, at: impl Fn(&[usize]) -> Vec<usize>) -> Result<Array, OnnxError> {
    let (scale, bias) = (call.x(1)?, call.get(2));
    let value = |(place, v): (Vec<usize>, &f64)| {
        let place = at(&place);
        v * scale.broadcast(&place) + bias.map_or(0.0, |b| b.broadcast(&place))
    };
    Ok(Array::new(normal.shape.clone(), places(&normal.shape).zip(&normal.data).map(value).collect()))
}

/// The values that are reduced together, for each place that is left, in row-major order.
fn groups(x: &Array, axes: &[usize]) -> Vec<Vec<f64>> {
    indices(&x.shape, axes)
        .iter()
        .map(|g| g.iter().filter_map(|at| x.data.get(*at).copied()).collect())
        .collect()
}

/// `f` over the values along some axes, in place of them.
fn along(x: &Array, axes: &[usize], f: impl Fn(&[f64]) -> Vec<f64>) -> Array {
    let mut data = vec![0.0; x.data.len()];
    for group in indices(&x.shape, axes) {
        let values: Vec<f64> = group.iter().filter_map(|at| x.data.get(*at).copied()).collect();
        for (at, value) in group.iter().zip(f(&values)) {
            if let Some(slot) = data.get_mut(*at) {
                *slot = value;
            }
        }
    }
    Array::new(x.shape.clone(), data)
}

fn indices(shape: &[usize], axes: &[usize]) -> Vec<Vec<usize>> {
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(a, d)| if axes.contains(&a) { 1 } else { *d }).collect();
    let mut groups = vec![Vec::new(); kept.iter().product()];
    for (at, index) in places(shape).enumerate() {
        let index: Vec<usize> =
            index.iter().enumerate().map(|(a, i)| if axes.contains(&a) { 0 } else { *i }).collect();
        if let Some(group) = groups.get_mut(flat(&kept, &index)) {
            group.push(at);
        }
    }
    groups
}
