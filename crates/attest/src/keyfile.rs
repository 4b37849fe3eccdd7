//! Keys as files: `NAME.key` (private, mode 0600) and `NAME.pub` (public, mode 0644).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{Error, SigningKey, VerifyingKey};

/// A PEM file of a P-256 key has about 250 bytes; whatever is much longer is not one.
const MAX_BYTES: u64 = 16 * 1024;

/// The two files of a key pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// The private key.
    pub private: PathBuf,
    /// The public key.
    pub public: PathBuf,
}

/// Writes `dir/name.key` and `dir/name.pub`. Neither may exist: a key is never overwritten. The private
/// file is created with mode 0600, so that there is no moment at which others can read it.
pub fn write_new(dir: &Path, name: &str, key: &SigningKey) -> Result<KeyFiles, Error> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !starts_well || !plain || name.len() > 100 {
        return Err(Error::KeyName(name.to_owned()));
    }
    let files =
        KeyFiles { private: dir.join(format!("{name}.key")), public: dir.join(format!("{name}.pub")) };
    create(&files.private, 0o600, key.to_pem()?.as_bytes())?;
    if let Err(error) = create(&files.public, 0o644, key.verifying_key().to_pem().as_bytes()) {
        // Half a pair would block the next attempt; this private key was never handed to anyone.
        let _ = std::fs::remove_file(&files.private);
        return Err(error);
    }
    Ok(files)
}

/// Reads a private key. Refuses one that its group or others can read.
pub fn read_signing(path: &Path) -> Result<SigningKey, Error> {
    let file = open(path)?;
    refuse_if_shared(&file, path)?;
    let pem = read_text(file, path)?;
    SigningKey::from_pem(&pem)
        .map_err(|source| Error::KeyContent { path: path.to_owned(), source: Box::new(source) })
}

/// Reads a public key.
pub fn read_verifying(path: &Path) -> Result<VerifyingKey, Error> {
    let pem = read_text(open(path)?, path)?;
    VerifyingKey::from_pem(&pem)
        .map_err(|source| Error::KeyContent { path: path.to_owned(), source: Box::new(source) })
}

fn create(path: &Path, mode: u32, content: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode; // Access there follows the folder's access list.
    let mut file = options.open(path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::KeyExists(path.to_owned()),
        _ => Error::KeyFile { path: path.to_owned(), source },
    })?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|source| {
        // This call created it; half a key is worth nothing and would block the next attempt.
        let _ = std::fs::remove_file(path);
        Error::KeyFile { path: path.to_owned(), source }
    })
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::KeyFile { path: path.to_owned(), source })
}

/// Asks the open file, not the path, so that the answer is about the bytes that are read next.
#[cfg(unix)]
fn refuse_if_shared(file: &File, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| Error::KeyFile { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(Error::KeyPermissions { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &File, _: &Path) -> Result<(), Error> {
    Ok(())
}

fn read_text(file: File, path: &Path) -> Result<Zeroizing<String>, Error> {
    // Sized once: a growing string would leave unwiped copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES as usize));
    let read = file.take(MAX_BYTES).read_to_string(&mut text);
    read.map_err(|source| Error::KeyFile { path: path.to_owned(), source })?;
    Ok(text)
}
