//! The kinds of change, and what five severities of each mean.
//!
//! Lengths are shares of the image's side, so that they mean the same on 8 and on 224 pixels; intensities are shares
//! of the range from black to white.

use serde::{Deserialize, Serialize};

use super::image::Image;
use super::jpeg;
use crate::Chance;

/// Number of severities.
pub const SEVERITIES: usize = 5;

/// A kind of change. In brackets what the five severities mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Turned about the centre (up to 5, 10, 15, 22, 30 degrees).
    Rotation,
    /// Moved (up to 4, 8, 12, 18, 25 % of the side, down and across).
    Translation,
    /// Nearer or farther (factor up to 1.05, 1.1, 1.2, 1.3, 1.45, or its inverse).
    Zoom,
    /// Slanted (up to 5, 10, 15, 22, 30 % of the height).
    Shear,
    /// Lighter or darker (by 5, 10, 18, 27, 38 %).
    Brightness,
    /// Fainter about the mean of each channel (to 80, 65, 50, 35, 22 %).
    Contrast,
    /// Out of focus (Gaussian, deviation 2, 3.5, 5, 7.5, 10 % of the side).
    Blur,
    /// Moved while exposed (5, 10, 15, 20, 30 % of the side, in any direction).
    MotionBlur,
    /// Covered by a square of one grey (2, 5, 10, 16, 25 % of the area, anywhere).
    Occlusion,
    /// Sensor noise (normal, deviation 4, 8, 12, 18, 26 %).
    Noise,
    /// Too little light (Poisson-like, 60, 25, 12, 6, 3 photons for white).
    ShotNoise,
    /// Dead pixels, black or white (1, 3, 6, 10, 16 %).
    ImpulseNoise,
    /// Compressed as by JPEG (quality 80, 50, 30, 18, 10).
    Compression,
    /// Behind fog (smooth, light, 15, 28, 40, 52, 65 % opaque).
    Fog,
    /// Fewer pixels (85, 70, 55, 42, 30 % of the side).
    Pixelate,
    /// Fewer shades (32, 16, 8, 5, 3).
    Posterise,
}

/// A parameter's values at a severity, and where nothing happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub low: f64,
    pub high: f64,
    /// Whether it says how strong the change is; otherwise it only says where or which way.
    pub strength: bool,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Rotation,
        Self::Translation,
        Self::Zoom,
        Self::Shear,
        Self::Brightness,
        Self::Contrast,
        Self::Blur,
        Self::MotionBlur,
        Self::Occlusion,
        Self::Noise,
        Self::ShotNoise,
        Self::ImpulseNoise,
        Self::Compression,
        Self::Fog,
        Self::Pixelate,
        Self::Posterise,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::Translation => "translation",
            Self::Zoom => "zoom",
            Self::Shear => "shear",
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Blur => "blur",
            Self::MotionBlur => "motion-blur",
            Self::Occlusion => "occlusion",
            Self::Noise => "noise",
            Self::ShotNoise => "shot-noise",
            Self::ImpulseNoise => "impulse-noise",
            Self::Compression => "compression",
            Self::Fog => "fog",
            Self::Pixelate => "pixelate",
            Self::Posterise => "posterise",
        }
    }

    /// The strength at each severity.
    const fn strengths(self) -> [f64; SEVERITIES] {
        match self {
            Self::Rotation => [5.0, 10.0, 15.0, 22.0, 30.0],
            Self::Translation => [0.04, 0.08, 0.12, 0.18, 0.25],
            Self::Zoom => [1.05, 1.1, 1.2, 1.3, 1.45],
            Self::Shear => [0.05, 0.1, 0.15, 0.22, 0.3],
            Self::Brightness => [0.05, 0.1, 0.18, 0.27, 0.38],
            Self::Contrast => [0.8, 0.65, 0.5, 0.35, 0.22],
            Self::Blur => [0.02, 0.035, 0.05, 0.075, 0.1],
            Self::MotionBlur => [0.05, 0.1, 0.15, 0.2, 0.3],
            Self::Occlusion => [0.02, 0.05, 0.1, 0.16, 0.25],
            Self::Noise => [0.04, 0.08, 0.12, 0.18, 0.26],
            Self::ShotNoise => [60.0, 25.0, 12.0, 6.0, 3.0],
            Self::ImpulseNoise => [0.01, 0.03, 0.06, 0.1, 0.16],
            Self::Compression => [80.0, 50.0, 30.0, 18.0, 10.0],
            Self::Fog => [0.15, 0.28, 0.4, 0.52, 0.65],
            Self::Pixelate => [0.85, 0.7, 0.55, 0.42, 0.3],
            Self::Posterise => [32.0, 16.0, 8.0, 5.0, 3.0],
        }
    }

    /// What its parameters can be up to a severity from 1 to 5.
    pub(super) fn ranges(self, severity: usize) -> Vec<Range> {
        let most = self.strengths()[severity.clamp(1, SEVERITIES) - 1];
        let strength = |low: f64, high: f64| Range { low, high, strength: true };
        let place = |high: f64| Range { low: 0.0, high, strength: false };
        match self {
            Self::Rotation | Self::Shear | Self::Brightness => vec![strength(-most, most)],
            Self::Translation => vec![strength(-most, most), strength(-most, most)],
            Self::Zoom => vec![strength(-most.ln(), most.ln())],
            Self::Contrast | Self::Pixelate => vec![strength(most, 1.0)],
            Self::Blur | Self::Noise | Self::ImpulseNoise | Self::Fog => vec![strength(0.0, most)],
            Self::ShotNoise => vec![strength(0.0, 1.0 / most)],
            Self::MotionBlur => vec![strength(0.0, most), place(180.0)],
            Self::Occlusion => vec![strength(0.0, most), place(1.0), place(1.0), place(1.0)],
            Self::Compression => vec![strength(most, 95.0)],
            Self::Posterise => vec![strength(most, 64.0)],
        }
    }

    /// Parameters exactly as strong as the severity says, placed by chance.
    pub(super) fn draw(self, severity: usize, chance: &mut Chance) -> Vec<f64> {
        self.ranges(severity)
            .into_iter()
            .map(|range| match (range.strength, self) {
                (false, _) => range.low + (range.high - range.low) * chance.unit(),
                // The end that does something: for these the lower one.
                (true, Self::Contrast | Self::Pixelate | Self::Compression | Self::Posterise) => range.low,
                (true, _) if range.low < 0.0 => range.high * chance.sign(),
                (true, _) => range.high,
            })
            .collect()
    }

    /// Changes an image. `chance` is for noise, which no parameter describes.
    pub(super) fn apply(self, parameters: &[f64], image: &Image, chance: &mut Chance) -> Image {
        let p = |at: usize| parameters.get(at).copied().unwrap_or(0.0);
        let (height, width) = (image.geometry.height as f64, image.geometry.width as f64);
        let side = height.min(width);
        let each = |f: &mut dyn FnMut(f32) -> f64| {
            let values = image.values.iter().map(|v| (f(*v) as f32).clamp(0.0, 1.0)).collect();
            Image { geometry: image.geometry, values }
        };
        match self {
            Self::Rotation => {
                let (sin, cos) = p(0).to_radians().sin_cos();
                image.affine([cos, sin, -sin, cos], (0.0, 0.0))
            }
            Self::Translation => image.affine([1.0, 0.0, 0.0, 1.0], (p(0) * height, p(1) * width)),
            Self::Zoom => {
                let inverse = (-p(0)).exp();
                image.affine([inverse, 0.0, 0.0, inverse], (0.0, 0.0))
            }
            Self::Shear => image.affine([1.0, 0.0, p(0), 1.0], (0.0, 0.0)),
            Self::Brightness => each(&mut |v| f64::from(v) + p(0)),
            Self::Contrast => {
                let means = image.means();
                image.map(|c, y, x| {
                    let mean = means[c];
                    (mean + p(0) as f32 * (image.at(c, y, x) - mean)).clamp(0.0, 1.0)
                })
            }
            Self::Blur => image.blur(p(0) * side),
            Self::MotionBlur => image.smear(p(0) * side, p(1)),
            Self::Occlusion => occlude(image, p(0), (p(1), p(2)), p(3) as f32),
            Self::Noise => each(&mut |v| f64::from(v) + p(0) * chance.normal()),
            // The variance of a Poisson number is its mean.
            Self::ShotNoise => each(&mut |v| f64::from(v) + (f64::from(v) * p(0)).sqrt() * chance.normal()),
            Self::ImpulseNoise => each(&mut |v| match (chance.unit() < p(0), chance.coin()) {
                (false, _) => f64::from(v),
                (true, white) => f64::from(u8::from(white)),
            }),
            Self::Compression => jpeg::compress(image, p(0)),
            Self::Fog => fog(image, p(0), chance),
            Self::Pixelate => image.pixelate(p(0)),
            Self::Posterise => {
                let steps = (p(0).round() - 1.0).max(1.0);
                each(&mut |v| (f64::from(v) * steps).round() / steps)
            }
        }
    }
}

/// A square of a share of the area, its centre at a share of either side.
fn occlude(image: &Image, area: f64, (down, across): (f64, f64), grey: f32) -> Image {
    let (height, width) = (image.geometry.height as f64, image.geometry.width as f64);
    let half = (area * height * width).sqrt() / 2.0;
    let (cy, cx) = (down * height, across * width);
    image.map(|c, y, x| {
        let inside = (y as f64 + 0.5 - cy).abs() <= half && (x as f64 + 0.5 - cx).abs() <= half;
        if inside { grey } else { image.at(c, y, x) }
    })
}

/// Light grey of varying thickness: a few slow waves in random directions.
fn fog(image: &Image, opacity: f64, chance: &mut Chance) -> Image {
    let waves: Vec<[f64; 4]> = (0..6)
        .map(|k| {
            let frequency = std::f64::consts::TAU * f64::from(1 + k / 2);
            let (sin, cos) = (std::f64::consts::TAU * chance.unit()).sin_cos();
            [
                frequency * sin,
                frequency * cos,
                std::f64::consts::TAU * chance.unit(),
                1.0 / f64::from(1 + k / 2),
            ]
        })
        .collect();
    let total: f64 = waves.iter().map(|w| w[3]).sum();
    let (height, width) = (image.geometry.height as f64, image.geometry.width as f64);
    image.map(|c, line, column| {
        let (y, x) = (line as f64 / height, column as f64 / width);
        let wave: f64 =
            waves.iter().map(|[a, b, phase, weight]| weight * (a * y + b * x + phase).cos()).sum();
        let thickness = opacity * (0.8 + 0.2 * wave / total);
        let v = f64::from(image.at(c, line, column));
        (v * (1.0 - thickness) + thickness * 0.85) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;

    fn image() -> Image {
        let geometry = Geometry { channels: 2, height: 9, width: 12 };
        Image { geometry, values: (0..216).map(|i| ((i * 29) % 97) as f32 / 96.0).collect() }
    }

    fn change(kind: Kind, parameters: &[f64], index: usize) -> f32 {
        let image = image();
        let other = kind.apply(parameters, &image, &mut Chance::new(1, "test", index));
        assert!(
            other.values.len() == 216 && other.values.iter().all(|v| (-1e-3..=1.001).contains(v)),
            "{kind:?}"
        );
        image.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs()).sum::<f32>() / 216.0
    }

    #[test]
    fn each_severity_changes_more_than_the_one_before() {
        for kind in Kind::ALL {
            let sizes: Vec<f32> = (1..=SEVERITIES)
                .map(|s| {
                    let draws =
                        (0..8).map(|i| change(kind, &kind.draw(s, &mut Chance::new(2, "draw", i)), i));
                    draws.sum::<f32>() / 8.0
                })
                .collect();
            assert!(sizes[0] > 0.0 && sizes[4] > 1.2 * sizes[0], "{kind:?}: {sizes:?}");
        }
    }

    #[test]
    fn at_no_strength_nothing_happens() {
        for (kind, nothing) in [
            (Kind::Rotation, 0.0),
            (Kind::Translation, 0.0),
            (Kind::Zoom, 0.0),
            (Kind::Brightness, 0.0),
            (Kind::Contrast, 1.0),
            (Kind::Blur, 0.0),
            (Kind::Noise, 0.0),
            (Kind::Fog, 0.0),
            (Kind::Pixelate, 1.0),
        ] {
            assert!(change(kind, &[nothing], 0) < 1e-5, "{kind:?}");
        }
        assert!(change(Kind::Occlusion, &[0.0, 0.5, 0.5, 0.0], 0) < 1e-5);
    }

    #[test]
    fn a_quarter_turn_is_a_quarter_turn() {
        let geometry = Geometry { channels: 1, height: 3, width: 3 };
        let image = Image { geometry, values: vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] };
        let turned = Kind::Rotation.apply(&[90.0], &image, &mut Chance::new(0, "", 0));
        let where_ = turned.values.iter().position(|v| *v > 0.99);
        assert!(where_ == Some(2) || where_ == Some(6), "{:?}", turned.values);
    }
}
