//! What is done to scores before they leave an operator (`post_transform` of ai.onnx.ml).

use crate::OnnxError;
use crate::graph::Node;

/// What is done to scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostTransform {
    /// Nothing.
    None,
    /// Each score by itself through the logistic function.
    Logistic,
    /// All scores of a row through the softmax.
    Softmax,
    /// The softmax over scores other than 0; those stay 0.
    SoftmaxZero,
    /// Each score by itself through the inverse of the normal distribution.
    Probit,
}

impl PostTransform {
    pub(crate) fn of(node: &Node) -> Result<Self, OnnxError> {
        match node.text("post_transform", "NONE")? {
            "NONE" => Ok(Self::None),
            "LOGISTIC" => Ok(Self::Logistic),
            "SOFTMAX" => Ok(Self::Softmax),
            "SOFTMAX_ZERO" => Ok(Self::SoftmaxZero),
            "PROBIT" => Ok(Self::Probit),
            other => Err(node.broken(format!("post_transform {other:?} is not evaluated here"))),
        }
    }

    /// Transforms the scores of one row in place.
    pub(crate) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|s| *s = logistic(*s)),
            Self::Softmax => softmax(scores, |_| true),
            Self::SoftmaxZero => softmax(scores, |s| s.abs() > ZERO),
            Self::Probit => scores.iter_mut().for_each(|s| *s = probit(*s)),
        }
    }
}

/// What counts as 0 for [`PostTransform::SoftmaxZero`].
const ZERO: f32 = 1e-7;

/// The logistic function, computed from the side where the exponential is small.
pub(crate) fn logistic(x: f32) -> f32 {
    let positive = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - positive } else { positive }
}

/// The quantile of the normal distribution, in the approximation of the error function's inverse that ONNX Runtime takes
/// (Winitzki 2008).
pub(crate) fn probit(p: f32) -> f32 {
    let x = 2.0 * p - 1.0;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let root = ((v * v - log / 0.147).sqrt() - v).sqrt();
    std::f32::consts::SQRT_2 * if x < 0.0 { -root } else { root }
}

fn softmax(scores: &mut [f32], counts: impl Fn(f32) -> bool) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if counts(*score) {
            *score = (*score - largest).exp();
            sum += *score;
        }
    }
    if sum > 0.0 {
        scores.iter_mut().for_each(|s| *s /= sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_become_probabilities() {
        let mut row = [1.0, 2.0, 3.0];
        PostTransform::Softmax.apply(&mut row);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6 && row[2] > row[1]);
        let mut huge = [1e30, -1e30];
        PostTransform::Softmax.apply(&mut huge);
        assert_eq!(huge, [1.0, 0.0]);
        assert!((probit(0.975) - 1.96).abs() < 0.01 && (probit(0.5)).abs() < 1e-3);
        assert_eq!(logistic(0.0), 0.5);
        assert_eq!((logistic(200.0), logistic(-200.0)), (1.0, 0.0));
    }
}
