//! Finds every process on this machine that serves a given digest, whoever started it.
//!
//! An instance carries the digest it serves in its arguments (`--digest sha256:…`), and refuses to
//! serve any other, so the process table is enough to find it. Reading `/proc` needs no privilege for
//! the processes of the same user; processes of other users show their arguments too, unless the system
//! is mounted with `hidepid` or a security module forbids it. A sweep that could not see everything says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proofhouse_core::Digest;

use crate::TargetError;

/// How often a process without arguments is looked at.
const LOOKS: u32 = 50;
/// Starting a program takes microseconds; on a machine that is busy, a turn of its scheduler.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// A process that serves a digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Process id.
    pub pid: u32,
    /// The instance name it was given, where it was given one.
    pub instance: Option<String>,
    /// The public key file that it trusts, where it was given one.
    pub key: Option<String>,
}

/// What a look at the process table found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Processes that serve the digest, in order of process id.
    pub strays: Vec<Stray>,
    /// Whether there may be processes that this user cannot see.
    pub is_partial: bool,
}

/// Whose processes a stop reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every process on this machine, whoever started it.
    Machine,
    /// The instances of one environment of one house; they are named `ENVIRONMENT.NAME`. Other houses on
    /// this machine may serve the same digest, and know an environment of the same name.
    Environment {
        /// The environment.
        name: String,
        /// The house's public key file.
        key: PathBuf,
    },
}

impl Reach {
    /// Whether an instance of this agent is meant.
    pub(crate) fn names(&self, instance: &str) -> bool {
        match self {
            Self::Machine => true,
            Self::Environment { name, .. } => {
                instance.rsplit_once('.').is_some_and(|(environment, _)| environment == name)
            }
        }
    }

    /// Whether a process is meant. One that bears the environment's name is spared only where it is known
    /// to trust the key of another house.
    pub(crate) fn includes(&self, stray: &Stray) -> bool {
        let Self::Environment { key, .. } = self else { return true };
        let is_elsewhere = || {
            let theirs =
                stray.key.as_ref().map(Path::new).filter(|k| k.is_absolute())?.canonicalize().ok()?;
            Some(theirs != key.canonicalize().ok()?)
        };
        stray.instance.as_ref().is_some_and(|i| self.names(i)) && is_elsewhere() != Some(true)
    }
}

/// Every process whose arguments say that it serves `digest`.
///
/// A zombie (ended, not yet collected by its parent) has no arguments and is not listed.
pub fn processes_serving(digest: &Digest) -> Result<Sweep, TargetError> {
    let proc = Path::new("/proc");
    let mut sweep = processes_serving_in(proc, digest)?;
    // The first process is always there; where it is not seen, others are hidden too.
    sweep.is_partial |= !proc.join("1").exists();
    Ok(sweep)
}

/// Whether process `pid` is, at this moment, the one that a sweep found.
pub(crate) fn is_still(stray: &Stray, digest: &Digest) -> bool {
    let arguments = fs::read(format!("/proc/{}/cmdline", stray.pid)).unwrap_or_default();
    serves(&arguments, digest, stray.pid).as_ref() == Some(stray)
}

fn processes_serving_in(proc: &Path, digest: &Digest) -> Result<Sweep, TargetError> {
    let mut sweep = Sweep { strays: Vec::new(), is_partial: false };
    for entry in fs::read_dir(proc).map_err(TargetError::ProcessTable)? {
        let entry = entry.map_err(TargetError::ProcessTable)?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match arguments(&entry.path()) {
            Ok(arguments) => sweep.strays.extend(serves(&arguments, digest, pid)),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => sweep.is_partial = true,
            // A process that ends while we look is not serving.
            Err(_) => {}
        }
    }
    sweep.strays.sort();
    Ok(sweep)
}

/// The arguments of a process. One that is about to run another program has none for a moment although it has
/// an executable, unlike a zombie and a thread of the kernel; it is looked at again.
fn arguments(process: &Path) -> io::Result<Vec<u8>> {
    for _ in 0..LOOKS {
        let arguments = fs::read(process.join("cmdline"))?;
        if !arguments.is_empty() || fs::read_link(process.join("exe")).is_err() {
            return Ok(arguments);
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(Vec::new())
}

/// What a NUL-separated argument list says, where it is that of an instance serving `digest`.
fn serves(arguments: &[u8], digest: &Digest, pid: u32) -> Option<Stray> {
    let words: Vec<&[u8]> = arguments.split(|b| *b == 0).collect();
    let digest = digest.to_string();
    let value_of = |flag: &str| {
        words.iter().enumerate().find_map(|(i, word)| {
            let text = std::str::from_utf8(word).ok()?;
            match text.strip_prefix(flag)? {
                "" => std::str::from_utf8(words.get(i + 1)?).ok(),
                rest => rest.strip_prefix('='),
            }
        })
    };
    let is_server = words.contains(&b"serve".as_slice());
    let said = |flag: &str| value_of(flag).map(str::to_owned);
    (is_server && value_of("--digest") == Some(&digest)).then(|| Stray {
        pid,
        instance: said("--instance"),
        key: said("--key"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, pid: &str, arguments: &str) {
        fs::create_dir(dir.join(pid)).unwrap();
        fs::write(dir.join(pid).join("cmdline"), arguments.replace(' ', "\0")).unwrap();
    }

    #[test]
    fn a_process_that_is_about_to_run_its_program_is_looked_at_again() {
        let dir = tempfile::tempdir().unwrap();
        let ours = Digest::of(b"ours");
        write(dir.path(), "7", "");
        std::os::unix::fs::symlink("/bin/true", dir.path().join("7/exe")).unwrap();
        let line = format!("proofhouse serve --digest {ours}").replace(' ', "\0");
        let file = dir.path().join("7/cmdline");
        let late = std::thread::spawn(move || {
            std::thread::sleep(BETWEEN_LOOKS * 2);
            fs::write(file, line).unwrap();
        });
        assert_eq!(processes_serving_in(dir.path(), &ours).unwrap().strays.len(), 1);
        late.join().unwrap();
    }

    #[test]
    fn finds_servers_of_the_digest_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, other) = (Digest::of(b"ours"), Digest::of(b"other"));
        write(dir.path(), "12", &format!("proofhouse serve --digest {ours} --instance a"));
        write(dir.path(), "7", &format!("/opt/proofhouse serve --digest={ours}"));
        write(dir.path(), "8", &format!("proofhouse serve --digest {other}"));
        write(dir.path(), "9", &format!("proofhouse recall --digest {ours}"));
        write(dir.path(), "10", "");
        fs::create_dir(dir.path().join("self")).unwrap();
        assert_eq!(
            processes_serving_in(dir.path(), &ours).unwrap().strays,
            [
                Stray { pid: 7, instance: None, key: None },
                Stray { pid: 12, instance: Some("a".into()), key: None }
            ]
        );
    }

    #[test]
    fn a_stop_in_one_environment_spares_the_others_and_other_houses() {
        let dir = tempfile::tempdir().unwrap();
        let key = |house: &str| {
            fs::create_dir_all(dir.path().join(house)).unwrap();
            let path = dir.path().join(house).join("signer.pub");
            fs::write(&path, house).unwrap();
            path
        };
        let (ours, theirs) = (key("ours"), key("theirs"));
        let reach = Reach::Environment { name: "rehearsal-1".into(), key: ours.clone() };
        let stray = |instance: Option<&str>, key: Option<&Path>| Stray {
            pid: 1,
            instance: instance.map(str::to_owned),
            key: key.map(|k| k.display().to_string()),
        };
        assert!(reach.includes(&stray(Some("rehearsal-1.i3"), Some(&ours))));
        // The same file by another name.
        let roundabout = dir.path().join("theirs/../ours/signer.pub");
        assert!(reach.includes(&stray(Some("rehearsal-1.i3"), Some(&roundabout))));
        // Whose it is cannot be told: it may be ours.
        assert!(reach.includes(&stray(Some("rehearsal-1.i3"), None)));
        assert!(reach.includes(&stray(Some("rehearsal-1.i3"), Some(Path::new("/nonexistent/signer.pub")))));
        assert!(!reach.includes(&stray(Some("rehearsal-1.i3"), Some(&theirs))));
        for other in [Some("production.i1"), Some("rehearsal-1.eu.i1"), Some("rehearsal-11.i1"), None] {
            assert!(!reach.includes(&stray(other, Some(&ours))), "{other:?}");
            assert!(Reach::Machine.includes(&stray(other, Some(&theirs))));
        }
    }

    #[test]
    fn a_missing_process_table_is_an_error_not_an_empty_answer() {
        assert!(processes_serving_in(Path::new("/nonexistent/proc"), &Digest::of(b"")).is_err());
    }
}
