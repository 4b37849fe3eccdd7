//! What a scan says.

use std::fmt;

use proofhouse_artifact::{ArtifactError, Format, TreeFile};
use proofhouse_core::{Digest, FilePath, Finding, Place, Verdict};
use serde::Serialize;

use crate::rules::rule;
use crate::vouch::Vouched;

/// The worst that is known of a file, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every byte is accounted for and nothing can run.
    Clean,
    /// Some of it could not be looked into. Stands beside the other three: a file may be unscannable in
    /// part and suspicious in another, and then `covered_bytes` tells the first and this the second.
    Unscannable,
    /// Not proven inert.
    Suspicious,
    /// Reaches something harmful.
    Malicious,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "clean",
            Self::Unscannable => "unscannable",
            Self::Suspicious => "suspicious",
            Self::Malicious => "malicious",
        })
    }
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Clean => Self::Pass,
            Outcome::Unscannable => Self::Unknown,
            Outcome::Suspicious | Outcome::Malicious => Self::Fail,
        }
    }
}

/// Bounds of a scan. Running into one makes the file unscannable, never clean.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most files of a tree.
    pub max_files: usize,
    /// Most bytes of a tree.
    pub max_bytes: u64,
    /// Most opcodes of one pickle.
    pub pickle_ops: u64,
    /// Most values one pickle may hold: bounds memory, about 40 bytes each.
    pub pickle_values: usize,
    /// Most members of an archive.
    pub archive_members: usize,
    /// Most bytes decompressed from one file, over all members and depths.
    pub decompressed_bytes: u64,
    /// How deep containers may be nested.
    pub depth: u32,
    /// Whether every byte is read, for the digest, the checksums of stored tensors and executables among
    /// them. Without, only the structure is looked at, and a file of any size takes milliseconds.
    pub content: bool,
    /// Most findings kept per file. Further ones still count for the outcome.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_files: 1_000_000,
            max_bytes: 1 << 44,
            pickle_ops: 50_000_000,
            pickle_values: 4_000_000,
            archive_members: 200_000,
            decompressed_bytes: 4 << 30,
            depth: 8,
            content: true,
            findings: 1000,
        }
    }
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Where it lies under the root.
    pub path: FilePath,
    /// What it is, by content.
    pub format: Format,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of the bytes that were scanned; `None` when only the structure was looked at, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The worst that is known of it.
    pub outcome: Outcome,
    /// Bytes that a walker accounted for.
    pub covered_bytes: u64,
    /// What was found in it, sorted. In a [`ScanReport`] the findings are moved to the report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Files beside this one whose bytes it lists.
    #[serde(skip)]
    pub(crate) vouched: Vec<Vouched>,
}

impl FileReport {
    /// The report of a file that could not be read.
    pub(crate) fn unread(file: &TreeFile, why: &str) -> Self {
        let rule = rule("tree/unreadable");
        Self {
            path: file.path.clone(),
            format: Format::Unknown,
            size: file.size,
            sha256: None,
            outcome: rule.outcome,
            covered_bytes: 0,
            findings: vec![rule.finding(Place::file(file.path.as_str()), why.to_owned())],
            vouched: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, finding: Finding, outcome: Outcome) {
        self.outcome = self.outcome.max(outcome);
        self.findings.push(finding);
        self.findings.sort();
    }
}

/// What was found in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    /// The worst over all files.
    pub outcome: Outcome,
    /// The files by path.
    pub files: Vec<FileReport>,
    /// All findings, sorted.
    pub findings: Vec<Finding>,
    /// Version of the tables that decided.
    pub tables_version: String,
}

impl ScanReport {
    /// Pass only if everything is clean, fail if anything is suspicious or malicious, otherwise unknown.
    /// A tree without files is unknown: nothing was looked at.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.files.is_empty() {
            Verdict::from(self.outcome).max(Verdict::Unknown)
        } else {
            self.outcome.into()
        }
    }
}

/// Why a tree could not be scanned at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The tree cannot be walked or a file cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}
