//! Few positions changed as far as the box allows: L0 in the manner of Croce and Hein (*Sparse and
//! imperceivable adversarial attacks*, ICCV 2019), and patches at the places that matter most (after Brown et
//! al., *Adversarial Patch*, 2017, with the place chosen for each image).
//!
//! Where to change is chosen from the gradient and the room there is; what to write there is climbed by sign
//! steps. In L0 the choice is then revised: positions that contribute least make way for the most promising.

use serde::{Deserialize, Serialize};

use super::loss::Objective;
use super::pgd::repairs;
use super::step::sign;
use super::{Hunt, Loss, Slope, agreed, group_rows};
use crate::chance::Chance;
use crate::{Access, Attack, Ball, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// The first step of a climb as a share of the box, and the last.
const STEPS: (f64, f64) = (1.0, 0.05);

/// The attack on few positions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sparse {
    /// What is climbed.
    pub loss: Loss,
    /// Choices of positions; of patches, places tried.
    pub choices: usize,
    /// Steps for each.
    pub steps: usize,
    /// Searches; all but the first choose with some chance.
    pub restarts: usize,
    /// Seed of all chance.
    pub seed: u64,
}

impl Default for Sparse {
    fn default() -> Self {
        Self { loss: Loss::Margin, choices: 10, steps: 20, restarts: 3, seed: 0 }
    }
}

impl Attack for Sparse {
    fn name(&self) -> String {
        "sparse".to_owned()
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::L0, Norm::Patch]
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
        if self.choices == 0 || self.steps == 0 || self.restarts == 0 {
            let text = "the sparse attack needs at least one choice, step and restart";
            return Err(RobustnessError::Option(text.to_owned()));
        }
        let mut slope = Slope::new(victim.differentiable("sparse")?, 1);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
        for group in targets.chunks(group_rows(victim.model.features())) {
            let mut walks: Vec<Walk<'_>> =
                group.iter().map(|target| Walk::new(Hunt::new(victim, threat, target, true))).collect();
            for restart in 0..self.restarts {
                for walk in &mut walks {
                    let purpose = format!("sparse {restart}");
                    let chance =
                        (restart > 0).then(|| Chance::new(self.seed, &purpose, walk.hunt.target.index));
                    walk.restart(chance);
                }
                for choice in 0..self.choices {
                    for step in 0..=self.steps {
                        if !self.step(victim, &mut slope, &mut walks, choice, step)? {
                            break;
                        }
                    }
                }
                progress(Progress {
                    rows_done: outcomes.len() + walks.iter().filter(|w| w.hunt.over()).count(),
                    rows: targets.len(),
                    queries: outcomes.iter().map(|o| o.queries).sum::<u64>()
                        + walks.iter().map(|w| w.hunt.outcome.queries).sum::<u64>(),
                });
            }
            outcomes.extend(walks.into_iter().map(|w| w.hunt.end()));
        }
        Ok(outcomes)
    }
}

impl Sparse {
    /// Asks about every row that stands, chooses positions before the first step, and takes one step. Says
    /// whether any stands.
    fn step(
        &self,
        victim: &Victim<'_>,
        slope: &mut Slope<'_>,
        walks: &mut [Walk<'_>],
        choice: usize,
        step: usize,
    ) -> Result<bool, RobustnessError> {
        let features = victim.model.features();
        let active: Vec<usize> = (0..walks.len()).filter(|at| !walks[*at].hunt.over()).collect();
        if active.is_empty() {
            return Ok(false);
        }
        let rows: Vec<f32> = active.iter().flat_map(|at| walks[*at].point.iter().copied()).collect();
        let (answers, gradients) = slope.at(&rows, active.len(), &mut |row, logits, slope| {
            let target = walks[active[row]].hunt.target;
            Objective::of(self.loss, target.label, target.goal).at(logits, slope)
        })?;
        let mut claims = Vec::new();
        for (at, answer) in active.iter().zip(answers) {
            let walk = &mut walks[*at];
            walk.hunt.outcome.queries += 1;
            walk.hunt.outcome.gradients += 1;
            match answer.class {
                None => walk.hunt.outcome.undefined += 1,
                Some(class) if walk.hunt.target.goal.reached(walk.hunt.target.label, class) => {
                    claims.push(*at)
                }
                Some(_) => {}
            }
        }
        let candidates: Vec<_> =
            claims.iter().map(|at| (walks[*at].hunt.target, walks[*at].point.as_slice())).collect();
        let agreed = agreed(victim, &candidates)?;
        for (at, agreed) in claims.iter().zip(agreed) {
            let walk = &mut walks[*at];
            walk.hunt.outcome.queries += 1;
            if agreed {
                let point = walk.point.clone();
                walk.hunt.take(&point);
            }
        }
        let (first, last) = STEPS;
        let share = first * (last / first).powf(step as f64 / self.steps as f64);
        for ((at, gradient), answer) in active.iter().zip(gradients.chunks_exact(features)).zip(answers) {
            let walk = &mut walks[*at];
            if walk.hunt.over() {
                continue;
            }
            if answer.value > walk.best.0 {
                walk.best = (answer.value, walk.point.clone());
            }
            if step == self.steps {
                continue;
            }
            if step == 0 {
                walk.choose(gradient, choice, self.choices);
            }
            walk.climb(gradient, share);
        }
        Ok(true)
    }
}

/// The search for one row.
struct Walk<'a> {
    hunt: Hunt<'a>,
    point: Vec<f32>,
    /// The features that may change now.
    support: Vec<bool>,
    /// The best point of the present choice, and its loss.
    best: (f64, Vec<f32>),
    chance: Option<Chance>,
    /// Patches: the corners in the order they are tried.
    corners: Vec<(usize, usize)>,
}

impl<'a> Walk<'a> {
    fn new(hunt: Hunt<'a>) -> Self {
        let point = hunt.target.row.to_vec();
        let support = vec![false; point.len()];
        let best = (f64::NEG_INFINITY, point.clone());
        Self { hunt, point, support, best, chance: None, corners: Vec::new() }
    }

    fn restart(&mut self, chance: Option<Chance>) {
        self.point.copy_from_slice(self.hunt.target.row);
        self.support.fill(false);
        self.best = (f64::NEG_INFINITY, self.point.clone());
        self.chance = chance;
        self.corners.clear();
    }

    fn choose(&mut self, gradient: &[f32], choice: usize, choices: usize) {
        if self.hunt.ball.norm() == Norm::Patch {
            self.choose_patch(gradient, choice, choices);
        } else {
            self.choose_positions(gradient, choice, choices);
        }
    }

    /// The next best place for the patch, from the gradient at the row itself.
    fn choose_patch(&mut self, gradient: &[f32], choice: usize, choices: usize) {
        let (ball, geometry) = (&self.hunt.ball, self.hunt.ball.geometry());
        let window = ball.patch();
        if choice == 0 {
            let mut promise = promises(ball, ball.origin(), gradient);
            if let Some(chance) = &mut self.chance {
                promise.iter_mut().for_each(|p| *p *= 0.5 + chance.unit());
            }
            let mut ranked: Vec<(f64, (usize, usize))> = Vec::new();
            for top in 0..=geometry.height - window.height {
                for left in 0..=geometry.width - window.width {
                    let lines = geometry.lines(0, (top, left), window);
                    ranked.push((lines.map(|line| promise[line].iter().sum::<f64>()).sum(), (top, left)));
                }
            }
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            ranked.truncate(choices);
            self.corners = ranked.into_iter().map(|(_, corner)| corner).collect();
        }
        let Some(corner) = self.corners.get(choice).copied() else { return };
        self.point.copy_from_slice(ball.origin());
        self.support.fill(false);
        for channel in 0..geometry.channels {
            for line in geometry.lines(channel, corner, window) {
                self.support[line].fill(true);
            }
        }
        self.best = (f64::NEG_INFINITY, self.point.clone());
    }

    /// The positions with most promise; later, the best of those in use and the most promising of the others,
    /// ever fewer of which are exchanged.
    fn choose_positions(&mut self, gradient: &[f32], choice: usize, choices: usize) {
        self.point.copy_from_slice(&self.best.1);
        let ball = &self.hunt.ball;
        let (origin, geometry) = (ball.origin(), ball.geometry());
        let positions = geometry.height * geometry.width;
        let allowed = (ball.eps() as usize).min(positions);
        let mut promise = promises(ball, origin, gradient);
        if let Some(chance) = &mut self.chance {
            promise.iter_mut().for_each(|p| *p *= 0.5 + chance.unit());
        }
        let mut used: Vec<usize> = (0..positions).filter(|at| self.support[*at]).collect();
        if !used.is_empty() {
            // What would be lost, to first order, by putting a position back.
            let mut worth = vec![0.0; positions];
            for (at, g) in gradient.iter().enumerate() {
                worth[at % positions] += f64::from(*g) * (f64::from(self.point[at]) - f64::from(origin[at]));
            }
            used.sort_by(|a, b| worth[*b].total_cmp(&worth[*a]).then(a.cmp(b)));
            let exchanged = (allowed * (choices - choice)).div_ceil(2 * choices);
            used.truncate(allowed - exchanged.min(allowed));
        }
        let mut others: Vec<usize> = (0..positions).filter(|at| !used.contains(at)).collect();
        others.sort_by(|a, b| promise[*b].total_cmp(&promise[*a]).then(a.cmp(b)));
        used.extend(others.into_iter().take(allowed - used.len()));
        self.support.fill(false);
        for at in used {
            for channel in 0..geometry.channels {
                self.support[channel * positions + at] = true;
            }
        }
        for (at, v) in self.point.iter_mut().enumerate() {
            if !self.support[at] {
                *v = origin[at];
            }
        }
        self.best = (f64::NEG_INFINITY, self.point.clone());
    }

    /// A sign step of `share` of the box, where it is allowed.
    fn climb(&mut self, gradient: &[f32], share: f64) {
        for (at, v) in self.point.iter_mut().enumerate() {
            if self.support[at] {
                let (low, high) = self.hunt.ball.box_of(at);
                let step = share * (f64::from(high) - f64::from(low)) * f64::from(sign(gradient[at]));
                *v = ((f64::from(*v) + step) as f32).max(low).min(high);
            }
        }
    }
}

/// What each position could gain, to first order, by changing as far as the box allows.
fn promises(ball: &Ball, from: &[f32], gradient: &[f32]) -> Vec<f64> {
    let geometry = ball.geometry();
    let positions = geometry.height * geometry.width;
    let mut promise = vec![0.0; positions];
    for (at, g) in gradient.iter().enumerate() {
        let (low, high) = ball.box_of(at);
        let room = if *g > 0.0 {
            f64::from(high) - f64::from(from[at])
        } else {
            f64::from(from[at]) - f64::from(low)
        };
        promise[at % positions] += f64::from(g.abs()) * room;
    }
    promise
}
