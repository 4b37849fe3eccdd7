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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::*;

    use super::*;

    /// A tree that keeps its complete nodes, as the database does.
    #[derive(Default)]
    struct Tree {
        frontier: Frontier,
        nodes: BTreeMap<NodeId, Digest>,
        roots: Vec<Digest>,
    }

    impl Tree {
        fn of(size: u64) -> Self {
            let mut tree = Self { roots: vec![empty_root()], ..Self::default() };
            for i in 0..size {
                tree.nodes.extend(tree.frontier.push(leaf_hash(&i.to_be_bytes())));
                tree.roots.push(tree.frontier.root());
            }
            tree
        }

        fn root(&self, size: u64) -> Digest {
            self.roots[usize::try_from(size).unwrap()]
        }

        fn hashes(&self, spans: &[Span]) -> Vec<Digest> {
            let hash = |span: &Span| {
                let parts: Vec<Digest> = span.nodes().iter().map(|id| self.nodes[id]).collect();
                fold(&parts).unwrap()
            };
            spans.iter().map(hash).collect()
        }
    }

    fn theirs(size: u64) -> MemoryBackedTree<sha2::Sha256, [u8; 8]> {
        let mut tree = MemoryBackedTree::new();
        (0..size).for_each(|i| tree.push(i.to_be_bytes()));
        tree
    }

    #[test]
    fn roots_and_proofs_are_those_of_ct_merkle_at_every_size_up_to_70() {
        for size in 1..=70u64 {
            let (tree, theirs) = (Tree::of(size), theirs(size));
            let root = tree.root(size);
            assert_eq!(root.as_bytes().as_slice(), theirs.root().as_bytes().as_slice(), "{size}");
            for seq in 0..size {
                let path = tree.hashes(&inclusion_spans(seq, size).unwrap());
                let proof = theirs.prove_inclusion(usize::try_from(seq).unwrap());
                assert_eq!(concat(&path), proof.as_bytes(), "leaf {seq} of {size}");
                verify_inclusion(seq, size, &leaf_hash(&seq.to_be_bytes()), &path, &root).unwrap();
            }
            for old in 1..=size {
                let path = tree.hashes(&consistency_spans(old, size).unwrap());
                verify_consistency(old, size, &tree.root(old), &root, &path).unwrap();
                if old < size {
                    let proof = theirs.prove_consistency(usize::try_from(size - old).unwrap());
                    assert_eq!(concat(&path), proof.as_bytes(), "{old} in {size}");
                }
            }
        }
    }

    fn concat(hashes: &[Digest]) -> Vec<u8> {
        hashes.iter().flat_map(|h| h.as_bytes().to_vec()).collect()
    }

    #[test]
    fn tlog_tiles_accepts_what_is_proven_here() {
        let theirs = |d: &Digest| tlog_tiles::Hash(*d.as_bytes());
        let tree = Tree::of(1000);
        let (size, root) = (1000, tree.root(1000));
        for seq in [0, 1, 511, 512, 998, 999] {
            let path = tree.hashes(&inclusion_spans(seq, size).unwrap()).iter().map(theirs).collect();
            let leaf = tlog_tiles::record_hash(&seq.to_be_bytes());
            tlog_tiles::check_record(&path, size, theirs(&root), seq, leaf).unwrap();
        }
        for old in [1, 2, 3, 512, 513, 999] {
            let path = tree.hashes(&consistency_spans(old, size).unwrap()).iter().map(theirs).collect();
            tlog_tiles::check_tree(&path, size, theirs(&root), old, theirs(&tree.root(old))).unwrap();
        }
    }

    #[test]
    fn the_known_roots_of_rfc_6962_test_vectors() {
        // Leaves and roots of the reference test of Certificate Transparency; the root of all eight was
        // recomputed with Python's hashlib.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut frontier = Frontier::default();
        assert_eq!(
            frontier.root().to_hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for leaf in leaves {
            frontier.push(leaf_hash(leaf));
        }
        assert_eq!(
            frontier.root().to_hex(),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn a_frontier_resumes_at_every_size() {
        for size in 0..=40 {
            let tree = Tree::of(size);
            let hashes: Vec<Digest> = Span::new(0, size).nodes().iter().map(|id| tree.nodes[id]).collect();
            let resumed = Frontier::resume(size, &hashes).unwrap();
            assert_eq!(resumed, tree.frontier);
            // A tree of the next size is made of as many nodes only when it has as many set bits.
            let same_count = (size + 1).count_ones() == size.count_ones();
            assert_eq!(Frontier::resume(size + 1, &hashes).is_ok(), same_count);
        }
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        let h = empty_root();
        assert!(matches!(inclusion_spans(0, 0), Err(ProofError::LeafOutside { .. })));
        assert!(matches!(verify_inclusion(5, 5, &h, &[], &h), Err(ProofError::LeafOutside { .. })));
        assert!(matches!(consistency_spans(2, 1), Err(ProofError::SizesReversed { .. })));
        assert!(matches!(verify_consistency(2, 1, &h, &h, &[]), Err(ProofError::SizesReversed { .. })));
        assert!(verify_consistency(0, 9, &Digest::of(b"x"), &h, &[]).is_err());
        assert_eq!(verify_consistency(0, 9, &empty_root(), &h, &[]), Ok(()));
        assert!(matches!(verify_consistency(0, 9, &h, &h, &[h]), Err(ProofError::Length { .. })));
        // The largest sizes there are end as well.
        assert!(inclusion_spans(u64::MAX - 1, u64::MAX).unwrap().len() <= 64);
        assert!(consistency_spans(u64::MAX - 1, u64::MAX).unwrap().len() <= 64);
        assert!(verify_inclusion(0, u64::MAX, &h, &[h; 64], &h).is_err());
    }

    proptest! {
        #[test]
        fn a_proof_with_one_change_does_not_hold(
            size in 2u64..200, pick in any::<u64>(), at in any::<prop::sample::Index>(), bit in 0usize..256,
        ) {
            let tree = Tree::of(size);
            let (seq, root) = (pick % size, tree.root(size));
            let leaf = leaf_hash(&seq.to_be_bytes());
            let path = tree.hashes(&inclusion_spans(seq, size).unwrap());
            prop_assert_eq!(verify_inclusion(seq, size, &leaf, &path, &root), Ok(()));
            let mut changed = path.clone();
            let slot = at.index(changed.len());
            changed[slot] = flip(&changed[slot], bit);
            prop_assert!(verify_inclusion(seq, size, &leaf, &changed, &root).is_err());
            prop_assert!(verify_inclusion(seq, size, &flip(&leaf, bit), &path, &root).is_err());
            prop_assert!(verify_inclusion(seq, size, &leaf, &path[1..], &root).is_err());
            let longer = [path.as_slice(), &[root]].concat();
            prop_assert!(verify_inclusion(seq, size, &leaf, &longer, &root).is_err());

            let old = 1 + pick % (size - 1);
            let proof = tree.hashes(&consistency_spans(old, size).unwrap());
            let old_root = tree.root(old);
            prop_assert_eq!(verify_consistency(old, size, &old_root, &root, &proof), Ok(()));
            let mut changed = proof.clone();
            let slot = at.index(changed.len());
            changed[slot] = flip(&changed[slot], bit);
            prop_assert!(verify_consistency(old, size, &old_root, &root, &changed).is_err());
            prop_assert!(verify_consistency(old, size, &flip(&old_root, bit), &root, &proof).is_err());
            prop_assert!(verify_consistency(old, size, &old_root, &flip(&root, bit), &proof).is_err());
        }

        #[test]
        fn checks_end_on_any_input(
            a in any::<u64>(), b in any::<u64>(), hashes in prop::collection::vec(any::<[u8; 32]>(), 0..80),
        ) {
            let hashes: Vec<Digest> = hashes.into_iter().map(Digest::from_bytes).collect();
            let h = empty_root();
            let _ = verify_inclusion(a, b, &h, &hashes, &h);
            let _ = verify_consistency(a, b, &h, &h, &hashes);
            prop_assert!(inclusion_spans(a, b).map_or(0, |s| s.len()) <= 64);
            prop_assert!(consistency_spans(a, b).map_or(0, |s| s.len()) <= 65);
        }
    }

    fn flip(digest: &Digest, bit: usize) -> Digest {
        let mut bytes = *digest.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        Digest::from_bytes(bytes)
    }
}
