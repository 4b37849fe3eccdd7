//! Reductions over dimensions.

use super::super::kernel::reduce::{ArgBest, Reduce, Reduction};
use super::super::kernel::unary::{Map, Unary};
use super::super::plan::{Id, Planner};
use super::super::value::{Kind, Layout, Spread};
use super::shape::{axes, permute};
use super::{axis_of, unsupported};
use crate::OnnxError;
use crate::graph::Node;

/// `ReduceSum` and its kin.
pub(crate) fn reduce<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let reduction = match node.operator.as_str() {
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        "ReduceMax" => Reduction::Max,
        "ReduceMean" => Reduction::Mean,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Product,
        "ReduceSum" => Reduction::Sum,
        "ReduceSumSquare" => Reduction::SumOfSquares,
        _ => return Err(unsupported(node)),
    };
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let given = axes(p, node, 1)?.filter(|a| !a.is_empty());
    let over = match given {
        Some(given) => given.iter().map(|a| axis_of(node, *a, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None if node.int("noop_with_empty_axes", 0)? != 0 => Vec::new(),
        None => (0..shape.len()).collect(),
    };
    let keep = node.int("keepdims", 1)? != 0;
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(d, n)| if over.contains(&d) { 1 } else { *n }).collect();
    let result: Vec<usize> =
        (0..shape.len()).filter(|d| keep || !over.contains(d)).map(|d| kept[d]).collect();
    let spread = match p.value(x).spread {
        Spread::Rows if over.contains(&0) && reduction.adds_up() => Spread::Sum,
        Spread::Rows if over.contains(&0) => {
            p.mixes_rows();
            Spread::Rows
        }
        _ => p.spread_of(&[x]),
    };
    if over.is_empty() {
        // Of one element each, which matters for norms and logarithms.
        let function = match reduction {
            Reduction::L1 | Reduction::L2 => Unary::Abs,
            Reduction::LogSum => Unary::Log,
            Reduction::SumOfSquares => return Err(node.broken("it reduces no dimension")),
            _ => Unary::Affine(1.0, 0.0),
        };
        let layout = p.value(x).layout;
        let out = p.emit(Map(function), &[x], (result, Kind::Float, layout, spread))?;
        p.name(node, 0, out);
        return Ok(());
    }
    let (x, [reduced, inner]) = grouped(p, node, x, &over)?;
    let kernel = Reduce { reduction, reduced, inner };
    let out = p.emit(kernel, &[x], (result, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}

/// Brings the dimensions that are reduced beside each other: so many times `[reduced, inner]`. What remains is in
/// order afterwards. Images with channels last are taken as they lie where that serves.
fn grouped(p: &mut Planner<'_>, node: &Node, x: Id, over: &[usize]) -> Result<(Id, [usize; 2]), OnnxError> {
    let shape = p.shape(x);
    if p.value(x).layout == Layout::ChannelsLast
        && let [n, c, h, w] = shape[..]
    {
        let (batch, channel, space) =
            (over.contains(&0), over.contains(&1), over.contains(&2) && over.contains(&3));
        match (batch, channel, space) {
            (true, false, true) => return Ok((x, [n * h * w, c])),
            (false, false, true) => return Ok((x, [h * w, c])),
            (false, true, true) => return Ok((x, [h * w * c, 1])),
            (true, true, true) => return Ok((x, [n * h * w * c, 1])),
            _ => {}
        }
    }
    let x = p.plain(x)?;
    let first = (0..shape.len()).find(|d| over.contains(d)).unwrap_or(0);
    let last = (0..shape.len()).rfind(|d| over.contains(d)).unwrap_or(0);
    if (first..=last).all(|d| over.contains(&d)) {
        let size = |r: std::ops::Range<usize>| shape[r].iter().product::<usize>();
        return Ok((x, [size(first..last + 1), size(last + 1..shape.len())]));
    }
    let remain: Vec<usize> = (0..shape.len()).filter(|d| !over.contains(d)).collect();
    let mut order = remain.clone();
    order.extend((0..shape.len()).filter(|d| over.contains(d)));
    // Which rows go where is settled by the reduction's own spread, not by this detour.
    let separable = p.separable();
    let turned = permute(p, node, x, &order)?;
    p.set_separable(separable);
    let reduced = over.iter().map(|d| shape[*d]).product();
    Ok((turned, [reduced, 1]))
}

/// `ArgMax` and `ArgMin`.
pub(crate) fn arg_best<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.float(node, 0)?;
    let shape = p.shape(x);
    let axis = axis_of(node, node.int("axis", 0)?, shape.len())?;
    let spread = p.spread_of(&[x]);
    if axis == 0 && spread == Spread::Rows {
        p.mixes_rows();
    }
    if shape[axis] == 0 {
        return Err(node.broken("it looks for the best of none"));
    }
    let (x, [reduced, inner]) = grouped(p, node, x, &[axis])?;
    let keep = node.int("keepdims", 1)? != 0;
    let mut result = shape;
    if keep {
        result[axis] = 1;
    } else {
        result.remove(axis);
    }
    let kernel = ArgBest {
        largest: node.operator == "ArgMax",
        last: node.int("select_last_index", 0)? != 0,
        reduced,
        inner,
    };
    let out = p.emit(kernel, &[x], (result, Kind::Int, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}
