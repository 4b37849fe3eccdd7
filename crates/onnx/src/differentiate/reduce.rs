//! Derivatives of reductions.

use super::rules::done;
use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::shape::FLOAT;

type Done = Result<Derivative, OnnxError>;

/// The axes of a canonical reduction.
fn axes(g: &Rule<'_, '_>) -> Result<Vec<usize>, OnnxError> {
    let given = match g.get(1) {
        None => return Ok((0..g.x(0).rank()).collect()),
        Some(axes) => axes.as_ints().ok_or_else(|| g.node.broken("its axes depend on the data"))?,
    };
    Ok(given.iter().filter_map(|a| usize::try_from(*a).ok()).collect())
}

/// A result, or the derivative with respect to it, with the reduced axes back as 1.
fn kept<'b>(v: V<'b>, x: V<'b>, axes: &[usize]) -> V<'b> {
    let one = |(at, d): (usize, Size)| if axes.contains(&at) { Size::Fixed(1) } else { d };
    v.reshape(&x.dims().into_iter().enumerate().map(one).collect::<Vec<_>>())
}

/// Sums and means: each value gets the same.
pub(super) fn spread(g: &Rule<'_, '_>, share: for<'b> fn(V<'b>, f32) -> V<'b>) -> Done {
    let (x, axes) = (g.x(0), axes(g)?);
    let count: usize = axes.iter().map(|axis| x.dim(*axis)).product();
    done(g.to(0, share(kept(g.dy(), x, &axes), count as f32).expand(&x.dims())))
}

/// Values that share the extreme share the derivative, as `amax` of PyTorch.
pub(super) fn extreme(g: &Rule<'_, '_>) -> Done {
    let (x, axes) = (g.x(0), axes(g)?);
    let hit = x.op2("Equal", kept(g.y(), x, &axes)).cast(FLOAT);
    done(g.to(0, hit / hit.sum(&axes, true) * kept(g.dy(), x, &axes)))
}

/// `y / x` for each value; where it is 0, the product of the others is computed, as long as they are few.
pub(super) fn product(g: &Rule<'_, '_>) -> Done {
    let (x, axes) = (g.x(0), axes(g)?);
    let (y, dy) = (kept(g.y(), x, &axes), kept(g.dy(), x, &axes));
    let &[axis] = axes.as_slice() else {
        return done(g.to(0, dy * y / x));
    };
    let size = x.dim(axis);
    if size > 64 {
        return done(g.to(0, dy * y / x));
    }
    let at = |i: usize| x.slice(&[(axis, i as i64, i as i64 + 1, 1)]);
    let others = |i: usize| (0..size).filter(|j| *j != i).map(at).reduce(|a, b| a * b);
    let parts: Vec<V<'_>> = (0..size).map(|i| others(i).map_or(dy, |p| p * dy)).collect();
    let whole = V::concat(&parts, axis).ok_or_else(|| g.node.broken("it reduces nothing"))?;
    done(g.to(0, whole))
}

/// 0 for a vector of length 0, as in PyTorch.
pub(super) fn length(g: &Rule<'_, '_>) -> Done {
    let (x, axes) = (g.x(0), axes(g)?);
    let y = kept(g.y(), x, &axes);
    let safe = y.only_where(y.op2("Greater", g.b.scalar(0.0)), g.b.scalar(1.0));
    done(g.to(0, x / safe * kept(g.dy(), x, &axes)))
}
