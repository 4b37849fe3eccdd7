//! Bends files at random and scans them: no panic, no hang, no memory beyond a bound.
//!
//!     cargo run --release -p proofhouse-scan --example mutate -- FOLDER [COUNT] [SEED]
//!
//! FOLDER is a corpus of `tests/corpus/make.py` or any folder of files. The same seed bends the same way. Prints the
//! slowest scan and the peak of resident memory (Linux), and fails when a scan panics, takes more than a second or memory
//! peaks beyond 64 MB above what the files themselves take.

#![expect(clippy::print_stdout, reason = "it prints what it found")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use proofhouse_scan::{Limits, scan_bytes};

#[path = "../tests/mutation/bend.rs"]
mod bend;

use bend::Source;

/// Larger files take long and hold nothing that smaller ones do not.
const MAX_BYTES: u64 = 64 << 10;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("name a folder")?);
    let count: u64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let seed: u64 = args.next().map_or(Ok(1), |n| n.parse())?;
    let mut files = Vec::new();
    gather(&folder, &mut files)?;
    files.sort();
    let contents: Vec<Vec<u8>> = files.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    if contents.is_empty() {
        return Err("the folder has no files".into());
    }
    let before = peak_kilobytes();
    let (mut slowest, mut panics) = ((Duration::ZERO, 0), 0);
    let limits = Limits { decompressed_bytes: 16 << 20, ..Limits::default() };
    let path = "model.bin".parse()?;
    for number in 0..count {
        let mut source = Source::new(seed, number);
        let bytes = bend::bend(&mut source, &contents);
        let started = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| scan_bytes(&path, &bytes, &limits))).is_err() {
            println!("mutation {number} of seed {seed} panics");
            panics += 1;
        }
        slowest = slowest.max((started.elapsed(), number));
    }
    let grown = peak_kilobytes().saturating_sub(before);
    println!(
        "{count} mutations of {} files, seed {seed}: {panics} panics, slowest {:.3} s (number {}), memory grew by {} MB",
        contents.len(),
        slowest.0.as_secs_f64(),
        slowest.1,
        grown / 1024,
    );
    let good = panics == 0 && slowest.0 < Duration::from_secs(1) && grown < 64 << 10;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        if kind.is_dir() {
            gather(&entry.path(), files)?;
        } else if kind.len() <= MAX_BYTES {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// `VmHWM`, where there is one.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
