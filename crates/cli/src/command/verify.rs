//! `verify model|statement|certificate`.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_attest::{TrustedKeys, keyfile, oms, verify_statement};
use proofhouse_lifecycle::read_certificate;
use serde_json::json;

use crate::Exit;
use crate::args::VerifyCommand;
use crate::command::ledger;
use crate::terminal;

pub async fn run(command: VerifyCommand) -> anyhow::Result<Exit> {
    match command {
        VerifyCommand::Model { model, signature, key } => {
            let trusted = trusted(&key)?;
            let bundle = read(&signature)?;
            let tree = hash_tree(&model, &TreeOptions::default(), &|_| ())?;
            match oms::verify(&bundle, &tree.files, &trusted) {
                Ok(verified) => {
                    terminal::line(format!("verified: {} signed by {}", tree.digest, verified.signer()));
                    for path in verified.unsigned() {
                        terminal::line(format!("not covered by the signature: {path}"));
                    }
                    Ok(Exit::Clean)
                }
                Err(error) => Ok(refused(&error)),
            }
        }
        VerifyCommand::Statement { file, key } => match verify_statement(&read(&file)?, &trusted(&key)?) {
            Ok(verified) => {
                let statement = verified.statement();
                terminal::json(&json!({
                    "signer": verified.signer(),
                    "predicateType": statement.predicate_type(),
                    "subjects": statement.subjects(),
                    "predicate": statement.predicate(),
                }))?;
                Ok(Exit::Clean)
            }
            Err(error) => Ok(refused(&error)),
        },
        VerifyCommand::Certificate { file, key, home } => {
            let trusted = trusted(&key)?;
            read(&file)?;
            let certificate = match read_certificate(&file, &trusted) {
                Ok(certificate) => certificate,
                Err(error) => return Ok(refused(&error)),
            };
            let mut gaps = certificate.gaps();
            if let Some(home) = &home {
                let ledger = ledger::open(home, false).await?;
                if !ledger.verify(&ledger::verifier(home)?, None).await?.is_sound() {
                    gaps.push("the ledger does not verify; see `proofhouse ledger verify`".to_owned());
                }
                gaps.extend(certificate.cross_check(&ledger).await?);
            }
            terminal::line(format!("{} {}", certificate.digest, certificate.scope));
            terminal::line(format!("ordered {} because {}", certificate.ordered, certificate.reason));
            for instance in &certificate.instances {
                terminal::line(format!("  {}  {}", instance.id, proof(&instance.proof)));
            }
            terminal::line(format!(
                "  {} gateways deny it; {} requests answered after that",
                certificate.denials.len(),
                certificate.answered_after_denial
            ));
            for gap in &gaps {
                terminal::error(gap);
            }
            if gaps.is_empty() {
                terminal::line(format!(
                    "verified: nothing served it any more at {}, {}",
                    certificate.certified, certificate.scope
                ));
                if home.is_none() {
                    terminal::note(
                        "the instances listed are the house's word; --home compares them with its ledger",
                    );
                }
                return Ok(Exit::Clean);
            }
            Ok(Exit::Findings)
        }
    }
}

fn proof(evidence: &proofhouse_lifecycle::StopEvidence) -> String {
    use proofhouse_lifecycle::StopEvidence::{Absent, Acknowledged, LeaseExpired, Recorded, Unproven};
    match evidence {
        Acknowledged(stopped) => format!(
            "{} (process {}){}",
            stopped.how,
            stopped.pid,
            if stopped.connection_refused == Some(true) { ", its address refuses connections" } else { "" }
        ),
        Absent { target } => format!("had ended before: a sweep of {target} found nothing"),
        Recorded { seq } => format!("ledger entry {seq} saw it stop"),
        LeaseExpired { lease_until } => format!("its lease ended {lease_until}"),
        Unproven { reason } => format!("not proven: {reason}"),
    }
}

fn trusted(key: &Path) -> anyhow::Result<TrustedKeys> {
    Ok(TrustedKeys::from(keyfile::read_verifying(key)?))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn refused(error: &dyn std::error::Error) -> Exit {
    terminal::error(&error.to_string());
    Exit::Findings
}
