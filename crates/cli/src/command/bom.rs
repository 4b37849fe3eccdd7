//! `bom write|lint|verify`.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_core::{Finding, Severity};

use crate::Exit;
use crate::args::BomCommand;
use crate::{open, terminal};

pub async fn run(command: BomCommand) -> anyhow::Result<Exit> {
    match command {
        BomCommand::Write(args) => {
            let (project, home) = open::project(&args)?;
            let house = open::house(&home).await?;
            let policy = open::policy()?;
            let (planned, _) = house.plan(&project).await?;
            let mut assessment =
                proofhouse_lifecycle::Assessment::read(&house, &project, policy.digest()).await?;
            // What was measured before goes into the document; nothing is measured for it.
            assessment.evidence = house.current_evidence(&assessment.subjects(&project)).await?;
            let candidate = house.package(&project, &planned, &assessment).await?;
            terminal::line(String::from_utf8(candidate.bom)?.trim_end());
            Ok(Exit::Clean)
        }
        BomCommand::Lint { bom } => Ok(found(&proofhouse_bom::lint(&read(&bom)?))),
        BomCommand::Verify { bom, model } => {
            let tree = hash_tree(&model, &TreeOptions::default(), &|_| ())?;
            Ok(found(&proofhouse_bom::verify(&read(&bom)?, &tree.files)?))
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Shows findings; those of medium severity and above make the command fail.
fn found(findings: &[Finding]) -> Exit {
    findings.iter().for_each(terminal::finding);
    if findings.iter().any(|f| f.severity >= Severity::Medium) {
        return Exit::Findings;
    }
    terminal::line("no fault found");
    Exit::Clean
}
