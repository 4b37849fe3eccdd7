//! LMDB: the pages of `data.mdb`, in which sets of examples are kept by key.
//!
//! Two pages describe the database; the younger one counts. From it trees lead to every key and value; a page that no tree
//! leads to is free, and readers never look at it. Source: LMDB 0.9.31 `mdb.c` (`MDB_page`, `MDB_node`, `MDB_db`,
//! `MDB_meta`), of a machine with eight-byte words and the least significant byte first.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;

const FORMAT: &str = "LMDB";
const MAGIC: [u8; 4] = 0xbeef_c0de_u32.to_le_bytes();
/// Bytes of a page's head.
const HEAD: usize = 16;
/// No page.
const NOWHERE: u64 = u64::MAX;
/// Values that are looked at.
const MOST: usize = 1 << 22;
/// Depth of a tree (`CURSOR_STACK`).
const DEEPEST: u32 = 32;

const BRANCH: u16 = 1;
const LEAF: u16 = 2;
const OVERFLOW: u16 = 4;
const META: u16 = 8;
/// A leaf of keys of one size and without values.
const LEAF2: u16 = 0x20;

const BIG: u16 = 1;
const SUB: u16 = 2;
const DUPLICATES: u16 = 4;

/// What a database holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lmdb {
    /// Keys and values, in the order of the trees.
    pub entries: Vec<Entry>,
    /// Where the file breaks a rule, and how.
    pub issues: Vec<(u64, String)>,
    /// First byte behind the last page.
    pub end: u64,
}

/// A key and its value, as places in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// Whether bytes are a database: a page that describes one.
#[must_use]
pub fn is_lmdb(bytes: &[u8]) -> bool {
    matches!(bytes.get(10..12), Some([8, 0])) && bytes.get(16..20) == Some(&MAGIC)
}

/// Whether bytes are the file in which programs tell each other that they read a database (`MDB_txninfo`).
#[must_use]
pub fn is_lock(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) && bytes.len() <= 1 << 20 && bytes.len().is_multiple_of(64)
}

/// Walks the trees of a database.
///
/// # Errors
/// No page describes it, or it holds more than is looked at.
pub fn walk(bytes: &[u8]) -> Result<Lmdb, ArtifactError> {
    let first = Meta::read(bytes, 0)?;
    let size = usize::from(first.page);
    if !size.is_power_of_two() || size < 256 {
        return Err(ArtifactError::malformed(FORMAT, 40, format!("no page has {size} bytes")));
    }
    let second = Meta::read(bytes, size).ok();
    let meta = match second {
        Some(second) if second.transaction > first.transaction => second,
        _ => first,
    };
    let pages = bytes.len() / size;
    let last =
        usize::try_from(meta.last).ok().and_then(|last| last.checked_add(1)).filter(|last| *last <= pages);
    let Some(last) = last else {
        let what = format!("it has {} pages and says {}", pages, meta.last.saturating_add(1));
        return Err(ArtifactError::malformed(FORMAT, 136, what));
    };
    let mut walk = Walk {
        bytes,
        size,
        seen: vec![false; last],
        out: Lmdb { end: (last * size) as u64, ..Lmdb::default() },
    };
    for root in [meta.free, meta.main] {
        walk.tree(root, root == meta.free && meta.free != meta.main)?;
    }
    Ok(walk.out)
}

/// What a page says of the database.
#[derive(Debug, Clone, Copy)]
struct Meta {
    page: u16,
    free: u64,
    main: u64,
    last: u64,
    transaction: u64,
}

impl Meta {
    fn read(bytes: &[u8], at: usize) -> Result<Self, ArtifactError> {
        let page = bytes.get(at..).unwrap_or_default();
        let mut cursor = Cursor::new(FORMAT, page, at as u64);
        cursor.take(10)?;
        if cursor.u16()? != META {
            return Err(cursor.error("the page does not describe a database"));
        }
        cursor.take(4)?;
        if cursor.array::<4>()? != MAGIC || cursor.u32()? != 1 {
            return Err(cursor.error("the page has another magic number or version"));
        }
        cursor.take(16)?;
        // The size of a page stands where a database has padding.
        let size = cursor.u32()?;
        let size = u16::try_from(size).map_err(|_| cursor.error(format!("no page has {size} bytes")))?;
        cursor.take(36)?;
        let free = cursor.u64()?;
        cursor.take(40)?;
        let main = cursor.u64()?;
        Ok(Self { page: size, free, main, last: cursor.u64()?, transaction: cursor.u64()? })
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    size: usize,
    seen: Vec<bool>,
    out: Lmdb,
}

impl Walk<'_> {
    fn issue(&mut self, at: usize, what: impl Into<String>) {
        const MOST: usize = 100;
        if self.out.issues.len() < MOST {
            self.out.issues.push((at as u64, what.into()));
        }
    }

    /// Takes `count` pages from `number` on, each once.
    fn claim(&mut self, number: u64, count: usize) -> Option<usize> {
        let first = usize::try_from(number).ok()?;
        let range = first..first.checked_add(count)?;
        let pages = self.seen.get_mut(range);
        let fresh =
            pages.as_ref().is_some_and(|pages| pages.iter().all(|seen| !*seen)) && first >= 2 && count > 0;
        if !fresh {
            let at = first.saturating_mul(self.size).min(self.bytes.len());
            self.issue(at, format!("page {number} is outside of the file, or belongs to two trees"));
            return None;
        }
        pages.into_iter().flatten().for_each(|seen| *seen = true);
        Some(first * self.size)
    }

    /// Walks a tree with a stack, not by recursion. Those of `free` list pages that nobody reads.
    fn tree(&mut self, root: u64, free: bool) -> Result<(), ArtifactError> {
        let mut open: Vec<(u64, u32)> = vec![(root, 0)];
        while let Some((number, depth)) = open.pop() {
            if number == NOWHERE {
                continue;
            }
            if depth > DEEPEST {
                self.issue(0, "a tree is deeper than any");
                continue;
            }
            let Some(at) = self.claim(number, 1) else { continue };
            let page = at..at + self.size;
            for node in self.nodes(page.clone()) {
                match node.flags {
                    Flags::Branch(child) => open.push((child, depth + 1)),
                    Flags::Leaf(flags) => {
                        if self.out.entries.len() >= MOST {
                            return Err(ArtifactError::Limit {
                                format: FORMAT,
                                what: "values",
                                limit: MOST as u64,
                            });
                        }
                        if flags & SUB != 0 {
                            // A database of its own: its root stands behind forty bytes.
                            let root = self.bytes.get(node.value.start + 40..node.value.end);
                            match root.and_then(<[u8]>::first_chunk) {
                                Some(root) => open.push((u64::from_le_bytes(*root), depth + 1)),
                                None => self.issue(at, "a database in the database is cut short"),
                            }
                        } else if flags & DUPLICATES != 0 {
                            for inner in self.nodes(node.value.clone()) {
                                self.out.entries.push(Entry { key: node.key.clone(), value: inner.key });
                            }
                        } else if flags & BIG != 0 {
                            if let Some(value) = self.overflow(&node) {
                                self.out.entries.push(Entry { key: node.key, value });
                            }
                        } else if !free {
                            self.out.entries.push(Entry { key: node.key, value: node.value });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A value of more than a page.
    fn overflow(&mut self, node: &Node) -> Option<Range<usize>> {
        let number = self.bytes.get(node.value.clone())?.first_chunk().map(|n| u64::from_le_bytes(*n))?;
        let at = usize::try_from(number).ok()?.checked_mul(self.size)?;
        let head = self.bytes.get(at..)?.first_chunk::<HEAD>()?;
        let flags = u16::from_le_bytes([head[10], head[11]]);
        let count = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
        let pages = usize::try_from(count).ok()?;
        let end = at.checked_add(HEAD)?.checked_add(node.length)?;
        let fits = pages
            .checked_mul(self.size)
            .and_then(|room| at.checked_add(room))
            .is_some_and(|room| end <= room);
        if flags & OVERFLOW == 0 || !fits {
            self.issue(at.min(self.bytes.len()), "a long value does not fit into its pages");
            return None;
        }
        self.claim(number, pages)?;
        Some(at + HEAD..end)
    }

    /// The nodes of a page, or of a page within a value.
    fn nodes(&mut self, page: Range<usize>) -> Vec<Node> {
        let start = page.start;
        let bytes = self.bytes.get(page).unwrap_or_default();
        let Some(head) = bytes.first_chunk::<HEAD>() else {
            self.issue(start, "a page is cut short");
            return Vec::new();
        };
        let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let (pad, flags, lower) = (usize::from(word(8)), word(10), usize::from(word(12)));
        let count = lower.saturating_sub(HEAD) / 2;
        if flags & LEAF2 != 0 {
            let keys = (0..count).map(|index| HEAD + index * pad..HEAD + (index + 1) * pad);
            let whole = |key: &Range<usize>| key.end <= bytes.len();
            let node = |key: Range<usize>| {
                let key = start + key.start..start + key.end;
                Node { value: key.end..key.end, length: 0, key, flags: Flags::Leaf(0) }
            };
            return keys.filter(whole).map(node).collect();
        }
        if flags & (BRANCH | LEAF) == 0 || lower < HEAD || lower > bytes.len() {
            self.issue(start, "a page is neither a branch nor a leaf");
            return Vec::new();
        }
        let mut out = Vec::new();
        for index in 0..count {
            match node(bytes, index, flags & BRANCH != 0) {
                Some(node) => out.push(node.behind(start)),
                None => self.issue(start, "a node lies outside of its page"),
            }
        }
        out
    }
}

enum Flags {
    /// The page below.
    Branch(u64),
    Leaf(u16),
}

struct Node {
    key: Range<usize>,
    value: Range<usize>,
    /// Bytes of the value, wherever it is.
    length: usize,
    flags: Flags,
}

impl Node {
    fn behind(mut self, start: usize) -> Self {
        self.key = self.key.start + start..self.key.end + start;
        self.value = self.value.start + start..self.value.end + start;
        self
    }
}

/// A node of a page, by its number.
fn node(page: &[u8], index: usize, branch: bool) -> Option<Node> {
    let word = |at: usize| page.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw));
    let at = usize::from(word(HEAD + 2 * index)?);
    let (low, high, flags, key) = (word(at)?, word(at + 2)?, word(at + 4)?, usize::from(word(at + 6)?));
    let length = u64::from(low) | u64::from(high) << 16;
    let key = at + 8..at + 8 + key;
    if key.end > page.len() {
        return None;
    }
    if branch {
        let child = length | u64::from(flags) << 32;
        return Some(Node { value: key.end..key.end, length: 0, key, flags: Flags::Branch(child) });
    }
    let length = usize::try_from(length).ok()?;
    // A long value is the number of its page.
    let here = if flags & BIG != 0 { 8 } else { length };
    let value = key.end..key.end.checked_add(here)?;
    (value.end <= page.len()).then_some(Node { key, value, length, flags: Flags::Leaf(flags) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 4096;

    fn meta(number: u64, root: u64, last: u64) -> Vec<u8> {
        let mut page = number.to_le_bytes().to_vec();
        page.extend([0, 0, 8, 0, 0, 0, 0, 0]);
        page.extend(MAGIC);
        page.extend(1u32.to_le_bytes());
        page.extend([0; 8]);
        page.extend((PAGE as u64 * 100).to_le_bytes());
        page.extend((PAGE as u32).to_le_bytes());
        page.extend([0; 36]);
        page.extend(NOWHERE.to_le_bytes());
        page.extend([0; 40]);
        page.extend(root.to_le_bytes());
        page.extend(last.to_le_bytes());
        page.extend(number.to_le_bytes());
        page.resize(PAGE, 0);
        page
    }

    fn leaf(number: u64, nodes: &[(&[u8], &[u8], u16, u32)]) -> Vec<u8> {
        let mut page = vec![0; PAGE];
        page[..8].copy_from_slice(&number.to_le_bytes());
        page[10] = 2;
        let mut upper = PAGE;
        for (index, (key, value, flags, length)) in nodes.iter().enumerate() {
            upper -= (8 + key.len() + value.len()).next_multiple_of(2);
            let mut node = (*length as u16).to_le_bytes().to_vec();
            node.extend(((length >> 16) as u16).to_le_bytes());
            node.extend(flags.to_le_bytes());
            node.extend((key.len() as u16).to_le_bytes());
            node.extend(*key);
            node.extend(*value);
            page[upper..upper + node.len()].copy_from_slice(&node);
            page[HEAD + 2 * index..HEAD + 2 * index + 2].copy_from_slice(&(upper as u16).to_le_bytes());
        }
        page[12..14].copy_from_slice(&((HEAD + 2 * nodes.len()) as u16).to_le_bytes());
        page[14..16].copy_from_slice(&(upper as u16).to_le_bytes());
        page
    }

    fn sample() -> Vec<u8> {
        let long = 3u64.to_le_bytes();
        let mut overflow = 3u64.to_le_bytes().to_vec();
        overflow.extend([0, 0, 4, 0, 2, 0, 0, 0]);
        overflow.resize(2 * PAGE, 9);
        let nodes: [(&[u8], &[u8], u16, u32); 2] = [(b"a", b"one", 0, 3), (b"b", &long, BIG, 5000)];
        [meta(0, NOWHERE, 1), meta(1, 2, 4), leaf(2, &nodes), overflow].concat()
    }

    #[test]
    fn keys_lead_to_values_of_any_length() {
        let bytes = sample();
        assert!(is_lmdb(&bytes));
        let found = walk(&bytes).unwrap();
        assert_eq!(found.issues, []);
        let values: Vec<&[u8]> = found.entries.iter().map(|e| &bytes[e.value.clone()]).collect();
        assert_eq!((values[0], values[1].len(), found.end), (&b"one"[..], 5000, bytes.len() as u64));
    }

    #[test]
    fn trees_that_share_pages_or_leave_the_file_are_told() {
        let mut bytes = sample();
        // The long value begins in the leaf itself.
        let at = bytes.windows(8).rposition(|w| w == 3u64.to_le_bytes()).unwrap();
        let inside = bytes[..3 * PAGE].windows(8).rposition(|w| w == 3u64.to_le_bytes()).unwrap();
        assert!(at > inside);
        bytes[inside] = 2;
        assert_eq!(walk(&bytes).unwrap().issues.len(), 1);
        bytes[inside] = 200;
        assert_eq!(walk(&bytes).unwrap().entries.len(), 1);
        assert!(walk(&sample()[..3 * PAGE]).is_err());
    }

    proptest! {
        #[test]
        fn damaged_files_end(flips in prop::collection::vec((0usize..5 * PAGE, any::<u8>()), 1..10)) {
            let mut bytes = sample();
            for (at, value) in flips {
                bytes[at % (5 * PAGE)] = value;
            }
            if let Ok(found) = walk(&bytes) {
                for entry in found.entries {
                    prop_assert!(entry.value.end <= bytes.len() && entry.key.end <= bytes.len());
                }
            }
        }
    }
}
