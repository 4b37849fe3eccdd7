//! OCDBT: the database of keys and values in which TensorStore, and so Orbax, keeps the arrays of a checkpoint.
//!
//! A *manifest* names versions; each is the root of a B+tree whose nodes lie, among values, in data files of random names.
//! Older versions are named by a tree of their own. Manifests and nodes are framed alike: a magic number, a length, a way
//! of packing, a checksum. What is read here is one frame at a time; whoever has the files walks from one to the next.
//! Source: the description of the storage format in TensorStore's documentation, held against files of TensorStore 0.1.86.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ArtifactError;
use crate::crc32c::crc32c;
use crate::cursor::Cursor;
use crate::stream::Codec;

mod columns;

use columns::{bytes_of, numbers, paths, texts, varint};

const NAME: &str = "OCDBT";
/// Magic number, length, version and packing.
const HEAD: usize = 14;
/// The checksum.
const TAIL: usize = 4;
/// Entries of one node, and versions of one manifest. Nodes of 100 MB, the most that TensorStore writes, have fewer.
const MOST: u64 = 4_000_000;

/// What a frame is, by its magic number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Names the versions.
    Manifest,
    /// Keys, and values or further nodes.
    Node,
    /// Names older versions.
    Versions,
}

impl Kind {
    /// What begins with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x0c, 0xdb, 0x3a, 0x2a, ..] => Self::Manifest,
            [0x0c, 0xdb, 0x20, 0xde, ..] => Self::Node,
            [0x0c, 0xdb, 0x12, 0x34, ..] => Self::Versions,
            _ => return None,
        })
    }
}

/// Whether bytes begin with a frame: its magic number, a length that they hold, and version 0.
#[must_use]
pub fn is_ocdbt(bytes: &[u8]) -> bool {
    Kind::of(bytes).is_some() && matches!(bytes.get(12..14), Some([0, 0 | 1]))
}

/// A part of a data file, which may be no bytes at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Path of the file from where the database lies, as it is written: not checked.
    pub path: Arc<str>,
    /// How much of the path is where the paths within that part start from.
    pub base: usize,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl Stretch {
    /// Whether it stands for nothing: a version in which there are no keys.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.offset == u64::MAX && self.length == u64::MAX
    }
}

/// What a frame holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A manifest.
    Manifest(Manifest),
    /// Values by their keys.
    Leaf(Vec<Entry>),
    /// Further nodes.
    Inner(Inner),
    /// Roots of versions and further nodes that name some.
    Versions(Versions),
}

/// A manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Whether the versions stand in files beside it whose names are numbered.
    pub numbered: bool,
    /// The versions that it names.
    pub versions: Versions,
}

/// Versions, by their roots, and nodes that name further ones with the height of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// Roots and their heights.
    pub roots: Vec<(Stretch, u8)>,
    /// Nodes of kind [`Kind::Versions`] and their heights.
    pub nodes: Vec<(Stretch, u8)>,
}

/// An inner node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inner {
    /// Above how many levels it stands.
    pub height: u8,
    /// Nodes, and what their keys have before them.
    pub children: Vec<(Vec<u8>, Stretch)>,
}

/// A key and where its value lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, without what the nodes above say is before it.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Stored,
}

/// Where a value lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// In the node.
    Inline(Vec<u8>),
    /// In a data file.
    At(Stretch),
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Bytes that it takes.
    pub length: u64,
    /// Bytes that were unpacked for it.
    pub unpacked: u64,
    /// What it holds.
    pub body: Body,
}

/// Reads the frame that `bytes` begin with, which unpacks to at most `limit` bytes.
///
/// # Errors
/// The frame is cut short, has another checksum, does not unpack, contradicts itself, or has bytes that nothing in it
/// takes.
pub fn frame(bytes: &[u8], limit: u64) -> Result<Frame, ArtifactError> {
    let mut head = Cursor::new(NAME, bytes, 0);
    let kind = Kind::of(bytes).ok_or_else(|| head.error("no magic number of it"))?;
    head.take(4)?;
    let length = head.u64()?;
    let whole = usize::try_from(length).ok().and_then(|length| bytes.get(..length));
    let whole = whole.filter(|whole| whole.len() >= HEAD + TAIL);
    let whole = whole.ok_or_else(|| head.error(format!("a frame is said to take {length} bytes")))?;
    let (content, sum) = whole.split_at(whole.len() - TAIL);
    if sum != crc32c(content).to_le_bytes() {
        return Err(head.error("a frame does not have its checksum"));
    }
    if head.u8()? != 0 {
        return Err(head.error("a frame is of a version that is not known"));
    }
    let packed = head.u8()?;
    let inner = content.get(HEAD..).unwrap_or_default();
    let plain = match packed {
        0 => Cow::Borrowed(inner),
        1 if Codec::detect(inner) == Some(Codec::Zstd) => {
            let unpacked = Codec::Zstd.unpack(inner, limit)?;
            if unpacked.trailing > 0 || unpacked.members.len() > 1 {
                return Err(head.error("bytes follow what is packed in a frame"));
            }
            Cow::Owned(unpacked.bytes)
        }
        _ => return Err(head.error("a frame is packed in a way that is not known")),
    };
    let mut reader = Cursor::new(NAME, &plain, 0);
    let body = body(kind, &mut reader, limit)?;
    if reader.left() > 0 {
        return Err(reader.error(format!("{} bytes of a frame belong to nothing", reader.left())));
    }
    let unpacked = if packed == 0 { 0 } else { plain.len() as u64 };
    Ok(Frame { length, unpacked, body })
}

fn body(kind: Kind, reader: &mut Cursor<'_>, limit: u64) -> Result<Body, ArtifactError> {
    match kind {
        Kind::Manifest => manifest(reader, limit).map(Body::Manifest),
        Kind::Node => node(reader, limit),
        Kind::Versions => {
            let arity = reader.u8()?;
            if !(1..=16).contains(&arity) {
                return Err(reader.error(format!("2 to the {arity} versions cannot be in a node")));
            }
            let height = reader.u8()?;
            let files = paths(reader, limit)?;
            let mut versions = Versions::default();
            if height == 0 {
                versions.roots = roots(reader, &files)?;
            } else {
                versions.nodes = older(reader, &files, Some(height - 1))?;
            }
            Ok(Body::Versions(versions))
        }
    }
}

fn manifest(reader: &mut Cursor<'_>, limit: u64) -> Result<Manifest, ArtifactError> {
    // The name of the database.
    reader.take(16)?;
    let numbered = match varint(reader)? {
        0 => false,
        1 => true,
        _ => return Err(reader.error("a manifest is of a kind that is not known")),
    };
    // Longest value in a node and largest node.
    varint(reader)?;
    varint(reader)?;
    // The versions in a node, as a power of two.
    reader.u8()?;
    match varint(reader)? {
        0 => {}
        // The level of compression.
        1 => drop(reader.take(4)?),
        _ => return Err(reader.error("nodes are packed in a way that is not known")),
    }
    if numbered && reader.left() == 0 {
        return Ok(Manifest { numbered, versions: Versions::default() });
    }
    let files = paths(reader, limit)?;
    let roots = roots(reader, &files)?;
    let nodes = older(reader, &files, None)?;
    Ok(Manifest { numbered, versions: Versions { roots, nodes } })
}

fn node(reader: &mut Cursor<'_>, limit: u64) -> Result<Body, ArtifactError> {
    let height = reader.u8()?;
    let files = paths(reader, limit)?;
    let count = count(reader)?;
    if height > 0 {
        let (keys, shared) = texts(reader, count, limit, |reader| numbers(reader, count))?;
        let places = stretches(reader, &files, count)?;
        // Keys, bytes of nodes and bytes of values below.
        statistics(reader, count)?;
        let mut children = Vec::new();
        for ((mut key, place), shared) in keys.into_iter().zip(places).zip(shared) {
            let shared = usize::try_from(shared).ok().filter(|n| *n <= key.len());
            let shared = shared.ok_or_else(|| reader.error("keys share more than there is"))?;
            key.truncate(shared);
            children.push((key, place));
        }
        return Ok(Body::Inner(Inner { height, children }));
    }
    let (keys, ()) = texts(reader, count, limit, |_| Ok(()))?;
    let lengths = numbers(reader, count)?;
    let kinds = reader.take(count)?;
    let outside = kinds.iter().filter(|kind| **kind == 1).count() as u64;
    if kinds.iter().any(|kind| *kind > 1) {
        return Err(reader.error("a value lies where none can lie"));
    }
    let ids = numbers(reader, outside)?;
    let offsets = numbers(reader, outside)?;
    let mut places = ids.into_iter().zip(offsets);
    let mut entries = Vec::new();
    for ((key, length), kind) in keys.into_iter().zip(lengths).zip(kinds) {
        let value = if *kind == 0 {
            Stored::Inline(reader.take(length)?.to_vec())
        } else {
            let (id, offset) = places.next().unwrap_or_default();
            Stored::At(stretch(reader, &files, id, offset, length)?)
        };
        entries.push(Entry { key, value });
    }
    Ok(Body::Leaf(entries))
}

type Files = Vec<(Arc<str>, usize)>;

fn count(reader: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    let count = varint(reader)?;
    if count > MOST {
        return Err(ArtifactError::Limit { format: NAME, what: "entries of a node", limit: MOST });
    }
    // Every entry takes a byte at the least.
    if count > reader.left() {
        return Err(reader.error(format!("{count} entries cannot be in {} bytes", reader.left())));
    }
    Ok(count)
}

fn roots(reader: &mut Cursor<'_>, files: &Files) -> Result<Vec<(Stretch, u8)>, ArtifactError> {
    let count = count(reader)?;
    // Numbers of the versions.
    numbers(reader, count)?;
    let heights = reader.take(count)?;
    let places = stretches(reader, files, count)?;
    statistics(reader, count)?;
    // When they were written.
    bytes_of(reader, count, 8)?;
    Ok(places.into_iter().zip(heights.iter().copied()).collect())
}

/// Nodes that name versions: the heights stand behind them in a manifest, and are one less than its own in a node.
fn older(
    reader: &mut Cursor<'_>,
    files: &Files,
    height: Option<u8>,
) -> Result<Vec<(Stretch, u8)>, ArtifactError> {
    let count = count(reader)?;
    numbers(reader, count)?;
    let places = stretches(reader, files, count)?;
    // How many versions are below.
    numbers(reader, count)?;
    bytes_of(reader, count, 8)?;
    let heights = match height {
        Some(height) => vec![height; places.len()],
        None => reader.take(count)?.to_vec(),
    };
    Ok(places.into_iter().zip(heights).collect())
}

fn stretches(reader: &mut Cursor<'_>, files: &Files, count: u64) -> Result<Vec<Stretch>, ArtifactError> {
    let ids = numbers(reader, count)?;
    let offsets = numbers(reader, count)?;
    let lengths = numbers(reader, count)?;
    let all = ids.into_iter().zip(offsets).zip(lengths);
    all.map(|((id, offset), length)| stretch(reader, files, id, offset, length)).collect()
}

fn statistics(reader: &mut Cursor<'_>, count: u64) -> Result<(), ArtifactError> {
    for _ in 0..3 {
        numbers(reader, count)?;
    }
    Ok(())
}

fn stretch(
    reader: &Cursor<'_>,
    files: &Files,
    id: u64,
    offset: u64,
    length: u64,
) -> Result<Stretch, ArtifactError> {
    let file = usize::try_from(id).ok().and_then(|id| files.get(id));
    let (path, base) = file.ok_or_else(|| reader.error(format!("there is no file {id}")))?.clone();
    Ok(Stretch { path, base, offset, length })
}

#[cfg(test)]
mod tests;
