//! What can keep a stage from doing its work.

use std::io;
use std::path::PathBuf;

use proofhouse_core::Digest;

/// Why a stage could not do its work. A denial is not an error: it is a stage's result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LifecycleError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no system file.
    #[error("there is no {file}; name a system file, or the folder of a proofhouse.yaml")]
    NoSystemFile {
        /// Where it was looked for.
        file: PathBuf,
    },
    /// The system file is implausibly large.
    #[error("{path} has {bytes} bytes; a system file has at most a mebibyte")]
    SystemFileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The system file is wrong.
    #[error(transparent)]
    System(#[from] proofhouse_system::SystemErrors),
    /// The system file has no model, and the stage needs one.
    #[error("{file} describes no model; add a `model:` section to assess, release or deploy one")]
    NoModel {
        /// The file.
        file: PathBuf,
    },
    /// The model writes, and the stage reads classes.
    #[error("the model {0} writes; it has neither tensors nor classes that this stage could read")]
    Writes(String),
    /// The model predicts, and the stage reads what it writes.
    #[error("the model {0} does not write; set model.task to generation for one that does")]
    Predicts(String),
    /// A dataset is no table, and the stage reads columns.
    #[error("dataset {0} is no table; only `format: parquet` has columns and rows")]
    NoTable(String),
    /// The model folder is no language model.
    #[error("the model folder is no assistant: {0}")]
    Assistant(#[from] proofhouse_dialogue::assistant::AssistantError),
    /// The endpoint that a model folder names cannot be used.
    #[error("the endpoint {url} cannot be used: {reason}")]
    Endpoint {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
    },
    /// A line of a dataset is not what the check reads.
    #[error("dataset {dataset}, line {line}: {reason}")]
    Line {
        /// The dataset.
        dataset: String,
        /// The line, counted from 1 without empty ones.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The boundary of the system file cannot be set up.
    #[error("boundary: {0}")]
    Boundary(String),
    /// Nothing can be attacked as the system is described.
    #[error("the system under attack cannot be set up: {0}")]
    Scenario(String),
    /// The system file has no deployment, and the stage needs one.
    #[error("{file} describes no deployment; add a `deployment:` section to deploy")]
    NoDeployment {
        /// The file.
        file: PathBuf,
    },
    /// A dataset that a check needs is not described.
    #[error("the system file describes no dataset {0}")]
    NoDataset(String),
    /// A dataset is not what the system file says.
    #[error("dataset {dataset}: {source}")]
    Described {
        /// The dataset.
        dataset: String,
        /// What is not so.
        source: proofhouse_dataset::DatasetError,
    },
    /// A dataset does not have the features that the model reads.
    #[error(
        "the `features` of dataset {dataset} select {found} columns, the model reads {width}; the dataset has {columns}"
    )]
    Features {
        /// The dataset.
        dataset: String,
        /// Columns that were selected.
        found: usize,
        /// Columns that the model reads.
        width: usize,
        /// What there is to select from.
        columns: String,
    },
    /// The keys are not there.
    #[error("there are no keys in {0}; create them with `proofhouse keygen`")]
    NoKeys(PathBuf),
    /// A key would be overwritten.
    #[error("{0} exists already and is not overwritten; keep it, or choose another --home")]
    KeyExists(PathBuf),
    /// The keys are gone, but what they signed is there.
    #[error(
        "{0} holds a ledger but not the keys it was written with; restore them, a new key cannot go on with it"
    )]
    KeysLost(PathBuf),
    /// Another process lives in this home.
    #[error("{0} is in use by another run or deployment; wait for it to end, or choose another --home")]
    InUse(PathBuf),
    /// A key cannot be used, or a signed thing does not verify.
    #[error(transparent)]
    Attest(#[from] proofhouse_attest::Error),
    /// The ledger's key cannot be used.
    #[error(transparent)]
    LedgerKey(#[from] proofhouse_ledger::KeyError),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] proofhouse_ledger::LedgerError),
    /// The ledger names an object that it does not hold.
    #[error("the ledger names the object {0}, which is not there; run `proofhouse ledger verify`")]
    ObjectMissing(Digest),
    /// An object is not what the ledger says it is.
    #[error("the object {digest} is no {what}: {reason}")]
    Object {
        /// The object.
        digest: Digest,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// The model's files cannot be read.
    #[error(transparent)]
    Artifact(#[from] proofhouse_artifact::ArtifactError),
    /// A scan could not be made.
    #[error(transparent)]
    Scan(#[from] proofhouse_scan::ScanError),
    /// A dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] proofhouse_dataset::DatasetError),
    /// The model cannot be run.
    #[error(transparent)]
    Onnx(#[from] proofhouse_onnx::OnnxError),
    /// An attack could not be made.
    #[error(transparent)]
    Robustness(#[from] proofhouse_robustness::RobustnessError),
    /// A reference cannot be frozen or a window not compared.
    #[error(transparent)]
    Drift(#[from] proofhouse_drift::DriftError),
    /// A loss simulation cannot be made.
    #[error(transparent)]
    Risk(#[from] proofhouse_risk::RiskError),
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] proofhouse_policy::PolicyError),
    /// A bill of materials cannot be written or read.
    #[error(transparent)]
    Bom(#[from] proofhouse_bom::Error),
    /// The threat catalogue cannot be read.
    #[error(transparent)]
    Catalogue(#[from] proofhouse_threats::CatalogueError),
    /// A value cannot be written as canonical JSON.
    #[error(transparent)]
    Canonical(#[from] proofhouse_core::canonical::CanonicalError),
    /// The statement of a certificate speaks about something else than its predicate.
    #[error("the certificate certifies {digest}, but its statement is about something else")]
    CertificateSubject {
        /// What the predicate certifies.
        digest: Digest,
    },
    /// Nothing was released.
    #[error("there is no release of {0} that may be deployed; make one with `proofhouse release`")]
    NoRelease(String),
    /// A release folder is not what the ledger says.
    #[error("the release in {path} is not usable: {reason}")]
    Release {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A target could not start or stop an instance.
    #[error("{0}")]
    Fleet(String),
    /// The gateway could not do what was asked.
    #[error("{0}")]
    DataPlane(String),
    /// The stage was asked for before the one it builds on.
    #[error("{0}")]
    Order(String),
}
