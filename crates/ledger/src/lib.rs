//! The ledger: an append-only Merkle log of everything that happened, and views rebuilt from it.
//!
//! ```text
//! Event ──append──► leaf (canonical JSON) ──► RFC 6962 tree ──► signed checkpoint (C2SP note)
//!                     │
//!                     └──apply──► views (subjects, threats, evidence, …), which `rebuild` recreates
//! ```
//!
//! Leaves, tree, views and checkpoint change in one transaction; what [`Ledger::append`] returned is
//! there after a crash. The database is SQLite (`sqlite:PATH`) or PostgreSQL (`postgres://…`) with the
//! same entities. [`Ledger::verify`] re-reads everything and names the first place that is wrong; whoever
//! keeps a checkpoint elsewhere finds a rewritten or cut ledger with it, and [`Ledger::export`] writes a
//! directory that can be checked without this program: leaves, tlog-tiles, checkpoint, key.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use proofhouse_ledger::{CheckpointKey, Event, EventKind, Ledger};
//!
//! let dir = tempfile::tempdir()?;
//! let key = CheckpointKey::generate("proofhouse.local/ledger".parse()?)?;
//! let trusted = key.verifier().clone();
//! let url = format!("sqlite:{}", dir.path().join("ledger.db").display());
//! let ledger = Ledger::open(&url, "proofhouse.local/ledger", Some(key)).await?;
//!
//! let event = Event {
//!     kind: EventKind::RunStarted,
//!     subject: None,
//!     actor: "ci".into(),
//!     at: "2026-11-23T05:13:00Z".parse()?,
//!     body: serde_json::json!({"system": "cheque-reader"}),
//! };
//! let receipt = ledger.append(&[event]).await?;
//! let head = &receipt.checkpoint.checkpoint;
//! ledger.inclusion(receipt.first_seq, head.size).await?.verify(&head.root)?;
//! assert!(ledger.verify(&trusted, Some(&receipt.checkpoint.note)).await?.is_sound());
//! # Ok(())
//! # }
//! ```
//!
//! A checkpoint proves what its signer stated, not that it stated the same to everybody: an operator who
//! holds the key and the database can still show two ledgers to two people. That is found by comparing
//! checkpoints kept outside ([`Ledger::consistency`]), not by anything inside.

pub mod body;
mod database;
mod entity;
mod error;
mod event;
mod export;
mod key;
mod ledger;
pub mod merkle;
mod note;
mod objects;
mod proofs;
mod verify;
pub mod views;

pub use database::Options;
pub use error::LedgerError;
pub use event::{Entry, Event, EventKind, EventKindError, LeafError, MAX_BODY_DEPTH, MAX_LEAF_BYTES};
pub use export::{ExportReport, verify_export};
pub use key::{CheckpointKey, KeyError};
pub use ledger::{Filter, Ledger, MAX_BATCH, Receipt};
pub use note::{Checkpoint, KeyName, NoteError, SignedCheckpoint, VerifierKey};
pub use objects::MAX_OBJECT_BYTES;
pub use proofs::{ConsistencyProof, InclusionProof};
pub use verify::{Problem, VerifyReport};
