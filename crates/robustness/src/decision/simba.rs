//! SimBA (Guo, Gardner, You, Wilson, Weinberger: *Simple Black-box Adversarial Attacks*, ICML 2019): one direction
//! after the other in random order, a step one way or the other, kept where the margin falls.
//!
//! Directions are single features, or the low frequencies of an image first (the paper's SimBA-DCT): what a network
//! reacts to is seldom a single pixel.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::walk::in_groups;
use crate::attack::margin;
use crate::geometry::Geometry;
use crate::{Access, Attack, Ball, Chance, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Share of the frequencies of each axis that are used.
const LOW_FREQUENCIES: f64 = 0.5;

/// A random search along fixed directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimBa {
    /// Length of a step; of L-infinity the whole radius is a good one, of L2 a tenth of it.
    pub step: f64,
    /// Whether directions are low frequencies of an image instead of single features.
    pub frequencies: bool,
    /// Queries a row may cost.
    pub queries: u64,
    /// Seed of all chance.
    pub seed: u64,
}

impl Attack for SimBa {
    fn name(&self) -> String {
        if self.frequencies { "simba-dct" } else { "simba" }.to_owned()
    }

    fn access(&self) -> Access {
        Access::Scores
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::L2, Norm::Linf, Norm::L1]
    }

    fn settings(&self) -> serde_json::Value {
        json!({ "step": self.step, "frequencies": self.frequencies, "queries": self.queries, "seed": self.seed })
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        if !(self.step.is_finite() && self.step > 0.0) {
            return Err(RobustnessError::Option("the step of simba is a positive number".to_owned()));
        }
        in_groups(targets, progress, |group| self.search(victim, threat, group))
    }
}

struct Search<'a> {
    target: Target<'a>,
    ball: Ball,
    chance: Chance,
    order: Vec<usize>,
    next: usize,
    row: Vec<f32>,
    margin: f64,
    outcome: Outcome,
}

impl SimBa {
    fn search(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
    ) -> Result<Vec<Outcome>, RobustnessError> {
        let shape = victim.model.input_shape();
        let directions = self.directions(Geometry::of(shape));
        let mut searches: Vec<Search<'_>> = targets
            .iter()
            .map(|target| {
                let mut chance = Chance::new(self.seed, "simba", target.index);
                let mut order: Vec<usize> = (0..directions.len()).collect();
                chance.shuffle(&mut order);
                Search {
                    target: *target,
                    ball: Ball::new(threat, shape, target.row),
                    chance,
                    order,
                    next: 0,
                    row: target.row.to_vec(),
                    margin: f64::INFINITY,
                    outcome: Outcome::of(target),
                }
            })
            .collect();
        let mut first = true;
        loop {
            let active: Vec<usize> = (0..searches.len())
                .filter(|at| {
                    let s = &searches[*at];
                    s.outcome.found.is_none() && s.outcome.queries < self.queries
                })
                .collect();
            if active.is_empty() {
                break;
            }
            // Both ways of a direction are asked at once.
            let mut questions: Vec<(usize, Vec<f32>)> = Vec::new();
            for at in &active {
                let search = &mut searches[*at];
                if first {
                    questions.push((*at, search.row.clone()));
                    continue;
                }
                let direction = &directions[search.order[search.next]];
                for sign in [1.0, -1.0] {
                    let step = sign * self.step;
                    let moved =
                        search.row.iter().zip(direction).map(|(v, d)| (f64::from(*v) + step * d) as f32);
                    let mut row: Vec<f32> = moved.collect();
                    search.ball.project(&mut row);
                    questions.push((*at, row));
                }
                search.next += 1;
                if search.next == search.order.len() {
                    search.next = 0;
                    search.chance.shuffle(&mut search.order);
                }
            }
            first = false;
            let rows: Vec<f32> = questions.iter().flat_map(|(_, row)| row.iter().copied()).collect();
            let mut scores = Vec::new();
            victim.model.scores(&rows, questions.len(), &mut scores)?;
            for ((at, row), scores) in questions.into_iter().zip(scores.chunks_exact(victim.model.classes()))
            {
                let search = &mut searches[at];
                search.outcome.queries += 1;
                let Some((_, reached)) = search.target.judge(scores) else {
                    search.outcome.undefined += 1;
                    continue;
                };
                let (label, goal) = (search.target.label, search.target.goal);
                let margin = margin(scores, label, goal, victim.model.kind());
                if reached && search.outcome.found.is_none() {
                    search.outcome.found = Some(row);
                } else if margin < search.margin {
                    search.margin = margin;
                    search.row = row;
                }
            }
        }
        Ok(searches.into_iter().map(|s| s.outcome).collect())
    }

    /// Unit vectors; of frequencies their largest value is 1, so that a step means the same in L-infinity.
    fn directions(&self, geometry: Geometry) -> Vec<Vec<f64>> {
        let Geometry { channels, height, width } = geometry;
        let features = geometry.features();
        if !self.frequencies {
            let unit = |at| (0..features).map(|i| f64::from(u8::from(i == at))).collect();
            return (0..features).map(unit).collect();
        }
        let low = |size: usize| ((size as f64 * LOW_FREQUENCIES).ceil() as usize).clamp(1, size);
        let wave = |frequency: usize, at: usize, size: usize| {
            (std::f64::consts::PI * frequency as f64 * (at as f64 + 0.5) / size as f64).cos()
        };
        let mut directions = Vec::new();
        for channel in 0..channels {
            for v in 0..low(height) {
                for h in 0..low(width) {
                    let mut direction = vec![0.0; features];
                    for line in 0..height {
                        for column in 0..width {
                            direction[(channel * height + line) * width + column] =
                                wave(v, line, height) * wave(h, column, width);
                        }
                    }
                    directions.push(direction);
                }
            }
        }
        directions
    }
}
