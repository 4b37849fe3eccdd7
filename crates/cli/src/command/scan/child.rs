//! The parent's side: gives a confined child its job, and goes on where a file ends one.
//!
//! A file that crashes or hangs the child is scanned once more alone, telling each finding as it comes up; if that
//! child ends too, the file is unscannable and its findings so far are kept. Every other file is scanned as if
//! nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, bail};
use proofhouse_core::{Finding, Hasher};
use proofhouse_scan::FileReport;

use super::message::{Confinement, Job, Listed, Message};

/// How a child is bounded.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Threads.
    pub threads: usize,
    /// Most bytes of memory of the child's own.
    pub memory: u64,
    /// Every byte is read, not only structure.
    pub content: bool,
    /// Longest silence.
    pub patience: Duration,
}

/// What children found in one tree.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The weakest confinement that any of them had.
    pub confinement: Confinement,
    /// Reports of the files, in the order of their paths.
    pub files: Vec<FileReport>,
    /// Entries that cannot be part of a model.
    pub refused: Vec<Finding>,
}

/// Longest message. A report holds at most a thousand findings.
const MAX_LINE: u64 = 64 << 20;
/// Most children that may end over one tree before it is given up.
const MAX_ENDS: usize = 200;

/// Scans `root` in children.
pub fn scan(root: &Path, bounds: Bounds) -> anyhow::Result<Scanned> {
    let mut out = Scanned::default();
    let mut done: BTreeMap<usize, FileReport> = BTreeMap::new();
    let mut listed: Vec<Listed> = Vec::new();
    let mut not_ahead: BTreeSet<String> = BTreeSet::new();
    for _ in 0..MAX_ENDS {
        let job = Job {
            root: root.to_owned(),
            only: None,
            not_ahead: not_ahead.iter().cloned().collect(),
            skip: done.keys().copied().collect(),
            threads: bounds.threads,
            memory: bounds.memory,
            content: bounds.content,
            watched: false,
        };
        let told = listen(&job, bounds)?;
        out.confinement = told.confinement;
        let surveyed = told.survey.is_some();
        if let Some((files, refused)) = told.survey {
            if !listed.is_empty() && listed.len() != files.len() {
                bail!("the tree changes while it is scanned");
            }
            listed = files;
            out.refused = refused;
        }
        done.extend(told.done);
        match told.end {
            End::Finished => {
                if done.len() != listed.len() {
                    bail!("the scanning process reported {} of {} files", done.len(), listed.len());
                }
                out.files = done.into_values().collect();
                return Ok(out);
            }
            End::Failed(why) => bail!("{why}"),
            End::Ended(why) => {
                if told.started.is_empty() {
                    // A file that ends the process when it is read ahead is looked into like any other.
                    let ahead = told.ahead.filter(|_| !surveyed);
                    if ahead.is_some_and(|path| not_ahead.insert(path)) {
                        continue;
                    }
                    bail!("the scanning process ended before its first file: {why}");
                }
                for index in told.started {
                    let report = alone(root, bounds, index, listed.get(index), &not_ahead, &why)?;
                    done.insert(index, report);
                }
            }
        }
    }
    bail!("files keep ending the scanning process: given up after {MAX_ENDS} times")
}

/// Scans one file by itself.
fn alone(
    root: &Path,
    bounds: Bounds,
    index: usize,
    listed: Option<&Listed>,
    not_ahead: &BTreeSet<String>,
    why: &str,
) -> anyhow::Result<FileReport> {
    let job = Job {
        root: root.to_owned(),
        only: Some(vec![index]),
        not_ahead: not_ahead.iter().cloned().collect(),
        skip: Vec::new(),
        threads: 1,
        memory: bounds.memory,
        content: bounds.content,
        watched: true,
    };
    let mut told = listen(&job, bounds)?;
    if let Some(report) = told.done.remove(&index) {
        return Ok(report);
    }
    let why = match told.end {
        End::Ended(why) => why,
        _ => why.to_owned(),
    };
    let listed = listed.context("the scanning process named a file that it did not list")?;
    let digest =
        digest(&listed.location).with_context(|| format!("{} cannot be read", listed.location.display()))?;
    Ok(FileReport::ended(&listed.path, listed.size, digest, told.found, &why))
}

/// The digest of a file, which needs no parser.
fn digest(path: &Path) -> std::io::Result<proofhouse_core::Digest> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

enum End {
    Finished,
    /// The tree cannot be scanned, the child says.
    Failed(String),
    /// The child is gone.
    Ended(String),
}

struct Told {
    confinement: Confinement,
    survey: Option<(Vec<Listed>, Vec<Finding>)>,
    /// The last file that it read ahead.
    ahead: Option<String>,
    done: BTreeMap<usize, FileReport>,
    started: BTreeSet<usize>,
    found: Vec<Finding>,
    end: End,
}

/// Starts a child and listens until it ends, is silent too long, or says something that is no message.
fn listen(job: &Job, bounds: Bounds) -> anyhow::Result<Told> {
    let program = std::env::current_exe().context("where this program lies is not known")?;
    // Nothing of this process's environment is any business of a parser.
    let mut child = Command::new(program)
        .arg("scan-worker")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the scanning process cannot be started")?;
    let text = serde_json::to_vec(job)?;
    if let Some(mut input) = child.stdin.take() {
        // A child that is gone already is found out below.
        let _ = input.write_all(&text);
    }
    let lines = lines(child.stdout.take());
    let mut told = Told {
        confinement: Confinement::default(),
        survey: None,
        ahead: None,
        done: BTreeMap::new(),
        started: BTreeSet::new(),
        found: Vec::new(),
        end: End::Failed(String::new()),
    };
    told.end = loop {
        let line = match lines.recv_timeout(bounds.patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                break End::Ended(format!(
                    "nothing was heard of it for {} seconds",
                    bounds.patience.as_secs()
                ));
            }
            Err(RecvTimeoutError::Disconnected) => break End::Ended(String::new()),
        };
        match serde_json::from_slice(&line) {
            Ok(Message::Confined(confinement)) => told.confinement = confinement,
            Ok(Message::Survey { files, refused }) => told.survey = Some((files, refused)),
            Ok(Message::Ahead(path)) => told.ahead = Some(path),
            Ok(Message::Start(index)) => {
                told.started.insert(index);
            }
            Ok(Message::Found(_, finding)) => told.found.push(finding),
            Ok(Message::Done(index, report)) => {
                told.started.remove(&index);
                told.done.insert(index, *report);
            }
            Ok(Message::End) => break End::Finished,
            Ok(Message::Failed(why)) => break End::Failed(why),
            Err(_) => break End::Ended("it said something that is no message".to_owned()),
        }
    };
    told.end = finish(child, told.end);
    Ok(told)
}

/// Makes sure that the child is gone, and says how it went where it did not say so itself.
fn finish(mut child: Child, end: End) -> End {
    match end {
        End::Ended(why) if why.is_empty() => {
            let status = child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
            End::Ended(format!("it ended with {status}"))
        }
        end => {
            let _ = child.kill();
            let _ = child.wait();
            end
        }
    }
}

/// Lines of the child, read on a thread, so that silence can be told from work.
fn lines(out: Option<ChildStdout>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let Some(out) = out else { return };
        let mut reader = BufReader::new(out);
        loop {
            let mut line = Vec::new();
            match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.send(line).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    receiver
}
