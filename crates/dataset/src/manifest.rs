//! The manifest: what a dataset is known by.

use std::collections::BTreeMap;

use proofhouse_core::canonical::{self, CanonicalError};
use proofhouse_core::{Digest, FilePath, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ColumnType, DatasetError, Records, Table};

/// What a dataset is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// The model learns from it.
    Train,
    /// The model is chosen with it.
    Validation,
    /// The model is judged by it.
    Test,
    /// Live rows are compared with it.
    Reference,
    /// The model is shown it at run time.
    Retrieval,
}

/// Where data comes from, as far as stated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Where it was taken from: a URI or a citation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its licence as an SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieved: Option<Timestamp>,
}

/// One file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Where it lies under the dataset's root.
    pub path: FilePath,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

impl DataFile {
    /// The entry of a file with these bytes.
    #[must_use]
    pub fn of(path: FilePath, bytes: &[u8]) -> Self {
        Self { path, size: bytes.len() as u64, sha256: Digest::of(bytes) }
    }
}

/// A column as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
}

/// A dataset, described so that every claim can be checked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What people call it.
    pub name: String,
    /// What it is used for.
    pub role: Role,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Its files, in order of their paths.
    pub files: Vec<DataFile>,
    /// Rows over all files.
    pub rows: u64,
    /// Its columns, in the order of the first file.
    pub columns: Vec<ColumnEntry>,
    /// Digest over all columns of all records, in order.
    pub records_root: Digest,
    /// The same over the records whatever their order.
    pub records_multiset: Digest,
    /// Digest over the columns that are no label.
    pub features_root: Digest,
    /// Digest over the label columns; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_root: Option<Digest>,
    /// Rows per label, nulls left out; empty unless there is exactly one label column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label_histogram: BTreeMap<String, u64>,
}

impl Manifest {
    /// Describes `table`, read from `files`; `labels` names the columns that hold labels.
    pub fn describe(
        name: impl Into<String>,
        role: Role,
        provenance: Provenance,
        mut files: Vec<DataFile>,
        table: &Table,
        labels: &[String],
    ) -> Result<Self, DatasetError> {
        let label_columns = table.select(labels)?;
        files.sort();
        let mut label_histogram = BTreeMap::new();
        if let [only] = label_columns.as_slice() {
            for row in 0..table.rows() {
                if let Some(label) = only.data.text(row) {
                    *label_histogram.entry(label).or_insert(0u64) += 1;
                }
            }
        }
        let is_label = |column: &str| labels.iter().any(|l| l == column);
        let records = Records::of(table);
        Ok(Self {
            name: name.into(),
            role,
            provenance,
            files,
            rows: table.rows() as u64,
            columns: table
                .columns()
                .iter()
                .map(|c| ColumnEntry { name: c.name.clone(), column_type: c.data.column_type() })
                .collect(),
            records_root: records.root(),
            records_multiset: records.multiset(),
            features_root: Records::over(table, |c| !is_label(c)).root(),
            labels_root: (!labels.is_empty()).then(|| Records::over(table, is_label).root()),
            label_histogram,
        })
    }

    /// What the dataset is known by: the digest of the manifest's canonical JSON.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        canonical::digest(self)
    }

    /// Whether `other` differs in labels and provably in nothing else: same columns, same features in the same
    /// order, other labels.
    #[must_use]
    pub fn differs_only_in_labels(&self, other: &Self) -> bool {
        self.rows == other.rows
            && self.features_root == other.features_root
            && self.labels_root != other.labels_root
            && self.labels_root.is_some()
            && other.labels_root.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, ColumnData};

    fn table(labels: &[i64], x: f64) -> Table {
        let n = labels.len();
        Table::new(vec![
            Column { name: "x".into(), data: ColumnData::Float(vec![Some(x); n]), nullable: false },
            Column {
                name: "y".into(),
                data: ColumnData::Int(labels.iter().copied().map(Some).collect()),
                nullable: false,
            },
        ])
        .unwrap()
    }

    fn manifest(table: &Table) -> Manifest {
        Manifest::describe("d", Role::Train, Provenance::default(), vec![], table, &["y".into()]).unwrap()
    }

    #[test]
    fn a_label_flip_is_provably_only_that() {
        let before = manifest(&table(&[3, 8, 3], 0.5));
        let flipped = manifest(&table(&[8, 8, 3], 0.5));
        assert!(before.differs_only_in_labels(&flipped));
        assert_ne!(before.digest().unwrap(), flipped.digest().unwrap());
        assert!(!before.differs_only_in_labels(&manifest(&table(&[8, 8, 3], 0.6))));
        assert!(!before.differs_only_in_labels(&before));
        assert_eq!(before.label_histogram, BTreeMap::from([("3".to_owned(), 2), ("8".to_owned(), 1)]));
    }

    #[test]
    fn it_round_trips_and_unknown_fields_are_refused() {
        let m = manifest(&table(&[1], 1.0));
        let mut json = serde_json::to_value(&m).unwrap();
        assert_eq!(serde_json::from_value::<Manifest>(json.clone()).unwrap(), m);
        json["trusted"] = serde_json::json!(true);
        assert!(serde_json::from_value::<Manifest>(json).is_err());
    }

    #[test]
    fn a_label_column_that_is_not_there_is_an_error() {
        let error = Manifest::describe(
            "d",
            Role::Test,
            Provenance::default(),
            vec![],
            &table(&[1], 0.0),
            &["z".into()],
        );
        assert!(matches!(error, Err(DatasetError::MissingColumns { .. })));
    }
}
