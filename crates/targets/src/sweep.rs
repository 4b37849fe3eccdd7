//! Finds every process on this machine that serves a given digest, whoever started it.
//!
//! An instance carries the digest it serves in its arguments (`--digest sha256:…`), and refuses to
//! serve any other, so the process table is enough to find it. Reading `/proc` needs no privilege for
//! the processes of the same user; processes of other users show their arguments too, unless the system
//! is mounted with `hidepid`, in which case they cannot be seen and a sweep covers this user only.

use std::fs;
use std::path::Path;

use proofhouse_core::Digest;

use crate::TargetError;

/// A process that serves a digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Process id.
    pub pid: u32,
    /// The instance name it was given, where it was given one.
    pub instance: Option<String>,
}

/// Every process whose arguments say that it serves `digest`, in order of process id.
///
/// A zombie (ended, not yet collected by its parent) has no arguments and is not listed.
pub fn processes_serving(digest: &Digest) -> Result<Vec<Stray>, TargetError> {
    processes_serving_in(Path::new("/proc"), digest)
}

fn processes_serving_in(proc: &Path, digest: &Digest) -> Result<Vec<Stray>, TargetError> {
    let mut found: Vec<Stray> = fs::read_dir(proc)
        .map_err(TargetError::ProcessTable)?
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            // A process that ends while we look is not serving.
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            serves(&arguments, digest).map(|instance| Stray { pid, instance })
        })
        .collect();
    found.sort();
    Ok(found)
}

/// Whether a NUL-separated argument list is that of an instance serving `digest`; if so, its name.
fn serves(arguments: &[u8], digest: &Digest) -> Option<Option<String>> {
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
    (is_server && value_of("--digest") == Some(&digest)).then(|| value_of("--instance").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, pid: &str, arguments: &str) {
        fs::create_dir(dir.join(pid)).unwrap();
        fs::write(dir.join(pid).join("cmdline"), arguments.replace(' ', "\0")).unwrap();
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
            processes_serving_in(dir.path(), &ours).unwrap(),
            [Stray { pid: 7, instance: None }, Stray { pid: 12, instance: Some("a".into()) }]
        );
    }

    #[test]
    fn a_missing_process_table_is_an_error_not_an_empty_answer() {
        assert!(processes_serving_in(Path::new("/nonexistent/proc"), &Digest::of(b"")).is_err());
    }
}
