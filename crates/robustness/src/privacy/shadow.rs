//! Shadow models of the model's own kind: the same network, trained anew from random weights on other parts of the
//! rows, from the ONNX file alone.
//!
//! What a shadow says of a row that it did not learn from is what a stranger would say; that is what a likelihood ratio
//! needs (Carlini et al. 2022). A shadow that learned badly says nothing, so that its accuracy on what it learned is
//! part of the result. Tree ensembles cannot be trained from their file and have no shadows here.

use proofhouse_onnx::{ClassifierOptions, LoadOptions, Scores as _, Tensor, Trainable, predict};
use serde::{Deserialize, Serialize};

use super::membership::{Rows, Shadow, confidences};
use crate::harden::{Memory, Optimiser, Stride};
use crate::{Chance, RobustnessError};

/// How shadows are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowTraining {
    /// Shadow models.
    pub shadows: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows of a step.
    pub batch: usize,
    /// The largest rate of Adam; it falls to nothing along a cosine.
    pub rate: f64,
    /// Seed of weights, rows and order.
    pub seed: u64,
}

impl Default for ShadowTraining {
    fn default() -> Self {
        Self { shadows: 16, epochs: 20, batch: 32, rate: 3e-3, seed: 0 }
    }
}

/// A shadow model.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Trainable,
    /// Share of the rows it learned from that it gets right.
    pub accuracy: f64,
}

/// A model whose copies can be trained: its file, and how it is used.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    /// The ONNX file.
    pub file: &'a [u8],
    /// How it is used.
    pub options: &'a ClassifierOptions,
}

impl Template<'_> {
    /// Trains copy `which` on those of `data` for which `learned` holds.
    ///
    /// # Errors
    /// A file that holds no network that can be trained, rows that do not fit it, nothing to learn from, a training
    /// that diverges.
    pub fn train(
        self,
        data: Rows<'_>,
        learned: &[bool],
        training: &ShadowTraining,
        which: usize,
    ) -> Result<Trained, RobustnessError> {
        let refuse = |what: &str| Err(RobustnessError::Option(what.to_owned()));
        if training.epochs == 0 || training.batch == 0 || !(training.rate.is_finite() && training.rate > 0.0)
        {
            return refuse("shadow models are trained in epochs of batches with a positive rate");
        }
        let mut model = Trainable::new(self.file, self.options.clone(), &LoadOptions::default())?;
        let (width, classes) = (model.features(), model.classes());
        let fits = data.labels.len().checked_mul(width) == Some(data.rows.len());
        if !fits || learned.len() != data.labels.len() || data.labels.iter().any(|l| *l >= classes) {
            return refuse("rows, labels and what is learned of them do not fit the model");
        }
        let mut order: Vec<usize> = (0..learned.len()).filter(|at| learned[*at]).collect();
        if order.is_empty() {
            return refuse("a shadow model has no row to learn from");
        }
        let mut chance = Chance::new(training.seed, "shadow weights", which);
        forget(&mut model, &mut chance);
        let mut memory = Memory::new(Optimiser::Adam, model.weights().iter().map(|w| w.data().len()));
        let steps = (training.epochs * order.len().div_ceil(training.batch)) as f64;
        let mut gradients: Vec<Tensor> = Vec::new();
        for _ in 0..training.epochs {
            chance.shuffle(&mut order);
            for batch in order.chunks(training.batch) {
                let rows: Vec<f32> =
                    batch.iter().flat_map(|at| &data.rows[at * width..][..width]).copied().collect();
                let mut loss = |logits: &[f32], slope: &mut [f32]| {
                    let each = logits.chunks_exact(classes).zip(slope.chunks_exact_mut(classes));
                    for ((logits, slope), at) in each.zip(batch) {
                        cross_entropy(logits, data.labels[*at], batch.len(), slope);
                    }
                };
                model.weight_gradients(&rows, batch.len(), &mut loss, &mut gradients)?;
                let done = memory.steps as f64 / steps;
                let rate = training.rate * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos()) / 2.0;
                let stride = Stride { rule: Optimiser::Adam, rate: rate.max(1e-9), decay: 0.0 };
                stride.make(
                    &mut memory,
                    model.weights_mut().map(|(_, w)| w),
                    gradients.iter().map(Tensor::data),
                );
            }
        }
        let rows: Vec<f32> = order.iter().flat_map(|at| &data.rows[at * width..][..width]).copied().collect();
        let mut scores = Vec::new();
        model.scores(&rows, order.len(), &mut scores)?;
        if scores.iter().any(|s| !s.is_finite()) {
            return refuse("the training of a shadow model diverged; a smaller rate may not");
        }
        let right = predict(&scores, classes).into_iter().zip(&order);
        let right = right.filter(|(said, at)| *said == Some(data.labels[**at])).count();
        Ok(Trained { model, accuracy: right as f64 / order.len() as f64 })
    }

    /// Trains copy `which` on a random half of members and others together, and says how confident it is of each, with
    /// its accuracy on what it learned.
    ///
    /// # Errors
    /// As [`Template::train`].
    pub fn shadow(
        self,
        members: Rows<'_>,
        others: Rows<'_>,
        training: &ShadowTraining,
        which: usize,
    ) -> Result<(Shadow, f64), RobustnessError> {
        let rows: Vec<f32> = members.rows.iter().chain(others.rows).copied().collect();
        let labels: Vec<usize> = members.labels.iter().chain(others.labels).copied().collect();
        let all = Rows { rows: &rows, labels: &labels };
        let learned = half(labels.len(), training.seed, which);
        let trained = self.train(all, &learned, training, which)?;
        Ok((Shadow { confidence: confidences(&trained.model, all)?, learned }, trained.accuracy))
    }
}

/// A random half of the rows for copy `which`. Copies come in pairs that learn opposite halves, so that of every row as
/// many speak that learned from it as do not.
pub(super) fn half(rows: usize, seed: u64, which: usize) -> Vec<bool> {
    let mut chance = Chance::new(seed, "shadow", which / 2);
    (0..rows).map(|_| chance.coin() != (which % 2 == 1)).collect()
}

/// Random weights in place of the learned ones. Matrices and kernels are spread as their size asks (Glorot and Bengio
/// 2010, times the square root of two for ReLU); vectors, which are shifts or scales, begin at their mean, which is near
/// zero for the one and near one for the other.
fn forget(model: &mut Trainable, chance: &mut Chance) {
    let spreads: Vec<Option<f64>> = model.weights().iter().map(|w| spread(w.shape())).collect();
    for ((_, weights), spread) in model.weights_mut().zip(spreads) {
        match spread {
            Some(spread) => weights.iter_mut().for_each(|w| *w = (spread * chance.normal()) as f32),
            None => {
                let mean = weights.iter().sum::<f32>() / weights.len().max(1) as f32;
                weights.fill(mean);
            }
        }
    }
}

fn spread(shape: &[usize]) -> Option<f64> {
    let [outputs, inputs, window @ ..] = shape else { return None };
    let area: usize = window.iter().product();
    let reach = (outputs + inputs) * area;
    (outputs.min(inputs) > &0 && reach > 0 && outputs * inputs * area > *outputs.max(inputs))
        .then(|| (4.0 / reach as f64).sqrt())
}

/// The derivative of the mean cross-entropy of `n` rows with respect to one row's logits.
fn cross_entropy(logits: &[f32], label: usize, n: usize, slope: &mut [f32]) {
    let most = logits.iter().fold(f64::NEG_INFINITY, |m, l| m.max(f64::from(*l)));
    let total: f64 = logits.iter().map(|l| (f64::from(*l) - most).exp()).sum();
    for (class, (logit, slope)) in logits.iter().zip(slope).enumerate() {
        let p = (f64::from(*logit) - most).exp() / total;
        *slope = ((p - f64::from(u8::from(class == label))) / n as f64) as f32;
    }
}
