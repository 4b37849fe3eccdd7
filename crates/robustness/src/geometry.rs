//! Where the values of a row lie beside each other.

/// A row as channels of an image. A row that is no image is one channel, one pixel high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

/// A rectangle, the same in every channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub height: usize,
    pub width: usize,
}

impl Geometry {
    /// Reads `[channels, height, width]` and `[channels, length]`; every other shape is a row of features.
    pub(crate) fn of(shape: &[usize]) -> Self {
        match *shape {
            [channels, height, width] => Self { channels, height, width },
            [channels, width] => Self { channels, height: 1, width },
            _ => Self { channels: 1, height: 1, width: shape.iter().product() },
        }
    }

    /// Number of values.
    pub(crate) const fn features(self) -> usize {
        self.channels * self.height * self.width
    }

    /// The window that covers about the share `p` of a channel: a square, or a stretch where the row is one
    /// pixel high. It never covers the whole, since moving it would then change nothing.
    pub(crate) fn window(self, p: f64) -> Window {
        let share = p * (self.height * self.width) as f64;
        let round = |v: f64| (v.round() as usize).max(1);
        let shrink = |size: usize, full: usize| size.min(full.saturating_sub(1)).max(1);
        if self.height == 1 {
            return Window { height: 1, width: shrink(round(share), self.width) };
        }
        let side = round(share.sqrt());
        Window { height: shrink(side, self.height), width: shrink(side, self.width) }
    }

    /// Indices of one channel's values in the window at (`top`, `left`), a range for each of its lines.
    pub(crate) fn lines(
        self,
        channel: usize,
        (top, left): (usize, usize),
        window: Window,
    ) -> impl Iterator<Item = std::ops::Range<usize>> {
        (top..top + window.height).map(move |line| {
            let start = (channel * self.height + line) * self.width + left;
            start..start + window.width
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_share() {
        let image = Geometry::of(&[3, 32, 32]);
        assert_eq!(image.features(), 3072);
        assert_eq!(image.window(0.05), Window { height: 7, width: 7 });
        assert_eq!(image.window(1.0), Window { height: 31, width: 31 });
        assert_eq!(image.window(1e-9), Window { height: 1, width: 1 });
        let table = Geometry::of(&[30]);
        assert_eq!(table.window(0.5), Window { height: 1, width: 15 });
        assert_eq!(Geometry::of(&[1]).window(0.8), Window { height: 1, width: 1 });
        assert_eq!(Geometry::of(&[2, 2, 2, 2]).features(), 16);
    }

    #[test]
    fn lines_are_where_the_pixels_are() {
        let image = Geometry { channels: 2, height: 3, width: 4 };
        let lines: Vec<_> = image.lines(1, (1, 2), Window { height: 2, width: 2 }).collect();
        assert_eq!(lines, [18..20, 22..24]);
    }
}
