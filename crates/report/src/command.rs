//! Commands a reader can run to check what the report says, in one place so that they follow the binary.

use proofhouse_core::Digest;

/// Recomputes every hash, proof, signature and view of the ledger.
pub const VERIFY_LEDGER: &str = "proofhouse ledger verify";

/// The same against a checkpoint kept elsewhere, which finds a ledger that was cut short or replaced.
pub const VERIFY_AGAINST_CHECKPOINT: &str = "proofhouse ledger verify --checkpoint SAVED.note";

/// Checks the files of a model against its signature.
pub const VERIFY_MODEL: &str = "proofhouse verify model MODEL_DIR --signature MODEL.sig --key TRUSTED.pub";

/// Checks a signed statement: evidence, decision or release.
pub const VERIFY_STATEMENT: &str = "proofhouse verify statement ENVELOPE.json --key TRUSTED.pub";

/// Checks a recall certificate: signature, completeness, a proof for every instance.
pub const VERIFY_CERTIFICATE: &str = "proofhouse verify certificate CERTIFICATE.json --key TRUSTED.pub";

/// Prints the looks at traffic, each entry naming the object that holds them.
pub const SHOW_LOOKS: &str = "proofhouse ledger show --kind traffic-observed";

/// Prints the evidence entries about a subject.
pub fn show_evidence(subject: &Digest) -> String {
    format!("proofhouse ledger show --kind evidence-recorded --subject {subject}")
}
