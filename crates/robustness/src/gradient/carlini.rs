//! The attack of Carlini and Wagner in L2 (*Towards Evaluating the Robustness of Neural Networks*, 2017): the
//! smallest change that brings another class ahead, by Adam on length plus a weight times the margin that is
//! lacking, with a search for the weight. The box is kept by a change of variables through tanh.

use serde::{Deserialize, Serialize};

use super::loss::Objective;
use super::pgd::repairs;
use super::{Hunt, Loss, Slope, agreed, group_rows};
use crate::{Access, Attack, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Decay rates of Adam and its guard against division by zero (Kingma and Ba 2015).
const ADAM: (f64, f64, f64) = (0.9, 0.999, 1e-8);
/// How near to the edges of the box a start is put, where tanh has an inverse.
const INSIDE: f64 = 0.999_999;

/// Carlini and Wagner's attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarliniWagner {
    /// Weights tried, each with a run of its own.
    pub searches: usize,
    /// Steps of a run.
    pub steps: usize,
    /// Adam's learning rate.
    pub rate: f64,
    /// The first weight.
    pub weight: f64,
    /// By how much another class must lead.
    pub confidence: f64,
    /// Whether to go on after the first counterexample in the ball, for the nearest.
    pub minimise: bool,
}

impl Default for CarliniWagner {
    /// The authors' search in a smaller budget: 9 weights from 0.01, 200 steps each at a rate of 0.01.
    fn default() -> Self {
        Self { searches: 9, steps: 200, rate: 0.01, weight: 0.01, confidence: 0.0, minimise: false }
    }
}

impl Attack for CarliniWagner {
    fn name(&self) -> String {
        "carlini-wagner".to_owned()
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::L2]
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
        let positive = |v: f64| v.is_finite() && v > 0.0;
        if self.searches == 0 || self.steps == 0 || !positive(self.rate) || !positive(self.weight) {
            let text = "Carlini and Wagner's attack needs at least one search and step, and a rate and weight above 0";
            return Err(RobustnessError::Option(text.to_owned()));
        }
        let mut slope = Slope::new(victim.differentiable("carlini-wagner")?, 1);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
        for group in targets.chunks(group_rows(victim.model.features())) {
            let mut walks: Vec<Walk<'_>> = group
                .iter()
                .map(|target| Walk::new(Hunt::new(victim, threat, target, !self.minimise), self.weight))
                .collect();
            for _ in 0..self.searches {
                self.search(victim, &mut slope, &mut walks)?;
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

impl CarliniWagner {
    /// One run of Adam for every row, with its present weight.
    fn search(
        &self,
        victim: &Victim<'_>,
        slope: &mut Slope<'_>,
        walks: &mut [Walk<'_>],
    ) -> Result<(), RobustnessError> {
        let features = victim.model.features();
        walks.iter_mut().for_each(Walk::restart);
        let mut rows = Vec::new();
        for step in 1..=self.steps {
            let active: Vec<usize> = (0..walks.len()).filter(|at| !walks[*at].hunt.over()).collect();
            if active.is_empty() {
                break;
            }
            rows.clear();
            active.iter().for_each(|at| walks[*at].row(&mut rows));
            let (answers, gradients) = slope.at(&rows, active.len(), &mut |row, logits, slope| {
                let target = walks[active[row]].hunt.target;
                Objective::of(Loss::Margin, target.label, target.goal).at(logits, slope)
            })?;
            let mut nearer = Vec::new();
            for (place, (at, answer)) in active.iter().zip(answers).enumerate() {
                let walk = &mut walks[*at];
                walk.hunt.outcome.queries += 1;
                walk.hunt.outcome.gradients += 1;
                let row = &rows[place * features..][..features];
                if answer.value.is_nan() {
                    walk.hunt.outcome.undefined += 1;
                } else if answer.value > self.confidence {
                    walk.reached = true;
                    if walk.hunt.ball.distance(row) < walk.hunt.distance() {
                        nearer.push((*at, row));
                    }
                }
            }
            let candidates: Vec<_> = nearer.iter().map(|(at, row)| (walks[*at].hunt.target, *row)).collect();
            let agreed = agreed(victim, &candidates)?;
            for ((at, row), agreed) in nearer.into_iter().zip(agreed) {
                walks[at].hunt.outcome.queries += 1;
                if agreed {
                    walks[at].hunt.take(row);
                }
            }
            for (place, (at, answer)) in active.iter().zip(answers).enumerate() {
                let span = place * features..(place + 1) * features;
                let lacking = answer.value <= self.confidence;
                walks[*at].descend(step, self.rate, &rows[span.clone()], &gradients[span], lacking);
            }
        }
        walks.iter_mut().for_each(Walk::weigh);
        Ok(())
    }
}

/// The search for one row.
struct Walk<'a> {
    hunt: Hunt<'a>,
    /// Before tanh.
    free: Vec<f64>,
    mean: Vec<f64>,
    spread: Vec<f64>,
    weight: f64,
    least: f64,
    most: f64,
    /// Whether another class came ahead with the present weight.
    reached: bool,
}

impl<'a> Walk<'a> {
    fn new(hunt: Hunt<'a>, weight: f64) -> Self {
        let features = hunt.target.row.len();
        let (free, mean, spread) = (vec![0.0; features], vec![0.0; features], vec![0.0; features]);
        Self { hunt, free, mean, spread, weight, least: 0.0, most: f64::INFINITY, reached: false }
    }

    fn limits(&self, at: usize) -> (f64, f64) {
        let (low, high) = self.hunt.ball.box_of(at);
        (f64::from(low), f64::from(high))
    }

    fn restart(&mut self) {
        self.reached = false;
        self.mean.fill(0.0);
        self.spread.fill(0.0);
        for at in 0..self.free.len() {
            let (low, high) = self.limits(at);
            let width = (high - low).max(f64::MIN_POSITIVE);
            let share = 2.0 * (f64::from(self.hunt.target.row[at]) - low) / width - 1.0;
            self.free[at] = (share * INSIDE).clamp(-INSIDE, INSIDE).atanh();
        }
    }

    fn row(&self, rows: &mut Vec<f32>) {
        for (at, free) in self.free.iter().enumerate() {
            let (low, high) = self.limits(at);
            rows.push(f64::midpoint(low, high).mul_add(1.0, (high - low) / 2.0 * free.tanh()) as f32);
        }
    }

    /// One step of Adam.
    fn descend(&mut self, step: usize, rate: f64, row: &[f32], gradient: &[f32], lacking: bool) {
        let step = i32::try_from(step).unwrap_or(i32::MAX);
        let (first, second, tiny) = ADAM;
        let (shrink_first, shrink_second) = (1.0 - first.powi(step), 1.0 - second.powi(step));
        let pull = if lacking { self.weight } else { 0.0 };
        for at in 0..self.free.len() {
            let (low, high) = self.limits(at);
            let tanh = self.free[at].tanh();
            let away = 2.0 * (f64::from(row[at]) - f64::from(self.hunt.target.row[at]));
            let slope = (away - pull * f64::from(gradient[at])) * (high - low) / 2.0 * (1.0 - tanh * tanh);
            self.mean[at] = first * self.mean[at] + (1.0 - first) * slope;
            self.spread[at] = second * self.spread[at] + (1.0 - second) * slope * slope;
            let (mean, spread) = (self.mean[at] / shrink_first, self.spread[at] / shrink_second);
            self.free[at] -= rate * mean / (spread.sqrt() + tiny);
        }
    }

    /// The next weight: more until it suffices, then between what did and what did not.
    fn weigh(&mut self) {
        if self.reached {
            self.most = self.most.min(self.weight);
        } else {
            self.least = self.least.max(self.weight);
        }
        self.weight =
            if self.most.is_finite() { f64::midpoint(self.least, self.most) } else { self.weight * 10.0 };
    }
}
