//! Convolutions and pools with every attribute explicit.

use super::{Adapt, Adapter};
use crate::OnnxError;
use crate::build::V;
use crate::graph::Attribute;

type Made<'b> = Result<Vec<V<'b>>, OnnxError>;

pub(super) fn adapter(operator: &str) -> Option<Adapter> {
    Some(match operator {
        "Conv" | "ConvTranspose" => conv,
        "MaxPool" | "AveragePool" => pool,
        _ => return None,
    })
}

fn conv<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let (x, w) = (a.input(0)?, a.input(1)?);
    let rank = x.rank().saturating_sub(2);
    if rank == 0 || w.rank() != x.rank() {
        return Err(a.node.broken(format!(
            "an input of {} and weights of {} dimensions",
            x.rank(),
            w.rank()
        )));
    }
    let kernel: Vec<i64> = (2..w.rank()).map(|axis| w.dim(axis) as i64).collect();
    let mut window = explicit(a, x, &kernel)?;
    window.push(("group", Attribute::Int(a.node.int("group", 1)?)));
    if a.node.operator == "ConvTranspose" {
        let extra = list(a, "output_padding", 0, rank)?;
        if !a.node.ints("output_shape")?.is_empty() {
            return Err(a
                .node
                .broken("attribute \"output_shape\" is not followed; state pads and output_padding"));
        }
        window.push(("output_padding", Attribute::Ints(extra)));
    }
    Ok(a.direct(window, &a.x))
}

fn pool<'b>(a: &Adapt<'b, '_>) -> Made<'b> {
    let x = a.input(0)?;
    let kernel = a.node.ints("kernel_shape")?.to_vec();
    if kernel.is_empty() || kernel.len() + 2 != x.rank() {
        return Err(a.node.broken("attribute \"kernel_shape\" does not fit the input"));
    }
    let mut window = explicit(a, x, &kernel)?;
    window.push(("ceil_mode", Attribute::Int(a.node.int("ceil_mode", 0)?)));
    if a.node.operator == "AveragePool" {
        window.push(("count_include_pad", Attribute::Int(a.node.int("count_include_pad", 0)?)));
    }
    a.unary(window)
}

fn list(a: &Adapt<'_, '_>, name: &str, default: i64, count: usize) -> Result<Vec<i64>, OnnxError> {
    let given = a.node.ints(name)?;
    match given.len() {
        0 => Ok(vec![default; count]),
        n if n == count => Ok(given.to_vec()),
        n => Err(a.node.broken(format!("attribute {name:?} has {n} values, not {count}"))),
    }
}

/// Kernel, strides, dilations and pads; `auto_pad` is resolved.
fn explicit<'n>(a: &Adapt<'_, '_>, x: V<'_>, kernel: &[i64]) -> Result<Vec<(&'n str, Attribute)>, OnnxError> {
    let rank = kernel.len();
    let strides = list(a, "strides", 1, rank)?;
    let dilations = list(a, "dilations", 1, rank)?;
    let mut pads = list(a, "pads", 0, 2 * rank)?;
    let all = kernel.iter().chain(&strides).chain(&dilations).chain(&pads);
    if all.clone().any(|v| !(0..=1 << 20).contains(v)) {
        return Err(a.node.broken("a kernel, stride, dilation or pad is negative or huge"));
    }
    let mode = a.node.text("auto_pad", "NOTSET")?;
    let transposed = a.node.operator == "ConvTranspose";
    match mode {
        "NOTSET" => {}
        "VALID" => pads = vec![0; 2 * rank],
        "SAME_UPPER" | "SAME_LOWER" => {
            for at in 0..rank {
                let value = |v: &[i64]| v.get(at).copied().unwrap_or(1).max(1);
                let (k, s, d) = (value(kernel), value(&strides), value(&dilations));
                let size = x.dim(at + 2) as i64;
                let span = d * (k - 1) + 1;
                // As many outputs as strides fit into the input; a transposed convolution makes as many as
                // inputs times strides.
                let total = if transposed {
                    (span - s).max(0)
                } else {
                    ((size + s - 1) / s * s - s + span - size).max(0)
                };
                let (small, large) = (total / 2, total - total / 2);
                let (begin, end) = if mode == "SAME_UPPER" { (small, large) } else { (large, small) };
                if let Some(slot) = pads.get_mut(at) {
                    *slot = begin;
                }
                if let Some(slot) = pads.get_mut(at + rank) {
                    *slot = end;
                }
            }
        }
        other => return Err(a.node.broken(format!("auto_pad {other:?} is none"))),
    }
    Ok(vec![
        ("kernel_shape", Attribute::Ints(kernel.to_vec())),
        ("strides", Attribute::Ints(strides)),
        ("dilations", Attribute::Ints(dilations)),
        ("pads", Attribute::Ints(pads)),
    ])
}
