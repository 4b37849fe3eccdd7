//! Gets hold of a model that can only be asked: reaches it, finds out what it answers, opens the state.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::Digest;
use proofhouse_endpoint::{
    Address, EndpointError, InferenceClient, Key, Limits, Lines, Metadata, RowTarget, RowTemplate,
    Rows as Question, until_answered,
};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::Remote;
use super::journal::Journal;
use super::model::{Ledger, RemoteModel};
use super::reading::{Reading, Told};
use super::served::Served;
use crate::args::attack::EvasionArgs;
use crate::args::remote::RemoteArgs;
use crate::command::attack::rows::Rows;

/// Rows that are shown to find out what the answers are.
const SHOWN: usize = 8;
/// Bytes of an answer.
const ANSWER: usize = 32 << 20;

impl Remote {
    /// Reaches the model that the arguments name, for these rows. On a thread that may wait.
    pub fn open(args: &EvasionArgs, rows: &Rows) -> anyhow::Result<Self> {
        let remote = &args.remote;
        ensure!(remote.batch > 0 && remote.concurrent > 0, "a limit of 0 would let no question through");
        if let (Some(path), false) = (&remote.state, remote.resume) {
            Journal::is_free(path)?;
        }
        let handle = Handle::current();
        let _entered = handle.enter();
        let served = remote.serve.as_ref().map(|command| Served::start(remote, command)).transpose()?;
        let (Reached { target, served }, metadata, most) = reach(remote, served, &handle, &rows.shape)?;
        let batch = remote.batch.min(most.unwrap_or(usize::MAX));
        // What it says to a few rows shows what it says.
        let features: usize = rows.shape.iter().product();
        let n = rows.labels.len().min(SHOWN).min(batch);
        ensure!(n > 0 && features > 0, "there are no rows to attack");
        let values: Vec<f32> =
            rows.values.iter().take(n * features).map(|v| v * args.subject.scale).collect();
        let question = Question { values: &values, shape: &rows.shape };
        let most = patience(remote, served.as_ref());
        let first = async { until_answered(|| target.ask(question), || alive(served.as_ref()), most).await };
        let answers = handle.block_on(first).map_err(|error| explained(error, served.as_ref()))?;
        let told = Told {
            output: remote.output_tensor.as_deref(),
            answers: remote.answers,
            classes: remote.classes.as_deref(),
            labels: &rows.labels,
        };
        let reading = Reading::of(&answers.outputs, n, told)?;
        let settings = settings(args, target.as_ref(), metadata.as_ref(), &reading, rows, batch);
        let journal = match (&remote.state, remote.resume) {
            (None, _) => Journal::none(),
            (Some(path), false) => Journal::create(path, &settings)?,
            (Some(path), true) => Journal::resume(path, &settings, reading.classes)?,
        };
        let ledger = Ledger {
            recognise: n as u64,
            requests: 1,
            repeated: u64::from(answers.attempts.saturating_sub(1)),
            most: remote.max_queries,
            ..Ledger::default()
        };
        let pace = (batch, remote.concurrent);
        let model =
            RemoteModel::new(target, reading, rows.shape.clone(), pace, args.subject.scale, journal, ledger);
        Ok(Self { model, metadata, served })
    }
}

struct Reached {
    target: Arc<dyn RowTarget>,
    served: Option<Served>,
}

/// The target, what is said of its model, and the most rows of one request.
fn reach(
    args: &RemoteArgs,
    mut served: Option<Served>,
    handle: &Handle,
    shape: &[usize],
) -> anyhow::Result<(Reached, Option<Metadata>, Option<usize>)> {
    let limits = limits(args);
    if let (Some(running), true) = (served.as_mut(), args.serve_stdio) {
        let pipes = running.sandbox.pipes().context("the command has no standard input or output")?;
        let label = args.serve.clone().unwrap_or_default();
        let target: Arc<dyn RowTarget> = Arc::new(Lines::new(&label, pipes, limits)?);
        return Ok((Reached { target, served }, None, None));
    }
    let socket = served.as_ref().and_then(|served| served.sandbox.socket()).cloned();
    if let Some(file) = &args.template {
        let at = || format!("template {}", file.display());
        let bytes = std::fs::read(file).with_context(at)?;
        let template = RowTemplate::read(&bytes, socket.as_deref(), limits).with_context(at)?;
        let most = template.takes_one().then_some(1);
        return Ok((Reached { target: Arc::new(template), served }, None, most));
    }
    let url = match (&served, &args.endpoint) {
        (Some(served), _) => served.url.clone(),
        (None, Some(url)) => url.clone(),
        (None, None) => bail!("nothing to attack; give --endpoint, --template or --serve"),
    };
    let key = args.key_env.as_deref().map(Key::from_env).transpose()?;
    let input = args.input_tensor.as_deref();
    let address = || Address { url: &url, socket: socket.as_deref(), key: key.clone(), input };
    let output = args.output_tensor.as_deref();
    let connect = || InferenceClient::connect(address(), output, limits.clone());
    let client = match &served {
        // While it starts nobody answers, which is no failure yet.
        Some(running) => {
            let once = Limits { attempts: 1, ..limits.clone() };
            let try_once = || InferenceClient::connect(address(), output, once.clone());
            let most = patience(args, served.as_ref());
            let waited = async { until_answered(try_once, || running.sandbox.ended().is_none(), most).await };
            handle.block_on(waited).and_then(|_| handle.block_on(connect()))
        }
        None => handle.block_on(connect()),
    };
    let client = client.map_err(|error| explained(error, served.as_ref()))?;
    client.admits(shape)?;
    let (metadata, most) = (client.metadata().clone(), client.most_rows());
    Ok((Reached { target: Arc::new(client), served }, Some(metadata), most))
}

fn limits(args: &RemoteArgs) -> Limits {
    Limits {
        timeout: Duration::from_secs(args.timeout.max(1)),
        response_bytes: ANSWER,
        concurrent: args.concurrent,
        per_minute: args.per_minute,
        attempts: args.attempts,
        ..Limits::default()
    }
}

/// How long a first answer may take.
fn patience(args: &RemoteArgs, served: Option<&Served>) -> Duration {
    Duration::from_secs(if served.is_some() { args.serve_start } else { 0 })
}

fn alive(served: Option<&Served>) -> bool {
    served.is_none_or(|served| served.sandbox.ended().is_none())
}

/// An error with what is known of the command that caused it.
fn explained(error: EndpointError, served: Option<&Served>) -> anyhow::Error {
    let silent = error.may_pass();
    let error = anyhow::Error::new(error);
    match served.map(|served| (served, served.end())) {
        Some((_, Some(end))) => error.context(end),
        Some((served, None)) if silent => {
            error.context(format!("the command does not answer{}; {}", served.words(), served.hint()))
        }
        _ => error,
    }
}

/// Everything that the questions of an attack depend on.
fn settings(
    args: &EvasionArgs,
    target: &dyn RowTarget,
    metadata: Option<&Metadata>,
    reading: &Reading,
    rows: &Rows,
    batch: usize,
) -> Map<String, Value> {
    let names: Vec<String> = args.attacks.iter().map(|kind| format!("{kind:?}")).collect();
    let settings = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "target": args.remote.serve.clone().unwrap_or_else(|| target.describe()),
        "model": metadata.map(|m| (m.name.clone(), m.versions.clone(), m.digest.clone())),
        "output": reading.output,
        "answers": reading.says(),
        "classes": reading.classes,
        "data": rows.digest,
        "rows": Digest::of(&rows.values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()),
        "attacks": names,
        "norm": args.norm.map(|norm| format!("{norm:?}")),
        "eps": args.eps,
        "box": args.subject.bounds.map(|bounds| (bounds.low, bounds.high)),
        "grid": args.grid,
        "labels_only": args.subject.labels_only,
        "scale": args.subject.scale,
        "goal": args.target,
        "steps": args.steps,
        "restarts": args.restarts,
        "queries": args.queries,
        "seed": args.subject.seed,
        "batch": batch,
    });
    match settings {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}
