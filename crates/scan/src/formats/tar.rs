//! Tar archives: where they write outside, and then every member by its own content.

use proofhouse_artifact::Format;
use proofhouse_artifact::tar::{self, Kind};

use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let archive = match tar::walk(content.bytes, scanner.limits.archive_members) {
        Ok(archive) => archive,
        Err(error) => {
            scanner.report("zip/budget", content.place.clone(), error.to_string());
            return 0;
        }
    };
    let mut uncovered = 0;
    for issue in &archive.issues {
        uncovered += issue.uncovered;
        scanner.report("tar/structure", content.at(issue.offset), issue.what.clone());
    }
    let mut sources = super::sources::Sources::new();
    for entry in archive.entries.iter().filter(|e| matches!(e.kind, Kind::File)) {
        let bytes = content.bytes.get(entry.content.clone()).unwrap_or_default();
        let name = entry.name.trim_start_matches("./");
        sources.name(name);
        if sources.wants(name, bytes.len() as u64) {
            sources.take(name, bytes);
        }
    }
    let mut entries = |scanner: &mut Scanner<'_>| entries(scanner, content, &archive);
    match sources.project() {
        Some(project) => scanner.within(content, project, &mut entries),
        None => entries(scanner),
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

fn entries(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &tar::Tar) {
    let mut seen = std::collections::HashSet::new();
    for entry in &archive.entries {
        let at = content.at(entry.at);
        if !tar::stays_inside(&entry.name) {
            scanner.report(
                "tar/unsafe-entry",
                at.clone(),
                format!("{:?} leaves the folder it is unpacked into", entry.name),
            );
        }
        if matches!(entry.kind, Kind::File) && !seen.insert(entry.name.as_str()) {
            let message =
                format!("two members are named {:?}: readers differ in which one they keep", entry.name);
            scanner.report("tar/structure", at.clone(), message);
        }
        match &entry.kind {
            Kind::File => {}
            Kind::Folder => continue,
            Kind::Link(target) => {
                let message = format!("{:?} is a link to {target:?}", entry.name);
                scanner.report("tar/unsafe-entry", at, message);
                continue;
            }
            Kind::Other(kind) => {
                let message = format!("{:?} is no file (type {kind:?})", entry.name);
                scanner.report("tar/unsafe-entry", at, message);
                continue;
            }
        }
        let bytes = content.bytes.get(entry.content.clone()).unwrap_or_default();
        let name = match &content.place.member {
            Some(outer) => format!("{outer}!{}", entry.name),
            None => entry.name.clone(),
        };
        let mut place = content.place.clone().within(name);
        place.offset = None;
        let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
        super::scan(scanner, &inner);
    }
}
