//! Traffic, windows and alarms; and the load that goes on while a recall is carried out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use proofhouse_gateway::{Observed, ObservedReceiver};
use proofhouse_lifecycle::data::LoadedDataset;
use proofhouse_lifecycle::{Assessment, LookRecord, RaisedSignal, RecallOutcome, Rows, Watch};
use proofhouse_system::DatasetRole;
use tokio::task::JoinSet;

use super::Life;
use crate::plane::{Keys, Plane};
use crate::traffic::{Caller, Door};
use crate::{open, terminal};

/// Requests under way at a time.
const CONCURRENT: usize = 8;
/// How long an observed row may take from the answer to the window.
const OBSERVED_WITHIN: Duration = Duration::from_secs(5);
/// Nothing comes after this long when nobody calls.
const SETTLED: Duration = Duration::from_millis(200);
/// Clients that keep calling while a recall is carried out.
const LOAD_CLIENTS: usize = 16;
/// They go on for this long after the recall is certified.
const LOAD_AFTER: Duration = Duration::from_millis(500);

/// What was seen.
pub struct Watched {
    pub signal: Option<RaisedSignal>,
}

/// Sends each recorded traffic of the system file through the gateway and looks at every full window of
/// what the gateway observed. Ends at the first alarm.
pub async fn run(
    life: &Life,
    assessment: &Assessment,
    plane: &mut Plane,
    keys: &Keys,
) -> anyhow::Result<Watched> {
    let watch = Watch::new(&life.project, &assessment.model, &assessment.datasets)?;
    let budget = watch.monitor().budget();
    life.story.tell(|| {
        terminal::line(format!(
            "  reference of {} columns, windows of {} rows; at most {} false alarms a year at {} looks a day (α {:.1e} a look)",
            watch.monitor().profile().columns().len(),
            watch.window_rows(),
            budget.alarms_per_year(),
            budget.looks_per_day(),
            budget.alpha()
        ));
    });
    let mut observed = plane.observed.take().context("the gateway observes nothing")?;
    let caller = Arc::new(caller(life, plane, keys)?);
    // What the deployment tests sent is no traffic.
    while tokio::time::timeout(SETTLED, observed.batch(256)).await.is_ok_and(|rows| !rows.is_empty()) {}
    let mut looks = Vec::new();
    let mut signal = None;
    let mut seen = 0;
    let recorded = life.project.system.datasets.iter().filter(|d| d.role == DatasetRole::Traffic);
    'traffic: for spec in recorded {
        let traffic = LoadedDataset::load(&life.project, spec)?;
        let width = traffic.feature_names().len();
        for window in traffic.features()?.chunks(width * watch.window_rows()) {
            let rows = through_the_gateway(life, &caller, window, width, &mut observed).await?;
            let (look, raised) =
                life.house.observe(&life.project, &watch, assessment.model.digest(), &rows).await?;
            let worst = look.columns.iter().max_by(|a, b| a.distance.total_cmp(&b.distance));
            life.story.tell(|| {
                terminal::line(format!(
                    "  {:<16} {:>4} rows  largest shift {:.3} in {:<16} {}",
                    traffic.id(),
                    rows.len(),
                    worst.map_or(0.0, |c| c.distance),
                    worst.map_or("", |c| c.column.as_str()),
                    if look.alarmed { terminal::strong("ALARM") } else { "quiet".to_owned() }
                ));
            });
            seen += rows.len() as u64;
            looks.push(LookRecord::of(&watch, &rows, &look, seen, open::now(), raised.as_ref())?);
            if let Some(raised) = raised {
                life.story.tell(|| {
                    terminal::line(format!("  {}  {}: {}", raised.id, raised.severity, raised.summary))
                });
                signal = Some(raised);
                break 'traffic;
            }
        }
    }
    life.house.record_looks(&life.project, &life.environment, &looks).await?;
    Ok(Watched { signal })
}

/// The fastest client that may use the model.
pub fn caller(life: &Life, plane: &Plane, keys: &Keys) -> anyhow::Result<Caller> {
    let deployment =
        life.project.system.deployment.as_ref().context("the system file describes no deployment")?;
    let model = &life.project.model()?.id;
    let may = |client: &&proofhouse_system::Client| {
        deployment.gateway.roles.iter().any(|r| r.id == client.role && r.models.contains(model))
    };
    let client = deployment
        .gateway
        .clients
        .iter()
        .filter(may)
        .max_by(|a, b| a.requests_per_second.get().total_cmp(&b.requests_per_second.get()))
        .with_context(|| format!("no client of the gateway may use {model}"))?;
    let key = keys.of(client.id.as_str())?.expose();
    Caller::new(plane.handle.address(), Door::of(&life.project)?, model.as_str(), Some(key))
}

/// Sends rows and collects what the gateway saw of them.
async fn through_the_gateway(
    life: &Life,
    caller: &Arc<Caller>,
    rows: &[f32],
    width: usize,
    observed: &mut ObservedReceiver,
) -> anyhow::Result<Rows> {
    let spec = life.project.tensors()?;
    let shape: Vec<u32> = spec.input.shape.iter().map(|c| c.get()).collect();
    let mut tasks = JoinSet::new();
    let mut answered = 0;
    for row in rows.chunks_exact(width) {
        while tasks.len() >= CONCURRENT {
            answered += answer(tasks.join_next().await)?;
        }
        let (caller, input, shape, row) =
            (Arc::clone(caller), spec.input.name.clone(), shape.clone(), row.to_vec());
        tasks.spawn(async move { caller.infer_in_turn(&input, &shape, &row).await });
    }
    while let Some(done) = tasks.join_next().await {
        answered += answer(Some(done))?;
    }
    let mut seen = Rows::default();
    let deadline = Instant::now() + OBSERVED_WITHIN;
    while seen.len() < answered && Instant::now() < deadline {
        let left = answered - seen.len();
        let Ok(batch) = tokio::time::timeout(OBSERVED_WITHIN, observed.batch(left)).await else { break };
        batch.iter().for_each(|o| collect(o, &spec.output.name, width, &mut seen));
    }
    Ok(seen)
}

fn answer(
    done: Option<Result<anyhow::Result<crate::traffic::Answer>, tokio::task::JoinError>>,
) -> anyhow::Result<usize> {
    let Some(done) = done else { return Ok(0) };
    let answer = done??;
    anyhow::ensure!(answer.status == 200, "the gateway answered {}: {}", answer.status, answer.json());
    Ok(1)
}

/// Rows of one observed request, with the class of the largest score.
pub fn collect(observed: &Observed, output: &str, width: usize, into: &mut Rows) {
    let Some(input) = observed.inputs.first() else { return };
    let scores = observed.outputs.iter().find(|t| t.name == output).or(observed.outputs.first());
    let count = input.data.len() / width.max(1);
    let classes = scores.map_or(0, |s| s.data.len() / count.max(1));
    for (i, row) in input.data.chunks_exact(width).enumerate() {
        let of_row = scores.and_then(|s| s.data.get(i * classes..(i + 1) * classes));
        let best = of_row.and_then(|s| {
            s.iter()
                .enumerate()
                .filter(|(_, v)| !v.is_nan())
                .max_by(|a, b| a.1.total_cmp(b.1))
                .map(|(c, _)| c)
        });
        into.push(row, best);
    }
}

/// Clients that keep calling, and note when they were answered by a model.
pub struct Load {
    tasks: JoinSet<Vec<Instant>>,
    stop: Arc<AtomicBool>,
}

/// What the clients of a load were answered by a model.
pub struct Served {
    /// When each request that was answered had been sent.
    pub sent: Vec<Instant>,
    /// Those of them that had been sent after the gateway acknowledged the denial. Must be zero.
    pub sent_after_denial: u64,
}

impl Load {
    pub fn start(life: &Life, plane: &Plane, keys: &Keys) -> anyhow::Result<Self> {
        let caller = caller(life, plane, keys)?;
        let body = Door::of(&life.project)?.smallest(&life.project, life.project.model()?.id.as_str())?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..LOAD_CLIENTS {
            let (caller, body, stop) = (caller.clone(), body.clone(), Arc::clone(&stop));
            tasks.spawn(async move {
                let mut answers = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let sent = Instant::now();
                    // Refusals and broken connections are what a recall is supposed to cause.
                    if let Ok(answer) = caller.send(body.clone()).await
                        && answer.status == 200
                    {
                        answers.push(sent);
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                answers
            });
        }
        Ok(Self { tasks, stop })
    }

    /// Lets the clients go on a little, then stops them.
    pub async fn finish(mut self, denied: Option<Instant>) -> anyhow::Result<Served> {
        tokio::time::sleep(LOAD_AFTER).await;
        self.stop.store(true, Ordering::SeqCst);
        let mut sent = Vec::new();
        while let Some(done) = self.tasks.join_next().await {
            sent.extend(done?);
        }
        let after = sent.iter().filter(|t| denied.is_none_or(|denied| **t > denied)).count();
        Ok(Served { sent, sent_after_denial: after as u64 })
    }
}

/// A recall in a few lines.
pub fn recall_summary(outcome: &RecallOutcome, served: &Served) {
    let certificate = &outcome.certificate;
    let after = |t: proofhouse_core::Timestamp| t.unix_ms() - certificate.ordered.unix_ms();
    terminal::line(format!("  {}  {}", certificate.recall, certificate.reason));
    for denial in &certificate.denials {
        terminal::line(format!(
            "  {:>5} ms  {} denies, {} requests under way were cut off",
            after(denial.acknowledged),
            denial.gateway,
            denial.cancelled
        ));
    }
    for instance in &certificate.instances {
        if let proofhouse_lifecycle::StopEvidence::Acknowledged(stopped) = &instance.proof {
            terminal::line(format!("            {} {} (process {})", instance.id, stopped.how, stopped.pid));
        }
    }
    terminal::line(format!(
        "  {:>5} ms  swept; {} clients were answered {} times before the denial, {} after it",
        after(certificate.certified),
        LOAD_CLIENTS,
        served.sent.len() as u64 - served.sent_after_denial,
        certificate.answered_after_denial.max(served.sent_after_denial)
    ));
    match &outcome.file {
        Some(file) => terminal::line(format!("  certificate {}", file.display())),
        None => outcome.gaps.iter().for_each(|gap| terminal::line(format!("  INCOMPLETE: {gap}"))),
    }
}
