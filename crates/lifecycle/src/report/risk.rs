//! Yearly loss: the scores of this life as curves, against the tolerance.

use proofhouse_core::Measurement;
use proofhouse_ledger::{Entry, EventKind};
use proofhouse_report::input;

use super::Source;
use super::life::text_in;
use crate::loss::BEFORE;
use crate::{LifecycleError, RiskScore};

impl Source<'_> {
    /// The scores since the last one that rests on estimates alone, each label once, newest last.
    fn score_entries(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = Vec::new();
        for entry in self.life.all(EventKind::RiskScored) {
            let label = text_in(entry, "label");
            if label == Some(BEFORE) {
                entries.clear();
            }
            entries.retain(|e| text_in(e, "label") != label);
            entries.push(entry);
        }
        entries
    }

    pub(super) async fn risk(&self) -> Result<Option<input::Risk>, LifecycleError> {
        let mut scores = Vec::new();
        for entry in self.score_entries() {
            scores.extend(self.referred::<RiskScore>(entry, "document", "risk score").await?);
        }
        let Some(last) = scores.last() else { return Ok(None) };
        let settings = &last.simulation.settings;
        let judged = last.judgement.iter().flat_map(|j| &j.points);
        Ok(Some(input::Risk {
            currency: settings.currency.clone(),
            years: settings.years as u64,
            seed: settings.seed,
            tolerance: judged
                .map(|p| input::CurvePoint { loss: p.point.loss, probability: p.point.max_probability })
                .collect(),
            drivers: self.drivers(last),
            curves: scores.iter().map(curve).collect(),
        }))
    }

    fn drivers(&self, score: &RiskScore) -> Vec<input::Driver> {
        let scenarios = self.project.system.risk.iter().flat_map(|r| &r.scenarios);
        let scenarios: Vec<_> = scenarios.collect();
        let mut drivers: Vec<input::Driver> = score
            .simulation
            .drivers
            .iter()
            .map(|d| {
                // A secondary loss is simulated as a scenario of its own, `ID/secondary`.
                let id = d.scenario.split('/').next().unwrap_or_default();
                let described = scenarios.iter().find(|s| s.id.as_str() == id);
                input::Driver {
                    name: d.name.clone(),
                    threats: described
                        .map(|s| s.threats.iter().map(ToString::to_string).collect())
                        .unwrap_or_default(),
                    mean: d.mean.value,
                    share: d.share,
                }
            })
            .collect();
        drivers.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        drivers
    }
}

fn curve(score: &RiskScore) -> input::LossCurve {
    let simulation = &score.simulation;
    let mut evidence: Vec<_> = score.bases.iter().filter_map(|b| b.evidence).collect();
    evidence.dedup();
    input::LossCurve {
        name: match score.label.as_str() {
            BEFORE => "before any test".to_owned(),
            label => label.to_owned(),
        },
        points: simulation
            .exceedance
            .iter()
            .map(|p| input::CurvePoint { loss: p.loss, probability: p.probability })
            .collect(),
        mean: estimate(&simulation.mean),
        p95: estimate(&simulation.p95),
        p99: estimate(&simulation.p99),
        evidence,
    }
}

fn estimate(m: &Measurement) -> input::Estimate {
    let (low, high) = m.interval.as_ref().map_or((m.value, m.value), |i| (i.low, i.high));
    input::Estimate { value: m.value, low, high }
}
