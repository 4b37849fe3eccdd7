//! Merkle trees over records, shaped as in RFC 6962 section 2.1: node = SHA-256(1 ‖ left ‖ right), split at the
//! largest power of two below the number of leaves.

use proofhouse_core::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// Proof that a leaf is the `index`-th of `leaves` under a root (RFC 6962 section 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// Position of the record, counted from 0.
    pub index: u64,
    /// Number of records.
    pub leaves: u64,
    /// Sibling digests from the leaf up.
    pub path: Vec<Digest>,
}

impl InclusionProof {
    /// The root that the proof leads to from `leaf`; `None` when the path does not fit index and size.
    pub(crate) fn root(&self, leaf: Digest) -> Option<Digest> {
        if self.index >= self.leaves {
            return None;
        }
        // RFC 9162 section 2.1.3.2: one iteration per level.
        let (mut node, mut last, mut at) = (leaf, self.leaves - 1, self.index);
        for sibling in &self.path {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                node = combine(sibling, &node);
                while at & 1 == 0 && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            } else {
                node = combine(&node, sibling);
            }
            at >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(node)
    }
}

/// The root over `leaves`; `None` over none.
pub(crate) fn root(leaves: &[Digest]) -> Option<Digest> {
    // Level by level: pairing neighbours and carrying an odd last node up gives the same tree as splitting at
    // powers of two.
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => combine(left, right),
                odd => odd[0],
            })
            .collect();
    }
    level.first().copied()
}

/// The proof for the leaf at `index`; `None` beyond the last.
pub(crate) fn prove(leaves: &[Digest], index: usize) -> Option<InclusionProof> {
    leaves.get(index)?;
    let (mut level, mut at, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        if let Some(sibling) = level.get(at ^ 1) {
            path.push(*sibling);
        }
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => combine(left, right),
                odd => odd[0],
            })
            .collect();
        at /= 2;
    }
    Some(InclusionProof { index: index as u64, leaves: leaves.len() as u64, path })
}

fn combine(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&[1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(n: usize) -> Vec<Digest> {
        (0..n).map(|i| Digest::of(&i.to_be_bytes())).collect()
    }

    /// The definition of RFC 6962, by splitting.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [one] => *one,
            many => {
                let k = many.len().next_power_of_two() / 2;
                combine(&by_definition(&many[..k]), &by_definition(&many[k..]))
            }
        }
    }

    #[test]
    fn the_tree_has_the_shape_of_rfc_6962() {
        for n in 1..70 {
            assert_eq!(root(&leaves(n)), Some(by_definition(&leaves(n))), "{n}");
        }
        assert_eq!(root(&[]), None);
    }

    #[test]
    fn every_record_can_be_proven_and_no_other() {
        for n in 1..35 {
            let all = leaves(n);
            let root = root(&all);
            for i in 0..n {
                let proof = prove(&all, i).unwrap();
                assert_eq!(proof.root(all[i]), root, "{i} of {n}");
                assert_ne!(proof.root(Digest::of(b"other")), root);
                let shifted = InclusionProof { index: (i as u64 + 1) % n as u64, ..proof.clone() };
                assert!(n == 1 || shifted.root(all[i]) != root, "{i} of {n} at another index");
                let mut longer = proof;
                longer.path.push(Digest::of(b"more"));
                assert_ne!(longer.root(all[i]), root);
            }
            assert_eq!(prove(&all, n), None);
        }
    }

    proptest! {
        #[test]
        fn forged_proofs_do_not_panic(index in any::<u64>(), leaves in any::<u64>(), depth in 0usize..70) {
            let proof = InclusionProof { index, leaves, path: vec![Digest::of(b"x"); depth] };
            let _ = proof.root(Digest::of(b"leaf"));
        }
    }
}
