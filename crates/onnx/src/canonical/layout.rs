//! Operators that move values.

use super::{Adapt, Adapter, product};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::graph::{Attribute, Constant};

type Made<'b> = Result<Vec<V<'b>>, OnnxError>;

pub(super) fn adapter(operator: &str) -> Option<Adapter> {
    Some(match operator {
        "Reshape" => |a| {
            let (x, shape) = (a.input(0)?, batched(a)?);
            // Asks what comes out; the node that asked is dropped where it is not canonical.
            let allow = vec![("allowzero", Attribute::Int(a.node.int("allowzero", 0)?))];
            Ok(vec![x.reshape(&a.b.op("Reshape", &[x, shape], allow).dims())])
        },
        "Flatten" => |a| {
            let x = a.input(0)?;
            let dims = x.dims();
            let axis = a.node.int("axis", 1)?;
            let axis = if axis == dims.len() as i64 { dims.len() } else { a.on_axis(axis, dims.len())? };
            let (before, after) = dims.split_at(axis);
            let flat = product(before).zip(product(after));
            let (rows, columns) = flat.ok_or_else(|| a.node.broken("its input is too large"))?;
            Ok(vec![x.reshape(&[rows, columns])])
        },
        "Squeeze" => |a| {
            let x = a.input(0)?;
            let given = a.ints(1, "axes")?;
            let inputs = [Some(x), given.map(|axes| a.b.ints(&axes))];
            let made = a
                .b
                .node(super::New { operator: "Squeeze", outputs: vec![""], ..Default::default() }, &inputs);
            Ok(made.into_iter().map(|v| x.reshape(&v.dims())).collect())
        },
        "Unsqueeze" => |a| {
            let x = a.input(0)?;
            let axes = a.ints(1, "axes")?.ok_or_else(|| a.node.broken("it has no axes"))?;
            Ok(vec![x.reshape(&a.b.op("Unsqueeze", &[x, a.b.ints(&axes)], Vec::new()).dims())])
        },
        "Expand" => |a| {
            let (x, shape) = (a.input(0)?, a.input(1)?);
            let dims = a.b.op("Expand", &[x, shape], Vec::new()).dims();
            let have = x.dims();
            let lead = dims.len().saturating_sub(have.len());
            let there = |at: usize| {
                dims.get(at)
                    .is_some_and(|d| d.fixed().is_some() || have.get(at.wrapping_sub(lead)) == Some(d))
            };
            if (0..dims.len()).all(there) {
                return Ok(vec![x.expand(&dims)]);
            }
            // It makes a batch out of what has none; its shape is computed when it runs.
            Ok(a.direct(Vec::new(), &a.x))
        },
        "Shape" => |a| {
            let all = a.b.op("Shape", &[a.input(0)?], Vec::new());
            let rank = a.input(0)?.rank() as i64;
            let (start, end) = (a.node.int("start", 0)?, a.node.int("end", rank)?);
            Ok(vec![if (start, end) == (0, rank) { all } else { all.slice(&[(0, start, end, 1)]) }])
        },
        "Slice" => slice,
        "Split" => split,
        "Pad" => pad,
        "Gather" => gather,
        "Concat" => |a| {
            let axis = a.axis("axis", 0, a.input(0)?.rank())?;
            Ok(a.direct(vec![("axis", Attribute::Int(axis as i64))], &a.x))
        },
        "DepthToSpace" | "SpaceToDepth" => blocks,
        "Trilu" => triangle,
        "Resize" | "Upsample" => resize,
        _ => return None,
    })
}

/// The shape of a `Reshape`. Where the model was exported for one row, a first dimension of 1 is that row: it is
/// copied from the input, which has the batch there.
fn batched<'b>(a: &Adapt<'b, '_>) -> Result<V<'b>, OnnxError> {
    let (x, shape) = (a.input(0)?, a.input(1)?);
    let rows = x.dims().first().is_some_and(|d| d.fixed().is_none()) && a.node.int("allowzero", 0)? == 0;
    let Some(mut ints) = shape.as_ints().filter(|v| a.context.single && rows && v.first() == Some(&1)) else {
        return Ok(shape);
    };
    if let Some(first) = ints.first_mut() {
        *first = 0;
    }
    Ok(a.b.ints(&ints))
}

fn slice<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let given: Option<Vec<Vec<i64>>> = a.x.iter().skip(1).map(|v| v.and_then(V::as_ints)).collect();
    let Some(given) = given else { return Ok(a.direct(Vec::new(), &a.x)) };
    let [starts, ends, rest @ ..] = given.as_slice() else {
        return Err(a.node.broken("it has no starts and ends"));
    };
    let axes = rest.first().cloned().unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = rest.get(1).cloned().unwrap_or_else(|| vec![1; starts.len()]);
    let axes = axes
        .iter()
        .map(|axis| a.on_axis(*axis, x.rank()).map(|a| a as i64))
        .collect::<Result<Vec<_>, _>>()?;
    let list = |v: &[i64]| Some(a.b.ints(v));
    Ok(a.direct(Vec::new(), &[Some(x), list(starts), list(ends), list(&axes), list(&steps)]))
}

fn split<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let axis = a.axis("axis", 0, x.rank())?;
    let size = x.dim(axis);
    let count = a.node.outputs.len();
    let sizes = match a.ints(1, "split")? {
        Some(sizes) => sizes,
        None => {
            // Equal parts, the last one smaller.
            let each = size.div_ceil(count.max(1));
            (0..count).map(|at| size.saturating_sub(at * each).min(each) as i64).collect()
        }
    };
    if sizes.len() != count || sizes.iter().any(|s| *s < 0) || sizes.iter().sum::<i64>() != size as i64 {
        return Err(a.node.broken(format!("parts of {sizes:?} are not {count} parts of {size}")));
    }
    let mut start = 0;
    Ok(sizes
        .iter()
        .map(|size| {
            start += size;
            x.slice(&[(axis, start - size, start, 1)])
        })
        .collect())
}

fn pad<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let rank = x.rank();
    let given = a.ints(1, "pads")?.ok_or_else(|| a.node.broken("it has no pads"))?;
    let axes: Vec<usize> = match a.get(3).map(V::as_ints) {
        None => (0..rank).collect(),
        Some(axes) => {
            let axes = axes.ok_or_else(|| a.node.broken("its axes depend on the data"))?;
            axes.iter().map(|axis| a.on_axis(*axis, rank)).collect::<Result<_, _>>()?
        }
    };
    if given.len() != 2 * axes.len() {
        return Err(a.node.broken(format!("it has {} pads for {} dimensions", given.len(), axes.len())));
    }
    let (mut begins, mut ends) = (vec![0i64; rank], vec![0i64; rank]);
    for (at, axis) in axes.iter().enumerate() {
        if let (Some(b), Some(e)) = (begins.get_mut(*axis), ends.get_mut(*axis)) {
            *b = given.get(at).copied().unwrap_or(0);
            *e = given.get(at + axes.len()).copied().unwrap_or(0);
        }
    }
    let mode = a.node.text("mode", "constant")?;
    if mode == "constant" {
        let value = match a.get(2) {
            None => 0.0,
            Some(v) => v.as_scalar().ok_or_else(|| a.node.broken("what it pads with depends on the data"))?,
        };
        return Ok(vec![x.padded(&begins, &ends, value)]);
    }
    // Every other mode repeats values that are there.
    let mut y = x;
    for axis in 0..rank {
        let (begin, end) = (begins.get(axis).copied().unwrap_or(0), ends.get(axis).copied().unwrap_or(0));
        if begin == 0 && end == 0 {
            continue;
        }
        let size = x.dim(axis) as i64;
        let reach = (begin.saturating_neg()..size.saturating_add(end)).take(crate::shape::MAX_PICKED + 1);
        let source = |at: i64| match mode {
            "edge" => at.clamp(0, size - 1),
            "reflect" if size > 1 => {
                let at = at.rem_euclid(2 * (size - 1));
                at.min(2 * (size - 1) - at)
            }
            "reflect" => 0,
            _ => at.rem_euclid(size.max(1)),
        };
        if !["edge", "reflect", "wrap"].contains(&mode) || size == 0 {
            return Err(a.node.broken(format!("mode {mode:?} is not followed")));
        }
        y = picked(y, axis, &reach.map(source).collect::<Vec<_>>());
    }
    Ok(vec![y])
}

/// Values at some places along an axis.
fn picked<'b>(x: V<'b>, axis: usize, places: &[i64]) -> V<'b> {
    let places = x.builder().ints(places);
    x.builder().op("Gather", &[x, places], vec![("axis", Attribute::Int(axis as i64))])
}

/// Indices that count from the end are counted from the front.
fn gather<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let (x, indices) = (a.input(0)?, a.input(1)?);
    let axis = a.axis("axis", 0, x.rank())?;
    let attributes = vec![("axis", Attribute::Int(axis as i64))];
    let Some(ints) = indices.as_ints().filter(|v| v.iter().any(|i| *i < 0)) else {
        return Ok(a.direct(attributes, &a.x));
    };
    let size = x.dim(axis) as i64;
    let counted = ints.iter().map(|i| if *i < 0 { i + size } else { *i }).collect();
    let shape = indices.dims().iter().filter_map(|d| d.fixed()).collect();
    let counted = a.b.constant(Constant::int64(shape, counted));
    Ok(a.direct(attributes, &[Some(x), Some(counted)]))
}

/// Channels to places and back.
fn blocks<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let &[n, Size::Fixed(c), Size::Fixed(h), Size::Fixed(w)] = x.dims().as_slice() else {
        return Err(a.node.broken("its input has not batch, channels, height and width"));
    };
    let s = usize::try_from(a.node.int("blocksize", 1)?).ok().filter(|s| (1..=1 << 16).contains(s));
    let s = s.ok_or_else(|| a.node.broken("attribute \"blocksize\" is no size"))?;
    let fixed = |dims: &[usize]| {
        let mut all = vec![n];
        all.extend(dims.iter().map(|d| Size::Fixed(*d)));
        all
    };
    Ok(vec![match (a.node.operator.as_str(), a.node.text("mode", "DCR")?) {
        ("SpaceToDepth", _) => x
            .reshape(&fixed(&[c, h / s, s, w / s, s]))
            .transpose(&[0, 3, 5, 1, 2, 4])
            .reshape(&fixed(&[c * s * s, h / s, w / s])),
        (_, "CRD") => x
            .reshape(&fixed(&[c / (s * s), s, s, h, w]))
            .transpose(&[0, 1, 4, 2, 5, 3])
            .reshape(&fixed(&[c / (s * s), h * s, w * s])),
        _ => x.reshape(&fixed(&[s, s, c / (s * s), h, w])).transpose(&[0, 3, 4, 1, 5, 2]).reshape(&fixed(&[
            c / (s * s),
            h * s,
            w * s,
        ])),
    }])
}

/// A triangle of each matrix; the rest is 0.
fn triangle<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let k = match a.get(1) {
        None => 0,
        Some(k) => {
            let k = k.as_ints().and_then(|k| k.first().copied());
            k.ok_or_else(|| a.node.broken("its diagonal depends on the data"))?
        }
    };
    if x.rank() < 2 {
        return Err(a.node.broken("its input is no matrix"));
    }
    let (rows, columns) = (x.dim(x.rank() - 2), x.dim(x.rank() - 1));
    let upper = a.node.int("upper", 1)? != 0;
    let inside = |at: usize| {
        let offset = (at % columns.max(1)) as i64 - (at / columns.max(1)) as i64;
        if upper { offset >= k } else { offset <= k }
    };
    let mask = a.b.constant(Constant::bools(vec![rows, columns], (0..rows * columns).map(inside)));
    let zero = a.b.scalar(0.0).cast(x.element());
    Ok(vec![x.only_where(mask, zero)])
}

/// Nearest-neighbour resizing by whole factors picks values along each axis.
fn resize<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let mode = a.node.text("mode", "nearest")?;
    let coordinates = a.node.text("coordinate_transformation_mode", "half_pixel")?;
    if mode != "nearest" || a.node.attributes.contains_key("axes") {
        return Err(a.node.broken(format!("mode {mode:?} is not differentiated; nearest is")));
    }
    let numbers =
        |at: usize| a.get(at).and_then(V::constant).and_then(|c| c.floats()).filter(|v| !v.is_empty());
    let rank = x.rank();
    let (scales, sizes) = match a.node.operator.as_str() {
        "Upsample" => (numbers(1), None),
        _ => (numbers(2), numbers(3)),
    };
    let mut y = x;
    for axis in 0..rank {
        let Some(size) = x.dims().get(axis).copied().and_then(Size::fixed) else { continue };
        let out = match (&scales, &sizes) {
            (Some(scales), _) => (size as f32 * scales.get(axis).copied().unwrap_or(1.0)).floor() as usize,
            (_, Some(sizes)) => sizes.get(axis).copied().unwrap_or(size as f32) as usize,
            _ => return Err(a.node.broken("it has neither scales nor sizes")),
        };
        if out == size {
            continue;
        }
        if out > crate::shape::MAX_PICKED {
            return Err(a.node.broken(format!("from {size} to {out} is too large")));
        }
        if size == 0
            || out % size != 0
            || !["half_pixel", "asymmetric", "pytorch_half_pixel"].contains(&coordinates)
        {
            return Err(a.node.broken(format!("from {size} to {out} ({coordinates}) is not a whole factor")));
        }
        let factor = out / size;
        y = picked(y, axis, &(0..out).map(|at| (at / factor) as i64).collect::<Vec<_>>());
    }
    Ok(vec![y])
}
