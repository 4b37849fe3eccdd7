//! Databases of TensorStore, followed from their manifests through the files beside them.
//!
//! Data files hold nodes and values back to back and say nothing of themselves; only the manifest accounts for them. So
//! each is walked down to its values when all files are scanned. A value is part of a Zarr array, or is looked at as what
//! it is by its content; a data file is clean when each of its bytes is one of a node or a value.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use proofhouse_artifact::ocdbt::{self, Body, Stored, Stretch};
use proofhouse_artifact::{ArtifactError, Format, json};
use proofhouse_core::Place;

use crate::FileReport;
use crate::folder::{Bytes, Host, Read};
use crate::formats::{self, zarr};
use crate::scanner::{Content, Scanner};

/// Parts that are followed of one tree, over all versions.
const MOST: usize = 1 << 20;
/// Bytes of keys and of values in nodes that are kept of one database.
const KEPT: u64 = 256 << 20;

/// Places of a tree at which one node stands: copies of a database share nodes, trees do not.
const WAYS: usize = 4;
/// Keys are paths of arrays.
const LONGEST_KEY: usize = 4096;

/// Settles what databases say of the files around them.
pub(crate) fn settle(files: &mut [FileReport], host: &mut Host<'_, '_>, read: Read<'_, '_>) {
    let is_manifest = |file: &FileReport| {
        let name = file.path.as_str().rsplit('/').next().unwrap_or_default();
        file.format == Format::Ocdbt && name.starts_with("manifest.")
    };
    let manifests: Vec<usize> =
        files.iter().enumerate().filter(|(_, file)| is_manifest(file)).map(|(index, _)| index).collect();
    if manifests.is_empty() {
        return;
    }
    let places =
        files.iter().enumerate().map(|(index, file)| (file.path.as_str().to_owned(), index)).collect();
    let mut tree = Tree {
        places,
        read,
        open: BTreeMap::new(),
        kept: 0,
        seen: BTreeMap::new(),
        used: BTreeMap::new(),
        named: 0,
    };
    for index in manifests {
        let Some(file) = files.get_mut(index) else { continue };
        // Whether the other files are there is known now.
        file.settled(&|rule| rule == "format/unscannable");
        let path = file.path.as_str().to_owned();
        host.look_again(file, |scanner, place, depth| tree.database(scanner, index, &path, &place, depth));
    }
    let Tree { used, open, .. } = tree;
    drop(open);
    for (index, ranges) in used {
        let Some(file) = files.get_mut(index) else { continue };
        account(file, index, ranges, host, read);
    }
}

/// What is known of the files while databases are followed.
struct Tree<'a, 'b> {
    places: BTreeMap<String, usize>,
    read: Read<'a, 'b>,
    /// Files that are open.
    open: BTreeMap<usize, Arc<Bytes<'b>>>,
    /// Bytes that were unpacked for them.
    kept: u64,
    /// Nodes that were followed, by where they lie.
    seen: BTreeMap<(usize, (u64, u64)), Vec<Part>>,
    /// Bytes of data files that are nodes or values.
    used: BTreeMap<usize, Vec<Range<u64>>>,
    /// Nodes and values that were named.
    named: usize,
}

/// A node that is to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    file: usize,
    range: (u64, u64),
    /// Where its paths start from.
    base: Arc<str>,
    /// What its keys have before them; `None` for nodes that name versions.
    prefix: Option<Vec<u8>>,
    height: u8,
}

/// A value: its key, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Value {
    key: String,
    stored: Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Inline(Vec<u8>),
    At(usize, (u64, u64)),
}

/// One database under way.
struct Walk {
    open: Vec<Part>,
    values: BTreeSet<Value>,
    /// Bytes that may still be kept.
    left: u64,
}

impl<'b> Tree<'_, 'b> {
    fn database(&mut self, scanner: &mut Scanner<'_>, index: usize, path: &str, place: &Place, depth: u32) {
        let Some(bytes) = self.bytes(scanner, index) else {
            return self.unread(scanner, place, "it cannot be read");
        };
        let manifest = match ocdbt::frame((*bytes).as_ref(), scanner.decompressed_left) {
            Ok(ocdbt::Frame { body: Body::Manifest(manifest), .. }) => manifest,
            // What is broken was told when the file was scanned.
            _ => return self.unread(scanner, place, "the manifest is not one that is read"),
        };
        let base: Arc<str> =
            path.rsplit_once('/').map_or("".into(), |(folder, _)| format!("{folder}/").into());
        let mut walk = Walk { open: Vec::new(), values: BTreeSet::new(), left: KEPT };
        self.versions(scanner, place, &mut walk, &base, manifest.versions);
        while let Some(part) = walk.open.pop() {
            let ways = self.seen.entry((part.file, part.range)).or_default();
            if ways.contains(&part) {
                continue;
            }
            if ways.len() >= WAYS {
                scanner.report(
                    "ocdbt/malformed",
                    place.clone(),
                    "a node stands in many places of a tree at once",
                );
                continue;
            }
            ways.push(part.clone());
            self.node(scanner, place, &mut walk, &part);
        }
        self.values(scanner, place, walk.values, depth + 1);
    }

    /// Notes the roots of versions and the nodes that name further ones.
    fn versions(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: &Place,
        walk: &mut Walk,
        base: &Arc<str>,
        versions: ocdbt::Versions,
    ) {
        let roots = versions.roots.into_iter().map(|(stretch, height)| (stretch, height, Some(Vec::new())));
        let nodes = versions.nodes.into_iter().map(|(stretch, height)| (stretch, height, None));
        for (stretch, height, prefix) in roots.chain(nodes) {
            if !stretch.is_missing() {
                self.follow(scanner, place, walk, base, &stretch, height, prefix);
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a part is what its node says of it and where that node is"
    )]
    fn follow(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: &Place,
        walk: &mut Walk,
        base: &Arc<str>,
        stretch: &Stretch,
        height: u8,
        prefix: Option<Vec<u8>>,
    ) {
        let Some((file, range)) = self.locate(scanner, place, base, stretch) else { return };
        if !walk.keeps(prefix.as_ref().map_or(0, Vec::len) + stretch.base) {
            let message = format!("the keys of the database take more than {KEPT} bytes");
            return scanner.report("format/unscannable", place.clone(), message);
        }
        let inner = stretch.path.get(..stretch.base).unwrap_or_default();
        let base = if inner.is_empty() { base.clone() } else { format!("{base}{inner}").into() };
        walk.open.push(Part { file, range, base, prefix, height });
    }

    /// The file and the bytes that a node names, which are taken for it.
    fn locate(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: &Place,
        base: &str,
        stretch: &Stretch,
    ) -> Option<(usize, (u64, u64))> {
        if self.named >= MOST {
            self.unread(scanner, place, &format!("more than {MOST} nodes and values are named"));
            return None;
        }
        self.named += 1;
        let written = shown(&stretch.path);
        if leads_out(&stretch.path) {
            let message = format!("data are taken from {written:?}, outside of the database");
            scanner.report("ocdbt/path", place.clone(), message);
            return None;
        }
        let found = self.places.get(&format!("{base}{}", stretch.path)).copied();
        let file = found.and_then(|index| Some((index, self.bytes(scanner, index)?)));
        let Some((index, bytes)) = file else {
            self.unread(scanner, place, &format!("there is no {written:?} to read"));
            return None;
        };
        let end = stretch.offset.checked_add(stretch.length);
        let Some(end) = end.filter(|end| *end <= (*bytes).as_ref().len() as u64) else {
            let message = format!("{written:?} has no {} bytes at {}", stretch.length, stretch.offset);
            scanner.report("ocdbt/malformed", place.clone(), message);
            return None;
        };
        self.used.entry(index).or_default().push(stretch.offset..end);
        Some((index, (stretch.offset, end)))
    }

    fn node(&mut self, scanner: &mut Scanner<'_>, place: &Place, walk: &mut Walk, part: &Part) {
        let Some(bytes) = self.bytes(scanner, part.file) else {
            return self.unread(scanner, place, "a node is gone");
        };
        let bytes = slice((*bytes).as_ref(), part.range);
        let frame = match ocdbt::frame(bytes, scanner.decompressed_left) {
            Ok(frame) => frame,
            Err(error @ ArtifactError::Limit { .. }) => {
                scanner.decompressed_left = 0;
                return scanner.unpacks_more("format/unscannable", place.clone(), error.to_string());
            }
            Err(error) => return scanner.report("ocdbt/malformed", place.clone(), error.to_string()),
        };
        scanner.decompressed_left =
            scanner.decompressed_left.saturating_sub(frame.unpacked.max(frame.length));
        let wrong = |scanner: &mut Scanner<'_>, what: &str| {
            scanner.report("ocdbt/malformed", place.clone(), format!("a node {what}"));
        };
        if frame.length != bytes.len() as u64 {
            wrong(scanner, "is longer or shorter than what names it says");
        }
        match (frame.body, &part.prefix) {
            (Body::Versions(versions), None) => {
                let lower =
                    versions.nodes.iter().all(|(_, height)| height.checked_add(1) == Some(part.height));
                if !lower || versions.nodes.is_empty() && part.height > 0 {
                    return wrong(scanner, "is not of the height that what names it says");
                }
                self.versions(scanner, place, walk, &part.base, versions);
            }
            (Body::Inner(inner), Some(prefix)) if inner.height == part.height && part.height > 0 => {
                for (key, stretch) in inner.children {
                    let prefix = Some([&prefix[..], &key].concat());
                    self.follow(scanner, place, walk, &part.base, &stretch, part.height - 1, prefix);
                }
            }
            (Body::Leaf(entries), Some(prefix)) if part.height == 0 => {
                for entry in entries {
                    self.entry(scanner, place, walk, part, prefix, entry);
                }
            }
            _ => wrong(scanner, "is not of the kind and the height that what names it says"),
        }
    }

    fn entry(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: &Place,
        walk: &mut Walk,
        part: &Part,
        prefix: &[u8],
        entry: ocdbt::Entry,
    ) {
        let inline = if let Stored::Inline(bytes) = &entry.value { bytes.len() } else { 0 };
        if walk.values.len() >= MOST {
            return self.unread(scanner, place, &format!("it has more than {MOST} values"));
        }
        if !walk.keeps(prefix.len() + entry.key.len() + inline) {
            let message = format!("keys and short values of the database take more than {KEPT} bytes");
            return scanner.report("format/unscannable", place.clone(), message);
        }
        let stored = match entry.value {
            Stored::Inline(bytes) => Kept::Inline(bytes),
            Stored::At(stretch) => {
                let Some((file, range)) = self.locate(scanner, place, &part.base, &stretch) else { return };
                Kept::At(file, range)
            }
        };
        let key = [prefix, &entry.key].concat();
        if key.len() > LONGEST_KEY {
            let message = format!("a key of {} bytes is no path of an array", key.len());
            return scanner.report("ocdbt/malformed", place.clone(), message);
        }
        walk.values.insert(Value { key: String::from_utf8_lossy(&key).into_owned(), stored });
    }

    /// Looks at the values: descriptions of arrays first, by which the others are chunks.
    fn values(&mut self, scanner: &mut Scanner<'_>, place: &Place, values: BTreeSet<Value>, depth: u32) {
        let mut arrays = BTreeMap::<String, Vec<zarr::Array>>::new();
        for value in values.iter().filter(|value| is_description(&value.key)) {
            let Some(file) = self.file(scanner, value) else { continue };
            let document = json::parse(value.bytes(file.as_deref()), 100_000).ok();
            if let Some(array) = document.and_then(|document| zarr::Array::of(&value.key, &document)) {
                let known = arrays.entry(array.folder.clone()).or_default();
                if known.len() < VERSIONS && !known.contains(&array) {
                    known.push(array);
                }
            }
        }
        for value in &values {
            let Some(file) = self.file(scanner, value) else { continue };
            let bytes = value.bytes(file.as_deref());
            let format = Format::detect(bytes);
            let key = match &place.member {
                Some(member) => format!("{member}!{}", value.key),
                None => value.key.clone(),
            };
            let content = Content { bytes, format, place: place.clone().within(key), depth };
            match array(&arrays, &value.key) {
                Some(array) => zarr::look(scanner, &content, array),
                None => drop(formats::scan(scanner, &content)),
            }
        }
    }

    /// The file that a value lies in; `None` if that is gone.
    fn file(&mut self, scanner: &mut Scanner<'_>, value: &Value) -> Option<Option<Arc<Bytes<'b>>>> {
        match &value.stored {
            Kept::Inline(_) => Some(None),
            Kept::At(file, _) => self.bytes(scanner, *file).map(Some),
        }
    }

    fn bytes(&mut self, scanner: &mut Scanner<'_>, index: usize) -> Option<Arc<Bytes<'b>>> {
        /// Files that are open at once: a system maps only so many.
        const OPEN: usize = 256;
        /// Unpacked bytes of members of archives that are kept at once.
        const UNPACKED: u64 = 256 << 20;
        if let Some(bytes) = self.open.get(&index) {
            return Some(bytes.clone());
        }
        if self.open.len() >= OPEN || self.kept >= UNPACKED {
            self.open.clear();
            self.kept = 0;
        }
        let bytes = Arc::new((self.read)(index, &mut scanner.decompressed_left)?);
        self.kept = self.kept.saturating_add(bytes.kept());
        self.open.insert(index, bytes.clone());
        Some(bytes)
    }

    fn unread(&self, scanner: &mut Scanner<'_>, place: &Place, what: &str) {
        scanner.report("format/unscannable", place.clone(), format!("a database of TensorStore: {what}"));
    }
}

/// Descriptions of one array, over all versions, that are held against its chunks.
const VERSIONS: usize = 64;

impl Walk {
    /// Whether as many bytes more may be kept.
    fn keeps(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes as u64);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

impl Value {
    fn bytes<'v>(&'v self, file: Option<&'v Bytes<'_>>) -> &'v [u8] {
        match &self.stored {
            Kept::Inline(bytes) => bytes,
            Kept::At(_, range) => file.map(|file| slice(file.as_ref(), *range)).unwrap_or_default(),
        }
    }
}

fn is_description(key: &str) -> bool {
    matches!(key.rsplit('/').next(), Some(".zarray" | "zarr.json"))
}

/// The array that a key is a chunk of.
fn array<'a>(arrays: &'a BTreeMap<String, Vec<zarr::Array>>, key: &str) -> Option<&'a zarr::Array> {
    /// Folders in each other. Chunks have a level for each axis.
    const LEVELS: usize = 64;
    let folders = key.rmatch_indices('/').take(LEVELS).filter_map(|(at, _)| key.get(..=at));
    folders
        .chain(std::iter::once(""))
        .find_map(|folder| arrays.get(folder)?.iter().find(|array| array.has(key)))
}

/// Whether a path leads out of the folder of its database, or to another machine.
fn leads_out(path: &str) -> bool {
    path.contains(['\\', ':', '\0']) || path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

/// The beginning of a path, for people.
fn shown(path: &str) -> String {
    path.chars().take(120).collect()
}

fn slice(bytes: &[u8], (from, to): (u64, u64)) -> &[u8] {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    range.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default()
}

/// Settles a data file: each of its bytes has to be one of a node or a value.
fn account(
    file: &mut FileReport,
    index: usize,
    mut ranges: Vec<Range<u64>>,
    host: &mut Host<'_, '_>,
    read: Read<'_, '_>,
) {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut whole = false;
    let before = file.clone();
    file.settled(&|rule| matches!(rule, "format/unscannable" | "stream/trailing"));
    host.look_again(file, |scanner, place, depth| {
        let Some(bytes) = read(index, &mut scanner.decompressed_left) else { return };
        let bytes = bytes.as_ref();
        let size = bytes.len() as u64;
        let (mut covered, mut gaps, mut left) = (0, Vec::new(), Vec::new());
        for range in ranges.into_iter().chain(std::iter::once(size..size)) {
            if range.start > covered && !is_left_over(slice(bytes, (covered, range.start)), &mut left) {
                gaps.push(covered..range.start);
            }
            covered = covered.max(range.end);
        }
        whole = gaps.is_empty();
        if whole {
            for value in &left {
                let (format, place) = (Format::detect(value), place.clone());
                formats::scan(scanner, &Content { bytes: value, format, place, depth: depth + 1 });
            }
        }
        for gap in gaps.into_iter().take(100) {
            let message = format!("{} bytes belong to no node and to no value", gap.end - gap.start);
            scanner.report("tree/unlisted-bytes", place.clone().at(gap.start), message);
        }
    });
    if !whole {
        // What was told of its bytes stays.
        for finding in before.findings {
            let outcome = before.outcome;
            file.add(finding, outcome);
        }
        file.covered_bytes = before.covered_bytes;
        file.findings.dedup();
    }
}

/// Whether bytes that nothing names are what writers leave behind: nodes whose place others have taken, and zeros up to a
/// whole page. Values in such nodes are added to `values`.
fn is_left_over(mut bytes: &[u8], values: &mut Vec<Vec<u8>>) -> bool {
    /// Nodes and values that are looked at.
    const MOST: usize = 4096;
    /// Bytes of such a node, unpacked.
    const LARGEST: u64 = 1 << 20;
    for _ in 0..MOST {
        if matches!(bytes, [] | [0, ..]) {
            return bytes.iter().all(|byte| *byte == 0);
        }
        let Ok(frame) = ocdbt::frame(bytes, LARGEST) else { return false };
        if let Body::Manifest(_) = frame.body {
            return false;
        }
        if let Body::Leaf(entries) = frame.body {
            let inline = entries.into_iter().filter_map(|entry| match entry.value {
                Stored::Inline(bytes) => Some(bytes),
                Stored::At(_) => None,
            });
            values.extend(inline);
            if values.len() > MOST {
                return false;
            }
        }
        let rest = usize::try_from(frame.length).ok().and_then(|length| bytes.get(length..));
        let Some(rest) = rest else { return false };
        bytes = rest;
    }
    false
}
