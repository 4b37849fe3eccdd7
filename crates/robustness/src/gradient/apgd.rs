//! Auto-PGD (Croce and Hein: *Reliable evaluation of adversarial robustness with an ensemble of diverse
//! parameter-free attacks*, ICML 2020), in L1 as in their *Mind the box: l1-APGD for sparse adversarial
//! attacks on image classifiers*, ICML 2021.
//!
//! The step starts at twice the radius and is halved at checkpoints where the climb oscillates or stands
//! still (algorithm 1, conditions 1 and 2); the climb then goes on from its best point.

use serde::{Deserialize, Serialize};

use super::loss::Objective;
use super::pgd::repairs;
use super::step::{climb_step, move_by, random_start, sparse_step};
use super::{Loss, Slope, agreed, group_rows};
use crate::chance::Chance;
use crate::{Access, Attack, Ball, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Share of improving steps in a window below which the step size is halved: rho of the paper.
const IMPROVING: f64 = 0.75;
/// Weight of the new point against the momentum: alpha of the paper.
const MOMENTUM: f64 = 0.75;
/// The radii of an L1 attack, in units of eps, and their shares of the steps: starting wide finds points that
/// the narrow ball hides (section 4 of the second paper).
const L1_RADII: [(f64, f64); 3] = [(3.0, 0.3), (2.0, 0.3), (1.0, 0.4)];
/// What an L1 step shrinks by, and the smallest share of the first it shrinks to.
const L1_SHRINK: (f64, f64) = (1.5, 0.1);

/// Auto-PGD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Apgd {
    /// What is climbed.
    pub loss: Loss,
    /// The most likely wrong classes aimed at, one after the other; 0 aims at none in particular. Rows with a
    /// goal of their own are aimed at that.
    pub aims: usize,
    /// Steps of a climb.
    pub steps: usize,
    /// Climbs from different random starts.
    pub restarts: usize,
    /// Answers averaged for one gradient, for models that draw at random.
    pub draws: usize,
    /// Seed of all chance.
    pub seed: u64,
}

impl Apgd {
    /// APGD-CE with AutoAttack's budget: 100 steps from one start. Which start it is matters: on rows near the
    /// boundary one in some misleads, in the authors' implementation as much as here, and several restarts
    /// are worth more than longer climbs.
    #[must_use]
    pub const fn cross_entropy(seed: u64) -> Self {
        Self { loss: Loss::CrossEntropy, aims: 0, steps: 100, restarts: 1, draws: 1, seed }
    }

    /// APGD-DLR with the same budget.
    #[must_use]
    pub const fn dlr(seed: u64) -> Self {
        Self { loss: Loss::Dlr, ..Self::cross_entropy(seed) }
    }

    /// APGD-T with AutoAttack's budget: the nine most likely wrong classes.
    #[must_use]
    pub const fn targeted(seed: u64) -> Self {
        Self { aims: 9, ..Self::dlr(seed) }
    }
}

impl Attack for Apgd {
    fn name(&self) -> String {
        if self.aims > 0 { "apgd-t".to_owned() } else { format!("apgd-{}", self.loss.name()) }
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::Linf, Norm::L2, Norm::L1]
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
        if self.steps == 0 || self.restarts == 0 {
            return Err(RobustnessError::Option("APGD needs at least one step and one restart".to_owned()));
        }
        let mut slope = Slope::new(victim.differentiable(&self.name())?, self.draws);
        let mut outcomes: Vec<Outcome> = targets.iter().map(Outcome::of).collect();
        let group = group_rows(victim.model.features());
        for first in (0..targets.len()).step_by(group) {
            let group = first..(first + group).min(targets.len());
            let aims = self.aims(victim, &targets[group.clone()], &mut outcomes[group.clone()])?;
            for round in 0..self.aims.clamp(1, victim.model.classes().max(2) - 1) {
                for restart in 0..self.restarts {
                    let standing: Vec<usize> = group
                        .clone()
                        .filter(|at| outcomes[*at].found.is_none())
                        .filter(|at| round == 0 || aims[*at - first].len() > round)
                        .collect();
                    let purpose = format!("{} {round} {restart}", self.name());
                    let jobs = standing.iter().map(|at| {
                        let (target, aim) = (&targets[*at], aims[*at - first].get(round).copied());
                        let objective = Objective::Class { loss: self.loss, label: target.label, aim };
                        Climb { target, objective, chance: Chance::new(self.seed, &purpose, target.index) }
                    });
                    let climbed = climb(victim, &mut slope, threat, jobs.collect(), self.steps, false)?;
                    for (at, climbed) in standing.into_iter().zip(climbed) {
                        let outcome = &mut outcomes[at];
                        outcome.queries += climbed.queries;
                        outcome.gradients += climbed.gradients;
                        outcome.undefined += climbed.undefined;
                        outcome.found = climbed.found;
                    }
                    let done = &outcomes[..group.end];
                    progress(Progress {
                        rows_done: first + done[first..].iter().filter(|o| o.found.is_some()).count(),
                        rows: targets.len(),
                        queries: done.iter().map(|o| o.queries).sum(),
                    });
                }
            }
        }
        Ok(outcomes)
    }
}

impl Apgd {
    /// The classes that each row is aimed at, in order.
    fn aims(
        &self,
        victim: &Victim<'_>,
        targets: &[Target<'_>],
        outcomes: &mut [Outcome],
    ) -> Result<Vec<Vec<usize>>, RobustnessError> {
        if self.aims == 0 || targets.iter().all(|t| matches!(t.goal, crate::Goal::Targeted(_))) {
            return Ok(targets.iter().map(own_goal).collect());
        }
        let rows: Vec<f32> = targets.iter().flat_map(|t| t.row.iter().copied()).collect();
        let mut scores = Vec::new();
        victim.model.scores(&rows, targets.len(), &mut scores)?;
        outcomes.iter_mut().for_each(|o| o.queries += 1);
        let scores = scores.chunks_exact(victim.model.classes());
        Ok(targets
            .iter()
            .zip(scores)
            .map(|(target, scores)| match target.goal {
                crate::Goal::Targeted(_) => own_goal(target),
                crate::Goal::Untargeted => ranked(scores, target.label, self.aims),
            })
            .collect())
    }
}

fn own_goal(target: &Target<'_>) -> Vec<usize> {
    match target.goal {
        crate::Goal::Untargeted => Vec::new(),
        crate::Goal::Targeted(class) => vec![class],
    }
}

/// The `most` wrong classes with the largest scores, the largest first.
pub(crate) fn ranked(scores: &[f32], label: usize, most: usize) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..scores.len()).filter(|class| *class != label).collect();
    classes.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    classes.truncate(most);
    classes
}

/// One row to climb with.
pub(crate) struct Climb<'a> {
    pub target: &'a Target<'a>,
    pub objective: Objective,
    /// Draws the start.
    pub chance: Chance,
}

/// Where a climb got to.
pub(crate) struct Climbed {
    /// The highest point.
    pub best: Vec<f32>,
    /// A point in the ball at which the goal is reached.
    pub found: Option<Vec<f32>>,
    pub queries: u64,
    pub gradients: u64,
    pub undefined: u64,
}

/// Climbs with every job, all in step. `to_the_top` keeps climbing after the goal is reached: for objectives
/// that are no classes.
pub(crate) fn climb(
    victim: &Victim<'_>,
    slope: &mut Slope<'_>,
    threat: &Threat,
    jobs: Vec<Climb<'_>>,
    steps: usize,
    to_the_top: bool,
) -> Result<Vec<Climbed>, RobustnessError> {
    let shape = victim.model.input_shape();
    let mut runs: Vec<Run<'_>> = Vec::with_capacity(jobs.len());
    for mut job in jobs {
        let stage = stages(threat.norm).next().map_or(1.0, |(radius, _)| radius);
        let ball = Ball::new(&Threat { eps: threat.eps * stage, ..threat.clone() }, shape, job.target.row);
        let start = random_start(&ball, &mut job.chance);
        runs.push(Run::new(job.target, job.objective, ball, start));
    }
    let narrow = |run: &Run<'_>| Ball::new(threat, shape, run.target.row);
    let last = stages(threat.norm).count() - 1;
    for (stage, (radius, share)) in stages(threat.norm).enumerate() {
        if stage > 0 {
            for run in &mut runs {
                let eps = threat.eps * radius;
                run.narrow(Ball::new(&Threat { eps, ..threat.clone() }, shape, run.target.row));
            }
        }
        let steps = ((steps as f64 * share).round() as usize).max(1);
        ascend(victim, slope, &mut runs, steps, stage == last && !to_the_top)?;
    }
    Ok(runs
        .into_iter()
        .map(|run| {
            debug_assert!(narrow(&run).contains(&run.best));
            Climbed {
                best: run.best,
                found: run.found,
                queries: run.queries,
                gradients: run.gradients,
                undefined: run.undefined,
            }
        })
        .collect())
}

fn stages(norm: Norm) -> impl Iterator<Item = (f64, f64)> {
    let wide = if norm == Norm::L1 { L1_RADII.as_slice() } else { &[(1.0, 1.0)] };
    wide.iter().copied()
}

/// One climb within one ball.
fn ascend(
    victim: &Victim<'_>,
    slope: &mut Slope<'_>,
    runs: &mut [Run<'_>],
    steps: usize,
    seek: bool,
) -> Result<(), RobustnessError> {
    let features = victim.model.features();
    let checkpoints = checkpoints(steps, runs.first().map_or(Norm::Linf, |r| r.ball.norm()));
    let mut active: Vec<usize> = (0..runs.len()).collect();
    let mut rows: Vec<f32> = Vec::new();
    let mut next_check = 0;
    for step in 0..=steps {
        active.retain(|at| runs[*at].found.is_none());
        if active.is_empty() {
            break;
        }
        rows.clear();
        for at in &active {
            if step > 0 {
                runs[*at].advance(step == 1);
            }
            rows.extend_from_slice(&runs[*at].point);
        }
        let (answers, gradient) = slope.at(&rows, active.len(), &mut |row, logits, slope| {
            runs[active[row]].objective.at(logits, slope)
        })?;
        let mut claims: Vec<usize> = Vec::new();
        for ((at, answer), gradient) in active.iter().zip(answers).zip(gradient.chunks_exact(features)) {
            let run = &mut runs[*at];
            if seek && answer.class.is_some_and(|class| run.target.goal.reached(run.target.label, class)) {
                claims.push(*at);
            }
            run.learn(answer.value, gradient);
        }
        let cost = slope.cost();
        for at in &active {
            runs[*at].queries += cost;
            runs[*at].gradients += cost;
        }
        let candidates: Vec<_> =
            claims.iter().map(|at| (runs[*at].target, runs[*at].point.as_slice())).collect();
        let agreed = agreed(victim, &candidates)?;
        for (at, agreed) in claims.iter().zip(agreed) {
            let run = &mut runs[*at];
            run.queries += 1;
            if agreed {
                run.found = Some(run.point.clone());
            }
        }
        if let Some(window) = checkpoints.get(next_check).filter(|(at, _)| *at == step).map(|(_, w)| *w) {
            next_check += 1;
            for at in &active {
                runs[*at].check(window);
            }
        }
    }
    Ok(())
}

/// After which step to look back, and over how many.
fn checkpoints(steps: usize, norm: Norm) -> Vec<(usize, usize)> {
    let n = steps as f64;
    let mut points = Vec::new();
    if norm == Norm::L1 {
        let window = ((0.04 * n) as usize).max(1);
        points.extend((window..=steps).step_by(window).map(|at| (at, window)));
        return points;
    }
    let (mut before, mut at, mut last) = (0.0f64, 0.22f64, 0);
    while at <= 1.0 + 1e-9 {
        let step = ((at * n - 1e-9).ceil() as usize).max(1);
        if step > last {
            points.push((step, step - last));
            last = step;
        }
        (before, at) = (at, at + (at - before - 0.03).max(0.06));
    }
    points
}

/// The climb of one row.
struct Run<'a> {
    target: &'a Target<'a>,
    objective: Objective,
    ball: Ball,
    point: Vec<f32>,
    before: Vec<f32>,
    gradient: Vec<f32>,
    best: Vec<f32>,
    best_gradient: Vec<f32>,
    best_value: f64,
    value: f64,
    step: f64,
    /// Steps since the last checkpoint that rose.
    risen: usize,
    /// Whether the step size was halved at the last checkpoint, and the best value there.
    halved: bool,
    best_at_check: f64,
    /// L1: features that a step changes, and features that the best point changed at the last checkpoint.
    kept: usize,
    changed: usize,
    found: Option<Vec<f32>>,
    queries: u64,
    gradients: u64,
    undefined: u64,
}

impl<'a> Run<'a> {
    fn new(target: &'a Target<'a>, objective: Objective, ball: Ball, start: Vec<f32>) -> Self {
        let features = start.len();
        let mut run = Self {
            target,
            objective,
            ball,
            before: start.clone(),
            gradient: vec![0.0; features],
            best: start.clone(),
            best_gradient: vec![0.0; features],
            best_value: f64::NEG_INFINITY,
            value: f64::NEG_INFINITY,
            step: 0.0,
            risen: 0,
            halved: true,
            best_at_check: f64::NEG_INFINITY,
            kept: 1,
            changed: features,
            point: start,
            found: None,
            queries: 0,
            gradients: 0,
            undefined: 0,
        };
        run.kept = share_of(features, 0.2);
        run.step = run.first_step();
        run
    }

    fn first_step(&self) -> f64 {
        let alpha = if self.ball.norm() == Norm::L1 { 1.0 } else { 2.0 };
        alpha * self.ball.eps()
    }

    /// Goes on from the best point, in a smaller ball.
    fn narrow(&mut self, ball: Ball) {
        ball.project(&mut self.best);
        let mut fresh = Self::new(self.target, self.objective, ball, std::mem::take(&mut self.best));
        fresh.changed = fresh.sparsity();
        fresh.kept = share_of(fresh.changed, 1.0 / L1_SHRINK.0);
        fresh.queries = self.queries;
        fresh.gradients = self.gradients;
        fresh.undefined = self.undefined;
        *self = fresh;
    }

    /// Moves to the next point.
    fn advance(&mut self, first: bool) {
        let mut stepped = self.point.clone();
        if self.ball.norm() == Norm::L1 {
            sparse_step(&self.ball, &mut stepped, &self.gradient, self.step, self.kept);
        } else {
            climb_step(&self.ball, &mut stepped, &self.gradient, self.step);
            if !first {
                let (point, before) = (&self.point, &self.before);
                if self.ball.norm() == Norm::Linf {
                    let (share, rest) = (MOMENTUM as f32, 1.0 - MOMENTUM as f32);
                    let limits = self.ball.low().iter().zip(self.ball.high());
                    let trail = point.iter().zip(before);
                    for ((v, (x, old)), (low, high)) in stepped.iter_mut().zip(trail).zip(limits) {
                        *v = (x + (*v - x) * share + (x - old) * rest).max(*low).min(*high);
                    }
                } else {
                    let mixed = |at: usize, v: f32| {
                        let (x, old) = (f64::from(point[at]), f64::from(before[at]));
                        (f64::from(v) - x) * MOMENTUM + (x - old) * (1.0 - MOMENTUM)
                    };
                    let change: Vec<f64> = stepped.iter().enumerate().map(|(at, v)| mixed(at, *v)).collect();
                    stepped.copy_from_slice(point);
                    move_by(&self.ball, &mut stepped, |at| change[at]);
                }
            }
        }
        std::mem::swap(&mut self.before, &mut self.point);
        self.point = stepped;
    }

    fn learn(&mut self, value: f64, gradient: &[f32]) {
        self.gradient.copy_from_slice(gradient);
        if value.is_nan() {
            self.undefined += 1;
            return;
        }
        // The start is no step, and rose from nothing.
        self.risen += usize::from(value > self.value && self.value > f64::NEG_INFINITY);
        self.value = value;
        if value > self.best_value {
            self.best_value = value;
            self.best.copy_from_slice(&self.point);
            self.best_gradient.copy_from_slice(gradient);
        }
    }

    /// Looks back over `window` steps.
    fn check(&mut self, window: usize) {
        let restart =
            if self.ball.norm() == Norm::L1 { self.check_sparse() } else { self.check_dense(window) };
        if restart {
            self.point.copy_from_slice(&self.best);
            self.gradient.copy_from_slice(&self.best_gradient);
            self.value = self.best_value;
        }
        self.risen = 0;
    }

    /// Conditions 1 and 2 of the first paper.
    fn check_dense(&mut self, window: usize) -> bool {
        let oscillates = (self.risen as f64) < IMPROVING * window as f64;
        let stands = !self.halved && self.best_value <= self.best_at_check;
        let halve = oscillates || stands;
        if halve {
            self.step /= 2.0;
        }
        self.halved = halve;
        self.best_at_check = self.best_value;
        halve
    }

    /// Section 3.2 of the second paper: steps as sparse as the best point is, and as long as that changes.
    fn check_sparse(&mut self) -> bool {
        let changed = self.sparsity();
        let sparser = (changed as f64) < 0.95 * self.changed as f64;
        self.kept = share_of(changed, 1.0 / L1_SHRINK.0);
        let first = self.first_step();
        self.step = if sparser { first } else { (self.step / L1_SHRINK.0).max(first * L1_SHRINK.1) };
        self.changed = changed;
        sparser
    }

    fn sparsity(&self) -> usize {
        self.best.iter().zip(self.ball.origin()).filter(|(a, b)| a != b).count()
    }
}

fn share_of(count: usize, share: f64) -> usize {
    ((count as f64 * share) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_those_of_the_paper() {
        let at: Vec<usize> = checkpoints(100, Norm::Linf).into_iter().map(|(at, _)| at).collect();
        assert_eq!(at, [22, 41, 57, 70, 80, 87, 93, 99]);
        let few = checkpoints(5, Norm::L2);
        assert!(few.iter().all(|(at, window)| (1..=5).contains(at) && *window > 0));
        assert!(few.windows(2).all(|w| w[1].0 == w[0].0 + w[1].1));
        assert_eq!(checkpoints(40, Norm::L1)[..3], [(1, 1), (2, 1), (3, 1)]);
    }

    #[test]
    fn classes_by_score() {
        assert_eq!(ranked(&[0.0, 3.0, 1.0, 2.0], 1, 2), [3, 2]);
        assert_eq!(ranked(&[0.0, 3.0], 1, 9), [0]);
    }
}
