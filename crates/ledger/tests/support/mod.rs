//! Events, keys and ledgers for the tests.
#![allow(dead_code, reason = "each test file uses its share")]

use std::sync::atomic::{AtomicU32, Ordering};

use proofhouse_core::{Digest, Timestamp};
use proofhouse_ledger::{CheckpointKey, Event, EventKind, Ledger, VerifierKey};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const ORIGIN: &str = "proofhouse.test/ledger";

/// The key of every test ledger.
pub fn key() -> CheckpointKey {
    CheckpointKey::from_seed(ORIGIN.parse().unwrap(), &[7; 32])
}

pub fn verifier() -> VerifierKey {
    key().verifier().clone()
}

/// A database of a test's own, SQLite or PostgreSQL, gone when dropped or with the server.
pub struct Place {
    pub url: String,
    pub dir: TempDir,
}

impl Place {
    pub fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("ledger.db").display());
        Self { url, dir }
    }

    /// A new schema in the database at `server`.
    pub async fn postgres(server: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let connection = Database::connect(server).await.unwrap();
        connection.execute_unprepared(&format!("CREATE SCHEMA \"{name}\"")).await.unwrap();
        connection.close().await.unwrap();
        Self { url: format!("{server}?options[search_path]={name}"), dir }
    }

    pub async fn open(&self) -> Ledger {
        Ledger::open(&self.url, ORIGIN, Some(key())).await.unwrap()
    }

    /// A connection that goes past the ledger, as an intruder would.
    pub async fn raw(&self) -> DatabaseConnection {
        Database::connect(self.url.as_str()).await.unwrap()
    }
}

pub fn event(kind: EventKind, subject: Option<Digest>, body: Value) -> Event {
    Event { kind, subject, actor: "tester".into(), at: Timestamp::from_unix_ms(1_790_000_000_000), body }
}

/// An event that no view shows.
pub fn note(text: &str) -> Event {
    event(EventKind::GatewayAudit, None, json!({"batch": text}))
}

pub fn model() -> Digest {
    Digest::of(b"the model")
}

/// A short life of one model that touches every view. Stores the objects it names.
pub async fn life(ledger: &Ledger) -> Vec<Event> {
    let envelope = ledger.put_object(b"{\"payload\":\"signed evidence\"}").await.unwrap();
    let certificate = ledger.put_object(b"{\"recall\":\"certificate\"}").await.unwrap();
    let model = Some(model());
    vec![
        event(EventKind::SystemRegistered, Some(Digest::of(b"system")), json!({"name": "cheque-reader"})),
        event(
            EventKind::SubjectRecorded,
            model,
            json!({"kind": "model", "name": "digits", "system": "cheque-reader"}),
        ),
        event(
            EventKind::ThreatsDerived,
            None,
            json!({"system": "cheque-reader", "threats": [
                {"id": "EVA-01", "title": "Evasion by small changes", "state": "open", "severity": "high"},
                {"id": "SUP-01", "title": "Code in the model file", "state": "open", "severity": "critical"},
                {"id": "DOS-02", "title": "Sponge inputs", "state": "unknown"},
            ]}),
        ),
        event(EventKind::PlanWritten, None, json!({"checks": ["scan", "evasion"]})),
        event(
            EventKind::EvidenceRecorded,
            model,
            json!({"envelope": envelope, "check": "scan", "verdict": "pass",
                   "finished": "2026-11-23T05:00:00.000Z"}),
        ),
        event(
            EventKind::ThreatChanged,
            None,
            json!({"system": "cheque-reader", "id": "SUP-01", "state": "controlled", "reason": "scan passed"}),
        ),
        event(
            EventKind::WaiverGranted,
            None,
            json!({"system": "cheque-reader", "threats": ["DOS-02"], "reason": "no public endpoint",
                   "until": "2027-01-01"}),
        ),
        event(EventKind::GateDecided, model, json!({"decision": "allow"})),
        event(
            EventKind::ReleaseMade,
            model,
            json!({"id": "r-1", "system": "cheque-reader", "name": "cheque-reader 1.0.0"}),
        ),
        event(EventKind::InstanceStarted, model, json!({"id": "i-1", "target": "host/a", "release": "r-1"})),
        event(EventKind::InstanceStarted, model, json!({"id": "i-2", "target": "host/b", "release": "r-1"})),
        event(
            EventKind::SignalRaised,
            model,
            json!({"id": "s-1", "signal": "drift", "severity": "high", "summary": "Input drifted",
                   "system": "cheque-reader"}),
        ),
        event(EventKind::RecallOrdered, model, json!({"id": "c-1", "reason": "drift"})),
        event(EventKind::InstanceStopped, None, json!({"id": "i-1", "reason": "recall c-1"})),
        event(EventKind::InstanceStopped, None, json!({"id": "i-2", "reason": "recall c-1"})),
        event(EventKind::RecallCertified, model, json!({"id": "c-1", "certificate": certificate})),
        event(
            EventKind::ThreatReopened,
            None,
            json!({"system": "cheque-reader", "id": "EVA-01", "reason": "signal s-1"}),
        ),
        event(
            EventKind::RiskScored,
            None,
            json!({"system": "cheque-reader", "id": "EVA-01", "annual_loss_mean": 12500.25,
                   "annual_loss_p95": 1.0e5, "currency": "EUR"}),
        ),
    ]
}

/// Changes one column of one row, past the ledger.
pub async fn overwrite(
    raw: &impl ConnectionTrait,
    table: &'static str,
    key: &'static str,
    value: impl Into<sea_orm::Value>,
    column: &'static str,
    content: impl Into<sea_orm::Value>,
) {
    let update = Query::update()
        .table(Alias::new(table))
        .value(Alias::new(column), content.into())
        .and_where(Expr::col(Alias::new(key)).eq(value.into()))
        .to_owned();
    let done = raw.execute(&update).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{table}.{column}");
}
