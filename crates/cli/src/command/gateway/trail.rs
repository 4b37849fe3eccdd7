//! The records of a stand-alone gateway: a file of JSON lines, or nowhere.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use proofhouse_gateway::AuditReceiver;
use tokio::io::AsyncWriteExt as _;

/// Appends every record to `file` until the gateway has ended.
pub async fn keep(mut audit: AuditReceiver, file: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(file) = file else {
        while !audit.batch(1024).await.is_empty() {}
        return Ok(());
    };
    let opened = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&file);
    let mut out =
        tokio::fs::File::from_std(opened.with_context(|| format!("cannot write {}", file.display()))?);
    loop {
        let records = audit.batch(256).await;
        if records.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for record in &records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        out.write_all(&lines).await.with_context(|| format!("cannot write {}", file.display()))?;
        out.flush().await?;
    }
}
