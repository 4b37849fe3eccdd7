//! Starts a command in a sandbox and holds on to it.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::job::{Job, Message, VARIABLE};
use crate::stage::{OUTER, STAGE};
use crate::{Measures, Network, Policy, SandboxError};

/// How long the stages may take; they read nothing that is not small.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long their end may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes of what a command writes to standard error that are kept.
const KEPT: usize = 4096;
/// Longest line that is looked at for a message.
const LINE: u64 = 16 << 10;

/// A command in its sandbox. Ends with all it started when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    outer: Child,
    pipes: Option<(ChildStdin, ChildStdout)>,
    socket: Option<PathBuf>,
    told: Arc<Told>,
    measures: Measures,
    // Removed when this is dropped.
    _folder: tempfile::TempDir,
}

#[derive(Debug, Default)]
struct Told {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    measures: Measures,
    ready: bool,
    failed: Option<String>,
    ended: Option<String>,
    words: VecDeque<u8>,
    closed: bool,
}

impl Told {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Starts what `policy` says. `launcher` is a program that calls [`crate::stage`] when it is called with
    /// [`STAGE`] and a name: the calling program itself, as a rule.
    ///
    /// # Errors
    /// Where the sandbox cannot be set up or the command not be run. That a measure cannot be enforced is no error:
    /// look at [`Sandbox::measures`].
    pub fn start(policy: &Policy, launcher: &Path) -> Result<Self, SandboxError> {
        let setup = |error: std::io::Error| SandboxError::Setup(error.to_string());
        let folder = tempfile::Builder::new().prefix("proofhouse-").tempdir().map_err(setup)?;
        let scratch = folder.path().join("scratch");
        std::fs::create_dir(&scratch).map_err(setup)?;
        let job = Job {
            policy: policy.clone(),
            word: word().map_err(setup)?,
            socket: (policy.network != Network::None).then(|| folder.path().join("socket")),
            folder: folder.path().to_owned(),
            scratch,
            own_network: false,
            own_processes: false,
            own_mounts: false,
            own_user: false,
            scratch_bounded: false,
            own_shared_memory: false,
        };
        let mut outer = Command::new(launcher)
            .args([STAGE, OUTER])
            .env_clear()
            .env(VARIABLE, job.text())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(setup)?;
        let told = Arc::new(Told::default());
        if let Some(stderr) = outer.stderr.take() {
            let (told, word) = (Arc::clone(&told), job.word.clone());
            std::thread::spawn(move || listen(stderr, &word, &told));
        }
        let pipes = outer.stdin.take().zip(outer.stdout.take()).filter(|_| policy.network == Network::None);
        let mut sandbox =
            Self { outer, pipes, socket: job.socket, told, measures: Measures::default(), _folder: folder };
        sandbox.wait_until_ready(policy)?;
        Ok(sandbox)
    }

    fn wait_until_ready(&mut self, policy: &Policy) -> Result<(), SandboxError> {
        let pending = |state: &mut State| !state.ready && state.failed.is_none() && state.ended.is_none();
        let waited = self.told.changed.wait_timeout_while(self.told.state(), PATIENCE, pending);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.measures = state.measures.clone();
        if state.ready && state.failed.is_none() {
            return Ok(());
        }
        let why = state.failed.clone().or_else(|| state.ended.clone());
        let why = why.unwrap_or_else(|| format!("it did not start within {} s", PATIENCE.as_secs()));
        Err(SandboxError::Start { command: policy.command.clone(), why })
    }

    /// What holds it, and what does not.
    #[must_use]
    pub const fn measures(&self) -> &Measures {
        &self.measures
    }

    /// The socket at which the command's port can be reached, where it has one.
    #[must_use]
    pub const fn socket(&self) -> Option<&PathBuf> {
        self.socket.as_ref()
    }

    /// The command's standard input and output, once, where it has no network.
    pub const fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.pipes.take()
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        let state = self.told.state();
        state.failed.clone().or_else(|| state.ended.clone())
    }

    /// The last lines it wrote to standard error, with nothing that a terminal would act on.
    #[must_use]
    pub fn last_words(&self) -> String {
        let bytes: Vec<u8> = self.told.state().words.iter().copied().collect();
        let plain = |c: char| if c == '\n' || !c.is_control() { c } else { ' ' };
        String::from_utf8_lossy(&bytes).chars().map(plain).collect::<String>().trim().to_owned()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The keeper is killed with its parent and takes the rest with it. Where there is no process namespace it has
        // to do so by itself, which it does once its parent is gone.
        let _ = self.outer.kill();
        let _ = self.outer.wait();
        // Standard error closes when the last of them is gone.
        let open = |state: &mut State| !state.closed;
        let _ = self.told.changed.wait_timeout_while(self.told.state(), FAREWELL, open);
    }
}

/// A word that nobody guesses.
fn word() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes messages from what the command writes to standard error, and keeps the end of the rest.
fn listen(stderr: ChildStderr, word: &str, told: &Told) {
    let mut reader = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line);
        let gone = !matches!(read, Ok(n) if n > 0);
        let mut state = told.state();
        if gone {
            state.closed = true;
            if state.ended.is_none() {
                state.ended = Some("it ended".to_owned());
            }
        } else {
            state.hear(&line, word);
        }
        drop(state);
        told.changed.notify_all();
        if gone {
            return;
        }
    }
}

impl State {
    fn hear(&mut self, line: &[u8], word: &str) {
        let text = line.strip_prefix(word.as_bytes()).map(<[u8]>::trim_ascii);
        match text.and_then(|text| serde_json::from_slice(text).ok()) {
            Some(Message::Measure(measure, held)) => self.measures.note(measure, held),
            Some(Message::Ready) => self.ready = true,
            Some(Message::Failed(why)) => self.failed = Some(why),
            Some(Message::Ended(how)) => self.ended = Some(how),
            None if line.trim_ascii().is_empty() => {}
            None => {
                self.words.extend(line);
                let over = self.words.len().saturating_sub(KEPT);
                self.words.drain(..over);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Held, Measure};

    #[test]
    fn only_who_knows_the_word_is_believed() {
        let mut state = State::default();
        state.hear(b"abc {\"measure\":[\"network\",{\"held\":\"enforced\",\"by\":\"x\"}]}\n", "abc");
        state.hear(b"abd \"ready\"\n", "abc");
        state.hear(b"abc nonsense\n", "abc");
        assert_eq!(state.measures.of(Measure::Network), Held::by("x"));
        assert!(!state.ready && state.failed.is_none());
        state.hear(b"abc \"ready\"\n", "abc");
        assert!(state.ready);
        state.hear(&[b'x'; 3 * KEPT], "abc");
        assert_eq!(state.words.len(), KEPT);
    }
}
