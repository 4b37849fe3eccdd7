//! What flows between the operators of a classical model.

use crate::OnnxError;

/// Rows of numbers, row-major. Labels that are texts are carried as their position in the list of labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    pub n: usize,
    pub width: usize,
    pub data: Vec<f32>,
    /// Whether the width is a dimension of its own: a label per row is a vector, not a column.
    pub vector: bool,
}

impl Rows {
    pub(crate) fn new(n: usize, width: usize, data: Vec<f32>) -> Self {
        debug_assert_eq!(n * width, data.len());
        Self { n, width, data, vector: false }
    }

    /// One value a row.
    pub(crate) fn labels(data: Vec<f32>) -> Self {
        Self { n: data.len(), width: 1, data, vector: true }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.width.max(1))
    }

    /// Applies `f` to every value, with the value of `other` that belongs to it: rows of one value, and a
    /// single row, stand for all.
    pub(crate) fn zip(&self, other: &Self, f: impl Fn(f32, f32) -> f32) -> Result<Self, OnnxError> {
        let n = self.n.max(other.n);
        let width = self.width.max(other.width);
        let fits = |r: &Self| (r.n == n || r.n == 1) && (r.width == width || r.width == 1);
        if !fits(self) || !fits(other) {
            return Err(OnnxError::Run(format!(
                "[{}, {}] and [{}, {}] do not go together",
                self.n, self.width, other.n, other.width
            )));
        }
        let at = |r: &Self, row: usize, column: usize| {
            let row = if r.n == 1 { 0 } else { row };
            let column = if r.width == 1 { 0 } else { column };
            r.data.get(row * r.width + column).copied().unwrap_or(f32::NAN)
        };
        let mut data = Vec::with_capacity(n * width);
        for row in 0..n {
            data.extend((0..width).map(|column| f(at(self, row, column), at(other, row, column))));
        }
        Ok(Self { n, width, data, vector: self.vector && other.vector })
    }

    pub(crate) fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.data.iter_mut().for_each(|v| *v = f(*v));
        self
    }
}
