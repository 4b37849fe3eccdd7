//! Writes a ledger, exports it, and proves one leaf: what the peers in `tests/peers/ledger` check.
//!
//! `cargo run -p proofhouse-ledger --example export -- DIRECTORY` makes `DIRECTORY/export` and
//! `DIRECTORY/proofs.json`.

use std::error::Error;
use std::path::PathBuf;

use proofhouse_core::{Digest, Timestamp};
use proofhouse_ledger::{CheckpointKey, Event, EventKind, Ledger, verify_export};
use serde_json::json;

const ORIGIN: &str = "proofhouse.example/ledger";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or("give a directory")?);
    std::fs::create_dir_all(&dir)?;
    let key = CheckpointKey::generate(ORIGIN.parse()?)?;
    let verifier = key.verifier().clone();
    let url = format!("sqlite:{}", dir.join("ledger.db").display());
    let ledger = Ledger::open(&url, ORIGIN, Some(key)).await?;

    let envelope = ledger.put_object(b"{\"payloadType\":\"application/vnd.in-toto+json\"}").await?;
    let mut events = vec![Event {
        kind: EventKind::EvidenceRecorded,
        subject: Some(Digest::of(b"a model")),
        actor: "example".into(),
        at: Timestamp::from_unix_ms(1_790_000_000_000),
        body: json!({"envelope": envelope, "check": "scan", "verdict": "pass",
                     "finished": Timestamp::from_unix_ms(1_790_000_000_000)}),
    }];
    events.extend((0..600).map(|i| Event {
        kind: EventKind::GatewayAudit,
        subject: None,
        actor: "example".into(),
        at: Timestamp::from_unix_ms(1_790_000_000_000 + i),
        body: json!({"batch": i, "text": "ünï\u{1F512}", "ratio": 0.1}),
    }));
    let older = ledger.append(&events[..345]).await?.checkpoint;
    ledger.append(&events[345..]).await?;

    let export = dir.join("export");
    let report = ledger.export(&export).await?;
    verify_export(&export, &verifier)?;
    let size = report.checkpoint.size;
    let proofs = json!({
        "verifier": verifier.to_string(),
        "older": older.note,
        "inclusion": ledger.inclusion(517, size).await?,
        "consistency": ledger.consistency(older.checkpoint.size, size).await?,
    });
    std::fs::write(dir.join("proofs.json"), serde_json::to_vec_pretty(&proofs)?)?;
    ledger.close().await?;
    Ok(())
}
