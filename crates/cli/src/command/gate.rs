//! `gate` and `release`: assess what lies on the disk, package it, ask the policy, and release what it
//! allows.

use proofhouse_core::Verdict;
use proofhouse_lifecycle::{Decided, Evidence};
use serde_json::json;

use crate::Exit;
use crate::args::{Format, ProjectArgs};
use crate::command::assess;
use crate::{open, terminal};

pub async fn run(args: ProjectArgs, release: bool) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args)?;
    let house = open::house(&home).await?;
    let policy = open::policy()?;
    let environment = environment(&project)?;
    let (planned, _) = house.plan(&project).await?;
    let bar = terminal::Bar::new();
    let (assessment, _) = house.assess(&project, &planned, policy.digest(), &bar).await?;
    drop(bar);
    let candidate = house.package(&project, &planned, &assessment).await?;
    let (decided, _) =
        house.decide_release(&project, &planned, &assessment, &candidate, &policy, &environment).await?;
    let released = if release && decided.decision.allow {
        Some(house.release(&project, &assessment, &candidate, &decided, &environment).await?)
    } else {
        None
    };
    if args.format == Format::Json {
        terminal::json(&json!({
            "model": assessment.model.digest(),
            "environment": environment,
            "decision": decided.decision,
            "envelope": decided.envelope,
            "seq": decided.seq,
            "release": released.as_ref().map(|(r, _)| json!({"folder": r.dir, "statement": r.statement})),
        }))?;
    } else {
        summary(&decided, usize::MAX);
        if !decided.decision.allow {
            findings(assessment.evidence.iter().chain(&candidate.evidence));
        }
        if let Some((release, _)) = &released {
            terminal::line(format!("released as {} in {}", release.statement.release, release.dir.display()));
        }
    }
    Ok(if decided.decision.allow { Exit::Clean } else { Exit::Findings })
}

/// The environment that the system file deploys to; `unstated` where it deploys nowhere.
pub fn environment(project: &proofhouse_lifecycle::Project) -> anyhow::Result<String> {
    Ok(project
        .system
        .deployment
        .as_ref()
        .map_or_else(|| "unstated".to_owned(), |d| d.environment.to_string()))
}

/// What the checks found that did not pass: the files, rows and causes behind the reasons of a denial.
pub fn findings<'a>(evidence: impl Iterator<Item = &'a Evidence>) {
    for evidence in evidence.filter(|e| e.result().verdict != Verdict::Pass) {
        assess::line(evidence);
        evidence.result().findings.iter().for_each(terminal::finding);
    }
}

/// The decision with its reasons.
pub fn summary(decided: &Decided, most: usize) {
    let decision = &decided.decision;
    let word = if decision.allow { "ALLOW" } else { "DENY" };
    terminal::line(format!(
        "{}  on {} pieces of evidence, policy {} ({} reasons against, {} waived, {} warnings)",
        terminal::strong(word),
        decision.evidence.len(),
        decision.policy.short(),
        decision.deny.len(),
        decision.waived.len(),
        decision.warn.len()
    ));
    for reason in decision.deny.iter().take(most) {
        terminal::line(format!(
            "  deny  {:<24} {:<8} {}",
            reason.code,
            reason.severity.to_string(),
            reason.msg
        ));
        if !reason.solution.is_empty() {
            terminal::line(terminal::quiet(&format!("        {}", reason.solution)));
        }
    }
    let mut warnings: Vec<_> = decision.warn.iter().collect();
    warnings.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    for reason in warnings.into_iter().take(most) {
        terminal::line(format!(
            "  warn  {:<24} {:<8} {}: {}",
            reason.code,
            reason.severity.to_string(),
            reason.subject,
            reason.msg
        ));
    }
    let hidden = decision.deny.len().saturating_sub(most) + decision.warn.len().saturating_sub(most);
    if hidden > 0 {
        terminal::line(terminal::quiet(&format!("  … and {hidden} more in the report")));
    }
}
