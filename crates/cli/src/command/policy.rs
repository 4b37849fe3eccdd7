//! `policy test|lint|export|eval`.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_core::Severity;
use proofhouse_policy::{Bundle, Entrypoint, lint, test};

use crate::Exit;
use crate::args::PolicyCommand;
use crate::{open, terminal};

pub fn run(command: PolicyCommand) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Test { dir } => {
            let report = test(&bundle(dir.as_deref())?)?;
            for outcome in &report.outcomes {
                let word = if outcome.failure.is_none() { "pass" } else { "FAIL" };
                let why = outcome.failure.as_deref().unwrap_or_default();
                terminal::line(format!("{word}  {} {why}", outcome.name));
            }
            terminal::line(format!(
                "{} passed, {} failed",
                report.outcomes.iter().filter(|o| o.failure.is_none()).count(),
                report.outcomes.iter().filter(|o| o.failure.is_some()).count()
            ));
            terminal::note(format!("{:.1} % of the lines covered", report.covered_share() * 100.0));
            Ok(if report.passed() { Exit::Clean } else { Exit::Findings })
        }
        PolicyCommand::Lint { dir } => {
            let findings = lint(&bundle(dir.as_deref())?);
            findings.iter().for_each(terminal::finding);
            let serious = findings.iter().any(|f| f.severity >= Severity::Medium);
            Ok(if serious { Exit::Findings } else { Exit::Clean })
        }
        PolicyCommand::Export { dir } => export(&dir),
        PolicyCommand::Eval { entrypoint, input } => {
            let entrypoint = Entrypoint::ALL
                .into_iter()
                .find(|e| e.package().ends_with(&format!(".{entrypoint}")))
                .with_context(|| {
                    format!("{entrypoint} is no entry point; use release, deploy, runtime or request")
                })?;
            let text = if input.as_os_str() == "-" {
                std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
            } else {
                std::fs::read_to_string(&input).with_context(|| format!("cannot read {}", input.display()))?
            };
            let value =
                serde_json::from_str(&text).with_context(|| format!("{} is no JSON", input.display()))?;
            let decision = open::policy()?.decide(entrypoint, &value);
            terminal::json(&decision)?;
            Ok(if decision.allow { Exit::Clean } else { Exit::Findings })
        }
    }
}

fn bundle(dir: Option<&Path>) -> anyhow::Result<Bundle> {
    Ok(match dir {
        Some(dir) => Bundle::read(dir)?,
        None => Bundle::shipped(),
    })
}

fn export(dir: &Path) -> anyhow::Result<Exit> {
    let taken = dir.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    anyhow::ensure!(!taken, "{} is not empty; nothing was written", dir.display());
    for (path, text) in Bundle::shipped().files() {
        let file = dir.join(path.as_str());
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        terminal::line(file.display());
    }
    Ok(Exit::Clean)
}
