//! How accuracy falls as an everyday change grows.

use proofhouse_core::Measurement;
use proofhouse_onnx::{Scores, predict};
use serde::{Deserialize, Serialize};

use super::image::Image;
use super::{Kind, SEVERITIES, judge};
use crate::{Chance, LabelledRows, RobustnessError};

/// Accuracy at one severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeverityPoint {
    /// From 1 to 5.
    pub severity: usize,
    /// Share of all rows that are right after the change.
    pub accuracy: Measurement,
    /// Share of the rows that were right before and are right after it.
    pub kept: Measurement,
    /// Answers with NaN; they count as wrong.
    pub undefined: u64,
}

/// One kind of change at every severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeverityCurve {
    /// The kind.
    pub kind: Kind,
    /// Share of rows that are right unchanged.
    pub clean: Measurement,
    /// By severity.
    pub points: Vec<SeverityPoint>,
}

/// Changes every row once at each severity, placed by chance, and classifies it. The seed and a row's index decide
/// what happens to it, so a repetition sees the same images.
///
/// # Errors
/// Rows that are no images, or do not fit the model or the box.
pub fn severity_curve(
    model: &dyn Scores,
    data: &LabelledRows<'_>,
    bounds: (f32, f32),
    kind: Kind,
    seed: u64,
    confidence: f64,
) -> Result<SeverityCurve, RobustnessError> {
    let judged = judge(model, data, bounds)?;
    let (n, right) = (data.labels.len() as u64, judged.correct.len() as u64);
    let mut points = Vec::with_capacity(SEVERITIES);
    let mut scores = Vec::new();
    for severity in 1..=SEVERITIES {
        let mut rows = Vec::with_capacity(data.rows.len());
        for (index, row) in data.rows.chunks_exact(model.features()).enumerate() {
            // The same place at every severity, so that a curve shows strength and nothing else.
            let mut chance = Chance::new(seed, kind.name(), index);
            let image = Image::of(judged.geometry, row, bounds);
            let parameters = kind.draw(severity, &mut chance);
            rows.extend(kind.apply(&parameters, &image, &mut chance).row(bounds));
        }
        model.scores(&rows, data.labels.len(), &mut scores)?;
        let predicted = predict(&scores, model.classes());
        let correct = |at: &usize| predicted[*at] == Some(data.labels[*at]);
        let after = (0..data.labels.len()).filter(correct).count() as u64;
        let kept = judged.correct.iter().copied().filter(correct).count() as u64;
        points.push(SeverityPoint {
            severity,
            accuracy: Measurement::proportion("accuracy", after, n, confidence)
                .of_slice(format!("{}={severity}", kind.name())),
            kept: Measurement::proportion("kept-correct", kept, right, confidence)
                .of_slice(format!("{}={severity}", kind.name())),
            undefined: predicted.iter().filter(|p| p.is_none()).count() as u64,
        });
    }
    Ok(SeverityCurve { kind, clean: Measurement::proportion("accuracy", right, n, confidence), points })
}
