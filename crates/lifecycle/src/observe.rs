//! Observation: windows of live rows against the frozen reference; an alarm becomes a signal, and policy
//! says what is to be done about it.

use proofhouse_core::{Digest, Severity};
use proofhouse_drift::Look;
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::SignalRaised;
use proofhouse_policy::input::runtime::{self, Details, Input, Request, Signal, System};
use proofhouse_policy::{Decision, Policy};
use serde::{Deserialize, Serialize};

use crate::gate::nanoseconds;
use crate::house::House;
use crate::loss::{self, Knowledge, RiskScore};
use crate::plan::Planned;
use crate::watch::{Rows, Watch};
use crate::{LifecycleError, Project};

/// Columns that a signal names.
const NAMED_COLUMNS: usize = 5;
/// A drift this large in this many columns leaves nothing of the population the model was released for.
const CRITICAL_SHARE: f64 = 0.25;
const CRITICAL_DISTANCE: f64 = 0.3;

/// A signal that is in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaisedSignal {
    /// Its id.
    pub id: String,
    /// Its kind, such as `drift`.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub summary: String,
    /// The model it is about.
    pub model: Digest,
    /// The look that raised it: an object beside the ledger.
    pub look: Digest,
    /// Columns that moved, the most moved first.
    pub columns: Vec<String>,
    /// Rows seen.
    pub rows: u64,
    /// Probability of a false alarm that the look was run at.
    pub alpha: f64,
    /// When.
    pub at: proofhouse_core::Timestamp,
    /// Its ledger entry.
    pub seq: u64,
}

/// What policy made of a signal.
pub struct Judged {
    /// The decision.
    pub decision: Decision,
    /// The loss with the signal's threats open again.
    pub risk: Option<RiskScore>,
    /// Ledger entry of the decision.
    pub seq: u64,
}

impl House {
    /// One look at a window of rows. Returns the signal where there is an alarm.
    pub async fn observe(
        &self,
        project: &Project,
        watch: &Watch,
        model: Digest,
        rows: &Rows,
    ) -> Result<(Look, Option<RaisedSignal>), LifecycleError> {
        let (window, look) = watch.look(rows)?;
        let Some(alarm) = &look.alarm else { return Ok((look, None)) };
        let kept = self.keep(&serde_json::json!({"look": look, "window": window})).await?;
        // Enough to look at first; the look that is kept has all of them.
        let columns: Vec<String> =
            alarm.columns.iter().take(NAMED_COLUMNS).map(|c| c.column.clone()).collect();
        let severity = severity(&look);
        let summary = format!(
            "{} of {} columns left the reference in {} rows, {} the most; at most {:.3} false alarms a year",
            alarm.columns.len(),
            look.columns.len(),
            rows.len(),
            columns.first().map_or("none", String::as_str),
            alarm.expected_false_alarms_per_year
        );
        let id = format!("signal-{}", self.ledger().signals(None).await?.len() + 1);
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            raised: SignalRaised,
            look: Digest,
            columns: Vec<String>,
            rows: u64,
            alpha: f64,
        }
        let body = Body {
            raised: SignalRaised {
                id: id.clone(),
                signal: "drift".to_owned(),
                severity,
                summary: summary.clone(),
                system: Some(project.id().to_owned()),
                instance: None,
            },
            look: kept,
            columns: columns.clone(),
            rows: rows.len() as u64,
            alpha: look.alpha,
        };
        let event = self.event(EventKind::SignalRaised, Some(model), &body)?;
        let at = event.at;
        let seq = self.append(&[event]).await?.first_seq;
        let signal = RaisedSignal {
            id,
            kind: "drift".to_owned(),
            severity,
            summary,
            model,
            look: kept,
            columns,
            rows: rows.len() as u64,
            alpha: look.alpha,
            at,
            seq,
        };
        Ok((look, Some(signal)))
    }

    /// Asks the runtime policy what a signal calls for, with the loss as it stands once the signal's
    /// threats are open again.
    pub async fn judge_signal(
        &self,
        project: &Project,
        planned: &Planned,
        evidence: &[crate::Evidence],
        policy: &Policy,
        environment: &str,
        signal: &RaisedSignal,
    ) -> Result<Judged, LifecycleError> {
        let reopened = planned
            .catalogue
            .reopened_by(&signal.kind)
            .unwrap_or_default()
            .into_iter()
            .map(|id| id.to_string())
            .collect::<std::collections::BTreeSet<_>>();
        let known = Knowledge { evidence, observed: reopened.clone(), reopened };
        let risk = loss::score(project, "after the alarm", &known)?;
        let appetite = project.system.risk.as_ref().and_then(loss::appetite);
        let input = Input {
            schema: runtime::SCHEMA.to_owned(),
            request: Request { now_ns: nanoseconds(self.now()), environment: environment.to_owned() },
            signal: Signal {
                digest: signal.look,
                kind: signal.kind.clone(),
                severity: signal.severity,
                model_digest: signal.model,
                details: Details {
                    alarm: true,
                    columns: signal.columns.clone(),
                    budget: signal.alpha,
                    observations: signal.rows,
                },
            },
            system: System {
                digest: project.digest,
                // Where no loss is described nothing is known to be bearable: any alarm is over the appetite.
                value_at_risk: risk.as_ref().map_or(1.0, |r| r.simulation.p95.value),
                risk_appetite: appetite.unwrap_or(0.0),
                has_fallback: project.system.context.process_stops_without_model == Some(false),
            },
            recalled: self.recalled_in(environment).await?.into_iter().collect(),
        };
        let decision = policy.evaluate(&input);
        let kept = self.keep(&input).await?;
        let body = serde_json::json!({
            "allow": decision.allow,
            "action": decision.action,
            "environment": environment,
            "entrypoint": "runtime",
            "signal": signal.id,
            "codes": decision.deny.iter().map(|r| &r.code).collect::<Vec<_>>(),
            "input": kept,
            "policy": decision.policy,
        });
        let event = self.event(EventKind::GateDecided, Some(signal.model), &body)?;
        let seq = self.append(&[event]).await?.first_seq;
        Ok(Judged { decision, risk, seq })
    }
}

/// An alarm is critical where much of the input has moved far, else high.
fn severity(look: &Look) -> Severity {
    let far = look.columns.iter().filter(|c| c.alarmed && c.distance >= CRITICAL_DISTANCE).count();
    if far as f64 >= CRITICAL_SHARE * look.columns.len() as f64 { Severity::Critical } else { Severity::High }
}
