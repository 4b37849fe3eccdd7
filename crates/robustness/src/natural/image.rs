//! Images as planes of numbers from 0 to 1, and what can be done to all of them alike.

use crate::geometry::Geometry;

/// Channels of numbers, nominally 0 to 1, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Image {
    pub geometry: Geometry,
    pub values: Vec<f32>,
}

impl Image {
    /// Reads a row with values in `low..=high`.
    pub(super) fn of(geometry: Geometry, row: &[f32], (low, high): (f32, f32)) -> Self {
        let width = (high - low).max(f32::MIN_POSITIVE);
        Self { geometry, values: row.iter().map(|v| (v - low) / width).collect() }
    }

    /// The row it stands for; what lies outside 0 to 1 is cut off.
    pub(super) fn row(&self, (low, high): (f32, f32)) -> Vec<f32> {
        let scaled = |v: &f32| (low + v.clamp(0.0, 1.0) * (high - low)).clamp(low, high);
        self.values.iter().map(|v| if v.is_nan() { low } else { scaled(v) }).collect()
    }

    pub(super) fn at(&self, channel: usize, line: usize, column: usize) -> f32 {
        self.values[(channel * self.geometry.height + line) * self.geometry.width + column]
    }

    /// The same with every value computed from its place.
    pub(super) fn map(&self, f: impl Fn(usize, usize, usize) -> f32) -> Self {
        let Geometry { channels, height, width } = self.geometry;
        let mut values = Vec::with_capacity(self.values.len());
        for channel in 0..channels {
            for line in 0..height {
                for column in 0..width {
                    values.push(f(channel, line, column));
                }
            }
        }
        Self { geometry: self.geometry, values }
    }

    /// The value between pixels (bilinear); beyond the edge the edge goes on.
    pub(super) fn sample(&self, channel: usize, line: f64, column: f64) -> f32 {
        let (last_line, last_column) = (self.geometry.height - 1, self.geometry.width - 1);
        let (line, column) = (line.clamp(0.0, last_line as f64), column.clamp(0.0, last_column as f64));
        let (top, left) = (line.floor() as usize, column.floor() as usize);
        let (bottom, right) = ((top + 1).min(last_line), (left + 1).min(last_column));
        let (down, across) = ((line - top as f64) as f32, (column - left as f64) as f32);
        let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
        mix(
            mix(self.at(channel, top, left), self.at(channel, top, right), across),
            mix(self.at(channel, bottom, left), self.at(channel, bottom, right), across),
            down,
        )
    }

    /// Reads every pixel from where a linear map about the centre, then a shift, puts it. `[a, b, c, d]` maps
    /// (down, across) to (a·down + b·across, c·down + d·across).
    pub(super) fn affine(&self, [a, b, c, d]: [f64; 4], (down, across): (f64, f64)) -> Self {
        let middle = |size: usize| (size as f64 - 1.0) / 2.0;
        let (cy, cx) = (middle(self.geometry.height), middle(self.geometry.width));
        self.map(|channel, line, column| {
            let (y, x) = (line as f64 - cy, column as f64 - cx);
            self.sample(channel, cy + a * y + b * x + down, cx + c * y + d * x + across)
        })
    }

    /// Weighted means along one axis after the other (a Gaussian of this standard deviation in pixels).
    pub(super) fn blur(&self, deviation: f64) -> Self {
        let reach = (3.0 * deviation).ceil() as i64;
        if reach == 0 {
            return self.clone();
        }
        let weight = |k: i64| (-0.5 * (k as f64 / deviation).powi(2)).exp();
        let total: f64 = (-reach..=reach).map(weight).sum();
        let along = |image: &Self, vertical: bool| {
            image.map(|channel, line, column| {
                let term = |k: i64| {
                    let (y, x) = if vertical { (k, 0) } else { (0, k) };
                    let v = image.sample(channel, line as f64 + y as f64, column as f64 + x as f64);
                    weight(k) * f64::from(v)
                };
                ((-reach..=reach).map(term).sum::<f64>() / total) as f32
            })
        };
        along(&along(self, false), true)
    }

    /// Means along a line of this length in pixels.
    pub(super) fn smear(&self, length: f64, degrees: f64) -> Self {
        let steps = (2.0 * length).ceil().max(1.0) as usize;
        let (sin, cos) = degrees.to_radians().sin_cos();
        self.map(|channel, line, column| {
            let term = |k: usize| {
                let t = (k as f64 / steps as f64 - 0.5) * length;
                self.sample(channel, line as f64 + t * sin, column as f64 + t * cos)
            };
            (0..=steps).map(term).sum::<f32>() / (steps + 1) as f32
        })
    }

    /// The mean of each channel.
    pub(super) fn means(&self) -> Vec<f32> {
        let area = (self.geometry.height * self.geometry.width).max(1);
        self.values.chunks(area).map(|plane| plane.iter().sum::<f32>() / area as f32).collect()
    }

    /// Means over blocks, as many along each side as a share of its pixels.
    pub(super) fn pixelate(&self, keep: f64) -> Self {
        let cell = |at: usize, full: usize| {
            let count = ((full as f64 * keep).round() as usize).clamp(1, full);
            let index = at * count / full;
            let edge = |i: usize| (i * full).div_ceil(count);
            edge(index)..edge(index + 1)
        };
        self.map(|channel, line, column| {
            let (lines, columns) = (cell(line, self.geometry.height), cell(column, self.geometry.width));
            let count = (lines.len() * columns.len()) as f32;
            let each = lines.flat_map(|y| columns.clone().map(move |x| (y, x)));
            each.map(|(y, x)| self.at(channel, y, x)).sum::<f32>() / count
        })
    }
}
