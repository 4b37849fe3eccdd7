//! Loss simulation from the system file's scenarios, with vulnerability taken from evidence where there is
//! any that still holds.
//!
//! An estimate by people stands until a check measures the thing; a measurement stands until its threat is
//! re-opened. An event that was observed raises the expected frequency by the gamma–Poisson update, where
//! the prior is the gamma distribution with the mean and variance of the estimate.

use std::collections::BTreeSet;

use proofhouse_core::{Digest, Verdict};
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::RiskScored;
use proofhouse_risk::{
    Judgement, Loss, Pert, Scenario, Settings, SharedShock, Simulation, TolerancePoint, Vulnerability,
    simulate,
};
use proofhouse_system::{Range, Risk};
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::house::House;
use crate::{LifecycleError, Project};

/// Years simulated where the system file names none.
const DEFAULT_YEARS: u64 = 100_000;
/// Variance of the yearly factor that scenarios of one cause share.
const SHARED_VARIANCE: f64 = 0.5;
/// The share of years whose losses an organisation states it can bear, for one number from a curve.
const APPETITE_PROBABILITY: f64 = 0.05;

/// Label of the score that rests on estimates alone.
pub(crate) const BEFORE: &str = "before assessment";

/// What is known when losses are simulated.
#[derive(Default)]
pub struct Knowledge<'a> {
    /// Evidence that still holds.
    pub evidence: &'a [Evidence],
    /// Threats that are open again: what was measured about them no longer counts.
    pub reopened: BTreeSet<String>,
    /// Threats that an observed event belongs to.
    pub observed: BTreeSet<String>,
}

/// A simulated year, and where its numbers come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskScore {
    /// What was known, such as `after assessment`.
    pub label: String,
    /// The distribution of the yearly loss.
    pub simulation: Simulation,
    /// Held against the tolerance curve; absent where there is none.
    pub judgement: Option<Judgement>,
    /// Where each scenario's vulnerability comes from.
    pub bases: Vec<Basis>,
}

/// Where a scenario's vulnerability comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// The scenario.
    pub scenario: String,
    /// The vulnerability that was used.
    pub vulnerability: Vulnerability,
    /// The evidence it was measured in; absent for an estimate.
    pub evidence: Option<Digest>,
}

impl RiskScore {
    /// Whether the loss curve stays within tolerance.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.judgement.as_ref().map_or(Verdict::Unknown, |j| j.verdict)
    }
}

/// Simulates the yearly loss of a system. Absent where the system file has no `risk` section.
pub fn score(
    project: &Project,
    label: &str,
    known: &Knowledge<'_>,
) -> Result<Option<RiskScore>, LifecycleError> {
    let Some(risk) = &project.system.risk else { return Ok(None) };
    let mut scenarios = Vec::new();
    let mut bases = Vec::new();
    for described in &risk.scenarios {
        let threatened = |set: &BTreeSet<String>| described.threats.iter().any(|t| set.contains(t.as_str()));
        let measured = described
            .measured_by
            .as_ref()
            .filter(|_| !threatened(&known.reopened))
            .and_then(|check| measured(check.as_str(), known.evidence));
        let vulnerability = match measured {
            Some((vulnerability, _)) => vulnerability,
            None => Vulnerability::Prior(pert(&described.vulnerability)?),
        };
        let observed = u32::from(threatened(&known.observed));
        let base = Scenario {
            id: described.id.to_string(),
            name: described.name.clone(),
            threats: described.threats.iter().map(ToString::to_string).collect(),
            frequency: updated(&described.frequency_per_year, observed)?,
            vulnerability,
            loss: loss(&described.loss)?,
            shared_shock: described
                .shared_cause
                .as_ref()
                .map(|c| SharedShock { group: c.to_string(), variance: SHARED_VARIANCE }),
        };
        bases.push(Basis { scenario: base.id.clone(), vulnerability, evidence: measured.map(|(_, id)| id) });
        if let Some(secondary) = &described.secondary {
            // Secondary losses follow some of the loss events: an independent stream of the same rate,
            // thinned by the product of both chances.
            scenarios.push(Scenario {
                id: format!("{}/secondary", base.id),
                name: format!("{}: secondary loss", base.name),
                vulnerability: Vulnerability::Prior(product(
                    &described.vulnerability,
                    &secondary.probability,
                )?),
                loss: loss(&secondary.loss)?,
                ..base.clone()
            });
        }
        scenarios.push(base);
    }
    let simulation = simulate(&scenarios, &settings(risk))?;
    let tolerance: Vec<TolerancePoint> = risk
        .tolerance
        .iter()
        .map(|t| TolerancePoint { loss: t.loss.get(), max_probability: t.probability.get() })
        .collect();
    let judgement = if tolerance.is_empty() { None } else { Some(simulation.judge(&tolerance)?) };
    Ok(Some(RiskScore { label: label.to_owned(), simulation, judgement, bases }))
}

/// The loss that the tolerance curve allows in one year of twenty, read off the curve on a log-log line;
/// the largest tolerated loss where the curve ends before.
#[must_use]
pub fn appetite(risk: &Risk) -> Option<f64> {
    let mut points: Vec<(f64, f64)> =
        risk.tolerance.iter().map(|t| (t.loss.get(), t.probability.get())).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let crossing = points.windows(2).find_map(|pair| {
        let ((l0, p0), (l1, p1)) = (pair[0], pair[1]);
        if p0 < APPETITE_PROBABILITY || p1 > APPETITE_PROBABILITY || p1 <= 0.0 {
            return None;
        }
        let share = if p0 == p1 { 0.0 } else { (p0.ln() - APPETITE_PROBABILITY.ln()) / (p0.ln() - p1.ln()) };
        Some((l0.ln() + share * (l1.ln() - l0.ln())).exp())
    });
    crossing.or_else(|| points.last().map(|(l, _)| *l))
}

impl House {
    /// Simulates the loss by estimates alone, before anything is measured, and records it: the curve that
    /// every later one is held against. Absent where the system file has no `risk` section.
    pub async fn score_before(&self, project: &Project) -> Result<Option<RiskScore>, LifecycleError> {
        let score = score(project, BEFORE, &Knowledge::default())?;
        if let Some(score) = &score {
            self.record_risk(project, score).await?;
        }
        Ok(score)
    }

    /// Records a score in the ledger; returns the digest of the whole of it, and its entry.
    pub async fn record_risk(
        &self,
        project: &Project,
        score: &RiskScore,
    ) -> Result<(Digest, u64), LifecycleError> {
        let document = self.keep(score).await?;
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            scored: RiskScored,
            label: String,
            document: Digest,
        }
        let body = Body {
            scored: RiskScored {
                system: project.id().to_owned(),
                id: "all-scenarios".to_owned(),
                annual_loss_mean: score.simulation.mean.value,
                annual_loss_p95: score.simulation.p95.value,
                currency: score.simulation.settings.currency.clone(),
            },
            label: score.label.clone(),
            document,
        };
        let event = self.event(EventKind::RiskScored, Some(project.digest), &body)?;
        Ok((document, self.append(&[event]).await?.first_seq))
    }
}

fn settings(risk: &Risk) -> Settings {
    let years = risk.years.map_or(DEFAULT_YEARS, |y| u64::from(y.get()));
    Settings {
        years: usize::try_from(years).unwrap_or(usize::MAX),
        seed: risk.seed,
        currency: risk.currency.as_str().to_owned(),
    }
}

fn pert(range: &Range) -> Result<Pert, LifecycleError> {
    Ok(Pert::new(range.low, range.likely, range.high)?)
}

fn product(a: &Range, b: &Range) -> Result<Pert, LifecycleError> {
    Ok(Pert::new(a.low * b.low, a.likely * b.likely, a.high * b.high)?)
}

/// The system file states a loss by its likely value within a 90 % interval.
fn loss(range: &Range) -> Result<Loss, LifecycleError> {
    Ok(Loss::Pert(pert(range)?))
}

/// The estimate after `events` were observed in no time to speak of: the gamma prior's shape grows by
/// them, and with it the mean.
fn updated(range: &Range, events: u32) -> Result<Pert, LifecycleError> {
    let prior = pert(range)?;
    let mean = prior.mean();
    if events == 0 || mean == 0.0 {
        return Ok(prior);
    }
    // Variance of a PERT distribution with the usual weight of four on the mode.
    let variance = (mean - range.low) * (range.high - mean) / 7.0;
    let factor = 1.0 + f64::from(events) * variance / (mean * mean);
    Ok(Pert::new(range.low * factor, range.likely * factor, range.high * factor)?)
}

/// Successes and trials of an attacker, as the newest passing or failing evidence of a check counts them.
fn measured(check: &str, evidence: &[Evidence]) -> Option<(Vulnerability, Digest)> {
    let of_check = |e: &&Evidence| {
        let name = e.result().check.as_str();
        (name == check || name.strip_prefix(check).is_some_and(|rest| rest.starts_with('-')))
            && e.result().verdict != Verdict::Unknown
    };
    let newest = evidence.iter().filter(of_check).max_by_key(|e| e.seq)?;
    let counted = newest.result().measurements.iter().find_map(|m| {
        let trials = m.n.filter(|n| *n > 0 && m.slice.is_none())?;
        let hits = (m.value * trials as f64).round() as u64;
        match m.name.as_str() {
            "evasion-success" | "constrained-evasion-success" | "attack-success" => {
                Some(Vulnerability::Measured { successes: hits, trials })
            }
            // What the monitor or the model misses is what gets through.
            "detection-rate" | "accuracy" => {
                Some(Vulnerability::Measured { successes: trials.saturating_sub(hits), trials })
            }
            _ => None,
        }
    })?;
    Some((counted, newest.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observed_event_raises_the_frequency() {
        let range = Range { low: 0.3, likely: 1.0, high: 3.0 };
        let (before, after) = (updated(&range, 0).unwrap(), updated(&range, 1).unwrap());
        // Mean 1.2167, variance 0.2335: the gamma prior has shape 6.34, and one event adds 1/6.34 of the mean.
        assert!((after.mean() / before.mean() - 1.1577).abs() < 1e-3, "{}", after.mean() / before.mean());
    }
}
