//! Layouts in which files lie under other names: the Hugging Face cache, and OCI images on disk.
//!
//! The cache keeps bytes in `models--owner--name/blobs` and links to them from `snapshots/REVISION` (huggingface_hub,
//! "Understand caching"). Such a link is followed, as long as it ends in the blobs of its own repository; any other
//! link is refused. Where the name of a blob is a SHA-256, its bytes must have it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proofhouse_artifact::TreeFile;
use proofhouse_artifact::json::{self, Value};

/// The blob that a link in a snapshot leads to.
pub(crate) fn blob(link: &Path) -> Option<PathBuf> {
    let link = std::path::absolute(link).ok()?;
    let repository = link.ancestors().find(|folder| {
        let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        ["models--", "datasets--", "spaces--"].iter().any(|kind| name.starts_with(kind))
    })?;
    link.strip_prefix(repository.join("snapshots")).ok()?;
    let blobs = repository.join("blobs").canonicalize().ok()?;
    let target = link.canonicalize().ok()?;
    (target.parent() == Some(blobs.as_path()) && target.is_file()).then_some(target)
}

/// The digest that a file's name promises: of a blob in the cache, or of one in an OCI layout.
pub(crate) fn promised(file: &TreeFile) -> Option<&str> {
    let name = file.location.file_name()?.to_str()?;
    let folder = file.location.parent()?;
    let parent = folder.file_name()?.to_str()?;
    let outer = folder.parent().and_then(Path::file_name).and_then(|n| n.to_str());
    let in_place = parent == "blobs" || (parent == "sha256" && outer == Some("blobs"));
    let digest = name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (in_place && digest).then_some(name)
}

/// Names that the manifests of an OCI layout give to their blobs (`org.opencontainers.image.title`), by digest, and
/// the digests that they name.
pub(crate) fn titles(manifest: &[u8], names: &mut BTreeMap<String, String>) {
    let Ok(document) = json::parse(manifest, 100_000) else { return };
    let mut stack = vec![&document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => stack.extend(elements),
            Value::Object(members) => {
                let text =
                    |name: &str| members.iter().find(|(k, _)| k == name).and_then(|(_, v)| v.as_text());
                let annotations =
                    members.iter().find(|(k, _)| k == "annotations").and_then(|(_, v)| v.as_object());
                let title =
                    annotations.and_then(|a| a.iter().find(|(k, _)| k == "org.opencontainers.image.title"));
                if let (Some(digest), Some(title)) = (text("digest"), title.and_then(|(_, v)| v.as_text())) {
                    names.insert(digest.trim_start_matches("sha256:").to_owned(), title.to_owned());
                }
                stack.extend(members.iter().map(|(_, v)| v));
            }
            _ => {}
        }
    }
}
