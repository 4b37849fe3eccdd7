//! 7z archives: every file by its own content; what needs a key is not scanned and says so.

use std::cell::RefCell;

use proofhouse_artifact::sevenzip::{Archive, File, Unreadable};
use proofhouse_artifact::{ArtifactError, Format, tar};

use super::sources::Sources;
use crate::folder::Bytes;
use crate::python::Project;
use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let archive = match Archive::open(content.bytes, scanner.decompressed_left) {
        Ok(archive) => archive,
        Err(error) => {
            unreadable(scanner, content, "the header", &error);
            return 0;
        }
    };
    let size = content.bytes.len() as u64;
    if archive.uncovered > 0 {
        let message = format!("{} bytes of the archive belong to nothing", archive.uncovered);
        scanner.report("tar/structure", content.place.clone(), message);
    }
    if archive.files.len() > scanner.limits.archive_members {
        scanner.report("zip/budget", content.place.clone(), "more files than the scan follows");
        return 0;
    }
    let mut seen = std::collections::HashSet::new();
    for file in &archive.files {
        if !tar::stays_inside(&file.name) || file.name.contains('\\') {
            let message = format!("{:?} leaves the folder it is unpacked into", file.name);
            scanner.report("tar/unsafe-entry", content.place.clone(), message);
        }
        if file.is_link() {
            let message = format!("{:?} is a link", file.name);
            scanner.report("tar/unsafe-entry", content.place.clone(), message);
        }
        if !file.folder && !seen.insert(file.name.as_str()) {
            let message =
                format!("two files are named {:?}: readers differ in which one they keep", file.name);
            scanner.report("tar/structure", content.place.clone(), message);
        }
    }
    let mut uncovered = archive.uncovered;
    let mut look = |scanner: &mut Scanner<'_>| {
        if !files(scanner, content, &archive) {
            uncovered = size;
        }
    };
    let project = sources(scanner, content, &archive);
    // Members of one folder of streams are asked for one after the other, and unpacked together.
    let last: RefCell<Option<(usize, Vec<u8>)>> = RefCell::new(None);
    scanner.folder(content, project, &mut look, &|number, left| {
        let file = archive.files.get(number)?;
        let (folder, _) = file.content?;
        let mut last = last.borrow_mut();
        if last.as_ref().is_none_or(|(known, _)| *known != folder) {
            *last = None;
            let unpacked = archive.unpack(content.bytes, folder, *left).ok()?;
            *left = left.saturating_sub(unpacked.len() as u64);
            *last = Some((folder, unpacked));
        }
        let (_, unpacked) = last.as_ref()?;
        Some(Bytes::Owned(part(unpacked, file).to_vec()))
    });
    size.saturating_sub(uncovered)
}

/// Looks into every file; whether all of them could be unpacked.
fn files(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &Archive) -> bool {
    let mut all = true;
    for folder in 0..archive.folders() {
        let unpacked = match archive.unpack(content.bytes, folder, scanner.decompressed_left) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                unreadable(scanner, content, "a folder", &error);
                all = false;
                continue;
            }
        };
        scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.len() as u64);
        for (number, file) in held(archive, folder) {
            let bytes = part(&unpacked, file);
            let name = match &content.place.member {
                Some(outer) => format!("{outer}!{}", file.name),
                None => file.name.clone(),
            };
            let mut place = content.place.clone().within(name);
            place.offset = None;
            let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
            scanner.member(number, &file.name, &inner, &mut |scanner| {
                super::scan(scanner, &inner);
            });
        }
    }
    all
}

/// The sources of the archive, as a project of their own. Folders that hold some are unpacked for it ahead, which
/// counts against the budget; a folder that cannot be is told of when its files are looked into.
fn sources(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &Archive) -> Project {
    let mut sources = Sources::new();
    archive.files.iter().for_each(|file| sources.name(&file.name));
    if !archive.files.iter().any(|file| file.name.ends_with(".py")) {
        return sources.project();
    }
    for folder in 0..archive.folders() {
        if !held(archive, folder).any(|(_, file)| sources.wants(&file.name, file.size)) {
            continue;
        }
        let Ok(unpacked) = archive.unpack(content.bytes, folder, scanner.decompressed_left) else { continue };
        scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.len() as u64);
        for (_, file) in held(archive, folder) {
            if sources.wants(&file.name, file.size) {
                sources.take(&file.name, part(&unpacked, file));
            }
        }
    }
    sources.project()
}

/// The files in a folder of streams that are no links, with their numbers.
fn held(archive: &Archive, folder: usize) -> impl Iterator<Item = (usize, &File)> {
    let files = archive.files.iter().enumerate();
    files.filter(move |(_, f)| f.content.is_some_and(|(i, _)| i == folder) && !f.is_link())
}

/// The bytes of a file in its unpacked folder.
fn part<'a>(unpacked: &'a [u8], file: &File) -> &'a [u8] {
    let from = file.content.map_or(0, |(_, from)| from);
    let range = usize::try_from(from).ok().zip(usize::try_from(from.saturating_add(file.size)).ok());
    range.and_then(|(from, to)| unpacked.get(from..to)).unwrap_or_default()
}

fn unreadable(scanner: &mut Scanner<'_>, content: &Content<'_>, part: &str, error: &Unreadable) {
    if let Unreadable::Broken(error @ ArtifactError::Limit { what: "unpacked bytes", .. }) = error {
        return scanner.unpacks_more("zip/budget", content.place.clone(), format!("{part}: {error}"));
    }
    let (rule, message) = match error {
        Unreadable::Encrypted => ("archive/encrypted", format!("{part} is encrypted")),
        Unreadable::Method(method) => ("format/unscannable", format!("{part} is packed by {method}")),
        Unreadable::Broken(error @ ArtifactError::Limit { .. }) => ("zip/budget", format!("{part}: {error}")),
        Unreadable::Broken(error) => ("stream/broken", format!("{part}: {error}")),
    };
    scanner.report(rule, content.place.clone(), message);
}
