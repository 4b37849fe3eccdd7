//! Scanning a directory, file by file in parallel.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use proofhouse_artifact::mapped::{Access, Mapped};
use proofhouse_artifact::{ArtifactError, TreeOptions, list_tree};
use proofhouse_core::{Finding, Place};
use rayon::prelude::*;

use crate::rules::rule;
use crate::{FileReport, Limits, Outcome, ScanError, ScanReport, scan_bytes, tables_version};

/// Scans every file under `root`, which may be a file itself. `progress` is called with the bytes done so
/// far, from any thread. The report depends on the bytes and the tables only.
///
/// Entries that cannot be part of a model (links, pipes, unnameable files) are findings and are not
/// followed; the rest is scanned all the same.
///
/// # Errors
/// The tree cannot be listed, exceeds the limits, or a file cannot be read.
pub fn scan_tree(
    root: &Path,
    limits: &Limits,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<ScanReport, ScanError> {
    let options =
        TreeOptions { max_files: limits.max_files, max_bytes: limits.max_bytes, ..TreeOptions::default() };
    let mut findings = Vec::new();
    let mut outcome = Outcome::Clean;
    let files = list_tree(root, &options, &mut |refused| {
        let finding = refusal(root, &refused).ok_or(refused)?;
        outcome = outcome.max(rule("tree/refused").outcome);
        findings.push(finding);
        Ok(())
    })?;
    let done = AtomicU64::new(0);
    let scanned: Vec<Result<FileReport, ArtifactError>> = files
        .par_iter()
        .map(|file| {
            let bytes = Mapped::open(&file.location, Access::Map)?;
            let report = scan_bytes(&file.path, &bytes, limits);
            progress(done.fetch_add(report.size, Ordering::Relaxed) + report.size);
            Ok(report)
        })
        .collect();
    let mut files = scanned.into_iter().collect::<Result<Vec<_>, _>>()?;
    for file in &mut files {
        outcome = outcome.max(file.outcome);
        findings.append(&mut file.findings);
    }
    findings.sort();
    Ok(ScanReport { outcome, files, findings, tables_version: tables_version().to_owned() })
}

/// The finding for an entry that was refused; `None` for what is an error.
fn refusal(root: &Path, refused: &ArtifactError) -> Option<Finding> {
    let path = match refused {
        ArtifactError::Symlink(path) | ArtifactError::NotUtf8(path) | ArtifactError::Special { path, .. } => {
            path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
        }
        ArtifactError::Name(_) => ".".to_owned(),
        _ => return None,
    };
    let rule = rule("tree/refused");
    let what = match refused {
        ArtifactError::Symlink(_) => "it is a symbolic link".to_owned(),
        ArtifactError::NotUtf8(_) => "its name is not UTF-8".to_owned(),
        ArtifactError::Special { kind, .. } => format!("it is {kind}"),
        other => other.to_string(),
    };
    Some(Finding {
        rule: rule.id.to_owned(),
        severity: rule.severity,
        message: format!("{path:?} cannot be part of a model: {what}"),
        place: Place::file(path),
        remediation: rule.remediation.to_owned(),
        references: rule.references(),
    })
}
