//! Files and folders that are there whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::LifecycleError;

/// Writes a file through a temporary one beside it, so that a reader sees the old content or the new.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), LifecycleError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| LifecycleError::Write { path, source }
    };
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let temporary = beside(path);
    let mut file = File::create(&temporary).map_err(failed(&temporary))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed(&temporary))?;
    fs::rename(&temporary, path).map_err(failed(path))?;
    sync_dir(parent)
}

/// Makes a rename in `dir` survive a crash.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), LifecycleError> {
    File::open(dir)
        .and_then(|d| d.sync_all())
        .map_err(|source| LifecycleError::Write { path: dir.to_path_buf(), source })
}

/// A name beside `path` that nothing else uses.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
