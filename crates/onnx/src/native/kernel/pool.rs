//! Pools of channels-last images and their derivatives. All loops run over channels.

use super::super::value::{Io, Kernel, Out};
use super::vectorised;

/// Windows over images of `input = [height, width]`, giving `output`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Windows {
    pub input: [usize; 2],
    pub output: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Padding above and on the left.
    pub before: [usize; 2],
    /// Padding below and on the right.
    pub after: [usize; 2],
}

impl Windows {
    /// Places of the kernel, along one axis, that lie inside for window `at`: the first, and past the last.
    #[inline(always)]
    fn inside(&self, axis: usize, at: usize) -> (usize, usize) {
        let start = at * self.stride[axis];
        let (pad, step) = (self.before[axis], self.dilation[axis]);
        let first = pad.saturating_sub(start).div_ceil(step);
        let last = (self.input[axis] + pad).saturating_sub(start).div_ceil(step);
        (first.min(self.kernel[axis]), last.min(self.kernel[axis]))
    }

    /// Calls `window` with each window's place in the result and `place` with each of its pixels in the input.
    #[inline(always)]
    fn each(&self, mut window: impl FnMut(usize, Pixels<'_>)) {
        for y in 0..self.output[0] {
            let rows = self.inside(0, y);
            for x in 0..self.output[1] {
                let columns = self.inside(1, x);
                window(y * self.output[1] + x, Pixels { of: self, y, x, rows, columns });
            }
        }
    }

    /// What an average divides by.
    fn divisor(&self, pixels: &Pixels<'_>, count_padding: bool) -> f32 {
        let count = if count_padding {
            // Places beyond the padding, which ceil mode adds, do not count.
            let reach = |axis: usize, at: usize| {
                let end = self.input[axis] + self.before[axis] + self.after[axis];
                let within = end.saturating_sub(at * self.stride[axis]).div_ceil(self.dilation[axis]);
                within.min(self.kernel[axis])
            };
            reach(0, pixels.y) * reach(1, pixels.x)
        } else {
            (pixels.rows.1 - pixels.rows.0) * (pixels.columns.1 - pixels.columns.0)
        };
        count.max(1) as f32
    }
}

/// The pixels of one window.
struct Pixels<'a> {
    of: &'a Windows,
    y: usize,
    x: usize,
    rows: (usize, usize),
    columns: (usize, usize),
}

impl Pixels<'_> {
    #[inline(always)]
    fn each(&self, mut pixel: impl FnMut(usize)) {
        let w = self.of;
        for i in self.rows.0..self.rows.1 {
            let y = self.y * w.stride[0] + i * w.dilation[0] - w.before[0];
            for j in self.columns.0..self.columns.1 {
                pixel(y * w.input[1] + self.x * w.stride[1] + j * w.dilation[1] - w.before[1]);
            }
        }
    }
}

/// What a pool does with its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// `MaxPool(X)`.
    Max,
    /// `AveragePool(X)`.
    Average { count_padding: bool },
    /// `MaxPoolGrad(X, Y, dY)`.
    MaxGradient,
    /// `AveragePoolGrad(X, dY)`, of which only `dY` is an operand.
    AverageGradient { count_padding: bool },
}

/// A pool of channels-last images, or its derivative.
#[derive(Debug)]
pub(crate) struct Pool {
    pub images: usize,
    pub channels: usize,
    pub windows: Windows,
    pub pooling: Pooling,
}

impl Kernel for Pool {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let w = &self.windows;
        let input = w.input[0] * w.input[1] * self.channels;
        let result = w.output[0] * w.output[1] * self.channels;
        let out = out.floats();
        for i in 0..self.images {
            let large = |k: usize| &io.floats(k)[i * input..(i + 1) * input];
            let small = |k: usize| &io.floats(k)[i * result..(i + 1) * result];
            match self.pooling {
                Pooling::Max => {
                    let (x, out) = (large(0), &mut out[i * result..(i + 1) * result]);
                    vectorised(
                        #[inline(always)]
                        || self.max(x, out),
                    );
                }
                Pooling::Average { count_padding } => {
                    let (x, out) = (large(0), &mut out[i * result..(i + 1) * result]);
                    vectorised(
                        #[inline(always)]
                        || self.average(x, count_padding, out),
                    );
                }
                Pooling::MaxGradient => {
                    let (x, y, d) = (large(0), small(1), small(2));
                    let out = &mut out[i * input..(i + 1) * input];
                    let left = &mut scratch[..self.channels];
                    vectorised(
                        #[inline(always)]
                        || self.max_gradient(x, y, d, out, left),
                    );
                }
                Pooling::AverageGradient { count_padding } => {
                    let (d, out) = (small(0), &mut out[i * input..(i + 1) * input]);
                    vectorised(
                        #[inline(always)]
                        || self.average_gradient(d, count_padding, out),
                    );
                }
            }
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        if self.pooling == Pooling::MaxGradient { self.channels } else { 0 }
    }
}

impl Pool {
    #[inline(always)]
    fn max(&self, x: &[f32], out: &mut [f32]) {
        let c = self.channels;
        self.windows.each(
            #[inline(always)]
            |window, pixels| {
                let out = &mut out[window * c..(window + 1) * c];
                out.fill(f32::NEG_INFINITY);
                pixels.each(
                    #[inline(always)]
                    |pixel| {
                        for (o, x) in out.iter_mut().zip(&x[pixel * c..(pixel + 1) * c]) {
                            *o = if *x > *o || x.is_nan() { *x } else { *o };
                        }
                    },
                );
            },
        );
    }

    #[inline(always)]
    fn average(&self, x: &[f32], count_padding: bool, out: &mut [f32]) {
        let c = self.channels;
        self.windows.each(
            #[inline(always)]
            |window, pixels| {
                let out = &mut out[window * c..(window + 1) * c];
                out.fill(0.0);
                pixels.each(
                    #[inline(always)]
                    |pixel| {
                        for (o, x) in out.iter_mut().zip(&x[pixel * c..(pixel + 1) * c]) {
                            *o += x;
                        }
                    },
                );
                let by = self.windows.divisor(&pixels, count_padding);
                for o in out {
                    *o /= by;
                }
            },
        );
    }

    /// The share goes to the first pixel that holds the maximum; `left` is what has not been given yet.
    #[inline(always)]
    fn max_gradient(&self, x: &[f32], y: &[f32], d: &[f32], out: &mut [f32], left: &mut [f32]) {
        let c = self.channels;
        out.fill(0.0);
        self.windows.each(
            #[inline(always)]
            |window, pixels| {
                let y = &y[window * c..(window + 1) * c];
                left.copy_from_slice(&d[window * c..(window + 1) * c]);
                pixels.each(
                    #[inline(always)]
                    |pixel| {
                        let x = &x[pixel * c..(pixel + 1) * c];
                        let out = &mut out[pixel * c..(pixel + 1) * c];
                        for (((o, left), x), y) in out.iter_mut().zip(left.iter_mut()).zip(x).zip(y) {
                            let here = *x == *y;
                            *o += if here { *left } else { 0.0 };
                            *left = if here { 0.0 } else { *left };
                        }
                    },
                );
            },
        );
    }

    #[inline(always)]
    fn average_gradient(&self, d: &[f32], count_padding: bool, out: &mut [f32]) {
        let c = self.channels;
        out.fill(0.0);
        self.windows.each(
            #[inline(always)]
            |window, pixels| {
                let d = &d[window * c..(window + 1) * c];
                let by = self.windows.divisor(&pixels, count_padding);
                pixels.each(
                    #[inline(always)]
                    |pixel| {
                        for (o, d) in out[pixel * c..(pixel + 1) * c].iter_mut().zip(d) {
                            *o += d / by;
                        }
                    },
                );
            },
        );
    }
}
