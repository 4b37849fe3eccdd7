//! The key that signs checkpoints, and the files it lives in.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::{Zeroize as _, Zeroizing};

use crate::note::{Checkpoint, KeyName, NoteError, SignedCheckpoint, VerifierKey, decode_key, encode_key};

const SECRET_PREFIX: &str = "PRIVATE+KEY+";
/// A key file is one line; anything longer is another file.
const MAX_KEY_FILE_BYTES: u64 = 1024;

/// An Ed25519 key for checkpoints, named like the log it signs. Its file holds one line in the form of
/// Go's `note` package, `PRIVATE+KEY+name+hash+base64`, readable by its owner only.
pub struct CheckpointKey {
    verifier: VerifierKey,
    signing: SigningKey,
}

/// Why a key file cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is there already.
    #[error("{0} exists; a key is never overwritten: move it away or choose another name")]
    Exists(String),
    /// Others may read or write the file.
    #[error("{path} may be used by others (mode {mode:03o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not a key.
    #[error("{path}: {source}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: NoteError,
    },
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(String),
}

impl CheckpointKey {
    /// A new key from the operating system's random source.
    pub fn generate(name: KeyName) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        SysRng.try_fill_bytes(&mut *seed).map_err(|e| KeyError::Random(e.to_string()))?;
        Ok(Self::from_seed(name, &seed))
    }

    /// The key with this 32-byte seed (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        Self { verifier: VerifierKey::new(name, signing.verifying_key()), signing }
    }

    /// Writes the key to a new file that only its owner may read, and makes it durable.
    pub fn create(&self, path: &Path) -> Result<(), KeyError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.display().to_string()),
            _ => io_error(path, source),
        })?;
        let tail = Zeroizing::new(encode_key(self.verifier.hash(), self.signing.as_bytes()));
        let text = Zeroizing::new(format!("{SECRET_PREFIX}{}+{}\n", self.verifier.name(), *tail));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| io_error(path, e))
    }

    /// Reads a key file that only its owner may use.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = fs::File::open(path).map_err(|e| io_error(path, e))?;
        // Of the open file, not of the path: what is checked is what is read.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(|e| io_error(path, e))?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyError::Exposed { path: path.display().to_string(), mode });
            }
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text).map_err(|e| io_error(path, e))?;
        Self::parse(&text).map_err(|source| KeyError::Content { path: path.display().to_string(), source })
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let rest = line.strip_prefix(SECRET_PREFIX).ok_or(NoteError::SecretKey("it starts otherwise"))?;
        let (name, hash, mut seed) = decode_key(rest).map_err(NoteError::SecretKey)?;
        let key = Self::from_seed(name, &seed);
        seed.zeroize();
        if key.verifier.hash() != hash {
            return Err(NoteError::SecretKey("the hash does not fit the name and key"));
        }
        Ok(key)
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// States `checkpoint`. The same checkpoint gives the same note.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        let signature = self.signing.sign(checkpoint.to_text().as_bytes());
        SignedCheckpoint { note: self.verifier.note(&checkpoint, &signature), checkpoint }
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({:?})", self.verifier)
    }
}

impl VerifierKey {
    /// Writes the key as one line.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        fs::write(path, format!("{self}\n")).map_err(|e| io_error(path, e))
    }

    /// Reads a file of one line.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let mut text = String::new();
        fs::File::open(path)
            .and_then(|file| file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text))
            .map_err(|e| io_error(path, e))?;
        text.parse().map_err(|source| KeyError::Content { path: path.display().to_string(), source })
    }
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> KeyName {
        "proofhouse.test/ledger".parse().unwrap()
    }

    #[test]
    fn a_key_survives_its_file_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.key");
        let key = CheckpointKey::generate(name()).unwrap();
        key.create(&path).unwrap();
        assert_eq!(CheckpointKey::read(&path).unwrap().verifier(), key.verifier());
        let error = CheckpointKey::generate(name()).unwrap().create(&path).unwrap_err();
        assert!(matches!(error, KeyError::Exists(_)), "{error}");
        assert_eq!(CheckpointKey::read(&path).unwrap().verifier(), key.verifier());

        let public = dir.path().join("ledger.vkey");
        key.verifier().write(&public).unwrap();
        assert_eq!(&VerifierKey::read(&public).unwrap(), key.verifier());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_use_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.key");
        CheckpointKey::generate(name()).unwrap().create(&path).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        for bad in [0o640, 0o604, 0o620, 0o602, 0o610, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bad)).unwrap();
            let error = CheckpointKey::read(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(CheckpointKey::read(&path).is_ok());
    }

    #[test]
    fn another_file_is_not_taken_for_a_key_and_not_repeated_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.key");
        CheckpointKey::from_seed(name(), &[7; 32]).create(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for bad in [
            "".to_owned(),
            "hunter2".to_owned(),
            text.replace("PRIVATE", "PUBLIC"),
            text.replace("proofhouse.test", "proofhouse.tesu"),
            text.replace("Bwc", "Bwd"),
            text.trim_end().trim_end_matches('=').to_owned() + "A",
            text.repeat(2),
        ] {
            fs::write(&path, &bad).unwrap();
            let error = CheckpointKey::read(&path).unwrap_err().to_string();
            assert!(error.contains("ledger.key"), "{error}");
            assert!(!error.contains("Bwc") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn debug_shows_the_public_half_only() {
        let shown = format!("{:?}", CheckpointKey::from_seed(name(), &[7; 32]));
        assert!(shown.contains("proofhouse.test/ledger+"));
        assert!(!shown.contains("BwcHBwcH") && !shown.contains("7, 7"), "{shown}");
    }
}
