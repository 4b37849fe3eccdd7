//! `harden`: adversarial training from an ONNX file and data alone, with a signed statement of where the new
//! model comes from.

mod lineage;
mod page;
mod show;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use proofhouse_core::{Digest, Measurement};
use proofhouse_lifecycle::Progress as _;
use proofhouse_onnx::Trainable;
use proofhouse_robustness::harden::{
    Checkpoint, Epoch, Hardened, Method, Optimiser, Recipe, Schedule, Training,
};
use proofhouse_robustness::{
    Access, Attack, Bounds, Budget, Chance, Counting, LabelledRows, Threat, Victim, evade, standard,
};
use serde::{Deserialize, Serialize};

use crate::Exit;
use crate::args::Format;
use crate::args::harden::{HardenArgs, MethodArg, OptimiserArg, ScheduleArg};
use crate::command::attack::rows::{Rows, classifier_options, norm};
use crate::engine::Engines;
use crate::terminal;

/// What hardening came to.
#[derive(Debug, Serialize)]
pub struct Report {
    schema: &'static str,
    /// Digest of the file before.
    old: Digest,
    /// Digest of the file after.
    new: Digest,
    /// Digest of the rows learned from.
    data: Digest,
    recipe: Recipe,
    epochs: Vec<Epoch>,
    /// The epoch whose weights were taken.
    chosen: usize,
    before: Standing,
    after: Standing,
    /// Attacks of the comparison.
    attacks: String,
    /// Rows of the comparison.
    rows: usize,
    /// Whether the rows of the comparison helped to choose the epoch, so that it flatters.
    chosen_by_these_rows: bool,
}

/// How a model does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// Correct, without an attack.
    pub clean: Measurement,
    /// Correct under attack: an upper bound.
    pub robust: Measurement,
}

pub async fn run(args: HardenArgs) -> anyhow::Result<Exit> {
    let key = args.key.as_deref().map(proofhouse_attest::keyfile::read_signing).transpose()?;
    let args = Arc::new(args);
    let (report, file) = tokio::task::spawn_blocking({
        let args = Arc::clone(&args);
        move || harden(&args)
    })
    .await??;
    write(&args.output, &file)?;
    if let Some(key) = &key {
        let mut beside = args.output.clone().into_os_string();
        beside.push(".lineage.json");
        let path = args.lineage.clone().unwrap_or_else(|| beside.into());
        write(&path, &lineage::signed(&report, &args.model, &args.output, key)?)?;
        terminal::note(format!(
            "{}: {} comes from {}, signed",
            path.display(),
            report.new.short(),
            report.old.short()
        ));
    } else {
        terminal::note("without --key nobody signs where the new model comes from");
    }
    if let Some(file) = &args.html {
        let name = args.model.file_name().map_or_else(|| "model".into(), |n| n.to_string_lossy());
        write(file, proofhouse_report::render_examination(&page::page(&report, &name)).as_bytes())?;
        terminal::note(format!("page: {}", file.display()));
    }
    match args.format {
        Format::Json => terminal::line(serde_json::to_string_pretty(&report)?),
        Format::Human => show::show(&report),
    }
    Ok(Exit::Clean)
}

fn harden(args: &HardenArgs) -> anyhow::Result<(Report, Vec<u8>)> {
    let file = std::fs::read(&args.model).with_context(|| format!("cannot read {}", args.model.display()))?;
    let all = Rows::read(&args.data, None)?;
    let engines = Engines::of(&args.engine)?;
    let options = classifier_options(&engines, &file, &all, args.scale)?;
    let (learn, judge) = split(&all, args)?;
    let test = args.test.as_deref().map(|path| Rows::read(path, Some(args.rows))).transpose()?;
    let recipe = recipe(args)?;
    let model = engines.trainable(&file, options.clone()).context("this model cannot be trained")?;
    terminal::note(format!("{} weights in {} tensors", weights(&model), model.names().len()));
    let compared = test.as_ref().unwrap_or(&judge);
    let before = standing(&model, compared, &recipe, args)?;
    let trained = train(args, model, Digest::of(&file), &learn, &judge, &recipe)?;
    let after = standing(&trained.model, compared, &recipe, args)?;
    let new = trained.model.export()?;
    // What is written is what was measured: the file has to load and answer alike.
    let again = engines.trainable(&new, options).context("the hardened file")?;
    ensure!(
        again.weights() == trained.model.weights(),
        "the hardened file does not hold the weights that were trained; please report this"
    );
    let attacks = ensemble(&recipe, args).iter().map(|a| a.name()).collect::<Vec<_>>().join("+");
    let report = Report {
        schema: "proofhouse.hardening/v1",
        old: Digest::of(&file),
        new: Digest::of(&new),
        data: all.digest,
        recipe,
        epochs: trained.epochs,
        chosen: trained.chosen,
        before,
        after,
        attacks,
        rows: compared.labels.len(),
        chosen_by_these_rows: test.is_none(),
    };
    Ok((report, new))
}

/// Rows to learn from and rows to choose the epoch by.
fn split(all: &Rows, args: &HardenArgs) -> anyhow::Result<(Rows, Rows)> {
    ensure!((0.01..=0.5).contains(&args.set_apart), "--set-apart lies between 0.01 and 0.5");
    let apart = |row: usize| Chance::new(args.seed, "harden split", row).unit() < args.set_apart;
    let (judge, learn): (Vec<usize>, Vec<usize>) = (0..all.labels.len()).partition(|row| apart(*row));
    Ok((all.only(&learn), all.only(&judge)))
}

fn recipe(args: &HardenArgs) -> anyhow::Result<Recipe> {
    let bounds = Bounds::Everywhere { low: args.bounds.low, high: args.bounds.high };
    let threat = Threat { norm: norm(args.norm), eps: args.eps, bounds, grid: None };
    let optimiser = match args.optimiser {
        OptimiserArg::Adam => Optimiser::Adam,
        OptimiserArg::Sgd => Optimiser::Sgd,
    };
    let usual = match optimiser {
        Optimiser::Adam => 5e-3,
        Optimiser::Sgd => 5e-2,
    };
    Ok(Recipe {
        method: match args.method {
            MethodArg::Pgd => Method::Pgd { steps: args.steps },
            MethodArg::Trades => Method::Trades { steps: args.steps, beta: args.beta },
            MethodArg::Fast => Method::Fast,
            MethodArg::Noise => Method::Noise,
            MethodArg::Plain => Method::Plain,
        },
        batch: args.batch,
        optimiser,
        rate: args.rate.unwrap_or(usual),
        schedule: match args.schedule {
            ScheduleArg::OneCycle => Schedule::OneCycle,
            ScheduleArg::Cosine => Schedule::Cosine,
            ScheduleArg::Constant => Schedule::Constant,
        },
        decay: args.decay,
        patience: args.patience,
        ..Recipe::new(threat, args.epochs, args.seed)
    })
}

fn train(
    args: &HardenArgs,
    model: Trainable,
    digest: Digest,
    learn: &Rows,
    judge: &Rows,
    recipe: &Recipe,
) -> anyhow::Result<Hardened> {
    let mut training = Training::new(model, digest, learn.labelled(), judge.labelled(), recipe.clone())?;
    let kept = args.checkpoint.as_deref().filter(|path| path.exists());
    if let Some(path) = kept {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let checkpoint = Checkpoint::from_bytes(&bytes).with_context(|| path.display().to_string())?;
        training = training.resume(checkpoint).with_context(|| path.display().to_string())?;
        terminal::note(format!("goes on after epoch {}", training.epochs().len()));
    }
    let bar = terminal::Bar::new();
    bar.step("training");
    let rows = (recipe.epochs * learn.labels.len()) as u64;
    loop {
        let done = (training.epochs().len() * learn.labels.len()) as u64;
        let Some(epoch) = training.epoch(&mut |seen, _| bar.advance(done + seen as u64, rows))? else {
            break;
        };
        bar.say(&format!(
            "epoch {:>3}  loss {:.4}  set apart: {} of {} correct, {} under attack",
            epoch.epoch, epoch.loss, epoch.clean, epoch.of, epoch.robust
        ));
        if let Some(path) = &args.checkpoint {
            write(path, &training.checkpoint().to_bytes())?;
        }
    }
    drop(bar);
    Ok(training.finish()?)
}

fn ensemble(recipe: &Recipe, args: &HardenArgs) -> Vec<Box<dyn Attack>> {
    let budget = Budget { queries: args.queries, ..Budget::seeded(args.seed) };
    standard(Access::Gradients, recipe.threat.norm, &budget)
}

fn standing(model: &Trainable, rows: &Rows, recipe: &Recipe, args: &HardenArgs) -> anyhow::Result<Standing> {
    let attacks = ensemble(recipe, args);
    let attacks: Vec<&dyn Attack> = attacks.iter().map(AsRef::as_ref).collect();
    let counting = Counting { max_examples: 0, ..Counting::default() };
    let bar = terminal::Bar::new();
    bar.step("attacking");
    let victim = Victim::white_box(model, model);
    let report = evade(&victim, &rows.labelled(), &recipe.threat, &attacks, &counting, &mut |p| {
        bar.advance(p.rows_done as u64, p.rows as u64);
    })?;
    let clean = Measurement::proportion("accuracy", report.attacked, report.n, counting.confidence);
    Ok(Standing { clean, robust: report.robust_accuracy })
}

fn weights(model: &Trainable) -> usize {
    model.weights().iter().map(|w| w.data().len()).sum()
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut beside = path.to_path_buf().into_os_string();
    beside.push(".part");
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

impl Rows {
    fn labelled(&self) -> LabelledRows<'_> {
        LabelledRows::new(&self.values, &self.labels)
    }
}
