//! What an attack on a row wants the model to say: another class, a certain class, or, of a regressor, a number
//! beyond a limit.

use proofhouse_onnx::{OutputKind, predict};
use serde::{Deserialize, Serialize};

/// What the model is to say of the changed row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Aim {
    /// Any class but this one, the row's own.
    Other(usize),
    /// This class: a granted loan, a payment taken for ordinary.
    Class(usize),
    /// Of a regressor: this output at or above a value.
    AtLeast {
        /// Index of the output.
        output: usize,
        /// The value.
        value: f64,
    },
    /// Of a regressor: this output at or below a value.
    AtMost {
        /// Index of the output.
        output: usize,
        /// The value.
        value: f64,
    },
}

impl Aim {
    /// Whether these scores are what is wanted; never where they hold NaN.
    #[must_use]
    pub fn reached(self, scores: &[f32]) -> bool {
        if scores.iter().any(|s| s.is_nan()) {
            return false;
        }
        let class = || predict(scores, scores.len()).into_iter().next().flatten();
        match self {
            Self::Other(own) => class().is_some_and(|c| c != own),
            Self::Class(wanted) => class() == Some(wanted),
            Self::AtLeast { output, value } => scores.get(output).is_some_and(|s| f64::from(*s) >= value),
            Self::AtMost { output, value } => scores.get(output).is_some_and(|s| f64::from(*s) <= value),
        }
    }

    /// How much is missing: the margin of the class that has to fall or rise, the distance to the limit. At most 0
    /// where the aim is reached (0 also on a tie, which may be decided either way); infinite where a score is NaN.
    #[must_use]
    pub fn missing(self, scores: &[f32], kind: OutputKind) -> f64 {
        let value = |s: f32| match kind {
            OutputKind::Logits => f64::from(s),
            OutputKind::Probabilities => f64::from(s).max(f64::MIN_POSITIVE).ln(),
        };
        if scores.iter().any(|s| s.is_nan()) {
            return f64::INFINITY;
        }
        let of = |at: usize| scores.get(at).map_or(f64::NEG_INFINITY, |s| value(*s));
        let others = |at: usize| {
            let rest = scores.iter().enumerate().filter(|(c, _)| *c != at);
            rest.map(|(_, s)| value(*s)).fold(f64::NEG_INFINITY, f64::max)
        };
        match self {
            Self::Other(own) => of(own) - others(own),
            Self::Class(wanted) => others(wanted) - of(wanted),
            Self::AtLeast { output, value } => value - scores.get(output).map_or(f64::NAN, |s| f64::from(*s)),
            Self::AtMost { output, value } => scores.get(output).map_or(f64::NAN, |s| f64::from(*s)) - value,
        }
    }

    /// The derivative of what is missing with respect to the scores (logits), into `slope`, which is zeroed.
    pub(crate) fn slope(self, scores: &[f32], slope: &mut [f32]) {
        let best_but = |at: usize| {
            let rest = scores.iter().enumerate().filter(|(c, _)| *c != at);
            rest.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(c, _)| c)
        };
        let mut set = |at: Option<usize>, value: f32| {
            if let Some(s) = at.and_then(|at| slope.get_mut(at)) {
                *s = value;
            }
        };
        match self {
            Self::Other(own) => {
                set(Some(own), 1.0);
                set(best_but(own), -1.0);
            }
            Self::Class(wanted) => {
                set(Some(wanted), -1.0);
                set(best_but(wanted), 1.0);
            }
            Self::AtLeast { output, .. } => set(Some(output), -1.0),
            Self::AtMost { output, .. } => set(Some(output), 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_reached_agree() {
        let scores = [0.5, 2.0, 1.0];
        let logits = OutputKind::Logits;
        for (aim, missing, reached) in [
            (Aim::Other(1), 1.0, false),
            (Aim::Other(0), -1.5, true),
            (Aim::Class(2), 1.0, false),
            (Aim::Class(1), -1.0, true),
            (Aim::AtLeast { output: 2, value: 1.5 }, 0.5, false),
            (Aim::AtMost { output: 2, value: 1.0 }, 0.0, true),
        ] {
            assert_eq!((aim.missing(&scores, logits), aim.reached(&scores)), (missing, reached), "{aim:?}");
            let mut slope = [0.0; 3];
            aim.slope(&scores, &mut slope);
            let moved: Vec<f32> = scores.iter().zip(slope).map(|(s, d)| s - 0.1 * d).collect();
            assert!(aim.missing(&moved, logits) < missing, "{aim:?}");
        }
        assert!(!Aim::Other(0).reached(&[f32::NAN, 1.0]));
        assert_eq!(Aim::Other(0).missing(&[f32::NAN, 1.0], logits), f64::INFINITY);
    }
}
