//! Robust accuracy over several radii.

use proofhouse_core::Measurement;
use proofhouse_onnx::Scores;
use serde::{Deserialize, Serialize};

use crate::evasion::{LabelledRows, pursue};
use crate::square::{Progress, SquareOptions};
use crate::{QueryLedger, RobustnessError};

/// One radius of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Radius.
    pub eps: f64,
    /// Rows evaded within it, those of smaller radii included.
    pub evaded: u64,
    /// Rows correct and not evaded, of all: an upper bound, as in a report.
    pub robust_accuracy: Measurement,
    /// What this radius cost.
    pub queries: QueryLedger,
}

/// Attacks at every radius of `radii`, in ascending order, with the other options as given. A
/// counterexample of a smaller radius is one of every larger, so its row is not attacked again and the
/// curve never rises.
pub fn curve(
    model: &dyn Scores,
    rows: &[f32],
    labels: &[usize],
    radii: &[f64],
    options: &SquareOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<CurvePoint>, RobustnessError> {
    let mut radii = radii.to_vec();
    radii.sort_by(f64::total_cmp);
    let data = LabelledRows::check(model, rows, labels, options)?;
    let mut standing = data.clean(model)?.correct;
    let correct = standing.len();
    let mut points = Vec::with_capacity(radii.len());
    for (i, eps) in radii.into_iter().enumerate() {
        let options = SquareOptions { eps, ..options.clone() };
        options.check()?;
        let findings = pursue(model, &data, &standing, &options, progress)?;
        standing.retain(|index| findings.confirmed.iter().all(|e| e.index != *index));
        let n = labels.len() as u64;
        points.push(CurvePoint {
            eps,
            evaded: (correct - standing.len()) as u64,
            robust_accuracy: Measurement::proportion(
                "robust-accuracy",
                standing.len() as u64,
                n,
                options.confidence,
            )
            .of_slice(format!("eps={eps}")),
            queries: QueryLedger { clean: if i == 0 { n } else { 0 }, ..findings.queries },
        });
    }
    Ok(points)
}
