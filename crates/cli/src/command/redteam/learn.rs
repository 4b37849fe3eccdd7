//! `redteam learn`: bypasses become regression cases, and weights that know as many of them as the floors allow.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use proofhouse_core::interval::wilson;
use proofhouse_core::{Digest, Interval};
use proofhouse_guard::EncoderChoice;
use proofhouse_guard::detect::LinearDetector;
use proofhouse_guard::detect::learn::{Floor, Learned, Lesson, Report, learn};
use serde::Serialize;
use serde_json::json;

use super::CONFIDENCE;
use super::args::LearnArgs;
use super::lessons::{self, Case, Found};
use crate::args::Format;
use crate::guards::StatedGuard;
use crate::{Exit, open, terminal};

/// Bytes of a journal or of cases.
const MOST_BYTES: u64 = 1 << 30;

pub async fn run(args: &LearnArgs) -> anyhow::Result<Exit> {
    let out = match (&args.out, &args.home) {
        (Some(out), _) => out.clone(),
        (None, Some(home)) => home.join("guard"),
        (None, None) => anyhow::bail!("give --out or --home: the weights have to go somewhere"),
    };
    let stated = StatedGuard::read(args.guard_config.as_deref())?;
    let encoder = beside(&stated)?;
    let (file, seed) = (args.file.clone(), args.seed);
    let kept = out.join("cases.jsonl");
    let bar = terminal::Bar::new();
    let taught = tokio::task::spawn_blocking(move || teach(&file, &kept, stated, seed)).await?;
    drop(bar);
    let Taught { found, cases, learned } = taught?;
    let learned = match learned {
        Ok(learned) => learned,
        Err(why) => {
            if args.format == Format::Json {
                terminal::json(&json!({ "learned": false, "cases": cases.len(), "why": why }))?;
            } else {
                terminal::line(format!("Nothing was learned, nothing was written: {why}."));
            }
            return Ok(Exit::Findings);
        }
    };
    let weights = Digest::of(&learned.weights);
    write(&out, &cases, &learned, weights, encoder)?;
    let result = Outcome::of(&found, &cases, &learned.report, weights);
    let entry = match &args.home {
        None => None,
        Some(home) => Some(open::house(home).await?.record_detector(weights, &result).await?),
    };
    match args.format {
        Format::Json => terminal::json(&json!({
            "learned": true, "cases": cases.len(), "folder": out, "entry": entry, "result": result
        }))?,
        Format::Human => result.tell(&found, &out, entry),
    }
    Ok(if result.not_learned.is_empty() { Exit::Clean } else { Exit::Findings })
}

/// The encoder as a guard.yaml in another folder states it.
fn beside(stated: &StatedGuard) -> anyhow::Result<Option<EncoderChoice>> {
    Ok(match stated.config.detector.encoder.clone() {
        Some(EncoderChoice::Folder { folder, digest }) => {
            let folder = stated.folder.join(folder);
            let folder = folder.canonicalize().with_context(|| format!("{}", folder.display()))?;
            Some(EncoderChoice::Folder { folder, digest })
        }
        other => other,
    })
}

struct Taught {
    found: Found,
    cases: Vec<Case>,
    /// Or why there is nothing.
    learned: Result<Learned, String>,
}

/// All that takes long. The weights are always trained from those of the build, on all cases: the same cases
/// and seed give the same file, and many small lessons do not drift away from what was measured.
fn teach(file: &Path, kept: &Path, stated: StatedGuard, seed: u64) -> anyhow::Result<Taught> {
    let at = || format!("{}", file.display());
    let size = std::fs::metadata(file).with_context(at)?.len();
    ensure!(size <= MOST_BYTES, "{} has more than {MOST_BYTES} bytes", file.display());
    let guard = stated.make()?;
    let found = lessons::found(&std::fs::read(file).with_context(at)?, &guard).with_context(at)?;
    let earlier = match std::fs::read(kept) {
        Ok(bytes) => lessons::cases(&bytes).with_context(|| format!("{}", kept.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("{}", kept.display())),
    };
    let cases = lessons::together(earlier, found.cases.clone());
    let lessons: Vec<Lesson> = cases.iter().map(Lesson::from).collect();
    let base = LinearDetector::embedded();
    let learned = learn(&base, guard.second(), &lessons, seed).map_err(|error| error.to_string());
    Ok(Taught { found, cases, learned })
}

/// Writes the folder; each file is whole or as it was.
fn write(
    out: &Path,
    cases: &[Case],
    learned: &Learned,
    digest: Digest,
    encoder: Option<EncoderChoice>,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut stated = format!(
        "# The detector that was learned. Give this file as a guard's configuration, or copy these lines into yours.\n\
         detector:\n  weights: linear.weights\n  digest: {digest}\n"
    );
    if let Some(encoder) = encoder {
        // JSON is YAML too.
        stated.push_str(&format!("  encoder: {}\n", serde_json::to_string(&encoder)?));
    }
    replace(&out.join("cases.jsonl"), lessons::written(cases)?.as_bytes())?;
    replace(&out.join("linear.weights"), &learned.weights)?;
    replace(&out.join("guard.yaml"), stated.as_bytes())
}

fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let at = || format!("cannot write {}", path.display());
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = std::fs::File::create(&new).with_context(at)?;
    file.write_all(bytes).with_context(at)?;
    file.sync_all().with_context(at)?;
    std::fs::rename(&new, path).with_context(at)
}

/// What was measured, for reports and beside the ledger.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Digest of the new weights file.
    weights: Digest,
    /// Digest of what it was trained from, as the detector names it.
    base: String,
    cases: Pair,
    variants: Pair,
    /// Frozen harmless texts called an attack, and groups of them.
    harmless: Pair,
    groups: Vec<Group>,
    /// Cases that are judged wrongly still.
    not_learned: Vec<NotLearned>,
    /// The floor that learning all of them would have broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_the_way: Option<Floor>,
    bypasses: usize,
    known_alone: usize,
    too_short: usize,
}

#[derive(Debug, Serialize)]
struct NotLearned {
    /// Which line of cases.jsonl, from 1.
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<String>,
}

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    attack: bool,
    called_attack: Pair,
}

/// A count before and after.
#[derive(Debug, Serialize)]
struct Pair {
    of: usize,
    before: Share,
    after: Share,
}

#[derive(Debug, Serialize)]
struct Share {
    count: usize,
    interval: Interval,
}

impl Pair {
    fn new(before: usize, after: usize, of: usize) -> Self {
        let share = |count: usize| Share { count, interval: wilson(count as u64, of as u64, CONFIDENCE) };
        Self { of, before: share(before), after: share(after) }
    }

    fn words(&self) -> String {
        let of = self.of;
        let share = |s: &Share| {
            let percent = 100.0 * s.count as f64 / of.max(1) as f64;
            let (low, high) = (100.0 * s.interval.low, 100.0 * s.interval.high);
            format!("{:>5} ({percent:.1} %, {low:.1} to {high:.1} %)", s.count)
        };
        format!("{}  ->  {}  of {of}", share(&self.before), share(&self.after))
    }
}

impl Outcome {
    fn of(found: &Found, cases: &[Case], report: &Report, weights: Digest) -> Self {
        let harmless = report.floors.iter().filter(|f| !f.attack);
        let (before, after, of) =
            harmless.fold((0, 0, 0), |(b, a, n), f| (b + f.before, a + f.after, n + f.texts));
        Self {
            weights,
            base: report.before.clone(),
            cases: Pair::new(report.right_before, report.right_after, report.lessons),
            variants: Pair::new(report.variants_right_before, report.variants_right_after, report.variants),
            harmless: Pair::new(before, after, of),
            groups: report
                .floors
                .iter()
                .map(|f| Group {
                    name: f.group.clone(),
                    attack: f.attack,
                    called_attack: Pair::new(f.before, f.after, f.texts),
                })
                .collect(),
            not_learned: report
                .not_learned
                .iter()
                .filter_map(|at| {
                    let case = cases.get(*at)?;
                    Some(NotLearned {
                        line: at + 1,
                        family: case.family.clone(),
                        attempt: case.attempt.clone(),
                    })
                })
                .collect(),
            in_the_way: report.in_the_way.clone(),
            bypasses: found.through,
            known_alone: found.known,
            too_short: found.short,
        }
    }

    fn tell(&self, found: &Found, out: &Path, entry: Option<u64>) {
        if found.through > 0 {
            terminal::line(format!(
                "{} attacks got through the guard: {} new cases, {} that the detector finds alone, {} too short to say \
                 anything",
                found.through,
                found.cases.len(),
                found.known,
                found.short
            ));
        }
        let line = |name: &str, pair: &Pair| terminal::line(format!("  {name:<42} {}", pair.words()));
        line("cases judged rightly", &self.cases);
        line("variants that were not trained on", &self.variants);
        line("frozen harmless texts stopped", &self.harmless);
        for group in &self.groups {
            line(
                &format!("  {} {}", if group.attack { "found:" } else { "stopped:" }, group.name),
                &group.called_attack,
            );
        }
        if !self.not_learned.is_empty() {
            let why = self.in_the_way.as_ref().map_or_else(
                || "the linear detector cannot tell them from the others".to_owned(),
                |f| format!("the floor of `{}` stood in the way, with {} of {}", f.group, f.after, f.texts),
            );
            terminal::line(format!("{} cases were not learned: {why}", self.not_learned.len()));
            for case in &self.not_learned {
                let name = |part: &Option<String>| part.clone().unwrap_or_default();
                terminal::line(format!(
                    "  cases.jsonl:{} {} {}",
                    case.line,
                    name(&case.family),
                    name(&case.attempt)
                ));
            }
        }
        terminal::line(format!("Weights {} in {}", self.weights, out.join("linear.weights").display()));
        terminal::line(terminal::quiet(&format!(
            "Use them with --guard-config, --guard or --config {}",
            out.join("guard.yaml").display()
        )));
        if let Some(entry) = entry {
            terminal::line(format!("Ledger entry {entry}."));
        }
    }
}
