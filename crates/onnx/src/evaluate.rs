//! Accuracy on labelled rows, with intervals.

use proofhouse_core::Measurement;
use serde::{Deserialize, Serialize};

use crate::{OnnxError, Scores, predict};

/// How a classifier does on labelled rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Rows.
    pub n: u64,
    /// Rows whose predicted class is their label.
    pub correct: u64,
    /// Rows with a NaN among their scores: no prediction, counted as wrong.
    pub without_prediction: u64,
    /// `correct` of `n`, with its Wilson interval.
    pub accuracy: Measurement,
    /// Accuracy among the rows of each label (recall), for labels that occur.
    pub per_class: Vec<Measurement>,
    /// `confusion[label][predicted]`: number of rows. Rows without prediction are in no column.
    pub confusion: Vec<Vec<u64>>,
}

/// Measures `model` on `rows`, `labels.len() * features` values. `confidence` is that of the two-sided
/// intervals. A label that is no class of the model is an error that names its row.
pub fn evaluate(
    model: &dyn Scores,
    rows: &[f32],
    labels: &[usize],
    confidence: f64,
) -> Result<Evaluation, OnnxError> {
    let classes = model.classes();
    if let Some((row, label)) = labels.iter().enumerate().find(|(_, l)| **l >= classes) {
        let reason = format!("label {label} is not one of the {classes} classes 0 to {}", classes - 1);
        return Err(OnnxError::Row { row, reason });
    }
    let mut scores = Vec::new();
    model.scores(rows, labels.len(), &mut scores)?;
    let mut confusion = vec![vec![0u64; classes]; classes];
    let mut counts = vec![(0u64, 0u64); classes];
    let mut without_prediction = 0;
    for (predicted, &label) in predict(&scores, classes).into_iter().zip(labels) {
        counts[label].1 += 1;
        match predicted {
            None => without_prediction += 1,
            Some(class) => {
                confusion[label][class] += 1;
                counts[label].0 += u64::from(class == label);
            }
        }
    }
    let n = labels.len() as u64;
    let correct = counts.iter().map(|(right, _)| right).sum();
    let per_class = counts
        .iter()
        .enumerate()
        .filter(|(_, (_, seen))| *seen > 0)
        .map(|(class, (right, seen))| {
            Measurement::proportion("accuracy", *right, *seen, confidence).of_slice(format!("class={class}"))
        })
        .collect();
    Ok(Evaluation {
        n,
        correct,
        without_prediction,
        accuracy: Measurement::proportion("accuracy", correct, n, confidence),
        per_class,
        confusion,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputKind;

    /// Returns its input as scores.
    struct Echo;

    impl Scores for Echo {
        fn classes(&self) -> usize {
            2
        }
        fn input_shape(&self) -> &[usize] {
            &[2]
        }
        fn kind(&self) -> OutputKind {
            OutputKind::Logits
        }
        fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
            out.clear();
            out.extend_from_slice(rows);
            Ok(())
        }
    }

    #[test]
    fn a_row_without_prediction_is_wrong_and_told() {
        let e = evaluate(&Echo, &[1.0, 0.0, f32::NAN, 5.0, 0.0, 1.0], &[0, 1, 0], 0.95).unwrap();
        assert_eq!((e.n, e.correct, e.without_prediction), (3, 1, 1));
        assert_eq!(e.confusion, [[1, 1], [0, 0]]);
        assert_eq!(e.per_class.len(), 2);
        assert_eq!(e.per_class[1].value, 0.0);
    }

    #[test]
    fn a_label_out_of_range_names_its_row() {
        let error = evaluate(&Echo, &[0.0; 4], &[1, 2], 0.95).unwrap_err();
        assert_eq!(error.to_string(), "row 1: label 2 is not one of the 2 classes 0 to 1");
    }

    #[test]
    fn no_row_is_no_knowledge() {
        let e = evaluate(&Echo, &[], &[], 0.95).unwrap();
        let i = e.accuracy.interval.unwrap();
        assert_eq!((e.n, i.low, i.high), (0, 0.0, 1.0));
    }
}
