//! The model digest: one digest over every file of a model directory.
//!
//! The root digest of an OpenSSF Model Signing statement hashes contents only, so two directories with
//! the same bytes under other names share it. This one also binds path, size and mode:
//!
//! * leaf = SHA-256(`proofhouse.model-file.v1` ‖ path ‖ mode ‖ size ‖ SHA-256 of the content), every
//!   field length-prefixed;
//! * leaves in code-point order of their paths, combined as an RFC 6962 Merkle tree (node = SHA-256(1 ‖
//!   left ‖ right), split at the largest power of two below the count), so that one file can be proven
//!   to belong without the others;
//! * digest = SHA-256(`proofhouse.model-tree.v1` ‖ number of files ‖ tree root).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, Hasher};

/// A relative path inside a subject: UTF-8, `/` between parts, no empty, `.` or `..` part, no backslash,
/// no control character. Whatever cannot be written so cannot be signed, and is refused at the edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(String);

/// Why a text is not a path inside a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} cannot name a file of a subject: {reason}")]
pub struct FilePathError {
    path: String,
    reason: &'static str,
}

impl FilePath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = FilePathError;

    fn from_str(s: &str) -> Result<Self, FilePathError> {
        let reason = if s.is_empty() {
            "it is empty"
        } else if s.len() > 4096 {
            "it is longer than 4096 bytes"
        } else if s.contains('\\') {
            "it contains a backslash"
        } else if s.chars().any(char::is_control) {
            "it contains a control character"
        } else if s.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            "it has an empty, \".\" or \"..\" part"
        } else {
            return Ok(Self(s.to_owned()));
        };
        Err(FilePathError { path: s.to_owned(), reason })
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The part of a file's mode that survives a copy from one machine to another: whether its owner may
/// execute it. The other bits follow from the umask of whoever copied, as in a git tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileMode {
    /// A plain file.
    Regular,
    /// A file its owner may execute.
    Executable,
}

/// One file of a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where it lies under the subject's root.
    pub path: FilePath,
    /// Whether it is executable.
    pub mode: FileMode,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub content: Digest,
}

/// Why a set of files has no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// There is no file.
    #[error("there is no file to take a digest of")]
    Empty,
    /// Two entries share a path.
    #[error("two files share the path {0}")]
    Duplicate(FilePath),
}

/// The model digest of `files`, whatever their order.
pub fn model_digest(files: &[FileEntry]) -> Result<Digest, TreeError> {
    let mut sorted: Vec<&FileEntry> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(pair) = sorted.windows(2).find(|w| w[0].path == w[1].path) {
        return Err(TreeError::Duplicate(pair[0].path.clone()));
    }
    let leaves: Vec<Digest> = sorted.iter().map(|f| leaf(f)).collect();
    let root = merkle(&leaves).ok_or(TreeError::Empty)?;
    let mut hasher = Hasher::with_domain("proofhouse.model-tree.v1");
    hasher.update(&(leaves.len() as u64).to_be_bytes());
    hasher.update(root.as_bytes());
    Ok(hasher.finish())
}

fn leaf(file: &FileEntry) -> Digest {
    let mut hasher = Hasher::with_domain("proofhouse.model-file.v1");
    hasher.field(file.path.as_str().as_bytes());
    hasher.field(match file.mode {
        FileMode::Regular => b"100644",
        FileMode::Executable => b"100755",
    });
    hasher.field(&file.size.to_be_bytes());
    hasher.field(file.content.as_bytes());
    hasher.finish()
}

/// Root of the Merkle tree over `leaves`, shaped as in RFC 6962 section 2.1. Depth is logarithmic.
fn merkle(leaves: &[Digest]) -> Option<Digest> {
    match leaves {
        [] => None,
        [one] => Some(*one),
        many => {
            let split = many.len().next_power_of_two() / 2;
            let (left, right) = (merkle(&many[..split])?, merkle(&many[split..])?);
            let mut hasher = Hasher::default();
            hasher.update(&[1]);
            hasher.update(left.as_bytes());
            hasher.update(right.as_bytes());
            Some(hasher.finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(path: &str, content: &[u8]) -> FileEntry {
        FileEntry {
            path: path.parse().unwrap(),
            mode: FileMode::Regular,
            size: content.len() as u64,
            content: Digest::of(content),
        }
    }

    #[test]
    fn names_sizes_and_modes_are_bound() {
        let base = vec![entry("a.bin", b"1"), entry("b.bin", b"2")];
        let digest = model_digest(&base).unwrap();
        let renamed = vec![entry("model.safetensors", b"1"), entry("payload.pkl", b"2")];
        assert_ne!(model_digest(&renamed).unwrap(), digest);
        let mut executable = base.clone();
        executable[0].mode = FileMode::Executable;
        assert_ne!(model_digest(&executable).unwrap(), digest);
        let mut longer = base.clone();
        longer[0].size += 1;
        assert_ne!(model_digest(&longer).unwrap(), digest);
        let mut more = base;
        more.push(entry("c.bin", b""));
        assert_ne!(model_digest(&more).unwrap(), digest);
    }

    #[test]
    fn nothing_and_duplicates_are_refused() {
        assert_eq!(model_digest(&[]), Err(TreeError::Empty));
        let twice = [entry("a", b"1"), entry("a", b"2")];
        assert!(matches!(model_digest(&twice), Err(TreeError::Duplicate(_))));
    }

    #[test]
    fn paths_that_leave_or_confuse_are_refused() {
        for bad in ["", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b", "a\0b", "a\nb"] {
            assert!(bad.parse::<FilePath>().is_err(), "{bad:?}");
        }
        assert!("a/b.bin".parse::<FilePath>().is_ok());
    }

    proptest! {
        #[test]
        fn order_does_not_matter(mut names in proptest::collection::btree_set("[a-z]{1,6}", 1..20)
            .prop_map(|s| s.into_iter().collect::<Vec<_>>()), turn in 0usize..20) {
            let straight: Vec<_> = names.iter().map(|n| entry(n, n.as_bytes())).collect();
            let k = turn % names.len();
            names.rotate_left(k);
            let turned: Vec<_> = names.iter().map(|n| entry(n, n.as_bytes())).collect();
            prop_assert_eq!(model_digest(&straight), model_digest(&turned));
        }
    }
}
