//! CycloneDX 1.6 ML-BOM: write one, lint anybody's, verify one against files.
//!
//! A bill of materials is believed as far as it can be checked. So [`write`](fn@write) records the digest of every
//! file and dataset, and says of each metric whether it was measured (with the digest of the signed evidence) or
//! only declared. [`lint`](fn@lint) finds what schema validators let pass: references to nothing, digests of the wrong length,
//! model cards on things that are no model, measured metrics without evidence. [`verify`](fn@verify) compares with the files.
//!
//! The same input gives the same bytes; there is no clock and no chance in here.

pub mod document;
mod error;
mod input;
mod lint;
mod verify;
mod write;

pub use document::Bom;
pub use error::Error;
pub use input::{
    Approach, Basis, BomInput, Dataset, DatasetRole, Licence, Metric, Model, ModelCard, Reference,
    ReferenceKind, Risk, Tool,
};
pub use lint::lint;
pub use verify::verify;
pub use write::write;

/// The most bytes of a document that are read.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Reads a CycloneDX JSON document. Members that [`Bom`] does not know are skipped.
pub fn parse(bytes: &[u8]) -> Result<Bom, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLarge(MAX_BYTES));
    }
    let bom: Bom = serde_json::from_slice(bytes).map_err(|e| Error::Json(printable(&e.to_string())))?;
    if bom.bom_format != "CycloneDX" {
        return Err(Error::Format(bom.bom_format));
    }
    Ok(bom)
}

/// Text that quotes a document, without what a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Names of the properties this crate writes and reads.
pub mod property {
    /// The [`proofhouse_core::model_digest`] of the model's files.
    pub const MODEL_DIGEST: &str = "proofhouse:model-digest";
    /// Size of a file in bytes.
    pub const SIZE: &str = "proofhouse:size";
    /// `executable`, on files that are.
    pub const MODE: &str = "proofhouse:mode";
    /// What a dataset was used for.
    pub const DATASET_ROLE: &str = "proofhouse:dataset-role";
    /// Of what the SHA-256 of a dataset is taken.
    pub const DIGEST_OF: &str = "proofhouse:digest-of";
    /// Prefix of what is said about a metric; followed by its label and `:basis`, `:evidence`, `:n` or `:interval`.
    pub const METRIC: &str = "proofhouse:metric:";
}
