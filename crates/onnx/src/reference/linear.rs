//! Products of matrices.

use super::{Array, Call, places};
use crate::OnnxError;
use crate::graph::Attribute;

pub(super) fn evaluate(call: &Call<'_>) -> Result<Option<Vec<Array>>, OnnxError> {
    let node = call.node;
    match node.operator.as_str() {
        "MatMul" => matmul(call).map(|y| Some(vec![y])),
        "Gemm" => {
            let (a, b, c) = (call.x(0)?, call.x(1)?, call.get(2));
            let number = |name: &str| match node.attributes.get(name) {
                Some(Attribute::Float(v)) => f64::from(*v),
                _ => 1.0,
            };
            let (alpha, beta) = (number("alpha"), number("beta"));
            let (ta, tb) = (node.int("transA", 0)? != 0, node.int("transB", 0)? != 0);
            let inner = a.shape.get(usize::from(!ta)).copied().unwrap_or(0);
            let side = |m: &Array, t: bool, i: usize, j: usize| m.at(&if t { [j, i] } else { [i, j] });
            let value = |at: Vec<usize>| {
                let (i, j) = (at.first().copied().unwrap_or(0), at.get(1).copied().unwrap_or(0));
                let sum: f64 = (0..inner).map(|k| side(a, ta, i, k) * side(b, tb, k, j)).sum();
                alpha * sum + c.map_or(0.0, |c| beta * c.broadcast(&at))
            };
            let shape = call.shape();
            let data = places(&shape).map(value).collect();
            Ok(Some(vec![Array::new(shape, data)]))
        }
        _ => Ok(None),
    }
}

fn matmul(call: &Call<'_>) -> Result<Array, OnnxError> {
    let (a, b) = (call.x(0)?, call.x(1)?);
    // A vector is a row on the left and a column on the right.
    let left = if a.shape.len() == 1 { [&[1], &a.shape[..]].concat() } else { a.shape.clone() };
    let right = if b.shape.len() == 1 { [&b.shape[..], &[1]].concat() } else { b.shape.clone() };
    let (a1, b1) = (a.shape.len() == 1, b.shape.len() == 1);
    let a = Array::new(left, a.data.clone());
    let b = Array::new(right, b.data.clone());
    let inner = a.shape.last().copied().unwrap_or(0);
    let value = |at: Vec<usize>| {
        let mut at = at;
        let column = if b1 { 0 } else { at.pop().unwrap_or(0) };
        let row = if a1 { 0 } else { at.pop().unwrap_or(0) };
        let place = |m: &Array, i: usize, j: usize| {
            let batch = m.shape.len().saturating_sub(2);
            let skip = at.len().saturating_sub(batch);
            let mut index: Vec<usize> =
                at.iter().skip(skip).zip(&m.shape).map(|(i, d)| if *d == 1 { 0 } else { *i }).collect();
            index.extend([i, j]);
            m.at(&index)
        };
        (0..inner).map(|k| place(&a, row, k) * place(&b, k, column)).sum()
    };
    let shape = call.shape();
    let data = places(&shape).map(value).collect();
    Ok(Array::new(shape, data))
}
