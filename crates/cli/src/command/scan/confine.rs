//! Confining the process that parses: nothing to open but what is scanned, nothing to start, no network, bounded memory.
//!
//! Each measure is tried by itself, and what a system cannot do is told: the parse happens in a process of its own in
//! any case.

use std::path::{Path, PathBuf};

use proofhouse_sandbox::parser;

use super::message::Confinement;

/// Confines this process. Before the first thread is started.
pub fn files(root: &Path) -> bool {
    parser::files(&readable(root))
}

/// What is scanned, and the repository of a cache whose snapshot it is: its links lead to the blobs there.
fn readable(root: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let cache = absolute.ancestors().find(|folder| {
        let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        ["models--", "datasets--", "spaces--"].iter().any(|kind| name.starts_with(kind))
    });
    let mut all = vec![root.canonicalize().unwrap_or_else(|_| absolute.clone())];
    all.extend(cache.and_then(|folder| folder.canonicalize().ok()));
    all
}

impl Confinement {
    /// What is missing, in words.
    pub fn missing(self) -> Option<String> {
        let parts = [
            (self.process, "a process of its own"),
            (self.files, "a bound on the files it opens (Landlock)"),
            (self.calls, "a bound on the system calls it makes (seccomp)"),
            (self.memory, "a bound on its memory"),
        ];
        let missing: Vec<&str> = parts.iter().filter(|(there, _)| !there).map(|(_, what)| *what).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}
