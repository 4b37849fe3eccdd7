//! Commands a reader can run to check what the report says, in one place so that they follow the binary.

use proofhouse_core::Digest;

/// Checks every entry and checkpoint of the ledger.
pub const VERIFY_LEDGER: &str = "proofhouse ledger verify";

/// Prints one entry with its inclusion proof.
pub fn show_entry(seq: u64) -> String {
    format!("proofhouse ledger show {seq}")
}

/// Checks a model directory against its signature.
pub fn verify_model(digest: Option<&Digest>) -> String {
    match digest {
        Some(digest) => format!("proofhouse verify --digest {digest} MODEL_DIR"),
        None => "proofhouse verify MODEL_DIR".to_owned(),
    }
}
