//! `scan`.

mod child;
mod confine;
mod message;
mod show;
mod target;
pub mod worker;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use proofhouse_core::Verdict;
use proofhouse_lifecycle::Progress as _;
use proofhouse_scan::{
    Day, FileReport, Limits, ScanReport, Suppressions, Survey, assemble, rules, rules_page, sarif,
};
use proofhouse_source::Reach;
use rayon::prelude::*;
use serde_json::json;

use crate::Exit;
use crate::args::{ScanArgs, ScanFormat};
use crate::terminal;
use child::Bounds;
use message::Confinement;

pub async fn run(args: &ScanArgs) -> anyhow::Result<Exit> {
    if let Some(id) = &args.explain {
        return show::explain(id);
    }
    if args.list_rules {
        for rule in rules() {
            terminal::line(format!("{:<28} {:<9} {}", rule.id, rule.severity.to_string(), rule.title));
        }
        return Ok(Exit::Clean);
    }
    if args.rules_page {
        terminal::line(rules_page().trim_end());
        return Ok(Exit::Clean);
    }
    let suppressions = args.suppressions.as_deref().map(suppressions).transpose()?.unwrap_or_default();
    let bar = terminal::Bar::new();
    let mut reports = Vec::new();
    let mut failed = None;
    let mut confinement = None;
    for path in &args.paths {
        bar.step(&path.display().to_string());
        // One path that cannot be read does not hide what was found in another.
        let reach = if args.private_redirects { Reach::Private } else { Reach::Public };
        let scanned = target::targets(path, reach, args.stdin_name.as_deref()).await.and_then(|targets| {
            targets.iter().try_for_each(|target| {
                let (report, held) = scan(args, &target.location, &suppressions)?;
                confinement = Some(held);
                reports.push((target.name.clone(), report));
                Ok(())
            })
        });
        if let Err(error) = scanned {
            terminal::error(&terminal::chain(&error));
            failed = Some(Verdict::Unknown);
        }
    }
    drop(bar);
    if let Some(missing) = confinement.and_then(Confinement::missing) {
        terminal::note(format!("this system does not give the scan {missing}"));
    }
    match args.format {
        ScanFormat::Human => reports.iter().for_each(|(path, report)| show::human(path, report)),
        ScanFormat::Json => {
            let all: Vec<_> = reports.iter().map(|(path, r)| json!({"path": path, "report": r})).collect();
            terminal::json(&all)?;
        }
        ScanFormat::Sarif => terminal::json(&sarif(&show::merged(&reports)))?,
    }
    Ok(Verdict::all(reports.iter().map(|(_, r)| r.verdict()).chain(failed)).into())
}

fn scan(args: &ScanArgs, root: &Path, accepted: &Suppressions) -> anyhow::Result<(ScanReport, Confinement)> {
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let today = today()?;
    if args.in_process {
        let limits = Limits { content: !args.structure_only, ..Limits::default() };
        let survey = Survey::of(root, &limits)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let indices = 0..survey.files().len();
        let mut files: Vec<FileReport> =
            pool.install(|| indices.into_par_iter().map(|index| survey.scan(index, &limits)).collect());
        survey.settle(&mut files);
        return Ok((assemble(survey.refused().to_vec(), files, accepted, &today), Confinement::default()));
    }
    let bounds = Bounds {
        threads,
        memory: args.memory_mib.saturating_mul(1 << 20),
        content: !args.structure_only,
        patience: Duration::from_secs(args.patience_seconds),
    };
    let scanned = child::scan(root, bounds)?;
    Ok((assemble(scanned.refused, scanned.files, accepted, &today), scanned.confinement))
}

fn suppressions(path: &Path) -> anyhow::Result<Suppressions> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let suppressions: Suppressions =
        serde_saphyr::from_str(&text).with_context(|| format!("{} holds no suppressions", path.display()))?;
    suppressions.check().with_context(|| path.display().to_string())?;
    Ok(suppressions)
}

/// The day in UTC, by which suppressions end.
fn today() -> anyhow::Result<Day> {
    let now = time::OffsetDateTime::now_utc();
    let text = format!("{:04}-{:02}-{:02}", now.year(), u8::from(now.month()), now.day());
    Day::try_from(text).map_err(anyhow::Error::msg)
}
