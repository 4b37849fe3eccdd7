//! `plan`.

use proofhouse_lifecycle::Planned;
use proofhouse_threats::Applicability;
use serde_json::json;

use crate::Exit;
use crate::args::{Format, ProjectArgs};
use crate::{open, terminal};

pub async fn run(args: ProjectArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args)?;
    let house = open::house(&home).await?;
    let (planned, entries) = house.plan(&project).await?;
    if args.format == Format::Json {
        terminal::json(&json!({
            "system": project.id(),
            "threats": planned.derivation.threats,
            "questions": planned.derivation.questions,
            "plan": planned.plan,
            "warnings": planned.derivation.warnings,
            "ledger": {"first": entries.0, "last": entries.1},
        }))?;
    } else {
        summary(&planned, true);
        for warning in &planned.derivation.warnings {
            terminal::finding(warning);
        }
        terminal::note(format!("recorded as ledger entries {} to {}", entries.0, entries.1));
    }
    Ok(Exit::Clean)
}

/// Threats that apply, questions and tests. The proofs are in the report and in `--format json`.
pub fn summary(planned: &Planned, all: bool) {
    let derivation = &planned.derivation;
    let count = |a| derivation.with(a).count();
    terminal::line(format!(
        "{} threats judged: {} apply, {} wait for an answer, {} ruled out by facts, {} without a rule in this build",
        derivation.threats.len(),
        terminal::strong(&count(Applicability::Applies).to_string()),
        count(Applicability::Unknown),
        count(Applicability::NotApplicable),
        count(Applicability::Unsupported),
    ));
    let shown = if all { usize::MAX } else { 6 };
    for threat in derivation.with(Applicability::Applies).take(shown) {
        let because = threat.proof.facts.first().map(|f| match f.line {
            Some(line) => format!("{} = {} (line {line})", f.path, f.value),
            None => format!("{} = {}", f.path, f.value),
        });
        terminal::line(format!(
            "  {} {:<9} {}",
            terminal::strong(&format!("{:<6}", threat.id)),
            threat.impact.to_string(),
            threat.name,
        ));
        if let Some(because) = because {
            terminal::line(terminal::quiet(&format!("         because {because}")));
        }
    }
    let applies = count(Applicability::Applies);
    if applies > shown {
        terminal::line(terminal::quiet(&format!(
            "  … and {} more; all with proofs in the report",
            applies - shown
        )));
    }
    for question in derivation.questions.iter().take(if all { usize::MAX } else { 3 }) {
        let decides: Vec<&str> = question.decides.iter().map(|d| d.as_str()).collect();
        terminal::line(format!("  ? {} ({}; decides {})", question.text, question.path, decides.join(", ")));
    }
    let unable = planned.plan.tests.iter().filter(|t| !planned.can_run(t)).count();
    terminal::line(format!(
        "{} tests planned in {} checks; {} of them this build cannot run, and says so wherever they count",
        planned.plan.tests.len(),
        planned.plan.checks.len(),
        unable
    ));
}
