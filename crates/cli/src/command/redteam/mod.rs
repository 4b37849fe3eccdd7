//! `redteam`.

pub mod args;
mod drive;
mod front;
mod journal;
mod learn;
mod lessons;
mod show;
mod target;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use proofhouse_core::Verdict;
use proofhouse_lifecycle::Project;
use proofhouse_lifecycle::language::UnderAttack;
use proofhouse_redteam::{Campaign, Config, Criterion, Report, Scenario, html, junit, sarif};

use args::{AttackArgs, RedteamArgs, RedteamCommand, ReportFormat};
use drive::Line;
use front::Front;
use journal::{Header, Journal};
use target::Target;

use crate::guards::StatedGuard;
use crate::{Exit, terminal};

/// Confidence of all intervals.
const CONFIDENCE: f64 = 0.95;

pub async fn run(args: RedteamArgs) -> anyhow::Result<Exit> {
    match &args.command {
        Some(RedteamCommand::List { format }) => show::list(*format).map(|()| Exit::Clean),
        Some(RedteamCommand::Learn(args)) => learn::run(args).await,
        None => attack(&args.attack).await,
    }
}

async fn attack(args: &AttackArgs) -> anyhow::Result<Exit> {
    let system = match &args.project {
        Some(path) => Some(UnderAttack::read(&Project::load(path)?)?),
        None => None,
    };
    let scenario = match (&system, &args.scenario) {
        (Some(system), _) => system.scenario.clone(),
        (None, Some(file)) => read_scenario(file)?,
        (None, None) => Scenario::demonstration(),
    };
    let criterion = criterion(args)?;
    let target = Target::open(args, system.as_ref().map(|s| &s.model))?;
    let judge = Target::judge(args)?;
    let config = Config {
        seed: args.scope.seed,
        per_family: args.scope.per_family,
        families: args.scope.families.clone(),
        converters: args.scope.converters.clone(),
        converted: args.scope.converted,
        tasks: args.scope.tasks,
        hard_requests: args.scope.hard_requests,
        search: args.scope.budget,
        judged: judge.is_some() || args.judge.unjudged,
        confidence: CONFIDENCE,
    };
    let label = target.label();
    // Without the guard first: what the guard is worth can only be said beside it.
    let sides: &[bool] = match (args.compare, args.guard) {
        (true, _) => &[false, true],
        (false, guard) => &[guard],
    };
    let front = match (sides.contains(&true), &args.guard_config) {
        (false, Some(_)) => {
            bail!("--guard-config says what --guard or --compare puts in front; give one of them")
        }
        (false, None) => None,
        (true, file) => {
            let stated = match (file, &system) {
                (None, Some(system)) => {
                    StatedGuard { config: system.guard.clone(), ..StatedGuard::default() }
                }
                (file, _) => StatedGuard::read(file.as_deref())?,
            };
            Some(Arc::new(Front::new(&scenario, stated)?))
        }
    };
    let mut journal = match &args.journal {
        None => Journal::none(),
        Some(path) => {
            let header = Header {
                journal: 2,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                scenario: scenario.clone(),
                target: label.clone(),
                guard: front.as_ref().map(|front| front.digest()),
                judge: judge.as_ref().map(Target::label),
                config: config.clone(),
            };
            let journal = Journal::open(path, &header)?;
            if journal.len() > 0 {
                terminal::note(format!("going on from {} answers in {}", journal.len(), path.display()));
            }
            journal
        }
    };
    let line = Arc::new(Line::new(target, judge, &args.caps, scenario.clone(), args.scope.seed));
    let bar = terminal::Bar::new();
    let agreement = line.agreement(&bar, CONFIDENCE).await?;
    let mut reports = Vec::new();
    for guarded in sides {
        let front = front.clone().filter(|_| *guarded);
        let mut campaign = Campaign::new(scenario.clone(), config.clone())?;
        if let Some(agreement) = &agreement {
            campaign.judged_by(agreement.clone());
        }
        line.run(&mut campaign, front, &mut journal, &bar).await?;
        let label = if *guarded { format!("{label}, guarded") } else { label.clone() };
        reports.push(campaign.report(label));
    }
    drop(bar);
    write(args, &reports, &criterion)?;
    // Beside a comparison, what is judged is the guarded side.
    Ok(reports.last().map_or(Verdict::Unknown, |r| verdict(&criterion, r)).into())
}

/// A partial campaign is never more than unknown to whoever reads exit codes.
fn verdict(criterion: &Criterion, report: &Report) -> Verdict {
    if report.is_complete() { criterion.verdict(report) } else { Verdict::Unknown }
}

fn write(args: &AttackArgs, reports: &[Report], criterion: &Criterion) -> anyhow::Result<()> {
    let text = match args.format {
        ReportFormat::Human => {
            if args.output.is_some() {
                bail!("--output needs --format json, sarif, junit or html");
            }
            show::human(reports, criterion);
            return Ok(());
        }
        ReportFormat::Json => serde_json::to_string_pretty(&show::json(reports, criterion))?,
        ReportFormat::Sarif => serde_json::to_string_pretty(&sarif(reports, criterion))?,
        ReportFormat::Junit => junit(reports, criterion),
        ReportFormat::Html => html(reports, criterion),
    };
    match &args.output {
        None => terminal::line(text.trim_end()),
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?
        }
    }
    Ok(())
}

fn criterion(args: &AttackArgs) -> anyhow::Result<Criterion> {
    let c = &args.criterion;
    for (name, share) in [
        ("--max-attack-success", c.max_attack_success),
        ("--min-benign-success", c.min_benign_success),
        ("--max-over-refusal", c.max_over_refusal),
    ] {
        if !(0.0..=1.0).contains(&share) {
            bail!("{name} is a share from 0 to 1, not {share}");
        }
    }
    Ok(Criterion {
        max_attack_success: c.max_attack_success,
        min_benign_success: c.min_benign_success,
        max_over_refusal: c.max_over_refusal,
        max_searched_bypasses: c.max_bypasses,
    })
}

fn read_scenario(file: &Path) -> anyhow::Result<Scenario> {
    let at = || format!("scenario {}", file.display());
    let text = std::fs::read_to_string(file).with_context(at)?;
    if file.extension().is_some_and(|e| e == "json") {
        return serde_json::from_str(&text).with_context(at);
    }
    serde_saphyr::from_str(&text).with_context(at)
}
