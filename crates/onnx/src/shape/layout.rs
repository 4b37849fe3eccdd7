//! Shapes of operators that move, pick or reduce values.

use super::{Arg, Call, INT, Output, broadcast_shapes};
use crate::OnnxError;
use crate::graph::{Attribute, Node};
use crate::tensor::volume;

/// The values that a slice takes along one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

/// What a `Slice` takes of each dimension of `shape`; `ints` gives the values of its inputs.
pub(crate) fn slices(
    node: &Node,
    shape: &[usize],
    ints: impl Fn(usize) -> Option<Vec<i64>>,
) -> Result<Vec<Range>, OnnxError> {
    let mut ranges: Vec<Range> = shape.iter().map(|d| Range { start: 0, step: 1, count: *d }).collect();
    let (Some(starts), Some(ends)) = (ints(1), ints(2)) else {
        return Err(node.broken("where it begins and ends depends on the data; that is not followed"));
    };
    let axes = ints(3).unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = ints(4).unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err(node.broken("its starts, ends, axes and steps differ in number"));
    }
    for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = if *axis < 0 { axis.saturating_add(shape.len() as i64) } else { *axis };
        let axis = usize::try_from(axis).ok().filter(|a| *a < shape.len());
        let axis = axis.ok_or_else(|| node.broken("an axis is none of its input's dimensions"))?;
        let size = shape.get(axis).copied().unwrap_or(0) as i64;
        if *step == 0 {
            return Err(node.broken("a step is 0"));
        }
        let from_end = |v: i64| if v < 0 { v.saturating_add(size) } else { v };
        let (low, high) = if *step > 0 { (0, size) } else { (-1, size - 1) };
        // To the very beginning is written as a number far below, which stays below after counting from the end.
        let (start, end) =
            (from_end(*start).clamp(low.max(0).min(high), high), from_end(*end).clamp(low, high));
        let span = if *step > 0 { end - start } else { start - end };
        let count = usize::try_from(span).map_or(0, |span| span.div_ceil(step.unsigned_abs() as usize));
        if let Some(range) = ranges.get_mut(axis) {
            *range = Range { start, step: *step, count };
        }
    }
    Ok(ranges)
}

pub(super) fn slice(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let ranges = slices(call.node, &x.shape, |at| call.get(at).and_then(|a| a.value).map(|v| v.ints()))?;
    Ok(vec![(x.element, ranges.iter().map(|r| r.count).collect())])
}

pub(super) fn reduce(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let keep = call.node.int("keepdims", 1)? != 0;
    let given = if call.get(1).is_some() { call.ints(1)? } else { Vec::new() };
    if given.is_empty() && call.node.int("noop_with_empty_axes", 0)? != 0 {
        return Ok(vec![(x.element, x.shape.clone())]);
    }
    let axes = if given.is_empty() {
        (0..x.shape.len()).collect()
    } else {
        given.iter().map(|a| call.on_axis(*a, x.shape.len())).collect::<Result<Vec<_>, _>>()?
    };
    Ok(vec![(x.element, without(x, &axes, keep))])
}

pub(super) fn arg(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let axis = call.axis("axis", 0)?;
    let keep = call.node.int("keepdims", 1)? != 0;
    Ok(vec![(INT, without(call.arg(0)?, &[axis], keep))])
}

fn without(x: &Arg<'_>, axes: &[usize], keep: bool) -> Vec<usize> {
    let left = x.shape.iter().enumerate().filter_map(|(at, d)| match (axes.contains(&at), keep) {
        (false, _) => Some(*d),
        (true, true) => Some(1),
        (true, false) => None,
    });
    left.collect()
}

pub(super) fn reshape(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let wanted = call.ints(1)?;
    let copies = call.node.int("allowzero", 0)? == 0;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (at, dim) in wanted.iter().enumerate() {
        shape.push(match dim {
            -1 if open.is_some() => return Err(call.wrong("two dimensions are left open")),
            -1 => {
                open = Some(at);
                1
            }
            0 if copies => {
                *x.shape.get(at).ok_or_else(|| call.wrong("it copies a dimension that is not there"))?
            }
            d => usize::try_from(*d).map_err(|_| call.wrong(format!("{d} is no dimension")))?,
        });
    }
    let (held, named) = (volume(&x.shape), volume(&shape));
    let (Some(held), Some(named)) = (held, named) else { return Err(call.wrong("the shape is too large")) };
    if let Some(slot) = open.and_then(|at| shape.get_mut(at))
        && named > 0
    {
        *slot = held / named;
    }
    if volume(&shape) != Some(held) {
        return Err(call.wrong(format!("shape {:?} has not as many values as {wanted:?}", x.shape)));
    }
    Ok(vec![(x.element, shape)])
}

pub(super) fn transpose(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let rank = x.shape.len();
    let perm = call.node.ints("perm")?;
    let perm: Vec<usize> = if perm.is_empty() {
        (0..rank).rev().collect()
    } else {
        perm.iter().map(|p| call.on_axis(*p, rank)).collect::<Result<_, _>>()?
    };
    let mut seen = vec![false; rank];
    perm.iter().filter_map(|p| seen.get_mut(*p).map(|s| *s = true)).count();
    if perm.len() != rank || !seen.iter().all(|s| *s) {
        return Err(call.wrong(format!("{perm:?} is no order of {rank} dimensions")));
    }
    Ok(vec![(x.element, perm.iter().filter_map(|p| x.shape.get(*p).copied()).collect())])
}

pub(super) fn squeeze(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let rank = x.shape.len();
    let axes = if call.get(1).is_some() {
        call.ints(1)?.iter().map(|a| call.on_axis(*a, rank)).collect::<Result<Vec<_>, _>>()?
    } else {
        (0..rank).filter(|a| x.shape.get(*a) == Some(&1)).collect()
    };
    if axes.iter().any(|a| x.shape.get(*a) != Some(&1)) {
        return Err(call.wrong(format!("it takes away a dimension of {:?} that is not 1", x.shape)));
    }
    Ok(vec![(x.element, without(x, &axes, false))])
}

pub(super) fn unsqueeze(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let axes = call.ints(1)?;
    let rank = x.shape.len() + axes.len();
    let mut axes = axes.iter().map(|a| call.on_axis(*a, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    let mut shape = x.shape.clone();
    for axis in axes {
        if axis > shape.len() {
            return Err(call.wrong("an axis is given twice"));
        }
        shape.insert(axis, 1);
    }
    Ok(vec![(x.element, shape)])
}

pub(super) fn expand(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let wanted = dims(call, 1)?;
    let shape = broadcast_shapes(&x.shape, &wanted)
        .ok_or_else(|| call.wrong(format!("shape {:?} does not expand to {wanted:?}", x.shape)))?;
    Ok(vec![(x.element, shape)])
}

/// An operand that is a shape.
fn dims(call: &Call<'_>, at: usize) -> Result<Vec<usize>, OnnxError> {
    let ints = call.ints(at)?;
    let dim = |d: &i64| usize::try_from(*d).map_err(|_| call.wrong(format!("{d} is no dimension")));
    ints.iter().map(dim).collect()
}

pub(super) fn constant_of_shape(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let element = match call.node.attributes.get("value") {
        Some(Attribute::Tensor(value)) => value.element,
        _ => super::FLOAT,
    };
    Ok(vec![(element, dims(call, 0)?)])
}

pub(super) fn tile(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let repeats = dims(call, 1)?;
    if repeats.len() != x.shape.len() {
        return Err(call.wrong("it has not one repeat for each dimension"));
    }
    let shape = x.shape.iter().zip(&repeats).map(|(d, r)| d.checked_mul(*r)).collect::<Option<Vec<_>>>();
    Ok(vec![(x.element, shape.ok_or_else(|| call.wrong("the result is too large"))?)])
}

pub(super) fn concat(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let first = call.arg(0)?;
    let axis = call.axis("axis", 0)?;
    let mut shape = first.shape.clone();
    let mut sum = 0usize;
    for at in 0..call.args.len() {
        let part = &call.arg(at)?.shape;
        let same = part.len() == shape.len()
            && part.iter().zip(&shape).enumerate().all(|(i, (a, b))| i == axis || a == b);
        if !same {
            return Err(
                call.wrong(format!("shapes {:?} and {part:?} differ beside axis {axis}", first.shape))
            );
        }
        sum = sum.saturating_add(part.get(axis).copied().unwrap_or(0));
    }
    if let Some(slot) = shape.get_mut(axis) {
        *slot = sum;
    }
    Ok(vec![(first.element, shape)])
}

pub(super) fn pad(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let pads = call.ints(1)?;
    let rank = x.shape.len();
    if pads.len() != 2 * rank {
        return Err(call.wrong(format!("it has {} pads for {rank} dimensions", pads.len())));
    }
    let (begins, ends) = pads.split_at(rank);
    let padded = |((d, b), e): ((&usize, &i64), &i64)| {
        let size = (*d as i64).checked_add(*b)?.checked_add(*e)?;
        usize::try_from(size).ok()
    };
    let shape = x.shape.iter().zip(begins).zip(ends).map(padded).collect::<Option<Vec<_>>>();
    Ok(vec![(x.element, shape.ok_or_else(|| call.wrong("a pad takes away more than there is"))?)])
}

pub(super) fn gather(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let (x, indices) = (call.arg(0)?, call.arg(1)?);
    let axis = call.axis("axis", 0)?;
    let size = x.shape.get(axis).copied().unwrap_or(0) as i64;
    if let Some(value) = indices.value
        && let Some(out) = value.ints().iter().find(|i| !(-size..size).contains(*i))
    {
        return Err(call.wrong(format!("index {out} lies outside of the {size} values of axis {axis}")));
    }
    let (before, after) = x.shape.split_at(axis);
    Ok(vec![(x.element, [before, &indices.shape, after.get(1..).unwrap_or_default()].concat())])
}

pub(super) fn one_hot(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let rank = call.arg(0)?.shape.len();
    let axis = call.on_axis(call.node.int("axis", -1)?, rank + 1)?;
    let depth = dims(call, 1)?.first().copied().unwrap_or(0);
    let mut shape = call.arg(0)?.shape.clone();
    shape.insert(axis, depth);
    Ok(vec![(call.arg(2)?.element, shape)])
}

pub(super) fn range(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let number = |at: usize| -> Result<f64, OnnxError> {
        let value = call.arg(at)?.value.and_then(|v| v.data.first().copied());
        value.ok_or_else(|| call.wrong("its length depends on the data; that is not followed"))
    };
    let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
    let count = ((limit - start) / step).ceil();
    if !(count.is_finite() && count < 1e9) {
        return Err(call.wrong(format!("from {start} to {limit} in steps of {step} is no range")));
    }
    Ok(vec![(call.arg(0)?.element, vec![count.max(0.0) as usize])])
}
