//! Derivatives of operators that move values: the way back.

use super::rules::done;
use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::graph::{Attribute, Constant};
use crate::shape::{FLOAT, MAX_PICKED, slices};

type Done = Result<Derivative, OnnxError>;

pub(super) fn transpose(g: &Rule<'_, '_>) -> Done {
    let rank = g.x(0).rank();
    let perm = g.node.ints("perm")?;
    let mut back: Vec<usize> = (0..rank).rev().collect();
    for (to, from) in perm.iter().enumerate() {
        if let Some(slot) = usize::try_from(*from).ok().and_then(|from| back.get_mut(from)) {
            *slot = to;
        }
    }
    done(g.to(0, g.dy().transpose(&back)))
}

/// Every copy adds up.
pub(super) fn tile(g: &Rule<'_, '_>) -> Done {
    let x = g.x(0);
    let repeats = g.x(1).as_ints().ok_or_else(|| g.node.broken("its repeats depend on the data"))?;
    let mut dims = Vec::new();
    let mut copies = Vec::new();
    for (dim, repeat) in x.dims().iter().zip(&repeats) {
        if *repeat != 1 {
            copies.push(dims.len());
            dims.push(Size::Fixed(usize::try_from(*repeat).unwrap_or(0)));
        }
        dims.push(*dim);
    }
    done(g.to(0, g.dy().reshape(&dims).sum(&copies, false)))
}

pub(super) fn concat(g: &Rule<'_, '_>) -> Done {
    let axis = g.node.int("axis", 0)?;
    let axis = usize::try_from(axis).map_err(|_| g.node.broken("its axis is no dimension"))?;
    let mut start = 0;
    for at in 0..g.node.inputs.len() {
        let size = g.x(at).dim(axis) as i64;
        g.to_if(at, || g.dy().slice(&[(axis, start, start + size, 1)]));
        start += size;
    }
    Ok(Derivative::True)
}

pub(super) fn slice(g: &Rule<'_, '_>) -> Done {
    let x = g.x(0);
    let sizes: Vec<usize> = x.dims().iter().map(|d| d.fixed().unwrap_or(1)).collect();
    let ranges = slices(g.node, &sizes, |at| g.get(at).and_then(V::as_ints))?;
    let mut d = g.dy();
    for (axis, range) in ranges.iter().enumerate() {
        let Some(size) = x.dims().get(axis).and_then(|d| d.fixed()) else {
            if range.step != 1 || range.count != 1 {
                return Err(g.node.broken("it picks rows of the batch"));
            }
            continue;
        };
        d = spread(d, axis, range.start, range.step, range.count, size);
    }
    done(g.to(0, d))
}

/// Puts `count` values back at `start`, `start + step`, … of `size` places that are 0 otherwise.
fn spread(d: V<'_>, axis: usize, start: i64, step: i64, count: usize, size: usize) -> V<'_> {
    if (start, step, count) == (0, 1, size) {
        return d;
    }
    let rank = d.rank();
    let one_axis = |at: usize, rank: usize, n: i64| {
        let mut all = vec![0; rank];
        if let Some(slot) = all.get_mut(at) {
            *slot = n;
        }
        all
    };
    let mut d = d;
    let mut start = start;
    if step < 0 && count > 0 {
        d = d.slice(&[(axis, -1, i64::MIN + 1, -1)]);
        start += (count as i64 - 1) * step;
    }
    // A single value has no places between it and the next.
    let gap = if count > 1 { step.unsigned_abs() as usize } else { 1 };
    let mut length = count;
    if gap > 1 && count > 0 {
        // Each value is followed by the places that were skipped.
        let mut apart = d.dims();
        apart.insert(axis + 1, Size::Fixed(1));
        let none = vec![0; rank + 1];
        let filled = d.reshape(&apart).padded(&none, &one_axis(axis + 1, rank + 1, gap as i64 - 1), 0.0);
        length = count * gap;
        let mut together = d.dims();
        if let Some(slot) = together.get_mut(axis) {
            *slot = Size::Fixed(length);
        }
        d = filled.reshape(&together);
    }
    let after = size as i64 - start - length as i64;
    d.padded(&one_axis(axis, rank, start), &one_axis(axis, rank, after), 0.0)
}

pub(super) fn pad(g: &Rule<'_, '_>) -> Done {
    let pads = g.x(1).as_ints().ok_or_else(|| g.node.broken("its pads depend on the data"))?;
    let (begins, ends) = pads.split_at(pads.len() / 2);
    let negated = |v: &[i64]| v.iter().map(|p| p.saturating_neg()).collect::<Vec<_>>();
    done(g.to(0, g.dy().padded(&negated(begins), &negated(ends), 0.0)))
}

/// Adds what was picked to the place it was picked from.
pub(super) fn gather(g: &Rule<'_, '_>) -> Done {
    let (x, indices, dy) = (g.x(0), g.x(1), g.dy());
    let axis = g.node.int("axis", 0)?;
    let axis = usize::try_from(axis).map_err(|_| g.node.broken("its axis is no dimension"))?;
    let size = x.dim(axis);
    let Some(places) = indices.as_ints() else { return embedding(g, axis, size) };
    if places.len().saturating_mul(size) > MAX_PICKED * 16 {
        let why = format!("{} places of {size} are more than is differentiated", places.len());
        return Err(g.node.broken(why));
    }
    // The picked places as one axis.
    let mut dims = x.dims();
    if let Some(slot) = dims.get_mut(axis) {
        *slot = Size::Fixed(places.len());
    }
    let picked = dy.reshape(&dims);
    let Some(&first) = places.first() else { return done(g.to(0, x * 0.0)) };
    if places.iter().zip(first..).all(|(p, expected)| *p == expected) {
        return done(g.to(0, spread(picked, axis, first, 1, places.len(), size)));
    }
    // One row of the matrix for each place that was picked, with a one where it comes from.
    let one = |at: usize| places.get(at / size).is_some_and(|p| *p == (at % size) as i64);
    let hot = (0..places.len() * size).map(|at| f32::from(one(at))).collect();
    let hot = g.b.constant(Constant::float32(vec![places.len(), size], hot));
    let mut last: Vec<usize> = (0..x.rank()).filter(|a| *a != axis).collect();
    last.push(axis);
    let mut back: Vec<usize> = (0..x.rank() - 1).collect();
    back.insert(axis, x.rank() - 1);
    done(g.to(0, picked.transpose(&last).matmul(hot).transpose(&back)))
}

/// Picked by numbers that are computed: rows of a table of weights.
fn embedding(g: &Rule<'_, '_>, axis: usize, size: usize) -> Done {
    let (x, indices, dy) = (g.x(0), g.x(1), g.dy());
    let whole = crate::canonical::product(&indices.dims());
    let (Some(many), true, true) = (whole, axis == 0, x.dims().iter().all(|d| d.fixed().is_some())) else {
        return Err(g.node.broken("it picks by computed numbers along another axis than the first"));
    };
    let numbers = g.b.constant(Constant::int64(vec![1, size], (0..size as i64).collect()));
    let flat = indices.reshape(&[many, Size::Fixed(1)]).cast(crate::shape::INT);
    let counted = flat.only_where(
        flat.op2("GreaterOrEqual", g.b.constant(Constant::int64(Vec::new(), vec![0]))),
        flat.op2("Add", g.b.constant(Constant::int64(Vec::new(), vec![size as i64]))),
    );
    let hot = counted.op2("Equal", numbers).cast(FLOAT);
    let width = x.dims().get(1..).and_then(crate::canonical::product).unwrap_or(Size::Fixed(1));
    let rows = dy.reshape(&[many, width]);
    let sum = g.b.op("Gemm", &[hot, rows], vec![("transA", Attribute::Int(1))]);
    done(g.to(0, sum.reshape(&x.dims())))
}
