//! Attacks that follow gradients.

mod apgd;
mod carlini;
mod deepfool;
mod estimated;
mod fab;
pub(crate) mod loss;
mod pgd;
mod sparse;
pub(crate) mod step;

use proofhouse_onnx::Gradients;

pub use self::apgd::Apgd;
pub(crate) use self::apgd::{Climb, climb};
pub use self::carlini::CarliniWagner;
pub use self::deepfool::DeepFool;
pub use self::estimated::Estimated;
pub use self::fab::Fab;
pub use self::loss::Loss;
pub use self::pgd::{Fgsm, Pgd};
pub use self::sparse::Sparse;
pub(crate) use self::step::sign;
use crate::attack::leader;
use crate::{Ball, Outcome, RobustnessError, Target, Threat, Victim};

/// Values of rows held side by side: bounds the memory, not the result.
const GROUP_VALUES: usize = 1 << 22;

/// What the model said about a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// The loss; NaN where the model answers with NaN.
    pub value: f64,
    /// The predicted class; `None` where a logit is NaN.
    pub class: Option<usize>,
}

/// The loss of the row at a place, from its logits; writes the derivative with respect to them.
pub(crate) type RowLoss<'a> = dyn FnMut(usize, &[f32], &mut [f32]) -> f64 + 'a;

/// Asks for losses and gradients, batch by batch, reusing its buffers.
pub(crate) struct Slope<'a> {
    model: &'a dyn Gradients,
    draws: usize,
    classes: usize,
    gradient: Vec<f32>,
    sum: Vec<f32>,
    answers: Vec<Answer>,
}

impl<'a> Slope<'a> {
    /// `draws` above 1 averages over as many answers: expectation over transformation (Athalye et al. 2018),
    /// for models that draw at random.
    pub(crate) fn new(model: &'a dyn Gradients, draws: usize) -> Self {
        let (gradient, sum, answers) = (Vec::new(), Vec::new(), Vec::new());
        Self { model, draws: draws.max(1), classes: model.classes(), gradient, sum, answers }
    }

    /// The answers to `n` rows, and the gradients of `loss`.
    pub(crate) fn at(
        &mut self,
        rows: &[f32],
        n: usize,
        loss: &mut RowLoss<'_>,
    ) -> Result<(&[Answer], &[f32]), RobustnessError> {
        let classes = self.classes;
        self.answers.clear();
        self.sum.clear();
        let mut votes = if self.draws > 1 { vec![0u32; n * classes] } else { Vec::new() };
        for draw in 0..self.draws {
            let (answers, mut row) = (&mut self.answers, 0);
            let mut judge = |logits: &[f32], slopes: &mut [f32]| {
                for (logits, slope) in logits.chunks_exact(classes).zip(slopes.chunks_exact_mut(classes)) {
                    let class = leader(logits);
                    let value = if class.is_some() { loss(row, logits, slope) } else { f64::NAN };
                    if let (Some(class), true) = (class, !votes.is_empty()) {
                        votes[row * classes + class] += 1;
                    }
                    match answers.get_mut(row) {
                        Some(answer) if draw > 0 => answer.value += value,
                        _ => answers.push(Answer { value, class }),
                    }
                    row += 1;
                }
            };
            self.model.pull_back(rows, n, &mut judge, &mut self.gradient)?;
            if self.draws > 1 {
                self.sum.resize(self.gradient.len(), 0.0);
                self.sum.iter_mut().zip(&self.gradient).for_each(|(sum, g)| *sum += g);
            }
        }
        if self.draws > 1 {
            std::mem::swap(&mut self.gradient, &mut self.sum);
            for (answer, votes) in self.answers.iter_mut().zip(votes.chunks_exact(classes)) {
                answer.value /= self.draws as f64;
                let most = votes.iter().copied().max().unwrap_or(0);
                answer.class = votes.iter().position(|v| *v == most && most > 0);
            }
        }
        self.gradient.iter_mut().filter(|g| !g.is_finite()).for_each(|g| *g = 0.0);
        if self.answers.len() != n || self.gradient.len() != rows.len() {
            let (answers, values) = (self.answers.len(), self.gradient.len());
            return Err(RobustnessError::Option(format!(
                "the model answered {n} rows with {answers} rows of logits and {values} values of gradient"
            )));
        }
        Ok((&self.answers, &self.gradient))
    }

    /// Passes that one call makes for each row.
    pub(crate) const fn cost(&self) -> u64 {
        self.draws as u64
    }
}

/// What the model itself says to rows that the gradients' engine takes for counterexamples: whether it agrees,
/// row by row. The two may differ where a row lies on the edge of rounding.
pub(crate) fn agreed(
    victim: &Victim<'_>,
    candidates: &[(&Target<'_>, &[f32])],
) -> Result<Vec<bool>, RobustnessError> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<f32> = candidates.iter().flat_map(|(_, row)| row.iter().copied()).collect();
    let mut scores = Vec::new();
    victim.model.scores(&rows, candidates.len(), &mut scores)?;
    let answers = scores.chunks_exact(victim.model.classes());
    Ok(candidates
        .iter()
        .zip(answers)
        .map(|((target, _), scores)| target.judge(scores).is_some_and(|(_, reached)| reached))
        .collect())
}

/// The nearest counterexample to one row so far, and what looking for it cost.
pub(crate) struct Hunt<'a> {
    pub target: &'a Target<'a>,
    pub ball: Ball,
    nearest: Option<(f64, Vec<f32>)>,
    pub outcome: Outcome,
    /// Whether the hunt ends with the first counterexample in the ball.
    first_will_do: bool,
}

impl<'a> Hunt<'a> {
    pub(crate) fn new(
        victim: &Victim<'_>,
        threat: &Threat,
        target: &'a Target<'a>,
        first_will_do: bool,
    ) -> Self {
        let ball = Ball::new(threat, victim.model.input_shape(), target.row);
        Self { target, ball, nearest: None, outcome: Outcome::of(target), first_will_do }
    }

    /// Distance of the nearest so far; infinite without one.
    pub(crate) fn distance(&self) -> f64 {
        self.nearest.as_ref().map_or(f64::INFINITY, |(distance, _)| *distance)
    }

    /// Whether nothing more is to be done.
    pub(crate) fn over(&self) -> bool {
        self.first_will_do && self.distance() <= self.ball.eps()
    }

    /// Takes a counterexample if it is nearer than the one it has.
    pub(crate) fn take(&mut self, row: &[f32]) {
        let distance = self.ball.distance(row);
        if distance < self.distance() {
            self.nearest = Some((distance, row.to_vec()));
        }
    }

    pub(crate) fn end(self) -> Outcome {
        let within =
            self.nearest.filter(|(distance, row)| *distance <= self.ball.eps() && self.ball.contains(row));
        Outcome { found: within.map(|(_, row)| row), ..self.outcome }
    }
}

/// Rows at a time.
pub(crate) fn group_rows(features: usize) -> usize {
    (GROUP_VALUES / features.max(1)).clamp(1, 512)
}
