//! Convolutions of channels-last images and both their derivatives.
//!
//! A convolution reads, for each pixel of the result, the same pattern of places around it: exactly what
//! [`Product`] takes as its left operand. The derivative with respect to the input is a convolution of the
//! result's derivative, or several where the stride is larger than one: pixels whose coordinates leave the
//! same remainder see the same weights ([`Phase`]). The derivative with respect to the weights exchanges
//! pixels and pattern. Images with padding are copied into a frame of zeros, some at a time.

use super::super::value::{Io, Kernel, Out};
use super::product::{Product, Start, Thin, pack_rows};
use super::vectorised;

/// The frame of zeros around an image of `height × width × channels`.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub top: usize,
    pub left: usize,
    /// Size with the frame.
    pub framed: [usize; 2],
}

impl Frame {
    /// Values of an image.
    pub(crate) const fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Values of an image with its frame.
    pub(crate) const fn len(&self) -> usize {
        self.framed[0] * self.framed[1] * self.channels
    }

    /// Whether there is none.
    pub(crate) fn is_absent(&self) -> bool {
        self.framed == [self.height, self.width]
    }

    /// Copies images into their frames.
    fn fill(&self, images: &[f32], framed: &mut [f32]) {
        let (row, into) = (self.width * self.channels, self.framed[1] * self.channels);
        framed.fill(0.0);
        if row == 0 || self.height == 0 {
            return;
        }
        for (image, framed) in images.chunks_exact(self.image()).zip(framed.chunks_exact_mut(self.len())) {
            let rows = framed.chunks_exact_mut(into).skip(self.top);
            for (from, to) in image.chunks_exact(row).zip(rows) {
                to[self.left * self.channels..][..row].copy_from_slice(from);
            }
        }
    }
}

/// Pixels of the result that see the input through the same weights.
#[derive(Debug, Clone)]
pub(crate) struct Phase {
    /// Where each pixel's window begins in the framed input, for [`Correlation::at_a_time`] images.
    pub rows: Vec<u32>,
    /// Where the values of a window lie from there, for the first group.
    pub steps: Vec<u32>,
    /// Where each pixel's values go in the result.
    pub targets: Vec<u32>,
    /// Number of pixels of one image.
    pub pixels: usize,
    /// Where the weights of each group begin in the packed ones.
    pub weights: Vec<usize>,
    /// Length of the packed weights of one group.
    pub packed: usize,
}

/// `Conv`, `ConvTranspose` or `ConvGradInput` of images: input, packed weights and, if there is one, bias.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    pub images: usize,
    /// Images that are framed and multiplied together, so that weights are read once for all of them.
    pub at_a_time: usize,
    pub frame: Frame,
    pub phases: Vec<Phase>,
    /// Input channels of a group.
    pub from: usize,
    /// Output channels of a group.
    pub to: usize,
    /// Values of an image of the result.
    pub result: usize,
    pub bias: bool,
    pub relu: bool,
    /// Length of the contiguous runs, where the weights are kept for [`Thin`].
    pub thin: Option<usize>,
}

impl Kernel for Correlation {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let (input, weights, out) = (io.floats(0), io.floats(1), out.floats());
        let bias = self.bias.then(|| io.floats(2));
        let framed = !self.frame.is_absent();
        let mut first = 0;
        while first < self.images {
            let count = self.at_a_time.min(self.images - first);
            let images = &input[first * self.frame.image()..(first + count) * self.frame.image()];
            let source: &[f32] = if framed {
                let scratch = &mut scratch[..count * self.frame.len()];
                self.frame.fill(images, scratch);
                scratch
            } else {
                images
            };
            let result = &mut out[first * self.result..(first + count) * self.result];
            for phase in &self.phases {
                self.phase(phase, count, source, weights, bias, result);
            }
            first += count;
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        if self.frame.is_absent() { 0 } else { self.frame.len().saturating_mul(self.at_a_time) }
    }

    fn with_relu(&self) -> Option<Box<dyn Kernel>> {
        self.thin.is_none().then(|| Box::new(Self { relu: true, ..self.clone() }) as Box<dyn Kernel>)
    }
}

impl Correlation {
    fn phase(
        &self,
        phase: &Phase,
        count: usize,
        source: &[f32],
        weights: &[f32],
        bias: Option<&[f32]>,
        result: &mut [f32],
    ) {
        let pixels = count * phase.pixels;
        if pixels == 0 {
            return;
        }
        for (group, start) in phase.weights.iter().enumerate() {
            let (rows, targets) = (&phase.rows[..pixels], &phase.targets[..pixels]);
            let a = source.get(group * self.from..).unwrap_or_default();
            let b = &weights[*start..start + phase.packed];
            let c = &mut result[group * self.to..];
            if let Some(run) = self.thin {
                let runs: &[u32] = &phase.steps;
                Thin { a, rows, runs, run, b, columns: self.to, targets, c }.run();
                continue;
            }
            Product {
                a,
                rows,
                steps: &phase.steps,
                b,
                columns: self.to,
                targets,
                c,
                start: bias.map_or(Start::Zero, |b| Start::Bias(&b[group * self.to..][..self.to])),
                relu: self.relu,
            }
            .run();
        }
    }
}

/// `ConvGradWeight` of images: input and derivative of the result. Writes weights as ONNX has them.
#[derive(Debug)]
pub(crate) struct WeightGradient {
    pub images: usize,
    pub frame: Frame,
    /// Where each value of a window lies from its beginning, for the first group: row by row of the kernel,
    /// channels last.
    pub places: Vec<u32>,
    /// Where each pixel's window begins in one framed image.
    pub pixels: Vec<u32>,
    /// Where the sums of each value of a window go: one after another.
    pub targets: Vec<u32>,
    pub groups: usize,
    /// Input channels of a group.
    pub from: usize,
    /// Output channels of a group.
    pub to: usize,
    /// Values of a kernel, of one channel.
    pub area: usize,
}

impl WeightGradient {
    /// Floats of one group's sums.
    const fn sums(&self) -> usize {
        self.places.len() * self.to
    }

    fn packed(&self) -> usize {
        super::product::packed_len(self.pixels.len(), self.to).unwrap_or(usize::MAX)
    }
}

impl Kernel for WeightGradient {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let (input, derivative, out) = (io.floats(0), io.floats(1), out.floats());
        let (framed, scratch) = scratch.split_at_mut(self.frame.len());
        let (packed, sums) = scratch.split_at_mut(self.packed());
        let sums = &mut sums[..self.groups * self.sums()];
        sums.fill(0.0);
        let all = self.groups * self.to;
        let result = self.pixels.len() * all;
        for i in 0..self.images {
            let image = &input[i * self.frame.image()..(i + 1) * self.frame.image()];
            let source: &[f32] = if self.frame.is_absent() {
                image
            } else {
                self.frame.fill(image, framed);
                framed
            };
            for (group, c) in sums.chunks_exact_mut(self.sums().max(1)).enumerate() {
                let derivative = &derivative[i * result..(i + 1) * result];
                pack_rows(
                    derivative.get(group * self.to..).unwrap_or_default(),
                    self.pixels.len(),
                    self.to,
                    all,
                    packed,
                );
                Product {
                    a: source.get(group * self.from..).unwrap_or_default(),
                    rows: &self.places,
                    steps: &self.pixels,
                    b: packed,
                    columns: self.to,
                    targets: &self.targets,
                    c,
                    start: Start::Result,
                    relu: false,
                }
                .run();
            }
        }
        // From [place of the kernel][input channel][output channel] to [output][input][place].
        for (group, sums) in sums.chunks_exact(self.sums().max(1)).enumerate() {
            for place in 0..self.area {
                for from in 0..self.from {
                    let row = &sums[(place * self.from + from) * self.to..][..self.to];
                    for (to, value) in row.iter().enumerate() {
                        out[((group * self.to + to) * self.from + from) * self.area + place] = *value;
                    }
                }
            }
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        self.frame.len().saturating_add(self.packed()).saturating_add(self.groups * self.sums())
    }
}

/// A convolution, or its derivative, in which each channel has a kernel of its own: input, weights as
/// `[place][channel]`, and bias if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Depthwise {
    pub images: usize,
    pub frame: Frame,
    /// As in [`Correlation`], with the places of the kernel instead of packed weights.
    pub phases: Vec<DepthwisePhase>,
    /// Values of an image of the result.
    pub result: usize,
    pub bias: bool,
    pub relu: bool,
}

/// As [`Phase`].
#[derive(Debug, Clone)]
pub(crate) struct DepthwisePhase {
    pub rows: Vec<u32>,
    pub targets: Vec<u32>,
    /// From the beginning of a window to a value, and which place of the kernel weighs it.
    pub steps: Vec<(u32, u32)>,
}

impl Kernel for Depthwise {
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String> {
        let (input, weights, out) = (io.floats(0), io.floats(1), out.floats());
        let bias = self.bias.then(|| io.floats(2));
        for i in 0..self.images {
            let image = &input[i * self.frame.image()..(i + 1) * self.frame.image()];
            let source: &[f32] = if self.frame.is_absent() {
                image
            } else {
                self.frame.fill(image, &mut scratch[..self.frame.len()]);
                scratch
            };
            let result = &mut out[i * self.result..(i + 1) * self.result];
            vectorised(
                #[inline(always)]
                || self.image(source, weights, bias, result),
            );
        }
        Ok(())
    }

    fn scratch(&self) -> usize {
        if self.frame.is_absent() { 0 } else { self.frame.len() }
    }

    fn with_relu(&self) -> Option<Box<dyn Kernel>> {
        Some(Box::new(Self { relu: true, ..self.clone() }))
    }
}

impl Depthwise {
    #[inline(always)]
    fn image(&self, source: &[f32], weights: &[f32], bias: Option<&[f32]>, result: &mut [f32]) {
        let channels = self.frame.channels;
        for phase in &self.phases {
            for (row, target) in phase.rows.iter().zip(&phase.targets) {
                let out = &mut result[*target as usize..][..channels];
                match bias {
                    Some(bias) => out.copy_from_slice(&bias[..channels]),
                    None => out.fill(0.0),
                }
                for (step, place) in &phase.steps {
                    let x = &source[*row as usize + *step as usize..][..channels];
                    let w = &weights[*place as usize * channels..][..channels];
                    for ((o, x), w) in out.iter_mut().zip(x).zip(w) {
                        *o += x * w;
                    }
                }
                if self.relu {
                    for o in out {
                        *o = if *o < 0.0 { 0.0 } else { *o };
                    }
                }
            }
        }
    }
}
