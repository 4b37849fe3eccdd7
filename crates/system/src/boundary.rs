//! The boundary between trusted and untrusted text: which tools there are and what they do, how far their
//! answers and other sources are trusted, and what may leave.
//!
//! It is stated by the operator, never by a text. What is left out is the strict choice: an origin that
//! nobody vouches for is untrusted, a tool that is not listed cannot be called, a host that is not listed
//! is not linked to.

use proofhouse_core::FilePath;
use proofhouse_dialogue::{Effect, Name, Secrecy, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Id, Positive};

/// The boundary around a language model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// Trust of what the user writes: `principal` where left out. An application whose user messages carry
    /// other people's documents says `untrusted`.
    #[serde(default)]
    pub user: Option<Trust>,
    /// What the model can call.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// Where other text in its context comes from.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Hosts that links, images and addresses in answers and arguments may lead to; `*.example` includes
    /// every host below. Left out: none.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Marks whose appearance outside proves a leak.
    #[serde(default)]
    pub canaries: Vec<Canary>,
    /// How untrusted text is set apart for the model.
    #[serde(default)]
    pub spotlight: Spotlight,
    /// The detector in front of the model.
    #[serde(default)]
    pub detector: Detector,
    /// What may not leave.
    #[serde(default)]
    pub output: Output,
}

/// Something a model can call, and what that does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name, as the model calls it.
    pub name: Name,
    /// What it does to the world. An empty list says: nothing, it only computes.
    pub effects: Vec<Effect>,
    /// How far what it answers is trusted, and who may see it. Left out: untrusted and private.
    #[serde(default)]
    pub answers: Option<Labelled>,
    /// What its arguments have to satisfy. Where a tool does more than read, an argument without a rule is
    /// refused; a rule that asks for nothing lets any value pass.
    #[serde(default)]
    pub arguments: Vec<ArgumentRule>,
    /// When a person has to agree. Left out: when untrusted text is in context and it has an effect.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// The component behind it.
    #[serde(default)]
    pub component: Option<Id>,
    /// In whose name it acts.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// Whether what it does can be undone.
    #[serde(default)]
    pub reversible: Option<bool>,
    /// Whether it can do, or reach, more than the task needs.
    #[serde(default)]
    pub wider_than_task: Option<bool>,
    /// Whether it runs code, commands or queries that the model writes.
    #[serde(default)]
    pub runs_code: Option<bool>,
}

/// Trust and secrecy of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// How far its author is trusted to direct the system.
    pub trust: Trust,
    /// Who may see it.
    pub secrecy: Secrecy,
}

/// What an argument has to satisfy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArgumentRule {
    /// The argument.
    pub name: String,
    /// Its value has to be found in text at least this far trusted.
    #[serde(default)]
    pub from: Option<Trust>,
    /// Largest number it may be.
    #[serde(default)]
    pub max: Option<Positive>,
    /// Values it may have.
    #[serde(default)]
    pub one_of: Option<Vec<String>>,
    /// Whether it is an address that has to lie on one of the boundary's `hosts`.
    #[serde(default)]
    pub on_hosts: bool,
}

/// When a person has to agree to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Never: where the rules would ask, they refuse.
    Never,
    /// When untrusted text is in context.
    WhenUntrusted,
    /// Always.
    Always,
}

/// In whose name a tool acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The user's, with the user's rights only.
    User,
    /// A service's, shared by all users.
    Service,
}

/// Where text in the context comes from, besides tools and the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name, as requests label it.
    pub name: Name,
    /// How it gets there.
    pub kind: SourceKind,
    /// How far its authors are trusted to direct the system.
    pub trust: Trust,
    /// Who may see it.
    pub secrecy: Secrecy,
    /// The component that holds it.
    #[serde(default)]
    pub component: Option<Id>,
    /// Whether its documents change while old versions remain.
    #[serde(default)]
    pub changes: Option<bool>,
    /// Whether it holds documents that were written for the operator's own people.
    #[serde(default)]
    pub internal_documents: Option<bool>,
    /// Whether vectors of its text are stored with, or sent to, another party.
    #[serde(default)]
    pub vectors_leave: Option<bool>,
}

/// How a source's text gets into the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Retrieval puts passages there.
    Retrieved,
    /// Somebody uploads or attaches it.
    File,
    /// It is fetched from the web.
    Web,
}

/// A mark whose appearance outside proves a leak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Stable identifier.
    pub id: Id,
    /// Values that already stand in the data. Left out: the house makes one up for each deployment and puts
    /// it into the system prompt.
    #[serde(default)]
    pub values: Option<Vec<String>>,
}

/// How untrusted text is set apart for the model. It helps a model that follows it; nothing rests on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spotlight {
    /// Not at all.
    #[default]
    Off,
    /// Between marks that the text cannot guess.
    Delimit,
    /// With a mark between its words.
    Mark,
    /// Encoded in base64; only for models that read it well.
    Encode,
}

/// The detector in front of the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// What an attack it sees leads to.
    #[serde(default)]
    pub mode: DetectorMode,
    /// What reads the texts in which the detector finds something, and judges them with it.
    #[serde(default)]
    pub encoder: Encoder,
    /// Folder of another encoder than the one that comes with the program: `model.onnx`, `tokenizer.json`,
    /// `config.json` and perhaps `calibration.json`. Relative to the system file.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub encoder_folder: Option<FilePath>,
}

/// The second stage of the detector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoder {
    /// The encoder that comes with the program.
    #[default]
    Shipped,
    /// None. (YAML reads `off` as false.)
    #[serde(rename = "none")]
    Off,
}

/// What an attack that the detector sees leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DetectorMode {
    /// It is not asked.
    Off,
    /// It is recorded; the rules decide.
    #[default]
    Record,
    /// Untrusted text that looks like an attack is withheld from the model, and the user's is refused.
    Withhold,
    /// The request is refused.
    Refuse,
}

/// What may not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Keys, passwords and tokens.
    pub secrets: Leave,
    /// Canaries.
    pub canaries: Leave,
    /// Personal data that the person it talks to did not give.
    pub personal_data: Leave,
    /// Links and images that lead to hosts that are not listed.
    pub links: Leave,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            secrets: Leave::Block,
            canaries: Leave::Block,
            personal_data: Leave::Redact,
            links: Leave::Redact,
        }
    }
}

/// What is done about something that should not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// It is recorded, and leaves.
    Record,
    /// It is taken out, the rest leaves.
    Redact,
    /// The answer ends there.
    Block,
}
