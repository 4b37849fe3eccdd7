//! Starts and steps of a climb within a ball.

use crate::chance::Chance;
use crate::{Ball, Norm};

/// Share of the features that a step in the L1 norm spreads over: the steepest step would change one, and
/// would meet its box at once.
const L1_SHARE: f64 = 0.05;

/// A point of the ball drawn at random, uniform in the L∞ and the L2 norm.
pub(crate) fn random_start(ball: &Ball, chance: &mut Chance) -> Vec<f32> {
    let mut row = ball.origin().to_vec();
    let (eps, features) = (ball.eps(), row.len());
    let change: Vec<f64> = match ball.norm() {
        Norm::Linf => (0..features).map(|_| eps * (2.0 * chance.unit() - 1.0)).collect(),
        Norm::L2 => {
            let direction: Vec<f64> = (0..features).map(|_| chance.normal()).collect();
            let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            let radius = eps * chance.unit().powf(1.0 / features as f64);
            direction.iter().map(|d| d / length * radius).collect()
        }
        _ => {
            let direction: Vec<f64> =
                (0..features).map(|_| chance.sign() * -(1.0 - chance.unit()).ln()).collect();
            let length = direction.iter().map(|d| d.abs()).sum::<f64>().max(f64::MIN_POSITIVE);
            direction.iter().map(|d| d / length * eps).collect()
        }
    };
    ball.project_change(&change, &mut row);
    row
}

/// Moves `row` by a step of size `size` along `gradient`, steepest in the ball's norm, and back into the ball.
pub(crate) fn climb_step(ball: &Ball, row: &mut [f32], gradient: &[f32], size: f64) {
    match ball.norm() {
        Norm::Linf => {
            let limits = ball.low().iter().zip(ball.high());
            for ((v, g), (low, high)) in row.iter_mut().zip(gradient).zip(limits) {
                *v = (*v + size as f32 * sign(*g)).max(*low).min(*high);
            }
        }
        Norm::L2 => {
            let length = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            let scale = if length > 0.0 { size / length } else { 0.0 };
            move_by(ball, row, |at| f64::from(gradient[at]) * scale);
        }
        _ => {
            let kept = ((row.len() as f64 * L1_SHARE).ceil() as usize).max(1);
            sparse_step(ball, row, gradient, size, kept);
        }
    }
}

/// Spreads a step of L1 size `size` evenly over the `kept` features with the largest gradients that can still
/// move that way, and goes back into the ball.
pub(crate) fn sparse_step(ball: &Ball, row: &mut [f32], gradient: &[f32], size: f64, kept: usize) {
    let (low, high) = (ball.low(), ball.high());
    let free = |at: &usize| {
        let g = gradient[*at];
        g > 0.0 && row[*at] < high[*at] || g < 0.0 && row[*at] > low[*at]
    };
    let mut order: Vec<usize> = (0..row.len()).filter(free).collect();
    let steeper = |a: &usize, b: &usize| gradient[*b].abs().total_cmp(&gradient[*a].abs()).then(a.cmp(b));
    if kept < order.len() {
        order.select_nth_unstable_by(kept, steeper);
        order.truncate(kept);
    }
    let mut change = vec![0.0; row.len()];
    for at in &order {
        change[*at] = size / order.len() as f64 * f64::from(sign(gradient[*at]));
    }
    move_by(ball, row, |at| change[at]);
}

/// Moves `row` by `change` and back into the ball.
pub(crate) fn move_by(ball: &Ball, row: &mut [f32], change: impl Fn(usize) -> f64) {
    let origin = ball.origin();
    let whole: Vec<f64> =
        row.iter().enumerate().map(|(at, v)| f64::from(*v) - f64::from(origin[at]) + change(at)).collect();
    ball.project_change(&whole, row);
}

/// -1, 0 or 1.
pub(crate) fn sign(g: f32) -> f32 {
    if g > 0.0 {
        1.0
    } else if g < 0.0 {
        -1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Threat;

    #[test]
    fn steps_are_steepest_in_their_norm() {
        let row = [0.5; 4];
        let gradient = [3.0, -4.0, 0.0, 0.0];
        let step = |norm, size| {
            let ball = Ball::new(&Threat::new(norm, 0.2), &[4], &row);
            let mut moved = row;
            climb_step(&ball, &mut moved, &gradient, size);
            assert!(ball.contains(&moved));
            moved.map(|v| ((v - 0.5) * 1000.0).round() / 1000.0)
        };
        assert_eq!(step(Norm::Linf, 0.1), [0.1, -0.1, 0.0, 0.0]);
        assert_eq!(step(Norm::Linf, 0.9), [0.2, -0.2, 0.0, 0.0]);
        assert_eq!(step(Norm::L2, 0.1), [0.06, -0.08, 0.0, 0.0]);
        assert_eq!(step(Norm::L1, 0.1), [0.0, -0.1, 0.0, 0.0]);
    }

    #[test]
    fn starts_lie_in_the_ball_and_differ() {
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            let ball = Ball::new(&Threat::new(norm, 0.3), &[16], &[0.1; 16]);
            let draw = |index| random_start(&ball, &mut Chance::new(1, "start", index));
            assert!((0..50).all(|index| ball.contains(&draw(index))));
            assert_ne!(draw(0), draw(1));
        }
    }

    #[test]
    fn a_feature_at_its_limit_is_passed_over() {
        let ball = Ball::new(&Threat::new(Norm::L1, 0.3), &[3], &[1.0, 0.5, 0.5]);
        let mut row = [1.0, 0.5, 0.5];
        sparse_step(&ball, &mut row, &[9.0, 2.0, 1.0], 0.1, 1);
        assert!(row[0] == 1.0 && row[1] > 0.59 && row[2] == 0.5);
    }
}
