//! Shapes of products of matrices.

use super::{Call, Output, broadcast_shapes};
use crate::OnnxError;

pub(super) fn gemm(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let (a, b) = (call.arg(0)?, call.arg(1)?);
    let (&[a0, a1], &[b0, b1]) = (a.shape.as_slice(), b.shape.as_slice()) else {
        return Err(call.wrong(format!("shapes {:?} and {:?} are no matrices", a.shape, b.shape)));
    };
    let (m, k) = if call.node.int("transA", 0)? != 0 { (a1, a0) } else { (a0, a1) };
    let (inner, n) = if call.node.int("transB", 0)? != 0 { (b1, b0) } else { (b0, b1) };
    if k != inner {
        return Err(call.wrong(format!("a row has {k} values and the weights expect {inner}")));
    }
    if let Some(c) = call.get(2)
        && broadcast_shapes(&c.shape, &[m, n]).as_deref() != Some(&[m, n])
    {
        return Err(call.wrong(format!("the bias has shape {:?}, which does not fit [{m}, {n}]", c.shape)));
    }
    Ok(vec![(a.element, vec![m, n])])
}

pub(super) fn matmul(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let (a, b) = (call.arg(0)?, call.arg(1)?);
    if a.shape.is_empty() || b.shape.is_empty() {
        return Err(call.wrong("a scalar is no matrix"));
    }
    let split = |s: &[usize], vector: [usize; 2]| match *s {
        [n] => (Vec::new(), if vector[0] == 1 { [1, n] } else { [n, 1] }),
        [ref batch @ .., m, n] => (batch.to_vec(), [m, n]),
        [] => (Vec::new(), [1, 1]),
    };
    let (batch_a, [m, k]) = split(&a.shape, [1, 0]);
    let (batch_b, [inner, n]) = split(&b.shape, [0, 1]);
    if k != inner {
        return Err(
            call.wrong(format!("shapes {:?} and {:?} do not multiply: {k} is not {inner}", a.shape, b.shape))
        );
    }
    let mut shape = broadcast_shapes(&batch_a, &batch_b)
        .ok_or_else(|| call.wrong(format!("shapes {:?} and {:?} do not go together", a.shape, b.shape)))?;
    shape.extend((a.shape.len() > 1).then_some(m));
    shape.extend((b.shape.len() > 1).then_some(n));
    Ok(vec![(a.element, shape)])
}
