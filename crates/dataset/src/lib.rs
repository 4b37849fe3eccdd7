//! Datasets: what a model was trained and tested on, down to the single record.
//!
//! A file digest says whether bytes changed; the same rows from another Parquet writer are other bytes. So a
//! [`Manifest`] keeps both: file digests, and a Merkle root over canonical records, with the labels under a
//! root of their own so that a label flip is provably only that. The checks in [`checks`] answer whether the
//! data is whole, of known origin, usable, free of test rows in training, and free of wrong labels.
//!
//! Everything is computed from bytes the caller read; nothing here touches a file system.

pub mod checks;
mod documents;
mod error;
mod features;
mod footer;
mod manifest;
mod merkle;
mod numpy;
mod pages;
mod parquet_file;
mod records;
mod table;
mod thrift;

pub use documents::{documents, read_json_lines};
pub use error::DatasetError;
pub use features::{Features, class_labels, numeric_matrix};
pub use manifest::{ColumnEntry, DataFile, Manifest, Provenance, Role};
pub use merkle::InclusionProof;
pub use numpy::NumpyArray;
pub use parquet_file::{Limits, read_parquet};
pub use records::Records;
pub use table::{Column, ColumnData, ColumnType, Table};
