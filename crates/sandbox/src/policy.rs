//! What a command may do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Measure;

/// What of a network a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// None: it speaks on its standard input and output.
    None,
    /// It listens on this port of its own loopback, and can be reached through the sandbox only.
    Port(u16),
}

/// Variables that are passed on where they are set: where programs are, language, time zone.
const PASSED: [&str; 6] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV"];

/// What a command may do. Bounds have defaults for a server that holds a model of some hundred megabytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The command, as a shell reads it.
    pub command: String,
    /// The folder it runs in. It can be read.
    pub folder: PathBuf,
    /// Files and folders it can read besides its program, the system's libraries and its folder.
    pub readable: Vec<PathBuf>,
    /// Network.
    pub network: Network,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Bytes of memory, of all its processes together.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Computing time of each process.
    pub cpu: Duration,
    /// Time for the whole.
    pub time: Duration,
    /// Bytes it can write to its scratch folder, which is also its home and its folder for temporary files.
    pub scratch: u64,
    /// The home folder of whoever starts it, which is not opened as a whole.
    pub(crate) home: Option<String>,
    pub(crate) without: Vec<Measure>,
    pub(crate) namespaces: bool,
}

impl Policy {
    /// A command in a folder with the usual bounds.
    #[must_use]
    pub fn new(command: &str, folder: &Path, network: Network) -> Self {
        let passed = PASSED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        Self {
            command: command.to_owned(),
            folder: folder.to_owned(),
            readable: Vec::new(),
            network,
            environment: passed.collect(),
            memory: 4 << 30,
            processes: 512,
            cpu: Duration::from_secs(2 * 3600),
            time: Duration::from_secs(2 * 3600),
            scratch: 256 << 20,
            home: std::env::var("HOME").ok(),
            without: Vec::new(),
            namespaces: true,
        }
    }

    /// Leaves a measure out, to show what it is that prevents something.
    #[must_use]
    pub fn leaving_out(mut self, measure: Measure) -> Self {
        self.without.push(measure);
        self
    }

    /// Does without namespaces, as a container may force it to.
    #[must_use]
    pub const fn without_namespaces(mut self) -> Self {
        self.namespaces = false;
        self
    }
}
