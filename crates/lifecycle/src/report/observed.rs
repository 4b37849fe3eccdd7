//! What the drift monitor saw, and the signals it raised.

use proofhouse_ledger::body::SignalRaised;
use proofhouse_ledger::{Entry, EventKind};
use proofhouse_report::input;

use super::Source;
use super::life::{digest_in, text_in};
use super::threats::signal_of;
use crate::LifecycleError;
use crate::looks::LookSeries;

const STATISTIC: &str = "largest distance of any column";

impl Source<'_> {
    pub(super) async fn drift(&self) -> Result<Option<input::Drift>, LifecycleError> {
        let mut looks = Vec::new();
        let mut budget = None;
        let mut ledger = Vec::new();
        for entry in self.life.own(EventKind::TrafficObserved) {
            let Some(series) = self.referred::<LookSeries>(entry, "document", "series of looks").await?
            else {
                continue;
            };
            budget = Some(series.budget);
            looks.extend(series.looks);
            ledger.push(entry.seq);
        }
        let (Some(budget), Some(last)) = (budget, looks.last()) else { return Ok(None) };
        let alarm = looks.iter().position(|l| l.signal.is_some());
        Ok(Some(input::Drift {
            // The series is bound by the ledger and not by a signature of its own.
            evidence: None,
            ledger,
            tested: self.results.of_check("drift-monitor").map(|e| e.id),
            statistic: match last.column == crate::hits::HIT_RATE {
                true => crate::hits::HIT_RATE.to_owned(),
                false => STATISTIC.to_owned(),
            },
            alpha: last.alpha,
            promise: input::FalseAlarmPromise::Yearly {
                alarms: budget.alarms_per_year(),
                looks_per_day: budget.looks_per_day(),
            },
            effect_floor: Some(last.floor),
            alarm: alarm
                .and_then(|look| Some(input::Alarm { look, signal: looks.get(look)?.signal.clone()? })),
            columns: alarm.and_then(|i| looks.get(i)).map_or_else(Vec::new, |l| {
                l.columns
                    .iter()
                    .map(|c| input::ColumnDrift {
                        name: c.name.clone(),
                        statistic: "Kolmogorov–Smirnov".to_owned(),
                        distance: c.distance,
                        edges: c.edges.clone(),
                        reference: c.reference.clone(),
                        current: c.current.clone(),
                    })
                    .collect()
            }),
            looks: looks
                .iter()
                .map(|l| input::Look { at: l.at, rows: l.rows, statistic: l.distance, threshold: l.line })
                .collect(),
        }))
    }

    /// Signals of this life. A signal names no environment; the gate that judged it does.
    pub(super) fn signal_entries(&self) -> Vec<&Entry> {
        let judged = |id: Option<&str>| {
            self.life.own(EventKind::GateDecided).any(|e| id.is_some() && text_in(e, "signal") == id)
        };
        self.life
            .everywhere(EventKind::SignalRaised)
            .filter(|e| self.life.holds(e.seq) || judged(text_in(e, "id")))
            .collect()
    }

    pub(super) fn signals(&self) -> Vec<input::Signal> {
        self.signal_entries().into_iter().filter_map(|entry| self.signal(entry)).collect()
    }

    fn signal(&self, entry: &Entry) -> Option<input::Signal> {
        let raised: SignalRaised = serde_json::from_value(entry.body.clone()).ok()?;
        let reopens = self
            .life
            .all(EventKind::ThreatReopened)
            .filter(|e| text_in(e, "reason").and_then(signal_of) == Some(raised.id.as_str()))
            .filter_map(|e| text_in(e, "id").map(str::to_owned))
            .collect();
        Some(input::Signal {
            id: raised.id,
            kind: raised.signal,
            at: entry.at,
            severity: raised.severity,
            message: raised.summary,
            reopens,
            evidence: None,
            record: digest_in(entry, "look"),
            ledger_seq: entry.seq,
        })
    }
}
