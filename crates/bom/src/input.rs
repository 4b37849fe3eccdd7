//! What goes into a document: plain values that the caller has measured or been told.

use std::str::FromStr;

use proofhouse_core::{Digest, FileEntry, Measurement, Timestamp};
use serde::{Deserialize, Serialize};

/// Everything a document says.
#[derive(Debug, Clone)]
pub struct BomInput {
    /// The model it describes.
    pub model: Model,
    /// The data the model was made and tested with.
    pub datasets: Vec<Dataset>,
    /// Documents about the model: evidence, attestations, its signature, its threat model.
    pub references: Vec<Reference>,
    /// What wrote the document.
    pub tool: Tool,
    /// When.
    pub timestamp: Timestamp,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A version of a model.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// Who supplies it.
    pub supplier: Option<String>,
    /// Under which licence.
    pub licence: Option<Licence>,
    /// All its files.
    pub files: Vec<FileEntry>,
    /// What is known about it.
    pub card: ModelCard,
}

/// A licence, in the one of three ways CycloneDX writes it that fits.
///
/// ```
/// use proofhouse_bom::Licence;
///
/// assert_eq!("MIT".parse(), Ok(Licence::Id("MIT".into())));
/// assert_eq!("MIT OR Apache-2.0".parse(), Ok(Licence::Expression("MIT OR Apache-2.0".into())));
/// assert_eq!("Llama community".parse(), Ok(Licence::Name("Llama community".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Licence {
    /// An identifier of the SPDX licence list.
    Id(String),
    /// An SPDX expression over such identifiers.
    Expression(String),
    /// Anything else.
    Name(String),
}

impl FromStr for Licence {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        Ok(if spdx::license_id(text).is_some_and(|id| id.name == text) {
            Self::Id(text.to_owned())
        } else if spdx::Expression::parse(text).is_ok() {
            Self::Expression(text.to_owned())
        } else {
            Self::Name(text.to_owned())
        })
    }
}

/// How the model learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approach {
    /// From labelled examples.
    Supervised,
    /// From examples without labels.
    Unsupervised,
    /// From rewards.
    ReinforcementLearning,
    /// From a few labelled and many other examples.
    SemiSupervised,
    /// From labels that the data gives itself.
    SelfSupervised,
}

/// What is known about a model.
#[derive(Debug, Clone, Default)]
pub struct ModelCard {
    /// How it learned.
    pub approach: Option<Approach>,
    /// What it does, such as `image-classification`.
    pub task: Option<String>,
    /// Its family, such as `convolutional neural network`.
    pub architecture_family: Option<String>,
    /// Its architecture within the family.
    pub architecture: Option<String>,
    /// Inputs with type and shape, such as `image: float32[N,1,28,28]`.
    pub inputs: Vec<String>,
    /// Outputs with type and shape.
    pub outputs: Vec<String>,
    /// Numbers about it.
    pub metrics: Vec<Metric>,
    /// Who it is for.
    pub users: Vec<String>,
    /// What it is for.
    pub use_cases: Vec<String>,
    /// Where it does not work.
    pub technical_limitations: Vec<String>,
    /// What was given up for what.
    pub performance_tradeoffs: Vec<String>,
    /// What may go wrong for people.
    pub ethical_considerations: Vec<Risk>,
}

/// A risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// What may happen.
    pub name: String,
    /// What is done about it.
    pub mitigation: Option<String>,
}

/// A number about the model, and why it should be believed.
#[derive(Debug, Clone)]
pub struct Metric {
    /// The number.
    pub measurement: Measurement,
    /// Why it should be believed.
    pub basis: Basis,
}

/// Why a number should be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// It was measured; the digest is that of the signed evidence.
    Measured {
        /// SHA-256 of the evidence document.
        evidence: Digest,
    },
    /// Somebody says so.
    Declared,
}

/// What a dataset was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatasetRole {
    /// The model learned from it.
    Training,
    /// Choices were made with it.
    Validation,
    /// The model was tested with it.
    Test,
    /// Live traffic is compared with it.
    Reference,
    /// The model is shown it at run time.
    Retrieval,
}

impl DatasetRole {
    /// As written in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Reference => "reference",
            Self::Retrieval => "retrieval",
        }
    }
}

/// A dataset.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// What it was used for.
    pub role: DatasetRole,
    /// SHA-256 of its manifest.
    pub manifest: Digest,
    /// Who may see it, such as `public` or `confidential`.
    pub classification: Option<String>,
    /// Kinds of sensitive data in it, such as `signatures of persons`.
    pub sensitive: Vec<String>,
    /// Who owns it.
    pub owners: Vec<String>,
    /// Under which licence.
    pub licence: Option<Licence>,
    /// Where it comes from, as an IRI.
    pub source: Option<String>,
}

/// What a document about the model is. A selection of CycloneDX's external reference types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ReferenceKind {
    /// A signed statement.
    Attestation,
    /// The signed result of a check.
    Evidence,
    /// A detached signature, such as an OpenSSF Model Signing bundle.
    ElectronicSignature,
    /// A threat model.
    ThreatModel,
    /// A risk assessment.
    RiskAssessment,
    /// The report of a scan.
    StaticAnalysisReport,
    /// Figures about quality.
    QualityMetrics,
    /// A model card for people.
    ModelCard,
}

impl ReferenceKind {
    /// CycloneDX's name of the type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attestation => "attestation",
            Self::Evidence => "evidence",
            Self::ElectronicSignature => "electronic-signature",
            Self::ThreatModel => "threat-model",
            Self::RiskAssessment => "risk-assessment",
            Self::StaticAnalysisReport => "static-analysis-report",
            Self::QualityMetrics => "quality-metrics",
            Self::ModelCard => "model-card",
        }
    }
}

/// A document about the model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// What it is.
    pub kind: ReferenceKind,
    /// Where it is, as an IRI; may be relative to the document.
    pub url: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What it says, in a few words.
    pub comment: Option<String>,
}
