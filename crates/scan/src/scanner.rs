//! One file under scan: where findings are gathered and budgets are kept.

use std::collections::BTreeSet;
use std::ops::Range;

use proofhouse_artifact::Format;
use proofhouse_core::{FilePath, Finding, Place};

use crate::content::{self, Checksum};
use crate::formats;
use crate::python::Project;
use crate::rules::rule;
use crate::tables::Tables;
use crate::vouch::Vouched;
use crate::{FileReport, Limits, Outcome};

/// Scans the content of one file.
#[must_use]
pub fn scan_bytes(path: &FilePath, bytes: &[u8], limits: &Limits) -> FileReport {
    scan_in(path, None, bytes, &|_| (), limits, Tables::built_in(), &Project::default())
}

#[cfg(test)]
pub(crate) fn scan_with(path: &FilePath, bytes: &[u8], limits: &Limits, tables: &Tables) -> FileReport {
    scan_in(path, None, bytes, &|_| (), limits, tables, &Project::default())
}

/// The same within a project: sources import each other, and what a configuration names is there or missing.
/// `title` is a name that the file has elsewhere, where its own is a digest; `release` is told what bytes are not
/// needed any more.
pub(crate) fn scan_in(
    path: &FilePath,
    title: Option<&str>,
    bytes: &[u8],
    release: &dyn Fn(Range<usize>),
    limits: &Limits,
    tables: &Tables,
    project: &Project,
) -> FileReport {
    let mut scanner = Scanner {
        limits,
        tables,
        project,
        findings: BTreeSet::new(),
        outcome: Outcome::Clean,
        checksums: Vec::new(),
        decompressed_left: limits.decompressed_bytes,
        vouched: Vec::new(),
    };
    let format = Format::detect(bytes);
    let mut place = Place::file(path.as_str());
    place.member = title.map(str::to_owned);
    let content = Content { bytes, format, place, depth: 0 };
    let covered_bytes = formats::scan(&mut scanner, &content);
    let sha256 = limits.content.then(|| content::read(&mut scanner, format, bytes, &content.place, release));
    FileReport {
        path: path.clone(),
        format,
        size: bytes.len() as u64,
        sha256,
        outcome: scanner.outcome,
        covered_bytes,
        findings: scanner.findings.into_iter().collect(),
        vouched: scanner.vouched,
    }
}

/// Bytes to look at: a file, or a member of one.
pub(crate) struct Content<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) format: Format,
    pub(crate) place: Place,
    pub(crate) depth: u32,
}

impl Content<'_> {
    /// The last part of its name.
    pub(crate) fn name(&self) -> &str {
        let full = self.place.member.as_deref().unwrap_or(&self.place.path);
        full.rsplit(['/', '!']).next().unwrap_or(full)
    }

    pub(crate) fn at(&self, offset: u64) -> Place {
        self.place.clone().at(offset)
    }
}

pub(crate) struct Scanner<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) tables: &'a Tables,
    pub(crate) project: &'a Project,
    findings: BTreeSet<Finding>,
    outcome: Outcome,
    /// Checksums to look at when all bytes are read.
    pub(crate) checksums: Vec<Checksum>,
    pub(crate) decompressed_left: u64,
    /// Files beside this one for which it vouches.
    pub(crate) vouched: Vec<Vouched>,
}

impl Scanner<'_> {
    /// Records a finding.
    pub(crate) fn report(&mut self, id: &'static str, place: Place, message: impl Into<String>) {
        let rule = rule(id);
        self.outcome = self.outcome.max(rule.outcome);
        if self.findings.len() < self.limits.findings {
            self.findings.insert(rule.finding(place, message.into()));
        }
    }
}
