//! Bringing the right operand of a [`Product`](super::product::Product) into panels.

use super::super::value::{Io, Kernel, Out};
use super::product;

/// Packs one or more matrices out of a tensor, one after another.
#[derive(Debug)]
pub(crate) struct Pack {
    /// The matrices.
    pub matrices: Vec<Matrix>,
    /// Whether they are kept row by row for [`Thin`](super::product::Thin) instead.
    pub thin: bool,
}

/// A matrix within a tensor: element `(k, n)` lies at `base + rows[k] + n * step`.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    /// Where it begins.
    pub base: usize,
    /// Where each of its rows begins from there.
    pub rows: Vec<u32>,
    /// From column to column.
    pub step: usize,
    /// Number of columns.
    pub columns: usize,
}

impl Matrix {
    /// Floats that it takes when it is packed.
    pub(crate) fn packed_len(&self, thin: bool) -> Option<usize> {
        if thin {
            self.rows.len().checked_mul(self.columns)
        } else {
            product::packed_len(self.rows.len(), self.columns)
        }
    }
}

impl Kernel for Pack {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (source, mut rest) = (io.floats(0), out.floats());
        for matrix in &self.matrices {
            let len = matrix.packed_len(self.thin).unwrap_or(0);
            let (packed, after) = rest.split_at_mut(len);
            rest = after;
            let at = |k: usize, n: usize| source[matrix.base + matrix.rows[k] as usize + n * matrix.step];
            if self.thin {
                let depth = matrix.rows.len().max(1);
                for (n, row) in packed.chunks_exact_mut(depth).enumerate() {
                    for (k, value) in row.iter_mut().enumerate() {
                        *value = at(k, n);
                    }
                }
            } else {
                product::pack(matrix.rows.len(), matrix.columns, at, packed);
            }
        }
        Ok(())
    }
}
