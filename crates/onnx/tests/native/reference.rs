//! Convolutions and pools in float64, by their definition, with loops.

/// What both have.
#[derive(Debug, Clone)]
pub struct Windows {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    pub input: [usize; 2],
    pub ceil: bool,
}

impl Windows {
    pub fn output(&self) -> Option<[usize; 2]> {
        let size = |a: usize| {
            let padded = self.input[a] + self.pads[a] + self.pads[a + 2];
            let reach = self.dilation[a] * (self.kernel[a] - 1) + 1;
            let room = padded.checked_sub(reach)?;
            let mut out = if self.ceil { room.div_ceil(self.stride[a]) } else { room / self.stride[a] } + 1;
            if self.ceil && (out - 1) * self.stride[a] >= self.input[a] + self.pads[a] {
                out -= 1;
            }
            Some(out)
        };
        Some([size(0)?, size(1)?])
    }

    /// The pixel of the input under place `k` of window `at`, if it is inside.
    pub fn under(&self, at: [usize; 2], k: [usize; 2]) -> Option<[usize; 2]> {
        let one = |a: usize| {
            let p = (at[a] * self.stride[a] + k[a] * self.dilation[a]).checked_sub(self.pads[a])?;
            (p < self.input[a]).then_some(p)
        };
        Some([one(0)?, one(1)?])
    }

    /// Calls `f` with each window, each place of the kernel, and the pixel under it.
    pub fn each(&self, mut f: impl FnMut([usize; 2], [usize; 2], [usize; 2])) {
        let out = self.output().unwrap();
        for at in grid(out) {
            for k in grid(self.kernel) {
                if let Some(p) = self.under(at, k) {
                    f(at, k, p);
                }
            }
        }
    }
}

fn grid(size: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    (0..size[0]).flat_map(move |y| (0..size[1]).map(move |x| [y, x]))
}

/// The three that a convolution connects, as flat places: result, weight, input.
pub fn connections(
    w: &Windows,
    [images, channels, to, groups]: [usize; 4],
    mut f: impl FnMut(usize, usize, usize),
) {
    let out = w.output().unwrap();
    let (from, each) = (channels / groups, to / groups);
    w.each(|at, k, p| {
        for n in 0..images {
            for o in 0..to {
                for c in 0..from {
                    let input =
                        ((n * channels + o / each * from + c) * w.input[0] + p[0]) * w.input[1] + p[1];
                    let weight = ((o * from + c) * w.kernel[0] + k[0]) * w.kernel[1] + k[1];
                    let result = ((n * to + o) * out[0] + at[0]) * out[1] + at[1];
                    f(result, weight, input);
                }
            }
        }
    });
}
