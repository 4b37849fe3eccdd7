//! The artifact scan: every file of the model proven inert, and of a format the system file allows.

use proofhouse_core::{Finding, Place, Reference, Severity, Verdict};
use proofhouse_scan::{Limits, ScanReport, scan_tree};
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

/// Scans the model folder.
pub struct ArtifactScan;

impl Check for ArtifactScan {
    fn kinds(&self) -> &'static [&'static str] {
        &["artifact-scan", "graph-inspection"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let config = json!({
            "scan": context.project.system.checks.scan,
            "tables": proofhouse_scan::tables_version(),
        });
        Ok(vec![Setup::of(context.model.subject(), config)])
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        let root = context.project.path(&context.model.spec().path);
        let report = scan_tree(&root, &Limits::default(), &|done| {
            context.progress.advance(done, context.model.files().bytes());
        })?;
        let mut findings = report.findings.clone();
        findings.extend(unexpected_formats(context, &report));
        findings.extend(changed_meanwhile(context, &report));
        let serious = findings.iter().any(|f| f.severity >= Severity::High);
        let verdict = report.verdict().and(Verdict::from(Some(!serious)));
        let files = report.files.len();
        let criterion = format!("all {files} files are proven inert and of an allowed format");
        let mut outcome = Outcome::new(verdict, criterion).found(findings);
        outcome.exhibit = Some(json!({"files": report.files, "subject": setup.subject.digest}));
        Ok(outcome)
    }
}

/// Files of formats that the system file does not allow.
fn unexpected_formats(context: &Context<'_>, report: &ScanReport) -> Vec<Finding> {
    let Some(allowed) = context.project.system.checks.scan.as_ref().and_then(|c| c.allow_formats.as_ref())
    else {
        return Vec::new();
    };
    report
        .files
        .iter()
        .filter(|f| !allowed.contains(&f.format.name().to_owned()))
        .map(|f| Finding {
            rule: "scan/format-not-allowed".to_owned(),
            severity: Severity::High,
            message: format!(
                "the file is {}; the system file allows {}",
                f.format.name(),
                allowed.join(", ")
            ),
            place: Place::file(f.path.as_str()),
            remediation: "remove the file from the model folder, or allow its format under checks.scan"
                .to_owned(),
            references: vec![Reference::new("CWE", "4.16", "CWE-434")],
        })
        .collect()
}

/// The scan reads the disk again; what it read must be what was hashed.
fn changed_meanwhile(context: &Context<'_>, report: &ScanReport) -> Vec<Finding> {
    let hashed = context.model.entries();
    let same = report.files.len() == hashed.len()
        && hashed
            .iter()
            .all(|e| report.files.iter().any(|f| f.path == e.path && f.sha256 == Some(e.content)));
    if same {
        return Vec::new();
    }
    vec![Finding {
        rule: "scan/changed-meanwhile".to_owned(),
        severity: Severity::Critical,
        message: "the files that were scanned are not the files that were hashed".to_owned(),
        place: Place::file(context.model.spec().path.as_str()),
        remediation: "find out what writes to the model folder, and assess again".to_owned(),
        references: vec![Reference::new("CWE", "4.16", "CWE-367")],
    }]
}
