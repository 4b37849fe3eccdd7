//! Operators that are compositions of others. What they are made of has a derivative, so they have one.

use super::plain::{axes, reduced};
use super::{Adapt, Adapter, product};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::graph::{Attribute, Constant};

type Made<'b> = Result<Vec<V<'b>>, OnnxError>;

pub(super) fn adapter(operator: &str) -> Option<Adapter> {
    Some(match operator {
        "HardSigmoid" => {
            |a| Ok(vec![hard_sigmoid(a.input(0)?, a.float("alpha", 0.2)?, a.float("beta", 0.5)?)])
        }
        "HardSwish" => |a| {
            let x = a.input(0)?;
            Ok(vec![x * hard_sigmoid(x, 1.0 / 6.0, 0.5)])
        },
        "Selu" => |a| {
            let alpha = a.float("alpha", 1.673_263_2)?;
            Ok(vec![elu(a.input(0)?, alpha) * a.float("gamma", 1.050_701)?])
        },
        "Celu" => |a| {
            let alpha = a.float("alpha", 1.0)?;
            // max(0, x) + min(0, alpha (exp(x / alpha) - 1)), which is alpha times the Elu of x / alpha.
            Ok(vec![elu(a.input(0)? / alpha, 1.0) * alpha])
        },
        "Mish" => |a| {
            let x = a.input(0)?;
            Ok(vec![x * x.op("Softplus").op("Tanh")])
        },
        "Softsign" => |a| {
            let x = a.input(0)?;
            Ok(vec![x / (x.op("Abs") + 1.0)])
        },
        "ThresholdedRelu" => |a| {
            let x = a.input(0)?;
            Ok(vec![x.masked(x.op2("Greater", a.b.scalar(a.float("alpha", 1.0)?)))])
        },
        "PRelu" => |a| {
            let (x, slope) = (a.input(0)?, a.input(1)?);
            let negative = x.op2("Less", a.b.scalar(0.0));
            Ok(vec![(x * slope).only_where(negative, x)])
        },
        "ReduceL1" => |a| Ok(vec![reduced(a, "ReduceSum", a.input(0)?.op("Abs"), false)?]),
        "ReduceSumSquare" => |a| {
            let x = a.input(0)?;
            Ok(vec![reduced(a, "ReduceSum", x * x, false)?])
        },
        "ReduceLogSum" => |a| Ok(vec![reduced(a, "ReduceSum", a.input(0)?, false)?.op("Log")]),
        "ReduceLogSumExp" => log_sum_exp,
        "LpNormalization" => lp_normalization,
        "GroupNormalization" => group_normalization,
        "MeanVarianceNormalization" => |a| {
            let x = a.input(0)?;
            let axes = a.ints(1, "axes")?.unwrap_or_else(|| vec![0, 2, 3]);
            let axes = axes.iter().map(|axis| a.on_axis(*axis, x.rank())).collect::<Result<Vec<_>, _>>()?;
            let centred = x - x.mean(&axes, true);
            let deviation = (centred * centred).mean(&axes, true).sqrt();
            Ok(vec![centred / (deviation + 1e-9)])
        },
        "LRN" => local_response,
        _ => return None,
    })
}

fn hard_sigmoid(x: V<'_>, alpha: f32, beta: f32) -> V<'_> {
    let b = x.builder();
    b.op("Clip", &[x * alpha + beta, b.scalar(0.0), b.scalar(1.0)], Vec::new())
}

fn elu(x: V<'_>, alpha: f32) -> V<'_> {
    x.builder().op("Elu", &[x], vec![("alpha", Attribute::Float(alpha))])
}

/// The largest value is taken out before the exponentials. It cancels, so no derivative goes through it.
fn log_sum_exp<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let Some(axes) = axes(a, x.rank())? else { return Ok(vec![x]) };
    let most = x.max(&axes, true).detached();
    let y = (x - most).exp().sum(&axes, true).op("Log") + most;
    if a.node.int("keepdims", 1)? != 0 {
        return Ok(vec![y]);
    }
    let left: Vec<Size> =
        y.dims().into_iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, d)| d).collect();
    Ok(vec![y.reshape(&left)])
}

fn lp_normalization<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let axis = a.axis("axis", -1, x.rank())?;
    let length = match a.node.int("p", 2)? {
        1 => x.op("Abs").sum(&[axis], true),
        2 => {
            let axes = a.b.ints(&[axis as i64]);
            a.b.op("ReduceL2", &[x, axes], vec![("keepdims", Attribute::Int(1))])
        }
        p => return Err(a.node.broken(format!("p is {p}; 1 and 2 are defined"))),
    };
    Ok(vec![x / length])
}

/// Instance normalisation over groups of channels. Scale and bias are per group before operator set 21 and per
/// channel since.
fn group_normalization<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let (x, scale, bias) = (a.input(0)?, a.input(1)?, a.input(2)?);
    let groups = usize::try_from(a.node.int("num_groups", 1)?).ok().filter(|g| *g > 0);
    let groups = groups.ok_or_else(|| a.node.broken("it has no groups"))?;
    let dims = x.dims();
    let (Some(n), Some(rest)) = (dims.first(), dims.get(1..).and_then(product).and_then(Size::fixed)) else {
        return Err(a.node.broken("its input has no channels of fixed size"));
    };
    let grouped = [*n, Size::Fixed(groups), Size::Fixed(rest / groups)];
    let vector = |v: f32| a.b.constant(Constant::float32(vec![groups], vec![v; groups]));
    let epsilon = vec![("epsilon", Attribute::Float(a.float("epsilon", 1e-5)?))];
    let normal = a.b.op("InstanceNormalization", &[x.reshape(&grouped), vector(1.0), vector(0.0)], epsilon);
    // One value for each group or channel, with ones behind.
    let column = |v: V<'b>, rank: usize| {
        let mut dims = v.dims();
        dims.resize(rank - 1, Size::Fixed(1));
        v.reshape(&dims)
    };
    if a.context.opset < 21 && scale.dims() == [Size::Fixed(groups)] {
        return Ok(vec![(normal * column(scale, 3) + column(bias, 3)).reshape(&dims)]);
    }
    Ok(vec![normal.reshape(&dims) * column(scale, x.rank()) + column(bias, x.rank())])
}

/// Local response normalisation: an average of squares over neighbouring channels.
fn local_response<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let size = usize::try_from(a.node.int("size", 1)?).ok().filter(|s| (1..=1024).contains(s));
    let size = size.ok_or_else(|| a.node.broken("attribute \"size\" is no number of channels"))?;
    let (alpha, beta, bias) = (a.float("alpha", 1e-4)?, a.float("beta", 0.75)?, a.float("bias", 1.0)?);
    let (rank, channels) = (x.rank(), x.dim(1));
    let (mut begins, mut ends) = (vec![0; rank], vec![0; rank]);
    let before = (size - 1) / 2;
    if let (Some(b), Some(e)) = (begins.get_mut(1), ends.get_mut(1)) {
        (*b, *e) = (before as i64, (size - 1 - before) as i64);
    }
    let squares = (x * x).padded(&begins, &ends, 0.0);
    let neighbour = |at: usize| squares.slice(&[(1, at as i64, (at + channels) as i64, 1)]);
    let sum = (1..size).fold(neighbour(0), |sum, at| sum + neighbour(at));
    let base = sum * (alpha / size as f32) + bias;
    Ok(vec![x / base.op2("Pow", a.b.scalar(beta))])
}
