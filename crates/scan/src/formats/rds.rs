//! R objects: data, unless a promise waits among them to be looked at.

use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::rds::{self, NoteKind};

use crate::scanner::{Content, Scanner};

/// Alternative representations of base R that hold their data or compute it.
const REPRESENTATIONS: [&str; 10] = [
    "compact_intseq",
    "compact_realseq",
    "deferred_string",
    "wrap_integer",
    "wrap_logical",
    "wrap_real",
    "wrap_complex",
    "wrap_raw",
    "wrap_string",
    "wrap_list",
];

/// Functions of R that run commands or code, or reach files and the network. Calls of others, as models keep them,
/// are data.
const HARMFUL: [&str; 24] = [
    "system",
    "system2",
    "shell",
    "shell.exec",
    "eval",
    "evalq",
    "parse",
    "source",
    "sys.source",
    "dyn.load",
    "library.dynam",
    "download.file",
    "url",
    "pipe",
    "fifo",
    "socketConnection",
    "unlink",
    "file.remove",
    "file.copy",
    "writeLines",
    "Sys.setenv",
    "install.packages",
    "loadNamespace",
    ".Call",
];

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let survey = match rds::survey(content.bytes) {
        Ok(survey) => survey,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "rds/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    for note in &survey.notes {
        let (rule, message) = match &note.kind {
            NoteKind::Promise => ("rds/promise", "code that runs when the value is looked at".to_owned()),
            NoteKind::Call(name) if HARMFUL.contains(&name.as_str()) => {
                ("rds/call", format!("a call of {name}"))
            }
            NoteKind::Call(_) => continue,
            NoteKind::Closure => ("rds/function", "a function, which runs when the model is used".to_owned()),
            NoteKind::Bytecode => ("rds/function", "compiled code".to_owned()),
            NoteKind::Pointer => ("rds/unknown", "a pointer into the process that wrote it".to_owned()),
            NoteKind::Persistent => ("rds/unknown", "an object that the loader's hook makes".to_owned()),
            NoteKind::Alternative(name) if base(name) => continue,
            NoteKind::Alternative(name) => {
                ("rds/unknown", format!("an object that the class {name} rebuilds"))
            }
            // Loading a namespace runs a package that the host has installed, not one that the file brings.
            NoteKind::Namespace(_) => continue,
        };
        scanner.report(rule, content.at(note.offset), message);
    }
    let size = content.bytes.len() as u64;
    if survey.end < size {
        let message = format!("{} bytes follow the object", size - survey.end);
        scanner.report("rds/malformed", content.at(survey.end), message);
    }
    survey.end
}

fn base(name: &str) -> bool {
    name.split(" of ").next().is_some_and(|class| REPRESENTATIONS.contains(&class))
        && name.ends_with(" of base")
}
