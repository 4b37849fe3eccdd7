//! `ledger verify|show|object|export|rebuild`.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_ledger::{CheckpointKey, EventKind, Filter, Ledger, VerifierKey};
use proofhouse_lifecycle::{LEDGER_ORIGIN, ledger_url};
use serde_json::json;

use crate::Exit;
use crate::args::{Format, LedgerCommand};
use crate::terminal;

pub async fn run(command: LedgerCommand) -> anyhow::Result<Exit> {
    match command {
        LedgerCommand::Verify { at, checkpoint } => {
            let external = checkpoint
                .map(|path| {
                    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
                })
                .transpose()?;
            let ledger = open(&at.home, false).await?;
            let report = ledger.verify(&verifier(&at.home)?, external.as_deref()).await?;
            if at.format == Format::Json {
                terminal::json(&report)?;
            } else {
                for problem in &report.problems {
                    terminal::error(&problem.to_string());
                }
                if report.is_sound() {
                    terminal::line(format!("verified: {} entries, root {}", report.size, report.root));
                }
            }
            Ok(if report.is_sound() { Exit::Clean } else { Exit::Findings })
        }
        LedgerCommand::Show { at, kind, subject, limit } => {
            let kind: Option<EventKind> = kind.map(|k| k.parse()).transpose()?;
            let filter = Filter { kind, subject, limit, newest_first: true, ..Filter::default() };
            let entries = open(&at.home, false).await?.show(&filter).await?;
            if at.format == Format::Json {
                terminal::json(&entries)?;
            } else {
                for entry in entries.iter().rev() {
                    let subject = entry.subject.map_or_else(String::new, |s| s.short());
                    let body = entry.body.to_string();
                    let short: String = body.chars().take(120).collect();
                    terminal::line(format!(
                        "{:>6}  {}  {:<18} {:<12}  {}",
                        entry.seq,
                        entry.at,
                        entry.kind.to_string(),
                        subject,
                        terminal::quiet(&short)
                    ));
                }
            }
            Ok(Exit::Clean)
        }
        LedgerCommand::Object { at, digest } => {
            let bytes = open(&at.home, false).await?.get_object(&digest).await?;
            let bytes = bytes.with_context(|| format!("{} keeps no document {digest}", at.home.display()))?;
            let text = String::from_utf8(bytes)
                .context("the document is no text; read it from the ledger by a program")?;
            terminal::line(shown(&text));
            Ok(Exit::Clean)
        }
        LedgerCommand::Export { at, dir } => {
            let report = open(&at.home, false).await?.export(&dir).await?;
            if at.format == Format::Json {
                terminal::json(&json!({"folder": dir, "size": report.checkpoint.size}))?;
            } else {
                terminal::line(format!("{} entries in {}", report.checkpoint.size, dir.display()));
            }
            Ok(Exit::Clean)
        }
        LedgerCommand::Rebuild { at } => {
            for view in open(&at.home, true).await?.rebuild().await? {
                terminal::line(format!("{:<12} {:>6} rows  {}", view.view, view.rows, view.digest));
            }
            Ok(Exit::Clean)
        }
    }
}

/// JSON with what JSON leaves as it is and a terminal obeys written as escapes: the text means the same to a program.
fn shown(json: &str) -> String {
    let obeyed = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if obeyed(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

pub async fn open(home: &Path, writing: bool) -> anyhow::Result<Ledger> {
    let url =
        std::env::var("PROOFHOUSE_LEDGER").ok().filter(|u| !u.is_empty()).unwrap_or_else(|| ledger_url(home));
    let signer = if writing { Some(CheckpointKey::read(&home.join("keys/ledger.key"))?) } else { None };
    Ok(Ledger::open(&url, LEDGER_ORIGIN, signer).await?)
}

pub fn verifier(home: &Path) -> anyhow::Result<VerifierKey> {
    Ok(VerifierKey::read(&home.join("keys/ledger.vkey"))?)
}
