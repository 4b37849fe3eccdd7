//! What an attack is: something that looks for changed rows, and says what each of them cost.
//!
//! An attack sees a [`Victim`] and [`Target`]s and returns one [`Outcome`] for each. It counts nothing and
//! judges nothing: [`crate::evade`] does, the same way for all.

use proofhouse_onnx::{Gradients, OutputKind, Scores};
use serde::{Deserialize, Serialize};

use crate::{Goal, Norm, RobustnessError, Threat};

/// What an attack needs to see of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// The predicted class.
    Labels,
    /// The scores of the classes.
    Scores,
    /// Gradients, hence the weights: white-box.
    Gradients,
}

/// A model under attack.
#[derive(Clone, Copy)]
pub struct Victim<'a> {
    /// The model.
    pub model: &'a dyn Scores,
    /// The same model with gradients, for attacks that need them.
    pub gradients: Option<&'a dyn Gradients>,
    /// The same model by another way of computing it, and the name of that way. When given, a
    /// counterexample counts only if both agree that it is one.
    pub second: Option<(&'a str, &'a dyn Scores)>,
}

impl<'a> Victim<'a> {
    /// A model that can only be asked.
    #[must_use]
    pub const fn black_box(model: &'a dyn Scores) -> Self {
        Self { model, gradients: None, second: None }
    }

    /// A model whose gradients are known. `model` is what counts: its answers decide.
    #[must_use]
    pub const fn white_box(model: &'a dyn Scores, gradients: &'a dyn Gradients) -> Self {
        Self { model, gradients: Some(gradients), second: None }
    }

    /// Confirms counterexamples with another engine, too.
    #[must_use]
    pub const fn confirmed_by(self, name: &'a str, second: &'a dyn Scores) -> Self {
        Self { second: Some((name, second)), ..self }
    }

    /// The gradients, or an error that says who wanted them.
    pub fn differentiable(&self, attack: &str) -> Result<&'a dyn Gradients, RobustnessError> {
        self.gradients.ok_or_else(|| RobustnessError::NoGradients { attack: attack.to_owned() })
    }
}

/// A row to attack, known to be classified correctly.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its index in the data: the stream of all chance that concerns it.
    pub index: usize,
    /// Its class, which the model predicts.
    pub label: usize,
    /// What for.
    pub goal: Goal,
    /// Its values.
    pub row: &'a [f32],
}

impl Target<'_> {
    /// The class that an answer stands for and whether it is what the attacker wants; `None` where a score
    /// is NaN.
    #[must_use]
    pub fn judge(&self, scores: &[f32]) -> Option<(usize, bool)> {
        let class = leader(scores)?;
        Some((class, self.goal.reached(self.label, class)))
    }
}

/// The predicted class of one row, as [`proofhouse_onnx::predict`] has it: the first of the largest, `None`
/// where a score is NaN. Attacks ask this of every answer, so that it must not allocate.
pub(crate) fn leader(scores: &[f32]) -> Option<usize> {
    let (mut best, mut most, mut sound) = (0, f32::NEG_INFINITY, !scores.is_empty());
    for (class, score) in scores.iter().enumerate() {
        sound &= !score.is_nan();
        if *score > most {
            (best, most) = (class, *score);
        }
    }
    sound.then_some(best)
}

/// What the attack on one row came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The target's index.
    pub index: usize,
    /// A row in the ball that fulfils the goal; of attacks that minimise the distance, the nearest found.
    pub found: Option<Vec<f32>>,
    /// Forward passes.
    pub queries: u64,
    /// Backward passes.
    pub gradients: u64,
    /// Queries that the model answered with NaN.
    pub undefined: u64,
}

impl Outcome {
    /// Nothing asked, nothing found.
    #[must_use]
    pub const fn of(target: &Target<'_>) -> Self {
        Self { index: target.index, found: None, queries: 0, gradients: 0, undefined: 0 }
    }
}

/// How far an attack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows whose attack has ended.
    pub rows_done: usize,
    /// Rows to attack.
    pub rows: usize,
    /// Queries asked so far.
    pub queries: u64,
}

/// A search for counterexamples.
///
/// What it finds for a target depends on its seed, the target and the model, and on nothing else: neither on
/// the other targets nor on their order.
pub trait Attack: Send + Sync {
    /// Its name in reports: `apgd-ce`.
    fn name(&self) -> String;

    /// What it needs.
    fn access(&self) -> Access;

    /// The norms it works in.
    fn norms(&self) -> &'static [Norm];

    /// What it runs with, for the report.
    fn settings(&self) -> serde_json::Value;

    /// How it gets round masked gradients of this victim; empty where it follows true ones.
    fn repairs(&self, _victim: &Victim<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Attacks every target. Outcomes are in the order of the targets.
    ///
    /// # Errors
    /// Where the model fails, or a setting makes no sense for this model.
    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError>;
}

/// Refuses an attack on a victim or in a norm that it is not made for.
pub(crate) fn suits(
    attack: &dyn Attack,
    victim: &Victim<'_>,
    threat: &Threat,
) -> Result<(), RobustnessError> {
    if attack.access() == Access::Gradients {
        victim.differentiable(&attack.name())?;
    }
    if !attack.norms().contains(&threat.norm) {
        let norms: Vec<&str> = attack.norms().iter().map(|n| n.name()).collect();
        return Err(RobustnessError::Option(format!(
            "{} works in {}, not in {}",
            attack.name(),
            norms.join(", "),
            threat.norm
        )));
    }
    Ok(())
}

/// How far the goal is: what the attacker's class lacks to the best of the others, negative once it leads.
/// Of probabilities, their logarithms, which a saturated softmax still tells apart.
#[must_use]
pub fn margin(scores: &[f32], label: usize, goal: Goal, kind: OutputKind) -> f64 {
    // Logarithms rise with their arguments: one of the largest is enough.
    let value = |score: f32| match kind {
        OutputKind::Logits => f64::from(score),
        OutputKind::Probabilities => f64::from(score).max(f64::MIN_POSITIVE).ln(),
    };
    let best_but = |class: usize| {
        let (before, from) = scores.split_at(class.min(scores.len()));
        let others = before.iter().chain(from.iter().skip(1));
        value(others.fold(f32::NEG_INFINITY, |most, score| if *score > most { *score } else { most }))
    };
    let of = |class: usize| scores.get(class).map_or(f64::NEG_INFINITY, |score| value(*score));
    match goal {
        Goal::Untargeted => of(label) - best_but(label),
        Goal::Targeted(class) => best_but(class) - of(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_of_probabilities_do_not_saturate() {
        let margin = |scores: &[f32], kind| margin(scores, 0, Goal::Untargeted, kind);
        assert_eq!(margin(&[3.0, 1.0, 2.5], OutputKind::Logits), 0.5);
        let near = margin(&[1.0, 1e-30], OutputKind::Probabilities);
        let far = margin(&[1.0, 1e-35], OutputKind::Probabilities);
        assert!(near < far && far < 100.0);
        assert!(margin(&[1.0, 0.0], OutputKind::Probabilities).is_finite());
    }

    #[test]
    fn a_leader_is_what_predict_says() {
        let inf = f32::INFINITY;
        for row in
            [&[1.0, 3.0, 3.0][..], &[f32::NAN, 1.0], &[1.0, f32::NAN], &[-inf, -inf], &[inf, inf], &[0.0]]
        {
            assert_eq!([leader(row)], proofhouse_onnx::predict(row, row.len())[..], "{row:?}");
        }
    }

    #[test]
    fn a_target_lacks_what_the_leader_has_more() {
        let scores = [3.0, 1.0, 2.5];
        assert_eq!(margin(&scores, 0, Goal::Targeted(1), OutputKind::Logits), 2.0);
        assert_eq!(margin(&scores, 1, Goal::Targeted(0), OutputKind::Logits), -0.5);
    }
}
