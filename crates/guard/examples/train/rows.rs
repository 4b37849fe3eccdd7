//! The rows: those of the pools, of the crates that are pinned, and of our own generators.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use proofhouse_core::Digest;
use proofhouse_dialogue::Carrier;
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::detect::train::Row;
use serde::Deserialize;

use crate::held_out::{FOLDS, fold_of};

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
pub(crate) fn read_pool(folder: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
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
pub(crate) fn read_crates(folder: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
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
pub(crate) fn embedded(rows: &[Row], seed: u64) -> Vec<Row> {
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

/// What was written by hand: each text by itself, and what stands in documents within some of the pool that no fold leaves
/// out and of our own. Families are spread over the folds, attacks and their near misses together.
pub(crate) fn written(rows: &[Row], seed: u64) -> Vec<Row> {
    /// Documents of either kind that one stands in.
    const WITHIN: usize = 3;
    /// Longest of them, in bytes.
    const LONGEST: usize = 6000;
    let mut draw = Draw::new(seed ^ 0x3417);
    let hosts = |carrier| -> Vec<&Row> {
        let fits = |row: &&Row| !row.attack && row.carrier == carrier && row.text.len() <= LONGEST;
        rows.iter().filter(fits).filter(|row| fold_of(&row.source).is_none()).collect()
    };
    let (documents, programs) = (hosts(Carrier::Document), hosts(Carrier::Code));
    let mut made = Vec::new();
    for text in corpus::written() {
        let fold = Digest::of(text.family.as_bytes()).as_bytes()[0] as usize % FOLDS.len();
        let mut row = |(of, payload): (String, Option<Range<usize>>)| {
            made.push(Row {
                text: of,
                attack: text.attack,
                carrier: text.carrier,
                source: format!("written {fold}"),
                payload: payload.filter(|_| text.attack),
            });
        };
        row((text.text.clone(), None));
        for _ in 0..WITHIN {
            row(corpus::vary(&text.text, text.carrier, &mut draw));
            let hosts = if text.carrier == Carrier::Code { &programs } else { &documents };
            if text.carrier != Carrier::Chat
                && let Some(host) = draw.pick(hosts)
            {
                let (text, payload) = corpus::put(&host.text, &text.text, &mut draw);
                row((text, Some(payload)));
            }
        }
    }
    made
}

/// Texts of our own, each once: `attacks` attacks and five times as many benign texts.
pub(crate) fn generated(attacks: usize, seed: u64) -> Vec<Row> {
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

/// Writes all rows as lines of JSON, compressed, each with the number of the fold that leaves it out, if any;
/// `unseen` rows belong to the fold -1.
pub(crate) fn write_rows(rows: &[Row], unseen: &[Row], file: &Path) -> Result<(), Box<dyn Error>> {
    let out = std::io::BufWriter::new(std::fs::File::create(file)?);
    let mut out = flate2::write::GzEncoder::new(out, flate2::Compression::default());
    let seen = rows.iter().map(|row| (row, fold_of(&row.source).and_then(|fold| i64::try_from(fold).ok())));
    for (row, fold) in seen.chain(unseen.iter().map(|row| (row, Some(-1)))) {
        let line = serde_json::json!({
            "text": row.text, "attack": row.attack, "carrier": row.carrier, "source": row.source,
            "payload": row.payload.as_ref().map(|payload| [payload.start, payload.end]), "fold": fold,
        });
        writeln!(out, "{line}")?;
    }
    out.finish()?.flush()?;
    Ok(())
}
