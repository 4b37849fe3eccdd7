//! The Square attack, L∞ (Andriushchenko, Croce, Flammarion, Hein: *Square Attack: a query-efficient
//! black-box adversarial attack via random search*, ECCV 2020).
//!
//! Random search on the corners of the ball: start from vertical stripes of ±eps, then set a random square
//! to ±eps in each channel and keep the change if the margin of the true class fell. The squares shrink on a
//! schedule over the budget. It sees scores and no gradients, so masked gradients do not stop it.
//!
//! Two departures from the paper, both to the attacker's advantage: a proposal that would change nothing is
//! drawn again rather than asked, and a row that is no image is searched in stretches of neighbouring
//! features.
//!
//! Chance is ChaCha8 keyed by the seed, one stream for each row's index. What is found for a row therefore
//! depends on neither the other rows nor the order in which they are asked.

use proofhouse_onnx::{OutputKind, Scores, predict};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::RobustnessError;
use crate::ball::Ball;
use crate::geometry::Geometry;

/// Rows attacked side by side: bounds the memory, not the result.
const GROUP_ROWS: usize = 512;
/// Draws of a square before one that changes nothing is asked after all.
const DRAWS: usize = 16;

/// How to attack, and how to count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SquareOptions {
    /// Radius of the L∞ ball, in the units of the rows.
    pub eps: f64,
    /// Queries a row may cost the attack, the first included.
    pub queries: u64,
    /// Seed of all chance.
    pub seed: u64,
    /// Smallest legal value of a feature.
    pub box_low: f32,
    /// Largest legal value of a feature.
    pub box_high: f32,
    /// Share of a channel that the first squares cover, in (0, 1].
    pub p_init: f64,
    /// Distance between the values that a deployed input can have, such as 1/255 for 8-bit images. When
    /// given, each counterexample is also tried rounded to it, within the ball.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<f64>,
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
    /// Most counterexamples to keep in the report. All are counted.
    pub max_examples: usize,
}

impl SquareOptions {
    /// The attack of radius `eps` on rows in 0..=1 with the budget of AutoAttack: 5000 queries, squares
    /// that start at 0.8 of the image.
    #[must_use]
    pub fn new(eps: f64) -> Self {
        Self {
            eps,
            queries: 5000,
            seed: 0,
            box_low: 0.0,
            box_high: 1.0,
            p_init: 0.8,
            grid: None,
            confidence: 0.95,
            max_examples: 16,
        }
    }

    /// Refuses what cannot be run.
    pub(crate) fn check(&self) -> Result<(), RobustnessError> {
        let in_words = if !(self.eps.is_finite() && self.eps > 0.0) {
            format!("eps is a positive number, not {}", self.eps)
        } else if self.queries == 0 {
            "an attack needs at least one query a row".to_owned()
        } else if !(self.box_low.is_finite() && self.box_high.is_finite() && self.box_low < self.box_high) {
            format!("the box {}..={} holds nothing", self.box_low, self.box_high)
        } else if !(self.p_init > 0.0 && self.p_init <= 1.0) {
            format!("p_init lies in (0, 1], {} does not", self.p_init)
        } else if self.grid.is_some_and(|g| !(g.is_finite() && g > 0.0)) {
            "the step of the grid is a positive number".to_owned()
        } else if !(0.5..1.0).contains(&self.confidence) {
            format!("a confidence lies in 0.5..1, {} does not", self.confidence)
        } else {
            return Ok(());
        };
        Err(RobustnessError::Option(in_words))
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

/// A row to attack, known to be classified correctly.
pub(crate) struct Target<'a> {
    pub index: usize,
    pub label: usize,
    pub row: &'a [f32],
}

/// What the attack on one row came to.
pub(crate) struct Outcome {
    pub index: usize,
    /// A row in the ball that the model takes for another class.
    pub found: Option<Vec<f32>>,
    pub queries: u64,
    /// Queries that the model answered with NaN.
    pub undefined: u64,
}

/// Attacks every target. Outcomes are in the order of the targets.
pub(crate) fn attack(
    model: &dyn Scores,
    targets: &[Target<'_>],
    options: &SquareOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Outcome>, RobustnessError> {
    let geometry = Geometry::of(model.input_shape());
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
    let mut asked_before = 0;
    for group in targets.chunks(GROUP_ROWS) {
        let mut searches: Vec<Search> =
            group.iter().map(|target| Search::new(target, geometry, options)).collect();
        let mut active: Vec<usize> = (0..searches.len()).collect();
        let (mut candidates, mut scores) = (Vec::new(), Vec::new());
        for query in 0..options.queries {
            if active.is_empty() {
                break;
            }
            candidates.clear();
            for at in &active {
                searches[*at].propose(query, options, &mut candidates);
            }
            model.scores(&candidates, active.len(), &mut scores)?;
            let answers =
                candidates.chunks_exact(geometry.features()).zip(scores.chunks_exact(model.classes()));
            for (at, (candidate, answer)) in active.iter().zip(answers) {
                searches[*at].learn(candidate, answer, model.kind());
            }
            active.retain(|at| !searches[*at].evaded);
            progress(Progress {
                rows_done: outcomes.len() + group.len() - active.len(),
                rows: targets.len(),
                queries: asked_before + searches.iter().map(|s| s.queries).sum::<u64>(),
            });
        }
        asked_before += searches.iter().map(|s| s.queries).sum::<u64>();
        outcomes.extend(searches.into_iter().map(Search::end));
    }
    Ok(outcomes)
}

/// The search for one row.
struct Search {
    index: usize,
    label: usize,
    geometry: Geometry,
    ball: Ball,
    rng: ChaCha8Rng,
    best: Vec<f32>,
    margin: f64,
    evaded: bool,
    queries: u64,
    undefined: u64,
}

impl Search {
    fn new(target: &Target<'_>, geometry: Geometry, options: &SquareOptions) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(target.index as u64);
        Self {
            index: target.index,
            label: target.label,
            geometry,
            ball: Ball::around(target.row, options.eps, (options.box_low, options.box_high)),
            rng,
            best: target.row.to_vec(),
            margin: f64::INFINITY,
            evaded: false,
            queries: 0,
            undefined: 0,
        }
    }

    fn end(self) -> Outcome {
        Outcome {
            index: self.index,
            found: self.evaded.then_some(self.best),
            queries: self.queries,
            undefined: self.undefined,
        }
    }

    /// Appends the next row to ask.
    fn propose(&mut self, query: u64, options: &SquareOptions, out: &mut Vec<f32>) {
        let start = out.len();
        out.extend_from_slice(&self.best);
        let candidate = &mut out[start..];
        if query == 0 {
            self.stripes(candidate);
        } else {
            let window = self.geometry.window(share(options.p_init, query, options.queries));
            for _ in 0..DRAWS {
                if self.square(window, candidate) {
                    break;
                }
            }
        }
        self.queries += 1;
    }

    /// Every column of every channel to one edge of the ball.
    fn stripes(&mut self, candidate: &mut [f32]) {
        let Geometry { channels, height, width } = self.geometry;
        for channel in 0..channels {
            for column in 0..width {
                let up = self.coin();
                for line in 0..height {
                    let at = (channel * height + line) * width + column;
                    candidate[at] = self.edge(up)[at];
                }
            }
        }
    }

    /// A random square of every channel to one edge of the ball; says whether that changed anything.
    fn square(&mut self, window: crate::geometry::Window, candidate: &mut [f32]) -> bool {
        let corner = (
            self.below(self.geometry.height - window.height + 1),
            self.below(self.geometry.width - window.width + 1),
        );
        let mut changed = false;
        for channel in 0..self.geometry.channels {
            let up = self.coin();
            for line in self.geometry.lines(channel, corner, window) {
                let edge = &self.edge(up)[line.clone()];
                changed |= candidate[line.clone()] != *edge;
                candidate[line].copy_from_slice(edge);
            }
        }
        changed
    }

    fn learn(&mut self, candidate: &[f32], scores: &[f32], kind: OutputKind) {
        let Some(class) = predict(scores, scores.len()).into_iter().next().flatten() else {
            self.undefined += 1;
            return;
        };
        let margin = margin(scores, self.label, kind);
        self.evaded = class != self.label;
        if self.evaded || margin < self.margin {
            self.best.copy_from_slice(candidate);
            self.margin = margin;
        }
    }

    fn edge(&self, up: bool) -> &[f32] {
        if up { self.ball.high() } else { self.ball.low() }
    }

    fn coin(&mut self) -> bool {
        self.rng.next_u32() & 1 == 1
    }

    /// A number below `n`: the high half of a product, whose bias is below n / 2^64.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * n as u128) >> 64) as usize
    }
}

/// How far the label's score lies above the best of the others; of probabilities, their logarithms, which a
/// saturated softmax still tells apart.
fn margin(scores: &[f32], label: usize, kind: OutputKind) -> f64 {
    let value = |score: f32| match kind {
        OutputKind::Logits => f64::from(score),
        OutputKind::Probabilities => f64::from(score).max(f64::MIN_POSITIVE).ln(),
    };
    let other = scores
        .iter()
        .enumerate()
        .filter(|(class, _)| *class != label)
        .map(|(_, score)| value(*score))
        .fold(f64::NEG_INFINITY, f64::max);
    value(scores[label]) - other
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
    fn margins_of_probabilities_do_not_saturate() {
        assert_eq!(margin(&[3.0, 1.0, 2.5], 0, OutputKind::Logits), 0.5);
        let near = margin(&[1.0, 1e-30], 0, OutputKind::Probabilities);
        let far = margin(&[1.0, 1e-35], 0, OutputKind::Probabilities);
        assert!(near < far && far < 100.0);
        assert!(margin(&[1.0, 0.0], 0, OutputKind::Probabilities).is_finite());
    }

    #[test]
    fn nonsense_is_refused() {
        let check = |f: fn(&mut SquareOptions)| {
            let mut options = SquareOptions::new(0.1);
            f(&mut options);
            options.check().is_err()
        };
        assert!(!check(|_| {}));
        assert!(check(|o| o.eps = 0.0));
        assert!(check(|o| o.eps = f64::NAN));
        assert!(check(|o| o.queries = 0));
        assert!(check(|o| o.box_high = o.box_low));
        assert!(check(|o| o.p_init = 0.0));
        assert!(check(|o| o.grid = Some(-1.0)));
        assert!(check(|o| o.confidence = 1.0));
    }
}
