//! Products of matrices, one or many of the same size.

use super::super::value::{Io, Kernel, Out};
use super::product::{Product, Start, pack, pack_rows};

/// Which pairs of matrices are multiplied.
#[derive(Debug, Clone)]
pub(crate) enum Batch {
    /// Left matrices stacked into one, times one right matrix.
    Tall(usize),
    /// Where each left and each right matrix begins.
    Pairs(Vec<usize>, Vec<usize>),
}

impl Batch {
    /// One matrix times one.
    pub(crate) const fn single() -> Self {
        Self::Tall(1)
    }

    /// `count` left matrices times one right matrix.
    pub(crate) const fn tall(count: usize) -> Self {
        Self::Tall(count)
    }

    /// Each left matrix times its right one.
    pub(crate) const fn pairs(left: Vec<usize>, right: Vec<usize>) -> Self {
        Self::Pairs(left, right)
    }

    pub(crate) const fn is_single(&self) -> bool {
        matches!(self, Self::Tall(1))
    }

    pub(crate) const fn is_tall(&self) -> bool {
        matches!(self, Self::Tall(_))
    }

    /// Rows of a left matrix as it is multiplied.
    pub(crate) fn height(&self, m: usize) -> Option<usize> {
        match self {
            Self::Tall(count) => count.checked_mul(m),
            Self::Pairs(..) => Some(m),
        }
    }

    /// Where the matrices of each product begin.
    pub(crate) fn offsets(&self) -> Vec<(usize, usize)> {
        match self {
            Self::Tall(_) => vec![(0, 0)],
            Self::Pairs(left, right) => left.iter().copied().zip(right.iter().copied()).collect(),
        }
    }
}

/// Left matrices, right matrices (packed before, where there is one that stays the same) and, if there is
/// one, a bias for each column.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub rows: Vec<u32>,
    pub steps: Vec<u32>,
    pub targets: Vec<u32>,
    pub columns: usize,
    pub offsets: Vec<(usize, usize)>,
    /// Strides of the right matrix from term to term and from column to column, where it is packed here.
    pub right: Option<(usize, usize)>,
    /// Length of a packed right matrix.
    pub packed: usize,
    pub bias: bool,
    pub relu: bool,
}

impl Kernel for Dense {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let (left, right, out) = (io.floats(0), io.floats(1), out.floats());
        let bias = self.bias.then(|| io.floats(2));
        let result = self.rows.len() * self.columns;
        let depth = self.steps.len();
        let mut held = None;
        for (i, (from, with)) in self.offsets.iter().enumerate() {
            let b: &[f32] = match self.right {
                None => right,
                Some((term, column)) => {
                    let scratch = &mut scratch[..self.packed];
                    // Pairs that share a right matrix come one after another.
                    if held != Some(*with) {
                        let source = right.get(*with..).unwrap_or_default();
                        if column == 1 {
                            pack_rows(source, depth, self.columns, term, scratch);
                        } else {
                            pack(depth, self.columns, |k, n| source[k * term + n * column], scratch);
                        }
                        held = Some(*with);
                    }
                    scratch
                }
            };
            Product {
                a: left.get(*from..).unwrap_or_default(),
                rows: &self.rows,
                steps: &self.steps,
                b: &b[..self.packed],
                columns: self.columns,
                targets: &self.targets,
                c: &mut out[i * result..(i + 1) * result],
                start: bias.map_or(Start::Zero, Start::Bias),
                relu: self.relu,
            }
            .run();
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        if self.right.is_some() { self.packed } else { 0 }
    }

    fn with_relu(&self) -> Option<Box<dyn Kernel>> {
        Some(Box::new(Self { relu: true, ..self.clone() }))
    }
}
