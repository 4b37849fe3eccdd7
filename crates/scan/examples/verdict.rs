//! The scanner alone, for measuring: one line per path, without report or confinement.
//!
//!     cargo run --release -p proofhouse-scan --example verdict -- [--structure-only] [--each] [--findings] PATH…
//!
//! `--each` takes every file below a path as one that was handed over alone, `--findings` names what counted. Paths may
//! come from standard input, one on a line, by `-`.

#![expect(clippy::print_stdout, reason = "it prints verdicts")]

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use proofhouse_core::Severity;
use proofhouse_scan::{Limits, scan_tree};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (options, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let asked = |name: &str| options.iter().any(|o| o == name);
    let limits = Limits { content: !asked("--structure-only"), ..Limits::default() };
    let mut open: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path == "-" {
            for line in std::io::stdin().lock().lines() {
                open.push(line?.into());
            }
        } else {
            open.push(path.into());
        }
    }
    open.reverse();
    while let Some(path) = open.pop() {
        if asked("--each") && path.is_dir() {
            let mut inner: Vec<PathBuf> =
                std::fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
            inner.sort();
            open.extend(inner.into_iter().rev());
            continue;
        }
        scan(&path, &limits, asked("--findings"))?;
    }
    Ok(())
}

fn scan(path: &Path, limits: &Limits, findings: bool) -> Result<(), Box<dyn std::error::Error>> {
    let report = scan_tree(path, limits, &|_| {})?;
    println!("{}: {}, {} files", path.display(), report.outcome, report.files.len());
    for finding in report.findings.iter().filter(|f| findings && f.severity > Severity::Info) {
        println!("    {} {}: {}", finding.rule, finding.place, finding.message);
    }
    Ok(())
}
