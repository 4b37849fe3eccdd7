//! Bringing the files of a source into a folder: bounded, in one pass with their digests, and continued where a
//! connection breaks.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::BodyExt as _;
use proofhouse_core::{Digest, FilePath, Hasher};
use tokio::time::Instant;

use crate::http::Http;
use crate::{Remote, Source, SourceError};

/// Bounds of a fetch.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most files.
    pub files: usize,
    /// Most bytes over all files.
    pub bytes: u64,
    /// Longest time for all.
    pub time: Duration,
    /// How often a broken file is continued.
    pub attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 10_000, bytes: 200 << 30, time: Duration::from_secs(3600), attempts: 4 }
    }
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The address, with the revision.
    pub name: String,
    /// Files with their size and digest, in the order of their paths.
    pub files: Vec<(FilePath, u64, Digest)>,
    /// What is to be known: redirects to other hosts.
    pub notes: Vec<String>,
}

/// Fetches all files of `source` into `folder`, which is empty.
///
/// # Errors
/// The source cannot be listed or a file not fetched, a bound is exceeded, or bytes are not what was promised.
pub async fn fetch(
    http: &Http,
    source: &dyn Source,
    folder: &Path,
    limits: &Limits,
) -> Result<Fetched, SourceError> {
    let work = async {
        let mut remotes = source.list().await?;
        remotes.sort_by(|a, b| a.path.cmp(&b.path));
        if remotes.len() > limits.files {
            return Err(SourceError::TooMuch { what: "files", limit: limits.files as u64 });
        }
        let stated = remotes.iter().filter_map(|r| r.size).fold(0u64, u64::saturating_add);
        if stated > limits.bytes {
            return Err(SourceError::TooMuch { what: "bytes", limit: limits.bytes });
        }
        let mut left = limits.bytes;
        let mut files = Vec::new();
        for remote in remotes {
            let (size, digest) = one(http, source, &remote, folder, left, limits).await?;
            left -= size;
            files.push((remote.path, size, digest));
        }
        Ok(Fetched { name: source.name(), files, notes: http.notes() })
    };
    tokio::time::timeout(limits.time, work).await.map_err(|_| SourceError::Timeout(limits.time))?
}

async fn one(
    http: &Http,
    source: &dyn Source,
    remote: &Remote,
    folder: &Path,
    left: u64,
    limits: &Limits,
) -> Result<(u64, Digest), SourceError> {
    let path = place(folder, &remote.path)?;
    let io = |source| SourceError::Io { path: path.clone(), source };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(io)?;
    let mut hasher = Hasher::default();
    let mut size = 0u64;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let started = Instant::now();
        let broken = stream(http, source, remote, &mut size, left, &mut |part| {
            hasher.update(part);
            file.write_all(part)
        })
        .await;
        match broken {
            Ok(()) => break,
            Err(error @ SourceError::Unreachable { .. }) if attempt < limits.attempts => {
                let wait = Duration::from_millis(200 << attempt).saturating_sub(started.elapsed());
                tokio::time::sleep(wait).await;
                drop(error);
            }
            Err(SourceError::Io { source, .. }) => return Err(io(source)),
            Err(error) => return Err(error),
        }
    }
    let mismatch = |why: String| SourceError::Mismatch { path: remote.path.to_string(), why };
    if let Some(stated) = remote.size.filter(|stated| *stated != size) {
        return Err(mismatch(format!("{size} bytes in place of {stated}")));
    }
    let digest = hasher.finish();
    if let Some(stated) = remote.sha256.filter(|stated| *stated != digest) {
        return Err(mismatch(format!("its SHA-256 is {} in place of {}", digest.to_hex(), stated.to_hex())));
    }
    Ok((size, digest))
}

/// Reads the body from `size` on.
async fn stream(
    http: &Http,
    source: &dyn Source,
    remote: &Remote,
    size: &mut u64,
    left: u64,
    take: &mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send),
) -> Result<(), SourceError> {
    let mut headers = source.headers(remote)?;
    if *size > 0 {
        headers.push(("range".to_owned(), format!("bytes={size}-")));
    }
    let response = http.open(&remote.url, &headers).await?;
    let from = if *size > 0 { continued(&response, *size) } else { Some(0) };
    let broken = |why: String| SourceError::Unreachable { url: remote.path.to_string(), why };
    // A server that does not know ranges sends all again; what is here already is passed over.
    let mut skip = *size - from.ok_or_else(|| broken("the server continues at another place".to_owned()))?;
    let mut body = response.into_body();
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(60), body.frame()).await;
        let frame = frame.map_err(|_| broken("nothing came for 60 seconds".to_owned()))?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|e| broken(e.to_string()))?;
        let Some(data) = frame.data_ref() else { continue };
        let passed = usize::try_from(skip).unwrap_or(usize::MAX).min(data.len());
        skip -= passed as u64;
        let fresh = data.get(passed..).unwrap_or_default();
        *size += fresh.len() as u64;
        if *size > left {
            return Err(SourceError::TooMuch { what: "bytes", limit: left });
        }
        take(fresh).map_err(|source| SourceError::Io { path: PathBuf::new(), source })?;
    }
}

/// Where the body begins: 0 for all of it, `size` for the rest.
fn continued<B>(response: &hyper::Response<B>, size: u64) -> Option<u64> {
    if response.status().as_u16() != 206 {
        return Some(0);
    }
    let range = response.headers().get("content-range")?.to_str().ok()?;
    let start: u64 = range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()?;
    (start == size).then_some(size)
}

/// Where a file goes; its path cannot leave the folder.
fn place(folder: &Path, path: &FilePath) -> Result<PathBuf, SourceError> {
    let place = path.as_str().split('/').fold(folder.to_owned(), |place, part| place.join(part));
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(|source| SourceError::Io { path: parent.to_owned(), source })?;
    }
    Ok(place)
}
