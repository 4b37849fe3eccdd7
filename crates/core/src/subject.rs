//! Things with a digest.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// What a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SubjectKind {
    /// A version of a model: the [`model_digest`](crate::model_digest) of its directory.
    Model,
    /// A dataset: the digest of its manifest.
    Dataset,
    /// A policy bundle: the tree digest of its files.
    Policy,
    /// A bill of materials document.
    Bom,
    /// A system file.
    System,
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Policy => "policy",
            Self::Bom => "bom",
            Self::System => "system",
        })
    }
}

/// A named thing with a digest. The digest is the identity; the name is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// What people call it.
    pub name: String,
    /// What it is known by.
    pub digest: Digest,
}
