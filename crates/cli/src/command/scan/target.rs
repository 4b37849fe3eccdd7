//! What is to be scanned: files, folders, patterns, standard input, and models that live elsewhere.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use std::sync::Arc;

use anyhow::{Context as _, bail};
use proofhouse_core::FilePath;
use proofhouse_endpoint::Authorities;
use proofhouse_source::{Address, Http, Limits, Reach, Settings, fetch};

use crate::terminal;

/// Most bytes that are taken from standard input.
const MAX_INPUT: u64 = 16 << 30;

/// One thing to scan: how it is called, and where it lies.
#[derive(Debug)]
pub struct Target {
    pub name: String,
    pub location: PathBuf,
    /// Lives as long as the scan.
    _kept: Option<Held>,
}

/// A folder of ours, removed in the end.
#[derive(Debug)]
pub struct Held(PathBuf);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Held {
    /// A new folder that only this user may enter.
    pub fn new() -> anyhow::Result<Self> {
        let name: [u8; 12] = rand::random();
        let name: String = name.iter().map(|b| format!("{b:02x}")).collect();
        let path = std::env::temp_dir().join(format!("proofhouse-scan-{name}"));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Target {
    fn at(path: PathBuf) -> Self {
        Self { name: path.display().to_string(), location: path, _kept: None }
    }
}

/// The targets that an argument names: several for a pattern.
/// `stdin_name` is what standard input is called.
pub async fn targets(argument: &Path, reach: Reach, stdin_name: Option<&str>) -> anyhow::Result<Vec<Target>> {
    let text = argument.to_string_lossy();
    if text == "-" {
        return Ok(vec![standard_input(stdin_name)?]);
    }
    if Address::is_one(&text) && fs::symlink_metadata(argument).is_err() {
        return Ok(vec![fetched(&text, reach).await?]);
    }
    local(argument)
}

/// A model from elsewhere, in a folder of ours.
async fn fetched(address: &str, reach: Reach) -> anyhow::Result<Target> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let http = Arc::new(Http::new(&Authorities::Machine, reach)?);
    let source = Address::parse(address)?.open(&http, &Settings::from_environment(&variable))?;
    let held = Held::new()?;
    let location = held.path().join("model");
    fs::create_dir(&location).with_context(|| format!("{} cannot be made", location.display()))?;
    let fetched = fetch(&http, source.as_ref(), &location, &Limits::default()).await?;
    for note in &fetched.notes {
        terminal::note(note);
    }
    Ok(Target { name: fetched.name, location, _kept: Some(held) })
}

fn local(argument: &Path) -> anyhow::Result<Vec<Target>> {
    let text = argument.to_string_lossy();
    // A file may be called `a*`; only what is no file is a pattern.
    if fs::symlink_metadata(argument).is_ok() || !text.contains(['*', '?', '[']) {
        return Ok(vec![Target::at(argument.to_owned())]);
    }
    let found = glob::glob(&text).with_context(|| format!("{text:?} is no pattern"))?;
    let mut paths =
        found.collect::<Result<Vec<_>, _>>().with_context(|| format!("{text:?} cannot be looked up"))?;
    paths.sort();
    if paths.is_empty() {
        bail!("nothing is named like {text:?}");
    }
    Ok(paths.into_iter().map(Target::at).collect())
}

/// Standard input as a file, because formats are read from their ends, too.
fn standard_input(name: Option<&str>) -> anyhow::Result<Target> {
    let name = name.unwrap_or("stdin");
    let plain = name.parse::<FilePath>().is_ok_and(|path| !path.as_str().contains(['/', '\\']));
    if !plain {
        bail!("{name:?} is no name of a file: write the last part of its path");
    }
    let held = Held::new()?;
    let location = held.path().join(name);
    let mut file =
        fs::File::create(&location).with_context(|| format!("{} cannot be made", location.display()))?;
    let taken = std::io::copy(&mut std::io::stdin().lock().take(MAX_INPUT + 1), &mut file)?;
    file.flush()?;
    if taken > MAX_INPUT {
        bail!("standard input is longer than {MAX_INPUT} bytes");
    }
    Ok(Target { name: "-".to_owned(), location, _kept: Some(held) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.pt", "b.pt", "c[1].txt"] {
            fs::write(dir.path().join(name), b"x").unwrap();
        }
        let names = |pattern: &str| local(&dir.path().join(pattern)).map(|t| t.len()).unwrap_or(0);
        assert_eq!(names("*.pt"), 2);
        assert_eq!(names("c[1].txt"), 1);
        assert_eq!(names("*.onnx"), 0);
        assert_eq!(names("missing"), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_held_is_ours_alone_and_removed() {
        use std::os::unix::fs::PermissionsExt as _;
        let held = Held::new().unwrap();
        let path = held.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(held);
        assert!(!path.exists());
    }
}
