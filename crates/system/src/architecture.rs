//! What the system is made of, what moves between its parts, and who can touch it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Holder, Id};

/// An area within which everything is trusted alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Stable identifier.
    pub id: Id,
    /// How far it is trusted.
    pub trust: ZoneTrust,
}

/// How far a zone is trusted, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneTrust {
    /// Anybody can be there.
    Public,
    /// Another organisation runs it.
    Partner,
    /// The organisation's own.
    Internal,
    /// The organisation's own, with few people let in.
    Restricted,
}

/// A party who may touch the system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Stable identifier.
    pub id: Id,
    /// What people call them.
    #[serde(default)]
    pub name: Option<String>,
    /// Where they stand.
    pub trust: ActorTrust,
    /// What they can reach (the attacker capabilities of NIST AI 100-2 E2025, section 2.1). An empty list
    /// says: nothing.
    #[serde(default)]
    pub capabilities: Option<Vec<Capability>>,
    /// Whether the system's output is about them or their property.
    #[serde(default)]
    pub judged: Option<bool>,
    /// Whether a wrong output can be to their advantage.
    #[serde(default)]
    pub gains_from_error: Option<bool>,
}

/// Where an actor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActorTrust {
    /// Bound to nothing.
    Outsider,
    /// Bound by contract.
    Partner,
    /// Employed or directed by the operator.
    Internal,
}

/// What an attacker in an actor's place could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Capability {
    /// Writes training records.
    TrainData,
    /// Sets labels.
    Label,
    /// Shapes what the model is asked.
    Input,
    /// Calls the model and sees its answers.
    Query,
    /// Shapes resources the system reads at run time.
    Resource,
    /// Changes or replaces the model, or reads its weights.
    Model,
    /// Changes source code or pipeline definitions.
    SourceControl,
    /// Approves or signs releases.
    Release,
}

/// A part of the system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Stable identifier.
    pub id: Id,
    /// What it is.
    pub kind: ComponentKind,
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// The zone it lies in.
    #[serde(default)]
    pub zone: Option<Id>,
    /// Who runs it.
    #[serde(default)]
    pub owner: Option<Holder>,
    /// What it is built with.
    #[serde(default)]
    pub technology: Option<String>,
    /// Country or cloud region where it keeps or processes data.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether another organisation runs or supplies it.
    #[serde(default)]
    pub third_party: Option<bool>,
    /// Whether a replacement stands ready should that organisation fail.
    #[serde(default)]
    pub alternative: Option<bool>,
    /// Who can change what it holds or how it works. An empty list says: nobody but its own flows.
    #[serde(default)]
    pub writers: Option<Vec<Id>>,
    /// Whether it is claimed to authenticate its callers.
    #[serde(default)]
    pub authenticates: Option<bool>,
    /// Whether it is claimed to limit the rate of each caller.
    #[serde(default)]
    pub rate_limits: Option<bool>,
    /// Whether callers of different rights share it.
    #[serde(default)]
    pub multi_tenant: Option<bool>,
    /// Whether it keeps answers or state that another caller may be given.
    #[serde(default)]
    pub shared_cache: Option<bool>,
    /// Whether what it stores contains personal data.
    #[serde(default)]
    pub personal_data: Option<bool>,
    /// What happens to those who depend on it when it is down.
    #[serde(default)]
    pub on_failure: Option<FailureMode>,
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ComponentKind {
    /// Where records come from.
    DataSource,
    /// A stored table.
    Dataset,
    /// Features computed for training and serving.
    FeatureStore,
    /// Where labels or feedback come from.
    LabelSource,
    /// Training, evaluation or build.
    Pipeline,
    /// A model artifact.
    Model,
    /// A small set of weights over a base model.
    Adapter,
    /// Where released artifacts are kept.
    Registry,
    /// A service that runs a model.
    Inference,
    /// What callers reach first.
    Gateway,
    /// Records of what happened.
    Log,
    /// A person or team in the loop.
    Human,
    /// What the output feeds.
    BusinessProcess,
    /// An application around a language model.
    LlmApp,
    /// A system prompt or template.
    Prompt,
    /// An index for retrieval.
    RagIndex,
    /// Memory that outlives a session.
    Memory,
    /// Something an agent can call.
    Tool,
    /// A server offering tools.
    ToolServer,
    /// Software that plans and acts.
    Agent,
    /// A filter in front of or behind a model.
    Guard,
}

/// What happens to dependants when a component is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureMode {
    /// Decisions go on as if it had agreed.
    Open,
    /// Decisions stop.
    Closed,
    /// A declared other way is taken.
    Fallback,
}

/// Something that moves from one component to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Stable identifier; without one, `from->to` stands in.
    #[serde(default)]
    pub id: Option<Id>,
    /// The component it leaves.
    pub from: Id,
    /// The component it reaches.
    pub to: Id,
    /// What it carries.
    pub carries: Vec<Content>,
    /// Protocol.
    #[serde(default)]
    pub protocol: Option<String>,
    /// Whether both ends are claimed to know each other.
    #[serde(default)]
    pub authenticated: Option<bool>,
    /// Whether it is claimed to be encrypted.
    #[serde(default)]
    pub encrypted: Option<bool>,
    /// Whether its rate is claimed to be limited.
    #[serde(default)]
    pub rate_limited: Option<bool>,
    /// Who can write or alter what it carries, besides those who can write at its origin. An empty list
    /// says: nobody.
    #[serde(default)]
    pub writers: Option<Vec<Id>>,
}

impl Flow {
    /// Identifier, or `from->to`.
    #[must_use]
    pub fn key(&self) -> String {
        self.id.as_ref().map_or_else(|| format!("{}->{}", self.from, self.to), |id| id.to_string())
    }
}

/// What a flow carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Content {
    /// Records to learn from.
    TrainingData,
    /// Labels, or feedback used as labels.
    Labels,
    /// What a model is asked.
    Requests,
    /// What a model answers.
    Responses,
    /// A model file.
    Artifact,
    /// Source code, configuration or pipeline definitions.
    Code,
    /// What was decided.
    Decisions,
    /// Measurements of what runs.
    Telemetry,
    /// Records kept for later.
    Logs,
    /// Documents for retrieval.
    Documents,
}
