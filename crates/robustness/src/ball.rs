//! The values a row may take: within eps of the original in every feature, and within the box.
//!
//! The limits are computed in float64 and rounded *inwards* to float32, so that a point on the edge of the
//! ball is in it, however small eps is beside the value.

pub(crate) struct Ball {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Ball {
    pub(crate) fn around(row: &[f32], eps: f64, (box_low, box_high): (f32, f32)) -> Self {
        let high = row.iter().map(|x| upper(*x, eps).min(box_high)).collect();
        let low = row.iter().map(|x| (-upper(-*x, eps)).max(box_low)).collect();
        Self { low, high }
    }

    pub(crate) fn low(&self) -> &[f32] {
        &self.low
    }

    pub(crate) fn high(&self) -> &[f32] {
        &self.high
    }

    /// The multiple of `step` nearest to `value` that feature `at` may take; `None` where the ball holds
    /// none.
    pub(crate) fn snap(&self, at: usize, value: f32, step: f64) -> Option<f32> {
        let (low, high) = (*self.low.get(at)?, *self.high.get(at)?);
        let nearest = (f64::from(value) / step).round();
        [0.0, -1.0, 1.0]
            .into_iter()
            .map(|shift| ((nearest + shift) * step) as f32)
            .find(|v| (low..=high).contains(v))
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

/// The largest difference in any feature.
pub(crate) fn linf(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_edge_lies_in_the_ball(x in 0.0f32..=1.0, eps in 1e-6f64..=0.5) {
            let ball = Ball::around(&[x], eps, (0.0, 1.0));
            let (low, high) = (ball.low()[0], ball.high()[0]);
            prop_assert!(low <= x && x <= high && low >= 0.0 && high <= 1.0);
            prop_assert!(f64::from(high) - f64::from(x) <= eps && f64::from(x) - f64::from(low) <= eps);
            // And no float32 further out would be.
            prop_assert!(high == 1.0 || f64::from(high.next_up()) - f64::from(x) > eps);
        }
    }

    #[test]
    fn snapping_stays_in_the_ball() {
        let ball = Ball::around(&[0.5], 0.1, (0.0, 1.0));
        // 0.6 is nearest to 0.625, which lies outside.
        assert_eq!(ball.snap(0, 0.6, 0.0625), Some(0.5625));
        assert_eq!(ball.snap(0, 0.45, 0.0625), Some(0.4375));
        assert_eq!(Ball::around(&[0.53], 0.01, (0.0, 1.0)).snap(0, 0.53, 0.0625), None);
    }
}
