//! DeepFool (Moosavi-Dezfooli, Fawzi, Frossard 2016): to the nearest of the planes that the gradients take the
//! boundaries for, again and again until one is crossed. Fast, and near the boundary at once; FAB is nearer.

use serde::{Deserialize, Serialize};

use super::apgd::ranked;
use super::loss::Objective;
use super::pgd::repairs;
use super::step::sign;
use super::{Hunt, Loss, Slope, agreed, group_rows};
use crate::{Access, Attack, Goal, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// DeepFool, in L2 and L∞.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeepFool {
    /// The most likely wrong classes whose boundaries are compared.
    pub candidates: usize,
    /// Most steps.
    pub steps: usize,
    /// How far past a plane a step goes, as a share of the way there.
    pub overshoot: f64,
}

impl Default for DeepFool {
    /// The authors' setting: ten classes with the own one, 50 steps, 2 % past.
    fn default() -> Self {
        Self { candidates: 9, steps: 50, overshoot: 0.02 }
    }
}

impl Attack for DeepFool {
    fn name(&self) -> String {
        "deepfool".to_owned()
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::Linf, Norm::L2]
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn repairs(&self, victim: &Victim<'_>) -> Vec<String> {
        repairs(victim, Loss::Margin, 1)
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        if self.steps == 0 || self.candidates == 0 || !(self.overshoot.is_finite() && self.overshoot > 0.0) {
            let text = "DeepFool needs at least one step and one class, and an overshoot above 0";
            return Err(RobustnessError::Option(text.to_owned()));
        }
        let gradients = victim.differentiable("deepfool")?;
        let mut slope = Slope::new(gradients, 1);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
        for group in targets.chunks(group_rows(victim.model.features() * self.candidates)) {
            let mut walks: Vec<Walk<'_>> = group
                .iter()
                .map(|target| Walk {
                    hunt: Hunt::new(victim, threat, target, true),
                    point: target.row.to_vec(),
                    ended: false,
                })
                .collect();
            for _ in 0..self.steps {
                if walks.iter().all(|w| w.ended) {
                    break;
                }
                self.step(victim, &mut slope, &mut walks)?;
                cross(victim, &mut walks)?;
            }
            outcomes.extend(walks.into_iter().map(|w| w.hunt.end()));
            progress(Progress {
                rows_done: outcomes.len(),
                rows: targets.len(),
                queries: outcomes.iter().map(|o| o.queries).sum(),
            });
        }
        Ok(outcomes)
    }
}

/// The search for one row.
struct Walk<'a> {
    hunt: Hunt<'a>,
    point: Vec<f32>,
    ended: bool,
}

impl DeepFool {
    /// One step of every walk that has not ended.
    fn step(
        &self,
        victim: &Victim<'_>,
        slope: &mut Slope<'_>,
        walks: &mut [Walk<'_>],
    ) -> Result<(), RobustnessError> {
        let features = victim.model.features();
        let active: Vec<usize> = (0..walks.len()).filter(|at| !walks[*at].ended).collect();
        let rows: Vec<f32> = active.iter().flat_map(|at| walks[*at].point.iter().copied()).collect();
        let mut scores = Vec::new();
        victim.model.scores(&rows, active.len(), &mut scores)?;
        // One row for each class whose boundary is considered.
        let mut asked: Vec<(usize, usize)> = Vec::new();
        for (at, scores) in active.iter().zip(scores.chunks_exact(victim.model.classes())) {
            let target = walks[*at].hunt.target;
            let classes = match target.goal {
                Goal::Targeted(class) => vec![class],
                Goal::Untargeted => ranked(scores, target.label, self.candidates),
            };
            asked.extend(classes.into_iter().map(|class| (*at, class)));
        }
        let rows: Vec<f32> = asked.iter().flat_map(|(at, _)| walks[*at].point.iter().copied()).collect();
        let (answers, gradients) = slope.at(&rows, asked.len(), &mut |row, logits, slope| {
            let (at, class) = asked[row];
            let label = walks[at].hunt.target.label;
            Objective::Class { loss: Loss::Margin, label, aim: Some(class) }.at(logits, slope)
        })?;
        let mut nearest: Vec<Option<(f64, usize)>> = vec![None; walks.len()];
        for (row, ((at, _), answer)) in asked.iter().zip(answers).enumerate() {
            let walk = &mut walks[*at];
            walk.hunt.outcome.queries += 1;
            walk.hunt.outcome.gradients += 1;
            let gradient = &gradients[row * features..][..features];
            let length = dual(walk.hunt.ball.norm(), gradient);
            if answer.value.is_nan() {
                walk.hunt.outcome.undefined += 1;
            } else if length > 0.0 {
                let distance = answer.value.abs() / length;
                if nearest[*at].is_none_or(|(best, _)| distance < best) {
                    nearest[*at] = Some((distance, row));
                }
            }
        }
        for at in active {
            let walk = &mut walks[at];
            walk.hunt.outcome.queries += 1;
            let Some((distance, row)) = nearest[at] else {
                walk.ended = true;
                continue;
            };
            let gradient = &gradients[row * features..][..features];
            let ball = &walk.hunt.ball;
            // A hair more than the plane, so that a row that stands on it moves at all.
            let reach = (distance + 1e-6) * (1.0 + self.overshoot);
            let length = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            for (at, (v, g)) in walk.point.iter_mut().zip(gradient).enumerate() {
                let direction = match ball.norm() {
                    Norm::Linf => f64::from(sign(*g)),
                    _ => f64::from(*g) / length,
                };
                let (low, high) = ball.box_of(at);
                *v = ((f64::from(*v) + reach * direction) as f32).max(low).min(high);
            }
        }
        Ok(())
    }
}

/// Ends the walks that have crossed a boundary.
fn cross(victim: &Victim<'_>, walks: &mut [Walk<'_>]) -> Result<(), RobustnessError> {
    let active: Vec<usize> = (0..walks.len()).filter(|at| !walks[*at].ended).collect();
    let candidates: Vec<_> =
        active.iter().map(|at| (walks[*at].hunt.target, walks[*at].point.as_slice())).collect();
    let agreed = agreed(victim, &candidates)?;
    for (at, agreed) in active.into_iter().zip(agreed) {
        let walk = &mut walks[at];
        walk.hunt.outcome.queries += 1;
        if agreed {
            walk.ended = true;
            let point = std::mem::take(&mut walk.point);
            walk.hunt.take(&point);
        }
    }
    Ok(())
}

/// The length of a gradient in the norm dual to `norm`.
fn dual(norm: Norm, gradient: &[f32]) -> f64 {
    match norm {
        Norm::Linf => gradient.iter().map(|g| f64::from(g.abs())).sum(),
        _ => gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt(),
    }
}
