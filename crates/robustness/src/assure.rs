//! The whole examination in one call: probe, repair, attack with the standard ensemble, review.

use serde::{Deserialize, Serialize};

use crate::{
    Access, Attack, Budget, Counting, Diagnosis, EvasionReport, LabelledRows, Progress, RobustnessError,
    Threat, Victim, evade, probe, standard,
};

/// What came of an examination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assurance {
    /// What the attacks found.
    pub report: EvasionReport,
    /// What speaks against taking their failures for robustness.
    pub diagnosis: Diagnosis,
}

/// Probes the model for masked gradients, repairs what can be repaired, and attacks with the standard
/// ensemble, followed by the attacks in `more`.
pub fn assure(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    threat: &Threat,
    budget: &Budget,
    more: &[&dyn Attack],
    counting: &Counting,
    progress: &mut dyn FnMut(Progress),
) -> Result<Assurance, RobustnessError> {
    let mut diagnosis = probe(victim, data, threat, budget.seed)?;
    let access = if victim.gradients.is_some() { Access::Gradients } else { Access::Scores };
    let budget = Budget { draws: budget.draws.max(diagnosis.draws), ..budget.clone() };
    let ensemble = standard(access, threat.norm, &budget);
    let attacks: Vec<&dyn Attack> = ensemble.iter().map(AsRef::as_ref).chain(more.iter().copied()).collect();
    let report = evade(victim, data, threat, &attacks, counting, progress)?;
    diagnosis.review(&report);
    Ok(Assurance { report, diagnosis })
}
