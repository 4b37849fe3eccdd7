//! Robust accuracy over several radii.

use proofhouse_core::Measurement;
use serde::{Deserialize, Serialize};

use crate::evasion::{pursue, wanted};
use crate::{Attack, Counting, LabelledRows, Progress, QueryLedger, RobustnessError, Threat, Victim};

/// One radius of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Radius.
    pub eps: f64,
    /// Rows evaded within it, those of smaller radii included.
    pub evaded: u64,
    /// Rows correct and not evaded, of all: an upper bound, as in a report.
    pub robust_accuracy: Measurement,
    /// Rows proved to be correct everywhere within it: a *lower* bound; absent where nothing was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Measurement>,
    /// What this radius cost.
    pub queries: QueryLedger,
}

/// Attacks at every radius of `radii`, in ascending order, with the rest of `threat` as given. A
/// counterexample of a smaller radius is one of every larger, so its row is not attacked again and the
/// curve never rises.
pub fn curve(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    radii: &[f64],
    threat: &Threat,
    attacks: &[&dyn Attack],
    counting: &Counting,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<CurvePoint>, RobustnessError> {
    let mut radii = radii.to_vec();
    radii.sort_by(f64::total_cmp);
    data.check(victim.model, threat)?;
    let features = victim.model.features();
    let clean = data.clean(victim.model)?;
    let mut standing = wanted(data, &clean, features);
    let attacked = standing.len();
    let mut points = Vec::with_capacity(radii.len());
    for (i, eps) in radii.into_iter().enumerate() {
        let threat = Threat { eps, ..threat.clone() };
        threat.check(features)?;
        let findings = pursue(victim, &standing, &threat, attacks, progress)?;
        standing.retain(|target| findings.confirmed.iter().all(|e| e.index != target.index));
        let n = data.labels.len() as u64;
        let evaded = (attacked - standing.len()) as u64;
        let robust = clean.correct.len() as u64 - evaded;
        points.push(CurvePoint {
            eps,
            evaded,
            robust_accuracy: Measurement::proportion("robust-accuracy", robust, n, counting.confidence)
                .of_slice(format!("eps={eps}")),
            certified: None,
            queries: QueryLedger {
                clean: if i == 0 { n } else { 0 },
                attack: findings.parts.iter().map(|p| p.queries).sum(),
                confirm: findings.confirm,
                gradients: findings.parts.iter().map(|p| p.gradients).sum(),
            },
        });
    }
    Ok(points)
}
