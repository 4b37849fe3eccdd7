//! Scans a corpus and holds every verdict against its manifest.
//!
//!     cargo run -p proofhouse-scan --example corpus -- FOLDER [--all]
//!
//! FOLDER is what `tests/corpus/make.py` wrote. Prints a table per category and every row that has another outcome than
//! expected; `--all` prints each row. Fails when a hostile row is clean or a benign one is not.

#![expect(clippy::print_stdout, reason = "it prints tables")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use proofhouse_core::{FilePath, Finding};
use proofhouse_scan::{Limits, Outcome, scan_bytes, scan_tree};

/// What happened to the rows of a category.
#[derive(Default)]
struct Count {
    rows: u32,
    malicious: u32,
    suspicious: u32,
    unscannable: u32,
    clean: u32,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("name the folder of a corpus")?;
    let all = args.next().is_some_and(|a| a == "--all");
    let folder = Path::new(&folder);
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.csv"))?;
    let mut table: BTreeMap<(bool, String), Count> = BTreeMap::new();
    let mut wrong = 0;
    for line in manifest.lines().skip(1) {
        let mut cells = line.splitn(4, ',');
        let (Some(path), Some(category), Some(expected)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let (outcome, findings, covered) = scan(&folder.join(path))?;
        let benign = expected == "clean";
        let count = table.entry((benign, category.to_owned())).or_default();
        count.rows += 1;
        *match outcome {
            Outcome::Malicious => &mut count.malicious,
            Outcome::Suspicious => &mut count.suspicious,
            Outcome::Unscannable => &mut count.unscannable,
            Outcome::Clean => &mut count.clean,
        } += 1;
        let right = match expected {
            "clean" => outcome == Outcome::Clean && covered,
            "malicious" => outcome == Outcome::Malicious,
            _ => outcome >= Outcome::Suspicious,
        };
        if !right {
            wrong += 1;
        }
        if !right || all {
            println!("{path}: {outcome}, expected {expected}{}", if covered { "" } else { ", not covered" });
            for finding in findings.iter().take(4) {
                println!("    {} {}: {}", finding.rule, finding.place, finding.message);
            }
        }
    }
    println!(
        "\n| category | files | malicious | suspicious | unscannable | clean |\n|---|---|---|---|---|---|"
    );
    let mut total: BTreeMap<bool, Count> = BTreeMap::new();
    for ((benign, category), count) in &table {
        let kind = if *benign { "benign" } else { "hostile" };
        print_row(&format!("{kind}, {category}"), count);
        let sum = total.entry(*benign).or_default();
        sum.rows += count.rows;
        sum.malicious += count.malicious;
        sum.suspicious += count.suspicious;
        sum.unscannable += count.unscannable;
        sum.clean += count.clean;
    }
    for (benign, count) in &total {
        print_row(if *benign { "**benign**" } else { "**hostile**" }, count);
    }
    println!("\n{wrong} rows differ");
    let silent = total.get(&false).map_or(0, |c| c.clean);
    let alarms = total.get(&true).map_or(0, |c| c.malicious + c.suspicious);
    Ok(if silent == 0 && alarms == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_row(name: &str, count: &Count) {
    let Count { rows, malicious, suspicious, unscannable, clean } = count;
    println!("| {name} | {rows} | {malicious} | {suspicious} | {unscannable} | {clean} |");
}

/// Outcome, findings, and whether every byte is accounted for.
fn scan(path: &Path) -> Result<(Outcome, Vec<Finding>, bool), Box<dyn std::error::Error>> {
    let limits = Limits::default();
    if path.is_dir() {
        let report = scan_tree(path, &limits, &|_| {})?;
        return Ok((report.outcome, report.findings, true));
    }
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let name: FilePath = name.parse().unwrap_or("file".parse()?);
    let report = scan_bytes(&name, &std::fs::read(path)?, &limits);
    let covered = report.covered_bytes == report.size;
    Ok((report.outcome, report.findings, covered))
}
