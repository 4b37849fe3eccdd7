//! Reductions of any number of `[reduced, inner]` over the first of both.

use super::super::value::{Io, Kernel, Out};
use super::vectorised;

/// What elements are reduced to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Product,
    /// Sum of absolute values.
    L1,
    /// Root of the sum of squares.
    L2,
    SumOfSquares,
    /// Logarithm of the sum.
    LogSum,
    /// Logarithm of the sum of exponentials.
    LogSumExp,
}

impl Reduction {
    /// Whether reducing parts and adding up gives the whole.
    pub(crate) const fn adds_up(self) -> bool {
        matches!(self, Self::Sum | Self::L1 | Self::SumOfSquares)
    }
}

/// A reduction. Sums are taken in order, in float32, one chain for each element of the result.
#[derive(Debug)]
pub(crate) struct Reduce {
    pub reduction: Reduction,
    pub reduced: usize,
    pub inner: usize,
}

impl Kernel for Reduce {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let (x, out) = (io.floats(0), out.floats());
        vectorised(
            #[inline(always)]
            || match self.reduction {
                Reduction::Sum | Reduction::Mean | Reduction::LogSum => self.fold(x, out, 0.0, |a, x| a + x),
                Reduction::Max => {
                    self.fold(x, out, f32::NEG_INFINITY, |a, x| if x > a || x.is_nan() { x } else { a });
                }
                Reduction::Min => {
                    self.fold(x, out, f32::INFINITY, |a, x| if x < a || x.is_nan() { x } else { a });
                }
                Reduction::Product => self.fold(x, out, 1.0, |a, x| a * x),
                Reduction::L1 => self.fold(x, out, 0.0, |a, x| a + x.abs()),
                Reduction::L2 | Reduction::SumOfSquares => self.fold(x, out, 0.0, |a, x| a + x * x),
                Reduction::LogSumExp => self.log_sum_exp(x, out, &mut scratch[..self.inner]),
            },
        );
        match self.reduction {
            Reduction::Mean => out.iter_mut().for_each(|o| *o /= self.reduced as f32),
            Reduction::L2 => out.iter_mut().for_each(|o| *o = o.sqrt()),
            Reduction::LogSum => out.iter_mut().for_each(|o| *o = o.ln()),
            _ => {}
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        if self.reduction == Reduction::LogSumExp { self.inner } else { 0 }
    }
}

impl Reduce {
    #[inline(always)]
    fn fold(&self, x: &[f32], out: &mut [f32], start: f32, f: impl Fn(f32, f32) -> f32) {
        out.fill(start);
        if self.inner == 0 {
            return;
        }
        for (o, out) in out.chunks_exact_mut(self.inner).enumerate() {
            for r in 0..self.reduced {
                let row = &x[(o * self.reduced + r) * self.inner..][..self.inner];
                for (out, x) in out.iter_mut().zip(row) {
                    *out = f(*out, *x);
                }
            }
        }
    }

    #[inline(always)]
    fn log_sum_exp(&self, x: &[f32], out: &mut [f32], most: &mut [f32]) {
        if self.inner == 0 {
            return;
        }
        for (o, out) in out.chunks_exact_mut(self.inner).enumerate() {
            let rows = || (0..self.reduced).map(|r| &x[(o * self.reduced + r) * self.inner..][..self.inner]);
            most.fill(f32::NEG_INFINITY);
            for row in rows() {
                most.iter_mut().zip(row).for_each(|(m, x)| *m = if *x > *m { *x } else { *m });
            }
            // An infinite maximum would give NaN for the difference to itself.
            most.iter_mut().for_each(|m| *m = if m.is_finite() { *m } else { 0.0 });
            out.fill(0.0);
            for row in rows() {
                for ((out, x), m) in out.iter_mut().zip(row).zip(most.iter()) {
                    *out += (x - m).exp();
                }
            }
            out.iter_mut().zip(most.iter()).for_each(|(o, m)| *o = o.ln() + m);
        }
    }
}

/// `ArgMax` or `ArgMin` of any number of `[reduced, inner]`.
#[derive(Debug)]
pub(crate) struct ArgBest {
    pub largest: bool,
    /// The last of equals instead of the first.
    pub last: bool,
    pub reduced: usize,
    pub inner: usize,
}

impl Kernel for ArgBest {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let x = io.floats(0);
        let Out::Int(out) = out else { return Err("an index is an integer".to_owned()) };
        for (i, best) in out.iter_mut().enumerate() {
            let (outer, inner) = (i / self.inner, i % self.inner);
            let at = |r: usize| x[(outer * self.reduced + r) * self.inner + inner];
            let mut found = 0;
            for r in 1..self.reduced {
                let (held, new) = (at(found), at(r));
                let better = if self.largest { new > held } else { new < held };
                if better || (self.last && new == held) {
                    found = r;
                }
            }
            *best = found as i64;
        }
        Ok(())
    }
}
