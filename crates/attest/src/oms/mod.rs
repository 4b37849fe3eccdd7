//! OpenSSF Model Signing v1.0: a Sigstore bundle whose statement lists every file of a model.
//!
//! The standard's subject digest is SHA-256 over the files' raw digests in list order. It does not bind
//! file names: two directories with the same contents under other names share it. So the statement also
//! carries the [model digest](proofhouse_core::model_digest), which binds name, size and mode, as the
//! algorithm [`MODEL_DIGEST`] in the subject's digest set. That is one of the few places where the
//! standard's schema allows additions, and other verifiers accept and ignore it.
//!
//! Reading is stricter than the reference implementation (model-signing 1.1.1): an empty model, two
//! entries of one name, names that are not canonical, members the schema forbids, and files left
//! unsigned by a signer's own exclusion list are all refused.

mod sign;
mod verify;
mod wire;

use std::fmt;

use proofhouse_core::{Digest, FilePath};

use crate::KeyId;

pub use sign::{Bundle, sign};
pub use verify::verify;

/// The algorithm name under which the subject's digest set carries the model digest.
pub const MODEL_DIGEST: &str = "proofhouseModelDigest";
/// The most files of a model that are signed or read.
pub const MAX_FILES: usize = 200_000;

/// Names at the top of a model that the standard leaves out of a signature: what git keeps there differs
/// between a clone and a download of the same model. The model digest covers them all the same.
pub const GIT_NAMES: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// A model whose every file is the one a trusted key signed. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedModel {
    name: String,
    root: Digest,
    model_digest: Digest,
    model_digest_signed: bool,
    unsigned: Vec<FilePath>,
    signer: KeyId,
}

impl VerifiedModel {
    /// What the signer called it: a label, not an identity.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The standard's subject digest. It does not bind file names; use [`Self::model_digest`] as identity.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The model digest of the files that were verified.
    #[must_use]
    pub fn model_digest(&self) -> Digest {
        self.model_digest
    }

    /// Whether the signature itself carries the model digest. If not, as in bundles of other tools, names
    /// and contents are signed, but modes are not.
    #[must_use]
    pub fn model_digest_signed(&self) -> bool {
        self.model_digest_signed
    }

    /// Files that no signature covers: git's own at the top of the model, in bundles without a model digest.
    #[must_use]
    pub fn unsigned(&self) -> &[FilePath] {
        &self.unsigned
    }

    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> KeyId {
        self.signer
    }
}

/// How a file differs from what was signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileDifference {
    /// Its content is another.
    Changed(FilePath),
    /// It is not signed.
    Extra(FilePath),
    /// It is signed and not there.
    Missing(FilePath),
}

impl fmt::Display for FileDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(path) => write!(f, "{path} has changed"),
            Self::Extra(path) => write!(f, "{path} is not signed"),
            Self::Missing(path) => write!(f, "{path} is missing"),
        }
    }
}

/// Whether the standard leaves the file out of a signature.
fn belongs_to_git(path: &FilePath) -> bool {
    let top = path.as_str().split('/').next();
    top.is_some_and(|top| GIT_NAMES.contains(&top))
}
