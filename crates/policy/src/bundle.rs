//! OPA bundles: a directory of Rego files, data documents and a `.manifest`.
//!
//! Follows the bundle layout of the Open Policy Agent ("Bundle File Format"): `.rego` files anywhere,
//! `data.json` whose folder is its place in `data`, `.manifest` with revision and roots. The shipped bundle
//! is compiled in, so that the binary carries its own gates.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proofhouse_core::{Digest, FileEntry, FileMode, FilePath, model_digest};
use serde::{Deserialize, Serialize};

use crate::tokens;

/// Limits on a bundle read from disk; a policy is text that people review, not data.
const MAX_FILES: usize = 512;
const MAX_FILE_BYTES: u64 = 1 << 20;
const MAX_DEPTH: usize = 8;

const MANIFEST: &str = ".manifest";

/// The files of a policy bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<FilePath, String>,
}

/// The `.manifest` of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What people call this state of the bundle.
    pub revision: String,
    /// The parts of `data` that the bundle owns; `""` is all of it.
    #[serde(default = "all_roots")]
    pub roots: Vec<String>,
    /// Version of the language; only 1 is supported.
    #[serde(default = "rego_v1")]
    pub rego_version: u32,
}

fn all_roots() -> Vec<String> {
    vec![String::new()]
}

const fn rego_v1() -> u32 {
    1
}

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file system refused.
    #[error("cannot read policy bundle at {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A symbolic link, device or socket.
    #[error("{0} is neither a file nor a folder; a policy bundle may not contain links")]
    Special(PathBuf),
    /// The bundle is larger than any set of policies that people review.
    #[error("{path}: a policy bundle is limited to {MAX_FILES} files of 1 MiB, {MAX_DEPTH} folders deep")]
    TooLarge {
        /// Where the limit was passed.
        path: PathBuf,
    },
    /// A file is not text.
    #[error("{0} is not UTF-8 text")]
    Encoding(PathBuf),
    /// A name that cannot stand in a digest.
    #[error("{path}: {reason}")]
    Name {
        /// The offending file.
        path: PathBuf,
        /// Why it cannot be named.
        reason: String,
    },
    /// Nothing to evaluate.
    #[error("{0} contains no .rego file")]
    Empty(PathBuf),
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../bundle/", $name)))),*]
    };
}

/// The bundle compiled into the binary.
const SHIPPED: &[(&str, &str)] = &shipped![
    ".manifest",
    "boundary.rego",
    "boundary_shape.rego",
    "boundary_test.rego",
    "deploy.rego",
    "deploy_test.rego",
    "reason.rego",
    "release.rego",
    "release_shape.rego",
    "release_test.rego",
    "release_threats.rego",
    "release_waivers.rego",
    "request.rego",
    "request_test.rego",
    "runtime.rego",
    "runtime_test.rego",
    "shape.rego",
    "shape_test.rego",
    "site.rego",
];

impl Bundle {
    /// The bundle that comes with Proofhouse.
    #[must_use]
    pub fn shipped() -> Self {
        Self::from_files(SHIPPED.iter().map(|(name, text)| (*name, *text)))
    }

    /// A bundle of given files. Names that are not paths inside a bundle are left out.
    #[must_use]
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files
            .into_iter()
            .filter_map(|(name, text)| Some((name.parse::<FilePath>().ok()?, text.to_owned())))
            .collect();
        Self { files }
    }

    /// The shipped bundle with the bundle at `dir` laid over it, see [`Bundle::overlaid`].
    pub fn load(dir: &Path) -> Result<Self, BundleError> {
        Ok(Self::shipped().overlaid(Self::read(dir)?))
    }

    /// The bundle at `dir` by itself.
    ///
    /// Reads `.rego`, `data.json` and `.manifest`; other files are ignored, links are refused.
    pub fn read(dir: &Path) -> Result<Self, BundleError> {
        let mut files = BTreeMap::new();
        let mut folders = vec![(dir.to_path_buf(), String::new(), 0)];
        while let Some((folder, prefix, depth)) = folders.pop() {
            let read_error = |source| BundleError::Read { path: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(read_error)? {
                let entry = entry.map_err(read_error)?;
                let path = entry.path();
                let kind = entry.file_type().map_err(read_error)?;
                let name = entry.file_name();
                let name = name.to_str().ok_or_else(|| BundleError::Encoding(path.clone()))?;
                let inside = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
                if kind.is_dir() {
                    if depth + 1 >= MAX_DEPTH || folders.len() >= MAX_FILES {
                        return Err(BundleError::TooLarge { path });
                    }
                    folders.push((path, inside, depth + 1));
                } else if !kind.is_file() {
                    return Err(BundleError::Special(path));
                } else if name.ends_with(".rego") || name == "data.json" || inside == MANIFEST {
                    let text = read_text(&path)?;
                    let inside: FilePath = inside.parse().map_err(|e: proofhouse_core::FilePathError| {
                        BundleError::Name { path: path.clone(), reason: e.to_string() }
                    })?;
                    files.insert(inside, text);
                    if files.len() > MAX_FILES {
                        return Err(BundleError::TooLarge { path });
                    }
                }
            }
        }
        if !files.keys().any(|name| name.as_str().ends_with(".rego")) {
            return Err(BundleError::Empty(dir.to_path_buf()));
        }
        Ok(Self { files })
    }

    /// This bundle with another laid over it.
    ///
    /// A package that `over` declares replaces every file of that package here, its tests included; new
    /// packages are added. To add denials to a shipped gate rather than replace it, declare the package
    /// `proofhouse.site`. The manifest is `over`'s where it has one, with the roots of both.
    #[must_use]
    pub fn overlaid(mut self, over: Self) -> Self {
        let replaced: Vec<String> = over.rego().filter_map(|(_, text)| tokens::package_of(text)).collect();
        self.files.retain(|name, text| {
            !name.as_str().ends_with(".rego")
                || tokens::package_of(text).is_none_or(|package| !replaced.contains(&package))
        });
        let merged = match (self.manifest(), over.manifest()) {
            (Some(Ok(ours)), Some(Ok(mut theirs))) => {
                theirs.roots.extend(ours.roots);
                theirs.roots.sort();
                theirs.roots.dedup();
                theirs.revision = format!("{}+{}", ours.revision, theirs.revision);
                serde_json::to_string(&theirs).ok()
            }
            // Without a manifest of its own, an overlay may own anything: its packages are listed anew.
            (Some(Ok(mut ours)), None) => {
                ours.roots = all_roots();
                ours.revision = format!("{}+local", ours.revision);
                serde_json::to_string(&ours).ok()
            }
            _ => None,
        };
        self.files.extend(over.files);
        if let (Some(text), Ok(name)) = (merged, MANIFEST.parse()) {
            self.files.insert(name, text);
        }
        self
    }

    /// The tree digest over every file: the identity of this policy, as a model's is over its files.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let entries: Vec<FileEntry> = self
            .files
            .iter()
            .map(|(path, text)| FileEntry {
                path: path.clone(),
                mode: FileMode::Regular,
                size: text.len() as u64,
                content: Digest::of(text.as_bytes()),
            })
            .collect();
        // The paths are keys of a map, so the one way to fail is a bundle without files.
        model_digest(&entries).unwrap_or_else(|_| Digest::of(&[]))
    }

    /// Every file with its text, in order of path.
    pub fn files(&self) -> impl Iterator<Item = (&FilePath, &str)> {
        self.files.iter().map(|(name, text)| (name, text.as_str()))
    }

    /// The Rego files, in order of path.
    pub(crate) fn rego(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(n, t)| (n.as_str(), t.as_str())).filter(|(name, _)| name.ends_with(".rego"))
    }

    /// The Rego files that are not tests.
    pub(crate) fn policies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rego().filter(|(name, _)| !is_test(name))
    }

    /// The manifest, where there is one and it can be read.
    #[must_use]
    pub fn manifest(&self) -> Option<Result<Manifest, serde_json::Error>> {
        let (_, text) = self.files.iter().find(|(name, _)| name.as_str() == MANIFEST)?;
        Some(serde_json::from_str(text))
    }

    /// The data documents merged into one, each at the place its folder names.
    ///
    /// Fails with the name of the file that is not a JSON object.
    pub(crate) fn data(&self) -> Result<serde_json::Value, String> {
        let mut root = serde_json::Map::new();
        for (name, text) in &self.files {
            let name = name.as_str();
            if name != "data.json" && !name.ends_with("/data.json") {
                continue;
            }
            let document: serde_json::Map<_, _> =
                serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
            let mut place = &mut root;
            for part in name.trim_end_matches("data.json").split('/').filter(|part| !part.is_empty()) {
                place = place
                    .entry(part)
                    .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()))
                    .as_object_mut()
                    .ok_or_else(|| format!("{name}: another document has a value where this one lies"))?;
            }
            for (key, value) in document {
                if place.insert(key.clone(), value).is_some() {
                    return Err(format!("{name}: {key:?} is also set by another document"));
                }
            }
        }
        Ok(serde_json::Value::Object(root))
    }
}

pub(crate) fn is_test(name: &str) -> bool {
    name.ends_with("_test.rego")
}

fn read_text(path: &Path) -> Result<String, BundleError> {
    let read_error = |source| BundleError::Read { path: path.to_path_buf(), source };
    if fs::metadata(path).map_err(read_error)?.len() > MAX_FILE_BYTES {
        return Err(BundleError::TooLarge { path: path.to_path_buf() });
    }
    let bytes = fs::read(path).map_err(read_error)?;
    String::from_utf8(bytes).map_err(|_| BundleError::Encoding(path.to_path_buf()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_file_is_compiled_in() {
        let on_disk = Bundle::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bundle")).unwrap();
        assert_eq!(on_disk, Bundle::shipped());
        assert_eq!(on_disk.digest(), Bundle::shipped().digest());
    }

    #[test]
    fn one_changed_byte_is_another_policy() {
        let mut changed = Bundle::shipped();
        changed.files.values_mut().next().unwrap().push(' ');
        assert_ne!(changed.digest(), Bundle::shipped().digest());
    }

    #[test]
    fn an_overlay_replaces_packages_and_keeps_the_rest() {
        let over = Bundle::from_files([("mine/r.rego", "package proofhouse.request\ndecision := {}\n")]);
        let names: Vec<String> =
            Bundle::shipped().overlaid(over).files.keys().map(ToString::to_string).collect();
        assert!(names.contains(&"mine/r.rego".to_owned()) && names.contains(&"release.rego".to_owned()));
        assert!(!names.contains(&"request.rego".to_owned()));
        // The tests of the old package would judge the new one by other rules.
        assert!(!names.contains(&"request_test.rego".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.rego"), "package a\n").unwrap();
        std::os::unix::fs::symlink("a.rego", dir.path().join("b.rego")).unwrap();
        assert!(matches!(Bundle::read(dir.path()), Err(BundleError::Special(_))));
    }

    #[test]
    fn an_empty_folder_is_no_bundle() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Bundle::read(dir.path()), Err(BundleError::Empty(_))));
    }

    #[test]
    fn data_lies_where_its_folder_says() {
        let bundle = Bundle::from_files([("a/b/data.json", r#"{"c":1}"#), ("data.json", r#"{"d":2}"#)]);
        assert_eq!(bundle.data().unwrap(), serde_json::json!({"a": {"b": {"c": 1}}, "d": 2}));
        let clash = Bundle::from_files([("a/data.json", r#"{"c":1}"#), ("data.json", r#"{"a":{"c":2}}"#)]);
        assert!(clash.data().is_err());
    }
}
