//! What is stated about a guard: one form for the system file, the gateway and the command line.

use std::path::PathBuf;
use std::sync::Arc;

use proofhouse_core::Digest;
use proofhouse_dialogue::Labelling;
use serde::{Deserialize, Serialize};

use crate::detect::Detector;
use crate::flow::Policy;
use crate::link::LinkRules;
use crate::output::{ConfidentialError, OutputRules};
use crate::spotlight::Spotlight;

/// What is stated about a guard. Everything that is left out has the safe meaning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// Which label a text gets by where it comes from. What the policy states about the answers of tools is
    /// added ([`GuardConfig::labelling`]).
    pub labels: Labelling,
    /// The boundary: tools, effects, arguments, and where links may lead.
    pub flow: Policy,
    /// What may not leave. Its links are those of `flow`, and are not stated twice.
    pub output: OutputRules,
    /// How untrusted text is shown to the model.
    pub spotlight: Spotlight,
    /// The system prompt may be repeated in answers. It is confidential unless this is stated.
    pub prompt_is_public: bool,
    /// The detector that reads everything.
    pub detector: DetectorConfig,
    /// Bounds of the work.
    pub work: Work,
}

/// Which weights the detector has, those of this build unless a file is stated, and what reads after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorConfig {
    /// A weights file, such as `proofhouse redteam learn` writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// The digest of that file. Weights that anybody could replace unseen would be no detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The second stage, asked where the first finds something. Whoever makes a guard from a file or a system
    /// file takes the shipped one where nothing is stated; a guard that is made in code has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderChoice>,
}

/// Which encoder reads after the detector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderChoice {
    /// None. (YAML reads `off` as false.)
    #[serde(rename = "none")]
    Off,
    /// That of this build.
    Shipped,
    /// A folder with `model.onnx`, `tokenizer.json`, `config.json` and perhaps `calibration.json`.
    #[serde(untagged)]
    Folder {
        /// Where it is.
        folder: PathBuf,
        /// Its digest, as that of a model.
        digest: Digest,
    },
}

/// Detectors other than those of this build.
#[derive(Clone, Default)]
pub struct Detectors<'a> {
    /// The bytes of the weights that the configuration states.
    pub weights: Option<&'a [u8]>,
    /// The encoder that the configuration states.
    pub second: Option<Arc<dyn Detector>>,
}

/// Bounds of the work over one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// Bytes of text that are brought to normal form and scored.
    pub bytes: usize,
    /// Bytes that are decoded from one segment, over all its views.
    pub decoded_bytes: usize,
    /// Views of one segment.
    pub views: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self { bytes: 2 << 20, decoded_bytes: 512 << 10, views: 32 }
    }
}

/// Why a guard cannot be had, or could not do its work. Nothing passes then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The same thing stated twice, differently.
    #[error("output.links and flow.links differ; state links once, in flow.links")]
    TwoLinkRules,
    /// An action for a rule that does not exist, as a misspelt one.
    #[error("output.actions names {0:?}, which is neither a rule nor a family of rules")]
    UnknownRule(String),
    /// A text cannot be kept confidential.
    #[error("a confidential text cannot be watched for: {0}")]
    Confidential(#[from] ConfidentialError),
    /// Half of what it takes to state weights.
    #[error(
        "detector.weights and detector.digest go together; state both, or neither for the weights of this build"
    )]
    HalfStated,
    /// Weights are stated and were not handed over, or the other way round.
    #[error(
        "the configuration states the detector's weights, so the guard is made with their bytes, and only then"
    )]
    WeightsApart,
    /// An encoder is stated and was not handed over, or the other way round.
    #[error("the configuration states an encoder, so the guard is made with it, and only then")]
    EncoderApart,
    /// Other weights than those that are stated.
    #[error(
        "the weights have the digest {found}, and detector.digest states {stated}; they were replaced, or the statement is old"
    )]
    OtherWeights {
        /// What is stated.
        stated: Digest,
        /// What the bytes have.
        found: Digest,
    },
    /// The weights cannot be read.
    #[error("{0}")]
    Weights(String),
}

impl GuardConfig {
    /// The labels, with what the policy states about the answers of tools.
    #[must_use]
    pub fn labelling(&self) -> Labelling {
        self.flow.labelling(self.labels.clone())
    }

    pub(super) fn check(&self) -> Result<(), GuardError> {
        if self.output.links != LinkRules::default() && self.output.links != self.flow.links {
            return Err(GuardError::TwoLinkRules);
        }
        if self.detector.weights.is_some() != self.detector.digest.is_some() {
            return Err(GuardError::HalfStated);
        }
        match self.output.unknown_names().next() {
            Some(name) => Err(GuardError::UnknownRule(name.to_owned())),
            None => Ok(()),
        }
    }

    pub(super) fn output_rules(&self) -> OutputRules {
        OutputRules { links: self.flow.links.clone(), ..self.output.clone() }
    }
}
