//! Programs that tools start by keys of one mapping, in YAML or JSON: the program under one, its words under another, in whatever order
//! (pre-commit's `entry` and `args`, Compose's `entrypoint` and `command`, Kubernetes' `command` and `args`).

use crate::formats::shell;

/// Keys of programs and their words, in the order in which they make a command.
const KEYS: [&str; 7] = ["entry", "entrypoint", "command", "cmd", "args", "arguments", "argv"];
/// Keys whose texts a shell runs.
const RUN: [&str; 12] = [
    "entry",
    "entrypoint",
    "command",
    "cmd",
    "run",
    "script",
    "shell",
    "bash",
    "inline",
    "before_script",
    "after_script",
    "exec",
];
/// Longest text that is a command.
const LONGEST: usize = 4096;

/// Whether the text under a key is one that a shell runs.
pub(super) fn runs(key: &str, value: &str) -> bool {
    RUN.contains(&key) && value.len() < LONGEST && shell::is_harmful(value)
}

/// What one mapping says of the program that it has started.
#[derive(Default)]
pub(super) struct Started {
    parts: Vec<(usize, String)>,
    /// A variable and its value, where each stands under a key of its own (Kubernetes' `env`).
    name: Option<String>,
    value: Option<String>,
}

impl Started {
    pub(super) fn add(&mut self, key: &str, part: &str) {
        match key {
            "name" if part.len() < LONGEST => self.name = Some(part.to_owned()),
            "value" if part.len() < LONGEST => self.value = Some(part.to_owned()),
            _ => {}
        }
        let Some(rank) = KEYS.iter().position(|known| *known == key) else { return };
        if !part.is_empty() && part.len() < LONGEST && self.parts.len() < KEYS.len() {
            self.parts.push((rank, part.to_owned()));
        }
    }

    pub(super) fn variable(&self, tell: impl FnOnce(&str, &str)) {
        if let (Some(name), Some(value)) = (&self.name, &self.value) {
            tell(name, value);
        }
    }

    /// The command, if several keys make one that no model has a use for.
    pub(super) fn harmful(mut self) -> Option<String> {
        self.parts.sort_by_key(|(rank, _)| *rank);
        let whole = self.parts.iter().map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(" ");
        (self.parts.len() > 1 && whole.len() < 2 * LONGEST && shell::is_harmful(&whole)).then_some(whole)
    }
}

/// The words of a command; one with blanks in it is one of a shell's own, behind `-c`.
pub(super) fn quoted(words: &[String]) -> String {
    let quoted = |w: &String| if w.contains(' ') { format!("\"{w}\"") } else { w.clone() };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
