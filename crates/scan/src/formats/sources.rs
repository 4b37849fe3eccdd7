//! The files of an archive, as a project of its own: its sources import each other, and its configurations name them.
//!
//! An archive of a repository, a TorchServe archive or a `torch.package` is loaded where it is unpacked. So what its
//! members name is followed among its members, as it is among the files of a folder.

use proofhouse_artifact::json;
use proofhouse_artifact::zip::Archive;

use crate::python::Project;
use crate::repository::{MAX_CONFIGURATION, is_marking, mark_loaded, mark_text};
use crate::scanner::Scanner;

/// Most bytes of sources that are followed together.
const MAX_SOURCES: u64 = 32 << 20;

/// Gathers members, then tells which of them a loader imports.
pub(super) struct Sources {
    project: Project,
    configurations: Vec<(String, json::Value)>,
    left: u64,
}

impl Sources {
    pub(super) fn new() -> Self {
        Self { project: Project::default(), configurations: Vec::new(), left: MAX_SOURCES }
    }

    /// Whether the content of a member of that name and size is wanted.
    pub(super) fn wants(&self, name: &str, size: u64) -> bool {
        let configuration = name.ends_with(".json") && size <= MAX_CONFIGURATION;
        size <= self.left && (name.ends_with(".py") || configuration || is_marking(name, size))
    }

    /// Names a member.
    pub(super) fn name(&mut self, name: &str) {
        self.project.add_file(name);
    }

    /// Takes the content of a member.
    pub(super) fn take(&mut self, name: &str, bytes: &[u8]) {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        if name.ends_with(".py") {
            self.project.add_source(name, &String::from_utf8_lossy(bytes));
        } else if is_marking(name, bytes.len() as u64) {
            mark_text(&mut self.project, name, &String::from_utf8_lossy(bytes));
        } else if let Ok(document) = json::parse(bytes, 200_000) {
            self.configurations.push((name.to_owned(), document));
        }
    }

    /// The project.
    pub(super) fn project(mut self) -> Project {
        for (path, document) in &self.configurations {
            mark_loaded(&mut self.project, path, document);
        }
        self.project.load_packages();
        self.project
    }
}

/// The members of a zip archive, and its sources. What is read ahead counts against the budget of what is unpacked.
pub(super) fn of_zip(scanner: &mut Scanner<'_>, archive: &Archive<'_>) -> Project {
    let mut sources = Sources::new();
    archive.members().iter().for_each(|member| sources.name(&member.name));
    if !archive.members().iter().any(|m| m.name.ends_with(".py")) {
        return sources.project();
    }
    for member in archive.members() {
        if !sources.wants(&member.name, member.uncompressed) {
            continue;
        }
        if let Ok(read) = archive.read(member, member.uncompressed.min(scanner.decompressed_left)) {
            scanner.decompressed_left = scanner.decompressed_left.saturating_sub(read.bytes.len() as u64);
            sources.take(&member.name, &read.bytes);
        }
    }
    sources.project()
}
