//! `scan`.

use std::path::{Component, Path, PathBuf};

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
    let limits = Limits { content: !args.structure_only, ..Limits::default() };
    let bar = terminal::Bar::new();
    let mut reports = Vec::new();
    let mut failed = None;
    for path in &args.paths {
        bar.step(&path.display().to_string());
        // One path that cannot be read does not hide what was found in another.
        match scan_tree(path, &limits, &|_| ()) {
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

/// One report over several paths, with places as seen from where the command ran: a code host knows the
/// repository, not the folder that was scanned.
fn merged(reports: &[(&PathBuf, ScanReport)]) -> ScanReport {
    let mut all = ScanReport {
        outcome: reports.iter().map(|(_, r)| r.outcome).max().unwrap_or(proofhouse_scan::Outcome::Clean),
        files: Vec::new(),
        findings: Vec::new(),
        tables_version: proofhouse_scan::tables_version().to_owned(),
    };
    for (root, report) in reports {
        let prefix = prefix(root);
        let place = |path: &str| match prefix.as_str() {
            "" => path.to_owned(),
            prefix => format!("{prefix}/{path}"),
        };
        all.files.extend(report.files.iter().cloned().map(|mut file| {
            // A path that cannot name a file of a subject keeps its name within the scanned folder.
            file.path = place(file.path.as_str()).parse().unwrap_or(file.path);
            file
        }));
        all.findings.extend(report.findings.iter().cloned().map(|mut finding| {
            finding.place.path = place(&finding.place.path);
            finding
        }));
    }
    all.files.sort_by(|a, b| a.path.cmp(&b.path));
    all.findings.sort();
    all
}

/// The folder that paths in the report of `root` are relative to, as seen from here.
fn prefix(root: &Path) -> String {
    let folder = if root.is_dir() { root } else { root.parent().unwrap_or(Path::new("")) };
    let here = std::env::current_dir().unwrap_or_default();
    let relative = folder.strip_prefix(&here).unwrap_or(folder);
    let parts: Vec<String> = relative
        .components()
        .filter(|c| !matches!(c, Component::CurDir))
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_where_the_command_ran() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(prefix(Path::new("./src")), "src");
        assert_eq!(prefix(Path::new("src/main.rs")), "src");
        assert_eq!(prefix(Path::new("Cargo.toml")), "");
        assert_eq!(prefix(&here.join("src/command")), "src/command");
    }
}
