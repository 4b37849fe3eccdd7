//! What the stages of a sandbox are told, and what they tell.
//!
//! A job travels in one environment variable, which the command does not inherit; messages are lines on standard error
//! that begin with a word nobody else knows, so that what the command writes there cannot be taken for one.

use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Held, Measure, Policy};

/// The variable that holds the job.
pub const VARIABLE: &str = "PROOFHOUSE_SANDBOX_JOB";

/// What the stages are to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub policy: Policy,
    /// The word with which messages begin.
    pub word: String,
    /// Where to accept connections for the command.
    pub socket: Option<PathBuf>,
    /// What was made for this sandbox, with the socket and the scratch folder in it.
    pub folder: PathBuf,
    /// The scratch folder.
    pub scratch: PathBuf,
    /// Whether the command has a network namespace of its own.
    pub own_network: bool,
    /// Whether it has a process namespace of its own.
    pub own_processes: bool,
    /// Whether it has a mount namespace of its own.
    pub own_mounts: bool,
    /// Whether it has a user namespace of its own.
    pub own_user: bool,
    /// Whether what it writes to its scratch folder is bounded as a whole.
    pub scratch_bounded: bool,
    /// Whether it has shared memory of its own.
    pub own_shared_memory: bool,
}

/// What a stage tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// What became of a measure.
    Measure(Measure, Held),
    /// The command is about to run.
    Ready,
    /// It could not be started.
    Failed(String),
    /// It is over, and how.
    Ended(String),
}

impl Job {
    /// The job of this process.
    pub fn read() -> Result<Self, String> {
        let text = std::env::var(VARIABLE).map_err(|_| "there is no job".to_owned())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Tells something. Whoever listens may be gone, which the watch finds out.
    pub fn say(&self, message: &Message) {
        let json = serde_json::to_string(message).unwrap_or_default();
        let line = format!("\n{} {json}\n", self.word);
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }

    pub fn note(&self, measure: Measure, held: Held) {
        self.say(&Message::Measure(measure, held));
    }

    /// Whether a measure is to be taken at all.
    pub fn takes(&self, measure: Measure) -> bool {
        !self.policy.without.contains(&measure)
    }
}
