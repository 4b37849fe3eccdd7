//! A model that can only be asked, as attacks see it: every question is counted, kept, and asked once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use proofhouse_endpoint::{RowTarget, Rows};
use proofhouse_onnx::{OnnxError, OutputKind, Scores};
use serde::Serialize;
use tokio::runtime::Handle;

use super::companions::Companions;
use super::journal::Journal;
use super::reading::Reading;
use super::whole::Whole;

/// Rows asked about, by what became of the question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// To find out what the answers are.
    pub recognise: u64,
    /// Rows that the model was asked about.
    pub asked: u64,
    /// Rows whose answers an earlier run had left.
    pub known: u64,
    /// Requests.
    pub requests: u64,
    /// Requests that had to be repeated.
    pub repeated: u64,
    /// Most rows to ask about, where there is such a bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
}

/// A model somewhere else.
pub struct RemoteModel {
    pub target: Arc<dyn RowTarget>,
    pub reading: Reading,
    pub shape: Vec<usize>,
    /// How rows become what is sent.
    pub sent: Sent,
    /// What is sent with them.
    pub companions: Companions,
    pub batch: usize,
    pub concurrent: usize,
    handle: Handle,
    state: Mutex<State>,
}

/// How rows become what is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What a row is multiplied with.
    pub scale: f32,
    /// Where the model takes whole numbers.
    pub whole: Option<Whole>,
}

impl Sent {
    pub fn rows(&self, rows: &[f32]) -> Vec<f32> {
        let scaled = rows.iter().map(|value| value * self.scale);
        match &self.whole {
            None => scaled.collect(),
            Some(whole) => scaled.map(|value| whole.nearest(value)).collect(),
        }
    }
}

struct State {
    ledger: Ledger,
    journal: Journal,
    /// Why there will be no more answers.
    failed: Option<String>,
}

impl RemoteModel {
    pub fn new(
        target: Arc<dyn RowTarget>,
        reading: Reading,
        shape: Vec<usize>,
        (sent, companions): (Sent, Companions),
        (batch, concurrent): (usize, usize),
        journal: Journal,
        ledger: Ledger,
    ) -> Self {
        let state = Mutex::new(State { ledger, journal, failed: None });
        Self { target, reading, shape, sent, companions, batch, concurrent, handle: Handle::current(), state }
    }

    pub fn ledger(&self) -> Ledger {
        self.state().ledger
    }

    /// Where answers are kept.
    pub fn state_file(&self) -> Option<std::path::PathBuf> {
        self.state().journal.path().map(std::path::Path::to_owned)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers to rows, of as many questions at one time as are allowed, in their order.
    fn answers(&self, state: &mut State, rows: &[f32], out: &mut Vec<f32>) -> anyhow::Result<()> {
        let features = self.features();
        let (total, mut first) = (rows.len() / features.max(1), 0);
        let mut chunks = rows.chunks(self.batch * features).peekable();
        // First what is known.
        while let Some(chunk) = chunks.peek() {
            let n = chunk.len() / features;
            let Some(scores) = state.journal.next(chunk, n * self.reading.classes)? else { break };
            first += n;
            state.ledger.known += n as u64;
            out.extend(scores);
            chunks.next();
        }
        let rest: Vec<&[f32]> = chunks.collect();
        for together in rest.chunks(self.concurrent.max(1)) {
            let asked: u64 = together.iter().map(|chunk| (chunk.len() / features) as u64).sum();
            if let Some(most) = state.ledger.most
                && state.ledger.asked + asked > most
            {
                anyhow::bail!("the limit of {most} queries is reached");
            }
            let mut questions = Vec::with_capacity(together.len());
            for chunk in together {
                let n = chunk.len() / features;
                questions.push((self.sent.rows(chunk), self.companions.of_questions(first, n, total)?));
                first += n;
            }
            let answers = self.handle.block_on(async {
                let tasks: Vec<_> = questions
                    .into_iter()
                    .map(|(values, others)| {
                        let (target, shape) = (Arc::clone(&self.target), self.shape.clone());
                        tokio::spawn(async move {
                            target.ask(Rows { values: &values, shape: &shape, others: &others }).await
                        })
                    })
                    .collect();
                let mut answers = Vec::with_capacity(tasks.len());
                for task in tasks {
                    answers.push(task.await);
                }
                answers
            });
            for (chunk, answer) in together.iter().zip(answers) {
                let n = chunk.len() / features;
                let answer = answer.context("a question ended abnormally")??;
                state.ledger.requests += 1;
                state.ledger.repeated += u64::from(answer.attempts.saturating_sub(1));
                let scores = self.reading.scores(&answer.outputs, n).map_err(anyhow::Error::msg)?;
                state.ledger.asked += n as u64;
                state.journal.keep(chunk, n, &scores)?;
                out.extend(scores);
            }
        }
        Ok(())
    }
}

impl Scores for RemoteModel {
    fn classes(&self) -> usize {
        self.reading.classes
    }

    fn input_shape(&self) -> &[usize] {
        &self.shape
    }

    fn kind(&self) -> OutputKind {
        self.reading.kind()
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        let features = self.features();
        if n.checked_mul(features) != Some(rows.len()) {
            return Err(OnnxError::Size { shape: vec![n, features], values: rows.len() });
        }
        if let Some(at) = rows.iter().position(|v| !v.is_finite()) {
            let reason = "it holds a number that is not finite".to_owned();
            return Err(OnnxError::Row { row: at / features.max(1), reason });
        }
        let mut state = self.state();
        if let Some(why) = &state.failed {
            return Err(OnnxError::Run(why.clone()));
        }
        self.answers(&mut state, rows, out).map_err(|error| {
            let why = crate::terminal::chain(&error);
            state.failed = Some(why.clone());
            OnnxError::Run(why)
        })
    }

    fn attend(&self, rows: &[usize]) -> bool {
        self.companions.attend(rows)
    }

    fn step(&self, _: usize) -> Option<f64> {
        self.sent.whole.as_ref().map(Whole::step)
    }
}
