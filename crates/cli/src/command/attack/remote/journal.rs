//! Every answer of a model, in the order in which it was asked, so that an interrupted attack goes on where it was.
//!
//! An attack with a seed asks the same questions in the same order. Answers are therefore kept as a list and not by
//! question: what is asked twice on purpose, to see whether a model repeats itself, has two answers here, too. Each is
//! kept with a digest of its question; where that differs, this is the state of another attack.
//!
//! The file is a line of JSON, which says what was attacked and how and what the model said to begin with, and then
//! records: the number of rows (u32), the
//! first 16 bytes of the question's SHA-256, and the scores (f32), all little-endian. A record that was not written to
//! its end is passed over.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::Digest;
use serde_json::{Map, Value};

use super::fingerprint::Fingerprint;

const SCHEMA: &str = "proofhouse.attack-state/v2";
/// Longest first line.
const HEAD: u64 = 1 << 20;
/// Most rows of a record.
const ROWS: u32 = 1 << 20;

/// Answers that are known, and the file to which new ones go.
pub struct Journal {
    file: Option<(PathBuf, File)>,
    known: VecDeque<Record>,
}

struct Record {
    question: [u8; 16],
    scores: Vec<f32>,
}

impl Journal {
    /// Keeps nothing.
    pub const fn none() -> Self {
        Self { file: None, known: VecDeque::new() }
    }

    /// Refuses a file that is there already, before anything is asked.
    pub fn is_free(path: &Path) -> anyhow::Result<()> {
        ensure!(
            !path.exists(),
            "{} is there already; go on from it with --resume, or remove it",
            path.display()
        );
        Ok(())
    }

    /// A file that does not exist yet. `settings` are all that the questions depend on, `model` is known by what it says.
    pub fn create(path: &Path, settings: &Map<String, Value>, model: &Fingerprint) -> anyhow::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::is_free(path)?;
        let mut file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
        let head = serde_json::json!({ "schema": SCHEMA, "settings": settings, "model": model });
        writeln!(file, "{head}").with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: Some((path.to_owned(), file)), known: VecDeque::new() })
    }

    /// A file that an earlier attack left. Its `settings` have to be those of this one, and its model the one that
    /// answered the same question with `first` now.
    pub fn resume(
        path: &Path,
        settings: &Map<String, Value>,
        classes: usize,
        first: &[f32],
    ) -> anyhow::Result<Self> {
        let at = || format!("state {}", path.display());
        let mut file = OpenOptions::new().read(true).write(true).open(path).with_context(at)?;
        let mut reader = BufReader::new(&mut file);
        let mut head = String::new();
        let read = reader.by_ref().take(HEAD).read_line(&mut head).with_context(at)?;
        let head: Value = serde_json::from_str(&head).unwrap_or_default();
        ensure!(head.get("schema") == Some(&SCHEMA.into()), "{} is no state of an attack", path.display());
        let before = head.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
        let differ: Vec<&str> = settings
            .iter()
            .filter(|(key, value)| before.get(*key) != Some(value))
            .map(|(key, _)| key.as_str())
            .collect();
        ensure!(
            differ.is_empty() && before.len() == settings.len(),
            "{} is the state of another attack; what differs: {}",
            path.display(),
            differ.join(", ")
        );
        let model = head.get("model").cloned().unwrap_or_default();
        let model: Fingerprint = serde_json::from_value(model).with_context(at)?;
        model.holds(first).with_context(at)?;
        let (mut known, mut end) = (VecDeque::new(), read as u64);
        while let Some((record, size)) = Record::read(&mut reader, classes).with_context(at)? {
            known.push_back(record);
            end += size;
        }
        drop(reader);
        file.set_len(end).and_then(|()| file.seek(SeekFrom::End(0))).with_context(at)?;
        Ok(Self { file: Some((path.to_owned(), file)), known })
    }

    /// The file.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    /// The answer to a question where it is known and this is its turn.
    pub fn next(&mut self, rows: &[f32], answers: usize) -> anyhow::Result<Option<Vec<f32>>> {
        let Some(record) = self.known.pop_front() else { return Ok(None) };
        if record.question != digest(rows) || record.scores.len() != answers {
            bail!(
                "the state is that of another attack: it holds an answer to another question than the one that comes next"
            );
        }
        Ok(Some(record.scores))
    }

    /// Keeps an answer.
    pub fn keep(&mut self, rows: &[f32], count: usize, scores: &[f32]) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let mut record = Vec::with_capacity(20 + 4 * scores.len());
        record.extend(u32::try_from(count)?.to_le_bytes());
        record.extend(digest(rows));
        record.extend(scores.iter().flat_map(|score| score.to_le_bytes()));
        file.write_all(&record).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Record {
    /// The next one and its size in bytes; nothing at the end, be it in the middle of one.
    fn read(reader: &mut impl std::io::Read, classes: usize) -> anyhow::Result<Option<(Self, u64)>> {
        let mut head = [0_u8; 20];
        if !filled(reader, &mut head)? {
            return Ok(None);
        }
        let (count, question) = head.split_at(4);
        let count = count.try_into().map_or(0, u32::from_le_bytes);
        ensure!(count <= ROWS, "a record of {count} rows makes no sense; the file is damaged");
        let mut scores = vec![0_u8; count as usize * classes * 4];
        if !filled(reader, &mut scores)? {
            return Ok(None);
        }
        let size = (head.len() + scores.len()) as u64;
        let scores = scores.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(Some((Self { question: question.try_into()?, scores }, size)))
    }
}

/// Fills `buffer`, or says that there is not enough.
fn filled(reader: &mut impl std::io::Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn digest(rows: &[f32]) -> [u8; 16] {
    let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut first = [0; 16];
    first.iter_mut().zip(Digest::of(&bytes).as_bytes()).for_each(|(to, from)| *to = *from);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_in_their_order_and_to_their_questions_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let settings = |seed: u64| serde_json::json!({ "seed": seed }).as_object().unwrap().clone();
        let said = [0.5, 0.25];
        let model = Fingerprint::of(2, &said, &said);
        let mut journal = Journal::create(&path, &settings(1), &model).unwrap();
        journal.keep(&[1.0], 1, &[0.5, f32::NAN]).unwrap();
        journal.keep(&[1.0], 1, &[0.25, 0.75]).unwrap();
        journal.keep(&[2.0, 3.0], 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        drop(journal);
        assert!(Journal::create(&path, &settings(1), &model).err().unwrap().to_string().contains("--resume"));
        let other = Journal::resume(&path, &settings(2), 2, &said).err().unwrap().to_string();
        assert!(other.contains("another attack; what differs: seed"), "{other}");
        let changed = Journal::resume(&path, &settings(1), 2, &[0.5, 0.75]).err().unwrap();
        let changed = crate::terminal::chain(&changed);
        assert!(changed.contains("not the one that was attacked: of row 0 it gives class 1"), "{changed}");

        // The last record lost its end: it is asked again, and takes its place.
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut journal = Journal::resume(&path, &settings(1), 2, &said).unwrap();
        assert!(journal.next(&[1.0], 2).unwrap().unwrap()[1].is_nan());
        assert_eq!(journal.next(&[1.0], 2).unwrap().unwrap(), [0.25, 0.75]);
        assert_eq!(journal.next(&[2.0, 3.0], 4).unwrap(), None);
        journal.keep(&[2.0, 3.0], 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        drop(journal);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        let mut journal = Journal::resume(&path, &settings(1), 2, &said).unwrap();
        assert!(journal.next(&[7.0], 2).unwrap_err().to_string().contains("another question"));
        std::fs::write(&path, "{}\n").unwrap();
        assert!(Journal::resume(&path, &settings(1), 2, &said).is_err());
    }
}
