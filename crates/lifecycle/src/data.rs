//! The datasets of a system, read once: bytes, records, manifest, and the rows or documents as the model
//! sees them.

use std::fs;
use std::sync::{Arc, OnceLock};

use proofhouse_artifact::{LoadedTree, TreeOptions};
use proofhouse_core::{Digest, FilePath, Subject, SubjectKind};
use proofhouse_dataset::{
    ColumnData, DataFile, Limits, Manifest, Provenance, Role, Table, class_labels, numeric_matrix,
    read_json_lines, read_parquet,
};
use proofhouse_system::{Dataset, DatasetRole, Features, Id, TableFormat};
use serde_json::{Map, Value};

use crate::{LifecycleError, Project};

/// Documents are held in memory; a collection larger than this belongs behind a retrieval service.
const MAX_DOCUMENT_BYTES: u64 = 1 << 28;

/// One dataset.
pub struct LoadedDataset {
    spec: Dataset,
    table: Table,
    documents: Vec<Document>,
    lines: Vec<Map<String, Value>>,
    manifest: Manifest,
    digest: Digest,
    feature_names: Vec<String>,
    classes: usize,
    features: OnceLock<Vec<f32>>,
    labels: OnceLock<Vec<usize>>,
}

/// One file of a dataset of documents.
pub struct Document {
    /// Its name: relative to the folder that the system file names, or as the system file names the file.
    pub name: FilePath,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl LoadedDataset {
    /// Reads the files of one dataset.
    pub fn load(project: &Project, spec: &Dataset) -> Result<Self, LifecycleError> {
        let read = Read::of(project, spec)?;
        let provenance = Provenance {
            source: spec.source.clone(),
            licence: spec.licence.clone(),
            retrieved: spec.retrieved,
        };
        let labels: Vec<String> = spec.label.iter().cloned().collect();
        let manifest = Manifest::describe(
            spec.id.to_string(),
            role(spec.role),
            provenance,
            read.files,
            &read.table,
            &labels,
        )
        .map_err(|source| LifecycleError::Described { dataset: spec.id.to_string(), source })?;
        let digest = manifest.digest()?;
        let tensors = project.system.model.as_ref().and_then(|m| m.tensors());
        let feature_names = feature_names(spec, &read.table);
        // Without this, rows without features would all look alike, and every check on them would say so.
        let width = tensors.map_or(feature_names.len(), |t| t.input.len());
        if spec.format == TableFormat::Parquet && (feature_names.is_empty() || feature_names.len() != width) {
            return Err(LifecycleError::Features {
                dataset: spec.id.to_string(),
                found: feature_names.len(),
                width,
                columns: read.table.names().join(", "),
            });
        }
        Ok(Self {
            spec: spec.clone(),
            table: read.table,
            documents: read.documents,
            lines: read.lines,
            manifest,
            digest,
            feature_names,
            classes: tensors.map_or(0, |t| t.classes.len()),
            features: OnceLock::new(),
            labels: OnceLock::new(),
        })
    }

    /// Its id in the system file.
    #[must_use]
    pub fn id(&self) -> &str {
        self.spec.id.as_str()
    }

    /// What the system file says about it.
    #[must_use]
    pub fn spec(&self) -> &Dataset {
        &self.spec
    }

    /// Its documents; none where it is written otherwise.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Its JSON objects; none where it is written otherwise.
    #[must_use]
    pub fn lines(&self) -> &[Map<String, Value>] {
        &self.lines
    }

    /// Its records, one a row.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What it is, down to the single record.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest it is known by: that of its manifest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The dataset as a subject.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject { kind: SubjectKind::Dataset, name: self.id().to_owned(), digest: self.digest }
    }

    /// The feature columns, in the order the model reads them.
    #[must_use]
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    fn described(&self) -> Result<&Features, LifecycleError> {
        self.spec.features.as_ref().ok_or_else(|| LifecycleError::NoTable(self.spec.id.to_string()))
    }

    /// The feature columns in the scale the model was trained on, row by row.
    pub fn features(&self) -> Result<&[f32], LifecycleError> {
        if let Some(ready) = self.features.get() {
            return Ok(ready);
        }
        let matrix = numeric_matrix(&self.table, &self.feature_names, 1.0 / self.described()?.divisor())?;
        Ok(self.features.get_or_init(|| matrix.values))
    }

    /// The class of each row.
    pub fn labels(&self) -> Result<&[usize], LifecycleError> {
        if let Some(ready) = self.labels.get() {
            return Ok(ready);
        }
        let column = self.spec.label.as_ref().ok_or_else(|| {
            LifecycleError::Order(format!(
                "the system file names no label column of dataset {}",
                self.spec.id
            ))
        })?;
        let labels = class_labels(&self.table, column, self.classes)?;
        Ok(self.labels.get_or_init(|| labels))
    }

    /// The smallest step between values of a feature once scaled, where features are whole numbers before.
    #[must_use]
    pub fn grid(&self) -> Option<f64> {
        let whole =
            |name: &String| self.table.column(name).is_some_and(|c| matches!(c.data, ColumnData::Int(_)));
        let divisor = self.spec.features.as_ref()?.divisor();
        self.feature_names.iter().all(whole).then_some(1.0 / divisor)
    }
}

/// Every dataset the model was made or judged with.
pub struct Datasets(Vec<LoadedDataset>);

impl Datasets {
    /// Reads every dataset of the system but recorded traffic, which no check relies on.
    pub fn load(project: &Project) -> Result<Self, LifecycleError> {
        let lineage = project.system.datasets.iter().filter(|d| d.role != DatasetRole::Traffic);
        Ok(Self(lineage.map(|spec| LoadedDataset::load(project, spec)).collect::<Result<_, _>>()?))
    }

    /// All of them, in the order of the system file.
    pub fn iter(&self) -> impl Iterator<Item = &LoadedDataset> {
        self.0.iter()
    }

    /// The dataset of that id.
    pub fn get(&self, id: &Id) -> Result<&LoadedDataset, LifecycleError> {
        self.0.iter().find(|d| d.spec.id == *id).ok_or_else(|| LifecycleError::NoDataset(id.to_string()))
    }

    /// The dataset of that digest.
    pub fn by_digest(&self, digest: &Digest) -> Result<&LoadedDataset, LifecycleError> {
        self.0
            .iter()
            .find(|d| d.digest == *digest)
            .ok_or_else(|| LifecycleError::NoDataset(digest.to_string()))
    }

    /// The datasets of that role.
    pub fn with_role(&self, role: DatasetRole) -> impl Iterator<Item = &LoadedDataset> {
        self.0.iter().filter(move |d| d.spec.role == role)
    }

    /// The dataset a model is judged by: the one named, or else the first test set.
    pub fn judged_by(&self, named: Option<&Id>) -> Result<&LoadedDataset, LifecycleError> {
        match named {
            Some(id) => self.get(id),
            None => self
                .with_role(DatasetRole::Test)
                .next()
                .ok_or_else(|| LifecycleError::NoDataset("with role test".to_owned())),
        }
    }
}

fn role(role: DatasetRole) -> Role {
    match role {
        DatasetRole::Train => Role::Train,
        DatasetRole::Validation => Role::Validation,
        DatasetRole::Test => Role::Test,
        DatasetRole::Retrieval => Role::Retrieval,
        DatasetRole::Reference | DatasetRole::Traffic => Role::Reference,
    }
}

/// The columns the system file names or, by prefix, all that begin so, in the order of the file. Neither
/// the label nor the row id is ever a feature.
fn feature_names(spec: &Dataset, table: &Table) -> Vec<String> {
    let is_feature = |name: &String| Some(name) != spec.label.as_ref() && Some(name) != spec.row_id.as_ref();
    let Some(features) = &spec.features else { return Vec::new() };
    match (&features.columns, &features.prefix) {
        (Some(columns), _) => columns.clone(),
        (None, Some(prefix)) => {
            table.names().into_iter().filter(|n| n.starts_with(prefix.as_str()) && is_feature(n)).collect()
        }
        (None, None) => table.names().into_iter().filter(is_feature).collect(),
    }
}

/// What lies on the disk.
struct Read {
    files: Vec<DataFile>,
    table: Table,
    documents: Vec<Document>,
    lines: Vec<Map<String, Value>>,
}

impl Read {
    fn of(project: &Project, spec: &Dataset) -> Result<Self, LifecycleError> {
        match spec.format {
            TableFormat::Documents => Self::documents(project, spec),
            TableFormat::JsonLines => Self::lines(project, spec),
            _ => Self::tables(project, spec),
        }
    }

    fn tables(project: &Project, spec: &Dataset) -> Result<Self, LifecycleError> {
        let (mut tables, mut files) = (Vec::new(), Vec::new());
        for name in &spec.paths {
            let bytes = bytes(project, name)?;
            files.push(DataFile::of(name.clone(), &bytes));
            tables.push(read_parquet(name.as_str(), &bytes.into(), &Limits::default())?);
        }
        let table = concatenate(&spec.paths, tables)?;
        Ok(Self { files, table, documents: Vec::new(), lines: Vec::new() })
    }

    fn lines(project: &Project, spec: &Dataset) -> Result<Self, LifecycleError> {
        let (mut tables, mut files, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for name in &spec.paths {
            let bytes = bytes(project, name)?;
            files.push(DataFile::of(name.clone(), &bytes));
            let (more, table) = read_json_lines(name.as_str(), &bytes, &Limits::default())?;
            lines.extend(more);
            tables.push(table);
        }
        let table = concatenate(&spec.paths, tables)?;
        Ok(Self { files, table, documents: Vec::new(), lines })
    }

    fn documents(project: &Project, spec: &Dataset) -> Result<Self, LifecycleError> {
        let mut documents = Vec::new();
        for name in &spec.paths {
            let path = project.path(name);
            if !path.is_dir() {
                documents.push(Document { name: name.clone(), bytes: bytes(project, name)?.into() });
                continue;
            }
            let options = TreeOptions { max_bytes: MAX_DOCUMENT_BYTES, ..TreeOptions::default() };
            let tree = LoadedTree::load(&path, &options)?;
            documents.extend(
                tree.iter().map(|(e, bytes)| Document { name: e.path.clone(), bytes: Arc::clone(bytes) }),
            );
        }
        let files = documents.iter().map(|d| DataFile::of(d.name.clone(), &d.bytes)).collect();
        let table = proofhouse_dataset::documents(documents.iter().map(|d| (&d.name, &*d.bytes)))?;
        Ok(Self { files, table, documents, lines: Vec::new() })
    }
}

fn bytes(project: &Project, name: &FilePath) -> Result<Vec<u8>, LifecycleError> {
    let path = project.path(name);
    fs::read(&path).map_err(|source| LifecycleError::Read { path, source })
}

/// The tables one below the other. They must have the same columns of the same types.
fn concatenate(names: &[FilePath], tables: Vec<Table>) -> Result<Table, LifecycleError> {
    let mut tables = names.iter().zip(tables);
    let Some((_, first)) = tables.next() else {
        return Err(LifecycleError::Order("a dataset names no file".to_owned()));
    };
    tables.try_fold(first, |all, (name, table)| {
        all.append(table)
            .map_err(|e| LifecycleError::Order(format!("{name} does not continue the files before it: {e}")))
    })
}
