//! Scanning a directory, file by file in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use proofhouse_artifact::json;
use proofhouse_artifact::mapped::{Access, Mapped};
use proofhouse_artifact::{ArtifactError, TreeFile, TreeOptions, list_tree};
use proofhouse_core::{Finding, Place};
use rayon::prelude::*;

use crate::cache;
use crate::folder::{Bytes, Host};
use crate::ocdbt;
use crate::python::Project;
use crate::repository::{MAX_CONFIGURATION, is_marking, mark_loaded, mark_text};
use crate::rules::rule;
use crate::scanner::{Around, scan_in};
use crate::suppress::{Day, Suppressions};
use crate::tables::Tables;
use crate::vouch;
use crate::{FileReport, Limits, Outcome, ScanError, ScanReport};

/// Scans every file under `root`, which may be a file itself. `progress` is called with the bytes done so
/// far, from any thread. The report depends on the bytes and the tables only.
///
/// Entries that cannot be part of a model (links, pipes, unnameable files) are findings and are not
/// followed; the rest is scanned all the same. So are files that cannot be read.
///
/// # Errors
/// The tree cannot be listed or exceeds the limits.
pub fn scan_tree(
    root: &Path,
    limits: &Limits,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<ScanReport, ScanError> {
    let survey = Survey::of(root, limits)?;
    let done = AtomicU64::new(0);
    let all: Vec<usize> = (0..survey.files().len()).collect();
    let mut scanned: Vec<FileReport> = all
        .par_iter()
        .map(|index| {
            let report = survey.scan(*index, limits);
            progress(done.fetch_add(report.size, Ordering::Relaxed) + report.size);
            report
        })
        .collect();
    survey.settle(&mut scanned);
    Ok(assemble(survey.refused, scanned, &Suppressions::default(), &Day::first()))
}

/// A tree before its files are looked into one by one: what there is, which sources import each other, what a
/// configuration has a loader import.
#[derive(Debug)]
pub struct Survey {
    files: Vec<TreeFile>,
    project: Project,
    /// Names that manifests give to blobs, by digest.
    titles: BTreeMap<String, String>,
    refused: Vec<Finding>,
}

/// Most bytes of sources that may import each other. What is beyond is scanned source by source.
const MAX_SOURCES: u64 = 256 << 20;

impl Survey {
    /// Lists the tree at `root` and reads its sources and small configurations ahead.
    ///
    /// # Errors
    /// The tree cannot be listed or exceeds the limits.
    pub fn of(root: &Path, limits: &Limits) -> Result<Self, ScanError> {
        Self::ahead(root, limits, &BTreeSet::new(), &mut |_| {})
    }

    /// The same, telling the path of each file before it is read ahead, and reading none of `skip` ahead: where such a
    /// file has ended the process before, it is looked into like any other, and what names it is not followed.
    ///
    /// # Errors
    /// The tree cannot be listed or exceeds the limits.
    pub fn ahead(
        root: &Path,
        limits: &Limits,
        skip: &BTreeSet<String>,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Self, ScanError> {
        let options = TreeOptions {
            max_files: limits.max_files,
            max_bytes: limits.max_bytes,
            ..TreeOptions::default()
        };
        let mut refused = Vec::new();
        let mut linked = Vec::new();
        let mut files = list_tree(root, &options, &mut |entry| {
            match &entry {
                ArtifactError::Symlink(link) if let Some(file) = followed(root, link) => linked.push(file),
                _ => refused.push(refusal(root, &entry).ok_or(entry)?),
            }
            Ok(())
        })?;
        // A blob is looked at under the name by which loaders find it.
        files.retain(|file| !linked.iter().any(|link: &TreeFile| same(&file.location, &link.location)));
        files.extend(linked);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut survey = Self { files, project: Project::default(), titles: BTreeMap::new(), refused };
        survey.read_ahead(skip, tell);
        Ok(survey)
    }

    /// Entries that cannot be part of a model.
    #[must_use]
    pub fn refused(&self) -> &[Finding] {
        &self.refused
    }

    /// The files, by path.
    #[must_use]
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }

    /// Files that cannot be read are met again, and reported, when they are scanned.
    fn read_ahead(&mut self, skip: &BTreeSet<String>, tell: &mut dyn FnMut(&str)) {
        let mut left = MAX_SOURCES;
        let mut configurations = Vec::new();
        for file in &self.files {
            let path = file.path.as_str();
            self.project.add_file(path);
            let source = path.ends_with(".py") && file.size <= left;
            let configuration = path.ends_with(".json") && file.size <= MAX_CONFIGURATION;
            let marking = is_marking(path, file.size);
            let manifest = cache::promised(file).is_some() && file.size <= MAX_CONFIGURATION;
            if !(source || configuration || manifest || marking) || skip.contains(path) {
                continue;
            }
            tell(path);
            let Ok(bytes) = Mapped::open(&file.location, Access::Read) else { continue };
            if source {
                left -= file.size;
                self.project.add_source(path, &String::from_utf8_lossy(&bytes));
            } else if marking {
                mark_text(&mut self.project, path, &String::from_utf8_lossy(&bytes));
            } else if configuration && let Ok(document) = json::parse(&bytes, 200_000) {
                configurations.push((path.to_owned(), document));
            } else if manifest && bytes.starts_with(b"{") {
                cache::titles(&bytes, &mut self.titles);
            }
        }
        for (path, document) in &configurations {
            mark_loaded(&mut self.project, path, document);
        }
        self.project.load_packages();
    }

    /// Settles what the files say of each other, from the reports of all of [`Self::files`] in their order.
    pub fn settle(&self, files: &mut [FileReport]) {
        let read = |index: usize, _: &mut u64| {
            Mapped::open(&self.files.get(index)?.location, Access::Map).ok().map(Bytes::Mapped)
        };
        let said = files.iter_mut().flat_map(|file| std::mem::take(&mut file.vouched)).collect();
        ocdbt::settle(files, &mut Host::Disk, &read);
        vouch::settle(files, said, &mut Host::Disk, &read);
    }

    /// Scans one of [`Self::files`].
    ///
    /// # Panics
    /// There is no file of that index.
    #[must_use]
    pub fn scan(&self, index: usize, limits: &Limits) -> FileReport {
        self.scan_with(index, limits, None)
    }

    /// The same, telling each finding as it comes up: for a file that may end the process.
    ///
    /// # Panics
    /// There is no file of that index.
    #[must_use]
    pub fn scan_watched(&self, index: usize, limits: &Limits, watch: &dyn Fn(&Finding)) -> FileReport {
        self.scan_with(index, limits, Some(watch))
    }

    fn scan_with(&self, index: usize, limits: &Limits, watch: Option<&dyn Fn(&Finding)>) -> FileReport {
        let file = &self.files[index];
        let bytes = match Mapped::open(&file.location, Access::Map) {
            Ok(bytes) => bytes,
            Err(error) => return FileReport::unread(file, &error.to_string()),
        };
        let promised = cache::promised(file);
        let title = promised.and_then(|digest| self.titles.get(digest)).map(String::as_str);
        let release = |range| bytes.release(range);
        let around =
            Around { release: &release, watch, ..Around::new(limits, Tables::built_in(), &self.project) };
        let mut report = scan_in(&file.path, title, &bytes, &around);
        if let (Some(promised), Some(found)) = (promised, report.sha256.map(|digest| digest.to_hex()))
            && promised != found
        {
            let message = format!("its name says {promised}, its bytes have {found}");
            let place = Place::file(file.path.as_str());
            report.add(
                rule("repo/digest-mismatch").finding(place, message),
                rule("repo/digest-mismatch").outcome,
            );
        }
        report
    }
}

/// The report of a tree, from what was refused of it and the reports of its files in their order. What `accepted`
/// suppresses on the day `today` does not count.
#[must_use]
pub fn assemble(
    refused: Vec<Finding>,
    mut files: Vec<FileReport>,
    accepted: &Suppressions,
    today: &Day,
) -> ScanReport {
    let (suppressed, ended_suppressions) = accepted.apply(&mut files, today);
    let mut findings = refused;
    let mut outcome =
        findings.iter().map(|f| crate::report::outcome_of(&f.rule)).max().unwrap_or(Outcome::Clean);
    for file in &mut files {
        outcome = outcome.max(file.outcome);
        findings.append(&mut file.findings);
    }
    findings.sort();
    // Two sources that call the same harmful helper find the same thing there.
    findings.dedup();
    ScanReport { outcome, files, findings, suppressed, ended_suppressions, ..ScanReport::empty() }
}

/// A link of a cache, as the file it leads to under the name it has.
fn followed(root: &Path, link: &Path) -> Option<TreeFile> {
    let location = cache::blob(link)?;
    let relative = link.strip_prefix(root).ok().filter(|r| !r.as_os_str().is_empty());
    let parts = relative.unwrap_or(link.file_name()?.as_ref());
    let path: Vec<&str> = parts.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    let size = location.metadata().ok()?.len();
    Some(TreeFile { path: path.join("/").parse().ok()?, location, size })
}

fn same(a: &Path, b: &Path) -> bool {
    a.file_name() == b.file_name() && a.canonicalize().is_ok_and(|a| a == *b)
}

/// Whether an entry is a link to what lies outside of the folder: whoever reads the model, or packs it, takes that along.
fn leads_out(root: &Path, refused: &ArtifactError) -> bool {
    let ArtifactError::Symlink(link) = refused else { return false };
    let Ok(target) = std::fs::read_link(link) else { return false };
    let up = target.components().filter(|c| matches!(c, std::path::Component::ParentDir)).count();
    let depth = link.strip_prefix(root).map_or(0, |inner| inner.components().count().saturating_sub(1));
    target.is_absolute() || up > depth
}

/// The finding for an entry that was refused; `None` for what is an error.
fn refusal(root: &Path, refused: &ArtifactError) -> Option<Finding> {
    let path = match refused {
        ArtifactError::Symlink(path) | ArtifactError::NotUtf8(path) | ArtifactError::Special { path, .. } => {
            path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
        }
        ArtifactError::Name(_) => ".".to_owned(),
        _ => return None,
    };
    let id = if leads_out(root, refused) { "repo/unsafe-path" } else { "tree/refused" };
    let rule = rule(id);
    let what = match refused {
        ArtifactError::Symlink(_) => "it is a symbolic link".to_owned(),
        ArtifactError::NotUtf8(_) => "its name is not UTF-8".to_owned(),
        ArtifactError::Special { kind, .. } => format!("it is {kind}"),
        other => other.to_string(),
    };
    let message = format!("{path:?} cannot be part of a model: {what}");
    Some(rule.finding(Place::file(path), message))
}
