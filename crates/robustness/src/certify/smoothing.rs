//! Randomised smoothing (Cohen, Rosenfeld, Kolter: *Certified Adversarial Robustness via Randomized Smoothing*, ICML
//! 2019).
//!
//! The smoothed classifier answers with the class that the model gives most often under Gaussian noise. Where that class
//! has, with confidence 1 - alpha, a probability of at least p > 1/2, it keeps it within an L2 radius of sigma times the
//! normal quantile of p. Where p cannot be told from 1/2 the classifier abstains. The certificate is about the smoothed
//! classifier and not about the model itself, holds for noise drawn in real numbers (float32 noise leaves a gap far below
//! any radius reported here), and fails with probability alpha for each row.

use proofhouse_core::Measurement;
use proofhouse_core::interval::normal_quantile;
use proofhouse_onnx::{Scores, predict};
use serde::{Deserialize, Serialize};

use crate::binomial::lower_bound;
use crate::{Chance, LabelledRows, RobustnessError};

/// Rows asked about in one batch.
const BATCH: usize = 512;

/// How to smooth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Smoothing {
    /// Standard deviation of the noise, in units of the rows.
    pub sigma: f64,
    /// Noisy copies that choose the class.
    pub choose: u64,
    /// Other noisy copies that estimate its probability.
    pub estimate: u64,
    /// Probability with which a row's certificate may be wrong.
    pub alpha: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self { sigma: 0.25, choose: 100, estimate: 10_000, alpha: 0.001, seed: 0 }
    }
}

/// What the smoothed classifier says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Smoothed {
    /// Index of the row.
    pub index: usize,
    /// The class; absent where it abstains.
    pub class: Option<usize>,
    /// L2 radius within which it keeps the class; 0 where it abstains.
    pub radius: f64,
    /// What the probability of the class is not below.
    pub probability: f64,
}

/// The smoothed classifier on labelled rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmoothedReport {
    /// Everything it was run with.
    pub smoothing: Smoothing,
    /// Rows.
    pub n: u64,
    /// Rows on which it abstains.
    pub abstained: u64,
    /// Share of rows whose class it says (with any radius).
    pub accuracy: Measurement,
    /// Forward passes.
    pub queries: u64,
    /// Row by row.
    pub rows: Vec<Smoothed>,
    /// The labels, in the order of the rows.
    labels: Vec<usize>,
}

impl SmoothedReport {
    /// Share of rows that are right and certified within `radius`: a lower bound of the smoothed classifier's robust
    /// accuracy there.
    #[must_use]
    pub fn certified_at(&self, radius: f64, confidence: f64) -> Measurement {
        let holds = |(row, label): &(&Smoothed, &usize)| row.class == Some(**label) && row.radius >= radius;
        let k = self.rows.iter().zip(&self.labels).filter(holds).count() as u64;
        Measurement::proportion("certified-accuracy", k, self.n, confidence)
            .of_slice(format!("l2-radius={radius}"))
    }
}

/// Smooths the model on every row.
///
/// # Errors
/// Rows that do not fit the model, options that make no sense.
pub fn smooth(
    model: &dyn Scores,
    data: &LabelledRows<'_>,
    smoothing: &Smoothing,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<SmoothedReport, RobustnessError> {
    let features = model.features();
    if !(smoothing.sigma.is_finite() && smoothing.sigma > 0.0)
        || smoothing.choose == 0
        || smoothing.estimate == 0
        || !(smoothing.alpha > 0.0 && smoothing.alpha < 0.5)
    {
        return Err(RobustnessError::Option(
            "smoothing takes a positive sigma, at least one copy to choose and one to estimate, and an alpha in 0..0.5"
                .to_owned(),
        ));
    }
    if features == 0 || data.labels.len().checked_mul(features) != Some(data.rows.len()) {
        return Err(RobustnessError::Option(format!(
            "{} labels call for as many rows of {features} values, not for {} values",
            data.labels.len(),
            data.rows.len()
        )));
    }
    let mut rows = Vec::with_capacity(data.labels.len());
    let mut right = 0;
    for (index, (row, label)) in data.rows.chunks_exact(features).zip(data.labels).enumerate() {
        progress(index, data.labels.len());
        let mut chance = Chance::new(smoothing.seed, "smoothing", index);
        let chosen = counts(model, row, smoothing.sigma, smoothing.choose, &mut chance)?;
        let most = chosen.iter().enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let class = most.filter(|(_, n)| **n > 0).map(|(class, _)| class);
        let estimated = counts(model, row, smoothing.sigma, smoothing.estimate, &mut chance)?;
        let k = class.map_or(0, |c| estimated[c]);
        let probability = lower_bound(k, smoothing.estimate, smoothing.alpha);
        let certain = probability > 0.5;
        let class = class.filter(|_| certain);
        right += u64::from(class == Some(*label));
        let radius = if certain { smoothing.sigma * normal_quantile(probability) } else { 0.0 };
        rows.push(Smoothed { index, class, radius, probability });
    }
    progress(data.labels.len(), data.labels.len());
    let n = data.labels.len() as u64;
    Ok(SmoothedReport {
        smoothing: smoothing.clone(),
        n,
        abstained: rows.iter().filter(|r| r.class.is_none()).count() as u64,
        accuracy: Measurement::proportion("smoothed-accuracy", right, n, 0.95),
        queries: n * (smoothing.choose + smoothing.estimate),
        rows,
        labels: data.labels.to_vec(),
    })
}

/// How often each class is given under noise. An answer with NaN is none.
fn counts(
    model: &dyn Scores,
    row: &[f32],
    sigma: f64,
    copies: u64,
    chance: &mut Chance,
) -> Result<Vec<u64>, RobustnessError> {
    let mut counts = vec![0; model.classes()];
    let (mut noisy, mut scores) = (Vec::new(), Vec::new());
    let mut left = copies;
    while left > 0 {
        let batch = left.min(BATCH as u64) as usize;
        noisy.clear();
        for _ in 0..batch {
            noisy.extend(row.iter().map(|v| (f64::from(*v) + sigma * chance.normal()) as f32));
        }
        model.scores(&noisy, batch, &mut scores)?;
        for class in predict(&scores, model.classes()).into_iter().flatten() {
            counts[class] += 1;
        }
        left -= batch as u64;
    }
    Ok(counts)
}
