//! The rows an attacker may reach: within eps of the original in the norm, and within the box.
//!
//! Limits are computed in float64 and rounded *inwards* to float32, so that a point on the edge of the ball
//! is in it, however small eps is beside the value. Projections are the nearest points of ball and box
//! together, not of one after the other: what the box cuts off is left to the other features.

use crate::geometry::{Geometry, Window};
use crate::{Bounds, Norm, Threat};

/// Halvings of an interval in a search: past float64's precision.
const HALVINGS: usize = 60;
/// What float32 may miss a whole number of steps by.
const HAIR: f64 = 1e-3;

/// What one row may become.
#[derive(Debug, Clone)]
pub struct Ball {
    norm: Norm,
    eps: f64,
    geometry: Geometry,
    bounds: Bounds,
    origin: Vec<f32>,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Ball {
    /// What `threat` allows a row of a model whose rows have `shape`. A row outside the box is in its own
    /// ball: it is never moved further out.
    #[must_use]
    pub fn new(threat: &Threat, shape: &[usize], row: &[f32]) -> Self {
        let reach = if threat.norm.counts_positions() { f64::INFINITY } else { threat.eps };
        let (mut low, mut high) = (Vec::with_capacity(row.len()), Vec::with_capacity(row.len()));
        for (at, x) in row.iter().enumerate() {
            let (box_low, box_high) = threat.bounds.of(at);
            low.push((-upper(-*x, reach)).max(box_low).min(*x));
            high.push(upper(*x, reach).min(box_high).max(*x));
        }
        let geometry = Geometry::of(shape);
        let bounds = threat.bounds.clone();
        Self { norm: threat.norm, eps: threat.eps, geometry, bounds, origin: row.to_vec(), low, high }
    }

    /// Smallest values of the features.
    #[must_use]
    pub fn low(&self) -> &[f32] {
        &self.low
    }

    /// Largest values of the features.
    #[must_use]
    pub fn high(&self) -> &[f32] {
        &self.high
    }

    /// What the box alone, without the radius, allows feature `at`.
    #[must_use]
    pub fn box_of(&self, at: usize) -> (f32, f32) {
        let ((low, high), o) = (self.bounds.of(at), self.origin[at]);
        (low.min(o), high.max(o))
    }

    /// The row it is around.
    #[must_use]
    pub fn origin(&self) -> &[f32] {
        &self.origin
    }

    /// The radius.
    #[must_use]
    pub const fn eps(&self) -> f64 {
        self.eps
    }

    /// The norm.
    #[must_use]
    pub const fn norm(&self) -> Norm {
        self.norm
    }

    /// How rows lie in space.
    pub(crate) const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// How far `row` lies from the original.
    #[must_use]
    pub fn distance(&self, row: &[f32]) -> f64 {
        self.norm.between(self.geometry, &self.origin, row)
    }

    /// Whether `row` lies in the ball and the box.
    #[must_use]
    pub fn contains(&self, row: &[f32]) -> bool {
        row.len() == self.origin.len()
            && row.iter().zip(self.low.iter().zip(&self.high)).all(|(v, (l, h))| l <= v && v <= h)
            && self.distance(row) <= self.eps
    }

    /// Moves `row` to the nearest point of ball and box (of [`Norm::Patch`]: with the largest square that
    /// fits the area, placed where it keeps most of the change). NaN becomes the original value.
    pub fn project(&self, row: &mut [f32]) {
        if self.contains(row) {
            return;
        }
        let difference = |(v, o): (&f32, &f32)| if v.is_nan() { 0.0 } else { f64::from(*v) - f64::from(*o) };
        let change: Vec<f64> = row.iter().zip(&self.origin).map(difference).collect();
        self.project_change(&change, row);
    }

    /// As [`Ball::project`], of the original changed by `change`.
    pub(crate) fn project_change(&self, change: &[f64], row: &mut [f32]) {
        match self.norm {
            Norm::L2 => {
                let free = self.size(change, |d| d);
                let scale = if free <= self.eps { 1.0 } else { self.l2_scale(change) };
                self.write(change, row, scale, 0.0, |d, scale| d * scale);
            }
            Norm::L1 => {
                let soft = |d: f64, cut: f64| (d.abs() - cut).max(0.0).copysign(d);
                let free = self.size(change, |d| d);
                let most = change.iter().fold(0.0f64, |most, d| most.max(d.abs()));
                let cut = if free <= self.eps { 0.0 } else { self.l1_cut(change, most) };
                self.write(change, row, cut, most, soft);
            }
            Norm::Linf | Norm::L0 | Norm::Patch => {
                for (at, d) in change.iter().enumerate() {
                    let moved = (f64::from(self.origin[at]) + d) as f32;
                    row[at] = moved.max(self.low[at]).min(self.high[at]);
                }
                match self.norm {
                    Norm::L0 => self.keep_largest(row),
                    Norm::Patch => self.keep_patch(row),
                    _ => {}
                }
            }
        }
    }

    /// The row nearest to `row` whose values are multiples of `step`, moved towards the original where that
    /// would leave the ball; `None` where the ball holds none near it. Values that `row` did not change stay.
    #[must_use]
    pub fn snap(&self, row: &[f32], step: f64) -> Option<Vec<f32>> {
        if self.norm == Norm::Linf {
            return row.iter().enumerate().map(|(at, v)| self.snap_value(at, *v, step)).collect();
        }
        let on_grid = |towards: bool| -> Vec<f32> {
            let values = row.iter().zip(&self.origin).enumerate();
            let snapped = values.map(|(at, (v, o))| {
                if v == o {
                    return *o;
                }
                let steps = f64::from(*v) / step;
                let steps = match (towards, v > o) {
                    (false, _) => steps.round(),
                    (true, true) => steps.floor(),
                    (true, false) => steps.ceil(),
                };
                let moved = (steps * step) as f32;
                // Past the original, or out of the box: unchanged is nearer.
                let legal =
                    self.low[at] <= moved && moved <= self.high[at] && (!towards || (moved > *o) == (v > o));
                if legal { moved } else { *o }
            });
            snapped.collect()
        };
        [false, true].into_iter().map(on_grid).find(|row| self.contains(row))
    }

    /// Rows of the ball near `row` in which the features that have a step lie whole steps from the original, the nearest
    /// first: every value at the nearest step, of those as many taken back a step as it takes; then all at the step before
    /// theirs. The original is taken to lie on the grid, and values are rounded towards it, so that a radius of whole steps
    /// holds them in float32, too.
    #[must_use]
    pub fn on_grid(&self, row: &[f32], step: &dyn Fn(usize) -> Option<f64>) -> Vec<Vec<f32>> {
        let rounded = |round: fn(f64) -> f64| -> Vec<f32> {
            let one = |(at, v): (usize, &f32)| match step(at) {
                Some(step) => self.steps_away(at, round(self.steps(at, *v, step)), step),
                None => *v,
            };
            row.iter().enumerate().map(one).collect()
        };
        let mut nearest = rounded(f64::round);
        self.draw_back(&mut nearest, step);
        let mut found = vec![nearest, rounded(|steps| (steps.abs() + HAIR).floor().copysign(steps))];
        found.retain(|row| self.contains(row));
        found.dedup();
        found
    }

    /// How many steps a value of feature `at` lies from the original.
    fn steps(&self, at: usize, value: f32, step: f64) -> f64 {
        (f64::from(value) - f64::from(self.origin[at])) / step
    }

    /// The value of feature `at` that lies whole steps from the original, or as many as ball and box allow. Where their
    /// edge is a whole step but for the rounding to float32, the edge itself is that step; an edge further from one is not
    /// on the grid, and the step before it is taken.
    fn steps_away(&self, at: usize, steps: f64, step: f64) -> f32 {
        let (origin, low, high) = (self.origin[at], self.low[at], self.high[at]);
        let spacing = f64::from(origin.abs().max(low.abs()).max(high.abs())) * f64::from(f32::EPSILON);
        let hair = (2.0 * spacing / step).min(HAIR);
        let (down, up) = self.room(at);
        let (least, most) = ((down / step - hair).ceil(), (up / step + hair).floor());
        let moved = f64::from(origin) + steps.clamp(least, most) * step;
        towards(origin, moved).max(low).min(high)
    }

    /// Takes values back a step towards the original, the one that was changed most first, until the row lies in the
    /// ball.
    fn draw_back(&self, row: &mut [f32], step: &dyn Fn(usize) -> Option<f64>) {
        let changed = |row: &[f32], at: usize| (f64::from(row[at]) - f64::from(self.origin[at])).abs();
        let mut order: Vec<usize> = (0..row.len()).filter(|at| changed(row, *at) > 0.0).collect();
        order.sort_by(|a, b| changed(row, *b).total_cmp(&changed(row, *a)).then(a.cmp(b)));
        for at in order {
            if self.contains(row) {
                return;
            }
            if let Some(step) = step(at) {
                let steps = self.steps(at, row[at], step).round();
                row[at] = self.steps_away(at, steps - steps.signum(), step);
            }
        }
    }

    /// The multiple of `step` nearest to `value` that feature `at` may take; `None` where there is none.
    fn snap_value(&self, at: usize, value: f32, step: f64) -> Option<f32> {
        let (low, high) = (*self.low.get(at)?, *self.high.get(at)?);
        let nearest = (f64::from(value) / step).round();
        [0.0, -1.0, 1.0]
            .into_iter()
            .map(|shift| ((nearest + shift) * step) as f32)
            .find(|v| (low..=high).contains(v))
    }

    /// How far feature `at` may go down (negative) and up.
    fn room(&self, at: usize) -> (f64, f64) {
        let o = f64::from(self.origin[at]);
        (f64::from(self.low[at]) - o, f64::from(self.high[at]) - o)
    }

    /// The size, in the L1 or the L2 norm, of the change that `rule` makes of `change`, kept in the box.
    fn size(&self, change: &[f64], rule: impl Fn(f64) -> f64) -> f64 {
        let moved = change.iter().enumerate().map(|(at, d)| {
            let (low, high) = self.room(at);
            rule(*d).clamp(low, high)
        });
        if self.norm == Norm::L1 {
            moved.map(f64::abs).sum()
        } else {
            moved.map(|d| d * d).sum::<f64>().sqrt()
        }
    }

    /// The scale at which a change, kept in the box, has the length eps. With the features that the box stops
    /// held fixed, the square of the length is quadratic in the scale; each round can only stop more of them,
    /// so that the scale rises to the answer and stands still there.
    fn l2_scale(&self, change: &[f64]) -> f64 {
        let mut scale = self.eps / change.iter().map(|d| d * d).sum::<f64>().sqrt();
        for _ in 0..=change.len() {
            let (mut stopped, mut moving) = (0.0, 0.0);
            for (at, d) in change.iter().enumerate() {
                let (low, high) = self.room(at);
                let moved = d * scale;
                if moved < low || moved > high {
                    stopped += moved.clamp(low, high).powi(2);
                } else {
                    moving += d * d;
                }
            }
            let next = ((self.eps * self.eps - stopped).max(0.0) / moving).sqrt();
            if !(next.is_finite() && next > scale * (1.0 + 1e-12)) {
                break;
            }
            scale = next.min(1.0);
        }
        scale
    }

    /// What every change is shortened by so that their sum is eps. The sum falls in straight pieces as the cut
    /// grows, so that Newton's steps, kept between what is too little and what is enough, soon meet it.
    fn l1_cut(&self, change: &[f64], most: f64) -> f64 {
        let (mut cut, mut little, mut enough) = (0.0, 0.0, most);
        for _ in 0..HALVINGS {
            let (mut sum, mut moving) = (0.0, 0.0);
            for (at, d) in change.iter().enumerate() {
                let (low, high) = self.room(at);
                let room = if *d > 0.0 { high } else { -low };
                let left = d.abs() - cut;
                if left > 0.0 {
                    sum += left.min(room);
                    moving += f64::from(u8::from(left < room));
                }
            }
            if (sum - self.eps).abs() <= self.eps * 1e-12 {
                return cut;
            }
            if sum > self.eps {
                little = cut;
            } else {
                enough = cut;
            }
            let next = cut + (sum - self.eps) / moving;
            cut = if little < next && next < enough { next } else { f64::midpoint(little, enough) };
        }
        enough
    }

    /// Writes the row that `rule` makes of `change` at a multiplier, every value rounded towards the original.
    /// Where the sum still lies a hair outside, the multiplier goes towards `none`, at which nothing is left.
    fn write(
        &self,
        change: &[f64],
        row: &mut [f32],
        mut multiplier: f64,
        none: f64,
        rule: impl Fn(f64, f64) -> f64,
    ) {
        for hair in 0..24 {
            for (at, d) in change.iter().enumerate() {
                let (low, high) = self.room(at);
                let o = self.origin[at];
                row[at] = towards(o, f64::from(o) + rule(*d, multiplier).clamp(low, high));
            }
            if self.distance(row) <= self.eps {
                return;
            }
            multiplier += (none - multiplier) * 1e-7 * f64::from(1u32 << hair);
        }
        row.copy_from_slice(&self.origin);
    }

    /// Keeps the positions with the largest change, as many as are allowed.
    fn keep_largest(&self, row: &mut [f32]) {
        let sizes = self.position_sizes(row);
        let mut order: Vec<usize> = (0..sizes.len()).filter(|at| sizes[*at] > 0.0).collect();
        let allowed = self.eps.min(sizes.len() as f64) as usize;
        if order.len() <= allowed {
            return;
        }
        order.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]).then(a.cmp(b)));
        for at in order.drain(allowed..) {
            self.restore(row, at);
        }
    }

    /// Keeps what lies in the one best patch.
    fn keep_patch(&self, row: &mut [f32]) {
        if self.distance(row) <= self.eps {
            return;
        }
        let (sizes, window) = (self.position_sizes(row), self.patch());
        let corner = self.best_corner(&sizes, window);
        for line in 0..self.geometry.height {
            for column in 0..self.geometry.width {
                let inside = (corner.0..corner.0 + window.height).contains(&line)
                    && (corner.1..corner.1 + window.width).contains(&column);
                if !inside {
                    self.restore(row, line * self.geometry.width + column);
                }
            }
        }
    }

    /// The rectangle of a patch: a square, or what fits, with at most eps positions.
    pub(crate) fn patch(&self) -> Window {
        let Geometry { height, width, .. } = self.geometry;
        let area = self.eps.min((height * width) as f64).max(1.0) as usize;
        let side = area.isqrt().min(height).max(1);
        Window { height: side, width: (area / side).min(width).max(1) }
    }

    /// Where the window covers most of `sizes`; the first of the best.
    pub(crate) fn best_corner(&self, sizes: &[f64], window: Window) -> (usize, usize) {
        let Geometry { height, width, .. } = self.geometry;
        let mut best = ((0, 0), f64::NEG_INFINITY);
        for top in 0..=height - window.height {
            for left in 0..=width - window.width {
                let lines = (top..top + window.height).map(|line| line * width + left);
                let sum: f64 =
                    lines.map(|start| sizes[start..start + window.width].iter().sum::<f64>()).sum();
                if sum > best.1 {
                    best = ((top, left), sum);
                }
            }
        }
        best.0
    }

    /// Squared change of each position over its channels.
    fn position_sizes(&self, row: &[f32]) -> Vec<f64> {
        let positions = self.geometry.height * self.geometry.width;
        let mut sizes = vec![0.0; positions];
        for (at, (v, o)) in row.iter().zip(&self.origin).enumerate() {
            sizes[at % positions] += (f64::from(*v) - f64::from(*o)).powi(2);
        }
        sizes
    }

    fn restore(&self, row: &mut [f32], position: usize) {
        let positions = self.geometry.height * self.geometry.width;
        for at in (position..row.len()).step_by(positions) {
            row[at] = self.origin[at];
        }
    }
}

/// `value` as float32, rounded towards `origin`.
fn towards(origin: f32, value: f64) -> f32 {
    let v = value as f32;
    let beyond = (f64::from(v) - f64::from(origin)).abs() > (value - f64::from(origin)).abs();
    match (beyond, v > origin) {
        (false, _) => v,
        (true, true) => v.next_down(),
        (true, false) => v.next_up(),
    }
}

/// The largest float32 no further than `eps` above `x`.
fn upper(x: f32, eps: f64) -> f32 {
    let mut v = (f64::from(x) + eps) as f32;
    while f64::from(v) - f64::from(x) > eps {
        v = v.next_down();
    }
    v
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ball(norm: Norm, eps: f64, shape: &[usize], row: &[f32]) -> Ball {
        Ball::new(&Threat::new(norm, eps), shape, row)
    }

    proptest! {
        #[test]
        fn the_edge_lies_in_the_ball(x in 0.0f32..=1.0, eps in 1e-6f64..=0.5) {
            let ball = ball(Norm::Linf, eps, &[1], &[x]);
            let (low, high) = (ball.low()[0], ball.high()[0]);
            prop_assert!(low <= x && x <= high && low >= 0.0 && high <= 1.0);
            prop_assert!(f64::from(high) - f64::from(x) <= eps && f64::from(x) - f64::from(low) <= eps);
            // And no float32 further out would be.
            prop_assert!(high == 1.0 || f64::from(high.next_up()) - f64::from(x) > eps);
        }

        #[test]
        fn a_projection_is_legal_final_and_no_nearer_point_is(
            row in proptest::collection::vec(0.0f32..=1.0, 12),
            mut wild in proptest::collection::vec(-2.0f32..=3.0, 12),
            other in proptest::collection::vec(0.0f32..=1.0, 12),
            eps in 1e-4f64..=3.0,
            which in 0usize..5,
            nan in 0usize..24,
        ) {
            let norm = Norm::ALL[which];
            let eps = if norm.counts_positions() { eps.ceil() } else { eps };
            let ball = ball(norm, eps, &[2, 2, 3], &row);
            let target = wild.clone();
            if let Some(v) = wild.get_mut(nan) {
                *v = f32::NAN;
            }
            let whole = wild.iter().all(|v| !v.is_nan());
            ball.project(&mut wild);
            prop_assert!(ball.contains(&wild), "{} > {}", ball.distance(&wild), eps);
            let again = wild.clone();
            ball.project(&mut wild);
            prop_assert_eq!(&wild, &again);
            // Of convex balls: no other point of the ball is nearer to where we came from.
            let length = |a: &[f32]| Norm::L2.distance(&[12], a, &target);
            let mut other = other;
            ball.project(&mut other);
            if whole && !norm.counts_positions() {
                prop_assert!(length(&wild) <= length(&other) + 1e-5);
            }
        }

        #[test]
        fn a_change_out_of_the_box_still_uses_the_budget(
            row in proptest::collection::vec(0.0f32..=1.0, 8),
            change in proptest::collection::vec(-3.0f64..=3.0, 8),
            eps in 0.05f64..=0.4,
            l1 in any::<bool>(),
        ) {
            let norm = if l1 { Norm::L1 } else { Norm::L2 };
            let ball = ball(norm, eps, &[8], &row);
            let mut moved = row.clone();
            ball.project_change(&change, &mut moved);
            prop_assert!(ball.contains(&moved));
            // Either all the budget is used, or the box stops every feature.
            let stopped = moved.iter().zip(&change).all(|(v, d)| *v <= 0.0 && *d <= 0.0 || *v >= 1.0 && *d >= 0.0);
            prop_assert!(stopped || ball.distance(&moved) >= eps * 0.9999, "{} of {}", ball.distance(&moved), eps);
        }
    }

    #[test]
    fn snapping_stays_in_the_ball() {
        let linf = ball(Norm::Linf, 0.1, &[1], &[0.5]);
        // 0.6 is nearest to 0.625, which lies outside.
        assert_eq!(linf.snap(&[0.6], 0.0625), Some(vec![0.5625]));
        assert_eq!(linf.snap(&[0.45], 0.0625), Some(vec![0.4375]));
        // A ball narrower than the grid may hold no point of it.
        assert_eq!(ball(Norm::Linf, 0.001, &[1], &[0.51]).snap(&[0.511], 0.0625), None);
        let l2 = ball(Norm::L2, 0.1, &[2], &[0.5, 0.3]);
        // To the nearest, both would leave the ball; towards the original, they do not.
        assert_eq!(l2.snap(&[0.56, 0.37], 0.05), Some(vec![0.55, 0.35]));
        // What was not changed is not rounded.
        assert_eq!(l2.snap(&[0.55, 0.3], 0.05), Some(vec![0.55, 0.3]));
        assert_eq!(l2.snap(&[0.51, 0.31], 0.25), Some(vec![0.5, 0.25]));
    }

    proptest! {
        #[test]
        fn what_is_on_the_grid_is_in_the_ball(
            row in proptest::collection::vec(0u8..=255, 8),
            change in proptest::collection::vec(-60.0f64..=60.0, 8),
            eps in 20.0f64..=120.0,
            norm in proptest::sample::select(vec![Norm::L1, Norm::L2, Norm::Linf, Norm::L0]),
        ) {
            let row: Vec<f32> = row.into_iter().map(f32::from).collect();
            let eps = if norm == Norm::L0 { 3.0 } else { eps };
            let bounds = Bounds::Everywhere { low: 0.0, high: 255.0 };
            let ball = Ball::new(&Threat { norm, eps, bounds, grid: None }, &[8], &row);
            let mut moved = row.clone();
            ball.project_change(&change, &mut moved);
            let found = ball.on_grid(&moved, &|_| Some(1.0));
            prop_assert!(!found.is_empty());
            for found in found {
                prop_assert!(ball.contains(&found));
                // The edge of a radius that misses a whole step by the rounding of float32 is that step.
                prop_assert!(found.iter().all(|v| (v - v.round()).abs() <= 255.0 * 2.0 * f32::EPSILON), "{found:?}");
            }
        }
    }

    #[test]
    fn a_radius_of_whole_steps_holds_them_in_every_unit() {
        // Pixels as other programs divide them, each moved by the whole radius.
        for norm in [Norm::Linf, Norm::L1, Norm::L2] {
            for pixel in 0..=200u8 {
                let (row, step) = ([f32::from(pixel) / 255.0], 1.0 / 255.0);
                let ball = ball(norm, 8.0 * step, &[1], &row);
                let moved = (f64::from(row[0]) + 7.6 * step) as f32;
                let found = ball.on_grid(&[moved], &|_| Some(step));
                let sent: Vec<f32> = found.iter().map(|row| (row[0] * 255.0).round()).collect();
                assert_eq!(sent, [f32::from(pixel) + 8.0, f32::from(pixel) + 7.0], "{norm:?}");
            }
        }
    }

    #[test]
    fn an_edge_between_two_steps_is_on_no_grid() {
        let ball = Ball::new(
            &Threat {
                norm: Norm::L1,
                eps: 44.9995,
                bounds: Bounds::Everywhere { low: 0.0, high: 255.0 },
                grid: None,
            },
            &[2],
            &[0.0, 3.0],
        );
        let mut moved = [0.0; 2];
        ball.project_change(&[59.5, 0.0], &mut moved);
        assert_eq!(ball.on_grid(&moved, &|_| Some(1.0)), [[44.0, 3.0]]);
    }

    #[test]
    fn patches_fit_their_area() {
        let image = ball(Norm::Patch, 7.0, &[1, 4, 4], &[0.0; 16]);
        assert_eq!(image.patch(), Window { height: 2, width: 3 });
        assert_eq!(ball(Norm::Patch, 3.0, &[8], &[0.0; 8]).patch(), Window { height: 1, width: 3 });
        let mut row = [0.0; 16];
        (row[0], row[10], row[15]) = (0.9, 0.7, 0.8);
        image.project(&mut row);
        let kept: Vec<usize> = (0..16).filter(|at| row[*at] != 0.0).collect();
        assert_eq!(kept, [10, 15]);
    }

    #[test]
    fn few_positions_keep_their_full_change() {
        let ball = ball(Norm::L0, 2.0, &[2, 1, 3], &[0.0; 6]);
        // Squares over the channels: 0.37, 0.25 and 0.18.
        let mut row = [0.1, 0.5, 0.3, 0.6, 0.0, 0.3];
        ball.project(&mut row);
        assert_eq!(row, [0.1, 0.5, 0.0, 0.6, 0.0, 0.0]);
    }

    #[test]
    fn a_row_outside_the_box_may_stay() {
        let ball = ball(Norm::Linf, 0.1, &[1], &[1.5]);
        assert!(ball.contains(&[1.5]) && !ball.contains(&[1.55]));
    }
}
