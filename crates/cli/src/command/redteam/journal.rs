//! The journal: one line for each answer, on disk before the next attempt counts, so that a run that was
//! killed goes on exactly where it was.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use proofhouse_redteam::{Answer, Config, Scenario};
use serde::{Deserialize, Serialize};

/// Bytes of a journal.
const MOST_BYTES: u64 = 1 << 30;

/// What a journal is about. A run may go on from it only if all of it is the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format.
    pub journal: u32,
    /// The program's version: another one may draw other attacks.
    pub version: String,
    /// The scenario, whole, so that attempts can be made again from the journal alone.
    pub scenario: Scenario,
    /// The target.
    pub target: String,
    /// The guard, where there is one.
    pub guard: Option<String>,
    /// The judge.
    pub judge: Option<String>,
    /// What is done.
    pub config: Config,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// Whether the guard was in front.
    guard: bool,
    id: String,
    answer: Answer,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: Option<File>,
    answers: Answers,
}

impl Journal {
    /// No journal: nothing is kept.
    pub const fn none() -> Self {
        Self { file: None, answers: BTreeMap::new() }
    }

    /// Opens a journal, or begins one. A last line without an end is what a killed run was writing: it is cut
    /// off and its attempt is made again.
    pub fn open(path: &Path, header: &Header) -> anyhow::Result<Self> {
        let at = || format!("journal {}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(at)?;
        file.try_lock().with_context(|| format!("{}: another run writes to it", at()))?;
        let mut text = Vec::new();
        (&mut file).take(MOST_BYTES).read_to_end(&mut text).with_context(at)?;
        let (whole, found) = parse(&text).with_context(at)?;
        let mut answers = BTreeMap::new();
        if let Some((found, written)) = found {
            if found != *header {
                bail!(
                    "{} belongs to another campaign ({}); give another file, or the arguments it was begun with",
                    at(),
                    difference(&found, header)
                );
            }
            answers = written;
        }
        file.set_len(whole as u64).with_context(at)?;
        file.seek(SeekFrom::End(0)).with_context(at)?;
        let mut journal = Self { file: Some(file), answers };
        if whole == 0 {
            journal.append(header).with_context(at)?;
        }
        Ok(journal)
    }

    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// An answer that was written down.
    pub fn answer(&self, guard: bool, id: &str) -> Option<&Answer> {
        self.answers.get(&(guard, id.to_owned()))
    }

    /// Writes an answer down; it is on disk when this returns.
    pub fn keep(&mut self, guard: bool, id: &str, answer: &Answer) -> anyhow::Result<()> {
        self.append(&Line { guard, id: id.to_owned(), answer: answer.clone() })
            .context("cannot write the journal")
    }

    fn append(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_data()?;
        Ok(())
    }
}

/// What a finished or a torn journal holds.
pub fn read(text: &[u8]) -> anyhow::Result<(Header, Answers)> {
    parse(text)?.1.context("line 1: no header")
}

/// Answers by whether the guard was in front, and by attempt.
pub type Answers = BTreeMap<(bool, String), Answer>;

/// The bytes that are whole lines, and what stands in them.
fn parse(text: &[u8]) -> anyhow::Result<(usize, Option<(Header, Answers)>)> {
    let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let text = std::str::from_utf8(text.get(..whole).unwrap_or_default())?;
    let mut lines = text.lines().enumerate();
    let Some((_, first)) = lines.next() else { return Ok((whole, None)) };
    let header: Header = serde_json::from_str(first).context("line 1: no header")?;
    let mut answers = BTreeMap::new();
    for (n, line) in lines {
        let line: Line = serde_json::from_str(line).with_context(|| format!("line {}", n + 1))?;
        answers.insert((line.guard, line.id), line.answer);
    }
    Ok((whole, Some((header, answers))))
}

fn difference(found: &Header, wanted: &Header) -> &'static str {
    if found.version != wanted.version {
        "another version of this program began it"
    } else if found.scenario != wanted.scenario {
        "another scenario"
    } else if found.target != wanted.target || found.judge != wanted.judge {
        "another target or judge"
    } else if found.guard != wanted.guard {
        "another guard"
    } else {
        "other families, numbers or seed"
    }
}

#[cfg(test)]
mod tests {
    use proofhouse_redteam::Outcome;

    use super::*;

    fn header() -> Header {
        Header {
            journal: 1,
            version: "1".into(),
            scenario: Scenario::demonstration(),
            target: "t".into(),
            guard: None,
            judge: None,
            config: Config::default(),
        }
    }

    fn answer() -> Answer {
        Answer {
            outcome: Outcome::Unknown { why: "x".into() },
            score: Some(0.1),
            requests: 1,
            reply: "y\n".into(),
        }
    }

    #[test]
    fn a_torn_line_is_made_again_and_the_rest_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut journal = Journal::open(&path, &header()).unwrap();
        journal.keep(false, "a", &answer()).unwrap();
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"guard\":false,\"id\":\"b\",\"ans").unwrap();
        let journal = Journal::open(&path, &header()).unwrap();
        assert_eq!((journal.answer(false, "a"), journal.answer(false, "b")), (Some(&answer()), None));
        drop(journal);
        assert!(std::fs::read_to_string(&path).unwrap().ends_with('\n'));
    }

    #[test]
    fn another_campaign_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        drop(Journal::open(&path, &header()).unwrap());
        let other = Header { target: "other".into(), ..header() };
        assert!(Journal::open(&path, &other).unwrap_err().to_string().contains("another target"));
    }
}
