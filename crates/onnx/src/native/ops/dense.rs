//! `Gemm` and `MatMul`.

use super::super::kernel::elementwise::Binary;
use super::super::kernel::pack::{Matrix, Pack};
use super::super::kernel::product::packed_len;
use super::super::kernel::strides::{broadcast, broadcast_shape};
use super::super::kernel::unary::{Map, Unary};
use super::super::plan::{Id, Planner};
use super::super::value::{Kind, Layout, Spread};
use super::arithmetic::{both, float_attribute};
use crate::OnnxError;
use crate::graph::Node;
use crate::native::kernel::dense::{Batch, Dense};

/// `alpha · A · B + beta · C`, with A and B transposed where the attributes say so.
pub(crate) fn gemm<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (a, b) = (p.float(node, 0)?, p.float(node, 1)?);
    let flag = |name: &str| node.int(name, 0).map(|v| v != 0);
    let (turn_a, turn_b) = (flag("transA")?, flag("transB")?);
    let (alpha, beta) = (float_attribute(node, "alpha", 1.0)?, float_attribute(node, "beta", 1.0)?);
    let ([ah, aw], [bh, bw]) = (pair(p, node, a)?, pair(p, node, b)?);
    let (m, k) = if turn_a { (aw, ah) } else { (ah, aw) };
    let (depth, n) = if turn_b { (bw, bh) } else { (bh, bw) };
    if k != depth {
        return Err(node.broken(format!("[{m}, {k}] times [{depth}, {n}]")));
    }
    let left = Side { id: a, rows: if turn_a { 1 } else { aw }, steps: if turn_a { aw } else { 1 } };
    let right = Side { id: b, rows: if turn_b { 1 } else { bw }, steps: if turn_b { bw } else { 1 } };
    let c = p.optional(node, 2)?;
    // A bias for each column is what the sums begin with; anything else is added.
    let fused = match c {
        Some(c)
            if alpha == 1.0 && beta == 1.0 && p.shape(c) == [n] && p.value(c).spread == Spread::Uniform =>
        {
            Some(c)
        }
        _ => None,
    };
    let mut out = product(p, node, &left, &right, [m, k, n], &Batch::single(), vec![m, n], fused, turn_a)?;
    if alpha != 1.0 {
        out = scaled(p, out, alpha)?;
    }
    if let Some(c) = c.filter(|_| fused.is_none() && beta != 0.0) {
        let c = if beta == 1.0 { c } else { scaled(p, c, beta)? };
        out = both(p, node, out, c, Binary::Add)?;
    }
    if p.shape(out) != [m, n] {
        return Err(node.broken("its third input does not broadcast to its result"));
    }
    p.name(node, 0, out);
    Ok(())
}

fn scaled(p: &mut Planner<'_>, x: Id, by: f32) -> Result<Id, OnnxError> {
    let (shape, layout, spread) = (p.shape(x), p.value(x).layout, p.value(x).spread);
    p.emit(Map(Unary::Affine(by, 0.0)), &[x], (shape, Kind::Float, layout, spread))
}

fn pair(p: &Planner<'_>, node: &Node, id: Id) -> Result<[usize; 2], OnnxError> {
    let shape = p.shape(id);
    <[usize; 2]>::try_from(shape.as_slice()).map_err(|_| node.broken(format!("{shape:?} is no matrix")))
}

/// One matrix of a product, by how far apart its elements are. For the right one, `rows` is from term to term
/// and `steps` from column to column.
struct Side {
    id: Id,
    rows: usize,
    steps: usize,
}

/// `MatMul`, as NumPy has it.
pub(crate) fn matmul<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (a, b) = (p.float(node, 0)?, p.float(node, 1)?);
    let (a_shape, b_shape) = (p.shape(a), p.shape(b));
    let (a_full, b_full) = match (&a_shape[..], &b_shape[..]) {
        ([], _) | (_, []) => return Err(node.broken("it multiplies a single number")),
        ([k], b) => (vec![1, *k], if b.len() == 1 { vec![b[0], 1] } else { b.to_vec() }),
        (a, [k]) => (a.to_vec(), vec![*k, 1]),
        (a, b) => (a.to_vec(), b.to_vec()),
    };
    let (a_outer, a_matrix) = a_full.split_at(a_full.len() - 2);
    let (b_outer, b_matrix) = b_full.split_at(b_full.len() - 2);
    let (m, k, n) = (a_matrix[0], a_matrix[1], b_matrix[1]);
    if k != b_matrix[0] {
        return Err(node.broken(format!("{a_shape:?} times {b_shape:?}")));
    }
    let outer = broadcast_shape(&[a_outer, b_outer])
        .ok_or_else(|| node.broken(format!("{a_shape:?} times {b_shape:?}")))?;
    let (a_steps, b_steps) = (broadcast(a_outer, &outer), broadcast(b_outer, &outer));
    let (Some(a_steps), Some(b_steps)) = (a_steps, b_steps) else {
        return Err(node.broken(format!("{a_shape:?} times {b_shape:?}")));
    };
    let mut shape = outer.clone();
    if a_shape.len() > 1 {
        shape.push(m);
    }
    if b_shape.len() > 1 {
        shape.push(n);
    }
    let left = Side { id: a, rows: k, steps: 1 };
    let right = Side { id: b, rows: n, steps: 1 };
    p.affords(&outer)?;
    let one_right = b_outer.iter().all(|n| *n == 1);
    let batch = if one_right && a_outer.len() == outer.len() {
        // All left matrices meet one right matrix: their rows make one tall matrix.
        Batch::tall(outer.iter().product())
    } else {
        let offsets = |steps: &[isize], size: usize| -> Vec<usize> {
            let count: usize = outer.iter().product();
            (0..count)
                .map(|flat| {
                    let (mut rest, mut at) = (flat, 0);
                    for d in (0..outer.len()).rev() {
                        at += (rest % outer[d]) * steps[d] as usize;
                        rest /= outer[d];
                    }
                    at * size
                })
                .collect()
        };
        Batch::pairs(offsets(&a_steps, m * k), offsets(&b_steps, k * n))
    };
    // Rows of the batch must be the first dimension of what depends on them, and of the result.
    let rank = shape.len();
    for (id, own) in [(a, &a_shape), (b, &b_shape)] {
        if p.value(id).spread == Spread::Rows && own.len() != rank {
            p.mixes_rows();
        }
        if p.value(id).spread == Spread::Uniform && own.len() > 2 && own.len() == rank && own[0] != 1 {
            p.mixes_rows();
        }
    }
    if p.value(b).spread == Spread::Rows && b_shape.len() < 3 {
        p.mixes_rows();
    }
    let out = product(p, node, &left, &right, [m, k, n], &batch, shape, None, false)?;
    p.name(node, 0, out);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "two callers, each of which has all of it at hand")]
fn product(
    p: &mut Planner<'_>,
    node: &Node,
    left: &Side,
    right: &Side,
    [m, k, n]: [usize; 3],
    batch: &Batch,
    shape: Vec<usize>,
    bias: Option<Id>,
    turned: bool,
) -> Result<Id, OnnxError> {
    let (a, b) = (p.plain(left.id)?, p.plain(right.id)?);
    let (a_spread, b_spread) = (p.value(a).spread, p.value(b).spread);
    let spread = match (a_spread, b_spread) {
        // Both summed over the batch: the derivative of weights.
        (Spread::Rows, Spread::Rows) if turned && k == p.rows() && bias.is_none() => Spread::Sum,
        _ => {
            if a_spread == Spread::Rows && (turned || batch.is_single() && b_spread == Spread::Rows) {
                p.mixes_rows();
            }
            if a_spread == Spread::Uniform && b_spread == Spread::Rows && batch.is_single() {
                p.mixes_rows();
            }
            p.spread_of(&[a, b])
        }
    };
    let too_large = || node.broken("its matrices are too large");
    let height = batch.height(m).ok_or_else(too_large)?;
    p.affords(&[height, 1])?;
    p.affords(&[k])?;
    let table = |count: usize, step: usize| -> Result<Vec<u32>, OnnxError> {
        (0..count)
            .map(|i| i.checked_mul(step).and_then(|at| u32::try_from(at).ok()).ok_or_else(too_large))
            .collect()
    };
    let (rows, steps, targets) = (table(height, left.rows)?, table(k, left.steps)?, table(height, n)?);
    let packed = packed_len(k, n).ok_or_else(too_large)?;
    let mut operands = vec![a];
    let prepacked = batch.is_tall() && b_spread == Spread::Uniform;
    if prepacked {
        let matrix = Matrix { base: 0, rows: table(k, right.rows)?, step: right.steps, columns: n };
        let kernel = Pack { matrices: vec![matrix], thin: false };
        operands.push(p.emit(kernel, &[b], (vec![packed], Kind::Float, Layout::Plain, Spread::Uniform))?);
    } else {
        operands.push(b);
    }
    operands.extend(bias);
    let kernel = Dense {
        rows,
        steps,
        targets,
        columns: n,
        offsets: batch.offsets(),
        right: (!prepacked).then_some((right.rows, right.steps)),
        packed,
        bias: bias.is_some(),
        relu: false,
    };
    p.emit(kernel, &operands, (shape, Kind::Float, Layout::Plain, spread))
}
