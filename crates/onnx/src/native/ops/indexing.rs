//! Gathering and scattering.

use super::super::kernel::integer::OneHot;
use super::super::kernel::movement::{Along, Gather, Onto, ScatterAlong, Tuples};
use super::super::kernel::strides::strides;
use super::super::plan::{Id, Planner};
use super::super::value::{Kind, Layout, Spread};
use super::axis_of;
use super::shape::floats_only;
use crate::OnnxError;
use crate::graph::Node;

fn indices<'g>(p: &mut Planner<'g>, node: &'g Node, i: usize) -> Result<Id, OnnxError> {
    let id = p.input(node, i)?;
    match p.value(id).kind {
        Kind::Int => {
            if p.value(id).counted && p.constant(id).is_none() {
                p.mixes_rows();
            }
            Ok(id)
        }
        kind => Err(node.broken(format!("its indices are {kind:?}"))),
    }
}

/// `Gather`.
pub(crate) fn gather<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, at) = (p.input(node, 0)?, indices(p, node, 1)?);
    let (from, places) = (p.shape(x), p.shape(at));
    let axis = axis_of(node, node.int("axis", 0)?, from.len())?;
    let mut shape = from[..axis].to_vec();
    shape.extend(&places);
    shape.extend(&from[axis + 1..]);
    let spread = match (p.value(x).spread, p.value(at).spread) {
        // Rows of a table chosen by each row of the batch, or elements of each row chosen alike.
        (Spread::Uniform, Spread::Rows) if axis == 0 => Spread::Rows,
        (Spread::Rows, Spread::Uniform) if axis > 0 => Spread::Rows,
        (Spread::Uniform, Spread::Uniform) => Spread::Uniform,
        _ => {
            p.mixes_rows();
            Spread::Rows
        }
    };
    let kernel = Gather {
        outer: from[..axis].iter().product(),
        from: from[axis],
        inner: from[axis + 1..].iter().product(),
    };
    let (x, at) = (p.plain(x)?, p.plain(at)?);
    let kind = p.value(x).kind;
    let out = p.emit(kernel, &[x, at], (shape, kind, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

fn along(p: &Planner<'_>, node: &Node, x: Id, at: Id) -> Result<Along, OnnxError> {
    let (from, dims) = (p.shape(x), p.shape(at));
    let axis = axis_of(node, node.int("axis", 0)?, from.len())?;
    if dims.len() != from.len() || (0..dims.len()).any(|d| d != axis && dims[d] > from[d]) {
        return Err(node.broken(format!("indices {dims:?} for {from:?}")));
    }
    let own: Vec<usize> = strides(&from).into_iter().map(|s| s as usize).collect();
    Ok(Along { axis_size: from[axis], axis_stride: own[axis], dims, strides: own, axis })
}

/// All of them must be rows of the batch, or none.
fn rows_together(p: &mut Planner<'_>, ids: &[Id], axis: usize) -> Spread {
    let spread = p.spread_of(ids);
    if spread == Spread::Rows && (axis == 0 || ids.iter().any(|id| p.value(*id).spread != Spread::Rows)) {
        let aligned = axis != 0
            && ids.iter().all(|id| {
                let v = p.value(*id);
                v.spread == Spread::Rows || v.counted
            });
        if !aligned {
            p.mixes_rows();
        }
    }
    spread
}

/// `GatherElements`.
pub(crate) fn gather_elements<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, at) = (p.input(node, 0)?, indices(p, node, 1)?);
    let kernel = along(p, node, x, at)?;
    let spread = rows_together(p, &[x, at], kernel.axis);
    let shape = p.shape(at);
    let (x, at) = (p.plain(x)?, p.plain(at)?);
    let kind = p.value(x).kind;
    let out = p.emit(kernel, &[x, at], (shape, kind, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

fn onto(node: &Node) -> Result<Onto, OnnxError> {
    Ok(match node.text("reduction", "none")? {
        "none" => Onto::Replace,
        "add" => Onto::Add,
        "mul" => Onto::Multiply,
        "max" => Onto::Max,
        "min" => Onto::Min,
        other => return Err(node.broken(format!("reduction {other:?} is unknown"))),
    })
}

/// `ScatterElements`.
pub(crate) fn scatter_elements<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, at, new) = (p.float(node, 0)?, indices(p, node, 1)?, p.float(node, 2)?);
    let along = along(p, node, x, at)?;
    if p.shape(new) != p.shape(at) {
        return Err(node.broken("it has not as many updates as indices"));
    }
    let spread = rows_together(p, &[x, at, new], along.axis);
    let shape = p.shape(x);
    let (x, at, new) = (p.plain(x)?, p.plain(at)?, p.plain(new)?);
    let kernel = ScatterAlong { along, onto: onto(node)? };
    let out = p.emit(kernel, &[x, at, new], (shape, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

/// The dimensions that the last dimension of the indices names, and the run of elements they name.
fn named(
    node: &Node,
    from: &[usize],
    tuple: usize,
    batch: usize,
) -> Result<(Vec<(usize, usize)>, usize), OnnxError> {
    if batch != 0 || tuple > from.len() {
        return Err(node.broken("its indices name more dimensions than there are, or leave out a batch"));
    }
    let own = strides(from);
    Ok(((0..tuple).map(|d| (from[d], own[d] as usize)).collect(), from[tuple..].iter().product()))
}

/// `GatherND` without batch dimensions.
pub(crate) fn gather_nd<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, at) = (p.input(node, 0)?, indices(p, node, 1)?);
    floats_only(p, node, x)?;
    let (from, places) = (p.shape(x), p.shape(at));
    let tuple = *places.last().ok_or_else(|| node.broken("its indices are a single number"))?;
    let (named, run) = named(node, &from, tuple, usize::from(node.int("batch_dims", 0)? != 0))?;
    let mut shape = places[..places.len() - 1].to_vec();
    shape.extend(&from[tuple..]);
    let spread = match (p.value(x).spread, p.value(at).spread) {
        (Spread::Uniform, other) => other,
        _ => {
            p.mixes_rows();
            Spread::Rows
        }
    };
    let (x, at) = (p.plain(x)?, p.plain(at)?);
    let kind = p.value(x).kind;
    let out = p.emit(Tuples { named, run, onto: None }, &[x, at], (shape, kind, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

/// `ScatterND`.
pub(crate) fn scatter_nd<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, at, new) = (p.float(node, 0)?, indices(p, node, 1)?, p.float(node, 2)?);
    let (from, places) = (p.shape(x), p.shape(at));
    let tuple = *places.last().ok_or_else(|| node.broken("its indices are a single number"))?;
    let (named, run) = named(node, &from, tuple, 0)?;
    let mut wanted = places[..places.len() - 1].to_vec();
    wanted.extend(&from[tuple..]);
    if p.shape(new) != wanted {
        return Err(node.broken(format!("its updates are {:?}, {wanted:?} expected", p.shape(new))));
    }
    let spread = p.spread_of(&[x, at, new]);
    if spread == Spread::Rows {
        p.mixes_rows();
    }
    let (x, at, new) = (p.plain(x)?, p.plain(at)?, p.plain(new)?);
    let kernel = Tuples { named, run, onto: Some(onto(node)?) };
    let out = p.emit(kernel, &[x, at, new], (from, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

/// `OneHot` with float values.
pub(crate) fn one_hot<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let at = indices(p, node, 0)?;
    let depth = p.known_ints(node, 1)?.and_then(|d| d.first().copied());
    let depth = depth.and_then(|d| usize::try_from(d).ok());
    let depth = depth.ok_or_else(|| node.broken("its depth is no size"))?;
    let values = p.float(node, 2)?;
    let places = p.shape(at);
    let axis = axis_of(node, node.int("axis", -1)?, places.len() + 1)?;
    let spread = p.spread_of(&[at]);
    if axis == 0 && spread == Spread::Rows {
        p.mixes_rows();
    }
    let mut shape = places.clone();
    shape.insert(axis, depth);
    let kernel = OneHot { depth, inner: places[axis..].iter().product() };
    let (at, values) = (p.plain(at)?, p.plain(values)?);
    let out = p.emit(kernel, &[at, values], (shape, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}
