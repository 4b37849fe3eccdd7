//! What a scan says.

use std::borrow::Cow;
use std::fmt;

use proofhouse_artifact::{ArtifactError, Format, TreeFile};
use proofhouse_core::{Digest, FilePath, Finding, Place, Verdict};
use serde::{Deserialize, Serialize};

use crate::rules::rule;
use crate::suppress::{Ended, Suppressed};
use crate::tables_version;
use crate::vouch::Vouched;

/// The worst that is known of a file, in rising order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every byte is accounted for and nothing can run.
    #[default]
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

/// A format by its name in reports: what is left of a [`Format`] when a report has been to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormatName(Cow<'static, str>);

impl FormatName {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl From<Format> for FormatName {
    fn from(format: Format) -> Self {
        Self(Cow::Borrowed(format.name()))
    }
}

impl PartialEq<Format> for FormatName {
    fn eq(&self, format: &Format) -> bool {
        self.0 == format.name()
    }
}

impl fmt::Display for FormatName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Where it lies under the root.
    pub path: FilePath,
    /// What it is, by content.
    pub format: FormatName,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of the bytes that were scanned; `None` when only the structure was looked at, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The worst that is known of it.
    pub outcome: Outcome,
    /// Bytes that a walker accounted for.
    pub covered_bytes: u64,
    /// What was found in it, sorted. In a [`ScanReport`] the findings are moved to the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// There was more to find than is kept. All of it counts for the outcome.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Files beside this one whose bytes it lists.
    #[serde(skip)]
    pub(crate) vouched: Vec<Vouched>,
}

impl FileReport {
    /// The report of a file that could not be read.
    pub(crate) fn unread(file: &TreeFile, why: &str) -> Self {
        let rule = rule("tree/unreadable");
        let finding = rule.finding(Place::file(file.path.as_str()), why.to_owned());
        Self::of_nothing(&file.path, file.size, None, vec![finding])
    }

    /// The report of a file whose scan ended the process that did it, or never ended. What was found before counts.
    #[must_use]
    pub fn ended(path: &FilePath, size: u64, sha256: Digest, mut found: Vec<Finding>, why: &str) -> Self {
        let message = format!("the scan of this file did not end by itself: {why}");
        found.push(rule("tree/ended").finding(Place::file(path.as_str()), message));
        Self::of_nothing(path, size, Some(sha256), found)
    }

    fn of_nothing(path: &FilePath, size: u64, sha256: Option<Digest>, mut findings: Vec<Finding>) -> Self {
        findings.sort();
        findings.dedup();
        Self {
            path: path.clone(),
            format: Format::Unknown.into(),
            size,
            sha256,
            outcome: findings.iter().map(|f| outcome_of(&f.rule)).max().unwrap_or(Outcome::Unscannable),
            covered_bytes: 0,
            findings,
            truncated: false,
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
    /// Findings that somebody has accepted; they do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<Suppressed>,
    /// Suppressions that do not hold, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended_suppressions: Vec<Ended>,
}

impl ScanReport {
    /// The report of nothing, to add to.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            outcome: Outcome::Clean,
            files: Vec::new(),
            findings: Vec::new(),
            tables_version: tables_version().to_owned(),
            suppressed: Vec::new(),
            ended_suppressions: Vec::new(),
        }
    }

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

/// What a finding of the rule of that name makes of a file.
pub(crate) fn outcome_of(rule: &str) -> Outcome {
    crate::rules().iter().find(|r| r.id == rule).map_or(Outcome::Suspicious, |r| r.outcome)
}

/// Why a tree could not be scanned at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The tree cannot be walked or a file cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}
