//! Pools and their derivatives.

use super::super::kernel::pool::{Pool, Pooling, Windows};
use super::super::kernel::reduce::{Reduce, Reduction};
use super::super::plan::Planner;
use super::super::value::{Kind, Layout};
use super::spatial::{Geometry, LAST, as_before, images, spatial};
use crate::OnnxError;
use crate::graph::Node;

fn geometry(node: &Node, shape: &[usize]) -> Result<(Geometry, Windows), OnnxError> {
    let kernel = node
        .ints("kernel_shape")?
        .iter()
        .map(|k| usize::try_from(*k).ok().filter(|k| (1..=1 << 16).contains(k)))
        .collect::<Option<Vec<_>>>()
        .filter(|k| !k.is_empty())
        .ok_or_else(|| node.broken("attribute \"kernel_shape\" is missing or holds no sizes"))?;
    let g = Geometry::read(node, spatial(node, shape)?, &kernel)?;
    for axis in 0..2 {
        if g.before[axis] >= g.reach(axis) || g.after[axis] >= g.reach(axis) {
            return Err(node.broken("its padding is as large as its kernel"));
        }
    }
    let windows = Windows {
        input: g.input,
        output: g.output,
        kernel: g.kernel,
        stride: g.stride,
        dilation: g.dilation,
        before: g.before,
        after: g.after,
    };
    Ok((g, windows))
}

fn average(node: &Node) -> Result<bool, OnnxError> {
    Ok(node.int("count_include_pad", 0)? != 0)
}

/// `MaxPool` without indices, and `AveragePool`.
pub(crate) fn pool<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    if p.wanted(node, 1) {
        return Err(node.broken("the places of its maxima are read, which is not computed"));
    }
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let (g, windows) = geometry(node, &shape)?;
    let (x, [n, c, ..]) = images(p, node, x)?;
    let pooling = match node.operator.as_str() {
        "MaxPool" => Pooling::Max,
        _ => Pooling::Average { count_padding: average(node)? },
    };
    let spread = p.spread_of(&[x]);
    let result = vec![n, c, g.output[0], g.output[1]];
    let kernel = Pool { images: n, channels: c, windows, pooling };
    let out = p.emit(kernel, &[x], (result, Kind::Float, LAST, spread))?;
    let out = as_before(p, out, shape.len())?;
    p.name(node, 0, out);
    Ok(())
}

/// `MaxPoolGrad(X, Y, dY)`.
pub(crate) fn max_gradient<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    gradient(p, node, &[0, 1, 2], Pooling::MaxGradient)
}

/// `AveragePoolGrad(X, dY)`.
pub(crate) fn average_gradient<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let pooling = Pooling::AverageGradient { count_padding: average(node)? };
    gradient(p, node, &[1], pooling)
}

fn gradient<'g>(
    p: &mut Planner<'g>,
    node: &'g Node,
    read: &[usize],
    pooling: Pooling,
) -> Result<(), OnnxError> {
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let (g, windows) = geometry(node, &shape)?;
    let (n, c) = (shape[0], shape[1]);
    let result = [n, c, g.output[0], g.output[1]];
    let mut operands = Vec::new();
    for i in read {
        let given = p.float(node, *i)?;
        let (laid, found) = images(p, node, given)?;
        let wanted = if *i == 0 { [n, c, g.input[0], g.input[1]] } else { result };
        if found != wanted {
            return Err(node.broken(format!("its input {i} is {found:?}, {wanted:?} expected")));
        }
        operands.push(laid);
    }
    let spread = p.spread_of(&operands);
    let kernel = Pool { images: n, channels: c, windows, pooling };
    let out_shape = vec![n, c, g.input[0], g.input[1]];
    let out = p.emit(kernel, &operands, (out_shape, Kind::Float, LAST, spread))?;
    let out = as_before(p, out, shape.len())?;
    p.name(node, 0, out);
    Ok(())
}

/// `GlobalAveragePool` and `GlobalMaxPool`, of any number of spatial dimensions.
pub(crate) fn global<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let area = spatial(node, &shape)?.iter().product();
    let reduction = if node.operator == "GlobalMaxPool" { Reduction::Max } else { Reduction::Mean };
    let spread = p.spread_of(&[x]);
    let mut result = shape.clone();
    result[2..].fill(1);
    let out = if p.value(x).layout == LAST {
        let kernel = Reduce { reduction, reduced: area, inner: shape[1] };
        p.emit(kernel, &[x], (result, Kind::Float, LAST, spread))?
    } else {
        let kernel = Reduce { reduction, reduced: area, inner: 1 };
        p.emit(kernel, &[x], (result, Kind::Float, Layout::Plain, spread))?
    };
    p.name(node, 0, out);
    Ok(())
}
