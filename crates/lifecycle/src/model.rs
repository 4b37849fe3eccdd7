//! The model under release: its files, read once and hashed from those very bytes.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use proofhouse_artifact::{LoadedTree, TreeOptions};
use proofhouse_core::{Digest, FileEntry, Subject, SubjectKind};
use proofhouse_dialogue::assistant::Assistant;
use proofhouse_onnx::{Classifier, ClassifierOptions, LoadOptions, OutputKind, Preprocess, load};
use proofhouse_system::{Model, OutputKind as DescribedOutput, ReferenceModel, Tensors};

use crate::check::Context;
use crate::language::{self, Endpoints, LanguageModel, Trials};
use crate::{LifecycleError, Project};

/// A model version, as the system file describes it and as it lies on the disk.
pub struct ModelUnderTest {
    spec: Model,
    files: LoadedTree,
    classifier: OnceLock<Classifier>,
    assistant: OnceLock<Assistant>,
    endpoints: Option<Arc<dyn Endpoints>>,
    language: OnceLock<Arc<dyn LanguageModel>>,
    trials: OnceLock<Trials>,
}

/// A model that was released before the one under test.
pub struct Previous {
    /// Its release.
    pub release: String,
    /// Its files, or why they cannot be read.
    pub model: Result<ModelUnderTest, String>,
}

impl ModelUnderTest {
    /// Reads the model folder that the system file names.
    pub fn load(project: &Project) -> Result<Self, LifecycleError> {
        Self::load_from(project, &project.path(&project.model()?.path))
    }

    /// Reads the files in `dir` as the model that the system file describes.
    pub(crate) fn load_from(project: &Project, dir: &Path) -> Result<Self, LifecycleError> {
        let spec = project.model()?.clone();
        let files = LoadedTree::load(dir, &TreeOptions::default())?;
        Ok(Self {
            spec,
            files,
            classifier: OnceLock::new(),
            assistant: OnceLock::new(),
            endpoints: None,
            language: OnceLock::new(),
            trials: OnceLock::new(),
        })
    }

    /// The same, with somebody who opens the endpoints that its folder may name.
    #[must_use]
    pub fn with_endpoints(self, endpoints: Option<Arc<dyn Endpoints>>) -> Self {
        Self { endpoints, ..self }
    }

    /// What the system file says about it.
    #[must_use]
    pub fn spec(&self) -> &Model {
        &self.spec
    }

    /// The model digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.files.digest()
    }

    /// Every file with its digest.
    #[must_use]
    pub fn entries(&self) -> &[FileEntry] {
        self.files.entries()
    }

    /// Every file with its bytes.
    #[must_use]
    pub fn files(&self) -> &LoadedTree {
        &self.files
    }

    /// The model as a subject.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject { kind: SubjectKind::Model, name: self.spec.id.to_string(), digest: self.digest() }
    }

    /// The bytes of the file that is run.
    pub fn graph(&self) -> Result<&[u8], LifecycleError> {
        let name = self.spec.file.as_str();
        self.files.get(name).map(AsRef::as_ref).ok_or_else(|| {
            LifecycleError::Order(format!(
                "the system file says that the model's folder {} holds {name}; it does not",
                self.spec.path
            ))
        })
    }

    /// A model that writes: what answers, its prompt and its tools.
    pub fn assistant(&self) -> Result<&Assistant, LifecycleError> {
        if let Some(ready) = self.assistant.get() {
            return Ok(ready);
        }
        if !self.spec.writes() {
            return Err(LifecycleError::Predicts(self.spec.id.to_string()));
        }
        let bytes = |name: &str| self.files.get(name).map(AsRef::as_ref);
        let assistant = Assistant::read(self.spec.file.as_str(), bytes)?;
        Ok(self.assistant.get_or_init(|| assistant))
    }

    /// A model that writes, ready to answer.
    pub fn language(&self) -> Result<Arc<dyn LanguageModel>, LifecycleError> {
        if let Some(ready) = self.language.get() {
            return Ok(Arc::clone(ready));
        }
        let model = language::open(self.assistant()?, self.endpoints.as_deref())?;
        Ok(Arc::clone(self.language.get_or_init(|| model)))
    }

    /// Attacks and tasks, run once: several tests read different parts of one campaign.
    pub(crate) fn trials(&self, context: &Context<'_>) -> Result<&Trials, LifecycleError> {
        if let Some(ready) = self.trials.get() {
            return Ok(ready);
        }
        let trials = Trials::run(context.project, self, context.datasets, context.progress)?;
        Ok(self.trials.get_or_init(|| trials))
    }

    /// Its tensors and classes; an error where it writes.
    pub fn tensors(&self) -> Result<Tensors<'_>, LifecycleError> {
        self.spec.tensors().ok_or_else(|| LifecycleError::Writes(self.spec.id.to_string()))
    }

    /// The model, ready to classify rows that are already in the scale it was trained on.
    pub fn classifier(&self) -> Result<&Classifier, LifecycleError> {
        if let Some(ready) = self.classifier.get() {
            return Ok(ready);
        }
        let classifier = self.classifier_of(self.graph()?)?;
        Ok(self.classifier.get_or_init(|| classifier))
    }

    /// Another model of the same task, used as this one is.
    pub(crate) fn reference(
        &self,
        project: &Project,
        reference: &ReferenceModel,
    ) -> Result<Classifier, LifecycleError> {
        let path = project.path(&reference.file);
        let bytes =
            std::fs::read(&path).map_err(|source| LifecycleError::Read { path: path.clone(), source })?;
        let digest = Digest::of(&bytes);
        if digest != reference.sha256 {
            return Err(LifecycleError::Order(format!(
                "the reference {} has the digest {digest}, and the system file says {}",
                reference.file, reference.sha256
            )));
        }
        self.classifier_of(&bytes)
    }

    fn classifier_of(&self, graph: &[u8]) -> Result<Classifier, LifecycleError> {
        let tensors = self.tensors()?;
        let engine = load(graph, &LoadOptions::default())?;
        let shape = &tensors.input.shape;
        let options = ClassifierOptions {
            input_shape: shape.iter().map(|c| usize::try_from(c.get()).unwrap_or(usize::MAX)).collect(),
            classes: tensors.classes.len(),
            output: Some(tensors.output.name.clone()),
            kind: match tensors.output.kind {
                DescribedOutput::Logits => OutputKind::Logits,
                DescribedOutput::Probabilities => OutputKind::Probabilities,
            },
            preprocess: Preprocess::default(),
        };
        Ok(Classifier::new(engine, options)?)
    }
}
