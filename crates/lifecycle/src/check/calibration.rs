//! Calibration: how far stated confidence lies from the share that is right (expected calibration error
//! over equal-width bins; Naeini et al. 2015, Guo et al. 2017).

use proofhouse_core::{Measurement, Unit};
use proofhouse_onnx::{OutputKind, Scores as _, predict};
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

const BINS: usize = 10;
/// The catalogue's criterion for a calibration test.
const MAX_ERROR: f64 = 0.05;

/// The expected calibration error of the top class's probability on held-out data.
pub struct Calibration;

impl Check for Calibration {
    fn kinds(&self) -> &'static [&'static str] {
        &["calibration-test"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let data = judged_by(context)?;
        let config = json!({"dataset": data.id(), "bins": BINS, "max_error": MAX_ERROR});
        Ok(vec![Setup::of(context.model.subject(), config).with_data(data.digest())])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let data = judged_by(context)?;
        let (rows, labels) = (data.features()?, data.labels()?);
        let model = context.model.classifier()?;
        let mut scores = Vec::new();
        model.scores(rows, labels.len(), &mut scores)?;
        let classes = model.classes();
        let tops: Vec<(f64, bool)> = predict(&scores, classes)
            .into_iter()
            .zip(scores.chunks_exact(classes))
            .zip(labels)
            .filter_map(|((class, row), label)| {
                let class = class?;
                Some((probability(row, class, model.options().kind), class == *label))
            })
            .collect();
        let error = expected_error(&tops);
        let measured =
            Measurement { n: Some(tops.len() as u64), ..Measurement::new("ece", error, Unit::Ratio) };
        let holds = (!tops.is_empty()).then_some(error <= MAX_ERROR);
        let criterion = format!("expected calibration error {error:.4} ≤ {MAX_ERROR}");
        Ok(Outcome::new(holds, criterion).measured(vec![measured]))
    }
}

fn judged_by<'a>(context: &'a Context<'_>) -> Result<&'a crate::data::LoadedDataset, LifecycleError> {
    context.datasets.judged_by(context.project.system.checks.performance.as_ref().map(|c| &c.dataset))
}

/// The probability of `class` among the scores of one row.
fn probability(row: &[f32], class: usize, kind: OutputKind) -> f64 {
    let own = row.get(class).copied().map_or(0.0, f64::from);
    match kind {
        OutputKind::Logits => 1.0 / row.iter().map(|s| (f64::from(*s) - own).exp()).sum::<f64>(),
        _ => own,
    }
}

/// Mean over bins of the gap between stated probability and share right, weighted by the bin's size.
fn expected_error(tops: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0f64, 0.0f64, 0.0f64); BINS];
    for (p, right) in tops {
        let bin = ((p * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += p;
        bins[bin].1 += f64::from(u8::from(*right));
        bins[bin].2 += 1.0;
    }
    let n: f64 = bins.iter().map(|b| b.2).sum();
    if n == 0.0 { 0.0 } else { bins.iter().map(|(p, right, _)| (p - right).abs()).sum::<f64>() / n }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfidence_is_the_gap() {
        let tops: Vec<(f64, bool)> = (0..10).map(|i| (0.95, i < 5)).collect();
        assert!((expected_error(&tops) - 0.45).abs() < 1e-12);
        assert!(expected_error(&[(1.0, true), (1.0, true)]) < 1e-12);
    }

    #[test]
    fn logits_become_probabilities() {
        let p = probability(&[0.0, (2.0f32).ln(), 0.0], 1, OutputKind::Logits);
        assert!((p - 0.5).abs() < 1e-6);
    }
}
