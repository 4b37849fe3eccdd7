//! The scanner alone, for measuring: one line per path, without report or confinement.
//!
//!     cargo run --release -p proofhouse-scan --example verdict -- [--structure-only] PATH…

#![expect(clippy::print_stdout, reason = "it prints verdicts")]

use std::path::Path;

use proofhouse_scan::{Limits, scan_tree};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (options, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let limits = Limits { content: !options.iter().any(|o| o == "--structure-only"), ..Limits::default() };
    for path in paths {
        let report = scan_tree(Path::new(&path), &limits, &|_| {})?;
        println!("{path}: {}, {} files", report.outcome, report.files.len());
    }
    Ok(())
}
