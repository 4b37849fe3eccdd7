//! One batch: the rows to learn from, and the loss they are learned by.

use proofhouse_onnx::{Gradients, Tensor, Trainable};

use super::Method;
use crate::chance::Chance;
use crate::gradient::step::{climb_step, random_start};
use crate::{Ball, RobustnessError, Threat};

/// Steps of training attacks overshoot so that the whole ball is within reach.
const REACH: f64 = 2.5;
/// The one step of the fast method, in units of eps (Wong, Rice, Kolter 2020).
const FAST_STEP: f64 = 1.25;

/// Rows of one step of the weights.
pub struct Batch<'a> {
    /// Their indices, which chance depends on.
    pub indices: &'a [usize],
    /// Their values.
    pub rows: Vec<f32>,
    /// Their classes.
    pub labels: Vec<usize>,
    /// Which pass over the rows this is.
    pub epoch: usize,
}

/// What a batch told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// Sum of the losses.
    pub loss: f64,
    /// Changed rows that were classified correctly.
    pub correct: usize,
}

impl Batch<'_> {
    /// The derivative of the mean loss with respect to the weights, on rows changed as the method says.
    pub fn gradients(
        &self,
        model: &Trainable,
        method: Method,
        threat: &Threat,
        seed: u64,
        gradients: &mut Vec<Tensor>,
    ) -> Result<Told, RobustnessError> {
        let (n, features) = (self.labels.len(), self.rows.len() / self.labels.len().max(1));
        let balls: Vec<Ball> = self
            .rows
            .chunks_exact(features)
            .map(|row| Ball::new(threat, proofhouse_onnx::Scores::input_shape(model), row))
            .collect();
        let changed = self.changed(model, method, &balls, seed)?;
        let classes = proofhouse_onnx::Scores::classes(model);
        let share = 1.0 / n as f64;
        let mut told = Told::default();
        match method {
            Method::Trades { beta, .. } => {
                // Both halves in one run: each row, then the row near it.
                let both = [self.rows.as_slice(), changed.as_slice()].concat();
                let mut loss = |logits: &[f32], slope: &mut [f32]| {
                    let (clean, near) = logits.split_at(n * classes);
                    let (clean_slope, near_slope) = slope.split_at_mut(n * classes);
                    let halves = clean.chunks_exact(classes).zip(near.chunks_exact(classes));
                    let slopes =
                        clean_slope.chunks_exact_mut(classes).zip(near_slope.chunks_exact_mut(classes));
                    for (((clean, near), (clean_slope, near_slope)), label) in
                        halves.zip(slopes).zip(&self.labels)
                    {
                        let (p, q) = (softmax(clean), softmax(near));
                        told.loss += cross_entropy(clean, *label, share, clean_slope);
                        told.loss += beta * divergence(&p, &q, beta * share, clean_slope, near_slope);
                        told.correct += usize::from(leads(near, *label));
                    }
                };
                model.weight_gradients(&both, 2 * n, &mut loss, gradients)?;
            }
            _ => {
                let mut loss = |logits: &[f32], slope: &mut [f32]| {
                    let rows = logits.chunks_exact(classes).zip(slope.chunks_exact_mut(classes));
                    for ((logits, slope), label) in rows.zip(&self.labels) {
                        told.loss += cross_entropy(logits, *label, share, slope);
                        told.correct += usize::from(leads(logits, *label));
                    }
                };
                model.weight_gradients(&changed, n, &mut loss, gradients)?;
            }
        }
        Ok(told)
    }

    fn changed(
        &self,
        model: &Trainable,
        method: Method,
        balls: &[Ball],
        seed: u64,
    ) -> Result<Vec<f32>, RobustnessError> {
        let classes = proofhouse_onnx::Scores::classes(model);
        let (steps, share) = match method {
            Method::Plain => return Ok(self.rows.clone()),
            Method::Noise => (0, 0.0),
            Method::Fast => (1, FAST_STEP),
            Method::Pgd { steps } | Method::Trades { steps, .. } => (steps, REACH / steps as f64),
        };
        let purpose = format!("harden {}", self.epoch);
        let starts = balls.iter().zip(self.indices);
        let mut rows: Vec<f32> = starts
            .flat_map(|(ball, index)| random_start(ball, &mut Chance::new(seed, &purpose, *index)))
            .collect();
        let mut clean = Vec::new();
        if let Method::Trades { .. } = method {
            proofhouse_onnx::Scores::scores(model, &self.rows, balls.len(), &mut clean)?;
        }
        let features = self.rows.len() / balls.len().max(1);
        let mut gradient = Vec::new();
        for _ in 0..steps {
            let mut climb = |logits: &[f32], slope: &mut [f32]| {
                let each = logits.chunks_exact(classes).zip(slope.chunks_exact_mut(classes)).enumerate();
                for (row, (logits, slope)) in each {
                    match clean.get(row * classes..(row + 1) * classes) {
                        Some(clean) => {
                            let (p, q) = (softmax(clean), softmax(logits));
                            slope
                                .iter_mut()
                                .zip(p.iter().zip(&q))
                                .for_each(|(s, (p, q))| *s = (q - p) as f32);
                        }
                        None => {
                            let label = self.labels.get(row).copied().unwrap_or_default();
                            cross_entropy(logits, label, 1.0, slope);
                        }
                    }
                }
            };
            model.pull_back(&rows, balls.len(), &mut climb, &mut gradient)?;
            let moved = rows.chunks_exact_mut(features).zip(gradient.chunks_exact(features));
            for (ball, (row, gradient)) in balls.iter().zip(moved) {
                climb_step(ball, row, gradient, ball.eps() * share);
            }
        }
        Ok(rows)
    }
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut p: Vec<f64> = logits.iter().map(|z| (f64::from(*z) - f64::from(most)).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

/// The loss of one row; its derivative, times `weight`, is written into `slope`.
fn cross_entropy(logits: &[f32], label: usize, weight: f64, slope: &mut [f32]) -> f64 {
    let p = softmax(logits);
    for (class, (slope, p)) in slope.iter_mut().zip(&p).enumerate() {
        *slope = (weight * (p - f64::from(u8::from(class == label)))) as f32;
    }
    -p.get(label).copied().unwrap_or_default().max(f64::MIN_POSITIVE).ln()
}

/// The divergence of `q` from `p`; its derivatives with respect to the logits of both, times `weight`, are added.
fn divergence(p: &[f64], q: &[f64], weight: f64, p_slope: &mut [f32], q_slope: &mut [f32]) -> f64 {
    let ratio = |p: f64, q: f64| if p > 0.0 { (p / q.max(f64::MIN_POSITIVE)).ln() } else { 0.0 };
    let whole: f64 = p.iter().zip(q).map(|(p, q)| p * ratio(*p, *q)).sum();
    let slopes = p_slope.iter_mut().zip(q_slope);
    for ((p, q), (p_slope, q_slope)) in p.iter().zip(q).zip(slopes) {
        *p_slope += (weight * p * (ratio(*p, *q) - whole)) as f32;
        *q_slope += (weight * (q - p)) as f32;
    }
    whole
}

fn leads(logits: &[f32], label: usize) -> bool {
    proofhouse_onnx::predict(logits, logits.len()).first().copied().flatten() == Some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_differences() {
        let (a, b) = ([0.3_f32, -1.0, 0.8], [0.1_f32, 0.5, -0.4]);
        let kl =
            |a: &[f32], b: &[f32]| divergence(&softmax(a), &softmax(b), 0.0, &mut [0.0; 3], &mut [0.0; 3]);
        let (mut da, mut db, mut dc) = ([0.0; 3], [0.0; 3], [0.0; 3]);
        divergence(&softmax(&a), &softmax(&b), 1.0, &mut da, &mut db);
        cross_entropy(&a, 1, 1.0, &mut dc);
        for at in 0..3 {
            let moved = |row: &[f32; 3], by: f32| {
                let mut row = *row;
                row[at] += by;
                row
            };
            let h = 1.0 / 256.0;
            let difference = |up: f64, down: f64| (up - down) / f64::from(2.0 * h);
            let of_a = difference(kl(&moved(&a, h), &b), kl(&moved(&a, -h), &b));
            let of_b = difference(kl(&a, &moved(&b, h)), kl(&a, &moved(&b, -h)));
            let ce = |row: &[f32; 3]| cross_entropy(row, 1, 1.0, &mut [0.0; 3]);
            let of_c = difference(ce(&moved(&a, h)), ce(&moved(&a, -h)));
            for (got, wanted) in [(da[at], of_a), (db[at], of_b), (dc[at], of_c)] {
                assert!((f64::from(got) - wanted).abs() < 1e-4, "{at}: {got} {wanted}");
            }
        }
    }
}
