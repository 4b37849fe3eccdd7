//! Places on a page: matrices (ISO 32000-2, 8.3.3) and rectangles.

use super::object::Object;

/// The six numbers of a matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Matrix(pub [f64; 6]);

impl Matrix {
    pub(super) const SAME: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) fn read(values: &[Object]) -> Option<Self> {
        let numbers: Vec<f64> = values.iter().filter_map(Object::number).collect();
        numbers.try_into().ok().map(Self)
    }

    pub(super) const fn shift(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// This one first, then `next`.
    pub(super) fn then(self, next: Self) -> Self {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, next.0);
        Self([
            a * g + b * i,
            a * h + b * j,
            c * g + d * i,
            c * h + d * j,
            e * g + f * i + k,
            e * h + f * j + l,
        ])
    }

    pub(super) fn apply(self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// How long one unit across is, and one unit up.
    pub(super) fn scales(self) -> (f64, f64) {
        let [a, b, c, d, ..] = self.0;
        (a.hypot(b), c.hypot(d))
    }

    /// Whether rectangles stay upright.
    pub(super) fn is_upright(self) -> bool {
        let [a, b, c, d, ..] = self.0;
        (b.abs() < 1e-6 && c.abs() < 1e-6) || (a.abs() < 1e-6 && d.abs() < 1e-6)
    }
}

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

impl Area {
    /// What holds nothing.
    pub(super) const NONE: Self =
        Self { x0: f64::INFINITY, y0: f64::INFINITY, x1: f64::NEG_INFINITY, y1: f64::NEG_INFINITY };

    pub(super) fn read(values: &[Object]) -> Option<Self> {
        let numbers: Vec<f64> = values.iter().filter_map(Object::number).collect();
        let [a, b, c, d] = numbers.try_into().ok()?;
        Some(Self::of(&[(a, b), (c, d)]))
    }

    pub(super) fn of(points: &[(f64, f64)]) -> Self {
        points.iter().fold(Self::NONE, |area, point| area.with(*point))
    }

    pub(super) fn with(self, (x, y): (f64, f64)) -> Self {
        Self { x0: self.x0.min(x), y0: self.y0.min(y), x1: self.x1.max(x), y1: self.y1.max(y) }
    }

    pub(super) fn under(self, matrix: Matrix) -> Self {
        Self::of(&[
            matrix.apply(self.x0, self.y0),
            matrix.apply(self.x1, self.y0),
            matrix.apply(self.x0, self.y1),
            matrix.apply(self.x1, self.y1),
        ])
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    pub(super) fn holds(self, (x, y): (f64, f64)) -> bool {
        self.x0 <= x && x <= self.x1 && self.y0 <= y && y <= self.y1
    }

    pub(super) fn centre(self) -> (f64, f64) {
        (f64::midpoint(self.x0, self.x1), f64::midpoint(self.y0, self.y1))
    }

    pub(super) fn width(self) -> f64 {
        (self.x1 - self.x0).max(0.0)
    }

    pub(super) fn height(self) -> f64 {
        (self.y1 - self.y0).max(0.0)
    }
}
