//! A tree read once into memory, so that the bytes that were verified are the bytes that are used.
//!
//! Hashing a directory and then letting a loader open it again leaves a gap in which the files can be
//! exchanged. Whoever serves a model loads it through this and hands the very same bytes to the runtime.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use proofhouse_core::{Digest, FileEntry, model_digest};
use rayon::prelude::*;

use crate::tree::{Listed, list};
use crate::{ArtifactError, TreeOptions};

/// A model held in memory with its digest.
#[derive(Clone)]
pub struct LoadedTree {
    entries: Vec<FileEntry>,
    contents: Vec<Arc<[u8]>>,
    digest: Digest,
}

impl LoadedTree {
    /// Reads every file under `root` once and digests the bytes that were read.
    ///
    /// # Errors
    /// As [`hash_tree`](crate::hash_tree). Set `options.max_bytes` to what the process may hold.
    pub fn load(root: &Path, options: &TreeOptions) -> Result<Self, ArtifactError> {
        let listing = list(root, options)?;
        let read: Vec<_> = listing.files.par_iter().map(load_file).collect();
        let (entries, contents): (Vec<_>, Vec<_>) =
            read.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let digest =
            model_digest(&entries).map_err(|source| ArtifactError::Tree { root: root.to_owned(), source })?;
        Ok(Self { entries, contents, digest })
    }

    /// The files in code-point order of their paths.
    #[must_use]
    pub fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    /// The model digest of the bytes held.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes over all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|e| e.size).sum()
    }

    /// The content of one file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Arc<[u8]>> {
        let at = self.entries.binary_search_by(|e| e.path.as_str().cmp(path)).ok()?;
        self.contents.get(at)
    }

    /// Every file with its content.
    pub fn iter(&self) -> impl Iterator<Item = (&FileEntry, &Arc<[u8]>)> {
        self.entries.iter().zip(&self.contents)
    }
}

impl fmt::Debug for LoadedTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedTree")
            .field("digest", &self.digest)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

fn load_file(listed: &Listed) -> Result<(FileEntry, Arc<[u8]>), ArtifactError> {
    let size = usize::try_from(listed.size).map_err(|_| ArtifactError::TooManyBytes(usize::MAX as u64))?;
    // Collected in place, so that the bytes are held once and not copied from a vector.
    let mut content: Arc<[u8]> = std::iter::repeat_n(0u8, size).collect();
    if let Some(buffer) = Arc::get_mut(&mut content) {
        listed.read_into(buffer)?;
    }
    let entry = listed.entry(Digest::of(&content));
    Ok((entry, content))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::hash_tree;

    #[test]
    fn the_loaded_digest_is_the_hashed_digest() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/empty"), b"").unwrap();
        fs::write(dir.path().join("model.onnx"), vec![3u8; 300_000]).unwrap();
        let options = TreeOptions::default();
        let loaded = LoadedTree::load(dir.path(), &options).unwrap();
        assert_eq!(loaded.digest(), hash_tree(dir.path(), &options, &|_| {}).unwrap().digest);
        assert_eq!(loaded.get("model.onnx").unwrap().len(), 300_000);
        assert_eq!(loaded.get("sub/empty").unwrap().len(), 0);
        assert!(loaded.get("missing").is_none());
        assert_eq!(loaded.bytes(), 300_000);

        // What happens to the directory afterwards does not reach the loaded bytes.
        fs::write(dir.path().join("model.onnx"), b"exchanged").unwrap();
        assert_eq!(loaded.get("model.onnx").unwrap().len(), 300_000);
    }
}
