//! A value of a row that is not known, from all the others and the model's answer (Fredrikson et al., *Privacy in
//! Pharmacogenetics*, USENIX Security 2014).
//!
//! Every candidate value is put in, and the one is chosen under which the row's true class is likeliest, weighted with
//! how common the value is. What counts is what this adds: the share guessed right beside that of always guessing the
//! commonest value, among rows that were learned from and among others.

use proofhouse_core::{Measurement, Unit};
use proofhouse_onnx::{OutputKind, Scores};
use serde::{Deserialize, Serialize};

use super::membership::Rows;
use crate::RobustnessError;
use crate::binomial::clopper_pearson;

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeReport {
    /// Index of the column.
    pub column: usize,
    /// The values that were tried, with their share among the rows.
    pub candidates: Vec<(f32, f64)>,
    /// Share of rows whose value was guessed right.
    pub guessed: Measurement,
    /// Share that guessing the commonest value gets right.
    pub baseline: Measurement,
    /// Whether the lower end of the first lies above the upper end of the second: the model gives the value away.
    pub leaks: bool,
    /// Queries to the model.
    pub queries: u64,
}

/// Guesses column `column` of every row among the values that occur in it, at most `most` different ones.
///
/// # Errors
/// Rows that do not fit the model, a column that is not there, more values than `most`.
pub fn infer(
    model: &dyn Scores,
    data: Rows<'_>,
    column: usize,
    most: usize,
    confidence: f64,
) -> Result<AttributeReport, RobustnessError> {
    let width = model.features();
    let n = data.labels.len();
    if n.checked_mul(width) != Some(data.rows.len()) || column >= width || n == 0 {
        return Err(RobustnessError::Option(format!(
            "{n} rows of {width} values with a column {column} cannot be made of {} values",
            data.rows.len()
        )));
    }
    if let Some(row) = data.labels.iter().position(|l| *l >= model.classes()) {
        return Err(RobustnessError::Row { row, reason: "its label is no class of the model".to_owned() });
    }
    let truth: Vec<f32> = data.rows.iter().skip(column).step_by(width).copied().collect();
    let mut values = truth.clone();
    values.sort_by(f32::total_cmp);
    values.dedup();
    if values.len() > most {
        return Err(RobustnessError::Option(format!(
            "column {column} has {} different values, more than {most}; it is no attribute to be guessed from a list",
            values.len()
        )));
    }
    let share = |value: f32| truth.iter().filter(|v| **v == value).count() as f64 / n as f64;
    let candidates: Vec<(f32, f64)> = values.iter().map(|v| (*v, share(*v))).collect();
    let mut best: Vec<(f64, f32)> = vec![(f64::NEG_INFINITY, f32::NAN); n];
    let mut scores = Vec::new();
    for (value, share) in &candidates {
        let mut rows = data.rows.to_vec();
        rows.iter_mut().skip(column).step_by(width).for_each(|v| *v = *value);
        model.scores(&rows, n, &mut scores)?;
        for ((best, scores), label) in
            best.iter_mut().zip(scores.chunks_exact(model.classes())).zip(data.labels)
        {
            let likelihood = match model.kind() {
                OutputKind::Probabilities => f64::from(scores[*label]).max(1e-30).ln(),
                OutputKind::Logits => {
                    let top = scores.iter().fold(f64::NEG_INFINITY, |m, s| m.max(f64::from(*s)));
                    let sum: f64 = scores.iter().map(|s| (f64::from(*s) - top).exp()).sum();
                    f64::from(scores[*label]) - top - sum.ln()
                }
            };
            let posterior = likelihood + share.ln();
            if posterior > best.0 {
                *best = (posterior, *value);
            }
        }
    }
    let right = best.iter().zip(&truth).filter(|((_, guess), truth)| guess == *truth).count() as u64;
    let common = candidates.iter().map(|(_, s)| (s * n as f64).round() as u64).max().unwrap_or(0);
    let measure = |name: &str, k: u64| {
        let mut m = Measurement::new(name, k as f64 / n as f64, Unit::Ratio);
        m.n = Some(n as u64);
        m.interval = Some(clopper_pearson(k, n as u64, confidence));
        m
    };
    let (guessed, baseline) = (measure("attribute-guessed", right), measure("attribute-baseline", common));
    let leaks = match (&guessed.interval, &baseline.interval) {
        (Some(g), Some(b)) => g.low > b.high,
        _ => false,
    };
    Ok(AttributeReport {
        column,
        queries: (n * candidates.len()) as u64,
        candidates,
        guessed,
        baseline,
        leaks,
    })
}
