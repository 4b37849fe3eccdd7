//! The vocabulary of Proofhouse: plain values every other crate speaks, and nothing that does I/O.
//!
//! A *subject* is a thing with a [`Digest`]. An engine looks at a subject and returns [`Finding`]s and
//! [`Measurement`]s. A check turns those into a [`Verdict`] on a stated criterion, and the whole becomes
//! a [`CheckResult`], which is what evidence attests. [`CheckResult::freshness`] tells whether it still
//! speaks about the world as it is.

pub mod canonical;
mod digest;
mod evidence;
mod finding;
pub mod interval;
mod measurement;
mod reference;
pub mod sarif;
mod subject;
mod threat;
mod time;
mod tree;
mod verdict;

pub use digest::{Digest, DigestError, Hasher};
pub use evidence::{CheckResult, Freshness, Inputs, StaleReason};
pub use finding::{Finding, Place, Severity};
pub use measurement::{Interval, Measurement, Unit};
pub use reference::{Reference, ReferenceError};
pub use subject::{Subject, SubjectKind};
pub use threat::ThreatState;
pub use time::{Timestamp, TimestampError};
pub use tree::{FileEntry, FileMode, FilePath, FilePathError, TreeError, model_digest};
pub use verdict::Verdict;
