//! Zip archives: where the records disagree, and then every member by its own content.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_artifact::zip::{Archive, IssueKind, Limits, Member};
use proofhouse_artifact::{ArtifactError, Format};

use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some((archive, uncovered)) = open(scanner, content) else { return 0 };
    if super::exported::is_exported(&archive) {
        super::exported::scan(scanner, content, &archive);
        return (content.bytes.len() as u64).saturating_sub(uncovered);
    }
    if content.format == Format::Zip {
        unpacked_names(scanner, content, &archive);
    }
    let arrays = super::zarr::of_zip(scanner, &archive);
    let mut members = |scanner: &mut Scanner<'_>| {
        if super::torch::is_package(&archive) {
            return super::torch::packaged(scanner, content, &archive);
        }
        for (number, member) in archive.members().iter().enumerate() {
            read(scanner, content, &archive, member, &mut |scanner, inner| {
                scanner.member(number, &member.name, inner, &mut |scanner| {
                    if !super::zarr::chunk(scanner, inner, &member.name, &arrays) {
                        super::scan(scanner, inner);
                    }
                });
            });
        }
    };
    let project = super::sources::of_zip(scanner, &archive);
    scanner.folder(content, project, &mut members, &|number, left| {
        let read = archive.read(archive.members().get(number)?, *left).ok()?.bytes;
        if matches!(read, std::borrow::Cow::Owned(_)) {
            *left = left.saturating_sub(read.len() as u64);
        }
        Some(read.into())
    });
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

/// Names that are one file where no case is told, or a file and a folder: what is unpacked last takes the place of the
/// other. Archives whose readers unpack nothing may have such names.
fn unpacked_names(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &Archive<'_>) {
    let names: BTreeSet<&str> = archive.members().iter().map(|m| m.name.as_str()).collect();
    let mut seen = BTreeMap::new();
    for name in &names {
        if let Some(other) = seen.insert(name.to_lowercase(), *name) {
            let message = format!("{other:?} and {name:?} are one file where no case is told");
            scanner.report("zip/disagreement", content.place.clone(), message);
        }
        let below = format!("{name}/");
        if !name.ends_with('/') && names.range(below.as_str()..).next().is_some_and(|n| n.starts_with(&below))
        {
            let message = format!("{name:?} is a file and a folder");
            scanner.report("zip/disagreement", content.place.clone(), message);
        }
    }
}

/// Walks the archive and reports where it disagrees with itself; also how many bytes belong to nothing.
pub(crate) fn open<'a>(scanner: &mut Scanner<'_>, content: &Content<'a>) -> Option<(Archive<'a>, u64)> {
    let limits = Limits { max_members: scanner.limits.archive_members };
    let pause = || scanner.released(content, 0..content.bytes.len());
    let archive = match Archive::walk_pausing(content.bytes, &limits, &pause) {
        Ok(archive) => archive,
        Err(error @ ArtifactError::Limit { .. }) => {
            scanner.report("zip/budget", content.place.clone(), error.to_string());
            return None;
        }
        Err(error) => {
            scanner.report("zip/disagreement", content.at(error.offset().unwrap_or(0)), error.to_string());
            return None;
        }
    };
    let mut uncovered = 0;
    for issue in archive.issues() {
        let rule = match issue.kind {
            // A comment is where the format puts free text; an end record inside it is an issue of its own.
            IssueKind::Comment { .. } => continue,
            IssueKind::OddName if content.format != Format::Zip => continue,
            IssueKind::OddName | IssueKind::UnsafeName | IssueKind::Link | IssueKind::Mode(_) => {
                "zip/unsafe-name"
            }
            IssueKind::Gap { bytes }
            | IssueKind::Prefix { bytes }
            | IssueKind::Trailing { bytes }
            | IssueKind::OddComment { bytes } => {
                uncovered += bytes;
                "zip/disagreement"
            }
            _ => "zip/disagreement",
        };
        scanner.report(rule, content.at(issue.offset), issue.to_string());
    }
    Some((archive, uncovered))
}

/// Decompresses a member within the budget and hands it on as content of its own.
pub(crate) fn read(
    scanner: &mut Scanner<'_>,
    content: &Content<'_>,
    archive: &Archive<'_>,
    member: &Member,
    look: &mut dyn FnMut(&mut Scanner<'_>, &Content<'_>),
) {
    let name = match &content.place.member {
        Some(outer) => format!("{outer}!{}", member.name),
        None => member.name.clone(),
    };
    let mut place = content.place.clone().within(name);
    place.offset = None;
    let read = match archive.read(member, scanner.decompressed_left) {
        Ok(read) => read,
        Err(error @ ArtifactError::Limit { .. }) => {
            if member.method != 0 {
                scanner.overflown();
            }
            return scanner.unpacks_more("zip/budget", place, error.to_string());
        }
        Err(error) => return scanner.report("zip/unreadable-member", place, error.to_string()),
    };
    if matches!(read.bytes, std::borrow::Cow::Owned(_)) {
        scanner.decompressed_left = scanner.decompressed_left.saturating_sub(read.bytes.len() as u64);
    }
    let deferred = member.flags & 8 != 0 && member.listed == proofhouse_artifact::zip::Listed::HeaderOnly;
    if !read.crc_matches && !deferred {
        scanner.report("zip/disagreement", place.clone(), "its checksum is wrong: some readers refuse it");
    }
    if (!read.size_matches && !deferred) || read.unused > 0 {
        let message = "it has another size than stated: some readers see more of it than others";
        scanner.report("zip/disagreement", place.clone(), message);
    }
    let format = Format::detect(&read.bytes);
    let inner = Content { bytes: &read.bytes, format, place, depth: content.depth + 1 };
    look(scanner, &inner);
}
