//! What can go wrong between a path and its bytes.

use std::io;
use std::path::PathBuf;

use proofhouse_core::{FilePath, FilePathError, TreeError};

/// Why an artifact could not be read or does not make sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A symbolic link inside the tree.
    #[error(
        "{} is a symbolic link; a model is only what lies in its own directory, so copy the target in",
        .0.display()
    )]
    Symlink(PathBuf),
    /// A socket, pipe or device.
    #[error("{} is {kind}, which has no content to digest; remove it from the model", path.display())]
    Special {
        /// The entry.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// A name that is not UTF-8.
    #[error("the name of {} is not UTF-8; rename the file", .0.display())]
    NotUtf8(PathBuf),
    /// A name that cannot be written in a signature.
    #[error("rename the file: {0}")]
    Name(#[from] FilePathError),
    /// The file changed between being listed and being read.
    #[error("{path} changed while it was read: {what}; stop whatever writes to it and try again")]
    Changed {
        /// The file.
        path: FilePath,
        /// What differed.
        what: String,
    },
    /// More files than allowed.
    #[error("the tree holds more than {0} files; raise the limit if that is right")]
    TooManyFiles(usize),
    /// More bytes than allowed.
    #[error("the tree holds more than {0} bytes; raise the limit if that is right")]
    TooManyBytes(u64),
    /// There is nothing to take a digest of.
    #[error("{}: {source}", root.display())]
    Tree {
        /// The root.
        root: PathBuf,
        /// Why.
        source: TreeError,
    },
    /// The bytes contradict their format.
    #[error("malformed {format} at byte {offset}: {what}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// Offset in the bytes that were given.
        offset: u64,
        /// What is wrong, naming the tensor, member or field.
        what: String,
    },
    /// A walker's budget ran out before the bytes did.
    #[error("{format} holds more than {limit} {what}, the most that is looked at")]
    Limit {
        /// The format.
        format: &'static str,
        /// What was counted.
        what: &'static str,
        /// The budget.
        limit: u64,
    },
    /// A part of a kind that no walker reads.
    #[error("{format} at byte {offset}: {what} is not read")]
    NotRead {
        /// The format.
        format: &'static str,
        /// Offset in the bytes that were given.
        offset: u64,
        /// What it is.
        what: String,
    },
}

impl ArtifactError {
    pub(crate) fn malformed(format: &'static str, offset: u64, what: impl Into<String>) -> Self {
        Self::Malformed { format, offset, what: what.into() }
    }

    /// Byte offset of the trouble, where there is one.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Malformed { offset, .. } | Self::NotRead { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}
