//! A folder with a system file, and the files it names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proofhouse_core::{Digest, FilePath, Subject, SubjectKind};
use proofhouse_system::{Model, System, Tensors};

use crate::LifecycleError;

/// Name of a system file.
pub const SYSTEM_FILE: &str = "proofhouse.yaml";

/// A system file over a million bytes describes nothing that a person has read.
const MAX_SYSTEM_FILE_BYTES: u64 = 1 << 20;

/// A system, and the folder its paths are relative to.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder of the system file.
    pub dir: PathBuf,
    /// The system file.
    pub file: PathBuf,
    /// What it says.
    pub system: System,
    /// Its digest.
    pub digest: Digest,
}

impl Project {
    /// Reads `path`, a system file or the folder that holds one.
    pub fn load(path: &Path) -> Result<Self, LifecycleError> {
        let file = if path.is_dir() { path.join(SYSTEM_FILE) } else { path.to_path_buf() };
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => LifecycleError::NoSystemFile { file: file.clone() },
            _ => LifecycleError::Read { path: file.clone(), source },
        };
        let size = fs::metadata(&file).map_err(unreadable)?.len();
        if size > MAX_SYSTEM_FILE_BYTES {
            return Err(LifecycleError::SystemFileTooLarge { path: file, bytes: size });
        }
        let text = fs::read_to_string(&file).map_err(unreadable)?;
        let system = System::parse(&file.to_string_lossy(), &text)?;
        let digest = system.digest()?;
        let dir = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        Ok(Self { dir, file, system, digest })
    }

    /// Where a file named in the system file lies. The name cannot leave the folder: its type has no
    /// absolute paths and no `..`.
    #[must_use]
    pub fn path(&self, name: &FilePath) -> PathBuf {
        self.dir.join(name.as_str())
    }

    /// The model under release.
    pub fn model(&self) -> Result<&Model, LifecycleError> {
        self.system.model.as_ref().ok_or_else(|| LifecycleError::NoModel { file: self.file.clone() })
    }

    /// The tensors and classes of the model under release; an error where it writes.
    pub fn tensors(&self) -> Result<Tensors<'_>, LifecycleError> {
        let model = self.model()?;
        model.tensors().ok_or_else(|| LifecycleError::Writes(model.id.to_string()))
    }

    /// The system as a subject.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject { kind: SubjectKind::System, name: self.system.system.id.to_string(), digest: self.digest }
    }

    /// What the ledger calls this system.
    #[must_use]
    pub fn id(&self) -> &str {
        self.system.system.id.as_str()
    }
}
