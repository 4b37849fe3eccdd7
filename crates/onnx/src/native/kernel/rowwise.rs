//! Normalisations: softmax along the last dimension, layer and batch normalisation.

use rten_simd::SimdUnaryOp;
use rten_vecmath::Exp;

use super::super::value::{Io, Kernel, Out};
use super::vectorised;

/// `Softmax` or `LogSoftmax` over rows of `width`.
#[derive(Debug)]
pub(crate) struct Softmax {
    pub width: usize,
    pub log: bool,
}

impl Kernel for Softmax {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let (x, out) = (io.floats(0), out.floats());
        for (x, out) in x.chunks_exact(self.width.max(1)).zip(out.chunks_exact_mut(self.width.max(1))) {
            let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for (o, x) in out.iter_mut().zip(x) {
                *o = x - most;
            }
            if self.log {
                let powers = &mut scratch[..self.width];
                powers.copy_from_slice(out);
                Exp {}.map_mut(powers);
                let log = powers.iter().sum::<f32>().ln();
                out.iter_mut().for_each(|o| *o -= log);
            } else {
                Exp {}.map_mut(out);
                let sum: f32 = out.iter().sum();
                out.iter_mut().for_each(|o| *o /= sum);
            }
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        if self.log { self.width } else { 0 }
    }
}

/// `LayerNormalization(X, Scale, B)` over rows of `width`; also of groups and instances, whose scale and
/// bias are applied afterwards.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    pub width: usize,
    pub epsilon: f32,
    pub scale: bool,
    pub bias: bool,
    /// Without subtracting the mean: `RMSNormalization`.
    pub root_mean_square: bool,
}

impl Kernel for LayerNorm {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (x, out) = (io.floats(0), out.floats());
        let n = self.width.max(1);
        for (x, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            // Squares of float32 lose what is left of a small variance beside a large mean.
            let sum = |f: &dyn Fn(f64) -> f64| x.iter().map(|x| f(f64::from(*x))).sum::<f64>() / n as f64;
            let mean = if self.root_mean_square { 0.0 } else { sum(&|x| x) };
            let variance = sum(&|x| (x - mean) * (x - mean));
            let (mean, factor) = (mean as f32, (1.0 / (variance + f64::from(self.epsilon)).sqrt()) as f32);
            for (o, x) in out.iter_mut().zip(x) {
                *o = (x - mean) * factor;
            }
            if self.scale {
                out.iter_mut().zip(io.floats(1)).for_each(|(o, s)| *o *= s);
            }
            if self.bias {
                out.iter_mut().zip(io.floats(2)).for_each(|(o, b)| *o += b);
            }
        }
        Ok(())
    }
}

/// Factor and shift of each channel out of `scale, B, mean, variance`: `[factors, shifts]`.
#[derive(Debug)]
pub(crate) struct BatchFactors {
    pub channels: usize,
    pub epsilon: f32,
}

impl Kernel for BatchFactors {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (scale, bias, mean, variance) = (io.floats(0), io.floats(1), io.floats(2), io.floats(3));
        let (factors, shifts) = out.floats().split_at_mut(self.channels);
        for c in 0..self.channels {
            let factor = scale[c] / (variance[c] + self.epsilon).sqrt();
            factors[c] = factor;
            shifts[c] = bias[c] - mean[c] * factor;
        }
        Ok(())
    }
}

/// `x * factor + shift` by channel, of `[outer, channels, inner]`.
#[derive(Debug, Clone)]
pub(crate) struct Affine {
    pub channels: usize,
    pub inner: usize,
    pub relu: bool,
}

impl Kernel for Affine {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (x, out) = (io.floats(0), out.floats());
        let (factors, shifts) = io.floats(1).split_at(self.channels);
        vectorised(
            #[inline(always)]
            || {
                if self.inner == 1 {
                    let n = self.channels.max(1);
                    for (x, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
                        for (((o, x), f), s) in out.iter_mut().zip(x).zip(factors).zip(shifts) {
                            *o = self.finish(x * f + s);
                        }
                    }
                } else {
                    let n = self.inner.max(1);
                    let rows = x.chunks_exact(n).zip(out.chunks_exact_mut(n));
                    for (i, (x, out)) in rows.enumerate() {
                        let (f, s) = (factors[i % self.channels], shifts[i % self.channels]);
                        for (o, x) in out.iter_mut().zip(x) {
                            *o = self.finish(x * f + s);
                        }
                    }
                }
            },
        );
        Ok(())
    }

    fn with_relu(&self) -> Option<Box<dyn Kernel>> {
        Some(Box::new(Self { relu: true, ..self.clone() }))
    }
}

impl Affine {
    #[inline(always)]
    fn finish(&self, x: f32) -> f32 {
        if self.relu && x < 0.0 { 0.0 } else { x }
    }
}
