//! What this crate says on systems for which it has no sandbox.

use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout};

use crate::{Measures, Policy, SandboxError};

/// The hidden command of a program that serves as a launcher.
pub const STAGE: &str = "sandbox-stage";

/// There is nothing to do for a stage.
#[must_use]
pub fn stage(_: &str) -> i32 {
    2
}

/// Cannot be had here.
#[derive(Debug)]
pub enum Sandbox {}

impl Sandbox {
    /// Refuses.
    pub fn start(_: &Policy, _: &Path) -> Result<Self, SandboxError> {
        Err(SandboxError::System)
    }

    /// What holds.
    #[must_use]
    pub fn measures(&self) -> &Measures {
        match *self {}
    }

    /// Where it is reached.
    #[must_use]
    pub fn socket(&self) -> Option<&PathBuf> {
        match *self {}
    }

    /// Its standard input and output.
    pub fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        match *self {}
    }

    /// How it ended.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        match *self {}
    }

    /// What it wrote last.
    #[must_use]
    pub fn last_words(&self) -> String {
        match *self {}
    }
}
