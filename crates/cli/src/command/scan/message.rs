//! What the scanner and its confined child say to each other: a job on the child's standard input, then one JSON
//! message a line on its standard output.

use std::path::PathBuf;

use proofhouse_core::{FilePath, Finding};
use proofhouse_scan::FileReport;
use serde::{Deserialize, Serialize};

/// What the child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// File or folder.
    pub root: PathBuf,
    /// Only these files, by their index in the survey; otherwise all.
    pub only: Option<Vec<usize>>,
    /// Paths that are not read ahead, as that has ended a child.
    pub not_ahead: Vec<String>,
    /// Files that are done.
    pub skip: Vec<usize>,
    /// Threads.
    pub threads: usize,
    /// Most bytes of memory of its own.
    pub memory: u64,
    /// Every byte is read, not only structure.
    pub content: bool,
    /// Tells each finding as it comes up, for a file that ended a child before.
    pub watched: bool,
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// How it is confined; comes first.
    Confined(Confinement),
    /// It reads a file ahead, for what other files say of it.
    Ahead(String),
    /// What there is to scan.
    Survey { files: Vec<Listed>, refused: Vec<Finding> },
    /// It begins with a file.
    Start(usize),
    /// Something came up in a file that is watched.
    Found(usize, Finding),
    /// It is done with a file.
    Done(usize, Box<FileReport>),
    /// All is done.
    End,
    /// The tree cannot be scanned at all.
    Failed(String),
}

/// A file as the child lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    pub path: FilePath,
    pub location: PathBuf,
    pub size: u64,
}

/// What holds the child.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// A process of its own.
    pub process: bool,
    /// It can open nothing but what it scans, and write nothing (Landlock).
    pub files: bool,
    /// It can start nothing and reach no network (seccomp).
    pub calls: bool,
    /// Its memory is bounded.
    pub memory: bool,
}
