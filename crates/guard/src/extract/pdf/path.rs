//! Paths (ISO 32000-2, 8.5.2), as far as they are rectangles: those say what lies under and over text.

use super::geometry::{Area, Matrix};

/// The path so far.
pub(super) struct Path {
    pub area: Area,
    pub rectangles: Vec<Area>,
    points: Vec<(f64, f64)>,
    /// Whether it has other parts than rectangles.
    pub others: bool,
    pub clips: bool,
}

impl Path {
    pub(super) fn new() -> Self {
        Self { area: Area::NONE, rectangles: Vec::new(), points: Vec::new(), others: false, clips: false }
    }

    /// Four or five points that make an upright rectangle are one.
    pub(super) fn close(&mut self) {
        let points = std::mem::take(&mut self.points);
        let corners = match points.as_slice() {
            [a, b, c, d] => [a, b, c, d],
            [a, b, c, d, e] if a == e => [a, b, c, d],
            [] | [_] => return,
            _ => {
                self.others = true;
                return;
            }
        };
        let area = Area::of(&points);
        let upright = corners.iter().all(|(x, y)| {
            ((x - area.x0).abs() < 1e-3 || (x - area.x1).abs() < 1e-3)
                && ((y - area.y0).abs() < 1e-3 || (y - area.y1).abs() < 1e-3)
        });
        if upright {
            self.rectangles.push(area);
        } else {
            self.others = true;
        }
    }

    /// Goes on as an operator says.
    pub(super) fn draw(&mut self, word: &[u8], values: &[f64], matrix: Matrix) {
        match (word, values) {
            (b"re", [x, y, w, h]) => {
                let area = Area::of(&[(*x, *y), (x + w, y + h)]).under(matrix);
                self.area = self.area.or(area);
                if matrix.is_upright() && self.rectangles.len() < 4096 {
                    self.rectangles.push(area);
                } else {
                    self.others = true;
                }
            }
            (b"m", [x, y]) => {
                self.close();
                self.points.push(matrix.apply(*x, *y));
                self.area = self.area.with(matrix.apply(*x, *y));
            }
            (b"l", [x, y]) => {
                if self.points.len() < 8 {
                    self.points.push(matrix.apply(*x, *y));
                }
                self.area = self.area.with(matrix.apply(*x, *y));
            }
            (b"h", _) => self.close(),
            (_, values) => {
                self.others = true;
                for pair in values.chunks_exact(2) {
                    if let [x, y] = pair {
                        self.area = self.area.with(matrix.apply(*x, *y));
                    }
                }
            }
        }
    }
}
