//! Tar archives: where they write outside, and then every member by its own content.

use std::borrow::Cow;

use proofhouse_artifact::Format;
use proofhouse_artifact::tar::{self, Kind};

use crate::folder::Bytes;
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
        let name = inner_name(entry);
        sources.name(name);
        if sources.wants(name, bytes.len() as u64) {
            sources.take(name, bytes);
        }
    }
    let mut entries = |scanner: &mut Scanner<'_>| entries(scanner, content, &archive);
    scanner.folder(content, sources.project(), &mut entries, &|number, _| {
        let entry = archive.entries.get(number)?;
        Some(Bytes::Lent(content.bytes.get(entry.content.clone())?))
    });
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

/// The name of an entry in the folder that it is unpacked into.
fn inner_name(entry: &tar::Entry) -> &str {
    entry.name.trim_start_matches("./")
}

fn entries(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &tar::Tar) {
    let mut seen = std::collections::HashSet::new();
    let files = archive.entries.iter().filter(|entry| matches!(entry.kind, Kind::File));
    let arrays = super::zarr::of_files(files.map(|entry| {
        let bytes = content.bytes.get(entry.content.clone()).unwrap_or_default();
        (inner_name(entry), bytes.len() as u64, move || Some(Cow::Borrowed(bytes)))
    }));
    for (number, entry) in archive.entries.iter().enumerate() {
        let at = content.at(entry.at);
        if !tar::stays_inside(&entry.name) {
            scanner.report(
                "tar/unsafe-entry",
                at.clone(),
                format!("{:?} leaves the folder it is unpacked into", entry.name),
            );
        }
        // Folders of a group keep their group by such a bit.
        if matches!(entry.kind, Kind::File) && entry.mode & 0o6000 != 0 {
            let message = format!(
                "{:?} unpacks to a program that runs with its owner's rights (mode {:04o})",
                entry.name,
                entry.mode & 0o7777
            );
            scanner.report("tar/unsafe-entry", at.clone(), message);
        }
        if matches!(entry.kind, Kind::File) && !seen.insert(entry.name.as_str()) {
            let message =
                format!("two members are named {:?}: readers differ in which one they keep", entry.name);
            scanner.report("tar/structure", at.clone(), message);
        }
        match &entry.kind {
            Kind::File => {}
            Kind::Folder => continue,
            Kind::Link(target) if leads_inside(&archive.entries, &entry.name, target) => continue,
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
            Some(outer) => format!("{outer}!{}", inner_name(entry)),
            None => inner_name(entry).to_owned(),
        };
        let mut place = content.place.clone().within(name);
        place.offset = None;
        let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
        scanner.member(number, inner_name(entry), &inner, &mut |scanner| {
            if !super::zarr::chunk(scanner, &inner, inner_name(entry), &arrays) {
                super::scan(scanner, &inner);
            }
        });
    }
}

/// Whether a link is another name of a file or folder of the archive, as `latest.pt` is of a checkpoint: a name of its own,
/// through which nothing is written, and a target that stays inside.
fn leads_inside(entries: &[tar::Entry], name: &str, target: &str) -> bool {
    /// Archives of more entries have their links told, so that links do not cost more than what they lead to.
    const MOST: usize = 2000;
    let whole = |path: &str| -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        Some(parts.join("/"))
    };
    // Behind a folder that is a link itself, `..` would lead elsewhere.
    let mut parts = target.split('/').skip_while(|part| matches!(*part, "" | "." | ".."));
    if entries.len() > MOST
        || target.starts_with('/')
        || target.contains(['\\', '\0'])
        || parts.any(|part| part == "..")
    {
        return false;
    }
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    // A link of the file system counts from its own folder, a second name of a file from the root of the archive.
    let (Some(own), Some(beside)) = (whole(name), whole(&format!("{folder}/{target}"))) else { return false };
    let targets = [Some(beside), whole(target)];
    let below = format!("{own}/");
    let mut found = false;
    for entry in entries {
        let Some(path) = whole(&entry.name) else { continue };
        let same = path == own && !std::ptr::eq(entry.name.as_str(), name);
        if same || path.starts_with(&below) {
            return false;
        }
        // A folder above the link is no place to lead to: whoever walks the folders would never end.
        let names = |target: &String| match entry.kind {
            Kind::File => path == *target || is_within(&path, target) && !is_within(&own, target),
            Kind::Folder => path == *target && !is_within(&own, target),
            _ => false,
        };
        found |= targets.iter().flatten().any(names);
    }
    found
}

/// Whether a path lies in a folder.
fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_of_files_are_ordinary() {
        let entry = |name: &str, kind: Kind| tar::Entry {
            name: name.to_owned(),
            kind,
            mode: 0o644,
            at: 0,
            content: 0..0,
        };
        let of = |target: &str| {
            vec![entry("run/model.pt", Kind::File), entry("run/last.pt", Kind::Link(target.to_owned()))]
        };
        let leads = |entries: &[tar::Entry]| match &entries[1].kind {
            Kind::Link(target) => leads_inside(entries, &entries[1].name, target),
            _ => false,
        };
        assert!(leads(&of("model.pt")) && leads(&of("./model.pt")) && leads(&of("run/model.pt")));
        for target in ["/etc/passwd", "../../run/model.pt", "../other.pt", "missing.pt", ".."] {
            assert!(!leads(&of(target)), "{target}");
        }
        let folders = |target: &str, others: &[&str]| {
            let mut entries =
                vec![entry("m/1/a.pt", Kind::File), entry("m/latest", Kind::Link(target.to_owned()))];
            entries.extend(others.iter().map(|name| entry(name, Kind::File)));
            entries
        };
        assert!(leads(&folders("1", &[])) && leads(&folders("../m/1", &[])));
        for target in [".", "..", "../m", "1/..", "1/../1", "../..", "2", "/m/1"] {
            assert!(!leads(&folders(target, &[])), "{target}");
        }
        assert!(!leads(&folders("1", &["m/latest/b.pt"])));
        // What is written through a link lands elsewhere.
        let mut through = of("model.pt");
        through.push(entry("run/last.pt", Kind::File));
        assert!(!leads(&through));
    }
}
