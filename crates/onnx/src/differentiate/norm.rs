//! Derivatives of operators that normalise.

use super::rules::done;
use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::{Size, V};

type Done = Result<Derivative, OnnxError>;

fn axis(g: &Rule<'_, '_>) -> Result<usize, OnnxError> {
    let (axis, rank) = (g.node.int("axis", -1)?, g.x(0).rank() as i64);
    usize::try_from(if axis < 0 { axis + rank } else { axis })
        .map_err(|_| g.node.broken("its axis is no dimension"))
}

pub(super) fn softmax(g: &Rule<'_, '_>) -> Done {
    let (y, dy, axis) = (g.y(), g.dy(), axis(g)?);
    done(g.to(0, y * (dy - (dy * y).sum(&[axis], true))))
}

pub(super) fn log_softmax(g: &Rule<'_, '_>) -> Done {
    let (y, dy, axis) = (g.y(), g.dy(), axis(g)?);
    done(g.to(0, dy - y.exp() * dy.sum(&[axis], true)))
}

/// With the statistics that were learnt, which stay as they are.
pub(super) fn batch(g: &Rule<'_, '_>) -> Done {
    let (x, dy) = (g.x(0), g.dy());
    let rank = x.rank();
    let per_channel = |v: V<'_>| {
        let mut dims = v.dims();
        dims.resize(rank - 1, Size::Fixed(1));
        dims
    };
    let column = |at: usize| g.x(at).reshape(&per_channel(g.x(at)));
    let deviation = (g.x(4) + g.float("epsilon", 1e-5)?).sqrt();
    let factor = g.x(1) / deviation;
    g.to_if(0, || dy * factor.reshape(&per_channel(factor)));
    let others: Vec<usize> = (0..rank).filter(|axis| *axis != 1).collect();
    g.to_if(1, || {
        let normal = (x - column(3)) / deviation.reshape(&per_channel(deviation));
        (dy * normal).sum(&others, false)
    });
    g.to_if(2, || dy.sum(&others, false));
    Ok(Derivative::True)
}

pub(super) fn layer(g: &Rule<'_, '_>) -> Done {
    let (x, dy) = (g.x(0), g.dy());
    let axes: Vec<usize> = (axis(g)?..x.rank()).collect();
    let normal = Normal::of(x, &axes, g.float("epsilon", 1e-5)?);
    g.to_if(0, || normal.input(dy * g.x(1)));
    g.to_if(1, || dy * normal.value);
    g.to_if(2, || dy);
    Ok(Derivative::True)
}

pub(super) fn instance(g: &Rule<'_, '_>) -> Done {
    let (x, dy) = (g.x(0), g.dy());
    let axes: Vec<usize> = (2..x.rank()).collect();
    let normal = Normal::of(x, &axes, g.float("epsilon", 1e-5)?);
    let mut column = g.x(1).dims();
    column.resize(x.rank() - 1, Size::Fixed(1));
    let others: Vec<usize> = (0..x.rank()).filter(|axis| *axis != 1).collect();
    g.to_if(0, || normal.input(dy * g.x(1).reshape(&column)));
    g.to_if(1, || (dy * normal.value).sum(&others, false));
    g.to_if(2, || dy.sum(&others, false));
    Ok(Derivative::True)
}

/// Values brought to mean 0 and variance 1 along some axes.
struct Normal<'b, 'a> {
    value: V<'b>,
    /// One over the deviation.
    scale: V<'b>,
    axes: &'a [usize],
}

impl<'b, 'a> Normal<'b, 'a> {
    fn of(x: V<'b>, axes: &'a [usize], epsilon: f32) -> Self {
        let centred = x - x.mean(axes, true);
        let variance = (centred * centred).mean(axes, true);
        let scale = 1.0 / (variance + epsilon).sqrt();
        Self { value: centred * scale, scale, axes }
    }

    /// The derivative with respect to what was normalised (Ba, Kiros and Hinton, *Layer Normalization*, 2016).
    fn input(&self, dy: V<'b>) -> V<'b> {
        let along = (dy * self.value).mean(self.axes, true);
        (dy - dy.mean(self.axes, true) - self.value * along) * self.scale
    }
}
