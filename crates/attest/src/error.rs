//! What can go wrong, said to the person who has to act on it.

use std::io;
use std::path::PathBuf;

use crate::KeyId;
use crate::oms::FileDifference;

/// Why something was not signed, not read or not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers for a new key")]
    Random,
    /// Not a private key this crate can use.
    #[error("not a P-256 private key in PKCS#8 PEM ({0})")]
    PrivateKey(&'static str),
    /// Not a public key this crate can use.
    #[error("not a P-256 public key in PEM (\"BEGIN PUBLIC KEY\"); keys on other curves are not supported")]
    PublicKey,
    /// Two files with the same name would be needed for the pair, or the name is no file name.
    #[error(
        "{0:?} cannot name a key: use letters, digits, '-', '_' and '.', and start with a letter or digit"
    )]
    KeyName(String),
    /// A key is never overwritten.
    #[error("{} exists already; choose another name or move the old key away first", .0.display())]
    KeyExists(PathBuf),
    /// Others can read a private key.
    #[error("{} can be read by others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    KeyPermissions {
        /// The private key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file cannot be read or written.
    #[error("{}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key file does not hold a key.
    #[error("{}: {source}", path.display())]
    KeyContent {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// The signature operation failed.
    #[error("the key could not sign")]
    Sign,

    /// A document exceeds a bound.
    #[error("{what} is over the limit of {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// A document is not the JSON it should be.
    #[error("{what} is not valid: {reason}")]
    Json {
        /// The document.
        what: &'static str,
        /// What is wrong and where.
        reason: String,
    },
    /// A value cannot be written as canonical JSON without changing it.
    #[error("cannot be written as canonical JSON: {0}")]
    Canonical(String),

    /// The envelope holds another type of payload.
    #[error("the envelope holds {found:?}, not {expected:?}")]
    PayloadType {
        /// The type it holds.
        found: String,
        /// The type asked for.
        expected: &'static str,
    },
    /// Nobody signed.
    #[error("the envelope carries no signature")]
    Unsigned,
    /// The key named is not trusted here.
    #[error("signed with key {0}, which is not among the trusted keys")]
    UnknownKey(KeyId),
    /// No trusted key made the signature over these bytes.
    #[error("no trusted key made this signature: the content was changed, or somebody else signed it")]
    Signature,

    /// Not an in-toto Statement v1.
    #[error("the statement has _type {0:?}, not {expected:?}", expected = crate::STATEMENT_TYPE)]
    StatementType(String),
    /// A statement about nothing.
    #[error("the statement names no subject with a digest")]
    NoSubject,
    /// The statement says something else than asked for.
    #[error("the statement's predicate is {found:?}, not {expected:?}")]
    PredicateType {
        /// The type it has.
        found: String,
        /// The type asked for.
        expected: &'static str,
    },

    /// A model without files cannot be signed, and a signature over nothing is refused.
    #[error("there is no file to sign")]
    EmptyModel,
    /// The bundle breaks OpenSSF Model Signing v1.0.
    #[error("not an OpenSSF Model Signing v1.0 bundle: {0}")]
    Oms(String),
    /// The bundle is legal but uses something this crate does not verify.
    #[error("this bundle uses {0}, which is not supported")]
    Unsupported(String),
    /// The files are not the signed ones. Every difference is listed.
    #[error("the files are not those that were signed: {}", summary(.0))]
    Files(Vec<FileDifference>),
    /// The listed files agree, but the model digest also binds modes, and what git keeps at the top.
    #[error(
        "the listed files match, but the model digest is {found}, not the signed {signed}: a file's mode differs, or \
         one of git's files at the top of the model"
    )]
    ModelDigest {
        /// In the signed statement.
        signed: proofhouse_core::Digest,
        /// Of the files at hand.
        found: proofhouse_core::Digest,
    },
}

/// A message stays readable when ten thousand files differ; the full list is in the error value.
const SHOWN: usize = 10;

fn summary(differences: &[FileDifference]) -> String {
    let shown: Vec<String> = differences.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = differences.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{}, and {more} more", shown.join(", ")) }
}
