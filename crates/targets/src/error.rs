//! What can go wrong on a target.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use proofhouse_core::Digest;

/// Why a target could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The program that serves models cannot be started.
    #[error("cannot start {program}: {source}. Check that the file exists and may be executed")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The instance ended before it announced itself.
    #[error("instance {instance} refused to serve: {reason}")]
    Refused {
        /// Which instance.
        instance: String,
        /// What it said on its standard error.
        reason: String,
    },
    /// The instance said nothing in time.
    #[error("instance {instance} did not announce itself within {within:?}; it was stopped")]
    Silent {
        /// Which instance.
        instance: String,
        /// How long it was given.
        within: Duration,
    },
    /// The instance announced something unreadable.
    #[error("instance {instance} announced {line:?}, which is not an announcement: {reason}; it was stopped")]
    Announcement {
        /// Which instance.
        instance: String,
        /// What it wrote, cut short.
        line: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The instance could not prove the digest it was started for.
    #[error("instance {instance} serves {proven}, not {expected}; it was stopped")]
    WrongDigest {
        /// Which instance.
        instance: String,
        /// What was asked for.
        expected: Digest,
        /// What it serves.
        proven: Digest,
    },
    /// The instance did not answer the challenge.
    #[error("instance {instance} did not answer the identity challenge: {reason}; it was stopped")]
    Challenge {
        /// Which instance.
        instance: String,
        /// Why.
        reason: String,
    },
    /// No instance of that name runs here.
    #[error("this agent runs no instance {0}")]
    NoSuchInstance(String),
    /// The process table cannot be read.
    #[error("cannot read the process table: {0}")]
    ProcessTable(io::Error),
    /// A sweep of the whole machine did not see every process.
    #[error(
        "some processes of this machine are hidden from this user, so nobody can tell whether they serve \
         {0}; mount /proc without hidepid, or run this as root"
    )]
    Hidden(Digest),
    /// A process could not be stopped.
    #[error("cannot stop process {pid}: {source}")]
    Stop {
        /// Which process.
        pid: u32,
        /// Why.
        source: io::Error,
    },
}
