//! What gradient attacks climb.
//!
//! All are functions of the logits, computed in float64 and written so that larger is better for the
//! attacker and so that no scale of the logits makes them vanish.

use serde::{Deserialize, Serialize};

use crate::Goal;

/// Keeps the scale-free loss finite where the leading logits are equal (as in its authors' code).
const TINY: f64 = 1e-12;

/// A loss of a classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Cross-entropy, as log-odds: the logarithm of the odds against the label. It rises with the
    /// cross-entropy, and its gradient points the same way; but where a saturated softmax leaves the
    /// cross-entropy's gradient at zero (logits a thousand times too large), this one keeps its length.
    CrossEntropy,
    /// Difference of logits ratio (Croce and Hein 2020, equations 6 and 7): the margin divided by a spread
    /// of the leading logits, so that scaling the logits changes nothing. It needs three classes, four to
    /// aim at one of them; with fewer it is the margin.
    Dlr,
    /// The best wrong logit, or the wanted one, minus the label's (Carlini and Wagner 2017).
    Margin,
}

impl Loss {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "ce",
            Self::Dlr => "dlr",
            Self::Margin => "margin",
        }
    }

    /// What is climbed with so few classes.
    #[must_use]
    pub const fn with_classes(self, classes: usize, targeted: bool) -> Self {
        match self {
            Self::Dlr if classes < 3 || targeted && classes < 4 => Self::Margin,
            other => other,
        }
    }

    /// The loss at `logits`, and its derivative with respect to them, which is written into `slope`
    /// (zeroed before). `aim` is the class the attack aims at, which need not be its goal: APGD-T aims at one
    /// class after the other, and any of them will do.
    pub(crate) fn at(self, logits: &[f32], label: usize, aim: Option<usize>, slope: &mut [f32]) -> f64 {
        let z = |class: usize| f64::from(logits[class]);
        match (self.with_classes(logits.len(), aim.is_some()), aim) {
            (Self::CrossEntropy, aim) => {
                // Against the label: odds of all others. For a class: its odds.
                let (centre, sign) = aim.map_or((label, 1.0), |class| (class, -1.0));
                let others = || (0..logits.len()).filter(|class| *class != centre);
                let most = others().map(z).fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = others().map(|class| (z(class) - most).exp()).sum();
                for class in others() {
                    slope[class] = (sign * (z(class) - most).exp() / sum) as f32;
                }
                slope[centre] = -sign as f32;
                sign * (most + sum.ln() - z(centre))
            }
            (Self::Margin, aim) => {
                let other = aim.unwrap_or_else(|| Leaders::of(logits).best_but(label));
                slope[other] += 1.0;
                slope[label] -= 1.0;
                z(other) - z(label)
            }
            (Self::Dlr, None) => {
                let leaders = Leaders::of(logits);
                let other = leaders.best_but(label);
                let [first, _, third, _] = leaders.0;
                let (gain, spread) = (z(other) - z(label), z(first) - z(third) + TINY);
                quotient(gain, spread, &[(other, 1.0), (label, -1.0)], &[(first, 1.0), (third, -1.0)], slope)
            }
            (Self::Dlr, Some(class)) => {
                let [first, _, third, fourth] = Leaders::of(logits).0;
                let (gain, spread) =
                    (z(class) - z(label), z(first) - f64::midpoint(z(third), z(fourth)) + TINY);
                let below = [(first, 1.0), (third, -0.5), (fourth, -0.5)];
                quotient(gain, spread, &[(class, 1.0), (label, -1.0)], &below, slope)
            }
        }
    }
}

/// `gain / spread` and its derivative, of which the parts of numerator and denominator are given.
fn quotient(
    gain: f64,
    spread: f64,
    above: &[(usize, f64)],
    below: &[(usize, f64)],
    slope: &mut [f32],
) -> f64 {
    let value = gain / spread;
    // The direction counts, not the length: without the common factor 1 / spread no scale of the logits
    // makes it underflow.
    for (class, part) in above {
        slope[*class] += *part as f32;
    }
    for (class, part) in below {
        slope[*class] -= (value * part) as f32;
    }
    value
}

/// The four largest logits, the largest first; the last repeats where there are fewer.
struct Leaders([usize; 4]);

impl Leaders {
    fn of(logits: &[f32]) -> Self {
        let mut best: [Option<usize>; 4] = [None; 4];
        for class in 0..logits.len() {
            let mut moved = Some(class);
            for place in &mut best {
                if place.is_none_or(|held| moved.is_some_and(|m| logits[m] > logits[held])) {
                    std::mem::swap(place, &mut moved);
                }
                if moved.is_none() {
                    break;
                }
            }
        }
        let mut last = 0;
        Self(best.map(|place| {
            last = place.unwrap_or(last);
            last
        }))
    }

    fn best_but(&self, label: usize) -> usize {
        if self.0[0] == label { self.0[1] } else { self.0[0] }
    }
}

/// What one row climbs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Objective {
    /// A loss of a classifier, aimed at a class or away from the label.
    Class { loss: Loss, label: usize, aim: Option<usize> },
    /// One output, upwards or (`sign` -1) downwards: a regressor.
    Output { at: usize, sign: f64 },
}

impl Objective {
    /// Away from the label, or towards the goal's class.
    pub(crate) fn of(loss: Loss, label: usize, goal: Goal) -> Self {
        let aim = match goal {
            Goal::Untargeted => None,
            Goal::Targeted(class) => Some(class),
        };
        Self::Class { loss, label, aim }
    }

    pub(crate) fn at(self, outputs: &[f32], slope: &mut [f32]) -> f64 {
        match self {
            Self::Class { loss, label, aim } => loss.at(outputs, label, aim, slope),
            Self::Output { at, sign } => {
                slope[at] = sign as f32;
                sign * f64::from(outputs[at])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOSSES: [Loss; 3] = [Loss::CrossEntropy, Loss::Dlr, Loss::Margin];

    fn value(loss: Loss, logits: &[f32], aim: Option<usize>) -> f64 {
        loss.at(logits, 0, aim, &mut vec![0.0; logits.len()])
    }

    proptest! {
        #[test]
        fn slopes_are_those_of_differences(
            logits in proptest::collection::vec(-5.0f32..5.0, 2..7),
            which in 0usize..3,
            aimed in any::<bool>(),
        ) {
            let loss = LOSSES[which];
            // Ties have no derivative.
            let mut sorted = logits.clone();
            sorted.sort_by(f32::total_cmp);
            prop_assume!(sorted.windows(2).all(|w| w[1] - w[0] > 0.05));
            let aim = aimed.then_some(logits.len() - 1);
            let mut slope = vec![0.0; logits.len()];
            loss.at(&logits, 0, aim, &mut slope);
            let step = 1.0 / 128.0;
            let differences: Vec<f64> = (0..logits.len())
                .map(|class| {
                    let (mut up, mut down) = (logits.clone(), logits.clone());
                    up[class] += step;
                    down[class] -= step;
                    let width = f64::from(up[class]) - f64::from(down[class]);
                    (value(loss, &up, aim) - value(loss, &down, aim)) / width
                })
                .collect();
            // Directions agree; the length is free.
            let dot: f64 = differences.iter().zip(&slope).map(|(a, b)| a * f64::from(*b)).sum();
            let lengths = differences.iter().map(|d| d * d).sum::<f64>().sqrt()
                * slope.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>().sqrt();
            prop_assert!(dot >= lengths * 0.999 - 1e-6, "{dot} of {lengths}");
        }

        #[test]
        fn larger_is_nearer_to_another_class(logits in proptest::collection::vec(-9.0f32..9.0, 4)) {
            let others = logits[1..].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for loss in [Loss::Dlr, Loss::Margin] {
                prop_assert_eq!(value(loss, &logits, None) > 0.0, others > logits[0]);
            }
        }
    }

    #[test]
    fn no_scale_makes_a_slope_vanish() {
        for scale in [1e-30f32, 1.0, 1e4, 1e30] {
            let logits = [3.0, 1.0, -2.0, 0.5].map(|z: f32| z * scale);
            for loss in LOSSES {
                for aim in [None, Some(2)] {
                    let mut slope = [0.0; 4];
                    assert!(loss.at(&logits, 0, aim, &mut slope).is_finite());
                    assert!(
                        slope.iter().any(|s| s.abs() > 0.3) && slope.iter().all(|s| s.is_finite()),
                        "{loss:?} {scale} {slope:?}"
                    );
                }
            }
        }
        // The plain cross-entropy is at rest there: the label's probability is 1 in any precision.
        assert_eq!(1.0 - 1.0 / (1.0 + (-2e4f64).exp()), 0.0);
    }

    #[test]
    fn leaders_in_order() {
        assert_eq!(Leaders::of(&[1.0, 5.0, 3.0, 4.0, 2.0]).0, [1, 3, 2, 4]);
        assert_eq!(Leaders::of(&[1.0, 5.0]).0, [1, 0, 0, 0]);
        assert_eq!(Leaders::of(&[1.0, 5.0, 3.0]).best_but(1), 2);
    }

    #[test]
    fn few_classes_have_a_margin() {
        assert_eq!(Loss::Dlr.with_classes(2, false), Loss::Margin);
        assert_eq!(Loss::Dlr.with_classes(3, true), Loss::Margin);
        assert_eq!(Loss::Dlr.with_classes(3, false), Loss::Dlr);
    }
}
