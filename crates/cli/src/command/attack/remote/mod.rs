//! A model that can only be asked: behind an endpoint, or in a command that is started in a sandbox.

mod companions;
mod fingerprint;
mod journal;
mod model;
mod open;
mod reading;
mod served;
mod whole;

use std::path::PathBuf;

use proofhouse_endpoint::Metadata;
use proofhouse_onnx::{ClassifierOptions, Preprocess};
use proofhouse_robustness::Access;
use proofhouse_sandbox::{Held, Measures};
use serde::Serialize;

pub use model::{Ledger, RemoteModel};
pub use whole::Whole;

use self::served::Served;
use crate::terminal;

/// A model that can only be asked.
pub struct Remote {
    pub model: RemoteModel,
    metadata: Option<Metadata>,
    /// The input that takes the rows, where that is known.
    input: Option<String>,
    served: Option<Served>,
}

/// Why a model somewhere else has no gradients.
pub const WITHOUT_GRADIENTS: &str = "the model can only be asked, so that nobody sees its weights; give its file with \
                                     --model where there is one";

/// Rows attacked together: what an interruption leaves unfinished.
pub const GROUP: usize = 32;

/// What a report says of such a model.
#[derive(Debug, Clone, Serialize)]
pub struct Target {
    /// Its address or command; never a key.
    address: String,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its versions, where they are told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<String>,
    /// The digest that its server claims; nobody here can check it.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_digest: Option<String>,
    /// The output that was read.
    output: String,
    /// What its answers are.
    answers: &'static str,
    /// Number of classes.
    classes: usize,
    /// The input that took the rows, where the model says what it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    /// What the model was given besides, and how it went with the rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    with: Vec<String>,
    /// What was asked.
    queries: Ledger,
    /// What held the command, measure by measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<Measures>,
}

/// That an attack stopped midway.
#[derive(Debug, Clone, Serialize)]
pub struct Partial {
    /// Why.
    pub because: String,
    /// Rows that are done; the report is about these only.
    pub rows_done: u64,
    /// Rows that were to be attacked.
    pub rows: u64,
    /// The state from which it can go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PathBuf>,
}

impl Remote {
    /// What attacks may see of it.
    pub const fn access(&self) -> Access {
        if self.model.reading.is_labels_only() { Access::Labels } else { Access::Scores }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        let named = self.metadata.as_ref().map(|m| m.name.clone()).filter(|name| !name.is_empty());
        named.unwrap_or_else(|| self.model.target.describe())
    }

    /// That it takes whole numbers, where it does.
    pub const fn whole(&self) -> Option<&Whole> {
        self.model.sent.whole.as_ref()
    }

    /// How it is used.
    pub fn options(&self) -> ClassifierOptions {
        ClassifierOptions {
            input_shape: self.model.shape.clone(),
            classes: self.model.reading.classes,
            output: Some(self.model.reading.output.clone()),
            kind: self.model.reading.kind(),
            preprocess: Preprocess::default(),
        }
    }

    pub fn target(&self) -> Target {
        let metadata = self.metadata.as_ref();
        Target {
            address: self.model.target.describe(),
            name: metadata.map(|m| m.name.clone()).filter(|name| !name.is_empty()),
            versions: metadata.map(|m| m.versions.clone()).unwrap_or_default(),
            claimed_digest: metadata.and_then(|m| m.digest.clone()),
            output: self.model.reading.output.clone(),
            answers: self.model.reading.says(),
            classes: self.model.reading.classes,
            input: self.input.clone(),
            with: self.model.companions.says(),
            queries: self.model.ledger(),
            sandbox: self.served.as_ref().map(|served| served.sandbox.measures().clone()),
        }
    }

    /// That it stopped midway, and why as far as anybody can tell.
    pub fn partial(&self, why: String, rows_done: u64, rows: u64) -> Partial {
        let end = self.served.as_ref().and_then(Served::end);
        let because = end.map_or(why.clone(), |end| format!("{end} ({why})"));
        Partial { because, rows_done, rows, state: self.model.state_file() }
    }
}

impl Target {
    /// For a page: what, and what it is.
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![
            ("address".to_owned(), self.address.clone()),
            ("answers".to_owned(), format!("{} of {} classes", self.answers, self.classes)),
        ];
        facts.extend(self.input.iter().map(|input| ("rows go to".to_owned(), input.clone())));
        facts.extend(self.with.iter().map(|with| ("given besides".to_owned(), with.clone())));
        let measures = self.sandbox.iter().flat_map(Measures::iter);
        facts.extend(measures.map(|(measure, held)| (format!("sandbox: {measure}"), held.to_string())));
        facts
    }

    /// For people.
    pub fn show(&self) {
        let named = self.name.as_ref().map_or_else(String::new, |name| format!("{name} "));
        terminal::line(format!("model {named}at {}", self.address));
        if let Some(digest) = &self.claimed_digest {
            terminal::line(format!("  whose server claims {digest}"));
        }
        terminal::line(format!(
            "  answers: {} of {} classes in {:?}",
            self.answers, self.classes, self.output
        ));
        if let Some(input) = &self.input {
            let with =
                if self.with.is_empty() { String::new() } else { format!("; with {}", self.with.join(", ")) };
            terminal::line(format!("  rows go to {input}{with}"));
        }
        let Ledger { recognise, asked, known, requests, repeated, .. } = self.queries;
        terminal::line(format!(
            "  asked about {} rows in {requests} requests, {repeated} of them repeated; {known} answers were known",
            asked + recognise
        ));
        let Some(measures) = &self.sandbox else { return };
        terminal::line("  in a sandbox:");
        for (measure, held) in measures.iter() {
            let says = match held {
                Held::Enforced { .. } => held.to_string(),
                Held::Partly { .. } | Held::No { .. } => terminal::alarm(&held.to_string()),
            };
            terminal::line(format!("    {:<40} {says}", measure.to_string()));
        }
    }
}

impl Partial {
    /// In a sentence.
    pub fn says(&self) -> String {
        let Self { because, rows_done, rows, .. } = self;
        format!("This is a partial result, of {rows_done} of {rows} rows: {because}.")
    }

    /// For people.
    pub fn show(&self) {
        let Self { because, rows_done, rows, state } = self;
        terminal::line(format!(
            "{} {rows_done} of {rows} rows: {because}",
            terminal::alarm("partial result:")
        ));
        match state {
            Some(file) => {
                terminal::line(format!("  go on with the same arguments and --resume ({})", file.display()))
            }
            None => terminal::line("  no answers were kept; with --state FILE it could go on from here"),
        }
    }
}
