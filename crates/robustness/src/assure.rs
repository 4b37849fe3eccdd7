//! The whole examination in one call: probe, repair, attack with the standard ensemble, review.

use serde::{Deserialize, Serialize};

use crate::{
    Access, Attack, Budget, Counting, Diagnosis, Estimated, EvasionReport, LabelledRows, Progress,
    RobustnessError, Threat, Victim, evade, probe, standard,
};

/// What came of an examination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assurance {
    /// What the attacks found.
    pub report: EvasionReport,
    /// What speaks against taking their failures for robustness.
    pub diagnosis: Diagnosis,
}

/// Pairs of questions for one estimated gradient.
const PAIRS: usize = 24;

/// Probes the model for masked gradients, repairs what can be repaired, and attacks with the standard
/// ensemble, followed by the attacks in `more`.
///
/// Where gradients are there but lead nowhere, the ensemble runs with gradients estimated from scores. That
/// costs 48 queries a gradient; the ledger counts them.
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
    let estimated = Estimated::new(victim.model, threat, PAIRS, budget.seed);
    let mut victim = *victim;
    if diagnosis.gradients_fail() {
        victim.gradients = Some(&estimated);
        let again = probe(&victim, data, threat, budget.seed)?;
        diagnosis.queries += again.queries + estimated.asked();
        if again.standing().all(|f| !f.sign.concerns_gradients()) {
            diagnosis.repaired("gradients estimated from scores, by differences over the width of the ball");
        }
    }
    let before = estimated.asked();
    let access = if victim.gradients.is_some() { Access::Gradients } else { Access::Scores };
    let budget = Budget { draws: budget.draws.max(diagnosis.draws), ..budget.clone() };
    let ensemble = standard(access, threat.norm, &budget);
    let attacks: Vec<&dyn Attack> = ensemble.iter().map(AsRef::as_ref).chain(more.iter().copied()).collect();
    let mut report = evade(&victim, data, threat, &attacks, counting, progress)?;
    report.queries.attack += estimated.asked() - before;
    diagnosis.review(&report);
    Ok(Assurance { report, diagnosis })
}
