//! Softmax and normalisations.

use super::super::kernel::rowwise::{Affine, BatchFactors, LayerNorm, Softmax};
use super::super::plan::{Id, Planner};
use super::super::value::{Kind, Layout, Spread};
use super::arithmetic::float_attribute;
use super::axis_of;
use super::shape::permute;
use crate::OnnxError;
use crate::graph::Node;

/// `Softmax` and `LogSoftmax`: along one axis from opset 13, over everything from the axis on before.
pub(crate) fn softmax<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let modern = p.opset(node) >= 13;
    let axis = axis_of(node, node.int("axis", if modern { -1 } else { 1 })?, shape.len().max(1))?;
    let log = node.operator == "LogSoftmax";
    if !modern {
        let width = shape[axis.min(shape.len())..].iter().product();
        if axis == 0 && p.value(x).spread == Spread::Rows {
            p.mixes_rows();
        }
        let x = p.plain(x)?;
        let spread = p.spread_of(&[x]);
        let out = p.emit(Softmax { width, log }, &[x], (shape, Kind::Float, Layout::Plain, spread))?;
        p.name(node, 0, out);
        return Ok(());
    }
    if axis == 0 && p.value(x).spread == Spread::Rows {
        p.mixes_rows();
    }
    // The axis goes last, and back afterwards; the way there and back is the same exchange.
    let mut order: Vec<usize> = (0..shape.len()).collect();
    let last = shape.len().saturating_sub(1);
    if !order.is_empty() {
        order.swap(axis, last);
    }
    let turned = permute(p, node, x, &order)?;
    let spread = p.spread_of(&[turned]);
    let turned_shape = p.shape(turned);
    let width = turned_shape.last().copied().unwrap_or(1);
    let out =
        p.emit(Softmax { width, log }, &[turned], (turned_shape, Kind::Float, Layout::Plain, spread))?;
    let out = permute(p, node, out, &order)?;
    p.name(node, 0, out);
    Ok(())
}

/// `LayerNormalization`, without its further outputs.
pub(crate) fn layer<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    if p.wanted(node, 1) || p.wanted(node, 2) {
        return Err(node.broken("its mean or its deviation is read, which is not given out"));
    }
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let axis = axis_of(node, node.int("axis", -1)?, shape.len())?;
    let width: usize = shape[axis..].iter().product();
    if axis == 0 {
        p.mixes_rows();
    }
    let (scale, bias) = (p.float(node, 1)?, p.optional(node, 2)?);
    let mut operands = vec![p.plain(x)?];
    for id in [Some(scale), bias].into_iter().flatten() {
        if p.shape(id).iter().product::<usize>() != width || p.value(id).spread != Spread::Uniform {
            return Err(node.broken(format!(
                "its scale or bias is {:?}, not {:?}",
                p.shape(id),
                &shape[axis..]
            )));
        }
        operands.push(p.plain(id)?);
    }
    let epsilon = float_attribute(node, "epsilon", 1e-5)?;
    let kernel = LayerNorm { width, epsilon, scale: true, bias: bias.is_some(), root_mean_square: false };
    let spread = p.spread_of(&operands[..1]);
    let out = p.emit(kernel, &operands, (shape, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

/// `InstanceNormalization`.
pub(crate) fn instance<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, scale, bias) = (p.float(node, 0)?, p.float(node, 1)?, p.float(node, 2)?);
    let shape = p.shape(x);
    let channels = channels(node, &shape)?;
    for id in [scale, bias] {
        if p.shape(id) != [channels] {
            return Err(node.broken(format!("its scale or bias is {:?}, not [{channels}]", p.shape(id))));
        }
    }
    let inner: usize = shape[2..].iter().product();
    let epsilon = float_attribute(node, "epsilon", 1e-5)?;
    let kernel = LayerNorm { width: inner, epsilon, scale: false, bias: false, root_mean_square: false };
    let x = p.plain(x)?;
    let spread = p.spread_of(&[x]);
    let out = p.emit(kernel, &[x], (shape.clone(), Kind::Float, Layout::Plain, spread))?;
    let factors = super::shape::join(p, scale, bias)?;
    let kernel = Affine { channels, inner, relu: false };
    let out = p.emit(kernel, &[out, factors], (shape, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

fn channels(node: &Node, shape: &[usize]) -> Result<usize, OnnxError> {
    match shape {
        [_, c, ..] => Ok(*c),
        _ => Err(node.broken(format!("{shape:?} has no channels"))),
    }
}

/// `BatchNormalization` with frozen statistics.
pub(crate) fn batch<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    if node.int("training_mode", 0)? != 0 || p.wanted(node, 1) {
        return Err(node.broken("it is in training mode; only frozen statistics are computed"));
    }
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let channels = channels(node, &shape)?;
    let mut given: Vec<Id> = Vec::new();
    for i in 1..5 {
        let id = p.float(node, i)?;
        if p.shape(id) != [channels] || p.value(id).spread != Spread::Uniform {
            return Err(node.broken(format!("its input {i} is {:?}, not [{channels}]", p.shape(id))));
        }
        given.push(id);
    }
    let epsilon = float_attribute(node, "epsilon", 1e-5)?;
    let kernel = BatchFactors { channels, epsilon };
    let factors =
        p.emit(kernel, &given, (vec![2 * channels], Kind::Float, Layout::Plain, Spread::Uniform))?;
    let layout = p.value(x).layout;
    let inner = if layout == Layout::ChannelsLast { 1 } else { shape[2..].iter().product() };
    let spread = p.spread_of(&[x]);
    let out =
        p.emit(Affine { channels, inner, relu: false }, &[x, factors], (shape, Kind::Float, layout, spread))?;
    p.name(node, 0, out);
    Ok(())
}
