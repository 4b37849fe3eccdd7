//! Derivatives of products of matrices.

use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::V;
use crate::graph::Attribute;

type Done = Result<Derivative, OnnxError>;

/// `Y = alpha A' B' + beta C`, with `A'` and `B'` transposed or not.
pub(super) fn gemm(g: &Rule<'_, '_>) -> Done {
    let (a, b, dy) = (g.x(0), g.x(1), g.dy());
    let (alpha, beta) = (g.float("alpha", 1.0)?, g.float("beta", 1.0)?);
    let (ta, tb) = (g.node.int("transA", 0)? != 0, g.node.int("transB", 0)? != 0);
    g.to_if(
        0,
        || if ta { product(alpha, (b, tb), (dy, true)) } else { product(alpha, (dy, false), (b, !tb)) },
    );
    g.to_if(
        1,
        || if tb { product(alpha, (dy, true), (a, ta)) } else { product(alpha, (a, !ta), (dy, false)) },
    );
    g.to_if(2, || if beta == 1.0 { dy } else { dy * beta });
    Ok(Derivative::True)
}

/// `alpha A B` as one node; each matrix with whether it is transposed.
fn product<'b>(alpha: f32, (a, ta): (V<'b>, bool), (b, tb): (V<'b>, bool)) -> V<'b> {
    let attributes = vec![
        ("alpha", Attribute::Float(alpha)),
        ("transA", Attribute::Int(i64::from(ta))),
        ("transB", Attribute::Int(i64::from(tb))),
    ];
    a.builder().op("Gemm", &[a, b], attributes)
}

pub(super) fn matmul(g: &Rule<'_, '_>) -> Done {
    let (a, b, dy) = (g.x(0), g.x(1), g.dy());
    if a.rank() == 2 && b.rank() == 2 {
        g.to_if(0, || product(1.0, (dy, false), (b, true)));
        g.to_if(1, || product(1.0, (a, true), (dy, false)));
        return Ok(Derivative::True);
    }
    // One matrix of weights for a batch of rows: all rows as one matrix, so that the batch is summed in the product.
    if b.rank() == 2 && a.rank() > 2 {
        g.to_if(0, || dy.matmul(b.turned()));
        g.to_if(1, || product(1.0, (flat(a), true), (flat(dy), false)));
        return Ok(Derivative::True);
    }
    g.to_if(0, || dy.matmul(b.turned()));
    g.to_if(1, || a.turned().matmul(dy));
    Ok(Derivative::True)
}

/// All but the last dimension as one.
fn flat(v: V<'_>) -> V<'_> {
    let dims = v.dims();
    let Some((last, rest)) = dims.split_last() else { return v };
    match crate::canonical::product(rest) {
        Some(rows) => v.reshape(&[rows, *last]),
        None => {
            v.builder().fail(OnnxError::Malformed(format!("{:?} has the batch in two dimensions", v.name())))
        }
    }
}
