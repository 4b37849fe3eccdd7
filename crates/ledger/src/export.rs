//! A ledger as a directory, to be kept elsewhere and checked without a database or this program.
//!
//! | file | content |
//! |---|---|
//! | `checkpoint` | the signed note (C2SP `tlog-checkpoint`) |
//! | `ledger.vkey` | the verifier key; whoever checks should have it from elsewhere |
//! | `leaves.jsonl` | the leaves, one line of canonical JSON each |
//! | `tile/…` | hash tiles and entry bundles (C2SP `tlog-tiles`), so that a file server is a log server |
//! | `objects/<hex>` | the documents that leaves name by digest |

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use proofhouse_core::Digest;
use tokio::io::AsyncWriteExt as _;

use crate::body::Body;
use crate::error::LedgerError;
use crate::event::{Entry, MAX_LEAF_BYTES};
use crate::ledger::{Ledger, PAGE};
use crate::merkle::{Frontier, NodeId};
use crate::note::{Checkpoint, SignedCheckpoint, VerifierKey};
use crate::objects::MAX_OBJECT_BYTES;

const CHECKPOINT: &str = "checkpoint";
const KEY: &str = "ledger.vkey";
const LEAVES: &str = "leaves.jsonl";
const OBJECTS: &str = "objects";

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportReport {
    /// The state that was exported.
    pub checkpoint: Checkpoint,
    /// Documents in `objects`.
    pub objects: u64,
    /// Hash tiles and entry bundles.
    pub tiles: u64,
}

impl Ledger {
    /// Writes everything up to the last checkpoint into `dir`, which must be empty or absent.
    pub async fn export(&self, dir: &Path) -> Result<ExportReport, LedgerError> {
        let out = Out { dir };
        out.prepare().await?;
        let Some(signed) = self.checkpoint().await? else {
            return Err(out.wrong("", "the ledger is empty, there is nothing to export"));
        };
        let end = signed.checkpoint.size;
        let leaves = tokio::fs::File::create(dir.join(LEAVES)).await.map_err(|e| out.io(LEAVES, e))?;
        let mut leaves = tokio::io::BufWriter::new(leaves);
        let (mut tree, mut tiles) = (Frontier::default(), Tiles::default());
        let mut report = ExportReport { checkpoint: signed.checkpoint, objects: 0, tiles: 0 };
        while tree.size() < end {
            let page = self.page(&self.db.connection, tree.size(), PAGE.min(end - tree.size())).await?;
            if page.is_empty() {
                return Err(self.db.row("leaves", tree.size(), "the leaf is missing"));
            }
            for row in page {
                let entry = self.entry(&row)?;
                if entry.seq != tree.size() {
                    return Err(self.db.row("leaves", tree.size(), "the leaf is missing"));
                }
                let written = async {
                    leaves.write_all(&row.leaf).await?;
                    leaves.write_all(b"\n").await
                };
                written.await.map_err(|e| out.io(LEAVES, e))?;
                let completed = tree.push(entry.leaf_hash);
                for (path, bytes) in tiles.push(&row.leaf, &completed) {
                    out.write(&path, &bytes).await?;
                    report.tiles += 1;
                }
                if let Some(digest) = promised(&entry) {
                    let content = self.get_object(&digest).await?;
                    let content =
                        content.ok_or_else(|| self.db.row("objects", digest, "the object is missing"))?;
                    let path = format!("{OBJECTS}/{}", digest.to_hex());
                    // Two leaves may name one object.
                    if !tokio::fs::try_exists(dir.join(&path)).await.map_err(|e| out.io(&path, e))? {
                        out.write(&path, &content).await?;
                        report.objects += 1;
                    }
                }
            }
        }
        if tree.root() != report.checkpoint.root {
            return Err(self.db.row("checkpoints", end, "its root is not that of the leaves"));
        }
        for (path, bytes) in tiles.finish() {
            out.write(&path, &bytes).await?;
            report.tiles += 1;
        }
        leaves.flush().await.map_err(|e| out.io(LEAVES, e))?;
        out.write(KEY, format!("{}\n", self.db.verifier().await?).as_bytes()).await?;
        // Last: a directory with a checkpoint is complete.
        out.write(CHECKPOINT, signed.note.as_bytes()).await?;
        Ok(report)
    }
}

/// Checks an export offline: the checkpoint is signed by `key`, the leaves give its root, tiles and
/// objects are theirs. The error names the first file and line that is wrong.
pub fn verify_export(dir: &Path, key: &VerifierKey) -> Result<ExportReport, LedgerError> {
    let out = Out { dir };
    let note = String::from_utf8(out.read(CHECKPOINT, 16 * 1024)?)
        .map_err(|_| out.wrong(CHECKPOINT, "it is not UTF-8 text"))?;
    let checkpoint = SignedCheckpoint::open(&note, key).map_err(|e| out.wrong(CHECKPOINT, e))?.checkpoint;
    let mut report = ExportReport { checkpoint, objects: 0, tiles: 0 };
    let (mut tree, mut tiles) = (Frontier::default(), Tiles::default());
    let mut objects = std::collections::BTreeSet::new();
    let mut lines = BufReader::new(File::open(dir.join(LEAVES)).map_err(|e| out.io(LEAVES, e))?);
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than a leaf with its newline may have, to tell a longer one.
        let limit = MAX_LEAF_BYTES as u64 + 2;
        lines.by_ref().take(limit).read_until(b'\n', &mut line).map_err(|e| out.io(LEAVES, e))?;
        if line.is_empty() {
            break;
        }
        let seq = tree.size();
        let wrong = |reason: &dyn std::fmt::Display| {
            out.wrong(LEAVES, format!("line {}: {reason}", seq.saturating_add(1)))
        };
        let leaf = line.strip_suffix(b"\n").ok_or_else(|| wrong(&"it is too long or has no newline"))?;
        let entry = Entry::from_leaf(seq, leaf).map_err(|e| wrong(&e))?;
        if seq == report.checkpoint.size {
            return Err(wrong(&"the checkpoint does not cover it"));
        }
        if let Some(digest) = promised(&entry).filter(|d| objects.insert(*d)) {
            let path = format!("{OBJECTS}/{}", digest.to_hex());
            if Digest::of(&out.read(&path, MAX_OBJECT_BYTES as u64)?) != digest {
                return Err(out.wrong(&path, "its content has another digest"));
            }
            report.objects += 1;
        }
        let completed = tree.push(entry.leaf_hash);
        for (path, bytes) in tiles.push(leaf, &completed) {
            out.compare(&path, &bytes)?;
            report.tiles += 1;
        }
    }
    if tree.size() != report.checkpoint.size {
        let reason =
            format!("it has {} leaves, the checkpoint covers {}", tree.size(), report.checkpoint.size);
        return Err(out.wrong(LEAVES, reason));
    }
    if tree.root() != report.checkpoint.root {
        let reason = format!("its root is {}, the checkpoint states {}", tree.root(), report.checkpoint.root);
        return Err(out.wrong(LEAVES, reason));
    }
    for (path, bytes) in tiles.finish() {
        out.compare(&path, &bytes)?;
        report.tiles += 1;
    }
    Ok(report)
}

fn promised(entry: &Entry) -> Option<Digest> {
    Body::parse(entry).ok().and_then(|body| body.object())
}

/// The tiles of a growing tree, each handed out when it is full: C2SP `tlog-tiles`, height 8.
#[derive(Default)]
struct Tiles {
    /// Per tile level, the hashes since the last full tile.
    hashes: Vec<Open>,
    /// The entries since the last full bundle.
    entries: Open,
}

#[derive(Default)]
struct Open {
    full: u64,
    width: usize,
    bytes: Vec<u8>,
}

const TILE_WIDTH: usize = 256;

impl Tiles {
    fn push(&mut self, leaf: &[u8], completed: &[(NodeId, Digest)]) -> Vec<(String, Vec<u8>)> {
        let mut done = Vec::new();
        // `Entry::from_leaf` refuses leaves that a 16-bit length cannot say.
        let length = u16::try_from(leaf.len()).unwrap_or(u16::MAX);
        let entry = [&length.to_be_bytes(), leaf].concat();
        done.extend(self.entries.add(&entry, "entries"));
        for (id, hash) in completed.iter().filter(|(id, _)| id.level % 8 == 0) {
            let level = usize::from(id.level / 8);
            if self.hashes.len() <= level {
                self.hashes.resize_with(level + 1, Open::default);
            }
            if let Some(open) = self.hashes.get_mut(level) {
                done.extend(open.add(hash.as_bytes(), &level.to_string()));
            }
        }
        done
    }

    /// The partial tiles at the right edge.
    fn finish(self) -> Vec<(String, Vec<u8>)> {
        let hashes = self.hashes.into_iter().enumerate().map(|(level, open)| (level.to_string(), open));
        std::iter::once(("entries".to_owned(), self.entries))
            .chain(hashes)
            .filter(|(_, open)| open.width > 0)
            .map(|(level, open)| {
                (format!("tile/{level}/{}.p/{}", tile_number(open.full), open.width), open.bytes)
            })
            .collect()
    }
}

impl Open {
    fn add(&mut self, bytes: &[u8], level: &str) -> Option<(String, Vec<u8>)> {
        self.bytes.extend_from_slice(bytes);
        self.width += 1;
        if self.width < TILE_WIDTH {
            return None;
        }
        let path = format!("tile/{level}/{}", tile_number(self.full));
        self.full += 1;
        self.width = 0;
        Some((path, std::mem::take(&mut self.bytes)))
    }
}

/// Groups of three digits, an `x` before each but the last: 1234067 is `x001/x234/067`.
fn tile_number(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The directory, and its name in errors.
struct Out<'a> {
    dir: &'a Path,
}

impl Out<'_> {
    async fn prepare(&self) -> Result<(), LedgerError> {
        tokio::fs::create_dir_all(self.dir).await.map_err(|e| self.io("", e))?;
        let mut there = tokio::fs::read_dir(self.dir).await.map_err(|e| self.io("", e))?;
        match there.next_entry().await.map_err(|e| self.io("", e))? {
            Some(_) => Err(self.wrong("", "the directory is not empty; choose another")),
            None => Ok(()),
        }
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let full = self.dir.join(path);
        if let Some(parent) = full.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(|e| self.io(path, e))?;
        }
        tokio::fs::write(full, bytes).await.map_err(|e| self.io(path, e))
    }

    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, LedgerError> {
        let file = File::open(self.dir.join(path)).map_err(|e| self.io(path, e))?;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| self.io(path, e))?;
        if bytes.len() as u64 > limit {
            return Err(self.wrong(path, format!("it is longer than {limit} bytes")));
        }
        Ok(bytes)
    }

    fn compare(&self, path: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        if self.read(path, bytes.len() as u64)? == bytes {
            Ok(())
        } else {
            Err(self.wrong(path, "it is not what the leaves give"))
        }
    }

    fn io(&self, path: &str, source: std::io::Error) -> LedgerError {
        LedgerError::File { path: self.name(path), source }
    }

    fn wrong(&self, path: &str, reason: impl ToString) -> LedgerError {
        LedgerError::Export { path: self.name(path), reason: reason.to_string() }
    }

    fn name(&self, path: &str) -> String {
        let full: PathBuf = if path.is_empty() { self.dir.to_owned() } else { self.dir.join(path) };
        full.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tile_numbers_are_spelt_as_the_specification_does() {
        assert_eq!(tile_number(0), "000");
        assert_eq!(tile_number(999), "999");
        assert_eq!(tile_number(1000), "x001/000");
        assert_eq!(tile_number(1_234_067), "x001/x234/067");
    }

    #[test]
    fn tiles_are_those_of_another_implementation() {
        // tlog_tiles says which tiles a log of this size has, and where.
        let size = 256 * 256 + 256 * 3 + 7;
        let (mut tree, mut tiles) = (Frontier::default(), Tiles::default());
        let mut paths: Vec<String> = vec![];
        for i in 0..size {
            let completed = tree.push(Digest::of(&u64::to_be_bytes(i)));
            paths.extend(tiles.push(b"", &completed).into_iter().map(|(path, _)| path));
        }
        paths.extend(tiles.finish().into_iter().map(|(path, _)| path));
        paths.retain(|p| !p.starts_with("tile/entries/"));
        paths.sort();
        let mut theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, 0, size)
            .into_iter()
            // Their paths name the height, as Go's checksum database does.
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        theirs.sort();
        assert_eq!(paths, theirs);
    }
}
