//! The matrix product that dense layers, convolutions and their derivatives share.
//!
//! `C[m, n] = Σ_k A[rows[m] + steps[k]] · B[k, n]`: the left operand is not copied but read through two tables
//! of offsets, as in XNNPACK's indirect convolution. A dense layer has `rows[m] = m·K, steps[k] = k`; a
//! convolution over a channels-last image has the position of a pixel and that of a weight; the derivative
//! with respect to weights has them the other way round; a transposed operand has its strides. So one
//! micro-kernel, written once over the vectors of `rten-simd`, does all of it.
//!
//! The right operand is packed into panels of two vectors' width (the last may be of one), in blocks of
//! [`DEPTH`] so that a panel stays in the first-level cache.
//!
//! **Every element of `C` is one chain of fused multiply-adds in the order of `k`**, whatever the tile that
//! computes it. That is what makes a row's result independent of the rows beside it.

use std::sync::OnceLock;

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp};

/// Terms of a sum taken at a time: 192 × 32 floats are 24 KiB, three quarters of a usual first-level cache.
const DEPTH: usize = 192;
/// The widest panel of any instruction set: two vectors of 16.
const WIDEST: usize = 32;

/// Floats of a vector on this machine.
pub(crate) fn lanes() -> usize {
    struct Lanes;
    impl SimdOp for Lanes {
        type Output = usize;
        #[inline(always)]
        fn eval<I: Isa>(self, isa: I) -> usize {
            isa.f32().len()
        }
    }
    static LANES: OnceLock<usize> = OnceLock::new();
    *LANES.get_or_init(|| Lanes.dispatch())
}

/// Floats that a packed operand of `depth` rows and `columns` columns takes.
pub(crate) fn packed_len(depth: usize, columns: usize) -> Option<usize> {
    columns.checked_next_multiple_of(lanes())?.checked_mul(depth)
}

/// Packs the `depth × columns` operand whose element `(k, n)` is `at(k, n)`.
pub(crate) fn pack(depth: usize, columns: usize, at: impl Fn(usize, usize) -> f32, packed: &mut [f32]) {
    let mut rest = packed;
    for (first, width) in panels(columns) {
        let (panel, after) = rest.split_at_mut(depth * width);
        rest = after;
        for (k, row) in panel.chunks_exact_mut(width).enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = if first + j < columns { at(k, first + j) } else { 0.0 };
            }
        }
    }
}

/// [`pack`] for an operand whose rows are contiguous: row `k` begins at `k * stride`.
pub(crate) fn pack_rows(source: &[f32], depth: usize, columns: usize, stride: usize, packed: &mut [f32]) {
    let mut rest = packed;
    for (first, width) in panels(columns) {
        let (panel, after) = rest.split_at_mut(depth * width);
        rest = after;
        let held = width.min(columns - first);
        for (k, row) in panel.chunks_exact_mut(width).enumerate() {
            let (filled, padding) = row.split_at_mut(held);
            filled.copy_from_slice(&source[k * stride + first..][..held]);
            padding.fill(0.0);
        }
    }
}

/// First column and width of each panel.
fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let v = lanes();
    (0..columns).step_by(2 * v).map(move |first| (first, if columns - first > v { 2 * v } else { v }))
}

/// One product. See the module for its meaning.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    /// The left operand.
    pub a: &'a [f32],
    /// Where the rows of the left operand begin.
    pub rows: &'a [u32],
    /// Where a row's elements lie from its beginning.
    pub steps: &'a [u32],
    /// The right operand, as [`pack`] makes it.
    pub b: &'a [f32],
    /// Columns of the right operand.
    pub columns: usize,
    /// Where the rows of the result begin.
    pub targets: &'a [u32],
    /// The result.
    pub c: &'a mut [f32],
    /// What the sums begin with.
    pub start: Start<'a>,
    /// Whether negative sums become 0.
    pub relu: bool,
}

/// What sums begin with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// 0.
    Zero,
    /// A value for each column.
    Bias(&'a [f32]),
    /// What the result holds.
    Result,
}

impl Product<'_> {
    /// Computes it.
    pub(crate) fn run(self) {
        debug_assert_eq!(self.rows.len(), self.targets.len());
        self.dispatch();
    }
}

impl SimdOp for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let v = isa.f32().len();
        let depth = self.steps.len();
        let blocks = depth.div_ceil(DEPTH).max(1);
        let block = depth.div_ceil(blocks).max(1);
        for b in 0..blocks {
            let (from, to) = (b * block, ((b + 1) * block).min(depth));
            let mut panel_start = 0;
            for (first, width) in panels(self.columns) {
                let panel = Panel {
                    a: self.a,
                    steps: &self.steps[from..to],
                    b: &self.b[panel_start + from * width..panel_start + to * width],
                    first,
                    held: width.min(self.columns - first),
                    start: if b > 0 { Start::Result } else { self.start },
                    relu: self.relu && b + 1 == blocks,
                };
                panel_start += depth * width;
                let (rows, targets) = (self.rows, self.targets);
                if width == v {
                    narrow(isa, &panel, rows, targets, self.c);
                } else {
                    wide(isa, &panel, rows, targets, self.c);
                }
            }
        }
    }
}

/// What a tile needs to know beside its rows.
struct Panel<'a> {
    a: &'a [f32],
    steps: &'a [u32],
    b: &'a [f32],
    first: usize,
    held: usize,
    start: Start<'a>,
    relu: bool,
}

/// Rows of a panel of two vectors. Eight rows and two vectors fill the 32 registers of AVX-512 and NEON best;
/// AVX2 has 16.
#[inline(always)]
fn wide<I: Isa>(isa: I, panel: &Panel<'_>, mut rows: &[u32], mut targets: &[u32], c: &mut [f32]) {
    let most = if isa.f32().len() == 8 { 6 } else { 8 };
    while !rows.is_empty() {
        let taken = match rows.len().min(most) {
            8 => tile::<I, 8, 2>(isa, panel, rows, targets, c),
            6 | 7 => tile::<I, 6, 2>(isa, panel, rows, targets, c),
            4 | 5 => tile::<I, 4, 2>(isa, panel, rows, targets, c),
            2 | 3 => tile::<I, 2, 2>(isa, panel, rows, targets, c),
            _ => tile::<I, 1, 2>(isa, panel, rows, targets, c),
        };
        (rows, targets) = (&rows[taken..], &targets[taken..]);
    }
}

/// Rows of a panel of one vector.
#[inline(always)]
fn narrow<I: Isa>(isa: I, panel: &Panel<'_>, mut rows: &[u32], mut targets: &[u32], c: &mut [f32]) {
    let most = if isa.f32().len() == 8 { 8 } else { 14 };
    while !rows.is_empty() {
        let taken = match rows.len().min(most) {
            14.. => tile::<I, 14, 1>(isa, panel, rows, targets, c),
            8..14 => tile::<I, 8, 1>(isa, panel, rows, targets, c),
            4..8 => tile::<I, 4, 1>(isa, panel, rows, targets, c),
            2 | 3 => tile::<I, 2, 1>(isa, panel, rows, targets, c),
            _ => tile::<I, 1, 1>(isa, panel, rows, targets, c),
        };
        (rows, targets) = (&rows[taken..], &targets[taken..]);
    }
}

/// `P` rows by `Q` vectors; returns `P`.
#[inline(always)]
fn tile<I: Isa, const P: usize, const Q: usize>(
    isa: I,
    panel: &Panel<'_>,
    rows: &[u32],
    targets: &[u32],
    c: &mut [f32],
) -> usize {
    let ops = isa.f32();
    let v = ops.len();
    let at: [usize; P] = std::array::from_fn(|p| rows[p] as usize);
    let to: [usize; P] = std::array::from_fn(|p| targets[p] as usize + panel.first);
    let whole = panel.held == Q * v;
    let mut sums = [[ops.zero(); Q]; P];
    match panel.start {
        Start::Zero => {}
        Start::Bias(bias) => {
            let mut row = [0.0; WIDEST];
            row[..panel.held].copy_from_slice(&bias[panel.first..][..panel.held]);
            let row: [_; Q] = ops.load_many::<Q>(&row);
            sums = [row; P];
        }
        Start::Result if whole => {
            for p in 0..P {
                sums[p] = ops.load_many::<Q>(&c[to[p]..][..Q * v]);
            }
        }
        Start::Result => {
            for p in 0..P {
                let mut row = [0.0; WIDEST];
                row[..panel.held].copy_from_slice(&c[to[p]..][..panel.held]);
                sums[p] = ops.load_many::<Q>(&row);
            }
        }
    }
    for (b, step) in panel.b.chunks_exact(Q * v).zip(panel.steps) {
        let b: [_; Q] = ops.load_many::<Q>(b);
        let a = &panel.a[*step as usize..];
        for p in 0..P {
            let a = ops.splat(a[at[p]]);
            for q in 0..Q {
                sums[p][q] = ops.mul_add(a, b[q], sums[p][q]);
            }
        }
    }
    if panel.relu {
        for row in &mut sums {
            for sum in row {
                // In this order a NaN stays one.
                *sum = ops.max(ops.zero(), *sum);
            }
        }
    }
    for p in 0..P {
        if whole {
            let row = &mut c[to[p]..][..Q * v];
            for q in 0..Q {
                ops.store(sums[p][q], &mut row[q * v..]);
            }
        } else {
            let mut row = [0.0; WIDEST];
            for q in 0..Q {
                ops.store(sums[p][q], &mut row[q * v..]);
            }
            c[to[p]..][..panel.held].copy_from_slice(&row[..panel.held]);
        }
    }
    P
}

/// A product with few columns, where most of a panel would be padding: each element is a sum over vectors of
/// a row's contiguous runs, added up across lanes at the end.
#[derive(Debug)]
pub(crate) struct Thin<'a> {
    /// The left operand.
    pub a: &'a [f32],
    /// Where the rows of the left operand begin.
    pub rows: &'a [u32],
    /// Where the runs begin from a row's beginning.
    pub runs: &'a [u32],
    /// Length of a run, a multiple of [`lanes`].
    pub run: usize,
    /// The right operand, transposed: `columns` rows of `runs · run` values.
    pub b: &'a [f32],
    /// Columns; at most [`Thin::MOST`].
    pub columns: usize,
    /// Where the rows of the result begin.
    pub targets: &'a [u32],
    /// The result.
    pub c: &'a mut [f32],
}

impl Thin<'_> {
    /// The most columns.
    pub(crate) const MOST: usize = 4;

    /// Computes it.
    pub(crate) fn run(self) {
        self.dispatch();
    }

    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]
    fn columns<I: Isa, const P: usize, const N: usize>(&mut self, isa: I, first: usize) {
        let ops = isa.f32();
        let v = ops.len();
        let depth = self.runs.len() * self.run;
        let at: [usize; P] = std::array::from_fn(|p| self.rows[first + p] as usize);
        let weights: [&[f32]; N] = std::array::from_fn(|n| &self.b[n * depth..(n + 1) * depth]);
        let mut sums = [[ops.zero(); N]; P];
        for (r, start) in self.runs.iter().enumerate() {
            let weights: [&[f32]; N] = std::array::from_fn(|n| &weights[n][r * self.run..][..self.run]);
            let runs: [&[f32]; P] = std::array::from_fn(|p| &self.a[at[p] + *start as usize..][..self.run]);
            let mut k = 0;
            while k + v <= self.run {
                let w: [_; N] = std::array::from_fn(|n| ops.load(&weights[n][k..]));
                for p in 0..P {
                    let a = ops.load(&runs[p][k..]);
                    for n in 0..N {
                        sums[p][n] = ops.mul_add(a, w[n], sums[p][n]);
                    }
                }
                k += v;
            }
        }
        for p in 0..P {
            let row = &mut self.c[self.targets[first + p] as usize..][..N];
            for n in 0..N {
                row[n] = ops.sum(sums[p][n]);
            }
        }
    }

    #[inline(always)]
    fn all<I: Isa, const N: usize>(mut self, isa: I) {
        let mut first = 0;
        while first + 4 <= self.rows.len() {
            self.columns::<I, 4, N>(isa, first);
            first += 4;
        }
        while first < self.rows.len() {
            self.columns::<I, 1, N>(isa, first);
            first += 1;
        }
    }
}

impl SimdOp for Thin<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        match self.columns {
            1 => self.all::<I, 1>(isa),
            2 => self.all::<I, 2>(isa),
            3 => self.all::<I, 3>(isa),
            _ => self.all::<I, 4>(isa),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state % 2001) as f32 / 1000.0 - 1.0
            })
            .collect()
    }

    fn product(a: &[f32], b: &[f32], m: usize, k: usize, n: usize, bias: Option<&[f32]>) -> Vec<f32> {
        let mut packed = vec![f32::NAN; packed_len(k, n).unwrap()];
        pack_rows(b, k, n, n, &mut packed);
        let mut c = vec![f32::NAN; m * n];
        Product {
            a,
            rows: &(0..m).map(|i| (i * k) as u32).collect::<Vec<_>>(),
            steps: &(0..k as u32).collect::<Vec<_>>(),
            b: &packed,
            columns: n,
            targets: &(0..m).map(|i| (i * n) as u32).collect::<Vec<_>>(),
            c: &mut c,
            start: bias.map_or(Start::Zero, Start::Bias),
            relu: false,
        }
        .run();
        c
    }

    #[test]
    fn products_of_every_size_are_those_in_float64() {
        for (m, k, n) in [
            (1, 1, 1),
            (3, 5, 7),
            (9, 193, 33),
            (31, 17, 16),
            (17, 400, 48),
            (5, 0, 3),
            (64, 64, 10),
            (29, 9, 31),
        ] {
            let (a, b, bias) = (values(m * k, 1), values(k * n, 2), values(n, 3));
            let c = product(&a, &b, m, k, n, Some(&bias));
            for i in 0..m {
                for j in 0..n {
                    let exact: f64 = (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum();
                    let exact = exact + f64::from(bias[j]);
                    assert!((f64::from(c[i * n + j]) - exact).abs() < 1e-4, "{m} {k} {n}: {i} {j}");
                }
            }
        }
    }

    #[test]
    fn a_row_is_the_same_bits_in_any_company() {
        let (k, n) = (300, 53);
        let (a, b) = (values(40 * k, 1), values(k * n, 2));
        let whole = product(&a, &b, 40, k, n, None);
        for m in 1..=40 {
            let part = product(&a, &b, m, k, n, None);
            assert!(part.iter().zip(&whole).all(|(x, y)| x.to_bits() == y.to_bits()), "{m} rows");
        }
    }

    #[test]
    fn thin_products_are_those_in_float64() {
        let run = 2 * lanes();
        for (m, n) in [(1, 1), (7, 2), (9, 3), (4, 4)] {
            let depth = 3 * run;
            let (a, b) = (values(m * depth, 5), values(n * depth, 6));
            let mut c = vec![f32::NAN; m * n];
            Thin {
                a: &a,
                rows: &(0..m).map(|i| (i * depth) as u32).collect::<Vec<_>>(),
                runs: &[0, run as u32, 2 * run as u32],
                run,
                b: &b,
                columns: n,
                targets: &(0..m).map(|i| (i * n) as u32).collect::<Vec<_>>(),
                c: &mut c,
            }
            .run();
            for i in 0..m {
                for j in 0..n {
                    let exact: f64 =
                        (0..depth).map(|l| f64::from(a[i * depth + l]) * f64::from(b[j * depth + l])).sum();
                    assert!((f64::from(c[i * n + j]) - exact).abs() < 1e-4);
                }
            }
        }
    }
}
