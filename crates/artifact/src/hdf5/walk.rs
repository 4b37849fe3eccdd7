//! The superblock, the objects still to visit, and the account of bytes.

use std::collections::HashSet;
use std::ops::Range;

use super::{Issue, IssueKind, Survey};
use crate::ArtifactError;
use crate::cursor::Cursor;

/// Objects, messages, nodes and records together. A file of a hundred thousand layers has fewer.
const MAX_ITEMS: u64 = 8_000_000;
/// Bytes of one gap that are too few to be anything.
const STRAY: u64 = 8;
/// Parts of a path that are written out.
const PATH_PARTS: usize = 24;

pub(super) type Result<T, E = ArtifactError> = std::result::Result<T, E>;

pub(super) struct Walk<'a> {
    /// From the base address on: addresses count from there.
    pub(super) bytes: &'a [u8],
    pub(super) base: u64,
    /// Bytes of an address and of a length.
    pub(super) offsets: usize,
    pub(super) lengths: usize,
    /// Half the entries of a symbol node, of a group's tree node and of a chunk's tree node.
    pub(super) leaf_k: u64,
    pub(super) group_k: u64,
    pub(super) chunk_k: u64,
    pub(super) out: Survey,
    claims: Vec<Range<u64>>,
    /// Where the chunks of the dataset that is read lie.
    pub(super) pieces: Vec<Range<u64>>,
    claimed: HashSet<u64>,
    names: Vec<(usize, String)>,
    queue: Vec<(u64, usize)>,
    visited: HashSet<u64>,
    items: u64,
}

/// The root's place in `names`.
pub(super) const ROOT: usize = 0;

pub(super) fn run(bytes: &[u8]) -> Result<Survey> {
    let at = super::superblock(bytes);
    let at = at.ok_or_else(|| ArtifactError::malformed("HDF5", 0, "there is no superblock"))?;
    let mut head = Cursor::new("HDF5", bytes.get(at..).unwrap_or_default(), at as u64);
    head.take(8)?;
    let version = head.u8()?;
    let mut walk = Walk {
        bytes: bytes.get(at..).unwrap_or_default(),
        base: at as u64,
        offsets: 8,
        lengths: 8,
        leaf_k: 4,
        group_k: 16,
        chunk_k: 32,
        out: Survey { version, user_block: at as u64, ..Survey::default() },
        claims: Vec::new(),
        pieces: Vec::new(),
        claimed: HashSet::new(),
        names: vec![(ROOT, String::new())],
        queue: Vec::new(),
        visited: HashSet::new(),
        items: 0,
    };
    let (base, end) = match version {
        0 | 1 => walk.old_superblock(&mut head, version)?,
        2 | 3 => walk.new_superblock(&mut head)?,
        other => return Err(head.error(format!("superblock version {other} is not known"))),
    };
    if base != at as u64 && base != 0 {
        return Err(head.error(format!("the base address {base} is not that of the superblock, {at}")));
    }
    if base == 0 && at > 0 {
        // Addresses count from the start of the file although something stands in front.
        walk.issue(0, "the base address leaves out the user block", IssueKind::Broken);
        walk.bytes = bytes;
        walk.base = 0;
        walk.claims.iter_mut().for_each(|c| *c = c.start + at as u64..c.end + at as u64);
    }
    let size = walk.bytes.len() as u64;
    // The end counts from the base in some writers and from the start in others; both may be meant.
    let stated = if end > size && end.saturating_sub(walk.base) == size { size } else { end };
    if stated < size {
        let bytes = size - stated;
        walk.claim(stated, bytes);
        let what = format!("{bytes} bytes follow the end of the file that its superblock gives");
        walk.issue(stated, what, IssueKind::Trailing(bytes));
    } else if stated > size {
        let what = format!("the superblock gives {stated} bytes to the file and there are {size}");
        walk.issue(0, what, IssueKind::Broken);
    }
    while let Some((address, name)) = walk.queue.pop() {
        if let Err(error) = walk.object(address, name) {
            walk.fail(error);
        }
    }
    walk.account();
    Ok(walk.out)
}

impl<'a> Walk<'a> {
    fn old_superblock(&mut self, head: &mut Cursor<'a>, version: u8) -> Result<(u64, u64)> {
        head.take(4)?;
        self.offsets = usize::from(head.u8()?);
        self.lengths = usize::from(head.u8()?);
        head.take(1)?;
        self.leaf_k = u64::from(head.u16()?);
        self.group_k = u64::from(head.u16()?);
        head.take(4)?;
        if version == 1 {
            self.chunk_k = u64::from(head.u16()?);
            head.take(2)?;
        }
        self.widths(head)?;
        let base = head.uint(self.offsets)?;
        let free = head.uint(self.offsets)?;
        let end = head.uint(self.offsets)?;
        let driver = head.uint(self.offsets)?;
        head.uint(self.offsets)?;
        let root = head.uint(self.offsets)?;
        head.take(24)?;
        self.claim(0, head.offset() - self.base);
        if self.defined(free) || self.defined(driver) {
            self.issue(
                0,
                "the file uses a driver or keeps free space, which is not read",
                IssueKind::Unknown,
            );
        }
        self.visit(root, ROOT);
        Ok((base, end))
    }

    fn new_superblock(&mut self, head: &mut Cursor<'a>) -> Result<(u64, u64)> {
        self.offsets = usize::from(head.u8()?);
        self.lengths = usize::from(head.u8()?);
        head.take(1)?;
        self.widths(head)?;
        let base = head.uint(self.offsets)?;
        let extension = head.uint(self.offsets)?;
        let end = head.uint(self.offsets)?;
        let root = head.uint(self.offsets)?;
        head.take(4)?;
        self.claim(0, head.offset() - self.base);
        if self.defined(extension) {
            let name = self.name(ROOT, "(superblock extension)");
            self.visit(extension, name);
        }
        self.visit(root, ROOT);
        Ok((base, end))
    }

    fn widths(&self, head: &Cursor<'a>) -> Result<()> {
        let fine = |width: usize| matches!(width, 2 | 4 | 8);
        if fine(self.offsets) && fine(self.lengths) {
            return Ok(());
        }
        Err(head.error(format!("addresses of {} and lengths of {} bytes", self.offsets, self.lengths)))
    }

    /// A cursor at an address.
    pub(super) fn at(&self, address: u64) -> Result<Cursor<'a>> {
        let tail = usize::try_from(address).ok().and_then(|at| self.bytes.get(at..));
        let tail = tail.ok_or_else(|| {
            let what = format!("an address leads to byte {address}, beyond the end");
            ArtifactError::malformed("HDF5", self.base, what)
        })?;
        Ok(Cursor::new("HDF5", tail, self.base + address))
    }

    /// The address of a place that a cursor stands at.
    pub(super) fn address(&self, cursor: &Cursor<'_>) -> u64 {
        cursor.offset() - self.base
    }

    /// Whether an address leads anywhere: all ones means that it does not.
    pub(super) fn defined(&self, address: u64) -> bool {
        address != u64::MAX >> (64 - 8 * self.offsets)
    }

    pub(super) fn issue(&mut self, address: u64, what: impl Into<String>, kind: IssueKind) {
        if self.out.issues.len() < 1000 {
            self.out.issues.push(Issue { offset: self.base + address, what: what.into(), kind });
        }
    }

    pub(super) fn fail(&mut self, error: ArtifactError) {
        let offset = error.offset().unwrap_or(self.base).saturating_sub(self.base);
        let what = match error {
            ArtifactError::Malformed { what, .. } => what,
            other => other.to_string(),
        };
        self.issue(offset, what, IssueKind::Broken);
    }

    /// Counts an item, and fails when there are more than any file needs.
    pub(super) fn count(&mut self) -> Result<()> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            self.queue.clear();
            return Err(ArtifactError::Limit { format: "HDF5", what: "structures", limit: MAX_ITEMS });
        }
        Ok(())
    }

    /// Accounts for bytes. A structure that is reached twice counts once.
    pub(super) fn claim(&mut self, address: u64, bytes: u64) {
        if bytes > 0 && self.claimed.insert(address) {
            self.claims.push(address..address.saturating_add(bytes));
        }
    }

    pub(super) fn visit(&mut self, address: u64, name: usize) {
        if self.defined(address) && self.visited.insert(address) {
            self.queue.push((address, name));
        }
    }

    pub(super) fn name(&mut self, parent: usize, name: &str) -> usize {
        self.names.push((parent, name.to_owned()));
        self.names.len() - 1
    }

    /// The path of a named object; of a very deep one the last parts.
    pub(super) fn path(&self, name: usize) -> String {
        let mut parts = Vec::new();
        let mut at = name;
        while let Some((parent, part)) = self.names.get(at).filter(|_| at != ROOT) {
            if parts.len() == PATH_PARTS {
                parts.push("…");
                break;
            }
            parts.push(part.as_str());
            at = *parent;
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// Finds out what nothing claimed, and what two did.
    fn account(&mut self) {
        let size = self.bytes.len() as u64;
        let mut claims = std::mem::take(&mut self.claims);
        claims.sort_by_key(|c| (c.start, c.end));
        let mut covered = 0;
        for claim in claims {
            if claim.end > size {
                let what = format!("a structure at byte {} reaches beyond the end", claim.start);
                self.issue(claim.start.min(size), what, IssueKind::Broken);
            }
            if claim.start > covered {
                self.out.gaps.push(self.base + covered..self.base + claim.start.min(size));
            } else if claim.start < covered {
                let what = format!("{} bytes belong to two structures", covered.min(claim.end) - claim.start);
                self.issue(claim.start, what, IssueKind::Overlap);
            }
            covered = covered.max(claim.end);
            if covered >= size {
                break;
            }
        }
        if covered < size {
            self.out.gaps.push(self.base + covered..self.base + size);
        }
        let gaps = std::mem::take(&mut self.out.gaps);
        for gap in gaps {
            self.left_over(gap);
        }
    }

    /// Keeps of a gap what is neither zero nor a structure that the library has given up.
    ///
    /// The library does not clear what it frees: a group that outgrows its header or its heap leaves the old
    /// one behind. Nothing leads there any more, and what stands there is measured by its own header.
    fn left_over(&mut self, gap: Range<u64>) {
        let mut at = gap.start;
        let mut left: Vec<Range<u64>> = Vec::new();
        let mut kept: Option<Range<u64>> = None;
        while at < gap.end {
            let (Ok(start), Ok(end)) =
                (usize::try_from(at - self.base), usize::try_from(gap.end - self.base))
            else {
                return;
            };
            let tail = self.bytes.get(start..end).unwrap_or_default();
            let zeros = tail.iter().take_while(|b| **b == 0).count() as u64;
            let known = if zeros > 0 { zeros } else { self.given_up(tail) };
            if known > 0 {
                if tail.starts_with(b"GCOL") {
                    self.note_heap(at - self.base);
                }
                left.extend(kept.take());
                at += known;
            } else {
                kept.get_or_insert(at..at).end = at + 1;
                at += 1;
            }
        }
        left.extend(kept);
        // A stray byte or two between words that were given up hold nothing.
        if left.iter().map(|range| range.end - range.start).sum::<u64>() >= STRAY {
            self.out.gaps.extend(left);
        }
    }

    /// Bytes of a structure that was given up, if one begins here and ends within. A heap of names that outgrew
    /// its place leaves names behind, without a header.
    fn given_up(&self, tail: &[u8]) -> u64 {
        let (o, l) = (self.offsets as u64, self.lengths as u64);
        let read = || -> Result<u64> {
            let mut head = Cursor::new("HDF5", tail, 0);
            let signature = head.take(4)?;
            Ok(match signature {
                b"SNOD" => 8 + 2 * self.leaf_k * (2 * o + 24),
                b"TREE" if head.u8()? == 0 => 8 + 2 * o + 2 * self.group_k * (o + l) + l,
                b"HEAP" => 8 + 2 * l + o,
                b"GCOL" => {
                    head.take(4)?;
                    head.uint(self.lengths)?
                }
                word => heap_word(word, head.take(4)?),
            })
        };
        read().ok().filter(|n| *n <= tail.len() as u64).unwrap_or(0)
    }
}

/// Eight if two halves of a word may come from a heap of names: text and then zeros, or a small number, as
/// which the heap keeps the measures of its free parts.
fn heap_word(first: &[u8], second: &[u8]) -> u64 {
    let word = [first, second].concat();
    let text = word.iter().take_while(|b| matches!(b, 0x20..=0x7e)).count();
    let named = text > 0 && word.iter().skip(text).all(|b| *b == 0);
    let small = word.iter().skip(2).all(|b| *b == 0);
    if named || small { 8 } else { 0 }
}
