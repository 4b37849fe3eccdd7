//! What can go wrong, in the words of whoever runs the ledger.

use proofhouse_core::Digest;

use crate::body::BodyError;
use crate::event::LeafError;
use crate::merkle::ProofError;
use crate::note::NoteError;

/// Why the ledger could not do what it was asked. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The address names no known database.
    #[error("{0:?} is no ledger address; use sqlite:PATH or postgres://USER@HOST/DATABASE")]
    Address(String),
    /// There is no ledger there.
    #[error("there is no ledger at {0}; check the path. The first command that records something makes one")]
    Missing(String),
    /// The file cannot be opened or made.
    #[error("{place} cannot be opened: {reason}; check that its directory exists and may be written")]
    CannotOpen {
        /// The database.
        place: String,
        /// Why.
        reason: String,
    },
    /// The server does not answer, or does not let us in.
    #[error("{place} cannot be used: {reason}; check that the server runs there, and the user and password")]
    Unreachable {
        /// The database.
        place: String,
        /// Why.
        reason: String,
    },
    /// Another process holds the database.
    #[error(
        "{place} is locked by another process and stayed so for {waited_ms} ms; find the process that writes \
         to it, or try again"
    )]
    Locked {
        /// The database.
        place: String,
        /// How long it was tried, in milliseconds.
        waited_ms: u64,
    },
    /// The database may not be written.
    #[error(
        "{0} is read-only; check the owner and mode of the file and of its directory, and the mount, or what \
         the role may do"
    )]
    ReadOnly(String),
    /// The file is damaged or something else.
    #[error(
        "{place} is damaged or is not a ledger ({reason}); keep the file, restore a copy and compare the two \
         with a checkpoint kept elsewhere"
    )]
    Corrupt {
        /// The database.
        place: String,
        /// What the database says.
        reason: String,
    },
    /// No room.
    #[error("there is no room left for {0}; free some and try again")]
    Full(String),
    /// Written by a later version of this program.
    #[error("{place} has schema version {found}, this program knows {known}; use the program that wrote it")]
    Schema {
        /// The database.
        place: String,
        /// Version found.
        found: String,
        /// Version known.
        known: u32,
    },
    /// The database holds another log.
    #[error("{place} is the ledger of {found:?}, not of {wanted:?}")]
    Origin {
        /// The database.
        place: String,
        /// Origin stored.
        found: String,
        /// Origin asked for.
        wanted: String,
    },
    /// The checkpoint key is not the one that this ledger was made with.
    #[error("{place} was made with the checkpoint key {found}; this one is {wanted}")]
    OtherKey {
        /// The database.
        place: String,
        /// Verifier key stored.
        found: String,
        /// Verifier key of the signer.
        wanted: String,
    },
    /// Appending needs a key.
    #[error("{0} was opened without a checkpoint key, so nothing can be appended")]
    NoSigner(String),
    /// What is stored does not fit the last checkpoint, so nothing may be signed on top of it.
    #[error("{place} does not fit its last checkpoint: {reason}; nothing was appended, run a verification")]
    Head {
        /// The database.
        place: String,
        /// What does not fit.
        reason: String,
    },
    /// An append of nothing, or of too much.
    #[error("{found} events in one append; 1 to {} are allowed", crate::ledger::MAX_BATCH)]
    Batch {
        /// Events given.
        found: usize,
    },
    /// An event cannot be a leaf.
    #[error("event {index} of this append: {source}")]
    Event {
        /// Position in the append, from 0.
        index: usize,
        /// Why.
        source: LeafError,
    },
    /// An event does not fit the views.
    #[error("event {index} of this append: {source}")]
    Body {
        /// Position in the append, from 0.
        index: usize,
        /// Why.
        source: BodyError,
    },
    /// An event names an object that is not there.
    #[error("event {index} of this append names the object {digest}, which is not stored; store it first")]
    ObjectMissing {
        /// Position in the append, from 0.
        index: usize,
        /// The object.
        digest: Digest,
    },
    /// An object larger than allowed.
    #[error("the object has {bytes} bytes, at most {} are allowed", crate::objects::MAX_OBJECT_BYTES)]
    ObjectTooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// What is stored is not what was written.
    #[error("{place}, table {table}, row {row}: {reason}; run a verification")]
    Row {
        /// The database.
        place: String,
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong.
        reason: String,
    },
    /// A proof that cannot be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A note or key that is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A file of an export cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// An export that does not hold together.
    #[error("{path}: {reason}")]
    Export {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Anything else that the database says.
    #[error("{place}: {source}")]
    Database {
        /// The database.
        place: String,
        /// What it says.
        source: sea_orm::DbErr,
    },
}
