//! Append-only Merkle log, signed checkpoints, proofs, and the views rebuilt from it.
