//! The fast gradient sign method (Goodfellow, Shlens, Szegedy 2015) and projected gradient descent (Madry,
//! Makelov, Schmidt, Tsipras, Vladu 2018).

use serde::{Deserialize, Serialize};

use super::loss::Objective;
use super::step::{climb_step, random_start};
use super::{Hunt, Loss, Slope, agreed, group_rows};
use crate::chance::Chance;
use crate::{Access, Attack, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

const NORMS: &[Norm] = &[Norm::Linf, Norm::L2, Norm::L1];

/// One step of the size of the ball, steepest in its norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fgsm {
    /// What is climbed.
    pub loss: Loss,
}

impl Default for Fgsm {
    fn default() -> Self {
        Self { loss: Loss::CrossEntropy }
    }
}

/// Steps along the gradient, back into the ball after each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pgd {
    /// What is climbed.
    pub loss: Loss,
    /// Steps of each restart.
    pub steps: usize,
    /// Size of a step, as a share of eps.
    pub step_share: f64,
    /// Climbs from different starts.
    pub restarts: usize,
    /// Whether the first climb starts at a random point of the ball; the others always do.
    pub random_start: bool,
    /// Answers averaged for one gradient, for models that draw at random.
    pub draws: usize,
    /// Seed of all chance.
    pub seed: u64,
}

impl Default for Pgd {
    /// 40 steps of a quarter of eps from one random start.
    fn default() -> Self {
        Self {
            loss: Loss::CrossEntropy,
            steps: 40,
            step_share: 0.25,
            restarts: 1,
            random_start: true,
            draws: 1,
            seed: 0,
        }
    }
}

impl Attack for Fgsm {
    fn name(&self) -> String {
        "fgsm".to_owned()
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        NORMS
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn repairs(&self, victim: &Victim<'_>) -> Vec<String> {
        repairs(victim, self.loss, 1)
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        let once = Pgd { loss: self.loss, steps: 1, step_share: 1.0, random_start: false, ..Pgd::default() };
        once.run(victim, threat, targets, progress)
    }
}

impl Attack for Pgd {
    fn name(&self) -> String {
        "pgd".to_owned()
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        NORMS
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn repairs(&self, victim: &Victim<'_>) -> Vec<String> {
        repairs(victim, self.loss, self.draws)
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        if self.steps == 0 || self.restarts == 0 || !(self.step_share.is_finite() && self.step_share > 0.0) {
            let text = "PGD needs at least one step, one restart and a step size above 0";
            return Err(RobustnessError::Option(text.to_owned()));
        }
        let mut slope = Slope::new(victim.differentiable("pgd")?, self.draws);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
        for group in targets.chunks(group_rows(victim.model.features())) {
            let mut hunts: Vec<Hunt<'_>> = group.iter().map(|t| Hunt::new(victim, threat, t, true)).collect();
            for restart in 0..self.restarts {
                self.climb(victim, &mut slope, &mut hunts, restart)?;
                let asked = |o: &Outcome| o.queries;
                progress(Progress {
                    rows_done: outcomes.len() + hunts.iter().filter(|h| h.over()).count(),
                    rows: targets.len(),
                    queries: outcomes.iter().map(asked).sum::<u64>()
                        + hunts.iter().map(|h| h.outcome.queries).sum::<u64>(),
                });
            }
            outcomes.extend(hunts.into_iter().map(Hunt::end));
        }
        Ok(outcomes)
    }
}

impl Pgd {
    fn climb(
        &self,
        victim: &Victim<'_>,
        slope: &mut Slope<'_>,
        hunts: &mut [Hunt<'_>],
        restart: usize,
    ) -> Result<(), RobustnessError> {
        let features = victim.model.features();
        let mut active: Vec<usize> = (0..hunts.len()).filter(|at| !hunts[*at].over()).collect();
        let mut rows: Vec<f32> = Vec::with_capacity(active.len() * features);
        for at in &active {
            let hunt = &hunts[*at];
            if restart == 0 && !self.random_start {
                rows.extend_from_slice(hunt.target.row);
            } else {
                let mut chance = Chance::new(self.seed, &format!("pgd {restart}"), hunt.target.index);
                rows.extend(random_start(&hunt.ball, &mut chance));
            }
        }
        for step in 0..=self.steps {
            if active.is_empty() {
                break;
            }
            let (answers, gradient) = slope.at(&rows, active.len(), &mut |row, logits, slope| {
                let target = hunts[active[row]].target;
                Objective::of(self.loss, target.label, target.goal).at(logits, slope)
            })?;
            let mut evaded = Vec::new();
            for (row, (at, answer)) in active.iter().zip(answers).enumerate() {
                let hunt = &mut hunts[*at];
                hunt.outcome.queries += self.draws.max(1) as u64;
                hunt.outcome.gradients += self.draws.max(1) as u64;
                match answer.class {
                    None => hunt.outcome.undefined += 1,
                    Some(class) if hunt.target.goal.reached(hunt.target.label, class) => evaded.push(row),
                    Some(_) => {}
                }
            }
            let row_of = |rows: &[f32], row: usize| rows[row * features..][..features].to_vec();
            let claims: Vec<(usize, Vec<f32>)> =
                evaded.iter().map(|row| (*row, row_of(&rows, *row))).collect();
            let candidates: Vec<_> =
                claims.iter().map(|(row, values)| (hunts[active[*row]].target, values.as_slice())).collect();
            let agreed = agreed(victim, &candidates)?;
            for ((row, values), agreed) in claims.iter().zip(agreed) {
                let hunt = &mut hunts[active[*row]];
                hunt.outcome.queries += 1;
                if agreed {
                    hunt.take(values);
                }
            }
            if step == self.steps {
                break;
            }
            let moved = rows.chunks_exact_mut(features).zip(gradient.chunks_exact(features));
            for (at, (row, gradient)) in active.iter().zip(moved) {
                let ball = &hunts[*at].ball;
                if !hunts[*at].over() {
                    climb_step(ball, row, gradient, ball.eps() * self.step_share);
                }
            }
            let mut kept = Vec::with_capacity(rows.len());
            for (at, row) in active.iter().zip(rows.chunks_exact(features)) {
                if !hunts[*at].over() {
                    kept.extend_from_slice(row);
                }
            }
            rows = kept;
            active.retain(|at| !hunts[*at].over());
        }
        Ok(())
    }
}

/// How a gradient attack gets round what hides gradients of this victim.
pub(crate) fn repairs(victim: &Victim<'_>, loss: Loss, draws: usize) -> Vec<String> {
    let mut repairs = Vec::new();
    let straight = victim.gradients.map(|g| g.straight_through().to_vec()).unwrap_or_default();
    if !straight.is_empty() {
        repairs.push(format!("BPDA: derivative of the identity in place of that of {}", straight.join(", ")));
    }
    if draws > 1 {
        repairs.push(format!("EOT: gradients averaged over {draws} answers"));
    }
    if loss == Loss::Dlr && victim.model.classes() < 4 {
        repairs.push("margin loss where the difference of logits ratio lacks classes".to_owned());
    }
    repairs
}
