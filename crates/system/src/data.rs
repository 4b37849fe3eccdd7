//! The data a model learns from, is judged by, and is shown.

use proofhouse_core::{Digest, FilePath, Timestamp};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::conditional::{self, Branch};
use crate::{DomainRules, Id, Positive};

/// A table, or a collection of documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = by_format)]
pub struct Dataset {
    /// Stable identifier.
    pub id: Id,
    /// What it is used for.
    pub role: DatasetRole,
    /// Files, relative to the system file, in the order in which their rows count. For documents also
    /// folders, whose files all belong to it.
    #[schemars(with = "Vec<String>")]
    pub paths: Vec<FilePath>,
    /// How the files are written.
    pub format: TableFormat,
    /// Which columns a model sees, and how they become its input. Tables have them, documents and lines do
    /// not.
    #[serde(default)]
    pub features: Option<Features>,
    /// Column with the label.
    #[serde(default)]
    pub label: Option<String>,
    /// Column with an identifier of the row. Rows of two datasets that share it are the same record.
    #[serde(default)]
    pub row_id: Option<String>,
    /// The component that stores it.
    #[serde(default)]
    pub component: Option<Id>,
    /// Where it was taken from.
    #[serde(default)]
    pub source: Option<String>,
    /// When it was taken.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub retrieved: Option<Timestamp>,
    /// SPDX licence expression; `NONE` where no licence was granted.
    #[serde(default)]
    pub licence: Option<String>,
    /// Whom the licence asks to name.
    #[serde(default)]
    pub attribution: Option<String>,
    /// SHA-256 of the only file, `sha256:…`, as it was when it was examined. Not for several files.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub sha256: Option<Digest>,
    /// Merkle root over its records, as `proofhouse dataset` prints it: for data in several files.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub records: Option<Digest>,
    /// Whether another organisation collected or owns it.
    #[serde(default)]
    pub third_party: Option<bool>,
    /// Whether a contract or right secures that it can be had again.
    #[serde(default)]
    pub supply_secured: Option<bool>,
    /// Whether its rows are about natural persons.
    #[serde(default)]
    pub personal_data: Option<bool>,
    /// Whether it keeps place, device, time or other fields that can be linked to a person.
    #[serde(default)]
    pub linkage_fields: Option<bool>,
    /// Whether its distribution is itself a secret.
    #[serde(default)]
    pub confidential_distribution: Option<bool>,
    /// Whether its rows are ordered in time or several belong to one entity.
    #[serde(default)]
    pub time_or_entity_linked: Option<bool>,
    /// Whether the label stands in for something that was not observed.
    #[serde(default)]
    pub proxy_label: Option<bool>,
    /// Whether others train or tune against it too, as with a public benchmark.
    #[serde(default)]
    pub shared_benchmark: Option<bool>,
}

/// What a dataset is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetRole {
    /// The model learns from it.
    Train,
    /// Choices are made on it during development.
    Validation,
    /// The release is judged by it.
    Test,
    /// Traffic is compared with it.
    Reference,
    /// Recorded or made traffic, for replay.
    Traffic,
    /// The model is shown it at run time: documents that retrieval finds, records that tools read.
    Retrieval,
}

/// What a table has that other forms of data have not.
fn by_format(schema: &mut Schema) {
    conditional::on(
        schema,
        ("format", "parquet"),
        &Branch { required: &["features"], foreign: &[], why: "" },
        &Branch {
            required: &[],
            foreign: &["features", "label", "row_id"],
            why: "only a table has columns; leave it out",
        },
    );
}

/// How the data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TableFormat {
    /// A table in Apache Parquet.
    Parquet,
    /// Text in files of its own: Markdown, HTML, DOCX, PDF, mail or plain text. A record is a file.
    Documents,
    /// JSON objects, one a line: conversations, tasks, records of a business system. A record is a line.
    JsonLines,
}

/// Which columns a model sees, and how they become its input: the columns of a row, in order, divided by
/// `divide_by`, fill one input in row-major order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// Columns whose name is this prefix and digits, in the order of the number.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Columns by name, in order. Exactly one of `prefix` and `columns` is given.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Stored number that stands for 1.0 in the model's input; 1 where the columns already are inputs.
    #[serde(default)]
    pub divide_by: Option<Positive>,
    /// Which rows can exist and what changing one costs, for attacks on a tabular model. Left out: rows are attacked
    /// as pixels are, within a norm.
    #[serde(default)]
    pub domain: Option<DomainRules>,
}

impl Features {
    /// The divisor, 1 where none is given.
    #[must_use]
    pub fn divisor(&self) -> f64 {
        self.divide_by.map_or(1.0, Positive::get)
    }
}
