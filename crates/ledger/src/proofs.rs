//! Proofs that anyone can check who holds checkpoints: see [`merkle`](crate::merkle) for the checks.

use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::merkle::{self, ProofError, Span};

/// That a leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// The leaf's place.
    pub seq: u64,
    /// The tree's size.
    pub size: u64,
    /// The leaf's hash.
    pub leaf_hash: Digest,
    /// The hashes beside the way from the leaf to the root.
    pub path: Vec<Digest>,
}

/// That one tree is the beginning of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// Size of the older tree.
    pub old_size: u64,
    /// Size of the newer tree.
    pub new_size: u64,
    /// The hashes that both roots are made of.
    pub path: Vec<Digest>,
}

impl InclusionProof {
    /// Checks the proof against the root of the tree, which comes from a checkpoint.
    pub fn verify(&self, root: &Digest) -> Result<(), ProofError> {
        merkle::verify_inclusion(self.seq, self.size, &self.leaf_hash, &self.path, root)
    }
}

impl ConsistencyProof {
    /// Checks the proof against the roots of both trees, which come from checkpoints.
    pub fn verify(&self, old_root: &Digest, new_root: &Digest) -> Result<(), ProofError> {
        merkle::verify_consistency(self.old_size, self.new_size, old_root, new_root, &self.path)
    }
}

impl Ledger {
    /// Proves that leaf `seq` is in the tree of the first `size` leaves.
    pub async fn inclusion(&self, seq: u64, size: u64) -> Result<InclusionProof, LedgerError> {
        let spans = merkle::inclusion_spans(seq, size)?;
        let mut hashes = self.spans(&[&[Span::new(seq, seq + 1)], spans.as_slice()].concat()).await?;
        let leaf_hash = hashes.remove(0);
        Ok(InclusionProof { seq, size, leaf_hash, path: hashes })
    }

    /// Proves that the tree of the first `old_size` leaves is the beginning of that of `new_size`.
    pub async fn consistency(&self, old_size: u64, new_size: u64) -> Result<ConsistencyProof, LedgerError> {
        let path = self.spans(&merkle::consistency_spans(old_size, new_size)?).await?;
        Ok(ConsistencyProof { old_size, new_size, path })
    }

    /// The hash of each span. All their nodes are read together.
    async fn spans(&self, spans: &[Span]) -> Result<Vec<Digest>, LedgerError> {
        let parts: Vec<_> = spans.iter().map(|span| span.nodes()).collect();
        let mut hashes = self.nodes(&self.db.connection, &parts.concat()).await?.into_iter();
        parts
            .iter()
            .map(|ids| {
                let of_span: Vec<Digest> = hashes.by_ref().take(ids.len()).collect();
                merkle::fold(&of_span).ok_or(ProofError::Length { found: 0 }.into())
            })
            .collect()
    }
}
