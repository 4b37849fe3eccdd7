//! 7z archives: every file by its own content; what needs a key is not scanned and says so.

use proofhouse_artifact::sevenzip::{Archive, Unreadable};
use proofhouse_artifact::{ArtifactError, Format, tar};

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
    for folder in 0..archive.folders() {
        let unpacked = match archive.unpack(content.bytes, folder, scanner.decompressed_left) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                unreadable(scanner, content, "a folder", &error);
                uncovered = size;
                continue;
            }
        };
        scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.len() as u64);
        for file in
            archive.files.iter().filter(|f| f.content.is_some_and(|(i, _)| i == folder) && !f.is_link())
        {
            let from = file.content.map_or(0, |(_, from)| from);
            let range = usize::try_from(from).ok().zip(usize::try_from(from.saturating_add(file.size)).ok());
            let bytes = range.and_then(|(from, to)| unpacked.get(from..to)).unwrap_or_default();
            let name = match &content.place.member {
                Some(outer) => format!("{outer}!{}", file.name),
                None => file.name.clone(),
            };
            let mut place = content.place.clone().within(name);
            place.offset = None;
            let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
            super::scan(scanner, &inner);
        }
    }
    size.saturating_sub(uncovered)
}

fn unreadable(scanner: &mut Scanner<'_>, content: &Content<'_>, part: &str, error: &Unreadable) {
    let (rule, message) = match error {
        Unreadable::Encrypted => ("archive/encrypted", format!("{part} is encrypted")),
        Unreadable::Method(method) => ("format/unscannable", format!("{part} is packed by {method}")),
        Unreadable::Broken(error @ ArtifactError::Limit { .. }) => ("zip/budget", format!("{part}: {error}")),
        Unreadable::Broken(error) => ("stream/broken", format!("{part}: {error}")),
    };
    scanner.report(rule, content.place.clone(), message);
}
