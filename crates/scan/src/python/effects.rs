//! The table of what callables do, `data/python.csv`.

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) const TABLE: &str = include_str!("../../data/python.csv");

/// What calling something does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Starts a program.
    Command,
    /// Installs a package, which runs what it brings.
    Install,
    /// Runs code from a text, bytes or a file.
    Code,
    /// Loads or pokes native code.
    Native,
    /// Talks to the network.
    Network,
    /// Fetches files from a model hub or data server.
    Hub,
    /// Loads code from elsewhere.
    Foreign,
    /// Changes the file system.
    Write,
    /// Reads a format that can run code.
    Deserialise,
    /// Reads what should not leave the machine.
    Secret,
    /// Calls what it is given, at once or later.
    Caller,
    /// Puts markup or a script into a page.
    Page,
    /// Watches what a person types, copies or sees.
    Spy,
    /// Decodes, decompresses or decrypts.
    Decode,
}

impl Effect {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "command" => Self::Command,
            "install" => Self::Install,
            "code" => Self::Code,
            "native" => Self::Native,
            "network" => Self::Network,
            "hub" => Self::Hub,
            "foreign" => Self::Foreign,
            "write" => Self::Write,
            "deserialise" => Self::Deserialise,
            "secret" => Self::Secret,
            "caller" => Self::Caller,
            "decode" => Self::Decode,
            "page" => Self::Page,
            "spy" => Self::Spy,
            _ => return None,
        })
    }
}

struct Effects {
    exact: HashMap<&'static str, Effect>,
    prefixes: Vec<(&'static str, Effect)>,
}

static EFFECTS: LazyLock<Effects> = LazyLock::new(|| {
    let mut effects = Effects { exact: HashMap::new(), prefixes: Vec::new() };
    for (kind, name) in TABLE.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(',')) {
        let Some(effect) = Effect::parse(kind) else { continue };
        match name.strip_suffix('*') {
            Some(prefix) => effects.prefixes.push((prefix, effect)),
            None => {
                effects.exact.insert(name, effect);
            }
        }
    }
    effects
});

/// What calling `name` does, if the table knows it.
pub(super) fn effect(name: &str) -> Option<Effect> {
    // What a module raises or returns beside what it does.
    const PLAIN: [&str; 5] = ["Error", "TimeoutExpired", "CompletedProcess", "list2cmdline", "STARTUPINFO"];
    if PLAIN.iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let found = EFFECTS.exact.get(name).copied().or_else(|| {
        let plain = |rest: &str| !rest.contains('(');
        let matching = EFFECTS.prefixes.iter().filter(|(p, _)| name.strip_prefix(p).is_some_and(plain));
        matching.max_by_key(|(p, _)| p.len()).map(|(_, e)| *e)
    });
    // A private twin (`_io`, `_socket`) does what the public module does.
    let found = found.or_else(|| name.strip_prefix('_').filter(|n| !n.starts_with('_')).and_then(effect));
    found.or_else(|| led_to(name))
}

/// What is reached through the names of another module: `torch.hub.os.system`, `concurrent.futures.process.mp.util`.
/// Modules have those they import among their names.
fn led_to(name: &str) -> Option<Effect> {
    /// Modules whose names no package has for something else.
    const MODULES: [&str; 12] = [
        "os",
        "posix",
        "subprocess",
        "socket",
        "shutil",
        "pty",
        "ctypes",
        "importlib",
        "builtins",
        "runpy",
        "pickle",
        "urllib",
    ];
    /// Functions of which there is one.
    const ONLY: [&str; 4] = ["spawnv_passfds", "fork_exec", "posix_spawn", "posix_spawnp"];
    let (path, last) = name.rsplit_once('.')?;
    if path.contains(['(', '<']) {
        return None;
    }
    let inside = path.match_indices('.').map(|(at, _)| at + 1).find_map(|at| {
        let rest = name.get(at..)?;
        let module = rest.split('.').next()?;
        MODULES.contains(&module).then(|| effect(rest))?
    });
    inside.or_else(|| ONLY.contains(&last).then_some(Effect::Command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_understood() {
        let rows = TABLE.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(EFFECTS.exact.len() + EFFECTS.prefixes.len(), rows);
    }

    #[test]
    fn names_and_results_are_told_apart() {
        assert_eq!(effect("os.execvp"), Some(Effect::Command));
        assert_eq!(effect("subprocess.run"), Some(Effect::Command));
        assert_eq!(effect("subprocess.run().stdout.strip"), None);
        assert_eq!(effect("requests.Session().get"), Some(Effect::Network));
        assert_eq!(effect("torch.nn.Linear"), None);
        assert_eq!(effect("torch.hub.os.system"), Some(Effect::Command));
        assert_eq!(effect("concurrent.futures.process.mp.util.spawnv_passfds"), Some(Effect::Command));
        assert_eq!(effect("client().os.system"), None);
        assert_eq!(effect("torch.os.path.join"), None);
        assert_eq!(effect("subprocess.CalledProcessError"), None);
    }
}
