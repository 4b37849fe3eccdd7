//! The Square attack (Andriushchenko, Croce, Flammarion, Hein: *Square Attack: a query-efficient black-box
//! adversarial attack via random search*, ECCV 2020; in L1 as in Croce and Hein's *Mind the box*, ICML 2021).
//!
//! Random search over changes made of squares: put one somewhere and keep it if the margin of the true class
//! fell. The squares shrink on a schedule over the budget. It sees scores and no gradients, so masked
//! gradients do not stop it. What a square is depends on the norm: `linf`, `euclid`.
//!
//! A row that is no image is searched in stretches of neighbouring features.
//!
//! Chance is ChaCha8 keyed by the seed, one stream for each row's index. What is found for a row therefore
//! depends on neither the other rows nor the order in which they are asked.

mod euclid;
mod linf;

use proofhouse_onnx::OutputKind;
use serde::{Deserialize, Serialize};

use crate::attack::margin;
use crate::chance::Chance;
use crate::geometry::Geometry;
use crate::{Access, Attack, Ball, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Rows attacked side by side: bounds the memory, not the result.
const GROUP_ROWS: usize = 512;

/// The Square attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Square {
    /// Queries a row may cost, the first included.
    pub queries: u64,
    /// Seed of all chance.
    pub seed: u64,
    /// Share of a channel that the first squares cover, in (0, 1].
    pub p_init: f64,
}

impl Default for Square {
    /// The budget of AutoAttack: 5000 queries, squares that start at 0.8 of the image.
    fn default() -> Self {
        Self { queries: 5000, seed: 0, p_init: 0.8 }
    }
}

impl Square {
    /// The attack with this budget.
    #[must_use]
    pub fn new(queries: u64, seed: u64) -> Self {
        Self { queries, seed, ..Self::default() }
    }

    fn check(&self) -> Result<(), RobustnessError> {
        let in_words = if self.queries == 0 {
            "an attack needs at least one query a row".to_owned()
        } else if !(self.p_init > 0.0 && self.p_init <= 1.0) {
            format!("p_init lies in (0, 1], {} does not", self.p_init)
        } else {
            return Ok(());
        };
        Err(RobustnessError::Option(in_words))
    }
}

impl Attack for Square {
    fn name(&self) -> String {
        "square".to_owned()
    }

    fn access(&self) -> Access {
        Access::Scores
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::Linf, Norm::L2, Norm::L1]
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        self.check()?;
        let model = victim.model;
        let (features, classes) = (model.features(), model.classes());
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
        let mut asked = 0;
        for group in targets.chunks(GROUP_ROWS) {
            let mut searches: Vec<Search<'_>> = group
                .iter()
                .map(|target| Search::new(target, Ball::new(threat, model.input_shape(), target.row), self))
                .collect();
            let mut active: Vec<usize> = (0..searches.len()).collect();
            let (mut candidates, mut scores) = (Vec::new(), Vec::new());
            for query in 0..self.queries {
                if active.is_empty() {
                    break;
                }
                candidates.clear();
                let share = share(self.p_init, query, self.queries);
                for at in &active {
                    searches[*at].propose(query, share, &mut candidates);
                }
                model.scores(&candidates, active.len(), &mut scores)?;
                let answers = candidates.chunks_exact(features).zip(scores.chunks_exact(classes));
                for (at, (candidate, answer)) in active.iter().zip(answers) {
                    searches[*at].learn(candidate, answer, model.kind());
                }
                asked += active.len() as u64;
                active.retain(|at| !searches[*at].evaded);
                progress(Progress {
                    rows_done: outcomes.len() + group.len() - active.len(),
                    rows: targets.len(),
                    queries: asked,
                });
            }
            outcomes.extend(searches.into_iter().map(Search::end));
        }
        Ok(outcomes)
    }
}

/// The search for one row.
struct Search<'a> {
    target: &'a Target<'a>,
    geometry: Geometry,
    ball: Ball,
    chance: Chance,
    best: Vec<f32>,
    margin: f64,
    evaded: bool,
    queries: u64,
    undefined: u64,
}

impl<'a> Search<'a> {
    fn new(target: &'a Target<'a>, ball: Ball, options: &Square) -> Self {
        Self {
            target,
            geometry: ball.geometry(),
            ball,
            chance: Chance::keyed(options.seed, target.index),
            best: target.row.to_vec(),
            margin: f64::INFINITY,
            evaded: false,
            queries: 0,
            undefined: 0,
        }
    }

    fn end(self) -> Outcome {
        Outcome {
            found: self.evaded.then_some(self.best),
            queries: self.queries,
            undefined: self.undefined,
            ..Outcome::of(self.target)
        }
    }

    /// Appends the next row to ask.
    fn propose(&mut self, query: u64, share: f64, out: &mut Vec<f32>) {
        let start = out.len();
        out.extend_from_slice(&self.best);
        let candidate = &mut out[start..];
        match (self.ball.norm(), query) {
            (Norm::Linf, 0) => self.stripes(candidate),
            (Norm::Linf, _) => self.square(share, candidate),
            (_, 0) => self.tiles(candidate),
            (_, _) => self.hill(share, candidate),
        }
        self.queries += 1;
    }

    fn learn(&mut self, candidate: &[f32], scores: &[f32], kind: OutputKind) {
        let Some((_, reached)) = self.target.judge(scores) else {
            self.undefined += 1;
            return;
        };
        let margin = margin(scores, self.target.label, self.target.goal, kind);
        self.evaded = reached;
        if self.evaded || margin < self.margin {
            self.best.copy_from_slice(candidate);
            self.margin = margin;
        }
    }
}

/// The share of the image that a square covers, halved at the paper's points of a budget of 10 000 queries.
fn share(p_init: f64, query: u64, budget: u64) -> f64 {
    const HALVINGS: [u128; 9] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
    let scaled = u128::from(query) * 10_000 / u128::from(budget.max(1));
    let halvings = HALVINGS.iter().filter(|at| scaled > **at).count();
    p_init / f64::from(1u32 << halvings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_that_of_the_paper() {
        for (query, halvings) in [(1, 0), (10, 0), (11, 1), (50, 1), (51, 2), (1001, 5), (8001, 9), (9999, 9)]
        {
            assert_eq!(share(0.8, query, 10_000), 0.8 / f64::from(1 << halvings), "{query}");
        }
        // Scaled to the budget.
        assert_eq!(share(0.8, 101, 1000), 0.8 / 32.0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Square::default().check().is_ok());
        assert!(Square::new(0, 0).check().is_err());
        assert!(Square { p_init: 0.0, ..Square::default() }.check().is_err());
    }
}
