//! `scan`.

use proofhouse_core::Verdict;
use proofhouse_lifecycle::Progress as _;
use proofhouse_scan::{Limits, ScanReport, rules, sarif, scan_tree};
use serde_json::json;

use crate::Exit;
use crate::args::{ScanArgs, ScanFormat};
use crate::terminal;

pub fn run(args: &ScanArgs) -> anyhow::Result<Exit> {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    if args.list_rules {
        for rule in rules() {
            terminal::line(format!("{:<28} {:<9} {}", rule.id, rule.severity.to_string(), rule.title));
        }
        return Ok(Exit::Clean);
    }
    let bar = terminal::Bar::new();
    let mut reports = Vec::new();
    let mut failed = None;
    for path in &args.paths {
        bar.step(&path.display().to_string());
        // One path that cannot be read does not hide what was found in another.
        match scan_tree(path, &Limits::default(), &|_| ()) {
            Ok(report) => reports.push((path, report)),
            Err(error) => {
                terminal::error(&error.to_string());
                failed = Some(Verdict::Unknown);
            }
        }
    }
    drop(bar);
    match args.format {
        ScanFormat::Human => {
            reports.iter().for_each(|(path, report)| human(&path.display().to_string(), report))
        }
        ScanFormat::Json => {
            let all: Vec<_> = reports.iter().map(|(path, r)| json!({"path": path, "report": r})).collect();
            terminal::json(&all)?;
        }
        ScanFormat::Sarif => terminal::json(&sarif(&merged(&reports)))?,
    }
    Ok(Verdict::all(reports.iter().map(|(_, r)| r.verdict()).chain(failed)).into())
}

fn human(path: &str, report: &ScanReport) {
    terminal::line(format!("{path}: {}", terminal::strong(&format!("{:?}", report.outcome).to_lowercase())));
    for file in &report.files {
        terminal::line(format!(
            "  {:<12} {:<12} {} of {} bytes accounted for  {}",
            format!("{:?}", file.outcome).to_lowercase(),
            file.format.name(),
            file.covered_bytes,
            file.size,
            file.path
        ));
    }
    report.findings.iter().for_each(terminal::finding);
}

/// One report over several paths, for formats that know only one.
fn merged(reports: &[(&std::path::PathBuf, ScanReport)]) -> ScanReport {
    let mut all = ScanReport {
        outcome: reports.iter().map(|(_, r)| r.outcome).max().unwrap_or(proofhouse_scan::Outcome::Clean),
        files: Vec::new(),
        findings: Vec::new(),
        tables_version: proofhouse_scan::tables_version().to_owned(),
    };
    for (_, report) in reports {
        all.files.extend(report.files.iter().cloned());
        all.findings.extend(report.findings.iter().cloned());
    }
    all
}

fn explain(id: &str) -> anyhow::Result<Exit> {
    let Some(rule) = rules().iter().find(|r| r.id == id) else {
        let near: Vec<&str> =
            rules().iter().map(|r| r.id).filter(|r| r.split('/').next() == id.split('/').next()).collect();
        anyhow::bail!(
            "there is no rule {id}; near it are {}",
            if near.is_empty() { "none (see --list-rules)".to_owned() } else { near.join(", ") }
        );
    };
    terminal::line(terminal::strong(rule.id));
    terminal::line(format!("{} ({})", rule.title, rule.severity));
    terminal::line("");
    terminal::line(rule.what);
    terminal::line(format!("What to do: {}", rule.remediation));
    for reference in rule.references() {
        terminal::line(terminal::quiet(&reference.to_string()));
    }
    Ok(Exit::Clean)
}
