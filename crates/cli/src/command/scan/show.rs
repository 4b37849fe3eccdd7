//! What a person reads of a scan, and one report over several paths.

use std::path::{Component, Path};

use proofhouse_scan::{Rule, ScanReport, rules};

use crate::Exit;
use crate::terminal;

/// Writes one report for people: files, findings, what is suppressed and what no longer is.
pub fn human(path: &str, report: &ScanReport) {
    terminal::line(format!("{path}: {}", terminal::strong(&report.outcome.to_string())));
    for file in &report.files {
        terminal::line(format!(
            "  {:<12} {:<12} {} of {} bytes accounted for  {}",
            file.outcome.to_string(),
            file.format.name(),
            file.covered_bytes,
            file.size,
            file.path
        ));
    }
    // The worst first: who stops reading has read what matters.
    let mut findings: Vec<_> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings.into_iter().for_each(terminal::finding);
    for suppressed in &report.suppressed {
        let finding = &suppressed.finding;
        terminal::line(terminal::quiet(&format!(
            "suppressed until {} by {}: {} in {} ({})",
            suppressed.expires, suppressed.owner, finding.rule, finding.place, suppressed.reason
        )));
    }
    for ended in &report.ended_suppressions {
        terminal::line(terminal::quiet(&ended.to_string()));
    }
}

/// One report over several paths, with places as seen from where the command ran: a code host knows the
/// repository, not the folder that was scanned.
pub fn merged(reports: &[(String, ScanReport)]) -> ScanReport {
    let mut all = ScanReport::empty();
    for (root, report) in reports {
        let prefix = prefix(Path::new(root));
        let place = |path: &str| match prefix.as_str() {
            "" => path.to_owned(),
            prefix => format!("{prefix}/{path}"),
        };
        all.outcome = all.outcome.max(report.outcome);
        all.files.extend(report.files.iter().cloned().map(|mut file| {
            // A path that cannot name a file of a subject keeps its name within the scanned folder.
            file.path = place(file.path.as_str()).parse().unwrap_or(file.path);
            file
        }));
        all.findings.extend(report.findings.iter().cloned().map(|mut finding| {
            finding.place.path = place(&finding.place.path);
            finding
        }));
        all.suppressed.extend(report.suppressed.iter().cloned().map(|mut suppressed| {
            suppressed.finding.place.path = place(&suppressed.finding.place.path);
            suppressed
        }));
        all.ended_suppressions.extend(report.ended_suppressions.iter().cloned());
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

/// Says what one rule means.
pub fn explain(id: &str) -> anyhow::Result<Exit> {
    let Some(rule) = rules().iter().find(|r| r.id == id) else {
        let near: Vec<&str> =
            rules().iter().map(|r| r.id).filter(|r| r.split('/').next() == id.split('/').next()).collect();
        anyhow::bail!(
            "there is no rule {id}; near it are {}",
            if near.is_empty() { "none (see --list-rules)".to_owned() } else { near.join(", ") }
        );
    };
    rule_in_full(rule);
    Ok(Exit::Clean)
}

fn rule_in_full(rule: &Rule) {
    terminal::line(terminal::strong(rule.id));
    terminal::line(format!("{} ({}; a file with it is {})", rule.title, rule.severity, rule.outcome));
    terminal::line("");
    terminal::line(rule.what);
    terminal::line(format!("What to do: {}", rule.remediation));
    for reference in rule.references() {
        terminal::line(terminal::quiet(&reference.to_string()));
    }
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
