//! What a program has to read to run at all: the system's libraries, its own installation, its folder.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::files::Use;

/// Programs, libraries and what describes the machine.
const SYSTEM: [&str; 13] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
];

/// Of the system's settings, what programs look up and nobody keeps secret.
const SETTINGS: [&str; 22] = [
    "alternatives",
    "ca-certificates",
    "fonts",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki/tls/certs",
    "protocols",
    "resolv.conf",
    "services",
    "ssl/certs",
    "timezone",
];

const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Folders in which programs lie beside what they need: `PREFIX/bin`, with `PREFIX/lib`.
const PROGRAMS: [&str; 3] = ["bin", "shims", "sbin"];

/// What is opened to a command.
pub fn of(
    command: &str,
    folder: &Path,
    path: &str,
    home: Option<&str>,
    more: &[PathBuf],
) -> Vec<(PathBuf, Use)> {
    let mut all: Vec<(PathBuf, Use)> = SYSTEM.iter().map(|path| (PathBuf::from(path), Use::Run)).collect();
    all.extend(SETTINGS.iter().map(|name| (Path::new("/etc").join(name), Use::Read)));
    all.extend(DEVICES.iter().map(|device| (PathBuf::from(device), Use::Device)));
    let home = home.map(Path::new);
    if is_home(folder, home) {
        // Where everything lies, nothing is opened but what the command names.
        let named = command.split_whitespace().map(|word| folder.join(word)).filter(|path| path.is_file());
        all.extend(named.map(|path| (path, Use::Run)));
    } else {
        all.push((folder.to_owned(), Use::Run));
    }
    all.extend(more.iter().map(|path| (path.clone(), Use::Run)));
    let mut program = program(command, folder, path);
    for _ in 0..INTERPRETERS {
        let Some(found) = program else { break };
        all.extend(installation(&found, home).map(|path| (path, Use::Run)));
        program = interpreter(&found, path);
    }
    all
}

/// Interpreters of interpreters that are followed.
const INTERPRETERS: usize = 4;

/// The program that runs a script, by its first line: an installed command is often a script of another installation.
fn interpreter(script: &Path, path: &str) -> Option<PathBuf> {
    const LINE: u64 = 512;
    let mut line = Vec::new();
    let file = std::fs::File::open(script).ok()?;
    BufReader::new(file).take(LINE).read_until(b'\n', &mut line).ok()?;
    let line = std::str::from_utf8(&line).ok()?.strip_prefix("#!")?;
    let mut words = line.split_whitespace();
    let first = Path::new(words.next()?);
    if first.file_name().is_some_and(|name| name == "env") {
        let word = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        return on_path(word, path);
    }
    Some(first.to_owned()).filter(|path| path.is_file())
}

fn on_path(word: &str, path: &str) -> Option<PathBuf> {
    path.split(':').map(|dir| Path::new(dir).join(word)).find(|path| path.is_file())
}

/// Whether a folder is somebody's home, or holds it.
fn is_home(folder: &Path, home: Option<&Path>) -> bool {
    folder.parent().is_none() || home.is_some_and(|home| home.starts_with(folder))
}

/// The program that a command runs first, as a shell finds it; `None` where that takes a shell to say.
fn program(command: &str, folder: &Path, path: &str) -> Option<PathBuf> {
    let assigns = |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
    let word = command.split_whitespace().find(|word| !assigns(word) && *word != "exec" && *word != "env")?;
    if word.contains(['$', '"', '\'', '`', '\\', '(', ';', '|', '&']) {
        return None;
    }
    if word.contains('/') {
        return Some(folder.join(word)).filter(|path| path.is_file());
    }
    on_path(word, path)
}

/// What lies beside the programs of such an installation and belongs to it.
const BESIDE: [&str; 7] = ["lib", "lib64", "libexec", "versions", "version", "installs", "plugins"];

/// Whether a folder lies in a home folder and is not listed there.
fn is_hidden(prefix: &Path, home: Option<&Path>) -> bool {
    let name = prefix.file_name().and_then(|name| name.to_str());
    prefix.parent() == home && name.is_some_and(|name| name.starts_with('.'))
}

/// Where a program is installed: the folder above its `bin`, and so for every link that leads to it, since a virtual
/// environment's interpreter is a link to another's. A home folder is no installation.
fn installation(program: &Path, home: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    const LINKS: usize = 16;
    let mut found = Vec::new();
    let mut at = Some(program.to_owned());
    for _ in 0..LINKS {
        let Some(program) = at.take() else { break };
        if let Some(folder) = program.parent() {
            let above = folder.parent().filter(|_| {
                folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| PROGRAMS.contains(&name))
            });
            match above {
                // Such a folder, `~/.local` or `~/.cargo`, holds more than programs: keyrings, credentials.
                Some(prefix) if is_hidden(prefix, home) => {
                    found.push(folder.to_owned());
                    found.extend(BESIDE.iter().map(|name| prefix.join(name)).filter(|path| path.exists()));
                }
                Some(prefix) if !is_home(prefix, home) => found.push(prefix.to_owned()),
                _ => found.push(program.clone()),
            }
            at = std::fs::read_link(&program).ok().map(|target| folder.join(target));
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let at = |name: &str| dir.path().join(name);
        for folder in ["venv/bin", "base/bin", "home/.local/bin", "home/.local/lib", "home/bin"] {
            assert!(std::fs::create_dir_all(at(folder)).is_ok());
        }
        for file in ["base/bin/python3", "home/.local/bin/tool", "home/bin/own"] {
            assert!(std::fs::write(at(file), "").is_ok());
        }
        assert!(std::os::unix::fs::symlink("../../base/bin/python3", at("venv/bin/python")).is_ok());
        let path = format!("/nowhere:{}", at("venv/bin").display());
        let python = program("OMP_NUM_THREADS=1 exec python serve.py", dir.path(), &path);
        assert_eq!(python, Some(at("venv/bin/python")));
        assert_eq!(program("venv/bin/python -m x", dir.path(), ""), python);
        assert_eq!(program("$(which python) x", dir.path(), &path), None);
        assert_eq!(program("", dir.path(), &path), None);

        let script = |name: &str, first: &str| {
            assert!(std::fs::write(at(name), first).is_ok());
            interpreter(&at(name), &path)
        };
        let line = format!("#!{} -E\nprint()", at("venv/bin/python").display());
        assert_eq!(script("venv/bin/serve", &line), Some(at("venv/bin/python")));
        assert_eq!(script("s", "#!/usr/bin/env -S python -u\n"), Some(at("venv/bin/python")));
        assert_eq!(script("s", "\x7fELF"), None);
        assert_eq!(script("s", "#!/no/such/interpreter"), None);

        let of = |program: &str| installation(&at(program), Some(&at("home"))).collect::<Vec<_>>();
        assert_eq!(of("venv/bin/python"), [at("venv"), at("venv/bin/../../base")]);
        assert_eq!(of("home/.local/bin/tool"), [at("home/.local/bin"), at("home/.local/lib")]);
        assert_eq!(of("home/bin/own"), [at("home/bin/own")]);
        let opened = super::of("ls", &at("home"), "", at("home").to_str(), &[]);
        assert!(opened.iter().all(|(path, _)| !path.starts_with(at("home"))), "{opened:?}");
    }
}
