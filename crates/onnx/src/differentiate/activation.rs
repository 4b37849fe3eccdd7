//! Derivatives of operators that work value by value.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use super::conv::fused_node;
use super::rules::done;
use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::{V, is_float};
use crate::fused;
use crate::shape::FLOAT;

type Done = Result<Derivative, OnnxError>;

/// 0 at 0, as in PyTorch.
pub(super) fn relu(g: &Rule<'_, '_>) -> Done {
    if g.fused() {
        return done(g.to(0, fused_node(g, fused::RELU_GRAD, Vec::new(), [g.y(), g.dy()])));
    }
    done(g.to(0, g.dy().masked(positive(g.y()))))
}

pub(super) fn leaky_relu(g: &Rule<'_, '_>) -> Done {
    let slope = g.float("alpha", 0.01)?;
    done(g.to(0, g.dy().only_where(positive(g.x(0)), g.dy() * slope)))
}

/// `alpha (exp(x) - 1)` has the derivative `y + alpha`.
pub(super) fn elu(g: &Rule<'_, '_>) -> Done {
    let alpha = g.float("alpha", 1.0)?;
    done(g.to(0, g.dy().only_where(positive(g.x(0)), g.dy() * (g.y() + alpha))))
}

fn positive(x: V<'_>) -> V<'_> {
    x.op2("Greater", x.builder().scalar(0.0))
}

/// The derivative of the error function.
pub(super) fn bell(x: V<'_>) -> V<'_> {
    (-(x * x)).exp() * (2.0 / PI.sqrt())
}

pub(super) fn gelu(g: &Rule<'_, '_>) -> Done {
    let x = g.x(0);
    if g.node.text("approximate", "none")? == "tanh" {
        let k = (2.0 / PI).sqrt();
        let t = ((x + x * x * x * 0.044_715) * k).op("Tanh");
        let slope = (x * x * (3.0 * 0.044_715) + 1.0) * k;
        return done(g.to(0, g.dy() * ((t + 1.0) * 0.5 + x * 0.5 * (1.0 - t * t) * slope)));
    }
    let z = x * FRAC_1_SQRT_2;
    done(g.to(0, g.dy() * ((z.op("Erf") + 1.0) * 0.5 + x * bell(z) * (0.5 * FRAC_1_SQRT_2))))
}

/// 1 within the bounds and on them, as in PyTorch.
pub(super) fn clip(g: &Rule<'_, '_>) -> Done {
    let x = g.x(0);
    let above = g.get(1).map(|low| x.op2("GreaterOrEqual", low));
    let below = g.get(2).map(|high| x.op2("LessOrEqual", high));
    done(g.to(
        0,
        match (above, below) {
            (Some(above), Some(below)) => g.dy().masked(above.op2("And", below)),
            (Some(one), None) | (None, Some(one)) => g.dy().masked(one),
            (None, None) => g.dy(),
        },
    ))
}

/// `x^p`. The exponent's derivative is 0 where the base is not positive, where the logarithm has no value.
pub(super) fn power(g: &Rule<'_, '_>) -> Done {
    let (x, p, dy) = (g.x(0), g.x(1), g.dy());
    g.to_if(0, || match p.as_scalar() {
        Some(0.0) => x * 0.0,
        Some(1.0) => dy,
        Some(2.0) => dy * x * 2.0,
        Some(0.5) => dy * 0.5 / g.y(),
        Some(v) => dy * x.op2("Pow", g.b.scalar(v - 1.0)) * v,
        None => dy * p * x.op2("Pow", p - 1.0),
    });
    g.to_if(1, || {
        let base = x.only_where(positive(x), g.b.scalar(1.0));
        dy * g.y() * base.op("Log")
    });
    Ok(Derivative::True)
}

/// Where two values are equal they share the derivative, as in PyTorch.
pub(super) fn extreme(g: &Rule<'_, '_>, wins: &str) -> Done {
    let (a, b) = (g.x(0), g.x(1));
    let tie = a.op2("Equal", b).cast(FLOAT) * 0.5;
    g.to_if(0, || g.dy() * (a.op2(wins, b).cast(FLOAT) + tie));
    g.to_if(1, || g.dy() * (b.op2(wins, a).cast(FLOAT) + tie));
    Ok(Derivative::True)
}

pub(super) fn choice(g: &Rule<'_, '_>) -> Done {
    let zero = g.b.scalar(0.0);
    g.to_if(1, || g.dy().only_where(g.x(0), zero));
    g.to_if(2, || zero.only_where(g.x(0), g.dy()));
    Ok(Derivative::True)
}

/// Between floats nothing changes. To integers and back is a step, taken for the identity.
pub(super) fn cast(g: &Rule<'_, '_>) -> Done {
    g.to(0, g.dy().cast(FLOAT));
    let (from, to) = (g.x(0).element(), g.y().element());
    Ok(if is_float(from) && !is_float(to) { Derivative::StraightThrough } else { Derivative::True })
}

/// `round(x / scale) + zero`, taken for the identity where it does not saturate.
pub(super) fn quantise(g: &Rule<'_, '_>) -> Done {
    let (x, scale) = (g.x(0), along(g, g.x(1))?);
    let (low, high) = if g.y().element().0 == 3 { (-128.0, 127.0) } else { (0.0, 255.0) };
    let zero = match g.get(2) {
        Some(zero) => along(g, zero.cast(FLOAT))?,
        None => g.b.scalar(0.0),
    };
    let at = x / scale + zero;
    let inside =
        at.op2("GreaterOrEqual", g.b.scalar(low)).op2("And", at.op2("LessOrEqual", g.b.scalar(high)));
    g.to(0, (g.dy() / scale).masked(inside));
    Ok(Derivative::StraightThrough)
}

pub(super) fn dequantise(g: &Rule<'_, '_>) -> Done {
    let scale = along(g, g.x(1))?;
    done(g.to(0, g.dy() * scale))
}

/// One value for all, or one for each place of an axis, in a shape that broadcasts.
fn along<'b>(g: &Rule<'b, '_>, v: V<'b>) -> Result<V<'b>, OnnxError> {
    if v.rank() == 0 {
        return Ok(v);
    }
    let rank = g.x(0).rank();
    let axis = g.node.int("axis", 1)?;
    let axis = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).unwrap_or(0);
    let mut dims = v.dims();
    dims.resize(rank.saturating_sub(axis).max(1), crate::build::Size::Fixed(1));
    Ok(v.reshape(&dims))
}
