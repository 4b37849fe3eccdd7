//! A small network that is trained here: a copy of a model made from its answers, or a shadow of it.
//!
//! One hidden layer of ReLU, cross-entropy against given probabilities, Adam, mini-batches in a seeded order. It need
//! not be good at a task; what counts is how much it learns from what it is given.

use proofhouse_onnx::{OnnxError, OutputKind, Scores};
use serde::{Deserialize, Serialize};

use crate::{Chance, RobustnessError};

/// Largest hidden layer and largest number of weights.
const MAX_WEIGHTS: usize = 1 << 24;

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Hidden neurons.
    pub hidden: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Step of Adam.
    pub rate: f64,
    /// Share of a weight that decays with each step, times the rate.
    pub decay: f64,
    /// Seed of weights and order.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Self {
        Self { hidden: 64, epochs: 40, batch: 32, rate: 3e-3, decay: 1e-4, seed: 0 }
    }
}

/// A trained network.
#[derive(Debug, Clone, PartialEq)]
pub struct Surrogate {
    shape: Vec<usize>,
    features: usize,
    hidden: usize,
    classes: usize,
    /// Hidden weights and bias, then output weights and bias, row by row.
    weights: Vec<f32>,
    /// Mean and inverse deviation of each feature of the training rows.
    centre: Vec<f32>,
    scale: Vec<f32>,
}

impl Surrogate {
    /// Trains on rows with a probability for each class.
    ///
    /// # Errors
    /// Rows and probabilities that do not fit each other, a network of no or too many weights.
    pub fn train(
        shape: &[usize],
        rows: &[f32],
        targets: &[f32],
        classes: usize,
        training: &Training,
    ) -> Result<Self, RobustnessError> {
        let features: usize = shape.iter().product();
        let refuse = |what: &str| Err(RobustnessError::Option(what.to_owned()));
        if features == 0 || classes < 2 || training.hidden == 0 || training.batch == 0 {
            return refuse(
                "a network has features, hidden neurons, at least two classes, and batches of rows",
            );
        }
        let n = rows.len() / features;
        if n == 0 || rows.len() != n * features || targets.len() != n * classes {
            return refuse("rows and their probabilities do not fit each other");
        }
        if rows.iter().chain(targets).any(|v| !v.is_finite()) {
            return refuse("a row or a probability is no number");
        }
        let count = (features + 1).saturating_mul(training.hidden) + (training.hidden + 1) * classes;
        if count > MAX_WEIGHTS {
            return refuse("the network has too many weights; make the hidden layer smaller");
        }
        let mut chance = Chance::new(training.seed, "surrogate", 0);
        let (mut centre, mut scale) = (vec![0.0f32; features], vec![1.0f32; features]);
        for at in 0..features {
            let column = || rows.iter().skip(at).step_by(features).map(|v| f64::from(*v));
            let mean = column().sum::<f64>() / n as f64;
            let deviation = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            centre[at] = mean as f32;
            // A feature that hardly varies must not be blown up to noise.
            scale[at] = (1.0 / deviation.max(0.05)) as f32;
        }
        let spread = |inputs: usize| (2.0 / inputs as f64).sqrt();
        let hidden = training.hidden;
        let weights = (0..count)
            .map(|at| match at {
                _ if at < features * hidden => (spread(features) * chance.normal()) as f32,
                _ if at < (features + 1) * hidden => 0.0,
                _ if at < (features + 1) * hidden + hidden * classes => {
                    (spread(hidden) * chance.normal()) as f32
                }
                _ => 0.0,
            })
            .collect();
        let mut network = Self { shape: shape.to_vec(), features, hidden, classes, weights, centre, scale };
        network.fit(rows, targets, n, training, &mut chance);
        Ok(network)
    }

    /// Trains on rows with one class each.
    ///
    /// # Errors
    /// As [`Surrogate::train`]; a label that is no class.
    pub fn train_on_labels(
        shape: &[usize],
        rows: &[f32],
        labels: &[usize],
        classes: usize,
        training: &Training,
    ) -> Result<Self, RobustnessError> {
        let mut targets = vec![0.0; labels.len() * classes];
        for (row, label) in labels.iter().enumerate() {
            if *label >= classes {
                let reason = format!("label {label} is not one of {classes} classes");
                return Err(RobustnessError::Row { row, reason });
            }
            targets[row * classes + label] = 1.0;
        }
        Self::train(shape, rows, &targets, classes, training)
    }

    fn fit(&mut self, rows: &[f32], targets: &[f32], n: usize, training: &Training, chance: &mut Chance) {
        let (mut first, mut second) = (vec![0.0f64; self.weights.len()], vec![0.0f64; self.weights.len()]);
        let mut gradient = vec![0.0f32; self.weights.len()];
        let mut order: Vec<usize> = (0..n).collect();
        let mut step = 0;
        for _ in 0..training.epochs {
            chance.shuffle(&mut order);
            for batch in order.chunks(training.batch) {
                gradient.fill(0.0);
                for row in batch {
                    self.backward(
                        &rows[row * self.features..][..self.features],
                        &targets[row * self.classes..][..self.classes],
                        &mut gradient,
                    );
                }
                step += 1;
                let (b1, b2) = (0.9f64, 0.999f64);
                let (c1, c2) = (1.0 - b1.powi(step), 1.0 - b2.powi(step));
                for (at, g) in gradient.iter().enumerate() {
                    let g = f64::from(*g) / batch.len() as f64;
                    first[at] = b1 * first[at] + (1.0 - b1) * g;
                    second[at] = b2 * second[at] + (1.0 - b2) * g * g;
                    let by = first[at] / c1 / ((second[at] / c2).sqrt() + 1e-8);
                    let w = f64::from(self.weights[at]);
                    self.weights[at] = (w - training.rate * (by + training.decay * w)) as f32;
                }
            }
        }
    }

    fn normal(&self, row: &[f32]) -> Vec<f32> {
        row.iter().zip(self.centre.iter().zip(&self.scale)).map(|(v, (c, s))| (v - c) * s).collect()
    }

    fn forward(&self, row: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (input, rest) = self.weights.split_at(self.features * self.hidden);
        let (bias, rest) = rest.split_at(self.hidden);
        let (output, output_bias) = rest.split_at(self.hidden * self.classes);
        let dot = |w: &[f32], x: &[f32]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
        let hidden: Vec<f32> =
            input.chunks_exact(self.features).zip(bias).map(|(w, b)| (dot(w, row) + b).max(0.0)).collect();
        let logits =
            output.chunks_exact(self.hidden).zip(output_bias).map(|(w, b)| dot(w, &hidden) + b).collect();
        (hidden, logits)
    }

    fn backward(&self, row: &[f32], target: &[f32], gradient: &mut [f32]) {
        let row = self.normal(row);
        let (hidden, logits) = self.forward(&row);
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exp: Vec<f32> = logits.iter().map(|l| (l - most).exp()).collect();
        let total: f32 = exp.iter().sum();
        let slope: Vec<f32> = exp.iter().zip(target).map(|(e, t)| e / total - t).collect();
        let output_at = (self.features + 1) * self.hidden;
        let output = &self.weights[output_at..][..self.hidden * self.classes];
        let mut back = vec![0.0f32; self.hidden];
        for (class, s) in slope.iter().enumerate() {
            let at = class * self.hidden;
            for (j, h) in hidden.iter().enumerate() {
                gradient[output_at + at + j] += s * h;
                back[j] += s * output[at + j];
            }
            gradient[output_at + self.hidden * self.classes + class] += s;
        }
        for (j, (b, h)) in back.iter().zip(&hidden).enumerate() {
            if *h > 0.0 {
                let own = &mut gradient[j * self.features..][..self.features];
                own.iter_mut().zip(&row).for_each(|(g, x)| *g += b * x);
                gradient[self.features * self.hidden + j] += b;
            }
        }
    }
}

impl Scores for Surrogate {
    fn classes(&self) -> usize {
        self.classes
    }

    fn input_shape(&self) -> &[usize] {
        &self.shape
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        if n.checked_mul(self.features) != Some(rows.len()) {
            return Err(OnnxError::Size { shape: vec![n, self.features], values: rows.len() });
        }
        for row in rows.chunks_exact(self.features) {
            out.extend(self.forward(&self.normal(row)).1);
        }
        Ok(())
    }
}
