//! How the size of a change is measured.

use serde::{Deserialize, Serialize};

use crate::geometry::{Geometry, Window};

/// A measure of how far a changed row lies from the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Norm {
    /// Largest change of any value.
    Linf,
    /// Euclidean length of the change.
    L2,
    /// Sum of the absolute changes.
    L1,
    /// Number of changed positions: pixels of an image, whatever number of channels changed there, or
    /// features of a row that is no image.
    L0,
    /// Area in positions of the smallest upright rectangle that covers every change: a sticker.
    Patch,
}

impl Norm {
    /// Every norm.
    pub const ALL: [Self; 5] = [Self::Linf, Self::L2, Self::L1, Self::L0, Self::Patch];

    /// Its short name, as in reports: `linf`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linf => "linf",
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::L0 => "l0",
            Self::Patch => "patch",
        }
    }

    /// Whether it counts positions, so that the size of a change at a position does not matter.
    #[must_use]
    pub const fn counts_positions(self) -> bool {
        matches!(self, Self::L0 | Self::Patch)
    }

    /// How far `b` lies from `a`, two rows of a model whose rows have `shape`. NaN is infinitely far.
    #[must_use]
    pub fn distance(self, shape: &[usize], a: &[f32], b: &[f32]) -> f64 {
        self.between(Geometry::of(shape), a, b)
    }

    pub(crate) fn between(self, geometry: Geometry, a: &[f32], b: &[f32]) -> f64 {
        let changes = || a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
        let size = match self {
            Self::Linf => changes().fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most }),
            Self::L2 => changes().map(|d| d * d).sum::<f64>().sqrt(),
            Self::L1 => changes().sum(),
            Self::L0 => changed(geometry, a, b).filter(|c| *c).count() as f64,
            Self::Patch => cover(geometry, a, b).map_or(0.0, |w| (w.height * w.width) as f64),
        };
        if size.is_nan() { f64::INFINITY } else { size }
    }

    /// The radius that reaches every row within a box of the width `width` from every other.
    #[must_use]
    pub fn whole(self, shape: &[usize], width: f64) -> f64 {
        let geometry = Geometry::of(shape);
        let features = geometry.features() as f64;
        match self {
            Self::Linf => width,
            Self::L2 => width * features.sqrt(),
            Self::L1 => width * features,
            Self::L0 | Self::Patch => (geometry.height * geometry.width) as f64,
        }
    }
}

impl std::fmt::Display for Norm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// For each position, whether any channel differs there.
fn changed<'a>(geometry: Geometry, a: &'a [f32], b: &'a [f32]) -> impl Iterator<Item = bool> + 'a {
    let positions = geometry.height * geometry.width;
    (0..positions).map(move |at| {
        let channel = |row: &'a [f32]| row.iter().skip(at).step_by(positions.max(1));
        channel(a).zip(channel(b)).any(|(a, b)| a != b)
    })
}

/// The smallest rectangle that covers every change; absent where nothing changed.
fn cover(geometry: Geometry, a: &[f32], b: &[f32]) -> Option<Window> {
    let mut edges: Option<[usize; 4]> = None;
    for (at, _) in changed(geometry, a, b).enumerate().filter(|(_, changed)| *changed) {
        let (line, column) = (at / geometry.width, at % geometry.width);
        let [top, bottom, left, right] = edges.unwrap_or([line, line, column, column]);
        edges = Some([top.min(line), bottom.max(line), left.min(column), right.max(column)]);
    }
    edges.map(|[top, bottom, left, right]| Window { height: bottom - top + 1, width: right - left + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_norm_measures_its_own() {
        // Two channels of 2 x 3; positions 0 (both channels) and 5 (second channel) differ.
        let a = [0.0; 12];
        let mut b = a;
        (b[0], b[6], b[11]) = (0.3, -0.4, 0.5);
        let distance = |norm: Norm| norm.distance(&[2, 2, 3], &a, &b);
        assert!((distance(Norm::Linf) - 0.5).abs() < 1e-7);
        assert!((distance(Norm::L2) - 0.5f64.sqrt()).abs() < 1e-7);
        assert!((distance(Norm::L1) - 1.2).abs() < 1e-7);
        assert_eq!(distance(Norm::L0), 2.0);
        assert_eq!(distance(Norm::Patch), 6.0);
        for norm in Norm::ALL {
            assert_eq!(norm.distance(&[2, 2, 3], &a, &a), 0.0);
            assert!(norm.distance(&[2, 2, 3], &a, &b) <= norm.whole(&[2, 2, 3], 1.0));
        }
    }

    #[test]
    fn nan_is_infinitely_far() {
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            assert_eq!(norm.distance(&[2], &[0.0, 0.0], &[f32::NAN, 1.0]), f64::INFINITY);
        }
    }
}
