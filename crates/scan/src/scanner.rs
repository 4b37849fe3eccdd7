//! One file under scan: where findings are gathered and budgets are kept.

use std::ops::{Deref, Range};
use std::sync::Arc;

use proofhouse_artifact::Format;
use proofhouse_core::{FilePath, Finding, Place};

use crate::content::{self, Checksum};
use crate::folder::{Found, Packed};
use crate::formats;
use crate::python::Project;
use crate::rules::rule;
use crate::tables::Tables;
use crate::tensor::Waiting;
use crate::vouch::Vouched;
use crate::{FileReport, Limits};

/// Scans the content of one file.
#[must_use]
pub fn scan_bytes(path: &FilePath, bytes: &[u8], limits: &Limits) -> FileReport {
    scan_in(path, None, bytes, &Around::new(limits, Tables::built_in(), &Project::default()))
}

#[cfg(test)]
pub(crate) fn scan_with(path: &FilePath, bytes: &[u8], limits: &Limits, tables: &Tables) -> FileReport {
    scan_in(path, None, bytes, &Around::new(limits, tables, &Project::default()))
}

/// What a scan has around it: its bounds, what is known, and whom it tells.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) tables: &'a Tables,
    /// Sources that import each other; what a configuration names is there or missing.
    pub(crate) project: &'a Project,
    /// Told what bytes are not needed any more.
    pub(crate) release: &'a dyn Fn(Range<usize>),
    /// Told of each finding as it comes up.
    pub(crate) watch: Option<&'a dyn Fn(&Finding)>,
}

impl<'a> Around<'a> {
    pub(crate) fn new(limits: &'a Limits, tables: &'a Tables, project: &'a Project) -> Self {
        Self { limits, tables, project, release: &keep, watch: None }
    }
}

fn keep(_: Range<usize>) {}

/// The same with more around it. `title` is a name that the file has elsewhere, where its own is a digest.
pub(crate) fn scan_in(path: &FilePath, title: Option<&str>, bytes: &[u8], around: &Around<'_>) -> FileReport {
    let Around { limits, release, .. } = *around;
    let mut scanner = Scanner::new(bytes.len() as u64, around);
    let format = Format::detect_pausing(bytes, &|| release(0..bytes.len()));
    let mut place = Place::file(path.as_str());
    place.member = title.map(str::to_owned);
    let content = Content { bytes, format, place, depth: 0 };
    let covered_bytes = formats::scan(&mut scanner, &content);
    let sha256 = limits.content.then(|| content::read(&mut scanner, format, bytes, &content.place, release));
    FileReport {
        path: path.clone(),
        format: format.into(),
        size: bytes.len() as u64,
        sha256,
        outcome: scanner.found.outcome,
        covered_bytes,
        findings: scanner.found.findings.into_iter().collect(),
        truncated: scanner.found.truncated,
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
    /// Told what bytes of the file are not needed for now.
    release: &'a dyn Fn(Range<usize>),
    /// Told of each finding as it comes up.
    watch: Option<&'a dyn Fn(&Finding)>,
    /// What was found so far of the file, or of the member that is looked into apart.
    pub(crate) found: Found,
    /// Bytes of the file.
    size: u64,
    /// Checksums to look at when all bytes are read.
    pub(crate) checksums: Vec<Checksum>,
    /// Tensors of the file itself, whose elements are looked at when all bytes are read.
    pub(crate) tensors: Vec<Waiting>,
    pub(crate) decompressed_left: u64,
    /// Files beside this one for which it vouches.
    pub(crate) vouched: Vec<Vouched>,
    /// Bytes of the weights in the archive of Keras around the content.
    pub(crate) keras_weights: Option<u64>,
    /// The archives around the content, the innermost last.
    pub(crate) packed: Vec<Packed>,
}

/// The project that a content is part of: the model's, or that of the archive around it.
pub(crate) enum Near<'a> {
    Outer(&'a Project),
    Packed(Arc<Project>),
}

impl Deref for Near<'_> {
    type Target = Project;

    fn deref(&self) -> &Project {
        match self {
            Self::Outer(project) => project,
            Self::Packed(project) => project,
        }
    }
}

impl<'a> Scanner<'a> {
    /// Of a file of `size` bytes.
    pub(crate) fn new(size: u64, around: &Around<'a>) -> Self {
        let Around { limits, tables, project, release, watch } = *around;
        Self {
            limits,
            tables,
            project,
            release,
            watch,
            found: Found::default(),
            size,
            checksums: Vec::new(),
            tensors: Vec::new(),
            decompressed_left: limits.decompressed_bytes.min(ordinary(size)),
            vouched: Vec::new(),
            packed: Vec::new(),
            keras_weights: None,
        }
    }

    /// Tells that bytes of a content are not needed for now, where it is the file itself.
    pub(crate) fn released(&self, content: &Content<'_>, range: Range<usize>) {
        // Whole pages, of whatever size a system has.
        const PAGE: usize = 64 << 10;
        if content.depth == 0 {
            (self.release)(range.start / PAGE * PAGE..range.end);
        }
    }

    /// The project of a place, its path there, and what leads to that project from the file. `None` for what is part
    /// of an archive without sources.
    pub(crate) fn near(&self, place: &Place) -> Option<(Near<'a>, String, String)> {
        let Some(member) = &place.member else {
            return Some((Near::Outer(self.project), place.path.clone(), String::new()));
        };
        let (index, path) = self.within(member)?;
        let packed = self.packed.get(index)?;
        Some((Near::Packed(packed.project.clone()), path, packed.prefix.clone()))
    }

    /// The archive around the content that has the member, and the path of the member there.
    pub(crate) fn within(&self, member: &str) -> Option<(usize, String)> {
        self.packed.iter().enumerate().rev().find_map(|(index, packed)| {
            let path = member.strip_prefix(packed.prefix.as_str())?;
            (!path.contains('!') && packed.project.has_file(path)).then(|| (index, path.to_owned()))
        })
    }
}

/// Bytes that a file of that size unpacks to at most when nobody means harm: a hundred to one, which is what texts and
/// sparse arrays come to, or what every machine has room for.
fn ordinary(size: u64) -> u64 {
    const RATIO: u64 = 100;
    const ROOM: u64 = 256 << 20;
    size.saturating_mul(RATIO).max(ROOM)
}

impl Scanner<'_> {
    /// Tells that there is more to unpack than is unpacked: of a file that would fill a machine, or beyond the limits.
    pub(crate) fn unpacks_more(&mut self, rule: &'static str, place: Place, message: String) {
        if ordinary(self.size) < self.limits.decompressed_bytes {
            let message = format!("{} bytes unpack to more than {}", self.size, ordinary(self.size));
            self.report("archive/bomb", place, message);
        } else {
            self.report(rule, place, message);
        }
    }

    /// Tells that a stream held more than was looked for. Counting how much costs as much as unpacking it, so the next one
    /// is followed less far: an archive of such streams ends about as soon as one of them does. What is small is still
    /// looked into.
    pub(crate) fn overflown(&mut self) {
        const LEAST: u64 = 16 << 20;
        const MOST: u64 = 256 << 20;
        self.decompressed_left = self.decompressed_left.min((self.decompressed_left / 4).clamp(LEAST, MOST));
    }

    /// Records a finding.
    pub(crate) fn report(&mut self, id: &'static str, mut place: Place, message: impl Into<String>) {
        // An offset that the file states may lead beyond its end; a finding stands in the file.
        if place.member.is_none() {
            place.offset = place.offset.map(|at| at.min(self.size));
        }
        let rule = rule(id);
        self.found.outcome = self.found.outcome.max(rule.outcome);
        if self.found.findings.len() < self.limits.findings {
            let finding = rule.finding(place, message.into());
            if let Some(watch) = self.watch {
                watch(&finding);
            }
            self.found.findings.insert(finding);
        } else {
            self.found.truncated = true;
        }
    }
}
