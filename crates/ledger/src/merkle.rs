//! The Merkle tree of RFC 6962 section 2.1, without any I/O.
//!
//! A tree of `size` leaves is stored as its *complete* nodes: node (`level`, `index`) covers the leaves
//! from `index << level` up to, not including, `(index + 1) << level`, never changes once its last leaf
//! is there, and every root and every proof at every size is a combination of at most 64 of them. The
//! ragged right edge is never stored, so nothing stored is ever rewritten.
//!
//! Proofs are made in two steps, so that a store needs one read: [`inclusion_spans`] and
//! [`consistency_spans`] say which spans of leaves a proof is made of, [`Span::nodes`] names the stored
//! nodes of a span, and [`fold`] combines their hashes. The checks, [`verify_inclusion`] and
//! [`verify_consistency`], follow RFC 9162 sections 2.1.3.2 and 2.1.4.2 and need nothing but hashes.

use proofhouse_core::{Digest, Hasher};

/// Address of a complete node. Level 0 are the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Height above the leaves; the node covers 2^`level` of them.
    pub level: u8,
    /// Position among the nodes of this level, from the left, from 0.
    pub index: u64,
}

/// The leaves from `start` up to, not including, `end`; as RFC 6962 writes it, D\[start:end\].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u64,
    end: u64,
}

/// Why a proof does not hold, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such leaf in a tree of that size.
    #[error("leaf {seq} is not in a tree of {size} leaves")]
    LeafOutside {
        /// The leaf asked for.
        seq: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {old} leaves cannot be the beginning of one of {new}")]
    SizesReversed {
        /// Size of the tree said to be older.
        old: u64,
        /// Size of the tree said to be newer.
        new: u64,
    },
    /// The proof has too few or too many hashes for these sizes.
    #[error("the proof has {found} hashes, which does not fit these tree sizes")]
    Length {
        /// Hashes in the proof.
        found: usize,
    },
    /// The hashes do not lead to the root.
    #[error("the proof leads to root {computed}, the checkpoint says {expected}")]
    Root {
        /// Where the proof leads.
        computed: Digest,
        /// The root it was checked against.
        expected: Digest,
    },
    /// A node that the proof needs is not among those given.
    #[error("node {} of level {} is missing", .0.index, .0.level)]
    NodeMissing(NodeId),
}

/// The hash of a leaf: SHA-256(0x00 ‖ leaf).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&[0]);
    hasher.update(leaf);
    hasher.finish()
}

/// The hash of an interior node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&[1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// The complete nodes that no larger complete node covers: all that is needed to go on appending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From the largest, leftmost node to the smallest, one per set bit of `size`.
    nodes: Vec<(u8, Digest)>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves, from the hashes of the nodes that [`Span::nodes`] names
    /// for its whole span, in that order.
    pub fn resume(size: u64, hashes: &[Digest]) -> Result<Self, ProofError> {
        let ids = Span::new(0, size).nodes();
        if ids.len() != hashes.len() {
            return Err(ProofError::Length { found: hashes.len() });
        }
        Ok(Self { size, nodes: ids.iter().map(|id| id.level).zip(hashes.iter().copied()).collect() })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and returns the nodes that it completes, the leaf itself (level 0) first.
    pub fn push(&mut self, leaf: Digest) -> Vec<(NodeId, Digest)> {
        let (mut level, mut index, mut hash) = (0u8, self.size, leaf);
        let mut completed = vec![(NodeId { level, index }, hash)];
        while let Some((_, left)) = self.nodes.pop_if(|(l, _)| *l == level) {
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            completed.push((NodeId { level, index }, hash));
        }
        self.nodes.push((level, hash));
        self.size += 1;
        completed
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Digest {
        let hashes: Vec<Digest> = self.nodes.iter().map(|(_, hash)| *hash).collect();
        fold(&hashes).unwrap_or_else(empty_root)
    }
}

impl Span {
    /// The leaves from `start` up to, not including, `end`. `start` must be a multiple of the largest
    /// power of two that fits the span, which holds for every span of RFC 6962.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// The complete nodes that make up the span, from the left. Their hashes go to [`fold`].
    #[must_use]
    pub fn nodes(self) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let level = (self.end - start).ilog2();
            // ilog2 of a u64 is below 64.
            nodes.push(NodeId { level: level as u8, index: start >> level });
            start += 1 << level;
        }
        nodes
    }
}

/// The hash of a span from the hashes of its complete nodes, from the left; `None` for no node.
#[must_use]
pub fn fold(hashes: &[Digest]) -> Option<Digest> {
    hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// The spans whose hashes prove that leaf `seq` is in the tree of `size` leaves, from the leaf upwards.
pub fn inclusion_spans(seq: u64, size: u64) -> Result<Vec<Span>, ProofError> {
    if seq >= size {
        return Err(ProofError::LeafOutside { seq, size });
    }
    let (mut start, mut end) = (0, size);
    let mut spans = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if seq < middle {
            spans.push(Span::new(middle, end));
            end = middle;
        } else {
            spans.push(Span::new(start, middle));
            start = middle;
        }
    }
    spans.reverse();
    Ok(spans)
}

/// The spans whose hashes prove that the tree of `old` leaves is the beginning of the tree of `new`.
pub fn consistency_spans(old: u64, new: u64) -> Result<Vec<Span>, ProofError> {
    if old > new {
        return Err(ProofError::SizesReversed { old, new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut spans = Vec::new();
    // Until the subtree that ends where the old tree ended.
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            spans.push(Span::new(middle, end));
            end = middle;
        } else {
            spans.push(Span::new(start, middle));
            start = middle;
        }
    }
    // When that subtree is the whole old tree, the verifier knows its hash already.
    if start != 0 {
        spans.push(Span::new(start, end));
    }
    spans.reverse();
    Ok(spans)
}

/// The largest power of two below `count`, for a count above one.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Checks that `leaf` is leaf number `seq` of the tree of `size` leaves with this `root`.
pub fn verify_inclusion(
    seq: u64,
    size: u64,
    leaf: &Digest,
    path: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if seq >= size {
        return Err(ProofError::LeafOutside { seq, size });
    }
    let length = || ProofError::Length { found: path.len() };
    let (mut node, mut last) = (seq, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(length());
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // The right edge has no sibling on the levels where it is a left child.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length());
    }
    matches(hash, root)
}

/// Checks that the tree of `old` leaves with root `old_root` is the beginning of the tree of `new`
/// leaves with root `new_root`.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Digest,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::SizesReversed { old, new });
    }
    let length = || ProofError::Length { found: proof.len() };
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(length());
        }
        return matches(if old == 0 { empty_root() } else { *new_root }, old_root);
    }
    let mut rest = proof.iter();
    // An old tree that is one complete node is its own first hash.
    let first = if old.is_power_of_two() { *old_root } else { *rest.next().ok_or_else(length)? };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (first, first);
    for hash in rest {
        if last == 0 {
            return Err(length());
        }
        if node & 1 == 1 || node == last {
            from_old = node_hash(hash, &from_old);
            from_new = node_hash(hash, &from_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length());
    }
    matches(from_old, old_root)?;
    matches(from_new, new_root)
}

fn matches(computed: Digest, expected: &Digest) -> Result<(), ProofError> {
    if computed == *expected { Ok(()) } else { Err(ProofError::Root { computed, expected: *expected }) }
}
