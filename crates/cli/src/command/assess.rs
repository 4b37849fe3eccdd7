//! `assess`.

use proofhouse_core::Verdict;
use proofhouse_lifecycle::{Assessment, Evidence};
use serde_json::json;

use crate::Exit;
use crate::args::{Format, ProjectArgs};
use crate::{open, terminal};

pub async fn run(args: ProjectArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args)?;
    let house = open::house(&home).await?;
    let policy = open::policy()?;
    let (planned, _) = house.plan(&project).await?;
    let bar = terminal::Bar::new();
    let (assessment, entries) = house.assess(&project, &planned, policy.digest(), &bar).await?;
    drop(bar);
    if args.format == Format::Json {
        let results: Vec<_> = assessment
            .evidence
            .iter()
            .map(|e| json!({"evidence": e.id, "seq": e.seq, "exhibit": e.statement.exhibit, "result": e.result()}))
            .collect();
        terminal::json(&json!({"model": assessment.model.digest(), "evidence": results}))?;
    } else {
        summary(&assessment);
        for evidence in assessment.evidence.iter().filter(|e| e.result().verdict != Verdict::Pass) {
            evidence.result().findings.iter().for_each(terminal::finding);
        }
        terminal::note(format!("recorded as ledger entries {} to {}", entries.0, entries.1));
    }
    Ok(Verdict::all(assessment.evidence.iter().map(|e| e.result().verdict)).into())
}

/// One line per piece of evidence.
pub fn summary(assessment: &Assessment) {
    terminal::line(format!("model {}", assessment.model.digest()));
    assessment.evidence.iter().for_each(line);
}

/// A piece of evidence in one line.
pub fn line(evidence: &Evidence) {
    let result = evidence.result();
    terminal::line(format!(
        "  {} {:<22} {:<16} {}",
        terminal::verdict(result.verdict),
        result.check,
        evidence.subject.name,
        result.criterion,
    ));
}
