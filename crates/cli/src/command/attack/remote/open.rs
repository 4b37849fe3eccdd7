//! Gets hold of a model that can only be asked: reaches it, finds out what it answers, opens the state.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::Digest;
use proofhouse_endpoint::{
    Address, Answers, EndpointError, InferenceClient, Key, Limits, Lines, Metadata, RowTarget, RowTemplate,
    Rows as Question, until_answered,
};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::Remote;
use super::companions::Companions;
use super::fingerprint::Fingerprint;
use super::journal::Journal;
use super::model::{Ledger, RemoteModel, Sent};
use super::reading::{Reading, Told};
use super::served::Served;
use super::whole::Whole;
use crate::args::attack::EvasionArgs;
use crate::args::remote::RemoteArgs;
use crate::command::attack::rows::{Archive, Rows};
use crate::terminal;

/// Rows that are shown to find out what the answers are.
const SHOWN: usize = 8;
/// Bytes of an answer.
const ANSWER: usize = 32 << 20;

impl Remote {
    /// Reaches the model that the arguments name, for these rows, which are the array `x` of an archive. On a thread that
    /// may wait.
    pub fn open(args: &EvasionArgs, rows: &Rows, (archive, x): (&Archive, &str)) -> anyhow::Result<Self> {
        let remote = &args.remote;
        ensure!(remote.batch > 0 && remote.concurrent > 0, "a limit of 0 would let no question through");
        if let (Some(path), false) = (&remote.state, remote.resume) {
            Journal::is_free(path)?;
        }
        let handle = Handle::current();
        let _entered = handle.enter();
        let served = remote.serve.as_ref().map(|command| Served::start(remote, command)).transpose()?;
        let Reached { target, served, client, most } = reach(remote, served, &handle, &rows.shape)?;
        let batch = remote.batch.min(most.unwrap_or(usize::MAX));
        let features: usize = rows.shape.iter().product();
        let n = rows.labels.len().min(SHOWN).min(batch);
        ensure!(n > 0 && features > 0, "there are no rows to attack");
        let input = client.as_ref().and_then(|client| client.input());
        let scale = args.subject.scale;
        ensure!(scale.is_finite() && scale != 0.0, "the scale of a row is a finite number other than 0");
        let sent = Sent { scale, whole: Whole::of(input, scale) };
        if let Some(whole) = &sent.whole {
            whole.admits(&rows.values, features)?;
        }
        let companions = match &client {
            Some(client) => Companions::of(client.input(), client.others(), archive, x)?,
            None => Companions::none(),
        };
        // What it says to a few rows shows what it says.
        companions.attend(&(0..n).collect::<Vec<_>>());
        let values = sent.rows(&rows.values.iter().take(n * features).copied().collect::<Vec<_>>());
        let others = companions.of_questions(0, n, n)?;
        let question = Question { values: &values, shape: &rows.shape, others: &others };
        let most = patience(remote, served.as_ref());
        let ask = || {
            let first =
                async { until_answered(|| target.ask(question), || alive(served.as_ref()), most).await };
            handle.block_on(first).map_err(|error| explained(error, served.as_ref()))
        };
        let answers = ask()?;
        let told = Told {
            output: remote.output_tensor.as_deref(),
            answers: remote.answers,
            classes: remote.classes.as_deref(),
            labels: &rows.labels,
        };
        let reading = Reading::of(&answers.outputs, n, told)?;
        let metadata = client.as_ref().map(|client| client.metadata().clone());
        let settings = settings(args, target.as_ref(), metadata.as_ref(), &reading, rows, batch);
        let scores = |answers: &Answers| reading.scores(&answers.outputs, n).map_err(anyhow::Error::msg);
        let (mut asked, mut repeated) = (1, answers.attempts.saturating_sub(1));
        let journal = match (&remote.state, remote.resume) {
            (None, _) => Journal::none(),
            (Some(path), false) => {
                // Asked again, so that who never says the same twice is not taken for another one later.
                let again = ask()?;
                (asked, repeated) = (2, repeated + again.attempts.saturating_sub(1));
                let model = Fingerprint::of(reading.classes, &scores(&answers)?, &scores(&again)?);
                if !model.repeats() {
                    terminal::note(
                        "the model does not say the same twice, so that nobody will see whether an attack that goes on \
                         goes on with the same model",
                    );
                }
                Journal::create(path, &settings, &model)?
            }
            (Some(path), true) => Journal::resume(path, &settings, reading.classes, &scores(&answers)?)?,
        };
        let ledger = Ledger {
            recognise: asked * n as u64,
            requests: asked,
            repeated: u64::from(repeated),
            most: remote.max_queries,
            ..Ledger::default()
        };
        let (pace, shape) = ((batch, remote.concurrent), rows.shape.clone());
        let input = input.map(|input| input.says());
        let rows = (sent, companions);
        let model = RemoteModel::new(target, reading, shape, rows, pace, journal, ledger);
        Ok(Self { model, metadata, input, served })
    }
}

/// A target that was reached.
struct Reached {
    target: Arc<dyn RowTarget>,
    served: Option<Served>,
    /// The target, where it says what the model takes.
    client: Option<Arc<InferenceClient>>,
    /// Most rows of one request.
    most: Option<usize>,
}

fn reach(
    args: &RemoteArgs,
    mut served: Option<Served>,
    handle: &Handle,
    shape: &[usize],
) -> anyhow::Result<Reached> {
    let limits = limits(args);
    if let (Some(running), true) = (served.as_mut(), args.serve_stdio) {
        let pipes = running.sandbox.pipes().context("the command has no standard input or output")?;
        let label = args.serve.clone().unwrap_or_default();
        let target: Arc<dyn RowTarget> = Arc::new(Lines::new(&label, pipes, limits)?);
        return Ok(Reached { target, served, client: None, most: None });
    }
    let socket = served.as_ref().and_then(|served| served.sandbox.socket()).cloned();
    if let Some(file) = &args.template {
        let at = || format!("template {}", file.display());
        let bytes = std::fs::read(file).with_context(at)?;
        let template = RowTemplate::read(&bytes, socket.as_deref(), limits).with_context(at)?;
        let most = template.takes_one().then_some(1);
        return Ok(Reached { target: Arc::new(template), served, client: None, most });
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
        // While it starts nobody answers, which is no failure yet; and what takes a question and never answers it has not
        // started either.
        Some(running) => {
            let most = patience(args, served.as_ref());
            let once = Limits {
                attempts: 1,
                timeout: limits.timeout.min(most.max(Duration::from_secs(1))),
                ..limits.clone()
            };
            let try_once = || InferenceClient::connect(address(), output, once.clone());
            let waited = async { until_answered(try_once, || running.sandbox.ended().is_none(), most).await };
            handle.block_on(waited).and_then(|_| handle.block_on(connect()))
        }
        None => handle.block_on(connect()),
    };
    let client = client.map_err(|error| explained(error, served.as_ref()))?;
    client.admits(shape)?;
    let most = client.most_rows();
    let client = Arc::new(client);
    let target: Arc<dyn RowTarget> = Arc::clone(&client) as _;
    Ok(Reached { target, served, client: Some(client), most })
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
        "input": args.remote.input_tensor,
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
