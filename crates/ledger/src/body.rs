//! The fields that the views read from the body of an event.
//!
//! A body may hold more than these fields; the rest stays in the leaf and is found with
//! [`Ledger::get`](crate::Ledger::get). A body that lacks one of them is refused when it is appended, so
//! that every ledger can be rebuilt.
//!
//! | kind | subject | body | view |
//! |---|---|---|---|
//! | `system-registered` | system file | [`SystemRegistered`] | subjects |
//! | `subject-recorded` | required | [`SubjectRecorded`] | subjects |
//! | `threats-derived` | – | [`ThreatsDerived`] | threats |
//! | `threat-changed` | – | [`ThreatChanged`] | threats |
//! | `threat-reopened` | – | [`ThreatReopened`] | threats: state `open` |
//! | `waiver-granted` | – | [`WaiverGranted`] | threats: state `accepted` |
//! | `evidence-recorded` | required | [`EvidenceRecorded`] | evidence |
//! | `release-made` | model | [`ReleaseMade`] | releases |
//! | `instance-started` | model | [`InstanceStarted`] | instances: state `running` |
//! | `instance-stopped` | – | [`InstanceStopped`] | instances: state `stopped` |
//! | `signal-raised` | optional | [`SignalRaised`] | signals |
//! | `recall-ordered` | recalled digest | [`RecallOrdered`] | recalls: state `ordered` |
//! | `recall-certified` | – | [`RecallCertified`] | recalls: state `certified` |
//! | `risk-scored` | – | [`RiskScored`] | risks |
//! | every other kind | optional | any JSON | none |
//!
//! "Required" subjects are refused when absent. An event about something that was never recorded (a stop
//! of an instance that never started) is refused as well, and so is one that would put something else
//! under a taken id: a second recall with the id of the first would hide that the first was ordered.

use proofhouse_core::{Digest, Severity, SubjectKind, ThreatState, Timestamp, Verdict};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::event::{Entry, EventKind};

/// Body of `system-registered`; the subject is the digest of the system file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRegistered {
    /// The system's name.
    pub name: String,
}

/// Body of `subject-recorded`; the subject is its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRecorded {
    /// What it is.
    pub kind: SubjectKind,
    /// What people call it.
    pub name: String,
    /// The system it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// Body of `threats-derived`. A threat that no longer applies is listed with state `not-applicable`; one
/// that is not listed stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatsDerived {
    /// The system's name.
    pub system: String,
    /// The threats.
    pub threats: Vec<DerivedThreat>,
}

/// One threat of [`ThreatsDerived`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedThreat {
    /// Its id, unique in the system.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Where it stands.
    pub state: ThreatState,
    /// How bad it would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// Body of `threat-changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatChanged {
    /// The system's name.
    pub system: String,
    /// The threat's id.
    pub id: String,
    /// Where it stands now.
    pub state: ThreatState,
    /// Why.
    pub reason: String,
}

/// Body of `threat-reopened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatReopened {
    /// The system's name.
    pub system: String,
    /// The threat's id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Body of `waiver-granted`; the actor is who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaiverGranted {
    /// The system's name.
    pub system: String,
    /// The ids of the threats that are accepted.
    pub threats: Vec<String>,
    /// Why.
    pub reason: String,
    /// From this moment on the waiver means nothing.
    pub until: Timestamp,
}

/// Body of `evidence-recorded`; the subject is the digest of what was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRecorded {
    /// The digest of the signed envelope, which is an object already when the event is appended.
    pub envelope: Digest,
    /// The check, such as `evasion`.
    pub check: String,
    /// Its answer.
    pub verdict: Verdict,
    /// When the check ended.
    pub finished: Timestamp,
    /// From this moment on it is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// Body of `release-made`; the subject is the model digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseMade {
    /// The release's id; of one model for ever.
    pub id: String,
    /// The system's name.
    pub system: String,
    /// What people call it, such as `cheque-reader 1.4.0`.
    pub name: String,
    /// The digest of the gate's decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Digest>,
    /// The digest of the model's signature bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Digest>,
    /// The digest of the ML-BOM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bom: Option<Digest>,
}

/// Body of `instance-started`; the subject is the model digest that the instance proved. A second one
/// with the same id replaces the first, which is how a lease is renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStarted {
    /// The instance's id, unique in the ledger.
    pub id: String,
    /// Where it runs, such as `host/alpha`.
    pub target: String,
    /// The release it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Where it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Without renewal it stops serving at this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
}

/// Body of `instance-stopped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStopped {
    /// The instance's id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Body of `signal-raised`; the subject is the model it speaks about, where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalRaised {
    /// The signal's id; a second signal with it replaces the first in the view.
    pub id: String,
    /// What sort of signal, such as `drift`.
    pub signal: String,
    /// How bad.
    pub severity: Severity,
    /// One sentence for a person.
    pub summary: String,
    /// The system's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The instance that it was seen at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// Body of `recall-ordered`; the subject is the digest that shall be served nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallOrdered {
    /// The recall's id, never used before.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Body of `recall-certified`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallCertified {
    /// The recall's id.
    pub id: String,
    /// The digest of the certificate, which is an object already when the event is appended.
    pub certificate: Digest,
}

/// Body of `risk-scored`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskScored {
    /// The system's name.
    pub system: String,
    /// The scenario's id, unique in the system.
    pub id: String,
    /// Expected loss in a year.
    pub annual_loss_mean: f64,
    /// The loss that 19 of 20 years stay below.
    pub annual_loss_p95: f64,
    /// ISO 4217 code of both.
    pub currency: String,
}

/// Why a body does not serve its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// A field is missing or of another type.
    #[error("the body of {kind} does not fit: {reason}")]
    Fields {
        /// The kind of event.
        kind: EventKind,
        /// What is wrong.
        reason: String,
    },
    /// The event needs a subject.
    #[error("{kind} needs a subject: the digest of what it happened to")]
    NoSubject {
        /// The kind of event.
        kind: EventKind,
    },
    /// The event is about something that was never recorded.
    #[error("{kind} names {view} {id:?}, which was never recorded")]
    Unrecorded {
        /// The kind of event.
        kind: EventKind,
        /// What it names, in the singular.
        view: &'static str,
        /// The id it names.
        id: String,
    },
    /// The id stands for something else already.
    #[error("{kind} names {view} {id:?}, which stands for something else already; choose another id")]
    Taken {
        /// The kind of event.
        kind: EventKind,
        /// What it names, in the singular.
        view: &'static str,
        /// The id it names.
        id: String,
    },
}

/// A body that the views read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    System(Digest, SystemRegistered),
    Subject(Digest, SubjectRecorded),
    ThreatsDerived(ThreatsDerived),
    ThreatChanged(ThreatChanged),
    Waiver(WaiverGranted),
    Evidence(Digest, EvidenceRecorded),
    Release(Digest, ReleaseMade),
    Started(Digest, InstanceStarted),
    Stopped(InstanceStopped),
    Signal(Option<Digest>, SignalRaised),
    Ordered(Digest, RecallOrdered),
    Certified(RecallCertified),
    Risk(RiskScored),
    /// Nothing that a view shows.
    Other,
}

impl Body {
    pub(crate) fn parse(entry: &Entry) -> Result<Self, BodyError> {
        Ok(match entry.kind {
            EventKind::SystemRegistered => Self::System(subject(entry)?, fields(entry)?),
            EventKind::SubjectRecorded => Self::Subject(subject(entry)?, fields(entry)?),
            EventKind::ThreatsDerived => Self::ThreatsDerived(fields(entry)?),
            EventKind::ThreatChanged => Self::ThreatChanged(fields(entry)?),
            EventKind::ThreatReopened => {
                let ThreatReopened { system, id, reason } = fields(entry)?;
                Self::ThreatChanged(ThreatChanged { system, id, state: ThreatState::Open, reason })
            }
            EventKind::WaiverGranted => Self::Waiver(fields(entry)?),
            EventKind::EvidenceRecorded => Self::Evidence(subject(entry)?, fields(entry)?),
            EventKind::ReleaseMade => Self::Release(subject(entry)?, fields(entry)?),
            EventKind::InstanceStarted => Self::Started(subject(entry)?, fields(entry)?),
            EventKind::InstanceStopped => Self::Stopped(fields(entry)?),
            EventKind::SignalRaised => Self::Signal(entry.subject, fields(entry)?),
            EventKind::RecallOrdered => Self::Ordered(subject(entry)?, fields(entry)?),
            EventKind::RecallCertified => Self::Certified(fields(entry)?),
            EventKind::RiskScored => Self::Risk(fields(entry)?),
            EventKind::QuestionsAnswered
            | EventKind::PlanWritten
            | EventKind::GateDecided
            | EventKind::GatewayAudit
            | EventKind::TrafficObserved
            | EventKind::RunStarted
            | EventKind::RunFinished
            | EventKind::KeyCreated => Self::Other,
        })
    }

    /// The object that the event promises to be in the store.
    pub(crate) const fn object(&self) -> Option<Digest> {
        match self {
            Self::Evidence(_, body) => Some(body.envelope),
            Self::Certified(body) => Some(body.certificate),
            _ => None,
        }
    }
}

fn subject(entry: &Entry) -> Result<Digest, BodyError> {
    entry.subject.ok_or(BodyError::NoSubject { kind: entry.kind })
}

fn fields<T: DeserializeOwned>(entry: &Entry) -> Result<T, BodyError> {
    T::deserialize(&entry.body).map_err(|e| BodyError::Fields { kind: entry.kind, reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use proofhouse_core::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::event::Event;

    fn parse(kind: EventKind, subject: Option<Digest>, body: serde_json::Value) -> Result<Body, BodyError> {
        let event = Event { kind, subject, actor: "test".into(), at: Timestamp::from_unix_ms(0), body };
        Body::parse(&event.to_leaf(0).unwrap().1)
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = parse(EventKind::InstanceStopped, None, json!({"id": "i-1"})).unwrap_err();
        assert_eq!(error.to_string(), "the body of instance-stopped does not fit: missing field `reason`");
    }

    #[test]
    fn a_missing_subject_is_named() {
        let error = parse(EventKind::SystemRegistered, None, json!({"name": "x"})).unwrap_err();
        assert_eq!(error, BodyError::NoSubject { kind: EventKind::SystemRegistered });
    }

    #[test]
    fn more_fields_are_welcome() {
        let body = json!({"id": "i-1", "reason": "recall", "exit_status": 0});
        assert!(parse(EventKind::InstanceStopped, None, body).is_ok());
    }
}
