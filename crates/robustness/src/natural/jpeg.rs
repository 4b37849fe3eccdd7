//! What JPEG does to an image: the cosine transform of blocks of 8 x 8, rounded to multiples that depend on a
//! quality. The lossy part only; nothing is encoded. Every channel is treated as luminance, since a model's channels
//! need not be colours.

use std::f64::consts::PI;

use super::image::Image;

const SIDE: usize = 8;

/// Steps at quality 50, row by row (ITU-T T.81, table K.1).
const STEPS: [[f64; SIDE]; SIDE] = [
    [16.0, 11.0, 10.0, 16.0, 24.0, 40.0, 51.0, 61.0],
    [12.0, 12.0, 14.0, 19.0, 26.0, 58.0, 60.0, 55.0],
    [14.0, 13.0, 16.0, 24.0, 40.0, 57.0, 69.0, 56.0],
    [14.0, 17.0, 22.0, 29.0, 51.0, 87.0, 80.0, 62.0],
    [18.0, 22.0, 37.0, 56.0, 68.0, 109.0, 103.0, 77.0],
    [24.0, 35.0, 55.0, 64.0, 81.0, 104.0, 113.0, 92.0],
    [49.0, 64.0, 78.0, 87.0, 103.0, 121.0, 120.0, 101.0],
    [72.0, 92.0, 95.0, 98.0, 112.0, 100.0, 103.0, 99.0],
];

/// Compresses and restores at a quality from 1 to 100, with the usual scaling of the steps.
pub(super) fn compress(image: &Image, quality: f64) -> Image {
    let quality = quality.clamp(1.0, 100.0);
    let scale = if quality < 50.0 { 50.0 / quality } else { 2.0 - quality / 50.0 };
    let basis: Vec<[f64; SIDE]> = (0..SIDE)
        .map(|k| {
            let norm = if k == 0 { (1.0 / SIDE as f64).sqrt() } else { (2.0 / SIDE as f64).sqrt() };
            std::array::from_fn(|x| norm * ((2 * x + 1) as f64 * k as f64 * PI / 16.0).cos())
        })
        .collect();
    let (height, width) = (image.geometry.height, image.geometry.width);
    let mut out = image.clone();
    for channel in 0..image.geometry.channels {
        for top in (0..height).step_by(SIDE) {
            for left in (0..width).step_by(SIDE) {
                let mut block = [[0.0f64; SIDE]; SIDE];
                for (y, line) in block.iter_mut().enumerate() {
                    for (x, v) in line.iter_mut().enumerate() {
                        // A block over the edge repeats it.
                        let (at, column) = ((top + y).min(height - 1), (left + x).min(width - 1));
                        *v = f64::from(image.at(channel, at, column)) * 255.0 - 128.0;
                    }
                }
                let mut coefficients = transform(&block, &basis, false);
                for (line, steps) in coefficients.iter_mut().zip(&STEPS) {
                    for (c, step) in line.iter_mut().zip(steps) {
                        let step = (step * scale).round().clamp(1.0, 255.0);
                        *c = (*c / step).round() * step;
                    }
                }
                let restored = transform(&coefficients, &basis, true);
                for (y, line) in restored.iter().enumerate().take(height - top) {
                    for (x, v) in line.iter().enumerate().take(width - left) {
                        let at = (channel * height + top + y) * width + left + x;
                        // Rounded waves overshoot; a decoder cuts that off.
                        out.values[at] = ((v + 128.0) / 255.0).clamp(0.0, 1.0) as f32;
                    }
                }
            }
        }
    }
    out
}

/// Both axes of a block by the basis, or back.
fn transform(block: &[[f64; SIDE]; SIDE], basis: &[[f64; SIDE]], back: bool) -> [[f64; SIDE]; SIDE] {
    let weight = |k: usize, x: usize| if back { basis[x][k] } else { basis[k][x] };
    let lines: [[f64; SIDE]; SIDE] =
        std::array::from_fn(|k| std::array::from_fn(|x| (0..SIDE).map(|y| weight(k, y) * block[y][x]).sum()));
    std::array::from_fn(|k| std::array::from_fn(|l| (0..SIDE).map(|x| weight(l, x) * lines[k][x]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;

    #[test]
    fn quality_decides_what_is_lost() {
        let geometry = Geometry { channels: 1, height: 12, width: 20 };
        let values = (0..240).map(|i| ((i * 37) % 101) as f32 / 100.0).collect();
        let image = Image { geometry, values };
        let loss = |quality| {
            let other = compress(&image, quality);
            image.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(loss(100.0) < 0.02, "{}", loss(100.0));
        assert!(loss(10.0) > loss(80.0) && loss(10.0) < 1.0);
        // A flat image has nothing to lose but the rounding of its mean.
        let flat = Image { geometry, values: vec![0.5; 240] };
        let other = compress(&flat, 50.0);
        assert!(other.values.iter().all(|v| (v - 0.5).abs() < 0.005));
    }
}
