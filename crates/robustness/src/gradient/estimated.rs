//! Gradients estimated from scores: for models whose own are zero, wrong or unknown.
//!
//! Antithetic differences along random signs (natural evolution strategies: Ilyas, Engstrom, Athalye, Lin:
//! *Black-box Adversarial Attacks with Limited Queries and Information*, ICML 2018). Differences over a width
//! see through staircases and flat places that a derivative, which looks at a point, does not.

use std::sync::atomic::{AtomicU64, Ordering};

use proofhouse_onnx::{Gradients, OnnxError, OutputKind, Scores};

use crate::Threat;
use crate::chance::Chance;

/// A model with estimated gradients.
pub struct Estimated<'a> {
    model: &'a dyn Scores,
    /// How far to either side of a row it is asked, feature by feature.
    width: f32,
    /// Pairs of questions for one gradient.
    pairs: usize,
    seed: u64,
    asked: AtomicU64,
}

impl<'a> Estimated<'a> {
    /// Asks `2 * pairs` rows for one gradient, as far to either side in every feature as `threat` lets all
    /// features go together.
    #[must_use]
    pub fn new(model: &'a dyn Scores, threat: &Threat, pairs: usize, seed: u64) -> Self {
        let width = threat.per_feature(model.features()) as f32;
        Self { model, width, pairs: pairs.max(1), seed, asked: AtomicU64::new(0) }
    }

    /// Rows asked so far for the estimates.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Scores as logits: of probabilities, their logarithms.
    fn logits(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        self.model.scores(rows, n, out)?;
        if self.model.kind() == OutputKind::Probabilities {
            out.iter_mut().for_each(|p| *p = p.max(f32::MIN_POSITIVE).ln());
        }
        Ok(())
    }
}

impl Scores for Estimated<'_> {
    fn classes(&self) -> usize {
        self.model.classes()
    }

    fn input_shape(&self) -> &[usize] {
        self.model.input_shape()
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        self.logits(rows, n, out)
    }

    fn step(&self, feature: usize) -> Option<f64> {
        self.model.step(feature)
    }
}

impl Gradients for Estimated<'_> {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let (features, classes) = (self.features(), self.classes());
        let mut logits = Vec::new();
        self.logits(rows, n, &mut logits)?;
        let mut slopes = vec![0.0; logits.len()];
        loss(&logits, &mut slopes);
        gradient.clear();
        gradient.resize(rows.len(), 0.0);
        // Chance hangs on the row itself, not on its place in the batch.
        let mut chances: Vec<Chance> = rows.chunks_exact(features).map(|row| self.chance(row)).collect();
        let (mut signs, mut asked) = (vec![0.0f32; rows.len()], Vec::new());
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for _ in 0..self.pairs {
            for (signs, chance) in signs.chunks_exact_mut(features).zip(&mut chances) {
                signs.iter_mut().for_each(|s| *s = chance.sign() as f32);
            }
            for (side, out) in [(self.width, &mut above), (-self.width, &mut below)] {
                asked.clear();
                asked.extend(rows.iter().zip(&signs).map(|(v, s)| v + side * s));
                self.logits(&asked, n, out)?;
            }
            self.asked.fetch_add(2 * n as u64, Ordering::Relaxed);
            for row in 0..n {
                let outputs = row * classes..(row + 1) * classes;
                let rise: f64 = outputs
                    .map(|at| f64::from(slopes[at]) * (f64::from(above[at]) - f64::from(below[at])))
                    .filter(|part| part.is_finite())
                    .sum();
                let share = (rise / (2.0 * f64::from(self.width) * self.pairs as f64)) as f32;
                let values = row * features..(row + 1) * features;
                gradient[values.clone()].iter_mut().zip(&signs[values]).for_each(|(g, s)| *g += share * s);
            }
        }
        Ok(())
    }
}

impl Estimated<'_> {
    fn chance(&self, row: &[f32]) -> Chance {
        let mixed = row.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, v| {
            (hash ^ u64::from(v.to_bits())).wrapping_mul(0x0100_0000_01b3)
        });
        Chance::keyed(self.seed ^ mixed, 0)
    }
}
