//! Operators that change shapes and move elements.

use super::super::kernel::movement::{Concat, Lookup, Select};
use super::super::kernel::strides::{Walk, broadcast, broadcast_shape, strides};
use super::super::plan::{Id, Planner};
use super::super::value::{Data, Kind, Layout, Spread};
use super::axis_of;
use crate::OnnxError;
use crate::graph::{Attribute, Constant, Node};
use crate::tensor::volume;

/// What passes through unchanged.
pub(crate) fn identity<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    if p.wanted(node, 1) {
        return Err(node.broken("its mask is read; only inference is computed"));
    }
    let x = p.input(node, 0)?;
    p.name(node, 0, x);
    Ok(())
}

/// `Constant`.
pub(crate) fn constant<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let constant = match node.attributes.iter().next() {
        Some((name, Attribute::Tensor(t))) if name == "value" => t.clone(),
        Some((name, Attribute::Float(v))) if name == "value_float" => Constant::float32(Vec::new(), vec![*v]),
        Some((name, Attribute::Floats(v))) if name == "value_floats" => {
            Constant::float32(vec![v.len()], v.clone())
        }
        Some((name, Attribute::Int(v))) if name == "value_int" => Constant::int64(Vec::new(), vec![*v]),
        Some((name, Attribute::Ints(v))) if name == "value_ints" => Constant::int64(vec![v.len()], v.clone()),
        _ => return Err(node.broken("it holds no tensor of numbers")),
    };
    let id = p.constant_of(node, &constant, None)?;
    p.name(node, 0, id);
    Ok(())
}

/// `ConstantOfShape`.
pub(crate) fn constant_of_shape<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let shape = p.known_ints(node, 0)?.unwrap_or_default();
    let shape = sizes(node, &shape)?;
    let fill = match node.attributes.get("value") {
        None => p.floats(vec![0.0], Vec::new()),
        Some(Attribute::Tensor(t)) if volume(&t.shape) == Some(1) => {
            let scalar = Constant { shape: Vec::new(), ..t.clone() };
            p.constant_of(node, &scalar, None)?
        }
        Some(_) => return Err(node.broken("attribute \"value\" is not a tensor of one element")),
    };
    let out = spread_out(p, node, fill, shape)?;
    counted_like(p, node, 0, out)?;
    p.name(node, 0, out);
    Ok(())
}

/// `Reshape`.
pub(crate) fn reshape<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let wanted = p.known_ints(node, 1)?.ok_or_else(|| node.broken("its shape is missing"))?;
    let (from, keep_zeros) = (p.shape(x), node.int("allowzero", 0)? == 0);
    let len = volume(&from).unwrap_or(0);
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (d, n) in wanted.iter().enumerate() {
        shape.push(match *n {
            -1 if open.is_none() => {
                open = Some(d);
                1
            }
            0 if keep_zeros => *from
                .get(d)
                .ok_or_else(|| node.broken(format!("shape {wanted:?} keeps dimension {d} of {from:?}")))?,
            n => usize::try_from(n).map_err(|_| node.broken(format!("{wanted:?} is no shape")))?,
        });
    }
    if let Some(d) = open {
        let rest = volume(&shape).filter(|n| *n > 0 && len.is_multiple_of(*n));
        let rest = rest.ok_or_else(|| node.broken(format!("{from:?} cannot become {wanted:?}")))?;
        shape[d] = len / rest;
    }
    if volume(&shape) != Some(len) {
        return Err(node.broken(format!("{from:?} cannot become {wanted:?}")));
    }
    let x = p.plain(x)?;
    let out = p.reshaped(x, shape);
    p.name(node, 0, out);
    Ok(())
}

/// `Flatten`.
pub(crate) fn flatten<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    // Here the axis may be the rank itself.
    let axis = axis_of(node, node.int("axis", 1)?, from.len() + 1)?;
    let shape = vec![from[..axis].iter().product(), from[axis..].iter().product()];
    let x = p.plain(x)?;
    let out = p.reshaped(x, shape);
    p.name(node, 0, out);
    Ok(())
}

/// Axes as an input (from opset 13) or an attribute.
pub(crate) fn axes<'g>(
    p: &mut Planner<'g>,
    node: &'g Node,
    input: usize,
) -> Result<Option<Vec<i64>>, OnnxError> {
    if let Some(axes) = p.known_ints(node, input)? {
        return Ok(Some(axes));
    }
    let axes = node.ints("axes")?;
    Ok((!axes.is_empty()).then(|| axes.to_vec()))
}

/// `Squeeze`.
pub(crate) fn squeeze<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let drop = match axes(p, node, 1)? {
        None => (0..from.len()).filter(|d| from[*d] == 1).collect(),
        Some(axes) => axes.iter().map(|a| axis_of(node, *a, from.len())).collect::<Result<Vec<_>, _>>()?,
    };
    if let Some(d) = drop.iter().find(|d| from[**d] != 1) {
        return Err(node.broken(format!("dimension {d} of {from:?} is not 1")));
    }
    let shape = (0..from.len()).filter(|d| !drop.contains(d)).map(|d| from[d]).collect();
    let x = p.plain(x)?;
    let out = p.reshaped(x, shape);
    p.name(node, 0, out);
    Ok(())
}

/// `Unsqueeze`.
pub(crate) fn unsqueeze<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let axes = axes(p, node, 1)?.ok_or_else(|| node.broken("its axes are missing"))?;
    let rank = from.len() + axes.len();
    let new = axes.iter().map(|a| axis_of(node, *a, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut old = from.iter();
    let shape: Vec<usize> =
        (0..rank).map(|d| if new.contains(&d) { 1 } else { old.next().copied().unwrap_or(1) }).collect();
    if volume(&shape) != volume(&from) {
        return Err(node.broken(format!("axes {axes:?} repeat themselves")));
    }
    let x = p.plain(x)?;
    let out = p.reshaped(x, shape);
    p.name(node, 0, out);
    Ok(())
}

/// `Expand`.
pub(crate) fn expand<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let target = p.known_ints(node, 1)?.ok_or_else(|| node.broken("its shape is missing"))?;
    let target = sizes(node, &target)?;
    let from = p.shape(x);
    let shape = broadcast_shape(&[&from, &target])
        .ok_or_else(|| node.broken(format!("{from:?} does not expand to {target:?}")))?;
    let out = spread_out(p, node, x, shape)?;
    counted_like(p, node, 1, out)?;
    p.name(node, 0, out);
    Ok(())
}

fn counted_like<'g>(p: &mut Planner<'g>, node: &'g Node, input: usize, out: Id) -> Result<(), OnnxError> {
    let shape = p.input(node, input)?;
    if p.value(shape).counted {
        p.count(out);
    }
    Ok(())
}

/// Broadcasts a value to `shape`.
fn spread_out(p: &mut Planner<'_>, node: &Node, x: Id, shape: Vec<usize>) -> Result<Id, OnnxError> {
    let x = p.plain(x)?;
    let from = p.shape(x);
    if from == shape {
        return Ok(x);
    }
    let steps = broadcast(&from, &shape)
        .ok_or_else(|| node.broken(format!("{from:?} does not expand to {shape:?}")))?;
    let spread = p.spread_moved(x, from.len() == shape.len() && from.first() == shape.first());
    select(p, node, x, shape, steps, 0, spread)
}

/// A selection by strides from a plain value.
pub(crate) fn select(
    p: &mut Planner<'_>,
    node: &Node,
    x: Id,
    shape: Vec<usize>,
    steps: Vec<isize>,
    base: usize,
    spread: Spread,
) -> Result<Id, OnnxError> {
    let walk = Walk::new(&shape, [steps], [base])
        .ok_or_else(|| node.broken("it moves along too many dimensions"))?;
    let kind = p.value(x).kind;
    p.emit(Select { walk }, &[x], (shape, kind, Layout::Plain, spread))
}

/// `Transpose`.
pub(crate) fn transpose<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let rank = p.shape(x).len();
    let order = match node.ints("perm")? {
        [] => (0..rank).rev().collect(),
        order => order.iter().map(|a| axis_of(node, *a, rank)).collect::<Result<Vec<_>, _>>()?,
    };
    let mut seen = vec![false; rank];
    order.iter().for_each(|d| seen[*d] = true);
    if order.len() != rank || seen.contains(&false) {
        return Err(node.broken(format!("{order:?} is no order of {rank} dimensions")));
    }
    let out = permute(p, node, x, &order)?;
    p.name(node, 0, out);
    Ok(())
}

/// The value with its dimensions in another order.
pub(crate) fn permute(p: &mut Planner<'_>, node: &Node, x: Id, order: &[usize]) -> Result<Id, OnnxError> {
    let from = p.shape(x);
    // What lies with its channels last is what a transposition to that order asks for.
    if p.value(x).layout == Layout::ChannelsLast && order == [0, 2, 3, 1] {
        return Ok(p.relabelled(x, [0, 2, 3, 1].map(|d| from[d]).to_vec()));
    }
    let x = p.plain(x)?;
    if order.iter().enumerate().all(|(i, d)| i == *d) {
        return Ok(x);
    }
    let own = strides(&from);
    let shape = order.iter().map(|d| from[*d]).collect();
    let spread = p.spread_moved(x, order.first() == Some(&0));
    select(p, node, x, shape, order.iter().map(|d| own[*d]).collect(), 0, spread)
}

/// `Slice`, with its bounds as inputs (from opset 10) or attributes.
pub(crate) fn slice<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let given = |p: &mut Planner<'g>, i, name: &str| -> Result<Option<Vec<i64>>, OnnxError> {
        let attribute = node.ints(name)?;
        Ok(p.known_ints(node, i)?.or_else(|| (!attribute.is_empty()).then(|| attribute.to_vec())))
    };
    let starts = given(p, 1, "starts")?.ok_or_else(|| node.broken("its starts are missing"))?;
    let ends = given(p, 2, "ends")?.ok_or_else(|| node.broken("its ends are missing"))?;
    let axes = given(p, 3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = p.known_ints(node, 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err(node.broken("its starts, ends, axes and steps are not as many"));
    }
    let own = strides(&from);
    let (mut shape, mut walk, mut base) = (from.clone(), own.clone(), 0usize);
    for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let d = axis_of(node, *axis, from.len())?;
        let (first, count) = span(node, *start, *end, *step, from[d])?;
        base += first * own[d] as usize;
        walk[d] = own[d].saturating_mul(*step as isize);
        shape[d] = count;
        if count <= 1 {
            walk[d] = own[d];
        }
    }
    let x = p.plain(x)?;
    let spread = p.spread_moved(x, shape.first() == from.first() && walk.first() == own.first());
    let out = if shape == from && walk == own { x } else { select(p, node, x, shape, walk, base, spread)? };
    p.name(node, 0, out);
    Ok(())
}

/// First element and number of elements of a slice of `size`, as Python counts.
fn span(node: &Node, start: i64, end: i64, step: i64, size: usize) -> Result<(usize, usize), OnnxError> {
    let n = i64::try_from(size).unwrap_or(i64::MAX);
    let from_end = |v: i64| if v < 0 { v.saturating_add(n) } else { v };
    let (first, count) = if step > 0 {
        let (start, end) = (from_end(start).clamp(0, n), from_end(end).clamp(0, n));
        (start, (end - start).max(0).checked_add(step - 1).map_or(1, |s| s / step))
    } else if step < 0 && step > i64::MIN {
        let start = from_end(start).clamp(-1, n - 1);
        // An end before the beginning is -1 here; given as such it would mean the last element.
        let end = from_end(end).clamp(-1, n - 1);
        (start, (start - end).max(0).checked_add(-step - 1).map_or(1, |s| s / -step))
    } else {
        return Err(node.broken(format!("its step is {step}")));
    };
    let count = usize::try_from(count).unwrap_or(0);
    Ok((if count == 0 { 0 } else { usize::try_from(first).unwrap_or(0) }, count))
}

/// `Split`: one slice for each output.
pub(crate) fn split<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let axis = axis_of(node, node.int("axis", 0)?, from.len())?;
    let given = match p.known_ints(node, 1)? {
        Some(given) => given,
        None => node.ints("split")?.to_vec(),
    };
    let parts = if given.is_empty() {
        let count = node.outputs.len().max(1);
        let each = from[axis].div_ceil(count);
        (0..count).map(|i| each.min(from[axis].saturating_sub(i * each))).collect()
    } else {
        sizes(node, &given)?
    };
    if parts.len() != node.outputs.len()
        || parts.iter().try_fold(0usize, |a, n| a.checked_add(*n)) != Some(from[axis])
    {
        return Err(node.broken(format!("{parts:?} do not divide dimension {axis} of {from:?}")));
    }
    let x = p.plain(x)?;
    let own = strides(&from);
    let mut base = 0;
    for (i, size) in parts.iter().enumerate() {
        let mut shape = from.clone();
        shape[axis] = *size;
        let spread = p.spread_moved(x, axis != 0);
        let out = select(p, node, x, shape, own.clone(), base, spread)?;
        p.name(node, i, out);
        base += size * own[axis] as usize;
    }
    Ok(())
}

/// `Concat`.
pub(crate) fn concat<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let given = (0..node.inputs.len()).map(|i| p.input(node, i)).collect::<Result<Vec<_>, _>>()?;
    let first = *given.first().ok_or_else(|| node.broken("it has no inputs"))?;
    let mut shape = p.shape(first);
    let axis = axis_of(node, node.int("axis", 0)?, shape.len())?;
    let kind = p.value(first).kind;
    // Images whose channels come last are put together so, which a network of blocks does all the time.
    let last =
        axis == 1 && shape.len() == 4 && given.iter().all(|id| p.value(*id).layout == Layout::ChannelsLast);
    let mut total = 0usize;
    let (mut operands, mut runs, mut counted) = (Vec::new(), Vec::new(), false);
    for id in &given {
        let own = p.shape(*id);
        let alike = own.len() == shape.len() && (0..own.len()).all(|d| d == axis || own[d] == shape[d]);
        if !alike || p.value(*id).kind != kind {
            return Err(node.broken(format!("{own:?} does not go with {shape:?} along dimension {axis}")));
        }
        total = total.checked_add(own[axis]).ok_or_else(|| node.broken("its result is too long"))?;
        counted |= p.value(*id).counted;
        runs.push(if last { own[1] } else { own[axis..].iter().product() });
        operands.push(if last { *id } else { p.plain(*id)? });
    }
    shape[axis] = total;
    let mut spread = p.spread_of(&operands);
    if spread == Spread::Rows && (axis == 0 || operands.iter().any(|id| p.value(*id).spread != Spread::Rows))
    {
        // A constant part would have as many rows as the batch.
        let fits = axis != 0
            && operands.iter().all(|id| {
                let v = p.value(*id);
                v.spread == Spread::Rows || v.counted
            });
        if !fits {
            p.mixes_rows();
        }
        spread = Spread::Rows;
    }
    let layout = if last { Layout::ChannelsLast } else { Layout::Plain };
    let out = p.emit(Concat { runs }, &operands, (shape, kind, layout, spread))?;
    if counted {
        p.count(out);
    }
    p.name(node, 0, out);
    Ok(())
}

/// `Tile`.
pub(crate) fn tile<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let repeats = p.known_ints(node, 1)?.ok_or_else(|| node.broken("its repeats are missing"))?;
    let repeats = sizes(node, &repeats)?;
    if repeats.len() != from.len() {
        return Err(node.broken(format!("{repeats:?} repeats for {from:?}")));
    }
    let shape = from
        .iter()
        .zip(&repeats)
        .map(|(n, r)| n.checked_mul(*r))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| node.broken("its result is too large"))?;
    p.affords(&shape)?;
    let maps = from.iter().zip(&shape).map(|(n, m)| (0..*m).map(|i| Some(i % n)).collect()).collect();
    let out = look_up(p, node, x, None, maps, shape)?;
    p.name(node, 0, out);
    Ok(())
}

/// Elements by a table for each dimension.
fn look_up(
    p: &mut Planner<'_>,
    node: &Node,
    x: Id,
    outside: Option<Id>,
    maps: Vec<Vec<Option<usize>>>,
    shape: Vec<usize>,
) -> Result<Id, OnnxError> {
    let from = p.shape(x);
    let own = strides(&from);
    let rows = maps.first().is_none_or(|m| m.iter().enumerate().all(|(i, at)| *at == Some(i)));
    let spread = p.spread_moved(x, rows && from.first() == shape.first());
    if spread == Spread::Sum {
        return Err(node.broken("it pads a sum over the batch"));
    }
    let tables = maps
        .into_iter()
        .zip(&own)
        .map(|(map, step)| map.into_iter().map(|i| i.map(|i| i * *step as usize)).collect())
        .collect();
    let x = p.plain(x)?;
    let kind = p.value(x).kind;
    let operands: Vec<Id> = [Some(x), outside].into_iter().flatten().collect();
    p.emit(Lookup { tables }, &operands, (shape, kind, Layout::Plain, spread))
}

/// `Pad`.
pub(crate) fn pad<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let pads = match p.known_ints(node, 1)? {
        Some(pads) => pads,
        None => node.ints("pads")?.to_vec(),
    };
    let axes = match p.known_ints(node, 3)? {
        Some(axes) => axes.iter().map(|a| axis_of(node, *a, from.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..from.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(node.broken(format!("{} pads for {} dimensions", pads.len(), axes.len())));
    }
    let outside = match p.optional(node, 2)? {
        Some(id) => Some(id),
        None => match node.attributes.get("value") {
            Some(Attribute::Float(v)) => Some(p.floats(vec![*v], Vec::new())),
            _ => None,
        },
    };
    let mode = node.text("mode", "constant")?;
    let mut maps: Vec<Vec<Option<usize>>> = from.iter().map(|n| (0..*n).map(Some).collect()).collect();
    for (i, d) in axes.iter().enumerate() {
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let n = from[*d] as i64;
        let end = n.checked_add(after).filter(|e| e - before.saturating_neg() < 1 << 31);
        let end = end.ok_or_else(|| node.broken(format!("pads of {before} and {after}")))?;
        if before.unsigned_abs() > 1 << 31 {
            return Err(node.broken(format!("pads of {before} and {after}")));
        }
        p.affords(&[usize::try_from(end - before.saturating_neg()).unwrap_or(0)])?;
        let place = |at: i64| -> Option<usize> {
            let inside = |at: i64| usize::try_from(at).ok().filter(|a| *a < from[*d]);
            match mode {
                "edge" => inside(at.clamp(0, n - 1)),
                "reflect" => {
                    let period = (2 * (n - 1)).max(1);
                    let within = at.rem_euclid(period);
                    inside(if within < n { within } else { period - within })
                }
                "wrap" => inside(at.rem_euclid(n.max(1))),
                _ => inside(at),
            }
        };
        maps[*d] = (-before..end).map(place).collect();
        if mode != "constant" && n == 0 {
            return Err(node.broken("it pads with elements of a tensor that has none"));
        }
    }
    let shape = maps.iter().map(Vec::len).collect();
    let out = look_up(p, node, x, outside, maps, shape)?;
    p.name(node, 0, out);
    Ok(())
}

/// `Shape`.
pub(crate) fn shape_of<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let from = p.shape(x);
    let rank = from.len() as i64;
    let place = |v: i64| if v < 0 { v.saturating_add(rank) } else { v }.clamp(0, rank) as usize;
    let (start, end) = (place(node.int("start", 0)?), place(node.int("end", rank)?));
    let part: Vec<i64> = from.get(start..end).unwrap_or_default().iter().map(|n| *n as i64).collect();
    let counted = start == 0 && p.value(x).spread == Spread::Rows || p.value(x).counted;
    let len = part.len();
    let out = p.ints(part, vec![len], counted);
    p.name(node, 0, out);
    Ok(())
}

/// `Size`.
pub(crate) fn size<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let counted = p.value(x).spread == Spread::Rows || p.value(x).counted;
    let len = volume(&p.shape(x)).unwrap_or(0) as i64;
    let out = p.ints(vec![len], Vec::new(), counted);
    p.name(node, 0, out);
    Ok(())
}

/// `Range` between constants.
pub(crate) fn range<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let ids = [p.input(node, 0)?, p.input(node, 1)?, p.input(node, 2)?];
    if ids.iter().any(|id| p.value(*id).counted) {
        p.mixes_rows();
    }
    let data = ids.map(|id| p.constant(id).cloned());
    let out = match data {
        [Some(Data::Int(a)), Some(Data::Int(b)), Some(Data::Int(c))] => {
            let ([start], [limit], [delta]) = (&a[..], &b[..], &c[..]) else {
                return Err(node.broken("its bounds are not single numbers"));
            };
            let count = if *delta == 0 {
                return Err(node.broken("its step is 0"));
            } else {
                let span = i128::from(*limit) - i128::from(*start);
                let delta = i128::from(*delta);
                ((span + delta - delta.signum()) / delta).max(0)
            };
            if count > 1 << 26 {
                return Err(node.broken(format!("it counts {count} numbers")));
            }
            let values: Vec<i64> =
                (0..count as i64).map(|i| start.wrapping_add(i.wrapping_mul(*delta))).collect();
            let len = values.len();
            p.ints(values, vec![len], false)
        }
        [Some(Data::Float(a)), Some(Data::Float(b)), Some(Data::Float(c))] => {
            let ([start], [limit], [delta]) = (&a[..], &b[..], &c[..]) else {
                return Err(node.broken("its bounds are not single numbers"));
            };
            let count = ((limit - start) / delta).ceil().max(0.0);
            if !count.is_finite() || count > 67_108_864.0 {
                return Err(node.broken(format!("it counts {count} numbers")));
            }
            let values: Vec<f32> = (0..count as usize).map(|i| start + i as f32 * delta).collect();
            let len = values.len();
            p.floats(values, vec![len])
        }
        _ => return Err(node.broken("its bounds are computed from the data")),
    };
    p.name(node, 0, out);
    Ok(())
}

/// Integers that are sizes.
pub(crate) fn sizes(node: &Node, given: &[i64]) -> Result<Vec<usize>, OnnxError> {
    given
        .iter()
        .map(|n| usize::try_from(*n).map_err(|_| node.broken(format!("{given:?} holds the size {n}"))))
        .collect()
}

/// The kind of a value, for those that only move floats.
pub(crate) fn floats_only(p: &Planner<'_>, node: &Node, id: Id) -> Result<(), OnnxError> {
    match p.value(id).kind {
        Kind::Int => Err(node.broken("it moves integers, which is not implemented for this operator")),
        Kind::Float | Kind::Bool => Ok(()),
    }
}

/// Two vectors as one.
pub(crate) fn join(p: &mut Planner<'_>, a: Id, b: Id) -> Result<Id, OnnxError> {
    let runs = vec![p.shape(a).iter().product(), p.shape(b).iter().product()];
    let shape = vec![runs.iter().sum()];
    let spread = p.spread_of(&[a, b]);
    p.emit(Concat { runs }, &[a, b], (shape, Kind::Float, Layout::Plain, spread))
}
