//! Folders whose files say something of each other: on disk, or in an archive.
//!
//! Every file is scanned by itself. What only another file can account for is settled when all are scanned: on disk from
//! the reports of the files, in an archive from the members whose findings were held back for it. Either way the same
//! questions are asked ([`crate::vouch`], [`crate::ocdbt`]); what differs is where bytes come from and who is told.

use std::collections::BTreeSet;
use std::mem::{replace, take};
use std::sync::Arc;

use proofhouse_artifact::Format;
use proofhouse_artifact::mapped::Mapped;
use proofhouse_core::{FilePath, Finding, Place};

use crate::python::Project;
use crate::report::outcome_of;
use crate::scanner::{Around, Content, Scanner};
use crate::tables::Tables;
use crate::vouch::Vouched;
use crate::{FileReport, Limits, Outcome, ocdbt, vouch};

/// Members of one archive whose findings are held back. What is beyond is told at once: it stays unscannable.
const HELD: usize = 50_000;

/// The bytes of a file.
pub(crate) enum Bytes<'a> {
    Mapped(Mapped),
    Lent(&'a [u8]),
    Owned(Vec<u8>),
}

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Lent(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl<'a> From<std::borrow::Cow<'a, [u8]>> for Bytes<'a> {
    fn from(bytes: std::borrow::Cow<'a, [u8]>) -> Self {
        match bytes {
            std::borrow::Cow::Borrowed(bytes) => Self::Lent(bytes),
            std::borrow::Cow::Owned(bytes) => Self::Owned(bytes),
        }
    }
}

impl Bytes<'_> {
    /// Bytes of memory that are taken for it.
    pub(crate) fn kept(&self) -> u64 {
        if let Self::Owned(bytes) = self { bytes.len() as u64 } else { 0 }
    }
}

/// Gives the bytes of a file by its index. What it unpacks is taken from the budget.
pub(crate) type Read<'a, 'b> = &'a dyn Fn(usize, &mut u64) -> Option<Bytes<'b>>;

/// Where files lie that are looked into anew.
pub(crate) enum Host<'s, 'a> {
    Disk,
    /// In the archive at that place, under the scanner of the file it is or is part of.
    Archive {
        scanner: &'s mut Scanner<'a>,
        place: Place,
        prefix: String,
        depth: u32,
    },
}

impl Host<'_, '_> {
    /// Looks into a file anew with what other files say of it, and adds what is found to its report. `look` is told where
    /// the file lies and how deep.
    pub(crate) fn look_again(
        &mut self,
        file: &mut FileReport,
        look: impl FnOnce(&mut Scanner<'_>, Place, u32),
    ) {
        let found = match self {
            Self::Disk => {
                let limits = Limits { content: file.sha256.is_some(), ..Limits::default() };
                let project = Project::default();
                let mut scanner =
                    Scanner::new(file.size, &Around::new(&limits, Tables::built_in(), &project));
                look(&mut scanner, Place::file(file.path.as_str()), 0);
                scanner.found
            }
            Self::Archive { scanner, place, prefix, depth } => {
                let outer = take(&mut scanner.found);
                let mut place = place.clone().within(format!("{prefix}{}", file.path));
                place.offset = None;
                look(scanner, place, *depth);
                replace(&mut scanner.found, outer)
            }
        };
        for finding in found.findings {
            file.add(finding, Outcome::Clean);
        }
        file.outcome = file.outcome.max(found.outcome);
        file.truncated |= found.truncated;
    }
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) findings: BTreeSet<Finding>,
    /// There was more than is kept.
    pub(crate) truncated: bool,
    pub(crate) outcome: Outcome,
}

/// An archive that is looked into, as a folder of its own.
pub(crate) struct Packed {
    /// What the names of its members begin with, seen from the file.
    pub(crate) prefix: String,
    pub(crate) project: Arc<Project>,
    /// Members that others may account for, with their numbers in the archive.
    held: Vec<(usize, FileReport)>,
    pub(crate) vouched: Vec<Vouched>,
}

impl Packed {
    pub(crate) fn new(content: &Content<'_>, project: Project) -> Self {
        let prefix = content.place.member.as_ref().map_or(String::new(), |member| format!("{member}!"));
        Self { prefix, project: Arc::new(project), held: Vec::new(), vouched: Vec::new() }
    }
}

impl Scanner<'_> {
    /// Looks into an archive as into a folder: `look` into its members one by one, each by [`Self::member`], and then into
    /// those that others account for. `read` gives a member by its number.
    pub(crate) fn folder(
        &mut self,
        content: &Content<'_>,
        project: Project,
        look: &mut dyn FnMut(&mut Self),
        read: Read<'_, '_>,
    ) {
        self.packed.push(Packed::new(content, project));
        look(self);
        let Some(packed) = self.packed.last_mut() else { return };
        let (held, vouched) = (take(&mut packed.held), take(&mut packed.vouched));
        let prefix = packed.prefix.clone();
        let (numbers, mut files): (Vec<usize>, Vec<FileReport>) = held.into_iter().unzip();
        let number = |index: usize, left: &mut u64| read(*numbers.get(index)?, left);
        let (place, depth) = (content.place.clone(), content.depth + 1);
        let mut host = Host::Archive { scanner: self, place, prefix, depth };
        ocdbt::settle(&mut files, &mut host, &number);
        vouch::settle(&mut files, vouched, &mut host, &number);
        for file in files {
            let findings = file.findings.into_iter().collect();
            self.take(Found { findings, truncated: file.truncated, outcome: file.outcome });
        }
        self.packed.pop();
    }

    /// Looks into the member of that number and name of the archive that is looked into. Where other members may account
    /// for its bytes, what is found is held back until they are scanned.
    pub(crate) fn member(
        &mut self,
        number: usize,
        name: &str,
        content: &Content<'_>,
        look: &mut dyn FnMut(&mut Self),
    ) {
        let Ok(path) = name.parse::<FilePath>() else { return look(self) };
        let outer = take(&mut self.found);
        look(self);
        let found = replace(&mut self.found, outer);
        let bare = matches!(content.format, Format::Unknown | Format::Compressed(_) | Format::Ocdbt);
        let open = found
            .findings
            .iter()
            .all(|f| matches!(f.rule.as_str(), "format/unscannable" | "stream/trailing"));
        // The folder of a database in which TensorStore keeps nodes and values.
        let data = name.rsplit('/').nth(1) == Some("d");
        match self.packed.last_mut() {
            Some(packed) if (bare && open || data) && packed.held.len() < HELD => {
                let report = FileReport {
                    path,
                    format: content.format.into(),
                    size: content.bytes.len() as u64,
                    sha256: None,
                    outcome: found.outcome,
                    covered_bytes: 0,
                    findings: found.findings.into_iter().collect(),
                    truncated: found.truncated,
                    vouched: Vec::new(),
                };
                packed.held.push((number, report));
            }
            _ => self.take(found),
        }
    }

    /// Takes what was found apart into what is found of the file.
    fn take(&mut self, found: Found) {
        for finding in found.findings {
            if self.found.findings.len() < self.limits.findings {
                self.found.findings.insert(finding);
            } else {
                self.found.truncated = true;
            }
        }
        self.found.truncated |= found.truncated;
        self.found.outcome = self.found.outcome.max(found.outcome);
    }
}

impl FileReport {
    /// Drops the findings of some rules: other files account for what they tell of.
    pub(crate) fn settled(&mut self, settles: &dyn Fn(&str) -> bool) {
        self.findings.retain(|finding| !settles(&finding.rule));
        let outcomes = self.findings.iter().map(|finding| outcome_of(&finding.rule));
        // What is not kept counts all the same.
        let least = if self.truncated { self.outcome } else { Outcome::Clean };
        self.outcome = outcomes.max().unwrap_or(Outcome::Clean).max(least);
        self.covered_bytes = self.size;
    }
}
