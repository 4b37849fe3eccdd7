//! Walking a model directory and taking its digest.
//!
//! Follows the refusals of OpenSSF Model Signing v1.0 and goes further: a tree with anything in it that a
//! signature cannot name or a digest cannot cover is refused as a whole, because a verifier that skips
//! what it does not understand lets that through unsigned. Nothing is ignored unless asked for by name;
//! `.git` is content like any other.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use proofhouse_core::{Digest, FileEntry, FileMode, FilePath, Hasher, model_digest};
use rayon::prelude::*;
use walkdir::WalkDir;

use crate::ArtifactError;

/// Bounds and exceptions of a walk.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// Most files.
    pub max_files: usize,
    /// Most bytes over all files.
    pub max_bytes: u64,
    /// Files and directories to leave out, relative to the root. What was left out is reported in
    /// [`Tree::ignored`].
    pub ignore: BTreeSet<FilePath>,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { max_files: 1_000_000, max_bytes: 1 << 44, ignore: BTreeSet::new() }
    }
}

/// A model directory, or a single file, with its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Where it lies.
    pub root: PathBuf,
    /// Its files in code-point order of their paths.
    pub files: Vec<FileEntry>,
    /// The model digest over `files`.
    pub digest: Digest,
    /// Bytes over all files.
    pub bytes: u64,
    /// What [`TreeOptions::ignore`] took out.
    pub ignored: Vec<FilePath>,
}

/// Walks `root` and digests every file under it, in parallel over files.
///
/// `root` may be a directory or a file; a file is a tree with one entry named by its last path part. Only
/// `root` itself may be a symbolic link. `progress` is called with the bytes digested so far, from any
/// thread.
///
/// # Errors
/// A link, socket, pipe, device, unnameable file, exceeded bound, file that changes while it is read, or
/// an empty tree. The error names the file; with several at fault, the first by path.
pub fn hash_tree(
    root: &Path,
    options: &TreeOptions,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Tree, ArtifactError> {
    let listing = list(root, options)?;
    let done = AtomicU64::new(0);
    let hashed: Vec<Result<FileEntry, ArtifactError>> = listing
        .files
        .par_iter()
        .map_init(
            || vec![0u8; BUFFER_BYTES],
            |buffer, listed| {
                let mut hasher = Hasher::default();
                listed.read(buffer, |chunk| {
                    hasher.update(chunk);
                    let add = chunk.len() as u64;
                    progress(done.fetch_add(add, Ordering::Relaxed) + add);
                })?;
                Ok(listed.entry(hasher.finish()))
            },
        )
        .collect();
    let files = hashed.into_iter().collect::<Result<Vec<_>, _>>()?;
    let digest =
        model_digest(&files).map_err(|source| ArtifactError::Tree { root: root.to_owned(), source })?;
    Ok(Tree { root: root.to_owned(), files, digest, bytes: listing.bytes, ignored: listing.ignored })
}

/// A file as a walk lists it, before its content is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path under the root.
    pub path: FilePath,
    /// Where to open it.
    pub location: PathBuf,
    /// Its size when it was listed.
    pub size: u64,
}

/// Lists the files under `root` by path, for those who look at what a digest would refuse.
///
/// Links, sockets, pipes, devices and names that cannot be signed go to `refused`, which ends the walk by
/// returning an error and lets it go on otherwise. No link is followed.
///
/// # Errors
/// The tree cannot be listed, a bound is exceeded, or `refused` says so.
pub fn list_tree(
    root: &Path,
    options: &TreeOptions,
    refused: &mut dyn FnMut(ArtifactError) -> Result<(), ArtifactError>,
) -> Result<Vec<TreeFile>, ArtifactError> {
    let files = list_with(root, options, refused)?.files;
    Ok(files.into_iter().map(|f| TreeFile { path: f.name, location: f.location, size: f.size }).collect())
}

/// Large enough that system calls vanish, small enough to stay in a core's cache beside the hash state.
const BUFFER_BYTES: usize = 256 * 1024;

/// What a walk found, before any content is read.
pub(crate) struct Listing {
    pub(crate) files: Vec<Listed>,
    pub(crate) bytes: u64,
    pub(crate) ignored: Vec<FilePath>,
}

/// One file as the walk saw it.
pub(crate) struct Listed {
    pub(crate) name: FilePath,
    pub(crate) location: PathBuf,
    pub(crate) size: u64,
    mode: FileMode,
    identity: Identity,
}

/// What must not change between listing a file and having read it.
#[derive(PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: Option<SystemTime>,
    inode: Option<(u64, u64)>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok(), inode: inode(metadata) }
    }
}

pub(crate) fn list(root: &Path, options: &TreeOptions) -> Result<Listing, ArtifactError> {
    list_with(root, options, &mut Err)
}

type Refused<'a> = &'a mut dyn FnMut(ArtifactError) -> Result<(), ArtifactError>;

fn list_with(root: &Path, options: &TreeOptions, refused: Refused<'_>) -> Result<Listing, ArtifactError> {
    let io = |source| ArtifactError::Io { path: root.to_owned(), source };
    let metadata = fs::metadata(root).map_err(io)?;
    let mut listing = Listing { files: Vec::new(), bytes: 0, ignored: Vec::new() };
    if metadata.is_dir() {
        walk(root, options, &mut listing, refused)?;
    } else {
        check_kind(root, &metadata)?;
        let name = root.file_name().unwrap_or(root.as_os_str());
        let name: FilePath = name.to_str().ok_or_else(|| ArtifactError::NotUtf8(root.to_owned()))?.parse()?;
        listing.add(name, root.to_owned(), &metadata, options)?;
    }
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    listing.ignored.sort();
    Ok(listing)
}

fn walk(
    root: &Path,
    options: &TreeOptions,
    listing: &mut Listing,
    refused: Refused<'_>,
) -> Result<(), ArtifactError> {
    let mut walk = WalkDir::new(root).min_depth(1).follow_links(false).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(|e| ArtifactError::Io {
            path: e.path().unwrap_or(root).to_owned(),
            source: e.into_io_error().unwrap_or_else(|| io::Error::other("the directory loops")),
        })?;
        let name = match relative(root, entry.path()) {
            Ok(name) => name,
            Err(error) => {
                refused(error)?;
                continue;
            }
        };
        if options.ignore.contains(&name) {
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
            listing.ignored.push(name);
            continue;
        }
        let metadata = fs::symlink_metadata(entry.path())
            .map_err(|source| ArtifactError::Io { path: entry.path().to_owned(), source })?;
        if metadata.is_dir() {
            continue;
        }
        if let Err(error) = check_kind(entry.path(), &metadata) {
            refused(error)?;
            continue;
        }
        listing.add(name, entry.path().to_owned(), &metadata, options)?;
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> Result<FilePath, ArtifactError> {
    let mut text = String::new();
    for part in path.strip_prefix(root).unwrap_or(path) {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(part.to_str().ok_or_else(|| ArtifactError::NotUtf8(path.to_owned()))?);
    }
    Ok(text.parse()?)
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), ArtifactError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_symlink() {
        return Err(ArtifactError::Symlink(path.to_owned()));
    }
    Err(ArtifactError::Special { path: path.to_owned(), kind: special_kind(&kind) })
}

impl Listing {
    fn add(
        &mut self,
        name: FilePath,
        location: PathBuf,
        metadata: &Metadata,
        options: &TreeOptions,
    ) -> Result<(), ArtifactError> {
        if self.files.len() >= options.max_files {
            return Err(ArtifactError::TooManyFiles(options.max_files));
        }
        self.bytes = self.bytes.saturating_add(metadata.len());
        if self.bytes > options.max_bytes {
            return Err(ArtifactError::TooManyBytes(options.max_bytes));
        }
        self.files.push(Listed {
            name,
            location,
            size: metadata.len(),
            mode: mode(metadata),
            identity: Identity::of(metadata),
        });
        Ok(())
    }
}

impl Listed {
    pub(crate) fn entry(&self, content: Digest) -> FileEntry {
        FileEntry { path: self.name.clone(), mode: self.mode, size: self.size, content }
    }

    /// Reads the file from start to end through `buffer`.
    pub(crate) fn read(&self, buffer: &mut [u8], mut sink: impl FnMut(&[u8])) -> Result<(), ArtifactError> {
        let file = self.open()?;
        let mut at = 0;
        loop {
            match read_at(&file, buffer, at) {
                Ok(0) => break,
                Ok(n) => {
                    let chunk = buffer.get(..n).unwrap_or_default();
                    at += n as u64;
                    if at > self.size {
                        return Err(self.changed(format!("it grew past {} bytes", self.size)));
                    }
                    sink(chunk);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.io(source)),
            }
        }
        self.check_end(&file, at)
    }

    /// Fills `buffer`, which must have the listed size, from the file.
    pub(crate) fn read_into(&self, buffer: &mut [u8]) -> Result<(), ArtifactError> {
        let file = self.open()?;
        let mut at = 0;
        while let Some(rest) = buffer.get_mut(at..).filter(|rest| !rest.is_empty()) {
            match read_at(&file, rest, at as u64) {
                Ok(0) => break,
                Ok(n) => at += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.io(source)),
            }
        }
        self.check_end(&file, at as u64)
    }

    fn open(&self) -> Result<File, ArtifactError> {
        let file = File::open(&self.location).map_err(|source| self.io(source))?;
        let now = file.metadata().map_err(|source| self.io(source))?;
        // Between the listing and this open, the name may have been given to another file or to a link.
        if Identity::of(&now) != self.identity {
            return Err(self.changed("it is not the file that was listed".to_owned()));
        }
        Ok(file)
    }

    fn check_end(&self, file: &File, read: u64) -> Result<(), ArtifactError> {
        if read != self.size {
            return Err(self.changed(format!("it had {} bytes and {read} could be read", self.size)));
        }
        let now = file.metadata().map_err(|source| self.io(source))?;
        if Identity::of(&now) != self.identity {
            return Err(self.changed("its size or modification time moved".to_owned()));
        }
        Ok(())
    }

    fn changed(&self, what: String) -> ArtifactError {
        ArtifactError::Changed { path: self.name.clone(), what }
    }

    fn io(&self, source: io::Error) -> ArtifactError {
        ArtifactError::Io { path: self.location.clone(), source }
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> FileMode {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o100 != 0 { FileMode::Executable } else { FileMode::Regular }
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> FileMode {
    FileMode::Regular
}

#[cfg(unix)]
fn special_kind(kind: &fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special_kind(_: &fs::FileType) -> &'static str {
    "not a regular file"
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn digest(root: &Path) -> Result<Tree, ArtifactError> {
        hash_tree(root, &TreeOptions::default(), &|_| {})
    }

    fn sample() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a")).unwrap();
        fs::create_dir_all(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join("a/b"), b"nested").unwrap();
        fs::write(dir.path().join("a.txt"), vec![7u8; 600_000]).unwrap();
        fs::write(dir.path().join(".git/config"), b"").unwrap();
        dir
    }

    #[test]
    fn files_come_in_code_point_order_and_nothing_is_skipped() {
        let dir = sample();
        let top = AtomicU64::new(0);
        let tree = hash_tree(dir.path(), &TreeOptions::default(), &|done| {
            top.fetch_max(done, Ordering::Relaxed);
        })
        .unwrap();
        let names: Vec<&str> = tree.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(names, [".git/config", "a.txt", "a/b"]);
        assert_eq!(tree.bytes, 600_006);
        assert_eq!(top.into_inner(), 600_006);
        assert_eq!(tree.files[2].content, Digest::of(b"nested"));
        assert_eq!(tree.digest, model_digest(&tree.files).unwrap());
    }

    #[test]
    fn what_is_ignored_is_named() {
        let dir = sample();
        let options = TreeOptions { ignore: [".git".parse().unwrap()].into(), ..TreeOptions::default() };
        let tree = hash_tree(dir.path(), &options, &|_| {}).unwrap();
        assert_eq!(tree.files.len(), 2);
        assert_eq!(tree.ignored, [".git".parse().unwrap()]);
        assert_ne!(tree.digest, digest(dir.path()).unwrap().digest);
    }

    #[test]
    fn a_single_file_is_a_tree_named_by_its_last_part() {
        let dir = sample();
        let tree = digest(&dir.path().join("a/b")).unwrap();
        assert_eq!(tree.files[0].path.as_str(), "b");
    }

    #[test]
    fn bounds_hold_and_nothing_has_no_digest() {
        let dir = sample();
        let few = TreeOptions { max_files: 2, ..TreeOptions::default() };
        assert!(matches!(hash_tree(dir.path(), &few, &|_| {}), Err(ArtifactError::TooManyFiles(2))));
        let small = TreeOptions { max_bytes: 600_005, ..TreeOptions::default() };
        assert!(matches!(hash_tree(dir.path(), &small, &|_| {}), Err(ArtifactError::TooManyBytes(_))));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(digest(empty.path()), Err(ArtifactError::Tree { .. })));
        assert!(matches!(digest(&empty.path().join("missing")), Err(ArtifactError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_sockets_and_odd_names_are_refused_by_name() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let dir = sample();
        symlink("a.txt", dir.path().join("link")).unwrap();
        let error = digest(dir.path()).unwrap_err();
        assert!(matches!(&error, ArtifactError::Symlink(p) if p.ends_with("link")), "{error}");
        fs::remove_file(dir.path().join("link")).unwrap();

        // A link to a directory hides whatever is behind it from a walker that does not descend.
        symlink(".git", dir.path().join("linked")).unwrap();
        assert!(matches!(digest(dir.path()), Err(ArtifactError::Symlink(_))));
        fs::remove_file(dir.path().join("linked")).unwrap();

        let socket = UnixListener::bind(dir.path().join("s")).unwrap();
        assert!(matches!(digest(dir.path()), Err(ArtifactError::Special { kind: "a socket", .. })));
        drop(socket);
        fs::remove_file(dir.path().join("s")).unwrap();

        let bad = dir.path().join(OsStr::from_bytes(b"\xff.bin"));
        fs::write(&bad, b"").unwrap();
        assert!(matches!(digest(dir.path()), Err(ArtifactError::NotUtf8(_))));
        fs::remove_file(&bad).unwrap();

        fs::write(dir.path().join("new\nline"), b"").unwrap();
        assert!(matches!(digest(dir.path()), Err(ArtifactError::Name(_))));
    }

    #[cfg(unix)]
    #[test]
    fn the_executable_bit_is_bound() {
        use std::os::unix::fs::PermissionsExt;
        let dir = sample();
        let before = digest(dir.path()).unwrap().digest;
        fs::set_permissions(dir.path().join("a/b"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(digest(dir.path()).unwrap().digest, before);
    }

    #[test]
    fn a_file_that_changes_after_being_listed_is_an_error() {
        let dir = sample();
        let listing = list(dir.path(), &TreeOptions::default()).unwrap();
        fs::write(dir.path().join("a/b"), b"longer than before").unwrap();
        let listed = listing.files.iter().find(|f| f.name.as_str() == "a/b").unwrap();
        let mut buffer = vec![0; 8];
        assert!(matches!(listed.read(&mut buffer, |_| {}), Err(ArtifactError::Changed { .. })));
        fs::remove_file(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b"), b"nested").unwrap();
        assert!(matches!(listed.read(&mut buffer, |_| {}), Err(ArtifactError::Changed { .. })));
    }
}
